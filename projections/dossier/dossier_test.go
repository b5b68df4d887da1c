package dossier_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/disclosure"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	vmemory "greffe/eventstore/vault/memory"
	"greffe/projections"
	"greffe/projections/dossier"
	"greffe/projections/index"
)

type plainKEK struct{}

func (plainKEK) ID() string { return "test" }
func (plainKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (plainKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// office is a ledger with an index and dossiers.
type office struct {
	*testing.T
	ledger  *ledger.Ledger
	log     *memory.Log
	index   *index.Index
	journal *access.Journal
	*dossier.Dossiers
	n int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, log: memory.New()}
	l, err := ledger.Open(t.Context(), ledger.Config{Log: o.log, Vault: (&vmemory.Disk{}).Open(), KEK: plainKEK{}, Now: func() time.Time { return now }, Rand: rand.Reader, FirstPolicy: deploy.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if o.index, err = index.Open(filepath.Join(t.TempDir(), "index.db"), index.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.index.Close() })
	o.ledger, o.journal = l, access.New(l, func() time.Time { return now })
	o.Dossiers = dossier.New(o.log, o.index, access.NewReader(l), dossier.Classes(func(version int64, path string) (string, error) {
		p, err := l.PolicyVersion(context.Background(), version)
		if err != nil {
			return "", err
		}
		f, _ := p.Field(path)
		return f.Class, nil
	}))
	return o
}

// record sends an event about an upstream contact and returns its result.
func (o *office) record(typ, subject, data string) ledger.Result {
	o.Helper()
	o.n++
	res, err := o.ledger.Record(o.Context(), [][]byte{fmt.Appendf(nil,
		`{"specversion":"1.0","id":"e%d","source":"s","type":%q,"subject":%q,"time":"2026-03-02T09:%02d:00Z","data":%s}`, o.n, typ, subject, o.n, data)})
	if err != nil || res[0].Status != ledger.Recorded {
		o.Fatalf("%s: %+v, %v", typ, res, err)
	}
	o.follow()
	return res[0]
}

func (o *office) follow() {
	o.Helper()
	head, err := o.log.Head(o.Context())
	if err == nil {
		err = projections.CatchUp(o.Context(), o.log, o.index, head, 0)
	}
	if err != nil {
		o.Fatal(err)
	}
}

// order orders an erasure, without carrying it out.
func (o *office) order(e ledger.Erasure, subjects ...domain.ID) domain.ID {
	o.Helper()
	for _, s := range subjects {
		id, err := domain.RandomID(rand.Reader)
		if err != nil {
			o.Fatal(err)
		}
		e.Orders = append(e.Orders, ledger.SubjectOrder{ID: id, Subject: s})
	}
	if e.Whole {
		e.Codes = e.Codes.With("whole", true)
	}
	if !e.Redact.IsZero() {
		e.Codes = e.Codes.With("event", e.Redact.String())
	}
	e.Codes = e.Codes.With("classes", e.Classes)
	w, err := o.ledger.Erase(o.Context(), e)
	if err != nil {
		o.Fatal(err)
	}
	o.follow()
	return w.Event
}

func (o *office) destroy(d erasure.Destruction) {
	o.Helper()
	d.At = domain.NewTime(now)
	if err := o.ledger.Destroy(o.Context(), []erasure.Destruction{d}); err != nil {
		o.Fatal(err)
	}
}

// receipt records an access to persons.
func (o *office) receipt(persons ...domain.ID) access.Receipt {
	o.Helper()
	r, err := o.journal.Record(o.Context(), access.Reading{Lens: disclosure.Whole(), Account: domain.ID{7}, Action: "read", Reason: "customer_call", Ticket: "T", Subjects: persons})
	if err != nil {
		o.Fatal(err)
	}
	return r
}

func (o *office) view(subject domain.ID) *contact.View {
	o.Helper()
	persons, err := o.Persons(o.Context(), subject, math.MaxInt64)
	if err != nil {
		o.Fatal(err)
	}
	v, err := o.View(o.Context(), o.receipt(persons...), subject, now, math.MaxInt64)
	if err != nil {
		o.Fatal(err)
	}
	return v
}

// fields are the fields of all history items of a person, by path.
func (o *office) fields(subject domain.ID) map[string]string {
	o.Helper()
	persons, err := o.Everybody(o.Context(), subject, math.MaxInt64)
	if err != nil {
		o.Fatal(err)
	}
	items, next, err := o.History(o.Context(), o.receipt(persons...), subject, 0, false, 100)
	if err != nil || next != 0 {
		o.Fatalf("history: %v, next %d", err, next)
	}
	out := map[string]string{}
	for _, it := range items {
		out[string(it.Type)] = ""
		for _, f := range it.Fields {
			out[f.Path] = string(f.Value)
		}
	}
	return out
}

func erasedBy(by domain.ID) string { return `{"erased":true,"by":"` + by.String() + `"}` }

const anne = `{"kind":"client","person":{"given_name":"Anne","emails":["anne@example.fr"]},"custom":{"segment":"or"},"notes":"rappeler"}`

// TestErased: from the order on, before and after the keys are gone, no view of the
// person is given, and its history shows what was and that it is erased.
func TestErased(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	created := o.record("contact.created", "C-1", anne)
	s := created.Subject
	before := o.fields(s)
	if before["person.given_name"] != `"Anne"` || before["notes"] != `"rappeler"` || before["custom.segment"] != `"or"` {
		t.Fatalf("history %v", before)
	}
	early := o.receipt(s)
	by := o.order(ledger.Erasure{Whole: true, Classes: []string{"identity", "contact_details", "commercial", "notes"}}, s)
	for _, step := range []string{"ordered", "destroyed"} {
		if step == "destroyed" {
			o.destroy(erasure.Destruction{Owner: part.SubjectOwner(s), By: by, Position: created.Position + 1})
		}
		_, errPersons := o.Persons(t.Context(), s, math.MaxInt64)
		_, errThen := o.Persons(t.Context(), s, created.Position+1)
		_, errView := o.View(t.Context(), early, s, now, created.Position+1)
		_, _, errAll := o.All(t.Context(), early, s, domain.NewTime(now))
		_, _, errConsents := o.Consents(t.Context(), early, s, 0, false, 10)
		for i, err := range []error{errPersons, errThen, errView, errAll, errConsents} {
			var e *dossier.ErasedError
			if !errors.As(err, &e) || !errors.Is(err, dossier.ErrErased) || e.By != by || e.At.IsZero() {
				t.Errorf("%s, %d: %v", step, i, err)
			}
		}
		got := o.fields(s)
		for _, path := range []string{"person.given_name", "person.emails", "notes", "custom.segment"} {
			if got[path] != erasedBy(by) {
				t.Errorf("%s: %s reads %s", step, path, got[path])
			}
		}
		if _, there := got["erasure.ordered"]; !there {
			t.Errorf("%s: the history does not tell of the erasure: %v", step, got)
		}
		for _, r := range []access.Receipt{o.receipt(s), o.receipt(s).Within("notes")} {
			it, err := o.Event(t.Context(), r, created.Event)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range it.Fields {
				if string(f.Value) != erasedBy(by) || f.Withheld {
					t.Errorf("%s: %s reads %s in its event", step, f.Path, f.Value)
				}
			}
		}
	}
	if _, _, err := o.History(t.Context(), access.Receipt{}, s, 0, false, 10); !errors.Is(err, access.ErrNotCovered) {
		t.Errorf("history without a receipt: %v", err)
	}
}

// TestKept: what the law lets the controller keep is still there for those who
// may see it.
func TestKept(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.record("contact.created", "C-1", anne).Subject
	o.record("invoice.issued", "C-1", `{"reference":"F-7","amount_cents":1200,"issued_at":"2026-03-01T00:00:00Z"}`)
	by := o.order(ledger.Erasure{Whole: true, Classes: []string{"identity"}, Codes: event.Codes{}.With("kept", []string{"billing"})}, s)
	got := o.fields(s)
	if got["person.given_name"] != erasedBy(by) || got["notes"] != erasedBy(by) || got["invoice.reference"] != `"F-7"` {
		t.Errorf("history %v", got)
	}
}

// TestPartly: a field whose part went reads as erased by the right event, in the
// view and in the history; the others are there, and what is said later as well.
func TestPartly(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	created := o.record("contact.created", "C-1", anne)
	s := created.Subject
	notes := o.order(ledger.Erasure{Classes: []string{"notes"}, Redact: created.Event}, s)
	names := o.order(ledger.Erasure{Classes: []string{"identity"}}, s)
	o.destroy(erasure.Destruction{Owner: part.SubjectOwner(s), By: notes, Redacted: []erasure.Redaction{{Event: created.Event, Class: "notes"}}})
	o.destroy(erasure.Destruction{Owner: part.SubjectOwner(s), By: names, Keys: []erasure.ClassEpoch{{Class: "identity", Epoch: "whole"}}})
	check := func(name string) {
		t.Helper()
		v := o.view(s)
		if string(v.Person["given_name"]) != name || string(v.Notes) != erasedBy(notes) || string(v.Person["emails"]) != `["anne@example.fr"]` || len(v.Withheld) > 0 {
			b, _ := json.Marshal(v.Person)
			t.Errorf("view %s, notes %s, withheld %v", b, v.Notes, v.Withheld)
		}
	}
	check(erasedBy(names))
	o.record("contact.changed", "C-1", `{"set":{"person.given_name":"Anna"}}`)
	check(`"Anna"`)
	got := o.fields(s)
	if got["custom.segment"] != `"or"` || got["notes"] != erasedBy(notes) {
		t.Errorf("history %v", got)
	}
}

// TestMergedWithErased: somebody who was merged with an erased person keeps a
// view of its own; the erased one adds its objection and nothing else.
func TestMergedWithErased(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.record("contact.created", "C-1", `{"kind":"client","person":{"given_name":"Anne","phones":["+33612345678"]}}`).Subject
	other := o.record("contact.created", "C-2", `{"kind":"client","person":{"given_name":"Bob","emails":["bob@example.fr"]}}`).Subject
	o.record("opposition.registered", "C-2", `{"scope":"all"}`)
	o.record("consent.granted", "C-2", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false}`)
	o.record("contact.merged", "C-2", `{"into":{"source":"s","subject":"C-1"}}`)
	if v := o.view(s); string(v.Person["given_name"]) != `"Bob"` {
		t.Fatalf("the later name does not win: %s", v.Person["given_name"])
	}
	by := o.order(ledger.Erasure{Whole: true}, other)
	v := o.view(s)
	b, err := contact.CanonicalDump(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(v.Person["given_name"]) != `"Anne"` || strings.Contains(string(b), "erased") || strings.Contains(string(b), "bob@") {
		t.Errorf("view %s", b)
	}
	if len(v.Oppositions) != 1 || v.Oppositions[0].Subject != other {
		t.Errorf("the objection is lost: %+v", v.Oppositions)
	}
	if _, err := o.Persons(t.Context(), other, math.MaxInt64); !errors.Is(err, dossier.ErrErased) {
		t.Errorf("the erased one: %v", err)
	}
	if got := o.fields(s); got["person.emails"] != erasedBy(by) {
		t.Errorf("history %v", got)
	}
	if _, err := o.Persons(t.Context(), domain.ID{9}, math.MaxInt64); !errors.Is(err, dossier.ErrUnknown) {
		t.Errorf("nobody: %v", err)
	}
}
