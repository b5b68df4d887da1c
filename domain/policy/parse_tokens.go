package policy

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// How long tokens hold where the text says nothing, and what it may say, in days.
const (
	defaultTokenDays = 365
	defaultMostDays  = 2 * 365
	maxTokenDays     = 10 * 366
)

// Tokens bounds the life of tokens that are made from then on, so that one that was
// forgotten ends by itself. A year is the pace at which rights are reviewed (guide CNIL
// 2024, habilitations).
type Tokens struct {
	Life time.Duration // of a token whose maker says no end
	Most time.Duration // no end is later
}

// Tokens is how long tokens hold.
func (p *Policy) Tokens() Tokens {
	if p.tokens.Most == 0 {
		return Tokens{Life: defaultTokenDays * day, Most: defaultMostDays * day}
	}
	return p.tokens
}

// maxReviewMonths bounds the pace of the review of rights.
const maxReviewMonths = 24

// RightsReview is every how many months the rights of all roles and accounts are
// reviewed (guide CNIL 2024, habilitations: at least once a year); 0 where the text says
// nothing.
func (p *Policy) RightsReview() int { return p.rightsReview }

const day = 24 * time.Hour

// access reads the section of who gets in.
func (r *reader) access(p *Policy, n *yaml.Node) {
	o := r.object(n, "access", "tokens", "sessions", "passwords", "rights_review_months")
	if n := o.get("tokens", false); n != nil {
		r.tokens(p, n)
	}
	if o.get("rights_review_months", false) != nil {
		p.rightsReview = o.number("rights_review_months", 1, maxReviewMonths)
	}
	r.signIn(p, o)
}

func (r *reader) tokens(p *Policy, n *yaml.Node) {
	o := r.object(n, "access.tokens", "default_days", "max_days")
	most := o.number("max_days", 1, maxTokenDays)
	p.tokens = Tokens{Life: time.Duration(o.number("default_days", 1, maxTokenDays)) * day, Most: time.Duration(most) * day}
	if p.tokens.Life > p.tokens.Most && most > 0 {
		r.add(o.at["default_days"], "access.tokens.default_days", "give at most max_days")
	}
}
