package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/statistics"
	"greffe/eventstore/access"
)

// Statistics releases counts of people that say nothing of one.
type Statistics interface {
	// Concerned tells what a release looks at: classes, and how many persons.
	Concerned(ctx context.Context) (classes []string, persons int64, err error)
	// Release makes one and records it. Errors of statistics are as they are.
	Release(ctx context.Context, r access.Receipt, actor domain.ID, o statistics.Order) (*StatisticsRelease, error)
	// List lists the releases that were made, and what is left of the budget.
	List(ctx context.Context) (*StatisticsReleases, error)
}

// StatisticsInput says what to count.
type StatisticsInput struct {
	By           []statistics.Dimension `json:"by" doc:"1 to 4 of age, department, collected, kind, consent, opposed."`
	Sensitive    statistics.Dimension   `json:"sensitive,omitempty" doc:"kind, consent or opposed: told for each cell, and held to l-diversity. Not with noise."`
	K            int                    `json:"k,omitzero" doc:"People to a cell at least, 5 to 1000; 11 if absent."`
	L            int                    `json:"l,omitzero" doc:"Values of the sensitive dimension to a cell at least, 2 to 5; 2 if absent. None may have more than 90 %."`
	EpsilonMilli int                    `json:"epsilon_milli,omitzero" doc:"Noise of this ε, in thousandths (1 to 1000), taken from the budget of 1000 for 12 months. Absent: an exact table."`
}

// Bilingual is a text in both languages.
type Bilingual struct {
	FR string `json:"fr"`
	EN string `json:"en"`
}

// StatisticsTest answers one of the three tests of WP216.
type StatisticsTest struct {
	Test   statistics.TestName `json:"test" doc:"individualisation, correlation or inference."`
	Passed bool                `json:"passed"`
	Why    statistics.Reason   `json:"why"`
	FR     string              `json:"fr"`
	EN     string              `json:"en"`
}

// StatisticsRelease is a table with its note.
type StatisticsRelease struct {
	ID              domain.ID              `json:"id"`
	Position        domain.Position        `json:"position"`
	ReleasedAt      time.Time              `json:"released_at"`
	Below           domain.Position        `json:"below" doc:"It counts what was recorded below this position."`
	By              []statistics.Dimension `json:"by"`
	Levels          []int                  `json:"levels" doc:"How coarse each dimension was made; 0 is its finest grain."`
	Sensitive       statistics.Dimension   `json:"sensitive,omitempty"`
	K               int                    `json:"k"`
	L               int                    `json:"l,omitzero"`
	EpsilonMilli    int                    `json:"epsilon_milli,omitzero"`
	BudgetLeftMilli int                    `json:"budget_left_milli"`
	Cells           []statistics.Cell      `json:"cells"`
	CellsLeftOut    int                    `json:"cells_left_out" doc:"Too small or too uniform. How many people they stand for is not told."`
	CellsSHA256     string                 `json:"cells_sha256" doc:"Of the cells as canonical JSON; it is recorded."`
	Tests           []StatisticsTest       `json:"tests"`
	Anonymous       bool                   `json:"anonymous" doc:"Every test is passed."`
	Verdict         Bilingual              `json:"verdict"`
}

// StatisticsRecord is what was recorded of a release.
type StatisticsRecord struct {
	ID           domain.ID              `json:"id"`
	Position     domain.Position        `json:"position"`
	ReleasedAt   time.Time              `json:"released_at"`
	Actor        *domain.ID             `json:"actor,omitempty"`
	By           []statistics.Dimension `json:"by"`
	Sensitive    statistics.Dimension   `json:"sensitive,omitempty"`
	K            int                    `json:"k"`
	L            int                    `json:"l,omitzero"`
	EpsilonMilli int                    `json:"epsilon_milli,omitzero"`
	Cells        int64                  `json:"cells"`
	CellsSHA256  string                 `json:"cells_sha256"`
	Anonymous    bool                   `json:"anonymous"`
	NotPassed    []string               `json:"not_passed,omitempty"`
}

// StatisticsReleases are all releases.
type StatisticsReleases struct {
	Items           []StatisticsRecord `json:"items"`
	BudgetMilli     int                `json:"budget_milli" doc:"The ε that 12 months may spend, in thousandths."`
	BudgetLeftMilli int                `json:"budget_left_milli"`
}

func statisticsRoutes() []Route {
	const path = "/v1/statistics"
	return []Route{
		{http.MethodGet, path, "retention.read", "Statistics that were released, and what is left of their budget", Limits{Timeout: time.Minute, Rate: RateSearch}, false, listStatistics(), nil},
		{http.MethodPost, path, "retention.run", "Release counts of people that say nothing of one", Limits{Body: 4 << 10, Timeout: 15 * time.Minute, Rate: RateChange}, false, postStatistics(),
			writing(problem.BudgetSpent)},
	}
}

func listStatistics() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*StatisticsReleases, error) {
		return a.services.Statistics.List(ctx)
	})
}

// statisticsBody is a request's.
type statisticsBody struct{ Body StatisticsInput }

// order is the checked order of an input; an error names the parameter.
func (in *StatisticsInput) order() (statistics.Order, error) {
	o := statistics.Order{By: in.By, Sensitive: in.Sensitive, K: in.K, L: in.L, Milli: in.EpsilonMilli}
	if err := o.Check(); err != nil {
		return o, statisticsError(err)
	}
	return o, nil
}

// statisticsError gives the errors of statistics those of the API.
func statisticsError(err error) error {
	switch {
	case errors.Is(err, statistics.ErrAsked):
		_, parameter, _ := strings.Cut(err.Error(), ": ")
		if parameter == "epsilon" {
			parameter = "epsilon_milli"
		}
		name, _, _ := strings.Cut(parameter, " ")
		return problem.At(problem.FieldInvalid, name)
	case errors.Is(err, statistics.ErrBudget):
		return problem.Because(problem.BudgetSpent, err)
	}
	return err
}

// postStatistics reads birth dates and postal codes of everybody: that is an access,
// although none of them leaves.
func postStatistics() endpoint {
	e := opening(func(ctx context.Context, a *API, _ *Call, in *statisticsBody) (access.Reading, error) {
		if _, err := in.Body.order(); err != nil {
			return access.Reading{}, err
		}
		classes, persons, err := a.services.Statistics.Concerned(ctx)
		return access.Reading{Action: "statistics", Categories: classes, Count: persons}, err
	}, func(ctx context.Context, a *API, c *Call, r access.Receipt, in *statisticsBody) (*StatisticsRelease, error) {
		o, err := in.Body.order()
		if err != nil {
			return nil, err
		}
		out, err := a.services.Statistics.Release(ctx, r, c.principal.Account, o)
		return out, statisticsError(err)
	})
	return e
}
