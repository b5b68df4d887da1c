package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/retention"
)

// Retention is the desk of storage limitation (art. 5(1)(e)): which rules there are,
// of whom what is past its term, and the runs that carry it out.
type Retention interface {
	// Rules are those in force, with when the next run is due.
	Rules(ctx context.Context) (*RetentionRules, error)
	// Due lists of whom what will be past its term by then, without touching anything;
	// with a rule, what that rule ends alone, and then a page may hold fewer than its limit.
	Due(ctx context.Context, by time.Time, rule string, page Page) (Found[RetentionPerson], error)
	// Waiting counts persons of whom something is past its term or announced, at most most.
	Waiting(ctx context.Context, most int) (int, error)
	// Preview counts it.
	Preview(ctx context.Context, by time.Time) (*RetentionPreview, error)
	// Calendar counts, for the month of now and those after it, of how many persons
	// something reaches its term, without touching anything.
	Calendar(ctx context.Context, now time.Time, months int) (*RetentionCalendar, error)
	// Start has the day's run carried out beside the requests, once a day, and returns
	// when it is over or ctx ends. ErrConflict: another is under way.
	Start(ctx context.Context, actor domain.ID) (*RetentionRun, error)
	// Runs lists them, the latest first.
	Runs(ctx context.Context, page Page) (items []RetentionRun, next string, err error)
	// Run is one, or ErrNotFound.
	Run(ctx context.Context, id domain.ID) (*RetentionRun, error)
	// Report lists what one did, to whom.
	Report(ctx context.Context, id domain.ID, page Page) (Found[RetentionDeed], error)
}

// RetentionRules are the rules in force.
type RetentionRules struct {
	Policy int64           `json:"policy" doc:"Version."`
	Hour   int             `json:"hour" doc:"Of the day in Paris from which on the day's run begins by itself."`
	Items  []RetentionRule `json:"items"`
	Last   *RetentionRun   `json:"last,omitempty" doc:"The latest run."`
}

// RetentionRule is one rule: data type, purpose and phase lead to a start event, a
// length, an exit, its reference, and the company's justification where it departs.
type RetentionRule struct {
	ID            string   `json:"id" doc:"The code by which facts and reports name it."`
	Class         string   `json:"class"`
	Purpose       string   `json:"purpose"`
	Kinds         []string `json:"kinds,omitempty" doc:"Absent: contacts of every kind."`
	Phase         string   `json:"phase" enum:"active,archive"`
	Condition     string   `json:"condition,omitempty"`
	Start         string   `json:"start" doc:"The event that starts the clock."`
	Length        string   `json:"length" doc:"ISO 8601, such as P3Y."`
	Exit          string   `json:"exit" doc:"archive, ask, generalise or destroy."`
	Wait          string   `json:"wait,omitempty" doc:"Of ask: how long an answer is waited for."`
	Remind        string   `json:"remind,omitempty" doc:"How long ahead the DPO is told."`
	Reference     string   `json:"reference"`
	Justification string   `json:"justification,omitempty"`
}

// RetentionPerson is somebody of whom something is past its term, or is announced.
type RetentionPerson struct {
	SubjectID domain.ID       `json:"subject_id"`
	Merged    []domain.ID     `json:"merged,omitempty" doc:"Contacts that are the same person, judged with it."`
	Due       []RetentionExit `json:"due,omitempty"`
	Ahead     []RetentionExit `json:"ahead,omitempty" doc:"Announced: within the time that the rule reminds ahead."`
}

// RetentionExit is one thing that is past its term, or will be.
type RetentionExit struct {
	Action    string      `json:"action" enum:"archive,ask,generalise,destroy,erase"`
	Classes   []string    `json:"classes"`
	Epochs    []string    `json:"epochs,omitempty" doc:"Of one class: the years or months meant; absent: all."`
	Rules     []string    `json:"rules" doc:"Those that ran out last."`
	Purpose   string      `json:"purpose,omitempty"`
	Since     time.Time   `json:"since,omitzero" doc:"When the clock started."`
	DueAt     time.Time   `json:"due_at"`
	Until     time.Time   `json:"until,omitzero" doc:"Of ask: until when an answer would be waited for."`
	Reference string      `json:"reference,omitempty"`
	Kept      []string    `json:"kept,omitempty" doc:"Of erase: classes that outlive the person."`
	Held      []domain.ID `json:"held,omitempty" doc:"The holds, restrictions and open requests that stop it."`
}

