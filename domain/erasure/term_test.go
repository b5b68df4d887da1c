package erasure_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
)

func keys(text string) (out []erasure.ClassEpoch) { return erasure.Named(strings.Fields(text)) }

// TestNarrow: a term takes the keys it names, and nothing that the person has not; a
// class of which nothing is left goes altogether.
func TestNarrow(t *testing.T) {
	t.Parallel()
	has := keys("identity/whole contract/2023 contract/2024 contract/2024.1 notes/2024 notes/2025")
	for name, c := range map[string]struct {
		classes         string
		epochs          map[string][]string
		goes, epochsOut string
		err             error
	}{
		"a class":                 {"notes", nil, "notes", "", nil},
		"some years":              {"contract", map[string][]string{"contract": {"2023", "2024"}}, "contract", "contract/2023 contract/2024", nil},
		"all years":               {"contract", map[string][]string{"contract": {"2023", "2024", "2024.1", "2011"}}, "contract", "", nil},
		"another generation":      {"contract", map[string][]string{"contract": {"2024.1"}}, "contract", "contract/2024.1", nil},
		"years nobody has":        {"contract", map[string][]string{"contract": {"2011"}}, "", "", nil},
		"no years":                {"contract", map[string][]string{"contract": {}}, "", "", nil},
		"classes nobody has":      {"billing recruitment", nil, "", "", nil},
		"one narrowed, one not":   {"notes contract", map[string][]string{"contract": {"2023"}}, "contract notes", "contract/2023", nil},
		"narrowed, but not asked": {"notes", map[string][]string{"contract": {"2023"}}, "notes", "", nil},
		"twice the same":          {"notes notes", map[string][]string{"notes": {"2024", "2024"}}, "notes", "notes/2024", nil},
		"the name altogether":     {"identity", map[string][]string{"identity": {"whole"}}, "identity", "", nil},
	} {
		o, err := erasure.Narrow(has, strings.Fields(c.classes), c.epochs, []string{"identity"})
		if !errors.Is(err, c.err) || strings.Join(o.Classes, " ") != c.goes || strings.Join(erasure.Names(o.Epochs), " ") != c.epochsOut || o.Whole {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
	}
	has = append(has, keys("identity/whole.1")...)
	if o, err := erasure.Narrow(has, []string{"identity"}, map[string][]string{"identity": {"whole"}}, []string{"identity"}); !errors.Is(err, erasure.ErrNarrowed) {
		t.Errorf("a part of the name: %+v, %v", o, err)
	}
}

// TestNarrowTakesWhatItNames: whatever is asked, what is taken was named and had, and
// what was named and had is taken.
func TestNarrowTakesWhatItNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		class, epoch := rapid.SampledFrom([]string{"a", "b", "c"}), rapid.SampledFrom([]string{"2023", "2024", "2024.1", "2025"})
		var has []erasure.ClassEpoch
		for range rapid.IntRange(0, 8).Draw(t, "keys") {
			if k := (erasure.ClassEpoch{Class: class.Draw(t, "class"), Epoch: epoch.Draw(t, "epoch")}); !slices.Contains(has, k) {
				has = append(has, k)
			}
		}
		asked, epochs := rapid.SliceOf(class).Draw(t, "asked"), rapid.MapOf(class, rapid.SliceOf(epoch)).Draw(t, "epochs")
		o, err := erasure.Narrow(has, asked, epochs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range has {
			only, narrow := epochs[k.Class]
			want := slices.Contains(asked, k.Class) && (!narrow || slices.Contains(only, k.Epoch))
			if got := erasure.Takes(o.Classes, o.Epochs, k.Class, k.Epoch); got != want {
				t.Fatalf("%s is taken: %t, by %+v", k, got, o)
			}
		}
		if back := erasure.Named(erasure.Names(o.Epochs)); len(back) != len(o.Epochs) {
			t.Fatalf("%v reads as %v", o.Epochs, back)
		}
	})
}

// TestRest: a person erased at the end of a term keeps what it has of what is to be
// kept, and loses the rest.
func TestRest(t *testing.T) {
	t.Parallel()
	f := &event.Fact{Subject: anne, Parts: []event.PartRef{{Owner: part.SubjectOwner(anne), Class: "identity", Epoch: "whole"},
		{Owner: part.SubjectOwner(anne), Class: "evidence", Epoch: "2024"}, {Owner: part.LedgerOwner(), Class: "requests", Epoch: "2024"}}}
	other := &event.Fact{Subject: domain.ID{2}, Parts: []event.PartRef{{Owner: part.SubjectOwner(domain.ID{2}), Class: "notes", Epoch: "2024"}}}
	left := erasure.Left([]*event.Fact{f, f, other})
	if got := erasure.Names(left[anne]); strings.Join(got, " ") != "evidence/2024 identity/whole" {
		t.Errorf("keys %v", got)
	}
	o := erasure.Rest(left, []erasure.Kept{{Class: "evidence", Ground: "art17.3.e"}, {Class: "billing"}})
	if !o.Whole || strings.Join(o.Classes, " ") != "identity notes" || len(o.Kept) != 1 || o.Kept[0].Ground != "art17.3.e" {
		t.Errorf("%+v", o)
	}
}

// TestLeft: what was ordered to be destroyed is not left, whichever way it was ordered;
// what came after the order is.
func TestLeft(t *testing.T) {
	t.Parallel()
	has := func(keys ...string) *event.Fact {
		f := &event.Fact{Type: event.ContactChanged, Subject: anne}
		for _, k := range erasure.Named(keys) {
			f.Parts = append(f.Parts, event.PartRef{Owner: part.SubjectOwner(anne), Class: k.Class, Epoch: k.Epoch})
		}
		return f
	}
	said := func(typ event.Type, codes ...any) *event.Fact {
		f := &event.Fact{Type: typ, Subject: anne}
		for i := 0; i < len(codes); i += 2 {
			f.Codes = f.Codes.With(codes[i].(string), codes[i+1])
		}
		return f
	}
	first := has("identity/whole", "notes/2024", "notes/2025")
	for name, c := range map[string]struct {
		then []*event.Fact
		left string
	}{
		"nothing":       {nil, "identity/whole notes/2024 notes/2025"},
		"a class":       {[]*event.Fact{said(event.ErasureOrdered, "classes", []string{"notes"})}, "identity/whole"},
		"a key":         {[]*event.Fact{said(event.ErasureOrdered, "classes", []string{"notes"}, "epochs", []string{"notes/2024"})}, "identity/whole notes/2025"},
		"one part":      {[]*event.Fact{said(event.ErasureOrdered, "classes", []string{"notes"}, "event", "x")}, "identity/whole notes/2024 notes/2025"},
		"whole":         {[]*event.Fact{said(event.ErasureOrdered, "whole", true, "kept", []string{"notes"})}, "notes/2024 notes/2025"},
		"restored":      {[]*event.Fact{said(event.SubjectErased, "restored", true, "classes", []string{"notes"}, "epochs", []string{"notes/2025"})}, "identity/whole notes/2024"},
		"certified":     {[]*event.Fact{said(event.SubjectErased, "classes", []string{"notes"})}, "identity/whole notes/2024 notes/2025"},
		"what is later": {[]*event.Fact{said(event.ErasureOrdered, "classes", []string{"notes"}), has("notes/2024.1")}, "identity/whole notes/2024.1"},
	} {
		left := erasure.Left(append([]*event.Fact{first}, c.then...))
		if got := strings.Join(erasure.Names(left[anne]), " "); got != c.left {
			t.Errorf("%s: %q is left, want %q", name, got, c.left)
		}
	}
}
