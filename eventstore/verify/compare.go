package verify

import (
	"context"
	"errors"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// compare judges a row that stands beside its fact.
func (m *merging) compare(ctx context.Context, f placed, x *row) error {
	if err := m.seal(ctx, f, x); err != nil {
		return err
	}
	again := false
	for i := range f.fact.Parts {
		ref := &f.fact.Parts[i]
		var stored *held
		for j := range x.parts {
			if x.parts[j].key.Class == ref.Class {
				stored = &x.parts[j]
			}
		}
		err := m.part(ctx, f, ref, stored, false)
		if errors.Is(err, errAgain) {
			again = true
		} else if err != nil {
			return err
		}
	}
	for j := range x.parts {
		if class := x.parts[j].key.Class; !names(f.fact, class) {
			m.find(Finding{Code: PartStray, Position: f.at, Event: f.fact.ID.String(), Class: class, Where: where("part", f.fact.ID.String()+"/"+class),
				Detail: "The vault holds a part of a class that the fact does not name."})
		}
	}
	if again {
		return m.again(ctx, f)
	}
	return nil
}

func names(f *event.Fact, class string) bool {
	for i := range f.Parts {
		if f.Parts[i].Class == class {
			return true
		}
	}
	return false
}

// again looks up the parts of a fact of which one did not seem right.
func (m *merging) again(ctx context.Context, f placed) error {
	parts, destroyed := m.sum.Parts, m.sum.Destroyed
	err := m.lookParts(ctx, f)
	m.sum.Parts, m.sum.Destroyed = parts, destroyed // counted already
	return err
}

// seal judges a row's MAC, and body MAC and tokens that are gone or should be.
func (m *merging) seal(ctx context.Context, f placed, x *row) error {
	at, wrong := m.sealed(f, x)
	if !wrong {
		return nil
	}
	if _, err := m.later(ctx); err != nil {
		return err
	}
	if m.upto > m.head { // the row may have been read before a destruction, or after it
		now, err := m.bare(ctx, x)
		if err != nil {
			return err
		}
		at, wrong = m.sealed(f, now)
	}
	if wrong {
		m.find(at)
	}
	return nil
}

// bare looks again whether a row has body MAC or tokens, see fresh.
func (m *merging) bare(ctx context.Context, x *row) (*row, error) {
	now := *x
	for more := true; more; {
		known, err := m.Vault.Intake(ctx, []domain.ID{x.event})
		tokens, err2 := m.Vault.Tokens(ctx, []domain.ID{x.event})
		if err = errors.Join(err, err2); errors.Is(err, vault.ErrDamaged) {
			return x, nil
		}
		if err == nil {
			now.bare = known[0].Found && len(known[0].BodyMAC)+len(tokens[0]) == 0
			more, err = m.later(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	return &now, nil
}

func (r *run) sealed(f placed, x *row) (at Finding, wrong bool) {
	id := f.fact.ID.String()
	body := r.told.body(f.at, f.fact)
	at = Finding{Code: RowAltered, Position: f.at, Event: id, Where: where("row", id)}
	switch mine := x.owner == part.SubjectOwner(f.fact.Subject); {
	case x.sealed && (x.bare || body != gone || !mine):
		return at, false
	case x.sealed:
		at.Code, at.Detail = ErasedStillThere, "The row holds a body MAC or search tokens, and a fact certifies that they were destroyed."
	case x.bare && mine && body != stays:
		return at, false
	case x.bare:
		at.Detail = "The row's body MAC and search tokens are gone, or its owner or MAC was altered, and no destruction accounts for it."
	default:
		at.Detail = "The row's MAC is not right: event, owner, body MAC, search tokens or MAC were altered."
	}
	return at, true
}

// relieve judges rows that no fact came for, when too many wait.
func (m *merging) relieve(ctx context.Context) error {
	if len(m.ahead) <= window {
		return nil
	}
	return m.strays(ctx, window/2)
}

// strays judges the rows that wait, until few are left.
func (m *merging) strays(ctx context.Context, few int) error {
	for at, x := range m.ahead {
		if len(m.ahead) <= few {
			break
		}
		delete(m.ahead, at)
		if err := m.stray(ctx, &x); err != nil {
			return err
		}
	}
	return nil
}

// stray judges a row that stood beside no fact: the fact of its position is its own, and
// came too early or late for it, or it has none.
func (m *merging) stray(ctx context.Context, x *row) error {
	head := m.head
	if x.at >= head { // recorded meanwhile
		var err error
		if head, err = m.Log.Head(ctx); err != nil {
			return err
		}
		if x.at < head || x.pending {
			return nil
		}
	}
	var f *event.Fact
	if x.at < head {
		err := m.Log.Read(ctx, x.at, x.at+1, func(_ domain.Position, b []byte) error {
			f, _ = event.DecodeFact(b) // what cannot be read was told
			return nil
		})
		if err != nil {
			return err
		}
	}
	if f == nil && x.at < head {
		return nil // it cannot be read, which was told
	}
	if f != nil && f.ID == x.event {
		return m.seal(ctx, placed{x.at, f}, x)
	}
	m.find(Finding{Code: VaultAhead, Position: x.at, Event: x.event.String(), Where: where("row", x.event.String()), Detail: "The vault holds a row of an event that the log does not have there."})
	return nil
}
