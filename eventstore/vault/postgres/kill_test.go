//go:build real

package postgres

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/postgres/pgtest"
)

// sent is a batch, and what the store said of it and of the end of its owners.
type sent struct {
	batch     *vault.Batch
	owner     part.Owner
	prepared  error
	destroyed error // errNever: nobody asked
}

var errNever = errors.New("not asked for")

// TestKilledServer kills the server while writers prepare and destroy. What was
// acknowledged is there, or gone for ever; what was not is whole or absent; what was
// asked for again is done.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	s := openAt(t, Config{URL: c.URL(t), Buckets: 4})
	const rounds, writers = 4, 3
	var all []*sent
	for round := range rounds {
		var mu sync.Mutex
		var wg sync.WaitGroup
		count, enough := 0, make(chan struct{})
		for w := range writers {
			l := newLoad()
			l.random.Seed([32]byte{byte(round), byte(w), 9})
			wg.Go(func() {
				for i := 0; ; i++ {
					one := writeOne(t, s, l, i%7 == 3)
					mu.Lock()
					all = append(all, one)
					if count++; count == 30+20*round {
						close(enough)
					}
					mu.Unlock()
					if one.prepared != nil || one.destroyed != nil && one.destroyed != errNever {
						return
					}
				}
			})
		}
		<-enough
		c.Kill(t)
		wg.Wait()
		c.StartAgain(t)
	}
	acknowledged, ended := 0, 0
	for i, one := range all {
		n := found(t, s, one.batch.Rows)
		if one.prepared == nil && n != len(one.batch.Rows) || n != 0 && n != len(one.batch.Rows) {
			t.Errorf("batch %d: %d of %d rows, acknowledged with %v", i, n, len(one.batch.Rows), one.prepared)
		}
		if one.prepared == nil {
			acknowledged++
		}
		if n > 0 {
			ended += checkEnd(t, s, one)
		}
	}
	if acknowledged < rounds*20 || ended == 0 {
		t.Errorf("%d batches acknowledged, %d owners destroyed: the test shows little", acknowledged, ended)
	}
	t.Logf("%d batches sent, %d acknowledged, %d owners destroyed", len(all), acknowledged, ended)
	checkPending(t, s, all)
}

// writeOne prepares a batch of one owner and may destroy the owner then.
func writeOne(t *testing.T, s *Store, l *load, destroy bool) *sent {
	o := part.SubjectOwner(domain.ID(l.bytes(16)))
	one := &sent{batch: &vault.Batch{Keys: []vault.KeyWrite{{Owner: o, Wrapped: l.bytes(100)}}}, owner: o, destroyed: errNever}
	for range 6 {
		one.batch.Rows = append(one.batch.Rows, l.row(o))
	}
	_, one.prepared = s.Prepare(t.Context(), one.batch)
	if one.prepared == nil && destroy {
		one.destroyed = s.Destroy(t.Context(), vault.Whole(o))
	}
	for _, err := range []error{one.prepared, one.destroyed} {
		if err != nil && err != errNever && !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("under a kill: %v", err)
		}
	}
	return one
}

// checkEnd demands of an owner's batch that it is whole or destroyed, as was said, and
// that a destruction whose end is unknown can be finished.
func checkEnd(t *testing.T, s *Store, one *sent) (destroyed int) {
	t.Helper()
	if one.destroyed != nil && one.destroyed != errNever {
		eventually(t, func() error { return s.Destroy(t.Context(), vault.Whole(one.owner)) })
		one.destroyed = nil
	}
	keys, err := s.Keys(t.Context(), []part.Owner{one.owner})
	if err != nil {
		t.Fatal(err)
	}
	var ids []vault.PartID
	for _, r := range one.batch.Rows {
		ids = append(ids, vault.PartID{Event: r.Event, Class: "identity"})
	}
	parts, err := s.Parts(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	gone := one.destroyed == nil
	if keys[0].Destroyed != gone || !gone && !slices.Equal(keys[0].Wrapped, one.batch.Keys[0].Wrapped) {
		t.Errorf("a key row is not as was said: destroyed is %v", keys[0].Destroyed)
	}
	for i, p := range parts {
		if gone && p != nil || !gone && !slices.Equal(p, one.batch.Rows[i].Parts[0].Bytes) {
			t.Errorf("a part is not as was said: destroyed is %v", gone)
		}
	}
	if gone {
		return 1
	}
	return 0
}

// checkPending demands that the facts of every batch that is there are pending, whole.
func checkPending(t *testing.T, s *Store, all []*sent) {
	t.Helper()
	want := map[string]bool{}
	for _, one := range all {
		if found(t, s, one.batch.Rows[:1]) == 1 {
			want[fmt.Sprintf("%x", one.batch.Rows[0].Fact)] = true
		}
	}
	err := s.Pending(t.Context(), func(p vault.Pending) error {
		if len(p.Facts) != 6 {
			t.Errorf("a pending batch of %d facts", len(p.Facts))
		}
		key := fmt.Sprintf("%x", p.Facts[0])
		if !want[key] {
			t.Error("a pending batch twice, or one that nobody sent")
		}
		delete(want, key)
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("%d batches are not pending: %v", len(want), err)
	}
}
