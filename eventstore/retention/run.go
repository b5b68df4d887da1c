package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/retention"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
)

// ErrRunning: this process is at a run already.
var ErrRunning = errors.New("a retention run is under way")

// Person is somebody of whom something may be due, or is announced.
type Person struct {
	Subject domain.ID
	Due     bool
	Held    bool // something stops all of what is due
	Ahead   bool
}

// Due says of whom what is past its term.
type Due interface {
	// Pages calls fn with those of whom something may be due by then, a bounded number
	// at a time, each once.
	Pages(ctx context.Context, by time.Time, fn func([]Person) error) error
	// Now says it anew of one person, with everybody who is one person with it, by the
	// rules in force and by all that is in the log.
	Now(ctx context.Context, subject domain.ID, by time.Time) ([]retention.Exit, error)
}

// Deeds carries out exits. Errors: ledger.ErrHeld and ledger.ErrErased say that
// nothing was done, and need no care.
type Deeds interface {
	// Ask records that the person is asked whether to go on, once.
	Ask(ctx context.Context, w Work) error
	// Archive takes the classes out of the active base.
	Archive(ctx context.Context, w Work) error
	// Generalise records what is left of the data and says less.
	Generalise(ctx context.Context, w Work) error
	// Order makes a destruction durable: of classes or epochs, of each contact that is
	// the person, or of the person as a whole.
	Order(ctx context.Context, w Work) (operations []domain.ID, err error)
	// Await returns when a pass has dealt with an operation; nil: it is certified.
	Await(ctx context.Context, operation domain.ID) error
	// Files destroys the desks' files whose term was over by then, and says how many,
	// and how many a hold keeps.
	Files(ctx context.Context, run domain.ID, by time.Time) (destroyed, held int64, err error)
}

// Ledger writes the facts of a run; *ledger.Ledger is one.
type Ledger interface {
	WriteUnder(ctx context.Context, lease *vault.LeaseCheck, owns []ledger.Own) ([]ledger.Written, error)
	Derived(use string, data []byte) (domain.ID, error)
	Cause() error
}

// Intakes tells which facts were recorded; vault.Store is one.
type Intakes interface {
	Intake(ctx context.Context, ids []domain.ID) ([]vault.Intake, error)
}

// Config is what runs are carried out with. All fields but Lease, Patience, Logger
// and Step are needed.
type Config struct {
	Ledger  Ledger
	Intakes Intakes
	Due     Due
	Deeds   Deeds
	Logger  *slog.Logger
	// Lease, if set, gives the lease under which a run is worked on.
	Lease func(ctx context.Context) *vault.LeaseCheck
	// Patience bounds how long a page's orders are waited for; 2 min if 0. What is not
	// certified by then goes on beside the run.
	Patience time.Duration
	// Step, if set, is called after each person and each step; an error ends the run
	// there, as a crash would. For tests.
	Step func(step string) error
}

// Engine carries out runs, one at a time.
type Engine struct {
	cfg  Config
	busy sync.Mutex
}

