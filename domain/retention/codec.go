package retention

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
)

// ErrClocks: the bytes are no clocks that AppendBinary wrote.
var ErrClocks = errors.New("stored retention clocks are damaged")

// codecVersion is the first byte. A read model that stores clocks is built anew when
// it changes.
const codecVersion = 1

// flags of a person.
const (
	flagOpposed = 1 << iota
	flagLinked
	flagRetermed
	flagElectronic
)

// AppendBinary appends c's one byte form: some 60 bytes and 20 more a part.
func (c *Clocks) AppendBinary(b []byte) []byte {
	b = append(append(b, codecVersion, c.flags()), c.Subject[:]...)
	b = binary.AppendUvarint(b, uint64(len(c.Kinds)))
	for _, k := range c.Kinds {
		b = appendWord(b, policy.ContactKinds(), k)
	}
	b = binary.AppendUvarint(b, uint64(c.kindAt.Position))
	for _, t := range c.times() {
		b = appendTime(b, *t)
	}
	for _, n := range [...]int64{c.Contracts.Started, c.Contracts.Ended, c.Contracts.Termed} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, ids := range [...][]domain.ID{c.Requests, c.Holds, c.Restrictions} {
		b = binary.AppendUvarint(b, uint64(len(ids)))
		for i := range ids {
			b = append(b, ids[i][:]...)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(c.Asked)))
	for _, a := range c.Asked {
		b = appendTime(appendText(b, a.Purpose), a.At)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Parts)))
	classes := policy.ClassCodes()
	for i := range c.Parts {
		p := &c.Parts[i]
		b = appendText(appendWord(b, classes, p.Class), epochIn(p.Epoch))
		for _, t := range [...]time.Time{p.Last, p.Invoice, p.Archived, p.Generalised} {
			b = appendTime(b, t)
		}
	}
	return b
}

// times are all single times of c, in the order in which they are written.
func (c *Clocks) times() [14]*time.Time {
	k := &c.Contracts
	return [...]*time.Time{&c.kindAt.Time, &c.Collected, &c.LastAct, &c.Deceased, &c.Recruited, &c.Former, &c.ConsentEnd, &c.RequestClosed,
		&c.Stripped, &c.Erased, &k.LastStart, &k.LastEnd, &k.LastTerm, &k.Delivered}
}

func (c *Clocks) flags() (f byte) {
	for i, on := range [...]bool{c.Opposed, c.Linked, c.Contracts.Retermed, c.Contracts.Electronic} {
		if on {
			f |= 1 << i
		}
	}
	return f
}

// Linked reads of stored clocks whether a merge was recorded.
func Linked(b []byte) bool { return len(b) > 1 && b[1]&flagLinked != 0 }

// Decode reads what AppendBinary wrote; ErrClocks.
func Decode(b []byte) (*Clocks, error) {
	r := reader{b: b}
	if r.byte() != codecVersion {
		return nil, ErrClocks
	}
	flags := r.byte()
	c := &Clocks{Subject: r.id(), Opposed: flags&flagOpposed != 0, Linked: flags&flagLinked != 0}
	c.Contracts.Retermed, c.Contracts.Electronic = flags&flagRetermed != 0, flags&flagElectronic != 0
	for range r.count() {
		c.Kinds = append(c.Kinds, r.word(policy.ContactKinds()))
	}
	c.kindAt.Position = domain.Position(r.uvarint())
	for _, t := range c.times() {
		*t = r.time()
	}
	for _, n := range [...]*int64{&c.Contracts.Started, &c.Contracts.Ended, &c.Contracts.Termed} {
		*n = int64(r.uvarint())
	}
	for _, ids := range [...]*[]domain.ID{&c.Requests, &c.Holds, &c.Restrictions} {
		for range r.count() {
			*ids = append(*ids, r.id())
		}
	}
	for range r.count() {
		c.Asked = append(c.Asked, Asked{r.text(), r.time()})
	}
	if n := r.count(); n > 0 {
		c.Parts = make([]Part, n)
	}
	classes := policy.ClassCodes()
	for i := range c.Parts {
		c.Parts[i] = Part{r.word(classes), epochOut(r.text()), r.time(), r.time(), r.time(), r.time()}
	}
	if r.bad || len(r.b) != 0 || flags >= flagElectronic<<1 {
		return nil, ErrClocks
	}
	return c, nil
}

// epochIn writes the most frequent epoch as nothing.
func epochIn(s string) string {
	if s == policy.EpochWhole {
		return ""
	}
	return s
}

func epochOut(s string) string {
	if s == "" {
		return policy.EpochWhole
	}
	return s
}

// appendWord writes a member of a closed list as its number from 1, another word as 0
// and itself.
func appendWord(b []byte, list []string, word string) []byte {
	i := slices.Index(list, word) + 1
	b = append(b, byte(i))
	if i == 0 {
		b = appendText(b, word)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime writes microseconds since 1970, zigzag; no time as 0, and what would be 0
// a microsecond later.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	micros := t.UnixMicro()
	if micros == 0 {
		micros = 1
	}
	return binary.AppendVarint(b, micros)
}

// reader reads; once anything is missing it is bad, and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) id() (id domain.ID) {
	copy(id[:], r.take(len(id)))
	return id
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.take(-1)
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count is a number of things that take a byte each at least.
func (r *reader) count() int {
	if n := r.uvarint(); n <= uint64(len(r.b)) {
		return int(n)
	}
	r.take(-1)
	return 0
}

func (r *reader) text() string { return string(r.take(r.count())) }

func (r *reader) word(list []string) string {
	i := int(r.byte())
	switch {
	case i == 0:
		return r.text()
	case i <= len(list):
		return list[i-1]
	}
	r.take(-1)
	return ""
}

func (r *reader) time() time.Time {
	micros, size := binary.Varint(r.b)
	if size <= 0 {
		r.take(-1)
		return time.Time{}
	}
	r.b = r.b[size:]
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
