package clickhouse

import (
	"context"
	"errors"
	"fmt"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"greffe/projections"
)

var (
	// ErrForeign: the database holds another ledger's dataset.
	ErrForeign = errors.New("the database holds the dataset of another ledger")
	// ErrNewer: the database was migrated by a newer program.
	ErrNewer = errors.New("the database has a newer schema than this program knows")
	// ErrRewound: the database lost rows that it had acknowledged, and there is no
	// log to write them again from. Checkpoint tells where to go on.
	ErrRewound = errors.New("the database lost acknowledged rows; go on from the checkpoint")
	// ErrClosed: the dataset was closed. Not committed.
	ErrClosed = errors.New("the dataset is closed")
	// ErrConfig: the settings do not fit together.
	ErrConfig = errors.New("audit store settings")
)

// ServerError is an exception of the server. Its message is left out, since it
// may repeat values of the query.
type ServerError struct{ Code int32 }

func (e *ServerError) Error() string { return fmt.Sprintf("ClickHouse answered with error %d", e.Code) }

// Codes of ClickHouse that say what to do.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
	codeNoRoom          = 243 // NOT_ENOUGH_SPACE
	codeCancelled       = 394 // QUERY_WAS_CANCELLED
)

// passing are the codes of conditions that time or an operator may end: overload,
// timeouts, replicas and keepers that are away, a cancelled query, a server that
// starts or stops. The tables being absent is one, since they are made anew.
func passing(code int32) bool {
	switch code {
	case codeUnknownTable, codeUnknownDatabase, codeCancelled,
		3, 159, 160, 202, 203, 209, 210, 225, 236, 241, 242, 252, 254, 285, 286, 287, 319, 341, 415, 425, 439, 473, 999:
		return true
	}
	return false
}

// wrap names the operation, and says what an error of the driver means to who
// called: ErrUnavailable for all that may pass.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	var e *ch.Exception
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errTimeout):
		return fmt.Errorf("%s: %w", what, err)
	case isOwn(err):
		return fmt.Errorf("%s: %w", what, err)
	case !errors.As(err, &e): // the driver's, the network's
		return fmt.Errorf("%s: %w", what, projections.ErrUnavailable)
	case e.Code == codeNoRoom:
		return fmt.Errorf("%s: %w: %w", what, projections.ErrNoRoom, &ServerError{e.Code})
	case passing(e.Code):
		return fmt.Errorf("%s: %w: %w", what, projections.ErrUnavailable, &ServerError{e.Code})
	}
	return fmt.Errorf("%s: %w", what, &ServerError{e.Code})
}

// isOwn tells errors that are not of a driver's call.
func isOwn(err error) bool {
	var s *ServerError
	var o *ownError
	for _, own := range [...]error{ErrForeign, ErrNewer, ErrRewound, ErrClosed, projections.ErrUnavailable, projections.ErrNoRoom, projections.ErrGap} {
		if errors.Is(err, own) {
			return true
		}
	}
	return errors.As(err, &s) || errors.As(err, &o)
}

// ownError marks an error that this package met while it built a batch.
type ownError struct{ error }

func (e *ownError) Unwrap() error { return e.error }

// errTimeout: the call's own deadline, not the caller's, has passed.
var errTimeout = errors.New("no answer in time")
