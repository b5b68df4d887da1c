package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// goroutines counts those that live; others may be on their way out.
func goroutines() int {
	buf := make([]byte, 4<<20)
	return bytes.Count(buf[:runtime.Stack(buf, true)], []byte("\n\n")) + 1
}

// TestStoreAway: a store is away for five minutes under 200 callers at a time. Each is
// answered within its time, goroutines stay flat, and ten seconds after the store is
// back everything is as ever, with nothing lost or doubled.
func TestStoreAway(t *testing.T) { // not in parallel: it counts goroutines
	for name, cut := range map[string]struct {
		cut, heal func(n *node)
		want      []error
	}{
		"log down": {func(n *node) { n.log.set(func(l *logLine) { l.down = true }) }, func(n *node) { n.log.set(func(l *logLine) { l.down = false }) },
			[]error{ledger.ErrUnknown, ledger.ErrBusy}},
		"log hangs": {func(n *node) { n.log.set(func(l *logLine) { l.hang = true }) }, func(n *node) { n.log.set(func(l *logLine) { l.hang = false }) },
			[]error{ledger.ErrUnknown, ledger.ErrBusy}},
		"vault down": {func(n *node) { n.vault.set(func(v *vaultLine) { v.down = true }) }, func(n *node) { n.vault.set(func(v *vaultLine) { v.down = false }) },
			[]error{ledger.ErrUnavailable}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := onMemory(t, 2)
				n := c.nodes[0]
				n.record(created("e0", "C-0", "a@example.org"))
				cut.cut(n)
				const callers, within = 200, time.Second
				sent, most, before := 0, 0, goroutines()
				for begin := time.Now(); time.Since(begin) < 5*time.Minute; time.Sleep(7 * time.Second) {
					var wg sync.WaitGroup
					for range callers {
						sent++
						id := sent
						wg.Go(func() {
							begin := time.Now()
							_, err := n.send(within, visit(fmt.Sprint("v", id%500), fmt.Sprint("C-", id%50)))
							if took := time.Since(begin); took > within+10*time.Millisecond {
								t.Errorf("a caller waited %s", took)
							}
							for _, e := range cut.want {
								if errors.Is(err, e) {
									return
								}
							}
							t.Errorf("a caller was answered %v", err)
						})
					}
					wg.Wait()
					synctest.Wait()
					most = max(most, goroutines())
				}
				if most > before+4 { // the queue's own
					t.Errorf("%d goroutines, %d before", most, before)
				}
				cut.heal(n)
				time.Sleep(10 * time.Second)
				if n.Cause() != nil {
					t.Fatalf("it stopped: %v", n.Cause())
				}
				for id := range 500 {
					n.record(visit(fmt.Sprint("v", id), fmt.Sprint("C-", id%50)))
				}
				time.Sleep(time.Second)
				if err := c.whole(); err != nil {
					t.Error(err)
				}
				visits := 0
				for _, f := range c.facts() {
					if f.Type == event.InteractionRecorded {
						visits++
					}
				}
				if visits != 500 {
					t.Errorf("%d events of 500", visits)
				}
			})
		})
	}
}

// TestCloseWhileAway: Close returns while a store is away, every caller has an answer,
// and what was prepared is in the log once somebody opens the ledger.
func TestCloseWhileAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := onMemory(t, 1)
		n := c.nodes[0]
		n.log.set(func(l *logLine) { l.hang = true })
		var wg sync.WaitGroup
		for i := range 3000 {
			wg.Go(func() {
				_, err := n.send(time.Hour, visit(fmt.Sprint("v", i), "C-1"))
				if !errors.Is(err, ledger.ErrUnknown) && !errors.Is(err, ledger.ErrUnavailable) {
					t.Errorf("answered %v", err)
				}
			})
		}
		time.Sleep(time.Minute)
		begin := time.Now()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("closing took %s", took)
		}
		wg.Wait()
		c.nodes[0] = c.start()
		if err := c.whole(); err != nil {
			t.Error(err)
		}
		if len(c.facts()) == 1 {
			t.Error("nothing of what was prepared is in the log")
		}
	})
}

// TestDuplicateOfTheDead: what a node prepared and did not append is a duplicate on
// another, and is answered only when it is in the log, where it stands.
func TestDuplicateOfTheDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := onMemory(t, 2)
		a, b := c.nodes[0], c.nodes[1]
		a.log.set(func(l *logLine) { l.pause() })
		done := make(chan ledger.Result, 1)
		go func() {
			res, err := a.send(time.Hour, visit("e1", "C-1"))
			if err != nil {
				t.Error(err)
			}
			done <- res[0]
		}()
		<-a.log.wake
		if _, err := b.send(time.Second, visit("e1", "C-1")); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("a duplicate of what is not in the log is answered %v", err)
		}
		if len(c.facts()) != 1 {
			t.Fatal("it was appended at once")
		}
		b.record(visit("e2", "C-2"))
		begin := time.Now()
		dup := b.record(visit("e1", "C-1"))[0]
		if took := time.Since(begin); dup.Status != ledger.Duplicate || c.facts()[dup.Position].ID != dup.Event || took > 8*time.Second {
			t.Errorf("after %s: %+v", took, dup)
		}
		a.log.set(func(l *logLine) { l.resume() })
		if r := <-done; r.Status != ledger.Recorded || r.Position != dup.Position {
			t.Errorf("the node that was paused answers %+v", r)
		}
		a.record(visit("e3", "C-3"))
		time.Sleep(time.Second)
		if err := c.whole(); err != nil {
			t.Error(err)
		}
	})
}

