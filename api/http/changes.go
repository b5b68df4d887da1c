package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/projections/changes"
)

// Changes is the feed of what recipients are told (art. 19).
type Changes interface {
	// Page finds a recipient's next changes, opening nothing; it waits at most so
	// long for one. An empty cursor begins after what the recipient acknowledged.
	Page(ctx context.Context, r policy.Recipient, page Page, wait time.Duration) (ChangePage, error)
	// Acknowledge takes everything up to a position as carried out; ErrNotFound
	// beyond what there is. recorded is the fact, nil if it was acknowledged already.
	Acknowledge(ctx context.Context, actor domain.ID, r policy.Recipient, upTo domain.Position) (recorded *domain.Position, err error)
	// Standing is how each recipient keeps up, and whether changes are pushed to it.
	Standing(ctx context.Context) ([]changes.Standing, func(code string) bool, error)
}

// ChangePage is a page that is not opened yet. Open needs the receipt of an
// access to its Subjects.
type ChangePage struct {
	Subjects []domain.ID
	Count    int
	Next     string
	Open     func(ctx context.Context, r access.Receipt) ([]changes.Change, error)
}

func changeRoutes() []Route {
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, changesPattern, "changes.read", "What a recipient is told: consents, objections, erasures, restrictions, rectifications",
			Limits{Timeout: time.Minute, Rate: RateRead}, false, getChanges().of(Duty), []problem.Code{problem.SourceForbidden, problem.NotFound}},
		{post, "/v1/changes/{id}/ack", "changes.ack", "Acknowledge everything up to and including one change",
			Limits{Body: 4 << 10, Timeout: 30 * time.Second, Rate: RateChange}, false, postAck(), writing(problem.SourceForbidden, problem.NotFound)},
		{get, "/v1/changes/recipients", "changes.read", "How each recipient keeps up: lag, overdue erasures, dead letters",
			Limits{Timeout: time.Minute, Rate: RateSearch}, false, getRecipients(), nil},
	}
}

// ChangesQuery asks for the changes of one recipient.
type ChangesQuery struct {
	Recipient string `query:"recipient" doc:"Code of the policy's recipient. Needed."`
	Limit     int    `query:"limit" doc:"Changes at most: 1 to 1,000, 100 if absent."`
	Cursor    string `query:"cursor" doc:"next of the page before; absent: what follows the last acknowledged change."`
}

// ChangeList is one page of a feed, which has no end: next is always there.
type ChangeList struct {
	Items []changes.Change `json:"items" doc:"In the order of the ledger. A page may be empty."`
	Next  string           `json:"next,omitempty" doc:"Give this as cursor to read on. With Prefer: wait=30 the answer waits up to 30 seconds for a change."`
}

const changesPattern = "/v1/changes"

// longestWait bounds Prefer: wait=SECONDS.
const longestWait = 30 * time.Second

// getChanges records the access before anything of the page is opened. An empty
// page says nothing of anybody and is no access: a recipient may poll.
func getChanges() endpoint {
	return typed(Personal, http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ChangesQuery) (*ChangeList, error) {
		if err := c.checkReason(); err != nil {
			return nil, err
		}
		r, err := a.recipient(c, in.Recipient, problem.At(problem.ParameterInvalid, "recipient"))
		if err != nil {
			return nil, err
		}
		page, err := Paging{Limit: in.Limit, Cursor: in.Cursor}.page(false)
		if err != nil {
			return nil, err
		}
		found, err := a.services.Changes.Page(ctx, r, page, c.wait())
		if err != nil {
			return nil, err
		}
		out := &ChangeList{Items: []changes.Change{}, Next: found.Next}
		if found.Count == 0 {
			return out, nil
		}
		receipt, err := a.record(c, access.Reading{Action: "notify", Categories: []string{"identity"}, Subjects: found.Subjects, Count: int64(len(found.Subjects)),
			Lens: changes.Lens()})
		if err != nil {
			return nil, err
		}
		out.Items, err = found.Open(ctx, receipt)
		return out, err
	})
}

// wait is what the caller prefers to wait for (RFC 7240), bounded.
func (c *Call) wait() time.Duration {
	for _, line := range c.r.Header.Values("Prefer") {
		for p := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(p, "=")
			n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if strings.EqualFold(strings.TrimSpace(name), "wait") && err == nil && n > 0 {
				return min(time.Duration(min(n, 3600))*time.Second, longestWait)
			}
		}
	}
	return 0
}

