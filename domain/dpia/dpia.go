// Package dpia says when a data protection impact assessment (analyse d'impact, AIPD) is
// needed (art. 35 GDPR): the nine criteria of WP248 rev.01, the CNIL's two lists, and the
// signs of a CRM's real use; and it keeps the reasoning, and what is due until the
// assessment exists and what it planned was done.
//
// Promised: what Check accepts, Codes and Fields write and Read reads are the same;
// nothing but codes of this package stands in clear. Nobody can decide against the
// CNIL's list of mandatory types, leave a sign of use unanswered, or decide otherwise
// than the criteria say without writing why. There is no I/O, so a crash leaves nothing.
package dpia

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// The sealed fields of the facts.
const (
	FieldReasoning = "dpia.reasoning" // one JSON object, a Reasoning
	FieldReference = "dpia.reference" // one JSON object, a Document
	FieldReason    = "dpia.reason"    // words: why it was closed
)

// The kinds of a file, and of a decision.
const (
	Required    = "required"
	NotRequired = "not_required"
)

// The states of a file, besides casefile.Open and Closed.
const (
	Documented   = "documented"   // a reference was given, and what was planned is done
	Measures     = "measures"     // measures that were planned are not all in place yet
	Consultation = "consultation" // the risk stays high: the authority is to be asked first (art. 36)
)

const (
	codeActivity = "activity"
	codeDecision = "decision"
	codeJudged   = "judged"
	codeRule     = "rule"
	codeDue      = "due"

	markActivity = "activity:"
	markTrigger  = "trigger:"

	maxWords = 4000
	// DueDays is how long there is to give a reference when nobody says otherwise. The
	// assessment is owed before the processing begins (art. 35(1)); of one that runs
	// already it is a usual time.
	DueDays = 60
)

// ErrFact: a fact is no step of an assessment.
var ErrFact = errors.New("the fact is no step of an impact assessment")

// Fold implements casefile.Fold.
func Fold(s *casefile.Summary, f *event.Fact) {
	at := f.Time.Time
	switch f.Type {
	case event.DPIAScreened:
		s.Kind, s.Marks = f.Codes.String(codeDecision), nil
		s.Mark(markActivity + f.Codes.String(codeActivity))
		for _, t := range f.Codes.Strings("triggers") {
			s.Mark(markTrigger + t)
		}
		if s.Kind == NotRequired {
			s.End(NotRequired, at)
			return
		}
		s.Due = f.Codes.Time(codeDue)
	case event.DPIADocumented:
		switch {
		case f.Codes.Bool("residual_high") && !f.Codes.Bool("consulted"):
			s.Status = Consultation
		case !f.Codes.Bool("implemented"):
			s.Status = Measures
		default:
			s.Status, s.Due = Documented, time.Time{}
			return
		}
		if due := f.Codes.Time(codeDue); !due.IsZero() {
			s.Due = due
		}
	case event.DPIAClosed:
		s.End(casefile.Closed, at)
	}
}

// ActivityOf is the entry of the register that a file is about.
func ActivityOf(s *casefile.Summary) domain.ID {
	for _, m := range s.Marks {
		if text, ok := strings.CutPrefix(m, markActivity); ok {
			id, _ := domain.ParseID(text)
			return id
		}
	}
	return domain.ID{}
}

// ActivityMark is the mark of the files about an entry of the register.
func ActivityMark(activity domain.ID) string { return markActivity + activity.String() }

// TriggersOf are the signs of use that were known when it was decided.
func TriggersOf(s *casefile.Summary) (out []string) {
	for _, m := range s.Marks {
		if t, ok := strings.CutPrefix(m, markTrigger); ok {
			out = append(out, t)
		}
	}
	return out
}

// FieldError names what of a step is missing or cannot be, never its value.
type FieldError struct {
	Field   string
	Missing bool
}

func (e *FieldError) Error() string {
	if e.Missing {
		return fmt.Sprintf("an impact assessment needs %s", e.Field)
	}
	return fmt.Sprintf("%s of the impact assessment is not valid", e.Field)
}

// Screening is what is said when it is decided whether an assessment is needed.
type Screening struct {
	Activity  domain.ID
	Criteria  []string // of WP248, that are met
	Mandatory []string // types of délib. 2018-327 that it is of
	Exempt    []string // types of délib. 2019-118 that it is of
	Decision  string   // "": what Judge says
	Due       time.Time
	Reasoning Reasoning
	Triggers  []string // signs of use that were found, whether the criteria hold or not
}

// Reasoning is the words of a decision, kept as evidence (art. 5(2), 35).
type Reasoning struct {
	Words     string            `json:"reasoning" doc:"Why the criteria are met, or not."`
	Departure string            `json:"departure,omitempty" doc:"Why it is decided otherwise than the criteria say."`
	SetAside  map[string]string `json:"set_aside,omitempty" doc:"By sign of use that was found: why its criterion is not met."`
}

