package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"greffe/domain"
	"greffe/domain/minimise"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

var (
	// ErrBusy: the queue is full, or the caller's time ran out in it before the
	// event was taken. Not committed; send again.
	ErrBusy = errors.New("the ledger is busy; send again")
	// ErrFull: the disk is full. Not committed.
	ErrFull = errors.New("the ledger's disk is full; nothing was recorded")
	// ErrUnknown: the outcome is not known; sending again is safe.
	ErrUnknown = errors.New("the outcome is unknown; send again")
	// ErrInvalid: what the ledger was to write of itself is no fact. Not committed.
	ErrInvalid = errors.New("not a fact; nothing was recorded")
	// ErrStopped: the ledger was closed, or stopped after a failure, and must be
	// opened again.
	ErrStopped = errors.New("the ledger stopped; restart it to recover")
)

// Config is what a ledger is opened with. All fields but Logger are needed.
type Config struct {
	Log         eventstore.Log
	Vault       vault.Store
	KEK         seal.KEK
	Now         func() time.Time
	Rand        io.Reader // cryptographic, safe for concurrent use
	FirstPolicy []byte    // YAML published as version 1 when the ledger is new
	Logger      *slog.Logger
}

const (
	maxQueued     = 20_000   // events of all callers together; a large one counts as several
	roomBytes     = 16 << 10 // of input that count as one event
	maxGroup      = 1_000    // events in one vault transaction and append
	maxGroupBytes = 780_000  // estimated bytes of their facts
	maxGroupInput = 16 << 20 // bytes of their inputs
	maxGroupNames = 20_000   // tokens of whom they name
)

// Ledger records. Open makes it, Close ends it.
type Ledger struct {
	cfg     Config
	keys    *seal.Keyring
	peppers *token.Peppers
	root    part.Key // of the peppers
	rules   atomic.Pointer[rules]

	room  *semaphore.Weighted
	queue chan *request
	ready chan *prepared

	done   atomic.Int64 // number of the last batch that is in the log
	failed chan struct{}
	cause  error
	once   sync.Once
	stop   context.CancelFunc
	closed chan struct{} // no more requests are taken
	ending sync.Once
	ended  error // of Close
	wg     sync.WaitGroup

	committer  committer
	publishing sync.Mutex
	older      map[int64]*policy.Policy // versions before the one in force, as asked for

	sweeping sync.Mutex // held while owners are destroyed; taken before broom
	broom    sync.Mutex
	dust     []part.Owner
	wake     chan struct{}
}

// rules are the policy in force and what is built from it.
type rules struct {
	policy  *policy.Policy
	guard   *minimise.Guard
	version int64
	source  []byte
}

// Open recovers what a crash left prepared, loads the policy from the log, and
// starts recording. A new vault and an empty log make a new ledger.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Ledger{
		cfg:    cfg,
		room:   semaphore.NewWeighted(maxQueued),
		queue:  make(chan *request, 1024),
		ready:  make(chan *prepared, 1),
		failed: make(chan struct{}),
		closed: make(chan struct{}),
		wake:   make(chan struct{}, 1),
		older:  make(map[int64]*policy.Policy),
	}
	created, err := l.openKeys(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.recover(ctx); err != nil {
		return nil, fmt.Errorf("recover the record path: %w", err)
	}
	head, err := cfg.Log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l.committer = newCommitter(l, head, l.lastRecorded(ctx, head))
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.wg.Add(3)
	go l.sweepLoop(run)
	go l.commitLoop(run)
	go l.appendLoop(run)
	if err := l.openPolicy(ctx, created); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Head is the position the next fact will get.
func (l *Ledger) Head(ctx context.Context) (domain.Position, error) { return l.cfg.Log.Head(ctx) }

// Peppers makes the tokens of this ledger.
func (l *Ledger) Peppers() *token.Peppers { return l.peppers }

// Failed is closed when the ledger stops by itself; Cause then says why.
func (l *Ledger) Failed() <-chan struct{} { return l.failed }

// Cause is why the ledger stopped, nil while it runs.
func (l *Ledger) Cause() error {
	select {
	case <-l.failed:
		return l.cause
	default:
		return nil
	}
}

// fail stops the ledger for good: its state is no longer known.
func (l *Ledger) fail(err error) {
	l.once.Do(func() {
		l.cause = err
		close(l.failed)
		l.cfg.Logger.Error("the ledger stopped: state unknown, restart to recover", "error", err)
	})
}

// Close lets queued work finish and stops recording. It does not close the log
// or the vault. Closing again waits for the first and answers the same.
func (l *Ledger) Close() error {
	l.ending.Do(func() { l.ended = l.end() })
	return l.ended
}

func (l *Ledger) end() error {
	close(l.closed)
	_ = l.room.Acquire(context.Background(), maxQueued) // every caller has its answer
	l.room.Release(maxQueued)                           // who waits for room finds the ledger closed
	l.stop()
	l.wg.Wait()
	if l.Cause() != nil {
		return nil
	}
	if err := l.cfg.Vault.Done(context.Background(), l.done.Load()); err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}
