package token

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

var (
	root1 = [32]byte(bytes.Repeat([]byte{1}, 32))
	root2 = [32]byte(bytes.Repeat([]byte{2}, 32))
	root3 = [32]byte(bytes.Repeat([]byte{3}, 32))
)

func TestEachUseKindAndInputHasItsOwnToken(t *testing.T) {
	t.Parallel()
	p := Derive(root1)
	seen := map[Token]string{}
	add := func(name string, tok Token) {
		t.Helper()
		if other, ok := seen[tok]; ok {
			t.Errorf("%s and %s share a token", name, other)
		}
		seen[tok] = name
	}
	for u := UseDedupe; u <= UseOpposition; u++ {
		for _, k := range []Kind{KindEmail, KindPhone, KindName} {
			for _, v := range []string{"", "a", "b"} {
				add(fmt.Sprintf("%v %v %q", u, k, v), p.Token(u, k, v))
			}
		}
	}
	add("md5", p.Opposition(KindEmail, "a").MD5)
	for name, f := range map[string]func(a, b string) Token{
		"dedupe": p.Dedupe, "external": p.External, "actor": p.Actor, "quarantine": p.Quarantine,
	} {
		add(name+" a,bc", f("a", "bc"))
		add(name+" ab,c", f("ab", "c"))
		add(name+" ,abc", f("", "abc"))
	}
	add("source", p.Source("a"))
	add("other root", Derive(root2).Token(UseEmail, KindEmail, "a"))
	add("next generation", Derive(root1, root2).Token(UseEmail, KindEmail, "a"))
}

func TestHashedListsMatch(t *testing.T) {
	t.Parallel()
	for _, p := range []*Peppers{Derive(root1), Derive(root1, root2)} {
		for _, kind := range []Kind{KindEmail, KindPhone} {
			o := p.Opposition(kind, "marie@exemple.fr")
			if got := p.FromSHA256(kind, sha256.Sum256([]byte("marie@exemple.fr"))); !got.Equal(o.SHA256) {
				t.Errorf("%s: SHA-256 does not match", kind)
			}
			if got := p.FromMD5(kind, md5.Sum([]byte("marie@exemple.fr"))); !got.Equal(o.MD5) {
				t.Errorf("%s: MD5 does not match", kind)
			}
			if o.SHA256.Equal(o.MD5) || o.SHA256.Equal(p.Search(kind, "marie@exemple.fr")) {
				t.Errorf("%s: tokens are shared between forms or uses", kind)
			}
		}
	}
}

func TestSearchUsesTheKindsPepper(t *testing.T) {
	t.Parallel()
	p := Derive(root1)
	for kind, use := range map[Kind]Use{KindEmail: UseEmail, KindPhone: UsePhone, KindName: UseName} {
		if p.Search(kind, "x") != p.Token(use, kind, "x") {
			t.Errorf("search by %s uses another pepper", kind)
		}
	}
}

func TestRotationNests(t *testing.T) {
	t.Parallel()
	one, two, three := Derive(root1), Derive(root1, root2), Derive(root1, root2, root3)
	if one.Generation() != 1 || three.Generation() != 3 {
		t.Fatal("generations are miscounted")
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		for use, make := range map[Use]func(*Peppers) Token{
			UseExternal:   func(p *Peppers) Token { return p.External(a, b) },
			UseActor:      func(p *Peppers) Token { return p.Actor(a, b) },
			UseSource:     func(p *Peppers) Token { return p.Source(a) },
			UseQuarantine: func(p *Peppers) Token { return p.Quarantine(a, b) },
			UseEmail:      func(p *Peppers) Token { return p.Search(KindEmail, a) },
			UseOpposition: func(p *Peppers) Token { return p.Opposition(KindPhone, a).MD5 },
		} {
			if got := two.Rotate(use, make(one)); got != make(two) {
				t.Fatalf("%v: a rotated token is not the next generation's", use)
			}
			if got := three.Rotate(use, two.Rotate(use, make(one))); got != make(three) {
				t.Fatalf("%v: two rotations are not the third generation's", use)
			}
		}
	})
}

