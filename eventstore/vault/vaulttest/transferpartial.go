package vaulttest

import (
	"context"
	"errors"
	"strings"

	"greffe/domain/part"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

// recorded runs a case whose name matches and gives its first complaint.
func recorded(name, match string, run func(t T)) string {
	if !strings.Contains(name, match) {
		return ""
	}
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(r)
	}()
	<-done
	return r.complaint
}

// contents are what a vault may hold, each alone.
func contents() map[string]func(e *Env) {
	return map[string]func(e *Env){
		"a row":           func(e *Env) { e.prepare(batch(0, 1, subject(1))) },
		"a link":          func(e *Env) { e.prepare(&vault.Batch{Links: []vault.Link{link(tok(1), event(1))}}) },
		"a marker":        func(e *Env) { e.prepare(&vault.Batch{Holds: []vault.Hold{hold(tok(1), event(1))}}) },
		"a value":         func(e *Env) { e.ok("meta", e.S.SetMeta(e.ctx, "name", []byte("value"))) },
		"a line":          func(e *Env) { e.ok("fence", e.S.AppendFence(e.ctx, 1, lines(1, 1))) },
		"somebody's mark": func(e *Env) { e.destroy(subject(1)) },
		"a key row": func(e *Env) {
			e.ok("keys", e.S.RewriteKeys(e.ctx, []vault.KeyWrite{{Owner: subject(1), Wrapped: wrapped(1)}}))
		},
		"changed tokens": func(e *Env) { e.ok("retoken", e.S.Retoken(e.ctx, retokenOf(2, ledgerRow(0)))) },
		"the ledger's row": func(e *Env) {
			e.prepare(&vault.Batch{Keys: []vault.KeyWrite{{Owner: part.LedgerOwner(), Wrapped: wrapped(1)}}})
		},
	}
}

func refusesContent(put func(e *Env)) func(m *Move) {
	return func(m *Move) {
		m.From.furnish()
		put(m.To)
		for range 2 {
			before := m.To.dump()
			_, err := transfer.Copy(m.To.ctx, m.From.movable(), m.To.movable(), nil)
			m.To.is("copy", err, transfer.ErrNotEmpty)
			m.To.sameState("a vault that was refused", m.To.dump(), before)
			m.To.reopen()
		}
	}
}

func movesBesideLeases(m *Move) {
	m.From.furnish()
	m.To.lease(role, 1, hour, "note")
	m.copy()
	m.alike("a copy into a vault with a lease")
}

// shut demands that a vault tells nothing of a partial import.
func (e *Env) shut(what string) {
	e.Helper()
	for name, err := range calls(e, e.ctx, 1) {
		if !errors.Is(err, transfer.ErrPartial) {
			e.Errorf("%s: %s answers %v", what, name, err)
			e.FailNow()
		}
	}
	_, err := e.movable().Snapshot(e.ctx)
	e.is(what+": snapshot", err, transfer.ErrPartial)
}

// begun imports all of a stream but its end.
func (m *Move) begun() transfer.Writer {
	w, err := m.To.movable().Import(m.To.ctx)
	m.To.ok("import", err)
	m.To.shut("before the first record")
	var some []transfer.Record
	m.From.ok("snapshot", eachOf(m.From, func(r transfer.Record) error {
		some = append(some, r)
		return nil
	}))
	for _, r := range some {
		m.To.ok("write", w.Write(m.To.ctx, []transfer.Record{r}))
	}
	m.To.shut("after the last record")
	return w
}

func movesPartial(m *Move) {
	m.From.furnish()
	w := m.begun()
	m.To.ok("close", errors.Join(w.Close(), w.Close()))
	m.To.shut("after an import that was not committed")
	if err := w.Commit(m.To.ctx); err == nil {
		m.To.Errorf("a closed import was committed")
	}
	m.To.reopen()
	m.To.shut("after a reopen")
	m.copy()
	m.alike("the second import")
	_, err := m.To.movable().Import(m.To.ctx)
	m.To.is("a third", err, transfer.ErrNotEmpty)
}

