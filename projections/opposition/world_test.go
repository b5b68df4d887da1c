package opposition_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/event"
	domainopposition "greffe/domain/opposition"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/opposition"
	"greffe/projections/projtest"
)

var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// id makes an id of a number.
func id(kind byte, n int) domain.ID {
	var b [16]byte
	b[0] = kind
	binary.BigEndian.PutUint32(b[8:], uint32(n))
	return domain.DeriveID(b[:])
}

// email is address n; its tokens and digests follow from it.
func email(n int) string { return fmt.Sprintf("person%d@example.org", n) }

func keyed(n int) [2]domainopposition.Keyed {
	return domainopposition.Both(token.KindEmail, peppers.Opposition(token.KindEmail, email(n)))
}

// tokens of address n as a list that knows it in clear (form "") or by a digest.
func tokens(n int, form string) []token.Token {
	b := keyed(n)
	switch form {
	case "sha256":
		return []token.Token{b[0].Token}
	case "md5":
		return []token.Token{b[1].Token}
	}
	return []token.Token{b[0].Token, b[1].Token}
}

// town makes facts about people and plays the vault and the opener for them. It
// remembers what each entry must bind.
type town struct {
	facts  []*event.Fact
	at     map[domain.ID]int // position by event
	packed map[domain.ID][]byte
	owner  map[domain.ID]domain.ID // of packed tokens
	parts  map[domain.ID][]event.Field

	had     map[domain.ID][]int // addresses of a person, by its tokens that live
	events  map[domain.ID][]domain.ID
	edges   map[[2]domain.ID]edge
	erased  map[domain.ID]bool
	entries []*entry
	pending int // orders that are not carried out
	carried int // objections that outlived an erasure
}

type edge struct {
	time   time.Time
	merged bool
}

// entry is an objection of the model.
type entry struct {
	event, subject domain.ID
	listed         bool
	form           string
	fixed          map[int]bool // addresses that it binds by itself
	lifted         bool
	single         map[int]bool // addresses that were lifted one by one
}

func newTown() *town {
	return &town{at: map[domain.ID]int{}, packed: map[domain.ID][]byte{}, owner: map[domain.ID]domain.ID{}, parts: map[domain.ID][]event.Field{},
		had: map[domain.ID][]int{}, events: map[domain.ID][]domain.ID{}, edges: map[[2]domain.ID]edge{}, erased: map[domain.ID]bool{}}
}

func (w *town) Tokens(_ context.Context, events []domain.ID) ([][]byte, error) {
	out := make([][]byte, len(events))
	for i, e := range events {
		out[i] = w.packed[e]
	}
	return out, nil
}

func (w *town) Opposition(_ context.Context, facts []*event.Fact) ([]opposition.Opened, error) {
	out := make([]opposition.Opened, len(facts))
	for i, f := range facts {
		out[i].Fields = w.parts[f.ID]
	}
	return out, nil
}

// add appends a fact at a time, with a part of the list's own if there are fields.
func (w *town) add(ty event.Type, subject domain.ID, at time.Time, codes event.Codes, fields ...event.Field) *event.Fact {
	f := &event.Fact{ID: id('e', len(w.facts)), Type: ty, Subject: subject, Time: domain.NewTime(at),
		Recorded: domain.NewTime(day.Add(time.Duration(len(w.facts)) * time.Minute)), Policy: 1, Codes: codes}
	if ty.Upstream() {
		f.Controller, f.Source = "acme", id('s', 1)
	}
	if len(fields) > 0 {
		w.parts[f.ID] = fields
		f.Parts = []event.PartRef{{Owner: part.LedgerOwner(), Class: "opposition", Epoch: "2026", Commitment: sha256.Sum256(f.ID[:])}}
	}
	w.at[f.ID] = len(w.facts)
	w.facts = append(w.facts, f)
	return f
}

func (w *town) now() time.Time { return day.Add(time.Duration(len(w.facts)) * time.Minute) }

func (w *town) contact(ty event.Type, subject domain.ID, addresses ...int) {
	f := w.add(ty, subject, w.now(), nil)
	f.Fields = []string{"person.emails"}
	var all []token.Entry
	for _, n := range addresses {
		all = append(all, token.Entry{Kind: token.KindEmail, Field: token.FieldEmails, Token: peppers.Search(token.KindEmail, email(n))})
		for _, k := range keyed(n) {
			all = append(all, token.Entry{Kind: k.Kind, Field: token.FieldEmails, Form: k.Form, Token: k.Token})
		}
	}
	b, err := token.Pack(all)
	if err != nil {
		panic(err)
	}
	w.packed[f.ID], w.owner[f.ID] = b, subject
	w.had[subject] = append(w.had[subject], addresses...)
	w.events[subject] = append(w.events[subject], f.ID)
}

