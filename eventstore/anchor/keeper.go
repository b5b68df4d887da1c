package anchor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"greffe/domain/policy"
	"greffe/domain/proof"
	"greffe/eventstore/notary"
)

// ErrNoAuthority: the policy wants anchors, and the operator named no authority.
var ErrNoAuthority = errors.New("the policy wants anchors and no time-stamping authority is configured (--tsa, --tsa-ca)")

// Notary is where heads come from and anchors go. *notary.Notary is one.
type Notary interface {
	Latest() (notary.Signed, bool)
	// At is the smallest head shown of at least size facts.
	At(ctx context.Context, size uint64) (notary.Signed, error)
	// Anchored keeps an anchor; it is durable when that returns nil.
	Anchored(ctx context.Context, a proof.Anchor) error
	LastAnchor() (proof.Anchor, bool)
}

// Stamper asks an authority; *Client is one.
type Stamper interface {
	Stamp(ctx context.Context, size uint64, signed []byte) (*proof.Anchor, error)
}

// Config of a Keeper.
type Config struct {
	Notary Notary
	Stamp  Stamper               // nil: no authority is configured
	Policy func() policy.Anchors // what is in force now
	Signs  func() bool           // whether this node anchors now; nil: always
	Now    func() time.Time
	Logger *slog.Logger // nil: none
}

// State is how anchoring stands.
type State struct {
	Mode     string        // of policy.Anchors
	Every    time.Duration // 0 if off
	Anchored bool          // whether there is an anchor; At and Size are its
	At       time.Time     // when the authority says it stamped
	Size     uint64        // how many facts the anchored head covers
	// Waiting is since when a head has been waiting for an anchor; zero if the latest
	// is anchored.
	Waiting time.Time
	Tried   time.Time // when this node last asked in vain; zero since it succeeded
	Err     error     // what it met then
	// Violated: the policy requires anchors, and a head waits longer than two intervals.
	Violated bool
}

// Keeper anchors the latest head whenever the policy's interval has passed and there
// is one that is not anchored. After a failure it asks again after 10 s, then after
// twice as long each time, up to an interval.
type Keeper struct {
	cfg Config

	mu      sync.Mutex
	waiting time.Time      // see State
	first   *notary.Signed // the head that waits longest, as far as it was looked for
	tried   time.Time
	err     error
	pause   time.Duration // before asking again
}

const (
	look       = 5 * time.Second // how often the policy and the latest head are looked at
	firstPause = 10 * time.Second
	maxStep    = time.Minute // of asking and keeping
)

// NewKeeper makes a Keeper, which does nothing until it runs.
func NewKeeper(cfg Config) *Keeper {
	if cfg.Signs == nil {
		cfg.Signs = func() bool { return true }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Keeper{cfg: cfg}
}

// Run anchors until ctx ends; then it returns nil. What goes wrong is State's to say:
// a ledger without anchors goes on recording.
func (k *Keeper) Run(ctx context.Context) error {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		k.step(ctx)
		t.Reset(look)
	}
}

// State says how anchoring stands now.
func (k *Keeper) State() State {
	p := k.cfg.Policy()
	s := State{Mode: p.Mode, Every: p.Every}
	if a, ok := k.cfg.Notary.LastAnchor(); ok {
		s.Anchored, s.At, s.Size = true, a.At.Time, a.Size
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if p.Mode != policy.AnchorsOff {
		s.Waiting, s.Tried, s.Err = k.waiting, k.tried, k.err
	}
	s.Violated = p.Mode == policy.AnchorsRequired && !s.Waiting.IsZero() && k.cfg.Now().Sub(s.Waiting) > 2*p.Every
	return s
}

func (k *Keeper) step(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, maxStep)
	defer cancel()
	p := k.cfg.Policy()
	head, ok := k.next(ctx)
	if p.Mode == policy.AnchorsOff || !ok || !k.cfg.Signs() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.tried, k.err, k.pause = time.Time{}, nil, 0
		return
	}
	k.mu.Lock()
	tried, pause := k.tried, k.pause
	k.mu.Unlock()
	now := k.cfg.Now()
	last, _ := k.cfg.Notary.LastAnchor()
	if within(now, tried, pause) || within(now, last.At.Time, p.Every) {
		return
	}
	if err := k.anchor(ctx, head); !errors.Is(err, context.Canceled) {
		k.done(err, p.Every)
	}
}

// within says that less than d passed since at. A clock that went back far does not
// count, as it would stop everything until it has caught up.
func within(now, at time.Time, d time.Duration) bool {
	passed := now.Sub(at)
	return !at.IsZero() && passed < d && passed > -maxSkew
}

// next is the latest head, if it is not anchored. It notes since when one waits: the
// first that was shown after the one that was anchored last.
func (k *Keeper) next(ctx context.Context) (notary.Signed, bool) {
	head, ok := k.cfg.Notary.Latest()
	last, _ := k.cfg.Notary.LastAnchor()
	ok = ok && head.Size > last.Size
	k.mu.Lock()
	first := k.first
	k.mu.Unlock()
	waiting := head.At.Time
	switch {
	case !ok:
		first, waiting = nil, time.Time{}
	case first != nil && first.Size > last.Size:
		waiting = first.At.Time
	default:
		first = nil
		if s, err := k.cfg.Notary.At(ctx, last.Size+1); err == nil {
			first, waiting = &s, s.At.Time
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.first, k.waiting = first, waiting
	return head, ok
}

func (k *Keeper) anchor(ctx context.Context, head notary.Signed) error {
	if k.cfg.Stamp == nil {
		return ErrNoAuthority
	}
	a, err := k.cfg.Stamp.Stamp(ctx, head.Size, head.Note)
	if err != nil {
		return fmt.Errorf("anchor a head: %w", err)
	}
	if err := k.cfg.Notary.Anchored(ctx, *a); err != nil {
		return fmt.Errorf("keep an anchor: %w", err)
	}
	return nil
}

// done notes how the last attempt ended.
func (k *Keeper) done(err error, every time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		if k.err != nil {
			k.cfg.Logger.Info("signed heads are anchored again")
		}
		k.tried, k.err, k.pause, k.waiting, k.first = time.Time{}, nil, 0, time.Time{}, nil
		return
	}
	k.pause = min(max(2*k.pause, firstPause), max(every, firstPause))
	k.tried, k.err = k.cfg.Now(), err
	k.cfg.Logger.Warn("a signed head was not anchored", "error", err, "again_in", k.pause)
}
