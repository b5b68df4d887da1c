package seal_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// TestArchivedIsLeftOut: what is archived opens for those alone who ask for all, and
// says since when it is; the rest opens as before.
func TestArchivedIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set.Archive([]erasure.ClassEpoch{whole("notes"), {Class: "contract", Epoch: "2024"}}, ordered)
	w.rewrite(w.set)
	o := w.open()
	if len(o.Fields) != 1 || o.Fields[0].Path != "x.identity" || len(o.Gone) > 0 || len(o.Archived) != 1 || o.Archived[0].Class != "notes" || o.Archived[0].Since != ordered {
		t.Fatalf("%+v", o)
	}
	all, err := w.keys.OpenAll(t.Context(), []*event.Fact{w.fact}, nil)
	if err != nil || len(all[0].Fields) != 2 || len(all[0].Archived) > 0 {
		t.Fatalf("%+v %v", all, err)
	}
	if d, err := w.keys.Disclose(t.Context(), w.fact, "notes"); err != nil || d.Key == (part.Key{}) {
		t.Fatalf("a proof of what is archived: %v", err)
	}
	w.destroy(erasure.Destruction{Owner: anne, By: domain.ID{7}, At: ordered, Keys: []erasure.ClassEpoch{whole("notes")}})
	if o := w.open(); len(o.Gone) != 1 || len(o.Archived) > 0 {
		t.Fatalf("destroyed: %+v", o)
	}
	if _, left := w.load().Archived("notes", "whole"); left {
		t.Error("the mark of a key outlives the key")
	}
}

// TestArchiveEpochs: what comes after is sealed under a key whose name was never used,
// however often classes are archived and destroyed; the state of a row survives.
func TestArchiveEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		set := &seal.KeySet{Owner: anne}
		used := map[string]bool{}
		at := domain.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			epoch := set.Epoch("notes", "2026")
			_, there := set.Key("notes", epoch)
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				if !there && used[epoch] {
					t.Fatalf("the key %s comes back", epoch)
				}
				if _, err := set.Ensure("notes", epoch, rand.Reader); err != nil {
					t.Fatal(err)
				}
				used[epoch] = true
			case 1:
				keys := set.Archivable("notes", nil)
				set.Archive(keys, at)
				if len(set.Archivable("notes", nil)) > 0 || there && set.Epoch("notes", "2026") == epoch {
					t.Fatalf("%v archived, and %s is sealed under still", keys, set.Epoch("notes", "2026"))
				}
			case 2:
				set.Retire("notes")
				set.Drop(set.Doomed([]string{"notes"}))
			case 3:
				kept := set.Archivable("notes", nil)
				row := w.wrapped(set)
				if len(row.Wrapped) == 0 {
					t.Fatal("no row")
				}
				again := w.again(t, row.Wrapped, row.Rev+1)
				if !slices.Equal(kept, again.Archivable("notes", nil)) || again.Epoch("notes", "2026") != epoch {
					t.Fatalf("the row reads as another: %v, %v", kept, again.Archivable("notes", nil))
				}
			}
		}
	})
}

// TestArchivable: of a class the keys that are asked for and active, in order.
func TestArchivable(t *testing.T) {
	t.Parallel()
	set := &seal.KeySet{Owner: anne}
	for _, e := range []string{"2025", "2024", "2023"} {
		if _, err := set.Ensure("notes", e, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	set.Archive([]erasure.ClassEpoch{{Class: "notes", Epoch: "2024"}}, ordered)
	set.Archive([]erasure.ClassEpoch{{Class: "notes", Epoch: "2024"}}, domain.NewTime(ordered.AddDate(1, 0, 0)))
	if since, ok := set.Archived("notes", "2024"); !ok || since != ordered {
		t.Errorf("since %v, %t: the first time stands", since, ok)
	}
	if got := erasure.Names(set.Archivable("notes", nil)); !slices.Equal(got, []string{"notes/2023", "notes/2025"}) {
		t.Errorf("%v", got)
	}
	if got := set.Archivable("notes", []string{"2024", "2025", "1999"}); len(got) != 1 || got[0].Epoch != "2025" {
		t.Errorf("%v", got)
	}
	if got := set.Archivable("identity", nil); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// again is the set that a row of a revision holds.
func (w *world) again(t *rapid.T, wrapped []byte, rev int64) *seal.KeySet {
	keys, err := w.keys.Read(anne, vault.KeyRow{Rev: rev, Wrapped: wrapped})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
