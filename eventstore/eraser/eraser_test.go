package eraser_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
)

// everything reports that nothing of a person can be opened, and no part is left.
func (w *world) nothingLeft(subject domain.ID) {
	w.t.Helper()
	row, err := w.vault.Keys(w.t.Context(), []part.Owner{part.SubjectOwner(subject)})
	if err != nil || !row[0].Destroyed {
		w.t.Errorf("the keys of %s are there: %v", subject, err)
	}
	var ids []vault.PartID
	err = scan{w.log}.Of(w.t.Context(), subject, func(_ domain.Position, f *event.Fact) error {
		for _, p := range f.Parts {
			if p.Owner.ID == subject {
				ids = append(ids, vault.PartID{Event: f.ID, Class: p.Class})
			}
		}
		return nil
	})
	if err != nil || len(ids) == 0 {
		w.t.Fatalf("%d parts, %v: nothing was looked at", len(ids), err)
	}
	parts, err := w.vault.Parts(w.t.Context(), ids)
	if err != nil || slices.ContainsFunc(parts, func(b []byte) bool { return b != nil }) {
		w.t.Errorf("parts of %s are left: %v", subject, err)
	}
}

// TestErase walks one person with a merged contact, an objection and a
// quarantined input through every state.
func TestErase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	res := w.record(created("1", "C-1", "anne@example.net"), created("2", "C-2", "anne@example.org"),
		upstream("3", "contact.merged", "C-1", `{"into":{"source":"crm/eu","subject":"C-2"}}`),
		upstream("4", "opposition.registered", "C-2", `{"scope":"all"}`),
		upstream("5", "contact.changed", "C-1", `{"set":"not an object"}`))
	anne, also := res[0].Subject, res[1].Subject
	if res[4].Status != ledger.Quarantined {
		t.Fatalf("%+v", res[4])
	}
	actor := domain.ID{7}
	c := w.done(w.order(eraser.Request{Subject: anne, Actor: actor, Reason: "asked by letter"}))
	if c.Subject != anne || !c.Whole || c.Ground != "art17.1.b" || !slices.Contains(c.Destroyed, "identity") || len(c.Kept) > 0 ||
		!slices.Equal(c.Stores, []string{"vault", "crm", "opposition"}) || !slices.Equal(c.Told, []string{"crm", "mailer"}) {
		t.Errorf("certificate: %+v", c)
	}
	w.nothingLeft(anne)
	w.nothingLeft(also)
	if n := len(w.facts(event.SubjectErased)); n != 2 {
		t.Errorf("%d certificates for two contacts", n)
	}
	w.checkStaged(res[3].Event)
	if end := w.facts(event.IngestReleased); len(end) != 1 || end[0].Codes.String("outcome") != "erased" {
		t.Errorf("the quarantined input: %+v", end)
	}
	fenced := w.fenced()
	if len(fenced) != 3 || fenced[0].Owner != part.SubjectOwner(anne) || fenced[0].Keys != nil || fenced[0].At.IsZero() {
		t.Errorf("fenced: %+v", fenced)
	}
	order := w.facts(event.ErasureOrdered)[0]
	if opened, err := w.ledger.Keyring().Open(t.Context(), []*event.Fact{order}, nil); err != nil || string(opened[0].Fields[0].Value) != `"asked by letter"` || order.Actor != actor {
		t.Errorf("the reason: %+v %v", opened, err)
	}
}

