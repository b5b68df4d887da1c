package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/policy"
	"greffe/eventstore/access"
)

// approvalHdr names an approval on the request that it is for, or asks for one.
const (
	approvalHdr = "X-Greffe-Approval"
	approvalAsk = "request"
)

// Approvals is the desk of what takes two persons. What is asked and by whom is known
// by ids; the request itself is sealed.
type Approvals interface {
	// Ask records that account wants to send a request.
	Ask(ctx context.Context, account domain.ID, act approval.Act, q approval.Asked) (*approval.Approval, error)
	// Get is one, or ErrNotFound, as the log has it now.
	Get(ctx context.Context, id domain.ID) (*approval.Approval, error)
	// Open shows what was asked.
	Open(ctx context.Context, r access.Receipt, id domain.ID) (*approval.Asked, error)
	// Decide records a decision that MayDecide allows, or gives approval.ErrDecided.
	Decide(ctx context.Context, by, id domain.ID, granted bool, note string) (domain.Position, error)
	// Use records a use that MayUse allows, or gives approval.ErrUsed.
	Use(ctx context.Context, account, id domain.ID) error
	// List gives those in a state, or all, in the order in which they were asked.
	List(ctx context.Context, state approval.State, page Page) (items []approval.Approval, next string, err error)
	// Of lists what account asked for since a time, the newest first.
	Of(ctx context.Context, account domain.ID, since time.Time, limit int) ([]approval.Approval, error)
	// Ordered counts the persons account ordered to erase since a time.
	Ordered(ctx context.Context, account domain.ID, since time.Time) (int64, error)
}

// ApprovalItem is one approval.
type ApprovalItem struct {
	ID       domain.ID       `json:"id" doc:"Give this in X-Greffe-Approval, with the very request that was asked for."`
	Act      approval.Act    `json:"act" enum:"mass_erasure,bulk_export,hold_release,grant"`
	State    approval.State  `json:"state" enum:"waiting,granted,refused,used,expired"`
	Account  domain.ID       `json:"account" doc:"Who asked."`
	Asked    time.Time       `json:"asked"`
	Ends     time.Time       `json:"ends" doc:"Until when it can be decided, or used."`
	Decider  domain.ID       `json:"decider,omitzero"`
	Decided  time.Time       `json:"decided,omitzero"`
	Used     time.Time       `json:"used,omitzero"`
	Position domain.Position `json:"position"`
}

func approvalItem(a *approval.Approval, now time.Time) *ApprovalItem {
	return &ApprovalItem{a.ID, a.Act, a.State(now), a.Account, a.Asked, a.Ends(), a.Decider, a.Decided, a.Used, a.Position}
}

// ApprovalShown is an approval with the request that was asked for.
type ApprovalShown struct {
	ApprovalItem
	Request *approval.Asked `json:"request,omitempty" doc:"Absent once destroyed at its term."`
}

// ApprovalsQuery asks for a page of approvals.
type ApprovalsQuery struct {
	State string `query:"state" doc:"waiting, granted, refused, used or expired; all if absent."`
	Paging
}

// ApprovalQuery names an approval.
type ApprovalQuery struct {
	ID domain.ID `path:"id" doc:"The approval."`
}

// ApprovalDecisionInput decides.
type ApprovalDecisionInput struct {
	ID   domain.ID `path:"id" doc:"The approval."`
	Body struct {
		Decision string `json:"decision" enum:"grant,refuse"`
		Note     string `json:"note,omitempty" doc:"Why; sealed. At most 2,000 bytes." maxLength:"2000"`
	}
}

func approvalRoutes() []Route {
	change := Limits{Body: 16 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	return []Route{
		{http.MethodGet, "/v1/approvals", "approvals.read", "What waits for a second person, and what was decided", read, false, listApprovals(), nil},
		{http.MethodGet, "/v1/approvals/{id}", "approvals.decide", "One approval, with the request that was asked for", read, false, getApproval(), nil},
		{http.MethodPost, "/v1/approvals/{id}/decision", "approvals.decide", "Agree to what another asked, or refuse", change, true, postApproval(),
			writing(problem.ApprovalInvalid)},
		{http.MethodGet, "/v1/me/approvals", policy.PermissionOwn, "What the caller asked a second person to agree to, of the last eight days", read, false, listOwnApprovals(), nil},
		{http.MethodGet, "/v1/me/approvals/{id}", policy.PermissionOwn, "One of them, with the request to send again once it is granted", read, false, getOwnApproval(), nil},
	}
}

func listApprovals() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *ApprovalsQuery) (*List[ApprovalItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		state := approval.State(in.State)
		if known := approval.States(); in.State != "" && !slices.Contains(known, state) {
			return nil, problem.At(problem.ParameterInvalid, "state")
		}
		all, next, err := a.services.Approvals.List(ctx, state, page)
		if err != nil {
			return nil, err
		}
		out := &List[ApprovalItem]{Items: make([]ApprovalItem, len(all)), Next: next}
		for i := range all {
			out.Items[i] = *approvalItem(&all[i], a.cfg.Now())
		}
		return out, nil
	})
}

