package disclosure_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/disclosure"
	"greffe/domain/event"
)

// TestStandsUntil: up to the instant that is told the same facts say the same of why a
// contact is held and by whom it is looked after; random lives of consents that end, and
// of changes that are still ahead.
func TestStandsUntil(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	p, began := rules(t), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return began.Add(time.Duration(n) * time.Hour) }
	changed := 0
	for range 60 {
		var recs []contact.Recorded
		for at := range 2 + rng.IntN(6) {
			f := &event.Fact{ID: domain.ID{byte(at + 1)}, Type: event.ContactChanged, Time: domain.NewTime(hour(rng.IntN(40)))}
			switch rng.IntN(3) {
			case 0:
				f.Codes = f.Codes.With("portfolio", []string{"north", "south"}[rng.IntN(2)])
			case 1:
				f.Codes = f.Codes.With("kind", []string{"client", "candidate", "prospect"}[rng.IntN(3)])
			default:
				f.Type = event.ConsentGranted
				f.Codes = f.Codes.With("controller", "acme").With("purpose", []string{"prospecting", "billing"}[rng.IntN(2)]).With("evidence", "proven").With("channels", []string{"email"})
				if rng.IntN(2) == 0 {
					f.Codes = f.Codes.With("expires_at", domain.FormatTime(hour(rng.IntN(60))))
				}
			}
			recs = append(recs, contact.Recorded{Position: domain.Position(at), Fact: f})
		}
		for at := 0; at < 60; at++ {
			purposes, portfolio, until := disclosure.Of(p, recs, hour(at))
			for later := at + 1; later < 62; later++ {
				if !until.IsZero() && !hour(later).Before(until) {
					changed++
					break
				}
				if now, who, _ := disclosure.Of(p, recs, hour(later)); !slices.Equal(now, purposes) || who != portfolio {
					t.Fatalf("at %v: %v %q until %v; at %v: %v %q", hour(at), purposes, portfolio, until, hour(later), now, who)
				}
			}
		}
	}
	if changed == 0 {
		t.Error("nothing ever changed")
	}
}
