package notices_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/notices"
)

// anyFact makes consents of few people, so that they meet.
func anyFact(t *rapid.T) *event.Fact {
	channels := rapid.SampledFrom([][]string{nil, {"email"}, {"phone"}, {"email", "phone"}}).Draw(t, "channels")
	purpose := rapid.SampledFrom([]string{"prospecting", "customer_service"}).Draw(t, "purpose")
	months, subject := rapid.IntRange(0, 3).Draw(t, "month"), rapid.IntRange(1, 2).Draw(t, "subject")
	var f *event.Fact
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0:
		return publish(rapid.IntRange(700, 701).Draw(t, "notice"))
	case 1:
		return fact(rapid.SampledFrom([]event.Type{event.ConsentWithdrawn, event.ConsentRefused}).Draw(t, "no"), months, subject,
			about(rapid.SampledFrom([]string{"", purpose}).Draw(t, "scope"), channels...))
	case 2:
		f = unproven(months, subject, purpose, channels, "act", "notice")
	case 3, 4:
		f = naming(rapid.IntRange(700, 701).Draw(t, "notice"), unproven(months, subject, purpose, channels, "notice"))
	default:
		f = proven(months, subject, purpose, channels...)
	}
	if rapid.Bool().Draw(t, "ends") {
		f = until(rapid.IntRange(4, 14).Draw(t, "end"), f)
	}
	return f
}

// oracle says plainly, from all facts at once, what is open and what has ended.
func oracle(facts []projections.Fact, now time.Time) (open []domain.Position, ended map[string]bool) {
	published := map[domain.ID]bool{}
	var acts []consent.Act
	subjects := map[domain.Position]domain.ID{}
	for _, f := range facts {
		if f.Type == event.NoticePublished {
			published[f.Codes.ID("notice")] = true
		}
		if a, ok := consent.ActOf(f.Position, f.Fact); ok {
			acts, subjects[f.Position] = append(acts, a), f.Subject
		}
	}
	pub := func(id domain.ID) bool { return published[id] }
	answered := func(g *consent.Act, channel string, by func(b *consent.Act) bool) bool {
		return slices.ContainsFunc(acts, func(b consent.Act) bool {
			return b.Position != g.Position && subjects[b.Position] == subjects[g.Position] &&
				(b.Type != event.ConsentGranted || consent.Proven(&b, pub)) && (b.Purpose == g.Purpose || b.Purpose == "") &&
				(len(b.Channels) == 0 || slices.Contains(b.Channels, channel)) && by(&b)
		})
	}
	ended = map[string]bool{}
	for i := range acts {
		g := &acts[i]
		if g.Type != event.ConsentGranted {
			continue
		}
		channels := g.Channels
		if len(channels) == 0 {
			channels = []string{consent.Any}
		}
		later := func(b *consent.Act) bool { return !b.Time.Before(g.Time) }
		if !consent.Proven(g, pub) {
			if slices.ContainsFunc(channels, func(c string) bool { return !answered(g, c, later) }) {
				open = append(open, g.Position)
			}
			continue
		}
		wins := func(b *consent.Act) bool {
			no := b.Type != event.ConsentGranted
			return cmp.Or(b.Time.Compare(g.Time), map[bool]int{true: 1}[no], cmp.Compare(b.Position, g.Position)) > 0
		}
		for _, term := range consent.Current().Terms(g) {
			of := term.Channels
			if len(of) == 0 {
				of = []string{consent.Any}
			}
			for _, c := range of {
				if !term.At.After(now) && !answered(g, c, wins) {
					ended[fmt.Sprintf("%d:%s@%s", g.Position, c, term.At.Format(time.DateOnly))] = true
				}
			}
		}
	}
	return open, ended
}

// Whatever the order and the batches, the read model says what the facts say.
func TestAgainstTheOracle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		var raw []*event.Fact
		for range rapid.IntRange(1, 14).Draw(rt, "facts") {
			raw = append(raw, anyFact(rt))
		}
		facts := log(raw...)
		store, err := notices.Open(filepath.Join(dir, fmt.Sprintf("%d.db", n)), notices.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer store.Close()
		cut := rapid.IntRange(0, len(facts)).Draw(rt, "cut")
		for _, batch := range [][]projections.Fact{facts[:cut], facts[cut:]} {
			if err := store.Apply(t.Context(), batch); err != nil {
				rt.Fatal(err)
			}
		}
		now := at(rapid.IntRange(3, 16).Draw(rt, "now"))
		wantOpen, wantEnded := oracle(facts, now)
		page, err := store.UnprovenGrants(t.Context(), 0, 100)
		if err != nil {
			rt.Fatal(err)
		}
		var open []domain.Position
		for _, g := range page {
			open = append(open, g.Position)
		}
		if diff := gocmp.Diff(wantOpen, open); diff != "" {
			rt.Fatalf("unproven: %s", diff)
		}
		ended, _, _, err := store.Ended(t.Context(), now, notices.After{}, 100)
		if err != nil {
			rt.Fatal(err)
		}
		got := map[string]bool{}
		for _, g := range ended {
			channels := g.Channels
			if len(channels) == 0 {
				channels = []string{consent.Any}
			}
			for _, c := range channels {
				got[fmt.Sprintf("%d:%s@%s", g.Position, c, g.Due.Format(time.DateOnly))] = true
			}
		}
		if diff := gocmp.Diff(wantEnded, got); diff != "" {
			rt.Fatalf("ended: %s", diff)
		}
	})
}
