package ledger_test

import (
	"errors"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	"greffe/eventstore/vault/sqlite"
)

// TestUnknownOutcome breaks the append both ways: facts kept and facts lost. The
// ledger must stop, and after a restart hold the event exactly once.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(error) memory.Faults{
		"lost": func(err error) memory.Faults {
			return memory.Faults{Stop: true, Lost: func(domain.Position, [][]byte) error { return err }}
		},
		"kept": func(err error) memory.Faults {
			return memory.Faults{Stop: true, Kept: func(domain.Position, [][]byte) error { return err }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, w := memory.New(), &world{t: t, dir: t.TempDir()}
			openOn(t, w, log)
			before := w.record(created("e0", "C-0", "z@example.org"))[0]
			log.Inject(fault(eventstore.ErrFailed))
			_, err := w.Record(t.Context(), [][]byte{[]byte(created("e1", "C-1", "a@example.org"))})
			if !errors.Is(err, ledger.ErrUnknown) {
				t.Fatalf("the caller got %v, want an unknown outcome", err)
			}
			<-w.Failed()
			if _, err := w.Record(t.Context(), [][]byte{[]byte(created("e2", "C-2", "b@example.org"))}); !errors.Is(err, ledger.ErrStopped) {
				t.Fatalf("a stopped ledger answered %v", err)
			}
			_ = w.Ledger.Close()
			_ = w.vault.Close()
			openOn(t, w, log.Reopen())
			for id, r := range map[string]ledger.Status{"e0": ledger.Duplicate, "e1": ledger.Duplicate, "e2": ledger.Recorded} {
				if got := w.record(created(id, "C-"+id[1:], map[string]string{"e0": "z", "e1": "a", "e2": "b"}[id]+"@example.org"))[0]; got.Status != r {
					t.Errorf("%s after the restart: %s, want %s", id, got.Status, r)
				}
			}
			seen := map[domain.ID]int{}
			for _, f := range w.facts() {
				if seen[f.ID]++; seen[f.ID] > 1 {
					t.Errorf("fact %s stands twice", f.ID)
				}
			}
			if again := w.record(created("e0", "C-0", "z@example.org"))[0]; again.Position != before.Position {
				t.Errorf("e0 moved from %d to %d", before.Position, again.Position)
			}
			_ = w.Ledger.Close()
			_ = w.vault.Close()
		})
	}
}

func openOn(t *testing.T, w *world, log eventstore.Log) {
	t.Helper()
	v, err := sqlite.Open(t.Context(), filepath.Join(w.dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), config(log, v))
	if err != nil {
		t.Fatal(err)
	}
	w.log, w.vault, w.Ledger = log, v, l
}

// TestRolledBackLog: a log that lacks what the vault knows must not be opened.
func TestRolledBackLog(t *testing.T) {
	t.Parallel()
	log, w := memory.New(), &world{t: t, dir: t.TempDir()}
	openOn(t, w, log)
	w.record(created("e1", "C-1", "a@example.org"))
	_ = w.Ledger.Close()
	_ = w.vault.Close()
	v, err := sqlite.Open(t.Context(), filepath.Join(w.dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := ledger.Open(t.Context(), config(memory.New(), v)); !errors.Is(err, ledger.ErrDiverged) {
		t.Errorf("an empty log beside a used vault was opened: %v", err)
	}
}

// TestLostRace: another node appended first; the group takes the next positions.
func TestLostRace(t *testing.T) {
	t.Parallel()
	log, w := memory.New(), &world{t: t, dir: t.TempDir()}
	openOn(t, w, log)
	head, _ := w.Head(t.Context())
	foreign, err := event.AppendFact(nil, &event.Fact{ID: domain.ID{15: 1}, Type: event.ExportProduced,
		Time: domain.NewTime(testNow), Recorded: domain.NewTime(testNow)})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), head, [][]byte{foreign}); err != nil {
		t.Fatal(err)
	}
	got := w.record(created("e1", "C-1", "a@example.org"))[0]
	facts := w.facts()
	if got.Status != ledger.Recorded || facts[got.Position].ID != got.Event {
		t.Fatalf("answered %+v, but position %d holds %s", got, got.Position, facts[got.Position].ID)
	}
	if again := w.record(created("e1", "C-1", "a@example.org"))[0]; again.Status != ledger.Duplicate || again.Position != got.Position {
		t.Errorf("again: %+v", again)
	}
	next := w.record(created("e2", "C-1", "a@example.org"))[0]
	if f := w.facts(); f[next.Position].ID != next.Event {
		t.Errorf("the event after the race is answered at a wrong position")
	}
	_ = w.Ledger.Close()
	_ = w.vault.Close()
}
