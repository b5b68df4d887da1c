package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	httpapi "greffe/api/http"
	exchange "greffe/api/register"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/domain/inspection"
	"greffe/domain/policy"
	"greffe/domain/register"
	"greffe/eventstore/access"
	"greffe/projections/cases"
)

// What a register's own files follow from: a controller's header, and its entries of
// templates.
const (
	useRegisterHeader   = "register/organisation"
	useRegisterTemplate = "register/template"
)

// registerDesk keeps the registers of art. 30, and the impact assessments of art. 35.
type registerDesk struct {
	a     *App
	files caseFiles
	usage *usageScan
}

func newRegisterDesk(a *App) *registerDesk {
	return &registerDesk{a, caseFiles{a}, new(usageScan)}
}

// Register is the desk for the command line.
func (a *App) Register() httpapi.Activities { return newRegisterDesk(a) }

// RegisterRead records that the operator of the machine reads the register.
func (a *App) RegisterRead(ctx context.Context, action string) (access.Receipt, error) {
	return a.Journal.Record(ctx, access.Reading{Lens: disclosure.Whole(), Action: action, Reason: "audit", Human: "operator of the machine", Categories: []string{classRequests}})
}

// controller is a code of the policy, its default for "".
func (d *registerDesk) controller(code string) (string, *policy.Policy, error) {
	p, _ := d.a.Ledger.Policy()
	if code == "" {
		code = p.DefaultController()
	}
	if !p.Controller(code) {
		return "", p, httpapi.ErrNotFound
	}
	return code, p, nil
}

// open is the summary of a file that stands at a revision and is not closed.
func (d *registerDesk) open(ctx context.Context, desk casefile.Desk, at httpapi.ActivityChange) (*casefile.Summary, error) {
	s, err := d.files.Summary(ctx, desk, at.ID)
	switch {
	case err != nil:
		return nil, err
	case !s.Closed.IsZero():
		return nil, fmt.Errorf("it has ended: %w", httpapi.ErrConflict)
	case s.Revision != at.Revision:
		return nil, fmt.Errorf("it has another revision; read it again: %w", httpapi.ErrConflict)
	}
	return s, nil
}

// write records a step, and says what the file is now.
func (d *registerDesk) write(ctx context.Context, draft casefile.Draft) (*httpapi.ActivityWritten, error) {
	w, err := d.files.Write(ctx, draft)
	if err != nil {
		return nil, err
	}
	out := &httpapi.ActivityWritten{ID: draft.Case, Revision: draft.Revision + 1, Position: w.Position}
	if draft.Case.IsZero() {
		out.ID, out.Revision = w.Event, 0
	}
	return out, nil
}

// Record implements httpapi.Activities.
func (d *registerDesk) Record(ctx context.Context, at httpapi.ActivityChange, e register.Entry) (*httpapi.ActivityWritten, error) {
	return d.record(ctx, at, &e, "", domain.ID{})
}

// record writes a state of an entry; id is of the file that it opens, if that follows
// from a template.
func (d *registerDesk) record(ctx context.Context, at httpapi.ActivityChange, e *register.Entry, template string, id domain.ID) (*httpapi.ActivityWritten, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	draft := casefile.Draft{Type: event.ActivityRecorded, Actor: at.Actor, ID: id}
	var err error
	if at.ID.IsZero() {
		draft.Controller, _, err = d.controller(at.Controller)
	} else {
		var s *casefile.Summary
		if s, err = d.entry(ctx, at); err == nil {
			if s.Kind != string(e.Role) {
				return nil, &register.FieldError{Field: "role"}
			}
			template = register.TemplateOf(s)
			draft.Case, draft.Revision, draft.Controller = s.Case, s.Revision, s.Controller
		}
	}
	if err != nil {
		return nil, err
	}
	draft.Codes = d.named(e).Codes(template)
	if draft.Fields, err = e.Fields(); err != nil {
		return nil, err
	}
	w, err := d.write(ctx, draft)
	if err == nil {
		w.Due = d.a.cfg.Now().AddDate(0, register.ReviewMonths, 0)
	}
	return w, err
}

// named is an entry with those links alone that the policy knows: what else somebody
// writes in their place is sealed with the rest, and a finding.
func (d *registerDesk) named(e *register.Entry) *register.Entry {
	p, _ := d.a.Ledger.Policy()
	out := *e
	out.Purposes = slices.DeleteFunc(slices.Clone(e.Purposes), func(code string) bool { return !p.Purpose(code) })
	out.Data = slices.Clone(e.Data)
	for i := range out.Data {
		out.Data[i].Classes = slices.DeleteFunc(slices.Clone(e.Data[i].Classes), func(code string) bool { return !p.HasClass(code) })
	}
	out.Recipients = slices.DeleteFunc(slices.Clone(e.Recipients), func(r register.Recipient) bool {
		_, known := p.Recipient(r.Code)
		return !known
	})
	return &out
}

