package screening

import (
	"context"
	"fmt"
	"time"

	"greffe/domain/contactability"
	"greffe/domain/opposition"
	"greffe/domain/screening"
	"greffe/domain/token"
	"greffe/projections/decisions"
	list "greffe/projections/opposition"
)

// List is the opposition list; *opposition.List is one.
type List interface {
	Follow(ctx context.Context) error
	MayStand(t token.Token) bool
	ByAddress(ctx context.Context, addresses [][]token.Token) ([]list.Standing, error)
}

// Scrub screens against the opposition list alone. All its members are needed.
type Scrub struct {
	Ask     screening.Ask
	Peppers *token.Peppers
	List    List
	// Head is the log's head, and the policy in force, once the list holds everything
	// below it.
	Head func(ctx context.Context) (Known, error)
	// Uncomparable tells that addresses stand on the list, against the use that is
	// asked about, which digests of this form cannot be compared with.
	Uncomparable func(ctx context.Context, ask *screening.Ask) (bool, error)
}

// Current implements Desk.
func (s *Scrub) Current(ctx context.Context) (Known, Judge, error) {
	known, err := s.Head(ctx)
	if err == nil {
		err = s.List.Follow(ctx)
	}
	if err != nil {
		return known, nil, err
	}
	j := &scrubbing{s, Verdict{Allowed: true}}
	if s.Ask.Input != screening.Clear {
		blind, err := s.Uncomparable(ctx, &s.Ask)
		if err != nil {
			return known, nil, err
		}
		if blind {
			j.rest = Verdict{Rule: screening.Undecidable}
		}
	}
	return known, j, nil
}

// scrubbing is a Scrub at one moment.
type scrubbing struct {
	*Scrub
	rest Verdict // of what nothing on the list binds
}

// Judge implements Judge.
func (s *scrubbing) Judge(ctx context.Context, of []screening.Address, out []Verdict) error {
	for i := range out {
		out[i] = s.rest
	}
	return listed(ctx, s.List, s.Peppers, &s.Ask, of, out)
}

// listed refuses, of the addresses, those that the opposition list binds.
func listed(ctx context.Context, l List, p *token.Peppers, ask *screening.Ask, of []screening.Address, out []Verdict) error {
	var found []int
	var tokens [][]token.Token
	for i := range of {
		t := onList(p, ask, &of[i])
		for _, one := range t.some() {
			if l.MayStand(one) {
				found, tokens = append(found, i), append(tokens, append([]token.Token(nil), t.some()...))
				break
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	standings, err := l.ByAddress(ctx, tokens)
	if err != nil {
		return err
	}
	if len(standings) != len(found) {
		return fmt.Errorf("opposition list: %d answers to %d", len(standings), len(found))
	}
	q := opposition.Question{Channel: ask.Channel, Purpose: ask.Purpose, Controller: ask.Controller, At: ask.At}
	for n, i := range found {
		binds, next := standings[n].Binding(q)
		if binds == nil {
			continue
		}
		out[i] = Verdict{Rule: string(contactability.OpposedPerson), Until: next}
		if binds.Subject.IsZero() {
			out[i].Rule = string(contactability.OpposedAddress)
		}
	}
	return nil
}

// two are the tokens under which an address stands on the list: both of a clear one,
// else the one that its digest makes.
type two struct {
	tokens [2]token.Token
	n      int
}

func (t *two) some() []token.Token { return t.tokens[:t.n] }

func onList(p *token.Peppers, ask *screening.Ask, a *screening.Address) (t two) {
	if ask.Input != screening.MD5 {
		t.tokens[0], t.n = p.FromSHA256(ask.Kind, a.SHA256), 1
	}
	if ask.Input != screening.SHA256 {
		t.tokens[t.n] = p.FromMD5(ask.Kind, a.MD5)
		t.n++
	}
	return t
}

// Holders are those who have addresses now; *crm.View is one.
type Holders interface {
	Follow(ctx context.Context) error
	MayHold(t token.Token) bool
}

// Decider takes the whole decision; *decisions.Decider is one.
type Decider interface {
	Check(ctx context.Context, checks []decisions.Check, known decisions.Known) ([]contactability.Decision, error)
	Unknown(ctx context.Context, q contactability.Query, known decisions.Known) (policy int64, decide func(address string) contactability.Decision, err error)
}

// Whole screens by the whole decision, as POST /v1/contactability takes it. All its
// members are needed.
type Whole struct {
	Ask     screening.Ask
	Peppers *token.Peppers
	List    List
	Holders Holders
	Decider Decider
	// Known is as known now, once every read model that decides holds everything below.
	Known func(ctx context.Context) (decisions.Known, error)
}

// Current implements Desk.
func (w *Whole) Current(ctx context.Context) (Known, Judge, error) {
	known, err := w.Known(ctx)
	for _, follow := range []func(context.Context) error{w.List.Follow, w.Holders.Follow} {
		if err == nil {
			err = follow(ctx)
		}
	}
	if err != nil {
		return Known{}, nil, err
	}
	a := &w.Ask
	j := &deciding{Whole: w, known: known, query: contactability.Query{Channel: a.Channel, Purpose: a.Purpose, Controller: a.Controller,
		At: a.At, Offer: a.Offer, Sector: a.Sector, Automated: a.Automated}}
	policy, unknown, err := w.Decider.Unknown(ctx, j.query, known)
	j.unknown = unknown
	return Known{Below: known.Below, Policy: policy}, j, err
}

// deciding is a Whole at one moment.
type deciding struct {
	*Whole
	known   decisions.Known
	query   contactability.Query
	unknown func(address string) contactability.Decision
}

// Judge implements Judge. Whom nobody can know is decided without looking.
func (d *deciding) Judge(ctx context.Context, of []screening.Address, out []Verdict) error {
	if d.Ask.Input == screening.MD5 {
		for i := range out {
			out[i] = Verdict{Rule: screening.Undecidable}
		}
		return listed(ctx, d.List, d.Peppers, &d.Ask, of, out)
	}
	var found []int
	var checks []decisions.Check
	for i := range of {
		if !d.may(&of[i]) {
			out[i] = verdict(d.unknown(of[i].Normal))
			continue
		}
		c := decisions.Check{Query: d.query, Digest: &decisions.Digest{Kind: d.Ask.Kind, SHA256: of[i].SHA256, Normal: of[i].Normal}}
		found, checks = append(found, i), append(checks, c)
	}
	if len(found) == 0 {
		return nil
	}
	decided, err := d.Decider.Check(ctx, checks, d.known)
	if err != nil {
		return err
	}
	for n, i := range found {
		out[i] = verdict(decided[n])
	}
	return nil
}

// may reports whether anything may be known of an address.
func (d *deciding) may(a *screening.Address) bool {
	if d.Holders.MayHold(d.Peppers.SearchSHA256(d.Ask.Kind, a.SHA256)) {
		return true
	}
	t := onList(d.Peppers, &d.Ask, a)
	for _, one := range t.some() {
		if d.List.MayStand(one) {
			return true
		}
	}
	return false
}

func verdict(d contactability.Decision) Verdict {
	return Verdict{Allowed: d.Allowed, Rule: string(d.Rule), Until: until(d.ValidUntil)}
}

func until(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
