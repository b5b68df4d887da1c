package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	"greffe/domain/proof"
)

// memory is a Sink and a Source of files in memory.
type memory struct {
	files     map[string]*bytes.Buffer
	order     []string
	open      int
	committed bool
	discarded bool
	fail      func(path string) error
}

func newMemory() *memory { return &memory{files: map[string]*bytes.Buffer{}} }

type memoryFile struct {
	*bytes.Buffer
	m    *memory
	path string
}

func (f *memoryFile) Close() error { f.m.open--; return nil }

func (f *memoryFile) Write(b []byte) (int, error) {
	if f.m.fail != nil {
		if err := f.m.fail(f.path); err != nil {
			return 0, err
		}
	}
	return f.Buffer.Write(b)
}

func (m *memory) Create(path string) (io.WriteCloser, error) {
	if m.files[path] != nil || m.committed || m.discarded {
		return nil, errors.New("created twice, or too late")
	}
	m.files[path] = &bytes.Buffer{}
	m.order = append(m.order, path)
	m.open++
	return &memoryFile{m.files[path], m, path}, nil
}

func (m *memory) Commit() error {
	if m.open != 0 || m.discarded {
		return errors.New("committed with files open, or after a discard")
	}
	m.committed = true
	return nil
}

func (m *memory) Discard() error {
	if m.committed {
		return errors.New("discarded what was committed")
	}
	m.discarded = true
	m.files = map[string]*bytes.Buffer{}
	return nil
}

func (m *memory) List() ([]bundle.Entry, error) {
	var l []bundle.Entry
	for p, b := range m.files {
		l = append(l, bundle.Entry{Path: p, Bytes: int64(b.Len())})
	}
	slices.SortFunc(l, func(a, b bundle.Entry) int { return bytes.Compare([]byte(b.Path), []byte(a.Path)) })
	return l, nil
}

func (m *memory) Ordered() bool { return false }

type memoryReader struct{ *bytes.Reader }

func (memoryReader) Close() error { return nil }

func (m *memory) Open(path string) (bundle.File, error) {
	b := m.files[path]
	if b == nil {
		return nil, errors.New("no such file")
	}
	return memoryReader{bytes.NewReader(b.Bytes())}, nil
}

// clone copies the files, so that one can be edited.
func (m *memory) clone() *memory {
	c := newMemory()
	for p, b := range m.files {
		c.files[p] = bytes.NewBuffer(bytes.Clone(b.Bytes()))
	}
	c.order = slices.Clone(m.order)
	return c
}

// ledger is a small ledger with its key.
type ledger struct {
	id    domain.ID
	seed  []byte
	facts [][]byte
}

func newLedger(t testing.TB, n int) *ledger {
	t.Helper()
	l := &ledger{id: domain.ID{0: 1, 6: 0x40, 8: 0x80}, seed: bytes.Repeat([]byte{7}, ed25519.SeedSize)}
	for i := range n {
		f := event.Fact{ID: domain.ID{0: byte(i), 1: byte(i >> 8), 2: 9}, Type: "contact.created", Subject: domain.ID{0: byte(i), 3: 1},
			Source: domain.ID{4: 4}, Controller: "acme", Time: when(i), Recorded: when(i + 1), Policy: 1}
		b, err := event.AppendFact(nil, &f)
		if err != nil {
			t.Fatal(err)
		}
		l.facts = append(l.facts, b)
	}
	return l
}

func when(i int) domain.Time {
	return domain.NewTime(time.Date(2026, 3, 2, 9, 14, 7, 1000*i, time.UTC))
}

func (l *ledger) origin() string { return "greffe/" + l.id.String() }

func (l *ledger) key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(l.seed) }

func (l *ledger) public() ed25519.PublicKey { return l.key().Public().(ed25519.PublicKey) }

func (l *ledger) sign(b []byte) ([]byte, error) { return ed25519.Sign(l.key(), b), nil }

