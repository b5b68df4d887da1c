package importer

import (
	"bytes"
	"context"
	"io"

	"greffe/domain/event"
)

// chunkRows is how many rows of a snapshot are compared at once.
const chunkRows = 200

// producer fills batches.
type producer struct {
	*run
	ctx   context.Context
	out   chan<- *batch
	now   *batch
	chunk []*contact
}

func (r *run) produce(ctx context.Context, out chan<- *batch) {
	p := &producer{run: r, ctx: ctx, out: out}
	p.fresh()
	err := p.loop()
	if err == nil {
		err = p.compare()
	}
	p.now.err = err
	p.flush()
}

func (p *producer) fresh() { p.now = &batch{warnings: map[Warning]int64{}} }

// flush hands the batch over; false once the import ended.
func (p *producer) flush() bool {
	p.now.mark = p.text.mark()
	select {
	case p.out <- p.now:
		p.fresh()
		return true
	case <-p.ctx.Done():
		return false
	}
}

func (p *producer) loop() error {
	for p.ctx.Err() == nil {
		rec, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.take(rec); err != nil {
			return err
		}
	}
	return p.ctx.Err()
}

func (p *producer) next() (record, error) {
	if !p.ndjson {
		return p.text.next()
	}
	l, err := p.text.peek(0)
	if err != nil {
		return record{}, err
	}
	rec := record{line: p.text.num + 1, raw: bytes.TrimSpace(l.raw)}
	if l.long {
		rec.raw, rec.code = nil, "line_too_long"
	}
	p.text.tallyEncoding(l.raw)
	p.text.consume(1)
	return rec, nil
}

func (p *producer) take(rec record) error {
	switch {
	case rec.code == "" && len(rec.cells) == 0 && len(rec.raw) == 0:
		p.now.counts.blank++
		return nil
	case rec.code != "":
		p.now.counts.rows++
		return p.spoil(reject{line: rec.line, code: rec.code, cells: rec.cells})
	case p.ndjson:
		p.now.counts.rows++
		it, bad := decodeLine(rec, p.opt.DryRun)
		if bad != nil {
			return p.reject(*bad)
		}
		return p.add(it)
	}
	return p.row(rec)
}

// row takes one row of a CSV file.
func (p *producer) row(rec record) error {
	p.now.counts.rows++
	rec, code := p.fit(rec)
	if code == "" {
		var c *contact
		if c, code = p.rows.read(rec); code == "" {
			return p.contact(c)
		}
	}
	return p.spoil(reject{line: rec.line, code: code, cells: rec.cells})
}

// spoil rejects a row whose contact is not known: from then on somebody who is
// in a snapshot may seem to be missing.
func (p *producer) spoil(j reject) error {
	if p.snap != nil {
		p.snap.spoiled = true
	}
	return p.reject(j)
}

// fit holds a row to the header's number of columns.
func (p *producer) fit(rec record) (record, string) {
	n := p.text.width
	for len(rec.cells) > n && rec.cells[len(rec.cells)-1] == "" {
		rec.cells = rec.cells[:len(rec.cells)-1]
	}
	switch {
	case len(rec.cells) > n:
		return rec, "columns_extra"
	case len(rec.cells) < n && p.opt.Mapping.ShortRows == "pad":
		p.now.warnings[Warning{"row", "columns_missing"}]++
	case len(rec.cells) < n:
		return rec, "columns_missing"
	}
	return rec, ""
}

func (p *producer) contact(c *contact) error {
	if p.snap != nil {
		if p.chunk = append(p.chunk, c); len(p.chunk) < chunkRows {
			return nil
		}
		return p.compare()
	}
	at, ok := c.when(p.opt.At)
	if !ok {
		return p.reject(reject{line: c.line, code: "time_missing", cells: c.cells})
	}
	p.understood(c)
	return p.add(item{line: c.line, cells: c.cells, events: p.envelope.created(c, at, p.opt.At, nil)})
}

func (p *producer) understood(c *contact) {
	if c.collected.IsZero() {
		p.now.counts.startUnknown++
	}
	for _, w := range c.warnings {
		p.now.warnings[w]++
	}
}

// compare settles the rows that wait for what the snapshot's state knows.
func (p *producer) compare() error {
	if len(p.chunk) == 0 {
		return nil
	}
	plans, err := p.snap.plan(p.ctx, p.chunk, &p.envelope)
	if err != nil {
		return err
	}
	for i, c := range p.chunk {
		p.understood(c)
		switch pl := plans[i]; {
		case pl.code != "":
			err = p.reject(reject{line: c.line, code: pl.code, cells: c.cells})
		default:
			if len(pl.item.events) == 0 {
				p.now.counts.unchanged++
			}
			err = p.add(pl.item)
		}
		if err != nil {
			return err
		}
	}
	p.chunk = p.chunk[:0]
	return nil
}

// add puts an item into the batch and hands the batch over when it is full. An
// item's events stay together.
func (p *producer) add(it item) error {
	size := 0
	for _, e := range it.events {
		size += len(e.doc)
		if len(e.doc) > event.MaxEventBytes && !p.ndjson {
			return p.spoil(reject{line: it.line, code: "event_too_large", cells: it.cells})
		}
	}
	b := p.now
	b.items = append(b.items, it)
	b.events += len(it.events)
	b.bytes += size
	return p.full()
}

func (p *producer) reject(j reject) error {
	p.now.rejects = append(p.now.rejects, j)
	return p.full()
}

// full hands the batch over if one more row's events might not fit, or if it
// has long held rows without events.
func (p *producer) full() error {
	b := p.now
	if b.events == 0 && len(b.items)+len(b.rejects) < MaxBatch {
		return nil
	}
	if b.events+p.perRow() <= p.opt.BatchSize && b.bytes < maxBatchBytes && len(b.items)+len(b.rejects) < 2*MaxBatch {
		return nil
	}
	if !p.flush() {
		return p.ctx.Err()
	}
	return nil
}

// perRow is the most events one row makes.
func (p *producer) perRow() int {
	if p.ndjson {
		return 1
	}
	n := 1
	for _, t := range p.rows.columns {
		if t.path == toConsent || t.path == toOpposition {
			n++
		}
	}
	return n
}
