package crm

import (
	"encoding/binary"
	"errors"
	"time"

	"greffe/domain"
	"greffe/domain/token"
)

// stateVersion begins every stored contact.
const stateVersion = 1

var errState = errors.New("a stored contact is not of a known form")

// names are the strings stored as one number; codes not listed are written out.
// They are only ever added to, at the end.
var names = [...]string{"", "kind", "professional", "collection.channel", "collection.collected_at", "collection.legal_basis",
	"collection.purposes", "collection.sale.kind", "collection.sale.objection_offered", "person.given_name", "person.family_name",
	"person.birth_date", "person.emails", "person.phones", "person.postal_address", "person.language", "person.time_zone",
	"company.name", "company.siren", "company.role", "collection.origin", "collection.notice.id", "collection.notice.version",
	"collection.notice.language", "collection.sale.reference", "notes", "last_activity_at", "identity", "contact_details",
	"commercial", "contract", "billing", "recruitment", "evidence", "requests", "prospect", "client", "former_client", "candidate",
	"supplier_contact"}

// slots finds a name's number by a cheap hash; 0 is a free slot, else the number
// plus one. It is never written to again.
var slots = func() (table [256]uint8) {
	for n, name := range names {
		i := slot(name)
		for ; table[i] != 0; i++ {
		}
		table[i] = uint8(n + 1)
	}
	return table
}()

func slot(s string) uint8 {
	if s == "" {
		return 0
	}
	return uint8(len(s))*37 + s[len(s)-1]*11 + s[len(s)/2]*5
}

func number(s string) int {
	for i := slot(s); slots[i] != 0; i++ {
		if n := int(slots[i]) - 1; names[n] == s {
			return n
		}
	}
	return -1
}

// writer appends; equal contacts give equal bytes.
type writer struct{ b []byte }

func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) text(s string) {
	if n := number(s); n >= 0 {
		w.uint(uint64(n) << 1)
		return
	}
	w.uint(uint64(len(s))<<1 | 1)
	w.b = append(w.b, s...)
}

func (w *writer) flag(v bool) {
	if v {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *writer) time(t domain.Time) {
	if t.IsZero() {
		w.b = binary.AppendVarint(w.b, 0)
		return
	}
	n := t.UnixMicro()
	if n >= 0 {
		n++ // 0 is the absent time
	}
	w.b = binary.AppendVarint(w.b, n)
}

func (w *writer) stamp(s Stamp) {
	w.time(s.Time)
	w.uint(uint64(s.Position))
}

// appendState encodes c: version, then its members in order, lists with their
// lengths before them, times in µs, integers as varints. The events of pointers
// come once each, in order of first use.
func (c *Contact) appendState(dst []byte) []byte {
	w := &writer{append(dst, stateVersion)}
	var events []domain.ID
	index := func(id domain.ID) int {
		for i := len(events) - 1; i >= 0; i-- {
			if events[i] == id {
				return i
			}
		}
		events = append(events, id)
		return len(events) - 1
	}
	for i := range c.Fields {
		index(c.Fields[i].Event)
	}
	w.uint(uint64(len(events)))
	for _, id := range events {
		w.b = append(w.b, id[:]...)
	}
	w.uint(uint64(len(c.Fields)))
	for i := range c.Fields {
		p := &c.Fields[i]
		w.text(p.Path)
		w.uint(uint64(index(p.Event)))
		w.text(p.Class)
		w.flag(p.Unset)
		w.stamp(p.Stamp)
	}
	w.text(c.Kind)
	w.flag(c.Professional)
	w.time(c.LastActivity)
	for _, s := range []Stamp{c.seen, c.gone, c.Restricted, c.Deceased} {
		w.stamp(s)
	}
	w.uint(uint64(len(c.Controllers)))
	for _, s := range c.Controllers {
		w.text(s)
	}
	w.uint(uint64(len(c.Sources)))
	for _, id := range c.Sources {
		w.b = append(w.b, id[:]...)
	}
	w.uint(uint64(len(c.edges)))
	for _, e := range c.edges {
		w.b = append(w.b, e.into[:]...)
		w.flag(e.merged)
		w.stamp(e.Stamp)
	}
	w.uint(uint64(len(c.tokens)))
	for _, h := range c.tokens {
		w.b = append(w.b, byte(h.field), kindByte(h.kind))
		w.b = append(w.b, h.token[:]...)
	}
	return w.b
}

var kinds = [...]token.Kind{1: token.KindEmail, 2: token.KindPhone, 3: token.KindName}

func kindByte(k token.Kind) byte {
	for i, known := range kinds {
		if i > 0 && k == known {
			return byte(i)
		}
	}
	return 0
}

// reader reads what writer wrote; bad becomes true at the first damage.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return make([]byte, min(n, 64))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads a length, of members that take at least one byte each.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.uint()
	if n&1 == 1 {
		return string(r.take(n >> 1))
	}
	if n>>1 >= uint64(len(names)) {
		r.bad = true
		return ""
	}
	return names[n>>1]
}

func (r *reader) id() domain.ID { return domain.ID(r.take(16)) }

func (r *reader) time() domain.Time {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad = true
		return domain.Time{}
	}
	r.b = r.b[size:]
	if n == 0 {
		return domain.Time{}
	}
	if n > 0 {
		n--
	}
	return domain.NewTime(time.UnixMicro(n))
}

func (r *reader) stamp() Stamp { return Stamp{r.time(), domain.Position(r.uint())} }

// readState decodes a stored contact into c.
func (c *Contact) readState(b []byte) error {
	r := &reader{b: b}
	if v := r.take(1); v[0] != stateVersion {
		return errState
	}
	events := make([]domain.ID, r.count())
	for i := range events {
		events[i] = r.id()
	}
	c.Fields = make([]Pointer, r.count())
	for i := range c.Fields {
		p := &c.Fields[i]
		p.Path = r.text()
		n := r.uint()
		if n >= uint64(len(events)) {
			return errState
		}
		p.Event = events[n]
		p.Class = r.text()
		p.Unset = r.uint() == 1
		p.Stamp = r.stamp()
	}
	c.Kind = r.text()
	c.Professional = r.uint() == 1
	c.LastActivity = r.time()
	c.seen, c.gone, c.Restricted, c.Deceased = r.stamp(), r.stamp(), r.stamp(), r.stamp()
	c.Controllers = make([]string, r.count())
	for i := range c.Controllers {
		c.Controllers[i] = r.text()
	}
	c.Sources = make([]domain.ID, r.count())
	for i := range c.Sources {
		c.Sources[i] = r.id()
	}
	c.edges = make([]edge, r.count())
	for i := range c.edges {
		c.edges[i] = edge{r.id(), r.uint() == 1, r.stamp()}
	}
	c.tokens = make([]held, r.count())
	for i := range c.tokens {
		h := r.take(2 + 32)
		if r.bad || h[1] == 0 || int(h[1]) >= len(kinds) {
			return errState
		}
		c.tokens[i] = held{token.Field(h[0]), kinds[h[1]], token.Token(h[2:])}
	}
	if r.bad || len(r.b) > 0 {
		return errState
	}
	c.derive()
	return nil
}
