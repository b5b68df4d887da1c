// Package register is the register of processing activities (art. 30 GDPR): what an
// entry says, as controller and as processor, how it stands in facts and in the columns
// of the CNIL's model, and where it differs from the policy in force and from what the
// facts show to be done.
//
// Promised: what Check accepts, Codes and Fields write and Read reads are the same;
// nothing but codes of the policy and of this package stands in clear. A row of columns
// reads back as the entry that it was written from. Findings and usage are pure folds,
// and name no person. Assumed: facts come once each, in the order of the log. There is
// no I/O, so a crash leaves nothing.
package register

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// The sealed fields of activity.recorded and activity.ended.
const (
	FieldEntry        = "activity.entry"        // one JSON object, an Entry
	FieldOrganisation = "activity.organisation" // one JSON object, an Organisation
	FieldReason       = "activity.reason"       // words: why it ended
)

// The codes of activity.recorded.
const (
	codeRole       = "role"
	codePurposes   = "purposes"
	codeClasses    = "classes"
	codeRecipients = "recipients"
	codeTemplate   = "template"
)

// KindOrganisation is the kind of the file that holds the header of a register; the
// others are of a Role.
const KindOrganisation = "organisation"

// ReviewMonths is after how long an entry that nobody recorded anew is brought to mind.
// The law asks for an up-to-date register without a period (art. 30(1), 24(1)); a year
// is usual.
const ReviewMonths = 12

// ErrFact: a fact is no state of an entry of the register.
var ErrFact = errors.New("the fact holds no entry of the register")

const (
	markPurpose  = "purpose:"
	markTemplate = "template:"
)

// Fold implements casefile.Fold.
func Fold(s *casefile.Summary, f *event.Fact) {
	switch f.Type {
	case event.ActivityRecorded:
		s.Kind = f.Codes.String(codeRole)
		s.Marks = nil
		for _, p := range f.Codes.Strings(codePurposes) {
			s.Mark(markPurpose + p)
		}
		if t := f.Codes.String(codeTemplate); t != "" {
			s.Mark(markTemplate + t)
		}
		if s.Kind != KindOrganisation {
			s.Due = f.Time.AddDate(0, ReviewMonths, 0)
		}
	case event.ActivityEnded:
		s.End(casefile.Closed, f.Time.Time)
	}
}

// PurposeMark is the mark of a file whose entry covers a purpose of the policy.
func PurposeMark(purpose string) string { return markPurpose + purpose }

// TemplateOf is the template that a file was made from, "" if none.
func TemplateOf(s *casefile.Summary) string {
	for _, m := range s.Marks {
		if t, ok := strings.CutPrefix(m, markTemplate); ok {
			return t
		}
	}
	return ""
}

// Codes is what of a checked entry stands in clear; template is "" if it is of none.
func (e *Entry) Codes(template string) event.Codes {
	c := event.Codes{}.With(codeRole, string(e.Role))
	add := func(name string, list []string) {
		if list = slices.Compact(slices.Sorted(slices.Values(list))); len(list) > 0 {
			c = c.With(name, list)
		}
	}
	add(codePurposes, e.Purposes)
	var classes, recipients []string
	for _, d := range e.Data {
		classes = append(classes, d.Classes...)
	}
	for _, r := range e.Recipients {
		if r.Code != "" {
			recipients = append(recipients, r.Code)
		}
	}
	add(codeClasses, classes)
	add(codeRecipients, recipients)
	if template != "" {
		c = c.With(codeTemplate, template)
	}
	return c
}

// Fields is what of it is sealed.
func (e *Entry) Fields() ([]event.Field, error) { return object(FieldEntry, e) }

func object(path string, v any) ([]event.Field, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("entry of the register: %w", err)
	}
	return []event.Field{{Path: path, Value: b}}, nil
}

// State is an entry as one step of its file recorded it.
type State struct {
	Time   time.Time
	Actor  domain.ID
	Entry  *Entry // nil: its words were destroyed, or the activity ended here
	Ended  bool
	Reason string // why it ended
	Gone   bool
}

// Read reads the states of an entry from the steps of its file.
func Read(steps []casefile.Step) ([]State, error) {
	var out []State
	for i := range steps {
		s := &steps[i]
		st := State{Time: s.Fact.Time.Time, Actor: s.Fact.Actor, Gone: s.Gone, Ended: s.Fact.Type == event.ActivityEnded}
		for _, f := range s.Fields {
			var err error
			switch f.Path {
			case FieldEntry:
				st.Entry = new(Entry)
				err = json.Unmarshal(f.Value, st.Entry)
			case FieldReason:
				err = json.Unmarshal(f.Value, &st.Reason)
			}
			if err != nil {
				return nil, fmt.Errorf("%w: a sealed field cannot be read", ErrFact)
			}
		}
		if s.Fact.Type != event.ActivityRecorded && !st.Ended || !st.Ended && st.Entry == nil && !st.Gone {
			return nil, ErrFact
		}
		out = append(out, st)
	}
	return out, nil
}

// Latest is the entry that stands: the last that was recorded, nil if its words are gone.
func Latest(states []State) *Entry {
	for _, s := range slices.Backward(states) {
		if !s.Ended {
			return s.Entry
		}
	}
	return nil
}
