package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// Recorder is the record path; *ledger.Ledger is one.
type Recorder interface {
	Record(ctx context.Context, raws [][]byte) ([]ledger.Result, error)
	SetAside(ctx context.Context, all []ledger.Aside) ([]ledger.Result, error)
}

// Outcome says what became of one record, in input order.
type Outcome struct {
	ID      string
	Ignored string          // why the mapping left it out
	Events  []ledger.Result // of its events, in the mapping's order
	Aside   *ledger.Result  // of the record itself, if it was set aside
}

// Status is the most notable of what became of a record: quarantined, conflict,
// recorded, erased, duplicate, or ignored.
func (o *Outcome) Status() string {
	if o.Aside != nil && o.Aside.Status == ledger.Quarantined {
		return string(ledger.Quarantined)
	}
	for _, s := range []ledger.Status{ledger.Quarantined, ledger.Conflict, ledger.Recorded, ledger.Erased, ledger.Duplicate} {
		if slices.ContainsFunc(o.Events, func(r ledger.Result) bool { return r.Status == s }) {
			return string(s)
		}
	}
	if o.Aside != nil {
		return string(o.Aside.Status)
	}
	return "ignored"
}

// MapAll maps records on every core.
func (m *Mapping) MapAll(ctx context.Context, records []Record, source string) []Mapped {
	out := make([]Mapped, len(records))
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), 1+len(records)/16)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(records); i += workers {
				out[i] = m.Map(ctx, records[i], source)
			}
		})
	}
	wg.Wait()
	return out
}

// Sources lists the sources that events and set-aside records name.
func Sources(all []Mapped) []string {
	var out []string
	for i := range all {
		out = append(out, all[i].Source)
		for j := range all[i].Events {
			out = append(out, all[i].Events[j].Source)
		}
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

// Take records what was mapped, durable on return: first what protects people,
// then the other events, then what is set aside. An error means that none of
// the outcomes counts; errors are those of the record path, and after a part
// was recorded ledger.ErrUnknown. Sending the same again is safe.
func Take(ctx context.Context, rec Recorder, all []Mapped) ([]Outcome, error) {
	if ctx.Err() != nil { // mappings may have been cut short by it
		return nil, errors.Join(ledger.ErrBusy, ctx.Err())
	}
	t := taking{ctx: ctx, rec: rec, all: all, out: make([]Outcome, len(all))}
	for i := range all {
		t.out[i] = Outcome{ID: all[i].ID, Ignored: all[i].Ignored, Events: make([]ledger.Result, len(all[i].Events))}
	}
	for _, step := range []func() error{
		func() error { return t.events(true) },
		func() error { return t.events(false) },
		t.conflicts,
		t.asides,
	} {
		if err := step(); err != nil {
			if t.some && !errors.Is(err, ledger.ErrUnknown) {
				err = fmt.Errorf("%w (a part was recorded, then: %v)", ledger.ErrUnknown, err)
			}
			return nil, fmt.Errorf("ingest: %w", err)
		}
	}
	return t.out, nil
}

// taking is one Take on its way.
type taking struct {
	ctx  context.Context
	rec  Recorder
	all  []Mapped
	out  []Outcome
	some bool // something was answered for good
}

func (t *taking) record(raws [][]byte) ([]ledger.Result, error) {
	results, err := t.rec.Record(t.ctx, raws)
	if err == nil && len(results) != len(raws) {
		err = ledger.ErrUnknown
	}
	t.some = t.some || err == nil
	return results, err
}

// events records those that protect, or the others.
func (t *taking) events(protective bool) error {
	var raws [][]byte
	var into []*ledger.Result
	for i := range t.all {
		for j := range t.all[i].Events {
			if e := &t.all[i].Events[j]; e.Protective == protective {
				raws, into = append(raws, e.Raw), append(into, &t.out[i].Events[j])
			}
		}
	}
	if len(raws) == 0 {
		return nil
	}
	results, err := t.record(raws)
	for k := range results {
		*into[k] = results[k]
	}
	return err
}

// conflicts sees to events whose id was recorded with another content: what
// protects is recorded under an id of its own content, all else is set aside
// with the whole record. Who sends webhooks reads no answers.
func (t *taking) conflicts() error {
	for i := range t.all {
		for j := range t.all[i].Events {
			if t.out[i].Events[j].Status != ledger.Conflict {
				continue
			}
			e := &t.all[i].Events[j]
			if !e.Protective {
				t.all[i].fail("id_conflict", errors.New("an id was recorded before with another content"))
				continue
			}
			again, err := e.renamed(suffixed(e.ID, e.Raw))
			if err != nil {
				return fmt.Errorf("encode an event again: %w", err)
			}
			results, err := t.record([][]byte{again.Raw})
			if err != nil {
				return err
			}
			t.out[i].Events[j] = results[0]
		}
	}
	return nil
}

// suffixed is an id for another content than the one that has id.
func suffixed(id string, content []byte) string {
	sum := sha256.Sum256(content)
	return id[:min(len(id), maxReference)] + "#" + hex.EncodeToString(sum[:12])
}

// asides sets records aside; one whose id an event has, under an id of its own
// content.
func (t *taking) asides() error {
	var asides []ledger.Aside
	var of []int
	for i := range t.all {
		if r := &t.all[i]; r.Aside != "" {
			asides = append(asides, ledger.Aside{Source: r.Source, ID: r.ID, Subject: r.Subject, Raw: r.Raw, Refusal: event.Refusal{Code: r.Aside}})
			of = append(of, i)
		}
	}
	for range 2 {
		if len(asides) == 0 {
			return nil
		}
		results, err := t.rec.SetAside(t.ctx, asides)
		if err != nil {
			return err
		}
		if len(results) != len(asides) {
			return ledger.ErrUnknown
		}
		t.some = true
		left := 0
		for k := range results {
			t.out[of[k]].Aside = &results[k]
			if results[k].Status == ledger.Conflict {
				again := asides[k]
				again.ID = suffixed(again.ID, again.Raw)
				asides[left], of[left] = again, of[k]
				left++
			}
		}
		asides, of = asides[:left], of[:left]
	}
	return nil
}
