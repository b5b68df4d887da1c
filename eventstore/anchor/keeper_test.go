package anchor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
	"greffe/domain/proof"
	"greffe/eventstore/anchor"
	"greffe/eventstore/notary"
)

var errDown = errors.New("the authority is down")

// heads is a notary that shows what it is told to.
type heads struct {
	mu      sync.Mutex
	shown   []notary.Signed
	anchors []proof.Anchor
	refuse  error
	looked  int // calls of At
}

func (h *heads) show(size uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shown = append(h.shown, notary.Signed{Head: proof.Head{Size: size}, Note: fmt.Appendf(nil, "head %d", size), At: domain.NewTime(time.Now())})
}

func (h *heads) Latest() (notary.Signed, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.shown) == 0 {
		return notary.Signed{}, false
	}
	return h.shown[len(h.shown)-1], true
}

func (h *heads) At(_ context.Context, size uint64) (notary.Signed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looked++
	for _, s := range h.shown {
		if s.Size >= size {
			return s, nil
		}
	}
	return notary.Signed{}, notary.ErrNotShown
}

func (h *heads) Anchored(_ context.Context, a proof.Anchor) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse == nil {
		h.anchors = append(h.anchors, a)
	}
	return h.refuse
}

func (h *heads) LastAnchor() (proof.Anchor, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.anchors) == 0 {
		return proof.Anchor{}, false
	}
	return h.anchors[len(h.anchors)-1], true
}

// sizes are the heads that were anchored.
func (h *heads) sizes() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var s []uint64
	for _, a := range h.anchors {
		s = append(s, a.Size)
	}
	return fmt.Sprint(s)
}

// asked is an authority that counts, and is down when told so.
type asked struct {
	down atomic.Bool
	n    atomic.Int64
}

func (a *asked) Stamp(_ context.Context, size uint64, signed []byte) (*proof.Anchor, error) {
	a.n.Add(1)
	if a.down.Load() {
		return nil, errDown
	}
	return &proof.Anchor{Kind: proof.AnchorRFC3161, Size: size, At: domain.NewTime(time.Now()), Token: signed}, nil
}

// desk is a keeper that runs in a bubble of its own time.
type desk struct {
	*anchor.Keeper
	heads  *heads
	asked  *asked
	policy atomic.Pointer[policy.Anchors]
	signs  atomic.Bool
	log    bytes.Buffer
}

func (d *desk) mode(mode string, every time.Duration) {
	d.policy.Store(&policy.Anchors{Mode: mode, Every: every})
}

// in runs f beside a running keeper, which must end when it is told to.
func in(t *testing.T, change func(*anchor.Config), f func(t *testing.T, d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{heads: new(heads), asked: new(asked)}
		d.mode(policy.AnchorsBestEffort, time.Hour)
		d.signs.Store(true)
		cfg := anchor.Config{Notary: d.heads, Stamp: d.asked, Policy: func() policy.Anchors { return *d.policy.Load() }, Signs: d.signs.Load,
			Now: time.Now, Logger: slog.New(slog.NewTextHandler(&d.log, nil))}
		if change != nil {
			change(&cfg)
		}
		d.Keeper = anchor.NewKeeper(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		f(t, d)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAnchorsEachInterval(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, d *desk) {
		pass(time.Hour)
		if s := d.State(); s.Anchored || !s.Waiting.IsZero() || d.asked.n.Load() != 0 {
			t.Errorf("an empty ledger: %+v", s)
		}
		d.heads.show(0)
		pass(time.Minute)
		if d.asked.n.Load() != 0 {
			t.Error("a head of no facts was anchored")
		}
		d.heads.show(3)
		pass(time.Minute)
		d.heads.show(4)
		d.heads.show(9)
		pass(50 * time.Minute)
		if got := d.heads.sizes(); got != "[3]" {
			t.Errorf("before the interval has passed: %s", got)
		}
		s := d.State()
		if !s.Anchored || s.Size != 3 || s.Waiting.IsZero() || s.Err != nil || s.Violated || s.Mode != policy.AnchorsBestEffort || s.Every != time.Hour {
			t.Errorf("%+v", s)
		}
		pass(10 * time.Minute)
		if got := d.heads.sizes(); got != "[3 9]" {
			t.Errorf("after the interval: %s", got)
		}
		pass(100 * time.Hour)
		if s := d.State(); d.heads.sizes() != "[3 9]" || !s.Waiting.IsZero() || s.Violated || d.asked.n.Load() != 2 {
			t.Errorf("nothing is new: %s, %+v", d.heads.sizes(), s)
		}
		if d.heads.looked > 10 {
			t.Errorf("%d looks for the first head that waits", d.heads.looked)
		}
	})
}

func TestAuthorityDown(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, d *desk) {
		d.asked.down.Store(true)
		d.mode(policy.AnchorsRequired, time.Hour)
		began := time.Now()
		d.heads.show(3)
		pass(time.Minute)
		d.heads.show(5)
		s := d.State()
		if !errors.Is(s.Err, errDown) || s.Tried.IsZero() || !s.Waiting.Equal(began) || s.Violated || s.Anchored {
			t.Errorf("%+v", s)
		}
		pass(2*time.Hour - time.Minute)
		if d.State().Violated {
			t.Error("violated after two intervals, not more")
		}
		pass(time.Minute)
		if s := d.State(); !s.Violated {
			t.Errorf("%+v", s)
		}
		if n := d.asked.n.Load(); n < 8 || n > 12 { // 10 s, 20 s, 40 s … an hour
			t.Errorf("asked %d times in two hours", n)
		}
		d.mode(policy.AnchorsBestEffort, time.Hour)
		if s := d.State(); s.Violated || s.Err == nil {
			t.Errorf("best effort: %+v", s)
		}
		d.mode(policy.AnchorsRequired, time.Hour)
		d.asked.down.Store(false)
		pass(time.Hour)
		if s := d.State(); s.Violated || s.Err != nil || !s.Tried.IsZero() || s.Size != 5 || d.heads.sizes() != "[5]" {
			t.Errorf("up again: %s, %+v", d.heads.sizes(), s)
		}
		if got := d.log.String(); !strings.Contains(got, "was not anchored") || !strings.Contains(got, "anchored again") {
			t.Errorf("the log says %s", got)
		}
	})
}

