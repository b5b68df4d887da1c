package decisions

import (
	"context"
	"crypto/sha256"
	"fmt"

	"greffe/domain/contactability"
	"greffe/domain/token"
)

// Digest names an address by the SHA-256 of its normal form. Who has it is found as
// by the address itself. If Normal is not known, it is decided for whatever addresses
// of the channel they have, as with Subject, since which of them it is cannot be told.
type Digest struct {
	Kind   token.Kind
	SHA256 [sha256.Size]byte
	Normal string // the normal form itself; "": not known
}

// named is an address as a question names it.
type named struct {
	text   string
	digest Digest // unless text is told
}

// addressed is the address of a kind that a question names; an e-mail goes before
// a phone, as in Check.
func (c *Check) addressed(kind token.Kind) (by named, ok bool) {
	switch {
	case !c.Subject.IsZero() || c.External != token.Token{}:
		return by, false
	case c.Digest != nil:
		return named{digest: *c.Digest}, c.Digest.Kind == kind
	case kind == token.KindEmail:
		return named{text: c.Email}, c.Email != ""
	}
	return named{text: c.Phone}, c.Email == ""
}

// look makes what an address is looked for by: on the list, and among persons.
func (b *deciding) look(kind token.Kind, by named, hashed bool) (a asked, search token.Token) {
	p := b.d.Peppers
	switch {
	case hashed && by.digest.Normal == "":
		a.tokens = []token.Token{p.FromSHA256(kind, by.digest.SHA256)}
		return a, p.SearchSHA256(kind, by.digest.SHA256)
	case hashed:
		a.address = by.digest.Normal
	case kind == token.KindEmail:
		a.address, _ = token.Email(by.text)
	default:
		a.address, _ = token.Phone(by.text, "FR")
	}
	o := p.Opposition(kind, a.address)
	a.tokens = []token.Token{o.SHA256, o.MD5}
	return a, p.Search(kind, a.address)
}

// holders finds everybody who uses an address of a kind, whatever its form.
func (b *deciding) holders(ctx context.Context, kind token.Kind) error {
	at := map[named]int{} // of each address in found
	var found []asked
	var tokens []token.Token
	for i := range b.checks {
		by, ok := b.checks[i].addressed(kind)
		if _, known := at[by]; !ok || known {
			continue
		}
		at[by] = len(found)
		a, search := b.look(kind, by, b.checks[i].Digest != nil)
		found, tokens = append(found, a), append(tokens, search)
	}
	if len(found) == 0 {
		return nil
	}
	subjects, err := b.d.Holders.FindAll(ctx, kind, tokens, maxHolders+1)
	if err != nil {
		return fmt.Errorf("who holds an address: %w", err)
	}
	if len(subjects) != len(found) {
		return fmt.Errorf("who holds an address: %d answers to %d", len(subjects), len(found))
	}
	for i := range found {
		if found[i].subjects = subjects[i]; len(subjects[i]) > maxHolders {
			found[i].subjects, found[i].crowd = nil, true
		}
	}
	for i := range b.checks {
		if by, ok := b.checks[i].addressed(kind); ok {
			b.asked[i] = found[at[by]]
		}
	}
	return nil
}

// Unknown gives what is decided of addresses that nobody has and nothing is listed
// against, under the policy in force below a position: the same as Check, without
// looking.
func (d *Decider) Unknown(ctx context.Context, q contactability.Query, known Known) (policy int64, decide func(address string) contactability.Decision, err error) {
	if policy, err = d.Store.PolicyVersion(ctx, known.Below); err != nil {
		return 0, nil, err
	}
	rules, err := d.Rules.Rules(ctx, policy)
	if err != nil {
		return 0, nil, fmt.Errorf("rules under policy %d: %w", policy, err)
	}
	return policy, func(address string) contactability.Decision {
		ask := q
		ask.Address = address
		return contactability.Decide(ask, &contactability.State{}, rules)
	}, nil
}
