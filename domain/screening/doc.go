// Package screening is what a screening of a file says of itself, and the forms of
// the files that go through one: lists of e-mail addresses or phone numbers, clear or
// as digests, one a line or in a column of a CSV file.
//
// Promised: a receipt has one form, as codes of the fact screening.performed and as
// the text of a signed note (c2sp.org/signed-note), and each is made of the other.
// It holds counts, digests, codes and times, nothing of anybody. Splitter gives a
// file's records as they came, byte for byte, wherever the file is cut; what cannot
// be read is named and never passed on.
//
// Assumed: the caller hashes and counts what it decided on. There is no I/O here, so
// a crash leaves nothing.
package screening

import (
	"slices"
	"time"

	"greffe/domain/token"
)

// List says what addresses are screened against.
type List string

// The lists.
const (
	Full       List = "full"       // the whole decision, as POST /v1/contactability takes it
	Opposition List = "opposition" // the opposition list alone (liste repoussoir)
)

// Input says in what form addresses come. Digests are hexadecimal, of the normal
// form of the address: e-mail in lower case, phone as E.164.
type Input string

// The forms.
const (
	Clear  Input = "clear"
	SHA256 Input = "sha256"
	MD5    Input = "md5"
)

// Ask is the use that somebody wants to make of the addresses.
type Ask struct {
	List                         List
	Channel, Purpose, Controller string // codes of the policy
	At                           time.Time
	Offer, Sector                string // codes, "" not told
	Automated                    bool   // channel phone: a machine speaks
	Kind                         token.Kind
	Input                        Input
}

// DefaultKind is what a channel reaches people by; "" if that must be told.
func DefaultKind(channel string) token.Kind {
	switch channel {
	case "email":
		return token.KindEmail
	case "sms", "phone":
		return token.KindPhone
	}
	return ""
}

// Default fills in what is left open: the whole decision, on clear addresses of the
// channel's kind, now.
func (a *Ask) Default(now time.Time) {
	if a.List == "" {
		a.List = Full
	}
	if a.Input == "" {
		a.Input = Clear
	}
	if a.Kind == "" {
		a.Kind = DefaultKind(a.Channel)
	}
	if a.At.IsZero() {
		a.At = now
	}
	a.At = a.At.UTC().Truncate(time.Microsecond)
}

// Valid reports whether the forms are known; what the policy knows is not looked at.
func (a *Ask) Valid() bool {
	return (a.List == Full || a.List == Opposition) && (a.Kind == token.KindEmail || a.Kind == token.KindPhone) &&
		slices.Contains([]Input{Clear, SHA256, MD5}, a.Input) && slices.Contains([]string{"", "similar", "other"}, a.Offer) && !a.At.IsZero()
}

// Undecidable is the rule of a digest that cannot be decided on: whom it is of cannot
// be told, or the opposition list holds addresses that it cannot be compared with.
// Such a line is refused. All other rules are those of domain/contactability.
const Undecidable = "input.undecidable"

// The codes of lines that cannot be read, and are never passed on.
const (
	LineTooLong       = "line_too_long"      // over MaxRecord bytes
	LineInvalid       = "line_invalid"       // quotes that do not close
	AddressMissing    = "address_missing"    // nothing where the address should be
	AddressUnreadable = "address_unreadable" // no address of this kind
	DigestInvalid     = "digest_invalid"     // not the hexadecimal digits of this digest
)
