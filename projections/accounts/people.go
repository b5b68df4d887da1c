package accounts

import (
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
)

// people reports whether a fact is folded by domain/account.
func people(t event.Type) bool {
	switch t {
	case event.AccountChanged, event.AccountInvited, event.AccountCredentialSet, event.AccountCredentialRemoved,
		event.AccountSessionStarted, event.AccountSessionEnded, event.AccountLocked, event.AccountSearchSaved, event.AccountSearchRemoved:
		return true
	}
	return false
}

// person folds a fact about an account that exists.
func (m *model) person(id domain.ID, f *event.Fact) (change, error) {
	a := m.accounts[id]
	if a == nil {
		return change{}, fmt.Errorf("%w: its account is unknown", ErrFact)
	}
	b := *a
	switch f.Type {
	case event.AccountDisabled:
		b.Disabled = true
	case event.AccountChanged:
		switch f.Codes.String("state") {
		case account.StateActive, account.StateDisabled:
		default:
			return change{}, fmt.Errorf("%w: its state is unknown", ErrFact)
		}
		b.Roles, b.Disabled = slices.Clone(f.Codes.Strings("roles")), f.Codes.String("state") == account.StateDisabled
	}
	var err error
	if b.State, err = a.State.Apply(f); err != nil {
		return change{}, err
	}
	if len(f.Parts) > 0 && f.Type == event.AccountChanged {
		b.Label = f.ID
	}
	for _, x := range a.Sessions {
		delete(m.sessions, x.Digest)
	}
	for _, x := range b.Sessions {
		if _, taken := m.sessions[x.Digest]; taken {
			return change{}, fmt.Errorf("%w: its session's digest is known already", ErrFact)
		}
		m.sessions[x.Digest] = id
	}
	m.accounts[id] = &b
	return change{account: &b}, nil
}

// BySession finds the account and the session of a cookie's digest. Sessions that
// were ended are not found; whether one has expired is the caller's to see.
func (s *Store) BySession(d account.Digest) (Account, account.Session, bool) {
	s.mu.RLock()
	m := s.model
	s.mu.RUnlock()
	a := m.accounts[m.sessions[d]]
	if a == nil {
		return Account{}, account.Session{}, false
	}
	i := slices.IndexFunc(a.Sessions, func(x account.Session) bool { return x.Digest == d })
	if i < 0 {
		return Account{}, account.Session{}, false
	}
	return *a, a.Sessions[i], true
}

// Accounts gives every account, oldest first. Slices in it are not to be changed.
func (s *Store) Accounts() []Account {
	s.mu.RLock()
	m := s.model
	s.mu.RUnlock()
	return m.list()
}