// maxOwnApprovals bounds the list of what one account asked for.
const maxOwnApprovals = 100

// listOwnApprovals are those that can still be decided or used, and those that ended since.
func listOwnApprovals() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, _ *struct{}) (*List[ApprovalItem], error) {
		now := a.cfg.Now()
		all, err := a.services.Approvals.Of(ctx, c.principal.Account, now.Add(-approval.Wait-approval.Good), maxOwnApprovals)
		out := &List[ApprovalItem]{Items: []ApprovalItem{}}
		for i := range all {
			out.Items = append(out.Items, *approvalItem(&all[i], now))
		}
		return out, err
	})
}

func getApproval() endpoint {
	return shownApproval(func(*Call, *approval.Approval) bool { return true })
}

// getOwnApproval gives an approval to who asked for it, to anybody else as if there were none.
func getOwnApproval() endpoint {
	return shownApproval(func(c *Call, x *approval.Approval) bool { return x.Account == c.principal.Account })
}

func shownApproval(may func(*Call, *approval.Approval) bool) endpoint {
	return opening(func(ctx context.Context, a *API, c *Call, in *ApprovalQuery) (access.Reading, error) {
		x, err := a.services.Approvals.Get(ctx, in.ID)
		if err == nil && !may(c, x) {
			err = ErrNotFound
		}
		return access.Reading{Action: "read", Categories: []string{"access"}}, err
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ApprovalQuery) (*ApprovalShown, error) {
		x, err := a.services.Approvals.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &ApprovalShown{ApprovalItem: *approvalItem(x, a.cfg.Now())}
		if out.Request, err = a.services.Approvals.Open(ctx, r, in.ID); errors.Is(err, access.ErrGone) {
			err = nil
		}
		return out, err
	})
}

func postApproval() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ApprovalDecisionInput) (*ApprovalItem, error) {
		if in.Body.Decision != "grant" && in.Body.Decision != "refuse" {
			return nil, problem.At(problem.FieldInvalid, "decision")
		}
		x, err := a.services.Approvals.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		by := c.principal.Account
		if c.principal.Session.IsZero() { // a person signed in: one who holds tokens of two accounts is no two persons
			return nil, problem.At(problem.ApprovalInvalid, "session")
		}
		if err := x.MayDecide(by, a.cfg.Now()); err != nil {
			return nil, approvalProblem(err)
		}
		if _, err := a.services.Approvals.Decide(ctx, by, in.ID, in.Body.Decision == "grant", in.Body.Note); err != nil {
			return nil, approvalProblem(err)
		}
		if x, err = a.services.Approvals.Get(ctx, in.ID); err != nil {
			return nil, err
		}
		return approvalItem(x, a.cfg.Now()), nil
	})
}

// approvalProblem says what of an approval stands in the way, in its field.
func approvalProblem(err error) error {
	for _, x := range []struct {
		err   error
		field string
	}{{approval.ErrOwn, "own"}, {approval.ErrDecided, "decided"}, {approval.ErrExpired, "expired"}, {approval.ErrUndecided, "waiting"},
		{approval.ErrRefused, "refused"}, {approval.ErrUsed, "used"}, {approval.ErrOther, "request"}, {ErrNotFound, "unknown"}} {
		if errors.Is(err, x.err) {
			return &problem.Error{Code: problem.ApprovalInvalid, Field: x.field, Cause: err}
		}
	}
	return err
}

