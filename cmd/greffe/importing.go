package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/importer"
	"greffe/cmd/greffe/internal/app"
)

type importCmd struct {
	File        string        `arg:"" help:"CloudEvents NDJSON or a contact export in CSV; .gz is unpacked; - is the standard input."`
	Source      string        `help:"Source of the events, such as crm/export; required for CSV." placeholder:"NAME"`
	Controller  string        `help:"Controller of the events; the policy's first if left out." placeholder:"CODE"`
	Snapshot    bool          `help:"The file is the whole source as of --at: write differences only."`
	Missing     string        `help:"What to do about contacts a snapshot lacks." enum:"ignore,report,deleted" default:"ignore"`
	State       string        `help:"Where a snapshot's state is kept; by default beside the data directory." placeholder:"FILE"`
	Mapping     string        `help:"YAML file that says what the columns are." placeholder:"FILE"`
	At          string        `help:"When the file was written (RFC 3339 or date): what rows without a date stand for. Keep it the same to import the same file again." placeholder:"TIME"`
	TimeZone    string        `help:"Zone of dates without one." default:"Europe/Paris"`
	DryRun      bool          `help:"Read and report; record nothing."`
	Resume      string        `help:"Small file that says how far an import came, to go on after a cut." placeholder:"FILE"`
	Rejects     string        `help:"File for rejected rows, in clear, to repair." placeholder:"FILE"`
	BatchSize   int           `help:"Events in one request." default:"1000"`
	Server      string        `help:"Send to this running service instead of opening the data directory; token in GREFFE_TOKEN." placeholder:"URL"`
	MaxMissing  float64       `help:"Share of known contacts that may be missing before --missing deleted refuses." default:"0.2"`
	WaitTimeout time.Duration `help:"How long to wait for the projections at the end." default:"10m"`
}

func (c *importCmd) Run(sh *shell) error {
	opt, err := c.options()
	if err != nil {
		return err
	}
	rec, done, err := c.recorder(sh)
	if err != nil {
		return err
	}
	report, err := c.do(sh, rec, opt)
	if report != nil && (err == nil || report.Lines > 0) {
		err = errors.Join(err, sh.printReport(report))
	}
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	if report.Rejected+report.Conflicts+report.Quarantined > 0 {
		return errFindings
	}
	return nil
}

// recorder is the ledger of the data directory, a running service, or nothing.
func (c *importCmd) recorder(sh *shell) (rec recorder, done func() error, err error) {
	none := func() error { return nil }
	switch {
	case c.DryRun && !c.Snapshot:
		return dry{}, none, nil
	case c.Server != "":
		cl, err := newClient(c.Server)
		return cl, none, err
	}
	cfg := sh.config()
	cfg.Exists = c.DryRun
	a, err := app.Open(sh.ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	return localRecorder{a}, func() error {
		ctx, cancel := context.WithTimeout(sh.ctx, c.WaitTimeout)
		defer cancel()
		return errors.Join(a.CaughtUp(ctx), a.Close())
	}, nil
}

// recorder is what an import needs of the ledger.
type recorder interface {
	importer.Recorder
	SnapshotSecret(ctx context.Context) ([]byte, error)
}

type localRecorder struct{ *app.App }

// dry records nothing: --dry-run.
type dry struct{ importer.Recorder }

func (dry) SnapshotSecret(context.Context) ([]byte, error) {
	return nil, errors.New("a dry run keeps no state")
}

func (c *importCmd) do(sh *shell, rec recorder, opt importer.Options) (report *importer.Report, err error) {
	in, err := importer.Open(c.File)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if c.Snapshot {
		state, err := importer.OpenState(c.stateFile(sh))
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, state.Close()) }()
		secret, err := rec.SnapshotSecret(sh.ctx)
		if err != nil {
			return nil, err
		}
		missing := importer.Missing(c.Missing)
		if c.Missing == "ignore" {
			missing = importer.MissingIgnore
		}
		opt.Snapshot = &importer.Snapshot{State: state, Secret: secret, Missing: missing, MaxMissingShare: c.MaxMissing}
		if a, ok := rec.(localRecorder); ok { // a running service is not asked; its answers tell of rows that changed
			opt.Snapshot.Erased = func(ctx context.Context, subjects []string) ([]bool, error) {
				return a.ErasedOf(ctx, c.Source, subjects)
			}
		}
	}
	bar := sh.progress("import")
	opt.Progress = func(p importer.Progress) { bar.at(p.Bytes, p.Total) }
	defer bar.end()
	return importer.Import(sh.ctx, in, rec, opt)
}