// checkStaged looks at what outlives the persons.
func (w *world) checkStaged(objection domain.ID) {
	w.t.Helper()
	staged := w.facts(event.ErasureStaged)
	opened, err := w.ledger.Keyring().Open(w.t.Context(), staged, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, f := range staged {
		if got := f.Codes.Strings("objections"); !slices.Equal(got, []string{objection.String()}) {
			w.t.Errorf("contact %d: objections %v; that of the other binds it too", i, got)
		}
		var tokens []string
		var ids []struct{ Source, Subject string }
		for _, x := range opened[i].Fields {
			switch x.Path {
			case "opposition.tokens":
				err = errors.Join(err, json.Unmarshal(x.Value, &tokens))
			case "delivery.external":
				err = errors.Join(err, json.Unmarshal(x.Value, &ids, json.MatchCaseInsensitiveNames(true)))
			}
		}
		if err != nil || len(tokens) != 2 || len(ids) != 1 || ids[0].Subject != []string{"C-1", "C-2"}[i] || ids[0].Source != "crm/eu" {
			w.t.Errorf("contact %d: tokens %v, ids %v, %v", i, tokens, ids, err)
		}
	}
}

// TestDiesAtEachStep: wherever the process dies, the next one finishes, once.
func TestDiesAtEachStep(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"staged", "released", "fenced", "destroyed", "checked", "erased"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.run()
			res := w.record(created("1", "C-1", "anne@example.net"), upstream("2", "opposition.registered", "C-1", `{}`),
				created("3", "C-2", "bob@example.net"), upstream("4", "invoice.issued", "C-2", `{"reference":"F-1"}`))
			w.set(step, nil)
			anne := w.order(eraser.Request{Subject: res[0].Subject})
			bob := w.order(eraser.Request{Subject: res[2].Subject})
			for _, op := range []domain.ID{anne, bob} {
				if err := w.eraser.Wait(t.Context(), op); !errors.Is(err, errDied) && step != "erased" {
					t.Fatalf("%v", err)
				}
			}
			w.set("", nil)
			w.reopen()
			if c := w.done(anne); !c.Whole {
				t.Errorf("%+v", c)
			}
			if c := w.done(bob); len(c.Kept) != 1 || c.Kept[0].Class != "billing" {
				t.Errorf("%+v", c)
			}
			w.nothingLeft(res[0].Subject)
			if a, b := len(w.facts(event.ErasureStaged)), len(w.facts(event.SubjectErased)); a != 2 || b != 2 {
				t.Errorf("staged %d times, certified %d times, want 2 and 2", a, b)
			}
		})
	}
}

// TestStoreComesBack: a read model that still holds something keeps the
// certificate back, of this person alone, until it does not.
func TestStoreComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	anne := w.record(created("1", "C-1", "anne@example.net"))[0].Subject
	sick := errors.New("a row is left")
	w.set("", map[string]error{"crm": sick})
	op := w.order(eraser.Request{Subject: anne})
	if err := w.eraser.Wait(t.Context(), op); !errors.Is(err, sick) {
		t.Fatalf("%v", err)
	}
	if s := w.state(op); s.Certificate != nil || !errors.Is(s.Err, sick) {
		t.Errorf("%+v", s)
	}
	w.nothingLeft(anne) // a sick store does not delay the destruction
	w.set("", map[string]error{})
	w.later(time.Minute)
	w.reopen()
	w.done(op)
}

// TestKept: what the law keeps can be read still, until it goes as well; the
// person is closed meanwhile.
func TestKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	res := w.record(created("1", "C-1", "anne@example.net"), upstream("2", "invoice.issued", "C-1", `{"reference":"F-2026-1","issued_at":"2026-01-05T00:00:00Z"}`))
	anne := res[0].Subject
	c := w.done(w.order(eraser.Request{Subject: anne}))
	want := erasure.Kept{Class: "billing", Ground: "art17.3.b", Until: domain.NewTime(time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC))}
	if len(c.Kept) != 1 || c.Kept[0] != want {
		t.Errorf("kept: %+v", c.Kept)
	}
	open := func() (fields, gone int) {
		var facts []*event.Fact
		_ = scan{w.log}.Of(t.Context(), anne, func(_ domain.Position, f *event.Fact) error {
			if f.Type == event.ContactCreated || f.Type == event.InvoiceIssued {
				facts = append(facts, f)
			}
			return nil
		})
		opened, err := w.ledger.Keyring().Open(t.Context(), facts, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range opened {
			fields, gone = fields+len(o.Fields), gone+len(o.Gone)
		}
		return fields, gone
	}
	if fields, gone := open(); fields == 0 || gone < 3 {
		t.Errorf("%d fields and %d parts gone; the invoice alone is kept", fields, gone)
	}
	if got := w.record(created("1", "C-1", "anne@example.net"), upstream("9", "contact.changed", "C-1", `{"set":{"notes":"x"}}`)); got[0].Status != ledger.Erased || got[1].Status != ledger.Erased {
		t.Errorf("%+v", got)
	}
	if d := w.fenced()[0]; !d.Closed || slices.ContainsFunc(d.Keys, func(k erasure.ClassEpoch) bool { return k.Class == "billing" }) {
		t.Errorf("fenced: %+v", d)
	}
	c = w.done(w.order(eraser.Request{Subject: anne, Classes: []string{"billing"}, Ground: "art5.1.e"}))
	if fields, _ := open(); fields != 0 || c.Whole {
		t.Errorf("%d fields after the term, %+v", fields, c)
	}
}

