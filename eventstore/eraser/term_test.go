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
	"greffe/eventstore/seal"
)

// of is an event of a year.
func of(year int, raw string) string {
	return strings.Replace(raw, "2026-03-02", fmt.Sprint(year, "-03-02"), 1)
}

func invoice(id, subject string) string {
	return upstream(id, "invoice.issued", subject, `{"reference":"F-`+id+`","amount_cents":100}`)
}

// keysOf names a person's keys of a class.
func (w *world) keysOf(subject domain.ID, class string) string {
	w.t.Helper()
	o := part.SubjectOwner(subject)
	row, err := w.vault.Keys(w.t.Context(), []part.Owner{o})
	if err != nil {
		w.t.Fatal(err)
	}
	named, _, err := w.ledger.Keyring().Named(o, row[0])
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, k := range named {
		if k.Class == class {
			out = append(out, k.Epoch)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// opens counts the invoices that can be read.
func (w *world) opens(typ event.Type) (n int) {
	w.t.Helper()
	opened, err := w.ledger.Keyring().Open(w.t.Context(), w.facts(typ), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range opened {
		if len(o.Gone) == 0 {
			n++
		}
	}
	return n
}

// TestTermOfYears: at the end of a term the keys of the years that it names go, with
// fence and certificate; younger years stay, nobody is told, and what comes late for a
// year that went is sealed under another key.
func TestTermOfYears(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	res := w.record(created("1", "C-1", "anne@example.net"), of(2014, invoice("2", "C-1")), of(2015, invoice("3", "C-1")), of(2025, invoice("4", "C-1")),
		upstream("5", "opposition.registered", "C-1", `{"scope":"all"}`))
	anne := res[0].Subject
	w.set("", nil)
	op := w.order(eraser.Request{Subject: anne, Ground: eraser.GroundTerm, Classes: []string{"billing"},
		Term: &eraser.Term{Rule: "billing.10y", Automatic: true, Epochs: map[string][]string{"billing": {"2014", "2015", "1999"}}}})
	c := w.done(op)
	want := []erasure.ClassEpoch{{Class: "billing", Epoch: "2014"}, {Class: "billing", Epoch: "2015"}}
	if c.Whole || c.Ground != "art5.1.e" || !slices.Equal(c.Destroyed, []string{"billing"}) || !slices.Equal(c.Epochs, want) || len(c.Told) > 0 {
		t.Errorf("certificate: %+v", c)
	}
	if o := w.facts(event.ErasureOrdered)[0]; o.Codes.String("rule") != "billing.10y" || !o.Codes.Bool("automatic") {
		t.Errorf("order: %+v", o.Codes)
	}
	if f := w.fenced(); len(f) != 1 || f[0].Closed || !slices.Equal(f[0].Keys, want) {
		t.Errorf("fenced: %+v", f)
	}
	if n := len(w.facts(event.ErasureStaged)); n > 0 {
		t.Errorf("%d staged: nothing by which the person is found went", n)
	}
	if got, n := w.keysOf(anne, "billing"), w.opens(event.InvoiceIssued); got != "2025" || n != 1 {
		t.Errorf("keys of %q are left, %d invoices open", got, n)
	}
	late := w.record(of(2014, invoice("6", "C-1")), of(2025, invoice("7", "C-1")))
	if late[0].Status != ledger.Recorded || w.keysOf(anne, "billing") != "2014.1 2025 2025.1" || w.opens(event.InvoiceIssued) != 3 {
		t.Errorf("what came later: %+v, keys %q", late[0], w.keysOf(anne, "billing"))
	}
	c = w.done(w.order(eraser.Request{Subject: anne, Classes: []string{"billing"}, Term: &eraser.Term{Epochs: map[string][]string{"billing": {"2014.1"}}}}))
	if c.Ground != "art17.1.b" || w.keysOf(anne, "billing") != "2025 2025.1" {
		t.Errorf("the late one: %+v, keys %q", c, w.keysOf(anne, "billing"))
	}
	_, err := w.eraser.Order(t.Context(), eraser.Request{Subject: anne, Classes: []string{"billing"}, Term: &eraser.Term{Epochs: map[string][]string{"billing": {"2014"}}}})
	if !errors.Is(err, eraser.ErrNothing) {
		t.Errorf("what went already: %v", err)
	}
}

// TestTermOrderedOnce: the same request orders once, also by another node or after a
// crash, and is carried out once.
func TestTermOrderedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	r := eraser.Request{Subject: anne, Classes: []string{"notes"}, Term: &eraser.Term{}, ID: domain.ID{9, 6: 0x80, 8: 0x80}}
	w.set("fenced", nil)
	if op := w.order(r); op != r.ID {
		t.Fatalf("operation %s", op)
	}
	if err := w.eraser.Wait(t.Context(), r.ID); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	w.set("", nil)
	w.reopen()
	if _, err := w.eraser.Order(t.Context(), r); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("again: %v", err)
	}
	w.done(r.ID)
	if a, b := len(w.facts(event.ErasureOrdered)), len(w.facts(event.SubjectErased)); a != 1 || b != 1 {
		t.Errorf("%d orders, %d certificates", a, b)
	}
}

// TestTermOfMerged: the term of one contact takes nothing of those it is merged with;
// a hold on one of them stands against it; the whole person goes only if all of it was
// judged.
func TestTermOfMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne@example.org"),
		upstream("3", "contact.merged", "C-1", `{"into":{"source":"crm/eu","subject":"C-2"}}`),
		of(2015, upstream("4", "consent.granted", "C-1", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box","prechecked":false}`)))
	anne, also := res[0].Subject, res[1].Subject
	notes := eraser.Request{Subject: anne, Classes: []string{"notes"}, Term: &eraser.Term{}}
	hold, err := w.ledger.Write(t.Context(), []ledger.Own{{Type: event.HoldPlaced, Subject: also}})
	if err != nil {
		t.Fatal(err)
	}
	whole := eraser.Request{Subject: anne, Term: &eraser.Term{Whole: true, Together: []domain.ID{also}, Kept: []erasure.Kept{{Class: "evidence", Ground: "art17.3.e"}, {Class: "billing"}}}}
	for name, r := range map[string]eraser.Request{"a class": notes, "the person": whole, "one part": {Subject: anne, Ground: "art5.1.c", Redact: res[0].Event, Classes: []string{"notes"}}} {
		var held *ledger.HeldError
		if _, err := w.eraser.Order(t.Context(), r); !errors.As(err, &held) || held.Subject != also || held.Holds[0] != (seal.Hold{Kind: seal.HoldClaim, Event: hold[0].Event}) {
			t.Errorf("%s, with a hold on the other contact: %v", name, err)
		}
	}
	if _, err := w.ledger.Write(t.Context(), []ledger.Own{{Type: event.HoldReleased, Subject: also, Codes: event.Codes{}.With("hold", hold[0].Event.String())}}); err != nil {
		t.Fatal(err)
	}
	if c := w.done(w.order(notes)); c.Whole || w.keysOf(anne, "notes") != "" || w.keysOf(also, "notes") == "" {
		t.Errorf("%+v; the other's keys %q", c, w.keysOf(also, "notes"))
	}
	alone := whole
	alone.Term = &eraser.Term{Whole: true}
	if _, err := w.eraser.Order(t.Context(), alone); !errors.Is(err, eraser.ErrOthers) {
		t.Errorf("without the other: %v", err)
	}
	if _, err := w.eraser.Order(t.Context(), eraser.Request{Subject: anne, Classes: []string{"notes"}, Term: whole.Term}); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("the person and a class: %v", err)
	}
	c := w.done(w.order(whole))
	if !c.Whole || len(c.Kept) != 1 || c.Kept[0].Class != "evidence" || c.Kept[0].Ground != "art17.3.e" || len(c.Told) != 2 {
		t.Errorf("%+v", c)
	}
	w.nothingLeft(also)
	if w.keysOf(anne, "identity") != "" || w.keysOf(anne, "evidence") != "2015" {
		t.Errorf("evidence: %q", w.keysOf(anne, "evidence"))
	}
}
