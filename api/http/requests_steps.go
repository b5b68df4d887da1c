package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/rights"
)

// StepOn is what each step says besides itself: the file, and the revision of it that
// the caller saw, by which two cannot decide on the same state.
type StepOn struct {
	ID       domain.ID `path:"id" doc:"The request."`
	Revision *int      `query:"revision" doc:"Of the file as the caller saw it; another one is a conflict."`
}

func (s StepOn) revision() *int64 {
	if s.Revision == nil {
		return nil
	}
	n := int64(*s.Revision)
	return &n
}

// VerifyInput says that it is known who asks. There is no field for a document.
type VerifyInput struct {
	Means     rights.Means      `json:"means" doc:"account_login, customer_number, known_address, callback, shared_details, electronic_signature, id_seen (looked at, not copied), in_person."`
	Standing  rights.Standing   `json:"standing,omitempty" doc:"Of who acts for another: mandate, court_order, parental_authority, notarial_deed, family_book, directives, certified_party; seen, not kept."`
	On        time.Time         `json:"on,omitzero"`
	SubjectID *domain.ID        `json:"subject_id,omitempty" doc:"Whom it is about. An objection to prospecting is in effect for this person at once."`
	Right     rights.Right      `json:"right,omitempty" doc:"What is asked, of a request of the right other."`
	Ground    rights.HeirGround `json:"ground,omitempty" doc:"Of heirs who did not tell it: estate or death."`
}

// ExtendInput takes two further months.
type ExtendInput struct {
	Ground  rights.ExtensionGround `json:"ground" doc:"complex or numerous."`
	Reasons string                 `json:"reasons" doc:"As the person will read them; sealed."`
}

// AssignInput gives a request to an account.
type AssignInput struct {
	Account domain.ID `json:"account"`
}

// KeptInput is a file that is to be kept.
type KeptInput struct {
	Name  string `json:"name"`
	Media string `json:"media" doc:"Its media type."`
	Data  string `json:"data" doc:"Its bytes in base64 (RFC 4648, section 4)."`
}

