package crm_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/crm"
)

// order has subject n erased: whole, without classes, else in these.
func (d *desk) order(n byte, classes ...string) domain.ID {
	d.Helper()
	return d.say(n, event.ErasureOrdered, day(20), func(f *event.Fact) {
		f.Source = domain.ID{}
		if len(classes) == 0 {
			f.Codes = f.Codes.With("whole", true)
		} else {
			f.Codes = f.Codes.With("classes", classes)
		}
	})
}

func (d *desk) erased(n byte, by domain.ID) {
	d.Helper()
	_, err := d.view.Contact(d.Context(), id(n))
	var e *contact.ErasedError
	if !errors.As(err, &e) || !errors.Is(err, contact.ErrErased) || e.By != by || e.At != day(20) {
		d.Fatalf("contact %d: %v, want erased by %s", n, err, by)
	}
	if err := d.view.Gone(d.Context(), id(n)); err != nil {
		d.Fatalf("contact %d is not gone: %v", n, err)
	}
}

// TestErased: what was erased is not seen by any query, and nothing brings it
// back.
func TestErased(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	mail, name := tok(token.KindEmail, 1), tok(token.KindName, 2)
	d.say(1, event.ContactCreated, day(1), with("kind", "client"), mail, name)
	d.say(2, event.ContactCreated, day(1), with("kind", "client"), mail, name)
	d.say(3, event.ContactCreated, day(1), nil, mail)
	if err := d.view.Gone(t.Context(), id(1)); !errors.Is(err, crm.ErrLeft) {
		t.Fatalf("gone before it was ordered: %v", err)
	}
	by := d.order(1)
	d.erased(1, by)
	d.finds(mail, 2, 3)
	d.finds(name, 2)
	groups, _, err := d.view.Duplicates(t.Context(), "", 10)
	if want := []crm.Group{{Likeness: crm.Shared, Reasons: []token.Kind{token.KindEmail}, Subjects: []domain.ID{id(2), id(3)}}}; err != nil || !cmp.Equal(groups, want) {
		t.Fatalf("duplicates %v, %v", groups, err)
	}
	counts, err := d.view.Summary(t.Context())
	if diff := cmp.Diff([]crm.Count{{"", 0, 1}, {"client", 0, 1}}, counts); err != nil || diff != "" {
		t.Fatalf("summary %v (-want +got):\n%s", err, diff)
	}
	d.say(1, event.ErasureStaged, day(21), nil)
	d.say(1, event.ContactChanged, day(22), with("kind", "prospect"), mail) // not recorded by the ledger; a view does not trust
	d.order(1)
	d.say(1, event.SubjectErased, day(23), with("whole", true))
	d.say(1, event.ErasureContested, day(24), nil)
	d.erased(1, by)
	d.finds(mail, 2, 3)
	d.say(2, event.ContactMerged, day(24), with("into", id(1).String()))
	if groups, _, err = d.view.Duplicates(t.Context(), "", 10); err != nil || len(groups) != 1 || len(groups[0].Subjects) != 2 {
		t.Fatalf("duplicates of one merged into an erased: %v, %v", groups, err)
	}
	d.order(3)
	if groups, _, err = d.view.Duplicates(t.Context(), "", 10); err != nil || len(groups) > 0 {
		t.Fatalf("one holder is left, listed with %v, %v", groups, err)
	}
	if err := d.view.Gone(t.Context(), id(99)); err != nil {
		t.Errorf("who was never known: %v", err)
	}
	never := d.order(50) // somebody only the order tells of
	d.erased(50, never)
	restored := d.say(51, event.SubjectErased, day(20), func(f *event.Fact) {
		f.Codes = f.Codes.With("whole", true).With("restored", true).With("order", id(90).String())
	})
	d.erased(51, restored)
}

