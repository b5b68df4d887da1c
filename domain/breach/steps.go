package breach

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// The sealed fields of a breach's steps: one JSON object each.
const (
	FieldForm  = "breach.form"
	FieldWords = "breach.words"
)

// words are what a step says beside its codes.
type words struct {
	Text        string `json:"text,omitempty"`
	Number      string `json:"number,omitempty"`
	Prior       string `json:"prior,omitempty"`
	LateReasons string `json:"late_reasons,omitempty"`
	Recipient   string `json:"recipient,omitempty"`
}

func sealed(path string, v any) ([]event.Field, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	return []event.Field{{Path: path, Value: b}}, nil
}

// draft is a step of an open file.
func draft(t event.Type, c event.Codes, w words) (casefile.Draft, error) {
	d := casefile.Draft{Type: t, Codes: c}
	if w == (words{}) {
		return d, nil
	}
	var err error
	d.Fields, err = sealed(FieldWords, w)
	return d, err
}

// Opening is what is known when a file is opened. The clock runs from Aware on:
// from a reasonable degree of certainty that personal data were compromised (EDPB
// 9/2022, no. 31).
type Opening struct {
	Role       string
	Controller string    // a code of the policy
	Aware      time.Time // zero: now
	Form       Form
}

// Draft is the step that opens a file.
func (o *Opening) Draft(now time.Time) (casefile.Draft, error) {
	if o.Aware.IsZero() {
		o.Aware = now
	}
	if o.Form.Chronology.Discovered.IsZero() {
		o.Form.Chronology.Discovered = domain.NewTime(o.Aware).Time
	}
	if o.Form.Chronology.State == "" {
		o.Form.Chronology.State = "suspected"
	}
	if err := casefile.First(casefile.OneOf("role", o.Role, Roles()), casefile.Between("aware_at", o.Aware, time.Time{}, now), o.Form.Check()); err != nil {
		return casefile.Draft{}, err
	}
	fields, err := sealed(FieldForm, &o.Form)
	return casefile.Draft{Type: event.BreachOpened, Controller: o.Controller, Fields: fields,
		Codes: o.Form.codes().With("role", o.Role).With("aware", domain.FormatTime(o.Aware))}, err
}

// codes are what of a form stands in clear.
func (f *Form) codes() event.Codes {
	c := event.Codes{}.With("state", f.Chronology.State).With("whole", len(f.Missing()) == 0).With(MarkCause, strings.TrimSpace(f.Nature.RootCause) != "")
	if n := slices.Clone(f.Nature.Nature); len(n) > 0 {
		slices.Sort(n)
		c = c.With("nature", slices.Compact(n))
	}
	return c
}

// Rewrite replaces the form by what is known now.
func Rewrite(s *casefile.Summary, f *Form) (casefile.Draft, error) {
	if f.Chronology.State == "" {
		f.Chronology.State = "suspected"
	}
	if err := casefile.First(casefile.StillOpen(s), f.Check()); err != nil {
		return casefile.Draft{}, err
	}
	fields, err := sealed(FieldForm, f)
	return casefile.Draft{Type: event.BreachNoted, Codes: f.codes(), Fields: fields}, err
}

// Note adds words to the file.
func Note(s *casefile.Summary, said string) (casefile.Draft, error) {
	if err := casefile.First(casefile.StillOpen(s), casefile.Words("text", said, true)); err != nil {
		return casefile.Draft{}, err
	}
	return draft(event.BreachNoted, nil, words{Text: said})
}

// Assessment is the risk and what is decided (art. 33(1), 34(1), 34(3)).
type Assessment struct {
	Likelihood, Severity string // of Levels
	Risk                 string // of Risks
	Notify, Communicate  bool
	Exemption            string // of Exemptions: why persons at high risk get no letter
	Reasoning            string
}

// Contradiction is what of an assessment the law does not allow beside its risk.
type Contradiction string