func (c *importCmd) stateFile(sh *shell) string {
	if c.State != "" {
		return c.State
	}
	return sh.besideData(".snapshot.db")
}

func (c *importCmd) options() (importer.Options, error) {
	if c.Snapshot && c.At == "" {
		return importer.Options{}, errors.New("--snapshot needs --at TIME: when the file was written")
	}
	opt := importer.Options{Source: c.Source, Controller: c.Controller, BatchSize: c.BatchSize, DryRun: c.DryRun,
		Resume: c.Resume, Rejects: c.Rejects}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return opt, fmt.Errorf("time zone: %w", err)
	}
	opt.Location = zone
	if c.At != "" {
		if opt.At, err = time.Parse(time.RFC3339, c.At); err != nil {
			if opt.At, err = time.ParseInLocation(time.DateOnly, c.At, zone); err != nil {
				return opt, errors.New("--at: write an instant as 2026-03-02T09:14:07Z or a date as 2026-03-02")
			}
		}
	}
	if c.Mapping != "" {
		f, err := os.Open(c.Mapping)
		if err != nil {
			return opt, fmt.Errorf("mapping: %w", err)
		}
		defer f.Close()
		if opt.Mapping, err = importer.ReadMapping(f); err != nil {
			return opt, err
		}
	}
	return opt, nil
}

func (sh *shell) printReport(r *importer.Report) error {
	if sh.cli.JSON {
		return sh.printJSON(r)
	}
	printReport(sh.stdout, r)
	return nil
}

func (sh *shell) printJSON(v any) error {
	b, err := json.Marshal(v, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err = fmt.Fprintf(sh.stdout, "%s\n", b)
	return err
}

func printReport(w io.Writer, r *importer.Report) {
	verb := "recorded"
	if r.DryRun {
		verb = "understood (dry run, nothing recorded)"
	}
	fmt.Fprintf(w, "%s, %s: %d rows, %d events\n", r.Format, r.Encoding, r.Rows, r.Events)
	rate := ""
	if r.Seconds > 0 {
		rate = fmt.Sprintf(" in %.1f s (%.0f events/s)", r.Seconds, float64(r.Events)/r.Seconds)
	}
	recorded := r.Recorded
	if r.DryRun {
		recorded = r.Events
	}
	fmt.Fprintf(w, "  %s %d, duplicates %d, conflicts %d, quarantined %d, rejected %d, of erased persons %d%s\n",
		verb, recorded, r.Duplicates, r.Conflicts, r.Quarantined, r.Rejected, r.Erased, rate)
	for _, x := range []struct {
		n    int64
		what string
	}{{r.StartUnknown, "contacts without a date of collection (their durations start unknown)"}, {r.Unchanged, "contacts unchanged"},
		{r.Missing, "contacts missing from the snapshot"}, {r.Deleted, "contacts marked as deleted upstream"}} {
		if x.n > 0 {
			fmt.Fprintf(w, "  %d %s\n", x.n, x.what)
		}
	}
	for _, c := range r.Columns {
		fmt.Fprintf(w, "  column %-28q → %s\n", c.Header, c.Path)
	}
	warnings := make(map[string]int64, len(r.Warnings))
	for at, n := range r.Warnings {
		warnings[at.Field+": "+at.Rule] = n
	}
	printCounts(w, "left out or altered by the guard", warnings)
	printCounts(w, "not recorded", r.Codes)
	for i, p := range r.Problems {
		if i == 10 {
			fmt.Fprintf(w, "  … and more; see --json or --rejects\n")
			break
		}
		fmt.Fprintf(w, "  line %d: %s: %s\n", p.Line, p.Code, p.Sentence())
	}
	if r.RejectsNote != "" {
		fmt.Fprintf(w, "  %s: %s\n", r.RejectsFile, r.RejectsNote)
	}
}

func printCounts(w io.Writer, title string, m map[string]int64) {
	if len(m) == 0 {
		return
	}
	lines := make([]string, 0, len(m))
	for k, n := range m {
		lines = append(lines, fmt.Sprintf("    %6d  %s", n, k))
	}
	sort.Sort(sort.Reverse(sort.StringSlice(lines)))
	fmt.Fprintf(w, "  %s:\n", title)
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
}
