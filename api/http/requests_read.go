package httpapi

import (
	"context"
	"mime"
	"net/http"
	"time"

	"greffe/domain"
	"greffe/domain/holidays"
	"greffe/domain/rights"
	"greffe/eventstore/access"
)

// RequestItem is one request with its words.
type RequestItem struct {
	RequestRow
	Channel    string            `json:"channel,omitempty"`
	Origin     string            `json:"origin,omitempty" doc:"desk, form or file; absent: an upstream's event."`
	Requester  rights.Requester  `json:"requester"`
	Ground     rights.HeirGround `json:"ground,omitempty"`
	Language   string            `json:"language,omitempty"`
	FirstDue   time.Time         `json:"first_due" doc:"The end of the first month: until then it can be extended, and the person be told so."`
	Objection  *RequestAgainst   `json:"objection,omitempty" doc:"Of the right objection: against what it is; nothing named: against all prospecting, by every means."`
	Person     *RequestPerson    `json:"person,omitempty"`
	Message    string            `json:"message,omitempty"`
	Gone       bool              `json:"words_destroyed,omitzero" doc:"At their term."`
	Identity   *RequestIdentity  `json:"identity,omitempty"`
	Extension  *RequestExtension `json:"extension,omitempty"`
	Searches   []RequestTask     `json:"tasks,omitempty"`
	Answer     *RequestAnswer    `json:"answer,omitempty"`
	Refusal    *RequestRefusal   `json:"refusal,omitempty"`
	Erasures   []RequestErasure  `json:"erasures,omitempty" doc:"Of the right erasure, or of heirs: those of the person that were ordered since the request came in."`
	Dispatches []RequestDispatch `json:"dispatches,omitempty"`
	Notes      []RequestNote     `json:"notes,omitempty"`
	Steps      []RequestStep     `json:"steps"`
	Deadline   RequestDeadline   `json:"deadline"`
	Now        RequestNow        `json:"now"`
}

// RequestDeadline is how the time limit was counted (art. 12(3); Regulation 1182/71
// art. 3). Days are of Paris.
type RequestDeadline struct {
	Months   int    `json:"months" doc:"1; 3 with an extension in force."`
	Received string `json:"received" doc:"YYYY-MM-DD."`
	Falls    string `json:"falls" doc:"The same date so many months later, or the month's last."`
	Last     string `json:"last" doc:"The day on whose expiry the time is over: the next working day, if falls is none."`
	Moved    string `json:"moved,omitempty" enum:"saturday,sunday,holiday" doc:"Why last is not falls."`
}

// RequestNow is what the file's state allows now.
type RequestNow struct {
	Next     rights.Step      `json:"next,omitempty" doc:"What brings it nearer to its end; absent: nothing."`
	Steps    []rights.Step    `json:"steps" doc:"Steps that can be taken, by the last word of their routes; end is that of tasks/{task}."`
	Outcomes []rights.Outcome `json:"outcomes,omitempty" doc:"That an answer can have now."`
	Letters  []rights.Letter  `json:"letters,omitempty" doc:"Of which the dispatch can be recorded."`
	Grounds  []rights.Ground  `json:"grounds,omitempty" doc:"On which it can be refused, wholly or in part: those that the law has for the right that was asked."`
	Waits    []RequestWait    `json:"waits,omitempty" doc:"Outcomes that an answer can have once something was done."`
}

// RequestWait is an outcome that an answer cannot have yet.
type RequestWait struct {
	Outcome rights.Outcome  `json:"outcome"`
	Lacks   rights.Obstacle `json:"lacks" enum:"identity,subject_id,tasks" doc:"What comes first: identity, verify who asks; subject_id, say at the verification whom it is about; tasks, end the searches."`
}

// RequestIdentity says that who asks was verified: by what, when, by whom; no document.
type RequestIdentity struct {
	Means    rights.Means    `json:"means"`
	Standing rights.Standing `json:"standing,omitempty"`
	On       time.Time       `json:"on"`
	By       *domain.ID      `json:"by,omitempty"`
}

