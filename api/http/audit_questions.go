package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/eventstore/access"
)

// auditRoutes are an auditor's questions beyond the plain lists.
func auditRoutes() []Route {
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	return []Route{
		{http.MethodGet, "/v1/audit/accounts/{id}", "audit.read", "What an account did: its events and its accesses, in one order", list, false, getAccountDeeds(), nil},
		{http.MethodGet, "/v1/audit/difference", "audit.read", "Who was created, changed, erased, objected or consented between two dates", list, false, getDifference(), nil},
		{http.MethodGet, "/v1/audit/difference/counts", "audit.read", "Events of each type between two dates", list, false, getDifferenceCounts(), nil},
		{http.MethodGet, "/v1/audit/bulk", "audit.read", "Accounts that read about more people within some hours than they should", list, false, getBursts(), nil},
		{http.MethodGet, "/v1/audit/accesses/hours", "audit.read", "When each account read: accesses by hour of the day and day of the week", list, false, getAccessHours(), nil},
	}
}

// AccessQuery selects accesses.
type AccessQuery struct {
	AuditQuery
	Reason      string `query:"reason" doc:"Code of the reason given."`
	Action      string `query:"action" doc:"read, reveal, search, export, history, audit …"`
	WithoutCase bool   `query:"without_case" doc:"Only those for which no ticket was given."`
	MinCount    int    `query:"min_count" doc:"Only those about so many people or more."`
}

func (q *AccessQuery) filter() (Filter, error) {
	if q.MinCount < 0 {
		return Filter{}, problem.At(problem.ParameterInvalid, "min_count")
	}
	f, err := q.AuditQuery.filter()
	f.Reason, f.Action, f.WithoutCase, f.MinCount = q.Reason, q.Action, q.WithoutCase, int64(q.MinCount)
	return f, err
}

// AccountQuery asks for what one account did.
type AccountQuery struct {
	ID   domain.ID `path:"id" doc:"The account, by the ledger's id."`
	Type string    `query:"type" doc:"Type of the event; access.recorded gives the accesses alone."`
	From time.Time `query:"from" doc:"From then on (RFC 3339)."`
	To   time.Time `query:"to" doc:"Before then (RFC 3339)."`
	Order
	Paging
}

// AuditDeed is what an account did at a position: an event it caused, an access it
// made, or both, where an upstream reported the access.
type AuditDeed struct {
	Position domain.Position `json:"position"`
	Event    *AuditEvent     `json:"event,omitempty"`
	Access   *AuditAccess    `json:"access,omitempty"`
}

func getAccountDeeds() endpoint {
	return finding(access.Reading{Action: "audit", Categories: []string{"access"}}, func(ctx context.Context, a *API, _ *Call, in *AccountQuery, page Page) (Found[AuditDeed], error) {
		q := AuditQuery{Type: in.Type, From: in.From, To: in.To, Order: in.Order}
		f, err := q.filter()
		if err != nil {
			return Found[AuditDeed]{}, err
		}
		return a.services.Audit.Deeds(ctx, in.ID, f, page)
	})
}

// Between names two dates in the knowledge of the ledger.
type Between struct {
	From string `query:"from" doc:"What was known then is the beginning: a position, or a time (RFC 3339); nothing if absent."`
	To   string `query:"to" doc:"What was known then is the end: a position, or a time (RFC 3339); everything if absent."`
}

// positions are those recorded after from, up to to.
func (q Between) positions(ctx context.Context, a *API) (f DifferenceFilter, err error) {
	if q.From != "" {
		if f.From, err = a.knownBelow(ctx, q.From); err != nil {
			return f, named(err, "from")
		}
	}
	if f.To, err = a.knownBelow(ctx, q.To); err != nil {
		return f, named(err, "to")
	}
	if f.From > f.To {
		return f, problem.At(problem.ParameterInvalid, "to")
	}
	return f, nil
}

// named has an invalid date named as the parameter it stood in.
func named(err error, parameter string) error {
	if problem.From(classify(err)).Code == problem.ParameterInvalid {
		return problem.At(problem.ParameterInvalid, parameter)
	}
	return err
}

// DifferenceQuery asks what became different between two dates.
type DifferenceQuery struct {
	Between
	Kind string `query:"kind" doc:"Only people to whom this happened: created, changed, erased, opposed, consented, withdrew."`
	Type string `query:"type" doc:"Only people about whom an event of this type was recorded."`
	Paging
}

// kindsOfChange are the events that make each kind of difference.
func kindsOfChange() map[string][]event.Type {
	return map[string][]event.Type{
		"created":   {event.ContactCreated},
		"changed":   {event.ContactChanged, event.ContactMerged, event.ContactUnmerged, event.ContactRekeyed},
		"erased":    {event.SubjectErased},
		"opposed":   {event.OppositionRegistered},
		"consented": {event.ConsentGranted},
		"withdrew":  {event.ConsentWithdrawn, event.ConsentRefused},
	}
}

