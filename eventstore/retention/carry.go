package retention

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/retention"
	"greffe/eventstore/ledger"
)

// workers are persons at once: enough to share commits and passes.
const workers = 32

// waiters are operations that are waited for at once: each holds a goroutine, no more.
const waiters = 1000

// Work is the exits of one action about one person, to be carried out together.
type Work struct {
	Run     domain.ID
	Subject domain.ID
	Action  retention.Action
	Exits   []retention.Exit // one at least
}

// Classes are those the work is about, sorted; of Ask and Erase those it stands for.
func (w *Work) Classes() []string {
	var out []string
	for _, x := range w.each() {
		if x.Class != "" {
			out = append(out, x.Class)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Epochs are those meant of a class; nil for all.
func (w *Work) Epochs(class string) []string {
	var out []string
	for _, x := range w.each() {
		if x.Class == class {
			if x.Epochs == nil {
				return nil
			}
			out = append(out, x.Epochs...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (w *Work) each() []retention.Exit {
	var out []retention.Exit
	for _, x := range w.Exits {
		out = append(append(out, x), x.Parts...)
	}
	return out
}

// Rules are those it follows from, sorted.
func (w *Work) Rules() []string {
	var out []string
	for _, x := range w.each() {
		if x.Rule != "" {
			out = append(out, x.Rule)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Codes say in a fact of which run it is, by which rules, and since when it was due.
func (w *Work) Codes() event.Codes {
	due := w.Exits[0].DueAt
	for _, x := range w.each() {
		if x.DueAt.Before(due) && !x.DueAt.IsZero() {
			due = x.DueAt
		}
	}
	c := event.Codes{}.With("run", w.Run.String()).With("due_at", domain.FormatTime(due))
	if rules := w.Rules(); len(rules) > 0 {
		c = c.With("rules", rules)
	}
	return c
}

// page carries out what is due of some persons, and waits for what was ordered.
func (r *run) page(ctx context.Context, page []Person) error {
	found := make([]tally, len(page))
	some, inner := errgroup.WithContext(ctx)
	some.SetLimit(workers)
	for i := range page {
		if page[i].Ahead {
			r.counts.Ahead++
		}
		if page[i].Held {
			found[i].held = true
			continue
		}
		if !page[i].Due {
			continue
		}
		some.Go(func() error {
			var err error
			found[i], err = r.person(inner, page[i].Subject)
			if err == nil {
				err = r.e.cfg.Step("person")
			}
			return err
		})
	}
	err := some.Wait()
	for _, t := range found {
		r.add(t)
	}
	if err != nil {
		return err
	}
	if r.progress != nil {
		r.progress(r.counts)
	}
	return r.settle(ctx)
}

// tally is what became of one person.
type tally struct {
	did        map[retention.Action]bool
	held       bool
	failed     bool
	operations []domain.ID
}

func (r *run) add(t tally) {
	if len(t.did) == 0 && !t.held && !t.failed {
		return
	}
	c := &r.counts
	c.Persons++
	for action, n := range map[retention.Action]*int64{retention.Archive: &c.Archived, retention.Ask: &c.Asked,
		retention.Generalise: &c.Generalise, retention.Destroy: &c.Destroyed, retention.Erase: &c.Erased} {
		if t.did[action] {
			*n++
		}
	}
	if t.held {
		c.Held++
	}
	if t.failed {
		c.Failed++
	}
	for _, o := range t.operations {
		r.awaited[o] = true
	}
}

// person decides anew and carries out. The error is one that no other person would
// be spared.
func (r *run) person(ctx context.Context, subject domain.ID) (t tally, err error) {
	exits, err := r.e.cfg.Due.Now(ctx, subject, r.day.AsOf())
	if err != nil {
		return r.trouble(ctx, t, subject, err)
	}
	t.did = map[retention.Action]bool{}
	for _, w := range works(r.id, subject, exits) {
		if slices.ContainsFunc(w.each(), func(x retention.Exit) bool { return len(x.Blocked) > 0 }) {
			t.held = true
			continue
		}
		operations, err := r.carry(ctx, &w)
		switch {
		case errors.Is(err, ledger.ErrHeld): // placed since the look
			t.held = true
			continue
		case errors.Is(err, ledger.ErrErased): // or somebody was faster
			continue
		case err != nil:
			return r.trouble(ctx, t, subject, err)
		}
		t.did[w.Action] = true
		t.operations = append(t.operations, operations...)
	}
	return t, nil
}

func (r *run) carry(ctx context.Context, w *Work) (operations []domain.ID, err error) {
	switch w.Action {
	case retention.Ask:
		return nil, r.e.cfg.Deeds.Ask(ctx, *w)
	case retention.Archive:
		return nil, r.e.cfg.Deeds.Archive(ctx, *w)
	case retention.Generalise:
		if err := r.e.cfg.Deeds.Generalise(ctx, *w); err != nil {
			return nil, err
		}
	}
	return r.e.cfg.Deeds.Order(ctx, *w)
}

// trouble leaves one person to the next run, unless nobody could be dealt with.
func (r *run) trouble(ctx context.Context, t tally, subject domain.ID, err error) (tally, error) {
	if ctx.Err() != nil || errors.Is(err, ledger.ErrFenced) || r.e.cfg.Ledger.Cause() != nil {
		return t, err
	}
	r.e.cfg.Logger.Error("what is past its term could not be carried out; the next run tries again", "subject", subject, "run", r.id, "error", err)
	t.failed = true
	return t, nil
}

// works gathers a person's exits by action. What erases the person goes in the place of
// all else but what leaves the active base, unless something stops it.
func works(run, subject domain.ID, exits []retention.Exit) []Work {
	var out []Work
	erased := slices.ContainsFunc(exits, func(x retention.Exit) bool { return x.Action == retention.Erase && !blocked(x) })
	for _, x := range exits {
		if erased && x.Action != retention.Erase && x.Action != retention.Archive {
			continue
		}
		i := slices.IndexFunc(out, func(w Work) bool { return w.Action == x.Action && blocked(w.Exits[0]) == blocked(x) })
		if i < 0 {
			out, i = append(out, Work{Run: run, Subject: subject, Action: x.Action}), len(out)
		}
		out[i].Exits = append(out[i].Exits, x)
	}
	slices.SortStableFunc(out, func(a, b Work) int { return strings.Compare(string(a.Action), string(b.Action)) })
	return out
}

func blocked(x retention.Exit) bool { return len(x.Blocked) > 0 }

// settle waits for what was ordered, as long as patience lasts.
func (r *run) settle(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, r.e.cfg.Patience)
	defer cancel()
	var some errgroup.Group
	some.SetLimit(waiters)
	var mu sync.Mutex
	left := map[domain.ID]bool{}
	for o := range r.awaited {
		some.Go(func() error {
			if r.e.cfg.Deeds.Await(patient, o) != nil {
				mu.Lock()
				left[o] = true
				mu.Unlock()
			}
			return nil
		})
	}
	_ = some.Wait() // what is left is in the map
	r.awaited, r.counts.Pending = left, int64(len(left))
	return ctx.Err()
}