// RequestExtension is two further months.
type RequestExtension struct {
	Ground  rights.ExtensionGround `json:"ground"`
	Reasons string                 `json:"reasons,omitempty"`
	Until   time.Time              `json:"until"`
	Decided time.Time              `json:"decided"`
	InForce bool                   `json:"in_force" doc:"The person was told inside the first month."`
}

// RequestTask is one system to search.
type RequestTask struct {
	Number  int64          `json:"number"`
	System  string         `json:"system"`
	Title   string         `json:"title,omitempty"`
	Owner   *domain.ID     `json:"owner,omitempty"`
	Due     time.Time      `json:"due"`
	Finding rights.Finding `json:"finding,omitempty" doc:"Absent: still to do."`
	Remark  string         `json:"remark,omitempty"`
	File    *RequestFile   `json:"file,omitempty"`
	Done    *time.Time     `json:"done,omitempty"`
}

// RequestFile is a file that is kept.
type RequestFile struct {
	Step  domain.ID `json:"step" doc:"Get it at /v1/requests/{id}/files/{step}."`
	Name  string    `json:"name"`
	Media string    `json:"media"`
}

// RequestAnswer is what was decided.
type RequestAnswer struct {
	Outcome      rights.Outcome  `json:"outcome"`
	Grounds      []rights.Ground `json:"grounds,omitempty"`
	Remedies     []rights.Remedy `json:"remedies,omitempty"`
	Digest       string          `json:"answer_digest,omitempty"`
	Format       string          `json:"answer_format,omitempty"`
	Certificates []domain.ID     `json:"certificates,omitempty"`
	Words        string          `json:"words,omitempty"`
	At           time.Time       `json:"at"`
}

// RequestErasure is an erasure that may be what a request asked for.
type RequestErasure struct {
	Operation   domain.ID  `json:"operation" doc:"Follow it at /v1/operations/{id}."`
	Certificate *domain.ID `json:"certificate,omitempty" doc:"Its number, once it is done."`
	Ordered     time.Time  `json:"ordered_at"`
	Whole       bool       `json:"whole" doc:"The person; false: classes of its data alone."`
}

// RequestRefusal is why nothing is done.
type RequestRefusal struct {
	Grounds  []rights.Ground `json:"grounds"`
	Remedies []rights.Remedy `json:"remedies"`
	Reasons  string          `json:"reasons,omitempty"`
	At       time.Time       `json:"at"`
}

// RequestDispatch is the proof that something was sent.
type RequestDispatch struct {
	Of    rights.Letter `json:"of"`
	By    string        `json:"by"`
	Sent  time.Time     `json:"sent_at"`
	Proof string        `json:"proof,omitempty"`
}

// RequestNote is a note or a file.
type RequestNote struct {
	Kind  rights.NoteKind `json:"kind"`
	Words string          `json:"words,omitempty"`
	File  *RequestFile    `json:"file,omitempty"`
	Bytes int64           `json:"bytes,omitzero"`
	At    time.Time       `json:"at"`
	By    *domain.ID      `json:"by,omitempty"`
}

// RequestStep is one event of the file.
type RequestStep struct {
	EventID  domain.ID       `json:"event_id"`
	Type     string          `json:"type"`
	Position domain.Position `json:"position"`
	Time     time.Time       `json:"time"`
	By       *domain.ID      `json:"by,omitempty" doc:"Account; absent: an upstream, the form, or the operator of the machine."`
}

// RequestFileQuery names a file that is kept.
type RequestFileQuery struct {
	ID   domain.ID `path:"id" doc:"The request."`
	Step domain.ID `path:"step" doc:"The step that keeps it."`
}

func getRequest() endpoint {
	return opening(func(ctx context.Context, a *API, _ *Call, in *RequestQuery) (access.Reading, error) {
		return readsRequest(ctx, a, in.ID)
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *RequestQuery) (*RequestItem, error) {
		q, err := a.services.Requests.Read(ctx, r, in.ID)
		if err != nil {
			return nil, err
		}
		out := requestItem(q, a.cfg.Now())
		if (q.Right == rights.Erasure || q.Right == rights.PostMortem) && !q.Subject.IsZero() {
			out.Erasures, err = a.services.Erasures.Since(ctx, q.Subject, q.Received)
		}
		return out, err
	})
}

