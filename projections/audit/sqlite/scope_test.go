package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
)

// read is an access of a scopeWorld, and what opens it.
type read struct {
	position   domain.Position
	at         time.Time
	account    domain.ID
	source     domain.ID
	categories []string
	count      int64
	persons    []domain.ID
}

// scopeWorld is a log of accesses and other facts.
type scopeWorld struct {
	facts []projections.Fact
	reads map[domain.ID]read
}

func (w *scopeWorld) Subjects(_ context.Context, f *event.Fact) (domain.ID, []domain.ID, error) {
	r, ok := w.reads[f.ID]
	if !ok {
		return domain.ID{}, nil, audit.ErrExpired
	}
	return r.account, r.persons, nil
}

func tagged(kind byte, n int) domain.ID {
	return domain.ID{kind, byte(n), 6: 0x80, 8: 0x80, 15: byte(n)}
}

var (
	worldStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	worldLists = [][]string{nil, {"identity"}, {"identity", "contact_details"}, {"notes"}, {"contact_details", "notes"}}
)

// more adds facts: reads by five accounts from three sources or none, some late by
// months, of nobody, of more than they name, of one person twice; destroyed ones; others.
func (w *scopeWorld) more(t *rapid.T, n int) (added []projections.Fact) {
	small := func(n int, what string) int { return rapid.IntRange(0, n).Draw(t, what) }
	for range n {
		p := len(w.facts)
		f := &event.Fact{ID: benchID(7, p), Type: event.AccessRecorded}
		at := worldStart.Add(time.Duration(p) * 9 * time.Hour)
		switch small(9, "kind") {
		case 0:
			f.Type = event.InteractionRecorded
		case 1:
			at = at.AddDate(0, -small(14, "months late"), 0)
		case 2:
			at = at.Truncate(72 * time.Hour)
		}
		r := read{position: domain.Position(p), at: at, account: tagged(1, 1+small(4, "account")), categories: worldLists[small(len(worldLists)-1, "list")]}
		if from := small(3, "source"); from > 0 {
			r.source = tagged(2, from)
		}
		for range small(3, "named") {
			r.persons = append(r.persons, tagged(3, small(40, "person")))
		}
		r.count = int64(len(r.persons) + max(0, small(6, "unnamed")-4))
		f.Time, f.Recorded, f.Source = domain.NewTime(at), domain.NewTime(worldStart.Add(time.Duration(p)*9*time.Hour)), r.source
		f.Codes = event.Codes{}.With("action", "read").With("reason", "audit").With("count", r.count)
		if len(r.categories) > 0 {
			f.Codes = f.Codes.With("categories", r.categories)
		}
		if f.Type == event.AccessRecorded && small(15, "destroyed") > 0 {
			w.reads[f.ID] = r
		}
		w.facts = append(w.facts, projections.Fact{Position: domain.Position(p), Fact: f})
	}
	return w.facts[len(w.facts)-n:]
}

// seen is a plain scan.
func (w *scopeWorld) seen(f audit.SeenFilter, horizon time.Time) (*audit.Seen, []domain.ID) {
	out, persons := &audit.Seen{ByCategory: map[string]int64{}}, map[domain.ID]bool{}
	for _, r := range w.reads {
		if r.position >= f.Before || r.at.Before(horizon) || !f.Time.From.IsZero() && r.at.Before(f.Time.From) || !f.Time.To.IsZero() && !r.at.Before(f.Time.To) ||
			len(f.Accounts) > 0 && !slices.Contains(f.Accounts, r.account) || len(f.Sources) > 0 && !slices.Contains(f.Sources, r.source) ||
			len(f.Categories) > 0 && !slices.ContainsFunc(r.categories, func(c string) bool { return slices.Contains(f.Categories, c) }) {
			continue
		}
		out.Accesses++
		out.Unnamed += max(0, r.count-int64(len(r.persons)))
		for _, c := range r.categories {
			out.ByCategory[c]++
		}
		if out.First.IsZero() || r.at.Before(out.First.Time) {
			out.First = domain.NewTime(r.at)
		}
		if r.at.After(out.Last.Time) {
			out.Last = domain.NewTime(r.at)
		}
		for _, p := range r.persons {
			persons[p] = true
		}
	}
	out.Persons = int64(len(persons))
	return out, sortedIDs(persons)
}

