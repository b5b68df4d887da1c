// Package decisions keeps, for every person, the facts that decide whether they
// may be contacted, and answers that question as known below any position.
//
// Promises, beside those of projections:
//   - A person's facts are kept with their positions, so what is known below a
//     position can be told without the log: what arrives later changes nothing
//     already decided, and everything decided after.
//   - What is held is clear: our own ids, codes, numbers and times. Sealed values
//     (birth date, place, addresses, company, contracts) are opened through an
//     Opener, only for the decisions that turn on them, held some seconds in
//     memory, and never leave: an answer is codes, ids and times.
//   - It fails closed: what cannot be looked up is an error, what cannot be read of
//     one person denies that person (rule person.unreadable). A person merged with
//     another lends it what protects and nothing that permits; an address is asked
//     for everybody who uses it.
//   - When erasure.ordered closes a person, all facts of that person leave the file
//     in the same transaction. Nothing in them could name anybody once the keys are
//     gone; they leave because an erased person's history serves no purpose here. A
//     tombstone stays: the person's id and the order, so that each answer after
//     says person.erased.
//
// Assumed: the projections asked (crm for addresses, opposition, index for merges)
// have applied everything below the position asked for; who calls waits for it.
// After a crash the file is that of a batch's end, and the runner goes on from
// there. The dialer's habit is told by the hours in which each source sent calls.
package decisions
