// Package anchor has the ledger's signed heads stamped by a time-stamping authority
// (RFC 3161; eIDAS art. 41 for qualified ones), so that nobody who holds the ledger's
// key can write its history later.
//
// Promised: a token is kept only if it is the answer to this request (nonce), over the
// SHA-256 of exactly the bytes of a head that was shown, by an authority that the
// operator trusts and whose certificate was valid then, at a time that both clocks
// agree on. Every wait and every answer is bounded. The authority is told a hash and
// nothing else. Keeper says how things stand: mode, last anchor, last error, and
// whether what the policy requires is not met.
//
// Assumed: Notary keeps what it is given (durable when Anchored returns) and shows
// heads that never change. A crash between stamp and record loses one stamp; the next
// run asks for another.
package anchor