// approve lets a request pass if it takes one person, or if another agreed to it. Asked
// for an agreement it records that, and gives the answer: done is true.
func (a *API) approve(c *Call) (asked answer, done bool, err error) {
	publishes := c.route.Method+" "+c.route.Pattern == "POST /v1/policy" && len(c.rules.Approvals()) > 0
	act, asks := actOf(c.route)
	if asks {
		_, asks = c.rules.Approval(string(act))
	}
	if !asks && !publishes {
		return answer{}, false, nil
	}
	if c.r.ContentLength != 0 && len(c.route.Endpoint.takes) > 0 {
		if _, _, err := c.readBody(c.route.Endpoint.takes...); err != nil {
			return answer{}, false, err
		}
	}
	if publishes {
		if act, asks = loosened(c.rules, c.body); !asks {
			return answer{}, false, nil
		}
	}
	rule, _ := c.rules.Approval(string(act))
	if needed, err := a.needsTwo(c, rule); err != nil || !needed {
		return answer{}, false, err
	}
	q := approval.Asked{Method: c.r.Method, URI: c.r.URL.RequestURI(), Body: string(c.body)}
	account := c.principal.Account
	switch h := c.r.Header.Get(approvalHdr); h {
	case "":
		return answer{}, false, problem.At(problem.ApprovalRequired, string(act))
	case approvalAsk:
		x, err := a.services.Approvals.Ask(c.ctx, account, act, q)
		if err != nil {
			return answer{}, false, err
		}
		return answer{status: http.StatusAccepted, body: approvalItem(x, a.cfg.Now()), header: map[string]string{"Location": "/v1/approvals/" + x.ID.String()}}, true, nil
	default:
		id, err := domain.ParseID(h)
		if err != nil {
			return answer{}, false, problem.At(problem.HeaderInvalid, approvalHdr)
		}
		x, err := a.services.Approvals.Get(c.ctx, id)
		if err == nil {
			err = x.MayUse(account, q.Digest(), a.cfg.Now())
		}
		if err == nil {
			err = a.services.Approvals.Use(c.ctx, account, id)
		}
		c.agreed = err == nil
		return answer{}, false, approvalProblem(err)
	}
}

// actOf says which act a route may be.
func actOf(r *Route) (act approval.Act, ok bool) {
	if r.Bulk() == Many || r.Bulk() == ByPage {
		return approval.BulkExport, true
	}
	switch r.Method + " " + r.Pattern {
	case "DELETE /v1/subjects/{id}/hold/{placed}":
		return approval.HoldRelease, true
	case "POST /v1/subjects/{id}/erasure", "POST /v1/events/{id}/redaction", "POST /v1/retention/runs":
		return approval.MassErasure, true
	case "POST /v1/accounts", "PATCH /v1/accounts/{id}", "POST /v1/accounts/{id}/invitation", "POST /v1/accounts/{id}/reset",
		"POST /v1/accounts/{id}/enable", "POST /v1/inspections/{id}/guests", "POST /v1/inspections/{id}/guests/{account}/invitation", "POST /v1/tokens", "POST /v1/tokens/{id}/rotate":
		return approval.Grant, true
	}
	return "", false
}

// loosened says which act a new policy would let one person do that takes two under the
// present one: who may publish must not do away alone with what binds them. A text that
// is no policy is the route's to refuse.
func loosened(now *policy.Policy, text []byte) (approval.Act, bool) {
	next, err := policy.Parse(text)
	if err != nil {
		return "", false
	}
	for _, x := range now.Approvals() {
		if y, kept := next.Approval(x.Act); !kept || y.Over > x.Over {
			return approval.Act(x.Act), true
		}
	}
	return "", false
}

// needsTwo tells whether this request is the act: a run that only counts erases nobody,
// and an account may erase as many persons a day alone as the policy says. Pages are
// counted as they are recorded (see export), unless somebody was asked beforehand.
func (a *API) needsTwo(c *Call, rule policy.Approval) (bool, error) {
	if c.route.Bulk() == ByPage {
		return c.r.Header.Get(approvalHdr) != "", nil
	}
	switch c.route.Pattern {
	case "/v1/subjects/{id}/erasure", "/v1/events/{id}/redaction":
		n, err := a.services.Approvals.Ordered(c.ctx, c.principal.Account, a.cfg.Now().Add(-approval.Window))
		return n >= int64(rule.Over), err
	case "/v1/retention/runs":
		var run struct {
			DryRun bool `json:"dry_run"`
		}
		return json.Unmarshal(c.body, &run) != nil || !run.DryRun, nil
	}
	return true, nil
}
