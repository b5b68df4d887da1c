package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // slots are in the person's zone, on every machine the same

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/projections"
	"greffe/projections/decisions"
)

// decider answers whether persons may be contacted, from read models.
func (a *App) decider(v *views) *decisions.Decider {
	return &decisions.Decider{Store: v.Decisions, Holders: v.CRM, Vault: a.vault, Merges: v.Index, List: listed{a},
		Opener: deciding{a}, Rules: &lawbook{a: a, by: map[int64]*contactability.Rules{}}, Peppers: a.Ledger.Peppers(), Now: a.cfg.Now}
}

// deciding opens what decisions turn on. A decision is not a read: what is opened
// here leaves as codes, event ids and times only.
type deciding struct{ a *App }

// Open implements decisions.Opener.
func (d deciding) Open(ctx context.Context, at []domain.Position, paths []string) ([]decisions.Opened, error) {
	facts := make([]*event.Fact, len(at))
	wanted := map[int64][]string{} // by policy: the classes of paths
	for i, p := range at {
		f, err := d.a.Dossier.At(ctx, p)
		if err != nil {
			return nil, err
		}
		facts[i] = f
		if wanted[f.Policy] != nil {
			continue
		}
		for _, path := range paths {
			class, err := d.a.classOf(f.Policy, path)
			if err != nil {
				return nil, err
			}
			wanted[f.Policy] = append(wanted[f.Policy], class)
		}
	}
	out, err := d.open(ctx, facts, wanted)
	if !errors.Is(err, seal.ErrAltered) {
		return out, err
	}
	out = make([]decisions.Opened, 0, len(facts)) // one that was altered must not stop the others
	for i := range facts {
		one, err := d.open(ctx, facts[i:i+1], wanted)
		switch {
		case errors.Is(err, seal.ErrAltered):
			one = []decisions.Opened{{Unreadable: true}}
		case err != nil:
			return nil, err
		}
		out = append(out, one...)
	}
	return out, nil
}

func (d deciding) open(ctx context.Context, facts []*event.Fact, wanted map[int64][]string) ([]decisions.Opened, error) {
	classes := map[*event.PartRef]bool{}
	for _, f := range facts {
		for i := range f.Parts {
			classes[&f.Parts[i]] = slices.Contains(wanted[f.Policy], f.Parts[i].Class)
		}
	}
	opened, err := d.a.Ledger.Keyring().OpenAll(ctx, facts, func(ref *event.PartRef) bool { return classes[ref] })
	if err != nil {
		return nil, err
	}
	out := make([]decisions.Opened, len(opened))
	for i := range opened {
		out[i] = decisions.Opened{Fields: opened[i].Fields}
	}
	return out, nil
}

// listed is the opposition list as decisions ask it.
type listed struct{ a *App }

// Listed implements decisions.List. What a lift ends, it ends from its position
// on; a person's entry holds for the addresses that were this person's, or of
// whoever was merged with it, below the position asked for.
func (l listed) Listed(ctx context.Context, addresses [][]token.Token, below domain.Position) ([]decisions.Listed, error) {
	standings, err := l.a.Opposition.ByAddress(ctx, addresses)
	if err != nil {
		return nil, err
	}
	head, err := l.a.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]decisions.Listed, len(standings))
	for i := range standings {
		for _, e := range standings[i].Oppositions() {
			held := e.Position < below
			if held && below < head && !e.Subject.IsZero() {
				if held, err = l.had(ctx, e.Subject, addresses[i], below); err != nil {
					return nil, fmt.Errorf("addresses of who objected: %w", err)
				}
			}
			if held {
				out[i].Entries = append(out[i].Entries, e)
			}
		}
		for _, x := range standings[i].Lifts {
			at, err := l.a.Index.Position(ctx, x.Event)
			if err != nil {
				return nil, fmt.Errorf("lift %s: %w", x.Event, err)
			}
			if at < below {
				out[i].Lifts = append(out[i].Lifts, x)
			}
		}
	}
	return out, nil
}

// had reports whether one of the tokens is of an address that a person had below
// a position; of whom tokens are gone it is taken for granted.
func (l listed) had(ctx context.Context, subject domain.ID, tokens []token.Token, below domain.Position) (bool, error) {
	const page = 1000
	then, err := l.a.Index.Connected(ctx, subject, below)
	if err != nil {
		return false, err
	}
	for _, id := range then {
		for from := domain.Position(0); ; {
			places, err := l.a.Index.Positions(ctx, id, from, below, page)
			if err != nil {
				return false, err
			}
			var gave []domain.ID
			for _, p := range places {
				f, err := l.a.Dossier.At(ctx, p)
				if err != nil {
					return false, err
				}
				if slices.Contains(f.Fields, "person.emails") || slices.Contains(f.Fields, "person.phones") {
					gave = append(gave, f.ID)
				}
				from = p + 1
			}
			if found, err := l.gave(ctx, gave, tokens); err != nil || found {
				return found, err
			}
			if len(places) < page {
				break
			}
		}
	}
	return false, nil
}

