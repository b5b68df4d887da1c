// Package ledger is the record path: the one way an event takes into the log.
//
//	caller's goroutine:  decode → understand → guard → tokens            (intake.go)
//	committer, one:      who is it, was it recorded → keys → seal → facts (group.go, build.go)
//	                     → ONE vault transaction for the group            (group.go)
//	appender, one:       → ONE append to the log → answers                (append.go)
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
//
// A crash leaves a group prepared and not appended, appended and not answered,
// or neither. Open appends what was prepared and is not in the log, from the
// prepared bytes, never sealing again; the sender's retry is then a duplicate.
//
// After an error whose outcome is unknown (a failed fsync) the ledger stops for
// good: Failed tells, and only opening it again recovers.
package ledger
