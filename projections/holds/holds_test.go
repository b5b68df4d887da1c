package holds_test

import (
	"path/filepath"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/holds"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func open(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return holds.Open(filepath.Join(dir, "holds.db"), sqlfile.Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, open)
}

func id(n byte) domain.ID { return domain.DeriveID([]byte{n, 15: 9}) }

var start = time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)

func said(n byte, typ event.Type, subject domain.ID, codes ...any) *event.Fact {
	f := &event.Fact{ID: id(n), Type: typ, Subject: subject, Actor: id(99)}
	for i := 0; i < len(codes); i += 2 {
		f.Codes = f.Codes.With(codes[i].(string), codes[i+1])
	}
	return f
}

func store(t *testing.T, facts ...*event.Fact) *holds.Store {
	t.Helper()
	s, err := holds.Open(filepath.Join(t.TempDir(), "holds.db"), holds.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var all []projections.Fact
	for i, f := range facts {
		f.Time = domain.NewTime(start.Add(time.Duration(i) * time.Hour))
		f.Recorded = f.Time
		all = append(all, projections.Fact{Position: domain.Position(i), Fact: f})
	}
	if err := s.Apply(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return s
}

func list(t *testing.T, s *holds.Store, f holds.Filter) (out []byte) {
	t.Helper()
	all, err := s.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		for n := range byte(100) {
			if id(n) == h.Event {
				out = append(out, n)
			}
		}
	}
	return out
}

// TestWhatStands: a hold stands until it is released, a restriction until it is lifted,
// alone or with all of the person; one kind does not end the other, nor one person's
// another's.
func TestWhatStands(t *testing.T) {
	t.Parallel()
	anne, bob := id(50), id(51)
	placed := []*event.Fact{said(1, event.HoldPlaced, anne, "reason", "litigation"), said(2, event.HoldPlaced, anne, "reason", "audit"),
		said(3, event.RestrictionPlaced, anne, "ground", "art18.1.a"), said(4, event.RestrictionPlaced, anne, "ground", "art18.1.b"), said(5, event.HoldPlaced, bob, "reason", "audit")}
	for name, c := range map[string]struct {
		then *event.Fact
		want string
	}{
		"nothing":                 {said(9, event.ContactChanged, anne), "\x01\x02\x03\x04\x05"},
		"one released":            {said(9, event.HoldReleased, anne, "hold", id(1).String()), "\x02\x03\x04\x05"},
		"another's released":      {said(9, event.HoldReleased, bob, "hold", id(1).String()), "\x01\x02\x03\x04\x05"},
		"of the other kind":       {said(9, event.RestrictionLifted, anne, "restriction", id(1).String()), "\x01\x02\x03\x04\x05"},
		"one lifted":              {said(9, event.RestrictionLifted, anne, "restriction", id(4).String()), "\x01\x02\x03\x05"},
		"all lifted":              {said(9, event.RestrictionLifted, anne), "\x01\x02\x05"},
		"erased, and restored":    {said(9, event.SubjectErased, anne, "whole", true, "restored", true), "\x05"},
		"erased in a class":       {said(9, event.SubjectErased, anne, "restored", true, "classes", []string{"notes"}), "\x01\x02\x03\x04\x05"},
		"placed for nobody known": {said(9, event.HoldPlaced, domain.ID{}), "\x01\x02\x03\x04\x05"},
	} {
		if got := string(list(t, store(t, append(placed[:len(placed):len(placed)], c.then)...), holds.Filter{})); got != c.want {
			t.Errorf("%s: %q stands, want %q", name, got, c.want)
		}
	}
	s := store(t, append(placed, said(9, event.HoldReleased, anne, "hold", id(1).String()), said(10, event.HoldReleased, anne, "hold", id(1).String()))...)
	if all, err := s.List(t.Context(), holds.Filter{Ended: true}); err != nil || len(all) != 1 || all[0].Event != id(1) || !all[0].Ended.Equal(start.Add(5*time.Hour)) {
		t.Errorf("ended: %+v %v", all, err)
	}
}

// TestReviews: who looks at a hold again and when is as the last review says; filters
// choose by it.
func TestReviews(t *testing.T) {
	t.Parallel()
	anne, bob, dpo, lawyer := id(50), id(51), id(60), id(61)
	june, july := start.AddDate(0, 5, 0), start.AddDate(0, 6, 0)
	s := store(t, said(1, event.HoldPlaced, anne, "reason", "litigation", "reviewer", lawyer.String(), "review_at", domain.FormatTime(june)),
		said(2, event.HoldPlaced, bob, "reason", "audit", "reviewer", dpo.String(), "review_at", domain.FormatTime(june)),
		said(3, event.RestrictionPlaced, bob, "ground", "art18.1.a"),
		said(4, event.HoldReviewed, anne, "hold", id(1).String(), "review_at", domain.FormatTime(july)),
		said(5, event.HoldReviewed, anne, "hold", id(2).String(), "review_at", domain.FormatTime(july)), // another's
		said(6, event.HoldReviewed, bob, "hold", id(3).String(), "reviewer", dpo.String()))
	all, err := s.List(t.Context(), holds.Filter{Event: id(1)})
	want := holds.Hold{Event: id(1), Subject: anne, Code: "litigation", Actor: id(99), Placed: start, Reviewer: lawyer, ReviewAt: july, Reviewed: start.Add(3 * time.Hour)}
	if err != nil || len(all) != 1 || all[0] != want {
		t.Errorf("%+v, want %+v, %v", all, want, err)
	}
	for name, c := range map[string]struct {
		f    holds.Filter
		want string
	}{
		"all":            {holds.Filter{}, "\x01\x02\x03"},
		"of a person":    {holds.Filter{Subject: bob}, "\x02\x03"},
		"holds":          {holds.Filter{Kind: "hold"}, "\x01\x02"},
		"restrictions":   {holds.Filter{Kind: "restriction"}, "\x03"},
		"by why":         {holds.Filter{Code: "audit"}, "\x02"},
		"by reviewer":    {holds.Filter{Reviewer: dpo}, "\x02\x03"},
		"due in June":    {holds.Filter{ReviewBy: june}, "\x02"},
		"due in July":    {holds.Filter{ReviewBy: july}, "\x01\x02"},
		"due in May":     {holds.Filter{ReviewBy: june.Add(-time.Second)}, ""},
		"the first page": {holds.Filter{Limit: 2}, "\x01\x02"},
		"the next":       {holds.Filter{Cursor: 2, Limit: 2}, "\x03"},
		"both":           {holds.Filter{Subject: bob, Reviewer: lawyer}, ""},
	} {
		if got := string(list(t, s, c.f)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
