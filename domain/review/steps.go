package review

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// FieldWords is the sealed field of a review's steps: one JSON object.
const FieldWords = "review.words"

// words are what a step says beside its codes.
type words struct {
	Text         string           `json:"text,omitempty"`
	Cause        string           `json:"cause,omitempty"`
	Auditor      string           `json:"auditor,omitempty"`
	Participants []string         `json:"participants,omitempty"`
	Roles        map[string]int64 `json:"roles,omitempty"` // what somebody calls a role may be a name
}

const (
	maxMonths = 120
	maxPeople = 2000
	maxRoles  = 50
)

func draft(t event.Type, c event.Codes, w words) (casefile.Draft, error) {
	d := casefile.Draft{Type: t, Codes: c}
	if w.Text == "" && w.Cause == "" && w.Auditor == "" && len(w.Participants) == 0 && len(w.Roles) == 0 {
		return d, nil
	}
	b, err := json.Marshal(w, json.Deterministic(true))
	d.Fields = []event.Field{{Path: FieldWords, Value: b}}
	return d, err
}

// Plan is a review that is to take place.
type Plan struct {
	Kind     string // of Kinds
	For      time.Time
	Months   int // until the next; 0: once
	Scope    string
	Auditor  string
	Assignee domain.ID
	Previous domain.ID // the review that it follows
}

// Draft is the step that opens a review's file.
func (p *Plan) Draft(now time.Time) (casefile.Draft, error) {
	err := casefile.First(casefile.OneOf("kind", p.Kind, Kinds()), casefile.Words("scope", p.Scope, p.Previous.IsZero()), casefile.Words("auditor", p.Auditor, false))
	switch {
	case err != nil:
	case p.For.IsZero():
		err = &casefile.FieldError{Field: "planned_for", Missing: true}
	case p.For.Before(now.AddDate(-10, 0, 0)), p.For.After(now.AddDate(20, 0, 0)):
		err = &casefile.FieldError{Field: "planned_for"}
	case p.Months < 0, p.Months > maxMonths:
		err = &casefile.FieldError{Field: "months"}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With("kind", p.Kind).With("planned", domain.FormatTime(p.For)).With("months", int64(p.Months))
	if !p.Previous.IsZero() {
		c = c.With("previous", p.Previous.String())
	}
	return draft(event.ReviewPlanned, c, words{Text: p.Scope, Auditor: p.Auditor})
}

// Move plans an open review for another date.
func Move(s *casefile.Summary, to time.Time, why string, now time.Time) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.Words("text", why, true))
	switch {
	case err != nil:
	case s.Has(MarkHeld):
		err = &casefile.StateError{Lacks: "not_held"}
	case to.IsZero():
		err = &casefile.FieldError{Field: "planned_for", Missing: true}
	case to.Before(now), to.After(now.AddDate(20, 0, 0)):
		err = &casefile.FieldError{Field: "planned_for"}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	return draft(event.ReviewActed, event.Codes{}.With("planned", domain.FormatTime(to)), words{Text: why})
}

// Session is how a review took place; of a training, who was taught.
type Session struct {
	Held         time.Time
	Roles        map[string]int64 // persons by role; sealed
	Participants []string         // names; sealed
	Text         string
}

// Draft is the step.
func (h *Session) Draft(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.Between("held_at", h.Held, time.Time{}, now), casefile.Words("text", h.Text, false))
	total := int64(0)
	for role, n := range h.Roles {
		if !event.IsCode(role) || strings.Contains(role, ":") || n <= 0 || n > 1e6 || len(h.Roles) > maxRoles {
			err = casefile.First(err, &casefile.FieldError{Field: "roles"})
		}
		total += n
	}
	switch {
	case err != nil:
	case s.Kind == Training && total == 0:
		err = &casefile.FieldError{Field: "roles", Missing: true}
	case len(h.Participants) > maxPeople || slices.ContainsFunc(h.Participants, func(p string) bool { return len(p) > 200 || casefile.Words("", p, true) != nil }):
		err = &casefile.FieldError{Field: "participants"}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With("held", domain.FormatTime(h.Held))
	if total > 0 {
		c = c.With("participants", total)
	}
	return draft(event.ReviewActed, c, words{Text: h.Text, Participants: h.Participants, Roles: h.Roles})
}

// Finding is what a review found.
type Finding struct {
	Gravity string // of Gravities
	Text    string
	Cause   string // needed from minor on
}

// Draft is the step.
func (f *Finding) Draft(s *casefile.Summary) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.OneOf("gravity", f.Gravity, Gravities()), casefile.Words("text", f.Text, true),
		casefile.Words("cause", f.Cause, f.Gravity != "observation"))
	if err != nil {
		return casefile.Draft{}, err
	}
	return draft(event.ReviewNoted, event.Codes{}.With("gravity", f.Gravity), words{Text: f.Text, Cause: f.Cause})
}

// Action is what is done about a finding, by a date.
type Action struct {
	Number  int64 // of one that is in the file; 0 adds one
	Finding int64 // number of the finding, if it answers one
	Text    string
	Owner   domain.ID
	Due     time.Time
	Done    time.Time
	Void    bool
}

// Draft is the step.
func (a *Action) Draft(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.Words("text", a.Text, a.Number == 0 || a.Void))
	ended := !a.Done.IsZero() || a.Void
	switch {
	case err != nil:
	case a.Number < 0, a.Finding < 0, a.Finding > s.Revision:
		err = &casefile.FieldError{Field: "action"}
	case a.Number > 0 && !pendingAction(s, a.Number):
		err = &casefile.StateError{Lacks: "action"}
	case !a.Done.IsZero():
		err = casefile.Between("done_at", a.Done, time.Time{}, now)
	case !ended && a.Due.IsZero():
		err = &casefile.FieldError{Field: "due", Missing: true}
	case !ended && (a.Due.Before(s.Opened) || a.Due.Year() > 2200):
		err = &casefile.FieldError{Field: "due"}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	return draft(event.ReviewActed, a.codes(), words{Text: a.Text})
}

func (a *Action) codes() (c event.Codes) {
	if a.Number > 0 {
		c = c.With("action", a.Number)
	}
	if a.Finding > 0 {
		c = c.With("finding", a.Finding)
	}
	if !a.Owner.IsZero() {
		c = c.With("owner", a.Owner.String())
	}
	switch {
	case a.Void:
		return c.With("void", true)
	case !a.Done.IsZero():
		return c.With("done", domain.FormatTime(a.Done))
	}
	return c.With("due", domain.FormatTime(a.Due))
}

// Close ends a review with a result of Results. The plan of the next one, if it has a
// period, runs from the day on which this one is closed.
func Close(s *casefile.Summary, result, conclusion string, now time.Time) (d casefile.Draft, next *Plan, err error) {
	if err := casefile.First(casefile.StillOpen(s), casefile.OneOf("result", result, Results()), casefile.Words("conclusion", conclusion, true)); err != nil {
		return d, nil, err
	}
	if l := Lacking(s, result); len(l) > 0 {
		return d, nil, &casefile.StateError{Lacks: l[0]}
	}
	c := event.Codes{}.With("result", result)
	if months := Months(s); months > 0 {
		next = &Plan{Kind: s.Kind, For: NextDate(now, months), Months: months, Previous: s.Case}
		c = c.With("next_at", domain.FormatTime(next.For))
	}
	d, err = draft(event.ReviewClosed, c, words{Text: conclusion})
	return d, next, err
}
