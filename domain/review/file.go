package review

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// ErrFile: the steps are not those of a review.
var ErrFile = errors.New("the steps are not those of a review")

// File is a review as people read it. Words are absent once they were destroyed.
type File struct {
	Planned    time.Time     `json:"planned_for"`
	Months     int           `json:"months,omitzero" doc:"Until the next one."`
	Previous   domain.ID     `json:"previous,omitzero" doc:"The review that it follows."`
	Scope      string        `json:"scope,omitempty"`
	Auditor    string        `json:"auditor,omitempty"`
	Sessions   []SessionDone `json:"sessions,omitempty"`
	Rights     []RightsDone  `json:"rights,omitempty" doc:"Decisions on roles and accounts."`
	Findings   []FindingDone `json:"findings,omitempty"`
	Actions    []ActionDone  `json:"actions,omitempty"`
	Pending    []Pending     `json:"pending" doc:"What is due, the most urgent first."`
	Result     string        `json:"result,omitempty"`
	Conclusion string        `json:"conclusion,omitempty"`
	Next       time.Time     `json:"next_at,omitzero" doc:"When the next one is planned for."`
	Destroyed  bool          `json:"destroyed,omitzero" doc:"Its words were destroyed at their term."`
}

// Step is what each step has.
type Step struct {
	Number  int64     `json:"number" doc:"Of the step in the file."`
	EventID domain.ID `json:"event_id"`
	At      time.Time `json:"at"`
	By      domain.ID `json:"by,omitzero" doc:"The account; absent: the operator of the machine."`
}

// SessionDone is how a review took place.
type SessionDone struct {
	Step
	Held         time.Time        `json:"held_at"`
	Roles        map[string]int64 `json:"roles,omitempty" doc:"Persons by role."`
	Participants []string         `json:"participants,omitempty"`
	Text         string           `json:"text,omitempty"`
}

// FindingDone is a finding.
type FindingDone struct {
	Step
	Gravity string `json:"gravity"`
	Text    string `json:"text,omitempty"`
	Cause   string `json:"cause,omitempty"`
}

// ActionDone is an action with what became of it.
type ActionDone struct {
	Step
	Finding int64     `json:"finding,omitzero"`
	Text    string    `json:"text,omitempty"`
	Owner   domain.ID `json:"owner,omitzero"`
	Due     time.Time `json:"due,omitzero"`
	Done    time.Time `json:"done_at,omitzero"`
	Void    bool      `json:"void,omitzero"`
	Ended   string    `json:"ended,omitempty" doc:"What was said at its end."`
}

// Read makes a file of its summary and its steps, in their order.
func Read(s *casefile.Summary, steps []casefile.Step) (*File, error) {
	if len(steps) == 0 || s.Desk != casefile.Review || steps[0].Fact.Type != event.ReviewPlanned {
		return nil, ErrFile
	}
	f := &File{Months: Months(s), Pending: append([]Pending{}, PendingOf(s)...)}
	for i := range steps {
		if err := f.take(int64(i), &steps[i]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *File) take(n int64, x *casefile.Step) error {
	var w words
	for _, field := range x.Fields {
		if field.Path == FieldWords && json.Unmarshal(field.Value, &w) != nil {
			return ErrFile // what it says may be anything
		}
	}
	f.Destroyed = f.Destroyed || x.Gone
	c, st := x.Fact.Codes, Step{n, x.Fact.ID, x.Fact.Time.Time, x.Fact.Actor}
	switch x.Fact.Type {
	case event.ReviewPlanned:
		f.Planned, f.Previous, f.Scope, f.Auditor = c.Time("planned"), c.ID("previous"), w.Text, w.Auditor
	case event.ReviewNoted:
		f.Findings = append(f.Findings, FindingDone{st, c.String("gravity"), w.Text, w.Cause})
	case event.ReviewActed:
		f.act(st, c, &w)
	case event.ReviewClosed:
		f.Result, f.Conclusion, f.Next = c.String("result"), w.Text, c.Time("next_at")
	}
	return nil
}

func (f *File) act(st Step, c event.Codes, w *words) {
	if c.String("sha256") != "" {
		f.Rights = append(f.Rights, rightsDone(st, c, w))
		return
	}
	if held := c.Time("held"); !held.IsZero() {
		f.Sessions = append(f.Sessions, SessionDone{st, held, w.Roles, w.Participants, w.Text})
		return
	}
	if planned := c.Time("planned"); !planned.IsZero() {
		f.Planned = planned
		return
	}
	n, text := c.Int("action"), w.Text
	if n == 0 {
		f.Actions = append(f.Actions, ActionDone{Step: st, Finding: c.Int("finding"), Text: text})
		n, text = st.Number, ""
	}
	for i := range f.Actions {
		a := &f.Actions[i]
		if a.Number != n {
			continue
		}
		if owner := c.ID("owner"); !owner.IsZero() {
			a.Owner = owner
		}
		if due := c.Time("due"); !due.IsZero() {
			a.Due = due
		}
		if a.Done, a.Void = c.Time("done"), c.Bool("void"); text != "" {
			a.Ended = text
		}
	}
}
