package app

import (
	"context"
	"errors"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/token"
)

// ErasedOf tells which of a source's contacts the ledger erased.
func (a *App) ErasedOf(ctx context.Context, source string, subjects []string) ([]bool, error) {
	if err := a.CaughtUp(ctx); err != nil {
		return nil, err
	}
	tokens := make([]token.Token, len(subjects))
	for i, s := range subjects {
		tokens[i] = a.Ledger.Peppers().External(source, s)
	}
	ids, err := a.vault.Links(ctx, tokens)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(subjects))
	for i, id := range ids {
		if id.IsZero() {
			continue
		}
		if _, _, out[i], err = a.Index.Erased(ctx, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ErrNotErased: the erasure is ordered and goes on, but is not complete.
var ErrNotErased = errors.New("ordered, not complete yet; it goes on when the ledger is open")

// Erase orders an erasure and waits until it is certified.
func (a *App) Erase(ctx context.Context, o httpapi.ErasureOrder) (*httpapi.Operation, error) {
	desk := erasures{a}
	id, err := desk.Order(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := a.Eraser.Wait(ctx, id); err != nil {
		return nil, errors.Join(ErrNotErased, err)
	}
	op, err := desk.Operation(ctx, id)
	if err == nil && op.Certificate == nil {
		err = ErrNotErased
	}
	return op, err
}

// ErasurePlan is what an erasure would do.
type ErasurePlan struct {
	Whole     bool     `json:"whole"`
	Destroyed []string `json:"destroyed"`
	Kept      []string `json:"kept"`
}

// PlanErasure tells what an erasure would do now.
func (a *App) PlanErasure(ctx context.Context, subject domain.ID, classes []string) (*ErasurePlan, error) {
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := factsOf{a}.Persons(ctx, subject, head)
	if err != nil {
		return nil, erasureError(err)
	}
	var facts []*event.Fact
	for _, p := range persons {
		err := factsOf{a}.Of(ctx, p, func(_ domain.Position, f *event.Fact) error {
			facts = append(facts, f)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	rules, _ := a.Ledger.Policy()
	plan := erasure.Plan(rules, facts, classes, a.cfg.Now())
	out := &ErasurePlan{Whole: plan.Whole, Destroyed: plan.Classes, Kept: []string{}}
	for _, k := range plan.Kept {
		until := "open"
		if !k.Until.IsZero() {
			until = k.Until.Format(time.DateOnly)
		}
		out.Kept = append(out.Kept, k.Class+" until "+until+" ("+k.Ground+")")
	}
	return out, nil
}
