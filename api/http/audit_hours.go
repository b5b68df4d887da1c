package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/domain"
)

// MaxHourAccounts bounds the accounts of AuditHours.
const MaxHourAccounts = 500

// HoursQuery asks when accounts read.
type HoursQuery struct {
	Account domain.ID `query:"account" doc:"Only this account."`
	Reason  string    `query:"reason" doc:"Only accesses with this code of a reason."`
	From    time.Time `query:"from" doc:"Accesses from then on (RFC 3339)."`
	To      time.Time `query:"to" doc:"Accesses before then (RFC 3339)."`
}

// AuditHours is when accounts read, in the days and hours of one zone.
type AuditHours struct {
	Zone  string         `json:"zone" doc:"Whose days and hours these are."`
	Items []AccountHours `json:"items" doc:"The accounts that made most accesses first, at most 500."`
	More  int64          `json:"more,omitzero" doc:"Accounts that are not listed."`
}

// AccountHours is when one account read.
type AccountHours struct {
	Account  domain.ID    `json:"account"`
	Accesses int64        `json:"accesses"`
	Persons  int64        `json:"persons" doc:"Whoever is read twice counts twice."`
	Days     []HoursOfDay `json:"days" doc:"Monday first, seven of them."`
}

// HoursOfDay counts accesses on one day of the week.
type HoursOfDay struct {
	Hours []int64 `json:"hours" doc:"Accesses in each hour of the day, 24 of them, from midnight on."`
}

func getAccessHours() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *HoursQuery) (*AuditHours, error) {
		q := AuditQuery{Account: in.Account, From: in.From, To: in.To}
		f, err := q.filter()
		if err != nil {
			return nil, err
		}
		f.Reason = in.Reason
		return a.services.Audit.Hours(ctx, f)
	})
}
