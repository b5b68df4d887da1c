package verify_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/verify"
)

// signed is a world with a stream of heads.
type signed struct {
	*world
	origin  string
	roots   []proof.Hash // by size
	leaves  []proof.Hash
	records [][]byte
}

var seed = bytes.Repeat([]byte{7}, ed25519.SeedSize)

func newSigned(t *testing.T) *signed {
	t.Helper()
	s := &signed{world: newWorld(t)}
	id, err := s.vault.Meta(t.Context(), "ledger_id")
	if err != nil {
		t.Fatal(err)
	}
	s.origin = "greffe/" + domain.ID(id).String()
	s.grow()
	s.input.Public, _ = ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	s.input.Origins = []string{s.origin}
	return s
}

// grow computes the tree anew.
func (s *signed) grow() {
	s.t.Helper()
	var tree proof.Frontier
	s.roots, s.leaves = []proof.Hash{tree.Root()}, nil
	head, _ := s.log.Head(s.t.Context())
	err := s.log.Read(s.t.Context(), 0, head, func(_ domain.Position, b []byte) error {
		s.leaves = append(s.leaves, proof.LeafHash(b))
		tree.Add(proof.LeafHash(b))
		s.roots = append(s.roots, tree.Root())
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *signed) note(origin string, size int, root proof.Hash) []byte {
	s.t.Helper()
	signer, err := proof.NewSigner(origin, seed)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := proof.SignHead(proof.Head{Origin: origin, Size: uint64(size), Root: root}, signer)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *signed) record(r proof.Record) []byte {
	s.t.Helper()
	r.At = domain.NewTime(now)
	b, err := proof.AppendRecord(nil, &r)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *signed) head(size int) []byte {
	return s.record(proof.Record{Checkpoint: s.note(s.origin, size, s.roots[size])})
}

func (s *signed) anchor(size int, token string) []byte {
	return s.record(proof.Record{Anchor: &proof.Anchor{Kind: proof.AnchorRFC3161, Size: uint64(size), At: domain.NewTime(now), Token: []byte(token)}})
}

func (s *signed) stream() eventstore.Log {
	s.t.Helper()
	log := memory.New()
	for i, b := range s.records {
		if err := log.Append(s.t.Context(), domain.Position(i), [][]byte{b}); err != nil {
			s.t.Fatal(err)
		}
	}
	return log
}

// found is what verification finds: code, position and place.
func (s *signed) findings() (all []string) {
	s.t.Helper()
	s.input.Heads = s.stream()
	s.verify()
	for _, f := range s.found {
		if f.Detail == "" {
			s.t.Errorf("%+v says nothing", f)
		}
		all = append(all, fmt.Sprintf("%s %d %s", f.Code, f.Position, f.Where))
	}
	slices.Sort(all)
	return all
}

func TestHeads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(s *signed)
		want  []string
	}{
		"intact":               {func(*signed) {}, nil},
		"a copy outside":       {func(s *signed) { s.input.Copied = s.head(12) }, nil},
		"a copy of the newest": {func(s *signed) { s.input.Copied = append(s.head(20), '\n') }, nil},
		"one byte of a root": {func(s *signed) {
			at := bytes.Index(s.records[2], []byte(`\n9\n`)) + 5
			other := byte('A')
			if s.records[2][at] == other {
				other = 'B'
			}
			s.records[2][at] = other
		},
			[]string{"head_altered 0 heads/2"}},
		"another's signature": {func(s *signed) {
			other, err := proof.NewSigner(s.origin, bytes.Repeat([]byte{8}, ed25519.SeedSize))
			b, err2 := proof.SignHead(proof.Head{Origin: s.origin, Size: 9, Root: s.roots[9]}, other)
			if err = errors.Join(err, err2); err != nil {
				s.t.Fatal(err)
			}
			s.records[2] = s.record(proof.Record{Checkpoint: b})
		}, []string{"head_altered 0 heads/2"}},
		"another ledger's head": {func(s *signed) {
			s.records[2] = s.record(proof.Record{Checkpoint: s.note("greffe/other", 9, s.roots[9])})
		}, []string{"head_altered 0 heads/2"}},
		"two histories were signed": {func(s *signed) {
			s.records[2] = s.record(proof.Record{Checkpoint: s.note(s.origin, 9, s.roots[8])})
		}, []string{"head_forked 9 heads/2"}},
		"fewer facts than before": {func(s *signed) { s.records[2] = s.head(3) }, []string{"head_forked 3 heads/2"}},
		"more than the log": {func(s *signed) {
			n := len(s.leaves)
			s.records = append(s.records, s.record(proof.Record{Checkpoint: s.note(s.origin, n+1, proof.Hash{1})}), s.record(proof.Record{Checkpoint: s.note(s.origin, n+9, proof.Hash{2})}))
		}, []string{"log_short 32 heads/6"}},
		"a copy ahead of the stream": {func(s *signed) { s.input.Copied = s.head(21) }, []string{"head_missing 20 heads/6"}},
		"a copy ahead of the log": {func(s *signed) {
			s.input.Copied = s.record(proof.Record{Checkpoint: s.note(s.origin, 40, proof.Hash{3})})
		}, []string{"head_missing 20 heads/6", "log_short 32 copy/head"}},
		"a copy of another history": {func(s *signed) {
			s.input.Copied = s.record(proof.Record{Checkpoint: s.note(s.origin, 12, proof.Hash{3})})
		}, []string{"head_forked 12 copy/head"}},
		"a copy that is none":          {func(s *signed) { s.input.Copied = []byte("{}") }, []string{"head_altered 0 copy/head"}},
		"an empty copy":                {func(s *signed) { s.input.Copied = []byte{} }, []string{"head_altered 0 copy/head"}},
		"an anchor that does not hold": {func(s *signed) { s.records[4] = s.anchor(9, "bad") }, []string{"anchor_bad 9 heads/4"}},
		"an anchor of no head":         {func(s *signed) { s.records[4] = s.anchor(10, "good") }, []string{"anchor_bad 10 heads/4"}},
		"another ledger's id": {func(s *signed) {
			if err := s.vault.SetMeta(s.t.Context(), "ledger_id", bytes.Repeat([]byte{1}, 16)); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"meta_altered 0 vault/meta/ledger_id"}},
		"a policy out of sight": {func(s *signed) {
			if err := s.vault.SetMeta(s.t.Context(), "policies", []byte("9")); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"meta_altered 0 vault/meta/policies"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSigned(t)
			s.records = [][]byte{s.head(1), s.head(5), s.head(9), s.head(9), s.anchor(9, "good"), s.head(20)}
			s.input.Anchors = func(_ context.Context, a proof.Anchor, checkpoint []byte) error {
				if string(a.Token) != "good" || !bytes.HasPrefix(checkpoint, []byte(s.origin)) {
					return errors.New("the token is of something else")
				}
				return nil
			}
			c.plant(s)
			if got := s.findings(); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if c.want == nil && (s.sum.Heads != 5 || s.sum.Anchors != 1) {
				t.Errorf("looked at %d heads, %d anchors", s.sum.Heads, s.sum.Anchors)
			}
		})
	}
}

