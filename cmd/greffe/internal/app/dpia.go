package app

import (
	"context"
	"errors"
	"fmt"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/dpia"
	"greffe/domain/event"
	"greffe/domain/inspection"
	"greffe/domain/register"
	"greffe/eventstore/access"
	"greffe/projections/cases"
)

// Screen implements httpapi.DPIAs: a decision about an entry of the register that is
// open, on the signs of use that are found at this moment.
func (d *registerDesk) Screen(ctx context.Context, actor domain.ID, s dpia.Screening) (*httpapi.ScreenedDPIA, error) {
	o, err := d.observe(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Check(o.triggers, d.a.cfg.Now()); err != nil {
		return nil, err
	}
	about, err := d.files.Summary(ctx, casefile.Activity, s.Activity)
	switch {
	case errors.Is(err, httpapi.ErrNotFound), err == nil && about.Kind == register.KindOrganisation:
		return nil, &dpia.FieldError{Field: "activity_id"}
	case err != nil:
		return nil, err
	case !about.Closed.IsZero():
		return nil, fmt.Errorf("the activity has ended: %w", httpapi.ErrConflict)
	}
	draft := casefile.Draft{Type: event.DPIAScreened, Actor: actor, Controller: about.Controller, Codes: s.Codes()}
	if draft.Fields, err = s.Fields(); err != nil {
		return nil, err
	}
	w, err := d.write(ctx, draft)
	if err != nil {
		return nil, err
	}
	w.Due = s.Due
	judged, rule := s.Judge()
	return &httpapi.ScreenedDPIA{ActivityWritten: *w, Decision: s.Decision, Judged: judged, Rule: rule, Triggers: s.Triggers}, nil
}

// Document implements httpapi.DPIAs.
func (d *registerDesk) Document(ctx context.Context, at httpapi.ActivityChange, x dpia.Documenting) (*httpapi.ActivityWritten, error) {
	if err := x.Check(d.a.cfg.Now()); err != nil {
		return nil, err
	}
	fields, err := x.Fields()
	if err != nil {
		return nil, err
	}
	return d.assess(ctx, at, casefile.Draft{Type: event.DPIADocumented, Codes: x.Codes(), Fields: fields})
}

// CloseDPIA implements httpapi.DPIAs.
func (d *registerDesk) CloseDPIA(ctx context.Context, at httpapi.ActivityChange, reason string) (*httpapi.ActivityWritten, error) {
	return d.assess(ctx, at, casefile.Draft{Type: event.DPIAClosed, Fields: []event.Field{inspection.Text(dpia.FieldReason, reason)}})
}

// assess writes a further step of an open file.
func (d *registerDesk) assess(ctx context.Context, at httpapi.ActivityChange, draft casefile.Draft) (*httpapi.ActivityWritten, error) {
	s, err := d.open(ctx, casefile.DPIA, at)
	if err != nil {
		return nil, err
	}
	draft.Case, draft.Revision, draft.Actor, draft.Controller = s.Case, s.Revision, at.Actor, s.Controller
	w, err := d.write(ctx, draft)
	if err != nil {
		return nil, err
	}
	if s, err = d.files.Summary(ctx, casefile.DPIA, at.ID); err != nil {
		return nil, fmt.Errorf("it is recorded; what is due now cannot be told: %w", err)
	}
	w.Due = s.Due
	return w, nil
}

// ListDPIAs implements httpapi.DPIAs.
func (d *registerDesk) ListDPIAs(ctx context.Context, r access.Receipt, f httpapi.DPIAFilter, page httpapi.Page) (items []httpapi.DPIAItem, next string, err error) {
	q := cases.Filter{Desk: casefile.DPIA, Kind: f.Decision}
	if !f.Activity.IsZero() {
		q.Mark = dpia.ActivityMark(f.Activity)
	}
	all, next, err := d.files.List(ctx, q, f.Overdue, page)
	if err != nil {
		return nil, "", err
	}
	for i := range all {
		item, err := d.GetDPIA(ctx, r, all[i].Case)
		if err != nil {
			return nil, "", err
		}
		items = append(items, *item)
	}
	return items, next, nil
}

// GetDPIA implements httpapi.DPIAs.
func (d *registerDesk) GetDPIA(ctx context.Context, r access.Receipt, id domain.ID) (*httpapi.DPIAItem, error) {
	s, opened, err := d.files.Open(ctx, r, casefile.DPIA, id)
	if err != nil {
		return nil, err
	}
	steps, err := dpia.Read(opened)
	if err != nil {
		return nil, fmt.Errorf("impact assessment %s: %w", id, err)
	}
	item := &httpapi.DPIAItem{ID: id, Activity: dpia.ActivityOf(s), Decision: s.Kind, State: s.Status, Revision: s.Revision, Opened: s.Opened, Due: s.Due,
		Overdue: s.Overdue(d.a.cfg.Now()), Closed: s.Closed, Triggers: dpia.TriggersOf(s)}
	for i := range steps {
		item.Steps = append(item.Steps, dpiaStep(&steps[i]))
	}
	return item, nil
}

func dpiaStep(s *dpia.Step) httpapi.DPIAStep {
	out := httpapi.DPIAStep{Time: s.Time, Account: present(s.Actor), What: string(s.Type), Judged: s.Judged, Rule: s.Rule, Reason: s.Reason}
	if x := s.Screening; x != nil {
		out.Criteria, out.Mandatory, out.Exempt = x.Criteria, x.Mandatory, x.Exempt
		if !s.Gone {
			out.Reasoning = &x.Reasoning
		}
	}
	if x := s.Document; x != nil {
		out.ResidualHigh, out.Implemented = x.ResidualHigh, x.Implemented
		if !s.Gone {
			out.Document = &x.Document
		}
	}
	return out
}
