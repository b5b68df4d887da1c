package seal_test

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

var ordered = domain.NewTime(time.Date(2026, 11, 22, 10, 0, 0, 1000, time.UTC))

func whole(class string) erasure.ClassEpoch { return erasure.ClassEpoch{Class: class, Epoch: "whole"} }

func (w *world) load() *seal.KeySet {
	w.t.Helper()
	sets, err := w.keys.Load(w.t.Context(), []part.Owner{anne})
	if err != nil {
		w.t.Fatal(err)
	}
	return sets[0]
}

func (w *world) destroy(d ...erasure.Destruction) {
	w.t.Helper()
	if err := w.keys.Destroy(w.t.Context(), d); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) classes() []string {
	w.t.Helper()
	var out []string
	for _, class := range []string{"identity", "notes"} {
		opened, err := w.keys.Open(w.t.Context(), []*event.Fact{w.fact}, func(r *event.PartRef) bool { return r.Class == class })
		if err != nil {
			w.t.Fatal(err)
		}
		if len(opened[0].Fields) > 0 {
			out = append(out, class)
		}
	}
	return out
}

// TestDestroyClass: one class goes, its key id never comes back, the other stays.
func TestDestroyClass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := erasure.Destruction{Owner: anne, By: domain.ID{7}, At: ordered, Keys: []erasure.ClassEpoch{whole("notes")}}
	for range 2 { // and again
		w.destroy(d)
		if got := w.classes(); !slices.Equal(got, []string{"identity"}) {
			t.Fatalf("left: %v", got)
		}
	}
	set := w.load()
	if set.Erased() || set.Epoch("notes", "whole") != "whole.1" || set.Epoch("identity", "whole") != "whole" {
		t.Errorf("erased %v, next notes under %s, identity under %s", set.Erased(), set.Epoch("notes", "whole"), set.Epoch("identity", "whole"))
	}
	have, gone, err := w.keys.Has(t.Context(), []part.KeyID{{Owner: anne, Class: "notes", Epoch: "whole"}, {Owner: anne, Class: "identity", Epoch: "whole"},
		{Owner: anne, Class: "notes", Epoch: "whole.1"}})
	if err != nil || !slices.Equal(have, []bool{false, true, false}) || !slices.Equal(gone, []bool{true, false, false}) {
		t.Errorf("have %v, destroyed %v, %v", have, gone, err)
	}
}

// TestDestroyLeavesKept: a person erased but for what the law keeps is closed, by
// whom and when; the rest opens still, and goes at last.
func TestDestroyLeavesKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.destroy(erasure.Destruction{Owner: anne, By: domain.ID{7}, At: ordered, Keys: []erasure.ClassEpoch{whole("identity")}, Closed: true})
	set := w.load()
	if got := w.classes(); !slices.Equal(got, []string{"notes"}) || set.Closed != (domain.ID{7}) || !set.ClosedAt.Equal(ordered.Time) || set.Destroyed {
		t.Fatalf("left %v, set %+v", got, set)
	}
	if _, err := set.Ensure("commercial", "2026", rand.Reader); err == nil {
		t.Error("a new key for a person who was erased")
	}
	w.destroy(erasure.Destruction{Owner: anne, By: domain.ID{8}, At: ordered})
	w.destroy(erasure.Destruction{Owner: anne, By: domain.ID{9}, At: ordered, Keys: []erasure.ClassEpoch{whole("notes")}})
	if set := w.load(); len(w.classes()) > 0 || !set.Destroyed || set.Closed != (domain.ID{8}) || !set.ClosedAt.Equal(ordered.Time) {
		t.Errorf("after the last: %v, %+v", w.classes(), set)
	}
}

