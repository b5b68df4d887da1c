package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	rules "greffe/domain/minimisation"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections/minimisation"
)

// auditing is the minimisation audit that runs beside the requests, one at a time.
type auditing struct {
	mu          sync.Mutex
	running     bool
	done, total int64
	atOnce      int64  // persons that one pass looks at; zero: personsAtOnce
	failed      string // why the last one of this process could not look at everything
}

// minimisationFile holds what the last audit of this node found.
const minimisationFile = "minimisation.findings"

func (a *App) minimisationPath() string { return filepath.Join(a.cfg.Data, minimisationFile) }

func (m *auditing) begin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		return false
	}
	m.running, m.done, m.total, m.failed = true, 0, 0, ""
	return true
}

func (m *auditing) at(done, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done, m.total = done, total
}

func (m *auditing) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running = false; err != nil {
		m.failed = err.Error()
	}
}

// minimisationDesk is the desk of the API.
type minimisationDesk struct{ a *App }

// Concerned implements httpapi.Minimisation.
func (d minimisationDesk) Concerned(ctx context.Context) (classes []string, persons int64, err error) {
	t, err := d.a.Index.Totals(ctx)
	return d.a.commented(), t.Subjects, err
}

// commented are the classes of the policy's free texts about persons.
func (a *App) commented() []string {
	p, _ := a.Ledger.Policy()
	var out []string
	for _, f := range p.Fields() {
		if f.FreeText && f.Class != "access" {
			out = append(out, f.Class)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Start implements httpapi.Minimisation.
func (d minimisationDesk) Start(_ context.Context, r access.Receipt, actor domain.ID) error {
	if r.Event().IsZero() {
		return access.ErrNotCovered
	}
	if !d.a.audits.begin() {
		return fmt.Errorf("an audit runs already; its state is at GET /v1/minimisation: %w", httpapi.ErrConflict)
	}
	d.a.beside(func(ctx context.Context) {
		report, err := d.a.minimisationAudit(ctx, actor, d.a.audits.at)
		if d.a.audits.end(err); err != nil {
			if ctx.Err() == nil {
				d.a.cfg.Logger.Error("the minimisation audit could not look at everything", "error", err)
			}
			return
		}
		d.a.cfg.Logger.Info("minimisation audited", "findings", report.Findings, "persons", report.Persons)
	})
	return nil
}

// State implements httpapi.Minimisation.
func (d minimisationDesk) State(context.Context) (*httpapi.MinimisationState, error) {
	m := &d.a.audits
	m.mu.Lock()
	out := &httpapi.MinimisationState{Running: m.running, Done: m.done, Total: m.total, Failed: m.failed}
	m.mu.Unlock()
	last, err := minimisation.Open(d.a.minimisationPath())
	if errors.Is(err, minimisation.ErrNone) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	report := last.Report()
	out.Last = &report
	return out, last.Close()
}

// Findings implements httpapi.Minimisation.
func (d minimisationDesk) Findings(ctx context.Context, kind rules.Kind, detail string, page httpapi.Page) (out httpapi.Found[httpapi.MinimisationFinding], err error) {
	last, err := minimisation.Open(d.a.minimisationPath())
	if errors.Is(err, minimisation.ErrNone) {
		return out, errors.Join(httpapi.ErrNotFound, err)
	}
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, last.Close()) }()
	pages := d.a.pages("minimisation", kind, detail, last.Report().Started)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	found, next, err := last.List(kind, detail, int64(from), page.Limit)
	if err != nil {
		return out, err
	}
	for i := range found {
		f := &found[i]
		if !f.Subject.IsZero() {
			switch _, _, erased, err := d.a.Notices.Erased(ctx, f.Subject); {
			case err != nil:
				return out, err
			case erased:
				continue
			}
		}
		out.Items = append(out.Items, httpapi.MinimisationFinding{Kind: f.Kind, Subject: present(f.Subject), Event: present(f.Event), Position: f.Position, Detail: f.Detail})
		about(&out.Subjects, f.Subject)
	}
	out.Next = pages.at(uint64(next))
	return out, nil
}

// AuditMinimisation looks at everything that is held, for the command line, and
// records what it found in counts. reading says who looks and why.
func (a *App) AuditMinimisation(ctx context.Context, reading access.Reading, progress func(done, total int64)) (*rules.AuditReport, error) {
	classes, persons, err := minimisationDesk{a}.Concerned(ctx)
	if err != nil {
		return nil, err
	}
	reading.Action, reading.Categories, reading.Count = "search", classes, persons
	if _, err := a.Journal.Record(ctx, reading); err != nil {
		return nil, err
	}
	if !a.audits.begin() {
		return nil, httpapi.ErrConflict
	}
	report, err := a.minimisationAudit(ctx, reading.Account, progress)
	a.audits.end(err)
	return report, err
}

// MinimisationFindings lists what the last audit of this node found, for the command
// line.
func (a *App) MinimisationFindings(ctx context.Context, kind rules.Kind, page httpapi.Page) (httpapi.Found[httpapi.MinimisationFinding], error) {
	return minimisationDesk{a}.Findings(ctx, kind, "", page)
}

// minimisationAudit makes the findings' file and records minimisation.audited. The
// access to the comments was recorded before.
func (a *App) minimisationAudit(ctx context.Context, actor domain.ID, progress func(done, total int64)) (report *rules.AuditReport, err error) {
	out, err := minimisation.Create(a.minimisationPath())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("minimisation audit: %w", err), out.Abort())
		}
	}()
	l, err := a.newLook(ctx, out.Add)
	if err != nil {
		return nil, err
	}
	if err := l.everything(ctx, progress); err != nil {
		return nil, err
	}
	report = &l.report
	report.Ended = a.cfg.Now().UTC()
	w, err := a.Ledger.WriteUnder(ctx, under(ctx), []ledger.Own{{Type: event.MinimisationAudited, Actor: actor, Codes: report.Codes()}})
	if err != nil {
		return nil, err
	}
	report.Recorded = w[0].Position
	if err := out.Close(report); err != nil {
		return nil, fmt.Errorf("the audit is recorded, its list is not: %w", err)
	}
	return report, nil
}
