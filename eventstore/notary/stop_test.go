package notary

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/memory"
)

// signed makes a record of a head, right or wrong.
func signed(t testing.TB, origin string, size uint64, root proof.Hash) []byte {
	t.Helper()
	s, err := proof.NewSigner(origin, seed())
	if err != nil {
		t.Fatal(err)
	}
	note, err := proof.SignHead(proof.Head{Origin: origin, Size: size, Root: root}, s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proof.AppendRecord(nil, &proof.Record{At: domain.NewTime(time.Unix(1_800_000_000, 0)), Checkpoint: note})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func add(t testing.TB, log eventstore.Log, facts ...[]byte) {
	t.Helper()
	head, err := log.Head(bg())
	if err == nil {
		err = log.Append(bg(), head, facts)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// first is a new log that holds the first facts of another.
func first(t testing.TB, log eventstore.Log, size uint64) *memory.Log {
	t.Helper()
	cut := memory.New()
	err := log.Read(bg(), 0, domain.Position(size), func(p domain.Position, b []byte) error {
		return cut.Append(bg(), p, [][]byte{b})
	})
	if err != nil {
		t.Fatal(err)
	}
	return cut
}

// shownOf makes a ledger with heads of the given sizes and stops its notary.
func shownOf(t testing.TB, sizes ...uint64) *world {
	t.Helper()
	w, log, _ := inMemory(t)
	n := w.open(t)
	stop := running(t, n)
	for _, size := range sizes {
		fill(t, log, size)
		covering(t, n, size)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestRolledBack: a log shorter than its last head, or than the copy of it, is refused
// with both sizes named.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	w := shownOf(t, 40, 90)
	whole := w.log
	w.log = first(t, whole, 89)
	w.refuses(t, ErrRolledBack, "89 facts", "covers 90")

	all := w.heads
	w.heads = first(t, all, 1) // the stream was rolled back with the log; the copy was not
	w.refuses(t, ErrRolledBack, "89 facts", "covers 90")
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
	w.refuses(t, ErrRolledBack, "89 facts", "covers 90")

	w.log = whole
	n := w.open(t)
	if _, ok := n.Latest(); ok {
		t.Error("a head is shown that is older than what was shown")
	}
	fill(t, w.log, 100)
	stop := running(t, n)
	covering(t, n, 100)
	if a, b := headsIn(t, all), headsIn(t, w.heads); len(b) != 3 || a[1] != b[1] || b[2].Size != 100 {
		t.Errorf("the copied head was not put back: %v", b)
	}
	if _, err := n.At(bg(), 41); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestACopyDoesNotGoBack: a later head that somebody else copied stays.
func TestACopyDoesNotGoBack(t *testing.T) {
	t.Parallel()
	w, log, _ := inMemory(t)
	n := w.open(t)
	later := signed(t, origin, 9, rootOf(9))
	if err := os.MkdirAll(w.copies, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.copies, "head"), later, 0o600); err != nil {
		t.Fatal(err)
	}
	running(t, n)
	fill(t, log, 5)
	covering(t, n, 5)
	if b, err := os.ReadFile(filepath.Join(w.copies, "head")); err != nil || !bytes.Equal(b, later) {
		t.Errorf("the copy is %s, %v", b, err)
	}
	fill(t, log, 10)
	covering(t, n, 10)
	if b, err := os.ReadFile(filepath.Join(w.copies, "head")); err != nil || bytes.Equal(b, later) {
		t.Errorf("the copy stayed, %v", err)
	}
}

// TestForked: facts or heads with another root than the signed one.
func TestForked(t *testing.T) {
	t.Parallel()
	w := shownOf(t, 40, 90)
	whole, heads := w.log, w.heads
	other := first(t, whole, 89)
	add(t, other, []byte("another"))
	w.log = other
	w.refuses(t, ErrForked, "of 90 facts", rootOf(90).String())
	w.heads = memory.New() // the copy alone knows
	w.refuses(t, ErrForked, "of 90 facts", rootOf(90).String())

	w.log, w.heads = whole, heads
	if err := os.WriteFile(filepath.Join(w.copies, "head"), signed(t, origin, 40, rootOf(41)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.refuses(t, ErrForked, "of 40 facts")
	if err := os.RemoveAll(w.copies); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	for size, root := range map[uint64]proof.Hash{90: rootOf(89), 40: rootOf(40)} { // a second root; a smaller head
		w.heads = first(t, heads, 2)
		add(t, w.heads, signed(t, origin, size, root))
		w.refuses(t, ErrForked, fmt.Sprint(size))
	}
}

// TestNotOurs: heads and copies that this key did not sign under these origins.
func TestNotOurs(t *testing.T) {
	t.Parallel()
	w := shownOf(t, 40)
	heads := w.heads
	bad := signed(t, origin, 40, rootOf(40))
	wrong := []byte(strings.Replace(string(bad), "\\n40\\n", "\\n41\\n", 1))
	file := filepath.Join(w.copies, "head")
	for _, record := range [][]byte{signed(t, "greffe/other", 40, rootOf(40)), wrong} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		w.heads = first(t, heads, 1)
		add(t, w.heads, record)
		w.refuses(t, ErrForeign, "record 1")
		w.heads = heads
		if err := os.WriteFile(file, record, 0o600); err != nil {
			t.Fatal(err)
		}
		w.refuses(t, ErrForeign, file)
	}
	w.heads = first(t, heads, 1)
	add(t, w.heads, []byte("{}"))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	w.refuses(t, proof.ErrRecord, "record 1")
	w.heads = heads
	for _, b := range [][]byte{nil, bad[:len(bad)-1], append(bad, '\n')} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		w.refuses(t, ErrCopy, "move this one away")
	}
	c := w.config(t)
	c.Signer, c.Signs = nil, func() bool { return true }
	c.Public, _ = ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	c.Copies = ""
	if _, err := Open(bg(), c); err == nil {
		t.Error("opened with another key")
	}
}

// TestSecondNotary: of two that may both sign, one stops, and no two heads disagree.
func TestSecondNotary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		fill(t, log, 3)
		a := w.open(t)
		dir := w.dir
		w.dir, w.copies = dir+"2", w.copies+"2"
		c := w.config(t)
		c.Now = func() time.Time { return time.Now().Add(time.Millisecond) } // no two clocks are alike
		b, err := Open(bg(), c)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 2)
		ctx, cancel := context.WithTimeout(bg(), time.Minute)
		for _, n := range []*Notary{a, b} {
			go func() { ended <- n.Run(ctx) }()
		}
		for size := uint64(4); size < 40; size++ {
			fill(t, log, size)
			time.Sleep(20 * time.Millisecond)
		}
		if err := <-ended; !isSecond(err) {
			t.Errorf("run: %v", err)
		}
		for _, n := range []*Notary{a, b} {
			if _, err := n.Covering(soon(t, time.Second), 1000); isSecond(err) {
				a = n
			}
		}
		if _, err := a.Covering(bg(), 1000); !isSecond(err) {
			t.Errorf("who stopped does not say why: %v", err)
		}
		cancel()
		<-ended
		for i, h := range headsIn(t, heads) {
			if h.Root != rootOf(h.Size) {
				t.Errorf("head %d of %d facts", i, h.Size)
			}
		}
	})
}

func isSecond(err error) bool { return err != nil && strings.Contains(err.Error(), ErrSecond.Error()) }

// TestStreamShrinks: a heads stream that lost records under a running notary.
func TestStreamShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		swapped := &swapping{log: heads}
		w.heads = swapped
		n := w.open(t)
		go func() {
			covering(t, n, 2)
			fill(t, log, 5)
			covering(t, n, 5)
			swapped.swap(first(t, heads, 1))
			fill(t, log, 9)
		}()
		fill(t, log, 2)
		runEnds(t, n, ErrRolledBack)
	})
}

