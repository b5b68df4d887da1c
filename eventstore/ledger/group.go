package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// committer turns groups of items into facts. It belongs to one goroutine.
//
// What it keeps in memory may be old: other nodes write to the same vault. So
// whatever is decided from it is either looked up anew first, or demanded of the vault
// by the transaction itself (Touch, Keys, Moves), which is refused if it is old; the
// group is then decided again. Keys stay in memory for 5 seconds at most after the
// vault last confirmed them.
type committer struct {
	l     *Ledger
	last  domain.Time // of recording; it never goes back
	sets  *cache[part.Owner, *seal.KeySet]
	links *cache[token.Token, domain.ID]
	turn  *time.Ticker // of sets
	away  bool         // the vault could not be reached last
}

const setsTurn = 2500 * time.Millisecond

func newCommitter(l *Ledger, last domain.Time) committer {
	return committer{
		l: l, last: last,
		sets:  newCache[part.Owner, *seal.KeySet](20_000),
		links: newCache[token.Token, domain.ID](50_000),
		turn:  time.NewTicker(setsTurn),
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
	words  []word
	after  bool // what is pending before the group comes before it in the log
}

// maxStale bounds how often a group is prepared anew because another node
// changed the vault in between; then it is halved.
const maxStale = 10

var errContended = fmt.Errorf("the vault changed %d times under one group", maxStale)

// prepare decides every item, seals, and stores the group in the vault.
func (c *committer) prepare(ctx context.Context, items []*item) (*prepared, error) {
	for n := range maxStale {
		g := newGroup(c, items)
		p, err := c.attempt(ctx, g)
		if err == nil {
			c.last = p.recorded
			c.awayFor(nil)
			return p, nil
		}
		c.forget(g)
		if err = c.classify(err); err != nil {
			return nil, err
		}
		if n > 1 && !c.l.pause(0) {
			break
		}
	}
	return nil, errContended
}

// classify is what an error means to the group: nil that it is to be decided again.
func (c *committer) classify(err error) error {
	var unknown *unknownError
	switch {
	case errors.Is(err, vault.ErrStale), errors.Is(err, vault.ErrExists):
		return nil
	case errors.Is(err, vault.ErrFull):
		return ErrFull
	case errors.Is(err, vault.ErrFenced):
		return ErrFenced
	case errors.As(err, &unknown):
		c.awayFor(err)
		return ErrUnknown
	case unreachable(err), errors.Is(err, vault.ErrRetoken):
		c.awayFor(err)
		return ErrUnavailable
	case c.l.calls.Err() != nil && errors.Is(err, context.Canceled): // closed, while the vault did not answer
		return ErrUnknown
	}
	return err
}

// awayFor says once that nothing can be recorded, and once that it can again.
func (c *committer) awayFor(err error) {
	switch away := err != nil; {
	case away && !c.away:
		c.l.cfg.Logger.Warn("the vault cannot be reached; nothing is recorded", "error", err)
	case !away && c.away:
		c.l.cfg.Logger.Info("the vault is reached again")
	}
	c.away = err != nil
}

// unknownError: the vault could not be reached while it stored a group. If it did, the
// group is appended by whoever finds it pending, and its events are duplicates when
// they come again.
type unknownError struct{ cause error }

func (e *unknownError) Error() string { return e.cause.Error() }
func (e *unknownError) Unwrap() error { return e.cause }

// forget drops from the caches what a group met, that was not stored.
func (c *committer) forget(g *group) {
	for o := range g.sets {
		c.sets.remove(o)
	}
	for t := range g.links {
		c.links.remove(t)
	}
}

func newGroup(c *committer, items []*item) *group {
	return &group{c: c, items: items, first: make(map[domain.ID]*item, len(items)),
		sets: make(map[part.Owner]*seal.KeySet), fresh: make(map[token.Token]bool), owned: make(map[domain.ID]bool),
		links: make(map[token.Token]domain.ID, 4*len(items)), marks: make(map[token.Token]int), taken: make(map[domain.ID]bool),
		at: make([]int, len(items)), now: c.clock()}
}

func (c *committer) attempt(ctx context.Context, g *group) (*prepared, error) {
	c.refresh()
	if err := g.lookUp(ctx); err != nil {
		return nil, err
	}
	for i, it := range g.items {
		g.at[i] = -1
		if err := g.decide(ctx, i, it); err != nil {
			return nil, err
		}
	}
	p := &prepared{items: g.items, at: g.at, recorded: g.now}
	if err := g.settleWords(ctx); err != nil {
		return nil, err
	}
	if len(g.rows) == 0 {
		return p, nil
	}
	if err := g.build(); err != nil {
		return nil, err
	}
	p.facts, p.events = make([][]byte, len(g.batch.Rows)), make([]domain.ID, len(g.batch.Rows))
	for i := range g.batch.Rows {
		p.facts[i], p.events[i] = g.batch.Rows[i].Fact, g.batch.Rows[i].Event
	}
	if err := eventstore.CheckSize(p.facts); err != nil { // what is prepared must be appendable
		return nil, err
	}
	return p, g.store(ctx, p)
}

// store is the vault transaction of the group.
func (g *group) store(ctx context.Context, p *prepared) (err error) {
	l := g.c.l
	g.batch.Base, g.batch.Done, g.batch.Generation = l.recentHead(ctx), l.own.list(), l.peppers.Generation()
	if lease := g.items[0].lease; lease.Role != "" {
		g.batch.Lease = &lease
	}
	l.sealBatch(&g.batch)
	p.number, err = l.cfg.Vault.Prepare(ctx, &g.batch)
	if errors.Is(err, vault.ErrUnavailable) {
		return &unknownError{err}
	}
	if err != nil {
		return err
	}
	l.own.took(p.number)
	l.own.told(g.batch.Done)
	g.keep()
	p.base, p.after, p.destroy = g.batch.Base, g.after, g.destroyed()
	return nil
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
	for _, m := range g.batch.Moves {
		g.c.links.put(m.Token, m.To)
	}
}

func (g *group) destroyed() []part.Owner {
	var all []part.Owner
	for _, r := range g.rows {
		all = append(all, r.destroy...)
	}
	return all
}