// TestDestroyUnknown: in a copy from before the person was known, the erasure
// stands before the person does.
func TestDestroyUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, carl := part.SubjectOwner(domain.ID{2}), part.SubjectOwner(domain.ID{3})
	w.destroy(erasure.Destruction{Owner: bob, By: domain.ID{7}, At: ordered},
		erasure.Destruction{Owner: carl, By: domain.ID{7}, At: ordered, Keys: []erasure.ClassEpoch{whole("identity")}, Closed: true},
		erasure.Destruction{Owner: bob, By: domain.ID{8}, At: ordered})
	sets, err := w.keys.Load(t.Context(), []part.Owner{bob, carl})
	if err != nil || !sets[0].Destroyed || sets[0].Closed != (domain.ID{7}) || sets[1].Destroyed || sets[1].Closed != (domain.ID{7}) {
		t.Errorf("%+v %+v %v", sets[0], sets[1], err)
	}
}

// TestDestroyRaces: rows that the record path rewrites meanwhile lose no key and
// keep none that was doomed.
func TestDestroyRaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stale := &staleOnce{Store: w.store.Store, w: w, left: 3}
	w.store.Store = stale
	w.destroy(erasure.Destruction{Owner: anne, By: domain.ID{7}, At: ordered, Keys: []erasure.ClassEpoch{whole("notes")}})
	if stale.left != 0 {
		t.Fatal("nothing raced")
	}
	set := w.load()
	for i := range 3 {
		if _, ok := set.Key("commercial", string(rune('a'+i))); !ok {
			t.Errorf("a key made meanwhile is lost (%d)", i)
		}
	}
	if _, ok := set.Key("notes", "whole"); ok {
		t.Error("the doomed key is there still")
	}
}

// staleOnce lets the record path win a few times before a destruction.
type staleOnce struct {
	vault.Store
	w    *world
	left int
}

func (s *staleOnce) Destroy(ctx context.Context, d []vault.Doom) error {
	if s.left > 0 {
		s.left--
		set := s.w.load()
		if _, err := set.Ensure("commercial", string(rune('a'+s.left)), rand.Reader); err != nil {
			return err
		}
		s.w.rewrite(set)
	}
	return s.Store.Destroy(ctx, d)
}

// TestRedact: one part goes; the key and the other parts stay.
func TestRedact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.destroy(erasure.Destruction{Owner: anne, By: domain.ID{7}, At: ordered, Redacted: []erasure.Redaction{{Event: w.fact.ID, Class: "notes"}}})
	if got := w.classes(); !slices.Equal(got, []string{"identity"}) {
		t.Errorf("left: %v", got)
	}
	if _, ok := w.load().Key("notes", "whole"); !ok {
		t.Error("the key went with the part")
	}
}

// TestSetState: what stands against a destruction survives being stored.
func TestSetState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claim, limit := seal.Hold{Kind: seal.HoldClaim, Event: domain.ID{4}}, seal.Hold{Kind: seal.HoldRestriction, Event: domain.ID{5}}
	w.set.Hold(claim)
	w.set.Hold(limit)
	w.set.Hold(claim)
	w.set.Retire("notes")
	w.set.Retire("notes")
	w.rewrite(w.set)
	set := w.load()
	if !slices.Equal(set.Holds(), []seal.Hold{claim, limit}) || set.Epoch("notes", "2026") != "2026.2" || set.Erased() {
		t.Fatalf("%+v", set)
	}
	if !slices.Equal(set.Doomed([]string{"notes"}), []erasure.ClassEpoch{whole("notes")}) || len(set.Doomed([]string{"identity"})) != 0 || len(set.Doomed(nil)) != 2 {
		t.Errorf("doomed: %v, %v", set.Doomed([]string{"notes"}), set.Doomed([]string{"identity"}))
	}
	if set.Release(seal.HoldRestriction, domain.ID{4}) || !set.Release(seal.HoldClaim, domain.ID{4}) || !set.Release(seal.HoldRestriction, domain.ID{}) || set.Held() {
		t.Errorf("released: %+v", set.Holds())
	}
}
