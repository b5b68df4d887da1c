package sqlite

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"greffe/projections/audit"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// TestQuestionPlans: reads without a case and of many persons are found by indexes of
// their own, in order of position; how an account read is answered from one index
// alone, by time.
func TestQuestionPlans(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(5, 90)
	s, err := Open(filepath.Join(t.TempDir(), "audit.db"), w, sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Apply(t.Context(), projtest.Decode(t, 0, w.Bytes(900))); err != nil {
		t.Fatal(err)
	}
	for index, f := range map[string]audit.AccessFilter{
		"access_caseless": {WithoutCase: true}, "access_many": {MinCount: 2}, "access_many (": {MinCount: 40, WithoutCase: true},
	} {
		q, err := s.accesses(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		index, _, _ = strings.Cut(index, " ")
		if plan := noScan(t, s, q.sql(accessColumns), append(append([]any{0, 1 << 40}, q.args...), 10)); !strings.Contains(plan, index) {
			t.Errorf("%+v: %s", f, plan)
		}
	}
	plan := explain(t, s, flowQuery, 1, 0, 1<<60, nil)
	if !strings.Contains(plan, "SEARCH access USING COVERING INDEX access_flow (account=? AND time>? AND time<?)") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("flow: %s", plan)
	}
	for _, q := range []string{agentsFrom, agentsNext} {
		noScan(t, s, q, []any{[]byte{1}})
	}
}

func explain(t *testing.T, s *Store, query string, args ...any) (plan string) {
	t.Helper()
	rows, err := s.file.Reads().QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan += detail + "\n"
	}
	return plan
}
