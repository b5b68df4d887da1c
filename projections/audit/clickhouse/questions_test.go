//go:build real

package clickhouse

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/audit/clickhouse/chtest"
	"greffe/projections/projtest"
)

// TestQuestions compares what the regulator's views say with counts over the facts
// themselves.
func TestQuestions(t *testing.T) {
	t.Parallel()
	w := projtest.NewWorld(71, 2500)
	facts := projtest.Decode(t, 0, w.Bytes(8000))
	d := mustOpen(t, config("clickhouse://default@"+chtest.Shared(t).Addr+"/"+newDatabase(), w))
	for at := 0; at < len(facts); at += 1500 {
		if err := d.Apply(t.Context(), facts[at:min(at+1500, len(facts))]); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("reads", func(t *testing.T) { askReads(t, d) })
	t.Run("consents", func(t *testing.T) { askConsents(t, d, facts) })
	t.Run("delays", func(t *testing.T) { askDelays(t, d, facts) })
	t.Run("contacts", func(t *testing.T) { askContacts(t, d, facts) })
	t.Run("rows", func(t *testing.T) { askRows(t, d, facts) })
}

// ask gathers the rows of a query.
func ask(t *testing.T, d *Dataset, query string, row func(driver.Rows) error) {
	t.Helper()
	if err := d.pool.each(t.Context(), "ask", query, nil, func(rows driver.Rows) (bool, error) { return true, row(rows) }); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%.2000s", diff)
	}
}

type read struct{ Day, Account, Reason, Action string }
type reads struct{ Reads, Persons uint64 }

func askReads(t *testing.T, d *Dataset) {
	want, persons := map[read]reads{}, map[read]map[domain.ID]bool{}
	for _, a := range gather(t, d, audit.AccessFilter{}) {
		k := read{a.Time.Format(time.DateOnly), a.Account.String(), a.Reason, a.Action}
		if persons[k] == nil {
			persons[k] = map[domain.ID]bool{}
		}
		for _, s := range a.Subjects {
			persons[k][s] = true
		}
		want[k] = reads{want[k].Reads + 1, uint64(len(persons[k]))}
	}
	got := map[read]reads{}
	ask(t, d, "SELECT toString(day), toString(account), reason, action, reads, persons FROM ~.reads_per_account", func(r driver.Rows) error {
		var k read
		var v reads
		err := r.Scan(&k.Day, &k.Account, &k.Reason, &k.Action, &v.Reads, &v.Persons)
		got[k] = v
		return err
	})
	if len(want) < 50 {
		t.Fatalf("only %d counts", len(want))
	}
	same(t, got, want)
}

type consent struct {
	Month                     uint32
	Controller, Purpose, Type string
}
type consents struct{ Number, Unproven uint64 }

func askConsents(t *testing.T, d *Dataset, facts []projections.Fact) {
	want, got := map[consent]consents{}, map[consent]consents{}
	for _, f := range facts {
		switch f.Type {
		case event.ConsentRequested, event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn, event.ConsentExpired:
			k := consent{month(f.Time.Time), f.Controller, f.Codes.String("purpose"), string(f.Type)}
			v := want[k]
			v.Number++
			if len(f.Lacks) > 0 {
				v.Unproven++
			}
			want[k] = v
		}
	}
	ask(t, d, "SELECT month, controller, purpose, type, number, unproven FROM ~.consents_per_purpose", func(r driver.Rows) error {
		var k consent
		var v consents
		err := r.Scan(&k.Month, &k.Controller, &k.Purpose, &k.Type, &v.Number, &v.Unproven)
		got[k] = v
		return err
	})
	same(t, got, want)
}

type answer struct {
	Asked              string
	Received, Answered time.Time
	Late               bool
}

