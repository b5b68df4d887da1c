package app

import (
	"context"
	"errors"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/rights"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
)

// nothingHeld is nil if it may be said of a request that nothing is held about whom it
// is about (art. 12(4), 15(1)); else a rights.StateError: somebody is known, by the
// request or by an address that it gives, and has to be identified first.
func (d requestDesk) nothingHeld(ctx context.Context, s *casefile.Summary) error {
	if !s.Subject.IsZero() {
		err := erasures(d).there(ctx, s.Subject)
		switch {
		case errors.Is(err, ledger.ErrErased), errors.Is(err, httpapi.ErrNotFound):
			return nil
		case err == nil:
			err = &rights.StateError{Lacks: string(rights.IsHeld)}
		}
		return err
	}
	if len(rights.OpenTasks(s)) > 0 {
		return &rights.StateError{Lacks: string(rights.TasksOpen)}
	}
	held, err := d.addressHeld(ctx, s.Case)
	if err == nil && held {
		err = &rights.StateError{Lacks: string(rights.NotVerified)}
	}
	return err
}

// addressHeld reports that somebody has an address which a request gives. Nothing of
// anybody leaves by it, so no access is recorded.
func (d requestDesk) addressHeld(ctx context.Context, id domain.ID) (held bool, err error) {
	if err := d.a.upToDate(ctx, d.a.CRM.Name()); err != nil {
		return false, err
	}
	_, at, err := caseFiles(d).steps(ctx, casefile.Request, id)
	if err != nil {
		return false, err
	}
	var all []casefile.Step
	if err := caseFiles(d).open(ctx, d.a.forItself, at, func(step casefile.Step) error {
		all = append(all, rights.Light(step))
		return nil
	}); err != nil {
		return false, err
	}
	q, err := rights.Read(&casefile.Summary{Case: id, Desk: casefile.Request}, all)
	if err != nil {
		return false, err
	}
	for kind, address := range map[token.Kind]string{token.KindEmail: q.Person.Email, token.KindPhone: q.Person.Phone} {
		normal, _ := ledger.Normal(kind, address) // what is no valid address is indexed too
		if normal == "" {
			continue
		}
		if held, err = d.anybody(ctx, kind, d.a.Ledger.Peppers().Search(kind, normal)); held || err != nil {
			return held, err
		}
	}
	return false, nil
}

func (d requestDesk) anybody(ctx context.Context, kind token.Kind, t token.Token) (bool, error) {
	ids, _, err := d.a.CRM.Find(ctx, kind, t, 0, 1)
	return len(ids) > 0, err
}
