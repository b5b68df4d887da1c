package oidc

import "fmt"

// Why is a closed word for why somebody was not let in.
type Why string

// The words. They are codes of the API.
const (
	Unavailable    Why = "provider_unavailable"  // it does not answer, or not as a provider
	Expired        Why = "sign_in_expired"       // begun too long ago, elsewhere, or ended already
	Cancelled      Why = "sign_in_cancelled"     // the provider says that it was not completed
	Invalid        Why = "provider_invalid"      // what it says does not hold
	NoSecondFactor Why = "second_factor_missing" // it did not say that two factors were given
	NoGroup        Why = "group_missing"         // no group of theirs has a role
	Disabled       Why = "account_disabled"      // their account was switched off here
)

// Refusal is the error of this package's protocol. Its text holds closed words
// only: nothing that the provider or a browser sent.
type Refusal struct {
	Why    Why
	Detail string // which check; for the log
	Cause  error  // of ours or the network's; may be nil
}

func (e *Refusal) Error() string {
	s := string(e.Why)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Cause != nil {
		s += fmt.Sprintf(": %v", e.Cause)
	}
	return s
}

// Unwrap gives the cause.
func (e *Refusal) Unwrap() error { return e.Cause }

func refuse(why Why, detail string) *Refusal { return &Refusal{Why: why, Detail: detail} }
