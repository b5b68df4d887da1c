package seal_test

import (
	"errors"
	"slices"
	"testing"

	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// TestDisclose: whoever is given a part and its key opens it alone; nothing that was
// destroyed is given, also when it is destroyed meanwhile.
func TestDisclose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, err := w.keys.Disclose(t.Context(), w.fact, "notes")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := part.OpenWith(got.Key, part.Event{ID: w.fact.ID, Type: string(w.fact.Type)}, got.Part)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(w.fact.Parts, func(r event.PartRef) bool { return r.Class == "notes" })
	if fields, err := event.ParsePlaintext(plain); err != nil || len(fields) == 0 || part.Commit(got.Part) != w.fact.Parts[at].Commitment {
		t.Errorf("%d fields, %v", len(fields), err)
	}
	other, err := w.keys.Disclose(t.Context(), w.fact, "identity")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.OpenWith(got.Key, part.Event{ID: w.fact.ID, Type: string(w.fact.Type)}, other.Part); err == nil {
		t.Error("the key of one part opens another")
	}
	if _, err := w.keys.Disclose(t.Context(), w.fact, "contract"); !errors.Is(err, seal.ErrGone) {
		t.Errorf("a class the fact has not: %v", err)
	}
	w.destroy(erasure.Destruction{Owner: anne, At: ordered, Keys: []erasure.ClassEpoch{whole("notes")}})
	if _, err := w.keys.Disclose(t.Context(), w.fact, "notes"); !errors.Is(err, seal.ErrGone) {
		t.Errorf("destroyed: %v", err)
	}
	w.store.reads = 0
	w.store.before[2] = func() { _ = w.store.Destroy(t.Context(), vault.Whole(anne)) }
	if _, err := w.keys.Disclose(t.Context(), w.fact, "identity"); !errors.Is(err, seal.ErrGone) {
		t.Errorf("destroyed meanwhile: %v", err)
	}
	broken := newWorld(t)
	broken.fact.Parts[0].Commitment[0] ^= 1
	if _, err := broken.keys.Disclose(t.Context(), broken.fact, broken.fact.Parts[0].Class); !errors.Is(err, seal.ErrAltered) {
		t.Errorf("altered: %v", err)
	}
}
