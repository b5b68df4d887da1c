package eraser

import (
	"context"
	"fmt"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/opposition"
	"greffe/domain/part"
	"greffe/eventstore/ledger"
)

// Foreseen is what an order would do if it were given now.
type Foreseen struct {
	Plan    erasure.Order
	Persons []domain.ID      // contacts that are the person, and would go with it
	Parts   map[string]int64 // by class: what is there of them to destroy or to keep
	Held    []ledger.HeldError
	Objects bool     // somebody objected: the tokens of all addresses would outlive the person
	Told    []string // recipients that would be told (art. 19)
}

// Foresee decides as Order does, and orders nothing. Errors: those of Order but
// ledger.HeldError, which is told in Held; ledger.ErrErased of a person who is ordered to
// be erased already.
func (e *Eraser) Foresee(ctx context.Context, r Request) (*Foreseen, error) {
	j, err := e.judge(ctx, &r)
	if err == nil && j.closed && len(r.Classes) == 0 {
		err = ledger.ErrErased
	}
	if err != nil {
		return nil, fmt.Errorf("foresee an erasure: %w", err)
	}
	out := &Foreseen{Plan: j.plan, Persons: j.persons, Parts: erasure.Amounts(j.facts), Told: e.cfg.Told()}
	for i, f := range j.facts {
		if _, objects := opposition.EntryOf(domain.Position(i), f); objects && j.plan.Whole {
			out.Objects = true
		}
	}
	owners := make([]part.Owner, 0, len(j.persons)+len(j.guards))
	for _, p := range append(j.persons[:len(j.persons):len(j.persons)], j.guards...) {
		owners = append(owners, part.SubjectOwner(p))
	}
	sets, err := e.cfg.Ledger.Keyring().Load(ctx, owners)
	if err != nil {
		return nil, fmt.Errorf("foresee an erasure: %w", err)
	}
	for i, s := range sets {
		if s.Held() {
			out.Held = append(out.Held, ledger.HeldError{Subject: owners[i].ID, Holds: s.Holds()})
		}
	}
	return out, nil
}
