package completeness

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// ErrState: bytes that AppendState did not write.
var ErrState = errors.New("not a state of completeness")

const stateVersion = 1

// AppendState appends the one form of numbering and habit to dst, to be kept.
func AppendState(dst []byte, n *Numbering, h *Habit) []byte {
	put := func(vs ...int64) {
		for _, v := range vs {
			dst = binary.AppendVarint(dst, v)
		}
	}
	gaps := func(all []Gap) {
		put(int64(len(all)))
		at := int64(0)
		for _, g := range all {
			put(g.Run, g.From-at, g.To-g.From)
			at = g.To
		}
	}
	put(stateVersion, n.Count, n.Late, n.Repeats, n.UnlistedGaps, n.UnlistedNumbers, n.before, n.missing)
	put(int64(len(n.seen)))
	put(n.seen...)
	gaps(n.past)
	put(int64(len(n.runs)))
	for i := range n.runs {
		r := &n.runs[i]
		put(r.first, r.last)
		gaps(r.gaps)
	}
	known := int64(0)
	if h.known {
		known = 1
	}
	put(h.last, h.hour, h.expected, known)
	for _, w := range h.active {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

// reader reads what AppendState wrote; bad once something was not so.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) into(vs ...*int64) {
	for _, v := range vs {
		*v = r.int()
	}
}

// count is a length of at most most.
func (r *reader) count(most int64) int {
	n := r.int()
	if n < 0 || n > most {
		r.b, r.bad = nil, true
		return 0
	}
	return int(n)
}

func (r *reader) gaps() (all []Gap) {
	at := int64(0)
	for range r.count(MaxGaps) {
		g := Gap{Run: r.int(), From: at + r.int()}
		g.To = g.From + r.int()
		at = g.To
		all = append(all, g)
	}
	return all
}

// ParseState reads what AppendState wrote and nothing else. The error is ErrState.
func ParseState(b []byte) (*Numbering, *Habit, error) {
	r := &reader{b: b}
	if r.int() != stateVersion {
		return nil, nil, ErrState
	}
	n, h := new(Numbering), new(Habit)
	r.into(&n.Count, &n.Late, &n.Repeats, &n.UnlistedGaps, &n.UnlistedNumbers, &n.before, &n.missing)
	for range r.count(restartSeen) {
		n.seen = append(n.seen, r.int())
	}
	n.past = r.gaps()
	for range r.count(2) {
		var x run
		r.into(&x.first, &x.last)
		x.gaps = r.gaps()
		n.runs = append(n.runs, x)
	}
	var known int64
	r.into(&h.last, &h.hour, &h.expected, &known)
	h.known = known == 1
	if r.bad || known>>1 != 0 || len(r.b) != 8*len(h.active) {
		return nil, nil, ErrState
	}
	for i := range h.active {
		h.active[i] = binary.LittleEndian.Uint64(r.b[8*i:])
	}
	if !bytes.Equal(AppendState(nil, n, h), b) { // a number has one form
		return nil, nil, ErrState
	}
	return n, h, nil
}
