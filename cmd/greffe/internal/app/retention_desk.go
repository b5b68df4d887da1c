package app

import (
	"context"
	"errors"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/policy"
	domainretention "greffe/domain/retention"
	engine "greffe/eventstore/retention"
	"greffe/projections/retention"
	"greffe/projections/runs"
)

// retentionDesk implements httpapi.Retention.
type retentionDesk struct{ a *App }

// Rules implements httpapi.Retention.
func (d retentionDesk) Rules(ctx context.Context) (*httpapi.RetentionRules, error) {
	if err := d.a.upToDate(ctx, d.a.Clocks.Name(), d.a.Runs.Name()); err != nil {
		return nil, err
	}
	rules, version, err := d.a.Clocks.Rules(ctx)
	if err != nil {
		return nil, err
	}
	p, err := d.a.Ledger.PolicyVersion(ctx, version)
	if err != nil {
		return nil, err
	}
	out := &httpapi.RetentionRules{Policy: version, Hour: p.Bounds().RetentionHour}
	for _, r := range rules.List() {
		out.Items = append(out.Items, httpapi.RetentionRule{ID: r.ID, Class: r.Class, Purpose: r.Purpose, Kinds: r.Kinds, Phase: r.Phase, Condition: r.Condition,
			Start: r.Start, Length: r.Length.String(), Exit: r.Exit, Wait: period(r.Wait), Remind: period(r.Remind), Reference: r.Reference, Justification: r.Justification})
	}
	last, err := d.a.Runs.List(ctx, 0, 1)
	if err == nil && len(last) > 0 {
		out.Last, err = d.shown(ctx, &last[0])
	}
	return out, err
}

// period is "" for none.
func period(p policy.Period) string {
	if p == (policy.Period{}) {
		return ""
	}
	return p.String()
}

// Due implements httpapi.Retention.
func (d retentionDesk) Due(ctx context.Context, by time.Time, rule string, page httpapi.Page) (out httpapi.Found[httpapi.RetentionPerson], err error) {
	if err := d.a.upToDate(ctx, d.a.Clocks.Name()); err != nil {
		return out, err
	}
	asked, err := d.a.askedFor(ctx)
	if err != nil {
		return out, err
	}
	people, next, err := d.a.Clocks.Due(ctx, by, page.Cursor, page.Limit)
	if errors.Is(err, retention.ErrCursor) {
		err = errors.Join(httpapi.ErrCursor, err)
	}
	if err != nil {
		return out, err
	}
	out.Next = next
	for i := range people {
		p := &people[i]
		waits(p, asked)
		if rule != "" {
			p.Due, p.Ahead = ofRule(p.Due, rule), ofRule(p.Ahead, rule)
			if len(p.Due)+len(p.Ahead) == 0 {
				continue
			}
		}
		out.Items = append(out.Items, httpapi.RetentionPerson{SubjectID: p.Subjects[0], Merged: p.Subjects[1:], Due: exits(p.Due), Ahead: exits(p.Ahead)})
		out.Subjects = append(out.Subjects, p.Subjects...)
	}
	return out, nil
}

func ofRule(all []domainretention.Exit, rule string) []domainretention.Exit {
	return slices.DeleteFunc(slices.Clone(all), func(x domainretention.Exit) bool {
		w := engine.Work{Exits: []domainretention.Exit{x}}
		return !slices.Contains(w.Rules(), rule)
	})
}

func exits(all []domainretention.Exit) (out []httpapi.RetentionExit) {
	for i := range all {
		x := &all[i]
		w := engine.Work{Exits: all[i : i+1]}
		out = append(out, httpapi.RetentionExit{Action: string(x.Action), Classes: w.Classes(), Epochs: x.Epochs, Rules: w.Rules(), Purpose: x.Purpose,
			Since: x.Since, DueAt: x.DueAt, Until: x.Until, Reference: x.Legal, Kept: x.Kept, Held: x.Blocked})
	}
	return out
}

