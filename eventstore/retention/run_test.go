package retention_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	domainretention "greffe/domain/retention"
	"greffe/eventstore/ledger"
	"greffe/eventstore/retention"
)

// TestRunCarriesOutEachExit once, and says in numbers what it did.
func TestRunCarriesOutEachExit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(1, exit(domainretention.Erase, ""))
	w.has(2, exit(domainretention.Archive, "billing"), exit(domainretention.Archive, "contract"), exit(domainretention.Destroy, "notes"))
	w.has(3, exit(domainretention.Ask, ""))
	w.has(4, exit(domainretention.Generalise, "identity"))
	w.has(5)
	w.ahead[who(5)] = true
	out, err := w.run(today)
	w.ok(err)
	want := retention.Counts{Persons: 4, Archived: 1, Asked: 1, Generalise: 1, Destroyed: 1, Erased: 1, Files: 2, FilesHeld: 1, Ahead: 1}
	if d := cmp.Diff(want, out.Counts); d != "" || out.Again || out.Taken {
		t.Errorf("%+v %s", out, d)
	}
	slices.Sort(w.done)
	if d := cmp.Diff([]string{"archive 2", "ask 3", "destroy 2", "erase 1", "generalise 4", "less 4"}, w.done); d != "" {
		t.Error(d)
	}
	facts := w.runs()
	if len(facts) != 2 || facts[0].ID != out.Run || facts[1].ID != out.Report.Event || facts[1].Codes.ID("run") != out.Run ||
		facts[0].Codes.String("date") != string(today) || facts[1].Codes.Int("erased") != 1 || facts[1].Codes.Int("persons") != 4 {
		t.Errorf("%d facts: %+v", len(facts), facts)
	}
}

// TestADayHasOneRun: who asks again is told of the first.
func TestADayHasOneRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.run(today)
	w.ok(err)
	w.has(1, exit(domainretention.Erase, ""))
	again, err := w.run(today)
	if err != nil || !again.Again || again.Run != first.Run || len(w.done) != 0 || len(w.runs()) != 2 {
		t.Errorf("%v %+v %v", err, again, w.done)
	}
	if next, err := w.run("2026-11-23"); err != nil || next.Again || next.Run == first.Run || next.Counts.Erased != 1 {
		t.Errorf("the next day: %v %+v", err, next)
	}
}

// TestHeldIsUntouched: by a hold that was known, and by one placed after the look.
func TestHeldIsUntouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known := exit(domainretention.Erase, "")
	known.Blocked = []domain.ID{{9}}
	w.has(1, known)
	w.has(2, exit(domainretention.Destroy, "notes"), exit(domainretention.Archive, "billing"))
	w.has(3, exit(domainretention.Erase, ""))
	w.between = func(s domain.ID) {
		w.mu.Lock()
		w.held[who(2)] = true // during the run
		w.mu.Unlock()
	}
	out, err := w.run(today)
	if err != nil || out.Counts.Held != 2 || out.Counts.Erased != 1 || out.Counts.Failed != 0 || !slices.Equal(w.done, []string{"erase 3"}) {
		t.Errorf("%v %+v %v", err, out, w.done)
	}
}

// TestWhoCameBackIsLeftAlone: each person is decided anew at its turn, so an act, a
// merge with somebody active, or another policy since the look count.
func TestWhoCameBackIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(1, exit(domainretention.Erase, ""))
	w.has(2, exit(domainretention.Erase, ""))
	w.has(3, exit(domainretention.Destroy, "notes"))
	w.between = func(s domain.ID) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch s {
		case who(1):
			w.due[s] = nil
		case who(3): // the policy archives now what it destroyed
			w.due[s] = []domainretention.Exit{exit(domainretention.Archive, "notes")}
		}
	}
	out, err := w.run(today)
	slices.Sort(w.done)
	if err != nil || out.Counts.Persons != 2 || !slices.Equal(w.done, []string{"archive 3", "erase 2"}) {
		t.Errorf("%v %+v %v", err, out, w.done)
	}
}