// TestPartlyErased: pointers to what went are dropped, others stay, and the
// person goes on.
func TestPartlyErased(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	mail, phone, name := tok(token.KindEmail, 1), tok(token.KindPhone, 2), tok(token.KindName, 3)
	own := part.SubjectOwner(id(1))
	alone := func(class string) func(*event.Fact) {
		return func(f *event.Fact) {
			f.Parts = []event.PartRef{{Owner: own, Class: class, Epoch: "whole"}}
			f.Codes = f.Codes.With("kind", "client")
		}
	}
	paths := func(want ...string) {
		t.Helper()
		var got []string
		for _, p := range d.contact(1).Fields {
			got = append(got, p.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("fields (-want +got):\n%s", diff)
		}
	}
	d.say(1, event.ContactCreated, day(1), alone("contact_details"), mail, phone)
	named := d.say(1, event.ContactChanged, day(2), alone("identity"), name)
	d.say(1, event.ContactChanged, day(3), func(f *event.Fact) { alone("notes")(f); f.Fields = []string{"notes"} })
	d.order(1, "notes")
	paths("kind", "person.emails", "person.family_name", "person.phones")
	d.finds(mail, 1)
	d.say(1, event.PartRedacted, day(4), func(f *event.Fact) {
		f.Codes = f.Codes.With("event", id(70).String()).With("class", "identity")
	})
	d.finds(name, 1)
	d.say(1, event.ErasureOrdered, day(4), func(f *event.Fact) {
		f.Codes = f.Codes.With("event", named.String()).With("classes", []string{"identity"})
	})
	paths("kind", "person.emails", "person.phones")
	d.finds(name)
	d.finds(mail, 1)
	d.say(1, event.ContactChanged, day(5), alone("identity"), name)
	d.finds(name, 1)
	order := d.order(1, "contact_details")
	paths("kind", "person.family_name")
	d.finds(mail)
	d.finds(phone)
	d.finds(name) // its vault row goes with the others
	d.say(1, event.ContactChanged, day(6), alone("contact_details"), mail)
	d.finds(mail, 1)
	d.say(1, event.SubjectErased, day(7), func(f *event.Fact) {
		f.Codes = f.Codes.With("classes", []string{"contact_details"}).With("order", order.String())
	})
	d.finds(mail)
	paths("kind", "person.emails", "person.family_name")
	d.say(1, event.ContactChanged, day(8), alone("contact_details"), phone)
	d.finds(phone, 1)
	if err := d.view.Gone(t.Context(), id(1)); !errors.Is(err, crm.ErrLeft) {
		t.Errorf("a person erased in part counts as gone: %v", err)
	}
}

// TestHolds: what was placed stands until that very event is lifted.
func TestHolds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	late := d.say(1, event.RestrictionPlaced, day(5), nil)
	early := d.say(1, event.RestrictionPlaced, day(3), nil)
	hold := d.say(1, event.HoldPlaced, day(4), nil)
	other := d.say(1, event.HoldPlaced, day(6), nil)
	marks := func(l []crm.Mark) (out []domain.ID) {
		for _, m := range l {
			out = append(out, m.Event)
		}
		return out
	}
	check := func(restricted domain.Time, restrictions, holds []domain.ID) {
		t.Helper()
		c := d.contact(1)
		if c.Restricted.Time != restricted || !slices.Equal(marks(c.Restrictions), restrictions) || !slices.Equal(marks(c.Holds), holds) {
			t.Fatalf("restricted since %v by %v, held by %v", c.Restricted, marks(c.Restrictions), marks(c.Holds))
		}
	}
	check(day(3), []domain.ID{late, early}, []domain.ID{hold, other})
	d.say(1, event.RestrictionLifted, day(7), with("restriction", early.String()))
	d.say(1, event.HoldReleased, day(7), with("hold", hold.String()))
	check(day(5), []domain.ID{late}, []domain.ID{other})
	d.say(1, event.HoldReleased, day(8), nil)
	d.say(1, event.RestrictionLifted, day(8), with("restriction", hold.String()))
	check(day(5), []domain.ID{late}, []domain.ID{other})
	d.say(1, event.RestrictionPlaced, day(8), nil)
	d.say(1, event.RestrictionLifted, day(9), nil)
	check(domain.Time{}, nil, []domain.ID{other})
}

// TestRebuildAfterErasure: what is built anew when the vault has lost the tokens
// is what stood before, byte for byte of the dump.
func TestRebuildAfterErasure(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var facts []projections.Fact
	d.also = func(f projections.Fact) { facts = append(facts, f) }
	mail, name := tok(token.KindEmail, 1), tok(token.KindName, 2)
	own := func(f *event.Fact) {
		f.Parts = []event.PartRef{{Owner: part.SubjectOwner(f.Subject), Class: "identity"}}
	}
	for n := range byte(6) {
		d.say(n, event.ContactCreated, day(1), own, mail, name)
	}
	d.order(1)
	d.order(2, "identity")
	d.order(3, "notes")
	before := d.dump(d.view)
	for _, f := range facts {
		if f.Subject == id(1) || f.Subject == id(2) {
			delete(d.tokens, f.ID)
		}
	}
	again, err := crm.Open(filepath.Join(t.TempDir(), "crm.db"), d, nil, crm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if err := again.Apply(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, d.dump(again)); diff != "" {
		t.Errorf("(-live +rebuilt):\n%s", diff)
	}
}

func (d *desk) dump(v *crm.View) string {
	d.Helper()
	var b bytes.Buffer
	if err := v.Dump(d.Context(), &b); err != nil {
		d.Fatal(err)
	}
	return b.String()
}
