package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
	engine "greffe/eventstore/retention"
	"greffe/projections/retention"
)

type retentionCmd struct {
	Plan   retentionPlanCmd   `cmd:"" help:"Say what a day's run would archive, ask, generalise, destroy or erase; change nothing."`
	Run    retentionRunCmd    `cmd:"" help:"Carry out today's run now, or take up one that was interrupted."`
	Report retentionReportCmd `cmd:"" help:"Say what a day's run did, with certificates."`
}

type retentionPlanCmd struct {
	Date string `help:"The day whose run is foreseen, such as 2027-03-01; today if left out." placeholder:"DATE"`
	List bool   `help:"Name the persons, by the ledger's ids; that is recorded."`
}

func (c *retentionPlanCmd) Run(sh *shell) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	day := engine.DayOf(time.Now())
	if c.Date != "" {
		if day, err = engine.ParseDay(c.Date); err != nil {
			return fmt.Errorf("--date: %w", err)
		}
	}
	var each func(*retention.Person) error
	list := &planList{sh: sh, record: a.Journal.Record}
	if c.List {
		each = list.add
	}
	p, err := a.PreviewRetention(sh.ctx, day.AsOf(), each)
	if err = errors.Join(err, list.flush()); err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(p)
	}
	return sh.printPlan(day, p)
}

// planList prints persons, some at a time, after the access to them is durable.
type planList struct {
	sh      *shell
	record  func(context.Context, access.Reading) (access.Receipt, error)
	persons []domain.ID
	lines   []string
}

func (l *planList) add(p *retention.Person) error {
	l.persons = append(l.persons, p.Subjects[0])
	for _, x := range p.Due {
		l.lines = append(l.lines, fmt.Sprintf("%s  %-10s  %s  %s  %s%s\n", p.Subjects[0], x.Action, x.DueAt.Format(time.DateOnly), x.Class, x.Rule, heldMark(len(x.Blocked))))
	}
	if len(l.persons) < access.MaxSubjects {
		return nil
	}
	return l.flush()
}

func (l *planList) flush() error {
	if len(l.persons) == 0 {
		return nil
	}
	if _, err := l.record(l.sh.ctx, access.Reading{Lens: disclosure.Whole(), Human: "operator of the machine", Action: "audit", Reason: "audit", Subjects: l.persons, Count: int64(len(l.persons))}); err != nil {
		return err
	}
	for _, line := range l.lines {
		if _, err := fmt.Fprint(l.sh.stdout, line); err != nil {
			return err
		}
	}
	l.persons, l.lines = nil, nil
	return nil
}

func heldMark(holds int) string {
	if holds > 0 {
		return "  held"
	}
	return ""
}

func (sh *shell) printPlan(day engine.Day, p *httpapi.RetentionPreview) error {
	for _, x := range p.Counts {
		if _, err := fmt.Fprintf(sh.stdout, "%8d  %-10s  %s  %s\n", x.Count, x.Action, x.Class, x.Rule); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(sh.stdout, "The run of %s would be about %d persons, %d of them held; %d are announced.\n", day, p.Persons, p.Held, p.Ahead)
	return err
}

type retentionRunCmd struct {
	Date string `help:"The day of a run that was begun and not ended; today if left out." placeholder:"DATE"`
}

func (c *retentionRunCmd) Run(sh *shell) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	today := engine.DayOf(time.Now())
	day := today
	if c.Date != "" {
		if day, err = engine.ParseDay(c.Date); err != nil {
			return fmt.Errorf("--date: %w", err)
		}
		if day.AsOf().After(today.AsOf()) {
			return errors.New("--date: that day has not come; greffe retention plan foresees it")
		}
	}
	bar := sh.progress("retention")
	out, err := a.Retain(sh.ctx, day, domain.ID{}, func(c engine.Counts) { bar.at(c.Persons, c.Persons) })
	bar.end()
	if err != nil {
		return err
	}
	if sh.cli.JSON {
		err = sh.printJSON(retentionRunJSON{out.Run, string(day), out.Again, out.Taken, out.Counts})
	} else if out.Again {
		_, err = fmt.Fprintf(sh.stdout, "The run of %s was ended before: %s. Nothing was done.\n", day, out.Run)
	} else {
		_, err = fmt.Fprintf(sh.stdout, "Run %s of %s: %s.\n", out.Run, day, countsText(out.Counts))
	}
	if err == nil && (out.Counts.Failed > 0 || out.Counts.Pending > 0) {
		err = errFindings
	}
	return err
}

// retentionRunJSON is what --json prints of a run.
type retentionRunJSON struct {
	ID     domain.ID     `json:"id"`
	Date   string        `json:"date"`
	Again  bool          `json:"ended_before"`
	Taken  bool          `json:"taken_up"`
	Counts engine.Counts `json:"counts"`
}

func countsText(c engine.Counts) string {
	return fmt.Sprintf("%d persons; %d archived, %d asked, %d generalised, %d destroyed, %d erased, %d held, %d files, %d failed, %d pending",
		c.Persons, c.Archived, c.Asked, c.Generalise, c.Destroyed, c.Erased, c.Held, c.Files, c.Failed, c.Pending)
}

type retentionReportCmd struct {
	Date string `arg:"" optional:"" help:"The day of the run; the latest if left out." placeholder:"DATE"`
	List bool   `help:"Name the persons, by the ledger's ids, with their certificates; that is recorded."`
}

func (c *retentionReportCmd) Run(sh *shell) (err error) {
	a, err := sh.opened()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	r, err := a.RetentionRun(sh.ctx, c.Date)
	if errors.Is(err, httpapi.ErrNotFound) {
		return errors.New("there was no run of that day; greffe retention run carries out today's")
	}
	if err != nil {
		return err
	}
	if sh.cli.JSON && !c.List {
		return sh.printJSON(r)
	}
	if c.List {
		record := func(ids []domain.ID) error {
			_, err := a.Journal.Record(sh.ctx, access.Reading{Lens: disclosure.Whole(), Human: "operator of the machine", Action: "audit", Reason: "audit", Subjects: ids, Count: int64(len(ids))})
			return err
		}
		if err := a.RetentionDeeds(sh.ctx, r.ID, record, sh.printDeed); err != nil {
			return err
		}
	}
	if sh.cli.JSON {
		return nil
	}
	text := r.State
	if r.Counts != nil {
		text = countsText(*r.Counts)
	}
	_, err = fmt.Fprintf(sh.stdout, "Run %s of %s: %s.\n", r.ID, r.Date, text)
	return err
}

func (sh *shell) printDeed(d *httpapi.RetentionDeed) error {
	if sh.cli.JSON {
		return sh.printJSON(d)
	}
	who, certificate := "-", "-"
	if d.SubjectID != nil {
		who = d.SubjectID.String()
	}
	if d.Certificate != nil {
		certificate = d.Certificate.String()
	}
	_, err := fmt.Fprintf(sh.stdout, "%s  %-10s  %s  %s  %s\n", who, d.Action, strings.Join(d.Classes, ","), strings.Join(d.Rules, ","), certificate)
	return err
}
