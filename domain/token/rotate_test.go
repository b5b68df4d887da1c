package token

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
)

var allRoots = [][32]byte{{1}, {2}, {3}, {4}}

// upTo are the peppers of n roots.
func upTo(n int) *Peppers { return Derive(allRoots[0], allRoots[1:n]...) }

func TestCarryGoesOverAllGenerations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.IntRange(1, 4).Draw(t, "from"), rapid.IntRange(1, 4).Draw(t, "to")
		a := rapid.String().Draw(t, "a")
		for use, make := range map[Use]func(*Peppers) Token{
			UseExternal:   func(p *Peppers) Token { return p.External(a, a) },
			UseEmail:      func(p *Peppers) Token { return p.Search(KindEmail, a) },
			UseOpposition: func(p *Peppers) Token { return p.Opposition(KindEmail, a).SHA256 },
		} {
			got, ok := upTo(to).Carry(use, from, make(upTo(from)))
			if ok != (from <= to) || ok && got != make(upTo(to)) {
				t.Fatalf("%v: from generation %d to %d: %v, equal %v", use, from, to, ok, got == make(upTo(to)))
			}
		}
	})
	for _, none := range []int{0, -1, 3} {
		if _, ok := upTo(2).Carry(UseEmail, none, Token{}); ok {
			t.Errorf("a token of generation %d was carried", none)
		}
	}
}

// TestLinksNestAlike: the vault does not know which of the three uses a link is of.
func TestLinksNestAlike(t *testing.T) {
	t.Parallel()
	one, three := upTo(1), upTo(3)
	for name, make := range map[string]func(*Peppers) Token{
		"external": func(p *Peppers) Token { return p.External("crm", "a") },
		"actor":    func(p *Peppers) Token { return p.Actor("crm", "a") },
		"source":   func(p *Peppers) Token { return p.Source("crm") },
	} {
		two := upTo(2).Rotate(UseExternal, make(one))
		if make(upTo(2)) != two || make(three) != three.Rotate(UseExternal, two) {
			t.Errorf("a link of %s is not found after a rotation", name)
		}
		if make(one) == make(three) {
			t.Errorf("%s is not rotated", name)
		}
	}
	if three.External("crm", "a") == three.Actor("crm", "a") {
		t.Error("an external id and an actor have one token")
	}
}

// TestWhatFactsHoldIsOfTheFirstRoot: a rotation changes none of these, and another
// first root all.
func TestWhatFactsHoldIsOfTheFirstRoot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		digest := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		for name, make := range map[string]func(*Peppers) domain.ID{
			"event":    func(p *Peppers) domain.ID { mac := p.Dedupe(a, b); return domain.DeriveID(mac[:]) },
			"producer": func(p *Peppers) domain.ID { return p.SourceID(a) },
			"item":     func(p *Peppers) domain.ID { return p.ItemID(a, b, digest, 7) },
		} {
			if make(upTo(1)) != make(upTo(4)) {
				t.Fatalf("a rotation changes the id of an %s", name)
			}
			if make(upTo(1)) == make(Derive(allRoots[3])) {
				t.Fatalf("the id of an %s does not depend on the pepper", name)
			}
		}
		if mac := upTo(1).Source(a); domain.DeriveID(mac[:]) != upTo(3).SourceID(a) {
			t.Fatal("a producer has another id than before there were rotations")
		}
		hold := upTo(1).Quarantine(a, b)
		if mac := upTo(1).Quarantine(string(hold[:]), string(append(digest[:], 7))); domain.DeriveID(mac[:]) != upTo(3).ItemID(a, b, digest, 7) {
			t.Fatal("a quarantine item has another id than before there were rotations")
		}
	})
	if upTo(2).ItemID("a", "b", [32]byte{}, 0) == upTo(2).ItemID("a", "b", [32]byte{}, 1) {
		t.Error("two items have one id")
	}
}

func TestRepack(t *testing.T) {
	t.Parallel()
	old := Derive(root1)
	of := func(p *Peppers) []Entry {
		o := p.Opposition(KindPhone, "x")
		return []Entry{
			{Kind: KindEmail, Field: FieldEmails, Token: p.Search(KindEmail, "x")},
			{Kind: KindPhone, Field: FieldPhones, Token: p.Search(KindPhone, "x")},
			{Kind: KindName, Field: FieldName, Token: p.Search(KindName, "x")},
			{Kind: KindPhone, Field: FieldPhones, Form: FormOppositionSHA256, Token: o.SHA256},
			{Kind: KindPhone, Field: FieldAddress, Form: FormOppositionMD5, Token: o.MD5},
		}
	}
	next := Derive(root1, root2)
	b, err1 := Pack(of(old))
	want, err2 := Pack(of(next))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if err := Repack(b, next.Rotate); err != nil || !bytes.Equal(b, want) {
		t.Errorf("the next generation's tokens are not what was repacked: %v", err)
	}
	if err := Repack(nil, next.Rotate); err != nil {
		t.Error(err)
	}
	for i, bad := range [][]byte{{1}, b[:len(b)-1], append([]byte{2}, b[1:]...), append(bytes.Clone(b), 0)} {
		was := bytes.Clone(bad)
		if err := Repack(bad, next.Rotate); !errors.Is(err, ErrPacked) || !bytes.Equal(bad, was) {
			t.Errorf("damaged %d: %v", i, err)
		}
	}
}
