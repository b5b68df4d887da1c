// Package eraser carries out erasures (art. 17 GDPR): of a person, of classes of
// its data, of one part that should never have been written.
//
//	ordered    erasure.ordered is durable; the record path answers "erased" from
//	           here on, or seals new data of the classes under other keys
//	staged     erasure.staged is durable: the tokens of all addresses of who had
//	           objected, so that the opposition list outlives the person, and what
//	           recipients are told, under a key of its own
//	fenced     what goes is written to the fence, outside data and backups
//	destroyed  keys, then parts, tokens and body MACs, in the vault
//	checked    the vault and every read model were asked, and hold nothing
//	erased     subject.erased (or part.redacted) is durable: the certificate
//
// It promises that each step is durable before the next begins, that every one of
// them can be repeated, and that an order that is durable is carried out however
// often the process dies: Resume takes up what the log orders and does not say to
// be done. A store that fails holds back the certificate, not the destruction.
// Many erasures share one pass: one fence write, one destruction, one look; one
// that fails there is tried without the others. An operation over merged contacts
// takes in all of them, and its own certificate is written last.
//
// It assumes that the facts about a person can be listed by an index, and that
// holds are kept by the record path, which refuses the order. A crash leaves an
// erasure at one of the steps above.
//
// Several nodes may carry out the same erasure at once: each step has the same effect
// again, and each fact that says so has an id made of its order's, so that it is
// written once. Who comes second finds it in the log in its next pass.
package eraser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
)

// ErrUnknown: the ledger knows no such person, event or operation.
var ErrUnknown = errors.New("nothing is known under this id")

// ErrNothing: there is nothing to erase: the event has no such part, or the
// person nothing in these classes.
var ErrNothing = errors.New("there is nothing of this to erase")

// Facts reads the log by person. Calls see every fact below head, as Wait told.
type Facts interface {
	// Of calls fn for every fact about a subject, in order.
	Of(ctx context.Context, subject domain.ID, fn func(domain.Position, *event.Fact) error) error
	// Persons lists who is one person with subject by the merges known below a
	// position, subject first; ErrUnknown if nothing is known of it.
	Persons(ctx context.Context, subject domain.ID, below domain.Position) ([]domain.ID, error)
	// Fact reads one fact by its event id, or ErrUnknown.
	Fact(ctx context.Context, id domain.ID) (domain.Position, *event.Fact, error)
	// Unfinished lists the positions of orders that nothing says to be done.
	Unfinished(ctx context.Context) ([]domain.Position, error)
	// At reads the fact at a position.
	At(ctx context.Context, p domain.Position) (*event.Fact, error)
}

// Vault is what is asked of it afterwards, and the tokens that are carried over.
type Vault interface {
	Tokens(ctx context.Context, events []domain.ID) ([][]byte, error)
	Parts(ctx context.Context, ids []vault.PartID) ([][]byte, error)
	Meta(ctx context.Context, name string) ([]byte, error)
	SwapMeta(ctx context.Context, name string, old, new []byte) error
}

// Fence makes destructions known outside the data directory.
type Fence interface {
	Append(ds []erasure.Destruction) error
}

// Store is a read model that is asked whether anything of a person is left.
type Store struct {
	Name string
	Gone func(ctx context.Context, subject domain.ID) error
}

// Config is what erasures are carried out with. All fields but Lease, Elsewhere,
// Patience and Step are needed.
type Config struct {
	Ledger *ledger.Ledger
	Facts  Facts
	Vault  Vault
	Fence  Fence
	Stores []Store
	// Wait returns once Facts knows the fact at a position, Seen once every store
	// has applied it.
	Wait, Seen func(ctx context.Context, at domain.Position) error
	// SourceName is the name under which a producer sends.
	SourceName func(ctx context.Context, source domain.ID) (string, error)
	// Told lists the recipients that are told of erasures, by code.
	Told   func() []string
	Now    func() time.Time
	Rand   io.Reader // cryptographic
	Logger *slog.Logger
	// Lease, if set, gives the lease under which this eraser works among several
	// nodes; nil for none. What it writes when another took it is refused.
	Lease func() *vault.LeaseCheck
	// Elsewhere, if set, returns once every other node that serves has applied the fact
	// at a position to what it holds of persons.
	Elsewhere func(ctx context.Context, upTo domain.Position) error
	// Patience bounds how long a pass waits for Seen and Elsewhere; the next waits
	// again. 15 s if 0.
	Patience time.Duration
	// Step, if set, is called after each step; an error ends the pass there, as a
	// crash would. For tests.
	Step func(step string) error
}

const (
	maxPass    = 200   // operations in one pass
	maxWaiting = 5_000 // operations ordered here and not done
	firstRetry = time.Second
	lastRetry  = time.Minute

	patience = 15 * time.Second // more than the lease of a node that died lasts
)

