package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"strconv"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/domain/proof"
	"greffe/domain/receipt"
)

var update = flag.Bool("update", false, "write the golden receipts anew")

const origin = "greffe/6f1c0a52-0a8c-4c47-8a55-2d1b4f2a9e01"

func key(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	seed := bytes.Repeat([]byte{8}, ed25519.SeedSize)
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

func at(hour int) domain.Time {
	return domain.NewTime(time.Date(2026, 9, 1, hour, 0, 0, 0, time.UTC))
}

func id(n byte) domain.ID { return domain.DeriveID(bytes.Repeat([]byte{n}, 16)) }

const (
	noticeText = "J’accepte de recevoir par courriel et téléphone les offres d’ACME SAS."
	noticeFact = 20 // of id
)

// happened is an event before it is sealed: its fact, and the fields of its one part.
type happened struct {
	fact   *event.Fact
	owner  part.Owner
	fields []event.Field
	// disclosed part of what is proved
	opened *proof.Opened
	bytes  []byte
}

// fields are paths and texts in turn.
func fields(pairs ...string) []event.Field {
	var out []event.Field
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, event.Field{Path: pairs[i], Value: []byte(strconv.Quote(pairs[i+1]))})
	}
	return out
}

func published() *happened {
	sum := sha256.Sum256([]byte(noticeText))
	return &happened{fact: &event.Fact{ID: id(noticeFact), Type: event.NoticePublished, Time: at(8), Recorded: at(8), Policy: 1,
		Codes: event.Codes{}.With("notice", id(noticeFact).String()).With("sha256", hex.EncodeToString(sum[:])).With("language", "fr")},
		owner: part.LedgerOwner(), fields: fields("notice.id", "web-form", "notice.language", "fr", "notice.text", noticeText, "notice.version", "3")}
}

// consented is a grant that names the published notice.
func consented() *happened {
	f := &event.Fact{ID: id(1), Type: event.ConsentGranted, Subject: id(2), Source: id(3), Controller: "acme", Time: at(9), Recorded: at(10), Policy: 1,
		Codes: event.Codes{}.With("purpose", "prospecting").With("channels", []string{"email", "phone"}).With("method", "web_form").
			With("evidence", "proven").With("notice", id(noticeFact).String()).With("expires_at", domain.FormatTime(at(9).AddDate(1, 0, 0)))}
	return &happened{fact: f, owner: part.SubjectOwner(f.Subject), fields: fields("consent.act", "box ticked", "consent.notice.id", "web-form",
		"consent.notice.language", "fr", "consent.notice.version", "3", "consent.proof.ip", "203.0.113.7")}
}

func (h *happened) seal(t testing.TB) {
	t.Helper()
	if h.fields != nil {
		class := part.Key(bytes.Repeat([]byte{9}, 32))
		k := part.KeyID{Owner: h.owner, Class: "evidence", Epoch: part.EpochWhole}
		sealed, err := part.Seal(class, k, part.Event{ID: h.fact.ID, Type: string(h.fact.Type)}, &part.Random{Salt: [32]byte{5}}, event.Plaintext(h.fields))
		if err != nil {
			t.Fatal(err)
		}
		h.fact.Parts = []event.PartRef{{Owner: k.Owner, Class: k.Class, Epoch: k.Epoch, Commitment: part.Commit(sealed)}}
		h.opened = &proof.Opened{Class: k.Class, Part: sealed, Key: part.DeriveKey(class, h.fact.ID, k.Class)}
	}
	var err error
	if h.bytes, err = event.AppendFact(nil, h.fact); err != nil {
		t.Fatal(err)
	}
}

// record puts two events into a log and gives the proofs of both, opened.
func record(t testing.TB, first, second *happened) (*proof.Given, *proof.Given) {
	t.Helper()
	first.seal(t)
	second.seal(t)
	left, right := proof.LeafHash(first.bytes), proof.LeafHash(second.bytes)
	s, _ := key(t)
	signed, err := proof.SignHead(proof.Head{Origin: origin, Size: 2, Root: proof.NodeHash(left, right)}, s)
	if err != nil {
		t.Fatal(err)
	}
	return &proof.Given{Index: 0, Fact: first.bytes, Path: []proof.Hash{right}, Checkpoint: signed, Opened: first.opened},
		&proof.Given{Index: 1, Fact: second.bytes, Path: []proof.Hash{left}, Checkpoint: signed, Opened: second.opened}
}

func terms(t testing.TB, f *event.Fact) receipt.Terms {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	out, err := receipt.TermsOf(p, f, []string{"FR"})
	if err != nil {
		t.Fatal(err)
	}
	return *out
}

// whole is the receipt of a consent with everything.
func whole(t testing.TB, change ...func(notice, consent *happened)) *receipt.Receipt {
	t.Helper()
	n, c := published(), consented()
	for _, f := range change {
		f(n, c)
	}
	notice, consent := record(t, n, c)
	return &receipt.Receipt{Consent: consent, Notice: notice, Terms: terms(t, c.fact), Made: at(12)}
}

func made(t testing.TB, r *receipt.Receipt) []byte {
	t.Helper()
	_, v := key(t)
	b, err := r.Make(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
