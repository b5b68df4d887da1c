// Package verify recomputes what the log and the vault hold: the form and order
// of facts, the commitments of parts, the absence of what should not be absent.
// It trusts nothing that was derived before.
//
// It promises to read every fact and every part that a fact names, in bounded
// memory, and never to be green on nothing: an empty log is a finding. It does
// not promise to notice a rollback of log and vault together, nor facts written
// by somebody who holds the files and knows this format: that takes the signed
// heads of the notary.
package verify

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/vault"
)

// Finding is one thing that is not as it must be.
type Finding struct {
	Code     string          `json:"code"`
	Position domain.Position `json:"position"`
	Event    string          `json:"event,omitzero"`
	Class    string          `json:"class,omitzero"`
	Detail   string          `json:"detail"`
}

// The codes of findings.
const (
	LogDamaged     = "log_damaged"     // bytes of the log's files are not what was written
	FactUnreadable = "fact_unreadable" // not a fact in canonical form, or of a newer version
	EventTwice     = "event_twice"     // the vault places this event elsewhere
	EventUnknown   = "event_unknown"   // the vault does not know the event
	PartAltered    = "part_altered"    // the stored part is not the committed one
	PartMissing    = "part_missing"    // no bytes, and the owner was not destroyed
	KeyMissing     = "key_missing"     // bytes without a key, or with an altered key row, and the owner was not destroyed
	VaultAhead     = "vault_ahead"     // the vault holds a part of an event the log has not
	Nothing        = "nothing"         // there was nothing to verify
)

// Summary says what was looked at.
type Summary struct {
	Facts     int64  `json:"facts"`
	Parts     int64  `json:"parts"`     // stored, commitment recomputed
	Destroyed int64  `json:"destroyed"` // named by a fact, gone by a destruction
	Findings  int64  `json:"findings"`
	Root      string `json:"root"` // RFC 9162 tree head over all facts, hex
}

// Keys tells which class keys an owner has. eventstore/seal implements it.
type Keys interface {
	Has(ctx context.Context, keys []part.KeyID) (have, destroyed []bool, err error)
}

// Input is what to verify. Progress may be nil.
type Input struct {
	Log      eventstore.Log
	Vault    vault.Store
	Keys     Keys
	Report   func(Finding)
	Progress func(done, total int64)
}

type run struct {
	Input
	sum  Summary
	tree proof.Frontier
}

const batch = 500

// Run verifies everything up to the head at its start. Its error says that it
// could not look; what it found goes to Report.
func Run(ctx context.Context, in Input) (Summary, error) {
	r := &run{Input: in}
	head, err := in.Log.Head(ctx)
	if err != nil {
		return r.sum, fmt.Errorf("verify: %w", err)
	}
	if head == 0 {
		r.find(Finding{Code: Nothing, Detail: "The log is empty: nothing was verified."})
		return r.sum, nil
	}
	for at := domain.Position(0); at < head; {
		to := min(at+batch, head)
		if err := r.facts(ctx, at, to); err != nil {
			var bad *eventstore.CorruptError
			if !errors.As(err, &bad) {
				return r.sum, fmt.Errorf("verify: %w", err)
			}
			r.find(Finding{Code: LogDamaged, Position: bad.Position, Detail: bad.Error()})
			return r.sum, nil // what follows cannot be placed
		}
		at = to
		if in.Progress != nil {
			in.Progress(int64(at), int64(head))
		}
	}
	root := r.tree.Root()
	r.sum.Root = hex.EncodeToString(root[:])
	if err := r.strays(ctx, head); err != nil {
		return r.sum, fmt.Errorf("verify: %w", err)
	}
	return r.sum, nil
}

func (r *run) find(f Finding) {
	r.sum.Findings++
	r.Report(f)
}

type placed struct {
	at   domain.Position
	fact *event.Fact
}

func (r *run) facts(ctx context.Context, from, to domain.Position) error {
	var facts []placed
	err := r.Log.Read(ctx, from, to, func(p domain.Position, b []byte) error {
		r.tree.Add(proof.LeafHash(b))
		r.sum.Facts++
		f, err := event.DecodeFact(b)
		if err != nil {
			r.find(Finding{Code: FactUnreadable, Position: p, Detail: err.Error()})
			return nil
		}
		facts = append(facts, placed{p, f})
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.places(ctx, facts); err != nil {
		return err
	}
	return r.parts(ctx, facts)
}

// places compares where the log and the vault have each event.
func (r *run) places(ctx context.Context, facts []placed) error {
	ids := make([]domain.ID, len(facts))
	for i, f := range facts {
		ids[i] = f.fact.ID
	}
	known, err := r.Vault.Intake(ctx, ids)
	if err != nil {
		return err
	}
	for i, k := range known {
		switch {
		case !k.Found:
			r.find(Finding{Code: EventUnknown, Position: facts[i].at, Event: ids[i].String(), Detail: "The vault has no record of this event's intake."})
		case k.Position != facts[i].at:
			r.find(Finding{Code: EventTwice, Position: facts[i].at, Event: ids[i].String(),
				Detail: fmt.Sprintf("The vault has this event at position %d.", k.Position)})
		}
	}
	return nil
}

// parts recomputes commitments and looks for keys.
func (r *run) parts(ctx context.Context, facts []placed) error {
	var ids []vault.PartID
	var keys []part.KeyID
	for _, f := range facts {
		for _, ref := range f.fact.Parts {
			ids = append(ids, vault.PartID{Event: f.fact.ID, Class: ref.Class})
			keys = append(keys, ref.KeyID())
		}
	}
	stored, err := r.Vault.Parts(ctx, ids)
	if err != nil {
		return err
	}
	have, destroyed, err := r.Keys.Has(ctx, keys)
	if err != nil {
		return err
	}
	n := 0
	for _, f := range facts {
		for _, ref := range f.fact.Parts {
			r.part(f, &ref, stored[n], have[n], destroyed[n])
			n++
		}
	}
	return nil
}

func (r *run) part(f placed, ref *event.PartRef, stored []byte, key, destroyed bool) {
	at := Finding{Position: f.at, Event: f.fact.ID.String(), Class: ref.Class}
	switch {
	case stored == nil && destroyed:
		r.sum.Destroyed++
	case stored == nil:
		at.Code, at.Detail = PartMissing, "The part is gone and no destruction accounts for it."
		r.find(at)
	case part.Commit(stored) != ref.Commitment:
		at.Code, at.Detail = PartAltered, "The stored part is not the one the fact commits to."
		r.find(at)
	case !key && !destroyed:
		at.Code, at.Detail = KeyMissing, "The part's key is gone or cannot be unwrapped, and no destruction accounts for it."
		r.find(at)
	default:
		r.sum.Parts++
	}
}

// strays looks for parts of events that the log does not have.
func (r *run) strays(ctx context.Context, head domain.Position) error {
	var ids []domain.ID
	flush := func() error {
		known, err := r.Vault.Intake(ctx, ids)
		if err != nil {
			return err
		}
		for i, k := range known {
			if !k.Found || k.Position >= head {
				r.find(Finding{Code: VaultAhead, Position: k.Position, Event: ids[i].String(), Detail: "The vault holds a part of an event that the log does not have."})
			}
		}
		ids = ids[:0]
		return nil
	}
	err := r.Vault.Walk(ctx, func(id domain.ID, _ vault.Part) error {
		if len(ids) > 0 && ids[len(ids)-1] == id {
			return nil
		}
		if ids = append(ids, id); len(ids) < batch {
			return nil
		}
		return flush()
	})
	return errors.Join(err, flush())
}
