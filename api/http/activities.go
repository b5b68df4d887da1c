package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"greffe/api/problem"
	files "greffe/api/register"
	"greffe/domain"
	"greffe/domain/register"
	"greffe/eventstore/access"
)

// Activities keeps the registers of processing activities (art. 30). Whatever opens
// words asks for the receipt of the access. Each change is made on a revision;
// ErrConflict: there is another meanwhile, or the activity has ended. A
// *register.FieldError names what an entry lacks.
type Activities interface {
	// Record adds an entry, or a new state of the one with the id.
	Record(ctx context.Context, at ActivityChange, e register.Entry) (*ActivityWritten, error)
	End(ctx context.Context, at ActivityChange, reason string) (*ActivityWritten, error)
	List(ctx context.Context, r access.Receipt, f ActivityFilter, page Page) (items []ActivityItem, next string, err error)
	// Get is one with all its states, or ErrNotFound.
	Get(ctx context.Context, r access.Receipt, id domain.ID) (*ActivityItem, []ActivityState, error)
	// Organisation is the header of a controller's registers, or ErrNotFound.
	Organisation(ctx context.Context, r access.Receipt, controller string) (*OrganisationItem, error)
	SetOrganisation(ctx context.Context, at ActivityChange, o register.Organisation) (*ActivityWritten, error)
	Book(ctx context.Context, r access.Receipt, controller string) (*files.Book, error)
	// Import records rows of a file: all, or none if one of them cannot be.
	Import(ctx context.Context, r access.Receipt, at ActivityChange, rows []files.Row, dry bool) (*ImportedActivities, error)
	Templates(ctx context.Context) ([]register.Template, error)
	Adopt(ctx context.Context, at ActivityChange, templates []string) ([]AdoptedTemplate, error)
	Findings(ctx context.Context, r access.Receipt) (*ActivityFindings, error)
}

// ActivityChange says who changes what. Controller "" is the policy's default.
type ActivityChange struct {
	Actor      domain.ID
	ID         domain.ID
	Revision   int64
	Controller string
}

// ActivityFilter chooses entries; zero values choose all.
type ActivityFilter struct {
	Role, Purpose, State, Controller string
}

// ActivityWritten answers a change.
type ActivityWritten struct {
	ID       domain.ID       `json:"id"`
	Revision int64           `json:"revision" doc:"Give it with the next change."`
	Position domain.Position `json:"position"`
	Due      time.Time       `json:"due,omitzero"`
}

// ActivityItem is one entry of a register.
type ActivityItem struct {
	ID         domain.ID       `json:"id"`
	Controller string          `json:"controller"`
	Role       string          `json:"role"`
	State      string          `json:"state" enum:"open,ended"`
	Revision   int64           `json:"revision"`
	Created    time.Time       `json:"created"`
	Updated    time.Time       `json:"updated"`
	Review     time.Time       `json:"review_due,omitzero" doc:"Record it anew by then, changed or not."`
	Ended      time.Time       `json:"ended,omitzero"`
	Template   string          `json:"template,omitempty"`
	Entry      *register.Entry `json:"entry,omitempty" doc:"Absent once destroyed at its term."`
}

// ActivityState is what one step of an entry's file changed.
type ActivityState struct {
	Time    time.Time       `json:"time"`
	Account *domain.ID      `json:"account,omitempty" doc:"Absent: the operator of the machine."`
	What    string          `json:"what" enum:"recorded,changed,ended"`
	Changed []string        `json:"changed,omitempty" doc:"Names of columns."`
	Reason  string          `json:"reason,omitempty"`
	Entry   *register.Entry `json:"entry,omitempty"`
}

// OrganisationItem is the header of a controller's registers.
type OrganisationItem struct {
	Controller   string                 `json:"controller"`
	Revision     int64                  `json:"revision"`
	Updated      time.Time              `json:"updated"`
	Organisation *register.Organisation `json:"organisation,omitempty"`
}

// AdoptedTemplate says what became of a template.
type AdoptedTemplate struct {
	Template string    `json:"template"`
	ID       domain.ID `json:"id"`
	Status   string    `json:"status" enum:"recorded,known"`
}

// ActivityQuery names an entry.
type ActivityQuery struct {
	ID domain.ID `path:"id" doc:"The activity."`
}

// ActivitiesQuery asks for a page of entries.
type ActivitiesQuery struct {
	Role       string `query:"role" doc:"controller or processor; both if absent."`
	Purpose    string `query:"purpose" doc:"Of the policy."`
	State      string `query:"state" doc:"open or ended; both if absent."`
	Controller string `query:"controller" doc:"Of the policy; all if absent."`
	Paging
}

// ControllerQuery names a controller.
type ControllerQuery struct {
	Controller string `query:"controller" doc:"Of the policy; its default if absent."`
}

type activityBody struct {
	Body struct {
		Controller string         `json:"controller,omitempty" doc:"Of the policy; its default if absent."`
		Entry      register.Entry `json:"entry"`
	}
}

type activityStateBody struct {
	ID   domain.ID `path:"id" doc:"The activity."`
	Body struct {
		Revision int64          `json:"revision" doc:"That it was decided on."`
		Entry    register.Entry `json:"entry"`
	}
}

type activityEndBody struct {
	ID   domain.ID `path:"id" doc:"The activity."`
	Body struct {
		Revision int64  `json:"revision" doc:"That it was decided on."`
		Reason   string `json:"reason" doc:"Why, in words; sealed. At most 2,000 bytes."`
	}
}

type organisationBody struct {
	Body struct {
		Controller   string                `json:"controller,omitempty" doc:"Of the policy; its default if absent."`
		Revision     int64                 `json:"revision,omitempty" doc:"That it was decided on; of none before: absent."`
		Organisation register.Organisation `json:"organisation"`
	}
}

