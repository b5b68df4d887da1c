package changes

import (
	"context"
	"fmt"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore"
	"greffe/eventstore/access"
)

const (
	// MaxPage bounds the changes of one page.
	MaxPage = 1000

	scanned   = 1000 // changes looked at together
	maxScans  = 20   // of them for one page, which may then be empty with a later Next
	ownFacts  = 8    // facts that one person's id at a source is read from, the newest
	maxPeople = 100  // contacts that are one person under whose ids one change is told
)

// People says who is one person, and where the facts about them are;
// *index.Index is one.
type People interface {
	Connected(ctx context.Context, subject domain.ID, knownAt domain.Position) ([]domain.ID, error)
	Positions(ctx context.Context, subject domain.ID, from, to domain.Position, limit int) ([]domain.Position, error)
}

// Config is what a Feed reads from. All fields are needed.
type Config struct {
	Log    eventstore.Log
	View   *View
	People People
	Reader *access.Reader
	// Secret derives bytes for one use from the ledger's root.
	Secret func(use string) ([]byte, error)
	// Source is the ledger's id of a producer's name.
	Source func(name string) domain.ID
	// Synced returns when view and people have applied everything below a position.
	Synced func(ctx context.Context, below domain.Position) error
	// Moved returns when the view's checkpoint is greater than a position.
	Moved func(ctx context.Context, after domain.Position) error
}

// Feed tells recipients what changed. It may be used by any number of goroutines.
type Feed struct{ Config }

// NewFeed reads from c.
func NewFeed(c Config) *Feed { return &Feed{c} }

// Page is a run of changes for one recipient, nothing of it opened yet. Next is
// where the following page begins; an empty page may have a later Next.
type Page struct {
	Recipient policy.Recipient
	Next      domain.Position
	items     []item
}

// item is a change and the facts that hold the recipient's ids of the person.
type item struct {
	entry
	people []domain.ID
	reads  []read
}

// read is a fact to open about a person.
type read struct {
	position domain.Position
	subject  domain.ID
}

// Len is how many changes are on the page.
func (p *Page) Len() int { return len(p.items) }

// Last is the position of the last change; the page must not be empty.
func (p *Page) Last() domain.Position { return p.items[len(p.items)-1].position }

// Subjects are the people the page says something of: those whom the access must
// be recorded for. At most access.MaxSubjects.
func (p *Page) Subjects() []domain.ID {
	seen := map[domain.ID]bool{}
	var out []domain.ID
	for i := range p.items {
		for _, s := range p.items[i].people {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// Select makes the page of up to limit changes that begins at from. to bounds it,
// exclusive; 0 is the end of what is projected.
func (f *Feed) Select(ctx context.Context, r policy.Recipient, from, to domain.Position, limit int) (*Page, error) {
	end, err := f.View.Checkpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	if to == 0 || to > end {
		to = end
	}
	p := &Page{Recipient: r, Next: from}
	if from >= to {
		return p, nil
	}
	if err := f.Synced(ctx, to); err != nil {
		return nil, err
	}
	w := f.who(r, to)
	people := map[domain.ID]bool{}
	for range maxScans {
		found, err := f.View.entries(ctx, p.Next, to, maskOf(r), scanned)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			it, ok, err := w.item(ctx, e)
			if err != nil {
				return nil, err
			}
			if ok && !p.take(it, limit, people) {
				return p, nil
			}
			p.Next = e.position + 1
		}
		if len(found) < scanned {
			p.Next = to
			break
		}
	}
	return p, nil
}

// take adds an item; false if it is for the next page.
func (p *Page) take(it item, limit int, people map[domain.ID]bool) bool {
	fresh := 0
	for _, s := range it.people {
		if !people[s] {
			fresh++
		}
	}
	if len(p.items) >= min(limit, MaxPage) || len(people)+fresh > access.MaxSubjects {
		return false
	}
	for _, s := range it.people {
		people[s] = true
	}
	p.items = append(p.items, it)
	return true
}

func maskOf(r policy.Recipient) (mask int64) {
	for _, n := range r.Receives {
		mask |= bit(n)
	}
	return mask
}

// who finds whose ids a recipient knows; it remembers for one page.
type who struct {
	*crowd
	r      policy.Recipient
	source domain.ID
	reads  map[domain.ID][]read
	others domain.ID // whom the view just said the source did not create
}

func (f *Feed) who(r policy.Recipient, below domain.Position) *who {
	return f.crowd(below).who(r)
}

// item says whom a change is told of; false if the recipient knows nobody by it.
func (w *who) item(ctx context.Context, e entry) (item, bool, error) {
	it := item{entry: e}
	if e.subject.IsZero() {
		return it, true, nil
	}
	if w.r.Source == "" {
		it.people = []domain.ID{e.subject}
		return it, true, nil
	}
	people := []domain.ID{e.subject}
	if !e.solo {
		var err error
		if people, err = w.connected(ctx, e.subject); err != nil {
			return it, false, err
		}
	}
	for _, s := range people {
		reads, err := w.readsOf(ctx, s)
		if err != nil {
			return it, false, err
		}
		if len(reads) > 0 {
			it.people = append(it.people, s)
			it.reads = append(it.reads, reads...)
		}
	}
	return it, len(it.people) > 0, nil
}

// readsOf are the facts that hold a person's ids at the recipient's source: those
// of the source itself, and what was staged when the person was erased. None if
// the source never had the person.
func (w *who) readsOf(ctx context.Context, subject domain.ID) ([]read, error) {
	if known, ok := w.reads[subject]; ok {
		return known, nil
	}
	var own []domain.Position
	if subject != w.others {
		var err error
		if own, err = w.f.View.owned(ctx, subject, w.source, ownFacts); err != nil {
			return nil, err
		}
	}
	if len(own) == 0 {
		first, err := w.first(ctx, subject)
		if err != nil {
			return nil, err
		}
		if first.known && first.source == w.source {
			own = []domain.Position{first.position}
		}
	}
	var reads []read
	for _, p := range own {
		reads = append(reads, read{p, subject})
	}
	if len(reads) > 0 {
		staged, err := w.f.View.stagedOf(ctx, subject)
		if err != nil {
			return nil, err
		}
		for _, d := range staged {
			reads = append(reads, read{d.Position, subject})
		}
	}
	w.reads[subject] = reads
	return reads, nil
}

// knownNotHeld spares asking the view whether the source created a person.
func (w *who) knownNotHeld(subject domain.ID) { w.others = subject }

func (f *Feed) fact(ctx context.Context, p domain.Position) (fact *event.Fact, err error) {
	err = f.Log.Read(ctx, p, p+1, func(_ domain.Position, b []byte) (err error) {
		fact, err = event.DecodeFact(b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fact at position %d: %w", p, err)
	}
	return fact, nil
}

// Wait returns when there is something at or after from, or with ctx's error.
func (f *Feed) Wait(ctx context.Context, from domain.Position) error { return f.Moved(ctx, from) }

// told reports that a change is on a recipient's feed.
func (w *who) told(ctx context.Context, e entry) (bool, error) {
	_, ok, err := w.item(ctx, e)
	return ok, err
}
