package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
)

// testPolicies knows version 1, and one that waits.
type testPolicies struct{ waiting []ScheduledPolicy }

func (t *testPolicies) Versions(context.Context) (PolicyVersions, error) {
	return PolicyVersions{Items: []PolicyVersion{{Version: 1, Position: 4, SHA256: "00"}}, Scheduled: t.waiting}, nil
}

func (t *testPolicies) Text(_ context.Context, version int64) ([]byte, error) {
	if version != 1 {
		return nil, ErrNotFound
	}
	return deploy.Policy(), nil
}

func (t *testPolicies) Diff(_ context.Context, from, to int64) ([]policy.Difference, error) {
	if from > 1 || to > 1 {
		return nil, ErrNotFound
	}
	return nil, nil
}

func (t *testPolicies) Schedule(_ context.Context, _ domain.ID, source []byte, at time.Time) (ScheduledPolicy, error) {
	if _, err := policy.Parse(source); err != nil {
		return ScheduledPolicy{}, err
	}
	s := ScheduledPolicy{ID: person, Position: 9, EffectiveAt: at}
	t.waiting = append(t.waiting, s)
	return s, nil
}

func (t *testPolicies) Unschedule(_ context.Context, _, id domain.ID) error {
	if len(t.waiting) == 0 || id != t.waiting[0].ID {
		return ErrNotFound
	}
	t.waiting = nil
	return nil
}

func TestPolicyLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	yaml := []string{"Content-Type", mediaYAML}
	changed := strings.Replace(string(deploy.Policy()), "free_account_is_sale: false", "free_account_is_sale: true\n  justification: CJEU C-654/23", 1)
	bad := strings.Replace(changed, "purposes:", "purposses:", 1)
	for _, x := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{http.MethodGet, "/v1/policy/versions", "", 200, `{"items":[{"version":1,"position":"4"`},
		{http.MethodGet, "/v1/policy/versions/1", "", 200, "version: 1"},
		{http.MethodGet, "/v1/policy/versions/2", "", 404, "not_found"},
		{http.MethodGet, "/v1/policy/versions/0", "", 400, `"version"`},
		{http.MethodGet, "/v1/policy/diff", "", 200, `{"from":1,"to":1,"changes":[]}`},
		{http.MethodGet, "/v1/policy/diff?from=1&to=7", "", 404, "not_found"},
		{http.MethodPost, "/v1/policy/diff", changed, 200, `{"path":"contactability.free_account_is_sale","old":"false","new":"true"}`},
		{http.MethodPost, "/v1/policy/diff", bad, 422, "policy_invalid"},
		{http.MethodPost, "/v1/policy?effective_at=2020-01-01T00:00:00Z", changed, 400, `"effective_at"`},
		{http.MethodPost, "/v1/policy?effective_at=2999-01-01T00:00:00Z", bad, 422, "policy_invalid"},
		{http.MethodPost, "/v1/policy?effective_at=2999-01-01T00:00:00Z", changed, 201, `"effective_at":"2999-01-01T00:00:00Z"`},
		{http.MethodGet, "/v1/policy/versions", "", 200, `"scheduled":[{"id":"` + person.String()},
		{http.MethodDelete, "/v1/policy/scheduled/" + domain.ID{1, 6: 0x80, 8: 0x80}.String(), "", 404, "not_found"},
		{http.MethodDelete, "/v1/policy/scheduled/" + person.String(), "", 204, ""},
		{http.MethodDelete, "/v1/policy/scheduled/" + person.String(), "", 404, "not_found"},
	} {
		var header []string
		if x.body != "" {
			header = yaml
		}
		got := w.call(x.method, x.path, x.body, header...)
		if got.status != x.status || !strings.Contains(got.body, x.want) {
			t.Errorf("%s %s: %d %.300s, want %d %s", x.method, x.path, got.status, got.body, x.status, x.want)
		}
	}
	if _, version := w.ledger.Policy(); version != 1 {
		t.Errorf("what waits is in force: version %d", version)
	}
}
