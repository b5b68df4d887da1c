package ledger

import (
	"context"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// lookUp asks the vault, in one call each, for everything the group needs to
// know: event ids, links, quarantine markers, keys.
func (g *group) lookUp(ctx context.Context) error {
	var ids []domain.ID
	var tokens, holds []token.Token
	for _, it := range g.items {
		if o := it.own; o != nil {
			if o.given {
				ids = append(ids, o.ID)
			}
			if o.erase != nil {
				for _, x := range o.erase.Orders[1:] {
					ids = append(ids, x.ID)
				}
			}
			if !o.closes.IsZero() {
				holds = append(holds, o.hold)
			}
			continue
		}
		if !it.id.IsZero() {
			ids = append(ids, it.id)
		}
		holds = append(holds, it.hold)
		tokens = g.askAll(it, tokens)
	}
	known, err := g.c.l.cfg.Vault.Intake(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up event ids: %w", err)
	}
	g.intake = make(map[domain.ID]vault.Intake)
	for i, k := range known {
		if k.Found {
			g.intake[ids[i]] = k
		}
	}
	links, err := g.c.l.cfg.Vault.Links(ctx, tokens)
	if err != nil {
		return fmt.Errorf("look up links: %w", err)
	}
	for i, id := range links {
		if !id.IsZero() {
			g.links[tokens[i]] = id
			g.c.links.put(tokens[i], id)
		}
	}
	held, err := g.c.l.cfg.Vault.Holds(ctx, holds)
	if err != nil {
		return fmt.Errorf("look up quarantine: %w", err)
	}
	g.holds = make(map[token.Token]domain.ID)
	for i, id := range held {
		if !id.IsZero() {
			g.holds[holds[i]] = id
		}
	}
	return g.loadKeys(ctx)
}

// askAll adds to tokens those that an item names and that have to be looked up. Whom
// an access names is not met again before it is recorded, and is looked up anew.
func (g *group) askAll(it *item, tokens []token.Token) []token.Token {
	about := append([]token.Token{it.subject}, it.others...)
	if it.in.Type == event.AccessRecorded {
		for _, t := range about {
			if t != (token.Token{}) {
				tokens = append(tokens, t)
			}
		}
	} else {
		for _, t := range about {
			tokens = g.ask(t, tokens)
		}
	}
	for _, t := range [...]token.Token{it.link, it.actor, it.source} {
		tokens = g.ask(t, tokens)
	}
	return tokens
}

// ask takes a token's id from the cache, or adds it to those to be looked up.
func (g *group) ask(t token.Token, tokens []token.Token) []token.Token {
	if _, known := g.links[t]; known || t == (token.Token{}) {
		return tokens
	}
	if id, cached := g.c.links.get(t); cached {
		g.links[t] = id
		return tokens
	}
	return append(tokens, t)
}

// loadKeys reads the key sets of everybody known that the group is about. What may
// be answered from a set without being recorded, so that nothing sees that the set is
// old, is read anew.
func (g *group) loadKeys(ctx context.Context) error {
	var owners []part.Owner
	want := func(o part.Owner, anew bool) {
		if anew {
			g.c.sets.remove(o)
		}
		if _, ok := g.c.sets.peek(o); !ok {
			if _, asked := g.sets[o]; !asked {
				g.sets[o] = nil
				owners = append(owners, o)
			}
		}
	}
	want(part.LedgerOwner(), false)
	for _, it := range g.items {
		if k, ok := g.intake[it.id]; ok && k.Owner.Kind != 0 {
			want(k.Owner, k.Owner.Kind != part.Ledger)
		}
		if id, ok := g.known(it.subject); ok {
			want(part.SubjectOwner(id), false)
		}
		if it.own != nil {
			for _, o := range it.own.owners() {
				want(o, o.Kind != part.Ledger)
			}
		}
	}
	sets, err := g.c.l.keys.Load(ctx, owners)
	if err != nil {
		return err
	}
	clear(g.sets)
	for _, s := range sets {
		g.c.sets.put(s.Owner, s)
	}
	return nil
}

// set is the key set of an owner, read before or made now.
func (g *group) set(ctx context.Context, o part.Owner) (*seal.KeySet, error) {
	if s := g.sets[o]; s != nil {
		return s, nil
	}
	s, ok := g.c.sets.peek(o)
	if !ok {
		if o.Kind == part.Subject && g.owned[o.ID] {
			s = &seal.KeySet{Owner: o}
		} else {
			sets, err := g.c.l.keys.Load(ctx, []part.Owner{o})
			if err != nil {
				return nil, err
			}
			s = sets[0]
		}
	}
	g.sets[o] = s
	return s, nil
}
