package changes

import (
	"fmt"
	"testing"
	"time"

	"greffe/eventstore/ledger"
)

// people records contacts of one source, each with one withdrawal, many at once.
func (w *world) people(source string, n int) {
	w.t.Helper()
	const together = 200
	for from := 0; from < n; from += together {
		var raws [][]byte
		for i := from; i < min(from+together, n); i++ {
			for _, e := range []string{`"type":"contact.created","data":{"notes":"n","kind":"client","person":{"given_name":"Anne","emails":["zq@example.org"]}}`,
				`"type":"consent.withdrawn","data":{"purpose":"prospecting"}`} {
				w.sent++
				raws = append(raws, fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%d","source":%q,"subject":"P-%d","time":"2026-03-02T09:00:00Z",%s}`, w.sent, source, i, e))
			}
		}
		got, err := w.Record(w.t.Context(), raws)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range got {
			if r.Status != ledger.Recorded {
				w.t.Fatalf("%+v", r)
			}
		}
	}
}

// Whom a recipient's source created is counted without asking who they are; of whom it
// did not, so many are asked for and no more, and the count says that it is not whole. Overdue
// erasures are counted all the same, behind however many changes.
func TestStandingIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people("shop/web", maxAsked)
	jean := w.created("crm/eu", "C-2")
	_, staged := w.erase(jean, true, OwnID{"crm/eu", "C-2"})
	w.now = day.Add(Overdue + time.Hour)
	s := w.standing("crm")
	if !s.More || s.Overdue != 1 || s.Lag != 1 {
		t.Errorf("crm, who has nobody of these: lag %d, more %v, overdue %d", s.Lag, s.More, s.Overdue)
	}
	if s := w.standing("mailing"); s.Lag != maxAsked+1 || s.More {
		t.Errorf("a recipient that is told of everybody: lag %d, more %v", s.Lag, s.More)
	}
	w.acks("crm", staged)
	w.people("crm/eu", maxAsked+1)
	if s := w.standing("crm"); s.More || s.Lag != maxAsked+1 || s.Overdue != 0 {
		t.Errorf("crm, which created these: lag %d, more %v, overdue %d", s.Lag, s.More, s.Overdue)
	}
}

func BenchmarkStandings(b *testing.B) {
	w := newWorld(b)
	w.people("shop/web", 5000)
	w.catchUp()
	p, _ := w.Policy()
	for b.Loop() {
		if _, err := w.feed.Standings(b.Context(), p.Recipients(), w.now); err != nil {
			b.Fatal(err)
		}
	}
}
