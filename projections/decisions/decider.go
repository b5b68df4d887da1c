package decisions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/opposition"
	"greffe/domain/token"
)

// Holders finds the subjects that hold addresses now; *crm.View is one.
type Holders interface {
	// FindAll lists up to limit subjects for each token, in the order of the tokens.
	FindAll(ctx context.Context, kind token.Kind, tokens []token.Token, limit int) ([][]domain.ID, error)
}

// Vault routes external ids and gives the packed tokens of events; vault.Store is
// one.
type Vault interface {
	Links(ctx context.Context, tokens []token.Token) ([]domain.ID, error)
	Tokens(ctx context.Context, events []domain.ID) ([][]byte, error)
}

// Merges tells who is one person with a subject; *index.Index is one.
type Merges interface {
	Connected(ctx context.Context, subject domain.ID, knownAt domain.Position) ([]domain.ID, error)
}

// Listed is what the opposition list has against one address. A lift may hold for
// that address alone, so what is listed of several is never put together.
type Listed struct {
	Entries []opposition.Entry
	Lifts   []opposition.Lift
}

// List is the opposition list: what stands against each address below a position,
// in order. An address is given by its tokens of the opposition's forms.
type List interface {
	Listed(ctx context.Context, addresses [][]token.Token, below domain.Position) ([]Listed, error)
}

// Rules gives the rules under a version of the policy.
type Rules interface {
	Rules(ctx context.Context, version int64) (*contactability.Rules, error)
}

// Decider answers whether persons may be contacted. All its members are needed.
// It may be used from any number of goroutines.
type Decider struct {
	Store   *Store
	Holders Holders
	Vault   Vault
	Merges  Merges
	List    List
	Opener  Opener
	Rules   Rules
	Peppers *token.Peppers
	Now     func() time.Time // for how long what was opened is held; answers do not depend on it
}

// Check is one question. One of Subject, External, Email, Phone and Digest names whom
// it is about; Query says the rest, but for the address.
type Check struct {
	Subject  domain.ID
	External token.Token // of the upstream's id
	Email    string      // as it was given
	Phone    string
	Digest   *Digest

	contactability.Query

	// except is a call that is asked about itself, and does not count.
	except domain.ID
}

// Known says as known when a question is answered: below a position, at an
// instant of the ledger's clock. Whether a dialer is silent depends on the
// latter; it does not go past the instant asked about.
type Known struct {
	Below  domain.Position
	Now    time.Time
	Policy int64 // the version in force just below; for who shows it

	// callsBelow, if set, is as known when calls are counted.
	callsBelow domain.Position
}

// ErrPast: an address can be asked about as of now alone, since who held it once
// is not kept. Name the person.
var ErrPast = errors.New("who held an address in the past is not kept; name the person")

const (
	maxHolders = 1000 // of one address; with more nobody is contacted
	openAtOnce = 500  // facts opened together
	together   = 500  // checks looked up together
	atOnce     = 4    // such lots at the same time, as many as a store has readers
)

// Check answers questions in their order. An error means that none is answered:
// something could not be looked up.
func (d *Decider) Check(ctx context.Context, checks []Check, known Known) ([]contactability.Decision, error) {
	out, _, err := d.CheckPersons(ctx, checks, known)
	return out, err
}

// CheckPersons is Check, and tells whom each question was about; nobody for an address
// that nobody known uses.
func (d *Decider) CheckPersons(ctx context.Context, checks []Check, known Known) ([]contactability.Decision, [][]domain.ID, error) {
	out, about := make([]contactability.Decision, len(checks)), make([][]domain.ID, len(checks))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for from := 0; from < len(checks); from += together {
		to := min(from+together, len(checks))
		work.Go(func() error {
			return d.check(ctx, checks[from:to], known, out[from:to], about[from:to])
		})
	}
	if err := work.Wait(); err != nil {
		return nil, nil, fmt.Errorf("decide on %d checks: %w", len(checks), err)
	}
	return out, about, nil
}

func (d *Decider) check(ctx context.Context, checks []Check, known Known, out []contactability.Decision, about [][]domain.ID) error {
	version, err := d.Store.PolicyVersion(ctx, known.Below)
	if err != nil {
		return err
	}
	rules, err := d.Rules.Rules(ctx, version)
	if err != nil {
		return fmt.Errorf("rules under policy %d: %w", version, err)
	}
	b := &deciding{d: d, known: known, rules: rules, checks: checks, asked: make([]asked, len(checks)),
		people: map[domain.ID]*person{}, silence: map[quiet]quiet{}}
	for _, step := range []func(context.Context) error{b.resolve, b.load, b.list, b.open} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for i := range checks {
		if out[i], err = b.answer(ctx, i); err != nil {
			return err
		}
		about[i] = b.asked[i].subjects
	}
	return nil
}

