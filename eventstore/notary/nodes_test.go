package notary

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
)

// cluster is nodes on one log and one heads stream; signs says which of them signs.
type cluster struct {
	*world
	keeper atomic.Int32
	nodes  []*Notary
	ended  []chan error
	cancel context.CancelFunc
}

func newCluster(t *testing.T, size int, heads func(node int, heads eventstore.Log) eventstore.Log) *cluster {
	w, _, _ := inMemory(t)
	c := &cluster{world: w}
	ctx, cancel := context.WithCancel(bg())
	c.cancel = cancel
	for i := range size {
		own := newWorld(t, w.log, heads(i, w.heads))
		own.signs = func() bool { return c.keeper.Load() == int32(i) }
		cfg := own.config(t)
		cfg.Now = func() time.Time { return time.Now().Add(time.Duration(i) * time.Millisecond) }
		n, err := Open(bg(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		c.nodes, c.ended = append(c.nodes, n), append(c.ended, ended)
	}
	return c
}

func (c *cluster) stop(t *testing.T) {
	t.Helper()
	c.cancel()
	for i, ended := range c.ended {
		if err := <-ended; err != nil {
			t.Errorf("node %d: %v", i, err)
		}
	}
}

func same(_ int, heads eventstore.Log) eventstore.Log { return heads }

// TestNodesFollow: every node shows the same heads, the keeper alone writes, and the
// keeper may change at any time.
func TestNodesFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, same)
		for size := uint64(1); size < 60; size++ {
			c.keeper.Store(int32(size/7%4) - 1) // nobody, 0, 1, 2
			fill(t, c.log, size*10)
			time.Sleep(50 * time.Millisecond)
			if size%7 == 6 && c.keeper.Load() >= 0 {
				for _, n := range c.nodes {
					covering(t, n, size*10)
				}
			}
		}
		c.keeper.Store(1)
		fill(t, c.log, 700)
		for _, n := range c.nodes {
			s := covering(t, n, 700)
			checkEverything(t, n, s)
		}
		a := proof.Anchor{Kind: proof.AnchorRFC3161, Size: 700, At: domain.NewTime(time.Now()), Token: []byte{1}}
		if err := c.nodes[0].Anchored(bg(), a); !errors.Is(err, ErrFollows) {
			t.Errorf("anchored by a follower: %v", err)
		}
		if err := c.nodes[1].Anchored(bg(), a); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		for i, n := range c.nodes {
			if got, ok := n.LastAnchor(); !ok || got.Size != 700 {
				t.Errorf("node %d: %+v", i, got)
			}
			checkHeads(t, n)
		}
		c.stop(t)
	})
}

// late is a heads stream where another's append comes first, once.
type late struct {
	eventstore.Log
	before func(base domain.Position)
}

func (l *late) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	if b := l.before; b != nil {
		l.before = nil
		b(base)
	}
	return l.Log.Append(ctx, base, facts)
}

// TestHandover: the append of a keeper whose term ended lands while the next one signs
// its first head. Nobody stops; later it would be a second notary.
func TestHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l *late
		c := newCluster(t, 2, func(node int, heads eventstore.Log) eventstore.Log {
			if node == 0 {
				return heads
			}
			l = &late{Log: heads}
			return l
		})
		life := &ledger{t: t, life: map[uint64]int{}}
		c.nodes[1].cfg.Signer = countingSigner{c.nodes[1].cfg.Signer, life} // it does not sign yet
		fill(t, c.log, 10)
		covering(t, c.nodes[0], 10)
		l.before = func(base domain.Position) {
			if err := c.heads.Append(bg(), base, [][]byte{signed(t, origin, 12, rootOf(12))}); err != nil {
				t.Error(err)
			}
		}
		fill(t, c.log, 20)
		c.keeper.Store(1)
		covering(t, c.nodes[1], 20)
		checkHeads(t, c.nodes[1])
		l.before = func(base domain.Position) {
			if err := c.heads.Append(bg(), base, [][]byte{signed(t, origin, 25, rootOf(25))}); err != nil {
				t.Error(err)
			}
		}
		fill(t, c.log, 30)
		if err := <-c.ended[1]; !isSecond(err) {
			t.Errorf("run: %v", err)
		}
		c.cancel()
		if err := <-c.ended[0]; err != nil {
			t.Error(err)
		}
	})
}

// cut is a heads stream that one node cannot append to, or does not hear of, for a while.
type cut struct {
	eventstore.Log
	appends, waits atomic.Bool
	tries          atomic.Int32
}

func (l *cut) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	l.tries.Add(1)
	if l.appends.Load() {
		return eventstore.ErrUnavailable
	}
	return l.Log.Append(ctx, base, facts)
}

