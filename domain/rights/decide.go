package rights

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// maxSteps bounds the steps of one file.
const maxSteps = 1000

// Command is a step that somebody wants to take.
type Command interface {
	// Decide gives the step, or says why it cannot be taken now: FieldError,
	// StateError.
	Decide(s *casefile.Summary, now time.Time) (casefile.Draft, error)
}

// step begins a draft on an open file.
func step(s *casefile.Summary, t event.Type, c event.Codes) casefile.Draft {
	return casefile.Draft{Type: t, Case: s.Case, Revision: s.Revision, Subject: s.Subject, Codes: c}
}

func open(s *casefile.Summary) error {
	switch {
	case !s.Closed.IsZero():
		return stands(IsClosed)
	case s.Revision >= maxSteps:
		return stands(TooManyInFile)
	}
	return nil
}

func undecided(s *casefile.Summary) error {
	if err := open(s); err != nil {
		return err
	}
	if s.Status != StatusReceived && s.Status != StatusVerified {
		return stands(Decided)
	}
	return nil
}

// words checks free text of a step.
func words(field, text string, needed bool) error {
	switch {
	case strings.TrimSpace(text) == "" && needed:
		return missing(field)
	case len(text) > maxWords, !utf8.ValidString(text), CarriesBytes(text):
		return malformed(field)
	}
	return nil
}

// happened completes and checks the time of something that was done between the
// receipt and now.
func happened(field string, t *time.Time, s *casefile.Summary, now time.Time) error {
	if t.IsZero() {
		*t = now
	}
	*t = domain.NewTime(*t).Time
	if t.After(now) || t.Before(s.Opened.Add(-24*time.Hour)) {
		return malformed(field)
	}
	return nil
}

// Verify records that it is known who asks. There is no way to give a document.
type Verify struct {
	Means    Means
	Standing Standing   // needed if somebody asks for another
	On       time.Time  // zero: now
	Subject  domain.ID  // whom it is about, if the ledger knows the person
	Right    Right      // what is asked, if it could not be told when it came in
	Ground   HeirGround // of heirs, if they did not tell it
}

// Decide implements Command.
func (v Verify) Decide(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	if err := undecided(s); err != nil {
		return casefile.Draft{}, err
	}
	if err := v.check(s); err != nil {
		return casefile.Draft{}, err
	}
	if err := happened(codeOn, &v.On, s, now); err != nil {
		return casefile.Draft{}, err
	}
	c := event.Codes{}.With(codeMeans, string(v.Means)).With(codeOn, domain.FormatTime(v.On))
	for name, text := range map[string]string{codeStanding: string(v.Standing), codeRight: string(v.Right), codeGround: string(v.Ground)} {
		if text != "" {
			c = c.With(name, text)
		}
	}
	d := step(s, event.RequestVerified, c)
	if !v.Subject.IsZero() {
		d.Subject = v.Subject
	}
	return d, nil
}

func (v *Verify) check(s *casefile.Summary) error {
	who := RequesterOf(s)
	heirs := who == Heir && HeirGroundOf(s) == ""
	switch {
	case v.Means == "":
		return missing(codeMeans)
	case !known(AllMeans(), v.Means):
		return malformed(codeMeans)
	case who != InPerson && v.Standing == "":
		return missing(codeStanding)
	case v.Standing != "" && !v.Standing.Suits(who):
		return malformed(codeStanding)
	case v.Right != "" && (!known(Rights(), v.Right) || s.Kind != string(Other)):
		return malformed(codeRight)
	case heirs && v.Ground == "":
		return missing(codeGround)
	case v.Ground != "" && (!heirs || !known(HeirGrounds(), v.Ground)):
		return malformed(codeGround)
	}
	return nil
}

// Suits reports whether a proof is one that this requester can give.
func (v Standing) Suits(r Requester) bool { return known(standings(r), v) }

// Extend takes two further months (art. 12(3)). It counts once a letter of the
// extension, with these reasons, was sent inside the first month.
type Extend struct {
	Ground  ExtensionGround
	Reasons string
}

