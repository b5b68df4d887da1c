package completeness_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/completeness"
	"greffe/domain/event"
	"greffe/domain/proof"
)

var ledgerID, source, other = id(1), id(2), id(3)

func id(n byte) domain.ID { return domain.DeriveID(bytes.Repeat([]byte{n}, 16)) }

func key(t testing.TB, origin string) (note.Signer, note.Verifier) {
	t.Helper()
	seed := bytes.Repeat([]byte{9}, ed25519.SeedSize)
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

// stored are the facts of a period in September, one every ten minutes, from
// position 100 on: of source those with numbers, one without, one set aside.
func stored(t testing.TB) (facts [][]byte) {
	t.Helper()
	seq := func(n int64) *int64 { return &n }
	for i, f := range []event.Fact{
		{Type: event.ProducerRegistered, Source: source}, {Type: event.ContactCreated, Source: source, Subject: id(9), Sequence: seq(4)},
		{Type: event.NoticeServed, Source: other, Sequence: seq(900)}, {Type: event.NoticeServed, Source: source, Sequence: seq(8)},
		{Type: event.AccountCreated, Source: source, Actor: id(7)}, {Type: event.PolicyPublished},
		{Type: event.IngestQuarantined, Source: source}, {Type: event.NoticeServed, Source: source}, {Type: event.NoticeServed, Source: source, Sequence: seq(6)},
	} {
		f.ID = id(byte(40 + i))
		f.Recorded = domain.NewTime(monday.Add(time.Duration(i) * 10 * time.Minute))
		f.Time, f.Policy = f.Recorded, 1
		b, err := event.AppendFact(nil, &f)
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, b)
	}
	return facts
}

func given(first domain.Position, facts [][]byte) completeness.Facts {
	return iter.Seq2[domain.Position, []byte](func(yield func(domain.Position, []byte) bool) {
		for i, b := range facts {
			if !yield(first+domain.Position(i), b) {
				return
			}
		}
	})
}

func statement() *completeness.Statement {
	return &completeness.Statement{Ledger: ledgerID, Source: source, From: domain.NewTime(monday), To: domain.NewTime(monday.AddDate(0, 0, 1)),
		First: 100, Next: 109, Counts: completeness.Counts{Events: 4, SetAside: 1, Numbered: true, Lowest: 4, Highest: 8, Gaps: 2, Missing: 2},
		Head: proof.Head{Origin: "greffe/" + ledgerID.String(), Size: 200, Root: proof.LeafHash([]byte("x"))}, Made: domain.NewTime(monday.AddDate(0, 0, 2))}
}

func empty() *completeness.Statement {
	s := statement()
	s.First, s.Next, s.Counts = 109, 109, completeness.Counts{}
	return s
}

const golden = `greffe/01010101-0101-8101-8101-010101010101/silence@v1
source 02020202-0202-8202-8202-020202020202
from 2026-09-07T00:00:00.000000Z
to 2026-09-08T00:00:00.000000Z
positions 100 109
events 4
set-aside 1
sequence 4 8
gaps 2
missing 2
restarts 0
head greffe/01010101-0101-8101-8101-010101010101
size 200
root PH6byTDck/AfppmF7yQtn56GHzxTVaokzl70tLinDMs=
made 2026-09-09T00:00:00.000000Z
`