func (l *ledger) root(size int) proof.Hash {
	var f proof.Frontier
	for _, b := range l.facts[:size] {
		f.Add(proof.LeafHash(b))
	}
	return f.Root()
}

func (l *ledger) head(t testing.TB, size int) []byte {
	t.Helper()
	s, err := proof.NewSigner(l.origin(), l.seed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proof.SignHead(proof.Head{Origin: l.origin(), Size: uint64(size), Root: l.root(size)}, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (l *ledger) header(t testing.TB, from, to int) bundle.Header {
	t.Helper()
	return bundle.Header{Ledger: l.id, Inspection: domain.ID{5: 5, 6: 0x40, 8: 0x80}, Made: when(9), From: domain.Position(from), To: domain.Position(to),
		Checkpoint: l.head(t, len(l.facts)), VKey: proof.VerifierKey(l.origin(), l.public()), Requester: "CNIL", Reference: "2026-042", Language: "fr"}
}

var eventColumns = []bundle.Column{
	{Name: "position", Type: bundle.Int, Doc: "Place in the ledger."},
	{Name: "id", Type: bundle.ID, Doc: "The event."},
	{Name: "type", Type: bundle.Text, Doc: "Its name in the catalogue."},
	{Name: "subject", Type: bundle.ID, Doc: "The person."},
	{Name: "time", Type: bundle.Time, Doc: "When it happened.", Label: "date"},
	{Name: "fact", Type: bundle.Text, Doc: "The fact's exact bytes."},
}

func (l *ledger) events(t testing.TB, w *bundle.Writer, from, to int) {
	t.Helper()
	tab, err := w.Table(bundle.EventsTable, bundle.Schema{Columns: eventColumns, People: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		f, err := event.DecodeFact(l.facts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := tab.Append([]bundle.Value{bundle.IntOf(int64(i)), bundle.IDOf(f.ID), bundle.TextOf(string(f.Type)),
			bundle.IDOf(f.Subject), bundle.TimeOf(f.Time), bundle.TextOf(string(l.facts[i]))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, w *bundle.Writer, path, media string, b []byte) {
	t.Helper()
	f, err := w.File(path, media)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func (l *ledger) tiles(t testing.TB, w *bundle.Writer) {
	t.Helper()
	levels := [][]proof.Hash{nil}
	for _, b := range l.facts {
		levels[0] = append(levels[0], proof.LeafHash(b))
	}
	for n := len(levels[0]) / proof.TileWidth; n > 0; n /= proof.TileWidth {
		below, above := levels[len(levels)-1], []proof.Hash(nil)
		for i := range n {
			var f proof.Frontier
			for _, h := range below[i*proof.TileWidth : (i+1)*proof.TileWidth] {
				f.Add(h)
			}
			above = append(above, f.Root())
		}
		levels = append(levels, above)
	}
	for tile := range proof.TilesOf(uint64(len(l.facts))) {
		var b []byte
		for _, h := range levels[tile.Level][tile.Index*proof.TileWidth:][:tile.Width] {
			b = append(b, h[:]...)
		}
		put(t, w, tile.Path(), bundle.MediaBytes, b)
	}
}

// small writes a whole small bundle into root.
func (l *ledger) small(t testing.TB, root bundle.Sink, from, to int) {
	t.Helper()
	w, err := bundle.NewWriter(root, l.header(t, from, to))
	if err != nil {
		t.Fatal(err)
	}
	l.events(t, w, from, to)
	l.tiles(t, w)
	var heads []byte
	for size := 1; size <= len(l.facts); size += 3 {
		if heads, err = proof.AppendRecord(heads, &proof.Record{At: when(size), Checkpoint: l.head(t, size)}); err != nil {
			t.Fatal(err)
		}
		heads = append(heads, '\n')
	}
	put(t, w, bundle.HeadsPath, bundle.MediaNDJSON, heads)
	put(t, w, "policy.yaml", "application/yaml", fmt.Appendf(nil, "version: %d\n", 1))
	if err := w.Close(l.sign); err != nil {
		t.Fatal(err)
	}
}
