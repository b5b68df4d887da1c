// Package domain holds what every other package speaks of: identifiers, times
// and positions. It is pure: no I/O, no clock, no randomness, no SDK; time and
// random bytes come in as arguments. cmd/greffe/internal/arch holds it to that.
//
// Its subpackages are the rooms of the law and of the bytes:
//
//	event           CloudEvents as upstreams send them, the catalogue of types, facts
//	policy          the company's own rules: purposes, fields, classes, durations
//	minimise        what must not be stored (art. 5(1)(c)), and what is done about it
//	token           normalisation and blind indexes of identifiers
//	part            the sealed, deletable half of an event
//	proof           the leaf hash of a fact and the root over all of them
//	cursor          page cursors that cannot be forged or moved to another list
//	contact         folding one subject's events into the state of a contact
//	consent         the state of consent per controller, purpose and channel
//	opposition      scopes of objections, and what outlives them
//	contactability  may this person be contacted, by the letter of the law (RULES.md)
//	holidays        the days on which nobody may be called
package domain
