package crm

import (
	"bytes"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/token"
)

// sample has every member, a code that is not listed and times before 1970.
func sample() *Contact {
	stamp := func(n int64) Stamp { return Stamp{domain.NewTime(time.UnixMicro(n)), domain.Position(n & 0xFF)} }
	return &Contact{Fields: []Pointer{{Path: "custom.x", Event: domain.ID{1}, Class: "own", Unset: true, Stamp: stamp(0)},
		{Path: "notes", Event: domain.ID{2}, Class: "notes", Stamp: stamp(-5)}, {Path: "person.emails", Event: domain.ID{1}, Stamp: stamp(0)}},
		Kind: "client", Professional: true, LastActivity: domain.NewTime(time.UnixMicro(1)), Deceased: stamp(4),
		Restrictions: []Mark{{domain.ID{5}, stamp(9)}, {domain.ID{6}, stamp(-1)}}, Holds: []Mark{{domain.ID{7}, stamp(3)}},
		Controllers: []string{"a", "b"}, Sources: []domain.ID{{3}}, seen: stamp(5), gone: stamp(6),
		edges: []edge{{domain.ID{4}, true, stamp(8)}}, tokens: []held{{field: token.FieldName, kind: token.KindName, cell: 77, known: true, token: token.Token{9}}}}
}

func TestState(t *testing.T) {
	t.Parallel()
	for _, c := range []*Contact{sample(), {}} {
		b := c.appendState(nil, true)
		var got Contact
		if err := got.readState(b); err != nil {
			t.Fatal(err)
		}
		if again := got.appendState(nil, true); !bytes.Equal(again, b) {
			t.Fatalf("read and written again it differs:\n%x\n%x", b, again)
		}
		for n := range b {
			if new(Contact).readState(b[:n]) == nil {
				t.Fatalf("the first %d of %d bytes were read", n, len(b))
			}
		}
	}
	var got Contact
	if err := got.readState(sample().appendState(nil, true)); err != nil {
		t.Fatal(err)
	}
	if got.Fields[1].Time != sample().Fields[1].Time || got.MergedInto[0] != (domain.ID{4}) || got.Deleted.IsZero() || got.Kind != "client" {
		t.Fatalf("read as %+v", got)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for i, n := range names {
		if got := number(n); got != i {
			t.Errorf("%q is number %d, want %d", n, got, i)
		}
	}
	for _, n := range []string{"x", "custom.x", "person.email", "Kind", "notes."} {
		if got := number(n); got != -1 {
			t.Errorf("%q is number %d, want none", n, got)
		}
	}
	if len(names) > 128 {
		t.Error("the slots are half full: make more")
	}
}

func FuzzState(f *testing.F) {
	f.Add(sample().appendState(nil, true))
	f.Add(new(Contact).appendState(nil, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, d Contact
		if c.readState(b) != nil {
			return
		}
		if err := d.readState(c.appendState(nil, true)); err != nil {
			t.Fatal(err)
		}
	})
}
