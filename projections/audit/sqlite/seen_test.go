package sqlite

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/projections/audit"
)

// TestScopePlans: sheaves are found by account and time, by time, or in the order that
// they lie in; rows are read of the positions alone that are not bound; sheaves to drop
// from are found by time.
func TestScopePlans(t *testing.T) {
	t.Parallel()
	s := boundStore(t, filepath.Join(t.TempDir(), "audit.db"))
	span := audit.Span{From: worldStart}
	for _, more := range []string{"", " AND categories IN (1,2)", " AND source IN (3)", " AND categories IN (1) AND source IN (3)"} {
		for _, x := range []struct {
			f          audit.SeenFilter
			more, want string
		}{
			{audit.SeenFilter{}, "", "SEARCH sheaf USING INTEGER PRIMARY KEY (rowid<?)"},
			{audit.SeenFilter{Time: span}, "", "SEARCH sheaf USING INDEX sheaf_time (time_min<?"},
			{audit.SeenFilter{Accounts: []domain.ID{{1}}, Time: span}, " AND account IN (1,2)", "SEARCH sheaf USING INDEX sheaf_account (account=? AND time_min<?"},
		} {
			w := &seenWalk{f: x.f}
			if plan := explain(t, s, sheafQuery+w.by()+sheafWhere+more+x.more, 0, 1<<60, 9); !strings.Contains(plan, x.want) || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%+v %q: %s", x.f, more+x.more, plan)
			}
		}
		if plan := explain(t, s, seenQuery+more, 0, 1<<60, 9, 1); !strings.Contains(plan, "SEARCH access USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)") {
			t.Errorf("rows, %q: %s", more, plan)
		}
	}
	if plan := explain(t, s, oldSheaves, 9); !strings.Contains(plan, "SEARCH sheaf USING COVERING INDEX sheaf_time (time_min<?)") {
		t.Errorf("old: %s", plan)
	}
	for _, q := range []string{boundQuery, getSheaf} {
		noScan(t, s, q, make([]any, strings.Count(q, "?")))
	}
}

// TestScopeEdges: a period that ends or begins at the first or last time of a sheaf
// counts what a scan of the rows does.
func TestScopeEdges(t *testing.T) {
	t.Parallel()
	s := boundStore(t, filepath.Join(t.TempDir(), "audit.db"))
	rows, err := s.file.Rows(t.Context(), "SELECT time_min,time_max FROM sheaf WHERE time_min<time_max ORDER BY n DESC LIMIT 6")
	if err != nil {
		t.Fatal(err)
	}
	var at []int64
	for rows.Next() {
		var lo, hi int64
		if err := rows.Scan(&lo, &hi); err != nil {
			t.Fatal(err)
		}
		at = append(at, lo, lo+1, hi, hi+1)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(at) < 24 {
		t.Fatal(len(at), err)
	}
	for i := 0; i < len(at); i += 4 {
		for _, from := range at[i : i+4] {
			for _, to := range at[i : i+4] {
				span := audit.Span{From: time.UnixMicro(from), To: time.UnixMicro(to)}
				want := int64(0)
				for _, err := range s.Accesses(t.Context(), audit.AccessFilter{Time: span, Before: 900}) {
					if want++; err != nil {
						t.Fatal(err)
					}
				}
				if got, err := s.Seen(t.Context(), audit.SeenFilter{Time: span, Before: 900}); err != nil || got.Accesses != want {
					t.Errorf("%v: %d accesses, want %d; %v", span, got.Accesses, want, err)
				}
			}
		}
	}
}
