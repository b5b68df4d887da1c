package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	httpapi "greffe/api/http"
	"greffe/api/importer"
	"greffe/api/ingest"
	"greffe/cmd/greffe/internal/app"
)

type ingestCmd struct {
	Mapping     string        `arg:"" help:"Name of the mapping: brevo, dialer-csv, hubspot, salesforce, sms-stop, or your own."`
	File        string        `arg:"" help:"File in the mapping's input; .gz is unpacked; - is the standard input."`
	Source      string        `help:"Source of the events, where it is not the mapping's own: that and more behind a slash." placeholder:"NAME"`
	Mappings    string        `help:"Folder of your own mappings (NAME.jq)." placeholder:"DIR"`
	DryRun      bool          `help:"Print what the mapping makes of each record, in clear, one line each; record nothing."`
	BatchSize   int           `help:"Records in one request." default:"1000"`
	Server      string        `help:"Send to this running service instead of opening the data directory; token in GREFFE_TOKEN." placeholder:"URL"`
	WaitTimeout time.Duration `help:"How long to wait for the projections at the end." default:"10m"`
}

// maxIngestBatch keeps a batch below what the service takes in one body.
const maxIngestBatch = 3 << 20

func (c *ingestCmd) Run(sh *shell) error {
	set, err := app.Mappings(c.Mappings)
	if err != nil {
		return err
	}
	m, ok := set.Find(c.Mapping)
	if !ok {
		return fmt.Errorf("ingest: no mapping is named so; there are %s", names(set))
	}
	source, ok := m.SourceFor(c.Source)
	if !ok {
		return fmt.Errorf("ingest: --source must be %s, or begin with it and a slash", m.Info().Source)
	}
	take, done, err := c.taker(sh, m, source)
	if err != nil {
		return err
	}
	report := &ingestReport{DryRun: c.DryRun, Events: map[string]int64{}, Reasons: map[string]int64{}}
	err = c.each(sh, m, func(records []ingest.Record) error {
		results, err := take(sh.ctx, records)
		for i := range results {
			report.add(&results[i])
		}
		return err
	})
	err = errors.Join(err, done())
	if perr := c.print(sh, report); err == nil {
		err = perr
	}
	if err == nil && report.Counts.Quarantined+report.Counts.Conflicts > 0 {
		return errFindings
	}
	return err
}

func names(set *ingest.Set) (all []string) {
	for _, i := range set.List() {
		all = append(all, i.Name)
	}
	return all
}

// taker is what a batch of records is given to.
type taker func(context.Context, []ingest.Record) ([]httpapi.IngestResult, error)

func (c *ingestCmd) taker(sh *shell, m *ingest.Mapping, source string) (take taker, done func() error, err error) {
	done = func() error { return nil }
	switch {
	case c.DryRun:
		return func(ctx context.Context, records []ingest.Record) ([]httpapi.IngestResult, error) {
			return dryRun(sh.stdout, records, m.MapAll(ctx, records, source))
		}, done, nil
	case c.Server != "":
		cl, err := newClient(c.Server)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context, records []ingest.Record) ([]httpapi.IngestResult, error) {
			return sendRecords(ctx, cl, m, source, records)
		}, done, nil
	}
	a, err := sh.open()
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, records []ingest.Record) ([]httpapi.IngestResult, error) {
			outcomes, err := ingest.Take(ctx, a.Ledger, m.MapAll(ctx, records, source))
			return httpapi.IngestResultsOf(outcomes), err
		}, func() error {
			ctx, cancel := context.WithTimeout(sh.ctx, c.WaitTimeout)
			defer cancel()
			return errors.Join(a.CaughtUp(ctx), a.Close())
		}, nil
}

