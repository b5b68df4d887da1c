package sqlite

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// ownerState is what the index keeps of an owner: the revision of its key row,
// where its wrapped keys lie or lay (0: none), and whether, by which fact and when
// (µs) they were destroyed.
type ownerState struct {
	rev       int64
	slot      int64
	destroyed bool
	by        domain.ID
	at        int64
}

// linked is what a token is linked to; the zero id that the link went.
type linked struct {
	id  domain.ID
	mac vault.MAC
}

// posting says that a row holds something of an owner, by the owner's hash.
type posting struct{ owner, seq int64 }

// generation is a set of index entries that are durable in journals and not yet
// in the trees.
type generation struct {
	events   map[domain.ID]int64
	links    map[token.Token]linked
	owners   map[part.Owner]ownerState
	postings map[int64][]int64
	size     int   // entries
	last     int64 // number of the youngest journal in it
}

func newGeneration() *generation {
	return &generation{
		events:   map[domain.ID]int64{},
		links:    map[token.Token]linked{},
		owners:   map[part.Owner]ownerState{},
		postings: map[int64][]int64{},
	}
}

// delta is what one transaction adds to the index.
type delta struct {
	events   map[domain.ID]int64
	links    map[token.Token]linked
	owners   map[part.Owner]ownerState
	postings []posting
}

func newDelta(rows int) *delta {
	return &delta{
		events: make(map[domain.ID]int64, rows),
		links:  make(map[token.Token]linked, rows),
		owners: make(map[part.Owner]ownerState),
	}
}

func (d *delta) size() int {
	return len(d.events) + len(d.links) + len(d.owners) + len(d.postings)
}

// hashOwner spreads owners over the posting index. Owners that share a hash
// share postings; rows name their owners in full.
func hashOwner(o part.Owner) int64 {
	h := binary.BigEndian.Uint64(o.ID[:8]) ^ binary.BigEndian.Uint64(o.ID[8:]) ^ uint64(o.Kind)
	return int64(h)
}

func (g *generation) add(d *delta, number int64) {
	maps.Copy(g.events, d.events)
	maps.Copy(g.links, d.links)
	maps.Copy(g.owners, d.owners)
	for _, p := range d.postings {
		g.postings[p.owner] = append(g.postings[p.owner], p.seq)
	}
	g.size += d.size()
	g.last = number
}

// encode writes the journal of a transaction: four sections of count(4) and
// fixed entries.
func (d *delta) encode() []byte {
	b := make([]byte, 0, 16+24*len(d.events)+64*len(d.links)+34*len(d.owners)+16*len(d.postings))
	b = binary.BigEndian.AppendUint32(b, uint32(len(d.events)))
	for id, seq := range d.events {
		b = binary.BigEndian.AppendUint64(append(b, id[:]...), uint64(seq))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(d.links)))
	for t, l := range d.links {
		b = append(append(append(b, t[:]...), l.id[:]...), l.mac[:]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(d.owners)))
	for o, s := range d.owners {
		b = binary.BigEndian.AppendUint64(appendOwner(b, o), uint64(s.rev))
		b = binary.BigEndian.AppendUint64(b, uint64(s.slot))
		if b = append(b, bit(s.destroyed)); s.destroyed {
			b = binary.BigEndian.AppendUint64(append(b, s.by[:]...), uint64(s.at))
		}
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(d.postings)))
	for _, p := range d.postings {
		b = binary.BigEndian.AppendUint64(b, uint64(p.owner))
		b = binary.BigEndian.AppendUint64(b, uint64(p.seq))
	}
	return b
}

// decodeDelta reads a journal; those of version 4 have no MACs.
func decodeDelta(b []byte, macs bool) (*delta, error) {
	r := reader{b: b}
	count := func() int { return int(binary.BigEndian.Uint32(r.take(4))) }
	d := newDelta(0)
	for n := count(); n > 0 && !r.bad; n-- {
		id := domain.ID(r.take(16))
		d.events[id] = r.int64()
	}
	for n := count(); n > 0 && !r.bad; n-- {
		t := token.Token(r.take(32))
		l := linked{id: domain.ID(r.take(16))}
		if macs {
			l.mac = vault.MAC(r.take(16))
		}
		d.links[t] = l
	}
	for n := count(); n > 0 && !r.bad; n-- {
		o := r.owner()
		s := ownerState{rev: r.int64(), slot: r.int64(), destroyed: r.take(1)[0] == 1}
		if s.destroyed {
			s.by, s.at = domain.ID(r.take(16)), r.int64()
		}
		d.owners[o] = s
	}
	for n := count(); n > 0 && !r.bad; n-- {
		d.postings = append(d.postings, posting{owner: r.int64(), seq: r.int64()})
	}
	if r.bad || len(r.b) != 0 {
		return nil, errDamaged
	}
	return d, nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// sweep moves a frozen generation into the trees, a slice per transaction, in
// key order, so that neighbours share the pages they dirty. Entries are put
// with OR REPLACE: after a crash it starts over.
type sweep struct {
	gen      *generation
	events   []domain.ID
	links    []token.Token
	owners   []part.Owner
	postings []posting
	at       int // entries moved, over the four lists
}

func newSweep(g *generation) *sweep {
	s := &sweep{
		gen:    g,
		events: slices.SortedFunc(maps.Keys(g.events), func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) }),
		links:  slices.SortedFunc(maps.Keys(g.links), func(a, b token.Token) int { return bytes.Compare(a[:], b[:]) }),
		owners: slices.SortedFunc(maps.Keys(g.owners), func(a, b part.Owner) int {
			return cmp.Or(bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Kind, b.Kind))
		}),
	}
	for _, h := range slices.Sorted(maps.Keys(g.postings)) {
		for _, seq := range g.postings[h] {
			s.postings = append(s.postings, posting{h, seq})
		}
	}
	return s
}

func (s *sweep) size() int { return len(s.events) + len(s.links) + len(s.owners) + len(s.postings) }

// step moves up to n entries and returns where it stopped. The caller keeps
// that in s.at once the transaction is durable.
func (s *sweep) step(c *conn, n int) (int, error) {
	to := min(s.at+n, s.size())
	for i := s.at; i < to; i++ {
		if err := s.put(c, i); err != nil {
			return s.at, err
		}
	}
	return to, nil
}

func (s *sweep) put(c *conn, i int) (err error) {
	if i < len(s.events) {
		id := s.events[i]
		_, err = c.exec("INSERT OR REPLACE INTO intake VALUES (?,?)", id[:], s.gen.events[id])
		return err
	}
	if i -= len(s.events); i < len(s.links) {
		t := s.links[i]
		l := s.gen.links[t]
		if l.id.IsZero() {
			_, err = c.exec("DELETE FROM link WHERE token=?", t[:])
			return err
		}
		_, err = c.exec("INSERT OR REPLACE INTO link VALUES (?,?,?)", t[:], l.id[:], someMAC(l.mac))
		return err
	}
	if i -= len(s.links); i < len(s.owners) {
		o := s.owners[i]
		v := s.gen.owners[o]
		_, err = c.exec("INSERT OR REPLACE INTO owner VALUES (?,?,?,?,?,?)", ownerKey(o), v.rev, v.slot, int64(bit(v.destroyed)), v.by[:], v.at)
		return err
	}
	p := s.postings[i-len(s.owners)]
	_, err = c.exec("INSERT OR REPLACE INTO posting VALUES (?,?)", p.owner, p.seq)
	return err
}

// ownerKey has the random bytes first.
func ownerKey(o part.Owner) []byte { return append(o.ID[:], byte(o.Kind)) }
