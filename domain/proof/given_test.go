package proof

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof/stamp"
	"greffe/domain/proof/stamp/stamptest"
)

const (
	givenSize  = 7
	givenIndex = 4
	goldenPath = "testdata/consent.tlog-proof"
)

func givenDay() domain.Time {
	return domain.NewTime(time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC))
}

// givenConsent is a consent fact with one part, and what is given of it: everything
// but an anchor, deterministic.
func givenConsent(t testing.TB) *Given {
	t.Helper()
	f := &event.Fact{ID: domain.DeriveID(bytes.Repeat([]byte{1}, 16)), Type: event.ConsentGranted, Subject: domain.DeriveID(bytes.Repeat([]byte{2}, 16)),
		Source: domain.DeriveID(bytes.Repeat([]byte{3}, 16)), Controller: "acme", Time: givenDay(), Recorded: givenDay(), Policy: 1,
		Codes: event.Codes{}.With("purpose", "prospecting").With("evidence", "proven"), Fields: []string{"consent.act"}}
	class := part.Key(bytes.Repeat([]byte{9}, 32))
	id := part.KeyID{Owner: part.SubjectOwner(f.Subject), Class: "evidence", Epoch: part.EpochWhole}
	sealed, err := part.Seal(class, id, part.Event{ID: f.ID, Type: string(f.Type)}, &part.Random{Salt: [32]byte{5}, Nonce: [12]byte{6}},
		event.Plaintext([]event.Field{{Path: "consent.act", Value: []byte(`"ticked"`)}}))
	if err != nil {
		t.Fatal(err)
	}
	f.Parts = []event.PartRef{{Owner: id.Owner, Class: id.Class, Epoch: id.Epoch, Commitment: part.Commit(sealed)}}
	fact, err := event.AppendFact(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	g := &Given{Index: givenIndex, Fact: fact, Opened: &Opened{id.Class, sealed, part.DeriveKey(class, f.ID, id.Class)}}
	signGiven(t, g)
	return g
}

// signGiven puts the fact into a tree of givenSize leaves and signs its head.
func signGiven(t testing.TB, g *Given) {
	t.Helper()
	var row []byte
	var tree Frontier
	for i := range uint64(givenSize) {
		leaf := leafOf(i)
		if i == g.Index {
			leaf = LeafHash(g.Fact)
		}
		row = append(row, leaf[:]...)
		tree.Add(leaf)
	}
	var err error
	g.Path, err = Inclusion(g.Index, givenSize, func(tile Tile) ([]byte, error) { return row[:tile.Width*len(Hash{})], nil })
	if err != nil {
		t.Fatal(err)
	}
	s, _ := testKey(t)
	if g.Checkpoint, err = SignHead(Head{testOrigin, givenSize, tree.Root()}, s); err != nil {
		t.Fatal(err)
	}
}

// anchored adds a stamp of these bytes.
func anchored(t testing.TB, a *stamptest.Authority, b []byte) Anchor {
	t.Helper()
	request, err := stamp.Request(sha256.Sum256(b), big.NewInt(1))
	if err != nil {
		t.Fatal(err)
	}
	token, err := stamp.FromResponse(a.Answer(t, request, givenDay().Time))
	if err != nil {
		t.Fatal(err)
	}
	return Anchor{AnchorRFC3161, givenSize, givenDay(), token}
}

func encoded(t testing.TB, g *Given) []byte {
	t.Helper()
	b, err := g.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check parses and verifies.
func check(b []byte, v note.Verifier) (*Proved, error) {
	g, err := ParseGiven(b)
	if err != nil {
		return nil, err
	}
	return g.Verify(v)
}

func TestGiven(t *testing.T) {
	t.Parallel()
	_, v := testKey(t)
	a := stamptest.New(t, rand.Reader)
	g := givenConsent(t)
	g.Anchors = []Anchor{anchored(t, a, g.Checkpoint), {"witness", givenSize, givenDay(), []byte("not known yet")}}
	b := encoded(t, g)
	read, err := ParseGiven(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, read); diff != "" {
		t.Error(diff)
	}
	p, err := read.Verify(v)
	if err != nil {
		t.Fatal(err)
	}
	if p.Fact.Type != event.ConsentGranted || p.Head.Size != givenSize || p.Head.Origin != testOrigin || read.Origin() != testOrigin ||
		len(p.Fields) != 1 || p.Fields[0].Path != "consent.act" || string(p.Fields[0].Value) != `"ticked"` {
		t.Errorf("%+v", p)
	}
	root, err := stamp.ParseAuthority(a.PEM)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Stamps) != 2 || p.Stamps[0].Stamp.TrustedBy(root) != nil || p.Stamps[1].Kind != "witness" || p.Stamps[1].Stamp != nil {
		t.Errorf("%+v", p.Stamps)
	}
}

// Whoever was erased: without the part the rest still proves.
func TestGivenWithoutPart(t *testing.T) {
	t.Parallel()
	_, v := testKey(t)
	g := givenConsent(t)
	g.Opened = nil
	if p, err := check(encoded(t, g), v); err != nil || p.Fields != nil || p.Fact == nil {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestGoldenGiven(t *testing.T) {
	t.Parallel()
	_, v := testKey(t)
	b := encoded(t, givenConsent(t))
	if *update {
		if err := os.WriteFile(goldenPath, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenPath)
	if err != nil || !bytes.Equal(want, b) {
		t.Errorf("%v: the form of proofs changed:\n%s", err, b)
	}
	if p, err := check(want, v); err != nil || len(p.Fields) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Another program, which knows c2sp.org/tlog-proof and nothing of ours, comes to the
// same end; it is told the leaf hash.
func TestGivenAsOthersReadIt(t *testing.T) {
	t.Parallel()
	_, v := testKey(t)
	g := givenConsent(t)
	lines := strings.Split(string(encoded(t, g)), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "extra ") || lines[2] != fmt.Sprint("index ", givenIndex) {
		t.Fatalf("%q", lines[:3])
	}
	var path [][]byte
	i := 3
	for ; lines[i] != ""; i++ {
		h, err := base64.StdEncoding.DecodeString(lines[i])
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, h)
	}
	n, err := note.Open([]byte(strings.Join(lines[i+1:], "\n")), note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	var origin, root64 string
	var size uint64
	if _, err := fmt.Sscan(n.Text, &origin, &size, &root64); err != nil {
		t.Fatal(err)
	}
	root, err := base64.StdEncoding.DecodeString(root64)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, givenIndex, size, rfc6962.DefaultHasher.HashLeaf(g.Fact), path, root); err != nil {
		t.Error(err)
	}
}

// Every edit of any byte of a whole proof is refused; one that gives an anchor a kind
// that nobody knows is shown, as the anchor then says nothing.
func TestEachByteOfAGiven(t *testing.T) {
	t.Parallel()
	_, v := testKey(t)
	g := givenConsent(t)
	g.Anchors = []Anchor{anchored(t, stamptest.New(t, rand.Reader), g.Checkpoint)}
	b := encoded(t, g)
	if _, err := check(b, v); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		for _, x := range []byte{1 << (i % 8), 1 << ((i + 3) % 8)} {
			b[i] ^= x
			if p, err := check(b, v); err == nil && (p.Stamps[0].Kind == AnchorRFC3161 || p.Stamps[0].Stamp != nil) {
				t.Fatalf("byte %d of %d, xor %02x: %q is taken", i, len(b), x, b[max(0, i-10):min(len(b), i+10)])
			}
			b[i] ^= x
		}
		if i%10 != 0 {
			continue
		}
		if _, err := check(b[:i], v); err == nil {
			t.Fatalf("cut at %d of %d is taken", i, len(b))
		}
		if _, err := check(append(bytes.Clone(b[:i]), b[i+1:]...), v); err == nil {
			t.Fatalf("taken without byte %d of %d", i, len(b))
		}
	}
	if _, err := check(append(b, '\n'), v); err == nil {
		t.Error("taken with a line more")
	}
}

// Each check of Verify has its own error, on proofs that are in their one form.
func TestGivenThatProvesNothing(t *testing.T) {
	t.Parallel()
	_, v := testKey(t)
	a := stamptest.New(t, rand.Reader)
	other := givenConsent(t)
	other.Index = 2
	signGiven(t, other)
	for name, c := range map[string]struct {
		change func(g *Given)
		want   error
	}{
		"another fact":      {func(g *Given) { g.Fact = append(bytes.Clone(g.Fact), ' ') }, ErrPath},
		"another place":     {func(g *Given) { g.Index-- }, ErrPath},
		"outside the tree":  {func(g *Given) { g.Index = givenSize }, ErrPath},
		"a hash less":       {func(g *Given) { g.Path = g.Path[1:] }, ErrPath},
		"another head":      {func(g *Given) { g.Checkpoint = other.Checkpoint }, ErrPath},
		"signature cut":     {func(g *Given) { g.Checkpoint = g.Checkpoint[:len(g.Checkpoint)-4] }, ErrSignature},
		"no fact of ours":   {func(g *Given) { g.Fact = []byte("{}"); signGiven(t, g) }, event.ErrFact},
		"stamp of another":  {func(g *Given) { g.Anchors[0] = anchored(t, a, other.Checkpoint) }, ErrAnchor},
		"stamp's time":      {func(g *Given) { g.Anchors[0].At = domain.NewTime(g.Anchors[0].At.Add(time.Second)) }, ErrAnchor},
		"anchor's size":     {func(g *Given) { g.Anchors[0].Size++ }, ErrAnchor},
		"witness's size":    {func(g *Given) { g.Anchors[0].Kind, g.Anchors[0].Size = "witness", 3 }, ErrAnchor},
		"no stamp":          {func(g *Given) { g.Anchors[0].Token = []byte("x") }, ErrAnchor},
		"another part":      {func(g *Given) { g.Opened.Part[len(g.Opened.Part)-1] ^= 1 }, ErrOpened},
		"another class":     {func(g *Given) { g.Opened.Class = "notes" }, ErrOpened},
		"another key":       {func(g *Given) { g.Opened.Key[31] ^= 1 }, part.ErrKey},
		"the same, as ours": {func(g *Given) { g.Opened.Key[31] ^= 1 }, ErrOpened},
	} {
		g := givenConsent(t)
		g.Anchors = []Anchor{anchored(t, a, g.Checkpoint)}
		c.change(g)
		if p, err := check(encoded(t, g), v); !errors.Is(err, c.want) || p != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	s, err := NewSigner(testOrigin+"/2", testSeed)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := note.GenerateKey(rand.Reader, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	w, err := note.NewVerifier(stranger)
	if err != nil {
		t.Fatal(err)
	}
	g := givenConsent(t)
	if _, err := g.Verify(w); !errors.Is(err, ErrSignature) {
		t.Errorf("another ledger's key: %v", err)
	}
	if g.Checkpoint, err = SignText(strings.Split(string(g.Checkpoint), "\n\n")[0]+"\n", s); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Verify(v); !errors.Is(err, ErrSignature) {
		t.Errorf("another history's name: %v", err)
	}
}

// A part that the fact commits to, sealed for somebody else, proves nothing of this one.
func TestPartOfAnotherOwner(t *testing.T) {
	t.Parallel()
	_, v := testKey(t)
	g := givenConsent(t)
	f, err := event.DecodeFact(g.Fact)
	if err != nil {
		t.Fatal(err)
	}
	f.Parts[0].Epoch = "2026"
	if g.Fact, err = event.AppendFact(nil, f); err != nil {
		t.Fatal(err)
	}
	signGiven(t, g)
	if _, err := g.Verify(v); !errors.Is(err, ErrOpened) {
		t.Error(err)
	}
}
