package account

import (
	"errors"
	"slices"
	"time"

	"greffe/domain"
)

// ErrFact: an account fact makes no sense where it stands.
var ErrFact = errors.New("an account fact cannot be applied")

// Kind says what an account is.
type Kind string

// The kinds. Accounts of before there were kinds are services.
const (
	Service Kind = "service" // a system, by tokens
	Human   Kind = "person"  // somebody, by a session with two factors
	Guest   Kind = "guest"   // an inspector, for one inspection and a time
)

// CredentialKind says what a credential is.
type CredentialKind string

// The kinds of credentials.
const (
	Password CredentialKind = "password" // argon2id hash; something known
	TOTP     CredentialKind = "totp"     // RFC 6238 seed; something held
	Passkey  CredentialKind = "passkey"  // WebAuthn with user verification; held and known or being
	Recovery CredentialKind = "recovery" // digests of codes on paper; something held
	OIDC     CredentialKind = "oidc"     // (iss, sub) of a provider that demands two factors
)

// Known reports whether k is a kind of credential.
func (k CredentialKind) Known() bool {
	return slices.Contains([]CredentialKind{Password, TOTP, Passkey, Recovery, OIDC}, k)
}

// Several reports whether an account may have more than one of the kind.
func (k CredentialKind) Several() bool { return k == Passkey || k == OIDC }

// Bounds of one account. Commands keep to the first, the fold to the second.
const (
	MaxCredentials = 20
	MaxSessions    = 20 // the oldest ends when another begins
	MaxSearches    = 50
)

// Digest is the SHA-256 of a random secret of 256 bits.
type Digest [32]byte

// Credential is one way to prove to be the holder. Its secret is the part of Event.
type Credential struct {
	ID    domain.ID      `json:"id"`
	Kind  CredentialKind `json:"kind"`
	Event domain.ID      `json:"event"`
	Set   time.Time      `json:"set"`
	Used  int            `json:"used,omitzero"` // recovery codes
}

// Invitation lets its holder choose a password, once.
type Invitation struct {
	Digest  Digest    `json:"digest"`
	Expires time.Time `json:"expires"`
	Event   domain.ID `json:"event"`
}

// Session is a sign-in that lasts.
type Session struct {
	ID       domain.ID `json:"id"`
	Digest   Digest    `json:"digest"` // of the cookie's secret
	Event    domain.ID `json:"event"`  // its part holds the address it began from
	Method   string    `json:"method"` // password, passkey or oidc
	Factors  []string  `json:"factors"`
	Provider string    `json:"provider,omitzero"` // code of the OIDC provider
	// ProviderSession stands for the provider's own session, which it may end.
	ProviderSession domain.ID `json:"provider_session,omitzero"`
	Proved          time.Time `json:"proved,omitzero"` // when the factors were given, if that was before it began
	Started         time.Time `json:"started"`
	Expires         time.Time `json:"expires"`
}

// Fresh is when the session's factors were given.
func (s Session) Fresh() time.Time {
	if s.Proved.IsZero() {
		return s.Started
	}
	return s.Proved
}

// Complete reports whether the session was begun with two factors of different
// families: a verified passkey is both, a provider answered for both.
func (s Session) Complete() bool { return Complete(s.Factors) }

// Complete reports whether factors are two of different families (CNIL,
// recommandation MFA, 20 March 2025): what is known with what is held. A passkey
// counts for both, as it is only accepted with the user verified.
func Complete(factors []string) bool {
	has := func(k CredentialKind) bool { return slices.Contains(factors, string(k)) }
	return has(Passkey) || has(OIDC) || has(Password) && (has(TOTP) || has(Recovery))
}

// Search is a question that an account keeps. What it asks, and its name, are the part
// of Event, the latest.
type Search struct {
	ID    domain.ID `json:"id"`
	Event domain.ID `json:"event"`
	Saved time.Time `json:"saved"` // when it was first
}

// State is what is folded of one account beyond its roles.
type State struct {
	Kind        Kind         `json:"kind"`
	Portfolio   string       `json:"portfolio,omitzero"`  // a code
	Inspection  domain.ID    `json:"inspection,omitzero"` // of a guest
	Until       time.Time    `json:"until,omitzero"`      // of a guest: the account ends by itself
	Names       domain.ID    `json:"names,omitzero"`      // the event whose part holds label and login
	Credentials []Credential `json:"credentials,omitempty"`
	Invitation  *Invitation  `json:"invitation,omitempty"`
	Sessions    []Session    `json:"sessions,omitempty"` // oldest first; ended ones are gone
	Wrong       Throttle     `json:"wrong,omitzero"`     // wrong passwords
	WrongCodes  Throttle     `json:"wrong_codes,omitzero"`
	LastSignIn  time.Time    `json:"last_sign_in,omitzero"`
	Searches    []Search     `json:"searches,omitempty"` // in the order in which they were saved
}

// Has finds the account's credential of a kind, the newest of several.
func (s *State) Has(kind CredentialKind) (Credential, bool) {
	for _, c := range slices.Backward(s.Credentials) {
		if c.Kind == kind {
			return c, true
		}
	}
	return Credential{}, false
}

// Factors are the kinds of the account's credentials, each once.
func (s *State) Factors() []string {
	out := []string{}
	for _, c := range s.Credentials {
		if !slices.Contains(out, string(c.Kind)) {
			out = append(out, string(c.Kind))
		}
	}
	return out
}

// Next lists the second factors the account has, to be given after its password.
func (s *State) Next() []string {
	var out []string
	for _, k := range []CredentialKind{Passkey, TOTP, Recovery} {
		if _, ok := s.Has(k); ok {
			out = append(out, string(k))
		}
	}
	return out
}

// SecondFactor reports whether the account has one that is not codes on paper alone.
func (s *State) SecondFactor() bool {
	_, totp := s.Has(TOTP)
	_, key := s.Has(Passkey)
	return totp || key
}

// Ready reports whether the holder can sign in with two factors.
func (s *State) Ready() bool {
	_, password := s.Has(Password)
	_, totp := s.Has(TOTP)
	_, key := s.Has(Passkey)
	_, provider := s.Has(OIDC)
	return key || provider || password && totp
}

// Over reports whether the account's time has run out at now.
func (s *State) Over(now time.Time) bool { return !s.Until.IsZero() && !now.Before(s.Until) }

// Limits bound sessions.
type Limits struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // from the sign-in
	Fresh    time.Duration // a dangerous act needs factors given so recently
}

// Holds says whether a session last used at seen holds at now, and why not:
// "expired" or "idle".
func (s Session) Holds(now, seen time.Time, l Limits) (ok bool, why string) {
	switch {
	case !now.Before(s.Expires):
		return false, "expired"
	case now.Sub(seen) >= l.Idle:
		return false, "idle"
	}
	return true, ""
}
