package httpapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/access"
)

// errJournalPanicked says so without what it said.
var errJournalPanicked = errors.New("the access journal panicked")

// record makes one access durable, if the caller's quota of persons leaves room, and
// counts whether it could.
func (a *API) record(c *Call, r access.Reading) (access.Receipt, error) {
	if err := a.services.Watch.Allow(c.Context(), c.principal.Account, c.principal.Roles, r); err != nil {
		return access.Receipt{}, err
	}
	receipt, err := a.export(c, r)
	a.counted(err)
	return receipt, err
}

func (a *API) counted(err error) {
	outcome := "recorded"
	if err != nil {
		outcome = "failed"
	}
	a.metrics.accesses.WithLabelValues(outcome).Inc()
}

// makeDurable records one access to what the caller may be shown.
func (a *API) makeDurable(c *Call, r access.Reading) (access.Receipt, error) {
	if err := a.services.Copies.Readable(); err != nil {
		return access.Receipt{}, err
	}
	if err := a.disclose(c.Context(), c, &r); err != nil {
		return access.Receipt{}, err
	}
	return a.written(c, r)
}

// written records one access, or fails with access_not_recorded. It does not depend on
// the client staying: a caller that hangs up after the journal wrote has been recorded. A journal that does not answer in time has failed.
func (a *API) written(c *Call, r access.Reading) (access.Receipt, error) {
	r.Account, r.Human = c.principal.Account, c.human
	r.Reason, r.Ticket, r.Defaulted = c.reason.Code, c.reason.Ticket, c.reason.Defaulted
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), c.within(a.cfg.RecordTimeout))
	defer cancel()
	type outcome struct {
		receipt access.Receipt
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{err: errJournalPanicked}
		defer func() {
			if v := recover(); v != nil {
				o = outcome{err: fmt.Errorf("%w with a %T", errJournalPanicked, v)}
			}
			done <- o
		}()
		o.receipt, o.err = a.services.Journal.Record(ctx, r)
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return access.Receipt{}, problem.Because(problem.AccessNotRecorded, o.err)
		}
		return o.receipt, nil
	case <-ctx.Done():
		return access.Receipt{}, problem.Because(problem.AccessNotRecorded, ctx.Err())
	}
}

// recordAll records an access to any number of people, at most 1,000 in each
// event; an answer about nobody is recorded too.
func (a *API) recordAll(c *Call, r access.Reading, subjects []domain.ID, rows int) error {
	if len(subjects) == 0 {
		r.Count = int64(rows)
		_, err := a.record(c, r)
		return err
	}
	for chunk := range slices.Chunk(subjects, recordedChunk) {
		r.Subjects, r.Count = chunk, int64(len(chunk))
		if _, err := a.record(c, r); err != nil {
			return err
		}
	}
	return nil
}
