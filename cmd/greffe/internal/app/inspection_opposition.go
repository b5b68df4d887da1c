package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	gather "greffe/api/inspection"
	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
	list "greffe/projections/opposition"
)

// classPepper and the epochs g1, g2 … are where the ledger's own keys have the roots
// of its peppers.
const classPepper = "pepper"

var errSealedList = errors.New("a sealed part of the opposition list cannot be read")

// oppositionKey is the key of one inspection, made of the ledger's own secret: the same
// each time it is asked for.
func (d inspectionDesk) oppositionKey(ctx context.Context, id domain.ID) (*bundle.OppositionKey, error) {
	ledgerID, err := d.a.Ledger.ID(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := d.a.Ledger.Secret("inspection/opposition/" + id.String())
	if err != nil {
		return nil, err
	}
	k := &bundle.OppositionKey{Ledger: ledgerID, Inspection: id, Key: [32]byte(secret)}
	sets, err := d.a.Ledger.Keyring().Load(ctx, []part.Owner{part.LedgerOwner()})
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		root, ok := sets[0].Key(classPepper, fmt.Sprintf("g%d", n))
		if !ok {
			break
		}
		k.Peppers = append(k.Peppers, bundle.OppositionPepper(root))
	}
	if len(k.Peppers) != d.a.Ledger.Peppers().Generation() {
		return nil, errors.New("the peppers are being rotated; ask again")
	}
	return k, nil
}

// keyedList gives the opposition list to a bundle.
type keyedList struct {
	a   *App
	key *bundle.OppositionKey
}

// entries gives every entry as it stands.
func (l keyedList) entries(ctx context.Context, fn func(e *gather.OppositionEntry) error) error {
	return l.pages(ctx, func(page []list.Lifted) error {
		for i := range page {
			x := &page[i]
			e := &gather.OppositionEntry{Event: x.Event, Position: x.Position, Time: x.Time, Recorded: x.Recorded, Origin: string(x.Origin),
				Subject: x.Subject, List: x.List, Scope: x.Scope, Addresses: x.Count, Single: x.Single}
			for _, lift := range x.Lifts {
				if e.Lifted.IsZero() || lift.Time.Before(e.Lifted) {
					e.Lifted, e.Reason = lift.Time, lift.Reason
				}
			}
			if err := fn(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l keyedList) pages(ctx context.Context, fn func(page []list.Lifted) error) error {
	for from := domain.Position(0); ; {
		page, next, err := l.a.Opposition.Page(ctx, list.Filter{Since: from}, exportPage)
		if err != nil {
			return err
		}
		if err := fn(page); err != nil || next == 0 {
			return err
		}
		from = next
	}
}

// tokens gives under what the entries bind: those of addresses alone, of lists and
// carried over erasures as they are sealed, those of persons as their contacts had
// them, each keyed for the inspection.
func (l keyedList) tokens(ctx context.Context, fn func(k opposition.Keyed, entry domain.ID) error) error {
	rekeyed := func(k opposition.Keyed, entry domain.ID) error {
		k.Token = l.key.Rekey(k.Token)
		return fn(k, entry)
	}
	err := l.pages(ctx, func(page []list.Lifted) error {
		var at []domain.Position
		for i := range page {
			if o := page[i].Origin; o == list.Address || o == list.Listed || o == list.Carried {
				at = append(at, page[i].Position)
			}
		}
		return l.sealed(ctx, at, rekeyed)
	})
	if err != nil {
		return err
	}
	return l.persons(ctx, rekeyed)
}

// sealedAtOnce is how many parts of the list are opened together; each may hold a
// thousand addresses.
const sealedAtOnce = 50

func (l keyedList) sealed(ctx context.Context, at []domain.Position, fn func(opposition.Keyed, domain.ID) error) error {
	x := exporter{app: l.a}
	for chunk := range slices.Chunk(at, sealedAtOnce) {
		facts, err := x.facts(ctx, chunk)
		if err != nil {
			return err
		}
		opened, err := l.a.Ledger.Keyring().Open(ctx, facts, ofLedgersList)
		if err != nil {
			return err
		}
		for i, f := range facts {
			keyed, err := l.read(opened[i].Fields)
			if err != nil {
				return fmt.Errorf("event %s: %w", f.ID, err)
			}
			for _, k := range keyed {
				if err := fn(k, f.ID); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// read makes the tokens of today of what a part of the list holds.
func (l keyedList) read(fields []event.Field) (out []opposition.Keyed, err error) {
	generation := 1
	for _, f := range fields {
		if f.Path == opposition.FieldGeneration && json.Unmarshal(f.Value, &generation) != nil {
			return nil, errSealedList
		}
	}
	peppers := l.a.Ledger.Peppers()
	for _, f := range fields {
		switch f.Path {
		case opposition.FieldTokens:
			all, err := opposition.ReadKeyed(f.Value)
			if err != nil {
				return nil, err
			}
			for _, k := range all {
				var ok bool
				if k.Token, ok = peppers.Carry(token.UseOpposition, generation, k.Token); !ok {
					return nil, list.ErrGeneration
				}
				out = append(out, k)
			}
		case opposition.FieldEmail, opposition.FieldPhone:
			kind := token.KindEmail
			if f.Path == opposition.FieldPhone {
				kind = token.KindPhone
			}
			var s string
			if json.Unmarshal(f.Value, &s) != nil {
				return nil, errSealedList
			}
			if normal, _ := ledger.Normal(kind, s); normal != "" {
				both := opposition.Both(kind, peppers.Opposition(kind, normal))
				out = append(out, both[:]...)
			}
		}
	}
	return out, nil
}

// persons gives the tokens of every address that those who objected ever had.
func (l keyedList) persons(ctx context.Context, fn func(opposition.Keyed, domain.ID) error) error {
	var since domain.Position
	var last domain.ID
	for {
		page, err := l.a.Opposition.Objectors(ctx, since, last, exportPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, o := range page {
			if err := l.person(ctx, o, fn); err != nil {
				return err
			}
			since, last = o.Changed, o.Subject
		}
	}
}

func (l keyedList) person(ctx context.Context, o list.Objector, fn func(opposition.Keyed, domain.ID) error) error {
	standing, err := l.a.Opposition.BySubject(ctx, o.Subject)
	if err != nil || len(o.Sources) == 0 {
		return err
	}
	facts, err := (&exporter{app: l.a}).facts(ctx, o.Sources)
	if err != nil {
		return err
	}
	events := make([]domain.ID, len(facts))
	for i, f := range facts {
		events[i] = f.ID
	}
	packed, err := l.a.vault.Tokens(ctx, events)
	if err != nil {
		return err
	}
	seen := map[token.Token]bool{}
	for _, p := range packed {
		entries, err := token.Unpack(p)
		if err != nil {
			return err
		}
		for _, t := range entries {
			if t.Form == token.FormSearch || seen[t.Token] {
				continue
			}
			seen[t.Token] = true
			for i := range standing.Entries {
				if e := &standing.Entries[i]; !e.Subject.IsZero() {
					if err := fn(opposition.Keyed{Kind: t.Kind, Form: t.Form, Token: t.Token}, e.Event); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