func sortedIDs(set map[domain.ID]bool) (ids []domain.ID) {
	for id := range set {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func (w *scopeWorld) question(t *rapid.T) audit.SeenFilter {
	f := audit.SeenFilter{Before: domain.Position(len(w.facts))}
	for range rapid.IntRange(0, 3).Draw(t, "conditions") {
		n := rapid.IntRange(1, 6).Draw(t, "which")
		switch rapid.IntRange(0, 4).Draw(t, "condition") {
		case 0:
			f.Accounts = append(f.Accounts, tagged(1, n))
		case 1:
			f.Sources = append(f.Sources, tagged(2, n))
		case 2:
			f.Categories = append(f.Categories, []string{"identity", "contact_details", "notes", "unheard_of"}[n%4])
		case 3:
			f.Time.From = worldStart.Add(time.Duration(rapid.IntRange(-300, len(w.facts)).Draw(t, "from")) * 9 * time.Hour) // when facts are
			if n > 2 {
				f.Time.To = f.Time.From.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "long")) * 9 * time.Hour)
			}
		case 4:
			f.Before = domain.Position(rapid.IntRange(0, len(w.facts)+9).Draw(t, "before"))
		}
	}
	return f
}

// TestScopeIsAScan: whatever is applied, dropped and asked, in whatever order, sheaves
// and rows together answer like a look at every access, and a dataset that is built
// anew with the same horizon has the same content.
func TestScopeIsAScan(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		w := &scopeWorld{reads: map[domain.ID]read{}}
		bits, weight := uint(rapid.IntRange(2, 6).Draw(t, "bits")), rapid.IntRange(1, 2000).Draw(t, "weight")
		n++
		s, err := OpenSmall(filepath.Join(dir, fmt.Sprint(n)), w, sqlfile.Options{}, bits, weight)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var horizon time.Time
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			if err := s.Apply(context.Background(), w.more(t, rapid.IntRange(1, 90).Draw(t, "facts"))); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 2).Draw(t, "drop") == 0 {
				at := worldStart.AddDate(0, rapid.IntRange(-12, 5).Draw(t, "horizon"), 3)
				if _, err := s.DropAccessesBefore(context.Background(), at); err != nil {
					t.Fatal(err)
				}
				if month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC); month.After(horizon) {
					horizon = month
				}
			}
			for range 3 {
				w.ask(t, s, horizon)
			}
		}
		w.anew(t, s, filepath.Join(dir, fmt.Sprint(n, "-anew")), horizon, bits)
	})
}

func (w *scopeWorld) ask(t *rapid.T, s *Store, horizon time.Time) {
	f := w.question(t)
	want, persons := w.seen(f, horizon)
	got, err := s.Seen(context.Background(), f)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("%+v: %v (-want +got):\n%s", f, err, diff)
	}
	var after domain.ID
	for left := persons; ; {
		page, err := s.SeenAfter(context.Background(), f, after, 15)
		if err != nil || !slices.Equal(page, left[:min(15, len(left))]) {
			t.Fatalf("%+v: persons %v, want the first of %v; %v", f, page, left, err)
		}
		if len(page) < 15 {
			return
		}
		left, after = left[15:], page[14]
	}
}

func (w *scopeWorld) anew(t *rapid.T, s *Store, path string, horizon time.Time, bits uint) {
	fresh, err := OpenSmall(path, w, sqlfile.Options{}, bits, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if !horizon.IsZero() {
		if _, err := fresh.DropAccessesBefore(context.Background(), horizon); err != nil {
			t.Fatal(err)
		}
	}
	var have, want strings.Builder
	err = errors.Join(fresh.Apply(context.Background(), w.facts), s.Dump(context.Background(), &have), fresh.Dump(context.Background(), &want))
	if diff := cmp.Diff(want.String(), have.String()); diff != "" || err != nil {
		t.Fatalf("built anew: %v\n%s", err, diff)
	}
}
