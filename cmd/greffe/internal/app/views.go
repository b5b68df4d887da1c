package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	engine "greffe/eventstore/retention"
	"greffe/projections"
	"greffe/projections/accounts"
	"greffe/projections/approvals"
	"greffe/projections/audit"
	"greffe/projections/cases"
	"greffe/projections/completeness"
	"greffe/projections/crm"
	"greffe/projections/decisions"
	"greffe/projections/holds"
	"greffe/projections/index"
	"greffe/projections/notices"
	"greffe/projections/opposition"
	"greffe/projections/retention"
	"greffe/projections/runs"
	"greffe/projections/watch"
)

// views are the read models of one directory.
type views struct {
	Index      *index.Index
	CRM        *crm.View
	Audit      audit.Dataset
	Accounts   *accounts.Store
	Opposition *opposition.List
	Notices    *notices.Notices
	Changes    *recipients
	Decisions  *decisions.Store
	Decider    *decisions.Decider // over these
	Sent       *completeness.Store
	Cases      *cases.Store
	Holds      *holds.Store
	Approvals  *approvals.Store
	Clocks     *retention.Store // of the retention rules
	Runs       *runs.Store
	Alerts     *watch.Store
	terms      *engine.Engine // of retention runs, over these
	termed     *atomic.Int64  // the month before which this process dropped accesses
}

func openViews(ctx context.Context, dir string, a *App) (v views, err error) {
	v.termed = new(atomic.Int64)
	if v.Index, err = index.Open(filepath.Join(dir, "index.db"), index.Options{Readers: 8}); err != nil {
		return v, &viewError{"index", err}
	}
	if v.Notices, err = notices.Open(filepath.Join(dir, "notices.db"), notices.Options{}); err != nil {
		return v, &viewError{"notices", err}
	}
	if v.CRM, err = crm.Open(filepath.Join(dir, "crm.db"), a.vault, a.classOf, crm.Options{}); err != nil {
		return v, &viewError{"crm", err}
	}
	if v.Audit, err = a.openAudit(ctx, dir); err != nil {
		return v, &viewError{"audit", err}
	}
	if v.Opposition, err = opposition.Open(filepath.Join(dir, "opposition.db"), a.vault, opener{a}, a.Ledger.Peppers(), opposition.Options{}); err != nil {
		return v, &viewError{"opposition", err}
	}
	if v.Changes, err = openRecipients(dir); err != nil {
		return v, &viewError{"changes", err}
	}
	if v.Decisions, err = decisions.Open(filepath.Join(dir, "decisions.db"), decisions.Options{}); err != nil {
		return v, &viewError{"decisions", err}
	}
	v.Decider = a.decider(&v)
	if v.Sent, err = completeness.Open(filepath.Join(dir, "completeness.db"), completeness.Options{}); err != nil {
		return v, &viewError{"completeness", err}
	}
	if v.Cases, err = cases.Open(filepath.Join(dir, "cases.db"), folds(), cases.Options{}); err != nil {
		return v, &viewError{"cases", err}
	}
	if v.Approvals, err = approvals.Open(filepath.Join(dir, "approvals.db"), approvals.Options{}); err != nil {
		return v, &viewError{"approvals", err}
	}
	if v.Holds, err = holds.Open(filepath.Join(dir, "holds.db"), holds.Options{}); err != nil {
		return v, &viewError{"holds", err}
	}
	if v.Clocks, err = retention.Open(filepath.Join(dir, "retention.db"), a.retentionRules, retention.Options{}); err != nil {
		return v, &viewError{"retention", err}
	}
	if v.Runs, err = runs.Open(filepath.Join(dir, "runs.db"), runs.Options{}); err != nil {
		return v, &viewError{"runs", err}
	}
	if v.Alerts, err = watch.Open(filepath.Join(dir, "watch.db"), watch.Options{}); err != nil {
		return v, &viewError{"watch", err}
	}
	v.terms = a.newEngine()
	if v.Accounts, err = accounts.Open(ctx, filepath.Join(dir, "accounts.db")); err != nil {
		return v, &viewError{"accounts", err}
	}
	return v, nil
}

