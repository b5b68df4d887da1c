package proof

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"greffe/domain"
)

const testOrigin = "greffe/6f1c0a52-0a8c-4c47-8a55-2d1b4f2a9e01"

var testSeed = bytes.Repeat([]byte{7}, ed25519.SeedSize)

func testKey(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	s, err := NewSigner(testOrigin, testSeed)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := ed25519.NewKeyFromSeed(testSeed).Public().(ed25519.PublicKey)
	vkey := VerifierKey(testOrigin, public)
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := PublicKey(vkey); err != nil || !got.Equal(public) {
		t.Fatalf("%v, %v", got, err)
	}
	return s, v
}

func TestGoldenCheckpoint(t *testing.T) {
	t.Parallel()
	s, v := testKey(t)
	h := Head{Origin: testOrigin, Size: 3, Root: EmptyRoot()}
	signed, err := SignHead(h, s)
	const want = testOrigin + "\n3\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" +
		"— " + testOrigin + " lnucb8Xc3g2LVu5JakkNTA7BHTgkbhrzkDbwfyn20FS6uOf2bg5mr6GInRJ5JBkr5fyIGOVqkChTUZzsRrP26aLKJQg=\n"
	if err != nil || string(signed) != want {
		t.Fatalf("%v\n%s", err, signed)
	}
	if got, err := OpenHead(signed, v); err != nil || got != h {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range signed {
		for bit := range 8 {
			bad := slices.Clone(signed)
			bad[i] ^= 1 << bit
			if _, err := OpenHead(bad, v); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrHead) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
		if _, err := OpenHead(signed[:i], v); err == nil {
			t.Fatalf("cut after %d bytes and accepted", i)
		}
	}
	for _, more := range []string{"\n", "x", "— other Y7E8EQ==\n", "\r\n"} {
		if _, err := OpenHead(append(slices.Clone(signed), more...), v); err == nil {
			t.Errorf("%q at its end was accepted", more)
		}
	}
}

func TestHeadOfAnotherOriginOrKey(t *testing.T) {
	t.Parallel()
	s, v := testKey(t)
	if _, err := SignHead(Head{Origin: "other", Size: 1}, s); !errors.Is(err, ErrSignature) {
		t.Errorf("signed: %v", err)
	}
	foreign, err := SignText(Head{Origin: "other", Size: 1}.Text(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHead(foreign, v); !errors.Is(err, ErrSignature) {
		t.Errorf("a head of another origin: %v", err)
	}
	other, err := NewSigner(testOrigin, bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := SignHead(Head{Origin: testOrigin, Size: 1}, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHead(signed, v); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	if _, err := NewSigner(testOrigin, testSeed[1:]); err == nil {
		t.Error("a short seed")
	}
	for _, bad := range []string{"", "a", "a+b", "a+00000000+AQ==", strings.Repeat("+", 5)} {
		if _, err := PublicKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}

func TestHeadHasOneForm(t *testing.T) {
	t.Parallel()
	h := Head{Origin: "o", Size: 1, Root: EmptyRoot()}
	good := h.Text()
	for _, bad := range []string{
		"", good + "\n", good[1:], good[:len(good)-1], strings.Replace(good, "\n1\n", "\n01\n", 1), strings.Replace(good, "\n1\n", "\n-1\n", 1),
		strings.Replace(good, "\n1\n", "\n9223372036854775808\n", 1), strings.Replace(good, "FU=", "FV=", 1), strings.Replace(good, "FU=", "FU", 1),
	} {
		if _, err := ParseHead(bad); !errors.Is(err, ErrHead) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	at := domain.NewTime(time.Date(2026, 3, 2, 9, 14, 7, 123456000, time.UTC))
	for _, c := range []struct {
		r    Record
		want string
	}{
		{Record{At: at, Checkpoint: []byte("o\n1\n—\n")}, `{"at":"2026-03-02T09:14:07.123456Z","checkpoint":"o\n1\n—\n","v":1}`},
		{Record{At: at, Anchor: &Anchor{AnchorRFC3161, 1 << 60, at, []byte{1, 2}}},
			`{"anchor":{"at":"2026-03-02T09:14:07.123456Z","kind":"rfc3161","size":"1152921504606846976","token":"AQI="},"at":"2026-03-02T09:14:07.123456Z","v":1}`},
	} {
		b, err := AppendRecord(nil, &c.r)
		if err != nil || string(b) != c.want {
			t.Fatalf("%v\n%s", err, b)
		}
		got, err := DecodeRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Checkpoint) == 0 {
			got.Checkpoint = nil
		}
		if d := cmp.Diff(&c.r, got); d != "" {
			t.Error(d)
		}
		if _, err := DecodeRecord(append(b, ' ')); !errors.Is(err, ErrRecord) {
			t.Errorf("another form: %v", err)
		}
	}
	if _, err := DecodeRecord([]byte(`{"at":"2026-03-02T09:14:07.123456Z","checkpoint":"x","v":2}`)); !errors.Is(err, ErrNewerRecord) {
		t.Errorf("a newer one: %v", err)
	}
	for _, bad := range []Record{{}, {At: at}, {Checkpoint: []byte("x")}, {At: at, Checkpoint: []byte("x"), Anchor: &Anchor{At: at}},
		{At: at, Checkpoint: bytes.Repeat([]byte("x"), maxRecord)}} {
		if _, err := AppendRecord(nil, &bad); !errors.Is(err, ErrRecord) {
			t.Errorf("%v", err)
		}
	}
}

func FuzzOpenHead(f *testing.F) {
	s, v := testKey(f)
	signed, err := SignHead(Head{Origin: testOrigin, Size: 9}, s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := OpenHead(b, v); err == nil && h.Size != 9 {
			t.Errorf("%v was never signed", h)
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte(`{"at":"2026-03-02T09:14:07.123456Z","checkpoint":"x","v":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b)
		if err != nil {
			return
		}
		if again, err := AppendRecord(nil, r); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%v: %s", err, again)
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := domain.NewTime(time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")))
		r := Record{At: at, Anchor: &Anchor{Kind: "k", Size: rapid.Uint64().Draw(t, "size"), At: at, Token: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "token")}}
		b, err := AppendRecord(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeRecord(b); err != nil || got.Anchor.Size != r.Anchor.Size || !bytes.Equal(got.Anchor.Token, r.Anchor.Token) {
			t.Fatal(err)
		}
	})
}
