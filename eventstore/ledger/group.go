package ledger

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// committer turns groups of items into facts. It belongs to one goroutine.
type committer struct {
	l     *Ledger
	next  domain.Position
	last  domain.Time // of recording; it never goes back
	sets  *cache[part.Owner, *seal.KeySet]
	links *cache[token.Token, domain.ID]
}

func newCommitter(l *Ledger, head domain.Position, last domain.Time) committer {
	return committer{
		l: l, next: head, last: last,
		sets:  newCache[part.Owner, *seal.KeySet](20_000),
		links: newCache[token.Token, domain.ID](50_000),
	}
}

// group is one vault transaction in the making.
type group struct {
	c      *committer
	now    domain.Time // of recording
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
	links  map[token.Token]domain.ID   // of all that the group names
	marks  map[token.Token]int         // rows that set a quarantine marker
	taken  map[domain.ID]bool          // ids of quarantine items and own facts of this group
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
			c.next, c.last = c.next+domain.Position(len(p.facts)), p.recorded
			return p, nil
		case errors.Is(err, vault.ErrFull):
			c.forget()
			return nil, ErrFull
		case errors.Is(err, eventstore.ErrTooLarge):
			c.forget()
			return nil, err
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
		links: make(map[token.Token]domain.ID, 4*len(items)), marks: make(map[token.Token]int), taken: make(map[domain.ID]bool),
		at: make([]int, len(items)), now: c.clock()}
	if err := g.lookUp(ctx); err != nil {
		return nil, err
	}
	for i, it := range items {
		g.at[i] = -1
		if err := g.decide(ctx, i, it); err != nil {
			return nil, err
		}
	}
	p := &prepared{base: c.next, items: items, at: g.at, recorded: g.now}
	if len(g.rows) == 0 {
		return p, nil
	}
	if err := g.build(); err != nil {
		return nil, err
	}
	p.facts = make([][]byte, len(g.batch.Rows))
	for i := range g.batch.Rows {
		p.facts[i] = g.batch.Rows[i].Fact
	}
	if err := eventstore.CheckSize(p.facts); err != nil { // what is prepared must be appendable
		return nil, err
	}
	g.batch.Base, g.batch.Done = c.next, c.l.done.Load()
	number, err := c.l.cfg.Vault.Prepare(ctx, &g.batch)
	if err != nil {
		return nil, err
	}
	g.keep()
	p.number, p.destroy = number, g.destroyed()
	return p, nil
}

// clock is the instant of recording of the next group: times of recording rise
// with the position, whatever the machine's clock does.
func (c *committer) clock() domain.Time {
	if now := domain.NewTime(c.l.cfg.Now()); now.After(c.last.Time) {
		return now
	}
	return c.last
}

// lastRecorded is when the newest fact was recorded; zero if it cannot be read,
// which is verification's matter.
func (l *Ledger) lastRecorded(ctx context.Context, head domain.Position) (at domain.Time) {
	if head == 0 {
		return at
	}
	_ = l.cfg.Log.Read(ctx, head-1, head, func(_ domain.Position, b []byte) error {
		if f, err := event.DecodeFact(b); err == nil {
			at = f.Recorded
		}
		return nil
	})
	return at
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
		if o := it.own; o != nil {
			if o.given {
				ids = append(ids, o.ID)
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
		for _, t := range [...]token.Token{it.subject, it.link, it.actor, it.source} {
			tokens = g.ask(t, tokens)
		}
		for _, t := range it.others {
			tokens = g.ask(t, tokens)
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
		if id, ok := g.known(it.subject); ok {
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
