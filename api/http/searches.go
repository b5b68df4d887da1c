package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
)

// searchRoutes are the searches that an account keeps for itself.
func searchRoutes() []Route {
	own := Limits{Body: 16 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	return []Route{
		{http.MethodGet, "/v1/me/searches", policy.PermissionOwn, "The own saved searches of the history and of the reads", read, false, ownSearches(), nil},
		{http.MethodPost, "/v1/me/searches", policy.PermissionOwn, "Save a search under a name", own, true, postOwnSearch(), writing(problem.SearchesFull)},
		{http.MethodPatch, "/v1/me/searches/{id}", policy.PermissionOwn, "Give one of the own saved searches another name", own, false, patchOwnSearch(), writing()},
		{http.MethodDelete, "/v1/me/searches/{id}", policy.PermissionOwn, "Delete one of the own saved searches", own, false, deleteOwnSearch(), writing()},
	}
}

// SearchAsked is a search of the history or of the reads, as a page asks it. A period
// stays relative: it ends on the day on which the search is opened, of Paris. Whom it is
// about is their id here, never what they were found by.
type SearchAsked struct {
	List    string    `json:"list" enum:"audit,reads" doc:"audit: the history of events; reads: the accesses."`
	Period  string    `json:"period,omitempty" enum:"today,7d,30d,365d,all" doc:"Relative to the day on which it is opened; absent with from or to."`
	From    string    `json:"from,omitempty" doc:"A day, 2026-03-31, the first looked at; only without period."`
	To      string    `json:"to,omitempty" doc:"A day, the last looked at; only without period."`
	KnownAt time.Time `json:"known_at,omitzero" doc:"As was known then (RFC 3339); as is known when it is opened if absent."`
	Sort    string    `json:"sort,omitempty" enum:"newest,oldest" doc:"The order; the newest first if absent."`
	Type    string    `json:"type,omitempty" doc:"Of the history: type of the event."`
	Purpose string    `json:"purpose,omitempty" doc:"Of the history: purpose of the policy."`
	Source  domain.ID `json:"source,omitzero" doc:"Of the history: the producer, by the ledger's id."`
	Account domain.ID `json:"account,omitzero" doc:"The account that acted or read."`
	Subject domain.ID `json:"subject_id,omitzero" doc:"The person, by the ledger's id."`
	Reason  string    `json:"reason,omitempty" doc:"Of the reads: code of the reason given."`
	Action  string    `json:"action,omitempty" doc:"Of the reads: read, reveal, search, export …"`

	MinCount    int64 `json:"min_count,omitzero" doc:"Of the reads: about so many people or more."`
	WithoutCase bool  `json:"without_case,omitzero" doc:"Of the reads: those for which no ticket was given."`
}

// maxMinCount keeps a count within what a fact may hold.
const maxMinCount = 1 << 40

// check names the first member that makes no sense.
func (s *SearchAsked) check() error {
	bad := func(field string) error { return problem.At(problem.FieldInvalid, "search."+field) }
	switch {
	case s.List != "audit" && s.List != "reads":
		return bad("list")
	case s.Period != "" && (!slices.Contains([]string{"today", "7d", "30d", "365d", "all"}, s.Period) || s.From != "" || s.To != ""):
		return bad("period")
	case s.Sort != "" && s.Sort != "newest" && s.Sort != "oldest":
		return bad("sort")
	case s.MinCount < 0 || s.MinCount > maxMinCount:
		return bad("min_count")
	case s.List == "audit" && (s.Reason != "" || s.Action != "" || s.MinCount != 0 || s.WithoutCase),
		s.List == "reads" && (s.Type != "" || s.Purpose != "" || !s.Source.IsZero()):
		return bad("list")
	}
	for _, day := range [...]struct{ name, text string }{{"from", s.From}, {"to", s.To}} {
		if _, err := time.Parse(time.DateOnly, day.text); day.text != "" && err != nil {
			return bad(day.name)
		}
	}
	for _, code := range [...]struct{ name, text string }{{"type", s.Type}, {"purpose", s.Purpose}, {"reason", s.Reason}, {"action", s.Action}} {
		if !isCode(code.text) {
			return bad(code.name)
		}
	}
	return nil
}

// isCode reports a text that can be a code: no address and no sentence is one.
func isCode(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-'
	})
}

// OwnSearch is one of the caller's saved searches.
type OwnSearch struct {
	ID     domain.ID   `json:"id"`
	Name   string      `json:"name"`
	Saved  time.Time   `json:"saved_at"`
	Search SearchAsked `json:"search"`
}

func ownSearches() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*List[OwnSearch], error) {
		all, err := a.services.People.Searches(ctx, c.principal.Account)
		if err != nil {
			return nil, err
		}
		out := &List[OwnSearch]{Items: []OwnSearch{}}
		for _, s := range all {
			x := OwnSearch{ID: s.ID, Name: s.Name, Saved: s.Saved}
			if err := json.Unmarshal(s.Asks, &x.Search); err != nil {
				return nil, err
			}
			out.Items = append(out.Items, x)
		}
		return out, nil
	})
}

// SavedSearchInput is a search to save.
type SavedSearchInput struct {
	Body struct {
		Name   string      `json:"name" doc:"What its holder calls it; at most 100 bytes. It is sealed."`
		Search SearchAsked `json:"search"`
	}
}

// SearchSaved names what was saved.
type SearchSaved struct {
	ID domain.ID `json:"id"`
}

func postOwnSearch() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *SavedSearchInput) (*SearchSaved, error) {
		if err := in.Body.Search.check(); err != nil {
			return nil, err
		}
		asks, err := json.Marshal(&in.Body.Search, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		id, err := a.services.People.SaveSearch(ctx, c.principal.Account, in.Body.Name, asks)
		if err != nil {
			return nil, err
		}
		return &SearchSaved{id}, nil
	})
}

// SavedSearchNameInput is another name for a search.
type SavedSearchNameInput struct {
	ID   domain.ID `path:"id" doc:"The saved search, by its id."`
	Body struct {
		Name string `json:"name" doc:"What its holder calls it; at most 100 bytes. It is sealed."`
	}
}

func patchOwnSearch() endpoint {
	return silent(func(ctx context.Context, a *API, c *Call, in *SavedSearchNameInput) error {
		return a.services.People.RenameSearch(ctx, c.principal.Account, in.ID, in.Body.Name)
	})
}

// SavedSearchPath names a saved search.
type SavedSearchPath struct {
	ID domain.ID `path:"id" doc:"The saved search, by its id."`
}

func deleteOwnSearch() endpoint {
	return silent(func(ctx context.Context, a *API, c *Call, in *SavedSearchPath) error {
		return a.services.People.RemoveSearch(ctx, c.principal.Account, in.ID)
	})
}
