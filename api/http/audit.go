package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/access"
)

// AuditQuery selects rows of the audit dataset.
type AuditQuery struct {
	Type    string    `query:"type" doc:"Type of the event, such as consent.granted."`
	Without string    `query:"without" doc:"A type of event to leave out, such as access.recorded."`
	Subject domain.ID `query:"subject_id" doc:"The person."`
	Account domain.ID `query:"account" doc:"The account that acted or read."`
	Source  domain.ID `query:"source" doc:"The producer, by the ledger's id; see /v1/producers."`
	Purpose string    `query:"purpose" doc:"Purpose of the policy."`
	From    time.Time `query:"from" doc:"Events that happened from then on (RFC 3339)."`
	To      time.Time `query:"to" doc:"Events that happened before then (RFC 3339)."`
	After   string    `query:"after" doc:"Recorded after what was known then: a position, or a time (RFC 3339)."`
	KnownAt string    `query:"known_at" doc:"What was known then: a position, or a time (RFC 3339); everything if absent."`
	Order
	Paging
}

// known is the filter, kept to what was recorded between After and KnownAt.
func (q *AuditQuery) known(ctx context.Context, a *API, f Filter, err error) (Filter, error) {
	if err == nil && q.After != "" {
		f.Since, err = a.knownBelow(ctx, q.After)
		err = named(err, "after")
	}
	if err == nil && q.KnownAt != "" {
		f.Before, err = a.knownBelow(ctx, q.KnownAt)
		f.Nothing = f.Before == 0
	}
	return f, err
}

func (q *AuditQuery) filter() (Filter, error) {
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return Filter{}, problem.At(problem.ParameterInvalid, "to")
	}
	newest, err := q.newest()
	return Filter{Type: q.Type, Without: q.Without, Purpose: q.Purpose, Subject: q.Subject, Account: q.Account, Source: q.Source, From: q.From, To: q.To, Newest: newest}, err
}

// AuditEvent is one event as the audit dataset holds it: ids, codes and times.
type AuditEvent struct {
	Position   domain.Position `json:"position"`
	EventID    domain.ID       `json:"event_id"`
	Type       string          `json:"type"`
	SubjectID  *domain.ID      `json:"subject_id,omitempty"`
	Source     *domain.ID      `json:"source,omitempty"`
	Account    *domain.ID      `json:"account,omitempty" doc:"The account that acted."`
	Controller string          `json:"controller,omitempty"`
	Purposes   []string        `json:"purposes,omitempty"`
	Time       time.Time       `json:"time"`
	Recorded   time.Time       `json:"recorded"`
	Policy     int64           `json:"policy" doc:"Version of the policy in force at recording."`
	Warnings   int             `json:"warnings,omitempty" doc:"How much the guard left out."`
	Unproven   bool            `json:"unproven,omitempty" doc:"A consent whose proof lacks something."`
}

// AuditAccess is one access to personal data.
type AuditAccess struct {
	Position   domain.Position `json:"position"`
	EventID    domain.ID       `json:"event_id"`
	Source     *domain.ID      `json:"source,omitempty" doc:"The upstream where it happened; absent for accesses here."`
	Account    *domain.ID      `json:"account,omitempty"`
	Subjects   []domain.ID     `json:"subjects,omitempty" doc:"At most 1,000."`
	Count      int64           `json:"count" doc:"People concerned, also those not listed."`
	Action     string          `json:"action"`
	Reason     string          `json:"reason"`
	Ticketed   bool            `json:"ticketed" doc:"A ticket was given with the reason; which one is sealed."`
	Categories []string        `json:"categories,omitempty" doc:"Retention classes."`
	Revealed   []string        `json:"revealed,omitempty" doc:"Of a reveal: the masked field groups that were shown clear."`
	Time       time.Time       `json:"time"`
	Recorded   time.Time       `json:"recorded"`
}

// AuditSummary counts; its maps are by code, id or month (2026-03).
type AuditSummary struct {
	Events            int64            `json:"events"`
	ByType            map[string]int64 `json:"by_type"`
	ByMonth           map[string]int64 `json:"by_month"`
	BySource          map[string]int64 `json:"by_source"`
	ByPurpose         map[string]int64 `json:"by_purpose"`
	AccessesByReason  map[string]int64 `json:"accesses_by_reason"`
	AccessesByAccount map[string]int64 `json:"accesses_by_account"`
	UnprovenBySource  map[string]int64 `json:"unproven_by_source"`
	WarningsByRule    map[string]int64 `json:"warnings_by_rule"`
	Consents          []ConsentCount   `json:"consents" doc:"What happened to consents, by month, purpose and type."`
	Contacts          []ContactCount   `json:"contacts" doc:"Contacts as of now, whatever the span, by kind and the year of their last activity."`
}

// ConsentCount is how many consents were given, refused, withdrawn or expired in a
// month for a purpose.
type ConsentCount struct {
	Month   string `json:"month" doc:"2026-03"`
	Purpose string `json:"purpose"`
	Type    string `json:"type"`
	Count   int64  `json:"count"`
}

// ContactCount is how many contacts of a kind were last active in a year.
type ContactCount struct {
	Kind  string `json:"kind"`
	Year  int64  `json:"year" doc:"0: no activity is known."`
	Count int64  `json:"count"`
}

func getAuditEvents() endpoint {
	return finding(access.Reading{Action: "audit"}, func(ctx context.Context, a *API, _ *Call, in *AuditQuery, page Page) (Found[AuditEvent], error) {
		f, err := in.filter()
		f, err = in.known(ctx, a, f, err)
		if err != nil || f.Nothing {
			return Found[AuditEvent]{}, err
		}
		return a.services.Audit.Events(ctx, f, page)
	})
}

func getAuditAccesses() endpoint {
	return finding(access.Reading{Action: "audit", Categories: []string{"access"}}, func(ctx context.Context, a *API, _ *Call, in *AccessQuery, page Page) (Found[AuditAccess], error) {
		f, err := in.filter()
		f, err = in.known(ctx, a, f, err)
		if err != nil || f.Nothing {
			return Found[AuditAccess]{}, err
		}
		return a.services.Audit.Accesses(ctx, f, page)
	})
}

// SpanQuery is a time span.
type SpanQuery struct {
	From time.Time `query:"from" doc:"RFC 3339; the months it touches are counted whole."`
	To   time.Time `query:"to" doc:"RFC 3339, exclusive."`
}

func getAuditSummary() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *SpanQuery) (*AuditSummary, error) {
		q := AuditQuery{From: in.From, To: in.To}
		f, err := q.filter()
		if err != nil {
			return nil, err
		}
		return a.services.Audit.Summary(ctx, f)
	})
}

// SubjectPage asks for a page about one person.
type SubjectPage struct {
	ID domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Order
	Paging
}

// getSubjectAccesses says who saw a person (art. 15(1)(c); CJEU C-579/21).
func getSubjectAccesses() endpoint {
	return finding(access.Reading{Action: "accesses", Categories: []string{"access"}}, func(ctx context.Context, a *API, _ *Call, in *SubjectPage, page Page) (Found[AuditAccess], error) {
		newest, err := in.newest()
		if err != nil {
			return Found[AuditAccess]{}, err
		}
		found, err := a.services.Audit.Accesses(ctx, Filter{Subject: in.ID, Newest: newest}, page)
		for i := range found.Items { // of the others who were read at the same time, nothing is shown
			found.Items[i].Subjects = []domain.ID{in.ID}
		}
		found.Subjects = []domain.ID{in.ID}
		return found, err
	})
}
