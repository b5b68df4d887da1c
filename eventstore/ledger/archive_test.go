package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
)

// TestArchive: a fact names the keys, and what they seal leaves the active base with it,
// also after a restart; what comes later is active; the same again is refused; a hold
// does not stand against it, an erasure does.
func TestArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := strings.Replace(upstream("2", "contact.changed", "C-1", `{"set":{"notes":"old"}}`), "2026-", "2024-", 1)
	anne := w.record(created("1", "C-1", "anne@example.net"), old)[0].Subject
	active := func() (out []string) {
		t.Helper()
		var facts []*event.Fact
		for _, f := range w.facts() {
			if f.Subject == anne && f.Type.Upstream() {
				facts = append(facts, f)
			}
		}
		opened, err := w.Keyring().Open(t.Context(), facts, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range opened {
			for _, p := range facts[i].Parts {
				if p.Class == "notes" && !slices.ContainsFunc(opened[i].Fields, func(f event.Field) bool { return f.Path == "notes" }) {
					out = append(out, p.Epoch)
				}
			}
		}
		return out
	}
	if _, err := w.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: anne}}); err != nil {
		t.Fatal(err)
	}
	a := ledger.Archival{ID: domain.ID{0xaa, 1}, Subject: anne, Classes: []string{"notes", "billing", "notes"}, Epochs: map[string][]string{"notes": {"2024"}}, Rule: "notes.3y"}
	if _, err := w.Archive(t.Context(), nil, a); err != nil {
		t.Fatal(err)
	}
	if got := active(); !slices.Equal(got, []string{"2024"}) {
		t.Fatalf("left out: %v", got)
	}
	if _, err := w.Archive(t.Context(), nil, a); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("again: %v", err)
	}
	a.ID = domain.ID{}
	if _, err := w.Archive(t.Context(), nil, a); !errors.Is(err, ledger.ErrNothing) {
		t.Errorf("nothing is left to archive: %v", err)
	}
	a.Epochs = nil
	if _, err := w.Archive(t.Context(), nil, a); err != nil {
		t.Fatal(err)
	}
	w.close()
	w.open()
	w.record(upstream("3", "contact.changed", "C-1", `{"set":{"notes":"new"}}`), strings.Replace(old, `"id":"2"`, `"id":"4"`, 1))
	if got := active(); !slices.Equal(got, []string{"2026", "2024"}) {
		t.Errorf("left out: %v", got)
	}
	var said []string
	for _, f := range w.facts() {
		if f.Type == event.RetentionArchived {
			said = append(said, strings.Join(f.Codes.Strings("epochs"), " "))
			if f.Subject != anne || f.Codes.String("rule") != "notes.3y" || !f.Codes.Bool("automatic") || !slices.Equal(f.Codes.Strings("classes"), []string{"notes"}) {
				t.Errorf("%+v", f)
			}
		}
	}
	if !slices.Equal(said, []string{"notes/2024", "notes/2026"}) {
		t.Errorf("said %q", said)
	}
	bob := w.record(created("5", "C-5", "bob@example.net"))[0].Subject
	w.order(bob)
	if _, err := w.Archive(t.Context(), nil, ledger.Archival{Subject: bob, Classes: []string{"notes"}}); !errors.Is(err, ledger.ErrErased) { // nothing of this that the law keeps
		t.Errorf("of somebody erased: %v", err)
	}
	if _, err := w.Archive(t.Context(), nil, ledger.Archival{Subject: bob, Classes: []string{"notes", "evidence"}}); !errors.Is(err, ledger.ErrNothing) {
		t.Errorf("of somebody erased of whom no proof is kept: %v", err)
	}
	for _, a := range []ledger.Archival{{Classes: []string{"notes"}}, {Subject: anne}} {
		if _, err := w.Archive(t.Context(), nil, a); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%+v: %v", a, err)
		}
	}
}
