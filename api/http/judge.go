package httpapi

import (
	"context"
	"slices"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/eventstore/access"
	"greffe/projections/decisions"
)

// judge decides, and records who asked about whom before an answer leaves: one access for
// up to 1,000 persons. It gives no data of theirs, so it needs no reason; one that is
// given is recorded, else the ledger's own.
func (a *API) judge(ctx context.Context, c *Call, checks []decisions.Check, known decisions.Known) ([]contactability.Decision, error) {
	decided, about, err := a.services.Contactability.Check(ctx, checks, known)
	if err != nil || len(checks) == 0 {
		return decided, err
	}
	persons := slices.Concat(about...)
	slices.SortFunc(persons, func(x, y domain.ID) int { return slices.Compare(x[:], y[:]) })
	persons = slices.Compact(persons)
	l, err := a.through(ctx, c, persons)
	if err != nil {
		return nil, err
	}
	if l.Confined() {
		confine(&l, decided, about)
	}
	if c.reason.Code == "" && c.checkReason() != nil {
		c.reason = auth.Reason{Code: event.ToDecide}
	}
	r := access.Reading{Action: event.Decides, Lens: l}
	if len(persons) == 0 {
		r.Count = int64(len(checks))
		return decided, a.asked(c, r)
	}
	for chunk := range slices.Chunk(persons, recordedChunk) {
		r.Subjects, r.Count = chunk, int64(len(chunk))
		if err := a.asked(c, r); err != nil {
			return nil, err
		}
	}
	return decided, nil
}

// confine answers who is kept to some contacts about all others as about nobody known,
// whether they are, objected, or never were. Of an address that others use too they
// forbid what they forbid, and are not named.
func confine(l *disclosure.Lens, decided []contactability.Decision, about [][]domain.ID) {
	for i := range decided {
		admits := func(s domain.ID) bool { return l.Admits(s) }
		switch {
		case !slices.ContainsFunc(about[i], admits):
			decided[i] = contactability.Decision{Rule: contactability.PersonUnknown}
		case slices.ContainsFunc(about[i], func(s domain.ID) bool { return !admits(s) }):
			decided[i].Evidence = nil
		}
	}
}

// asked makes durable who was asked about.
func (a *API) asked(c *Call, r access.Reading) error {
	_, err := a.written(c, r)
	a.counted(err)
	return err
}
