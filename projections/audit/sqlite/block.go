package sqlite

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
)

// blockVersion begins every stored block.
const blockVersion = 1

var errBlock = errors.New("a stored block of events is damaged")

// dict gives the values of a block small numbers from 1, in order of first
// appearance; 0 is the absent value. roles says in what columns each was seen.
type dict[T comparable] struct {
	refs   map[T]uint64
	values []T
	roles  []byte
}

// ref numbers v and reports whether it is new in the column role.
func (d *dict[T]) ref(v T, role byte) (ref uint64, first bool) {
	var zero T
	if v == zero {
		return 0, false
	}
	ref, ok := d.refs[v]
	if !ok {
		ref = d.append(v)
	}
	first = d.roles[ref-1]&role == 0
	d.roles[ref-1] |= role
	return ref, first
}

func (d *dict[T]) append(v T) uint64 {
	if d.refs == nil {
		d.refs = map[T]uint64{}
	}
	d.values, d.roles = append(d.values, v), append(d.roles, 0)
	d.refs[v] = uint64(len(d.values))
	return d.refs[v]
}

func (d *dict[T]) at(ref uint64) (v T, ok bool) {
	if ref == 0 || ref > uint64(len(d.values)) {
		return v, ref == 0
	}
	return d.values[ref-1], true
}

// The columns that have postings.
const (
	roleType byte = 1 << iota
	roleSubject
	roleActor
	roleSource
	rolePurpose
	roleNone
)

// block is the events of 1<<blockBits positions from n<<blockBits on, as far as
// there are. It is stored as its version, the codes with their lengths before
// them, the ids, and the rows, each list with its length before it, integers as
// varints: every block is read without anything else.
type block struct {
	n     int64
	codes dict[string]
	ids   dict[domain.ID]
	count uint64
	rows  []byte
}

// add appends f and calls post for each value that is new in a column of the
// block.
func (b *block) add(f projections.Fact, purposes []string, post func(role byte, value []byte)) {
	w := append(b.rows, f.ID[:]...)
	code := func(v string, role byte) bool {
		ref, first := b.codes.ref(v, role)
		w = binary.AppendUvarint(w, ref)
		return first
	}
	agent := func(id domain.ID, role byte) {
		ref, first := b.ids.ref(id, role)
		if first {
			post(role, id[:])
		}
		w = binary.AppendUvarint(w, ref)
	}
	if code(string(f.Type), roleType) {
		post(roleType, []byte(f.Type))
	}
	agent(f.Subject, roleSubject)
	agent(f.Source, roleSource)
	agent(f.Actor, roleActor)
	code(f.Controller, roleNone)
	if code(strings.Join(purposes, ","), rolePurpose) {
		for _, p := range purposes {
			post(rolePurpose, []byte(p))
		}
	}
	w = binary.AppendVarint(w, f.Time.UnixMicro())
	w = binary.AppendVarint(w, f.Recorded.UnixMicro()-f.Time.UnixMicro())
	w = binary.AppendVarint(w, f.Policy)
	flags := uint64(len(f.Warnings)) << 1
	if len(f.Lacks) > 0 {
		flags |= 1
	}
	b.rows = binary.AppendUvarint(w, flags)
	b.count++
}

func (b *block) appendTo(dst []byte) []byte {
	w := binary.AppendUvarint(append(dst, blockVersion), uint64(len(b.codes.values)))
	for _, v := range b.codes.values {
		w = append(binary.AppendUvarint(w, uint64(len(v))), v...)
	}
	w = binary.AppendUvarint(w, uint64(len(b.ids.values)))
	for _, v := range b.ids.values {
		w = append(w, v[:]...)
	}
	return append(binary.AppendUvarint(w, b.count), b.rows...)
}

// readBlock reads a stored block; the rows are only read by row.
func readBlock(n int64, data []byte) (*block, error) {
	r := &blockReader{b: data}
	b := &block{n: n}
	if r.take(1)[0] != blockVersion {
		return nil, errBlock
	}
	for range r.count() {
		b.codes.append(string(r.take(r.uint())))
	}
	for range r.count() {
		b.ids.append(domain.ID(r.take(16)))
	}
	b.count, b.rows = r.uint(), r.b
	if r.bad || b.count > 1<<blockBits {
		return nil, errBlock
	}
	return b, nil
}

type blockReader struct {
	b   []byte
	bad bool
}

