package app

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/projections/audit"
)

// Hours implements httpapi.Audit, in the hours of Paris, in which the law counts days.
func (d auditDesk) Hours(ctx context.Context, f httpapi.Filter) (*httpapi.AuditHours, error) {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil { // a machine without the zones
		zone = time.UTC
	}
	all := map[domain.ID]*httpapi.AccountHours{}
	for x, err := range d.a.Audit.Hours(ctx, audit.HoursFilter{Account: f.Account, Reason: f.Reason, Time: audit.Span{From: f.From, To: f.To}}) {
		if err != nil {
			return nil, err
		}
		of := all[x.Account]
		if of == nil {
			of = &httpapi.AccountHours{Account: x.Account, Days: make([]httpapi.HoursOfDay, 7)}
			for i := range of.Days {
				of.Days[i].Hours = make([]int64, 24)
			}
			all[x.Account] = of
		}
		at := x.Start.In(zone)
		of.Days[(int(at.Weekday())+6)%7].Hours[at.Hour()] += x.Accesses
		of.Accesses += x.Accesses
		of.Persons += x.Persons
	}
	out := &httpapi.AuditHours{Zone: zone.String(), Items: []httpapi.AccountHours{}}
	for _, of := range all {
		out.Items = append(out.Items, *of)
	}
	slices.SortFunc(out.Items, func(a, b httpapi.AccountHours) int {
		return cmp.Or(cmp.Compare(b.Accesses, a.Accesses), bytes.Compare(a.Account[:], b.Account[:]))
	})
	if n := len(out.Items); n > httpapi.MaxHourAccounts {
		out.Items, out.More = out.Items[:httpapi.MaxHourAccounts], int64(n-httpapi.MaxHourAccounts)
	}
	return out, nil
}
