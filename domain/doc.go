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
//	proof           the tree over facts, signed heads, tiles, and proofs to hand out
//	receipt         consent receipts (ISO/IEC TS 27560)
//	screening       receipts of screenings, and the forms of the files
//	completeness    gaps and silences of producers, statements on empty periods
//	inspection      what an inspection is, whom it draws, what it looks for
//	bundle          what an inspector is given, and the verifier that needs nobody
//	cursor          page cursors that cannot be forged or moved to another list
//	contact         folding one subject's events into the state of a contact
//	consent         the state of consent per controller, purpose and channel
//	opposition      scopes of objections, and what outlives them
//	erasure         what an erasure destroys, what art. 17(3) keeps, in which words
//	link            one-click links that need no account (RFC 8058)
//	contactability  may this person be contacted, by the letter of the law (RULES.md)
//	holidays        the days on which nobody may be called
package domain
