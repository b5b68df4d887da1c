package sqlite

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

// TestDestroyWithLittleRoom makes the commits of a Destroy fail for want of room:
// it goes on in smaller steps and finishes; with no room at all it says so, stops
// nothing, and finishes when there is room again.
func TestDestroyWithLittleRoom(t *testing.T) {
	t.Parallel()
	for _, skip := range []int{0, 1, 2} { // the row of a doom, keys, rows
		for _, more := range []int{0, 1, 4, 1000} {
			p := &plan{}
			s := openFaulty(t, filepath.Join(t.TempDir(), "vault.db"), p)
			l := newLoad()
			if _, err := s.Prepare(t.Context(), l.batch(200, 0)); err != nil {
				t.Fatal(err)
			}
			lives, dies := l.owners[0], l.owners[1:]
			dooms := append(vault.Whole(dies...), vault.Doom{
				Owner: lives, Keys: []vault.ClassEpoch{{Class: "identity", Epoch: "whole"}},
				Row: &vault.KeyWrite{Owner: lives, Rev: 1, Wrapped: []byte("without identity")},
			})
			*p = plan{sql: "COMMIT", skip: skip, more: more, err: coded(sqlite3.SQLITE_FULL)}
			err := s.Destroy(t.Context(), dooms)
			if most := []int{1, 4, 4}[skip]; more < most && err != nil || more == 1000 && !errors.Is(err, vault.ErrFull) {
				t.Errorf("skip %d, %d more: error is %v", skip, more, err)
			}
			*p = plan{}
			if err := s.Destroy(t.Context(), dooms); err != nil {
				t.Errorf("skip %d, %d more: with room: %v", skip, more, err)
			}
			left := 0
			err = s.Walk(t.Context(), func(_ domain.ID, p vault.Part) error {
				if left++; p.Key.Owner != lives || p.Key.Class == "identity" {
					t.Error("something destroyed is left")
				}
				return nil
			})
			keys, err2 := s.Keys(t.Context(), []part.Owner{lives})
			if err := errors.Join(err, err2); err != nil || left == 0 || keys[0].Rev != 2 {
				t.Errorf("%d parts left, revision %d: %v", left, keys[0].Rev, err)
			}
			if _, err := s.Prepare(t.Context(), oneRow(1)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestCheckpointWithoutRoom shows that a log that cannot be moved into the file
// for want of room denies no commit and stops nothing; Destroy says that traces
// may be left, and finishes when there is room.
func TestCheckpointWithoutRoom(t *testing.T) {
	t.Parallel()
	p := &plan{}
	s := openFaulty(t, filepath.Join(t.TempDir(), "vault.db"), p)
	big := oneRow(1)
	big.Rows[0].Fact = make([]byte, walSoft)
	*p = plan{sql: "PRAGMA wal_checkpoint", more: 1000, err: coded(sqlite3.SQLITE_FULL)}
	for i, b := range []*vault.Batch{big, oneRow(2)} {
		if _, err := s.Prepare(t.Context(), b); err != nil {
			t.Errorf("batch %d: %v", i, err)
		}
	}
	owner := vault.Whole(part.SubjectOwner(domain.ID{1}))
	if err := s.Destroy(t.Context(), owner); !errors.Is(err, vault.ErrFull) || !strings.Contains(err.Error(), "traces may be left") {
		t.Errorf("destroyed without room to empty the log: %v", err)
	}
	*p = plan{}
	if err := s.Destroy(t.Context(), owner); err != nil {
		t.Error(err)
	}
}
