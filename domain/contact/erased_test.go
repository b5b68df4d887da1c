package contact_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
)

func TestDestructionOf(t *testing.T) {
	t.Parallel()
	classes, order := []string{"identity", "notes"}, id(50).String()
	for name, c := range map[string]struct {
		r                    contact.Recorded
		none, done           bool
		by                   int
		hits, spares         string // classes
		whole, indexed, part bool
	}{
		"whole":          {r: rec(9, event.ErasureOrdered, 9, "whole", true, "classes", classes, "kept", []string{"billing"}), by: 9, hits: "identity notes other", spares: "billing", whole: true, indexed: true},
		"classes":        {r: rec(9, event.ErasureOrdered, 9, "classes", classes), by: 9, hits: "identity notes", spares: "contact_details", indexed: true},
		"other classes":  {r: rec(9, event.ErasureOrdered, 9, "classes", []string{"notes"}), by: 9, hits: "notes", spares: "identity"},
		"addresses":      {r: rec(9, event.ErasureOrdered, 9, "classes", []string{"contact_details"}), by: 9, hits: "contact_details", spares: "identity", indexed: true},
		"one part":       {r: rec(9, event.ErasureOrdered, 9, "event", id(3).String(), "classes", []string{"identity"}), by: 9, hits: "identity", spares: "notes", part: true},
		"erased":         {r: rec(9, event.SubjectErased, 9, "order", order, "whole", true), done: true, by: 50, hits: "identity", whole: true, indexed: true},
		"erased, partly": {r: rec(9, event.SubjectErased, 9, "order", order, "classes", classes), done: true, by: 50, hits: "notes", spares: "billing", indexed: true},
		"restored":       {r: rec(9, event.SubjectErased, 9, "order", order, "whole", true, "restored", true), by: 9, hits: "notes", whole: true, indexed: true},
		"redacted":       {r: rec(9, event.PartRedacted, 9, "order", order, "event", id(3).String(), "class", "notes"), done: true, by: 50, hits: "notes", spares: "identity", part: true},
		"redacted alone": {r: rec(9, event.PartRedacted, 9, "event", id(3).String(), "class", "notes"), done: true, by: 9, hits: "notes", part: true},
		"staged":         {r: rec(9, event.ErasureStaged, 9, "order", order), none: true},
		"anything else":  {r: rec(9, event.ContactCreated, 9, "whole", true), none: true},
	} {
		d, ok := contact.DestructionOf(9, c.r.Fact)
		if ok == c.none || ok && (d.Done != c.done || d.By != id(c.by) || d.Whole != c.whole || d.Indexed() != c.indexed || d.At != c.r.Fact.Time) {
			t.Errorf("%s: %+v, %v", name, d, ok)
		}
		for _, class := range strings.Fields(c.hits) {
			if !d.Hits(8, id(3), class, "2026") || d.Hits(9, id(3), class, "2026") || d.Hits(10, id(3), class, "2026") {
				t.Errorf("%s: %s is hit wrongly", name, class)
			}
			if d.Hits(8, id(4), class, "2026") == c.part {
				t.Errorf("%s: another event's part of %s", name, class)
			}
		}
		for _, class := range strings.Fields(c.spares) {
			if d.Hits(8, id(3), class, "2026") {
				t.Errorf("%s: %s is hit", name, class)
			}
		}
	}
}

// TestDestructionOfSomeKeys: of a class that keys narrow, those alone are hit; of
// the others of the order everything.
func TestDestructionOfSomeKeys(t *testing.T) {
	t.Parallel()
	r := rec(9, event.ErasureOrdered, 9, "classes", []string{"contract", "notes"}, "epochs", []string{"contract/2023", "contract/2024.1"})
	d, ok := contact.DestructionOf(9, r.Fact)
	if !ok || d.Whole || d.Indexed() {
		t.Fatalf("%+v", d)
	}
	for key, want := range map[string]bool{"contract/2023": true, "contract/2024.1": true, "contract/2024": false, "contract/2025": false,
		"notes/2025": true, "notes/whole": true, "billing/2023": false} {
		class, epoch, _ := strings.Cut(key, "/")
		if d.Hits(8, id(3), class, epoch) != want || d.Hits(9, id(3), class, epoch) {
			t.Errorf("%s: hit is not %t", key, want)
		}
	}
}

