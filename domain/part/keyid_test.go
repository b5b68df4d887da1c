package part

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

func golden(t *testing.T, name string, got map[string]string) {
	t.Helper()
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("%s: a byte format changed; parts already stored would not open\ngot  %s\nwant %s", name, b, want)
	}
}

func TestGoldenPart(t *testing.T) {
	t.Parallel()
	f := newFixed(t)
	kp := DeriveKey(f.key, f.event.ID, f.id.Class)
	check := keyCheck(kp)
	commitment := Commit(f.part)
	golden(t, "part.json", map[string]string{
		"class_key":  hex.EncodeToString(f.key[:]),
		"event_id":   f.event.ID.String(),
		"type":       f.event.Type,
		"key_id":     f.id.String(),
		"salt":       hex.EncodeToString(f.rand.Salt[:]),
		"nonce":      hex.EncodeToString(f.rand.Nonce[:]),
		"plain":      string(f.plain),
		"k_part":     hex.EncodeToString(kp[:]),
		"key_check":  hex.EncodeToString(check[:]),
		"part":       hex.EncodeToString(f.part),
		"commitment": hex.EncodeToString(commitment[:]),
	})
}

func TestGoldenKeyIDs(t *testing.T) {
	t.Parallel()
	id := domain.ID(sequence(0xa0, 16))
	got := map[string]string{}
	for _, k := range []KeyID{
		{SubjectOwner(id), "contact_details", EpochWhole},
		{SubjectOwner(id), "commercial", "2026"},
		{AccountOwner(id), "accounts", EpochWhole},
		{QuarantineOwner(id), "quarantine", EpochWhole},
		{LedgerOwner(), "access", "2026-03"},
	} {
		got[k.String()] = hex.EncodeToString(k.append(nil))
	}
	golden(t, "keyid.json", got)
}

func anyID(t *rapid.T, label string) domain.ID {
	id := domain.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
	id[0] |= 1 // never zero
	return id
}

func anyOwner(t *rapid.T) Owner {
	kind := OwnerKind(rapid.IntRange(int(Subject), int(Case)).Draw(t, "kind"))
	if kind == Ledger {
		return LedgerOwner()
	}
	return Owner{kind, anyID(t, "owner")}
}

func anyKeyID(t *rapid.T) KeyID {
	return KeyID{
		Owner: anyOwner(t),
		Class: rapid.StringN(1, 255, 255).Draw(t, "class"),
		Epoch: rapid.StringN(1, 255, 255).Draw(t, "epoch"),
	}
}

func TestOwnerText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyOwner(t)
		if got, err := ParseOwner(want.String()); err != nil || got != want {
			t.Fatalf("%q reads as %v, %v", want.String(), got, err)
		}
	})
	id := "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf"
	for _, s := range []string{"", "subject", "subject/", "person/" + id, "subject/" + id + "/x", "ledger/" + id, "/" + id, "Subject/" + id, "ledger "} {
		if o, err := ParseOwner(s); err == nil {
			t.Errorf("%q reads as %v", s, o)
		}
	}
	if got := (Owner{}).String(); got != "invalid" {
		t.Errorf("the zero owner is %q", got)
	}
}

func TestKeyIDValidate(t *testing.T) {
	t.Parallel()
	id := domain.ID{1}
	for name, k := range map[string]KeyID{
		"no owner":              {Owner{}, "identity", EpochWhole},
		"unknown owner kind":    {Owner{7, id}, "identity", EpochWhole},
		"subject without id":    {Owner{Kind: Subject}, "identity", EpochWhole},
		"account without id":    {Owner{Kind: Account}, "identity", EpochWhole},
		"quarantine without id": {Owner{Kind: Quarantine}, "identity", EpochWhole},
		"ledger with id":        {Owner{Ledger, id}, "identity", EpochWhole},
		"no class":              {SubjectOwner(id), "", EpochWhole},
		"no epoch":              {SubjectOwner(id), "identity", ""},
		"long class":            {SubjectOwner(id), strings.Repeat("x", 256), EpochWhole},
		"long epoch":            {SubjectOwner(id), "identity", strings.Repeat("x", 256)},
	} {
		if k.Validate() == nil {
			t.Errorf("%s is valid", name)
		}
		if name != "long class" && name != "long epoch" {
			if _, _, err := readKeyID(k.append(nil)); !errors.Is(err, ErrFormat) {
				t.Errorf("%s is read: %v", name, err)
			}
		}
	}
}

func TestKeyIDBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyKeyID(t)
		b := want.append(nil)
		if len(b) != want.size() {
			t.Fatalf("%d bytes, size says %d", len(b), want.size())
		}
		got, n, err := readKeyID(append(bytes.Clone(b), 0xff))
		if err != nil || got != want || n != len(b) {
			t.Fatalf("read %v in %d bytes, %v", got, n, err)
		}
		if _, _, err := readKeyID(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]); !errors.Is(err, ErrFormat) {
			t.Fatalf("a cut key id is read: %v", err)
		}
	})
}
