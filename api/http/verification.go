package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
)

// Verifications recompute what the ledger holds while it serves.
type Verifications interface {
	// Start begins one at a position, 0 for all of it; ErrConflict while one runs,
	// ErrNotFound beyond the end of the log.
	Start(ctx context.Context, actor domain.ID, since domain.Position) error
	// State says what runs and what the last one found.
	State(ctx context.Context) (*VerificationState, error)
}

// VerificationState is what is known of verifications.
type VerificationState struct {
	Running  bool          `json:"running"`
	Done     int64         `json:"done,omitzero" doc:"Of the one that runs: how far it is."`
	Total    int64         `json:"total,omitzero"`
	Last     *Verification `json:"last,omitempty" doc:"The last that ended."`
	LastFull *time.Time    `json:"last_full,omitempty" doc:"When everything was last recomputed."`
}

// Verification is what one found.
type Verification struct {
	Started  time.Time             `json:"started"`
	Ended    time.Time             `json:"ended"`
	Since    domain.Position       `json:"since" doc:"What was recorded before was not looked at again, but for its place in the tree."`
	Head     domain.Position       `json:"head"`
	Root     string                `json:"root" doc:"RFC 9162 tree head over all facts, in hexadecimal."`
	Facts    int64                 `json:"facts"`
	Parts    int64                 `json:"parts"`
	Verdict  string                `json:"verdict" enum:"intact,findings,failed"`
	Findings int64                 `json:"findings"`
	Items    []VerificationFinding `json:"items,omitempty" doc:"The first hundred."`
	Error    string                `json:"error,omitempty" doc:"Why it could not look at everything."`
}

// VerificationFinding is one thing that is not as it must be.
type VerificationFinding struct {
	Code     string          `json:"code"`
	Position domain.Position `json:"position"`
	Where    string          `json:"where,omitempty"`
	Detail   string          `json:"detail"`
}

// VerificationInput starts one.
type VerificationInput struct {
	Since domain.Position `json:"since" doc:"Where to begin; 0 for everything."`
}

type verificationBody struct{ Body VerificationInput }

func verificationRoutes() []Route {
	return []Route{
		{http.MethodGet, "/v1/verification", "verify.run", "What the last verification found, and whether one runs",
			Limits{Timeout: 30 * time.Second, Rate: RateRead}, false, getVerification(), nil},
		{http.MethodPost, "/v1/verification", "verify.run", "Recompute log, vault, tree and heads now",
			Limits{Body: 4 << 10, Timeout: 30 * time.Second, Rate: RateChange}, false, postVerification(), []problem.Code{problem.Conflict}},
	}
}

type nothingAsked struct{}

func getVerification() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *nothingAsked) (*VerificationState, error) {
		return a.services.Verifications.State(ctx)
	})
}

func postVerification() endpoint {
	return plain(http.StatusAccepted, func(ctx context.Context, a *API, c *Call, in *verificationBody) (*VerificationState, error) {
		if err := a.services.Verifications.Start(ctx, c.principal.Account, in.Body.Since); err != nil {
			return nil, err
		}
		return a.services.Verifications.State(ctx)
	})
}
