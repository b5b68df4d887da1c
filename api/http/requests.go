package httpapi

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/rights"
	"greffe/eventstore/access"
)

// Requests is the desk of rights requests (art. 12, 15 to 22; LIL 84 to 86).
type Requests interface {
	// Open opens a file; it makes nobody known. An objection to prospecting is in
	// effect before the file is open.
	Open(ctx context.Context, in rights.Intake, ext *ExternalID) (OpenedRequest, error)
	// Form is Open of what the public form sent: once for each page and what is said in
	// it.
	Form(ctx context.Context, in rights.Intake, once domain.ID) (OpenedRequest, error)
	// Import opens a file for each line; an error ends it.
	Import(ctx context.Context, actor domain.ID, r io.Reader) iter.Seq2[ImportedRequest, error]
	// Summary is what facts alone tell; ErrNotFound.
	Summary(ctx context.Context, id domain.ID) (*casefile.Summary, error)
	// Read opens the words; the receipt covers the person, if one is known.
	Read(ctx context.Context, r access.Receipt, id domain.ID) (*rights.Request, error)
	// File is what a step keeps; ErrNotFound, access.ErrGone.
	File(ctx context.Context, r access.Receipt, id, step domain.ID) (*rights.File, error)
	List(ctx context.Context, f RequestFilter, page Page) (Found[casefile.Summary], error)
	Statistics(ctx context.Context, from, to time.Time) (*rights.Statistics, error)
	// Take takes a step, decided on the given revision if there is one: ErrConflict if
	// the file has another. rights.FieldError, rights.StateError.
	Take(ctx context.Context, actor, id domain.ID, revision *int64, c rights.Command) (TakenStep, error)
	// Search makes one task, or without a system one for each of the policy's.
	Search(ctx context.Context, actor, id domain.ID, revision *int64, task rights.Search) ([]TakenStep, error)
}

// RequestFilter chooses requests; zero values choose all.
type RequestFilter struct {
	Right, Status, Standing, Mark string
	Subject, Assignee             domain.ID
	DueBy, From, To               time.Time
	Overdue                       bool // only what is past its time when it is asked
	ByDue                         bool // the first due first; else as they were opened
}

// RequestInput opens a request.
type RequestInput struct {
	Right      rights.Right      `json:"right" doc:"access, rectification, erasure, restriction, recipients, portability, objection (to prospecting: in effect at once), objection_processing (art. 21(1)), automated_decision, consent_withdrawal, post_mortem (heirs), directives, other."`
	Channel    string            `json:"channel" doc:"email, sms, phone, postal, social, web_form, store, other."`
	Received   time.Time         `json:"received_at,omitzero" doc:"When it was received: the month runs from here. Now if absent."`
	Requester  rights.Requester  `json:"requester,omitempty" doc:"person if absent; proxy, guardian, heir, designated: who acts for another, and proves it at the verification."`
	Ground     rights.HeirGround `json:"ground,omitempty" doc:"Of heirs (LIL 85 II): estate or death."`
	Language   string            `json:"language,omitempty" doc:"fr or en: of the letters."`
	Controller string            `json:"controller,omitempty" doc:"A controller of the policy; absent: all."`
	SubjectID  *domain.ID        `json:"subject_id,omitempty" doc:"Whom it is about, if the person is known; a request makes nobody known."`
	ExternalID *ExternalID       `json:"external_id,omitempty" doc:"Or by an upstream's id."`
	Objection  *RequestAgainst   `json:"objection,omitempty" doc:"Of the right objection: against what alone, if the person said so. Absent: against all prospecting, by every means."`
	Person     RequestPerson     `json:"person,omitzero" doc:"Who asks, in the words of the request; sealed under the file's own key. Needed if nobody is named by id."`
	Message    string            `json:"message,omitempty" doc:"What the person wrote; sealed. At most 32 KiB."`
}

// RequestAgainst is what an objection is against, and nothing more.
type RequestAgainst struct {
	Purpose  string   `json:"purpose,omitempty" doc:"A purpose of the policy; absent: every purpose."`
	Channels []string `json:"channels,omitempty" doc:"Of email, sms, phone, postal, social; absent: every means."`
}

// RequestPerson is who asks and for whom, as they said it.
type RequestPerson struct {
	Name           string `json:"name,omitempty" doc:"Of the person whom it is about."`
	Email          string `json:"email,omitempty"`
	Phone          string `json:"phone,omitempty"`
	Address        string `json:"address,omitempty" doc:"Postal; lines apart by a line feed."`
	CustomerNumber string `json:"customer_number,omitempty" doc:"Or another reference of the controller's."`
	Agent          string `json:"agent,omitempty" doc:"Who acts for the person."`
	Deceased       string `json:"deceased,omitempty" doc:"Name of the dead person."`
	DiedOn         string `json:"died_on,omitempty" doc:"YYYY-MM-DD."`
}

