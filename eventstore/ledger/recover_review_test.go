package ledger_test

import (
	"errors"
	"fmt"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault"
	vmemory "greffe/eventstore/vault/memory"
)

// facts of the ledger's own, for a vault that prepared them.
func prepared(t *testing.T, from byte, n int) (rows []vault.Row, facts [][]byte) {
	t.Helper()
	for i := range n {
		id := domain.ID{0: from, 15: byte(i + 1)}
		b, err := event.AppendFact(nil, &event.Fact{ID: id, Type: event.ExportProduced, Time: domain.NewTime(testNow), Recorded: domain.NewTime(testNow)})
		if err != nil {
			t.Fatal(err)
		}
		rows, facts = append(rows, vault.Row{Event: id, Fact: b}), append(facts, b)
	}
	return rows, facts
}

// another lets another node record some facts.
func another(t *testing.T, w *memWorld, at domain.Position, n int) error {
	rows, facts := prepared(t, 9, n)
	number, err := w.vault.Prepare(t.Context(), &vault.Batch{Base: at, Rows: rows})
	return errors.Join(err, w.mem.Append(t.Context(), at, facts), w.vault.Done(t.Context(), []vault.Settled{{Number: number, Base: at}}))
}

// TestRecoverSeveral plays every stage at which two prepared groups can be left
// by a crash, with and without a race that the first had lost.
func TestRecoverSeveral(t *testing.T) {
	t.Parallel()
	for foreign := range 4 {
		for stage := range 3 {
			t.Run(fmt.Sprintf("foreign=%d stage=%d", foreign, stage), func(t *testing.T) {
				t.Parallel()
				recoverAt(t, foreign, stage)
			})
		}
	}
}

// recoverAt lets foreign facts come first and the crash at a stage: 0 nothing
// appended, 1 first group appended, 2 second appended. Then the ledger must hold
// each fact once.
func recoverAt(t *testing.T, foreign, stage int) {
	w := newMemWorld(t, false)
	_ = w.Ledger.Close()
	ctx, head := t.Context(), domain.Position(1)
	one, oneFacts := prepared(t, 1, 3)
	two, twoFacts := prepared(t, 2, 2)
	_, err1 := w.vault.Prepare(ctx, &vault.Batch{Base: head, Rows: one})
	_, err2 := w.vault.Prepare(ctx, &vault.Batch{Base: head + 3, Rows: two})
	errs := []error{err1, err2, another(t, w, head, foreign)}
	at := head + domain.Position(foreign)
	for _, step := range []struct {
		from int
		do   func() error
	}{
		{1, func() error { return w.mem.Append(ctx, at, oneFacts) }},
		{2, func() error { return w.mem.Append(ctx, at+3, twoFacts) }},
	} {
		if stage >= step.from {
			errs = append(errs, step.do())
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ctx, config(w.mem, w.vault))
	if err != nil {
		t.Fatal(err)
	}
	w.Ledger = l
	seen := map[domain.ID]domain.Position{}
	for p, f := range w.facts() {
		if _, twice := seen[f.ID]; twice {
			t.Errorf("fact %s stands twice", f.ID)
		}
		seen[f.ID] = domain.Position(p)
	}
	if len(seen) != 1+foreign+5 {
		t.Errorf("%d facts, want %d", len(seen), 6+foreign)
	}
	for _, r := range append(one, two...) {
		in, err := w.vault.Intake(ctx, []domain.ID{r.Event})
		if err != nil || in[0].Position != seen[r.Event] {
			t.Errorf("the vault has %s at %d, the log at %d", r.Event, in[0].Position, seen[r.Event])
		}
	}
	err = w.vault.Pending(ctx, func(p vault.Pending) error { return fmt.Errorf("batch %d is pending still", p.Number) })
	if err != nil {
		t.Error(err)
	}
}

// TestRecoverEdited: where the log holds other bytes than were prepared, or lacks
// what comes before them, nothing is opened.
func TestRecoverEdited(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]domain.Position{"other bytes": 1, "a gap": 9} {
		w := newMemWorld(t, false)
		_ = w.Ledger.Close()
		rows, _ := prepared(t, 1, 2)
		_, others := prepared(t, 2, 2)
		_, err := w.vault.Prepare(t.Context(), &vault.Batch{Base: base, Rows: rows})
		if err := errors.Join(err, w.mem.Append(t.Context(), 1, others)); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Open(t.Context(), config(w.mem, w.vault)); !errors.Is(err, ledger.ErrDiverged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecoverStops breaks recovery itself at each of its steps, both ways: a
// later one finishes it, once.
func TestRecoverStops(t *testing.T) {
	t.Parallel()
	for _, op := range []vmemory.Op{vmemory.Pending, vmemory.Done, "append", "head"} {
		for _, kept := range []bool{false, true} {
			w := newMemWorld(t, false)
			_ = w.Ledger.Close()
			rows, _ := prepared(t, 1, 3)
			_, err := w.vault.Prepare(t.Context(), &vault.Batch{Base: 1, Rows: rows})
			if err := errors.Join(err, another(t, w, 1, 1)); err != nil {
				t.Fatal(err)
			}
			breakStep(w, op, kept)
			if _, err := ledger.Open(t.Context(), config(w.mem, w.vault)); err == nil {
				t.Fatalf("%s, kept %v: opened", op, kept)
			}
			w.mem = w.mem.Reopen()
			w.start(w.mem)
			if n := len(w.facts()); n != 5 {
				t.Errorf("%s, kept %v: %d facts, want 5", op, kept, n)
			}
		}
	}
}

func breakStep(w *memWorld, op vmemory.Op, kept bool) {
	fail := func(domain.Position, [][]byte) error { return eventstore.ErrFailed }
	switch {
	case op == "append" && kept:
		w.mem.Inject(memory.Faults{Stop: true, Kept: fail})
	case op == "append":
		w.mem.Inject(memory.Faults{Stop: true, Lost: fail})
	case op == "head":
		w.mem.Inject(memory.Faults{Head: func() error { return errors.New("no head") }})
	default:
		w.disk.Inject(vmemory.Fault{Op: op, Kept: kept})
	}
}