// take returns n bytes, or some zeros if there are not so many.
func (r *blockReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return make([]byte, min(n, 16))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *blockReader) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *blockReader) int() int64 {
	n := r.uint()
	return int64(n>>1) ^ -int64(n&1)
}

// count reads the length of a list, of members of at least one byte.
func (r *blockReader) count() uint64 {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return n
}

// match is what a filter asks of the rows of one block: numbers of its dicts,
// 0 for what is not asked.
type match struct {
	kind, subject, source, actor uint64
	without                      uint64 // the kind that does not meet it
	purposes                     []bool // by number of a code; nil: not asked
	time, recorded               [2]int64
}

// match translates f; ok is false if no row of the block can meet it.
func (b *block) match(f audit.Filter) (m match, ok bool) {
	ok = true
	find := func(v domain.ID) uint64 {
		ref := b.ids.refs[v]
		ok = ok && (v.IsZero() || ref != 0)
		return ref
	}
	m.subject, m.source, m.actor = find(f.Subject), find(f.Source), find(f.Account)
	if f.Type != "" {
		m.kind = b.codes.refs[string(f.Type)]
		ok = ok && m.kind != 0
	}
	if f.Without != "" {
		m.without = b.codes.refs[string(f.Without)]
	}
	if f.Purpose != "" {
		m.purposes = make([]bool, len(b.codes.values)+1)
		for i, v := range b.codes.values {
			m.purposes[i+1] = slices.Contains(split(v), f.Purpose)
		}
		ok = ok && slices.Contains(m.purposes, true)
	}
	m.time[0], m.time[1] = micros(f.Time)
	m.recorded[0], m.recorded[1] = micros(f.Recorded)
	return m, ok
}

// ordered calls fn for the rows that meet f in the order that f asks for, until it
// returns false.
func (b *block) ordered(f audit.Filter, fn func(audit.Event) bool) error {
	if !f.Newest {
		return b.events(f, fn)
	}
	var all []audit.Event
	err := b.events(f, func(e audit.Event) bool {
		all = append(all, e)
		return true
	})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(all) {
		if !fn(e) {
			return nil
		}
	}
	return nil
}

// events calls fn for the rows that meet f, until it returns false.
func (b *block) events(f audit.Filter, fn func(audit.Event) bool) error {
	m, ok := b.match(f)
	if !ok {
		return nil
	}
	r := &blockReader{b: b.rows}
	for i := range b.count {
		id := domain.ID(r.take(16))
		kind, subject, source, actor := r.uint(), r.uint(), r.uint(), r.uint()
		controller, purposes := r.uint(), r.uint()
		at := r.int()
		recorded := at + r.int()
		policy, flags := r.int(), r.uint()
		if r.bad {
			return errBlock
		}
		position := domain.Position(uint64(b.n)<<blockBits | i)
		if position < f.Cursor || f.Before > 0 && position >= f.Before || m.kind != 0 && kind != m.kind || m.without != 0 && kind == m.without || m.subject != 0 && subject != m.subject ||
			m.source != 0 && source != m.source || m.actor != 0 && actor != m.actor ||
			m.purposes != nil && (purposes >= uint64(len(m.purposes)) || !m.purposes[purposes]) ||
			at < m.time[0] || at >= m.time[1] || recorded < m.recorded[0] || recorded >= m.recorded[1] {
			continue
		}
		e := audit.Event{Position: position, ID: id, Time: instant(at), Recorded: instant(recorded), Policy: policy,
			Warnings: int(flags >> 1), Unproven: flags&1 == 1}
		var known [6]bool
		var codes [3]string
		codes[0], known[0] = b.codes.at(kind)
		codes[1], known[1] = b.codes.at(controller)
		codes[2], known[2] = b.codes.at(purposes)
		e.Subject, known[3] = b.ids.at(subject)
		e.Source, known[4] = b.ids.at(source)
		e.Actor, known[5] = b.ids.at(actor)
		if known != [6]bool{true, true, true, true, true, true} {
			return errBlock
		}
		e.Type, e.Controller, e.Purposes = event.Type(codes[0]), codes[1], split(codes[2])
		if !fn(e) {
			return nil
		}
	}
	if len(r.b) > 0 {
		return errBlock
	}
	return nil
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func instant(micros int64) domain.Time { return domain.NewTime(time.UnixMicro(micros)) }
