package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/policy"
)

// Policies is the life of the policy: each version, what differs, what is to come.
type Policies interface {
	// Versions lists every publication, and what waits for its date.
	Versions(ctx context.Context) (PolicyVersions, error)
	// Text is a version as it was published, or ErrNotFound.
	Text(ctx context.Context, version int64) ([]byte, error)
	// Diff tells what differs between two versions, 0 being the one in force; or
	// ErrNotFound.
	Diff(ctx context.Context, from, to int64) ([]policy.Difference, error)
	// Schedule records a text that is published at an instant to come.
	Schedule(ctx context.Context, actor domain.ID, source []byte, at time.Time) (ScheduledPolicy, error)
	// Unschedule gives up one that waits for its date, or ErrNotFound.
	Unschedule(ctx context.Context, actor, id domain.ID) error
}

// PolicyVersions are all publications.
type PolicyVersions struct {
	Items     []PolicyVersion   `json:"items"`
	Scheduled []ScheduledPolicy `json:"scheduled,omitempty"`
}

// PolicyVersion is one publication. It is in force until the next.
type PolicyVersion struct {
	Version     int64           `json:"version"`
	Position    domain.Position `json:"position"`
	InForceFrom time.Time       `json:"in_force_from"`
	Actor       *domain.ID      `json:"actor,omitempty"`
	SHA256      string          `json:"sha256" doc:"Of the text, hexadecimal."`
	Scheduled   *domain.ID      `json:"scheduled,omitempty" doc:"The order that it followed, if it was published at a date."`
}

// ScheduledPolicy waits for its date.
type ScheduledPolicy struct {
	ID          domain.ID       `json:"id"`
	Position    domain.Position `json:"position"`
	EffectiveAt time.Time       `json:"effective_at"`
}

// PolicyDiff is what differs.
type PolicyDiff struct {
	From    int64               `json:"from" doc:"0 is the version in force."`
	To      int64               `json:"to,omitzero" doc:"Absent for a text that was sent."`
	Changes []policy.Difference `json:"changes"`
	// Approval is of a text that was sent.
	Approval approval.Act `json:"approval,omitempty" enum:"mass_erasure,bulk_export,hold_release,grant" doc:"The act of which the text loosens the agreement of two persons: publishing it takes another's."`
}

func policyRoutes() []Route {
	get, post := http.MethodGet, http.MethodPost
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	change := Limits{Timeout: 30 * time.Second, Rate: RateChange}
	text := Limits{Body: maxPolicy, Timeout: 30 * time.Second, Rate: RateChange}
	return []Route{
		{get, "/v1/policy/versions", "policy.read", "Every version of the policy, and what waits for its date", read, false, listPolicyVersions(), nil},
		{get, "/v1/policy/versions/{version}", "policy.read", "A version of the policy, as it was published", read, false, getPolicyVersion(), []problem.Code{problem.NotFound}},
		{get, "/v1/policy/diff", "policy.read", "What differs between two versions of the policy", read, false, getPolicyDiff(), []problem.Code{problem.NotFound}},
		{post, "/v1/policy/diff", "policy.read", "What a text would change in the policy in force", text, false, postPolicyDiff(), []problem.Code{problem.PolicyInvalid}},
		{http.MethodDelete, "/v1/policy/scheduled/{id}", "policy.publish", "Give up a policy that waits for its date", change, false, deleteScheduledPolicy(), writing(problem.NotFound)},
	}
}

func listPolicyVersions() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*PolicyVersions, error) {
		out, err := a.services.Policies.Versions(ctx)
		return &out, err
	})
}

// VersionPath names a version.
type VersionPath struct {
	Version int `path:"version" doc:"From 1."`
}

func getPolicyVersion() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *VersionPath) (answer, error) {
		if in.Version < 1 {
			return answer{}, problem.At(problem.ParameterInvalid, "version")
		}
		b, err := a.services.Policies.Text(ctx, int64(in.Version))
		if err != nil {
			return answer{}, err
		}
		return answer{bytes: b, media: mediaYAML, header: map[string]string{"X-Greffe-Policy-Version": strconv.Itoa(in.Version)}}, nil
	})
	e.out, e.gives = nil, []string{mediaYAML}
	return e
}

// DiffQuery chooses two versions.
type DiffQuery struct {
	From int `query:"from" doc:"0, or absent: the version before to."`
	To   int `query:"to" doc:"0, or absent: the version in force."`
}

func getPolicyDiff() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *DiffQuery) (*PolicyDiff, error) {
		from, to := int64(in.From), int64(in.To)
		switch {
		case from < 0:
			return nil, problem.At(problem.ParameterInvalid, "from")
		case to < 0:
			return nil, problem.At(problem.ParameterInvalid, "to")
		case to == 0:
			_, to = a.services.Ledger.Policy()
		}
		if from == 0 {
			from = max(1, to-1)
		}
		changes, err := a.services.Policies.Diff(ctx, from, to)
		return &PolicyDiff{From: from, To: to, Changes: some(changes)}, err
	})
}

func postPolicyDiff() endpoint {
	e := plain(http.StatusOK, func(_ context.Context, a *API, c *Call, _ *struct{}) (*PolicyDiff, error) {
		text, _, err := c.readBody(mediaYAML, "text/yaml", "application/x-yaml")
		if err != nil {
			return nil, err
		}
		if _, err := policy.Parse(text); err != nil {
			return nil, err
		}
		_, version := a.services.Ledger.Policy()
		changes, err := policy.Diff(a.services.Ledger.PolicySource(), text)
		out := &PolicyDiff{From: version, Changes: some(changes)}
		out.Approval, _ = loosened(c.rules, text)
		return out, err
	})
	e.takes = []string{mediaYAML, "text/yaml", "application/x-yaml"}
	return e
}

// some is an empty list where there is none.
func some[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// ScheduledPath names a policy that waits for its date.
type ScheduledPath struct {
	ID domain.ID `path:"id" doc:"By the id that scheduling it gave."`
}

func deleteScheduledPolicy() endpoint {
	e := plain(http.StatusNoContent, func(ctx context.Context, a *API, c *Call, in *ScheduledPath) (answer, error) {
		return answer{status: http.StatusNoContent}, a.services.Policies.Unschedule(ctx, c.principal.Account, in.ID)
	})
	e.out, e.gives = nil, nil
	return e
}
