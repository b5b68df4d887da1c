//go:build real

package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/audit/sqlite"
	"greffe/projections/drift"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// TestDrift edits rows of the dataset and sees each named, with its position.
func TestDrift(t *testing.T) {
	t.Parallel()
	s := chtest.Shared(t)
	w := projtest.NewWorld(11, 60)
	facts := projtest.Decode(t, 0, w.Bytes(900))
	fresh, err := sqlite.Open(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fresh.Close() })
	live := mustOpen(t, config("clickhouse://default@"+s.Addr+"/"+newDatabase(), w))
	for _, d := range []audit.Dataset{fresh, live} {
		if err := d.Apply(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	var good bytes.Buffer
	if err := audit.Content(t.Context(), &good, fresh, 0); err != nil {
		t.Fatal(err)
	}
	compare := func() drift.Report {
		t.Helper()
		r, w := io.Pipe()
		go func() { _ = w.CloseWithError(audit.Content(context.WithoutCancel(t.Context()), w, live, 0)) }()
		report, err := drift.Compare(t.Context(), r, bytes.NewReader(good.Bytes()), drift.Limits{Table: 9, All: 9})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if r := compare(); !r.Equal() || r.Live != r.Fresh {
		t.Fatalf("untouched: %v", r.Findings)
	}
	if err := live.Sound(t.Context()); err != nil {
		t.Fatal(err)
	}
	work := func(statement string) {
		t.Helper()
		if err := live.pool.exec(t.Context(), "edit", statement+" SETTINGS mutations_sync = 2"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ edit, table, kind, where string }{
		{"ALTER TABLE ~.events UPDATE source = toUUID('01020304-0506-4708-890a-0b0c0d0e0f10') WHERE position = 500", "events", drift.Changed, "events position=500"},
		{"ALTER TABLE ~.events DELETE WHERE position = 300", "events", drift.Missing, "events position=300"},
		{"ALTER TABLE ~.accesses UPDATE reason = 'maintenance' WHERE position = (SELECT min(position) FROM ~.accesses)", "accesses", drift.Changed, "differs in reason"},
	} {
		before := compare()
		work(c.edit)
		r := compare()
		found := ""
		for _, f := range r.Findings {
			if f.Table == c.table && f.Kind == c.kind && f.Known {
				found += f.String() + "\n"
			}
		}
		if r.Lines <= before.Lines || !strings.Contains(found, c.where) {
			t.Errorf("%s: %d lines, %v", c.edit, r.Lines, r.Findings)
		}
	}
	work("ALTER TABLE ~.consents UPDATE unproven = NOT unproven WHERE position = (SELECT max(position) FROM ~.consents)")
	if err := live.Sound(t.Context()); !errors.Is(err, ErrDerived) || !strings.Contains(err.Error(), "from position") {
		t.Errorf("an edited consent: %v", err)
	}
}