// TestLogWithoutWhatWasSigned: a follower whose log lacks the facts of a head stops.
func TestLogWithoutWhatWasSigned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size uint64
		root proof.Hash
		want error
	}{
		"shorter":      {11, rootOf(11), ErrRolledBack},
		"another root": {9, rootOf(8), ErrForked},
		"right":        {10, rootOf(10), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, log, heads := inMemory(t)
				w.signs = func() bool { return false }
				fill(t, log, 10)
				n := w.open(t)
				ctx, cancel := context.WithTimeout(bg(), time.Minute)
				defer cancel()
				go func() {
					time.Sleep(time.Second)
					add(t, heads, signed(t, origin, c.size, c.root))
				}()
				err := n.Run(ctx)
				if c.want == nil && err != nil || c.want != nil && (err == nil || !strings.Contains(err.Error(), c.want.Error())) {
					t.Errorf("run: %v, want %v", err, c.want)
				}
				if s, ok := n.Latest(); ok != (c.want == nil) {
					t.Errorf("shown: %+v", s)
				}
			})
		})
	}
}

// TestLineage: after a restore that lost facts the ledger goes on under a new origin,
// whose heads alone bind.
func TestLineage(t *testing.T) {
	t.Parallel()
	w := shownOf(t, 40, 90)
	w.log = first(t, w.log, 30)
	w.refuses(t, ErrRolledBack)
	w.origin, w.older = origin+"/2", []string{origin}
	n := w.open(t)
	if _, ok := n.Latest(); ok {
		t.Error("a head of the older lineage is shown")
	}
	stop := running(t, n)
	fill(t, w.log, 35)
	covering(t, n, 35)
	if _, err := n.At(bg(), 36); err == nil {
		t.Error("the older lineage's head is given for the new one's facts")
	}
	if s, err := n.At(bg(), 1); err != nil || s.Origin != w.origin {
		t.Errorf("at 1: %+v, %v", s, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if s, ok := w.open(t).Latest(); !ok || s.Size != 35 {
		t.Errorf("opened again: %+v", s)
	}
	old := *w
	old.origin, old.older = origin, nil
	old.refuses(t, ErrForeign)

	n = w.open(t)
	add(t, w.heads, signed(t, origin, 95, rootOf(95))) // a node that was not told
	runEnds(t, n, ErrSecond)
	w.refuses(t, ErrSecond, "earlier lineage")
}

// TestOlderHeadsAreVerified: evidence of an older lineage that nobody signed.
func TestOlderHeadsAreVerified(t *testing.T) {
	t.Parallel()
	w, log, heads := inMemory(t)
	fill(t, log, 3)
	record := signed(t, origin, 40, rootOf(40))
	add(t, heads, []byte(strings.Replace(string(record), "\\n40\\n", "\\n41\\n", 1)))
	w.origin, w.older = origin+"/2", []string{origin}
	w.refuses(t, ErrForeign, "last head of "+origin)
}
