// Package casefile is what the DPO's desks have in common: a file (dossier) about
// one matter - a rights request, a processing activity, an impact assessment, a
// breach, a review - that is opened, gets one step after another, has a date by
// which something is due, and is closed. Each step is an event.
//
// Promised: a summary is a pure fold over facts, in the order of the log; who folds
// the same steps gets the same summary. Steps of one file are numbered, so that two
// people who decide on the same state of it cannot both win. What a desk's steps mean
// is that desk's own package. There is no I/O, so a crash leaves nothing.
package casefile

import (
	"slices"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// Desk is the noun of a desk's events: "breach" of breach.opened.
type Desk string

// The desks.
const (
	Request  Desk = "request"  // art. 12, 15 to 22
	Activity Desk = "activity" // art. 30
	DPIA     Desk = "dpia"     // art. 35
	Breach   Desk = "breach"   // art. 33, 34
	Review   Desk = "review"   // art. 5(2), 24(1), 32(1)(d)
)

// Desks lists them, in the order of the law's articles.
func Desks() []Desk { return []Desk{Request, Activity, Breach, DPIA, Review} }

// CodeCase is the code by which a step names its file; a fact without it opens one,
// whose id is its own.
const CodeCase = "case"

// Status is where a file stands: a word of its desk, or one of these.
const (
	Open   = "open"
	Closed = "closed"
)

// DeskOf is the desk a type of fact is a step at.
func DeskOf(t event.Type) (Desk, bool) {
	noun, _, ok := strings.Cut(string(t), ".")
	return Desk(noun), ok && slices.Contains(Desks(), Desk(noun))
}

// CaseOf is the file a step belongs to, and whether it opens it.
func CaseOf(f *event.Fact) (id domain.ID, opens bool) {
	if id = f.Codes.ID(CodeCase); id.IsZero() {
		return f.ID, true
	}
	return id, false
}

// Reminder is the type of a desk's reminders: they are no steps.
func Reminder(d Desk) event.Type { return event.Type(string(d) + ".reminded") }

// Summary is what a file's facts alone tell of it: no words of anybody.
type Summary struct {
	Case       domain.ID
	Desk       Desk
	Position   domain.Position // of the fact that opened it
	Last       domain.Position // of its last step
	Revision   int64           // steps after the first
	Kind       string          // a code of the desk: the right, the kind of review
	Status     string
	Controller string
	Subject    domain.ID // the person it is about, once known
	Assignee   domain.ID // the account that works on it
	Opened     time.Time
	Due        time.Time // zero: nothing is due
	Closed     time.Time // zero while it is open
	Marks      []string  // further codes of the desk, sorted, each once
}

// Fold takes one step into a summary. It is given a desk's own facts only, the first
// with Begin already done.
type Fold func(s *Summary, f *event.Fact)

// Begin is the summary of a file that f opens.
func Begin(f *event.Fact, at domain.Position) *Summary {
	d, _ := DeskOf(f.Type)
	return &Summary{Case: f.ID, Desk: d, Position: at, Last: at, Status: Open, Controller: f.Controller, Subject: f.Subject, Opened: f.Time.Time}
}

// Mark adds codes.
func (s *Summary) Mark(marks ...string) {
	for _, m := range marks {
		if at, found := slices.BinarySearch(s.Marks, m); !found {
			s.Marks = slices.Insert(s.Marks, at, m)
		}
	}
}

// Unmark removes one.
func (s *Summary) Unmark(mark string) {
	if at, found := slices.BinarySearch(s.Marks, mark); found {
		s.Marks = slices.Delete(s.Marks, at, at+1)
	}
}

// Has reports whether a code is there.
func (s *Summary) Has(mark string) bool {
	_, found := slices.BinarySearch(s.Marks, mark)
	return found
}

// End closes the file; nothing is due any more.
func (s *Summary) End(status string, at time.Time) {
	s.Status, s.Closed, s.Due = status, at, time.Time{}
}

// Overdue reports that something should have been done before now.
func (s *Summary) Overdue(now time.Time) bool { return !s.Due.IsZero() && now.After(s.Due) }

// Step is one of a file's facts, with what was opened of its sealed words.
type Step struct {
	Position domain.Position
	Fact     *event.Fact
	Fields   []event.Field
	Gone     bool // its words were destroyed
}

// Draft is a step to be written.
type Draft struct {
	Type       event.Type
	Case       domain.ID // zero opens a file
	ID         domain.ID // of the file it opens, if that follows from something; else random
	Revision   int64     // of the file that it was decided on; the step becomes the next
	Subject    domain.ID
	Actor      domain.ID
	Controller string
	Time       time.Time     // the ledger's clock if zero
	Codes      event.Codes   // without CodeCase
	Fields     []event.Field // words, sealed under the file's own key
}