// The contradictions.
const (
	RiskNotNotified Contradiction = "risk_not_notified"  // art. 33(1): a risk is notified to the authority
	HighRiskNotTold Contradiction = "high_risk_not_told" // art. 34(1): a high risk is told to the persons, unless 34(3) exempts
	ExemptedAndTold Contradiction = "exempted_and_told"  // art. 34(3): who is exempted tells nobody, but publicly under (c)
	RiskNotUnlikely Contradiction = "risk_not_unlikely"  // art. 33(1): what is likely and grave is no unlikely risk (EDPB 9/2022: both together)
)

// ContradictionError: the field says what the law does not allow beside the risk.
type ContradictionError struct {
	Field string
	Why   Contradiction
}

func (e *ContradictionError) Error() string { return e.Field + " of an assessment: " + string(e.Why) }

// Draft is the step. A risk is notified; a high risk is told to the persons unless
// art. 34(3) exempts from it; no risk is unlikely whose likelihood and severity both
// stand in the upper two levels: ContradictionError.
func (a *Assessment) Draft(s *casefile.Summary) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.OneOf("likelihood", a.Likelihood, Levels()), casefile.OneOf("severity", a.Severity, Levels()), casefile.OneOf("risk", a.Risk, Risks()),
		casefile.Words("reasoning", a.Reasoning, true))
	if err == nil && a.Exemption != "" {
		err = casefile.OneOf("exemption", a.Exemption, Exemptions())
	}
	switch {
	case err != nil:
	case a.Risk == Unlikely && upper(a.Likelihood) && upper(a.Severity):
		err = &ContradictionError{Field: "risk", Why: RiskNotUnlikely}
	case a.Risk != Unlikely && !a.Notify:
		err = &ContradictionError{Field: "notify", Why: RiskNotNotified}
	case a.Risk == High && !a.Communicate && a.Exemption == "":
		err = &ContradictionError{Field: "communicate", Why: HighRiskNotTold}
	case a.Communicate && a.Exemption != "" && a.Exemption != Disproportionate:
		err = &ContradictionError{Field: "exemption", Why: ExemptedAndTold}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With("likelihood", a.Likelihood).With("severity", a.Severity).With("risk", a.Risk).With("proposed", Proposed(a.Likelihood, a.Severity)).
		With(MarkNotify, a.Notify).With(MarkCommunicate, a.Communicate)
	if a.Exemption != "" {
		c = c.With("exemption", a.Exemption)
	}
	return draft(event.BreachAssessed, c, words{Text: a.Reasoning})
}

// Notification is what was sent to the authority, or by a processor to its
// controllers.
type Notification struct {
	Kind        string // of Notifications
	Sent        time.Time
	More        bool   // of a complementary one: another follows
	Number      string // that the authority gave
	Prior       string // number of the one it completes
	LateReasons string // art. 33(1): if after 72 hours
	Recipient   string // "" is the CNIL
}

// Draft is the step. A notification that ends them needs a form in which nothing lacks.
func (n *Notification) Draft(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.OneOf("kind", n.Kind, Notifications()), casefile.Between("sent_at", n.Sent, Aware(s), now), casefile.Words("number", n.Number, false),
		casefile.Words("prior", n.Prior, n.Kind == Complementary), casefile.Words("late_reasons", n.LateReasons, !wasNotified(s) && n.Sent.After(Deadline(s))),
		casefile.Words("recipient", n.Recipient, s.Kind == Processor))
	more := n.Kind == Initial || n.Kind == Complementary && n.More
	switch {
	case err != nil:
	case n.Kind != Complementary && wasNotified(s):
		err = &casefile.StateError{Lacks: "not_notified"}
	case n.Kind == Complementary && !wasNotified(s):
		err = &casefile.StateError{Lacks: "initial_notification"}
	case n.More && n.Kind == Complete:
		err = &casefile.FieldError{Field: "more"}
	case !more && !s.Has(MarkWhole):
		err = &casefile.StateError{Lacks: "form"}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With("notification", n.Kind).With("sent", domain.FormatTime(n.Sent)).With("more", more)
	if !wasNotified(s) && n.Sent.After(Deadline(s)) {
		c = c.With("late", true)
	}
	return draft(event.BreachNotified, c, words{Number: n.Number, Prior: n.Prior, LateReasons: n.LateReasons, Recipient: n.Recipient})
}

