package audittest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections/audit"
)

// deeds are those of the model.
func (m *model) deeds(f audit.DeedFilter) (out []audit.Deed) {
	events := m.events(audit.Filter{Type: f.Type, Account: f.Account, Time: f.Time, Recorded: f.Recorded, Cursor: f.Cursor})
	var accesses []audit.Access
	if f.Type == "" || f.Type == event.AccessRecorded {
		accesses = m.accesses(audit.AccessFilter{Account: f.Account, Time: f.Time, Recorded: f.Recorded, Cursor: f.Cursor})
	}
	at := map[domain.Position]*audit.Deed{}
	deed := func(p domain.Position) *audit.Deed {
		if at[p] == nil {
			at[p] = &audit.Deed{Position: p}
		}
		return at[p]
	}
	for _, e := range events {
		deed(e.Position).Event = &e
	}
	for _, a := range accesses {
		deed(a.Position).Access = &a
	}
	for _, x := range m.facts {
		if d := at[x.Position]; d != nil {
			out = append(out, *d)
		}
	}
	return inOrder(out, f.Newest, f.Limit)
}

func checkDeeds(t *testing.T, d audit.Dataset, m *model) {
	r := dice{rand.New(rand.NewPCG(5, 6)), m}
	all := m.accesses(audit.AccessFilter{})
	both, found := 0, 0
	for range 60 {
		f := audit.DeedFilter{Account: all[r.IntN(len(all))].Account, Newest: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			for f.Account = (domain.ID{}); f.Account.IsZero(); {
				f.Account = r.fact().Actor
			}
		}
		switch r.IntN(6) {
		case 0:
			f.Type = r.fact().Type
		case 1:
			f.Type = event.AccessRecorded
		case 2:
			f.Time = r.span(timeOf)
		case 3:
			f.Recorded = r.span(recordedOf)
		case 4:
			f.Cursor, f.Limit = domain.Position(r.IntN(size)), 1+r.IntN(40)
		}
		want := m.deeds(f)
		same(t, "deeds", gather(t, audit.Deeds(t.Context(), d, f)), want)
		kinds := [2]bool{}
		for _, x := range want {
			kinds[0], kinds[1] = kinds[0] || x.Event != nil, kinds[1] || x.Access != nil
		}
		if kinds == [2]bool{true, true} {
			both++
		}
		found += len(want)
	}
	if both < 5 || found < 500 {
		t.Fatalf("%d answers of both kinds, %d deeds: the check says little", both, found)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, last = range audit.Deeds(ctx, d, audit.DeedFilter{Account: all[0].Account}) {
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("deeds of an ended context: %v", last)
	}
}

// changed is the model's answer.
func (m *model) changed(f audit.ChangedFilter) (out []audit.Changed) {
	of := map[domain.ID]*audit.Changed{}
	var order []*audit.Changed
	for _, x := range m.facts {
		if x.Position < f.From || x.Position >= f.To || x.Subject.IsZero() {
			continue
		}
		c := of[x.Subject]
		if c == nil {
			c = &audit.Changed{Subject: x.Subject, First: x.Position, Types: map[event.Type]int64{}}
			of[x.Subject] = c
		}
		if (len(f.Types) == 0 || slices.Contains(f.Types, x.Type)) && !slices.Contains(order, c) {
			c.At = x.Position
			order = append(order, c)
		}
		c.Last = x.Position
		c.Types[x.Type]++
	}
	for _, c := range order {
		if c.At >= f.Cursor && (f.Limit == 0 || len(out) < f.Limit) {
			out = append(out, *c)
		}
	}
	return out
}

func checkChanged(t *testing.T, d audit.Dataset, m *model) {
	r := dice{rand.New(rand.NewPCG(7, 8)), m}
	for range 25 {
		f := audit.ChangedFilter{From: domain.Position(r.IntN(size)), To: domain.Position(r.IntN(size + 1))}
		if f.From > f.To && r.IntN(4) > 0 {
			f.From, f.To = f.To, f.From
		}
		for range r.IntN(3) {
			f.Types = append(f.Types, r.fact().Type)
		}
		if r.IntN(3) == 0 {
			f.Cursor, f.Limit = f.From+domain.Position(r.IntN(300)), 1+r.IntN(30)
		}
		same(t, "changed", gather(t, d.Changed(t.Context(), f)), m.changed(f))
		want := map[event.Type]int64{}
		for _, x := range m.facts {
			if x.Position >= f.From && x.Position < f.To {
				want[x.Type]++
			}
		}
		got, err := d.Counts(t.Context(), f.From, f.To)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "counts", []map[event.Type]int64{got}, []map[event.Type]int64{want})
	}
	f := audit.ChangedFilter{To: size, Types: []event.Type{event.ConsentGranted}, Limit: 7}
	var pages []audit.Changed
	for {
		page := gather(t, d.Changed(t.Context(), f))
		if pages = append(pages, page...); len(page) < f.Limit {
			break
		}
		f.Cursor = page[len(page)-1].At + 1
	}
	all := f
	all.Cursor, all.Limit = 0, 0
	if want := m.changed(all); len(want) < 30 {
		t.Fatalf("%d subjects are too few", len(want))
	} else {
		same(t, "changed by pages", pages, want)
	}
}

