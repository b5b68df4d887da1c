package app

import (
	"context"
	"sort"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	engine "greffe/eventstore/retention"
	"greffe/projections/retention"
)

// foreseen are the passes over everybody that retention's pages ask for.
type foreseen struct {
	calendars *reckonings[foreseenBy, httpapi.RetentionCalendar]
	previews  *reckonings[foreseenBy, httpapi.RetentionPreview]
}

// foreseenBy is what such a pass depends on, but for what people do meanwhile.
type foreseenBy struct {
	by     time.Time
	months int
	policy int64
	run    domain.ID // the latest
	ended  bool
}

func newForeseen(now func() time.Time, beside func(func(context.Context))) *foreseen {
	return &foreseen{newReckonings[foreseenBy, httpapi.RetentionCalendar](now, beside), newReckonings[foreseenBy, httpapi.RetentionPreview](now, beside)}
}

func (d retentionDesk) kind(ctx context.Context, by time.Time, months int) (foreseenBy, error) {
	_, version := d.a.Ledger.Policy()
	k := foreseenBy{by: by, months: months, policy: version}
	last, err := d.a.Runs.List(ctx, 0, 1)
	if err == nil && len(last) > 0 {
		k.run, k.ended = last[0].ID, !last[0].Ended.IsZero()
	}
	return k, err
}

// Calendar implements httpapi.Retention.
func (d retentionDesk) Calendar(ctx context.Context, now time.Time, months int) (*httpapi.RetentionCalendar, error) {
	k, err := d.kind(ctx, now, months)
	if err != nil {
		return nil, err
	}
	got, err := d.a.foreseen.calendars.get(ctx, k, func(ctx context.Context) (httpapi.RetentionCalendar, error) { return d.calendar(ctx, now, months) })
	if err != nil {
		return nil, err
	}
	out := got.value
	out.CountedAt, out.Counting = got.at, got.going
	return &out, nil
}

// calendar is a pass over everybody of whom something is due now, as a run would find it,
// and one over whom something will be by the end.
func (d retentionDesk) calendar(ctx context.Context, now time.Time, months int) (httpapi.RetentionCalendar, error) {
	out := httpapi.RetentionCalendar{Late: httpapi.RetentionMonth{Actions: map[string]int64{}}, Items: []httpapi.RetentionMonth{}}
	first, err := time.Parse("2006-01", string(engine.DayOf(now))[:len("2006-01")])
	if err != nil {
		return out, err
	}
	begins := make([]time.Time, months) // of each month
	for i := range months {
		month := first.AddDate(0, i, 0)
		begins[i] = engine.Day(month.Format(time.DateOnly)).AsOf()
		out.Items = append(out.Items, httpapi.RetentionMonth{Month: month.Format("2006-01"), Actions: map[string]int64{}})
	}
	end := engine.Day(first.AddDate(0, months, 0).Format(time.DateOnly)).AsOf()
	_, err = d.a.PreviewRetention(ctx, now, func(p *retention.Person) error {
		inMonths(p, func(time.Time) *httpapi.RetentionMonth { return &out.Late })
		return nil
	})
	if err == nil {
		_, err = d.a.PreviewRetention(ctx, end, func(p *retention.Person) error {
			inMonths(p, func(due time.Time) *httpapi.RetentionMonth {
				if !due.After(now) {
					return nil
				}
				after := sort.Search(months, func(i int) bool { return begins[i].After(due) })
				return &out.Items[after-1] // this month's began before now
			})
			return nil
		})
	}
	return out, err
}

// inMonths counts a person once for each month that its terms fall in, and once for each
// of the month's actions.
func inMonths(p *retention.Person, monthOf func(due time.Time) *httpapi.RetentionMonth) {
	type deed struct {
		month  *httpapi.RetentionMonth
		action string
	}
	counted, held := map[deed]bool{}, map[*httpapi.RetentionMonth]bool{}
	for i := range p.Due {
		x := &p.Due[i]
		m := monthOf(x.DueAt)
		if m == nil {
			continue
		}
		if !counted[deed{month: m}] {
			counted[deed{month: m}] = true
			m.Persons++
		}
		if k := (deed{m, string(x.Action)}); !counted[k] {
			counted[k] = true
			m.Actions[k.action]++
		}
		if len(x.Blocked) > 0 && !held[m] {
			held[m] = true
			m.Held++
		}
	}
}