// Communication is what the persons were told (art. 34).
type Communication struct {
	Sent    time.Time
	Channel string // of Channels
	Number  int64  // persons
	Text    string
}

// Draft is the step.
func (m *Communication) Draft(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.Between("sent_at", m.Sent, Aware(s), now), casefile.OneOf("channel", m.Channel, Channels()), casefile.Words("text", m.Text, true))
	if err == nil && (m.Number < 0 || m.Number == 0 && m.Channel != "public") {
		err = &casefile.FieldError{Field: "number"}
	}
	if err != nil {
		return casefile.Draft{}, err
	}
	return draft(event.BreachCommunicated, event.Codes{}.With("sent", domain.FormatTime(m.Sent)).With("channel", m.Channel).With("number", m.Number).
		With("public", m.Channel == "public"), words{Text: m.Text})
}

// Action is something that is done, or to be done by a date.
type Action struct {
	Number int64  // of one that is in the file; 0 adds one
	Kind   string // of ActionKinds
	Item   string // of the checklist, if it is one
	Text   string
	Owner  domain.ID // the account that does it
	Due    time.Time
	Done   time.Time
	Void   bool // it does not apply, or is given up; Text says why
}

// Draft is the step.
func (a *Action) Draft(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	err := casefile.First(casefile.StillOpen(s), casefile.Words("text", a.Text, a.Void || a.Number == 0 && a.Item == ""))
	if err == nil && a.Number == 0 {
		err = casefile.OneOf("kind", a.Kind, ActionKinds())
	}
	if err == nil && a.Item != "" {
		err = casefile.OneOf("item", a.Item, Items())
	}
	ended := !a.Done.IsZero() || a.Void
	switch {
	case err != nil:
	case a.Number < 0, a.Number > 0 && (a.Kind != "" || a.Item != ""):
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
	return draft(event.BreachActed, a.codes(ended), words{Text: a.Text})
}

func (a *Action) codes(ended bool) (c event.Codes) {
	for _, x := range [][2]string{{"kind", a.Kind}, {"item", a.Item}} {
		if x[1] != "" {
			c = c.With(x[0], x[1])
		}
	}
	if a.Number > 0 {
		c = c.With("action", a.Number)
	}
	if !a.Owner.IsZero() {
		c = c.With("owner", a.Owner.String())
	}
	switch {
	case a.Void:
		c = c.With("void", true)
	case ended:
		c = c.With("done", domain.FormatTime(a.Done))
	default:
		c = c.With("due", domain.FormatTime(a.Due))
	}
	return c
}

// Lacking is what a file needs before it can be closed: art. 33(5) wants facts,
// effects and remedies of every breach, with the decisions.
func Lacking(s *casefile.Summary) []string {
	out := []string{}
	lacks := func(what string, is bool) {
		if is {
			out = append(out, what)
		}
	}
	lacks("assessment", Risk(s) == "")
	lacks("notification", s.Has(MarkNotify) && (!wasNotified(s) || s.Has(MarkMore)))
	lacks("communication", s.Has(MarkCommunicate) && !s.Has(MarkCommunicated) || s.Has(MarkExempt+Disproportionate) && !s.Has(MarkPublic))
	lacks(MarkCause, !s.Has(MarkCause))
	lacks("actions", slices.ContainsFunc(PendingOf(s), func(p Pending) bool { return p.What == "action" }))
	return out
}

// Close ends a file.
func Close(s *casefile.Summary, conclusion string) (casefile.Draft, error) {
	if err := casefile.First(casefile.StillOpen(s), casefile.Words("conclusion", conclusion, true)); err != nil {
		return casefile.Draft{}, err
	}
	if l := Lacking(s); len(l) > 0 {
		return casefile.Draft{}, &casefile.StateError{Lacks: l[0]}
	}
	return draft(event.BreachClosed, nil, words{Text: conclusion})
}
