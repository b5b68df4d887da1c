package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// MaxOverlap bounds how long two tokens hold side by side.
const MaxOverlap = 30 * 24 * time.Hour

// Rotation asks for a token in the place of another, kept to the same.
type Rotation struct {
	Token   domain.ID
	Overlap time.Duration // how long the old one goes on, at most its own time; 0: not at all
	Expires time.Time     // of the new one; zero: as the policy says
	Signing bool          // give out the secret to sign webhooks with
	By      *Principal    // who asks
}

// Rotate makes a token in the place of another that holds, and returns when this node
// knows both the new one and the end of the old: one fact says both. Errors are as for
// Make; conflict if the old one has ended or was replaced before.
func (d *Desk) Rotate(ctx context.Context, rules *policy.Policy, actor domain.ID, r Rotation) (Made, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	grants := d.Directory.List()
	i := slices.IndexFunc(grants, func(g accounts.Grant) bool { return g.Token.ID == r.Token })
	switch {
	case i < 0:
		return Made{}, problem.New(problem.NotFound)
	case r.Overlap < 0 || r.Overlap > MaxOverlap:
		return Made{}, problem.At(problem.FieldInvalid, "overlap_hours")
	case grants[i].Account.Disabled || grants[i].Token.Ended(d.Now()):
		return Made{}, problem.New(problem.Conflict)
	case !grants[i].Token.Replaced.IsZero():
		return Made{}, problem.New(problem.Conflict)
	}
	old := grants[i].Token
	req := Request{Account: old.Account, Expires: r.Expires, DefaultReason: old.DefaultReason, ActFor: old.ActFor, Signing: r.Signing, By: r.By,
		Permissions: old.Permissions, Types: old.Types, Certificates: old.Certificates,
		sources: old.Sources, marks: old.Networks, words: old.Words, replaces: old.ID, replacedAt: d.Now().Add(r.Overlap)}
	if err := d.span(rules, &req); err != nil {
		return Made{}, err
	}
	if req.Signing && len(d.Signing) == 0 {
		return Made{}, problem.At(problem.FieldInvalid, "signing")
	}
	if err := r.By.gives(rules, req.Permissions, req.Types, req.sources); err != nil {
		return Made{}, err
	}
	return d.token(ctx, actor, req, nil)
}

// span gives a token the end that the policy says, and refuses one beyond.
func (d *Desk) span(rules *policy.Policy, r *Request) error {
	now, bound := d.Now(), rules.Tokens()
	if r.Expires.IsZero() {
		r.Expires = now.Add(bound.Life)
		return nil
	}
	if !r.Expires.After(now) || r.Expires.After(now.Add(bound.Most)) {
		return problem.At(problem.FieldInvalid, "expires_at")
	}
	return nil
}

// token records a token of an account behind the facts that are to stand before it.
func (d *Desk) token(ctx context.Context, actor domain.ID, r Request, before []ledger.Own) (Made, error) {
	id, text, err := newToken(d.Rand)
	if err != nil {
		return Made{}, err
	}
	m := Made{Account: r.Account, Token: id, Text: text, Expires: r.Expires}
	if r.Signing {
		if m.Signing, err = signingSecret(d.Signing, id); err != nil {
			return Made{}, err
		}
	}
	own, err := d.made(r.Account, actor, id, digest(text), r)
	if err != nil {
		return Made{}, fmt.Errorf("make token: %w", err)
	}
	m.Position, err = d.write(ctx, append(before, own))
	return m, err
}
