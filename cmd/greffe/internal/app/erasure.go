package app

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	httpapi "greffe/api/http"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
	"greffe/projections/changes"
	"greffe/projections/dossier"
	"greffe/projections/index"
)

// newEraser puts the rooms behind an eraser.
func (a *App) newEraser() *eraser.Eraser {
	seen := a.aboutPersons()
	return eraser.New(eraser.Config{
		Ledger: a.Ledger, Facts: factsOf{a}, Vault: a.vault, Fence: a.fence(), Stores: a.stores(),
		Wait: func(ctx context.Context, at domain.Position) error { return a.runner.WaitFor(ctx, at, a.Index.Name()) },
		Seen: func(ctx context.Context, at domain.Position) error {
			if err := a.runner.WaitFor(ctx, at, seen...); err != nil {
				return err
			}
			return a.elsewhere(ctx, at)
		},
		SourceName: a.sourceName, Told: a.told, Now: a.cfg.Now, Rand: a.cfg.Rand, Logger: a.cfg.Logger,
	})
}

// stores are the read models that hold something of persons.
func (a *App) stores() []eraser.Store {
	return []eraser.Store{{Name: a.CRM.Name(), Gone: a.CRM.Gone}, {Name: a.Opposition.Name(), Gone: a.Opposition.Gone},
		{Name: a.Decisions.Name(), Gone: a.Decisions.Gone}, {Name: a.Notices.Name(), Gone: a.Notices.Gone},
		{Name: a.Changes.Name(), Gone: a.Changes.Gone}}
}

