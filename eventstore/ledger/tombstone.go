package ledger

import (
	"context"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// An external id of somebody who was erased stays linked to the erased subject: a
// tombstone. What still comes under it is answered with erased and stored nowhere,
// so that no retry, replay, snapshot or merge brings the person back. Only a
// contact that was collected after the erasure is somebody who came back.

// erased answers an event about a person who was erased; over is false if it is
// to be recorded after all. it.about is settled here.
func (g *group) erased(ctx context.Context, it *item) (over bool, err error) {
	it.about = it.subject
	if it.in.Type == event.AccessRecorded { // who saw whom is told of the erased as well
		return false, nil
	}
	if set, err := g.tomb(ctx, it.subject); err != nil || set != nil {
		if err != nil {
			return false, err
		}
		return g.afterErasure(ctx, it, set)
	}
	if it.in.Type != event.ContactMerged && it.in.Type != event.ContactRekeyed {
		return false, nil
	}
	set, err := g.tomb(ctx, it.link)
	if err != nil || set == nil {
		return false, err
	}
	return true, g.contest(ctx, it, set) // whoever is merged with the erased is the erased
}

// tomb is the key set of an erased person known by an external id; nil if nobody
// is, or the person was not erased.
func (g *group) tomb(ctx context.Context, external token.Token) (*seal.KeySet, error) {
	if external == (token.Token{}) || g.fresh[external] {
		return nil, nil
	}
	for {
		id, ok := g.known(external)
		if !ok {
			return nil, nil
		}
		set, err := g.set(ctx, part.SubjectOwner(id))
		if err != nil || !set.Erased() {
			return nil, err
		}
		now, err := g.c.l.cfg.Vault.Links(ctx, []token.Token{external})
		if err != nil {
			return nil, fmt.Errorf("look up a link again: %w", err)
		}
		if now[0] == id || now[0].IsZero() {
			return set, nil
		}
		g.links[external] = now[0] // another node saw the person come back
		g.c.links.put(external, now[0])
	}
}

func (g *group) afterErasure(ctx context.Context, it *item, set *seal.KeySet) (over bool, err error) {
	switch {
	case it.refuse != nil:
	case returned(it.draft, it.in.Type, set.ClosedAt):
		return false, g.comeBack(ctx, it, set.Owner.ID)
	case it.in.Type == event.OppositionRegistered && len(it.draft.Addresses) > 0:
		it.about = token.Token{} // the objection holds for the address; of whom is forgotten
		return false, nil
	case it.in.Type == event.ContactDeleted:
		return true, g.acknowledge(ctx, it, set)
	}
	return true, g.contest(ctx, it, set)
}

// returned reports that the person gave its data anew, after the erasure.
func returned(d *event.Draft, t event.Type, erased domain.Time) bool {
	return t == event.ContactCreated && d.Codes.String("collection.channel") != "" &&
		d.Codes.String("collection.channel") != "import" && d.Codes.Time("collection.collected_at").After(erased.Time)
}

// comeBack moves an external id from the erased subject to a new one. The erased one
// stays linked under a name of the ledger's own: whom nothing is linked to lost a link,
// which verification finds.
func (g *group) comeBack(ctx context.Context, it *item, erased domain.ID) error {
	t := g.c.l.returnedName(erased)
	if _, known := g.known(t); !known {
		was, err := g.c.l.cfg.Vault.Links(ctx, []token.Token{t})
		if err != nil {
			return fmt.Errorf("look up who came back before: %w", err)
		}
		if g.links[t] = erased; was[0].IsZero() {
			g.link(t, erased)
		}
	}
	id, err := domain.RandomID(g.c.l.cfg.Rand)
	if err != nil {
		return err
	}
	g.owned[id] = true
	g.batch.Moves = append(g.batch.Moves, vault.Move{Token: it.subject, From: erased, To: id})
	g.links[it.subject], g.fresh[it.subject] = id, true
	return nil
}

// returnedName is what leads to somebody erased who came back; no source has an empty
// name.
func (l *Ledger) returnedName(erased domain.ID) token.Token {
	return l.peppers.External("", "returned/"+erased.String())
}

// contest answers erased, and notes once that the source still sends the person.
func (g *group) contest(ctx context.Context, it *item, set *seal.KeySet) error {
	return g.note(ctx, it, set, "contested", "acknowledged", event.Fact{Type: event.ErasureContested,
		Codes: event.Codes{}.With("order", set.Closed.String()).With("type", typeCode(it.in.Type))})
}

// acknowledge answers erased, and notes once that the source dropped the person.
func (g *group) acknowledge(ctx context.Context, it *item, set *seal.KeySet) error {
	return g.note(ctx, it, set, "acknowledged", "contested", event.Fact{Type: event.NotificationTaken,
		Codes: event.Codes{}.With("order", set.Closed.String()).With("recipient", "source")})
}

// note writes a fact about an erased person and a source unless it was the last
// word already. The vault's markers remember which it was.
func (g *group) note(ctx context.Context, it *item, set *seal.KeySet, is, was string, f event.Fact) error {
	*it.result = Result{ID: it.in.ID, Status: Erased, Event: it.id, Subject: set.Owner.ID}
	g.reliesOnClosing(it, set)
	if it.in.Source == "" {
		return nil
	}
	marks := [2]token.Token{}
	for i, word := range [2]string{is, was} {
		marks[i] = g.c.l.peppers.Quarantine("greffe/erasure/"+word, set.Owner.ID.String()+"/"+it.in.Source)
	}
	noted, err := g.noted(ctx, marks[0])
	if err != nil || noted {
		return err
	}
	source, err := g.producer(ctx, it)
	if err != nil {
		return err
	}
	f.Subject, f.Source = set.Owner.ID, source
	if err := g.aside(ctx, it, row{fact: f}); err != nil {
		return err
	}
	id := g.rows[len(g.rows)-1].fact.ID
	g.batch.Holds = append(g.batch.Holds, vault.Hold{Token: marks[0], ID: id})
	g.holds[marks[0]] = id
	g.batch.Holds = slices.DeleteFunc(g.batch.Holds, func(h vault.Hold) bool { return h.Token == marks[1] })
	g.lift(marks[1])
	return nil
}

// noted reports a marker, of the vault or of this group.
func (g *group) noted(ctx context.Context, mark token.Token) (bool, error) {
	if _, ok := g.holds[mark]; ok {
		return true, nil
	}
	if slices.Contains(g.batch.Lifts, mark) {
		return false, nil
	}
	ids, err := g.c.l.cfg.Vault.Holds(ctx, []token.Token{mark})
	if err != nil {
		return false, fmt.Errorf("look up what is noted of an erasure: %w", err)
	}
	return !ids[0].IsZero(), nil
}

func typeCode(t event.Type) string {
	if t.Known() {
		return string(t)
	}
	return "unknown"
}