// recipient finds a recipient that the caller may speak for, which takes the permission
// to acknowledge: what it is told names persons by its own ids, and the administrator,
// who looks at how recipients keep up, sees no person. One with a source is spoken for by
// a token that is allowed for that source; another by the DPO, or a service whose token
// is not bound to sources.
func (a *API) recipient(c *Call, code string, absent error) (policy.Recipient, error) {
	if code == "" {
		return policy.Recipient{}, absent
	}
	r, ok := c.rules.Recipient(code)
	if !ok {
		return r, problem.At(problem.NotFound, "recipient")
	}
	if err := c.principal.May(c.rules, "changes.ack"); err != nil {
		return r, err
	}
	if r.Source != "" {
		if !c.principal.MayWrite(a.services.Ledger.Peppers().SourceID(r.Source)) {
			return r, problem.At(problem.SourceForbidden, "recipient")
		}
		return r, nil
	}
	has := func(roles ...string) bool {
		return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(c.principal.Roles, role) })
	}
	if has("dpo") || has("service") && len(c.principal.Sources) == 0 {
		return r, nil
	}
	return r, problem.At(problem.SourceForbidden, "recipient")
}

// AckInput acknowledges for a recipient.
type AckInput struct {
	ID   domain.Position `path:"id" doc:"The last change that was carried out, by its id."`
	Body struct {
		Recipient string `json:"recipient" doc:"Code of the policy's recipient."`
	}
}

// Acked answers an acknowledgement.
type Acked struct {
	Recipient    string           `json:"recipient"`
	Acknowledged domain.Position  `json:"acknowledged" doc:"Everything up to and including this change."`
	Position     *domain.Position `json:"position,omitempty" doc:"Of the fact that says so; absent if it was acknowledged already."`
}

func postAck() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *AckInput) (*Acked, error) {
		r, err := a.recipient(c, in.Body.Recipient, problem.At(problem.FieldRequired, "recipient"))
		if err != nil {
			return nil, err
		}
		at, err := a.services.Changes.Acknowledge(ctx, c.principal.Account, r, in.ID)
		if err != nil {
			return nil, err
		}
		return &Acked{r.Code, in.ID, at}, nil
	})
}

// RecipientStanding is how one recipient keeps up.
type RecipientStanding struct {
	Code            string            `json:"code"`
	Kind            string            `json:"kind"`
	Receives        []string          `json:"receives"`
	Acknowledges    bool              `json:"acknowledges"`
	Webhook         bool              `json:"webhook" doc:"Changes are pushed to it by this node."`
	Acknowledged    *domain.Position  `json:"acknowledged,omitempty" doc:"The last change it acknowledged; absent for none."`
	AcknowledgedAt  *time.Time        `json:"acknowledged_at,omitempty"`
	SentAt          *time.Time        `json:"sent_at,omitempty" doc:"When its endpoint last took a delivery that it acknowledges by itself."`
	FailingSince    *time.Time        `json:"failing_since,omitempty" doc:"Its endpoint does not answer."`
	Lag             int               `json:"lag" doc:"Changes it has not acknowledged."`
	LagMore         bool              `json:"lag_more,omitzero" doc:"Not all were counted, as of more than 10,000 changes, or where too many persons would have to be looked up: there are at least so many."`
	Oldest          *time.Time        `json:"oldest,omitempty" doc:"When the first of them was recorded."`
	OverdueErasures int               `json:"overdue_erasures" doc:"Erasures recorded more than 7 days ago that it was told of and has not acknowledged, however many other changes there are."`
	DeadLetters     []DeadLetterRange `json:"dead_letters" doc:"What was given up after 7 days and is not acknowledged; read it at /v1/changes."`
}

// DeadLetterRange is a run of positions, both ends included.
type DeadLetterRange struct {
	From domain.Position `json:"from"`
	To   domain.Position `json:"to"`
	At   time.Time       `json:"at"`
}

// RecipientsQuery has no parameters: there are at most 100 recipients.
type RecipientsQuery struct{}

func getRecipients() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *RecipientsQuery) (*List[RecipientStanding], error) {
		all, pushed, err := a.services.Changes.Standing(ctx)
		if err != nil {
			return nil, err
		}
		out := &List[RecipientStanding]{Items: make([]RecipientStanding, len(all))}
		for i, s := range all {
			out.Items[i] = standing(s, pushed(s.Recipient.Code))
		}
		return out, nil
	})
}

func standing(s changes.Standing, pushed bool) RecipientStanding {
	out := RecipientStanding{
		Code: s.Recipient.Code, Kind: s.Recipient.Kind, Receives: s.Recipient.Receives, Acknowledges: s.Recipient.Acknowledges, Webhook: pushed,
		AcknowledgedAt: moment(s.AcknowledgedAt), SentAt: moment(s.SentAt), FailingSince: moment(s.Failing),
		Lag: s.Lag, LagMore: s.More, Oldest: moment(s.Oldest), OverdueErasures: s.Overdue, DeadLetters: make([]DeadLetterRange, len(s.DeadLetters)),
	}
	if s.Acknowledged > 0 {
		at := s.Acknowledged - 1
		out.Acknowledged = &at
	}
	for i, d := range s.DeadLetters {
		out.DeadLetters[i] = DeadLetterRange{d.From, d.To - 1, d.At}
	}
	return out
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