// entry is open for what is an entry, not a header.
func (d *registerDesk) entry(ctx context.Context, at httpapi.ActivityChange) (*casefile.Summary, error) {
	s, err := d.open(ctx, casefile.Activity, at)
	if err == nil && s.Kind == register.KindOrganisation {
		return nil, httpapi.ErrNotFound
	}
	return s, err
}

// End implements httpapi.Activities.
func (d *registerDesk) End(ctx context.Context, at httpapi.ActivityChange, reason string) (*httpapi.ActivityWritten, error) {
	s, err := d.entry(ctx, at)
	if err != nil {
		return nil, err
	}
	return d.write(ctx, casefile.Draft{Type: event.ActivityEnded, Case: s.Case, Revision: s.Revision, Actor: at.Actor, Controller: s.Controller,
		Fields: []event.Field{inspection.Text(register.FieldReason, reason)}})
}

// List implements httpapi.Activities.
func (d *registerDesk) List(ctx context.Context, r access.Receipt, f httpapi.ActivityFilter, page httpapi.Page) (items []httpapi.ActivityItem, next string, err error) {
	q := cases.Filter{Desk: casefile.Activity, Kind: f.Role, Standing: map[string]string{"open": casefile.Open, "ended": casefile.Closed}[f.State]}
	if f.Purpose != "" {
		q.Mark = register.PurposeMark(f.Purpose)
	}
	all, next, err := d.files.List(ctx, q, false, page)
	if err != nil {
		return nil, "", err
	}
	for i := range all {
		if all[i].Kind == register.KindOrganisation || f.Controller != "" && f.Controller != all[i].Controller {
			continue
		}
		item, _, err := d.Get(ctx, r, all[i].Case)
		if err != nil {
			return nil, "", err
		}
		items = append(items, *item)
	}
	return items, next, nil
}

// Get implements httpapi.Activities.
func (d *registerDesk) Get(ctx context.Context, r access.Receipt, id domain.ID) (*httpapi.ActivityItem, []httpapi.ActivityState, error) {
	s, steps, err := d.files.Open(ctx, r, casefile.Activity, id)
	if err != nil {
		return nil, nil, err
	}
	if s.Kind == register.KindOrganisation {
		return nil, nil, httpapi.ErrNotFound
	}
	states, err := register.Read(steps)
	if err != nil {
		return nil, nil, fmt.Errorf("activity %s: %w", id, err)
	}
	item := &httpapi.ActivityItem{ID: id, Controller: s.Controller, Role: s.Kind, State: "open", Revision: s.Revision, Created: s.Opened,
		Updated: states[len(states)-1].Time, Review: s.Due, Ended: s.Closed, Template: register.TemplateOf(s), Entry: register.Latest(states)}
	if !s.Closed.IsZero() {
		item.State = "ended"
	}
	return item, history(states), nil
}

// history says of each state what it changed.
func history(states []register.State) (out []httpapi.ActivityState) {
	var last *register.Entry
	for i, st := range states {
		h := httpapi.ActivityState{Time: st.Time, Account: present(st.Actor), What: "changed", Reason: st.Reason, Entry: st.Entry}
		switch {
		case st.Ended:
			h.What = "ended"
		case i == 0:
			h.What = "recorded"
		}
		if st.Entry != nil {
			if last != nil {
				h.Changed = register.Changed(last, st.Entry)
			}
			last = st.Entry
		}
		out = append(out, h)
	}
	return out
}

// header is the id of the file of a controller's header.
func (d *registerDesk) header(controller string) (domain.ID, error) {
	return d.a.Ledger.Derived(useRegisterHeader, []byte(controller))
}

// Organisation implements httpapi.Activities.
func (d *registerDesk) Organisation(ctx context.Context, r access.Receipt, controller string) (*httpapi.OrganisationItem, error) {
	controller, _, err := d.controller(controller)
	if err != nil {
		return nil, err
	}
	id, err := d.header(controller)
	if err != nil {
		return nil, err
	}
	s, steps, err := d.files.Open(ctx, r, casefile.Activity, id)
	if err != nil {
		return nil, err
	}
	o, err := register.ReadOrganisation(steps)
	return &httpapi.OrganisationItem{Controller: controller, Revision: s.Revision, Updated: steps[len(steps)-1].Fact.Time.Time, Organisation: o}, err
}

