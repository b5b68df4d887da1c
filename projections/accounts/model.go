package accounts

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
)

// ErrFact: an account fact makes no sense where it stands.
var ErrFact = account.ErrFact

// Digest is the SHA-256 of a token's text.
type Digest [32]byte

// Account is somebody or something that may call the ledger.
type Account struct {
	ID        domain.ID
	Roles     []string // of the policy
	Bootstrap bool     // made by the first start
	Disabled  bool
	Created   time.Time
	Label     domain.ID // the event whose sealed part holds the label
	account.State
}

// Token is one credential of an account.
type Token struct {
	ID, Account   domain.ID
	Digest        Digest
	DefaultReason string      // "" for none
	Sources       []domain.ID // producers it may write for; none means all
	ActFor        bool        // may name the human behind it
	Made, Expires time.Time   // Expires is zero for never
	Revoked       time.Time   // zero while it holds
	Kept
}

// Ended reports whether the token no longer holds at now, revoked or expired.
func (t Token) Ended(now time.Time) bool { return !t.Revoked.IsZero() || t.Expired(now) }

// Expired reports whether the token's time has run out at now.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// model is the pure fold.
type model struct {
	accounts map[domain.ID]*Account
	tokens   map[domain.ID]*Token
	digests  map[Digest]domain.ID
	bound    map[Fingerprint][]domain.ID
	sessions map[account.Digest]domain.ID // of cookies, to accounts
	names    map[domain.ID]account.Throttle
}

func newModel() *model {
	return &model{map[domain.ID]*Account{}, map[domain.ID]*Token{}, map[Digest]domain.ID{}, map[Fingerprint][]domain.ID{}, map[account.Digest]domain.ID{}, map[domain.ID]account.Throttle{}}
}

// clone is a copy that apply may change without touching m.
func (m *model) clone() *model {
	return &model{maps.Clone(m.accounts), maps.Clone(m.tokens), maps.Clone(m.digests), maps.Clone(m.bound), maps.Clone(m.sessions), maps.Clone(m.names)}
}

// change names the rows a fact touched.
type change struct {
	account *Account
	token   *Token
	also    *Token // that token takes over from
	name    *named
}

// concerns reports whether the model looks at a fact. People of upstream systems
// have accounts too (kind upstream), which call nothing here.
func concerns(f *event.Fact) bool {
	switch f.Type {
	case event.AccountCreated:
		return f.Codes.String("kind") != "upstream"
	case event.AccountDisabled, event.AccountTokenMade, event.AccountTokenEnded, event.AccountTokenUsed:
		return true
	}
	return people(f.Type)
}

// apply folds one fact in. Values it replaces are new, never changed in place.
func (m *model) apply(f *event.Fact) (change, error) {
	id := f.Codes.ID("account")
	if id.IsZero() {
		return change{}, fmt.Errorf("%w: it names no account", ErrFact)
	}
	switch f.Type {
	case event.AccountCreated:
		return m.created(id, f)
	case event.AccountTokenMade:
		return m.tokenMade(id, f)
	case event.AccountTokenUsed:
		return m.tokenUsed(id, f)
	case event.AccountTokenEnded:
		return m.tokenEnded(id, f)
	case event.AccountLocked:
		if f.Codes.String("what") == account.WhatName {
			return m.name(id, f)
		}
	}
	return m.person(id, f)
}

func (m *model) created(id domain.ID, f *event.Fact) (change, error) {
	if m.accounts[id] != nil {
		return change{}, fmt.Errorf("%w: its account exists", ErrFact)
	}
	state, err := account.Created(f)
	if err != nil {
		return change{}, err
	}
	a := &Account{ID: id, Roles: slices.Clone(f.Codes.Strings("roles")), Bootstrap: f.Codes.Bool("bootstrap"), Created: f.Recorded.Time, State: state}
	if len(f.Parts) > 0 {
		a.Label = f.ID
	}
	m.accounts[id] = a
	return change{account: a}, nil
}

func (m *model) tokenMade(of domain.ID, f *event.Fact) (change, error) {
	t := &Token{
		ID: f.Codes.ID("token"), Account: of, DefaultReason: f.Codes.String("default_reason"),
		ActFor: f.Codes.Bool("act_for"), Made: f.Recorded.Time, Expires: f.Codes.Time("expires_at"),
	}
	if f.Codes.String("expires_at") != "" && t.Expires.IsZero() {
		return change{}, fmt.Errorf("%w: its expiry is no time", ErrFact)
	}
	for _, s := range f.Codes.Strings("sources") {
		id, err := domain.ParseID(s)
		if err != nil {
			return change{}, fmt.Errorf("%w: its sources are no ids", ErrFact)
		}
		t.Sources = append(t.Sources, id)
	}
	n, err := hex.Decode(t.Digest[:], []byte(digestText(f)))
	switch _, taken := m.digests[t.Digest]; {
	case m.accounts[of] == nil:
		return change{}, fmt.Errorf("%w: its account is unknown", ErrFact)
	case t.ID.IsZero() || m.tokens[t.ID] != nil:
		return change{}, fmt.Errorf("%w: its token is none or known already", ErrFact)
	case err != nil || n != len(t.Digest) || taken:
		return change{}, fmt.Errorf("%w: its digest is none or known already", ErrFact)
	}
	if t.Kept, err = keptOf(f); err != nil {
		return change{}, err
	}
	old, err := m.rotated(t, f)
	if err != nil {
		return change{}, err
	}
	if old != nil {
		m.tokens[old.ID] = old
	}
	m.tokens[t.ID], m.digests[t.Digest] = t, t.ID
	m.bind(t)
	return change{token: t, also: old}, nil
}

// digestText is the fact's digest, or "" if it has not the right length.
func digestText(f *event.Fact) string {
	if s := f.Codes.String("digest"); len(s) == 2*len(Digest{}) {
		return s
	}
	return ""
}

func (m *model) tokenEnded(of domain.ID, f *event.Fact) (change, error) {
	t := m.tokens[f.Codes.ID("token")]
	if t == nil || t.Account != of {
		return change{}, fmt.Errorf("%w: its token is unknown", ErrFact)
	}
	u := *t
	if u.Revoked.IsZero() {
		u.Revoked = f.Recorded.Time
	}
	m.tokens[u.ID] = &u
	return change{token: &u}, nil
}
