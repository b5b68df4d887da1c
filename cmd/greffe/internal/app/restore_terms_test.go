package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
)

// opens counts the facts of a type whose parts all open.
func (s *site) opens(typ event.Type) (n int) {
	s.Helper()
	opened, err := s.app().Ledger.Keyring().Open(s.Context(), s.facts(typ), nil)
	s.ok(err)
	for i := range opened {
		if len(opened[i].Gone) == 0 {
			n++
		}
	}
	return n
}

// carried orders an erasure and waits for its certificate.
func (s *site) carried(r eraser.Request) eraser.Certificate {
	s.Helper()
	ctx, stop := context.WithCancel(s.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.open.Eraser.Run(ctx)
	}()
	defer func() {
		stop()
		<-ended
	}()
	op, err := s.open.Eraser.Order(s.Context(), r)
	s.ok(err)
	s.ok(s.open.Eraser.Wait(s.Context(), op))
	s.ok(s.open.CaughtUp(s.Context()))
	state, err := s.open.Eraser.State(s.Context(), op)
	s.ok(err)
	return *state.Certificate
}

// TestRestoreAtTerm: a backup from before the end of terms, restored, has nothing of
// what they took: years of a person's invoices, months of the access journal, a desk's
// file; the younger years and months are there, and verify finds nothing.
func TestRestoreAtTerm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.live()
	bill := func(id, year string) string {
		return strings.Replace(told(id, "invoice.issued", "one", `{"reference":"F","amount_cents":100}`), "2026-", year+"-", 1)
	}
	who := s.tell(addressed("one"), bill("b1", "2014"), bill("b2", "2025"))[0].Subject
	s.looked(who)
	s.now.set(s.now.read().AddDate(0, 13, 0))
	s.looked(who)
	file := s.fileAbout()
	from := s.backup()

	c := s.carried(eraser.Request{Subject: who, Classes: []string{"billing"}, Term: &eraser.Term{Rule: "billing", Automatic: true, Epochs: map[string][]string{"billing": {"2014"}}}})
	if len(c.Epochs) != 1 || c.Epochs[0] != (erasure.ClassEpoch{Class: "billing", Epoch: "2014"}) {
		t.Fatalf("%+v", c)
	}
	if n, err := a.ExpireJournal(t.Context(), s.now.read()); n != 1 || err != nil {
		t.Fatalf("%d months, %v", n, err)
	}
	_, err := a.Eraser.DestroyOwn(t.Context(), eraser.Own{Owner: part.CaseOwner(file), Rule: "requests"})
	s.ok(err)
	left := func(when string, s *site, invoices, accesses int) {
		t.Helper()
		if n, m, f := s.opens(event.InvoiceIssued), s.opens(event.AccessRecorded), s.opens(event.BreachOpened); n != invoices || m != accesses || f != 0 {
			t.Errorf("%s: %d invoices, %d accesses, %d files open", when, n, m, f)
		}
	}
	left("destroyed", s, 1, 1)
	s.intactAnew()

	r, done := s.restored(from)
	if done.Replayed != 3 || done.Erasures != 3 {
		t.Errorf("%+v", done)
	}
	left("restored", r, 1, 1)
	r.intactAnew()
	r.live()
	again := r.tell(bill("b3", "2014")) // late, after the restore: under another key
	if again[0].Status != ledger.Recorded {
		t.Errorf("%+v", again)
	}
	r.looked(who)
	left("restored, and more", r, 2, 2)
	r.intactAnew()
	if second, done := s.restored(from); done.Erasures != 3 { // from the same backup once more
		t.Errorf("%+v", done)
	} else {
		left("restored again", second, 1, 1)
	}
}

// fileAbout opens a desk's file.
func (s *site) fileAbout() (id [16]byte) {
	s.Helper()
	w, err := s.open.Ledger.Derived("test/file", nil)
	s.ok(err)
	_, err = s.open.Ledger.Write(s.Context(), []ledger.Own{{Type: event.BreachOpened, ID: w, Time: s.now.read().Add(-time.Hour), Codes: event.Codes{},
		Parts: []ledger.PlainPart{{Key: part.KeyID{Owner: part.CaseOwner(w), Class: classRequests, Epoch: part.EpochWhole}, Fields: []event.Field{{Path: "breach.note", Value: []byte(`"words"`)}}}}}})
	s.ok(err)
	return w
}