func (w *town) object(subject domain.ID, request bool) *entry {
	f := &event.Fact{}
	if request {
		f = w.add(event.RequestReceived, subject, w.now(), event.Codes{}.With("right", "objection"))
	} else {
		f = w.add(event.OppositionRegistered, subject, w.now(), event.Codes{}.With("scope", "all"))
	}
	e := &entry{event: f.ID, subject: subject, fixed: map[int]bool{}}
	w.entries = append(w.entries, e)
	return e
}

func (w *town) objectAddress(n int) *entry {
	f := w.add(event.OppositionRegistered, domain.ID{}, w.now(), event.Codes{}.With("channels", []string{"email"}),
		event.Field{Path: domainopposition.FieldEmail, Value: fmt.Appendf(nil, "%q", email(n))})
	e := &entry{event: f.ID, fixed: map[int]bool{n: true}}
	w.entries = append(w.entries, e)
	return e
}

func sealedTokens(form string, addresses ...int) []event.Field {
	var list []domainopposition.Keyed
	for _, n := range addresses {
		b := keyed(n)
		switch form {
		case "sha256":
			list = append(list, b[0])
		case "md5":
			list = append(list, b[1])
		default:
			list = append(list, b[:]...)
		}
	}
	return []event.Field{{Path: domainopposition.FieldGeneration, Value: []byte("1")},
		{Path: domainopposition.FieldTokens, Value: domainopposition.AppendKeyed(nil, list)}}
}

func (w *town) list(form string, addresses ...int) *entry {
	f := w.add(event.OppositionListed, domain.ID{}, w.now(), event.Codes{}.With("list", id('l', 1).String()).With("form", form).
		With("purpose", "prospecting").With("count", int64(len(addresses))), sealedTokens(form, addresses...)...)
	e := &entry{event: f.ID, listed: true, form: form, fixed: map[int]bool{}, single: map[int]bool{}}
	for _, n := range addresses {
		e.fixed[n] = true
	}
	w.entries = append(w.entries, e)
	return e
}

func (w *town) lift(e *entry) {
	w.add(event.OppositionLifted, e.subject, w.now(), event.Codes{}.With("entry", e.event.String()).With("reason", "recorded_by_mistake"))
	e.lifted = true
}

// liftOne lifts one address of an imported list, known in a form.
func (w *town) liftOne(e *entry, n int, form string) {
	w.add(event.OppositionLifted, domain.ID{}, w.now(), event.Codes{}.With("entry", e.event.String()).With("reason", "address_reassigned").
		With("of", "address"), sealedTokens(form, n)...)
	if form == "clear" || e.form == "clear" || form == e.form {
		e.single[n] = true
	}
}

func (w *town) merge(a, b domain.ID, merged bool, at time.Time) {
	ty := event.ContactMerged
	if !merged {
		ty = event.ContactUnmerged
	}
	w.add(ty, a, at, event.Codes{}.With("into", b.String()))
	if old, known := w.edges[[2]domain.ID{a, b}]; !known || !at.Before(old.time) {
		w.edges[[2]domain.ID{a, b}] = edge{at, merged}
	}
}