// Decide implements Command.
func (e Extend) Decide(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	if err := undecided(s); err != nil {
		return casefile.Draft{}, err
	}
	switch {
	case s.Has(MarkExtended), s.Has(MarkExtending):
		return casefile.Draft{}, stands(ExtendedOnce)
	case now.After(Deadline(s.Opened)):
		return casefile.Draft{}, stands(MonthOver)
	case e.Ground == "":
		return casefile.Draft{}, missing("ground")
	case e.Ground != Complex && e.Ground != Numerous:
		return casefile.Draft{}, malformed("ground")
	}
	if err := words("reasons", e.Reasons, true); err != nil {
		return casefile.Draft{}, err
	}
	d := step(s, event.RequestExtended, event.Codes{}.With(codeGrounds, []string{string(e.Ground)}).With(codeUntil, domain.FormatTime(Extended(s.Opened))))
	d.Fields = []event.Field{Text(FieldWords, e.Reasons)}
	return d, nil
}

// Assign gives the file to an account.
type Assign struct{ Account domain.ID }

// Decide implements Command.
func (a Assign) Decide(s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
	if err := open(s); err != nil {
		return casefile.Draft{}, err
	}
	if a.Account.IsZero() {
		return casefile.Draft{}, missing("account")
	}
	return step(s, event.RequestAssigned, event.Codes{}.With(codeAssignee, a.Account.String())), nil
}

// Tell records that something was sent to the person, with its proof.
type Tell struct {
	Of    Letter
	By    string
	Sent  time.Time // zero: now
	Proof string    // number of a registered letter, id of a message
}

// Decide implements Command.
func (t Tell) Decide(s *casefile.Summary, now time.Time) (casefile.Draft, error) {
	if err := open(s); err != nil {
		return casefile.Draft{}, err
	}
	answered := s.Status == StatusAnswered || s.Status == StatusRefused
	switch {
	case t.Of == "":
		return casefile.Draft{}, missing(codeOf)
	case !known(Letters(), t.Of):
		return casefile.Draft{}, malformed(codeOf)
	case t.By == "":
		return casefile.Draft{}, missing(codeBy)
	case !known(Dispatches(), t.By):
		return casefile.Draft{}, malformed(codeBy)
	case t.Of == LetterExtension && !s.Has(MarkExtending):
		return casefile.Draft{}, stands(NotExtended)
	case (t.Of == LetterAnswer || t.Of == LetterRefusal) && !answered,
		t.Of == LetterAnswer && s.Status != StatusAnswered, t.Of == LetterRefusal && s.Status != StatusRefused:
		return casefile.Draft{}, stands(NotDecided)
	}
	if err := happened(codeSent, &t.Sent, s, now); err != nil {
		return casefile.Draft{}, err
	}
	if t.Of == LetterExtension && t.Sent.After(Deadline(s.Opened)) {
		return casefile.Draft{}, stands(MonthOver)
	}
	if err := words("proof", t.Proof, t.By != "hand" && t.By != "phone" && t.By != "portal"); err != nil {
		return casefile.Draft{}, err
	}
	d := step(s, event.RequestDispatched, event.Codes{}.With(codeOf, string(t.Of)).With(codeBy, t.By).With(codeSent, domain.FormatTime(t.Sent)))
	if t.Proof != "" {
		d.Fields = []event.Field{Text(FieldWords, t.Proof)}
	}
	return d, nil
}

// Withdraw ends a request that the person took back. An objection that took effect
// stays: it ends by a reasoned lift or by a later act of the person.
type Withdraw struct {
	By    string // one of Channels
	Words string
}

// Decide implements Command.
func (w Withdraw) Decide(s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
	if err := undecided(s); err != nil {
		return casefile.Draft{}, err
	}
	if !known(Channels(), w.By) {
		return casefile.Draft{}, malformed(codeChannel)
	}
	if err := words("words", w.Words, false); err != nil {
		return casefile.Draft{}, err
	}
	d := step(s, event.RequestWithdrawn, event.Codes{}.With(codeChannel, w.By))
	if w.Words != "" {
		d.Fields = []event.Field{Text(FieldWords, w.Words)}
	}
	return d, nil
}

// Close ends a file whose decision was sent.
type Close struct{}

// Decide implements Command.
func (Close) Decide(s *casefile.Summary, _ time.Time) (casefile.Draft, error) {
	if err := open(s); err != nil {
		return casefile.Draft{}, err
	}
	switch s.Status {
	case StatusSent:
		return step(s, event.RequestClosed, nil), nil
	case StatusAnswered, StatusRefused:
		return casefile.Draft{}, stands(NotSent)
	}
	return casefile.Draft{}, stands(NotDecided)
}

func digest(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == 32 && strings.ToLower(text) == text
}