func (v *views) all() []projections.Projection {
	return []projections.Projection{v.Index, v.Notices, v.CRM, v.Audit, v.Accounts, v.Opposition, v.Changes.View, v.Decisions, v.Sent, v.Cases, v.Holds, v.Approvals, v.Clocks, v.Runs, v.Alerts}
}

// followed are the read models as the runner drives them: one that the nodes share
// is written by the keeper, and what concerns this process is told to it.
func (a *App) followed() []projections.Projection {
	all := a.all()
	all[0] = informed{all[0], a}
	if a.sharedAudit() {
		for i, p := range all {
			if p.Name() == a.Audit.Name() {
				all[i] = &projections.Shared{Projection: p, Mine: a.self.keeps.Load, Every: sharedEvery}
			}
		}
	}
	if !a.cfg.Aside { // one command reads nobody by a quota
		a.Meter = a.newMeter()
		all = append(all, a.Meter)
	}
	return all
}

// sharedAudit tells that the audit dataset is one for all nodes.
func (a *App) sharedAudit() bool { return a.cfg.AuditStore != "" && a.cfg.several() }

// auditApart tells that the audit dataset is on a server of its own, which may be
// away while the node works on.
func (a *App) auditApart() bool { return a.cfg.AuditStore != "" }

// ownModels names the read models in this node's data directory.
func (a *App) ownModels() (names []string) {
	for _, p := range a.all() {
		if p.Name() != a.Audit.Name() || !a.auditApart() {
			names = append(names, p.Name())
		}
	}
	return names
}

// auditStalled tells that the audit dataset cannot be written now.
func (a *App) auditStalled(ctx context.Context) bool {
	states, err := a.runner.States(ctx)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(states, func(s projections.State) bool { return s.Name == a.Audit.Name() && s.Stalled != nil })
}

// auditSeen waits until an audit dataset apart has applied the fact at a position. Who
// asks one whose server is away finds that out by asking; others need not wait.
func (a *App) auditSeen(ctx context.Context, at domain.Position) error {
	for a.auditApart() {
		look, cancel := context.WithTimeout(ctx, sharedEvery)
		err := a.runner.WaitFor(look, at, a.Audit.Name())
		cancel()
		switch {
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return err
		case a.auditStalled(ctx):
			return nil
		}
	}
	return nil
}

// auditUpToDate waits until the audit dataset has what is in the log now; of one apart
// whose server is away, see auditSeen.
func (a *App) auditUpToDate(ctx context.Context) error {
	if !a.auditApart() {
		return a.upToDate(ctx, a.Audit.Name())
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	return a.auditSeen(ctx, head-1)
}

// sharedEvery is how often a node looks how far the keeper wrote the audit dataset.
const sharedEvery = 300 * time.Millisecond

// informed is a read model whose facts also tell this process of the policies that
// other nodes published.
type informed struct {
	projections.Projection
	a *App
}

// Apply implements projections.Projection.
func (t informed) Apply(ctx context.Context, facts []projections.Fact) error {
	if err := t.Projection.Apply(ctx, facts); err != nil {
		return err
	}
	for i := range facts {
		if facts[i].Type == event.PolicyPublished {
			t.a.Ledger.Follow(facts[i].Fact, facts[i].Position)
		}
	}
	return nil
}

func (v *views) close() error {
	var errs []error
	if v.Index != nil {
		errs = append(errs, v.Index.Close())
	}
	if v.Notices != nil {
		errs = append(errs, v.Notices.Close())
	}
	if v.CRM != nil {
		errs = append(errs, v.CRM.Close())
	}
	if v.Audit != nil {
		errs = append(errs, v.Audit.Close())
	}
	if v.Opposition != nil {
		errs = append(errs, v.Opposition.Close())
	}
	if v.Changes != nil {
		errs = append(errs, v.Changes.Close())
	}
	if v.Decisions != nil {
		errs = append(errs, v.Decisions.Close())
	}
	if v.Sent != nil {
		errs = append(errs, v.Sent.Close())
	}
	if v.Cases != nil {
		errs = append(errs, v.Cases.Close())
	}
	if v.Approvals != nil {
		errs = append(errs, v.Approvals.Close())
	}
	if v.Holds != nil {
		errs = append(errs, v.Holds.Close())
	}
	if v.Clocks != nil {
		errs = append(errs, v.Clocks.Close())
	}
	if v.Runs != nil {
		errs = append(errs, v.Runs.Close())
	}
	if v.Alerts != nil {
		errs = append(errs, v.Alerts.Close())
	}
	if v.Accounts != nil {
		errs = append(errs, v.Accounts.Close())
	}
	return errors.Join(errs...)
}

// classOf is the class of a field under the policy it was recorded with.
func (a *App) classOf(version int64, path string) (string, error) {
	p, err := a.Ledger.PolicyVersion(context.Background(), version)
	if err != nil {
		return "", err
	}
	f, _ := p.Field(path)
	return f.Class, nil
}

// opener opens who read whom, for the audit dataset alone: these ids are not
// shown by being projected, and have their own term.
type opener struct{ a *App }

// Subjects implements audit.Opener.
func (o opener) Subjects(ctx context.Context, f *event.Fact) (account domain.ID, subjects []domain.ID, err error) {
	opened, err := o.a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, func(ref *event.PartRef) bool { return ref.Class == "access" })
	if err != nil {
		return account, nil, err
	}
	if len(opened[0].Gone) > 0 {
		return account, nil, audit.ErrExpired
	}
	for _, x := range opened[0].Fields {
		switch x.Path {
		case "access.account":
			err = json.Unmarshal(x.Value, &account)
		case "access.subjects":
			err = json.Unmarshal(x.Value, &subjects)
		}
		if err != nil {
			return account, nil, fmt.Errorf("sealed access of event %s: %w", f.ID, err)
		}
	}
	return account, subjects, nil
}

