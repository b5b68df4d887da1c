// Package token makes blind indexes of identifiers, and the normal forms of
// e-mail addresses, phone numbers and names they are made of.
//
// A token lets the ledger recognise an address, an upstream id or an account
// name again without holding it. Telephone numbers can be enumerated, so a
// plain hash of one hides nothing (CNIL, SAN-2020-003, Spartoo); a token is an
// HMAC under a pepper that is kept apart. Each use has its own pepper, so that
// tokens of one use cannot be joined with those of another.
//
// Bytes, H being HMAC-SHA256, len(x) four bytes big endian:
//
//	P_use       = HKDF-SHA256(root(32), no salt, info "greffe/pepper/1" ‖ use), 32 bytes
//	address     = H(P_use, kind ‖ 0x00 ‖ normaliser version(1) ‖ SHA-256(normalised))
//	opposition  = the same under P_opposition, and again with MD5(normalised)
//	pair        = H(P_use, len(source) ‖ source ‖ len(id) ‖ id)   dedupe, external, actor, quarantine
//	source      = H(P_source, len(name) ‖ name)
//	rotated     = H(P_use of the next root, token); external, actor and source all under P_external
//
// A rotation makes stored tokens useless to whoever got hold of the roots before
// it. It does not reach what facts hold for ever and what is made under the first
// root alone: event ids (dedupe), producers' ids (source), ids of quarantine items
// and of notices. Whoever has the first root can still try guesses of those.
//
// Promised: equal inputs give equal tokens, for ever; a change of a normaliser
// changes its version byte and so every token made of it. Assumed: the roots
// come from a cryptographic source and never lie beside the tokens. There is no
// I/O here, so a crash leaves nothing.
package token

import "crypto/subtle"

// Token is a blind index of one identifier: equal identifiers give equal tokens
// under the same pepper, and without the pepper nothing can be told of them.
type Token [32]byte

// Equal compares in constant time.
func (t Token) Equal(u Token) bool { return subtle.ConstantTimeCompare(t[:], u[:]) == 1 }

// Use is what a token is for; each has its own pepper.
type Use byte

// The uses. Zero is invalid on purpose.
const (
	UseDedupe     Use = 1 + iota // (source, id) of an upstream event
	UseExternal                  // (source, subject): the only thing that routes an event
	UseActor                     // (source, actor): upstream names of accounts
	UseSource                    // a producer's name
	UseQuarantine                // (source, id) of an input that was set aside
	UseEmail                     // search by e-mail address
	UsePhone                     // search by phone number
	UseName                      // search by name
	UseOpposition                // liste d'opposition, by any address
	uses          = int(UseOpposition)
)

var useNames = [uses + 1]string{"", "dedupe", "external", "actor", "source", "quarantine", "email", "phone", "name", "opposition"}

// String is the name that enters the pepper's derivation.
func (u Use) String() string {
	if u == 0 || int(u) > uses {
		return "invalid"
	}
	return useNames[u]
}

// Kind says how an identifier was normalised.
type Kind string

// The kinds, and the versions of their normalisers that enter each token.
const (
	KindEmail Kind = "email"
	KindPhone Kind = "phone"
	KindName  Kind = "name"

	EmailVersion byte = 1
	PhoneVersion byte = 1
	NameVersion  byte = 1
)

// version and search use of a kind; ok is false for an unknown one.
func (k Kind) lookup() (version byte, search Use, ok bool) {
	switch k {
	case KindEmail:
		return EmailVersion, UseEmail, true
	case KindPhone:
		return PhoneVersion, UsePhone, true
	case KindName:
		return NameVersion, UseName, true
	}
	return 0, 0, false
}

// Marker begins the normal form of an address that is not valid. No valid
// address can begin with it.
const Marker = "?:"