type adoptBody struct {
	Body struct {
		Controller string   `json:"controller,omitempty" doc:"Of the policy; its default if absent."`
		Templates  []string `json:"templates,omitempty" doc:"Names; absent: the three that the ledger ships for itself."`
	}
}

func activityRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	look := Limits{Timeout: 2 * time.Minute, Rate: RateSearch}
	change := Limits{Body: 256 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	take := Limits{Body: 16 << 20, Timeout: 2 * time.Minute, Rate: RateChange}
	const reads, writes = "activities.read", "activities.write"
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/v1/activities", reads, "The registers of processing activities (art. 30)", read, false, listActivities().of(Nobodys), nil},
		{post, "/v1/activities", writes, "Record an activity, as controller or as processor", change, true, postActivity(), writing(problem.NotYet, problem.NotFound)},
		{get, "/v1/activities/{id}", reads, "One activity", read, false, getActivity(), nil},
		{post, "/v1/activities/{id}", writes, "Record a new state of an activity, or confirm it", change, true, postActivityState(), writing(problem.NotYet)},
		{post, "/v1/activities/{id}/end", writes, "Record that an activity has ended", change, true, endActivity(), writing(problem.NotYet)},
		{get, "/v1/activities/{id}/history", reads, "Every state of an activity, and what changed", read, false, getActivityHistory().of(Nobodys), nil},
		{get, "/v1/activities/organisation", reads, "The header of the registers: organisation, representative, DPO", read, false, getOrganisation(), nil},
		{post, "/v1/activities/organisation", writes, "Record the header of the registers", change, true, postOrganisation(), writing(problem.NotYet, problem.NotFound)},
		{get, "/v1/activities/export", reads, "The registers as XLSX in the columns of the CNIL's model, CSV or JSON", look, false, exportActivities().of(Nobodys), nil},
		{post, "/v1/activities/import", writes, "Take in registers of the same form, all rows or none", take, false, importActivities(), writing(problem.NotYet)},
		{get, "/v1/activities/templates", reads, "Entries to begin with: the ledger's own, and one for each purpose of the policy", read, false, listTemplates(), nil},
		{post, "/v1/activities/adopt", writes, "Record entries from templates", change, true, adoptTemplates(), writing(problem.NotYet, problem.NotFound)},
		{get, "/v1/activities/findings", reads, "Where the registers differ from the policy and from what is done", look, false, getFindings(), nil},
	}
}

// entryProblem names the field that an entry's own check names.
func entryProblem(err error) error {
	var field *register.FieldError
	switch {
	case !errors.As(err, &field):
		return err
	case field.Missing:
		return problem.At(problem.FieldRequired, "entry."+field.Field)
	}
	return problem.At(problem.FieldInvalid, "entry."+field.Field)
}

func readsRegister[In any](context.Context, *API, *Call, *In) (access.Reading, error) {
	return access.Reading{Action: "read", Categories: []string{"requests"}}, nil
}

func listActivities() endpoint {
	return opening(readsRegister[ActivitiesQuery], func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ActivitiesQuery) (*List[ActivityItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		switch in.State {
		case "", "open", "ended":
		default:
			return nil, problem.At(problem.ParameterInvalid, "state")
		}
		switch register.Role(in.Role) {
		case "", register.Controller, register.Processor:
		default:
			return nil, problem.At(problem.ParameterInvalid, "role")
		}
		items, next, err := a.services.Activities.List(ctx, r, ActivityFilter{in.Role, in.Purpose, in.State, in.Controller}, page)
		if items == nil {
			items = []ActivityItem{}
		}
		return &List[ActivityItem]{items, next}, err
	})
}

func postActivity() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *activityBody) (*ActivityWritten, error) {
		w, err := a.services.Activities.Record(ctx, ActivityChange{Actor: c.principal.Account, Controller: in.Body.Controller}, in.Body.Entry)
		return w, entryProblem(err)
	})
}

func postActivityState() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *activityStateBody) (*ActivityWritten, error) {
		w, err := a.services.Activities.Record(ctx, ActivityChange{Actor: c.principal.Account, ID: in.ID, Revision: in.Body.Revision}, in.Body.Entry)
		return w, entryProblem(err)
	})
}

func endActivity() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *activityEndBody) (*ActivityWritten, error) {
		switch {
		case in.Body.Reason == "":
			return nil, problem.At(problem.FieldRequired, "reason")
		case len(in.Body.Reason) > maxDetail:
			return nil, problem.At(problem.FieldInvalid, "reason")
		}
		return a.services.Activities.End(ctx, ActivityChange{Actor: c.principal.Account, ID: in.ID, Revision: in.Body.Revision}, in.Body.Reason)
	})
}

func getActivity() endpoint {
	return opening(readsRegister[ActivityQuery], func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ActivityQuery) (*ActivityItem, error) {
		item, _, err := a.services.Activities.Get(ctx, r, in.ID)
		return item, err
	})
}

func getActivityHistory() endpoint {
	return opening(readsRegister[ActivityQuery], func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ActivityQuery) (*List[ActivityState], error) {
		_, states, err := a.services.Activities.Get(ctx, r, in.ID)
		return &List[ActivityState]{Items: states}, err
	})
}

func getOrganisation() endpoint {
	return opening(readsRegister[ControllerQuery], func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ControllerQuery) (*OrganisationItem, error) {
		return a.services.Activities.Organisation(ctx, r, in.Controller)
	})
}

func postOrganisation() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *organisationBody) (*ActivityWritten, error) {
		b := &in.Body
		w, err := a.services.Activities.SetOrganisation(ctx, ActivityChange{Actor: c.principal.Account, Controller: b.Controller, Revision: b.Revision}, b.Organisation)
		return w, entryProblem(err)
	})
}
