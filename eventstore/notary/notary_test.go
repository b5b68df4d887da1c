package notary

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/memory"
)

// TestSameOnEveryLog: heads, tiles, entries and proofs of a growing log, over each
// kind of log for facts and heads, across openings.
func TestSameOnEveryLog(t *testing.T) {
	t.Parallel()
	for name, fresh := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, heads := fresh(t), fresh(t)
			w := newWorld(t, nil, nil)
			for _, size := range []uint64{1, 255, 256, 700, 1024, 70_000} {
				w.log, w.heads = log(t), heads(t)
				n := w.open(t)
				stop := running(t, n)
				fill(t, w.log, size-size/3)
				covering(t, n, size-size/3)
				fill(t, w.log, size)
				s := covering(t, n, size)
				checkEverything(t, n, s)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
			}
			w.log, w.heads = log(t), heads(t)
			n := w.open(t)
			if s, ok := n.Latest(); !ok || s.Size != 70_000 || s.Root != rootOf(70_000) {
				t.Errorf("opened again: %+v, %v", s, ok)
			}
			checkHeads(t, n)
		})
	}
}

// checkHeads: At finds the smallest head for any size, and each is the tree's.
func checkHeads(t *testing.T, n *Notary) {
	t.Helper()
	all := headsIn(t, n.cfg.Heads)
	for i, h := range all {
		if h.Root != rootOf(h.Size) {
			t.Errorf("head %d of %d facts has a wrong root", i, h.Size)
		}
		s, err := n.At(bg(), h.Size)
		if err != nil || s.Head != h {
			t.Errorf("at %d: %+v, %v", h.Size, s.Head, err)
		}
		if i > 0 {
			if s, err := n.At(bg(), all[i-1].Size+1); err != nil || s.Head != h {
				t.Errorf("at %d: %+v, %v; want %d", all[i-1].Size+1, s.Head, err, h.Size)
			}
		}
	}
	last := all[len(all)-1].Size
	if _, err := n.At(bg(), last+1); !errors.Is(err, ErrNotShown) {
		t.Errorf("at %d: %v", last+1, err)
	}
}

func checkEverything(t *testing.T, n *Notary, s Signed) {
	t.Helper()
	places := []uint64{0, 1, s.Size / 2, s.Size - 1, s.Size &^ 255, 255, 256}
	for _, i := range places {
		if i >= s.Size {
			continue
		}
		path, err := n.Inclusion(bg(), i, s.Size)
		if err == nil {
			err = proof.CheckInclusion(path, i, s.Size, proof.LeafHash(fact(i)), s.Root)
		}
		if err != nil {
			t.Errorf("inclusion of %d in %d: %v", i, s.Size, err)
		}
		path, err = n.Consistency(bg(), i, s.Size)
		if err == nil {
			err = proof.CheckConsistency(path, i, s.Size, rootOf(i), s.Root)
		}
		if err != nil {
			t.Errorf("consistency of %d with %d: %v", i, s.Size, err)
		}
	}
	next := uint64(0)
	root, err := proof.RootOf(s.Size, func(tile proof.Tile) ([]byte, error) { return n.Tile(bg(), tile) })
	if err != nil || root != s.Root {
		t.Errorf("the tiles' root: %s, %v", root, err)
	}
	for tile := range proof.TilesOf(s.Size) {
		b, err := n.Tile(bg(), tile)
		if err != nil || len(b) != tile.Width*hashBytes {
			t.Fatalf("%s: %d bytes, %v", tile.Path(), len(b), err)
		}
		if tile.Level > 0 {
			continue
		}
		entries, err := n.Entries(bg(), tile)
		if err != nil {
			t.Fatal(err)
		}
		for ; len(entries) > 0; next++ {
			size := binary.BigEndian.Uint16(entries)
			if !bytes.Equal(entries[2:2+size], fact(next)) {
				t.Fatalf("entry %d is %s", next, entries[2:2+size])
			}
			entries = entries[2+size:]
		}
	}
	if next != s.Size {
		t.Errorf("%d entries, want %d", next, s.Size)
	}
}

