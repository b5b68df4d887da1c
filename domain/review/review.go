// Package review is the planned and recorded audits of compliance and security (art.
// 5(2), 24(1), 32(1)(d) GDPR): of files, of access rights, of rooms, of what staff were
// taught, and the watch on anonymisation techniques.
//
// Promised: where a review stands and what is due next follows from its facts' codes
// alone; what was found, who took part and what was concluded are sealed. A review with
// a period has a successor as soon as it is closed. There is no I/O, so a crash leaves
// nothing.
package review

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Kinds of review.
func Kinds() []string {
	return []string{
		"compliance_audit",    // art. 24(1)
		"security_audit",      // art. 32(1)(d)
		"file_review",         // fields, comments, durations: art. 5(1)
		AccessRights,          // yearly (CNIL, guide de la sécurité, fiche 3)
		"training",            // art. 39(1)(b)
		"physical_check",      // rooms, machines, paper
		"anonymisation_watch", // G29 WP216; EDPB 02/2026
	}
}

// Training is the kind whose participants are counted by role.
const Training = "training"

// Gravities of a finding.
func Gravities() []string { return []string{"observation", "minor", "major", "critical"} }

// Results of a review.
func Results() []string { return []string{"conform", "partly", "not_conform", "cancelled"} }

const (
	markDue     = "due/"
	dueHeld     = "held"
	dueAction   = "action."
	markFinding = "finding." // and the gravity
	markPeriod  = "period/"

	// MarkHeld: the review took place.
	MarkHeld = "held"
)

// Fold implements casefile.Fold.
func Fold(s *casefile.Summary, f *event.Fact) {
	c := f.Codes
	switch f.Type {
	case event.ReviewPlanned:
		s.Kind = c.String("kind")
		setDue(s, dueHeld, c.Time("planned"))
		if n := c.Int("months"); n > 0 {
			s.Mark(markPeriod + strconv.FormatInt(n, 10))
		}
	case event.ReviewNoted:
		s.Mark(markFinding + c.String("gravity"))
	case event.ReviewActed:
		switch held := c.Time("held"); {
		case c.String("sha256") != "":
			foldRights(s, c)
		case !held.IsZero():
			s.Mark(MarkHeld)
			setDue(s, dueHeld, time.Time{})
		case !c.Time("planned").IsZero():
			setDue(s, dueHeld, c.Time("planned"))
		default:
			n := c.Int("action")
			if n == 0 {
				n = s.Revision
			}
			setDue(s, dueAction+strconv.FormatInt(n, 10), c.Time("due"))
		}
	case event.ReviewClosed:
		s.End(casefile.Closed, f.Time.Time)
		return
	}
	s.Due = time.Time{}
	if p := PendingOf(s); len(p) > 0 {
		s.Due = p[0].Due
	}
}

func setDue(s *casefile.Summary, what string, at time.Time) {
	prefix := markDue + what + "/"
	for _, m := range slices.Clone(s.Marks) {
		if strings.HasPrefix(m, prefix) {
			s.Unmark(m)
		}
	}
	if !at.IsZero() {
		s.Mark(prefix + domain.FormatTime(at))
	}
}

// Pending is something that is due.
type Pending struct {
	What   string    `json:"what" enum:"held,action" doc:"held: the review is to take place."`
	Action int64     `json:"action,omitzero" doc:"Its number."`
	Due    time.Time `json:"due"`
}

// PendingOf lists what is due in a file that is open, the most urgent first.
func PendingOf(s *casefile.Summary) []Pending {
	var out []Pending
	for _, m := range s.Marks {
		rest, ok := strings.CutPrefix(m, markDue)
		if !ok || !s.Closed.IsZero() {
			continue
		}
		what, at, _ := strings.Cut(rest, "/")
		p := Pending{What: what}
		if n, ok := strings.CutPrefix(what, dueAction); ok {
			p.What = "action"
			p.Action, _ = strconv.ParseInt(n, 10, 64)
		}
		p.Due, _ = domain.ParseTime(at)
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b Pending) int { return a.Due.Compare(b.Due) })
	return out
}

func pendingAction(s *casefile.Summary, n int64) bool {
	return slices.ContainsFunc(PendingOf(s), func(p Pending) bool { return p.What == "action" && p.Action == n })
}

// Months is the period of a review, 0 for one that is not repeated.
func Months(s *casefile.Summary) int {
	for _, m := range s.Marks {
		if n, ok := strings.CutPrefix(m, markPeriod); ok {
			months, _ := strconv.Atoi(n)
			return months
		}
	}
	return 0
}

// NextDate is a number of months after a day, at the last day of a shorter month.
func NextDate(after time.Time, months int) time.Time {
	next := after.AddDate(0, months, 0)
	if next.Day() != after.Day() {
		next = next.AddDate(0, 0, -next.Day())
	}
	return next
}

// Lacking is what a review needs before it can be closed; a cancelled one nothing but
// the end of its actions. A review of access rights needs decisions on all of them.
func Lacking(s *casefile.Summary, result string) []string {
	out := []string{}
	if !s.Has(MarkHeld) && result != "cancelled" {
		out = append(out, "held")
	}
	if s.Kind == AccessRights && !s.Has(MarkRights) && result != "cancelled" {
		out = append(out, "rights")
	}
	if slices.ContainsFunc(PendingOf(s), func(p Pending) bool { return p.What == "action" }) {
		out = append(out, "actions")
	}
	return out
}