// getRequestFile gives the bytes as they came, never to be shown in place.
func getRequestFile() endpoint {
	e := opening(func(ctx context.Context, a *API, _ *Call, in *RequestFileQuery) (access.Reading, error) {
		return readsRequest(ctx, a, in.ID)
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *RequestFileQuery) (answer, error) {
		f, err := a.services.Requests.File(ctx, r, in.ID, in.Step)
		if err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, bytes: f.Data, media: f.Media,
			header: map[string]string{"Content-Disposition": mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})}}, nil
	})
	e.out, e.gives = nil, []string{"application/octet-stream"}
	return e
}

func requestItem(q *rights.Request, now time.Time) *RequestItem {
	out := &RequestItem{RequestRow: requestRow(&q.Summary, now), Channel: q.Channel, Origin: q.Origin, Requester: q.Requester, Ground: q.Ground,
		Language: q.Language, FirstDue: q.FirstDue, Message: q.Message, Gone: q.Gone, Steps: []RequestStep{}, Deadline: deadlineOf(q)}
	n := rights.At(&q.Summary, now)
	out.Now = RequestNow{Next: n.Next, Steps: n.Steps, Outcomes: n.Outcomes, Letters: n.Letters, Grounds: n.Grounds}
	for _, w := range n.Waits {
		out.Now.Waits = append(out.Now.Waits, RequestWait(w))
	}
	if q.Right == rights.Objection {
		out.Objection = against(rights.AgainstOf(&q.Summary))
	}
	if q.Person != (rights.Person{}) {
		person := RequestPerson(q.Person)
		out.Person = &person
	}
	if x := q.Identity; x != nil {
		out.Identity = &RequestIdentity{x.Means, x.Standing, x.On, present(&x.By)}
	}
	if x := q.Extension; x != nil {
		out.Extension = &RequestExtension{x.Ground, x.Reasons, x.Until, x.At, q.Has(rights.MarkExtended)}
	}
	if x := q.Answer; x != nil {
		out.Answer = &RequestAnswer{x.Outcome, x.Grounds, x.Remedies, x.Digest, x.Format, x.Certificates, x.Words, x.At}
	}
	if x := q.Refusal; x != nil {
		out.Refusal = &RequestRefusal{x.Grounds, x.Remedies, x.Reasons, x.At}
	}
	for i := range q.Tasks {
		x := &q.Tasks[i]
		out.Searches = append(out.Searches, RequestTask{x.Number, x.System, x.Title, present(&x.Owner), x.Due, x.Finding, x.Remark, fileOf(x.File, x.Step), instant(x.Done)})
	}
	for i := range q.Dispatches {
		x := &q.Dispatches[i]
		out.Dispatches = append(out.Dispatches, RequestDispatch{x.Of, x.By, x.Sent, x.Proof})
	}
	for i := range q.Notes {
		x := &q.Notes[i]
		out.Notes = append(out.Notes, RequestNote{x.Kind, x.Words, fileOf(x.File, x.Step), x.Bytes, x.At, present(&x.Actor)})
	}
	for i := range q.Steps {
		x := &q.Steps[i]
		out.Steps = append(out.Steps, RequestStep{x.Event, string(x.Type), x.Position, x.Time, present(&x.Actor)})
	}
	return out
}

func deadlineOf(q *rights.Request) RequestDeadline {
	months := 1
	if q.Has(rights.MarkExtended) {
		months = 3
	}
	r := rights.Reckon(q.Received, months)
	day := func(d holidays.Date) string { return d.Begins(time.UTC).Format(time.DateOnly) }
	return RequestDeadline{r.Months, day(r.Received), day(r.Falls), day(r.Last), r.Moved}
}

func fileOf(f *rights.File, step domain.ID) *RequestFile {
	if f == nil {
		return nil
	}
	return &RequestFile{step, f.Name, f.Media}
}