// TestRedact: one part goes and nothing else.
func TestRedact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	res := w.record(created("1", "C-1", "anne@example.net"))[0]
	r := eraser.Request{Subject: res.Subject, Redact: res.Event, Classes: []string{"billing"}, Ground: "art5.1.c"}
	if _, err := w.eraser.Order(t.Context(), r); !errors.Is(err, eraser.ErrNothing) {
		t.Errorf("a part that is not there: %v", err)
	}
	r.Classes = []string{"notes"}
	c := w.done(w.order(r))
	parts, err := w.vault.Parts(t.Context(), []vault.PartID{{Event: res.Event, Class: "notes"}, {Event: res.Event, Class: "identity"}})
	if err != nil || parts[0] != nil || parts[1] == nil || !slices.Equal(c.Destroyed, []string{"notes"}) {
		t.Errorf("%v %+v", err, c)
	}
	if f := w.facts(event.PartRedacted); len(f) != 1 || f[0].Codes.ID("event") != res.Event {
		t.Errorf("%+v", f)
	}
	if w.record(upstream("2", "contact.changed", "C-1", `{"set":{"notes":"better"}}`))[0].Status != ledger.Recorded {
		t.Error("the person is closed")
	}
}

// TestManyAtOnce: hundreds of persons, each asked for several times at once, are
// erased once each.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const persons, times = 60, 3
	w := newWorld(t)
	w.run()
	var raws []string
	for i := range persons {
		id := string(rune('A'+i/10)) + string(rune('0'+i%10))
		raws = append(raws, created(id, id, id+"@example.net"))
	}
	res := w.record(raws...)
	var wg sync.WaitGroup
	for _, r := range res {
		for range times {
			wg.Go(func() {
				op, err := w.eraser.Order(t.Context(), eraser.Request{Subject: r.Subject, Ground: "art17.1.b"})
				if err != nil && !errors.Is(err, ledger.ErrErased) {
					t.Error(err)
				}
				if err == nil {
					err = w.eraser.Wait(t.Context(), op)
				}
				if err != nil && !errors.Is(err, ledger.ErrErased) {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if n := len(w.facts(event.SubjectErased)); n != persons {
		t.Errorf("%d certificates for %d persons", n, persons)
	}
	for _, r := range res {
		w.nothingLeft(r.Subject)
	}
	if n, err := w.eraser.Pending(); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

// TestUnknown: who is not known cannot be erased, and what is no order has no state.
func TestUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.eraser.Order(t.Context(), eraser.Request{Subject: domain.ID{5}}); !errors.Is(err, eraser.ErrUnknown) {
		t.Errorf("%v", err)
	}
	res := w.record(created("1", "C-1", "anne@example.net"))[0]
	if _, err := w.eraser.State(t.Context(), res.Event); !errors.Is(err, eraser.ErrUnknown) {
		t.Errorf("%v", err)
	}
}

// TestHeldBeforeKnown: an input that was set aside before anything was recorded of
// its person is found by the person's erasure.
func TestHeldBeforeKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	if res := w.record(upstream("1", "contact.changed", "C-1", `{"set":"not an object"}`)); res[0].Status != ledger.Quarantined {
		t.Fatalf("%+v", res)
	}
	anne := w.record(created("2", "C-1", "anne@example.net"))[0].Subject
	w.done(w.order(eraser.Request{Subject: anne}))
	if end := w.facts(event.IngestReleased); len(end) != 1 || end[0].Codes.String("outcome") != "erased" {
		t.Errorf("%+v", end)
	}
}
