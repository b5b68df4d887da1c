package importer

import (
	"context"
	"fmt"
	"io"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// item is one row and the events it became.
type item struct {
	line   int64
	cells  []string
	events []outgoing
	update *update // snapshot
}

// batch is what is acknowledged together: at most BatchSize events, with all
// that was read up to its mark.
type batch struct {
	items    []item
	events   int
	bytes    int
	rejects  []reject
	warnings map[Warning]int64
	counts   counts
	mark     mark
	err      error // ends the reading, after this batch
}

type counts struct{ rows, blank, startUnknown, unchanged int64 }

// run is one import.
type run struct {
	opt      *Options
	rec      Recorder
	in       *Input
	text     *csvReader
	ndjson   bool
	rows     *rowReader
	envelope envelope
	snap     *snapshot
	resume   *resume
	rejects  *rejects
	report   Report
}

func newRun(ctx context.Context, in *Input, rec Recorder, opt *Options) (*run, error) {
	r := &run{opt: opt, rec: rec, in: in, envelope: envelope{opt.Source, opt.Controller, opt.Actor}}
	r.report.DryRun = opt.DryRun
	if err := r.open(); err != nil {
		return nil, err
	}
	if opt.Snapshot != nil {
		if r.ndjson || !r.rows.has(toSubject) {
			return nil, fmt.Errorf("import: %w", ErrNoSubject)
		}
		s, err := openSnapshot(ctx, opt, r.rows)
		if err != nil {
			return nil, err
		}
		r.snap = s
	}
	var begun int64 // bytes of rejects that the resume file vouches for
	if opt.Resume != "" && !opt.DryRun {
		var err error
		if r.resume, err = openResume(opt.Resume, r.fingerprint(), in.Size); err != nil {
			return nil, err
		}
		if r.resume.Mark.Offset > 0 {
			if err := r.text.seek(r.resume.Mark); err != nil {
				return nil, fmt.Errorf("import: resume: %w", err)
			}
		}
		begun = r.resume.Rejects
		r.report.Resumed = r.resume.Mark.Line
	}
	if opt.Rejects != "" && !opt.DryRun {
		r.rejects = &rejects{path: opt.Rejects, keep: begun, columns: r.report.Columns}
	}
	return r, nil
}

// open finds out what the file is and reads a CSV's header.
func (r *run) open() error {
	text, enc, err := r.in.text()
	if err != nil {
		return err
	}
	head, err := peek(text)
	if err != nil {
		return err
	}
	r.report.Encoding = enc
	r.text = &csvReader{lines: newLines(text)}
	if r.ndjson, err = isNDJSON(head); err != nil {
		return err
	}
	if r.ndjson {
		r.report.Format = "ndjson"
		return nil
	}
	r.report.Format = "csv"
	if r.opt.Source == "" {
		return errorIn(ErrOptions, "contacts need a source")
	}
	delim, sep := sniff(head, len(head) < headBytes)
	if d := r.opt.Mapping.Delimiter; d != "" {
		delim = d[0]
	}
	r.text.delim = delim
	r.report.Delimiter = string(delim)
	skip := r.opt.Mapping.SkipLines
	if sep {
		skip++
	}
	return r.header(skip)
}

func (r *run) header(skip int) error {
	for range skip {
		if _, err := r.text.peek(0); err != nil {
			break
		}
		r.text.consume(1)
	}
	var rec record
	for len(rec.cells) == 0 {
		var err error
		if rec, err = r.text.next(); err == io.EOF {
			return fmt.Errorf("import: %w", ErrNoHeader)
		} else if err != nil {
			return err
		}
	}
	columns, shown, err := columnsOf(rec.cells, r.opt.Mapping)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	r.text.width, r.text.ours = len(columns), rec.cells[0] == rejectsLine
	r.report.Columns = shown
	r.rows = newRowReader(r.opt, columns)
	if r.opt.At.IsZero() && !r.rows.has(toCollected) {
		return fmt.Errorf("import: %w", ErrNoTime)
	}
	return nil
}

// do reads ahead while a batch is being recorded.
func (r *run) do(ctx context.Context) error {
	reading, cancel := context.WithCancel(ctx)
	batches := make(chan *batch)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(batches)
		r.produce(reading, batches)
	}()
	err := r.consume(ctx, batches)
	cancel()
	<-done
	if err == nil {
		err = r.missing(ctx)
	}
	r.finish()
	if cerr := r.rejects.close(); err == nil {
		err = cerr
	}
	return err
}