// each reads the file in batches; a damaged record is one of its own.
func (c *ingestCmd) each(sh *shell, m *ingest.Mapping, take func([]ingest.Record) error) (err error) {
	in, err := importer.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	src := bufio.NewReader(in)
	var text io.Reader = src
	if head, _ := src.Peek(2); string(head) == "\x1f\x8b" {
		if text, err = gzip.NewReader(src); err != nil {
			return fmt.Errorf("ingest: gzip: %w", err)
		}
	}
	bar := sh.progress("ingest")
	defer bar.end()
	var batch []ingest.Record
	size, n := 0, int64(0)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := take(batch)
		n += int64(len(batch))
		bar.at(n, 0)
		batch, size = nil, 0
		return err
	}
	for rec, err := range m.Records(text, "") {
		if err != nil {
			return errors.Join(flush(), fmt.Errorf("ingest: record %d: %w", rec.Number, err))
		}
		alone := !rec.Whole()
		if alone || len(batch) >= max(c.BatchSize, 1) || size+len(rec.Raw) > maxIngestBatch {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, size = append(batch, rec), size+len(rec.Raw)
		if alone {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// mappedLine is one line of a dry run.
type mappedLine struct {
	Record  int              `json:"record"`
	ID      string           `json:"id"`
	Subject string           `json:"subject,omitempty"`
	Ignored string           `json:"ignored,omitempty"`
	Aside   string           `json:"aside,omitempty"`
	Why     string           `json:"why,omitempty"`
	Events  []jsontext.Value `json:"events,omitempty"`
}

func dryRun(w io.Writer, records []ingest.Record, mapped []ingest.Mapped) ([]httpapi.IngestResult, error) {
	out := make([]httpapi.IngestResult, len(mapped))
	for i := range mapped {
		r := &mapped[i]
		line := mappedLine{Record: records[i].Number, ID: r.ID, Subject: r.Subject, Ignored: r.Ignored, Aside: r.Aside, Why: r.Explain()}
		out[i] = httpapi.IngestResult{ID: r.ID, Status: "recorded", Ignored: r.Ignored}
		for j := range r.Events {
			line.Events = append(line.Events, r.Events[j].Raw)
			out[i].Events = append(out[i].Events, httpapi.EventResult{Status: "recorded"})
		}
		switch {
		case r.Aside != "":
			out[i].Status = "quarantined"
			out[i].Aside = &httpapi.EventResult{Error: &httpapi.EventError{Code: r.Aside}}
		case r.Ignored != "" && len(r.Events) == 0:
			out[i].Status = "ignored"
		}
		b, err := json.Marshal(line, json.Deterministic(true))
		if err != nil {
			return nil, fmt.Errorf("print: %w", err)
		}
		if _, err := fmt.Fprintf(w, "%s\n", b); err != nil {
			return nil, fmt.Errorf("print: %w", err)
		}
	}
	return out, nil
}

func sendRecords(ctx context.Context, cl *client, m *ingest.Mapping, source string, records []ingest.Record) ([]httpapi.IngestResult, error) {
	media := map[ingest.Input]string{ingest.CSV: "text/csv", ingest.NDJSON: "application/x-ndjson"}[m.Info().Input]
	if media == "" {
		media = "application/json"
	}
	var answer struct {
		Results []httpapi.IngestResult `json:"results"`
	}
	path := "/v1/ingest/" + m.Name() + "?source=" + url.QueryEscape(source)
	if err := cl.do(ctx, http.MethodPost, path, media, ingest.Join(records), &answer); err != nil {
		return nil, err
	}
	if len(answer.Results) != len(records) {
		return nil, fmt.Errorf("ingest: the service answered %d of %d records; has it the same mapping?", len(answer.Results), len(records))
	}
	return answer.Results, nil
}

// ingestReport sums up a file.
type ingestReport struct {
	DryRun  bool                 `json:"dry_run,omitempty"`
	Counts  httpapi.IngestCounts `json:"counts"`
	Events  map[string]int64     `json:"events"`
	Reasons map[string]int64     `json:"reasons"`
}

func (r *ingestReport) add(one *httpapi.IngestResult) {
	r.Counts.Records++
	r.Counts.Add(one.Status)
	for i := range one.Events {
		r.Events[string(one.Events[i].Status)]++
		if e := one.Events[i].Error; e != nil {
			r.Reasons[e.Code]++
		}
	}
	if one.Ignored != "" {
		r.Reasons[one.Ignored]++
	}
	if one.Aside != nil && one.Aside.Error != nil {
		r.Reasons[one.Aside.Error.Code]++
	}
}

func (c *ingestCmd) print(sh *shell, r *ingestReport) error {
	w := sh.stdout
	if c.DryRun {
		w = sh.stderr
	}
	if sh.cli.JSON && !c.DryRun {
		return sh.printJSON(r)
	}
	n := r.Counts
	verb := "recorded"
	if c.DryRun {
		verb = "understood (dry run, nothing recorded)"
	}
	fmt.Fprintf(w, "%d records: %s %d, duplicates %d, quarantined %d, conflicts %d, of erased persons %d, left out %d\n",
		n.Records, verb, n.Recorded, n.Duplicates, n.Quarantined, n.Conflicts, n.Erased, n.Ignored)
	total := int64(0)
	for _, k := range r.Events {
		total += k
	}
	fmt.Fprintf(w, "  %d events\n", total)
	reasons := make([]string, 0, len(r.Reasons))
	for code := range r.Reasons {
		reasons = append(reasons, code)
	}
	slices.Sort(reasons)
	for _, code := range reasons {
		fmt.Fprintf(w, "  %6d  %s\n", r.Reasons[code], code)
	}
	return nil
}
