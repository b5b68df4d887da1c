package esdb

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"greffe/eventstore"
	"greffe/eventstore/esdb/esdbtest"
)

// first plays a fault on the first n appends.
func first(n int, f esdbtest.AppendFault) esdbtest.Faults {
	return esdbtest.Faults{Append: func(i int) esdbtest.AppendFault {
		if i < n {
			return f
		}
		return esdbtest.Fine
	}}
}

// TestAppendFaults: whatever happens to the first tries, the append is answered
// nil, is there once, and the next one works.
func TestAppendFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]esdbtest.AppendFault{
		"cut before the commit": esdbtest.CutBefore, "cut after it": esdbtest.CutAfter,
		"empty answer": esdbtest.EmptyAnswer, "empty answer after the commit": esdbtest.EmptyAnswerAfter,
		"answer while sending": esdbtest.EarlyAnswer, "write timeout": esdbtest.Aborted,
		"write timeout after the commit": esdbtest.AbortedAfter, "no leader yet": esdbtest.NotReady,
		"not leader": esdbtest.NotLeader,
	} {
		for _, tries := range []int{1, 3} {
			for _, n := range []int{1, 300} {
				t.Run(fmt.Sprintf("%s, %d times, %d facts", name, tries, n), func(t *testing.T) {
					t.Parallel()
					srv := esdbtest.Start(t, esdbtest.Options{})
					c := Config{URL: srv.URL(), Stream: newStream()}
					l := mustOpen(t, c)
					var want [][]byte
					for round := range 3 {
						srv.Inject(first(tries, fault))
						batch := facts(len(want), n+round)
						mustAppend(t, l, len(want), batch)
						want = append(want, batch...)
						if srv.Appends() < 1+tries && fault != esdbtest.CutAfter && fault != esdbtest.EmptyAnswerAfter && fault != esdbtest.AbortedAfter {
							t.Errorf("the fault was not met: %d appends", srv.Appends())
						}
					}
					holds(t, c, want)
				})
			}
		}
	}
}

// TestHungAppend: an append that hangs in the server is answered by its
// caller's deadline; let go later it is one append, whoever was quicker.
func TestHungAppend(t *testing.T) {
	t.Parallel()
	for _, fault := range []esdbtest.AppendFault{esdbtest.HangBefore, esdbtest.HangAfter} {
		for _, other := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, another writer %v", fault, other), func(t *testing.T) {
				t.Parallel()
				srv := esdbtest.Start(t, esdbtest.Options{})
				c := Config{URL: srv.URL(), Stream: newStream()}
				l, second := mustOpen(t, c), mustOpen(t, c)
				mustAppend(t, l, 0, facts(0, 3))
				srv.Inject(esdbtest.Faults{Append: func(int) esdbtest.AppendFault { return fault }})
				ctx, cancel := within(300 * time.Millisecond)
				defer cancel()
				begun := time.Now()
				ours := facts(3, 5)
				err := l.Append(ctx, 3, ours)
				if took := time.Since(begun); took > time.Second {
					t.Errorf("answered after %v", took)
				}
				if fault == esdbtest.HangBefore && !errors.Is(err, eventstore.ErrUnavailable) {
					t.Errorf("hung before the commit: %v", err)
				}
				if fault == esdbtest.HangAfter && err != nil && !errors.Is(err, eventstore.ErrUnavailable) {
					t.Errorf("hung after the commit: %v", err)
				}
				srv.Heal()
				want := ours
				if other {
					theirs := [][]byte{[]byte("theirs")}
					if second.Append(bg(), 3, theirs) == nil {
						want = theirs
					}
				}
				err = l.Append(bg(), 3, ours)
				if head, lost := wrongHead(err); lost && int(head) != 3+len(want) || err != nil && !lost || err == nil && len(want) == 1 {
					t.Errorf("the same append again: %v", err)
				}
				holds(t, c, slices.Concat(facts(0, 3), want))
			})
		}
	}
}

// TestDroppedAcks (F9): the answer is lost after the commit, and a hundred
// callers at two nodes send the same append at once: it is there once.
func TestDroppedAcks(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	c := Config{URL: srv.URL(), Stream: newStream()}
	nodes := []*Log{mustOpen(t, c), mustOpen(t, c)}
	var want [][]byte
	for range 20 {
		batch := facts(len(want), 7)
		srv.Inject(first(1, esdbtest.CutAfter))
		errs := make([]error, 100)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = nodes[i%2].Append(bg(), pos(want), batch) })
		}
		wg.Wait()
		want = append(want, batch...)
		acks := 0
		for _, err := range errs {
			head, lost := wrongHead(err)
			switch {
			case err == nil:
				acks++
			case !lost || head != pos(want):
				t.Fatalf("the same append: %v", err)
			}
		}
		if acks == 0 {
			t.Fatal("nobody was told that it is there")
		}
	}
	holds(t, c, want)
	for i := range want { // a restart, and everything after it: still the same
		if err := mustOpen(t, c).Append(bg(), pos(want[:i/7*7]), want[i/7*7:i/7*7+7]); err == nil || !errors.Is(err, eventstore.ErrWrongHead) {
			t.Fatalf("an old append again: %v", err)
		}
	}
	holds(t, c, want)
}

// TestOneWinner (F8): 64 writers at 4 nodes, one head, faults on the way.
func TestOneWinner(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	c := Config{URL: srv.URL(), Stream: newStream()}
	var nodes []*Log
	for range 4 {
		nodes = append(nodes, mustOpen(t, c))
	}
	var want [][]byte
	rounds := 30
	if testing.Short() {
		rounds = 6
	}
	for round := range rounds {
		if round%3 == 1 {
			srv.Inject(esdbtest.Faults{Append: func(n int) esdbtest.AppendFault {
				return []esdbtest.AppendFault{esdbtest.Fine, esdbtest.CutAfter, esdbtest.AbortedAfter, esdbtest.CutBefore}[min(n, 40)%4]
			}})
		} else {
			srv.Heal()
		}
		errs := make([]error, 64)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				errs[i] = nodes[i%4].Append(bg(), pos(want), [][]byte{{byte(i), byte(round)}, []byte("second")})
			})
		}
		wg.Wait()
		winner := slices.Index(errs, nil)
		if winner < 0 {
			t.Fatalf("nobody won: %v", errs[0])
		}
		want = append(want, []byte{byte(winner), byte(round)}, []byte("second"))
		for i, err := range errs {
			if head, lost := wrongHead(err); i != winner && (!lost || head != pos(want)) {
				t.Fatalf("loser %d: %v", i, err)
			}
		}
	}
	holds(t, c, want)
}
