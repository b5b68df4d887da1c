package httpapi

import (
	"errors"

	"greffe/api/problem"
	"greffe/domain/contact"
	"greffe/domain/cursor"
	"greffe/domain/policy"
	"greffe/eventstore"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
	"greffe/projections"
	"greffe/projections/dossier"
)

// classify gives the errors of the services their codes.
func classify(err error) error {
	var p *problem.Error
	var lines policy.Errors
	if errors.As(err, &p) {
		return p
	}
	if errors.As(err, &lines) {
		return policyProblem(lines)
	}
	var erased *contact.ErasedError
	if errors.As(err, &erased) {
		return &problem.Error{Code: problem.Erased, Order: erased.By.String(), Cause: err}
	}
	for _, k := range []struct {
		target error
		code   problem.Code
	}{
		{access.ErrNotRecorded, problem.AccessNotRecorded},
		{access.ErrNotCovered, problem.AccessNotRecorded},
		{ErrNotFound, problem.NotFound},
		{ledger.ErrErased, problem.Erased},
		{access.ErrGone, problem.Erased},
		{access.ErrArchived, problem.PermissionMissing},
		{access.ErrWithheld, problem.DisclosurePartial},
		{ledger.ErrHeld, problem.Held},
		{ledger.ErrNoHold, problem.NotFound},
		{dossier.ErrUnknown, problem.NotFound},
		{dossier.ErrLarge, problem.Unavailable},
		{ledger.ErrNotHeld, problem.NotFound},
		{ErrConflict, problem.Conflict},
		{ErrStale, problem.Stale},
		{ErrHalted, problem.Unavailable},
		{ErrCursor, problem.CursorInvalid},
		{cursor.ErrNotCursor, problem.CursorInvalid},
		{cursor.ErrOtherQuery, problem.CursorInvalid},
		{projections.ErrStopped, problem.Unavailable},
		{ledger.ErrBusy, problem.Busy},
		{ledger.ErrUnavailable, problem.Unavailable},
		{vault.ErrUnavailable, problem.Unavailable},
		{ledger.ErrFenced, problem.Unavailable},
		{ledger.ErrPublished, problem.Conflict},
		{ledger.ErrFull, problem.StorageFull},
		{vault.ErrFull, problem.StorageFull},
		{ledger.ErrUnknown, problem.StateUnknown},
		{ledger.ErrStopped, problem.StateUnknown},
		{eventstore.ErrFailed, problem.StateUnknown},
		{eventstore.ErrClosed, problem.Unavailable},
		{vault.ErrClosed, problem.Unavailable},
		{eventstore.ErrUnavailable, problem.Unavailable},
		{projections.ErrUnavailable, problem.Unavailable},
	} {
		if errors.Is(err, k.target) {
			return problem.Because(k.code, err)
		}
	}
	var halt *projections.HaltError
	if errors.As(err, &halt) {
		return problem.Because(problem.Unavailable, err)
	}
	return err
}

func policyProblem(lines policy.Errors) *problem.Error {
	e := problem.New(problem.PolicyInvalid)
	for _, l := range lines {
		e.Lines = append(e.Lines, problem.Line{Line: l.Line, Column: l.Column, Path: l.Path, Message: l.Message})
	}
	return e
}
