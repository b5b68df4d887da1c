package app

import (
	"context"
	"time"

	httpapi "greffe/api/http"
	engine "greffe/eventstore/retention"
	"greffe/projections/retention"
)

// Calendar implements httpapi.Retention: a pass over everybody of whom something is due
// now, as a run would find it, and one over whom something will be by the end.
func (d retentionDesk) Calendar(ctx context.Context, now time.Time, months int) (*httpapi.RetentionCalendar, error) {
	out := &httpapi.RetentionCalendar{Late: httpapi.RetentionMonth{Actions: map[string]int64{}}, Items: []httpapi.RetentionMonth{}}
	first, err := time.Parse("2006-01", string(engine.DayOf(now))[:len("2006-01")])
	if err != nil {
		return nil, err
	}
	at := map[string]*httpapi.RetentionMonth{}
	for i := range months {
		out.Items = append(out.Items, httpapi.RetentionMonth{Month: first.AddDate(0, i, 0).Format("2006-01"), Actions: map[string]int64{}})
	}
	for i := range out.Items {
		at[out.Items[i].Month] = &out.Items[i]
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
				return at[string(engine.DayOf(due))[:len("2006-01")]]
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
