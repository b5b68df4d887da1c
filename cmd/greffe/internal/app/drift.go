package app

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/drift"
)

// Drift compares one read model with a fresh build of it.
type Drift struct {
	Projection string          `json:"projection"`
	Checkpoint domain.Position `json:"checkpoint"`
	Equal      bool            `json:"equal"`
	Live       string          `json:"live_sha256,omitempty"`
	Fresh      string          `json:"fresh_sha256,omitempty"`
	// FirstPosition is of the first fact from which on they differ, as far as the
	// rows that differ tell; Where names the first of these. Lines counts them.
	FirstPosition *domain.Position `json:"first_position,omitempty"`
	Where         string           `json:"where,omitempty"`
	Lines         int64            `json:"lines,omitempty"`
	Findings      []DriftFinding   `json:"findings,omitempty"`
}

// DriftFinding is one row that differs. It shows no value but numbers, our own ids
// and codes.
type DriftFinding struct {
	Table    string           `json:"table,omitempty"`
	Kind     string           `json:"kind"` // missing, extra, changed, unreadable, damaged
	Where    string           `json:"where"`
	Position *domain.Position `json:"position,omitempty"`
}

// driftLimits bound the findings of one read model.
func driftLimits() drift.Limits { return drift.Limits{Table: 5, All: 40} }

// scratch begins the names of directories in the data directory that hold read
// models to compare with. Nothing is written elsewhere.
const scratch = "verify-"

