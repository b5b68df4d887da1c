package httpapi

import (
	"context"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/review"
	"greffe/eventstore/access"
)

// Reviews are the planned audits of compliance and security (art. 5(2), 24(1),
// 32(1)(d)). What opens words asks for the receipt of the access.
type Reviews interface {
	// Open writes the first step of a file.
	Open(ctx context.Context, actor domain.ID, d casefile.Draft) (*DeskTaken, error)
	// Take writes the step that decide makes of the file as it is. ErrConflict: its
	// revision is another, or becomes another meanwhile.
	Take(ctx context.Context, on DeskOn, decide func(*casefile.Summary) (casefile.Draft, error)) (*DeskTaken, error)
	List(ctx context.Context, f DeskFilter, page Page) (items []casefile.Summary, next string, err error)
	// Read is one file with its words, or ErrNotFound.
	Read(ctx context.Context, r access.Receipt, id domain.ID) (*casefile.Summary, *review.File, error)
	// Close ends a review, and opens the next one at once if it has a period.
	Close(ctx context.Context, on DeskOn, result, conclusion string) (*DeskTaken, error)
}

// ReviewInput plans a review.
type ReviewInput struct {
	Kind       string    `json:"kind" doc:"compliance_audit, security_audit, file_review, access_rights_review, training, physical_check, anonymisation_watch."`
	Planned    time.Time `json:"planned_for"`
	Months     int       `json:"months,omitzero" doc:"Until the next one, planned when this one is closed: 1 to 120; absent: once."`
	Scope      string    `json:"scope" doc:"What is reviewed; sealed."`
	Auditor    string    `json:"auditor,omitempty" doc:"Who reviews; sealed."`
	Controller string    `json:"controller,omitempty" doc:"Code of the policy; its first if absent."`
}

// ReviewMoveInput plans a review for another date.
type ReviewMoveInput struct {
	Planned time.Time `json:"planned_for"`
	Text    string    `json:"text" doc:"Why; sealed."`
}

// ReviewSessionInput says that a review took place.
type ReviewSessionInput struct {
	Held         time.Time        `json:"held_at"`
	Roles        map[string]int64 `json:"roles,omitempty" doc:"Persons who took part, by role; needed of a training. The roles are sealed."`
	Participants []string         `json:"participants,omitempty" doc:"Their names; sealed. At most 2,000."`
	Text         string           `json:"text,omitempty" doc:"Sealed."`
}

// RightsReviewInput decides on a matrix of rights.
type RightsReviewInput struct {
	SHA256    string           `json:"sha256" doc:"Of the matrix that was looked at, as /v1/habilitations says; another one now: 409."`
	Decisions []RightsDecision `json:"decisions" doc:"One on each role, and on each account that is active, but for the own one: somebody else decides on that in a further step."`
	Text      string           `json:"text,omitempty" doc:"Sealed."`
}

// RightsDecision is about a role or an account.
type RightsDecision struct {
	Role     string    `json:"role,omitempty"`
	Account  domain.ID `json:"account_id,omitzero"`
	Decision string    `json:"decision" doc:"kept, changed, withdrawn. What is changed or withdrawn is so by its own route."`
}

// FindingInput is what a review found.
type FindingInput struct {
	Gravity string `json:"gravity" doc:"observation, minor, major, critical."`
	Text    string `json:"text" doc:"Sealed."`
	Cause   string `json:"cause,omitempty" doc:"Why it is so; needed from minor on. Sealed."`
}

// ReviewActionInput adds an action, or says what became of one.
type ReviewActionInput struct {
	Action  int64     `json:"action,omitzero" doc:"Number of one that is in the file; absent: a new one."`
	Finding int64     `json:"finding,omitzero" doc:"Number of the finding that it answers."`
	Text    string    `json:"text,omitempty" doc:"What is to be done, or what was; sealed."`
	Owner   domain.ID `json:"owner,omitzero" doc:"The account that does it."`
	Due     time.Time `json:"due,omitzero" doc:"Until when; needed of one that is neither done nor void."`
	Done    time.Time `json:"done_at,omitzero" doc:"When it was done."`
	Void    bool      `json:"void,omitzero" doc:"It was given up; the text says why."`
}

// ReviewClosing closes a review.
type ReviewClosing struct {
	Result     string `json:"result" doc:"conform, partly, not_conform, cancelled."`
	Conclusion string `json:"conclusion" doc:"Sealed."`
}

// ReviewItem is one review, whole.
type ReviewItem struct {
	DeskItem
	File *review.File `json:"file"`
}

// ReviewQuery names a review.
type ReviewQuery struct {
	ID domain.ID `path:"id" doc:"The review."`
}

func reviewRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	change := Limits{Body: 512 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/v1/reviews", "reviews.read", "Reviews, planned and past: where each stands, and what is due", list, false,
			listDesk(func(a *API) func(context.Context, DeskFilter, Page) ([]casefile.Summary, string, error) {
				return a.services.Reviews.List
			}), nil},
		{post, "/v1/reviews", "reviews.write", "Plan a review", change, true, planReview(), writing(problem.NotYet)},
		{get, "/v1/reviews/{id}", "reviews.read", "One review, with everything in its file", read, false, getReview(), nil},
		{post, "/v1/reviews/{id}/plan", "reviews.write", "Plan a review for another date", change, true,
			takesReview(func(b *ReviewMoveInput, s *casefile.Summary, now time.Time) (casefile.Draft, error) {
				return review.Move(s, b.Planned, b.Text, now)
			}), writing(problem.NotYet)},
		{post, "/v1/reviews/{id}/sessions", "reviews.write", "Say that a review took place, and who took part by role", change, true,
			takesReview(func(b *ReviewSessionInput, s *casefile.Summary, now time.Time) (casefile.Draft, error) {
				return (&review.Session{Held: b.Held, Roles: b.Roles, Participants: b.Participants, Text: b.Text}).Draft(s, now)
			}), writing(problem.NotYet)},
		{post, "/v1/reviews/{id}/rights", "reviews.write", "Decide on each role and account of the matrix of rights that was looked at", change, true, reviewRights(), writing(problem.NotYet)},
		{post, "/v1/reviews/{id}/findings", "reviews.write", "Add a finding with its cause", change, true,
			takesReview(func(b *FindingInput, s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
				return (&review.Finding{Gravity: b.Gravity, Text: b.Text, Cause: b.Cause}).Draft(s)
			}), writing(problem.NotYet)},
		{post, "/v1/reviews/{id}/actions", "reviews.write", "Add an action with its due date, or say that one is done", change, true,
			takesReview(func(b *ReviewActionInput, s *casefile.Summary, now time.Time) (casefile.Draft, error) {
				return (&review.Action{Number: b.Action, Finding: b.Finding, Text: b.Text, Owner: b.Owner, Due: b.Due, Done: b.Done, Void: b.Void}).Draft(s, now)
			}), writing(problem.NotYet)},
		{post, "/v1/reviews/{id}/close", "reviews.write", "Close a review; the next one is planned", change, true, closeReview(), writing(problem.NotYet)},
	}
}

func planReview() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *struct{ Body ReviewInput }) (*DeskTaken, error) {
		b := in.Body
		d, err := (&review.Plan{Kind: b.Kind, For: b.Planned, Months: b.Months, Scope: b.Scope, Auditor: b.Auditor}).Draft(a.cfg.Now())
		if d.Controller = b.Controller; d.Controller == "" {
			d.Controller = c.rules.DefaultController()
		}
		if err == nil && !c.rules.Controller(d.Controller) {
			err = &casefile.FieldError{Field: "controller"}
		}
		if err != nil {
			return nil, deskProblem(err)
		}
		return a.services.Reviews.Open(ctx, c.principal.Account, d)
	})
}

func getReview() endpoint {
	return opening(func(context.Context, *API, *Call, *ReviewQuery) (access.Reading, error) {
		return access.Reading{Action: "read", Categories: []string{"requests"}}, nil
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ReviewQuery) (*ReviewItem, error) {
		s, f, err := a.services.Reviews.Read(ctx, r, in.ID)
		if err != nil {
			return nil, err
		}
		return &ReviewItem{DeskItemOf(s, a.cfg.Now()), f}, nil
	})
}

// takesReview makes the endpoint of a step. What decides it is given the file as it is.
func takesReview[B any](decide func(b *B, s *casefile.Summary, now time.Time) (casefile.Draft, error)) endpoint {
	type input struct {
		onDesk
		Body B
	}
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *input) (*DeskTaken, error) {
		out, err := a.services.Reviews.Take(ctx, in.on(c), func(s *casefile.Summary) (casefile.Draft, error) {
			return decide(&in.Body, s, a.cfg.Now())
		})
		return out, deskProblem(err)
	})
}

func reviewRights() endpoint {
	type input struct {
		onDesk
		Body RightsReviewInput
	}
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *input) (*DeskTaken, error) {
		h, err := a.held(ctx, time.Time{})
		if err != nil {
			return nil, err
		}
		m := h.Rights()
		r := review.Rights{SHA256: in.Body.SHA256, Text: in.Body.Text, By: c.principal.Account}
		for _, d := range in.Body.Decisions {
			r.Decisions = append(r.Decisions, review.Decision{Role: d.Role, Account: d.Account, What: d.Decision})
		}
		out, err := a.services.Reviews.Take(ctx, in.on(c), func(s *casefile.Summary) (casefile.Draft, error) {
			return r.Draft(s, &m, a.cfg.Now())
		})
		return out, deskProblem(err)
	})
}

func closeReview() endpoint {
	type input struct {
		onDesk
		Body ReviewClosing
	}
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *input) (*DeskTaken, error) {
		out, err := a.services.Reviews.Close(ctx, in.on(c), in.Body.Result, in.Body.Conclusion)
		return out, deskProblem(err)
	})
}
