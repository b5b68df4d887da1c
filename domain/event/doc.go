// Package event holds events in their three shapes, and the way between them:
//
//	Incoming  a CloudEvent as an upstream sent it, decoded and not yet believed
//	Draft     the same, understood by the catalogue: codes, personal fields, links
//	Fact      what the log keeps for ever: codes, ids, times, commitments
//
// Decode and Understand return a *Refusal with a stable code; they never panic
// and never put an input's value into an error. The byte form of a fact is
// RFC 8785 JSON, written once and stored verbatim; DecodeFact accepts exactly
// what AppendFact writes, so that a stored fact has one form only.
//
// An unknown type or version is an error that a reader must stop at: skipping
// it would make a projection lie.
package event
