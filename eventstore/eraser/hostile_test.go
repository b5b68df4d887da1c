package eraser_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
)

// TestDamagedRowIsAlone: what cannot be read of one person holds back that
// person's erasure, not those that are carried out with it.
func TestDamagedRowIsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var raws []string
	for i := range 7 {
		raws = append(raws, created(fmt.Sprint("c", i), fmt.Sprint("C-", i), fmt.Sprint("p", i, "@example.net")),
			upstream(fmt.Sprint("o", i), "opposition.registered", fmt.Sprint("C-", i), `{"scope":"all"}`))
	}
	res := w.record(raws...)
	w.change(func() { w.bad = map[domain.ID]bool{res[4].Event: true} })
	var ops []domain.ID
	for i := 0; i < len(res); i += 2 {
		ops = append(ops, w.order(eraser.Request{Subject: res[i].Subject}))
	}
	w.run()
	for i, op := range ops {
		err := w.eraser.Wait(t.Context(), op)
		if (i == 2) != (err != nil) {
			t.Errorf("person %d: %v", i, err)
		}
	}
	w.change(func() { w.bad = nil })
	w.later(time.Hour)
	w.reopen()
	w.done(ops[2])
	if n := len(w.facts(event.SubjectErased)); n != 7 {
		t.Errorf("%d certificates for 7 persons", n)
	}
}

// TestHaltedReadModel: a read model that stopped holds back certificates; it
// forbids neither an order nor a destruction.
func TestHaltedReadModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	stopped := errors.New("the read model stopped")
	w.change(func() { w.halted = stopped })
	op := w.order(eraser.Request{Subject: anne})
	if err := w.eraser.Wait(t.Context(), op); !errors.Is(err, stopped) {
		t.Fatalf("%v", err)
	}
	w.nothingLeft(anne)
	if n := len(w.facts(event.SubjectErased)); n != 0 {
		t.Error("it was certified though a read model does not answer")
	}
	w.change(func() { w.halted = nil })
	w.reopen()
	w.done(op)
}

// TestOneContactIsNotGone: an operation over merged contacts is done when all of
// them are.
func TestOneContactIsNotGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne@example.org"),
		upstream("3", "contact.merged", "C-1", `{"into":{"source":"crm/eu","subject":"C-2"}}`))
	sick := errors.New("a row is left")
	w.change(func() { w.ill = map[domain.ID]error{res[1].Subject: sick} })
	op := w.order(eraser.Request{Subject: res[0].Subject})
	if err := w.eraser.Wait(t.Context(), op); !errors.Is(err, sick) {
		t.Fatalf("%v", err)
	}
	if s := w.state(op); s.Certificate != nil {
		t.Errorf("a certificate though one contact is left: %+v", s.Certificate)
	}
	w.change(func() { w.ill = nil })
	w.reopen()
	w.done(op)
	if n := len(w.facts(event.SubjectErased)); n != 2 {
		t.Errorf("%d certificates for two contacts", n)
	}
}

// TestCertifiedOnce: a pass that fails after the certificate is written does not
// write a second one when the index is behind.
func TestCertifiedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func() { w.lags = true })
	w.run()
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	w.set("erased", nil)
	op := w.order(eraser.Request{Subject: anne})
	if err := w.eraser.Wait(t.Context(), op); !errors.Is(err, errDied) {
		t.Fatalf("%v", err)
	}
	w.set("", nil)
	w.stop()
	w.ended.Wait()
	w.later(time.Hour)
	w.run() // the same process takes it up again
	for n := 1; n > 0; {
		n, _ = w.eraser.Pending()
		_ = w.eraser.Wait(t.Context(), op)
	}
	if a, b := len(w.facts(event.ErasureStaged)), len(w.facts(event.SubjectErased)); a != 1 || b != 1 {
		t.Errorf("staged %d times, certified %d times", a, b)
	}
	if n := len(w.fenced()); n != 1 {
		t.Errorf("fenced %d times", n)
	}
}

