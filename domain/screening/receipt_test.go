package screening

import (
	"crypto/ed25519"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
	"greffe/domain/token"
)

var update = flag.Bool("update", false, "write the golden files again")

func testID(n byte) domain.ID { return domain.ID{n, 6: 0x80, 8: 0x80, 15: n} }

// rich has every part that a receipt can have, sparse the fewest.
func rich() *Receipt {
	at := time.Date(2026, 3, 2, 9, 15, 0, 123456000, time.UTC)
	r := &Receipt{Ledger: testID(1), ID: testID(2), Time: domain.NewTime(at.Add(time.Minute)),
		Ask: Ask{List: Full, Channel: "phone", Purpose: "prospecting", Controller: "acme", At: at, Offer: "similar", Sector: "retail", Automated: true,
			Kind: token.KindPhone, Input: SHA256},
		Format: Format{Separator: ';', Column: 3, Header: true}, Position: 41, Through: 47, Policy: 2,
		Counts: Counts{Lines: 20, Allowed: 9, Unreadable: 2, Blank: 1, Duplicates: 4, AtLeast: true,
			Refused: map[string]int64{"opposition.address": 6, "person.unknown": 2, Undecidable: 1}}}
	for i := range r.Source {
		r.Source[i], r.Cleansed[i], r.Rejected[i] = byte(i), byte(0x40+i), byte(0xFF-i)
	}
	return r
}

func sparse() *Receipt {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	return &Receipt{Ledger: testID(1), ID: testID(3), Time: domain.NewTime(at), Counts: Counts{Refused: map[string]int64{}},
		Ask: Ask{List: Opposition, Channel: "email", Purpose: "prospecting", Controller: "acme", At: at, Kind: token.KindEmail, Input: Clear}, Policy: 1}
}