func askDelays(t *testing.T, d *Dataset, facts []projections.Fact) {
	by := map[string][]event.Type{"erasure": {event.SubjectErased, event.PartRedacted}, "objection": {event.OppositionRegistered},
		"restriction": {event.RestrictionPlaced}, "access": {event.ExportProduced}, "portability": {event.ExportProduced}}
	want, got := map[uuid.UUID]answer{}, map[uuid.UUID]answer{}
	for i, f := range facts {
		a := answer{Received: f.Time.Time}
		switch f.Type {
		case event.RequestReceived:
			a.Asked = f.Codes.String("right")
		case event.ErasureOrdered:
			a.Asked = "erasure"
		default:
			continue
		}
		end := time.Now()
		for _, later := range facts[i+1:] {
			if later.Subject == f.Subject && slices.Contains(by[a.Asked], later.Type) && (a.Answered.IsZero() || later.Time.Before(a.Answered)) {
				a.Answered = later.Time.Time
				end = a.Answered
			}
		}
		a.Late = end.After(f.Time.AddDate(0, 1, 0))
		want[uuid.UUID(f.ID)] = a
	}
	ask(t, d, "SELECT id, asked, received, answered, late FROM ~.request_delays", func(r driver.Rows) error {
		var id uuid.UUID
		var a answer
		var answered *time.Time
		err := r.Scan(&id, &a.Asked, &a.Received, &answered, &a.Late)
		if answered != nil {
			a.Answered = *answered
		}
		got[id] = a
		return err
	})
	answered := 0
	for id, a := range want {
		if !a.Answered.IsZero() {
			answered++
		}
		// addMonths of the 31st ends with the month, where Go goes on into the next
		if g, ok := got[id]; ok && a.Received.Day() > 28 {
			a.Late = g.Late
			want[id] = a
		}
	}
	if answered < 20 {
		t.Fatalf("only %d requests were answered", answered)
	}
	same(t, got, want)
}

type kindYear struct {
	Year uint16
	Kind string
}

func askContacts(t *testing.T, d *Dataset, facts []projections.Fact) {
	type person struct {
		since  time.Time
		kind   string
		erased bool
	}
	people := map[domain.ID]*person{}
	for _, f := range facts {
		acted, ok := contact.FromPerson(f.Fact)
		made := f.Type == event.ContactCreated
		erased := f.Type == event.SubjectErased
		if f.Subject.IsZero() || !ok && !made && !erased && f.Type != event.ContactChanged {
			continue
		}
		p := people[f.Subject]
		if p == nil {
			p = &person{since: time.UnixMicro(0)}
			people[f.Subject] = p
		}
		if ok && acted.After(p.since) {
			p.since = acted
		}
		if made && f.Time.After(p.since) {
			p.since = f.Time.Time
		}
		if kind := f.Codes.String("kind"); kind != "" && (made || f.Type == event.ContactChanged) {
			p.kind = kind
		}
		p.erased = p.erased || erased && f.Codes.Bool("whole")
	}
	want, got := map[kindYear]uint64{}, map[kindYear]uint64{}
	for p := range maps.Values(people) {
		if !p.erased {
			want[kindYear{uint16(p.since.UTC().Year()), p.kind}]++
		}
	}
	ask(t, d, "SELECT year, kind, contacts FROM ~.contacts_by_year", func(r driver.Rows) error {
		var k kindYear
		var n uint64
		err := r.Scan(&k.Year, &k.Kind, &n)
		got[k] = n
		return err
	})
	if len(want) < 6 {
		t.Fatalf("only %d counts", len(want))
	}
	same(t, got, want)
}

// askRows counts the tables of rows, and what the views of rows leave out: nothing.
func askRows(t *testing.T, d *Dataset, facts []projections.Fact) {
	types := map[event.Type]uint64{}
	for _, f := range facts {
		types[f.Type]++
	}
	for table, of := range map[string][]event.Type{
		"consents":   {event.ConsentRequested, event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn, event.ConsentExpired},
		"decisions":  {event.ScreeningPerformed, event.RecheckPerformed, event.HoldPlaced, event.HoldReleased, event.RestrictionLifted, event.OppositionLifted, event.ErasureOrdered, event.ConsentExpired, event.PolicyPublished},
		"all_events": slices.Collect(maps.Keys(types)),
	} {
		var want, got uint64
		for _, ty := range of {
			want += types[ty]
		}
		final := " FINAL"
		if table == "all_events" {
			final = ""
		}
		if err := d.pool.row(t.Context(), "ask", "SELECT count() FROM ~."+table+final, nil, &got); err != nil || got != want {
			t.Errorf("%s has %d rows, want %d: %v", table, got, want, err)
		}
	}
}
