// Package denial records what known callers were refused, as access.denied facts:
// who tried what they may not do is the first thing a watch over reads looks at
// (délib. CNIL 2021-122; art. 32(1)(d)).
//
// It promises that a refusal costs its request no write, that a flood writes at
// most one fact a minute for each account, route and code, with the count, and
// that the first one of a key is recorded within about a second. The account is
// sealed with the access journal and goes at its term. It assumes that routes and
// codes are closed lists. A crash loses the counts of the last minute at most; a
// stop in order loses none.
package denial

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
)

const (
	spacing = time.Minute     // between two facts of one key
	beat    = time.Second     // between two looks at what is due
	ending  = 5 * time.Second // for the last write
	maxKeys = 10_000          // further ones count together
	batch   = 500             // facts in one write
	other   = "other"         // the route of those
	paused  = 30 * beat       // between two complaints of the log
	class   = "access"        // of the sealed account
	unknown = "unknown"       // stands for a code that is none
)

// Refusal is one refused request of a known account.
type Refusal struct {
	Account domain.ID
	Route   string // operationId of the API document
	Code    string // of the problem
}

// Ledger records facts; *ledger.Ledger does.
type Ledger interface {
	Write(ctx context.Context, owns []ledger.Own) ([]ledger.Written, error)
	Policy() (*policy.Policy, int64)
}

// Recorder counts refusals and writes the counts. New makes it; its methods may be
// called concurrently.
type Recorder struct {
	ledger Ledger
	now    func() time.Time
	log    *slog.Logger

	writing sync.Mutex // one write at a time
	mu      sync.Mutex
	counts  map[Refusal]*tally
}

// tally is one key's count since its last fact.
type tally struct {
	count       int64
	first, last time.Time // of the requests counted
	wrote       time.Time // when its last fact was written, zero if never
}

// New makes a recorder; a nil log says nothing.
func New(l Ledger, now func() time.Time, log *slog.Logger) *Recorder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Recorder{ledger: l, now: now, log: log, counts: map[Refusal]*tally{}}
}

// Denied counts one refusal. It never waits for a write.
func (r *Recorder) Denied(x Refusal) {
	if !event.IsCode(x.Route) {
		x.Route = other
	}
	if !event.IsCode(x.Code) {
		x.Code = unknown
	}
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.counts[x]
	if t == nil {
		if len(r.counts) >= maxKeys {
			x = Refusal{Route: other, Code: x.Code}
			t = r.counts[x]
		}
		if t == nil {
			t = new(tally)
			r.counts[x] = t
		}
	}
	if t.count == 0 {
		t.first = now
	}
	t.count, t.last = t.count+1, now
}

// Run writes what is due until ctx ends, and then the rest.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var complained time.Time
	for {
		select {
		case <-tick.C:
			if err := r.write(ctx, spacing); err != nil && ctx.Err() == nil && r.now().Sub(complained) >= paused {
				complained = r.now()
				r.log.Error("refused requests could not be recorded; they are counted on and tried again", "error", err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending)
			defer cancel()
			if err := r.Flush(last); err != nil {
				r.log.Error("refused requests of the last minute could not be recorded", "error", err)
			}
			return
		}
	}
}

// Flush writes every count now, due or not.
func (r *Recorder) Flush(ctx context.Context) error { return r.write(ctx, 0) }

// counted is a tally on its way into a fact.
type counted struct {
	Refusal
	tally
}

func (r *Recorder) write(ctx context.Context, apart time.Duration) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	due := r.take(apart)
	for chunk := range slices.Chunk(due, batch) {
		if err := r.record(ctx, chunk); err != nil {
			r.restore(due[slices.IndexFunc(due, func(c counted) bool { return c.Refusal == chunk[0].Refusal }):])
			return fmt.Errorf("record refused requests: %w", err)
		}
	}
	return nil
}

// take empties the counts of keys whose last fact is long enough ago, in order,
// and forgets keys that nobody met since.
func (r *Recorder) take(apart time.Duration) []counted {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var due []counted
	for k, t := range r.counts {
		switch rested := t.wrote.IsZero() || now.Sub(t.wrote) >= apart; {
		case rested && t.count == 0:
			delete(r.counts, k)
		case rested:
			due = append(due, counted{k, *t})
			t.count, t.wrote = 0, now
		}
	}
	slices.SortFunc(due, func(a, b counted) int {
		return cmp.Or(a.first.Compare(b.first), slices.Compare(a.Account[:], b.Account[:]), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Code, b.Code))
	})
	return due
}

// restore gives back what could not be written.
func (r *Recorder) restore(lost []counted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range lost {
		t := r.counts[c.Refusal]
		if t == nil {
			t = &tally{last: c.last}
			r.counts[c.Refusal] = t
		}
		t.count, t.first, t.wrote = t.count+c.count, c.first, c.wrote
	}
}

func (r *Recorder) record(ctx context.Context, due []counted) error {
	rules, _ := r.ledger.Policy()
	owns := make([]ledger.Own, len(due))
	for i, c := range due {
		owns[i] = ledger.Own{
			Type: event.AccessDenied, Time: c.last,
			Codes: event.Codes{}.With("route", c.Route).With("code", c.Code).With("count", c.count).With("since", domain.FormatTime(c.first)),
		}
		if !c.Account.IsZero() {
			owns[i].Parts = []ledger.PlainPart{{
				Key:    part.KeyID{Owner: part.LedgerOwner(), Class: class, Epoch: rules.Epoch(class, c.last)},
				Fields: ledger.AccessFields(c.Account, nil),
			}}
		}
	}
	_, err := r.ledger.Write(ctx, owns)
	return err
}
