package account

import (
	"encoding/hex"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/event"
)

// Created begins an account. Facts of before there were kinds make services.
func Created(f *event.Fact) (State, error) {
	s := State{Kind: Kind(f.Codes.String("kind")), Portfolio: f.Codes.String("portfolio"), Inspection: f.Codes.ID("inspection"),
		Until: f.Codes.Time("expires_at")}
	switch s.Kind {
	case "":
		s.Kind = Service
	case Service, Human, Guest:
	default:
		return State{}, fmt.Errorf("%w: its kind is unknown", ErrFact)
	}
	if s.Kind == Guest && (s.Until.IsZero() || s.Inspection.IsZero()) {
		return State{}, fmt.Errorf("%w: a guest without inspection or end", ErrFact)
	}
	if len(f.Parts) > 0 {
		s.Names = f.ID
	}
	return s, nil
}

// Apply gives s after a fact about it; s itself is not changed. Roles and whether
// the account is disabled are the caller's to fold.
func (s State) Apply(f *event.Fact) (State, error) {
	switch f.Type {
	case event.AccountChanged:
		return s.changed(f), nil
	case event.AccountDisabled:
		s.Sessions, s.Invitation = nil, nil
		return s, nil
	case event.AccountInvited:
		return s.invited(f)
	case event.AccountCredentialSet:
		return s.credentialSet(f)
	case event.AccountCredentialRemoved:
		return s.credentialRemoved(f), nil
	case event.AccountSessionStarted:
		return s.sessionStarted(f)
	case event.AccountSessionEnded:
		return s.sessionEnded(f), nil
	case event.AccountLocked:
		return s.locked(f)
	case event.AccountSearchSaved:
		return s.searchSaved(f)
	case event.AccountSearchRemoved:
		return s.searchRemoved(f), nil
	}
	return s, fmt.Errorf("%w: its type is no account's", ErrFact)
}

// changed: whatever an account's roles, portfolio or state become, its sessions
// end, as they were begun under others; and it is unlocked.
func (s State) changed(f *event.Fact) State {
	s.Portfolio, s.Sessions = f.Codes.String("portfolio"), nil
	s.Wrong, s.WrongCodes = s.Wrong.Clear(), s.WrongCodes.Clear()
	if f.Codes.String("state") == StateDisabled {
		s.Invitation = nil
	}
	if len(f.Parts) > 0 {
		s.Names = f.ID
	}
	return s
}

// The states in account.changed.
const (
	StateActive   = "active"
	StateDisabled = "disabled"
)

func (s State) invited(f *event.Fact) (State, error) {
	i := Invitation{Expires: f.Codes.Time("expires_at"), Event: f.ID}
	if err := readDigest(&i.Digest, f); err != nil {
		return s, err
	}
	if i.Expires.IsZero() {
		return s, fmt.Errorf("%w: an invitation without an end", ErrFact)
	}
	s.Invitation = &i
	return s, nil
}

func (s State) credentialSet(f *event.Fact) (State, error) {
	c := Credential{ID: f.Codes.ID("credential"), Kind: CredentialKind(f.Codes.String("kind")), Event: f.ID, Set: f.Recorded.Time}
	if c.ID.IsZero() || !c.Kind.Known() {
		return s, fmt.Errorf("%w: its credential is none or of an unknown kind", ErrFact)
	}
	at := slices.IndexFunc(s.Credentials, func(d Credential) bool { return d.ID == c.ID })
	if at >= 0 && s.Credentials[at].Kind != c.Kind {
		return s, fmt.Errorf("%w: its credential is of another kind", ErrFact)
	}
	if at >= 0 {
		c.Set = s.Credentials[at].Set
	}
	s.Credentials = slices.DeleteFunc(slices.Clone(s.Credentials), func(d Credential) bool {
		return d.ID == c.ID || d.Kind == c.Kind && !c.Kind.Several()
	})
	s.Credentials = append(s.Credentials, c)
	if c.Kind == Password {
		s.Sessions, s.Invitation, s.Wrong = nil, nil, s.Wrong.Clear()
	}
	return s, nil
}

