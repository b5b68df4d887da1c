package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/ledger"
)

const maxPolicy = 1 << 20 // bytes

// PolicyPublished answers a published policy, or one that waits for its date.
type PolicyPublished struct {
	Version     int64           `json:"version,omitzero" doc:"Absent while it waits."`
	Position    domain.Position `json:"position"`
	ID          *domain.ID      `json:"id,omitempty" doc:"Of what waits for its date."`
	EffectiveAt *time.Time      `json:"effective_at,omitempty"`
}

// PolicyQuery says when.
type PolicyQuery struct {
	EffectiveAt time.Time `query:"effective_at" doc:"Publish it then (RFC 3339), a time to come; at once if absent. Facts name the version that was in force when they were recorded."`
}

func getPolicy() endpoint {
	e := plain(http.StatusOK, func(_ context.Context, a *API, _ *Call, _ *struct{}) (answer, error) {
		_, version := a.services.Ledger.Policy()
		v := strconv.FormatInt(version, 10)
		return answer{bytes: a.services.Ledger.PolicySource(), media: mediaYAML,
			header: map[string]string{"X-Greffe-Policy-Version": v, "ETag": `"` + v + `"`}}, nil
	})
	e.out, e.gives = nil, []string{mediaYAML}
	return e
}

// postPolicy publishes a text. If-Match with the version that was read keeps two
// editors from overwriting each other.
func postPolicy() endpoint {
	e := plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *PolicyQuery) (*PolicyPublished, error) {
		text, _, err := c.readBody(mediaYAML, "text/yaml", "application/x-yaml")
		if err != nil {
			return nil, err
		}
		_, now := a.services.Ledger.Policy()
		if m := c.r.Header.Get("If-Match"); m != "" && m != `"`+strconv.FormatInt(now, 10)+`"` {
			return nil, problem.At(problem.Precondition, "If-Match")
		}
		if !in.EffectiveAt.IsZero() {
			if !in.EffectiveAt.After(a.cfg.Now()) {
				return nil, problem.At(problem.ParameterInvalid, "effective_at")
			}
			s, err := a.services.Policies.Schedule(ctx, c.principal.Account, text, in.EffectiveAt)
			return &PolicyPublished{Position: s.Position, ID: &s.ID, EffectiveAt: &s.EffectiveAt}, err
		}
		var version int64
		var at domain.Position
		if c.r.Header.Get("If-Match") == "" {
			version, at, err = a.services.Ledger.PublishPolicy(ctx, c.principal.Account, text)
		} else if version, at, err = a.services.Ledger.PublishPolicyOn(ctx, c.principal.Account, text, now); errors.Is(err, ledger.ErrPublished) {
			err = problem.At(problem.Precondition, "If-Match")
		}
		if err != nil {
			return nil, err
		}
		return &PolicyPublished{Version: version, Position: at}, nil
	})
	e.takes = []string{mediaYAML, "text/yaml", "application/x-yaml"}
	return e
}
