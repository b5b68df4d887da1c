package ledger_test

import (
	"fmt"
	"sync"
	"testing"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// TestRacing: three nodes race for one log and one vault with the same new persons and
// partly the same events. Nobody starves, none stops, each event stands once.
func TestRacing(t *testing.T) {
	t.Parallel()
	for range 20 { // on a busy machine they may take turns by chance
		if racing(t) > 0 {
			return
		}
	}
	t.Error("they did not race for the vault")
}

// racing has the nodes race, and tells how many batches came too late.
func racing(t *testing.T) (stale int) {
	t.Helper()
	const nodes, callers, rounds, batch = 3, 4, 6, 40
	c := onSQLite(t, nodes)
	var wg sync.WaitGroup
	var mu sync.Mutex
	recorded := map[string]int{}
	for i, n := range c.nodes {
		for caller := range callers {
			wg.Go(func() {
				for r := range rounds {
					raws := make([]string, batch)
					for k := range raws {
						raws[k] = created(fmt.Sprint("shared", r, k), fmt.Sprint("C-", r, "-", k), fmt.Sprint(k, "@example.org"))
						if k%2 == 0 {
							raws[k] = visit(fmt.Sprint("own", i, caller, r, k), fmt.Sprint("C-", r, "-", k+1))
						}
					}
					for k, res := range n.record(raws...) {
						mu.Lock()
						switch res.Status {
						case ledger.Recorded:
							recorded[res.ID]++
						case ledger.Duplicate:
						default:
							t.Errorf("event %d: %+v", k, res)
						}
						mu.Unlock()
					}
				}
			})
		}
	}
	wg.Wait()
	const own, shared = nodes * callers * rounds * batch / 2, rounds * batch / 2
	if len(recorded) != own+shared {
		t.Errorf("%d events recorded, want %d", len(recorded), own+shared)
	}
	for id, n := range recorded {
		if n != 1 {
			t.Errorf("%s was recorded %d times", id, n)
		}
	}
	for i, n := range c.nodes {
		if n.Cause() != nil {
			t.Errorf("node %d stopped: %v", i, n.Cause())
		}
		stale += n.vault.stale
		t.Logf("node %d: %d batches, %d of them stale; %d appends", i, n.vault.batches, n.vault.stale, n.log.appends)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := c.whole(); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, f := range c.facts() {
		if f.Type == event.ProducerRegistered || f.Type == event.AccountCreated {
			if k := f.Source.String() + f.Actor.String(); seen[k] {
				t.Errorf("%s twice", f.Type)
			} else {
				seen[k] = true
			}
		}
	}
	return stale
}

// BenchmarkNodes measures nodes that race on one log and one vault, in one process.
func BenchmarkNodes(b *testing.B) {
	for _, nodes := range []int{1, 2, 3} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			c := onSQLite(b, nodes)
			const callers, batch = 4, 250
			sent := 0
			for b.Loop() {
				var wg sync.WaitGroup
				for i, n := range c.nodes {
					for caller := range callers {
						first := sent + (i*callers+caller)*batch
						wg.Go(func() {
							raws := make([]string, batch)
							for k := range raws {
								raws[k] = created(fmt.Sprint("e", first+k), fmt.Sprint("C-", (first+k)/3), fmt.Sprint((first+k)/3, "@example.org"))
							}
							n.record(raws...)
						})
					}
				}
				wg.Wait()
				sent += nodes * callers * batch
			}
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "events/s")
			stale, batches, appends := 0, 0, 0
			for _, n := range c.nodes {
				stale, batches, appends = stale+n.vault.stale, batches+n.vault.batches, appends+n.log.appends
			}
			b.ReportMetric(float64(stale)/float64(batches), "stale/batch")
			b.ReportMetric(float64(appends)/float64(batches), "appends/batch")
		})
	}
}