// TestMergedMeanwhile: a contact that was merged between the look and the order is
// erased as well, though the process dies before it could look again.
func TestMergedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne@example.org"),
		upstream("3", "opposition.registered", "C-1", `{"scope":"all"}`), upstream("4", "invoice.issued", "C-2", `{"reference":"F-1"}`),
		upstream("5", "contact.merged", "C-1", `{"into":{"source":"crm/eu","subject":"C-2"}}`))
	w.change(func() { w.apart = true })
	op := w.order(eraser.Request{Subject: res[0].Subject})
	w.change(func() { w.apart = false })
	w.reopen()
	w.done(op)
	w.nothingLeft(res[0].Subject)
	if got := w.record(upstream("6", "contact.changed", "C-2", `{"set":{"notes":"x"}}`))[0]; got.Status != ledger.Erased {
		t.Errorf("the merged contact is open: %+v", got)
	}
	certified := w.facts(event.SubjectErased)
	if len(certified) != 2 {
		t.Fatalf("%d certificates for two contacts", len(certified))
	}
	for _, f := range certified {
		if f.Subject == res[1].Subject && len(f.Codes.Strings("kept")) != 1 {
			t.Errorf("the invoice of the merged contact: %v", f.Codes)
		}
	}
	for _, f := range w.facts(event.ErasureStaged) { // the objection binds the addresses of both
		if len(f.Codes.Strings("objections")) != 1 {
			t.Errorf("staged without the objection: %+v", f)
		}
	}
}

// TestResumedTwice: half of an operation that was seen first does not hide the rest.
func TestResumedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne@example.org"),
		upstream("3", "contact.merged", "C-1", `{"into":{"source":"crm/eu","subject":"C-2"}}`))
	op := w.order(eraser.Request{Subject: res[0].Subject})
	for range 3 {
		if _, err := w.eraser.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.run()
	w.done(op)
	w.nothingLeft(res[1].Subject)
	if n := len(w.facts(event.SubjectErased)); n != 2 {
		t.Errorf("%d certificates for two contacts", n)
	}
}

// TestRedactTheLedgersWords: the words of a hold about a person are sealed by the
// ledger; a certificate that they are gone is true.
func TestRedactTheLedgersWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	written, err := w.ledger.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: anne, Codes: event.Codes{}.With("reason", "other"),
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.LedgerOwner(), Class: "requests", Epoch: "2026"},
			Fields: []event.Field{{Path: "hold.detail", Value: []byte(`"forbidden"`)}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ledger.Write(t.Context(), []ledger.Own{{Type: event.HoldReleased, Subject: anne, Codes: event.Codes{}.With("hold", written[0].Event.String())}}); err != nil {
		t.Fatal(err)
	}
	held := w.facts(event.HoldPlaced)
	if opened, err := w.ledger.Keyring().Open(t.Context(), held, nil); err != nil || len(opened[0].Fields) != 1 {
		t.Fatalf("%+v %v", opened, err)
	}
	w.done(w.order(eraser.Request{Subject: anne, Redact: written[0].Event, Classes: []string{"requests"}, Ground: "art5.1.c"}))
	if opened, err := w.ledger.Keyring().Open(t.Context(), held, nil); err != nil || len(opened[0].Fields) != 0 {
		t.Errorf("certified as gone, and there: %+v %v", opened, err)
	}
}

// TestDiskFull: a fence or a vault that takes nothing keeps an erasure at its
// step, with nothing destroyed that is not fenced; it goes on in the same process.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"fence", "vault"} {
		w := newWorld(t)
		w.run()
		anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
		full := errors.New("no space left on device")
		w.change(func() { w.full = map[string]error{of: full} })
		op := w.order(eraser.Request{Subject: anne})
		if err := w.eraser.Wait(t.Context(), op); !errors.Is(err, full) {
			t.Fatalf("%s: %v", of, err)
		}
		if n := len(w.fenced()); n != map[string]int{"fence": 0, "vault": 1}[of] {
			t.Errorf("%s: fenced %d", of, n)
		}
		row, err := w.vault.Keys(t.Context(), []part.Owner{part.SubjectOwner(anne)})
		if err != nil || row[0].Destroyed {
			t.Errorf("%s: destroyed without it: %v", of, err)
		}
		if got := w.record(upstream("2", "contact.changed", "C-1", `{"set":{"notes":"x"}}`))[0]; got.Status != ledger.Erased {
			t.Errorf("%s: recorded meanwhile: %+v", of, got)
		}
		w.change(func() { w.full = nil })
		w.stop()
		w.ended.Wait()
		w.later(time.Hour)
		w.run()
		for n := 1; n > 0; {
			n, _ = w.eraser.Pending()
			_ = w.eraser.Wait(t.Context(), op)
		}
		w.done(op)
		w.nothingLeft(anne)
		if n := len(w.fenced()); n != 1 {
			t.Errorf("%s: fenced %d times", of, n)
		}
	}
}
