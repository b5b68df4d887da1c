package eraser_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
)

// read is an access of a month.
func read(month, id, subject string) string {
	return strings.Replace(upstream(id, "access.recorded", subject, `{"reason":"customer_call","action":"read","categories":["identity"],"count":1}`), "2026-03", month, 1)
}

// journal names the ledger's keys of the access journal.
func (w *world) journal() string {
	w.t.Helper()
	row, err := w.vault.Keys(w.t.Context(), []part.Owner{part.LedgerOwner()})
	if err != nil {
		w.t.Fatal(err)
	}
	keys, _, err := w.ledger.Keyring().Named(part.LedgerOwner(), row[0])
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, k := range keys {
		if k.Class == "access" {
			out = append(out, k.Epoch)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func months(list ...string) eraser.Own {
	o := eraser.Own{Owner: part.LedgerOwner(), Rule: "access"}
	for _, m := range list {
		o.Keys = append(o.Keys, erasure.ClassEpoch{Class: "access", Epoch: m})
	}
	return o
}

// file opens a desk's file about somebody.
func (w *world) file(about domain.ID) domain.ID {
	w.t.Helper()
	id, err := w.ledger.Derived("test/case", about[:])
	if err == nil {
		err = w.writeStep(event.RequestReceived, id, id, about)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) writeStep(typ event.Type, id, file, about domain.ID) error {
	own := ledger.Own{Type: typ, ID: id, Subject: about, Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.CaseOwner(file), Class: "requests", Epoch: part.EpochWhole},
		Fields: []event.Field{{Path: "request.note", Value: []byte(`"words"`)}}}}}
	if id != file {
		own.Codes = own.Codes.With("case", file.String())
	}
	_, err := w.ledger.Write(w.t.Context(), []ledger.Own{own})
	return err
}

// TestJournalMonths: at its term the key of a month goes, and nothing of another; the
// same again does nothing; what comes late for the month is sealed under another key.
func TestJournalMonths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(created("1", "C-1", "anne@example.net"), read("2024-11", "2", "C-1"), read("2024-12", "3", "C-1"), read("2025-01", "4", "C-1"))
	if got := w.journal(); got != "2024-11 2024-12 2025-01" {
		t.Fatal(got)
	}
	d, err := w.eraser.DestroyOwn(t.Context(), months("2024-11", "2024-12"))
	if err != nil || w.journal() != "2025-01" || w.opens(event.AccessRecorded) != 1 {
		t.Fatalf("%+v %v: %q is left, %d open", d, err, w.journal(), w.opens(event.AccessRecorded))
	}
	said := w.facts(event.RetentionDestroyed)
	if len(said) != 2 || said[0].ID != d.Order || said[1].ID != d.Number || !said[0].Codes.Bool("automatic") || said[0].Codes.String("rule") != "access" ||
		!slices.Equal(said[0].Codes.Strings("epochs"), []string{"access/2024-11", "access/2024-12"}) || said[1].Codes.ID("order") != d.Order {
		t.Errorf("%+v", said)
	}
	if f := w.fenced(); len(f) != 1 || f[0].Owner != part.LedgerOwner() || len(f[0].Keys) != 2 || f[0].By != d.Order || f[0].At != said[0].Recorded {
		t.Errorf("fenced: %+v", f)
	}
	again, err := w.eraser.DestroyOwn(t.Context(), months("2024-11", "2024-12"))
	if err != nil || again.Number != d.Number || len(w.facts(event.RetentionDestroyed)) != 2 || len(w.fenced()) != 1 {
		t.Errorf("again: %+v %v", again, err)
	}
	w.record(read("2024-11", "5", "C-1"), read("2025-01", "6", "C-1"))
	if got := w.journal(); got != "2024-11.1 2025-01 2025-01.1" || w.opens(event.AccessRecorded) != 3 {
		t.Errorf("what came late: %q", got)
	}
	if _, err := w.eraser.DestroyOwn(t.Context(), months("2024-11.1")); err != nil || w.journal() != "2025-01 2025-01.1" {
		t.Errorf("%v: %q", err, w.journal())
	}
	for name, o := range map[string]eraser.Own{"all of the ledger": months(), "a person": {Owner: part.SubjectOwner(domain.ID{1})}, "an account": {Owner: part.AccountOwner(domain.ID{1})}} {
		if _, err := w.eraser.DestroyOwn(t.Context(), o); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n, err := w.eraser.FinishOwn(t.Context()); n != 0 || err != nil {
		t.Errorf("%d were open, %v", n, err)
	}
}

// TestFiles: a desk's file goes with its key, at its own term: not while the person it
// is about, or a contact merged with it, is held; nothing is added to it from then on;
// another's stays, and the person's own data.
func TestFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne@example.org"), created("3", "C-3", "bob@example.net"),
		upstream("4", "contact.merged", "C-1", `{"into":{"source":"crm/eu","subject":"C-2"}}`))
	anne, also, bob := res[0].Subject, res[1].Subject, res[2].Subject
	file, other := w.file(anne), w.file(bob)
	hold, err := w.ledger.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: also}})
	if err != nil {
		t.Fatal(err)
	}
	o := eraser.Own{Owner: part.CaseOwner(file), Subject: anne, Actor: domain.ID{7}}
	if _, err := w.eraser.DestroyOwn(t.Context(), o); !errors.Is(err, ledger.ErrHeld) || len(w.facts(event.RetentionDestroyed)) > 0 {
		t.Fatalf("held: %v", err)
	}
	if n, err := w.eraser.FinishOwn(t.Context()); n != 0 || err != nil {
		t.Fatalf("what was refused is open: %d %v", n, err)
	}
	if _, err := w.ledger.Write(t.Context(), []ledger.Own{{Type: event.HoldReleased, Subject: also, Codes: event.Codes{}.With("hold", hold[0].Event.String())}}); err != nil {
		t.Fatal(err)
	}
	w.done(w.order(eraser.Request{Subject: anne})) // the file outlives whom it is about
	if w.opens(event.RequestReceived) != 2 {
		t.Fatal("a file went with the person")
	}
	d, err := w.eraser.DestroyOwn(t.Context(), o)
	if err != nil || w.opens(event.RequestReceived) != 1 || w.keysOf(bob, "identity") == "" {
		t.Fatalf("%+v %v, %d files open", d, err, w.opens(event.RequestReceived))
	}
	if said := w.facts(event.RetentionDestroyed)[0]; said.Subject != anne || said.Codes.ID("case") != file || said.Codes.Bool("automatic") || said.Actor != (domain.ID{7}) {
		t.Errorf("%+v", said)
	}
	if err := w.writeStep(event.RequestNoted, domain.ID{0xa1}, file, domain.ID{}); !errors.Is(err, ledger.ErrErased) {
		t.Errorf("a step of a file that went: %v", err)
	}
	if err := w.writeStep(event.RequestNoted, domain.ID{0xa2}, other, bob); err != nil {
		t.Errorf("a step of another: %v", err)
	}
}

