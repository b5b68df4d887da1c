// Package ledger is the record path: the one way an event takes into the log.
//
//	caller's goroutine:  decode → understand → guard → tokens            (intake.go)
//	committer, one:      who is it, was it recorded → keys → seal → facts (group.go, build.go)
//	                     → ONE vault transaction for the group            (group.go)
//	appender, one:       → ONE append to the log → answers                (append.go, place.go)
//	helper, one:         answers that wait for other nodes, what they left (help.go)
//
// The committer prepares the next group while the appender writes the last, so
// a group of N events from any number of callers costs one vault commit and one
// append.
//
// It promises:
//   - Record and Write return success only for what is durable in vault and log.
//   - The same (source, id) with the same body is a duplicate and is answered
//     as before; with another body it is a conflict; neither is recorded again.
//   - Nothing is dropped: what cannot be taken is quarantined, sealed.
//   - A store that cannot be reached stops nothing: callers are answered ErrUnavailable
//     (nothing was recorded) or ErrUnknown, within their own time, until it is back.
//
// Several nodes may record into one log and one vault. They race for the log's head by
// compare-and-swap, and for what the vault demands to be unique or unchanged; who loses
// looks again. A group is known to be in the log by its facts: whoever appends it looks
// for them first, so any node may append what another prepared, and does so after 5
// seconds. Nothing is answered from what another node prepared before it is in the log.
// What a group's facts rely on (what is released, the person to be erased) comes
// before them in the log. Times of recording rise with positions on each node; between
// nodes they are as far apart as their clocks, and what a node left for another to
// append keeps the time at which it was prepared.
//
// It assumes of the vault that, of two batches that write or demand the same key row,
// the one that was committed first has the lower number, and is pending when the other
// has returned.
//
// A crash leaves a group prepared and not appended, appended and not answered,
// or neither. Open, or another node, appends what was prepared and is not in the log,
// from the prepared bytes, never sealing again; the sender's retry is then a duplicate.
//
// After an error whose outcome stays unknown (a failed fsync), or when log and vault
// disagree, or when the peppers were rotated meanwhile, the ledger stops for good:
// Failed tells, and only opening it again recovers.
package ledger
