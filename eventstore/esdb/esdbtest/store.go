package esdbtest

import (
	"encoding/json"
	"errors"
	"math"
	"sort"
	"strings"
	"sync"
	"time"
)

type expectation int

const (
	anyRevision expectation = iota
	noStream
	streamExists
	exactly
)

type expect struct {
	kind expectation
	rev  int64
}

type proposed struct {
	id         [16]byte
	typ, ctype string
	data, meta []byte
}

type record struct {
	proposed
	pos     uint64
	rev     int64
	stream  string
	created int64 // ticks of 100 ns since 1970
}

// softDeleted is the $tb that hides a whole stream.
const softDeleted = math.MaxInt64

const (
	metadataType  = "$metadata"
	tombstoneType = "$streamDeleted"
	jsonType      = "application/json"
	binaryType    = "application/octet-stream"
)

type stream struct {
	recs       []*record // ascending rev
	last       int64     // -1: nothing was ever written
	tombstoned bool
	tb         int64 // $tb
	maxCount   int64
	maxAge     time.Duration
}

type conflict struct{ current int64 }

func (*conflict) Error() string { return "wrong expected version" }

var errDeleted = errors.New("stream is deleted")

// store is the database: one log, and streams as slices of it. Appends are
// journalled and synced before they show.
type store struct {
	write   sync.Mutex // one write at a time, held over the journal's sync
	journal *journal   // nil: in memory only

	mu      sync.RWMutex // held for moments
	log     []*record
	streams map[string]*stream
	next    uint64 // position of the next record
	changed chan struct{}
}

// firstPosition is not 0, which a client may take for "no position".
const firstPosition = 64

func newStore() *store {
	return &store{streams: map[string]*stream{}, next: firstPosition, changed: make(chan struct{})}
}

// openStore is a store kept in the file at path; an empty path keeps nothing.
func openStore(path string) (*store, error) {
	s := newStore()
	if path == "" {
		return s, nil
	}
	j, err := openJournal(path, s.put)
	s.journal = j
	return s, err
}

func (s *store) close() error {
	s.write.Lock()
	defer s.write.Unlock()
	if s.journal == nil {
		return nil
	}
	return s.journal.close()
}

func (s *store) state(name string) *stream {
	st := s.streams[name]
	if st == nil {
		st = &stream{last: -1}
		s.streams[name] = st
	}
	return st
}

// put shows a record; the caller holds mu or is alone.
func (s *store) put(r *record) {
	s.log = append(s.log, r)
	st := s.state(r.stream)
	st.recs = append(st.recs, r)
	st.last = r.rev
	s.next = r.pos + recordBytes(r)
	if r.typ == tombstoneType {
		st.tombstoned = true
	}
	if of, ok := strings.CutPrefix(r.stream, "$$"); ok && r.typ == metadataType {
		s.state(of).apply(r.data)
	}
}

func recordBytes(r *record) uint64 {
	return 64 + uint64(len(r.data)+len(r.meta)+2*len(r.typ)+len(r.stream))
}

func (st *stream) apply(raw []byte) {
	var m struct {
		TB       int64 `json:"$tb"`
		MaxCount int64 `json:"$maxCount"`
		MaxAge   int64 `json:"$maxAge"` // seconds
	}
	_ = json.Unmarshal(raw, &m)
	st.tb, st.maxCount, st.maxAge = m.TB, m.MaxCount, time.Duration(m.MaxAge)*time.Second
}

// commit journals and shows records that were decided under write.
func (s *store) commit(recs []*record) error {
	if s.journal != nil {
		if err := s.journal.append(recs); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range recs {
		s.put(r)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// at makes the record that follows the given ones.
func (s *store) make(name string, rev int64, p proposed, before []*record) *record {
	pos := s.next
	if n := len(before); n > 0 {
		pos = before[n-1].pos + recordBytes(before[n-1])
	}
	return &record{proposed: p, pos: pos, rev: rev, stream: name, created: time.Now().UnixNano() / 100}
}

// append answers the revision and position of the last event.
func (s *store) append(name string, ex expect, evs []proposed) (int64, uint64, error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	st, meta := s.state(name), s.state("$$"+name)
	s.mu.Unlock()
	if st.tombstoned {
		return 0, 0, errDeleted
	}
	if ex.kind == streamExists {
		switch {
		case st.tb == softDeleted:
			return 0, 0, errDeleted
		case st.last < 0 && meta.last < 0:
			return 0, 0, &conflict{st.last}
		}
	}
	if last := st.repeated(ex, evs); last != nil {
		return last.rev, last.pos, nil
	}
	switch {
	case ex.kind == noStream && st.last >= 0 && st.tb != softDeleted,
		ex.kind == exactly && ex.rev != st.last:
		return 0, 0, &conflict{st.last}
	case len(evs) == 0:
		return st.last, 0, nil
	}
	var recs []*record
	for i, p := range evs {
		recs = append(recs, s.make(name, st.last+1+int64(i), p, recs))
	}
	last := recs[len(recs)-1]
	if st.tb == softDeleted { // writing again shows the new events only
		recs = append(recs, s.metadata(name, map[string]any{"$tb": st.last + 1}, recs))
	}
	return last.rev, last.pos, s.commit(recs)
}

func (s *store) metadata(of string, m map[string]any, before []*record) *record {
	raw, _ := json.Marshal(m)
	s.mu.Lock()
	rev := s.state("$$"+of).last + 1
	s.mu.Unlock()
	return s.make("$$"+of, rev, proposed{id: newID(), typ: metadataType, ctype: jsonType, data: raw}, before)
}

// repeated is the last event of an append that is there already: with an exact
// expectation behind the head, the same ids at exactly the expected places.
func (st *stream) repeated(ex expect, evs []proposed) *record {
	at := ex.rev
	if ex.kind == noStream {
		at = -1
	}
	if len(evs) == 0 || at >= st.last || ex.kind != exactly && ex.kind != noStream {
		return nil
	}
	var last *record
	for i, p := range evs {
		last = st.at(at + 1 + int64(i))
		if last == nil || last.id != p.id {
			return nil
		}
	}
	return last
}

func (st *stream) at(rev int64) *record {
	i := sort.Search(len(st.recs), func(i int) bool { return st.recs[i].rev >= rev })
	if i < len(st.recs) && st.recs[i].rev == rev {
		return st.recs[i]
	}
	return nil
}

// delete hides a stream, or with hard ends it for ever.
func (s *store) delete(name string, ex expect, hard bool) (uint64, error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	st := s.state(name)
	s.mu.Unlock()
	switch {
	case st.tombstoned:
		return 0, errDeleted
	case ex.kind == exactly && ex.rev != st.last,
		ex.kind == noStream && st.last >= 0,
		ex.kind == streamExists && st.last < 0,
		!hard && st.last < 0:
		return 0, &conflict{st.last}
	}
	r := s.metadata(name, map[string]any{"$tb": int64(softDeleted)}, nil)
	if hard {
		r = s.make(name, math.MaxInt64, proposed{id: newID(), typ: tombstoneType, ctype: binaryType}, nil)
	}
	return r.pos, s.commit([]*record{r})
}
