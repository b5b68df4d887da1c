package webhook

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"greffe/domain"
	"greffe/projections/changes"
)

const (
	// MaxBatch bounds the changes of one request.
	MaxBatch = 100
	// GiveUp is after how long of failing what waits as long is given up.
	GiveUp = 7 * 24 * time.Hour

	attemptTime  = 30 * time.Second
	firstPause   = 5 * time.Second
	longestPause = 6 * time.Hour
	longestAsked = 24 * time.Hour
	longestOwn   = time.Minute
	sayFailing   = time.Hour
)

// Batch is a run of changes for one recipient, opened. From is where it begins,
// To where the next one does.
type Batch struct {
	Changes  []changes.Change
	From, To domain.Position
}

// Feed is where changes come from and where outcomes go. Its writes are durable
// when they return nil.
type Feed interface {
	// Next waits for changes at or after from and opens at most MaxBatch of them,
	// below to if that is not 0. Nil: there are none below to any more.
	Next(ctx context.Context, recipient string, from, to domain.Position) (*Batch, error)
	// Progress is how far the recipient is.
	Progress(ctx context.Context, recipient string) (changes.Progress, error)
	// Taken says that a batch up to a position was answered 2xx.
	Taken(ctx context.Context, recipient string, upTo domain.Position) error
	// Failing says that the recipient has not answered 2xx for an hour.
	Failing(ctx context.Context, recipient string) error
	// Dead says that what is up to a position is given up.
	Dead(ctx context.Context, recipient string, upTo domain.Position) error
}

// Config is what Run works with. Feed and Now are needed; Pause, Jitter and
// Timeout have the defaults that a service uses.
type Config struct {
	Feed    Feed
	Now     func() time.Time
	Logger  *slog.Logger                               // nil: nothing is logged
	Pause   func(context.Context, time.Duration) error // waits; ctx's error if that ends first
	Jitter  func() float64                             // in [0, 1)
	Timeout time.Duration                              // of one attempt; 30 s
}

// Run pushes changes to every target until ctx ends.
func Run(ctx context.Context, cfg Config, targets []Target) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Pause == nil {
		cfg.Pause = pause
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = attemptTime
	}
	var wg sync.WaitGroup
	for _, t := range targets {
		wg.Go(func() {
			via := transport(t.URL, t.Private)
			defer via.CloseIdleConnections()
			l := &loop{cfg: cfg, target: t, client: &http.Client{Transport: via, CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			}}}
			l.run(ctx)
		})
	}
	wg.Wait()
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loop delivers to one target.
type loop struct {
	cfg    Config
	target Target
	client *http.Client

	from, to domain.Position // the next batch; to is 0 unless it was tried already
	failures int             // in a row
	since    time.Time       // of the first of them
	troubles int             // of the feed, in a row
	said     bool            // a fact says that it fails
}

func (l *loop) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait, err := l.step(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			l.cfg.Logger.Warn("changes could not be delivered", "recipient", l.target.Recipient, "error", err, "again_in", wait.Round(time.Second))
		}
		if wait > 0 && l.cfg.Pause(ctx, wait) != nil {
			return
		}
	}
}

// step delivers one batch, or says how long to wait before trying again.
func (l *loop) step(ctx context.Context) (time.Duration, error) {
	if err := l.resume(ctx); err != nil {
		return l.trouble(), err
	}
	b, err := l.cfg.Feed.Next(ctx, l.target.Recipient, l.from, l.to)
	if err != nil {
		return l.trouble(), err
	}
	l.troubles = 0
	if b == nil {
		l.from, l.to = max(l.from, l.to), 0
		return 0, nil
	}
	if err := l.send(ctx, b); err != nil {
		if ctx.Err() != nil {
			return 0, err
		}
		return l.refused(ctx, b, err)
	}
	return 0, l.taken(ctx, b)
}

// resume finds where to go on: the recipient may have acknowledged meanwhile.
func (l *loop) resume(ctx context.Context) error {
	p, err := l.cfg.Feed.Progress(ctx, l.target.Recipient)
	if err != nil {
		return err
	}
	if at := max(p.Acknowledged, p.Dead); at > l.from {
		l.from, l.to = at, 0
	}
	if !p.Failing.IsZero() && (l.since.IsZero() || p.Failing.Before(l.since)) {
		l.since = p.Failing
	}
	l.said = l.said || !p.Failing.IsZero()
	return nil
}

// taken records an outcome until it is durable: the batch is not sent again for
// the ledger's sake.
func (l *loop) taken(ctx context.Context, b *Batch) error {
	for {
		err := l.cfg.Feed.Taken(ctx, l.target.Recipient, b.To-1)
		if err == nil {
			break
		}
		l.cfg.Logger.Warn("a delivery could not be recorded yet", "recipient", l.target.Recipient, "error", err)
		if perr := l.cfg.Pause(ctx, l.trouble()); perr != nil {
			return errors.Join(err, perr)
		}
	}
	l.from, l.to, l.failures, l.troubles, l.since, l.said = b.To, 0, 0, 0, time.Time{}, false
	return nil
}

// refused counts a failure, says so after an hour, and gives up what is too old.
func (l *loop) refused(ctx context.Context, b *Batch, cause error) (time.Duration, error) {
	now := l.cfg.Now()
	if l.since.IsZero() {
		l.since = now
	}
	l.to = b.To
	failing := now.Sub(l.since)
	if failing >= sayFailing && !l.said {
		if err := l.cfg.Feed.Failing(ctx, l.target.Recipient); err != nil {
			return l.trouble(), errors.Join(cause, err)
		}
		l.said = true
	}
	if newest := b.Changes[len(b.Changes)-1].Recorded; failing >= GiveUp && now.Sub(newest) >= GiveUp {
		if err := l.cfg.Feed.Dead(ctx, l.target.Recipient, b.To-1); err != nil {
			return l.trouble(), errors.Join(cause, err)
		}
		l.from, l.to = b.To, 0
	}
	wait := l.backOff()
	var r *refusal
	if errors.As(cause, &r) {
		wait = max(wait, r.after)
	}
	return wait, cause
}

// backOff counts a failure of the recipient and says how long to wait: 5 s,
// doubling to 6 h.
func (l *loop) backOff() time.Duration {
	l.failures++
	return l.waitAfter(l.failures, longestPause)
}

// trouble counts a failure of our own: the recipient is not to suffer for it.
func (l *loop) trouble() time.Duration {
	l.troubles++
	return l.waitAfter(l.troubles, longestOwn)
}

// waitAfter leaves a random half out, so that many do not come back at once.
func (l *loop) waitAfter(failures int, longest time.Duration) time.Duration {
	d := longest
	if failures < 16 {
		d = min(firstPause<<(failures-1), longest)
	}
	return d/2 + time.Duration(l.cfg.Jitter()*float64(d/2))
}