func signer(t testing.TB, origin string) (note.Signer, note.Verifier) {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	s, err := proof.NewSigner(origin, seed)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	v, err := note.NewVerifier(proof.VerifierKey(origin, public))
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func signed(t testing.TB, r *Receipt, origin string) ([]byte, note.Verifier) {
	t.Helper()
	s, v := signer(t, origin)
	b, err := proof.SignText(r.Text(), s)
	if err != nil {
		t.Fatal(err)
	}
	return b, v
}

func origin() string { return "greffe/" + testID(1).String() }

// TestGoldenReceipts: receipts are kept for years; their bytes may not change. Nor may
// those of their facts.
func TestGoldenReceipts(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Receipt{"rich": rich(), "sparse": sparse()} {
		b, v := signed(t, r, origin())
		f := &event.Fact{ID: r.ID, Type: event.ScreeningPerformed, Time: r.Time, Recorded: r.Time, Policy: r.Policy, Codes: r.Codes()}
		fact, err := event.AppendFact(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		for file, now := range map[string][]byte{name + ".receipt": b, name + ".fact.json": append(fact, '\n')} {
			path := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(path, now, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(path); err != nil || string(want) != string(now) {
				t.Errorf("%s: %v, now\n%s", file, err, now)
			}
		}
		back, err := event.DecodeFact(fact)
		if err != nil {
			t.Fatal(err)
		}
		again, err := FromFact(r.Ledger, back)
		if err != nil || again.Text() != r.Text() {
			t.Fatalf("%s: made anew of its fact: %v\n%s", name, err, again.Text())
		}
		if open, err := Open(b, v); err != nil || open.Text() != r.Text() || open.Format != r.Format || open.Ask != r.Ask {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// TestEveryByteOfAReceiptCounts, of the statement and of its signature.
func TestEveryByteOfAReceiptCounts(t *testing.T) {
	t.Parallel()
	b, v := signed(t, rich(), origin())
	for i := range b {
		for _, bit := range []byte{1, 2, 0x20} {
			x := append([]byte(nil), b...)
			x[i] ^= bit
			if _, err := Open(x, v); err == nil {
				t.Fatalf("byte %d may be another", i)
			}
		}
		if _, err := Open(append(append([]byte(nil), b[:i]...), b[i+1:]...), v); err == nil {
			t.Fatalf("byte %d may be missing", i)
		}
		if _, err := Open(b[:i], v); err == nil {
			t.Fatalf("the first %d bytes are enough", i)
		}
	}
	if _, err := Open(append(b, '\n'), v); err == nil {
		t.Error("there may be more")
	}
}

func TestReceiptIsOfItsLedger(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{origin(): true, origin() + "/2": true, "greffe/" + testID(9).String(): false, origin() + "2": false} {
		b, v := signed(t, rich(), name)
		if _, err := Open(b, v); (err == nil) != ok || err != nil && !errors.Is(err, proof.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReceiptsThatDoNotAddUp are none, signed or not.
func TestReceiptsThatDoNotAddUp(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *Receipt){
		"a line too many":     func(r *Receipt) { r.Lines++ },
		"less than nothing":   func(r *Receipt) { r.Allowed, r.Unreadable = -1, 12 },
		"through before":      func(r *Receipt) { r.Through = r.Position - 1 },
		"more doubled":        func(r *Receipt) { r.Duplicates = r.Lines + 1 },
		"an unknown list":     func(r *Receipt) { r.List = "half" },
		"an unknown form":     func(r *Receipt) { r.Input = "sha1" },
		"an unknown kind":     func(r *Receipt) { r.Kind = token.KindName },
		"no instant":          func(r *Receipt) { r.At = time.Time{} },
		"an offer of its own": func(r *Receipt) { r.Offer = "third" },
	} {
		r := rich()
		change(r)
		b, v := signed(t, r, origin())
		if _, err := Open(b, v); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s: %v", name, err)
		}
		f := &event.Fact{ID: r.ID, Type: event.ScreeningPerformed, Time: r.Time, Codes: r.Codes()}
		if _, err := FromFact(r.Ledger, f); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s, as fact: %v", name, err)
		}
	}
	f := &event.Fact{ID: testID(2), Type: event.ExportProduced, Codes: rich().Codes()}
	if _, err := FromFact(testID(1), f); !errors.Is(err, ErrReceipt) {
		t.Error("a fact of another type:", err)
	}
	f = &event.Fact{ID: testID(2), Type: event.ScreeningPerformed, Codes: rich().Codes().With("more", int64(1))}
	if _, err := FromFact(testID(1), f); !errors.Is(err, ErrReceipt) {
		t.Error("a code more:", err)
	}
}

// TestReceiptsHaveOneForm: the same said otherwise is no receipt.
func TestReceiptsHaveOneForm(t *testing.T) {
	t.Parallel()
	for was, is := range map[string]string{"lines 20\n": "lines 020\n", "blank 1\n": "blank +1\n", "policy 2\n": "policy 2\npolicy 2\n",
		"lines 20\nlist full\n": "list full\nlines 20\n", "unreadable 2\n": "unreadable 2\n\n", "automated true\n": "automated true \n"} {
		text := strings.Replace(rich().Text(), was, is, 1)
		if text == rich().Text() {
			t.Fatal(was)
		}
		if _, err := ParseReceipt(text); !errors.Is(err, ErrReceipt) {
			t.Errorf("%q: %v", is, err)
		}
	}
}

func TestReceiptsGoThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rich()
		r.Format = rapid.SampledFrom([]Format{{}, {Separator: ','}, {Separator: '\t', Column: 7}, {Separator: ';', Column: 1, Header: true}}).Draw(t, "format")
		r.Automated, r.AtLeast = rapid.Bool().Draw(t, "automated"), rapid.Bool().Draw(t, "at least")
		r.Sector = rapid.SampledFrom([]string{"", "energy"}).Draw(t, "sector")
		r.Refused = rapid.MapOfN(rapid.StringMatching(`[a-z]{1,9}\.[a-z_]{1,9}`), rapid.Int64Range(1, 1<<40), 0, 8).Draw(t, "refused")
		r.Allowed = rapid.Int64Range(0, 1<<40).Draw(t, "allowed")
		r.Lines = r.Allowed + r.Unreadable + r.RefusedLines()
		r.Duplicates = min(r.Duplicates, r.Lines)
		back, err := ParseReceipt(r.Text())
		if err != nil || back.Text() != r.Text() || back.Format != r.Format {
			t.Fatalf("%v\n%s", err, r.Text())
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	f.Add(rich().Text())
	f.Add(sparse().Text())
	f.Add(strings.Replace(rich().Text(), "rules", "rules ", 1))
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := ParseReceipt(text); err == nil && r.Text() != text {
			t.Errorf("%q is read and written as %q", text, r.Text())
		}
	})
}
