package httpapi

import (
	"context"
	"net/http"

	"greffe/api/problem"
	"greffe/eventstore/retention"
)

// RetentionCalendar is what reaches its term in the months to come. Somebody of whom
// several things do is in several months, and in Late if one of them is due by now.
type RetentionCalendar struct {
	Late  RetentionMonth   `json:"late" doc:"What is past its term: the next run carries it out, but for what is held."`
	Items []RetentionMonth `json:"items"`
	Counted
}

// RetentionMonth counts what reaches its term in one month of Paris.
type RetentionMonth struct {
	Month   string           `json:"month,omitempty" doc:"YYYY-MM; absent of what is late."`
	Persons int64            `json:"persons"`
	Held    int64            `json:"held" doc:"Persons of them whom a hold, a restriction or an open request would leave untouched, as it stands now."`
	Actions map[string]int64 `json:"actions" doc:"Persons by what happens: archive, ask, generalise, destroy, erase."`
}

// RetentionPreviewQuery asks what a day's run would do.
type RetentionPreviewQuery struct {
	By string `query:"by" doc:"A day such as 2027-03-01: what the run of that day would carry out; today if absent."`
}

// maxMonths bounds a calendar: ten years.
const maxMonths = 120

// RetentionCalendarQuery asks for months to come.
type RetentionCalendarQuery struct {
	Months int `query:"months" doc:"How many, this one with them: 12 if absent, at most 120."`
}

func getRetentionPreview() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *RetentionPreviewQuery) (*RetentionPreview, error) {
		day, err := a.foreseen(in.By, "by")
		if err != nil {
			return nil, err
		}
		return a.services.Retention.Preview(ctx, day.AsOf())
	})
}

func getRetentionCalendar() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *RetentionCalendarQuery) (*RetentionCalendar, error) {
		if in.Months == 0 {
			in.Months = 12
		}
		if in.Months < 1 || in.Months > maxMonths {
			return nil, problem.At(problem.ParameterInvalid, "months")
		}
		return a.services.Retention.Calendar(ctx, retention.DayOf(a.cfg.Now()).AsOf(), in.Months)
	})
}
