package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/embedded"
	"greffe/eventstore/verify"
	"greffe/projections"
)

// VerifyOptions say how to verify. Report is needed.
type VerifyOptions struct {
	Drift    bool
	Since    domain.Position // what is below is looked at for its place in the tree only
	Progress func(done, total int64)
	Building func(done, total int64) // of the read models that are built to compare with
	Report   func(verify.Finding)
}

// Verify opens a ledger, recomputes log, vault, tree and heads, and compares its read
// models with fresh ones built beside them.
func Verify(ctx context.Context, cfg Config, o VerifyOptions) (sum verify.Summary, drift []Drift, err error) {
	a, err := OpenStill(ctx, cfg)
	var bad *eventstore.CorruptError
	if errors.As(err, &bad) { // found by opening already, which does not read from the beginning
		bad = firstDamage(ctx, cfg, bad)
		o.Report(verify.Finding{Code: verify.LogDamaged, Position: bad.Position, Where: bad.Where, Detail: bad.Error()})
		return verify.Summary{Findings: 1}, nil, nil
	}
	if drift := unopened(err); drift != nil {
		return sum, drift, nil
	}
	if err != nil {
		return sum, nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if a.heads, err = openHeads(ctx, a.cfg, a.vault); err != nil {
		if !errors.As(err, &bad) {
			return sum, nil, fmt.Errorf("signed heads: %w", err)
		}
		o.Report(verify.Finding{Code: verify.HeadAltered, Where: "heads", Detail: bad.Error()})
		sum.Findings++
		err = nil
	}
	started := a.cfg.Now()
	found, err := a.recompute(ctx, o)
	found.Findings += sum.Findings
	if sum = found; err == nil {
		a.remember(started, o.Since, &sum)
	}
	if err != nil || !o.Drift || sum.Findings > 0 {
		return sum, nil, err
	}
	head, err := a.Ledger.Head(ctx)
	if err != nil {
		return sum, nil, err
	}
	if err := follow(ctx, a.runner, head, nil); err != nil && !errors.As(err, new(*projections.HaltError)) {
		return sum, nil, err
	}
	drift, err = a.drift(ctx, head, o.Building)
	return sum, drift, err
}

// firstDamage is the first damage of a log in files of which some was met.
func firstDamage(ctx context.Context, cfg Config, met *eventstore.CorruptError) *eventstore.CorruptError {
	if cfg.LogStore != "" {
		return met
	}
	l, err := embedded.Open(filepath.Join(cfg.Data, "log"), embedded.Options{})
	if err == nil {
		err = errors.Join(l.Verify(ctx, nil), l.Close())
	}
	if first := (*eventstore.CorruptError)(nil); errors.As(err, &first) && first.Position < met.Position {
		return first
	}
	return met
}

// recompute verifies everything but read models, also beside what is recorded.
func (a *App) recompute(ctx context.Context, o VerifyOptions) (verify.Summary, error) {
	in, err := a.verifyInput(ctx, o)
	if err != nil {
		return verify.Summary{}, err
	}
	return verify.Run(ctx, in)
}

// anchorHolds checks an anchor against its checkpoint, and, where the operator named
// an authority, that it is that authority's.
func (a *App) anchorHolds(_ context.Context, x proof.Anchor, checkpoint []byte) error {
	s, err := x.Over(checkpoint, x.Size)
	if err != nil || s == nil {
		return err
	}
	authority, err := a.cfg.authority()
	if err != nil || authority == nil {
		return err
	}
	return s.TrustedBy(authority)
}
