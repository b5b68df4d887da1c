package eraser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
)

// Request asks for an erasure.
type Request struct {
	Subject domain.ID
	Actor   domain.ID
	Ground  string    // art17.1.a to f, art5.1.c or e
	Reason  string    // in words; sealed
	Classes []string  // none: what the policy says
	Redact  domain.ID // the one part, of Classes[0], of this event
	// Term: nobody asked, a retention term has ended.
	Term *Term
	ID   domain.ID // of the first order, so that the same request orders once; random if zero

	operation domain.ID       // that it belongs to; zero for one of its own
	judged    domain.Position // merges below it are known
}

// Order makes an erasure durable and hands it to Run. Errors: ErrUnknown,
// ErrNothing, ErrOthers, ledger.ErrErased, ledger.HeldError, and those of
// ledger.Write: with an ID that was ordered before, ledger.ErrTaken, and then that
// order is carried out. It may be called by many at once, whose orders share a write.
func (e *Eraser) Order(ctx context.Context, r Request) (operation domain.ID, err error) {
	select {
	case e.room <- struct{}{}:
	case <-ctx.Done():
		return operation, ledger.ErrBusy
	}
	j, err := e.order(ctx, r)
	if err != nil {
		<-e.room
		return operation, fmt.Errorf("order an erasure: %w", err)
	}
	j.held = true
	e.enqueue(j)
	return j.operation, nil
}

func (e *Eraser) order(ctx context.Context, r Request) (*job, error) {
	j, err := e.judge(ctx, &r)
	if err != nil {
		return nil, err
	}
	return e.write(ctx, r, j)
}

// judged is what a request is decided on, and the decision.
type judged struct {
	persons []domain.ID // contacts that are one person, of whom nothing was ordered as a whole
	guards  []domain.ID // who is one person with them
	facts   []*event.Fact
	rules   *policy.Policy
	now     time.Time
	plan    erasure.Order
	closed  bool // the subject itself was ordered to be erased as a whole
}

// judge looks at everything that is in the log now, and decides by it. What is foreseen
// and what is ordered are decided here alike.
func (e *Eraser) judge(ctx context.Context, r *Request) (*judged, error) {
	head, err := e.cfg.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.cfg.Wait(ctx, max(head, 1)-1); err != nil {
		return nil, err
	}
	if err := e.fresh(ctx, r.ID); err != nil {
		return nil, err
	}
	r.judged = head
	persons, err := e.cfg.Facts.Persons(ctx, r.Subject, head)
	if err != nil {
		return nil, err
	}
	j := &judged{now: e.cfg.Now()}
	j.rules, _ = e.cfg.Ledger.Policy()
	if j.guards, err = r.among(&persons); err != nil {
		return nil, err
	}
	for _, p := range persons {
		closed := false
		err := e.cfg.Facts.Of(ctx, p, func(_ domain.Position, f *event.Fact) error {
			j.facts = append(j.facts, f)
			closed = closed || closes(f)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if !closed || p == r.Subject { // somebody merged was erased before
			j.persons = append(j.persons, p)
		}
		j.closed = j.closed || closed && p == r.Subject
	}
	j.plan, err = r.plan(j.rules, j.facts, j.now)
	return j, err
}

// fresh refuses an id under which something was ordered.
func (e *Eraser) fresh(ctx context.Context, id domain.ID) error {
	if id.IsZero() {
		return nil
	}
	_, _, err := e.cfg.Facts.Fact(ctx, id)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil
	case err != nil:
		return err
	}
	return ledger.ErrTaken
}

// closes reports the order to erase a whole person.
func closes(f *event.Fact) bool { return f.Type == event.ErasureOrdered && f.Codes.Bool("whole") }

// write records the orders that were decided on.
func (e *Eraser) write(ctx context.Context, r Request, j *judged) (_ *job, err error) {
	plan, persons := j.plan, j.persons
	o := ledger.Erasure{Actor: r.Actor, Operation: r.operation, Whole: plan.Whole, Classes: plan.Classes, Redact: r.Redact,
		Guards: j.guards, Codes: withPlan(r.codes(), plan)}
	if plan.Whole {
		o.Codes = o.Codes.With("whole", true)
	}
	orders := make([]ledger.SubjectOrder, len(persons))
	for i, p := range persons {
		id := r.ID
		if i > 0 || id.IsZero() {
			if id, err = domain.RandomID(e.cfg.Rand); err != nil {
				return nil, err
			}
		}
		orders[i] = ledger.SubjectOrder{ID: id, Subject: p}
	}
	if r.Reason != "" {
		q, err := jsontext.AppendQuote(nil, r.Reason)
		if err != nil {
			return nil, fmt.Errorf("%w: the reason is not UTF-8", ledger.ErrInvalid)
		}
		o.Parts = []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: "requests", Epoch: j.rules.Epoch("requests", j.now)},
			Fields: []event.Field{{Path: "erasure.reason", Value: q}}}}
	}
	return e.record(ctx, &o, orders)
}

// record writes the orders, all at once or, of a person of very many contacts,
// some at a time. What is not written of those is ordered by the pass.
func (e *Eraser) record(ctx context.Context, o *ledger.Erasure, orders []ledger.SubjectOrder) (*job, error) {
	n := o.Fits()
	if len(orders) > n {
		if err := e.unheld(ctx, orders); err != nil {
			return nil, err
		}
	}
	j := &job{operation: o.Operation}
	for some := range slices.Chunk(orders, n) {
		o.Orders = some
		w, err := e.cfg.Ledger.Erase(ctx, *o)
		if err != nil && len(j.orders) > 0 {
			e.cfg.Logger.Warn("a part of an erasure is ordered; the rest follows", "operation", j.operation, "error", err)
			return j, nil
		}
		if err != nil {
			return nil, err
		}
		if j.operation.IsZero() {
			j.operation = w.Event
		}
		for i, s := range some {
			j.orders = append(j.orders, order{at: w.Position + domain.Position(i), fact: &event.Fact{ID: s.ID, Type: event.ErasureOrdered, Subject: s.Subject,
				Actor: o.Actor, Codes: slices.Clone(o.Codes).With("operation", j.operation.String())}})
		}
		o.Operation, o.Parts = j.operation, nil
	}
	return j, nil
}

