package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/minimisation"
	"greffe/eventstore/access"
)

// Minimisation is the audit of what is held already (art. 5(1)(b) to (e)).
type Minimisation interface {
	// Concerned says which classes an audit reads, of how many persons.
	Concerned(ctx context.Context) (classes []string, persons int64, err error)
	// Start begins one beside the requests; ErrConflict while one runs. The receipt is
	// of the access to the comments.
	Start(ctx context.Context, r access.Receipt, actor domain.ID) error
	// State says what runs and what the last one found.
	State(ctx context.Context) (*MinimisationState, error)
	// Findings lists what the last one of this node found; ErrNotFound before the first.
	Findings(ctx context.Context, kind minimisation.Kind, detail string, page Page) (Found[MinimisationFinding], error)
}

// MinimisationState is what is known of audits on this node.
type MinimisationState struct {
	Running bool                      `json:"running"`
	Done    int64                     `json:"done,omitzero" doc:"Of the one that runs: how far it is."`
	Total   int64                     `json:"total,omitzero"`
	Failed  string                    `json:"failed,omitempty" doc:"Why the last one could not look at everything; what the one before found stands."`
	Last    *minimisation.AuditReport `json:"last,omitempty" doc:"What the last found: counts by kind and detail. beyond_term is in unlooked on a node without terms."`
}

// MinimisationFinding is one thing to look at.
type MinimisationFinding struct {
	Kind     minimisation.Kind `json:"kind"`
	Subject  *domain.ID        `json:"subject_id,omitempty" doc:"Absent: it is about the policy."`
	Event    *domain.ID        `json:"event_id,omitempty" doc:"The comment or consent; else the first contact.created. POST /v1/events/{id}/redaction destroys one part of it."`
	Position domain.Position   `json:"position,omitzero"`
	Detail   string            `json:"detail,omitempty" doc:"A code: a purpose, class, field, category, channel, or what is lacking."`
}

// MinimisationQuery asks for a page of findings.
type MinimisationQuery struct {
	Kind   string `query:"kind" doc:"A kind, as the report names it; absent: all."`
	Detail string `query:"detail" doc:"A detail, as the report names it; absent: all."`
	Paging
}

func minimisationRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	run := Limits{Timeout: 30 * time.Second, Rate: RateChange}
	return []Route{
		{http.MethodGet, "/v1/minimisation", "retention.read", "What the last minimisation audit found, and whether one runs", read, false, getMinimisation(), nil},
		{http.MethodPost, "/v1/minimisation", "retention.run", "Audit what is held: information, basis, source, addresses, comments, terms", run, false, postMinimisation(), []problem.Code{problem.Conflict}},
		{http.MethodGet, "/v1/minimisation/findings", "retention.read", "Its findings, by kind", list, false, listMinimisation(), nil},
	}
}

func getMinimisation() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *nothingAsked) (*MinimisationState, error) {
		return a.services.Minimisation.State(ctx)
	})
}

// postMinimisation reads the comments of everybody: that is an access, although no
// word of them leaves.
func postMinimisation() endpoint {
	return opening(func(ctx context.Context, a *API, _ *Call, _ *nothingAsked) (access.Reading, error) {
		classes, persons, err := a.services.Minimisation.Concerned(ctx)
		return access.Reading{Action: "search", Categories: classes, Count: persons}, err
	}, func(ctx context.Context, a *API, c *Call, r access.Receipt, _ *nothingAsked) (*MinimisationState, error) {
		if err := a.services.Minimisation.Start(ctx, r, c.principal.Account); err != nil {
			return nil, err
		}
		return a.services.Minimisation.State(ctx)
	})
}

func listMinimisation() endpoint {
	return finding(access.Reading{Action: "search", Categories: []string{"evidence", "notes"}},
		func(ctx context.Context, a *API, _ *Call, in *MinimisationQuery, page Page) (Found[MinimisationFinding], error) {
			kind := minimisation.Kind(in.Kind)
			if kind != "" && !kind.Known() {
				return Found[MinimisationFinding]{}, problem.At(problem.ParameterInvalid, "kind")
			}
			return a.services.Minimisation.Findings(ctx, kind, in.Detail, page)
		})
}
