package crm

import (
	"encoding/binary"
	"errors"
	"time"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/projections/internal/sqlfile"
)

// stateVersion begins every stored contact.
const stateVersion = 3

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

func (w *writer) id(id domain.ID) { w.b = append(w.b, id[:]...) }

func (w *writer) stamp(s Stamp) {
	w.time(s.Time)
	w.uint(uint64(s.Position))
}

// origin is an event that pointers point to.
type origin struct {
	event domain.ID
	Stamp
}

// origins are the events of c's pointers, once each, in order of first use, with
// the place of each pointer's.
func (c *Contact) origins() (list []origin, at []int) {
	at = make([]int, len(c.Fields))
	for i := range c.Fields {
		p := &c.Fields[i]
		n := len(list) - 1
		for n >= 0 && list[n].event != p.Event {
			n--
		}
		if at[i] = n; n < 0 {
			at[i] = len(list)
			list = append(list, origin{p.Event, p.Stamp})
		}
	}
	return list, at
}

// appendState encodes c: version, then its members in order, lists with their
// lengths before them, times in µs, integers as varints. Of tokens it has the
// cells they lie in, or, for a dump, only how many there are.
func (c *Contact) appendState(dst []byte, cells bool) []byte {
	w := &writer{append(dst, stateVersion)}
	origins, at := c.origins()
	w.uint(uint64(len(origins)))
	for i := range origins {
		w.id(origins[i].event)
		w.stamp(origins[i].Stamp)
	}
	w.uint(uint64(len(c.Fields)))
	for i := range c.Fields {
		p := &c.Fields[i]
		w.text(p.Path)
		w.uint(uint64(at[i]))
		w.text(p.Class)
		w.text(p.Epoch)
		w.flag(p.Unset)
	}
	w.text(c.Kind)
	w.flag(c.Professional)
	w.time(c.LastActivity)
	for _, s := range []Stamp{c.seen, c.gone, c.Deceased} {
		w.stamp(s)
	}
	for _, marks := range [][]Mark{c.Restrictions, c.Holds} {
		w.uint(uint64(len(marks)))
		for _, m := range marks {
			w.id(m.Event)
			w.stamp(m.Stamp)
		}
	}
	w.uint(uint64(len(c.Controllers)))
	for _, s := range c.Controllers {
		w.text(s)
	}
	w.uint(uint64(len(c.Sources)))
	for _, id := range c.Sources {
		w.id(id)
	}
	w.uint(uint64(len(c.edges)))
	for _, e := range c.edges {
		w.id(e.into)
		w.flag(e.merged)
		w.stamp(e.Stamp)
	}
	w.uint(uint64(len(c.tokens)))
	for _, h := range c.tokens {
		w.b = append(w.b, byte(h.field), kindByte(h.kind))
		if cells {
			w.uint(uint64(h.cell))
		}
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
	origins := make([]origin, r.count())
	for i := range origins {
		origins[i] = origin{r.id(), r.stamp()}
	}
	c.Fields = make([]Pointer, r.count())
	for i := range c.Fields {
		p := &c.Fields[i]
		p.Path = r.text()
		n := r.uint()
		if n >= uint64(len(origins)) {
			return errState
		}
		p.Event, p.Stamp = origins[n].event, origins[n].Stamp
		p.Class = r.text()
		p.Epoch = r.text()
		p.Unset = r.uint() == 1
	}
	c.Kind = r.text()
	c.Professional = r.uint() == 1
	c.LastActivity = r.time()
	c.seen, c.gone, c.Deceased = r.stamp(), r.stamp(), r.stamp()
	for _, marks := range []*[]Mark{&c.Restrictions, &c.Holds} {
		*marks = make([]Mark, r.count())
		for i := range *marks {
			(*marks)[i] = Mark{r.id(), r.stamp()}
		}
	}
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
		h := r.take(2)
		if r.bad || h[1] == 0 || int(h[1]) >= len(kinds) {
			return errState
		}
		c.tokens[i] = held{field: token.Field(h[0]), kind: kinds[h[1]], cell: int64(r.uint())}
	}
	if r.bad || len(r.b) > 0 {
		return errState
	}
	c.derive()
	return nil
}

// readSlot decodes what a slot holds.
func (c *Contact) readSlot(row []byte) error {
	data, err := sqlfile.SlotData(row)
	if err != nil {
		return err
	}
	return c.readState(data)
}
