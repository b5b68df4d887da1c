package part

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
)

func sequence(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// fixed is one sealed part of known key, salt and nonce.
type fixed struct {
	key   Key
	id    KeyID
	event Event
	rand  *Random
	plain []byte
	part  []byte
}

func newFixed(t testing.TB) fixed {
	t.Helper()
	f := fixed{
		key:   Key(sequence(0x00, 32)),
		id:    KeyID{Owner: SubjectOwner(domain.ID(sequence(0xa0, 16))), Class: "contact_details", Epoch: EpochWhole},
		event: Event{ID: domain.ID(sequence(0xb0, 16)), Type: "contact.created"},
		rand:  &Random{Salt: [32]byte(sequence(0x20, 32)), Nonce: [12]byte(sequence(0x40, 12))},
		plain: []byte(`{"person.emails":["marie@exemple.fr"]}`),
	}
	var err error
	if f.part, err = Seal(f.key, f.id, f.event, f.rand, f.plain); err != nil {
		t.Fatal(err)
	}
	return f
}

func typed(err error) bool {
	return errors.Is(err, ErrFormat) || errors.Is(err, ErrKey) || errors.Is(err, ErrTampered)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := anyKeyID(t)
		ev := Event{ID: anyID(t, "event"), Type: rapid.StringN(0, 255, 255).Draw(t, "type")}
		k := Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		p, err := Seal(k, id, ev, &Random{}, plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadKeyID(p); err != nil || got != id {
			t.Fatalf("key id %v, %v, want %v", got, err, id)
		}
		if got, err := Open(k, ev, p); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x, %v, want %x", got, err, plain)
		}
		if got, err := OpenWith(DeriveKey(k, ev.ID, id.Class), ev, p); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened by K_part %x, %v, want %x", got, err, plain)
		}
	})
}

func TestEveryAlteredBitIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixed(t)
	commitment := Commit(f.part)
	keyIDEnd := 1 + f.id.size()
	for i := range f.part {
		for bit := range 8 {
			p := bytes.Clone(f.part)
			p[i] ^= 1 << bit
			if got, err := Open(f.key, f.event, p); !typed(err) || got != nil {
				t.Fatalf("byte %d bit %d altered: %q, %v", i, bit, got, err)
			} else if want := refusalAt(i, keyIDEnd); want != nil && !errors.Is(err, want) {
				t.Errorf("byte %d altered: %v, want %v", i, err, want)
			}
			if Commit(p) == commitment {
				t.Fatalf("byte %d bit %d altered: the commitment stays", i, bit)
			}
		}
	}
}