func movesAgain(m *Move) {
	w, err := m.To.movable().Import(m.To.ctx)
	m.To.ok("import", err)
	m.To.ok("write", w.Write(m.To.ctx, []transfer.Record{
		transfer.State{Generation: 3, End: 7, Next: 50}, transfer.Meta{Name: "absent", Value: []byte("left over")},
		transfer.Link(link(tok(39), event(1))), transfer.Hold(hold(tok(38), event(1))), transfer.FenceLine{Number: 1, Line: line(9)},
		transfer.Key{Owner: subject(39), KeyRow: vault.KeyRow{Rev: 3, Wrapped: wrapped(1)}},
		transfer.Batch{Number: 40, Base: 8, Rows: 1, Pending: true}, transfer.Row{Number: 40, Row: row(39, subject(39))},
	}))
	m.To.ok("close", w.Close())
	m.To.reopen()
	m.From.furnish()
	m.copy()
	m.alike("an import after another that did not end")
}

func movesStream(m *Move) {
	state := transfer.State{Generation: 1, Next: 10}
	head := func(number int64, rows int) transfer.Batch { return transfer.Batch{Number: number, Rows: rows} }
	of := func(number int64, i int) transfer.Row {
		r := row(int(number)*3+i, subject(1))
		r.Fact = nil
		return transfer.Row{Number: number, Index: i, Row: r}
	}
	for what, stream := range map[string][]transfer.Record{
		"nothing":                       {},
		"no state":                      {transfer.Meta{Name: "name"}},
		"a state too late":              {transfer.Meta{Name: "name"}, state},
		"two states":                    {state, state},
		"no generation":                 {transfer.State{Next: 1}},
		"a row without a batch":         {state, of(1, 0)},
		"a row of another batch":        {state, head(1, 1), of(2, 0)},
		"a row too many":                {state, head(1, 1), of(1, 0), of(1, 1)},
		"a row too few":                 {state, head(1, 2), of(1, 0)},
		"a row too few before another":  {state, head(1, 2), of(1, 0), head(2, 1), of(2, 0)},
		"rows in the wrong order":       {state, head(1, 2), of(1, 1), of(1, 0)},
		"batches in the wrong order":    {state, head(2, 1), of(2, 0), head(1, 1), of(1, 0)},
		"a batch without rows":          {state, head(1, 0)},
		"a number that is not used yet": {state, head(10, 1), of(10, 0)},
		"nil":                           {state, nil},
		"a fact of what is settled":     {state, head(1, 1), transfer.Row{Number: 1, Row: row(3, subject(1))}},
	} {
		w, err := m.To.movable().Import(m.To.ctx)
		m.To.ok("import", err)
		err = w.Write(m.To.ctx, stream)
		if err == nil {
			err = w.Commit(m.To.ctx)
		}
		m.To.is(what, err, transfer.ErrStream)
		if err := w.Commit(m.To.ctx); err == nil {
			m.To.Errorf("%s was committed", what)
		}
		m.To.ok("close", w.Close())
		m.To.shut(what)
	}
}

func movesStops(m *Move) {
	m.From.furnish()
	seen := 0
	r, err := m.From.movable().Snapshot(m.From.ctx)
	m.From.ok("snapshot", err)
	stop := func(transfer.Record) error {
		if seen++; seen == 5 {
			return errStop
		}
		return nil
	}
	if err := r.Each(m.From.ctx, stop); err != errStop || seen != 5 {
		m.From.Errorf("after %d records: %v", seen, err)
	}
	n := 0
	m.From.ok("read again", r.Each(m.From.ctx, func(transfer.Record) error { n++; return nil }))
	if n < 20 {
		m.From.Errorf("%d records when it is read again", n)
	}
	m.From.ok("close", r.Close())
	ctx, cancel := context.WithCancel(m.To.ctx)
	cancel()
	if _, err := transfer.Copy(ctx, m.From.movable(), m.To.movable(), nil); !errors.Is(err, context.Canceled) {
		m.To.Errorf("with a cancelled context: %v", err)
	}
	m.copy()
	m.alike("a copy after those that were stopped")
}