// unheld refuses an erasure of more contacts than are ordered at once, if one of
// them is held: the ledger itself looks at those that it orders together.
func (e *Eraser) unheld(ctx context.Context, orders []ledger.SubjectOrder) error {
	owners := make([]part.Owner, len(orders))
	for i, o := range orders {
		owners[i] = part.SubjectOwner(o.Subject)
	}
	sets, err := e.cfg.Ledger.Keyring().Load(ctx, owners)
	if err != nil {
		return err
	}
	for i, s := range sets {
		if s.Held() {
			return &ledger.HeldError{Subject: orders[i].Subject, Holds: s.Holds()}
		}
	}
	return nil
}

func hasPart(facts []*event.Fact, id domain.ID, classes []string) bool {
	return len(classes) == 1 && slices.ContainsFunc(facts, func(f *event.Fact) bool {
		return f.ID == id && slices.ContainsFunc(f.Parts, func(p event.PartRef) bool { return p.Class == classes[0] && redactable(p.Owner, f.Subject) })
	})
}

// redactable parts are the person's own and the ledger's words about it.
func redactable(o part.Owner, subject domain.ID) bool {
	return o == part.SubjectOwner(subject) || o.Kind == part.Ledger
}

// withPlan writes what goes and what stays into the codes of a fact.
func withPlan(c event.Codes, p erasure.Order) event.Codes {
	c = c.With("classes", slices.Clone(p.Classes))
	if len(p.Epochs) > 0 {
		c = c.With("epochs", erasure.Names(p.Epochs))
	}
	var kept, grounds, until []string
	for _, k := range p.Kept {
		kept, grounds = append(kept, k.Class), append(grounds, k.Ground)
		end := "open"
		if !k.Until.IsZero() {
			end = domain.FormatTime(k.Until.Time)
		}
		until = append(until, end)
	}
	if len(kept) > 0 {
		c = c.With("kept", kept).With("kept_grounds", grounds).With("kept_until", until)
	}
	return c
}

// complete adds to operations the contacts of their persons that they miss: that
// were merged between the look and the order, or were too many for one write. One
// that cannot be ordered is said, and looked at again whenever a pass is. What a term
// ended takes nobody with it who was merged since: that contact's own terms were not
// judged.
func (e *Eraser) complete(ctx context.Context, jobs []*job) error {
	head, err := e.cfg.Ledger.Head(ctx)
	if err != nil {
		return err
	}
	if err := e.cfg.Wait(ctx, max(head, 1)-1); err != nil {
		return err
	}
	for _, j := range jobs {
		if !closes(j.orders[0].fact) {
			continue
		}
		below := head
		if first := j.orders[0].fact; termOf(first) != nil {
			below = min(head, domain.Position(first.Codes.Int("judged")))
		}
		persons, err := e.cfg.Facts.Persons(ctx, j.orders[0].fact.Subject, below)
		if err != nil {
			return err
		}
		for _, p := range persons {
			if j.names(p) {
				continue
			}
			if err := e.straggler(ctx, j, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *job) names(subject domain.ID) bool {
	return slices.ContainsFunc(j.orders, func(o order) bool { return o.fact.Subject == subject })
}

// straggler adds one contact to an operation, unless it was erased before.
func (e *Eraser) straggler(ctx context.Context, j *job, subject domain.ID) error {
	known, err := e.ordered(ctx, j, subject)
	if err != nil || known {
		return err
	}
	first := j.orders[0].fact
	more, err := e.order(ctx, Request{Subject: subject, Actor: first.Actor, Ground: first.Codes.String("ground"), Term: termOf(first), operation: j.operation})
	switch {
	case err == nil:
		j.orders = append(j.orders, more.orders...)
	case errors.Is(err, ledger.ErrHeld):
		e.cfg.Logger.Error("a contact merged with an erased person cannot be erased", "subject", subject, "error", err)
	case errors.Is(err, ledger.ErrErased): // another eraser ordered it just now
		head, err := e.cfg.Ledger.Head(ctx)
		if err == nil {
			err = e.cfg.Wait(ctx, max(head, 1)-1)
		}
		if err == nil {
			_, err = e.ordered(ctx, j, subject)
		}
		return err
	default:
		return err
	}
	return nil
}

// ordered reports whether the erasure of a contact was ordered. An order of the
// operation that nothing says to be done is added to it.
func (e *Eraser) ordered(ctx context.Context, j *job, subject domain.ID) (bool, error) {
	closed, certified := order{}, false
	err := e.cfg.Facts.Of(ctx, subject, func(at domain.Position, f *event.Fact) error {
		if closes(f) {
			closed = order{at, f}
		}
		certified = certified || f.Type == event.SubjectErased && closed.fact != nil && f.Codes.ID("order") == closed.fact.ID
		return nil
	})
	if err != nil || closed.fact == nil {
		return false, err
	}
	if !certified && closed.fact.Codes.ID("operation") == j.operation {
		j.orders = append(j.orders, closed)
	}
	return true, nil
}
