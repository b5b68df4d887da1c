package accounts

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"greffe/domain/event"
)

// Deciding are the types of facts that decide who may do what: not sign-ins, blocks,
// invitations and uses.
func Deciding() []event.Type {
	return []event.Type{event.AccountCreated, event.AccountChanged, event.AccountDisabled, event.AccountCredentialSet, event.AccountCredentialRemoved,
		event.AccountTokenMade, event.AccountTokenEnded}
}

// Fold makes accounts and tokens of facts, given in the order of the log; those about
// something else are passed over.
func Fold(facts iter.Seq2[*event.Fact, error]) ([]Account, []Grant, error) {
	m := newModel()
	for f, err := range facts {
		if err != nil {
			return nil, nil, err
		}
		if !concerns(f) {
			continue
		}
		if _, err := m.apply(f); err != nil {
			return nil, nil, fmt.Errorf("accounts at fact %s: %w", f.ID, err)
		}
	}
	return m.list(), m.grants(), nil
}

// list gives every account, oldest first.
func (m *model) list() []Account {
	out := make([]Account, 0, len(m.accounts))
	for _, a := range m.accounts {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b Account) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	return out
}

// grants gives every token with its account, oldest first.
func (m *model) grants() []Grant {
	out := make([]Grant, 0, len(m.tokens))
	for _, t := range m.tokens {
		out = append(out, Grant{*t, *m.accounts[t.Account]})
	}
	slices.SortFunc(out, func(a, b Grant) int {
		if c := a.Token.Made.Compare(b.Token.Made); c != 0 {
			return c
		}
		return bytes.Compare(a.Token.ID[:], b.Token.ID[:])
	})
	return out
}
