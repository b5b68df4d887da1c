package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/statistics"
	"greffe/eventstore/access"
)

// testStatistics has little budget left.
type testStatistics struct{ data *testData }

func (testStatistics) Concerned(context.Context) ([]string, int64, error) {
	return []string{"identity"}, 40, nil
}

func (t testStatistics) Release(_ context.Context, r access.Receipt, _ domain.ID, o statistics.Order) (*StatisticsRelease, error) {
	if err := t.data.check(r); err != nil {
		return nil, err
	}
	if r.Event().IsZero() {
		panic("released without an access")
	}
	if _, err := statistics.Spend(900, o.Milli); err != nil {
		return nil, err
	}
	return &StatisticsRelease{By: o.By, K: o.K, Cells: []statistics.Cell{{Values: []string{"80+"}, People: 40}}}, nil
}

func (testStatistics) List(context.Context) (*StatisticsReleases, error) {
	return &StatisticsReleases{Items: []StatisticsRecord{}, BudgetMilli: statistics.Budget, BudgetLeftMilli: 100}, nil
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, x := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"by":["age"]}`, 200, `"k":11,`},
		{`{"by":["age"],"k":20}`, 200, `"k":20,`},
		{`{"by":["age"],"epsilon_milli":100}`, 200, `"people":40`},
		{`{"by":["age"],"epsilon_milli":101}`, 409, "budget_spent"},
		{`{"by":[]}`, 400, `"field":"by"`},
		{`{"by":["name"]}`, 400, `"field":"by"`},
		{`{"by":["age"],"k":2}`, 400, `"field":"k"`},
		{`{"by":["age"],"l":9}`, 400, `"field":"l"`},
		{`{"by":["age"],"sensitive":"age"}`, 400, `"field":"by"`},
		{`{"by":["age"],"epsilon_milli":5000}`, 400, `"field":"epsilon_milli"`},
	} {
		got := w.call(http.MethodPost, "/v1/statistics", x.body, "X-Greffe-Reason", "audit", "Content-Type", "application/json")
		if got.status != x.status || !strings.Contains(got.body, x.want) {
			t.Errorf("%s: %d %s, want %d %s", x.body, got.status, got.body, x.status, x.want)
		}
	}
	if got := w.call(http.MethodPost, "/v1/statistics", `{"by":["age"]}`, "Content-Type", "application/json"); got.code(t) != "reason_missing" {
		t.Errorf("without a reason: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, "/v1/statistics", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"budget_left_milli":100`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
