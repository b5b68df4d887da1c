package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/vault/transfer"
)

// From is the ledger to move.
type From struct {
	Log   eventstore.Log
	Vault transfer.Source
}

// To is where it goes: empty stores, or those of a run that did not end.
type To struct {
	Log   eventstore.Log
	Vault interface {
		transfer.Target
		transfer.Source
	}
	Pause time.Duration // between tries while Log cannot be reached; 0: 1 s
}

// Report says what was moved, and that it was verified.
type Report struct {
	Position domain.Position // the head of both logs
	Root     string          // RFC 9162 tree head over the facts below it, hex
	Resumed  domain.Position // facts that were in the target already
	Vault    transfer.Summary
}

// Progress is told what is being done, in facts ("compare log", "copy log", "verify
// log") or records ("copy vault", "verify vault").
type Progress func(step string, done, total int64)

// Run moves from into to and verifies. progress may be nil.
func Run(ctx context.Context, from From, to To, progress Progress) (*Report, error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	if to.Pause == 0 {
		to.Pause = time.Second
	}
	r := &run{from: from, to: to, progress: progress, report: &Report{}}
	if err := r.all(ctx); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return r.report, nil
}

type run struct {
	from     From
	to       To
	progress Progress
	report   *Report
}

func (r *run) all(ctx context.Context) error {
	var err error
	if r.report.Position, err = r.from.Log.Head(ctx); err != nil {
		return fmt.Errorf("look at the source's log: %w", err)
	}
	if r.report.Position == 0 {
		return ErrNothing
	}
	snapshot, err := r.from.Vault.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("look at the source's vault: %w", err)
	}
	err = r.move(ctx, snapshot)
	if errors.Is(err, transfer.ErrMoved) {
		err = fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return errors.Join(err, snapshot.Close())
}

func (r *run) move(ctx context.Context, snapshot transfer.Reader) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	filled, err := r.shut(ctx)
	if err != nil {
		return err
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	checked := &checked{snapshot, r.report.Position}
	progress := func(done, total int64) { r.progress("copy vault", done, total) }
	var sum *transfer.Summary
	if filled {
		sum, err = transfer.SummarizeOf(ctx, checked, progress)
	} else {
		sum, err = transfer.CopyFrom(ctx, checked, r.to.Vault, progress)
	}
	if err != nil {
		return fmt.Errorf("copy the vault: %w", err)
	}
	r.report.Vault = *sum
	return r.verify(ctx)
}

// checked is a snapshot that knows no more of the log than there is.
type checked struct {
	transfer.Reader
	head domain.Position
}

func (c *checked) Each(ctx context.Context, fn func(transfer.Record) error) error {
	return c.Reader.Each(ctx, func(rec transfer.Record) error {
		if s, ok := rec.(transfer.State); ok && s.End > c.head {
			return fmt.Errorf("%w (the log ends at %d, the vault saw it end at %d)", ErrDiverged, c.head, s.End)
		}
		return fn(rec)
	})
}

// shut makes the target's vault one that no ledger opens, before anything else is
// written, or finds that it holds something: what, the verification tells.
func (r *run) shut(ctx context.Context) (filled bool, err error) {
	w, err := r.to.Vault.Import(ctx)
	if errors.Is(err, transfer.ErrNotEmpty) {
		if r.report.Resumed != r.report.Position { // it may be a ledger that records
			return true, &OtherError{r.report.Resumed, fmt.Sprintf("a vault in use, and a log of %d facts, not %d", r.report.Resumed, r.report.Position)}
		}
		return true, nil
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return false, fmt.Errorf("prepare the target's vault: %w", err)
	}
	return false, nil
}

// verify reads everything again, on both sides.
func (r *run) verify(ctx context.Context) error {
	for _, l := range []eventstore.Log{r.from.Log, r.to.Log} {
		head, err := l.Head(ctx)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		if head != r.report.Position {
			return fmt.Errorf("verify: a log went from %d to %d facts: %w", r.report.Position, head, ErrMoved)
		}
	}
	var tree proof.Frontier
	if err := r.compare(ctx, "verify log", r.report.Position, &tree); err != nil {
		return err
	}
	r.report.Root = tree.Root().String()
	for i, v := range []transfer.Source{r.from.Vault, r.to.Vault} {
		sum, err := transfer.Summarize(ctx, v, func(done, total int64) { r.progress("verify vault", done, total) })
		if err != nil {
			return fmt.Errorf("verify the vault: %w", err)
		}
		switch d := r.report.Vault.Differs(sum); {
		case d == "":
		case i == 0:
			return fmt.Errorf("verify: the source's vault has %s by now: %w", d, ErrMoved)
		default:
			return &OtherError{r.report.Position, "in the vault " + d}
		}
	}
	return nil
}