// Counted says when a count over everybody was made. On a large ledger it is kept for an
// hour, or until the next run or policy.
type Counted struct {
	CountedAt time.Time `json:"counted_at,omitzero" doc:"Absent if there is no count yet: the numbers are none."`
	Counting  bool      `json:"counting,omitempty" doc:"Another count is under way; ask again."`
}

// RetentionPreview is what a run would do.
type RetentionPreview struct {
	By      time.Time `json:"by" doc:"What is past its term by then."`
	Persons int64     `json:"persons"`
	Ahead   int64     `json:"ahead" doc:"Persons of whom something is announced, whether or not something is due."`
	Held    int64     `json:"held" doc:"Persons whom a hold, a restriction or an open request would leave untouched."`
	Counted
	Counts []RetentionForeseen `json:"counts"`
}

// RetentionForeseen counts one kind of exit.
type RetentionForeseen struct {
	Action string `json:"action"`
	Class  string `json:"class,omitempty" doc:"Absent for ask and erase, which are about the person."`
	Rule   string `json:"rule,omitempty"`
	Count  int64  `json:"count"`
}

// RetentionRun is one run.
type RetentionRun struct {
	ID       domain.ID         `json:"id"`
	Date     string            `json:"date" doc:"Its day in Paris."`
	AsOf     time.Time         `json:"as_of" doc:"What was past its term by then."`
	State    string            `json:"state" enum:"running,ended" doc:"running: it goes on, or was interrupted and will be taken up."`
	Position domain.Position   `json:"position"`
	Actor    *domain.ID        `json:"actor,omitempty" doc:"Who asked for it; absent: it came by its hour."`
	Begun    time.Time         `json:"begun"`
	Ended    time.Time         `json:"ended,omitzero"`
	Report   *domain.ID        `json:"report,omitempty" doc:"The fact that says what it did; prove it by /v1/proofs/{id}."`
	Counts   *retention.Counts `json:"counts,omitempty" doc:"Of the report."`
	Deeds    []RetentionTally  `json:"deeds,omitempty" doc:"By the facts that name the run, whatever interrupted it."`
}

// RetentionTally counts what a run did, and what of it is not certified yet.
type RetentionTally struct {
	Action  string `json:"action"`
	Count   int64  `json:"count"`
	Pending int64  `json:"pending"`
}

// RetentionDeed is one thing that a run did.
type RetentionDeed struct {
	Position    domain.Position `json:"position"`
	EventID     domain.ID       `json:"event_id"`
	SubjectID   *domain.ID      `json:"subject_id,omitempty" doc:"Absent: the data was no person's."`
	Action      string          `json:"action"`
	Classes     []string        `json:"classes,omitempty"`
	Epochs      []string        `json:"epochs,omitempty"`
	Rules       []string        `json:"rules,omitempty"`
	DueAt       time.Time       `json:"due_at,omitzero"`
	At          time.Time       `json:"at"`
	Certificate *domain.ID      `json:"certificate,omitempty" doc:"The number of the certificate; absent: none is due, or it is not carried out yet."`
}

// RetentionDueQuery asks of whom something is due.
type RetentionDueQuery struct {
	By   string `query:"by" doc:"A day such as 2027-03-01: what the run of that day would carry out; today if absent."`
	Rule string `query:"rule" doc:"What this rule of the policy ends alone; a page may then hold fewer than its limit."`
	Paging
}

// RetentionRunsQuery asks for a page of runs.
type RetentionRunsQuery struct{ Paging }

// RetentionStarted answers who asks for a run.
type RetentionStarted struct {
	Run     *RetentionRun     `json:"run,omitempty"`
	Preview *RetentionPreview `json:"preview,omitempty" doc:"With dry_run."`
}

// RetentionRunQuery names a run.
type RetentionRunQuery struct {
	ID domain.ID `path:"id" doc:"The run."`
}

// RetentionReportQuery asks for a page of what a run did.
type RetentionReportQuery struct {
	ID domain.ID `path:"id" doc:"The run."`
	Paging
}

type retentionRunBody struct {
	Body struct {
		DryRun bool   `json:"dry_run,omitempty" doc:"Count what would be done, and do nothing."`
		Date   string `json:"date,omitempty" doc:"With dry_run: the day whose run is foreseen, such as 2027-03-01. Without: today or absent."`
	}
}

func retentionRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	run := Limits{Body: 4 << 10, Timeout: time.Minute, Rate: RateChange}
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/v1/retention", "retention.read", "Retention rules in force, and the latest run", read, false, getRetention(), nil},
		{get, "/v1/retention/due", "retention.read", "Of whom what is past its term, or will be by a day", list, false, listRetentionDue(), nil},
		{get, "/v1/retention/preview", "retention.read", "How much a day's run would do, counted", list, false, getRetentionPreview(), nil},
		{get, "/v1/retention/calendar", "retention.read", "Of how many persons something reaches its term, month by month", list, false, getRetentionCalendar(), nil},
		{get, "/v1/retention/runs", "retention.read", "Retention runs, the latest first", read, false, listRetentionRuns(), nil},
		{post, "/v1/retention/runs", "retention.run", "Carry out the day's run now, or count what it would do", run, false, postRetentionRun(), writing(problem.ParameterInvalid)},
		{get, "/v1/retention/runs/{id}", "retention.read", "One run: its report in numbers", read, false, getRetentionRun(), nil},
		{get, "/v1/retention/runs/{id}/report", "retention.read", "What one run did, to whom, with certificates", list, false, getRetentionReport().of(Many), nil},
	}
}

func getRetention() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*RetentionRules, error) {
		return a.services.Retention.Rules(ctx)
	})
}

func listRetentionDue() endpoint {
	return finding(access.Reading{Action: "audit", Categories: policy.ClassCodes()},
		func(ctx context.Context, a *API, _ *Call, in *RetentionDueQuery, page Page) (Found[RetentionPerson], error) {
			day, err := a.foreseen(in.By, "by")
			if err != nil {
				return Found[RetentionPerson]{}, err
			}
			return a.services.Retention.Due(ctx, day.AsOf(), in.Rule, page)
		})
}

// foreseen is today, or the day that is named, which is not past.
func (a *API) foreseen(name, field string) (retention.Day, error) {
	today := retention.DayOf(a.cfg.Now())
	if name == "" {
		return today, nil
	}
	day, err := retention.ParseDay(name)
	if err != nil || day.AsOf().Before(today.AsOf()) || day.AsOf().After(today.AsOf().AddDate(100, 0, 0)) {
		return "", problem.At(problem.ParameterInvalid, field)
	}
	return day, nil
}

func listRetentionRuns() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *RetentionRunsQuery) (*List[RetentionRun], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		items, next, err := a.services.Retention.Runs(ctx, page)
		if items == nil {
			items = []RetentionRun{}
		}
		return &List[RetentionRun]{Items: items, Next: next}, err
	})
}

// postRetentionRun answers 200 with a run that is over or with what one would do, 202
// with a run that goes on.
func postRetentionRun() endpoint {
	e := decision(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *retentionRunBody) (answer, error) {
		day, err := a.foreseen(in.Body.Date, "date")
		if err != nil {
			return answer{}, err
		}
		if in.Body.DryRun {
			p, err := a.services.Retention.Preview(ctx, day.AsOf())
			return answer{status: http.StatusOK, body: RetentionStarted{Preview: p}}, err
		}
		if day != retention.DayOf(a.cfg.Now()) {
			return answer{}, problem.At(problem.FieldInvalid, "date")
		}
		wait, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		r, err := a.services.Retention.Start(wait, c.principal.Account)
		if err != nil {
			return answer{}, err
		}
		if r.State == "ended" {
			return answer{status: http.StatusOK, body: RetentionStarted{Run: r}}, nil
		}
		return answer{status: http.StatusAccepted, body: RetentionStarted{Run: r}, header: map[string]string{"Location": "/v1/retention/runs/" + r.ID.String()}}, nil
	})
	e.out = typeOf[RetentionStarted]()
	return e
}

func getRetentionRun() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *RetentionRunQuery) (*RetentionRun, error) {
		return a.services.Retention.Run(ctx, in.ID)
	})
}

func getRetentionReport() endpoint {
	return finding(access.Reading{Action: "audit", Categories: []string{"evidence"}},
		func(ctx context.Context, a *API, _ *Call, in *RetentionReportQuery, page Page) (Found[RetentionDeed], error) {
			return a.services.Retention.Report(ctx, in.ID, page)
		})
}