// refusalAt is the error that an edit at offset i must give; nil if it depends on
// what the edited key id happens to say.
func refusalAt(i, keyIDEnd int) error {
	switch {
	case i == 0:
		return ErrFormat
	case i < keyIDEnd:
		return nil
	case i < keyIDEnd+checkLen:
		return ErrKey
	default:
		return ErrTampered
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixed(t)
	for n := range f.part {
		got, err := Open(f.key, f.event, f.part[:n])
		want := ErrFormat
		if n >= len(f.part)-len(f.plain) {
			want = ErrTampered
		}
		if !errors.Is(err, want) || got != nil {
			t.Errorf("the first %d bytes: %q, %v, want %v", n, got, err, want)
		}
	}
	if _, err := Open(f.key, f.event, append(bytes.Clone(f.part), 0)); !errors.Is(err, ErrTampered) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestAPartBelongsToItsEventTypeAndKey(t *testing.T) {
	t.Parallel()
	f := newFixed(t)
	kp := DeriveKey(f.key, f.event.ID, f.id.Class)
	other := f.event.ID
	other[15] ^= 1
	for name, c := range map[string]struct {
		open func() ([]byte, error)
		want error
	}{
		"other event":            {func() ([]byte, error) { return Open(f.key, Event{other, f.event.Type}, f.part) }, ErrKey},
		"other event, its K":     {func() ([]byte, error) { return OpenWith(kp, Event{other, f.event.Type}, f.part) }, ErrTampered},
		"other type":             {func() ([]byte, error) { return Open(f.key, Event{f.event.ID, "contact.changed"}, f.part) }, ErrTampered},
		"no type":                {func() ([]byte, error) { return Open(f.key, Event{ID: f.event.ID}, f.part) }, ErrTampered},
		"type too long":          {func() ([]byte, error) { return Open(f.key, Event{f.event.ID, strings.Repeat("x", 256)}, f.part) }, ErrTampered},
		"other class key":        {func() ([]byte, error) { return Open(Key(sequence(1, 32)), f.event, f.part) }, ErrKey},
		"class key for K_part":   {func() ([]byte, error) { return OpenWith(f.key, f.event, f.part) }, ErrKey},
		"K_part for class key":   {func() ([]byte, error) { return Open(kp, f.event, f.part) }, ErrKey},
		"K_part of other class":  {func() ([]byte, error) { return OpenWith(DeriveKey(f.key, f.event.ID, "identity"), f.event, f.part) }, ErrKey},
		"K_part of other event":  {func() ([]byte, error) { return OpenWith(DeriveKey(f.key, other, f.id.Class), f.event, f.part) }, ErrKey},
		"nothing":                {func() ([]byte, error) { return Open(f.key, f.event, nil) }, ErrFormat},
		"a fact":                 {func() ([]byte, error) { return Open(f.key, f.event, []byte(`{"v":1}`)) }, ErrFormat},
		"a part of version two":  {func() ([]byte, error) { return Open(f.key, f.event, append([]byte{2}, f.part[1:]...)) }, ErrFormat},
		"a part of version zero": {func() ([]byte, error) { return Open(f.key, f.event, append([]byte{0}, f.part[1:]...)) }, ErrFormat},
	} {
		if got, err := c.open(); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %q, %v, want %v", name, got, err, c.want)
		}
	}
}

// A part moved under another owner or epoch, its key check kept, is not opened
// even by the right key: the key id is authenticated.
func TestTheKeyIDIsAuthenticated(t *testing.T) {
	t.Parallel()
	f := newFixed(t)
	for name, id := range map[string]KeyID{
		"account":       {Owner: AccountOwner(f.id.Owner.ID), Class: f.id.Class, Epoch: f.id.Epoch},
		"other subject": {Owner: SubjectOwner(f.event.ID), Class: f.id.Class, Epoch: f.id.Epoch},
		"other epoch":   {Owner: f.id.Owner, Class: f.id.Class, Epoch: "2026"},
	} {
		moved := append(id.append([]byte{version}), f.part[1+f.id.size():]...)
		if got, err := Open(f.key, f.event, moved); !errors.Is(err, ErrTampered) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	f := newFixed(t)
	if _, err := Seal(f.key, KeyID{}, f.event, f.rand, nil); err == nil {
		t.Error("an empty key id is sealed under")
	}
	if _, err := Seal(f.key, f.id, Event{f.event.ID, strings.Repeat("x", 256)}, f.rand, nil); err == nil {
		t.Error("a type of 256 bytes is sealed for")
	}
}

func TestSaltHidesEqualPlaintexts(t *testing.T) {
	t.Parallel()
	f := newFixed(t)
	salted := *f.rand
	salted.Salt[0] ^= 1
	p, err := Seal(f.key, f.id, f.event, &salted, f.plain)
	if err != nil {
		t.Fatal(err)
	}
	if Commit(p) == Commit(f.part) {
		t.Error("equal plaintexts have equal commitments under another salt")
	}
	if Commit(f.part) == Commitment(sha256.Sum256(f.part)) {
		t.Error("the commitment is a bare hash")
	}
}

func FuzzOpen(f *testing.F) {
	fix := newFixed(f)
	f.Add(fix.part)
	f.Add([]byte{version})
	f.Add(append([]byte{version, byte(Ledger)}, make([]byte, 120)...))
	f.Fuzz(func(t *testing.T, p []byte) {
		id, err := ReadKeyID(p)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("%x: %v", p, err)
			}
		} else if again := id.append([]byte{version}); !bytes.HasPrefix(p, again) {
			t.Fatalf("%x: key id %v is written %x", p, id, again)
		}
		if got, err := Open(fix.key, fix.event, p); err == nil {
			if !bytes.Equal(p, fix.part) {
				t.Fatalf("forged: %x opens as %q", p, got)
			}
		} else if !typed(err) {
			t.Fatalf("%x: %v", p, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	f := newFixed(b)
	plain := bytes.Repeat([]byte("x"), 300)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Seal(f.key, f.id, f.event, f.rand, plain); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDeriveKeyIsHKDF compares the derivation with the library's.
func TestDeriveKeyIsHKDF(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		id := domain.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "event"))
		class := rapid.StringN(0, 300, 300).Draw(t, "class")
		want, err := hkdf.Key(sha256.New, key[:], nil, infoPart+string(id[:])+class, len(key))
		if got := DeriveKey(key, id, class); err != nil || !bytes.Equal(got[:], want) {
			t.Fatalf("%x, want %x; %v", got[:], want, err)
		}
	})
}