func TestProgrammingErrorsPanic(t *testing.T) {
	t.Parallel()
	p := Derive(root1)
	for name, f := range map[string]func(){
		"no use":       func() { p.Token(0, KindEmail, "x") },
		"unknown use":  func() { p.Token(UseOpposition+1, KindEmail, "x") },
		"unknown kind": func() { p.Token(UseEmail, "siren", "x") },
		"unknown list": func() { p.FromMD5("siren", [16]byte{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			f()
		}()
	}
}

func TestPeppersPrintNoKey(t *testing.T) {
	t.Parallel()
	p := Derive(root1)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, p); got != "peppers" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if Use(0).String() != "invalid" || Use(99).String() != "invalid" || UseOpposition.String() != "opposition" {
		t.Error("uses are misnamed")
	}
}

func TestPeppersAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	p := Derive(root1, root2)
	want := make([]Token, 64)
	for i := range want {
		want[i] = p.External("crm", fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range want {
				if p.External("crm", fmt.Sprint(i)) != want[i] {
					t.Error("a token changed under concurrency")
				}
				p.Opposition(KindEmail, "a")
			}
		})
	}
	wg.Wait()
}

func TestNothingStaysInTheScratch(t *testing.T) {
	t.Parallel()
	k := newKeyed([]byte("key"))
	s := k.get()
	s.in = append(s.in, strings.Repeat("personal", 40)...)
	in := s.in
	k.put(s)
	if len(bytes.Trim(in, "\x00")) != 0 {
		t.Error("the input outlives the MAC")
	}
}

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Entry{
		"no kind":       {},
		"unknown kind":  {Kind: "siren"},
		"unknown field": {Kind: KindEmail, Field: fields},
		"unknown form":  {Kind: KindEmail, Form: 3},
	} {
		if _, err := Pack([]Entry{e}); !errors.Is(err, ErrPacked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := make([]Entry, maxEntries+1)
	for i := range many {
		many[i].Kind = KindEmail
	}
	if _, err := Pack(many); err == nil {
		t.Error("65,536 entries are packed")
	}
	if b, err := Pack(many[1:]); err != nil || len(b) != 3+35*maxEntries {
		t.Errorf("65,535 entries: %d bytes, %v", len(b), err)
	}
	one, err := Pack([]Entry{{Kind: KindName, Field: FieldName}})
	if err != nil {
		t.Fatal(err)
	}
	with := func(i int, b byte) []byte { c := bytes.Clone(one); c[i] = b; return c }
	for name, b := range map[string][]byte{
		"version": with(0, 2), "count": with(2, 2), "no entries": {1, 0, 0}, "zero count": with(2, 0),
		"kind 0": with(3, 0), "kind 4": with(3, 4), "field": with(4, fields), "form": with(5, 3),
		"short": one[:len(one)-1], "head only": one[:2], "trailing": append(bytes.Clone(one), 0),
	} {
		if _, err := Unpack(b); !errors.Is(err, ErrPacked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPackRoundTrip(t *testing.T) {
	t.Parallel()
	entry := rapid.Custom(func(t *rapid.T) Entry {
		return Entry{
			Kind:  rapid.SampledFrom([]Kind{KindEmail, KindPhone, KindName}).Draw(t, "kind"),
			Field: Field(rapid.IntRange(0, fields-1).Draw(t, "field")),
			Form:  Form(rapid.IntRange(0, 2).Draw(t, "form")),
			Token: Token(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "token")),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(entry, 0, 20).Draw(t, "entries")
		b, err := Pack(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Unpack(b)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d entries back, %v", len(got), len(want), err)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("entry %d differs", i)
			}
		}
	})
}

func FuzzUnpack(f *testing.F) {
	b, err := Pack([]Entry{{Kind: KindEmail}, {Kind: KindPhone, Field: FieldPhones, Form: FormOppositionMD5}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := Unpack(b)
		if err != nil {
			if !errors.Is(err, ErrPacked) {
				t.Fatal(err)
			}
			return
		}
		again, err := Pack(entries)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x is read but not written that way (%v)", b, err)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	p := Derive(root1)
	b.ReportAllocs()
	for b.Loop() {
		p.Search(KindEmail, "marie.dupont@exemple.fr")
	}
}

func BenchmarkDedupe(b *testing.B) {
	p := Derive(root1)
	b.ReportAllocs()
	for b.Loop() {
		p.Dedupe("crm/eu", "01JABCDEFGHJKMNPQRSTVWXYZ0")
	}
}
