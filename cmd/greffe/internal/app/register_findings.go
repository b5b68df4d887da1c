package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/dpia"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/domain/register"
	"greffe/eventstore/access"
	"greffe/projections/cases"
)

// usageScan folds the log into what it shows to be done. Each look goes on where the
// last one ended, so that only the first reads everything; nothing of it outlives the
// process. Its memory is that of the codes there are.
type usageScan struct {
	mu    sync.Mutex
	below domain.Position
	main  string
	u     *register.Usage
}

// upTo is the usage below the log's head, which it gives too.
func (s *usageScan) upTo(ctx context.Context, a *App, p *policy.Policy) (*register.Usage, domain.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.u == nil || s.main != p.DefaultController() {
		s.main, s.below, s.u = p.DefaultController(), 0, register.NewUsage(p.DefaultController())
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return nil, 0, err
	}
	err = a.log.Read(ctx, s.below, head, func(at domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err != nil {
			return fmt.Errorf("fact at position %d: %w", at, err)
		}
		s.u.Add(f)
		s.below = at + 1
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("what the facts show: %w", err)
	}
	return s.u.Clone(), head, nil
}

// observed is what is done: by the facts, of how many persons, and the signs of use that
// it shows.
type observed struct {
	policy   *policy.Policy
	version  int64
	usage    *register.Usage
	below    domain.Position
	persons  int64
	triggers []dpia.Trigger
}

func (d *registerDesk) observe(ctx context.Context) (*observed, error) {
	var o observed
	o.policy, o.version = d.a.Ledger.Policy()
	if err := d.a.upToDate(ctx, d.a.Index.Name()); err != nil {
		return nil, err
	}
	totals, err := d.a.Index.Totals(ctx)
	if err != nil {
		return nil, err
	}
	o.persons = totals.Subjects
	if o.usage, o.below, err = d.usage.upTo(ctx, d.a, o.policy); err != nil {
		return nil, err
	}
	o.triggers = dpia.Triggers(o.usage, o.policy, o.persons)
	return &o, nil
}

// Triggers implements httpapi.DPIAs.
func (d *registerDesk) Triggers(ctx context.Context) ([]dpia.Trigger, error) {
	o, err := d.observe(ctx)
	if err != nil {
		return nil, err
	}
	return o.triggers, nil
}

// Findings implements httpapi.Activities.
func (d *registerDesk) Findings(ctx context.Context, r access.Receipt) (*httpapi.ActivityFindings, error) {
	o, err := d.observe(ctx)
	if err != nil {
		return nil, err
	}
	in := register.Input{Policy: o.policy, Usage: o.usage, Headers: map[string]*register.Organisation{}, Now: d.a.cfg.Now()}
	for _, t := range o.triggers {
		in.Triggers = append(in.Triggers, register.Trigger{Code: t.Code, Facts: t.Count, Last: t.Last})
	}
	for _, c := range o.policy.Controllers() {
		head, err := d.Organisation(ctx, r, c.Code)
		switch {
		case err == nil:
			in.Headers[c.Code] = head.Organisation
		case !errors.Is(err, httpapi.ErrNotFound):
			return nil, err
		}
	}
	screened, err := d.screenings(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.each(ctx, r, "", func(i *httpapi.ActivityItem, _ []httpapi.ActivityState) error {
		if i.State == "open" {
			in.Items = append(in.Items, register.Item{ID: i.ID, Controller: i.Controller, Template: i.Template, Due: i.Review, Entry: i.Entry, Screening: screened[i.ID]})
		}
		return nil
	}); err != nil {
		return nil, err
	}
	out := &httpapi.ActivityFindings{Policy: o.version, Known: o.below, Facts: o.usage.Facts, Persons: o.persons, Activities: len(in.Items),
		Triggers: o.triggers, Findings: register.Findings(in)}
	if out.Triggers == nil {
		out.Triggers = []dpia.Trigger{}
	}
	if out.Findings == nil {
		out.Findings = []register.Finding{}
	}
	return out, nil
}

// screenings are the last decisions on an impact assessment, by activity; one that was
// closed for another reason than that none is required does not count.
func (d *registerDesk) screenings(ctx context.Context) (map[domain.ID]*register.Screening, error) {
	if err := d.files.current(ctx); err != nil {
		return nil, err
	}
	all, err := d.a.Cases.List(ctx, cases.Filter{Desk: casefile.DPIA})
	if err != nil {
		return nil, err
	}
	out := map[domain.ID]*register.Screening{}
	for i := range all {
		if s := &all[i]; s.Status != casefile.Closed {
			out[dpia.ActivityOf(s)] = &register.Screening{Required: s.Kind == dpia.Required, Settled: s.Status == dpia.Documented, Triggers: dpia.TriggersOf(s)}
		}
	}
	return out, nil
}