func TestStatementText(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(golden, statement().Text()); diff != "" {
		t.Errorf("the text of statements changed (-want +got):\n%s", diff)
	}
	for _, want := range []*completeness.Statement{statement(), empty()} {
		got, err := completeness.ParseStatement(want.Text())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if !strings.Contains(empty().Text(), "\nevents 0\nset-aside 0\nsequence -\ngaps 0\n") {
		t.Errorf("an empty period says\n%s", empty().Text())
	}
}

// TestStatementSigned: a signed statement opens with its key; with each byte
// changed, or under another ledger's key, it does not.
func TestStatementSigned(t *testing.T) {
	t.Parallel()
	own := "greffe/" + ledgerID.String()
	for _, origin := range []string{own, own + "/2"} {
		s := statement()
		s.Head.Origin = origin
		signer, v := key(t, origin)
		signed, err := proof.SignText(s.Text(), signer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := completeness.OpenStatement(signed, v)
		if diff := cmp.Diff(s, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		for i := range signed {
			bad := bytes.Clone(signed)
			bad[i] ^= 1
			if _, err := completeness.OpenStatement(bad, v); !errors.Is(err, proof.ErrSignature) {
				t.Fatalf("with byte %d changed: %v", i, err)
			}
		}
	}
	for name, c := range map[string][2]string{"another's key": {"greffe/" + source.String(), own},
		"another's head":             {own, "greffe/" + source.String()},
		"a name that only begins so": {own + "x", own + "x"}} {
		s := statement()
		s.Head.Origin = c[1]
		signer, v := key(t, c[0])
		signed, err := proof.SignText(s.Text(), signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := completeness.OpenStatement(signed, v); !errors.Is(err, completeness.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatementRefusals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"another kind": {"/silence@v1", "/silence@v2"}, "no ledger": {"greffe/0101", "greffe/x101"}, "a line more": {"made", "note x\nmade"},
		"a line less": {"gaps 2\n", ""}, "lines that changed places": {"events 4\nset-aside 1", "set-aside 1\nevents 4"}, "no end": {"Z\n\x00", "Z"},
		"number with a sign": {"events 4", "events +4"}, "number with a zero": {"events 4", "events 04"}, "less than none": {"gaps 2", "gaps -2"},
		"more events than positions": {"events 4", "events 9"}, "an empty period": {"to 2026-09-08", "to 2026-09-07"},
		"made before its end": {"made 2026-09-09", "made 2026-09-07"}, "a head that is too small": {"size 200", "size 108"},
		"positions backwards": {"positions 100", "positions 110"}, "half a sequence": {"sequence 4 8", "sequence 4"},
		"sequence backwards": {"sequence 4 8", "sequence 9 8"}, "a root that is short": {"root PH6b", "root "}, "a time of another form": {"00.000000Z\nto", "00Z\nto"},
		"two spaces": {"events 4", "events  4"}, "CRLF": {"\nevents", "\r\nevents"},
	} {
		text := strings.TrimSuffix(strings.Replace(golden+"\x00", change[0], change[1], 1), "\x00")
		if text == golden && name != "no end" {
			t.Errorf("%s: nothing was changed", name)
		}
		if name == "no end" {
			text = strings.TrimSuffix(golden, "\n")
		}
		if _, err := completeness.ParseStatement(text); !errors.Is(err, completeness.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecount: who has the facts finds the same, and sees each thing that is not as
// stated.
func TestRecount(t *testing.T) {
	t.Parallel()
	facts := stored(t)
	if err := statement().Recount(given(100, facts)); err != nil {
		t.Error(err)
	}
	if err := empty().Recount(given(109, nil)); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*completeness.Statement){
		"an event more": func(s *completeness.Statement) { s.Events++ }, "an event less": func(s *completeness.Statement) { s.Events-- },
		"nothing set aside": func(s *completeness.Statement) { s.SetAside = 0 }, "another source": func(s *completeness.Statement) { s.Source = other },
		"another lowest number": func(s *completeness.Statement) { s.Lowest++ }, "another highest number": func(s *completeness.Statement) { s.Highest++ },
		"no numbers": func(s *completeness.Statement) { s.Numbered, s.Lowest, s.Highest = false, 0, 0 }, "no gaps": func(s *completeness.Statement) { s.Gaps = 0 },
		"nothing missing": func(s *completeness.Statement) { s.Missing = 0 }, "a restart": func(s *completeness.Statement) { s.Restarts = 1 },
		"a later beginning": func(s *completeness.Statement) { s.From = domain.NewTime(monday.Add(time.Minute)) },
		"an earlier end":    func(s *completeness.Statement) { s.To = domain.NewTime(monday.Add(80 * time.Minute)) },
		"fewer positions":   func(s *completeness.Statement) { s.Next-- }, "more positions": func(s *completeness.Statement) { s.Next++ },
	} {
		s := statement()
		change(s)
		if err := s.Recount(given(100, facts)); !errors.Is(err, completeness.ErrRecount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string][][]byte{"a fact less": facts[1:], "a fact twice": append(facts[:1:1], facts...), "no fact": {[]byte("{}")}} {
		if err := statement().Recount(given(100, c)); !errors.Is(err, completeness.ErrRecount) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	f.Add(golden)
	f.Add(empty().Text())
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := completeness.ParseStatement(text); err == nil && s.Text() != text {
			t.Fatalf("another form was read: %q", text)
		}
	})
}
