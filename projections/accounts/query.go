package accounts

import (
	"greffe/domain"
)

// Grant is a token with the account it belongs to.
type Grant struct {
	Token   Token
	Account Account
}

// ByDigest finds the token of this digest, ended ones included.
func (s *Store) ByDigest(d Digest) (Grant, bool) {
	s.mu.RLock()
	m := s.model
	s.mu.RUnlock()
	t := m.tokens[m.digests[d]]
	if t == nil {
		return Grant{}, false
	}
	return Grant{*t, *m.accounts[t.Account]}, true
}

// List gives every token with its account, oldest first. Slices in it are not
// to be changed.
func (s *Store) List() []Grant {
	s.mu.RLock()
	m := s.model
	s.mu.RUnlock()
	return m.grants()
}

// Find gives an account by its id.
func (s *Store) Find(id domain.ID) (Account, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := s.model.accounts[id]
	if a == nil {
		return Account{}, false
	}
	return *a, true
}