// sweepScratch removes those that a crash left. Whoever calls it has the data
// directory to himself.
func (a *App) sweepScratch() error {
	left, err := filepath.Glob(filepath.Join(a.cfg.Data, scratch+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return fmt.Errorf("read models that a verification left: %w", err)
	}
	return nil
}

// drift builds fresh read models from the facts below head and compares each with
// the live one. It may run beside the runner: a live one that went on is compared
// with one that went on as far.
func (a *App) drift(ctx context.Context, head domain.Position, progress func(done, total int64)) (out []Drift, err error) {
	dir, err := os.MkdirTemp(a.cfg.Data, scratch)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fresh, err := openViews(ctx, dir, a)
	if err != nil {
		return nil, errors.Join(err, fresh.close())
	}
	defer func() { err = errors.Join(err, fresh.close()) }()
	if err := a.sameHorizon(ctx, fresh.Audit); err != nil {
		return nil, fmt.Errorf("verify: the horizon of accesses: %w", err)
	}
	if err := follow(ctx, projections.NewRunner(a.log, 0, fresh.all()...), head, progress); err != nil {
		return nil, err
	}
	live := a.all()
	for i, p := range fresh.all() {
		d, err := a.compare(ctx, live[i], p, &fresh)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// compare compares a live read model with a fresh one, which goes on to where the
// live one is.
func (a *App) compare(ctx context.Context, live, fresh projections.Projection, v *views) (Drift, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d := Drift{Projection: live.Name()}
	dump, at, err := a.beginDump(ctx, live)
	if err != nil && ctx.Err() == nil && transient(err) == nil {
		d.add(DriftFinding{Kind: drift.Unreadable, Where: err.Error()})
		return d, nil
	}
	if err != nil {
		return d, err
	}
	defer dump.Close()
	d.Checkpoint = at
	odd, err := a.advance(ctx, fresh, at)
	if err != nil {
		return d, err
	}
	if odd != "" {
		d.add(DriftFinding{Kind: drift.Changed, Where: odd, Position: &at})
		return d, nil
	}
	anew, _, err := a.beginDump(ctx, fresh)
	if err != nil {
		return d, err
	}
	defer anew.Close()
	r, err := drift.Compare(ctx, dump, anew, driftLimits())
	if err == nil {
		err = transient(r.Err)
	}
	if err != nil {
		return d, fmt.Errorf("compare %s: %w", d.Projection, err)
	}
	return d, a.report(ctx, &d, &r, live, v)
}

// transient is an error that says nothing of what is stored.
func transient(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, projections.ErrUnavailable) {
		return err
	}
	return nil
}

// report turns what a comparison found into what is reported, and has the live one's
// file checked.
func (a *App) report(ctx context.Context, d *Drift, r *drift.Report, live projections.Projection, v *views) error {
	d.Equal, d.Lines = r.Equal(), r.Lines
	if r.Err == nil {
		d.Live, d.Fresh = hex.EncodeToString(r.Live[:]), hex.EncodeToString(r.Fresh[:])
	}
	if r.Known {
		d.FirstPosition = &r.Position
	}
	for _, f := range r.Findings {
		if !f.Known {
			var err error
			if f.Position, f.Known, err = a.locate(ctx, v, d.Projection, f.Row); err != nil {
				return err
			}
		}
		x := DriftFinding{Table: f.Table, Kind: f.Kind, Where: f.String()}
		if f.Known {
			x.Position = &f.Position
		}
		if f.Kind == drift.Unreadable {
			x.Where += ": " + r.Err.Error()
		}
		d.add(x)
	}
	s, ok := live.(interface{ Sound(context.Context) error })
	if !ok || a.stop != nil && live.Name() == a.Audit.Name() && a.auditApart() { // one that is written now is not of one moment
		return nil
	}
	err := s.Sound(ctx)
	if err != nil && transient(err) == nil && ctx.Err() == nil {
		d.add(DriftFinding{Kind: "damaged", Where: err.Error()})
		err = nil
	}
	return err
}

func (d *Drift) add(f DriftFinding) {
	d.Equal = false
	if d.Where == "" {
		d.Where = f.Where
	}
	if f.Position != nil && (d.FirstPosition == nil || *f.Position < *d.FirstPosition) {
		d.FirstPosition = f.Position
	}
	d.Findings = append(d.Findings, f)
}

// unopened are findings for an error that says that a read model's file cannot be
// opened for what is in it; nil for any other.
func unopened(err error) []Drift {
	var of *viewError
	var code interface{ Code() int }
	if !errors.As(err, &of) || !errors.As(err, &code) {
		return nil
	}
	const corrupt, notADatabase = 11, 26
	if c := code.Code() & 0xff; c != corrupt && c != notADatabase {
		return nil
	}
	d := Drift{Projection: of.name}
	d.add(DriftFinding{Kind: "damaged", Where: err.Error() + "; delete the file, it is built anew"})
	return []Drift{d}
}

// viewError says which read model could not be opened.
type viewError struct {
	name string
	err  error
}

func (e *viewError) Error() string { return e.err.Error() }
func (e *viewError) Unwrap() error { return e.err }

// advance has a fresh read model go on to where a live one stands; odd says why that
// cannot be.
func (a *App) advance(ctx context.Context, p projections.Projection, to domain.Position) (odd string, err error) {
	head, err := a.log.Head(ctx)
	if err == nil && to > head {
		return "stands ahead of the log, whose head is " + head.String(), nil
	}
	var at domain.Position
	if err == nil {
		at, err = p.Checkpoint(ctx)
	}
	if err == nil && at > to {
		return "stands behind the log", nil
	}
	for err == nil && at < to {
		next := min(at+projections.DefaultBatch, to)
		facts := make([]projections.Fact, 0, next-at)
		err = a.log.Read(ctx, at, next, func(pos domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			facts = append(facts, projections.Fact{Position: pos, Fact: f})
			return err
		})
		if err == nil {
			err = p.Apply(ctx, facts)
		}
		at = next
	}
	if err != nil {
		return "", fmt.Errorf("build %s: %w", p.Name(), err)
	}
	return "", nil
}

// beginDump begins to dump a read model, and says up to where it was built.
func (a *App) beginDump(ctx context.Context, p projections.Projection) (io.ReadCloser, domain.Position, error) {
	dump := p.Dump
	if d, ok := p.(audit.Dataset); ok && a.auditApart() { // the fresh one is of another engine
		dump = func(ctx context.Context, w io.Writer) error { return a.contentOf(ctx, w, d) }
	}
	r, w := io.Pipe()
	go func() {
		err := dump(ctx, w)
		if err == nil {
			err = io.EOF
		}
		_ = w.CloseWithError(err)
	}()
	in := bufio.NewReader(r)
	head, err := in.ReadString('\n')
	var line string
	if err == nil {
		line, err = in.ReadString('\n')
	}
	var at uint64
	if err == nil {
		at, err = strconv.ParseUint(strings.TrimSpace(line), 10, 64)
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("dump %s: %w", p.Name(), err), r.Close())
	}
	return dumping{io.MultiReader(strings.NewReader(head+line), in), r}, domain.Position(at), nil
}

// dumping is a dump under way.
type dumping struct {
	io.Reader
	io.Closer
}

// contentOf writes what both engines of the audit dataset can be compared by. While
// facts come in, it leaves out the counts, which are of no one position.
func (a *App) contentOf(ctx context.Context, w io.Writer, d audit.Dataset) error {
	at, err := d.Checkpoint(ctx)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "# checkpoint\tposition\n%d\n", at); err != nil {
		return err
	}
	below := at
	if a.stop == nil {
		below = 0
	}
	return audit.Content(ctx, w, d, below)
}
