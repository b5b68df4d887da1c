package httpapi

import (
	"context"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/access"
)

// ContactFilter selects contacts by when the ledger recorded them; To is exclusive.
type ContactFilter struct{ From, To time.Time }

// ContactQuery selects contacts that were made.
type ContactQuery struct {
	From time.Time `query:"from" doc:"Recorded from then on (RFC 3339)."`
	To   time.Time `query:"to" doc:"Recorded before then (RFC 3339)."`
	Paging
}

// Breach is a contact that was made and was not allowed, by what the ledger knew
// when it was made.
type Breach struct {
	Position  domain.Position `json:"position"`
	EventID   domain.ID       `json:"event_id"`
	SubjectID domain.ID       `json:"subject_id"`
	Rule      string          `json:"rule"`
	Article   string          `json:"article"`
	Channel   string          `json:"channel"`
	Purpose   string          `json:"purpose,omitempty"`
	At        time.Time       `json:"at"`
	Campaign  string          `json:"campaign,omitempty" doc:"For those who may see the class it is kept in."`
	Caller    string          `json:"caller,omitempty" doc:"For those who may see the class it is kept in."`
	Evidence  []domain.ID     `json:"evidence,omitempty"`
}

func getAuditContacts() endpoint {
	return finding(access.Reading{Action: "audit", Categories: []string{"commercial"}},
		func(ctx context.Context, a *API, c *Call, in *ContactQuery, page Page) (Found[Breach], error) {
			if !in.From.IsZero() && !in.To.IsZero() && !in.From.Before(in.To) {
				return Found[Breach]{}, problem.At(problem.ParameterInvalid, "to")
			}
			return a.services.Contactability.Contacts(ctx, ContactFilter{in.From, in.To}, page, c.lens())
		})
}
