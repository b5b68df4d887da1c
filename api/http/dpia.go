package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/dpia"
	"greffe/eventstore/access"
)

// DPIAs keeps who decided on impact assessments (art. 35), and why. Words need the
// receipt of the access. ErrConflict: another revision meanwhile, or the file is closed.
// A *dpia.FieldError names what a step lacks.
type DPIAs interface {
	// Triggers are the signs of use that are found now.
	Triggers(ctx context.Context) ([]dpia.Trigger, error)
	Screen(ctx context.Context, actor domain.ID, s dpia.Screening) (*ScreenedDPIA, error)
	Document(ctx context.Context, at ActivityChange, d dpia.Documenting) (*ActivityWritten, error)
	CloseDPIA(ctx context.Context, at ActivityChange, reason string) (*ActivityWritten, error)
	ListDPIAs(ctx context.Context, r access.Receipt, f DPIAFilter, page Page) (items []DPIAItem, next string, err error)
	// GetDPIA is one, or ErrNotFound.
	GetDPIA(ctx context.Context, r access.Receipt, id domain.ID) (*DPIAItem, error)
}

// DPIAFilter chooses files; zero values choose all.
type DPIAFilter struct {
	Activity domain.ID
	Decision string
	Overdue  bool
}

// DPIAInput decides whether an activity needs an assessment.
type DPIAInput struct {
	Activity  domain.ID         `json:"activity_id"`
	Criteria  []string          `json:"criteria,omitempty" doc:"Of the nine, that are met; see GET /v1/dpia/criteria."`
	Mandatory []string          `json:"mandatory,omitempty" doc:"Types of délib. 2018-327 that it is of: an assessment is always needed."`
	Exempt    []string          `json:"exempt,omitempty" doc:"Types of délib. 2019-118 that it is of."`
	Decision  string            `json:"decision,omitempty" enum:"required,not_required" doc:"Absent: as lists and criteria say."`
	Reasoning string            `json:"reasoning" doc:"Sealed."`
	Departure string            `json:"departure,omitempty" doc:"Why it is decided otherwise than lists and criteria say; sealed."`
	SetAside  map[string]string `json:"set_aside,omitempty" doc:"By sign of use that is found (GET /v1/dpia/triggers): why its criterion is not met; sealed."`
	Due       time.Time         `json:"due,omitzero" doc:"When a reference is to be given; in 60 days if absent."`
}

// ScreenedDPIA answers a decision.
type ScreenedDPIA struct {
	ActivityWritten
	Decision string   `json:"decision"`
	Judged   string   `json:"judged" doc:"What lists and criteria say."`
	Rule     string   `json:"rule" enum:"mandatory_list,exempt_list,criteria,too_few_criteria"`
	Triggers []string `json:"triggers,omitempty"`
}

// DPIAItem is one file.
type DPIAItem struct {
	ID       domain.ID  `json:"id"`
	Activity domain.ID  `json:"activity_id"`
	Decision string     `json:"decision"`
	State    string     `json:"state" enum:"open,measures,consultation,documented,not_required,closed"`
	Revision int64      `json:"revision"`
	Opened   time.Time  `json:"opened"`
	Due      time.Time  `json:"due,omitzero"`
	Overdue  bool       `json:"overdue,omitzero"`
	Closed   time.Time  `json:"closed,omitzero"`
	Triggers []string   `json:"triggers,omitempty"`
	Steps    []DPIAStep `json:"steps"`
}

// DPIAStep is one step of a file.
type DPIAStep struct {
	Time         time.Time       `json:"time"`
	Account      *domain.ID      `json:"account,omitempty" doc:"Absent: the operator of the machine."`
	What         string          `json:"what" enum:"dpia.screened,dpia.documented,dpia.closed"`
	Criteria     []string        `json:"criteria,omitempty"`
	Mandatory    []string        `json:"mandatory,omitempty"`
	Exempt       []string        `json:"exempt,omitempty"`
	Judged       string          `json:"judged,omitempty"`
	Rule         string          `json:"rule,omitempty"`
	Reasoning    *dpia.Reasoning `json:"words,omitempty" doc:"Absent once destroyed at its term."`
	Document     *dpia.Document  `json:"document,omitempty"`
	ResidualHigh bool            `json:"residual_high,omitzero"`
	Implemented  bool            `json:"implemented,omitzero"`
	Reason       string          `json:"reason,omitempty"`
}

// DPIALists are what a decision is made by.
type DPIALists struct {
	Criteria  []dpia.Term `json:"criteria" doc:"WP248 rev.01: two that are met ask for an assessment."`
	Mandatory []dpia.Term `json:"mandatory" doc:"Délib. CNIL 2018-327."`
	Exempt    []dpia.Term `json:"exempt" doc:"Délib. CNIL 2019-118; clients and prospects are not on it."`
}

// DPIAQuery names a file.
type DPIAQuery struct {
	ID domain.ID `path:"id" doc:"The impact assessment."`
}

// DPIAsQuery asks for a page of files.
type DPIAsQuery struct {
	Activity domain.ID `query:"activity" doc:"About this activity."`
	Decision string    `query:"decision" doc:"required or not_required; both if absent."`
	Overdue  bool      `query:"overdue" doc:"What should have been done by now."`
	Paging
}

type dpiaBody struct{ Body DPIAInput }