func (r *run) finish() {
	if r.report.Encoding == "" {
		r.report.Encoding = r.text.encoding()
	}
	if r.rejects.any() {
		r.report.RejectsFile = r.opt.Rejects
		r.report.RejectsNote = rejectsNote
	}
}

func (r *run) consume(ctx context.Context, batches <-chan *batch) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("import: %w", ctx.Err())
		case b, more := <-batches:
			if !more {
				if err := ctx.Err(); err != nil {
					return fmt.Errorf("import: %w", err)
				}
				return nil
			}
			if err := r.settle(ctx, b); err != nil {
				return err
			}
			if b.err != nil {
				return b.err
			}
		}
	}
}

// settle records a batch and then, in this order: snapshot state, rejects,
// resume file. A crash between them repeats work and loses none.
func (r *run) settle(ctx context.Context, b *batch) error {
	var results []ledger.Result
	if b.events > 0 && !r.opt.DryRun {
		var err error
		if results, err = r.record(ctx, b); err != nil {
			return err
		}
	}
	if err := r.account(b, results); err != nil {
		return err
	}
	if r.snap != nil {
		if err := r.snap.keep(ctx, b.items, results, r.opt.DryRun); err != nil {
			return err
		}
	}
	if err := r.rejects.write(b.rejects); err != nil {
		return err
	}
	if r.resume != nil {
		if err := r.resume.save(b.mark, r.rejects.size()); err != nil {
			return err
		}
	}
	r.report.Lines = b.mark.Line
	if r.opt.Progress != nil {
		r.opt.Progress(Progress{Bytes: r.in.read.Load(), Total: r.in.Size, Lines: b.mark.Line})
	}
	return nil
}

func (r *run) record(ctx context.Context, b *batch) ([]ledger.Result, error) {
	docs := make([][]byte, 0, b.events)
	for _, it := range b.items {
		for _, e := range it.events {
			docs = append(docs, e.doc)
		}
	}
	results, err := r.rec.Record(ctx, docs)
	if err != nil {
		return nil, fmt.Errorf("import: record up to line %d: outcome unknown, import again: %w", b.mark.Line, err)
	}
	if len(results) != len(docs) {
		return nil, fmt.Errorf("import: record up to line %d: %w", b.mark.Line, ErrAnswer)
	}
	return results, nil
}

// account adds a batch to the report; results is nil in a dry run.
func (r *run) account(b *batch, results []ledger.Result) error {
	rep := &r.report
	rep.Rows += b.counts.rows
	rep.Blank += b.counts.blank
	rep.StartUnknown += b.counts.startUnknown
	rep.Unchanged += b.counts.unchanged
	rep.Rejected += int64(len(b.rejects))
	rep.warn(b.warnings)
	for _, j := range b.rejects {
		rep.problem(Problem{Line: j.line, Code: j.code, Field: j.field})
	}
	n := 0
	for _, it := range b.items {
		for _, e := range it.events {
			rep.event(string(e.typ))
			if results == nil {
				continue
			}
			if err := r.answer(b, &it, &results[n]); err != nil {
				return err
			}
			n++
		}
	}
	return nil
}

func (r *run) answer(b *batch, it *item, res *ledger.Result) error {
	bad, err := r.report.status(res)
	if err != nil {
		return err
	}
	for _, w := range res.Warnings {
		r.report.warn(map[Warning]int64{{w.Field, w.Rule}: 1})
	}
	if !bad {
		return nil
	}
	j := reject{line: it.line, code: string(res.Status), cells: it.cells}
	if res.Refusal != nil && res.Refusal.Code != "" {
		j.code, j.field = res.Refusal.Code, res.Refusal.Field
	}
	r.report.problem(Problem{Line: j.line, Code: j.code, Field: j.field})
	b.rejects = append(b.rejects, j)
	return nil
}

// missing settles who is no longer in a snapshot that was read to its end.
func (r *run) missing(ctx context.Context) error {
	if r.snap == nil || r.opt.Snapshot.Missing == MissingIgnore {
		return nil
	}
	return r.snap.missing(ctx, r)
}

// decodeLine understands one line of NDJSON as far as the report needs it. What
// the ledger would refuse is sent all the same: it quarantines and says why.
func decodeLine(rec record, dry bool) (item, *reject) {
	it := item{line: rec.line, cells: []string{string(rec.raw)}}
	in, refusal := event.Decode(rec.raw)
	if refusal != nil && dry {
		return it, &reject{line: rec.line, code: refusal.Code, field: refusal.Field, cells: it.cells}
	}
	t := in.Type
	if !t.Upstream() {
		t = "unknown"
	}
	it.events = []outgoing{{doc: rec.raw, typ: t}}
	return it, nil
}
