package answer

import (
	"cmp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/rights"
)

// Request is what the documents say of the request that they answer. Everything but
// ID and Received may be missing.
type Request struct {
	ID       domain.ID // of the file
	Number   string    // that the person was given; the id if there is no other
	Right    string    // a code: access, erasure …
	Received time.Time
	Due      time.Time // art. 12(3), with the extension if there is one

	Name    string   // of who asks
	Address []string // postal, line by line
	Agent   string   // who acts for the person: the letter goes there
	Died    bool     // it is about somebody who died

	Verified time.Time

	ExtendedTo time.Time
	Complex    string // why: a code of package rights
	Extension  string // and in words

	Grounds []string // of a refusal, whole or in part: codes
	Reasons string   // and in words
	Words   string   // of the answer

	Tasks []Task // systems of the register that were searched
}

// Task is a system that was searched for the request.
type Task struct {
	System  string      `json:"system"`
	Outcome string      `json:"outcome"` // found, nothing_held, not_applicable or pending
	File    string      `json:"file,omitempty"`
	At      domain.Time `json:"at,omitzero"`
}

const taskPending = "pending"

// Of reads a request's file. system names a recipient of the policy.
func Of(r *rights.Request, system func(code string) string) *Request {
	q := &Request{ID: r.Case, Right: string(r.Right), Received: r.Received, Due: cmpTime(r.Due, r.FirstDue), Name: r.Person.Name,
		Agent: r.Person.Agent, Died: r.Person.Deceased != ""}
	for l := range strings.SplitSeq(r.Person.Address, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			q.Address = append(q.Address, l)
		}
	}
	if len(q.Address) == 0 && r.Person.Email != "" {
		q.Address = []string{r.Person.Email}
	}
	if r.Identity != nil {
		q.Verified = r.Identity.On
	}
	if x := r.Extension; x != nil {
		q.ExtendedTo, q.Complex, q.Extension = x.Until, string(x.Ground), x.Reasons
	}
	if x := r.Answer; x != nil {
		q.Words, q.Grounds = x.Words, codesOf(x.Grounds)
	}
	if x := r.Refusal; x != nil {
		q.Reasons, q.Grounds = x.Reasons, codesOf(x.Grounds)
	}
	for _, t := range r.Tasks {
		line := Task{System: t.Title, Outcome: cmp.Or(string(t.Finding), taskPending)}
		if line.System == "" {
			line.System = system(t.System)
		}
		if t.File != nil {
			line.File = t.File.Name
		}
		if !t.Done.IsZero() {
			line.At = domain.NewTime(t.Done)
		}
		q.Tasks = append(q.Tasks, line)
	}
	return q
}

// Complete takes name and address from what is held, where the request said none.
func (r *Request) Complete(v *contact.View) {
	if r.Name == "" {
		r.Name = strings.TrimSpace(word(v.Person["given_name"]) + " " + word(v.Person["family_name"]))
	}
	if len(r.Address) > 0 {
		return
	}
	var post struct {
		Lines      []string `json:"lines"`
		PostalCode string   `json:"postal_code"`
		City       string   `json:"city"`
		Country    string   `json:"country"`
	}
	if a := v.Person["postal_address"]; a.Kind() == '{' && json.Unmarshal(a, &post) == nil {
		r.Address = append(r.Address, post.Lines...)
		if s := strings.TrimSpace(post.PostalCode + " " + post.City); s != "" {
			r.Address = append(r.Address, s)
		}
		if post.Country != "" && post.Country != "FR" {
			r.Address = append(r.Address, post.Country)
		}
	}
	if mail := list(v.Person["emails"]); len(r.Address) == 0 && len(mail) > 0 {
		r.Address = mail[:1]
	}
}

// cmpTime is a, or b if there is none.
func cmpTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

func codesOf[T ~string](l []T) []string {
	out := make([]string, len(l))
	for i, x := range l {
		out[i] = string(x)
	}
	return out
}

// number is what the person may quote.
func (r *Request) number() string {
	if r.Number != "" {
		return r.Number
	}
	if r.ID.IsZero() {
		return ""
	}
	return r.ID.String()
}

// RequestLine is a request as the machine-readable documents say it.
type RequestLine struct {
	ID       domain.ID   `json:"id"`
	Number   string      `json:"number"`
	Right    string      `json:"right,omitempty"`
	Received domain.Time `json:"received_at,omitzero"`
	Due      domain.Time `json:"due_at,omitzero"`
	Searched []Task      `json:"systems,omitempty"`
}

// line is nil for no request.
func (r *Request) line() *RequestLine {
	if r == nil || r.ID.IsZero() {
		return nil
	}
	l := &RequestLine{ID: r.ID, Number: r.number(), Right: r.Right, Searched: r.Tasks}
	if !r.Received.IsZero() {
		l.Received = domain.NewTime(r.Received)
	}
	if !r.Due.IsZero() {
		l.Due = domain.NewTime(r.Due)
	}
	return l
}