// TestLineages: after a restore that lost facts heads of the earlier history agree up to
// where it ended, and no further.
func TestLineages(t *testing.T) {
	t.Parallel()
	s := newSigned(t)
	l, err := ledger.Open(t.Context(), s.config())
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.Write(t.Context(), []ledger.Own{{Type: event.RestorePerformed, Codes: event.Codes{}.With("lost", false).With("lost_size", int64(3)).With("lost_root", proof.Hash{3}.String())}, {Type: event.ExportProduced}})
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	s.grow()
	end := int(w[0].Position)
	second := s.origin + "/2"
	s.input.Origins = append(s.input.Origins, second)
	lost := func(origin string, size int) []byte {
		return s.record(proof.Record{Checkpoint: s.note(origin, size, proof.Hash{byte(size)})})
	}
	s.records = [][]byte{s.head(4), s.head(end), lost(s.origin, end+1), lost(s.origin, end+50),
		s.record(proof.Record{Checkpoint: s.note(second, end+1, s.roots[end+1])}), s.record(proof.Record{Checkpoint: s.note(second, end+2, s.roots[end+2])})}
	if got := s.findings(); got != nil || s.sum.Heads != 6 {
		t.Errorf("%q, %d heads", got, s.sum.Heads)
	}
	s.input.Copied = lost(s.origin, end+50)
	if got := s.findings(); got != nil {
		t.Errorf("a copy from before the restore: %q", got)
	}
	s.input.Copied = lost(s.origin, 3)
	if got := s.findings(); got != nil {
		t.Errorf("a copy of the branch that the restore says it left: %q", got)
	}
	s.input.Copied = lost(s.origin, 5)
	if got := s.findings(); !slices.Equal(got, []string{"head_forked 5 copy/head"}) {
		t.Errorf("a copy of a branch that no restore names: %q", got)
	}
	s.input.Copied = nil
	s.records[1] = lost(s.origin, end)
	if got, want := s.findings(), []string{fmt.Sprintf("head_forked %d heads/1", end)}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s.records[1] = s.head(end)
	s.records[5] = lost(second, end+2)
	if got, want := s.findings(), []string{fmt.Sprintf("head_forked %d heads/5", end+2)}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTiles: full tiles on two levels are compared, and must be there when a head covers
// them.
func TestTiles(t *testing.T) {
	t.Parallel()
	s := newSigned(t)
	const many = 2*proof.TileWidth*proof.TileWidth/128 + 300 // 1324: five tiles
	forged := memory.New()
	var facts [][]byte
	head, _ := s.log.Head(t.Context())
	if err := s.log.Read(t.Context(), 0, head, func(_ domain.Position, b []byte) error { facts = append(facts, bytes.Clone(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	for len(facts) < many { // facts that the vault has not: found, and not the matter here
		facts = append(facts, fmt.Appendf(nil, "fact %d", len(facts)))
	}
	for i := 0; i < len(facts); i += 500 {
		if err := forged.Append(t.Context(), domain.Position(i), facts[i:min(i+500, len(facts))]); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.log.Close()
	s.log = forged
	s.grow()
	stored := map[string][]byte{}
	for i := 0; i+proof.TileWidth <= many; i += proof.TileWidth {
		var b []byte
		for _, h := range s.leaves[i : i+proof.TileWidth] {
			b = append(b, h[:]...)
		}
		stored[proof.Tile{Index: uint64(i / proof.TileWidth), Width: proof.TileWidth}.Path()] = b
	}
	s.input.Tiles = func(t proof.Tile) ([]byte, error) {
		b, ok := stored[t.Path()]
		if !ok {
			return nil, fmt.Errorf("tile: %w", fs.ErrNotExist)
		}
		return b, nil
	}
	look := func() (all []string) {
		t.Helper()
		for _, x := range s.findings() {
			if !bytes.HasPrefix([]byte(x), []byte(verify.FactUnreadable)) {
				all = append(all, x)
			}
		}
		return all
	}
	s.records = [][]byte{s.head(1200)}
	if got := look(); got != nil || s.sum.Tiles != 5 {
		t.Errorf("%q, %d tiles", got, s.sum.Tiles)
	}
	for i := range 5 {
		path := proof.Tile{Index: uint64(i), Width: proof.TileWidth}.Path()
		was := stored[path]
		stored[path] = bytes.Clone(was)
		stored[path][i*1000] ^= 1
		if got, want := look(), []string{fmt.Sprintf("tile_altered %d %s", i*proof.TileWidth, path)}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		delete(stored, path)
		want := []string{fmt.Sprintf("tile_missing %d %s", i*proof.TileWidth, path)}
		if i == 4 { // which no head covers
			want = nil
		}
		if got := look(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		stored[path] = was
	}
}

// TestEditedFact: a fact that was edited in its canonical form, with the vault's row as
// it is, is seen by the heads that cover it.
func TestEditedFact(t *testing.T) {
	t.Parallel()
	s := newSigned(t)
	s.records = [][]byte{s.head(3), s.head(10), s.head(30)}
	forged := memory.New()
	var facts [][]byte
	head, _ := s.log.Head(t.Context())
	if err := s.log.Read(t.Context(), 0, head, func(p domain.Position, b []byte) error {
		if b = bytes.Clone(b); p == 9 {
			b = bytes.Replace(b, []byte(`"kind":"client"`), []byte(`"kind":"prospect"`), 1)
		}
		facts = append(facts, b)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := forged.Append(t.Context(), 0, facts); err != nil {
		t.Fatal(err)
	}
	_ = s.log.Close()
	s.log = forged
	if got, want := s.findings(), []string{"head_forked 10 heads/1", "head_forked 30 heads/2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