// Check completes a screening made now, with the signs of use that were found, or says
// by a FieldError what is wrong with it.
func (s *Screening) Check(found []Trigger, now time.Time) error {
	if s.Activity.IsZero() {
		return &FieldError{"activity_id", true}
	}
	for _, l := range []struct {
		field string
		list  *[]string
		of    []Term
	}{{"criteria", &s.Criteria, Criteria()}, {"mandatory", &s.Mandatory, Mandatory()}, {"exempt", &s.Exempt, Exempt()}} {
		slices.Sort(*l.list)
		*l.list = slices.Compact(*l.list)
		if slices.ContainsFunc(*l.list, func(c string) bool { return !known(l.of, c) }) {
			return &FieldError{Field: l.field}
		}
	}
	if err := words("reasoning", s.Reasoning.Words, true); err != nil {
		return err
	}
	if err := s.answers(found); err != nil {
		return err
	}
	return s.decide(now)
}

// answers takes in the signs that were found: each has its criterion met, or a reason
// why it is not.
func (s *Screening) answers(found []Trigger) error {
	s.Triggers = nil
	for _, t := range found {
		s.Triggers = append(s.Triggers, t.Code)
		if !slices.Contains(s.Criteria, t.Criterion) {
			if err := words("set_aside."+t.Code, s.Reasoning.SetAside[t.Code], true); err != nil {
				return err
			}
		}
	}
	slices.Sort(s.Triggers)
	for code, why := range s.Reasoning.SetAside {
		if !slices.Contains(s.Triggers, code) || words("", why, true) != nil {
			return &FieldError{Field: "set_aside"}
		}
	}
	return nil
}

func (s *Screening) decide(now time.Time) error {
	judged, _ := s.Judge()
	switch s.Decision {
	case "":
		s.Decision = judged
	case Required, NotRequired:
	default:
		return &FieldError{Field: "decision"}
	}
	if s.Decision == NotRequired && len(s.Mandatory) > 0 {
		return &FieldError{Field: "decision"}
	}
	if err := words("departure", s.Reasoning.Departure, s.Decision != judged); err != nil {
		return err
	}
	if s.Decision == NotRequired {
		s.Due = time.Time{}
		return nil
	}
	if s.Due.IsZero() {
		s.Due = now.AddDate(0, 0, DueDays)
	}
	s.Due = domain.NewTime(s.Due).Time
	if !s.Due.After(now) || s.Due.After(now.AddDate(1, 0, 0)) {
		return &FieldError{Field: "due"}
	}
	return nil
}

func words(field, s string, needed bool) error {
	switch {
	case needed && strings.TrimSpace(s) == "":
		return &FieldError{field, true}
	case len(s) > maxWords || !utf8.ValidString(s):
		return &FieldError{Field: field}
	}
	return nil
}

// The rules that Judge decides by.
const (
	ByMandatoryList = "mandatory_list" // art. 35(4), délib. 2018-327
	ByExemptList    = "exempt_list"    // art. 35(5), délib. 2019-118
	ByCriteria      = "criteria"       // two of the nine: WP248 rev.01
	ByTooFew        = "too_few_criteria"
)

// Judge is what the law's lists and criteria say of a screening, and by which rule. The
// list of mandatory types goes before that of exempt ones: clients and prospects are on
// none of the latter.
func (s *Screening) Judge() (decision, rule string) {
	switch {
	case len(s.Mandatory) > 0:
		return Required, ByMandatoryList
	case len(s.Exempt) > 0:
		return NotRequired, ByExemptList
	case len(s.Criteria) >= 2:
		return Required, ByCriteria
	}
	return NotRequired, ByTooFew
}

// Codes is what of a checked screening stands in clear.
func (s *Screening) Codes() event.Codes {
	judged, rule := s.Judge()
	c := event.Codes{}.With(codeActivity, s.Activity.String()).With(codeDecision, s.Decision).With(codeJudged, judged).With(codeRule, rule)
	for name, list := range map[string][]string{"criteria": s.Criteria, "mandatory": s.Mandatory, "exempt": s.Exempt, "triggers": s.Triggers} {
		if len(list) > 0 {
			c = c.With(name, list)
		}
	}
	if !s.Due.IsZero() {
		c = c.With(codeDue, domain.FormatTime(s.Due))
	}
	return c
}

// Fields is what of it is sealed.
func (s *Screening) Fields() ([]event.Field, error) { return object(FieldReasoning, &s.Reasoning) }

func object(path string, v any) ([]event.Field, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("impact assessment: %w", err)
	}
	return []event.Field{{Path: path, Value: b}}, nil
}
