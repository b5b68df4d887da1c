package dpia

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Document is where an assessment is, and what it came to (art. 35(7), 36).
type Document struct {
	Reference    string `json:"reference" doc:"Where the assessment is: number, address, version."`
	Opinion      string `json:"dpo_opinion,omitempty" doc:"What the DPO advised (art. 35(2))."`
	Planned      string `json:"planned_measures,omitempty" doc:"What is not in place yet."`
	Consultation string `json:"consultation,omitempty" doc:"Reference of the authority's consultation (art. 36)."`
}

// Documenting is the step that gives it. Measures that an assessment plans count once
// they are in place (CNIL, SAN-2026-003).
type Documenting struct {
	Document
	ResidualHigh bool
	Implemented  bool
	Due          time.Time // of the measures or of the consultation; zero: as before
}

// Check says by a FieldError what is wrong with it, at a file that is open.
func (d *Documenting) Check(now time.Time) error {
	for _, f := range []struct {
		field, s string
		needed   bool
	}{{"reference", d.Reference, true}, {"dpo_opinion", d.Opinion, false}, {"planned_measures", d.Planned, !d.Implemented}, {"consultation", d.Consultation, false}} {
		if err := words(f.field, f.s, f.needed); err != nil {
			return err
		}
	}
	if d.Due.IsZero() {
		return nil
	}
	d.Due = domain.NewTime(d.Due).Time
	if !d.Due.After(now) || d.Due.After(now.AddDate(3, 0, 0)) {
		return &FieldError{Field: "due"}
	}
	return nil
}

// Codes is what of it stands in clear.
func (d *Documenting) Codes() event.Codes {
	c := event.Codes{}.With("residual_high", d.ResidualHigh).With("implemented", d.Implemented).With("consulted", d.Consultation != "")
	if !d.Due.IsZero() {
		c = c.With(codeDue, domain.FormatTime(d.Due))
	}
	return c
}

// Fields is what of it is sealed.
func (d *Documenting) Fields() ([]event.Field, error) { return object(FieldReference, &d.Document) }

// Step is a step of a file as it reads back.
type Step struct {
	Time      time.Time
	Actor     domain.ID
	Type      event.Type
	Screening *Screening   // of dpia.screened
	Document  *Documenting // of dpia.documented
	Reason    string       // of dpia.closed
	Judged    string       // of dpia.screened: what the criteria said
	Rule      string
	Gone      bool // its words were destroyed
}

// Read reads a file's steps.
func Read(steps []casefile.Step) ([]Step, error) {
	var out []Step
	for i := range steps {
		f := steps[i].Fact
		s := Step{Time: f.Time.Time, Actor: f.Actor, Type: f.Type, Gone: steps[i].Gone}
		var into any
		switch f.Type {
		case event.DPIAScreened:
			s.Screening = &Screening{Activity: f.Codes.ID(codeActivity), Criteria: f.Codes.Strings("criteria"), Mandatory: f.Codes.Strings("mandatory"),
				Exempt: f.Codes.Strings("exempt"), Triggers: f.Codes.Strings("triggers"), Decision: f.Codes.String(codeDecision), Due: f.Codes.Time(codeDue)}
			s.Judged, s.Rule = f.Codes.String(codeJudged), f.Codes.String(codeRule)
			into = &s.Screening.Reasoning
		case event.DPIADocumented:
			s.Document = &Documenting{ResidualHigh: f.Codes.Bool("residual_high"), Implemented: f.Codes.Bool("implemented"), Due: f.Codes.Time(codeDue)}
			into = &s.Document.Document
		case event.DPIAClosed:
			into = &s.Reason
		default:
			return nil, ErrFact
		}
		for _, x := range steps[i].Fields {
			if err := json.Unmarshal(x.Value, into); err != nil {
				return nil, fmt.Errorf("%w: a sealed field cannot be read", ErrFact)
			}
		}
		out = append(out, s)
	}
	return out, nil
}