// TestOwnDiesAtEachStep: wherever the process dies, the next one finishes what it finds
// ordered, once.
func TestOwnDiesAtEachStep(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"fenced", "destroyed", "checked", "erased"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bob := w.record(created("1", "C-1", "bob@example.net"), read("2024-11", "2", "C-1"))[0].Subject
			file := w.file(bob)
			w.set(step, nil)
			for _, o := range []eraser.Own{months("2024-11"), {Owner: part.CaseOwner(file), Subject: bob}} {
				if _, err := w.eraser.DestroyOwn(t.Context(), o); !errors.Is(err, errDied) {
					t.Fatal(err)
				}
			}
			w.set("", nil)
			w.reopen()
			if n, err := w.eraser.FinishOwn(t.Context()); n != 2 || err != nil {
				t.Errorf("%d finished, %v", n, err)
			}
			if w.journal() != "" || w.opens(event.RequestReceived) != 0 {
				t.Error("something is left")
			}
			for range 2 {
				if n, err := w.eraser.FinishOwn(t.Context()); n != 0 || err != nil {
					t.Errorf("%d were open still, %v", n, err)
				}
			}
			if said := w.facts(event.RetentionDestroyed); len(said) != 4 {
				t.Errorf("%d facts: %s", len(said), fmt.Sprint(said))
			}
		})
	}
}

// TestOwnNeverOrdered: an order that was announced and not written is forgotten.
func TestOwnNeverOrdered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.vault.SwapMeta(t.Context(), "retention_open", nil, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := w.eraser.FinishOwn(t.Context()); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if b, err := w.vault.Meta(t.Context(), "retention_open"); err != nil || len(b) > 0 {
		t.Errorf("%x is noted, %v", b, err)
	}
}
