package httpapi

import (
	"context"
	"fmt"

	files "greffe/api/register"
	"greffe/domain"
	"greffe/domain/dpia"
	"greffe/domain/register"
	"greffe/eventstore/access"
)

// testActivities knows one activity and one impact assessment, under the id of the
// inspection, and gives out marked words, only against a receipt.
type testActivities struct{ data *testData }

func (t testActivities) opened(r access.Receipt, id domain.ID) error {
	if r.Event().IsZero() {
		return errNoReceipt
	}
	if id != anInspection {
		return ErrNotFound
	}
	return t.data.check(r)
}

func (t testActivities) changed(at ActivityChange) (*ActivityWritten, error) {
	switch {
	case at.Actor.IsZero():
		return nil, fmt.Errorf("nobody changes it")
	case !at.ID.IsZero() && at.ID != anInspection, at.Controller != "" && at.Controller != "acme":
		return nil, ErrNotFound
	case at.Revision > 1:
		return nil, ErrConflict
	}
	return &ActivityWritten{ID: anInspection, Revision: at.Revision + 1, Position: 7}, nil
}

func (t testActivities) entry() *register.Entry {
	return &register.Entry{Role: register.Controller, Reference: marker, Name: marker, Purpose: marker}
}

func (t testActivities) Record(_ context.Context, at ActivityChange, e register.Entry) (*ActivityWritten, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	return t.changed(at)
}

func (t testActivities) End(_ context.Context, at ActivityChange, _ string) (*ActivityWritten, error) {
	return t.changed(at)
}

func (t testActivities) List(_ context.Context, r access.Receipt, f ActivityFilter, p Page) ([]ActivityItem, string, error) {
	if p.Cursor != "" {
		return nil, "", ErrCursor
	}
	return []ActivityItem{{ID: anInspection, Controller: f.Controller, Role: f.Role, State: f.State, Entry: t.entry()}}, "more", t.opened(r, anInspection)
}

func (t testActivities) Get(_ context.Context, r access.Receipt, id domain.ID) (*ActivityItem, []ActivityState, error) {
	return &ActivityItem{ID: id, Entry: t.entry()}, []ActivityState{{What: "recorded", Entry: t.entry()}}, t.opened(r, id)
}

func (t testActivities) Organisation(_ context.Context, r access.Receipt, c string) (*OrganisationItem, error) {
	return &OrganisationItem{Controller: c, Organisation: &register.Organisation{Name: marker}}, t.opened(r, anInspection)
}

func (t testActivities) SetOrganisation(_ context.Context, at ActivityChange, o register.Organisation) (*ActivityWritten, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return t.changed(at)
}

func (t testActivities) Book(_ context.Context, r access.Receipt, c string) (*files.Book, error) {
	return &files.Book{Controller: c, Made: testNow, Rows: []files.Row{{ID: anInspection, Entry: t.entry()}}}, t.opened(r, anInspection)
}

func (t testActivities) Import(_ context.Context, r access.Receipt, at ActivityChange, rows []files.Row, dry bool) (*ImportedActivities, error) {
	out := &ImportedActivities{DryRun: dry}
	for i, row := range rows {
		out.Rows = append(out.Rows, ImportedActivity{Row: i + 1, Reference: row.Entry.Name, Status: string(row.Entry.Role)})
	}
	if _, err := t.changed(at); err != nil {
		return nil, err
	}
	return out, t.opened(r, anInspection)
}

func (t testActivities) Templates(context.Context) ([]register.Template, error) {
	return []register.Template{{Name: "ledger"}}, t.data.get().fail
}

func (t testActivities) Adopt(_ context.Context, at ActivityChange, names []string) (out []AdoptedTemplate, err error) {
	for _, n := range names {
		if n == marker {
			return nil, &register.FieldError{Field: "templates"}
		}
		out = append(out, AdoptedTemplate{n, anInspection, "recorded"})
	}
	_, err = t.changed(at)
	return out, err
}

func (t testActivities) Findings(_ context.Context, r access.Receipt) (*ActivityFindings, error) {
	return &ActivityFindings{Findings: []register.Finding{{Code: register.InUse, Name: marker}}}, t.opened(r, anInspection)
}

func (t testActivities) Triggers(context.Context) ([]dpia.Trigger, error) {
	return []dpia.Trigger{{Code: "enrichment", Criterion: dpia.Matching, Count: 2}}, t.data.get().fail
}

func (t testActivities) Screen(ctx context.Context, actor domain.ID, s dpia.Screening) (*ScreenedDPIA, error) {
	found, _ := t.Triggers(ctx)
	if err := s.Check(found, testNow); err != nil {
		return nil, err
	}
	w, err := t.changed(ActivityChange{Actor: actor})
	if err != nil {
		return nil, err
	}
	judged, rule := s.Judge()
	return &ScreenedDPIA{*w, s.Decision, judged, rule, s.Triggers}, nil
}

func (t testActivities) Document(_ context.Context, at ActivityChange, d dpia.Documenting) (*ActivityWritten, error) {
	if err := d.Check(testNow); err != nil {
		return nil, err
	}
	return t.changed(at)
}

func (t testActivities) CloseDPIA(_ context.Context, at ActivityChange, _ string) (*ActivityWritten, error) {
	return t.changed(at)
}

func (t testActivities) ListDPIAs(ctx context.Context, r access.Receipt, f DPIAFilter, p Page) ([]DPIAItem, string, error) {
	if p.Cursor != "" {
		return nil, "", ErrCursor
	}
	i, err := t.GetDPIA(ctx, r, anInspection)
	i.Decision, i.Overdue = f.Decision, f.Overdue
	return []DPIAItem{*i}, "", err
}

func (t testActivities) GetDPIA(_ context.Context, r access.Receipt, id domain.ID) (*DPIAItem, error) {
	return &DPIAItem{ID: id, Activity: anInspection, Steps: []DPIAStep{{What: "dpia.screened", Reasoning: &dpia.Reasoning{Words: marker}}}}, t.opened(r, id)
}
