package notary

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore/memory"
)

var errCrash = errors.New("crash")

// ledger lives through crashes: each life is a notary that ends at some step. What was
// shown in any life is kept and compared.
type ledger struct {
	t      *testing.T
	w      *world
	log    *memory.Log
	heads  *memory.Log
	mu     sync.Mutex
	showed []Signed
	life   map[uint64]int // signatures by size, in this life
	rnd    *rand.Rand
}

// live runs one notary that crashes when it comes to a step for the nth time, and
// returns what ended it. With nth 0 it is stopped after more facts have their head.
func (l *ledger) live(at step, nth int, more uint64) error {
	t := l.t
	t.Helper()
	l.log, l.heads = l.log.Reopen(), l.heads.Reopen()
	l.w.log, l.w.heads = l.log, l.heads
	c := l.w.config(t)
	c.Signer = countingSigner{c.Signer, l}
	l.life = map[uint64]int{}
	var n *Notary
	seen := 0
	n, err := open(bg(), c, func(s step) error {
		if s == stepShown && n != nil {
			l.shown(n)
		}
		if s != at {
			return nil
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if seen++; seen >= nth && nth > 0 {
			return errCrash
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, ok := n.Latest(); ok {
		l.shown(n)
	}
	ctx, cancel := context.WithTimeout(bg(), time.Hour)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	p, err := l.log.Head(bg())
	if err != nil {
		t.Fatal(err)
	}
	to := uint64(p) + more
	for head := uint64(p); head < to || nth > 0; {
		head += 1 + l.rnd.Uint64N(200)
		fill(t, l.log, head)
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Duration(l.rnd.IntN(100)) * time.Millisecond):
		}
		if l.rnd.IntN(3) == 0 {
			go func() { _, _ = n.Covering(ctx, head) }()
		}
	}
	if nth == 0 {
		s := covering(t, n, to)
		checkEverything(t, n, s)
		cancel()
	}
	return <-ended
}

// shown checks that what is shown is durable everywhere first.
func (l *ledger) shown(n *Notary) {
	s, _ := n.Latest()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.showed = append(l.showed, s)
	head, err := l.log.Head(bg())
	if err != nil || uint64(head) < s.Size {
		l.t.Errorf("a head of %d facts is shown, the log has %d, %v", s.Size, head, err)
	}
	inStream := false
	_ = Walk(bg(), l.heads, func(_ domain.Position, r *proof.Record) error {
		inStream = inStream || bytes.Equal(r.Checkpoint, s.Note)
		return nil
	})
	b, err := os.ReadFile(filepath.Join(l.w.copies, "head"))
	if err != nil {
		l.t.Errorf("a head is shown without its copy: %v", err)
		return
	}
	r, err := proof.DecodeRecord(b)
	if err != nil || !bytes.Equal(r.Checkpoint, s.Note) || !inStream {
		l.t.Errorf("a head of %d facts is shown: in the stream %v, the copy %v", s.Size, inStream, err)
	}
}

// consistent compares all heads ever shown, and all of the stream, with the facts.
func (l *ledger) consistent() {
	l.t.Helper()
	last := uint64(0)
	for _, s := range l.showed {
		if s.Root != rootOf(s.Size) || s.Size < last {
			l.t.Errorf("a head of %d facts was shown after one of %d, with the root %s", s.Size, last, s.Root)
		}
		last = s.Size
	}
	sizes := map[uint64]bool{}
	for _, h := range headsIn(l.t, l.heads) {
		if h.Root != rootOf(h.Size) || sizes[h.Size] {
			l.t.Errorf("the stream has a head of %d facts, again: %v", h.Size, sizes[h.Size])
		}
		sizes[h.Size] = true
	}
}

type countingSigner struct {
	note.Signer
	l *ledger
}

func (s countingSigner) Sign(msg []byte) ([]byte, error) {
	h, err := proof.ParseHead(string(msg))
	if err != nil {
		return nil, err
	}
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if s.l.life[h.Size]++; s.l.life[h.Size] > 1 {
		s.l.t.Errorf("the size %d is signed a second time", h.Size)
	}
	return s.Signer.Sign(msg)
}

// damageTiles is what a power cut may do to files that were not synced.
func (l *ledger) damageTiles() {
	_ = filepath.WalkDir(l.w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		switch l.rnd.IntN(8) {
		case 0:
			_ = os.Remove(path)
		case 1:
			_ = os.Truncate(path, int64(l.rnd.IntN(tileBytes)))
		case 2:
			_ = os.WriteFile(path, make([]byte, tileBytes), 0o600)
		}
		return nil
	})
}

// TestCrashAtEachStep (I6): whatever the notary was about, no two heads ever shown are
// inconsistent, none shrinks, and the next life goes on.
func TestCrashAtEachStep(t *testing.T) {
	t.Parallel()
	for _, at := range []step{stepDurable, stepTiles, stepSigned, stepAppended, stepCopied, stepShown} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, log, heads := inMemory(t)
				l := &ledger{t: t, w: w, log: log, heads: heads, rnd: rand.New(rand.NewPCG(1, uint64(len(at))))}
				for life := range 20 {
					if err := l.live(at, 1+l.rnd.IntN(3), 0); !errors.Is(err, errCrash) {
						t.Fatalf("life %d: %v", life, err)
					}
					if life%3 == 1 {
						l.damageTiles()
					}
				}
				if err := l.live("", 0, 1000); err != nil {
					t.Fatal(err)
				}
				l.consistent()
			})
		})
	}
}

// TestCrashInAnAppend: the append of a head fails, kept or not, and the store takes no
// more until it is opened again.
func TestCrashInAnAppend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, log, heads := inMemory(t)
		l := &ledger{t: t, w: w, log: log, heads: heads, rnd: rand.New(rand.NewPCG(2, 2))}
		fails := func(domain.Position, [][]byte) error { return errCrash }
		for life := range uint64(20) {
			if err := l.live("", 0, 10+l.rnd.Uint64N(300)); err != nil {
				t.Fatal(err)
			}
			faults := memory.Faults{Lost: fails, Stop: true}
			if life%2 == 0 {
				faults = memory.Faults{Kept: fails, Stop: true}
			}
			l.log, l.heads = l.log.Reopen(), l.heads.Reopen()
			w.log, w.heads = l.log, l.heads
			n := w.open(t)
			l.heads.Inject(faults)
			p, err := l.log.Head(bg())
			if err != nil {
				t.Fatal(err)
			}
			fill(t, l.log, uint64(p)+20)
			runEnds(t, n, errCrash)
		}
		if err := l.live("", 0, 1000); err != nil {
			t.Fatal(err)
		}
		l.consistent()
	})
}
