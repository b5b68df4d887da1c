package audittest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/projections/audit"
)

// seen is the model's answer.
func (m *model) seen(f audit.SeenFilter) (*audit.Seen, []domain.ID) {
	out := &audit.Seen{ByCategory: map[string]int64{}}
	var persons []domain.ID
	for _, a := range m.accesses(audit.AccessFilter{Time: f.Time}) {
		if a.Position >= f.Before || len(f.Accounts) > 0 && !slices.Contains(f.Accounts, a.Account) || len(f.Sources) > 0 && !slices.Contains(f.Sources, a.Source) ||
			len(f.Categories) > 0 && !slices.ContainsFunc(a.Categories, func(c string) bool { return slices.Contains(f.Categories, c) }) {
			continue
		}
		out.Accesses++
		for _, c := range a.Categories {
			out.ByCategory[c]++
		}
		if unnamed := a.Count - int64(len(a.Subjects)); unnamed > 0 {
			out.Unnamed += unnamed
		}
		if out.First.IsZero() || a.Time.Before(out.First.Time) {
			out.First = a.Time
		}
		if a.Time.After(out.Last.Time) {
			out.Last = a.Time
		}
		persons = append(persons, a.Subjects...)
	}
	slices.SortFunc(persons, func(a, b domain.ID) int { return bytes.Compare(a[:], b[:]) })
	persons = slices.Compact(persons)
	out.Persons = int64(len(persons))
	return out, persons
}

func checkSeen(t *testing.T, d audit.Dataset, m *model) {
	r := dice{rand.New(rand.NewPCG(11, 12)), m}
	all := m.accesses(audit.AccessFilter{})
	found, narrow := int64(0), 0
	for range 60 {
		f := audit.SeenFilter{Before: size}
		for range r.IntN(3) {
			a := all[r.IntN(len(all))]
			switch r.IntN(7) {
			case 0:
				f.Accounts = append(f.Accounts, a.Account)
			case 1:
				f.Sources = append(f.Sources, a.Source)
			case 2:
				f.Categories = append(f.Categories, a.Categories...)
			case 3:
				f.Categories = append(f.Categories, "unheard_of")
			case 4:
				f.Time = r.span(timeOf)
			case 5:
				f.Before = domain.Position(r.IntN(size))
			case 6:
				f.Accounts, f.Sources = append(f.Accounts, domain.ID{1}), append(f.Sources, r.fact().Source)
			}
		}
		f.Sources = slices.DeleteFunc(f.Sources, domain.ID.IsZero)
		want, persons := m.seen(f)
		got, err := d.Seen(t.Context(), f)
		if err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seen by %+v (-want +got):\n%s", f, diff)
		}
		same(t, "persons", gather(t, audit.SeenPersons(t.Context(), d, f, domain.ID{})), persons)
		if found += want.Persons; want.Persons > 0 && want.Persons < 100 {
			narrow++
		}
	}
	if found < 1000 || narrow < 5 {
		t.Fatalf("%d persons found, %d narrow questions: the check says little", found, narrow)
	}
	checkSeenPages(t, d, m)
}

// checkSeenPages goes through the persons a few at a time.
func checkSeenPages(t *testing.T, d audit.Dataset, m *model) {
	f := audit.SeenFilter{Before: size}
	_, want := m.seen(f)
	var got []domain.ID
	for after := (domain.ID{}); ; after = got[len(got)-1] {
		page, err := d.SeenAfter(t.Context(), f, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, page...); len(page) < 7 {
			break
		}
	}
	same(t, "persons by pages", got, want)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Seen(ctx, f); err == nil {
		t.Fatal("an ended context was answered")
	}
	if none, err := d.Seen(t.Context(), audit.SeenFilter{}); err != nil || none.Accesses != 0 {
		t.Fatalf("nothing is before position 0: %+v %v", none, err)
	}
}