// told are the recipients that the policy tells of erasures.
func (a *App) told() (codes []string) {
	p, _ := a.Ledger.Policy()
	for _, r := range p.Recipients() {
		if r.Gets("erasure") {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// producerNames remembers the names under which producers registered, which
// never change.
type producerNames struct {
	mu    sync.Mutex
	known names
}

// sourceName is the name under which a producer registered.
func (a *App) sourceName(ctx context.Context, id domain.ID) (string, error) {
	a.producers.mu.Lock()
	defer a.producers.mu.Unlock()
	if name, ok := a.producers.known[id]; ok {
		return name, nil
	}
	all, err := a.sourceNames(ctx)
	if err != nil {
		return "", err
	}
	a.producers.known = all
	return all[id], nil
}

// factsOf implements eraser.Facts on the index and the log.
type factsOf struct{ a *App }

func (f factsOf) Of(ctx context.Context, subject domain.ID, fn func(domain.Position, *event.Fact) error) error {
	const page = 1000
	for from := domain.Position(0); ; {
		at, err := f.a.Index.Positions(ctx, subject, from, math.MaxInt64, page)
		if err != nil {
			return err
		}
		for _, p := range at {
			x, err := f.a.Dossier.At(ctx, p)
			if err == nil {
				err = fn(p, x)
			}
			if err != nil {
				return err
			}
		}
		if len(at) < page {
			return nil
		}
		from = at[page-1] + 1
	}
}

func (f factsOf) Persons(ctx context.Context, subject domain.ID, below domain.Position) ([]domain.ID, error) {
	known, err := f.a.Index.Has(ctx, subject)
	if err == nil && !known {
		err = eraser.ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	return f.a.Index.Connected(ctx, subject, below)
}

func (f factsOf) Fact(ctx context.Context, id domain.ID) (domain.Position, *event.Fact, error) {
	p, x, err := f.a.Dossier.Fact(ctx, id)
	if errors.Is(err, dossier.ErrUnknown) {
		err = eraser.ErrUnknown
	}
	return p, x, err
}

func (f factsOf) At(ctx context.Context, p domain.Position) (*event.Fact, error) {
	return f.a.Dossier.At(ctx, p)
}

func (f factsOf) Unfinished(ctx context.Context) (out []domain.Position, err error) {
	const page = 1000
	for from := domain.Position(0); ; {
		some, err := f.a.Index.Unfinished(ctx, from, page)
		if err != nil {
			return nil, err
		}
		for _, o := range some {
			out = append(out, o.Position)
			from = o.Position + 1
		}
		if len(some) < page {
			return out, nil
		}
	}
}

// indexed waits until the index, and other read models, know what is in the log
// now. What is about erasures asks no others: one that stopped is not to stand
// between a person and its rights.
func (a *App) indexed(ctx context.Context, others ...string) error {
	head, err := a.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	return halted(a.runner.WaitFor(ctx, head-1, append(others, a.Index.Name())...))
}

// erasing carries out erasures until ctx ends.
func (a *App) erasing(ctx context.Context) {
	if err := a.indexed(ctx); err != nil {
		a.cfg.Logger.Error("erasures cannot be taken up: the index stands still", "error", err)
		return
	}
	if !a.cfg.several() { // else the keeper takes up what others left
		n, err := a.Eraser.Resume(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			a.cfg.Logger.Error("erasures that were ordered could not be taken up; restart", "error", err)
		case n > 0:
			a.cfg.Logger.Info("erasures are taken up again", "operations", n)
		}
	}
	a.Eraser.Run(ctx)
}

// erasures implements httpapi.Erasures.
type erasures struct{ a *App }

// Order implements httpapi.Erasures: whoever asks again is given the operation
// that is there.
func (e erasures) Order(ctx context.Context, o httpapi.ErasureOrder) (domain.ID, error) {
	op, err := e.order(ctx, o)
	if errors.Is(err, ledger.ErrErased) && o.Event.IsZero() && len(o.Classes) == 0 {
		if err := e.a.indexed(ctx); err != nil {
			return op, err
		}
		by, _, ok, err := e.a.Index.Erased(ctx, o.Subject)
		if err != nil || !ok {
			return op, errors.Join(httpapi.ErrStale, err)
		}
		return by, nil
	}
	return op, erasureError(err)
}

const (
	useOrderedAlone = "erasure/alone"
	// aloneTries bounds how often an order is counted again because another of the same
	// account came between count and record.
	aloneTries = 50
)

// order records an order. One that takes no second person stands under an id that derives
// from the account's last order as it was counted, so that of several at once, on any
// nodes, one is recorded on each count, and the others count again.
func (e erasures) order(ctx context.Context, o httpapi.ErasureOrder) (op domain.ID, err error) {
	r := eraser.Request{Subject: o.Subject, Redact: o.Event, Actor: o.Actor, Ground: o.Ground, Reason: o.Reason, Classes: o.Classes}
	if o.Alone == nil {
		return e.a.Eraser.Order(ctx, r)
	}
	for range aloneTries {
		if err := e.a.upToDate(ctx, e.a.Approvals.Name(), e.a.Index.Name()); err != nil {
			return op, err
		}
		n, last, err := e.a.Approvals.Ordered(ctx, o.Actor, e.a.cfg.Now().Add(-approval.Window))
		if err != nil {
			return op, err
		}
		if n >= int64(*o.Alone) {
			return op, problem.At(problem.ApprovalRequired, string(approval.MassErasure))
		}
		if r.ID, err = e.a.Ledger.Derived(useOrderedAlone, binary.BigEndian.AppendUint64(o.Actor[:], uint64(last))); err != nil {
			return op, err
		}
		if op, err = e.a.Eraser.Order(ctx, r); !errors.Is(err, ledger.ErrTaken) {
			return op, err
		}
	}
	return op, errors.Join(httpapi.ErrStale, ledger.ErrTaken)
}

// erasureError gives the errors of the room those of the API.
func erasureError(err error) error {
	if errors.Is(err, eraser.ErrUnknown) || errors.Is(err, eraser.ErrNothing) || errors.Is(err, index.ErrUnknown) {
		return errors.Join(httpapi.ErrNotFound, err)
	}
	return known(err)
}

func (e erasures) Await(ctx context.Context, operation domain.ID) {
	_ = e.a.Eraser.Wait(ctx, operation)
}

func (e erasures) Operation(ctx context.Context, id domain.ID) (*httpapi.Operation, error) {
	if err := e.a.indexed(ctx, e.a.Changes.Name()); err != nil {
		return nil, err
	}
	s, err := e.a.Eraser.State(ctx, id)
	if err != nil {
		return nil, erasureError(err)
	}
	out := &httpapi.Operation{ID: id, SubjectID: s.Subject, Position: s.Ordered, State: "pending"}
	if s.Err != nil {
		out.Trouble = s.Err.Error()
	}
	if s.Certificate != nil {
		out.State = "done"
		if out.Certificate, err = e.certificate(ctx, id, s.Certificate); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e erasures) certificate(ctx context.Context, order domain.ID, c *eraser.Certificate) (*httpapi.Certificate, error) {
	out := &httpapi.Certificate{Number: c.Number, SubjectID: c.Subject, ErasedAt: c.Erased.Time, Position: c.Position, Whole: c.Whole, Ground: c.Ground,
		Destroyed: c.Destroyed, Epochs: erasure.Names(c.Epochs), Kept: []httpapi.KeptClass{}, Recipients: []httpapi.RecipientState{}}
	for _, k := range c.Kept {
		x := httpapi.KeptClass{Class: k.Class, Ground: k.Ground}
		if !k.Until.IsZero() {
			x.Until = &k.Until.Time
		}
		out.Kept = append(out.Kept, x)
	}
	if err := e.amounts(ctx, order, c, out); err != nil {
		return nil, err
	}
	for _, s := range c.Stores {
		out.Stores = append(out.Stores, httpapi.StoreResult{Store: s, Result: "erased", CheckedAt: c.Checked})
	}
	d, staged, err := e.a.Changes.Staged(ctx, order)
	if err != nil {
		return nil, fmt.Errorf("who was told of the erasure: %w", err)
	}
	for _, name := range c.Told {
		state, err := e.recipient(ctx, name, d, staged)
		if err != nil {
			return nil, fmt.Errorf("who was told of the erasure: %w", err)
		}
		out.Recipients = append(out.Recipients, httpapi.RecipientState{Name: name, State: state})
	}
	return out, nil
}

// recipient is how far one is with the message about an erasure: by its feed, by
// what its source said of the person, or because it never had the person; expired once
// the time in which it could come for the message has passed.
func (e erasures) recipient(ctx context.Context, name string, d changes.Delivery, staged bool) (string, error) {
	rules, _ := e.a.Ledger.Policy()
	if r, ok := rules.Recipient(name); ok && staged {
		switch state, err := e.a.Feed().State(ctx, r, d); {
		case err != nil:
			return "", err
		case state == changes.StateAcknowledged:
			return "acknowledged", nil
		case state == changes.StateUnknown:
			return "not_held", nil
		}
	}
	if d.Closed && e.a.cfg.Now().Sub(d.Recorded) >= changes.KeptStaged {
		return "expired", nil
	}
	return "staged", nil // a message closed sooner held nothing that this one needs: its feed tells it
}

// Contested implements httpapi.Erasures.
func (e erasures) Contested(ctx context.Context, page httpapi.Page) (out httpapi.Found[httpapi.StillHeld], err error) {
	if err := e.a.indexed(ctx); err != nil {
		return out, err
	}
	items, next, err := e.a.Index.Contested(ctx, page.Cursor, page.Limit)
	if errors.Is(err, index.ErrCursor) {
		err = errors.Join(httpapi.ErrCursor, err)
	}
	for _, x := range items {
		out.Items = append(out.Items, httpapi.StillHeld{SubjectID: x.Subject, Source: x.Source, Position: x.Position})
		about(&out.Subjects, x.Subject)
	}
	out.Next = next
	return out, err
}