// deciding is one batch of questions on its way.
type deciding struct {
	d       *Decider
	known   Known
	rules   *contactability.Rules
	checks  []Check
	asked   []asked
	people  map[domain.ID]*person
	order   []*person
	silence map[quiet]quiet
}

// asked is what a question became.
type asked struct {
	subjects []domain.ID
	crowd    bool // too many hold the address
	address  string
	tokens   []token.Token // of the address, on the opposition list
	listed   []Listed      // against it
}

// others are the objections of entries that somebody made who is not the one with the
// objections own.
func others(own, entries []opposition.Entry) (out []domain.ID) {
	for _, e := range entries {
		if !e.Subject.IsZero() && !slices.ContainsFunc(own, func(o opposition.Entry) bool { return o.Event == e.Event }) {
			out = append(out, e.Event)
		}
	}
	return out
}

// answer decides for everybody a question is about.
func (b *deciding) answer(ctx context.Context, i int) (contactability.Decision, error) {
	c, a := &b.checks[i], &b.asked[i]
	q := c.Query
	q.Address = a.address
	since, err := b.silentSince(ctx, &q)
	if err != nil {
		return contactability.Decision{}, err
	}
	var all []contactability.Decision
	decide := func(s contactability.State, against ...Listed) {
		s.DialerSilentSince = since
		if len(against) == 0 {
			all = append(all, contactability.Decide(q, &s, b.rules))
		}
		for _, l := range against {
			x := s
			x.Oppositions, x.Lifts = opposition.Merge(s.Oppositions, l.Entries), slices.Concat(s.Lifts, l.Lifts)
			x.Shared = others(s.Oppositions, l.Entries)
			all = append(all, contactability.Decide(q, &x, b.rules))
		}
	}
	for _, id := range a.subjects {
		p := b.people[id]
		s := *p.state
		if !c.except.IsZero() || b.known.callsBelow > b.known.Below {
			if s.Calls, err = b.calls(ctx, p, c); err != nil {
				return contactability.Decision{}, err
			}
		}
		sets := slices.Clone(a.listed)
		for i := range p.listed {
			if l, some := p.listed[i].binds(q.Channel); some {
				sets = append(sets, l)
			}
		}
		decide(s, sets...)
	}
	switch {
	case a.crowd:
		decide(contactability.State{Subject: domain.ID{1}, Stops: []contactability.Stop{{Kind: contactability.Unreadable}}}, a.listed...)
	case len(a.subjects) == 0:
		decide(contactability.State{}, a.listed...)
	}
	out := contactability.Strictest(all...)
	out.Among = len(a.subjects) > 1 && slices.ContainsFunc(all, func(x contactability.Decision) bool { return x.Shared && x.Rule == out.Rule })
	return out, nil
}

// calls are those to a person that count for a contact that was made: all that
// is known of now, since who calls knows of the calls before, and not itself.
func (b *deciding) calls(ctx context.Context, p *person, c *Check) (out []contactability.Call, err error) {
	for i, f := range p.files {
		if b.known.callsBelow > b.known.Below {
			if f, err = b.d.Store.load(ctx, f.subject, b.known.callsBelow); err != nil {
				return nil, err
			}
		}
		var s contactability.State
		for j := range f.records {
			r := &f.records[j]
			if isCall(&r.fact) && r.fact.ID != c.except {
				s.Add(contactability.Known{Position: r.position, Fact: &r.fact, Own: i == 0})
			}
		}
		out = append(out, s.Calls...)
	}
	return out, nil
}

// quiet is a controller at an instant, or since when its dialers are silent.
type quiet struct {
	controller string
	at         int64 // µs; 0: never
}

// silentSince looks at the dialers of the controller that asks. What will be
// silent by the instant asked about, and is not yet, ends the answer only.
func (b *deciding) silentSince(ctx context.Context, q *contactability.Query) (time.Time, error) {
	if q.Channel != contactability.Phone || b.known.callsBelow > b.known.Below || q.At.IsZero() {
		return time.Time{}, nil
	}
	now := b.known.Now
	if q.At.Before(now) {
		now = q.At
	}
	key := quiet{q.Controller, now.UnixMicro()}
	found, ok := b.silence[key]
	if !ok {
		since, soon, err := b.d.Store.silent(ctx, q.Controller, b.known.Below, now, b.rules)
		if err != nil {
			return time.Time{}, err
		}
		if since.IsZero() && !q.At.After(now) {
			since = soon
		}
		if !since.IsZero() {
			found = quiet{at: since.UnixMicro()}
		}
		b.silence[key] = found
	}
	if found.at == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(found.at).UTC(), nil
}
