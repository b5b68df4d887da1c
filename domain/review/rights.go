package review

import (
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/habilitation"
)

// AccessRights is the kind whose reviewers decide on each role and account of the matrix
// of rights (CNIL, guide de la sécurité 2024, fiche 3: yearly).
const AccessRights = "access_rights_review"

// Decisions on a role or an account.
const (
	Kept      = "kept"
	Changed   = "changed"
	Withdrawn = "withdrawn"
)

// Decisions lists them.
func Decisions() []string { return []string{Kept, Changed, Withdrawn} }

const (
	// MarkRights: every role and account was decided on.
	MarkRights = "rights"
	markLeft   = "left/" // and an account that is still to be decided on
)

// Decision is about one of both.
type Decision struct {
	Role    string
	Account domain.ID
	What    string // Kept, Changed or Withdrawn
}

// of is what the decision is about, as facts name it.
func (d *Decision) of() string {
	if d.Account.IsZero() {
		return d.Role
	}
	return d.Account.String()
}

// Rights are decisions on the matrix that somebody looked at.
type Rights struct {
	SHA256    string // of the matrix that was looked at
	Decisions []Decision
	Text      string
	By        domain.ID // the account that decides
}

// Draft is the step: a decision on every role and on every account that may act, in the
// matrix as it is now. Nobody decides on the own account: that is left for a further
// step of somebody else, who decides on what is left alone.
func (r *Rights) Draft(s *casefile.Summary, m *habilitation.Rights, now time.Time) (casefile.Draft, error) {
	sum, err := m.Digest()
	if err != nil {
		return casefile.Draft{}, err
	}
	err = casefile.First(casefile.StillOpen(s), casefile.Words("text", r.Text, false))
	switch {
	case err != nil:
	case s.Kind != AccessRights:
		err = &casefile.StateError{Lacks: AccessRights}
	case s.Has(MarkRights):
		err = &casefile.StateError{Lacks: "not_held"}
	case r.SHA256 != sum:
		err = &casefile.StateError{Lacks: "current_matrix"}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	due := toDecide(s, m)
	own := ""
	if !r.By.IsZero() && slices.Contains(due, r.By.String()) {
		own = r.By.String()
		due = slices.DeleteFunc(due, func(of string) bool { return of == own })
	}
	if own != "" && len(due) == 0 {
		return casefile.Draft{}, &casefile.StateError{Lacks: "other_reviewer"}
	}
	c, err := r.codes(due)
	if err != nil {
		return casefile.Draft{}, err
	}
	c = c.With("sha256", sum).With("policy_version", m.Policy)
	if own != "" {
		c = c.With("left", []string{own})
	} else {
		c = c.With("held", domain.FormatTime(now))
	}
	return draft(event.ReviewActed, c, words{Text: r.Text})
}

// toDecide is what of the matrix is still to be decided on.
func toDecide(s *casefile.Summary, m *habilitation.Rights) (out []string) {
	left := Left(s)
	if len(left) == 0 {
		for _, role := range m.Roles {
			out = append(out, role.Code)
		}
	}
	for _, a := range m.Accounts {
		if id := a.ID.String(); a.State == habilitation.Active && (len(left) == 0 || slices.Contains(left, id)) {
			out = append(out, id)
		}
	}
	return out
}

// Left lists the accounts that whoever decided on the rest had to leave to another.
func Left(s *casefile.Summary) (out []string) {
	for _, m := range s.Marks {
		if id, ok := strings.CutPrefix(m, markLeft); ok {
			out = append(out, id)
		}
	}
	return out
}

// codes are the decisions: one on each thing that is due, and on nothing else.
func (r *Rights) codes(due []string) (c event.Codes, err error) {
	by, seen := map[string][]string{}, map[string]bool{}
	for i := range r.Decisions {
		d := &r.Decisions[i]
		of := d.of()
		if !slices.Contains(Decisions(), d.What) || seen[of] || !slices.Contains(due, of) || d.Role != "" && !d.Account.IsZero() {
			return nil, &casefile.FieldError{Field: "decisions"}
		}
		seen[of] = true
		by[d.What] = append(by[d.What], of)
	}
	if len(seen) != len(due) {
		return nil, &casefile.FieldError{Field: "decisions", Missing: true}
	}
	for what, of := range by {
		slices.Sort(of)
		c = c.With(what, of)
	}
	return c, nil
}

// foldRights takes a step of decisions into a summary.
func foldRights(s *casefile.Summary, c event.Codes) {
	for _, id := range Left(s) {
		s.Unmark(markLeft + id)
	}
	for _, id := range c.Strings("left") {
		s.Mark(markLeft + id)
	}
	if held := c.Time("held"); !held.IsZero() {
		s.Mark(MarkRights, MarkHeld)
		setDue(s, dueHeld, time.Time{})
	}
}

// RightsDone is a step of decisions.
type RightsDone struct {
	Step
	SHA256    string   `json:"sha256" doc:"Of the matrix that was decided on, see /v1/habilitations."`
	Policy    int64    `json:"policy_version"`
	Kept      []string `json:"kept,omitempty" doc:"Roles by code, accounts by id."`
	Changed   []string `json:"changed,omitempty"`
	Withdrawn []string `json:"withdrawn,omitempty"`
	Left      []string `json:"left,omitempty" doc:"The decider's own account, for somebody else."`
	Text      string   `json:"text,omitempty"`
}

func rightsDone(st Step, c event.Codes, w *words) RightsDone {
	return RightsDone{st, c.String("sha256"), c.Int("policy_version"), c.Strings(Kept), c.Strings(Changed), c.Strings(Withdrawn), c.Strings("left"), w.Text}
}