// What waited before this node started counts: a node that restarts often is not green.
func TestWaitedBeforeTheStart(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, d *desk) {
		d.asked.down.Store(true)
		d.mode(policy.AnchorsOff, 0)
		began := time.Now()
		for size := range uint64(50) {
			d.heads.show(size + 1)
			pass(time.Hour)
		}
		if s := d.State(); !s.Waiting.IsZero() || s.Violated {
			t.Errorf("off: %+v", s)
		}
		d.mode(policy.AnchorsRequired, time.Hour)
		again := anchor.NewKeeper(anchor.Config{Notary: d.heads, Stamp: d.asked, Policy: func() policy.Anchors { return *d.policy.Load() }, Now: time.Now})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- again.Run(ctx) }()
		pass(time.Second)
		if s := again.State(); !s.Waiting.Equal(began) || !s.Violated {
			t.Errorf("%+v, began %v", s, began)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestNoAuthority(t *testing.T) {
	t.Parallel()
	in(t, func(c *anchor.Config) { c.Stamp, c.Signs, c.Logger = nil, nil, nil }, func(t *testing.T, d *desk) {
		d.heads.show(3)
		pass(time.Minute)
		if s := d.State(); !errors.Is(s.Err, anchor.ErrNoAuthority) {
			t.Errorf("%+v", s)
		}
		d.mode(policy.AnchorsOff, 0)
		pass(time.Minute)
		if s := d.State(); s.Err != nil || s.Mode != policy.AnchorsOff {
			t.Errorf("%+v", s)
		}
	})
}

// A stamp that was not kept is asked for again.
func TestAnchorNotKept(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, d *desk) {
		d.heads.mu.Lock()
		d.heads.refuse = errDown
		d.heads.mu.Unlock()
		d.heads.show(3)
		pass(time.Minute)
		if s := d.State(); !errors.Is(s.Err, errDown) || s.Anchored {
			t.Errorf("%+v", s)
		}
		d.heads.mu.Lock()
		d.heads.refuse = nil
		d.heads.mu.Unlock()
		pass(2 * time.Minute)
		if d.heads.sizes() != "[3]" || d.asked.n.Load() < 2 {
			t.Errorf("%s after %d stamps", d.heads.sizes(), d.asked.n.Load())
		}
	})
}

// One of several nodes anchors; the others know how it stands.
func TestAnotherNodeAnchors(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, d *desk) {
		d.signs.Store(false)
		d.mode(policy.AnchorsRequired, time.Minute)
		d.heads.show(3)
		pass(3 * time.Minute)
		if s := d.State(); !s.Violated || s.Err != nil || d.asked.n.Load() != 0 {
			t.Errorf("%+v", s)
		}
		_ = d.heads.Anchored(t.Context(), proof.Anchor{Kind: proof.AnchorRFC3161, Size: 3, At: domain.NewTime(time.Now())})
		pass(time.Minute)
		if s := d.State(); s.Violated || s.Size != 3 || !s.Waiting.IsZero() {
			t.Errorf("%+v", s)
		}
		d.heads.show(4)
		pass(time.Minute)
		d.signs.Store(true)
		pass(time.Minute)
		if d.heads.sizes() != "[3 4]" {
			t.Error(d.heads.sizes())
		}
	})
}

// An authority whose stamp was a year ahead once does not stop anchoring for a year.
func TestLastAnchorAhead(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, d *desk) {
		d.signs.Store(false) // the first head is not this node's to anchor
		d.heads.show(3)
		_ = d.heads.Anchored(t.Context(), proof.Anchor{Kind: proof.AnchorRFC3161, Size: 3, At: domain.NewTime(time.Now().AddDate(1, 0, 0))})
		d.heads.show(4)
		d.signs.Store(true)
		pass(time.Minute)
		if d.heads.sizes() != "[3 4]" {
			t.Error(d.heads.sizes())
		}
	})
}

// A step under way ends with ctx.
func TestStopWhileAsking(t *testing.T) {
	t.Parallel()
	in(t, func(c *anchor.Config) { c.Stamp = silent{} }, func(t *testing.T, d *desk) {
		d.heads.show(3)
		pass(10 * time.Second)
		if s := d.State(); s.Err != nil {
			t.Errorf("%+v", s)
		}
		pass(time.Minute)
		if s := d.State(); !errors.Is(s.Err, context.DeadlineExceeded) {
			t.Errorf("a minute later: %+v", s)
		}
	})
}

type silent struct{}

func (silent) Stamp(ctx context.Context, _ uint64, _ []byte) (*proof.Anchor, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
