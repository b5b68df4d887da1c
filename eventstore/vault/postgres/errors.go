package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// What the server's own checks answer with (schema.go, refuse).
const (
	codeExists     = "GR001"
	codeStale      = "GR002"
	codeRetoken    = "GR003"
	codeFenced     = "GR004"
	codeGeneration = "GR005"
	codeTokens     = "GR006"
)

var refusals = map[string]error{
	codeExists: vault.ErrExists, codeStale: vault.ErrStale, codeRetoken: vault.ErrRetoken,
	codeFenced: vault.ErrFenced, codeGeneration: vault.ErrGeneration, codeTokens: vault.ErrTokens,
}

// fault is an error in the port's terms. It carries nothing of the error of the driver
// or the server but its code: those quote statements, key values and addresses.
type fault struct {
	err   error
	again bool // nothing was committed, and another try may do better
	lost  bool // the connection is of no more use
}

// own marks an error that a step of ours ended with: it is passed on as it is.
type own struct{ error }

func (o own) Unwrap() error { return o.error }

// classify names an error of a step. What comes of a statement that the server
// answered with an error is not committed; what comes of the connection is unknown.
func classify(err error) fault {
	var ours own
	if errors.As(err, &ours) {
		return fault{err: ours.error}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return ofServer(pg)
	}
	var scan pgx.ScanArgError
	if errors.As(err, &scan) {
		return fault{err: errDamaged.error}
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return fault{err: fmt.Errorf("not committed: %w: cannot connect%s", vault.ErrUnavailable, reason(err)), lost: true}
	}
	if pgconn.SafeToRetry(err) {
		return fault{err: fmt.Errorf("not committed: %w%s", vault.ErrUnavailable, reason(err)), lost: true, again: true}
	}
	return fault{err: fmt.Errorf("outcome unknown: %w: the connection was lost%s", vault.ErrUnavailable, reason(err)), lost: true}
}

func ofServer(pg *pgconn.PgError) fault {
	state := "SQLSTATE " + pg.Code
	if known := refusals[pg.Code]; known != nil {
		return fault{err: fmt.Errorf("not committed: %w", known)}
	}
	switch pg.Code {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock timeout
		return fault{err: fmt.Errorf("not committed: %w: others hold what is needed (%s)", vault.ErrUnavailable, state), again: true}
	case "53100":
		return fault{err: fmt.Errorf("not committed: %w (%s)", vault.ErrFull, state)}
	case "57014": // the server's statement_timeout, or a cancellation that came late
		return fault{err: fmt.Errorf("not committed: %w: a statement took too long (%s)", vault.ErrUnavailable, state)}
	case "42P01", "42883", "3F000": // an import puts the vault's tables elsewhere
		return fault{err: fmt.Errorf("not committed: %w (%s)", transfer.ErrPartial, state)}
	case "42501":
		return fault{err: fmt.Errorf("not committed: the role lacks a privilege; the package's doc names them (%s)", state)}
	case "0A000": // a cached plan that no longer fits; the next try plans anew
		return fault{err: fmt.Errorf("not committed: %w (%s)", vault.ErrUnavailable, state), again: true}
	case "25006": // connected to a standby
		return fault{err: fmt.Errorf("not committed: %w: the server takes no writes (%s)", vault.ErrUnavailable, state), lost: true, again: true}
	case "57P01", "57P02": // the server goes down; a commit may have been under way
		return fault{err: fmt.Errorf("outcome unknown: %w: the server ends (%s)", vault.ErrUnavailable, state), lost: true}
	case "57P03", "57P05", "25P03", "25P04":
		return fault{err: fmt.Errorf("not committed: %w (%s)", vault.ErrUnavailable, state), lost: true}
	}
	switch {
	case strings.HasPrefix(pg.Code, "08"):
		return fault{err: fmt.Errorf("outcome unknown: %w (%s)", vault.ErrUnavailable, state), lost: true}
	case strings.HasPrefix(pg.Code, "28"), strings.HasPrefix(pg.Code, "53"):
		return fault{err: fmt.Errorf("not committed: %w (%s)", vault.ErrUnavailable, state), lost: true}
	case strings.HasPrefix(pg.Code, "XX"):
		return fault{err: fmt.Errorf("%w: the server reports damage (%s)", vault.ErrFailed, state)}
	}
	return fault{err: fmt.Errorf("not committed: the server refused (%s)", state)}
}

// reason is what may be said of why a connection failed: the server's code, the
// system's word, or that time ran out.
func reason(err error) string {
	var pg *pgconn.PgError
	var number syscall.Errno
	switch {
	case errors.As(err, &pg):
		return " (SQLSTATE " + pg.Code + ")"
	case errors.As(err, &number):
		return " (" + number.Error() + ")"
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return " (no answer in time)"
	}
	return ""
}
