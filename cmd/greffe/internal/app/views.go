package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/verify"
	"greffe/projections"
	"greffe/projections/accounts"
	"greffe/projections/audit"
	auditdb "greffe/projections/audit/sqlite"
	"greffe/projections/crm"
	"greffe/projections/index"
)

// views are the read models of one directory.
type views struct {
	Index    *index.Index
	CRM      *crm.View
	Audit    *auditdb.Store
	Accounts *accounts.Store
}

func openViews(ctx context.Context, dir string, a *App) (v views, err error) {
	if v.Index, err = index.Open(filepath.Join(dir, "index.db"), index.Options{Readers: 8}); err != nil {
		return v, err
	}
	if v.CRM, err = crm.Open(filepath.Join(dir, "crm.db"), a.vault, a.classOf, crm.Options{}); err != nil {
		return v, err
	}
	if v.Audit, err = auditdb.Open(filepath.Join(dir, "audit.db"), opener{a}, auditdb.Options{}); err != nil {
		return v, err
	}
	v.Accounts, err = accounts.Open(ctx, filepath.Join(dir, "accounts.db"))
	return v, err
}

func (v *views) all() []projections.Projection {
	return []projections.Projection{v.Index, v.CRM, v.Audit, v.Accounts}
}

func (v *views) close() error {
	var errs []error
	if v.Index != nil {
		errs = append(errs, v.Index.Close())
	}
	if v.CRM != nil {
		errs = append(errs, v.CRM.Close())
	}
	if v.Audit != nil {
		errs = append(errs, v.Audit.Close())
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

// Rebuild empties the named read models (all, if none is named) and builds them
// anew. It returns how many facts were projected.
func (a *App) Rebuild(ctx context.Context, names []string, progress func(done, total int64)) (int64, error) {
	known := map[string]projections.Projection{}
	for _, p := range a.all() {
		known[p.Name()] = p
	}
	if len(names) == 0 {
		for name := range known {
			names = append(names, name)
		}
	}
	for _, name := range names {
		p := known[name]
		if p == nil {
			return 0, fmt.Errorf("no projection is named %q: there are index, crm, audit and accounts", name)
		}
		if err := p.Reset(ctx); err != nil {
			return 0, fmt.Errorf("reset %s: %w", name, err)
		}
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return 0, err
	}
	return int64(head), follow(ctx, a.runner, head, progress)
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

// Drift compares one read model with a fresh build of it.
type Drift struct {
	Projection string          `json:"projection"`
	Checkpoint domain.Position `json:"checkpoint"`
	Equal      bool            `json:"equal"`
	Live       string          `json:"live_sha256"`
	Fresh      string          `json:"fresh_sha256"`
}

// VerifyOptions say how to verify. Report is needed.
type VerifyOptions struct {
	Drift    bool
	Progress func(done, total int64)
	Report   func(verify.Finding)
}

// Verify opens a ledger, recomputes log and vault, and compares its read models
// with fresh ones built beside them.
func Verify(ctx context.Context, cfg Config, o VerifyOptions) (sum verify.Summary, drift []Drift, err error) {
	a, err := OpenStill(ctx, cfg)
	var bad *eventstore.CorruptError
	if errors.As(err, &bad) { // found by opening already
		o.Report(verify.Finding{Code: verify.LogDamaged, Position: bad.Position, Detail: bad.Error()})
		return verify.Summary{Findings: 1}, nil, nil
	}
	if err != nil {
		return sum, nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	sum, err = verify.Run(ctx, verify.Input{Log: a.log, Vault: a.vault, Keys: a.Ledger.Keyring(), Report: o.Report, Progress: o.Progress})
	if err != nil || !o.Drift || sum.Findings > 0 {
		return sum, nil, err
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return sum, nil, err
	}
	if err := follow(ctx, a.runner, head, nil); err != nil {
		return sum, nil, err
	}
	drift, err = a.drift(ctx, head)
	return sum, drift, err
}

// drift builds fresh read models in a directory inside the data directory, so
// that nothing is written elsewhere.
func (a *App) drift(ctx context.Context, head domain.Position) (out []Drift, err error) {
	dir, err := os.MkdirTemp(a.cfg.Data, "verify-")
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fresh, err := openViews(ctx, dir, a)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fresh.close()) }()
	if err := follow(ctx, projections.NewRunner(a.log, 0, fresh.all()...), head, nil); err != nil {
		return nil, err
	}
	live := a.all()
	for i, p := range fresh.all() {
		d := Drift{Projection: p.Name(), Checkpoint: head}
		if d.Fresh, err = dumpSum(ctx, p); err != nil {
			return nil, err
		}
		if d.Live, err = dumpSum(ctx, live[i]); err != nil {
			return nil, err
		}
		d.Equal = d.Fresh == d.Live
		out = append(out, d)
	}
	return out, nil
}

func dumpSum(ctx context.Context, p projections.Projection) (string, error) {
	h := sha256.New()
	if err := p.Dump(ctx, h); err != nil {
		return "", fmt.Errorf("dump %s: %w", p.Name(), err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