// Waiting implements httpapi.Retention.
func (d retentionDesk) Waiting(ctx context.Context, most int) (int, error) {
	people, _, err := d.a.Clocks.Due(ctx, engine.DayOf(d.a.cfg.Now()).AsOf(), "", most)
	return len(people), err
}

// Preview implements httpapi.Retention.
func (d retentionDesk) Preview(ctx context.Context, by time.Time) (*httpapi.RetentionPreview, error) {
	k, err := d.kind(ctx, by, 0)
	if err != nil {
		return nil, err
	}
	got, err := d.a.foreseen.previews.get(ctx, k, func(ctx context.Context) (httpapi.RetentionPreview, error) {
		p, err := d.a.PreviewRetention(ctx, by, nil)
		if err != nil {
			return httpapi.RetentionPreview{}, err
		}
		return *p, nil
	})
	if err != nil {
		return nil, err
	}
	out := got.value
	out.By, out.CountedAt, out.Counting = by, got.at, got.going
	return &out, nil
}

// PreviewRetention counts what a run would do, and calls fn, if there is one, for each
// person.
func (a *App) PreviewRetention(ctx context.Context, by time.Time, fn func(*retention.Person) error) (*httpapi.RetentionPreview, error) {
	if err := a.upToDate(ctx, a.Clocks.Name()); err != nil {
		return nil, err
	}
	asked, err := a.askedFor(ctx)
	if err != nil {
		return nil, err
	}
	out, counts := &httpapi.RetentionPreview{By: by}, map[httpapi.RetentionForeseen]int64{}
	for cursor := ""; ; {
		people, next, err := a.Clocks.Due(ctx, by, cursor, termPage)
		if err != nil {
			return nil, err
		}
		for i := range people {
			waits(&people[i], asked)
			foresee(out, counts, &people[i])
			if fn == nil {
				continue
			}
			if err := fn(&people[i]); err != nil {
				return nil, err
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	for c, n := range counts {
		c.Count = n
		out.Counts = append(out.Counts, c)
	}
	slices.SortFunc(out.Counts, func(a, b httpapi.RetentionForeseen) int {
		return slices.Compare([]string{a.Action, a.Class, a.Rule}, []string{b.Action, b.Class, b.Rule})
	})
	return out, nil
}

// waits marks what is due of a person of whom a request is open.
func waits(p *retention.Person, asked map[domain.ID][]domain.ID) {
	for _, id := range p.Subjects {
		stopped(p.Due, asked[id])
	}
}

func foresee(out *httpapi.RetentionPreview, counts map[httpapi.RetentionForeseen]int64, p *retention.Person) {
	held := false
	for _, x := range p.Due {
		held = held || len(x.Blocked) > 0
		counts[httpapi.RetentionForeseen{Action: string(x.Action), Class: x.Class, Rule: x.Rule}]++
	}
	if len(p.Due) > 0 {
		out.Persons++
	}
	if len(p.Ahead) > 0 {
		out.Ahead++
	}
	if held {
		out.Held++
	}
}

// shownWait bounds the look at a run after the time of who asked for it is over.
const shownWait = 5 * time.Second

// Start implements httpapi.Retention.
func (d retentionDesk) Start(ctx context.Context, actor domain.ID) (*httpapi.RetentionRun, error) {
	day := engine.DayOf(d.a.cfg.Now())
	ended := make(chan error, 1)
	d.a.beside(func(ctx context.Context) {
		_, err := d.a.Retain(ctx, day, actor, nil)
		if err != nil && !errors.Is(err, engine.ErrRunning) && ctx.Err() == nil {
			d.a.cfg.Logger.Error("a retention run was interrupted; it is taken up within the hour", "day", day, "error", err)
		}
		ended <- err
	})
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	if err != nil && !errors.Is(err, engine.ErrRunning) {
		return nil, err
	}
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), shownWait)
	defer cancel()
	id, err := d.a.terms.RunOf(day)
	if err != nil {
		return nil, err
	}
	r, err := d.Run(look, id)
	if errors.Is(err, httpapi.ErrNotFound) { // it waits for another node
		return &httpapi.RetentionRun{ID: id, Date: string(day), AsOf: day.AsOf(), State: "running"}, nil
	}
	return r, err
}

// Runs implements httpapi.Retention.
func (d retentionDesk) Runs(ctx context.Context, page httpapi.Page) (items []httpapi.RetentionRun, next string, err error) {
	pages := d.a.pages("retention/runs")
	below, err := pages.from(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := d.a.upToDate(ctx, d.a.Runs.Name()); err != nil {
		return nil, "", err
	}
	all, err := d.a.Runs.List(ctx, domain.Position(below), page.Limit)
	if err != nil {
		return nil, "", err
	}
	for i := range all {
		r, err := d.shown(ctx, &all[i])
		if err != nil {
			return nil, "", err
		}
		items = append(items, *r)
	}
	if len(all) == page.Limit {
		next = pages.at(uint64(all[len(all)-1].Position))
	}
	return items, next, nil
}

// Run implements httpapi.Retention.
func (d retentionDesk) Run(ctx context.Context, id domain.ID) (*httpapi.RetentionRun, error) {
	r, err := d.run(ctx, id)
	if err != nil {
		return nil, err
	}
	return d.shown(ctx, r)
}

func (d retentionDesk) run(ctx context.Context, id domain.ID) (*runs.Run, error) {
	if err := d.a.upToDate(ctx, d.a.Runs.Name()); err != nil {
		return nil, err
	}
	r, err := d.a.Runs.Get(ctx, id)
	if errors.Is(err, runs.ErrUnknown) {
		err = errors.Join(httpapi.ErrNotFound, err)
	}
	return r, err
}

func (d retentionDesk) shown(ctx context.Context, r *runs.Run) (*httpapi.RetentionRun, error) {
	out := &httpapi.RetentionRun{ID: r.ID, Date: r.Date, AsOf: r.AsOf, State: "running", Position: r.Position, Actor: present(r.Actor), Begun: r.Begun}
	if !r.Ended.IsZero() {
		c := engine.CountsOf(r.Counts)
		out.State, out.Ended, out.Report, out.Counts = "ended", r.Ended, present(r.Report), &c
	}
	tallies, err := d.a.Runs.Tallies(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for action, t := range tallies {
		out.Deeds = append(out.Deeds, httpapi.RetentionTally{Action: action, Count: t.Done, Pending: t.Pending})
	}
	slices.SortFunc(out.Deeds, func(a, b httpapi.RetentionTally) int { return slices.Compare([]string{a.Action}, []string{b.Action}) })
	return out, nil
}

// Report implements httpapi.Retention.
func (d retentionDesk) Report(ctx context.Context, id domain.ID, page httpapi.Page) (out httpapi.Found[httpapi.RetentionDeed], err error) {
	pages := d.a.pages("retention/report", id)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	if _, err := d.run(ctx, id); err != nil {
		return out, err
	}
	items, err := d.a.Runs.Items(ctx, id, domain.Position(from), page.Limit)
	if err != nil {
		return out, err
	}
	for i := range items {
		x := &items[i]
		out.Items = append(out.Items, httpapi.RetentionDeed{Position: x.Position, EventID: x.Event, SubjectID: present(x.Subject), Action: x.Action, Classes: x.Classes,
			Epochs: x.Epochs, Rules: x.Rules, DueAt: x.Due, At: x.At, Certificate: present(x.Certificate)})
		about(&out.Subjects, x.Subject)
	}
	if len(items) == page.Limit {
		out.Next = pages.at(uint64(items[len(items)-1].Position) + 1)
	}
	return out, nil
}