var errCrash = errors.New("crash")

// TestKilledAndTakenUp: at each step; nothing is done twice, nothing is left out, and
// there is one run.
func TestKilledAndTakenUp(t *testing.T) {
	t.Parallel()
	for steps := 0; ; steps++ {
		w := newWorld(t)
		for n := byte(1); n <= 5; n++ {
			w.has(n, exit(domainretention.Erase, ""))
		}
		w.has(6, exit(domainretention.Archive, "billing"))
		left := steps
		w.step = func(string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if left--; left < 0 {
				return errCrash
			}
			return nil
		}
		first, err := w.run(today)
		if err == nil {
			if steps < 7 {
				t.Errorf("only %d steps", steps)
			}
			return
		}
		if !errors.Is(err, errCrash) || len(w.runs()) != 1 {
			t.Fatalf("%d: %v, %d facts", steps, err, len(w.runs()))
		}
		w.step = nil
		second, err := w.run(today)
		if err != nil || !second.Taken || second.Again || second.Run != first.Run || len(w.runs()) != 2 {
			t.Fatalf("%d: %v %+v", steps, err, second)
		}
		slices.Sort(w.done)
		if d := cmp.Diff([]string{"archive 6", "erase 1", "erase 2", "erase 3", "erase 4", "erase 5"}, w.done); d != "" {
			t.Errorf("after %d steps: %s", steps, d)
		}
	}
}

// TestTwoNodes at the same run: each person goes once, there is one report.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := byte(1); n <= 9; n++ {
		w.has(n, exit(domainretention.Erase, ""))
	}
	errs := make(chan error, 2)
	for range 2 {
		go func() { _, err := w.run(today); errs <- err }()
	}
	w.ok(errors.Join(<-errs, <-errs))
	slices.Sort(w.done)
	if len(w.done) != 9 || len(slices.Compact(slices.Clone(w.done))) != 9 || len(w.runs()) != 2 {
		t.Errorf("%v, %d facts", w.done, len(w.runs()))
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	w.has(1, exit(domainretention.Erase, ""))
	w.between = func(domain.ID) {
		if _, err := e.Run(t.Context(), today, domain.ID{}, nil); !errors.Is(err, retention.ErrRunning) {
			t.Errorf("beside a run: %v", err)
		}
	}
	if _, err := e.Run(t.Context(), today, domain.ID{}, nil); err != nil || len(w.done) != 1 {
		t.Errorf("%v %v", err, w.done)
	}
}

// TestWhatFailsKeepsNoOther, and what is not certified in time is said.
func TestWhatFailsKeepsNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := byte(1); n <= 4; n++ {
		w.has(n, exit(domainretention.Erase, ""))
	}
	w.fail[who(2)] = errors.New("no")
	w.slow[who(3)] = true
	out, err := w.run(today)
	if err != nil || out.Counts.Failed != 1 || out.Counts.Erased != 3 || out.Counts.Pending != 1 || out.Counts.Persons != 4 {
		t.Errorf("%v %+v", err, out)
	}
}

// TestLostLeaseEndsTheRun: nothing is written for a node that another replaced.
func TestLostLeaseEndsTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(1, exit(domainretention.Erase, ""))
	w.has(2, exit(domainretention.Erase, ""))
	w.fail[who(1)] = ledger.ErrFenced
	if _, err := w.run(today); !errors.Is(err, ledger.ErrFenced) || len(w.runs()) != 1 {
		t.Errorf("%v, %d facts", err, len(w.runs()))
	}
	ctx, stop := context.WithCancel(t.Context())
	w.between = func(domain.ID) { stop() }
	w.fail = map[domain.ID]error{who(1): context.Canceled, who(2): context.Canceled}
	if _, err := w.engine().Run(ctx, today, domain.ID{}, nil); err == nil || len(w.runs()) != 1 {
		t.Errorf("stopped: %v, %d facts", err, len(w.runs()))
	}
}
