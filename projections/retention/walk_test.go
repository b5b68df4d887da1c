package retention_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/projtest"
	"greffe/projections/retention"
)

// TestLookSeesWhatAWalkSees: the days lose nobody: whoever a walk finds with something
// due or announced, a look finds too, and nobody else.
func TestLookSeesWhatAWalkSees(t *testing.T) {
	t.Parallel()
	b := open(t, shipped(t))
	w := projtest.NewWorld(7, 120)
	b.apply(published(1))
	for range 4 {
		raw := w.Bytes(400)
		facts := projtest.Decode(t, b.at, raw)
		for i := range facts { // a new policy would have all days worked out anew
			if facts[i].Type == event.PolicyPublished {
				facts[i].Fact = &event.Fact{Type: event.ExportProduced}
			}
		}
		if err := b.s.Apply(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
		b.at += domain.Position(len(facts))
		found := 0
		for months := 0; months < 160; months += 11 {
			now := day("2024-01-17").AddDate(0, months, 0).Format(time.DateOnly)
			walked := slices.DeleteFunc(b.walk(now), func(s string) bool { return !strings.Contains(s, " ") })
			looked := b.list(now, 7)
			slices.Sort(walked)
			slices.Sort(looked)
			b.want("at "+now, looked, walked...)
			found += len(walked)
		}
		if found < 50 {
			t.Errorf("only %d exits in all", found)
		}
	}
}

// fill applies the lives of n persons: a contact, two acts, a consent, an invoice.
func fill(b *book, n int) {
	const group = 2000
	facts := make([]*event.Fact, 0, 5*group)
	b.apply(published(1))
	for i := range n {
		at := day("2016-01-01").AddDate(0, 0, i*7%3900)
		year := at.Format("2006")
		date := at.Format(time.DateOnly)
		kind := []string{"prospect", "prospect", "client", "former_client", "candidate"}[i%5]
		facts = append(facts, contact(i+1, kind, date, "contact_details/whole", "commercial/"+year, "evidence/"+year),
			about(i+1, event.InteractionRecorded, date, event.Codes{}.With("kind", "click"), "commercial/"+year),
			about(i+1, event.ConsentGranted, date, event.Codes{}.With("evidence", "proven"), "evidence/"+year))
		if kind == "client" {
			facts = append(facts, about(i+1, event.ContractStarted, date, nil, "contract/"+year), about(i+1, event.InvoiceIssued, date, nil, "billing/"+year))
		}
		if i%20 == 19 {
			facts = append(facts, merged(i+1, i, date, event.ContactMerged))
		}
		if len(facts) >= 4*group || i == n-1 {
			b.apply(facts...)
			facts = facts[:0]
		}
	}
}

// cpu is the processor time this process has used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDryRun walks the clocks of n persons: the full dry run. It reports the
// seconds, the persons with something due, and how much the heap grew at most.
func BenchmarkDryRun(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			book := open(b, shipped(b))
			fill(book, n)
			now := day("2026-11-22")
			for b.Loop() {
				var before, at runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				persons, dues, most, spent := 0, 0, uint64(0), cpu(b)
				if err := book.s.Walk(b.Context(), now, func(p *retention.Person) error {
					if persons++; persons%50_000 == 0 {
						runtime.ReadMemStats(&at)
						most = max(most, at.HeapAlloc)
					}
					dues += min(1, len(p.Due))
					return nil
				}); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((cpu(b) - spent).Seconds(), "cpu-s/walk")
				b.ReportMetric(float64(persons), "persons")
				b.ReportMetric(float64(dues), "due")
				b.ReportMetric(float64(most-min(most, before.HeapAlloc))/(1<<20), "MiB-more")
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/walk")
			start := time.Now()
			total := 0
			for after := ""; ; {
				people, next, err := book.s.Due(b.Context(), now, after, 1000)
				if err != nil {
					b.Fatal(err)
				}
				total += len(people)
				if after = next; next == "" {
					break
				}
			}
			b.ReportMetric(time.Since(start).Seconds(), "s/look")
			b.ReportMetric(float64(total), "looked-at")
		})
	}
}
