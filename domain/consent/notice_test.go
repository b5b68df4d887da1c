package consent_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
	"greffe/domain/opposition"
)

var shown = id(700)

func lacking(f *event.Fact, what ...string) *event.Fact {
	f.Codes, f.Lacks = f.Codes.With("evidence", "unproven").With("notice", shown.String()), what
	return f
}

func publishes(ids ...domain.ID) func(domain.ID) bool {
	return func(n domain.ID) bool { return slices.Contains(ids, n) }
}

func TestProvenByAPublishedNotice(t *testing.T) {
	t.Parallel()
	other := id(701)
	unnamed := fact(event.ConsentGranted, 2, "p", "email")
	unnamed.Codes, unnamed.Lacks = unnamed.Codes.With("evidence", "unproven"), []string{"notice"}
	own := fact(event.ConsentGranted, 2, "p", "email")
	own.Codes = own.Codes.With("evidence", "unproven").With("lacks", []string{"notice"}).With("notice", shown.String())
	for name, c := range map[string]struct {
		fact      *event.Fact
		published []domain.ID
		want      bool
	}{
		"whole by itself":             {fact(event.ConsentGranted, 2, "p", "email"), nil, true},
		"the text alone, published":   {lacking(fact(event.ConsentGranted, 2, "p", "email"), "notice"), []domain.ID{shown}, true},
		"the ledger's own, published": {own, []domain.ID{shown}, true},
		"the ledger's own, not yet":   {own, nil, false},
		"not published":               {lacking(fact(event.ConsentGranted, 2, "p", "email"), "notice"), nil, false},
		"another one published":       {lacking(fact(event.ConsentGranted, 2, "p", "email"), "notice"), []domain.ID{other}, false},
		"no notice named":             {unnamed, []domain.ID{{}, shown}, false},
		"the act lacks too":           {lacking(fact(event.ConsentGranted, 2, "p", "email"), "act", "notice"), []domain.ID{shown}, false},
		"the act lacks":               {lacking(fact(event.ConsentGranted, 2, "p", "email"), "act"), []domain.ID{shown}, false},
		"a pre-ticked box":            {lacking(fact(event.ConsentGranted, 2, "p", "email"), "notice", "unticked_box"), []domain.ID{shown}, false},
		"asked only":                  {lacking(fact(event.ConsentRequested, 2, "p", "email"), "notice"), []domain.ID{shown}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, before := acts(c.fact), acts(c.fact)
			pub := publishes(c.published...)
			if got := consent.Proven(&l[0], pub); got != c.want {
				t.Errorf("proven is %t", got)
			}
			q := consent.Query{Controller: "acme", Purpose: "p", Channel: "email"}
			if got := consent.Of(consent.Complete(l, pub), q, day(9)).Allows(); got != c.want {
				t.Errorf("allows is %t", got)
			}
			if diff := cmp.Diff(before, l); diff != "" {
				t.Errorf("the acts given were changed: %s", diff)
			}
			if a, _ := consent.ActOf(0, consent.Completed(c.fact, pub)); consent.Proven(&a, publishes()) != c.want {
				t.Error("Completed says otherwise")
			}
		})
	}
}

// A completed fact reads as proven for every reader, and the one given stays.
func TestCompletedIsACopy(t *testing.T) {
	t.Parallel()
	f := lacking(fact(event.ConsentGranted, 2, "p", "email"), "notice")
	f.ID, f.Subject, f.Codes = id(1), id(2), f.Codes.With("method", "web_form")
	c := consent.Completed(f, publishes(shown))
	if _, ok := opposition.ActOf(c); !ok {
		t.Error("a completed grant is no proven act to the opposition list")
	}
	if _, ok := opposition.ActOf(f); ok || len(f.Lacks) != 1 || f.Codes.String("evidence") != "unproven" {
		t.Error("the fact that was given is changed")
	}
	w := fact(event.ConsentWithdrawn, 2, "p")
	if consent.Completed(w, publishes(shown)) != w || consent.Completed(f, publishes()) != f {
		t.Error("a fact that nothing completes is copied")
	}
}

// Publishing a notice never takes a consent away, and never touches a denial.
func TestPublishingOnlyAdds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var facts []*event.Fact
		for range rapid.IntRange(1, 8).Draw(t, "n") {
			typ := rapid.SampledFrom([]event.Type{event.ConsentGranted, event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn, event.ConsentRequested}).Draw(t, "type")
			f := fact(typ, rapid.IntRange(1, 5).Draw(t, "day"), "p", "email")
			if typ == event.ConsentGranted && rapid.Bool().Draw(t, "lacking") {
				f = lacking(f, rapid.SampledFrom([][]string{{"notice"}, {"act", "notice"}}).Draw(t, "lacks")...)
			}
			facts = append(facts, f)
		}
		l := acts(facts...)
		q := consent.Query{Controller: "acme", Purpose: "p", Channel: "email"}
		before, after := consent.Of(l, q, day(9)), consent.Of(consent.Complete(l, publishes(shown)), q, day(9))
		denied := func(s consent.State) bool { return s == consent.Refused || s == consent.Withdrawn }
		if before.Allows() && !after.Allows() {
			t.Fatalf("%+v became %+v", before, after)
		}
		if denied(before.State) && !denied(after.State) && !after.Since.After(before.Since) {
			t.Fatalf("a denial at %v gave way to a grant at %v", before.Since, after.Since)
		}
	})
}

func TestNoticeOf(t *testing.T) {
	t.Parallel()
	named := func(prefix string) []event.Field {
		return []event.Field{{Path: prefix + "id", Value: []byte(`"web-form"`)}, {Path: prefix + "language", Value: []byte(`"fr"`)}, {Path: prefix + "version", Value: []byte(`"3"`)}}
	}
	for _, prefix := range []string{"consent.notice.", "notice.", "collection.notice."} {
		if n, v, l, ok := consent.NoticeOf(named(prefix)); !ok || n != "web-form" || v != "3" || l != "fr" {
			t.Errorf("%s: %s %s %s %t", prefix, n, v, l, ok)
		}
	}
	for name, fields := range map[string][]event.Field{
		"nothing": nil, "no version": named("notice.")[:2], "no id": named("notice.")[1:],
		"a number": {{Path: "notice.id", Value: []byte(`"n"`)}, {Path: "notice.version", Value: []byte(`3`)}},
		"another":  named("custom.notice."),
	} {
		if _, _, _, ok := consent.NoticeOf(fields); ok {
			t.Errorf("%s names a notice", name)
		}
	}
}

func TestSlotsOfAGrantOnly(t *testing.T) {
	t.Parallel()
	f := fact(event.ConsentGranted, 2, "p", "phone")
	f.Codes = f.Codes.With("slots", []string{"1-5/18:00-21:00", "6/10:00-12:00", "x"})
	want := []event.Slot{{First: 1, Last: 5, From: 1080, To: 1260}, {First: 6, Last: 6, From: 600, To: 720}}
	if diff := cmp.Diff(want, consent.Slots(f)); diff != "" {
		t.Error(diff)
	}
	f.Type = event.ConsentRequested
	if consent.Slots(f) != nil {
		t.Error("a request opens hours")
	}
}