// TestNothingBeyondTheLastHead: what no head covers is not given out.
func TestNothingBeyondTheLastHead(t *testing.T) {
	t.Parallel()
	w, log, _ := inMemory(t)
	n := w.open(t)
	if _, ok := n.Latest(); ok {
		t.Error("a head before any fact")
	}
	if _, err := n.Tile(bg(), proof.Tile{Width: 1}); !errors.Is(err, ErrNotShown) {
		t.Errorf("tile without a head: %v", err)
	}
	fill(t, log, 300)
	stop := running(t, n)
	covering(t, n, 300)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, tile := range []proof.Tile{{Width: 257}, {Width: 0}, {Level: -1, Width: 1}, {Level: 8, Width: 1}} {
		if _, err := n.Tile(bg(), tile); !errors.Is(err, proof.ErrTile) {
			t.Errorf("%+v: %v", tile, err)
		}
	}
	for _, tile := range []proof.Tile{{Index: 1, Width: 45}, {Index: 2, Width: 1}, {Level: 1, Width: 2}, {Level: 2, Width: 1}, {Index: 1 << 62, Width: 256}} {
		if _, err := n.Tile(bg(), tile); !errors.Is(err, ErrNotShown) {
			t.Errorf("%+v: %v", tile, err)
		}
	}
	if b, err := n.Tile(bg(), proof.Tile{Width: 7}); err != nil || len(b) != 7*hashBytes || hashIn(b, 6) != proof.LeafHash(fact(6)) {
		t.Errorf("a narrow tile: %d bytes, %v", len(b), err)
	}
	if _, err := n.Entries(bg(), proof.Tile{Level: 1, Width: 1}); !errors.Is(err, proof.ErrTile) {
		t.Errorf("entries of level 1: %v", err)
	}
	if _, err := n.Inclusion(bg(), 1, 301); !errors.Is(err, ErrNotShown) {
		t.Errorf("inclusion: %v", err)
	}
	if _, err := n.Inclusion(bg(), 300, 300); !errors.Is(err, proof.ErrPath) {
		t.Errorf("inclusion of what is not there: %v", err)
	}
	if _, err := n.Consistency(bg(), 1, 301); !errors.Is(err, ErrNotShown) {
		t.Errorf("consistency: %v", err)
	}
	if _, err := n.Consistency(bg(), 300, 200); !errors.Is(err, proof.ErrPath) {
		t.Errorf("consistency backwards: %v", err)
	}
	if err := n.Run(bg()); !errors.Is(err, ErrRunning) {
		t.Errorf("second run: %v", err)
	}
}

func TestAFactTooLongForABundle(t *testing.T) {
	t.Parallel()
	w, log, _ := inMemory(t)
	if err := log.Append(bg(), 0, [][]byte{fact(0), make([]byte, 65_535), make([]byte, 65_536)}); err != nil {
		t.Fatal(err)
	}
	n := w.open(t)
	running(t, n)
	if _, err := n.Covering(soon(t, time.Minute), 3); err != nil {
		t.Fatal(err)
	}
	if b, err := n.Entries(bg(), proof.Tile{Width: 2}); err != nil || len(b) != 2+len(fact(0))+2+65_535 {
		t.Errorf("the longest entry: %d bytes, %v", len(b), err)
	}
	if _, err := n.Entries(bg(), proof.Tile{Width: 3}); !errors.Is(err, ErrTooLong) {
		t.Errorf("one longer: %v", err)
	}
}