// OpenedRequest answers an opening.
type OpenedRequest struct {
	ID         domain.ID       `json:"id" doc:"Of the file; the number that the person keeps."`
	Position   domain.Position `json:"position"`
	Due        time.Time       `json:"due" doc:"The last instant of the month (art. 12(3))."`
	Known      bool            `json:"known" doc:"The person is known to the ledger."`
	Objections []domain.ID     `json:"in_effect,omitempty" doc:"Events by which an objection or withdrawal is in effect already."`
	Against    *RequestAgainst `json:"objection,omitempty" doc:"Against what it is: all that is not named, and everything where a code was not known."`
	Left       bool            `json:"words_left_out,omitzero" doc:"The policy's guard did not let all of the message be stored."`
}

// TakenStep answers a step.
type TakenStep struct {
	EventID    domain.ID       `json:"event_id"`
	Position   domain.Position `json:"position"`
	Revision   int64           `json:"revision" doc:"Of the file, after the step."`
	Status     string          `json:"status"`
	Due        *time.Time      `json:"due,omitempty"`
	Objections []domain.ID     `json:"in_effect,omitempty" doc:"Events by which an objection or withdrawal is in effect, now that the person is known."`
}

// RequestsQuery asks for a page of requests.
type RequestsQuery struct {
	Paging
	Right    rights.Right `query:"right" doc:"Requests of this right."`
	Status   string       `query:"status" doc:"received, verified, answered, refused, sent, withdrawn or closed."`
	Standing string       `query:"standing" doc:"open or closed."`
	Overdue  bool         `query:"overdue" doc:"Those past their time."`
	DueBy    time.Time    `query:"due_by" doc:"Those due by this instant."`
	Assignee domain.ID    `query:"assignee" doc:"An account."`
	Subject  domain.ID    `query:"subject_id" doc:"A person."`
	Mark     string       `query:"mark" doc:"extended, extending, late, partly, refused, nothing_held, identity_asked, effective, unclear."`
	From     time.Time    `query:"from" doc:"Received from this instant."`
	To       time.Time    `query:"to" doc:"And before this one."`
	Sort     string       `query:"sort" doc:"due: the first due first, those answered last; absent: in the order in which they came in."`
}

// RequestRow is one request of a list.
type RequestRow struct {
	ID         domain.ID    `json:"id"`
	Revision   int64        `json:"revision"`
	Right      rights.Right `json:"right"`
	Status     string       `json:"status"`
	Received   time.Time    `json:"received_at"`
	Due        *time.Time   `json:"due,omitempty" doc:"Absent once the person was answered."`
	Overdue    bool         `json:"overdue,omitzero"`
	Closed     *time.Time   `json:"closed,omitempty"`
	Controller string       `json:"controller,omitempty"`
	SubjectID  *domain.ID   `json:"subject_id,omitempty"`
	Assignee   *domain.ID   `json:"assignee,omitempty"`
	Tasks      int          `json:"open_tasks,omitzero"`
	Days       *int         `json:"answered_in_days,omitzero"`
	Marks      []string     `json:"marks,omitempty"`
}

// RequestQuery names a request.
type RequestQuery struct {
	ID domain.ID `path:"id" doc:"The request."`
}

// RequestPeriod is a period of receipt.
type RequestPeriod struct {
	From time.Time `query:"from" doc:"Received from this instant; absent: from the beginning."`
	To   time.Time `query:"to" doc:"And before this one; absent: until now."`
}

type requestOpenBody struct{ Body RequestInput }

func requestRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	change := Limits{Body: 256 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	get, post := http.MethodGet, http.MethodPost
	routes := []Route{
		{get, "/v1/requests", "requests.read", "Rights requests: filters, what is due, what is overdue", list, false, listRequests(), nil},
		{post, "/v1/requests", "requests.write", "Take in a rights request; an objection to prospecting is in effect at once", change, true, openRequest(), writing(problem.NotYet, problem.NotFound)},
		{post, "/v1/requests/import", "requests.write", "Take in a CSV file of requests", Limits{Body: 4 << 20, Timeout: time.Minute, Rate: RateChange}, false, importRequests(), writing(problem.NotYet, problem.NotFound)},
		{get, "/v1/requests/statistics", "requests.read", "How many requests, of which rights, in how many days", list, false, requestStatistics(), nil},
		{get, "/v1/requests/{id}", "requests.read", "One request with its steps, words and deadlines", read, false, getRequest(), nil},
		{get, "/v1/requests/{id}/files/{step}", "requests.read", "A file that is kept with a request", read, false, getRequestFile().of(One), nil},
	}
	return append(append(routes, requestSteps(change)...), formRoutes()...)
}

