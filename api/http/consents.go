package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/domain"
	"greffe/eventstore/access"
)

// Consents tells where consents stand.
type Consents interface {
	// State is the matrix of a person's consents as of an instant, by what was
	// known below a position; of merged contacts each by itself, since consent
	// never passes over a merge. The receipt covers them all.
	State(ctx context.Context, r access.Receipt, subject domain.ID, asOf time.Time, knownBelow domain.Position) ([]ConsentState, error)
	// Unproven counts open grants that are not proven, by source and by what they
	// lack.
	Unproven(ctx context.Context) ([]UnprovenCount, error)
	// UnprovenGrants lists them, in order of position.
	UnprovenGrants(ctx context.Context, page Page) (items []UnprovenGrant, next string, err error)
}

// ConsentState is where one consent stands.
type ConsentState struct {
	SubjectID  domain.ID       `json:"subject_id"`
	Controller string          `json:"controller" doc:"* means every one that no other line names."`
	Purpose    string          `json:"purpose" doc:"As controller."`
	Channel    string          `json:"channel" doc:"As controller."`
	State      string          `json:"state" enum:"requested,unproven,granted,refused,withdrawn,expired"`
	Since      time.Time       `json:"since"`
	ExpiresAt  *time.Time      `json:"expires_at,omitempty" doc:"When a grant expires or expired; for calls one year after it was given at the latest (C. conso. R223-1)."`
	Evidence   []domain.ID     `json:"evidence" doc:"The events it rests on; a published notice that completes a proof is one."`
	Position   domain.Position `json:"position"`
	Lacks      []string        `json:"lacks,omitempty" doc:"What the proof of an unproven grant lacks."`
}

// ConsentStates is a person's matrix.
type ConsentStates struct {
	AsOf  time.Time      `json:"as_of"`
	Items []ConsentState `json:"items"`
}

// UnprovenCount is how many open grants of one source lack the same.
type UnprovenCount struct {
	Source *domain.ID `json:"source,omitempty" doc:"The producer, see /v1/producers; absent for the ledger's own."`
	Name   string     `json:"name,omitempty" doc:"Its name."`
	Lacks  []string   `json:"lacks" doc:"act, channels, method, notice, unticked_box."`
	Grants int64      `json:"grants"`
}

// UnprovenSummary counts the grants that allow nothing for want of a proof.
type UnprovenSummary struct {
	Total    int64           `json:"total"`
	Items    []UnprovenCount `json:"items"`
	Complete string          `json:"complete" doc:"How to complete one."`
}

// UnprovenGrant is one of them, without any value.
type UnprovenGrant struct {
	EventID  domain.ID       `json:"event_id"`
	Position domain.Position `json:"position"`
	Source   *domain.ID      `json:"source,omitempty"`
	Purpose  string          `json:"purpose"`
	Channels []string        `json:"channels,omitempty" doc:"Those still open; absent: every channel."`
	Time     time.Time       `json:"time"`
	Lacks    []string        `json:"lacks"`
}

// StateQuery asks for a person's consents.
type StateQuery struct {
	ID      domain.ID `path:"id" doc:"The person, by the ledger's id."`
	AsOf    time.Time `query:"as_of" doc:"What was true then (RFC 3339); now if absent."`
	KnownAt string    `query:"known_at" doc:"What was known then: a position, or a time (RFC 3339); everything if absent."`
}

// UnprovenQuery asks for unproven grants: their counts as JSON, or each as NDJSON.
type UnprovenQuery struct{ Paging }

const howToComplete = "Send consent.granted again with the same subject, purpose, channels and controller, the time at which consent was given, " +
	"a new id, and what was missing. A grant that lacks its notice alone is completed by publishing that notice (POST /v1/notices)."

func consentRoutes() []Route {
	return []Route{
		{http.MethodGet, "/v1/subjects/{id}/consents/state", "subjects.consents", "Where each consent stands, as of any instant",
			Limits{Timeout: 30 * time.Second, Rate: RateRead}, false, getConsentState(), nil},
		{http.MethodGet, "/v1/consents/unproven", "subjects.consents", "Grants that allow nothing for want of a proof, by source and by what they lack",
			Limits{Timeout: time.Minute, Rate: RateSearch}, false, getUnproven(), nil},
	}
}

func getConsentState() endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *StateQuery) (access.Reading, error) {
		below, err := a.knownBelow(ctx, in.KnownAt)
		if err != nil {
			return access.Reading{}, err
		}
		return a.aboutPerson(ctx, c, "consents", in.ID, below)
	}, func(ctx context.Context, a *API, _ *Call, receipt access.Receipt, in *StateQuery) (*ConsentStates, error) {
		below, err := a.knownBelow(ctx, in.KnownAt)
		if err != nil {
			return nil, err
		}
		if in.AsOf.IsZero() {
			in.AsOf = a.cfg.Now()
		}
		items, err := a.services.Consents.State(ctx, receipt, in.ID, in.AsOf, below)
		if err != nil {
			return nil, err
		}
		if items == nil {
			items = []ConsentState{}
		}
		return &ConsentStates{in.AsOf.UTC(), items}, nil
	})
}

func getUnproven() endpoint {
	e := decision(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *UnprovenQuery) (answer, error) {
		page, err := in.page(c.wantsLines())
		if err != nil {
			return answer{}, err
		}
		if c.wantsLines() {
			next := func(ctx context.Context, p Page) (Found[UnprovenGrant], error) {
				items, next, err := a.services.Consents.UnprovenGrants(ctx, p)
				return Found[UnprovenGrant]{Items: items, Next: next}, err
			}
			return answer{stream: func(c *Call) error { return streamPages(a, c, page, next) }, media: mediaNDJSON}, nil
		}
		items, err := a.services.Consents.Unproven(ctx)
		if err != nil {
			return answer{}, err
		}
		out := UnprovenSummary{Items: []UnprovenCount{}, Complete: howToComplete}
		for _, x := range items {
			out.Total, out.Items = out.Total+x.Grants, append(out.Items, x)
		}
		return answer{status: http.StatusOK, body: out}, nil
	})
	e.out, e.item = typeOf[*UnprovenSummary](), typeOf[UnprovenGrant]()
	e.gives = []string{mediaJSON, mediaNDJSON}
	return e
}
