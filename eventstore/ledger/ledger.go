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
	// ErrUnavailable: the vault cannot be reached now. Not committed; send again.
	ErrUnavailable = errors.New("the stores cannot be reached; nothing was recorded; send again")
	// ErrTaken: the event id of a fact of the ledger's own is recorded already, and in
	// the log. It is an ErrInvalid too. Not committed.
	ErrTaken = fmt.Errorf("%w: its id is taken", ErrInvalid)
	// ErrFenced: the lease under which a fact was to be written is another's by now.
	// It is vault.ErrFenced too. Not committed.
	ErrFenced = fmt.Errorf("nothing was recorded: %w", vault.ErrFenced)
	// ErrStopped: the ledger was closed, or stopped after a failure, and must be
	// opened again.
	ErrStopped = errors.New("the ledger stopped; restart it to recover")
)

// Config is what a ledger is opened with. All fields but Logger and Scarce are
// needed.
type Config struct {
	Log         eventstore.Log
	Vault       vault.Store
	KEK         seal.KEK
	Now         func() time.Time
	Rand        io.Reader // cryptographic, safe for concurrent use
	FirstPolicy []byte    // YAML published as version 1 when the ledger is new
	Logger      *slog.Logger

	// Scarce, if set, tells that the disk's reserve is reached: events are refused
	// with ErrFull but for those that protect a person; the ledger's own facts
	// (accesses, erasures) go on.
	Scarce func() bool
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
	root    part.Key // the peppers' first
	macs    *seal.MACs
	rules   atomic.Pointer[rules]

	room  *semaphore.Weighted
	queue chan *request
	ready chan *prepared

	opened time.Time
	head   atomic.Int64 // the highest head of the log that was seen
	headAt atomic.Int64 // when, since opened
	own    landed
	helper helper

	failed chan struct{}
	cause  error
	once   sync.Once
	stop   context.CancelFunc
	calls  context.Context // of the vault's calls; ends soon after Close began
	hangUp context.CancelFunc
	closed chan struct{} // no more requests are taken
	ending sync.Once
	ended  error       // of Close
	left   atomic.Bool // closed while a store could not be reached
	wg     sync.WaitGroup

	committer  committer
	publishing chan struct{}            // held by one at a time
	ruling     sync.Mutex               // guards older, and what is in force against going back
	older      map[int64]*policy.Policy // versions other than the one in force, as asked for

	stale       sync.Mutex
	staleOwners []part.Owner // whose key rows were rewritten beside the record path

	sweeping sync.Mutex // held while owners are destroyed; taken before broom
	broom    sync.Mutex
	dust     []part.Owner
	wake     chan struct{}
}

// rules are the policy in force and what is built from it.
type rules struct {
	policy    *policy.Policy
	guard     *minimise.Guard
	version   int64
	source    []byte
	scheduled domain.ID // the fact that ordered it for a date, if one did
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
		opened: time.Now(),
		own:    landed{flying: make(map[int64]bool)},
		helper: helper{wake: make(chan struct{}, 1), sightings: make(map[int64]*sighting)},

		publishing: make(chan struct{}, 1),
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
	l.sawHead(head)
	l.committer = newCommitter(l, l.lastRecorded(ctx, head))
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.calls, l.hangUp = context.WithCancel(context.WithoutCancel(ctx))
	l.wg.Add(4)
	go l.helpLoop(run)
	go l.sweepLoop(run)
	go l.commitLoop(run)
	go l.appendLoop(run)
	err = l.openPolicy(ctx, created)
	if err == nil {
		err = l.tellRotations(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// parting bounds the last call of the vault.
const parting = 2 * time.Second

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

// Close lets queued work finish and stops recording. While a store cannot be reached, or
// does not answer for 5 s, it lets the work go: callers are answered ErrUnknown. It does not close the log or
// the vault. Closing again waits for the first and answers the same.
func (l *Ledger) Close() error {
	l.ending.Do(func() { l.ended = l.end() })
	return l.ended
}

func (l *Ledger) end() error {
	close(l.closed)
	defer l.hangUp()
	defer time.AfterFunc(patience, l.hangUp).Stop()
	_ = l.room.Acquire(context.Background(), maxQueued) // every caller has its answer
	l.room.Release(maxQueued)                           // who waits for room finds the ledger closed
	l.stop()
	l.wg.Wait()
	if l.Cause() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), parting)
	defer cancel()
	if err := late(l.tell(ctx)); err != nil && !unreachable(err) { // else the next to open looks
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}