// TestPromptly: without a demand a fact has its head within Every, under steady load
// too, and heads are not signed more often than that asks for.
func TestPromptly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		c := w.config(t)
		c.Every = time.Second
		n, err := Open(bg(), c)
		if err != nil {
			t.Fatal(err)
		}
		stop := running(t, n)
		synctest.Wait()
		for size := uint64(1); size <= 300; size++ { // 3 s of load
			fill(t, log, size)
			time.Sleep(10 * time.Millisecond)
			if s, _ := n.Latest(); size > 100 && s.Size < size-100 {
				t.Fatalf("after %d facts the head covers %d", size, s.Size)
			}
		}
		time.Sleep(time.Second)
		if s, _ := n.Latest(); s.Size != 300 {
			t.Errorf("the last head covers %d", s.Size)
		}
		if got, err := heads.Head(bg()); err != nil || got > 6 {
			t.Errorf("%d heads in 4 s, %v", got, err)
		}
		time.Sleep(time.Minute)
		before, began := len(headsIn(t, heads)), time.Now()
		fill(t, log, 301)
		if s := covering(t, n, 301); s.Size != 301 || time.Since(began) > 100*time.Millisecond {
			t.Errorf("on demand after %v", time.Since(began))
		}
		fill(t, log, 302) // just after a head
		if s := covering(t, n, 302); s.Size != 302 || time.Since(began) > 200*time.Millisecond {
			t.Errorf("on demand after %v", time.Since(began))
		}
		if got := len(headsIn(t, heads)); got != before+2 {
			t.Errorf("two demands made %d heads", got-before)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDemandsAreCoalesced: many who want a head at once share one.
func TestDemandsAreCoalesced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		n := w.open(t)
		stop := running(t, n)
		done := make(chan error)
		for range 50 {
			go func() {
				_, err := n.Covering(bg(), 40)
				done <- err
			}()
		}
		synctest.Wait()
		fill(t, log, 40)
		for range 50 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if got := headsIn(t, heads); len(got) > 2 {
			t.Errorf("%d heads for one demand", len(got))
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestStoresAway: what cannot be reached is waited for, and an append whose answer was
// lost is not done twice.
func TestStoresAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		heads.Inject(away("head"))
		w.refuses(t, eventstore.ErrUnavailable)
		heads.Inject(away("lost"))
		n := w.open(t)
		fill(t, log, 300)
		log.Inject(away("read"))
		stop := running(t, n)
		time.Sleep(time.Minute)
		log.Inject(memory.Faults{})
		time.Sleep(time.Minute)
		for _, what := range []string{"follow the log", "sign the head"} {
			if !w.said.has(what) {
				t.Errorf("nothing was said of trying again to %s", what)
			}
		}
		if _, ok := n.Latest(); ok || len(headsIn(t, heads)) != 0 {
			t.Error("a head without its stream")
		}
		heads.Inject(away("kept"))
		time.Sleep(time.Minute)
		heads.Inject(memory.Faults{})
		covering(t, n, 300)
		if got := headsIn(t, heads); len(got) != 1 {
			t.Errorf("%d heads of one tree", len(got))
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCopyAway: no head is shown while the copy cannot be written.
func TestCopyAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		file := w.copies
		w.copies = filepath.Join(file, "heads")
		n := w.open(t)
		if err := os.WriteFile(file, nil, 0o600); err != nil { // where the directory is to be
			t.Fatal(err)
		}
		w.refuses(t, ErrCopy)
		stop := running(t, n)
		fill(t, log, 3)
		time.Sleep(time.Minute)
		if _, ok := n.Latest(); ok || len(headsIn(t, heads)) != 1 || !w.said.has("not copied") {
			t.Error("a head was shown without its copy")
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		s := covering(t, n, 3)
		b, err := os.ReadFile(filepath.Join(w.copies, "head"))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := proof.DecodeRecord(b); err != nil || !bytes.Equal(r.Checkpoint, s.Note) {
			t.Errorf("the copy: %+v, %v", r, err)
		}
		if len(headsIn(t, heads)) != 1 {
			t.Error("the head was signed again")
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no log":         func(c *Config) { c.Log = nil },
		"no directory":   func(c *Config) { c.Dir = "" },
		"no signer":      func(c *Config) { c.Signer = nil },
		"another origin": func(c *Config) { c.Origin = "greffe/other" },
		"another key":    func(c *Config) { c.Public = make([]byte, 32) },
		"a bad origin":   func(c *Config) { c.Older = []string{"a b"} },
	} {
		w, _, _ := inMemory(t)
		c := w.config(t)
		change(&c)
		if _, err := Open(bg(), c); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