// TestTakenByTheDead: an id of a fact of the ledger's own that another node prepared is
// taken, once that is in the log.
func TestTakenByTheDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := onMemory(t, 2)
		a, b := c.nodes[0], c.nodes[1]
		own := []ledger.Own{{ID: domain.ID{1, 2, 3}, Type: event.ExportProduced}}
		a.log.set(func(l *logLine) { l.dies = true; l.drop = 1 })
		go func() { _, _ = a.Write(t.Context(), own) }()
		synctest.Wait()
		a.kill()
		if _, err := b.Write(t.Context(), own); !errors.Is(err, ledger.ErrTaken) || !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("answered %v", err)
		}
		if facts := c.facts(); len(facts) != 2 || facts[1].ID != own[0].ID {
			t.Errorf("%d facts in the log", len(facts))
		}
	})
}

// TestOrderComesAfter: an order to erase stands behind everything that was prepared
// about the person before, also by a node that hangs.
func TestOrderComesAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := onMemory(t, 2)
		a, b := c.nodes[0], c.nodes[1]
		who := b.record(created("e1", "C-1", "a@example.org"))[0].Subject
		a.log.set(func(l *logLine) { l.pause() })
		var wg sync.WaitGroup
		wg.Go(func() { a.record(visit("e2", "C-1")) })
		<-a.log.wake
		eraseOn(t, b, who, false)
		a.log.set(func(l *logLine) { l.resume() })
		wg.Wait()
		facts := c.facts()
		if n := len(facts); facts[n-1].Type != event.ErasureOrdered || facts[n-2].Type != event.InteractionRecorded {
			t.Errorf("at the end stand %s and %s", facts[n-2].Type, facts[n-1].Type)
		}
	})
}

// TestPreparedUnknown: when the vault does not say whether it took a group, the caller
// is told so, and its retry ends in one record.
func TestPreparedUnknown(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := onMemory(t, 1)
			n := c.nodes[0]
			n.vault.set(func(v *vaultLine) {
				if v.lose = 1; !kept {
					v.lose, v.drop = 0, 1
				}
			})
			if _, err := n.send(time.Minute, created("e1", "C-1", "a@example.org")); !errors.Is(err, ledger.ErrUnknown) {
				t.Errorf("kept %v: %v", kept, err)
			}
			want := ledger.Recorded
			if kept {
				want = ledger.Duplicate
			}
			if r := n.record(created("e1", "C-1", "a@example.org"))[0]; r.Status != want || c.facts()[r.Position].ID != r.Event {
				t.Errorf("kept %v, again: %+v", kept, r)
			}
			time.Sleep(time.Second)
			if err := c.whole(); err != nil {
				t.Errorf("kept %v: %v", kept, err)
			}
		})
	}
}

// TestUnderLease: what is written under a lease that another took is refused, alone.
func TestUnderLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, underLease)
}

func underLease(t *testing.T) {
	c := newCluster(t, (&vmemory.Disk{}).Open(), 1)
	n := c.nodes[0]
	lease, err := c.vault.Lease(t.Context(), "keeper", domain.ID{1}, time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	check := &vault.LeaseCheck{Role: lease.Role, Term: lease.Term}
	own := []ledger.Own{{Type: event.ExportProduced}}
	if _, err := n.WriteUnder(t.Context(), check, own); err != nil {
		t.Fatal(err)
	}
	if err := c.vault.Release(t.Context(), "keeper", domain.ID{1}); err != nil {
		t.Fatal(err)
	}
	if lease, err = c.vault.Lease(t.Context(), "keeper", domain.ID{2}, time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	n.log.set(func(l *logLine) { l.pause() })
	var wg sync.WaitGroup
	send := func(check *vault.LeaseCheck, want error) {
		wg.Go(func() {
			if _, err := n.WriteUnder(t.Context(), check, own); !errors.Is(err, want) {
				t.Errorf("lease %v: %v", check, err)
			}
		})
	}
	send(nil, nil)
	<-n.log.wake
	for range 20 {
		send(check, ledger.ErrFenced)
		send(check, vault.ErrFenced)
		send(nil, nil)
		send(&vault.LeaseCheck{Role: lease.Role, Term: lease.Term}, nil)
	}
	synctest.Wait() // they gather behind the first
	n.log.set(func(l *logLine) { l.resume() })
	wg.Wait()
	if got := len(c.facts()); got != 2+1+40 {
		t.Errorf("%d facts, want 43", got)
	}
}

// TestRotatedMeanwhile: peppers are not rotated while a node's lease stands; a node
// that ran on stops, and says why.
func TestRotatedMeanwhile(t *testing.T) {
	t.Parallel()
	c := onMemory(t, 1)
	n := c.nodes[0]
	n.record(created("e1", "C-1", "a@example.org"))
	if _, err := c.vault.Lease(t.Context(), "node/1", domain.ID{1}, time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	cfg := config(c.log, c.vault)
	if _, err := ledger.RotatePeppers(t.Context(), cfg, nil); !errors.Is(err, ledger.ErrRunning) {
		t.Errorf("rotated beside a running node: %v", err)
	}
	if err := c.vault.Release(t.Context(), "node/1", domain.ID{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.RotatePeppers(t.Context(), cfg, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := n.send(time.Minute, visit("e2", "C-1")); !errors.Is(err, ledger.ErrStopped) {
		t.Errorf("a node with old peppers answers %v", err)
	}
	<-n.Failed()
	if !errors.Is(n.Cause(), vault.ErrGeneration) || errors.Is(n.Cause(), eventstore.ErrFailed) {
		t.Errorf("it stopped for %v", n.Cause())
	}
	b := c.start()
	defer b.Close()
	if r := b.record(created("e1", "C-1", "a@example.org"), visit("e2", "C-1")); r[0].Status != ledger.Duplicate || r[1].Subject != r[0].Subject {
		t.Errorf("after a restart: %+v", r)
	}
}
