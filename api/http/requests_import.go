package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/rights"
)

// maxImported bounds the lines of one file.
const maxImported = 5000

// ImportedRequest is what became of a line.
type ImportedRequest struct {
	Line     int             `json:"line"`
	Status   string          `json:"status" enum:"recorded,duplicate,invalid"`
	ID       *domain.ID      `json:"id,omitempty"`
	Position domain.Position `json:"position,omitzero"`
	Due      *time.Time      `json:"due,omitempty"`
	Field    string          `json:"field,omitempty" doc:"What is wrong with an invalid line."`
}

// ImportedRequests answers a file.
type ImportedRequests struct {
	Recorded  int               `json:"recorded"`
	Duplicate int               `json:"duplicate"`
	Invalid   int               `json:"invalid"`
	Items     []ImportedRequest `json:"results" doc:"In the order of the lines."`
}

// Add counts a line.
func (r *ImportedRequests) Add(x ImportedRequest) {
	r.Items = append(r.Items, x)
	switch x.Status {
	case "recorded":
		r.Recorded++
	case "duplicate":
		r.Duplicate++
	default:
		r.Invalid++
	}
}

type noInput struct{}

// importRequests takes a file in; one that breaks off can be sent again whole.
func importRequests() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *noInput) (*ImportedRequests, error) {
		src, _, err := c.openBody("text/csv")
		if err != nil {
			return nil, err
		}
		defer src.Close()
		out := &ImportedRequests{Items: []ImportedRequest{}}
		for x, err := range a.services.Requests.Import(ctx, c.principal.Account, src) {
			switch {
			case errors.Is(err, rights.ErrColumns):
				return nil, problem.At(problem.FieldInvalid, "columns")
			case err != nil:
				return nil, err
			case len(out.Items) == maxImported:
				return nil, problem.New(problem.BodyTooLarge)
			}
			out.Add(x)
		}
		return out, nil
	})
	e.takes = []string{"text/csv"}
	return e
}
