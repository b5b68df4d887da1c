package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"greffe/api/problem"
	"greffe/domain"
)

const maxPolicy = 1 << 20 // bytes

// PolicyPublished answers a published policy.
type PolicyPublished struct {
	Version  int64           `json:"version"`
	Position domain.Position `json:"position"`
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
	e := plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*PolicyPublished, error) {
		text, _, err := c.readBody(mediaYAML, "text/yaml", "application/x-yaml")
		if err != nil {
			return nil, err
		}
		_, now := a.services.Ledger.Policy()
		if m := c.r.Header.Get("If-Match"); m != "" && m != `"`+strconv.FormatInt(now, 10)+`"` {
			return nil, problem.At(problem.Precondition, "If-Match")
		}
		version, at, err := a.services.Ledger.PublishPolicy(ctx, c.principal.Account, text)
		if err != nil {
			return nil, err
		}
		return &PolicyPublished{version, at}, nil
	})
	e.takes = []string{mediaYAML, "text/yaml", "application/x-yaml"}
	return e
}