// SetOrganisation implements httpapi.Activities.
func (d *registerDesk) SetOrganisation(ctx context.Context, at httpapi.ActivityChange, o register.Organisation) (*httpapi.ActivityWritten, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	controller, _, err := d.controller(at.Controller)
	if err != nil {
		return nil, err
	}
	draft := casefile.Draft{Type: event.ActivityRecorded, Actor: at.Actor, Controller: controller, Codes: o.Codes()}
	if draft.Fields, err = o.Fields(); err != nil {
		return nil, err
	}
	if draft.ID, err = d.header(controller); err != nil {
		return nil, err
	}
	at.ID = draft.ID
	switch s, err := d.open(ctx, casefile.Activity, at); {
	case errors.Is(err, httpapi.ErrNotFound) && at.Revision == 0:
	case err != nil:
		return nil, err
	default:
		draft.Case, draft.Revision, draft.ID = s.Case, s.Revision, domain.ID{}
	}
	return d.write(ctx, draft)
}

// Templates implements httpapi.Activities.
func (d *registerDesk) Templates(context.Context) ([]register.Template, error) {
	p, _ := d.a.Ledger.Policy()
	return register.Templates(p), nil
}

// Adopt implements httpapi.Activities. A template is adopted once for a controller,
// whoever asks.
func (d *registerDesk) Adopt(ctx context.Context, at httpapi.ActivityChange, templates []string) (out []httpapi.AdoptedTemplate, err error) {
	var p *policy.Policy
	if at.Controller, p, err = d.controller(at.Controller); err != nil {
		return nil, err
	}
	for _, name := range templates {
		t, ok := register.TemplateNamed(p, name)
		if !ok {
			return nil, fmt.Errorf("no template has this name: %w", &register.FieldError{Field: "templates"})
		}
		key, err := json.Marshal([]string{at.Controller, name})
		if err != nil {
			return nil, err
		}
		id, err := d.a.Ledger.Derived(useRegisterTemplate, key)
		if err != nil {
			return nil, err
		}
		status := "recorded"
		if _, err = d.files.Summary(ctx, casefile.Activity, id); err == nil {
			status = "known"
		} else if errors.Is(err, httpapi.ErrNotFound) {
			_, err = d.record(ctx, httpapi.ActivityChange{Actor: at.Actor, Controller: at.Controller}, &t.Entry, name, id)
			if errors.Is(err, httpapi.ErrConflict) {
				status, err = "known", nil
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, httpapi.AdoptedTemplate{Template: name, ID: id, Status: status})
	}
	return out, nil
}

// each calls fn for all entries of a controller, in the order in which they were
// recorded first.
func (d *registerDesk) each(ctx context.Context, r access.Receipt, controller string, fn func(*httpapi.ActivityItem, []httpapi.ActivityState) error) error {
	if err := d.files.current(ctx); err != nil {
		return err
	}
	all, err := d.a.Cases.List(ctx, cases.Filter{Desk: casefile.Activity})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s casefile.Summary) bool {
		return s.Kind == register.KindOrganisation || controller != "" && s.Controller != controller
	})
	for i := range all {
		item, states, err := d.Get(ctx, r, all[i].Case)
		if err != nil {
			return err
		}
		if err := fn(item, states); err != nil {
			return err
		}
	}
	return nil
}

// Book implements httpapi.Activities.
func (d *registerDesk) Book(ctx context.Context, r access.Receipt, controller string) (*exchange.Book, error) {
	controller, _, err := d.controller(controller)
	if err != nil {
		return nil, err
	}
	b := &exchange.Book{Controller: controller, Made: d.a.cfg.Now(), Rows: []exchange.Row{}}
	head, err := d.Organisation(ctx, r, controller)
	switch {
	case err == nil:
		b.Header = head.Organisation
	case !errors.Is(err, httpapi.ErrNotFound):
		return nil, err
	}
	err = d.each(ctx, r, controller, func(i *httpapi.ActivityItem, states []httpapi.ActivityState) error {
		if i.Entry == nil {
			return nil
		}
		b.Rows = append(b.Rows, exchange.Row{ID: i.ID, Created: i.Created, Updated: i.Updated, Ended: i.Ended, Entry: i.Entry})
		for _, s := range states {
			b.History = append(b.History, exchange.Change{ID: i.ID, Activity: i.Entry.Name, Time: s.Time, What: s.What, Columns: s.Changed})
		}
		return nil
	})
	slices.SortStableFunc(b.History, func(x, y exchange.Change) int { return x.Time.Compare(y.Time) })
	return b, err
}