// gave reports whether one of the events gave an address of one of the tokens, or
// gave one that nobody can recognise any more.
func (l listed) gave(ctx context.Context, events []domain.ID, tokens []token.Token) (bool, error) {
	packed, err := l.a.vault.Tokens(ctx, events)
	if err != nil {
		return false, err
	}
	for i, raw := range packed {
		entries, err := token.Unpack(raw)
		if err != nil {
			return false, fmt.Errorf("tokens of event %s: %w", events[i], err)
		}
		if len(entries) == 0 || slices.ContainsFunc(entries, func(e token.Entry) bool { return slices.Contains(tokens, e.Token) }) {
			return true, nil
		}
	}
	return false, nil
}

// lawbook holds the rules under each version of the policy, made once.
type lawbook struct {
	a  *App
	mu sync.Mutex
	by map[int64]*contactability.Rules
}

// Rules implements decisions.Rules.
func (l *lawbook) Rules(ctx context.Context, version int64) (*contactability.Rules, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.by[version]; r != nil {
		return r, nil
	}
	p, err := l.a.Ledger.PolicyVersion(ctx, version)
	if err != nil {
		return nil, err
	}
	r := contactability.Law(&zones{by: map[string]*time.Location{}}).WithPolicy(p)
	l.by[version] = &r
	return &r, nil
}

// zones are those of the program itself.
type zones struct {
	mu sync.RWMutex
	by map[string]*time.Location
}

// maxZones bounds the names that are remembered; an unknown name is somebody's
// input.
const maxZones = 1000

// Location implements contactability.Zones.
func (z *zones) Location(name string) *time.Location {
	z.mu.RLock()
	loc, ok := z.by[name]
	z.mu.RUnlock()
	if ok {
		return loc
	}
	if name != "" && name != "Local" {
		loc, _ = time.LoadLocation(name) // nil for a name that nobody knows
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.by) < maxZones {
		z.by[name] = loc
	}
	return loc
}

// decisionDesk is the decider behind the API.
type decisionDesk struct{ a *App }

// Current implements httpapi.Contactability.
func (d decisionDesk) Current(ctx context.Context) (decisions.Known, error) {
	head, err := d.a.decidable(ctx)
	if err != nil {
		return decisions.Known{}, err
	}
	return d.under(ctx, decisions.Known{Below: head, Now: d.a.cfg.Now()})
}

// under adds the version of the policy that decides.
func (d decisionDesk) under(ctx context.Context, known decisions.Known) (_ decisions.Known, err error) {
	known.Policy, err = d.a.Decisions.PolicyVersion(ctx, known.Below)
	if errors.Is(err, decisions.ErrNoPolicy) {
		err = httpapi.ErrNotFound
	}
	return known, err
}

// decidable is the log's head, once every read model that decides has applied
// what is below it: ErrStale if that takes too long, ErrHalted if it cannot come.
func (a *App) decidable(ctx context.Context) (domain.Position, error) {
	head, err := a.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return head, err
	}
	wait, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	err = a.runner.WaitFor(wait, head-1, a.Decisions.Name(), a.Opposition.Name(), a.CRM.Name(), a.Index.Name())
	var halted *projections.HaltError
	switch {
	case errors.As(err, &halted), errors.Is(err, projections.ErrStopped):
		return 0, errors.Join(httpapi.ErrHalted, err)
	case err != nil && wait.Err() != nil && ctx.Err() == nil:
		return 0, errors.Join(httpapi.ErrStale, err)
	}
	return head, err
}

// KnownAt implements httpapi.Contactability.
func (d decisionDesk) KnownAt(ctx context.Context, at *domain.Position, by time.Time) (decisions.Known, error) {
	now, err := d.Current(ctx)
	switch {
	case err != nil:
		return now, err
	case at == nil:
		if by.After(now.Now) {
			return now, httpapi.ErrNotFound
		}
		below, err := d.a.Dossier.KnownAt(ctx, by)
		if err != nil {
			return now, err
		}
		return d.under(ctx, decisions.Known{Below: below, Now: by})
	case *at > now.Below:
		return now, httpapi.ErrNotFound
	case *at < now.Below: // until the next fact was recorded
		f, err := d.a.Dossier.At(ctx, *at)
		if err != nil {
			return now, err
		}
		now.Now = f.Recorded.Time
	}
	now.Below = *at
	return d.under(ctx, now)
}

// Check implements httpapi.Contactability.
func (d decisionDesk) Check(ctx context.Context, checks []decisions.Check, known decisions.Known) ([]contactability.Decision, [][]domain.ID, error) {
	return d.a.Decider.CheckPersons(ctx, checks, known)
}