// file is the file; one whose data cannot be read has none, which is refused.
func (k *KeptInput) file() *rights.File {
	if k == nil {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(k.Data)
	if err != nil {
		data = nil
	}
	return &rights.File{Name: k.Name, Media: k.Media, Data: data}
}

// TaskInput asks for a system to be searched.
type TaskInput struct {
	System string     `json:"system,omitempty" doc:"Recipient or source of the policy, or other; absent: one task for each that has none yet."`
	Title  string     `json:"title,omitempty" doc:"What to search; needed with other. Sealed."`
	Owner  *domain.ID `json:"owner,omitempty" doc:"An account."`
	Due    time.Time  `json:"due,omitzero" doc:"Seven days before the request is due, if absent."`
}

// FoundInput ends a task.
type FoundInput struct {
	Finding rights.Finding `json:"finding" doc:"found, nothing_held or not_applicable (with a remark)."`
	Remark  string         `json:"remark,omitempty" doc:"Sealed."`
	File    *KeptInput     `json:"file,omitempty" doc:"What was found; sealed. At most 5 MiB, data in base64."`
}

// NoteInput adds a note, or with a file an attachment.
type NoteInput struct {
	Kind  rights.NoteKind `json:"kind,omitempty" doc:"note, identity_asked, reply, notified (art. 19), completed (art. 16); attachment if there is a file."`
	Words string          `json:"words,omitempty" doc:"Sealed. At most 8 KiB."`
	File  *KeptInput      `json:"file,omitempty" doc:"Sealed. At most 5 MiB, data in base64. Never an identity document."`
}

// AnswerInput decides in the person's favour, or that nothing is held.
type AnswerInput struct {
	Outcome      rights.Outcome  `json:"outcome" doc:"granted, partly (with grounds and remedies), nothing_held."`
	Grounds      []rights.Ground `json:"grounds,omitempty" doc:"Of what is refused, by article: art15.4, art17.3.b, …; one that the law has for the right asked (now.grounds of the request)."`
	Remedies     []rights.Remedy `json:"remedies,omitempty" doc:"cnil and court, both."`
	Digest       string          `json:"answer_digest,omitempty" doc:"SHA-256 of the answer's document, in hex."`
	Format       string          `json:"answer_format,omitempty" doc:"json, html, pdf or csv."`
	Certificates []domain.ID     `json:"certificates,omitempty" doc:"Of erasures."`
	Words        string          `json:"words,omitempty" doc:"Sealed."`
}

// RefuseInput says why nothing is done.
type RefuseInput struct {
	Grounds  []rights.Ground `json:"grounds" doc:"By article: art12.5.unfounded, art12.5.excessive, art12.6, art17.3.b, …; those that the law has for the right asked (now.grounds of the request)."`
	Remedies []rights.Remedy `json:"remedies" doc:"cnil and court, both (art. 12(4))."`
	Reasons  string          `json:"reasons" doc:"As the person will read them; sealed."`
}

// TellInput proves that something was sent.
type TellInput struct {
	Of    rights.Letter `json:"of" doc:"acknowledgement, identity_request, extension, answer, refusal, restriction_lifting, other."`
	By    string        `json:"by" doc:"email, registered_letter, post, portal, hand, sms, phone."`
	Sent  time.Time     `json:"sent_at,omitzero" doc:"Now if absent."`
	Proof string        `json:"proof,omitempty" doc:"Number of the registered letter, id of the message; sealed. Not needed of portal, hand, phone."`
}

// WithdrawInput ends a request that the person took back.
type WithdrawInput struct {
	Channel string `json:"channel" doc:"How the person said so."`
	Words   string `json:"words,omitempty" doc:"Sealed."`
}

type (
	verifyBody struct {
		StepOn
		Body VerifyInput
	}
	extendBody struct {
		StepOn
		Body ExtendInput
	}
	assignBody struct {
		StepOn
		Body AssignInput
	}
	taskBody struct {
		StepOn
		Body TaskInput
	}
	foundBody struct {
		StepOn
		Task int `path:"task" doc:"The task's number."`
		Body FoundInput
	}
	noteBody struct {
		StepOn
		Body NoteInput
	}
	answerBody struct {
		StepOn
		Body AnswerInput
	}
	refuseBody struct {
		StepOn
		Body RefuseInput
	}
	tellBody struct {
		StepOn
		Body TellInput
	}
	withdrawBody struct {
		StepOn
		Body WithdrawInput
	}
	closeBody struct {
		StepOn
		Body struct{}
	}
)

func requestSteps(change Limits) []Route {
	files := Limits{Body: 8 << 20, Timeout: time.Minute, Rate: RateChange}
	row := func(path, summary string, l Limits, e endpoint) Route {
		return Route{http.MethodPost, "/v1/requests/{id}/" + path, "requests.write", summary, l, true, e, writing(problem.NotYet)}
	}
	return []Route{
		row("verify", "Say that it is known who asks: by what means, never by what document", change, taking(func(b *verifyBody) (StepOn, rights.Command) {
			v := rights.Verify{Means: b.Body.Means, Standing: b.Body.Standing, On: b.Body.On, Right: b.Body.Right, Ground: b.Body.Ground}
			if b.Body.SubjectID != nil {
				v.Subject = *b.Body.SubjectID
			}
			return b.StepOn, v
		})),
		row("extend", "Take two further months, of which the person has to be told inside the first", change, taking(func(b *extendBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Extend{Ground: b.Body.Ground, Reasons: b.Body.Reasons}
		})),
		row("assign", "Give a request to somebody", change, taking(func(b *assignBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Assign{Account: b.Body.Account}
		})),
		row("tasks", "Have a system searched, or each of the policy's", change, searching()),
		row("tasks/{task}", "End a task: what was found, or that nothing is held", files, taking(func(b *foundBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Searched{Task: int64(b.Task), Finding: b.Body.Finding, Remark: b.Body.Remark, File: b.Body.File.file()}
		})),
		row("notes", "Add a note or a file", files, taking(func(b *noteBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Remark{Kind: b.Body.Kind, Words: b.Body.Words, File: b.Body.File.file()}
		})),
		row("answer", "Answer a request", change, taking(func(b *answerBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Conclude{Outcome: b.Body.Outcome, Grounds: b.Body.Grounds, Remedies: b.Body.Remedies, Digest: b.Body.Digest,
				Format: b.Body.Format, Certificates: b.Body.Certificates, Words: b.Body.Words}
		})),
		row("refuse", "Refuse a request, with grounds and both remedies", change, taking(func(b *refuseBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Refuse{Grounds: b.Body.Grounds, Remedies: b.Body.Remedies, Reasons: b.Body.Reasons}
		})),
		row("dispatch", "Prove that something was sent to the person", change, taking(func(b *tellBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Tell{Of: b.Body.Of, By: b.Body.By, Sent: b.Body.Sent, Proof: b.Body.Proof}
		})),
		row("withdraw", "The person took the request back; an objection stays", change, taking(func(b *withdrawBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Withdraw{By: b.Body.Channel, Words: b.Body.Words}
		})),
		row("close", "Close a request whose decision was sent", change, taking(func(b *closeBody) (StepOn, rights.Command) {
			return b.StepOn, rights.Close{}
		})),
	}
}

// taking makes the endpoint of a step.
func taking[In any](command func(in *In) (StepOn, rights.Command)) endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *In) (*TakenStep, error) {
		on, cmd := command(in)
		out, err := a.services.Requests.Take(ctx, c.principal.Account, on.ID, on.revision(), cmd)
		return &out, stepProblem(err)
	})
}

// TasksMade are the tasks that were made.
type TasksMade struct {
	Items []TakenStep `json:"items"`
}

func searching() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *taskBody) (*TasksMade, error) {
		t := rights.Search{System: in.Body.System, Title: in.Body.Title, Due: in.Body.Due}
		if in.Body.Owner != nil {
			t.Owner = *in.Body.Owner
		}
		out, err := a.services.Requests.Search(ctx, c.principal.Account, in.ID, in.revision(), t)
		if err != nil {
			return nil, stepProblem(err)
		}
		if out == nil {
			out = []TakenStep{}
		}
		return &TasksMade{out}, nil
	})
}