// Eraser carries out what was ordered. New makes it, Run works.
type Eraser struct {
	cfg  Config
	room chan struct{}
	own  sync.Mutex // one destruction of keys that are no person's at a time

	mu      sync.Mutex
	jobs    map[domain.ID]*job // by operation
	waiting []*job
	wake    chan struct{}
}

// New makes an eraser; it does nothing until Run.
func New(cfg Config) *Eraser {
	if cfg.Step == nil {
		cfg.Step = func(string) error { return nil }
	}
	if cfg.Patience == 0 {
		cfg.Patience = patience
	}
	if cfg.Lease == nil {
		cfg.Lease = func() *vault.LeaseCheck { return nil }
	}
	if cfg.Elsewhere == nil {
		cfg.Elsewhere = func(context.Context, domain.Position) error { return nil }
	}
	return &Eraser{cfg: cfg, room: make(chan struct{}, maxWaiting), jobs: map[domain.ID]*job{}, wake: make(chan struct{}, 1)}
}

// job is one operation on its way.
type job struct {
	operation domain.ID
	orders    []order
	told      []string
	held      bool               // has a place in room
	fenced    map[domain.ID]bool // orders whose destruction this process wrote to the fence
	retry     time.Duration
	notBefore time.Time
	done      chan struct{} // closed when it is done or failed for now
	err       error         // of the last pass
}

// order is one erasure.ordered fact.
type order struct {
	at   domain.Position
	fact *event.Fact
}

// Run carries out what is ordered until ctx ends. Call Resume first.
func (e *Eraser) Run(ctx context.Context) {
	for {
		jobs, pause := e.take()
		if len(jobs) > 0 {
			e.settle(ctx, jobs, e.pass(ctx, jobs))
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-e.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Resume takes up what the log orders and does not say to be done, also what another
// node began. It may be called again: what is known here is left as it is.
func (e *Eraser) Resume(ctx context.Context) (int, error) {
	positions, err := e.cfg.Facts.Unfinished(ctx)
	if err != nil {
		return 0, fmt.Errorf("resume erasures: %w", err)
	}
	found := map[domain.ID]*job{}
	var list []*job
	for _, p := range positions {
		f, err := e.cfg.Facts.At(ctx, p)
		if err != nil {
			return 0, fmt.Errorf("resume erasures: %w", err)
		}
		op := f.Codes.ID("operation")
		if found[op] == nil {
			found[op] = &job{operation: op}
			list = append(list, found[op])
		}
		found[op].orders = append(found[op].orders, order{p, f})
	}
	for _, j := range list {
		e.enqueue(j)
	}
	return len(list), nil
}

// enqueue hands a job to Run; one that is known already is left as it is.
func (e *Eraser) enqueue(j *job) {
	j.done, j.told, j.fenced = make(chan struct{}), e.cfg.Told(), map[domain.ID]bool{}
	e.mu.Lock()
	switch {
	case e.jobs[j.operation] == nil:
		e.jobs[j.operation] = j
		e.waiting = append(e.waiting, j)
	case j.held: // Resume saw it first
		<-e.room
	}
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// take gives the jobs of the next pass, or how long to wait for them.
func (e *Eraser) take() (jobs []*job, pause time.Duration) {
	now := e.cfg.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	pause = lastRetry
	rest := e.waiting[:0]
	for _, j := range e.waiting {
		wait := j.notBefore.Sub(now)
		switch {
		case wait <= 0 && len(jobs) < maxPass:
			jobs = append(jobs, j)
			continue
		case wait > 0:
			pause = min(pause, wait)
		}
		rest = append(rest, j)
	}
	clear(e.waiting[len(rest):])
	e.waiting = rest
	return jobs, pause
}

// settle lets waiters know, and puts what failed back.
func (e *Eraser) settle(ctx context.Context, jobs []*job, failed map[*job]error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range jobs {
		close(j.done)
		if j.err = failed[j]; j.err == nil {
			delete(e.jobs, j.operation)
			if j.held {
				<-e.room
			}
			continue
		}
		j.done = make(chan struct{})
		j.retry = min(max(2*j.retry, firstRetry), lastRetry)
		j.notBefore = e.cfg.Now().Add(j.retry)
		e.waiting = append(e.waiting, j)
		if ctx.Err() == nil {
			e.cfg.Logger.Error("an erasure is not complete; it will be taken up again", "operation", j.operation, "error", j.err, "in", j.retry)
		}
	}
}

// Pending is how many operations wait or are under way, and the oldest error.
func (e *Eraser) Pending() (n int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.jobs {
		err = errors.Join(err, j.err)
		if err != nil {
			break
		}
	}
	return len(e.jobs), err
}