// credentialRemoved: one that is not there was removed before.
func (s State) credentialRemoved(f *event.Fact) State {
	id := f.Codes.ID("credential")
	s.Credentials = slices.DeleteFunc(slices.Clone(s.Credentials), func(c Credential) bool { return c.ID == id })
	return s
}

func (s State) sessionStarted(f *event.Fact) (State, error) {
	x := Session{ID: f.Codes.ID("session"), Event: f.ID, Method: f.Codes.String("method"), Factors: slices.Clone(f.Codes.Strings("factors")),
		Provider: f.Codes.String("provider"), ProviderSession: f.Codes.ID("provider_session"), Proved: f.Codes.Time("proved_at"), Started: f.Recorded.Time, Expires: f.Codes.Time("expires_at")}
	if err := readDigest(&x.Digest, f); err != nil {
		return s, err
	}
	if x.ID.IsZero() || x.Expires.IsZero() || len(x.Factors) == 0 {
		return s, fmt.Errorf("%w: a session without id, factors or end", ErrFact)
	}
	replaces := f.Codes.ID("replaces")
	live := slices.DeleteFunc(slices.Clone(s.Sessions), func(y Session) bool { return !x.Started.Before(y.Expires) || y.ID == replaces })
	if len(live) >= MaxSessions {
		live = slices.Delete(live, 0, len(live)-MaxSessions+1)
	}
	s.Sessions, s.LastSignIn = append(live, x), x.Started
	if slices.Contains(x.Factors, string(Password)) {
		s.Wrong = s.Wrong.Clear()
	}
	if code := f.Codes.ID("recovery"); !code.IsZero() {
		s.Credentials = slices.Clone(s.Credentials)
		for i := range s.Credentials {
			if s.Credentials[i].ID == code {
				s.Credentials[i].Used++
			}
		}
	}
	if slices.Contains(x.Factors, string(TOTP)) || slices.Contains(x.Factors, string(Recovery)) {
		s.WrongCodes = s.WrongCodes.Clear()
	}
	return s, nil
}

// sessionEnded: one that is not there has ended before, by its time or by another
// act; that is no contradiction.
func (s State) sessionEnded(f *event.Fact) State {
	id, all := f.Codes.ID("session"), f.Codes.Bool("all")
	s.Sessions = slices.DeleteFunc(slices.Clone(s.Sessions), func(x Session) bool { return all || x.ID == id })
	return s
}

func (s State) locked(f *event.Fact) (State, error) {
	t, err := Locked(f)
	if err != nil {
		return s, err
	}
	which := &s.Wrong
	if f.Codes.String("what") == WhatCode {
		which = &s.WrongCodes
	}
	t.Cleared = which.Cleared
	*which = t
	return s, nil
}

// What was tried, in account.locked. WhatName is the password of a name that nobody has:
// account is then an id that derives from the name, of no account.
const (
	WhatPassword = "password"
	WhatCode     = "code"
	WhatName     = "name"
)

// Locked reads the count in account.locked.
func Locked(f *event.Fact) (Throttle, error) {
	t := Throttle{Failures: int(f.Codes.Int("failures")), Until: f.Codes.Time("until"), Level: int(f.Codes.Int("level"))}
	if t.Until.IsZero() || t.Failures <= 0 {
		return t, fmt.Errorf("%w: a lock without an end or failures", ErrFact)
	}
	return t, nil
}

func readDigest(d *Digest, f *event.Fact) error {
	text := f.Codes.String("digest")
	if len(text) != 2*len(d) {
		return fmt.Errorf("%w: its digest is none", ErrFact)
	}
	if _, err := hex.Decode(d[:], []byte(text)); err != nil {
		return fmt.Errorf("%w: its digest is none", ErrFact)
	}
	return nil
}

// Of names the account a fact is about, zero for facts about none.
func Of(f *event.Fact) domain.ID { return f.Codes.ID("account") }
