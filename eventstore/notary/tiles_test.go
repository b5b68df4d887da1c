package notary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/memory"
)

// big makes a ledger with tiles of three levels, all full tiles of level 1 included.
func big(t *testing.T) *world {
	t.Helper()
	w, log, _ := inMemory(t)
	fill(t, log, maxFacts)
	n := w.open(t)
	stop := running(t, n)
	covering(t, n, maxFacts)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) file(t proof.Tile) string { return filepath.Join(w.dir, filepath.FromSlash(t.Path())) }

// TestDamagedTilesHeal: tiles that are missing, cut, longer or wrong are made again
// when they are needed; what is given out is right all the time.
func TestDamagedTilesHeal(t *testing.T) {
	t.Parallel()
	w := big(t)
	n := w.open(t)
	low, high := proof.Tile{Index: 7, Width: 256}, proof.Tile{Level: 1, Width: 256}
	damages := map[string]func(path string, b []byte) error{
		"missing":         func(path string, _ []byte) error { return os.Remove(path) },
		"cut or too long": func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)-1], 0o600) },
		"cut or too long ": func(path string, b []byte) error {
			return os.WriteFile(path, append(bytes.Clone(b), 0), 0o600)
		},
		"wrong": func(path string, b []byte) error {
			b = bytes.Clone(b)
			b[100] ^= 1
			return os.WriteFile(path, b, 0o600)
		},
	}
	for _, tile := range []proof.Tile{low, high} {
		right, err := os.ReadFile(w.file(tile))
		if err != nil {
			t.Fatal(err)
		}
		for was, damage := range damages {
			w.said.b.Reset()
			if err := damage(w.file(tile), right); err != nil {
				t.Fatal(err)
			}
			if _, err := n.Inclusion(bg(), 7*256+3, maxFacts); err != nil {
				t.Errorf("%s %s: %v", tile.Path(), was, err)
			}
			if b, err := os.ReadFile(w.file(tile)); err != nil || !bytes.Equal(b, right) {
				t.Errorf("%s %s: not made again, %v", tile.Path(), was, err)
			}
			if !w.said.has(tile.Path()) || !w.said.has("was="+strings.Fields(was)[0]) && !w.said.has(`was="`+strings.TrimSpace(was)) {
				t.Errorf("%s %s: said %s", tile.Path(), was, &w.said.b)
			}
		}
	}
	// A tile of level 1 with wrong tiles below it comes from the facts.
	for _, tile := range []proof.Tile{low, high, {Index: 200, Width: 256}} {
		if err := os.WriteFile(w.file(tile), make([]byte, tileBytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := n.Latest()
	checkEverything(t, n, s)
}

// TestOpenDoesNotBelieveTiles: whatever became of tiles and mark, the notary opens with
// the right tree, and makes only what it must from the facts.
func TestOpenDoesNotBelieveTiles(t *testing.T) {
	t.Parallel()
	w := big(t)
	log := &counting{Log: w.log}
	w.log = log
	for _, c := range []struct {
		name   string
		damage func() error
		most   int64 // facts read
	}{
		{"nothing", func() error { return nil }, 256},
		{"a tile of level 0 is missing", func() error { return os.Remove(w.file(proof.Tile{Index: 270, Width: 256})) }, 512},
		{"a tile of level 0 is wrong", func() error {
			return os.WriteFile(w.file(proof.Tile{Index: 270, Width: 256}), make([]byte, tileBytes), 0o600)
		}, maxFacts + 256},
		{"a tile of level 1 is missing", func() error { return os.Remove(w.file(proof.Tile{Level: 1, Width: 256})) }, maxFacts},
		{"no mark", func() error { return os.Remove(filepath.Join(w.dir, "mark")) }, maxFacts},
		{"another mark", func() error { return os.WriteFile(filepath.Join(w.dir, "mark"), []byte("{"), 0o600) }, maxFacts},
		{"a mark too far", func() error {
			b := fmt.Appendf(nil, `{"v":1,"origin":%q,"size":"99999999","first":"0","last":"0","head_size":"70000","anchors":[]}`, origin)
			return os.WriteFile(filepath.Join(w.dir, "mark"), b, 0o600)
		}, 256},
		{"no tiles", func() error { return os.RemoveAll(w.dir) }, maxFacts},
	} {
		if err := c.damage(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		log.read.Store(0)
		n := w.open(t)
		if got := log.read.Load(); got > c.most {
			t.Errorf("%s: %d facts were read, at most %d expected", c.name, got, c.most)
		}
		s, ok := n.Latest()
		if !ok || s.Size != maxFacts || s.Root != rootOf(maxFacts) {
			t.Fatalf("%s: opened with %+v", c.name, s)
		}
		for _, i := range []uint64{0, 270 * 256, maxFacts - 1} {
			if _, err := n.Inclusion(bg(), i, maxFacts); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if err := running(t, n)(); err != nil { // leaves a mark
			t.Fatal(err)
		}
	}
}

// counting counts the facts that are read.
type counting struct {
	eventstore.Log
	read atomic.Int64
}

func (l *counting) Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	l.read.Add(int64(to - from))
	return l.Log.Read(ctx, from, to, fn)
}

// TestForkedBelowATile: facts that were edited far below the mark are found when their
// tile is made again, and when they are given out; the notary stops.
func TestForkedBelowATile(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(w *world, n *Notary) error{
		"tile": func(w *world, n *Notary) error {
			if err := os.Remove(w.file(proof.Tile{Index: 1, Width: 256})); err != nil {
				return err
			}
			_, err := n.Inclusion(bg(), 256, 1000)
			return err
		},
		"entries": func(_ *world, n *Notary) error {
			_, err := n.Entries(bg(), proof.Tile{Index: 1, Width: 256})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := shownOf(t, 1000)
			edited := memory.New()
			err := w.log.Read(bg(), 0, 1000, func(p domain.Position, b []byte) error {
				if p == 300 {
					b = []byte("edited")
				}
				return edited.Append(bg(), p, [][]byte{b})
			})
			if err != nil {
				t.Fatal(err)
			}
			w.log = edited
			n := w.open(t)
			if err := ask(w, n); !errors.Is(err, ErrForked) || !strings.Contains(err.Error(), map[string]string{"tile": "[256, 512)", "entries": "fact 300"}[name]) {
				t.Errorf("asked: %v", err)
			}
			fill(t, w.log, 1001)
			runEnds(t, n, ErrForked)
			if _, err := n.Covering(bg(), 1001); !errors.Is(err, ErrForked) {
				t.Errorf("covering: %v", err)
			}
			if got := headsIn(t, w.heads); len(got) != 1 {
				t.Errorf("%d heads", len(got))
			}
			if err := os.RemoveAll(w.dir); err != nil {
				t.Fatal(err)
			}
			w.refuses(t, ErrForked)
		})
	}
}

// TestMarkMoves: while it runs, tiles are synced in the background and the mark follows
// the head that was shown.
func TestMarkMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		n := w.open(t)
		stop := running(t, n)
		fill(t, log, 1000)
		covering(t, n, 1000)
		time.Sleep(3 * markEvery)
		if m := n.readMark(); m.Size != 768 || m.HeadSize != 1000 {
			t.Errorf("the mark: %+v", m)
		}
		heads.Inject(away("lost"))
		fill(t, log, 2000)
		time.Sleep(3 * markEvery)
		if m := n.readMark(); m.Size != 768 {
			t.Errorf("the mark went beyond the last head: %+v", m)
		}
		if n.edge().size != 2000 {
			t.Fatal("the tree did not grow")
		}
		if _, err := n.Inclusion(bg(), 0, 1001); !errors.Is(err, ErrNotShown) {
			t.Errorf("a proof beyond the last head: %v", err)
		}
		if _, err := n.Tile(bg(), proof.Tile{Index: 4, Width: 1}); !errors.Is(err, ErrNotShown) {
			t.Errorf("a tile beyond the last head: %v", err)
		}
		heads.Inject(away())
		covering(t, n, 2000)
		time.Sleep(3 * markEvery)
		if m := n.readMark(); m.Size != 1792 || m.HeadSize != 2000 {
			t.Errorf("the mark: %+v", m)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestTilesCannotBeWritten: a notary without its directory stops.
func TestTilesCannotBeWritten(t *testing.T) {
	t.Parallel()
	w, log, _ := inMemory(t)
	n := w.open(t)
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, log, 256)
	if err := n.Run(soon(t, time.Minute)); err == nil || !strings.Contains(err.Error(), "tile/0/000") {
		t.Errorf("run: %v", err)
	}
}
