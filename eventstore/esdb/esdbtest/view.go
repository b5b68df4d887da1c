package esdbtest

import (
	"math"
	"sort"
	"time"
)

// view is the store as one node sees it: a node that does not lead may be
// behind and sees the records before limit only.
type view struct {
	s     *store
	limit uint64
}

// visible is what of a stream can be read; the caller holds mu.
func (v view) visible(name string) ([]*record, error) {
	st := v.s.streams[name]
	switch {
	case st != nil && st.tombstoned:
		return nil, errDeleted
	case st == nil || st.last < 0 || st.tb == softDeleted:
		return nil, errNoStream
	}
	recs := st.recs
	if v.limit != math.MaxUint64 {
		recs = recs[:sort.Search(len(recs), func(i int) bool { return recs[i].pos >= v.limit })]
		if len(recs) == 0 {
			return nil, errNoStream
		}
	}
	first := st.tb
	if st.maxCount > 0 {
		first = max(first, st.last-st.maxCount+1)
	}
	recs = recs[sort.Search(len(recs), func(i int) bool { return recs[i].rev >= first }):]
	if st.maxAge > 0 {
		cut := time.Now().Add(-st.maxAge).UnixNano() / 100
		recs = recs[sort.Search(len(recs), func(i int) bool { return recs[i].created >= cut }):]
	}
	return recs, nil
}

// stream returns up to n records from rev on; rev < 0 backwards is the end.
func (v view) stream(name string, rev int64, back bool, n int) ([]*record, error) {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	recs, err := v.visible(name)
	if err != nil {
		return nil, err
	}
	if !back {
		i := sort.Search(len(recs), func(i int) bool { return recs[i].rev >= rev })
		return recs[i:min(i+n, len(recs))], nil
	}
	end := len(recs)
	if rev >= 0 {
		end = sort.Search(len(recs), func(i int) bool { return recs[i].rev > rev })
	}
	return backwards(recs[:end], n), nil
}

// all returns up to n records: forwards from pos on, backwards before it.
func (v view) all(pos uint64, back bool, n int) []*record {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	log := v.s.log
	i := sort.Search(len(log), func(i int) bool { return log[i].pos >= pos })
	if back {
		return backwards(log[:i], n)
	}
	return log[i:min(i+n, len(log))]
}

func backwards(recs []*record, n int) []*record {
	var out []*record
	for i := len(recs) - 1; i >= 0 && len(out) < n; i-- {
		out = append(out, recs[i])
	}
	return out
}

// changed is closed by the next write. Take it before reading.
func (v view) changed() <-chan struct{} {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	return v.s.changed
}

// end is the position the next record gets.
func (v view) end() uint64 {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	return v.s.next
}

func (v view) lastRevision(name string) int64 {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	if st := v.s.streams[name]; st != nil {
		return st.last
	}
	return -1
}