func (w *town) person(of domain.ID) []domain.ID {
	out := []domain.ID{of}
	for i := 0; i < len(out); i++ {
		for e, x := range w.edges {
			for _, other := range [2][2]domain.ID{{e[0], e[1]}, {e[1], e[0]}} {
				if x.merged && other[0] == out[i] && !slices.Contains(out, other[1]) {
					out = append(out, other[1])
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b domain.ID) int { return slices.Compare(a[:], b[:]) })
	return out
}

// erasure is one operation over everybody who is one person, step by step.
type erasure struct {
	w       *town
	people  []domain.ID
	orders  []domain.ID
	entries []*entry
	whole   bool
	step    int
}

func (w *town) erase(of domain.ID, whole bool) *erasure {
	x := &erasure{w: w, people: w.person(of), whole: whole}
	for _, s := range x.people {
		codes := event.Codes{}.With("classes", []string{"contact_details"})
		if whole {
			codes = codes.With("whole", true)
			w.erased[s] = true
		}
		x.orders = append(x.orders, w.add(event.ErasureOrdered, s, w.now(), codes).ID)
		for _, e := range w.entries {
			if e.subject == s {
				x.entries = append(x.entries, e)
			}
		}
	}
	w.pending++
	return x
}

// next does one fact of it, destroying in the vault when all is staged. It
// reports whether there is more to do.
func (x *erasure) next() bool {
	w, n := x.w, len(x.people)
	switch {
	case x.step < n:
		s := x.people[x.step]
		codes := event.Codes{}.With("order", x.orders[x.step].String())
		var fields []event.Field
		if len(x.entries) > 0 {
			var names []string
			for _, e := range x.entries {
				names = append(names, e.event.String())
				for _, a := range w.had[s] {
					e.fixed[a] = true
				}
			}
			codes = codes.With("objections", names)
			fields = sealedTokens("clear", w.had[s]...)
		}
		w.add(event.ErasureStaged, s, w.now(), codes, fields...)
	case x.step < 2*n:
		if x.step == n {
			x.destroy()
		}
		s := x.people[x.step-n]
		w.add(event.SubjectErased, s, w.now(), event.Codes{}.With("order", x.orders[x.step-n].String()).With("whole", x.whole))
	}
	x.step++
	if x.step < 2*n {
		return true
	}
	w.pending--
	if x.whole {
		for _, s := range x.people {
			maps.DeleteFunc(w.edges, func(e [2]domain.ID, _ edge) bool { return e[0] == s || e[1] == s })
		}
		for _, e := range x.entries {
			if len(e.fixed) > 0 {
				w.carried++
			}
			e.subject = domain.ID{}
		}
	}
	return false
}

func (x *erasure) destroy() {
	for _, s := range x.people {
		for _, e := range x.w.events[s] {
			delete(x.w.packed, e)
		}
		delete(x.w.had, s)
		delete(x.w.events, s)
	}
}

// binds are the addresses that an entry must bind now.
func (w *town) binds(e *entry) map[int]bool {
	out := maps.Clone(e.fixed)
	if !e.subject.IsZero() {
		for _, s := range w.person(e.subject) {
			for _, n := range w.had[s] {
				out[n] = true
			}
		}
	}
	maps.DeleteFunc(out, func(n int, _ bool) bool { return e.lifted || e.single[n] })
	return out
}

// raw is the log from a position on.
func (w *town) raw(from int) [][]byte {
	var out [][]byte
	for _, f := range w.facts[from:] {
		out = append(out, projtest.Encode(f))
	}
	return out
}

func (w *town) apply(t testing.TB, l *opposition.List, from, to int) {
	facts := projtest.Decode(t, domain.Position(from), w.raw(from)[:to-from])
	if err := l.Apply(context.Background(), facts); err != nil {
		t.Fatalf("apply %d to %d: %v", from, to, err)
	}
}

const addresses = 7

// check compares what the list says of every address, in every form, with what
// must bind it. While an erasure is under way more may bind.
func (w *town) check(t *rapid.T, l *opposition.List) {
	forms := []string{"clear", "sha256", "md5"}
	var asked [][]token.Token
	for _, form := range forms {
		for n := range addresses {
			asked = append(asked, tokens(n, form))
		}
	}
	all, err := l.ByAddress(context.Background(), asked)
	if err != nil {
		t.Fatal(err)
	}
	for f, form := range forms {
		for n := range addresses {
			got := all[f*addresses+n]
			for _, e := range w.entries {
				want := w.binds(e)[n] && (!e.listed || e.form == "clear" || form == "clear" || form == e.form)
				i := slices.IndexFunc(got.Entries, func(x opposition.Entry) bool { return x.Event == e.event })
				binds := i >= 0 && !slices.ContainsFunc(got.Lifts, func(x domainopposition.Lift) bool { return x.Entry == e.event })
				if i >= 0 && w.pending == 0 && got.Entries[i].Subject != e.subject {
					t.Fatalf("entry %d is of %s, want %s", w.at[e.event], got.Entries[i].Subject, e.subject)
				}
				if binds != want && !(binds && w.pending > 0) {
					t.Fatalf("address %d as %s, entry %d: binds is %t, want %t (pending %d)", n, form, w.at[e.event], binds, want, w.pending)
				}
			}
		}
	}
}

var _ projections.Projection = (*opposition.List)(nil)