type dpiaDocumentBody struct {
	ID   domain.ID `path:"id" doc:"The impact assessment."`
	Body struct {
		Revision     int64 `json:"revision" doc:"That it was decided on."`
		ResidualHigh bool  `json:"residual_high,omitempty" doc:"The risk stays high: the authority is to be consulted (art. 36)."`
		Implemented  bool  `json:"implemented,omitempty" doc:"What was planned is in place."`
		dpia.Document
		Due time.Time `json:"due,omitzero" doc:"Of what is not in place, or of the consultation; as before if absent."`
	}
}

type dpiaCloseBody struct {
	ID   domain.ID `path:"id" doc:"The impact assessment."`
	Body struct {
		Revision int64  `json:"revision" doc:"That it was decided on."`
		Reason   string `json:"reason" doc:"Why, in words; sealed. At most 2,000 bytes."`
	}
}

func dpiaRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	look := Limits{Timeout: 2 * time.Minute, Rate: RateSearch}
	change := Limits{Body: 64 << 10, Timeout: 2 * time.Minute, Rate: RateChange}
	const reads, writes = "activities.read", "activities.write"
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/v1/dpia", reads, "Decisions on impact assessments (art. 35), and what is due", read, false, listDPIAs().of(Nobodys), nil},
		{post, "/v1/dpia", writes, "Decide whether an activity needs an impact assessment, with the reasoning", change, true, postDPIA(), writing(problem.NotYet)},
		{get, "/v1/dpia/criteria", reads, "The nine criteria and the CNIL's two lists", read, false, getDPIALists(), nil},
		{get, "/v1/dpia/triggers", reads, "Signs of use that speak for an impact assessment", look, false, getTriggers(), nil},
		{get, "/v1/dpia/{id}", reads, "One decision, with its reasoning", read, false, getDPIA(), nil},
		{post, "/v1/dpia/{id}/reference", writes, "Say where the assessment is, and what is not in place yet", change, true, documentDPIA(), writing(problem.NotYet)},
		{post, "/v1/dpia/{id}/close", writes, "Close a file that is no longer needed", change, true, closeDPIA(), writing(problem.NotYet)},
	}
}

// dpiaProblem names the field that a step's own check names.
func dpiaProblem(err error) error {
	var field *dpia.FieldError
	switch {
	case !errors.As(err, &field):
		return err
	case field.Missing:
		return problem.At(problem.FieldRequired, field.Field)
	}
	return problem.At(problem.FieldInvalid, field.Field)
}

func listDPIAs() endpoint {
	return opening(readsRegister[DPIAsQuery], func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *DPIAsQuery) (*List[DPIAItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		switch in.Decision {
		case "", dpia.Required, dpia.NotRequired:
		default:
			return nil, problem.At(problem.ParameterInvalid, "decision")
		}
		items, next, err := a.services.DPIAs.ListDPIAs(ctx, r, DPIAFilter{in.Activity, in.Decision, in.Overdue}, page)
		if items == nil {
			items = []DPIAItem{}
		}
		return &List[DPIAItem]{items, next}, err
	})
}

func postDPIA() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *dpiaBody) (*ScreenedDPIA, error) {
		b := &in.Body
		out, err := a.services.DPIAs.Screen(ctx, c.principal.Account, dpia.Screening{Activity: b.Activity, Criteria: b.Criteria, Mandatory: b.Mandatory, Exempt: b.Exempt,
			Decision: b.Decision, Due: b.Due, Reasoning: dpia.Reasoning{Words: b.Reasoning, Departure: b.Departure, SetAside: b.SetAside}})
		return out, dpiaProblem(err)
	})
}

func getDPIALists() endpoint {
	return plain(http.StatusOK, func(context.Context, *API, *Call, *struct{}) (*DPIALists, error) {
		return &DPIALists{dpia.Criteria(), dpia.Mandatory(), dpia.Exempt()}, nil
	})
}

func getTriggers() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*List[dpia.Trigger], error) {
		all, err := a.services.DPIAs.Triggers(ctx)
		if all == nil {
			all = []dpia.Trigger{}
		}
		return &List[dpia.Trigger]{Items: all}, err
	})
}

func getDPIA() endpoint {
	return opening(readsRegister[DPIAQuery], func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *DPIAQuery) (*DPIAItem, error) {
		return a.services.DPIAs.GetDPIA(ctx, r, in.ID)
	})
}

func documentDPIA() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *dpiaDocumentBody) (*ActivityWritten, error) {
		b := &in.Body
		w, err := a.services.DPIAs.Document(ctx, ActivityChange{Actor: c.principal.Account, ID: in.ID, Revision: b.Revision},
			dpia.Documenting{Document: b.Document, ResidualHigh: b.ResidualHigh, Implemented: b.Implemented, Due: b.Due})
		return w, dpiaProblem(err)
	})
}

func closeDPIA() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *dpiaCloseBody) (*ActivityWritten, error) {
		switch {
		case in.Body.Reason == "":
			return nil, problem.At(problem.FieldRequired, "reason")
		case len(in.Body.Reason) > maxDetail:
			return nil, problem.At(problem.FieldInvalid, "reason")
		}
		return a.services.DPIAs.CloseDPIA(ctx, ActivityChange{Actor: c.principal.Account, ID: in.ID, Revision: in.Body.Revision}, in.Body.Reason)
	})
}