// flow is the model's answer: each access against all others of its account.
func (m *model) flow(f audit.FlowFilter) (out []audit.Flow) {
	all := slices.DeleteFunc(m.accesses(audit.AccessFilter{Account: f.Account, Time: f.Time, Reason: f.Reason}), func(a audit.Access) bool { return a.Account.IsZero() })
	for _, x := range all {
		persons := int64(0)
		for _, y := range all {
			if age := x.Time.Sub(y.Time.Time); y.Account == x.Account && age >= 0 && age < f.Window {
				persons += y.Count
			}
		}
		if persons > f.Over {
			out = append(out, audit.Flow{FlowCursor: audit.FlowCursor{Account: x.Account, Time: x.Time, Position: x.Position}, Persons: persons})
		}
	}
	compare := func(a, b audit.FlowCursor) int {
		if c := bytes.Compare(a.Account[:], b.Account[:]); c != 0 {
			return c
		}
		if c := a.Time.Compare(b.Time.Time); c != 0 {
			return c
		}
		return int(int64(a.Position) - int64(b.Position))
	}
	slices.SortFunc(out, func(a, b audit.Flow) int { return compare(a.FlowCursor, b.FlowCursor) })
	return slices.DeleteFunc(out, func(x audit.Flow) bool { return f.After != (audit.FlowCursor{}) && compare(x.FlowCursor, f.After) <= 0 })
}

func checkFlow(t *testing.T, d audit.Dataset, m *model) {
	r := dice{rand.New(rand.NewPCG(9, 10)), m}
	all := m.accesses(audit.AccessFilter{})
	found, none := 0, 0
	for range 40 {
		f := audit.FlowFilter{Window: time.Duration(1+r.IntN(600)) * time.Hour, Over: int64(r.IntN(12))}
		a := all[r.IntN(len(all))]
		switch r.IntN(6) {
		case 0:
			f.Account = a.Account
		case 1:
			f.Reason = a.Reason
		case 2:
			f.Time = r.span(timeOf)
		case 3:
			f.After = audit.FlowCursor{Account: a.Account, Time: a.Time, Position: a.Position}
		case 4:
			f.Reason = "unheard_of"
		}
		want := m.flow(f)
		same(t, "flow", gather(t, d.Flow(t.Context(), f)), want)
		if found += len(want); len(want) == 0 {
			none++
		}
	}
	if found < 500 || none > 20 {
		t.Fatalf("%d accesses found, %d questions without an answer", found, none)
	}
	checkBursts(t, d, m)
}

// checkBursts groups what the model finds, and goes through it page by page.
func checkBursts(t *testing.T, d audit.Dataset, m *model) {
	f := audit.FlowFilter{Window: 50 * time.Hour, Over: 5}
	var want []audit.Burst
	for _, x := range m.flow(f) {
		last := len(want) - 1
		if last < 0 || want[last].Account != x.Account || x.Time.Sub(want[last].To.Time) >= f.Window {
			want = append(want, audit.Burst{Account: x.Account, From: x.Time, First: x.Position})
			last++
		}
		b := &want[last]
		b.To, b.Last, b.Accesses, b.Most = x.Time, x.Position, b.Accesses+1, max(b.Most, x.Persons)
	}
	if len(want) < 5 {
		t.Fatalf("%d bursts are too few", len(want))
	}
	same(t, "bursts", gather(t, audit.Bursts(t.Context(), d, f, 0)), want)
	var pages []audit.Burst
	for {
		page := gather(t, audit.Bursts(t.Context(), d, f, 2))
		if pages = append(pages, page...); len(page) < 2 {
			break
		}
		f.After = page[1].After()
	}
	same(t, "bursts by pages", pages, want)
}
