// Package completeness says whether what a source sent is all there: which numbers
// of its own numbering are missing (Numbering), whether it is silent beyond its
// habit (Habit), and how many of its events the ledger recorded in a period, none
// included, in a text to be signed (Statement).
//
// Promised: every result depends on the arguments alone. A Numbering of distinct
// numbers depends on their set, not on their order; a gap is told until its numbers
// came. An arrival never makes a source silent: what may be expected of a source
// (Habit) only moves forward. Without enough history a habit is unknown, never
// fine. Memory has bounds: MaxGaps ranges for each source, and eight weeks of hours.
//
// Assumed: the ledger's times of recording rise with the position. What upstreams
// number is events; an input in quarantine keeps its number open until it is
// repaired. The silence of dialers by which calls are refused
// (contactability.SilentFrom) is another rule, of the law of calls: it judges by
// when calls were made, in working days, and by the policy.
//
// There is no I/O here; a crash leaves nothing.
package completeness
