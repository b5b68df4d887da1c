// Package screening decides on whole files: which of their addresses may be contacted
// for a use, millions of lines at a time, in memory of one size.
//
// Promised:
//   - A line is passed on, byte for byte, only if it was read and allowed. What cannot
//     be read, or decided on, is not.
//   - Before a line is decided on, the log's head is read, at most Fresh before, and
//     everything below it is known to the desk that decides. The receipt tells the
//     first such head and the last.
//   - The receipt's digests are of the bytes that went in and came out.
//   - Lines are decided on together by all processors and come out in their order;
//     what comes out does not depend on how the file was cut.
//
// Assumed: the desk answers as the rules do; whatever writes the output forgets it if
// Run fails. Nothing is kept, so a crash leaves nothing: no receipt, no screening.
package screening

import (
	"context"
	"errors"
	"io"
	"time"

	"greffe/domain"
	"greffe/domain/screening"
)

// Fresh bounds how old the head is that a line is decided with.
const Fresh = 250 * time.Millisecond

var (
	// ErrBusy: as many files as this node takes are being screened. Nothing was read.
	ErrBusy = errors.New("as many files as this node takes at once are being screened")
	// ErrPolicy: another policy came into force. The screening is void; send again.
	ErrPolicy = errors.New("another policy came into force meanwhile")
)

// Verdict is the answer to one line.
type Verdict struct {
	Allowed bool
	Rule    string
	Until   time.Time // when time alone could change it; zero: never
}

// Known is as known when a line is decided on.
type Known struct {
	Below  domain.Position
	Policy int64
}

// Judge decides as of one moment. It is used from many goroutines.
type Judge interface {
	// Judge fills in out, in the order of the addresses.
	Judge(ctx context.Context, of []screening.Address, out []Verdict) error
}

// Desk makes judges for one use.
type Desk interface {
	// Current is the log's head and a judge who knows everything below it.
	Current(ctx context.Context) (Known, Judge, error)
}

// Job is a file to be screened.
type Job struct {
	Ask    screening.Ask
	Layout screening.Layout
	Desk   Desk
	Now    func() time.Time
}

// Output takes what comes of it; nil members take nothing. An error of theirs ends
// the screening.
type Output struct {
	Cleansed io.Writer // lines that may be contacted
	Refused  io.Writer // the report, a screening.Line a line
	// Progress is told after each part of the file.
	Progress func(bytes, lines int64) error
}