// ErrKept: another node writes the audit dataset.
var ErrKept = errors.New("a node that serves writes the audit dataset, which is one for all nodes; stop them all to rebuild it")

// Rebuild empties the named read models and builds them anew: if none is named, all,
// but for an audit dataset that another node writes. It returns how many facts were
// projected.
func (a *App) Rebuild(ctx context.Context, names []string, progress func(done, total int64)) (int64, error) {
	known, mine := map[string]projections.Projection{}, true
	if a.sharedAudit() {
		var err error
		if mine, err = a.keepsAudit(ctx); err != nil {
			return 0, fmt.Errorf("rebuild: %w", err)
		}
	}
	all := len(names) == 0
	for _, p := range a.all() {
		if known[p.Name()] = p; all && (mine || p.Name() != a.Audit.Name()) {
			names = append(names, p.Name())
		}
	}
	if !mine && slices.Contains(names, a.Audit.Name()) {
		return 0, ErrKept
	}
	for _, name := range names {
		p := known[name]
		if p == nil {
			return 0, fmt.Errorf("no projection is named %q: there are index, crm, audit, accounts, notices, opposition, changes, decisions, completeness, cases, holds, approvals, retention, runs and watch", name)
		}
		if err := a.reset(ctx, p); err != nil {
			return 0, fmt.Errorf("reset %s: %w", name, err)
		}
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	return int64(head), follow(ctx, a.runner, head, progress)
}

// reset empties a read model; the accesses that an audit dataset dropped stay so.
func (a *App) reset(ctx context.Context, p projections.Projection) error {
	d, ok := p.(audit.Dataset)
	if !ok {
		return p.Reset(ctx)
	}
	horizon, err := d.Horizon(ctx)
	if err != nil {
		return err
	}
	if err := d.Reset(ctx); err != nil || horizon.IsZero() {
		return err
	}
	_, err = d.DropAccessesBefore(ctx, horizon)
	return err
}

// follow runs a runner until it has applied everything below head.
func follow(ctx context.Context, r *projections.Runner, head domain.Position, progress func(done, total int64)) error {
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(run) }()
	const step = 5000
	var err error
	for at := min(step, head); head > 0 && err == nil; at = min(at+step, head) {
		if err = r.WaitFor(ctx, at-1); err == nil && progress != nil {
			progress(int64(at), int64(head))
		}
		if at == head {
			break
		}
	}
	stop()
	return errors.Join(err, <-ended)
}