// AuditDifference is what was recorded about one person between two dates.
type AuditDifference struct {
	SubjectID domain.ID        `json:"subject_id"`
	At        domain.Position  `json:"at" doc:"Of the first event that was asked for."`
	First     domain.Position  `json:"first"`
	Last      domain.Position  `json:"last"`
	Kinds     []string         `json:"kinds" doc:"Of created, changed, erased, opposed, consented, withdrew."`
	ByType    map[string]int64 `json:"by_type"`
}

func getDifference() endpoint {
	return finding(access.Reading{Action: "audit"}, func(ctx context.Context, a *API, _ *Call, in *DifferenceQuery, page Page) (Found[AuditDifference], error) {
		f, err := in.positions(ctx, a)
		if err != nil {
			return Found[AuditDifference]{}, err
		}
		for _, t := range kindsOfChange()[in.Kind] {
			f.Types = append(f.Types, string(t))
		}
		switch {
		case in.Kind != "" && (f.Types == nil || in.Type != ""):
			return Found[AuditDifference]{}, problem.At(problem.ParameterInvalid, "kind")
		case in.Type != "":
			f.Types = []string{in.Type}
		}
		found, err := a.services.Audit.Difference(ctx, f, page)
		for i := range found.Items {
			found.Items[i].Kinds = kindsOf(found.Items[i].ByType)
		}
		return found, err
	})
}

// kindsOf are the kinds of difference that events make, in alphabetical order.
func kindsOf(byType map[string]int64) []string {
	out := []string{}
	for _, kind := range [...]string{"changed", "consented", "created", "erased", "opposed", "withdrew"} {
		for _, t := range kindsOfChange()[kind] {
			if byType[string(t)] > 0 {
				out = append(out, kind)
				break
			}
		}
	}
	return out
}

// AuditCounts counts the events recorded between two dates.
type AuditCounts struct {
	From   domain.Position  `json:"from" doc:"The first position counted."`
	To     domain.Position  `json:"to" doc:"The first that is not."`
	Events int64            `json:"events"`
	ByType map[string]int64 `json:"by_type"`
}

func getDifferenceCounts() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *Between) (*AuditCounts, error) {
		f, err := in.positions(ctx, a)
		if err != nil {
			return nil, err
		}
		out := &AuditCounts{From: f.From, To: f.To}
		if out.ByType, err = a.services.Audit.DifferenceCounts(ctx, f); err != nil {
			return nil, err
		}
		for _, n := range out.ByType {
			out.Events += n
		}
		return out, nil
	})
}

// The bounds of BurstQuery.
const (
	defaultOver  = 1000
	defaultHours = 24
	maxHours     = 24 * 31
)

// BurstQuery asks which accounts read much.
type BurstQuery struct {
	Account domain.ID `query:"account" doc:"Only this account."`
	Reason  string    `query:"reason" doc:"Only accesses with this code of a reason."`
	From    time.Time `query:"from" doc:"Accesses from then on (RFC 3339)."`
	To      time.Time `query:"to" doc:"Accesses before then (RFC 3339)."`
	Over    int       `query:"over" doc:"More people than this within the window; whoever is read twice counts twice. 1,000 if absent."`
	Hours   int       `query:"hours" doc:"Length of the window, which ends at each access: 1 to 744 hours, 24 if absent."`
	Paging
}

// AuditBurst is a time during which an account read about more people than asked.
type AuditBurst struct {
	Account  domain.ID       `json:"account"`
	From     time.Time       `json:"from" doc:"Of the first access at which too many had been read."`
	To       time.Time       `json:"to" doc:"Of the last one."`
	First    domain.Position `json:"first"`
	Last     domain.Position `json:"last"`
	Accesses int64           `json:"accesses" doc:"At which too many had been read."`
	Most     int64           `json:"most" doc:"People read about within one window."`
}

func getBursts() endpoint {
	return finding(access.Reading{Action: "audit", Categories: []string{"access"}}, func(ctx context.Context, a *API, _ *Call, in *BurstQuery, page Page) (Found[AuditBurst], error) {
		q := AuditQuery{From: in.From, To: in.To}
		span, err := q.filter()
		if in.Over == 0 {
			in.Over = defaultOver
		}
		if in.Hours == 0 {
			in.Hours = defaultHours
		}
		switch {
		case err != nil:
			return Found[AuditBurst]{}, err
		case in.Over < 0:
			return Found[AuditBurst]{}, problem.At(problem.ParameterInvalid, "over")
		case in.Hours < 0 || in.Hours > maxHours:
			return Found[AuditBurst]{}, problem.At(problem.ParameterInvalid, "hours")
		}
		return a.services.Audit.Bursts(ctx, BurstFilter{Account: in.Account, Reason: in.Reason, From: span.From, To: span.To, Over: int64(in.Over),
			Window: time.Duration(in.Hours) * time.Hour}, page)
	})
}