func (l *cut) Wait(ctx context.Context, after domain.Position) (domain.Position, error) {
	if l.waits.Load() {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return l.Log.Wait(ctx, after)
}

// TestAgainTheKeeper: a node that lost its term in the middle of an append, and did not
// hear of the next keeper's heads, signs again: nothing of before is appended.
func TestAgainTheKeeper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l *cut
		c := newCluster(t, 2, func(node int, heads eventstore.Log) eventstore.Log {
			if node == 1 {
				return heads
			}
			l = &cut{Log: heads}
			l.waits.Store(true)
			return l
		})
		fill(t, c.log, 10)
		covering(t, c.nodes[0], 10)
		l.appends.Store(true)
		fill(t, c.log, 20)
		time.Sleep(5 * time.Second)
		c.keeper.Store(1)
		fill(t, c.log, 30)
		covering(t, c.nodes[1], 30)
		c.keeper.Store(-1)
		time.Sleep(5 * time.Second)
		l.appends.Store(false)
		fill(t, c.log, 40)
		l.tries.Store(0)
		c.keeper.Store(0)
		covering(t, c.nodes[0], 40)
		covering(t, c.nodes[1], 40)
		if l.tries.Load() != 1 {
			t.Errorf("%d appends for one head: the term began without the others' heads", l.tries.Load())
		}
		last := uint64(0)
		for i, h := range headsIn(t, c.heads) {
			if h.Size <= last {
				t.Errorf("head %d covers %d facts, the one before it %d", i, h.Size, last)
			}
			last = h.Size
		}
		c.stop(t)
	})
}

// TestAnchors: kept in the stream, found by the size they cover, across openings.
func TestAnchors(t *testing.T) {
	t.Parallel()
	w := shownOf(t, 10, 20)
	n := w.open(t)
	stop := running(t, n)
	anchor := func(size uint64, token byte) proof.Anchor {
		return proof.Anchor{Kind: proof.AnchorRFC3161, Size: size, At: domain.NewTime(time.Unix(int64(size), 0)), Token: []byte{token}}
	}
	if err := n.Anchored(bg(), anchor(15, 0)); !errors.Is(err, ErrNotShown) {
		t.Errorf("an anchor of no head: %v", err)
	}
	if err := n.Anchored(bg(), anchor(21, 0)); !errors.Is(err, ErrNotShown) {
		t.Errorf("an anchor beyond: %v", err)
	}
	if err := errors.Join(n.Anchored(bg(), anchor(20, 1)), n.Anchored(bg(), anchor(10, 2))); err != nil {
		t.Fatal(err)
	}
	fill(t, w.log, 30)
	covering(t, n, 30)
	if err := n.Anchored(bg(), anchor(30, 3)); err != nil {
		t.Fatal(err)
	}
	check := func(n *Notary) {
		t.Helper()
		for size, want := range map[uint64]string{0: "\x01\x02\x03", 10: "\x01\x02\x03", 11: "\x01\x03", 20: "\x01\x03", 21: "\x03", 30: "\x03", 31: ""} {
			as, err := n.Anchors(bg(), size)
			got := ""
			for _, a := range as {
				got += string(a.Token)
			}
			if err != nil || got != want {
				t.Errorf("anchors of %d: %q, %v; want %q", size, got, err, want)
			}
		}
		if a, ok := n.LastAnchor(); !ok || a.Size != 30 || a.Token[0] != 3 {
			t.Errorf("last: %+v", a)
		}
		checkHeads(t, n)
	}
	check(n)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	check(w.open(t)) // by the mark
	w.dir += "2"
	check(w.open(t)) // by reading all
	w.older, w.origin = []string{origin}, origin+"/2"
	n = w.open(t)
	if _, ok := n.LastAnchor(); ok {
		t.Error("an anchor of the older lineage's heads is given for the new one's")
	}
}

// TestAnAnchorInDoubt: an anchor's append whose answer was lost is nobody else's.
func TestAnAnchorInDoubt(t *testing.T) {
	t.Parallel()
	for _, half := range []string{"kept", "lost"} {
		t.Run(half, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, log, heads := inMemory(t)
				n := w.open(t)
				stop := running(t, n)
				fill(t, log, 10)
				covering(t, n, 10)
				heads.Inject(away(half))
				a := proof.Anchor{Kind: proof.AnchorRFC3161, Size: 10, At: domain.NewTime(time.Now()), Token: []byte{1}}
				if err := n.Anchored(bg(), a); !errors.Is(err, eventstore.ErrUnavailable) {
					t.Errorf("anchored: %v", err)
				}
				heads.Inject(away())
				fill(t, log, 11)
				covering(t, n, 11)
				if as, err := n.Anchors(bg(), 0); err != nil || len(as) != 1 {
					t.Errorf("%d anchors, %v", len(as), err)
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
