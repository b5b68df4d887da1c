// Package completeness keeps what each source has sent: how much, which of its own
// numbers are missing, its habit, its days, where in the log its facts are, and
// which messages were gone from Kafka before they were read. The rules are those of
// domain/completeness; this is their fold over the log.
//
// It holds our own uuids, positions, numbers and times only. A source costs one row
// (its state has a bound), one for each day on which it sent, and one for each 4,096
// positions among which it sent. Promises, assumptions and what a crash leaves are
// those of projections and projections/internal/sqlfile: content is the fold of the
// facts below the checkpoint; power loss at worst takes the last batches back,
// whole. An erasure leaves it as it is: that something was sent stays known.
package completeness