func openRequest() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *requestOpenBody) (*OpenedRequest, error) {
		b := in.Body
		i := rights.Intake{Right: b.Right, Channel: b.Channel, Requester: b.Requester, Ground: b.Ground, Language: b.Language, Origin: rights.OriginDesk,
			Received: b.Received, Controller: b.Controller, Actor: c.principal.Account, Person: rights.Person(b.Person), Message: b.Message}
		switch {
		case b.SubjectID != nil && b.ExternalID != nil:
			return nil, problem.At(problem.FieldInvalid, "external_id")
		case b.ExternalID != nil && (b.ExternalID.Source == "" || b.ExternalID.Subject == ""):
			return nil, problem.At(problem.FieldRequired, "external_id")
		case b.Controller != "" && !c.rules.Controller(b.Controller):
			return nil, problem.At(problem.FieldInvalid, "controller")
		case b.SubjectID != nil:
			i.Subject = *b.SubjectID
		}
		if b.Objection != nil {
			i.Against.Purpose, i.Against.Channels, _ = widest(c.rules, b.Objection.Purpose, b.Objection.Channels)
		}
		checked := i
		if b.ExternalID != nil {
			checked.Subject = domain.ID{1}
		}
		if err := checked.Check(a.cfg.Now()); err != nil {
			return nil, stepProblem(err)
		}
		checked.Subject = i.Subject
		out, err := a.services.Requests.Open(ctx, checked, b.ExternalID)
		if out.Against = against(i.Against); i.Right != rights.Objection {
			out.Against = nil
		}
		return &out, stepProblem(err)
	})
}

// against is what an objection is against; nothing in it: everything.
func against(x rights.Against) *RequestAgainst {
	return &RequestAgainst{Purpose: x.Purpose, Channels: x.Channels}
}

// stepProblem names the field that the desk's own check names, or what of the file's
// state is in the way.
func stepProblem(err error) error {
	var field *rights.FieldError
	var state *rights.StateError
	switch {
	case errors.As(err, &field) && field.Missing:
		return problem.At(problem.FieldRequired, field.Field)
	case errors.As(err, &field):
		return problem.At(problem.FieldInvalid, field.Field)
	case errors.As(err, &state):
		return problem.At(problem.NotYet, state.Lacks)
	}
	return err
}

func (in *RequestsQuery) filter() (RequestFilter, error) {
	f := RequestFilter{Right: string(in.Right), Status: in.Status, Standing: in.Standing, Mark: in.Mark, Subject: in.Subject,
		Assignee: in.Assignee, DueBy: in.DueBy, From: in.From, To: in.To, Overdue: in.Overdue}
	for _, x := range []struct {
		name, value string
		known       []string
	}{{"right", f.Right, words(rights.Rights())}, {"status", in.Status, []string{"received", "verified", "answered", "refused", "sent", "withdrawn", "closed"}},
		{"mark", in.Mark, []string{"extended", "extending", "late", "partly", "refused", "nothing_held", "identity_asked", "effective", "unclear"}}} {
		if x.value != "" && !slices.Contains(x.known, x.value) {
			return f, problem.At(problem.ParameterInvalid, x.name)
		}
	}
	if in.Standing != "" && in.Standing != casefile.Open && in.Standing != casefile.Closed {
		return f, problem.At(problem.ParameterInvalid, "standing")
	}
	switch in.Sort {
	case "":
	case "due":
		f.ByDue = true
	default:
		return f, problem.At(problem.ParameterInvalid, "sort")
	}
	return f, nil
}

func listRequests() endpoint {
	return finding(access.Reading{Action: "search", Categories: []string{"requests"}}, func(ctx context.Context, a *API, _ *Call, in *RequestsQuery, page Page) (out Found[RequestRow], err error) {
		f, err := in.filter()
		if err != nil {
			return out, err
		}
		found, err := a.services.Requests.List(ctx, f, page)
		if err != nil {
			return out, err
		}
		out.Subjects, out.Next = found.Subjects, found.Next
		for i := range found.Items {
			out.Items = append(out.Items, requestRow(&found.Items[i], a.cfg.Now()))
		}
		return out, nil
	})
}

func requestRow(s *casefile.Summary, now time.Time) RequestRow {
	subject, assignee := s.Subject, s.Assignee
	row := RequestRow{ID: s.Case, Revision: s.Revision, Right: rights.Right(s.Kind), Status: s.Status, Received: s.Opened, Due: instant(s.Due),
		Overdue: s.Overdue(now), Closed: instant(s.Closed), Controller: s.Controller, SubjectID: present(&subject), Assignee: present(&assignee),
		Tasks: len(rights.OpenTasks(s)), Marks: rights.Plain(s.Marks)}
	if n, ok := rights.Days(s); ok {
		row.Days = &n
	}
	return row
}

// instant is nil for the absent time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func requestStatistics() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *RequestPeriod) (*rights.Statistics, error) {
		return a.services.Requests.Statistics(ctx, in.From, in.To)
	})
}

// readsRequest is the access to a file: to the person whom it is about, if one is
// known.
func readsRequest(ctx context.Context, a *API, id domain.ID) (access.Reading, error) {
	r := access.Reading{Action: "read", Categories: []string{"requests"}, Count: 1}
	s, err := a.services.Requests.Summary(ctx, id)
	if err == nil && !s.Subject.IsZero() {
		r.Subjects = []domain.ID{s.Subject}
	}
	return r, err
}

// words are codes as texts.
func words[T ~string](l []T) []string {
	out := make([]string, len(l))
	for i, x := range l {
		out[i] = string(x)
	}
	return out
}
