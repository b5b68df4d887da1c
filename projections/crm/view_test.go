package crm_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/crm"
	"greffe/projections/internal/sqlfile"
)

// desk is a view with a vault of its own, to which tests say facts.
type desk struct {
	*testing.T
	view   *crm.View
	tokens map[domain.ID][]byte
	at     domain.Position
	also   func(projections.Fact) // told of each fact; may be nil
}

func (d *desk) Tokens(_ context.Context, events []domain.ID) ([][]byte, error) {
	out := make([][]byte, len(events))
	for i, id := range events {
		out[i] = d.tokens[id]
	}
	return out, nil
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, tokens: map[domain.ID][]byte{}}
	v, err := crm.Open(filepath.Join(t.TempDir(), "crm.db"), d, func(policy int64, path string) (string, error) {
		if policy == unknownPolicy {
			return "", errUnknownPolicy
		}
		return map[string]string{"person.emails": "contact_details", "notes": "notes", "custom.x": "elsewhere"}[path], nil
	}, sqlfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	d.view = v
	return d
}

func id(n byte) domain.ID {
	return domain.DeriveID([]byte{n, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
}

func day(n int) domain.Time { return domain.NewTime(time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC)) }

func tok(k token.Kind, n byte) token.Entry {
	return token.Entry{Kind: k, Field: map[token.Kind]token.Field{token.KindEmail: token.FieldEmails, token.KindPhone: token.FieldPhones,
		token.KindName: token.FieldName}[k], Token: token.Token{n}}
}

// say applies one fact about subject n and returns its event id.
func (d *desk) say(n byte, typ event.Type, at domain.Time, change func(*event.Fact), entries ...token.Entry) domain.ID {
	d.Helper()
	f := &event.Fact{ID: domain.DeriveID([]byte{0xEE, byte(d.at), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), Type: typ, Subject: id(n),
		Source: id(200), Controller: "acme", Time: at, Recorded: day(28), Policy: 1}
	for _, e := range entries {
		f.Fields = append(f.Fields, map[token.Kind]string{token.KindEmail: "person.emails", token.KindName: "person.family_name",
			token.KindPhone: "person.phones"}[e.Kind])
	}
	if change != nil {
		change(f)
	}
	packed, err := token.Pack(entries)
	if err != nil {
		d.Fatal(err)
	}
	d.tokens[f.ID] = packed
	if err := d.view.Apply(d.Context(), []projections.Fact{{Position: d.at, Fact: f}}); err != nil {
		d.Fatalf("%s: %v", typ, err)
	}
	if d.also != nil {
		d.also(projections.Fact{Position: d.at, Fact: f})
	}
	d.at++
	return f.ID
}

func (d *desk) contact(n byte) *crm.Contact {
	d.Helper()
	c, err := d.view.Contact(d.Context(), id(n))
	if err != nil {
		d.Fatal(err)
	}
	return c
}

func (d *desk) finds(e token.Entry, want ...byte) {
	d.Helper()
	got, next, err := d.view.Find(d.Context(), e.Kind, e.Token, 0, 100)
	if err != nil || next != 0 {
		d.Fatalf("find: %v, next %d", err, next)
	}
	var ids []domain.ID
	for _, n := range want {
		ids = append(ids, id(n))
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		d.Fatalf("find %v (-want +got):\n%s", e, diff)
	}
	all, err := d.view.FindAll(d.Context(), e.Kind, []token.Token{{0xEE, 0xEE}, e.Token, e.Token}, 100)
	if diff := cmp.Diff([][]domain.ID{nil, ids, ids}, all); err != nil || diff != "" {
		d.Fatalf("find %v among others: %v (-want +got):\n%s", e, err, diff)
	}
}

func with(name string, v any) func(*event.Fact) {
	return func(f *event.Fact) { f.Codes = f.Codes.With(name, v) }
}

// TestTies checks that the later time holds, then the later position, whatever
// the order of arrival.
func TestTies(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	new1 := d.say(1, event.ContactChanged, day(9), with("kind", "client"))
	d.say(1, event.ContactCreated, day(2), with("kind", "prospect"))
	if c := d.contact(1); c.Kind != "client" || c.Fields[0].Event != new1 || c.Fields[0].Position != 0 {
		t.Fatalf("an earlier time won: %+v", c)
	}
	tie := d.say(1, event.ContactChanged, day(9), with("kind", "former_client"))
	if c := d.contact(1); c.Kind != "former_client" || c.Fields[0].Event != tie {
		t.Fatalf("an earlier position won: %+v", c)
	}
	d.say(1, event.ContactChanged, day(10), func(f *event.Fact) { f.Unset = []string{"kind"} })
	if c := d.contact(1); c.Kind != "" || !c.Fields[0].Unset || c.Fields[0].Time != day(10) {
		t.Fatalf("not unset: %+v", c)
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	own := part.SubjectOwner(id(1))
	d.say(1, event.ContactCreated, day(1), func(f *event.Fact) {
		f.Fields = []string{"custom.x", "notes", "person.emails"}
		f.Parts = []event.PartRef{{Owner: own, Class: "contact_details", Epoch: "whole"}, {Owner: own, Class: "notes", Epoch: "whole"}}
		f.Codes = f.Codes.With("reason", "update").With("professional", true)
	})
	d.say(1, event.ContactChanged, day(2), func(f *event.Fact) {
		f.Fields, f.Parts = []string{"person.phones"}, []event.PartRef{{Owner: own, Class: "alone", Epoch: "whole"}}
	})
	got := map[string]string{}
	for _, p := range d.contact(1).Fields {
		got[p.Path] = p.Class
	}
	want := map[string]string{"custom.x": "", "notes": "notes", "person.emails": "contact_details", "person.phones": "alone", "professional": ""}
	if diff := cmp.Diff(want, got); diff != "" || !d.contact(1).Professional {
		t.Fatalf("classes (-want +got):\n%s", diff)
	}
}

// TestActivity: only acts of the person move it, and only forwards.
func TestActivity(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	act := func(kind, direction string, at int) {
		d.say(1, event.InteractionRecorded, day(at), func(f *event.Fact) {
			f.Codes = f.Codes.With("kind", kind).With("direction", direction)
		})
	}
	act("sent", "out", 3)
	act("open", "in", 4)
	act("call", "out", 5)
	act("call_attempt", "out", 6)
	if c := d.contact(1); !c.LastActivity.IsZero() {
		t.Fatalf("our own acts count: %v", c.LastActivity)
	}
	act("click", "in", 7)
	act("call", "in", 8)
	act("reply", "", 2)
	if c := d.contact(1); c.LastActivity != day(8) {
		t.Fatalf("last activity %v, want %v", c.LastActivity, day(8))
	}
	d.say(1, event.ContactChanged, day(9), func(f *event.Fact) {
		f.Codes = f.Codes.With("kind", "client").With("last_activity_at", domain.FormatTime(day(20).Time))
	})
	d.say(2, event.ContactCreated, day(9), with("kind", "client"))
	d.say(3, event.InteractionRecorded, day(1), with("kind", "login"))
	got, err := d.view.Summary(t.Context())
	want := []crm.Count{{"", 2026, 1}, {"client", 0, 1}, {"client", 2026, 1}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("summary %v (-want +got):\n%s", err, diff)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.say(1, event.ContactCreated, day(1), nil)
	d.say(1, event.RestrictionPlaced, day(5), nil)
	d.say(1, event.RestrictionPlaced, day(3), func(f *event.Fact) { f.Controller, f.Source = "beta", id(100) })
	d.say(1, event.PersonDeceased, day(6), nil)
	d.say(1, event.ContactDeleted, day(7), nil)
	d.say(1, event.ContactUnmerged, day(9), with("into", id(2).String()))
	d.say(1, event.ContactMerged, day(8), with("into", id(2).String()))
	d.say(1, event.ContactMerged, day(8), with("into", id(3).String()))
	c := d.contact(1)
	if c.Restricted.Time != day(3) || c.Deceased.Time != day(6) || c.Deleted.Time != day(7) {
		t.Errorf("marks %+v", c)
	}
	if diff := cmp.Diff([]string{"acme", "beta"}, c.Controllers); diff != "" || len(c.Sources) != 2 || c.Sources[0] != id(100) {
		t.Errorf("controllers %v, sources %v", c.Controllers, c.Sources)
	}
	if diff := cmp.Diff([]domain.ID{id(3)}, c.MergedInto); diff != "" {
		t.Errorf("merged into (-want +got):\n%s", diff)
	}
	d.say(1, event.ContactChanged, day(10), with("kind", "client"))
	if c := d.contact(1); !c.Deleted.IsZero() {
		t.Errorf("still deleted at %v after the source sent it again", c.Deleted)
	}
	if _, err := d.view.Contact(t.Context(), id(99)); !errors.Is(err, crm.ErrUnknown) {
		t.Errorf("unknown contact: %v", err)
	}
}

// TestSearch checks that replaced and late addresses are not found.
func TestSearch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	old, cur, late := tok(token.KindEmail, 1), tok(token.KindEmail, 2), tok(token.KindEmail, 3)
	name := tok(token.KindName, 4)
	d.say(1, event.ContactCreated, day(1), nil, old, name)
	d.say(2, event.ContactCreated, day(1), nil, old)
	d.say(3, event.ContactCreated, day(1), nil, old)
	d.finds(old, 1, 2, 3)
	d.say(1, event.ContactChanged, day(3), nil, cur)
	d.say(1, event.ContactChanged, day(2), nil, late)
	d.finds(old, 2, 3)
	d.finds(cur, 1)
	d.finds(late)
	d.finds(name, 1)
	d.finds(token.Entry{Kind: token.KindPhone, Token: old.Token})
	hidden := cur
	hidden.Token[5], hidden.Form = 9, token.FormOppositionMD5
	d.say(3, event.ContactChanged, day(4), nil, hidden)
	d.finds(old, 2)
	d.finds(hidden)
	d.say(1, event.ContactChanged, day(5), func(f *event.Fact) { f.Unset = []string{"person.emails"} })
	d.finds(cur)
	d.say(2, event.ContactChanged, day(5), nil, cur)
	d.say(3, event.ContactChanged, day(5), nil, cur)
	page, next, err := d.view.Find(t.Context(), token.KindEmail, cur.Token, 0, 1)
	if err != nil || len(page) != 1 || page[0] != id(2) || next == 0 {
		t.Fatalf("first page %v, %d, %v", page, next, err)
	}
	if page, next, err = d.view.Find(t.Context(), token.KindEmail, cur.Token, next, 2); err != nil || len(page) != 1 || page[0] != id(3) || next != 0 {
		t.Fatalf("second page %v, %d, %v", page, next, err)
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	mail, phone := tok(token.KindEmail, 1), tok(token.KindPhone, 2)
	ann, bob, carl := tok(token.KindName, 10), tok(token.KindName, 11), tok(token.KindName, 12)
	d.say(1, event.ContactCreated, day(1), nil, mail, ann, phone)
	d.say(2, event.ContactCreated, day(1), nil, mail, ann, phone)
	d.say(3, event.ContactCreated, day(1), nil, mail, bob)
	d.say(4, event.ContactCreated, day(1), nil, tok(token.KindEmail, 3), carl)
	d.say(5, event.ContactCreated, day(1), nil, tok(token.KindEmail, 4), carl) // a homonym
	check := func(want ...crm.Group) {
		t.Helper()
		var got []crm.Group
		for cursor := ""; ; {
			page, next, err := d.view.Duplicates(t.Context(), cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if cursor = next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("groups (-want +got):\n%s", diff)
		}
	}
	same := crm.Group{Likeness: crm.Probable, Reasons: []token.Kind{token.KindEmail, token.KindName, token.KindPhone}, Subjects: []domain.ID{id(1), id(2)}}
	check(same, crm.Group{Likeness: crm.Shared, Reasons: []token.Kind{token.KindEmail}, Subjects: []domain.ID{id(1), id(2), id(3)}})
	d.say(2, event.ContactMerged, day(2), with("into", id(1).String()))
	check(crm.Group{Likeness: crm.Shared, Reasons: []token.Kind{token.KindEmail}, Subjects: []domain.ID{id(1), id(3)}})
	d.say(1, event.ContactMerged, day(2), with("into", id(2).String()))
	check(crm.Group{Likeness: crm.Shared, Reasons: []token.Kind{token.KindEmail}, Subjects: []domain.ID{id(1), id(3)}})
	d.say(3, event.ContactChanged, day(2), nil, tok(token.KindEmail, 7))
	check()
	if _, _, err := d.view.Duplicates(t.Context(), "!", 1); !errors.Is(err, crm.ErrCursor) {
		t.Fatalf("bad cursor: %v", err)
	}
}

// TestVaultFails: a vault that fails, or tokens that cannot be read, stop the
// view without a trace.
func TestVaultFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.say(1, event.ContactCreated, day(1), nil, tok(token.KindEmail, 1))
	f := &event.Fact{ID: id(77), Type: event.ContactCreated, Subject: id(1), Time: day(2), Fields: []string{"person.emails"}}
	d.tokens[f.ID] = []byte{9, 9}
	if err := d.view.Apply(t.Context(), []projections.Fact{{Position: 1, Fact: f}}); !errors.Is(err, token.ErrPacked) {
		t.Fatalf("unreadable tokens: %v", err)
	}
	if at, err := d.view.Checkpoint(t.Context()); at != 1 || err != nil {
		t.Fatalf("checkpoint %d, %v", at, err)
	}
	d.finds(tok(token.KindEmail, 1), 1)
}

// TestSameAgain: an address that is sent again and again, as nightly snapshots do,
// keeps its cell, also after a restart of the memory.
func TestSameAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	mail, other := tok(token.KindEmail, 1), tok(token.KindEmail, 2)
	d.say(1, event.ContactCreated, day(1), nil, mail)
	cell := func() int64 {
		t.Helper()
		_, next, err := d.view.Find(t.Context(), token.KindEmail, mail.Token, 0, 1)
		if err != nil || next == 0 {
			t.Fatalf("find: %d, %v", next, err)
		}
		return next
	}
	first := cell()
	d.say(1, event.ContactChanged, day(2), nil, mail)
	d.say(1, event.ContactChanged, day(3), nil, mail, other)
	bad := []projections.Fact{{Position: d.at + 5, Fact: &event.Fact{}}}
	if err := d.view.Apply(t.Context(), bad); !errors.Is(err, projections.ErrGap) { // forgets what it keeps in memory
		t.Fatal(err)
	}
	d.say(1, event.ContactChanged, day(4), nil, other, mail)
	if again := cell(); again != first {
		t.Errorf("the same address moved from cell %d to %d", first, again)
	}
	d.finds(other, 1)
}
