package outbox

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"greffe/api/kafka"
	"greffe/domain"
	"greffe/projections/changes"
)

// MaxBatch bounds the changes of a batch.
const MaxBatch = 500

var (
	// ErrKey: a key file does not hold a key of at least 32 bytes in hex.
	ErrKey = errors.New("a key file holds at least 32 bytes in hex")
	// ErrKeyOfRef: a recipient without ids of its own is told refs under the
	// ledger's key for it, so a key file would do nothing.
	ErrKeyOfRef = errors.New("the policy gives this recipient no source, so it is told refs under the key that greffe changes secret shows; take its key_file out")
	// ErrNoRecipient: the policy in force does not name the recipient.
	ErrNoRecipient = errors.New("the policy names no such recipient; greffe policy show lists them")
	// ErrNoChange: there is no change that the recipient is told of there.
	ErrNoChange = errors.New("there is no such change of this recipient")
)

// Change is a change with the id of its event.
type Change struct {
	changes.Change
	Event domain.ID
}

// Batch is a run of changes for one recipient, opened. Of an empty one To may be
// later than where it began.
type Batch struct {
	Changes []Change
	To      domain.Position // where the next begins
}

// Source is where changes come from. *Reads is one.
type Source interface {
	// Next opens up to limit changes from a position on, and waits if the log has
	// nothing there yet.
	Next(ctx context.Context, recipient string, from domain.Position, limit int) (Batch, error)
	// End is the position after the last one projected.
	End(ctx context.Context) (domain.Position, error)
	// Known reports that the log has a position, and waits until it is projected.
	Known(ctx context.Context, at domain.Position) (bool, error)
	// Count counts changes of a recipient in [from, to), at most limit, and says
	// where the last of them is.
	Count(ctx context.Context, recipient string, from, to domain.Position, limit int) (n int, last domain.Position, err error)
	// At is the event of a recipient's change and, of an erasure, its order; else
	// ErrNoChange.
	At(ctx context.Context, recipient string, at domain.Position) (event, order domain.ID, err error)
	// Key is the recipient's key of pseudonyms, and whether it has ids of its own.
	Key(recipient string) (key []byte, ids bool, err error)
}

// Standing is where outcomes go. Its writes are durable when they return nil and
// do nothing the second time; a lost lease is vault.ErrFenced.
type Standing interface {
	// Progress is how far a recipient is.
	Progress(ctx context.Context, recipient string) (changes.Progress, error)
	// Published says that the broker has all up to a position.
	Published(ctx context.Context, recipient string, upTo domain.Position) error
	// Failing says that the broker has taken nothing for an hour.
	Failing(ctx context.Context, recipient string) error
	// Acknowledged says that the recipient carried out all up to a position.
	Acknowledged(ctx context.Context, recipient string, upTo domain.Position) error
	// Erased says that the recipient carried out one order of erasure.
	Erased(ctx context.Context, recipient string, order domain.ID) error
}

// Deps are what an Outbox works with. Cluster, Source, Standing and Now are
// needed; the rest has the defaults that a service uses.
type Deps struct {
	Cluster  *kafka.Cluster
	Source   Source
	Standing Standing
	Ledger   domain.ID // names us in messages
	Now      func() time.Time
	Logger   *slog.Logger                               // nil: nothing is logged
	Pause    func(context.Context, time.Duration) error // waits; ctx's error if that ends first
	Jitter   func() float64                             // in [0, 1)
	Timeout  time.Duration                              // of one request to a broker; 10 s
	Session  time.Duration                              // of the group that reads acknowledgements; 30 s
}

// Outbox publishes changes and takes acknowledgements. Run may be called again
// after it returned; State and Collector may be used any time.
type Outbox struct {
	deps       Deps
	cfg        kafka.Publish
	publishers []*publisher
	acks       *acknowledgements
	running    sync.Mutex
	active     atomic.Bool
}

// New checks the section, which it fills in, and reads the key files.
func New(cfg kafka.Publish, deps Deps) (*Outbox, error) {
	if err := cfg.Normalise(); err != nil {
		return nil, err
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Pause == nil {
		deps.Pause = pause
	}
	if deps.Jitter == nil {
		deps.Jitter = rand.Float64
	}
	if deps.Timeout == 0 {
		deps.Timeout = 10 * time.Second
	}
	if deps.Session == 0 {
		deps.Session = 30 * time.Second
	}
	o := &Outbox{deps: deps, cfg: cfg}
	for _, r := range cfg.Recipients {
		key, err := o.key(r)
		if err != nil {
			return nil, fmt.Errorf("recipient %s: %w", r.Code, err)
		}
		o.publishers = append(o.publishers, &publisher{deps: &o.deps, code: r.Code, prefix: r.Prefix, key: key, own: r.Identify == kafka.IdentifyOwn,
			source: "greffe/" + deps.Ledger.String()})
	}
	o.acks = newAcknowledgements(o)
	return o, nil
}

// key is the key of a recipient's HMACs.
func (o *Outbox) key(r kafka.Recipient) ([]byte, error) {
	shared, ids, err := o.deps.Source.Key(r.Code)
	if err != nil || r.KeyFile == "" {
		return shared, err
	}
	if !ids {
		return nil, ErrKeyOfRef
	}
	text, err := os.ReadFile(r.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < 32 {
		return nil, ErrKey
	}
	return key, nil
}

// Run publishes and takes acknowledgements until ctx ends, then returns nil, or
// until the lease is lost: vault.ErrFenced.
func (o *Outbox) Run(ctx context.Context) error {
	o.running.Lock()
	defer o.running.Unlock()
	o.active.Store(true)
	defer o.active.Store(false)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	transport := o.deps.Cluster.Transport(o.topics()...)
	defer transport.CloseIdleConnections()
	client := o.deps.Cluster.Client(transport, o.deps.Timeout)
	var wg sync.WaitGroup
	for _, p := range o.publishers {
		wg.Go(func() {
			if err := p.run(ctx, client); err != nil {
				cancel(err)
			}
		})
	}
	wg.Go(func() {
		if err := o.acks.run(ctx, client); err != nil {
			cancel(err)
		}
	})
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// topics are all that are written to or read.
func (o *Outbox) topics() (all []string) {
	seen := map[string]bool{}
	for _, r := range o.cfg.Recipients {
		for _, t := range kafka.PublishTopics() {
			if name := r.Prefix + t; !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
		}
	}
	for _, t := range o.cfg.Acknowledgements.Topics {
		all = append(all, t.Topic)
	}
	return all
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backOff is how long to wait after so many failures in a row: 100 ms, doubling
// to 30 s, less a random half so that many do not come back at once.
func (d *Deps) backOff(failures int) time.Duration {
	wait := longestPause
	if failures < 10 {
		wait = min(firstPause<<(failures-1), longestPause)
	}
	return wait/2 + time.Duration(d.Jitter()*float64(wait/2))
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)