// New makes an engine.
func New(cfg Config) *Engine {
	if cfg.Lease == nil {
		cfg.Lease = func(context.Context) *vault.LeaseCheck { return nil }
	}
	if cfg.Patience == 0 {
		cfg.Patience = 2 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Step == nil {
		cfg.Step = func(string) error { return nil }
	}
	return &Engine{cfg: cfg}
}

// Counts are the numbers of a report, of this process's part of a run.
type Counts struct {
	Persons    int64 `json:"persons" doc:"Of whom something was due."`
	Archived   int64 `json:"archived" doc:"Persons of whom classes left the active base."`
	Asked      int64 `json:"asked" doc:"Persons who are asked whether to go on."`
	Generalise int64 `json:"generalised" doc:"Persons of whom less is left."`
	Destroyed  int64 `json:"destroyed" doc:"Persons of whom classes, or years of them, were ordered to be destroyed."`
	Erased     int64 `json:"erased" doc:"Persons who were ordered to be erased."`
	Held       int64 `json:"held" doc:"Persons whom a hold, a restriction or an open request left untouched."`
	Files      int64 `json:"files" doc:"Files of the desks that were destroyed, with their words and attachments."`
	FilesHeld  int64 `json:"files_held" doc:"Files that a hold on whom they are about, or an open request of theirs, keeps."`
	Ahead      int64 `json:"ahead" doc:"Persons of whom something is announced: it comes due within the time that its rule reminds ahead."`
	Failed     int64 `json:"failed" doc:"Persons left to the next run by an error."`
	Pending    int64 `json:"pending" doc:"Orders that were not certified when the run ended."`
}

// named are the numbers by the codes of a report.
func (c *Counts) named() map[string]*int64 {
	return map[string]*int64{"persons": &c.Persons, "archived": &c.Archived, "asked": &c.Asked, "generalised": &c.Generalise, "destroyed": &c.Destroyed,
		"erased": &c.Erased, "held": &c.Held, "files": &c.Files, "files_held": &c.FilesHeld, "ahead": &c.Ahead, "failed": &c.Failed, "pending": &c.Pending}
}

// CountsOf reads the numbers of a report.
func CountsOf(codes map[string]int64) (c Counts) {
	for name, n := range c.named() {
		*n = codes[name]
	}
	return c
}

// Outcome is what Run did.
type Outcome struct {
	Run    domain.ID
	Day    Day
	Again  bool // the day's run was ended before; nothing was done
	Taken  bool // it was begun before, and taken up
	Counts Counts
	Report ledger.Written // zero if Again
}

// Run carries out the run of a day, taking it up if it was begun before. actor is who
// asked for it, zero if it came by its hour. progress, if set, is told of each page.
func (e *Engine) Run(ctx context.Context, day Day, actor domain.ID, progress func(Counts)) (out Outcome, err error) {
	if !e.busy.TryLock() {
		return out, ErrRunning
	}
	defer e.busy.Unlock()
	r := &run{e: e, day: day, progress: progress, awaited: map[domain.ID]bool{}}
	if err := r.begin(ctx, actor); err != nil {
		return r.outcome(), fmt.Errorf("begin a retention run: %w", err)
	}
	if r.again {
		return r.outcome(), nil
	}
	if err := e.cfg.Step("begun"); err != nil {
		return r.outcome(), err
	}
	if err := e.cfg.Due.Pages(ctx, day.AsOf(), func(page []Person) error { return r.page(ctx, page) }); err != nil {
		return r.outcome(), fmt.Errorf("retention run: %w", err)
	}
	if r.counts.Files, r.counts.FilesHeld, err = e.cfg.Deeds.Files(ctx, r.id, day.AsOf()); err != nil {
		return r.outcome(), fmt.Errorf("files at their term: %w", err)
	}
	if err := r.end(ctx, actor); err != nil {
		return r.outcome(), fmt.Errorf("end a retention run: %w", err)
	}
	return r.outcome(), nil
}

// RunOf is the id of the run of a day: of its first fact.
func (e *Engine) RunOf(day Day) (domain.ID, error) {
	return e.cfg.Ledger.Derived("retention/run", []byte(day))
}

// run is one, under way in this process.
type run struct {
	e            *Engine
	day          Day
	id, report   domain.ID
	again, taken bool
	counts       Counts
	written      ledger.Written
	progress     func(Counts)
	awaited      map[domain.ID]bool // operations that were not certified in time
}

func (r *run) outcome() Outcome {
	return Outcome{Run: r.id, Day: r.day, Again: r.again, Taken: r.taken, Counts: r.counts, Report: r.written}
}

func (r *run) begin(ctx context.Context, actor domain.ID) (err error) {
	if r.id, err = r.e.RunOf(r.day); err != nil {
		return err
	}
	if r.report, err = r.e.cfg.Ledger.Derived("retention/report", []byte(r.day)); err != nil {
		return err
	}
	known, err := r.e.cfg.Intakes.Intake(ctx, []domain.ID{r.id, r.report})
	if err != nil {
		return err
	}
	if r.taken, r.again = known[0].Found, known[1].Found; r.taken {
		return nil
	}
	_, err = r.write(ctx, ledger.Own{Type: event.RetentionRun, ID: r.id, Actor: actor, Codes: event.Codes{}.With("state", "begun").
		With("date", string(r.day)).With("as_of", domain.FormatTime(r.day.AsOf()))})
	if errors.Is(err, ledger.ErrTaken) { // another node began it just now
		r.taken, err = true, nil
	}
	return err
}

func (r *run) end(ctx context.Context, actor domain.ID) (err error) {
	if err := r.settle(ctx); err != nil {
		return err
	}
	codes := event.Codes{}.With("state", "ended").With("run", r.id.String()).With("date", string(r.day))
	for name, n := range r.counts.named() {
		codes = codes.With(name, *n)
	}
	r.written, err = r.write(ctx, ledger.Own{Type: event.RetentionRun, ID: r.report, Actor: actor, Codes: codes})
	if errors.Is(err, ledger.ErrTaken) {
		r.again, err = true, nil
	}
	return err
}

func (r *run) write(ctx context.Context, own ledger.Own) (ledger.Written, error) {
	w, err := r.e.cfg.Ledger.WriteUnder(ctx, r.e.cfg.Lease(ctx), []ledger.Own{own})
	if err != nil {
		return ledger.Written{}, err
	}
	return w[0], nil
}
