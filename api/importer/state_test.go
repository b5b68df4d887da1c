package importer

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func openTestState(t *testing.T) (*SQLiteState, string) {
	t.Helper()
	path := file(t, "snap shot?#%.db")
	s, err := OpenState(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, path
}

func begin(t interface {
	Fatal(...any)
	Context() context.Context
}, s SnapshotState, at time.Time) RunState {
	r, err := s.Begin(t.Context(), MAC{1}, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func keyOf(n byte) Key { return Key{0: n, 31: 7} }

// The state against a map, over runs of any updates.
func TestStateKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	s, _ := openTestState(t)
	var night int
	model := map[Key]Entry{}
	rapid.Check(t, func(t *rapid.T) {
		night++
		run := begin(t, s, theAt.AddDate(0, 0, night))
		live := 0
		for _, e := range model {
			if !e.Gone {
				live++
			}
		}
		if night > 1 && run.Known != int64(live) {
			t.Fatalf("%d known, %d in the model", run.Known, live)
		}
		seen := map[Key]bool{}
		var ups []Update
		for range rapid.IntRange(0, 6).Draw(t, "updates") {
			k := keyOf(rapid.ByteRange(0, 9).Draw(t, "key"))
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				ups = append(ups, Update{Key: k, Forget: true})
				delete(model, k)
				delete(seen, k)
			case 1:
				ups = append(ups, Update{Key: k})
				if _, ok := model[k]; ok {
					seen[k] = true
				}
			default:
				e := Entry{Sealed: []byte{1, k[0]}, Generation: uint32(night), Gone: rapid.Bool().Draw(t, "gone"),
					Fields: rapid.MapOf(rapid.Custom(func(t *rapid.T) PathID { return PathID{rapid.Byte().Draw(t, "p")} }),
						rapid.Custom(func(t *rapid.T) MAC { return MAC{rapid.Byte().Draw(t, "m")} })).Draw(t, "fields")}
				ups = append(ups, Update{Key: k, Entry: &e})
				model[k], seen[k] = e, true
			}
		}
		if err := s.Put(t.Context(), run, ups); err != nil {
			t.Fatal(err)
		}
		agree(t, s, run, model, seen)
	})
}

func agree(t *rapid.T, s *SQLiteState, run RunState, model map[Key]Entry, seen map[Key]bool) {
	var keys, unseen []Key
	for n := byte(0); n < 10; n++ {
		k := keyOf(n)
		keys = append(keys, k)
		if e, ok := model[k]; ok && !seen[k] && !e.Gone {
			unseen = append(unseen, k)
		}
	}
	got, now, err := s.Get(t.Context(), run, keys)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(model, got); d != "" {
		t.Fatal(d)
	}
	for k := range model {
		if now[k] != seen[k] {
			t.Fatal("seen in this run differs")
		}
	}
	var listed []Key
	var after Key
	for {
		page, entries, err := s.Unseen(t.Context(), run, after, 2)
		if err != nil || len(page) > 2 || len(entries) != len(page) {
			t.Fatal("a page is wrong: ", err)
		}
		if len(page) == 0 {
			break
		}
		listed = append(listed, page...)
		after = page[len(page)-1]
	}
	if n, err := s.CountUnseen(t.Context(), run); err != nil || n != int64(len(listed)) || !slices.Equal(listed, unseen) {
		t.Fatalf("unseen: %d counted, %d listed, %d in the model, %v", n, len(listed), len(unseen), err)
	}
}

func TestAStateOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	path := file(t, "state.db")
	first, err := OpenState(path)
	if err != nil {
		t.Fatal(err)
	}
	run := begin(t, first, theAt)
	e := Entry{Sealed: []byte("x"), Generation: 3, Fields: map[PathID]MAC{{1}: {2}}}
	if err := first.Put(t.Context(), run, []Update{{Key: keyOf(1), Entry: &e}}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenState(path)
	if err != nil {
		t.Fatal(err)
	}
	next := begin(t, again, theAt)
	got, _, err := again.Get(t.Context(), next, []Key{keyOf(1), keyOf(2)})
	if err != nil || len(got) != 1 || cmp.Diff(e, got[keyOf(1)]) != "" || next.Number != run.Number+1 || next.Instance != run.Instance {
		t.Errorf("%+v %+v %v", got, next, err)
	}
	if _, err := again.Begin(t.Context(), MAC{9}, theAt); !errors.Is(err, ErrState) {
		t.Errorf("another owner: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := again.Put(t.Context(), next, nil); err == nil {
		t.Error("a closed state took something")
	}
}

func TestADamagedStateIsRefused(t *testing.T) {
	t.Parallel()
	s, path := openTestState(t)
	run := begin(t, s, theAt)
	if err := s.Put(t.Context(), run, []Update{{Key: keyOf(1), Entry: &Entry{Sealed: []byte("x")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`UPDATE contacts SET fields = x'0102'`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get(t.Context(), run, []Key{keyOf(1)}); !errors.Is(err, ErrState) {
		t.Errorf("cut fields: %v", err)
	}
	if _, err := s.db.Exec(`UPDATE meta SET version = 99`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), MAC{1}, theAt); !errors.Is(err, ErrState) {
		t.Errorf("another version: %v", err)
	}
	if _, err := OpenState(path + "/below"); err == nil {
		t.Error("a path below a file was opened")
	}
	other := file(t, "not-sqlite")
	if err := os.WriteFile(other, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(other); err == nil {
		t.Error("a file that is no database was opened")
	}
}

// A subject that was sealed for one contact opens for no other and under no
// other secret.
func TestSealedSubjects(t *testing.T) {
	t.Parallel()
	make := func(secret string) *snapshot {
		st, _ := openTestState(t)
		opt := options()
		opt.Snapshot = &Snapshot{State: st, Secret: []byte(strings.Repeat(secret, 32))}
		s, err := openSnapshot(t.Context(), &opt, &rowReader{opt: &opt})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := make("a"), make("b")
	k := a.key("C-1")
	sealed := a.sealed(k, "C-1")
	if got, err := a.opened(k, sealed); err != nil || got != "C-1" {
		t.Errorf("%q %v", got, err)
	}
	for name, try := range map[string]func() (string, error){
		"other contact": func() (string, error) { return a.opened(a.key("C-2"), sealed) },
		"other secret":  func() (string, error) { return b.opened(k, sealed) },
		"cut":           func() (string, error) { return a.opened(k, sealed[:5]) },
		"nothing":       func() (string, error) { return a.opened(k, nil) },
	} {
		if _, err := try(); !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a.key("C-1") == b.key("C-1") || a.key("C-1") == a.key("C-2") {
		t.Error("keys do not depend on secret and subject")
	}
}