func TestErasedError(t *testing.T) {
	t.Parallel()
	err := error(&contact.ErasedError{By: id(3), At: domain.NewTime(day(1))})
	if !errors.Is(err, contact.ErrErased) || errors.Is(errors.New("other"), contact.ErrErased) {
		t.Error("not matched")
	}
	if !strings.Contains(err.Error(), id(3).String()) || !strings.Contains(err.Error(), "2026-03-02") {
		t.Error(err)
	}
}

// TestItemOfDestroyed: what is gone reads as erased, what is held but not opened as
// withheld.
func TestItemOfDestroyed(t *testing.T) {
	t.Parallel()
	r := with(gone(rec(1, event.ContactChanged, 1), 77, "notes", "custom.*"), `person.given_name="Anna"`)
	r.Fact.Fields = append(r.Fact.Fields, "person.emails", "company.role")
	r.Archived = map[string]domain.Time{"company.role": domain.NewTime(day(1))}
	erased := `{"erased":true,"by":"` + id(77).String() + `"}`
	want := map[string]string{"notes": erased, "custom.*": erased, "person.given_name": `"Anna"`, "person.emails": "",
		"company.role": `{"archived":true,"since":"` + domain.FormatTime(day(1)) + `"}`}
	fields := contact.NewItem(r).Fields
	for _, f := range fields {
		if w, ok := want[f.Path]; !ok || string(f.Value) != w || f.Withheld != (w == "") {
			t.Errorf("%+v", f)
		}
	}
	if len(fields) != len(want) {
		t.Errorf("%d fields, want %d", len(fields), len(want))
	}
}

func TestRestrictionsEnd(t *testing.T) {
	t.Parallel()
	placed := func(p, d int) contact.Recorded { return rec(p, event.RestrictionPlaced, d) }
	lifted := func(p, d int, of ...any) contact.Recorded { return rec(p, event.RestrictionLifted, d, of...) }
	for name, c := range map[string]struct {
		recs []contact.Recorded
		want []int
	}{
		"placed":                     {[]contact.Recorded{placed(1, 1)}, []int{1}},
		"lifted":                     {[]contact.Recorded{placed(1, 1), lifted(2, 2, "restriction", id(1).String())}, nil},
		"another lifted":             {[]contact.Recorded{placed(1, 1), placed(2, 2), lifted(3, 3, "restriction", id(2).String())}, []int{1}},
		"all lifted":                 {[]contact.Recorded{placed(1, 1), placed(2, 2), lifted(3, 3)}, nil},
		"placed again":               {[]contact.Recorded{placed(1, 1), lifted(2, 2), placed(3, 3)}, []int{3}},
		"recorded after all lifted":  {[]contact.Recorded{lifted(2, 2), placed(3, 1)}, []int{3}},
		"lifted later than asked of": {[]contact.Recorded{placed(1, 1), lifted(2, 50)}, []int{1}},
		"lifted for a merged other": {[]contact.Recorded{placed(1, 1), merge(2, event.ContactMerged, 2, bob, anna), of(bob, lifted(3, 3)),
			of(bob, placed(4, 4)), of(bob, lifted(5, 5, "restriction", id(4).String()))}, []int{1}},
	} {
		v := contact.Fold(anna, c.recs, day(10))
		var got []int
		for _, r := range v.Restrictions {
			got = append(got, int(r.Event[15]))
		}
		if !slices.Equal(got, c.want) || v.Restricted != (len(c.want) > 0) {
			t.Errorf("%s: restricted %v by %v, want %v", name, v.Restricted, got, c.want)
		}
	}
}

// TestHoldsShow: the view names each hold that stands, with the contact it is on,
// so that it can be ended.
func TestHoldsShow(t *testing.T) {
	t.Parallel()
	placed := rec(1, event.HoldPlaced, 1, "reason", "litigation")
	other := of(bob, rec(3, event.HoldPlaced, 3, "reason", "audit"))
	recs := []contact.Recorded{placed, merge(2, event.ContactMerged, 2, bob, anna), other}
	v := contact.Fold(anna, recs, day(10))
	if len(v.Holds) != 2 || v.Holds[0].Event != id(1) || v.Holds[0].Reason != "litigation" || !v.Holds[0].Subject.IsZero() || v.Holds[1].Subject != bob {
		t.Errorf("%+v", v.Holds)
	}
	v = contact.Fold(anna, append(recs, rec(4, event.HoldReleased, 4, "hold", id(1).String())), day(10))
	if len(v.Holds) != 1 || v.Holds[0].Event != id(3) {
		t.Errorf("after a release: %+v", v.Holds)
	}
}
