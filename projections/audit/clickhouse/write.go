package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
)

// fewFacts is how many make an insert that waits for its turn, see Config.Pace.
const fewFacts = 1000

// Apply implements projections.Projection. A batch of facts is one insert of its
// accesses and one of its events, then a checkpoint. Batches above 50,000 facts are
// parted.
func (d *Dataset) Apply(ctx context.Context, facts []projections.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	d.write.Lock()
	defer d.write.Unlock()
	if err := d.ready(ctx); err != nil {
		return err
	}
	s, err := d.prove(ctx)
	if err == nil {
		err = d.apply(ctx, s, facts)
	}
	if err != nil && !errors.Is(err, projections.ErrGap) {
		d.session = nil // what stands there is to be looked at again
		d.forget(err)
	}
	return err
}

func (d *Dataset) apply(ctx context.Context, s *session, facts []projections.Fact) error {
	d.reached = max(d.reached, s.next, s.claimed)
	if first := facts[0].Position; first > s.next && first <= d.reached {
		if err := d.replay(ctx, s, first); err != nil {
			return err
		}
	}
	fresh, err := projections.Fresh(s.next, facts)
	if err != nil {
		return err
	}
	for len(fresh) > 0 {
		n := min(len(fresh), maxFacts)
		if err := d.insert(ctx, s, fresh[:n]); err != nil {
			return err
		}
		fresh = fresh[n:]
	}
	return nil
}

// replay writes again what the server acknowledged and lost, below end.
func (d *Dataset) replay(ctx context.Context, s *session, end domain.Position) error {
	if d.log == nil {
		return ErrRewound
	}
	const piece = 5000
	for s.next < end {
		to := min(s.next+piece, end)
		facts := make([]projections.Fact, 0, to-s.next)
		err := d.log.Read(ctx, s.next, to, func(p domain.Position, b []byte) error {
			f, err := event.DecodeFact(b)
			facts = append(facts, projections.Fact{Position: p, Fact: f})
			return err
		})
		if err != nil {
			return &ownError{fmt.Errorf("read again what the database lost, from %d: %w", s.next, err)}
		}
		if err := d.insert(ctx, s, facts); err != nil {
			return err
		}
	}
	return nil
}

// insert writes consecutive facts from s.next on.
func (d *Dataset) insert(ctx context.Context, s *session, facts []projections.Fact) error {
	if err := d.wait(ctx, len(facts)); err != nil {
		return err
	}
	b, err := d.batch(ctx, s, facts)
	if err != nil {
		return err
	}
	if err := d.step("begun"); err != nil {
		return err
	}
	// Accesses first: an event that says it is listed has its access.
	if err := d.send(ctx, s, b, &b.accesses.table); err != nil {
		return err
	}
	if err := d.step("rows written"); err != nil {
		return err
	}
	if err := d.send(ctx, s, b, &b.events.table); err != nil {
		return err
	}
	if err := d.step("checkpointed"); err != nil {
		return err
	}
	if err := d.still(ctx, s); err != nil {
		return err
	}
	if err := d.claim(ctx, s, b.next); err != nil {
		return err
	}
	s.next = b.next
	s.replace = s.replace || b.replaced
	d.last = time.Now()
	if err := d.settle(ctx, s); err != nil {
		return err
	}
	return d.step("kept")
}

// wait keeps small inserts apart: each is some parts that the server has to merge.
func (d *Dataset) wait(ctx context.Context, facts int) error {
	rest := d.pace - time.Since(d.last)
	if facts >= fewFacts || rest <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send is one native, columnar insert. Its token lets the server leave out the
// same insert sent twice, by a proxy say; that is not relied upon.
func (d *Dataset) send(ctx context.Context, s *session, b *batch, t *table) error {
	if t.rows == 0 {
		return nil
	}
	what := "insert " + t.name
	settings := maps.Clone(d.pool.inserting)
	settings["insert_deduplication_token"] = fmt.Sprintf("%d/%d-%d", s.term, b.first, b.next)
	c := d.pool.begin(ctx, what, false, settings)
	return c.end(d.pool.sendTable(c.ctx, t))
}

func (p *pool) sendTable(ctx context.Context, t *table) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	into, err := p.queries.PrepareBatch(ctx, p.sql("INSERT INTO ~."+t.name+" ("+strings.Join(names, ", ")+")"))
	if err != nil {
		return err
	}
	for i, c := range t.columns {
		if err := c.write(into.Column(i)); err != nil {
			return errors.Join(&ownError{fmt.Errorf("column %s: %w", c.name, err)}, into.Abort())
		}
	}
	return into.Send()
}

// errOvertaken: another writer began since, or the server was started again. What
// stands in the tables has to be proved anew.
var errOvertaken = errors.New("another writer began, or the server was started again")

// still looks whether the session may go on.
func (d *Dataset) still(ctx context.Context, s *session) error {
	var alive uint64
	var newest uint64
	var horizon int64
	err := d.pool.row(ctx, "look at the audit dataset", "SELECT (SELECT count() FROM ~.alive WHERE term = {term:UInt64}), "+
		"(SELECT max(term) FROM ~.checkpoint), (SELECT toUnixTimestamp64Micro(max(time)) FROM ~.horizon)",
		[]any{named("term", s.term)}, &alive, &newest, &horizon)
	switch {
	case err != nil:
		return err
	case alive == 0 || newest != s.term:
		return fmt.Errorf("%w: %w", projections.ErrUnavailable, errOvertaken)
	case horizon > s.horizon:
		s.horizon = horizon // dropped on another node, maybe before this batch's accesses came
		return d.clear(ctx, horizon)
	}
	return nil
}

// settle looks at the counts of accesses again after rows of an earlier writer
// were replaced.
func (d *Dataset) settle(ctx context.Context, s *session) error {
	if !s.replace || s.next < s.left {
		return nil
	}
	s.replace = false
	return d.derive(ctx, s.next)
}

// Reset implements projections.Projection.
func (d *Dataset) Reset(ctx context.Context) error {
	d.write.Lock()
	defer d.write.Unlock()
	if err := d.ready(ctx); err != nil {
		return err
	}
	d.session = nil
	const what = "reset the audit dataset"
	err := d.pool.exec(ctx, what, "INSERT INTO ~.checkpoint (term, seq, next, at) SELECT max(term) + 65536, 0, 0, now64(3) FROM ~.checkpoint")
	for _, t := range []string{"horizon", "events", "accesses", "consents", "requests", "decisions", "contacts", "cells", "reads", "seen"} {
		if err == nil {
			err = d.pool.work(ctx, what, "TRUNCATE TABLE ~."+t+" SYNC")
		}
	}
	return err
}
