package ledger

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// committer turns groups of items into facts. It belongs to one goroutine.
type committer struct {
	l     *Ledger
	next  domain.Position
	sets  *cache[part.Owner, *seal.KeySet]
	links *cache[token.Token, domain.ID]
}

func newCommitter(l *Ledger, head domain.Position) committer {
	return committer{
		l: l, next: head,
		sets:  newCache[part.Owner, *seal.KeySet](20_000),
		links: newCache[token.Token, domain.ID](50_000),
	}
}

// group is one vault transaction in the making.
type group struct {
	c      *committer
	items  []*item
	intake map[domain.ID]vault.Intake
	holds  map[token.Token]domain.ID
	first  map[domain.ID]*item // who brought an event id first in this group
	rows   []row
	at     []int
	batch  vault.Batch
	sets   map[part.Owner]*seal.KeySet // touched by this group
	fresh  map[token.Token]bool        // links that this group makes
	owned  map[domain.ID]bool          // subjects that this group makes
}

// maxStale bounds how often a group is prepared anew because another node
// changed the vault in between.
const maxStale = 10

// prepare decides every item, seals, and stores the group in the vault.
func (c *committer) prepare(ctx context.Context, items []*item) (*prepared, error) {
	ctx = context.WithoutCancel(ctx)
	for range maxStale {
		p, err := c.attempt(ctx, items)
		switch {
		case err == nil:
			c.next += domain.Position(len(p.facts))
			return p, nil
		case errors.Is(err, vault.ErrFull):
			c.forget()
			return nil, ErrFull
		case errors.Is(err, vault.ErrStale), errors.Is(err, vault.ErrExists):
			c.forget()
		default:
			return nil, err
		}
	}
	return nil, fmt.Errorf("the vault changed %d times under one group", maxStale)
}

func (c *committer) forget() {
	c.sets.forget()
	c.links.forget()
}

func (c *committer) attempt(ctx context.Context, items []*item) (*prepared, error) {
	g := &group{c: c, items: items, first: make(map[domain.ID]*item, len(items)),
		sets: make(map[part.Owner]*seal.KeySet), fresh: make(map[token.Token]bool), owned: make(map[domain.ID]bool),
		at: make([]int, len(items))}
	if err := g.lookUp(ctx); err != nil {
		return nil, err
	}
	for i, it := range items {
		g.at[i] = -1
		if err := g.decide(ctx, i, it); err != nil {
			return nil, err
		}
	}
	p := &prepared{base: c.next, items: items, at: g.at}
	if len(g.rows) == 0 {
		return p, nil
	}
	if err := g.build(); err != nil {
		return nil, err
	}
	g.batch.Base, g.batch.Done = c.next, c.l.done.Load()
	number, err := c.l.cfg.Vault.Prepare(ctx, &g.batch)
	if err != nil {
		return nil, err
	}
	g.keep()
	p.number = number
	p.facts = make([][]byte, len(g.batch.Rows))
	for i := range g.batch.Rows {
		p.facts[i] = g.batch.Rows[i].Fact
	}
	p.destroy = g.destroyed()
	return p, nil
}

// keep moves what the transaction made true into the caches.
func (g *group) keep() {
	for _, s := range g.sets {
		s.Written()
		g.c.sets.put(s.Owner, s)
	}
	for _, ln := range g.batch.Links {
		g.c.links.put(ln.Token, ln.ID)
	}
}

func (g *group) destroyed() []part.Owner {
	var all []part.Owner
	for _, r := range g.rows {
		all = append(all, r.destroy...)
	}
	return all
}

// lookUp asks the vault, in one call each, for everything the group needs to
// know: event ids, links, quarantine markers, keys.
func (g *group) lookUp(ctx context.Context) error {
	var ids []domain.ID
	var tokens, holds []token.Token
	for _, it := range g.items {
		if it.own != nil {
			continue
		}
		if !it.id.IsZero() {
			ids = append(ids, it.id)
		}
		holds = append(holds, it.hold)
		for _, t := range append([]token.Token{it.subject, it.link, it.actor, it.source}, it.others...) {
			if _, known := g.c.links.get(t); !known && t != (token.Token{}) {
				tokens = append(tokens, t)
			}
		}
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

// loadKeys reads the key sets of everybody known that the group is about.
func (g *group) loadKeys(ctx context.Context) error {
	var owners []part.Owner
	want := func(o part.Owner) {
		if _, ok := g.c.sets.get(o); !ok {
			if _, asked := g.sets[o]; !asked {
				g.sets[o] = nil
				owners = append(owners, o)
			}
		}
	}
	want(part.LedgerOwner())
	for _, it := range g.items {
		if k, ok := g.intake[it.id]; ok && k.Owner.Kind != 0 {
			want(k.Owner)
		}
		if id, ok := g.c.links.get(it.subject); ok && it.subject != (token.Token{}) {
			want(part.SubjectOwner(id))
		}
		if it.own != nil {
			for _, p := range it.own.Parts {
				want(p.Key.Owner)
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
	s, ok := g.c.sets.get(o)
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
