// Package rights is what a request of a person goes through (art. 12, 15 to 22 GDPR;
// loi 78-17 art. 84 to 86 for the dead): received, verified, searched for, answered or
// refused, sent, closed, each within its time.
//
// Promised: Fold and Read are pure; the same steps give the same file. A step is taken
// only if Decide allows it on the state that it was decided on. What stands in clear
// is closed codes, our own ids, numbers and times; whatever a person said is in fields
// that are sealed. An identity document is never part of a file: only by what means an
// identity was verified, when and by whom (art. 12(6)). Assumed: facts come in the
// order of the log. There is no I/O, so a crash leaves nothing.
package rights

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Where a request stands (casefile.Summary.Status).
const (
	StatusReceived  = "received"
	StatusVerified  = "verified" // who asks is known
	StatusAnswered  = "answered" // decided, and not yet shown to be sent
	StatusRefused   = "refused"  // likewise
	StatusSent      = "sent"     // the person has been told
	StatusWithdrawn = "withdrawn"
	StatusClosed    = casefile.Closed
)

// Marks of a request's summary, besides one of each open task (MarkTask) and the days
// that the answer took (MarkDays).
const (
	MarkExtending     = "extending"      // an extension was decided; it counts once the person was told in time
	MarkExtended      = "extended"       // art. 12(3), second sentence
	MarkIdentityAsked = "identity_asked" // art. 12(6)
	MarkEarly         = "effective"      // an objection took effect when it came in (art. 21(3))
	MarkPartly        = "partly"         // part of what was asked was refused
	MarkNothingHeld   = "nothing_held"
	MarkLate          = "late" // the answer was sent after its time
	MarkRefused       = "refused"
	MarkUnclear       = "unclear" // the right could not be told; somebody has to read the words
)

const (
	markTask = "task."
	markDays = "days."
	markAs   = "as."  // the Requester, unless it is the person
	markFor  = "for." // the HeirGround

	markPurpose = "purpose." // what an objection is against alone
	markChannel = "channel." // a way of contact that an objection is against alone
)

// MarkTask marks that task n is open.
func MarkTask(n int64) string { return markTask + strconv.FormatInt(n, 10) }

// RequesterOf is as what somebody asks.
func RequesterOf(s *casefile.Summary) Requester {
	if text, ok := marked(s, markAs); ok {
		return Requester(text)
	}
	return InPerson
}

// HeirGroundOf is what heirs ask for, "" if that is not known.
func HeirGroundOf(s *casefile.Summary) HeirGround {
	text, _ := marked(s, markFor)
	return HeirGround(text)
}

func marked(s *casefile.Summary, prefix string) (string, bool) {
	for _, m := range s.Marks {
		if text, is := strings.CutPrefix(m, prefix); is {
			return text, true
		}
	}
	return "", false
}

// AgainstOf is what the objection is against.
func AgainstOf(s *casefile.Summary) (a Against) {
	a.Purpose, _ = marked(s, markPurpose)
	for _, m := range s.Marks {
		if c, is := strings.CutPrefix(m, markChannel); is {
			a.Channels = append(a.Channels, c)
		}
	}
	slices.Sort(a.Channels)
	return a
}

// Days is how many days passed from receipt until the person was answered, if that
// happened.
func Days(s *casefile.Summary) (n int, ok bool) {
	text, _ := marked(s, markDays)
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// OpenTasks are the numbers of the tasks that are not done, ascending.
func OpenTasks(s *casefile.Summary) (out []int64) {
	for _, m := range s.Marks {
		if text, is := strings.CutPrefix(m, markTask); is {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Fold implements casefile.Fold.
func Fold(s *casefile.Summary, f *event.Fact) {
	c := f.Codes
	switch f.Type {
	case event.RequestReceived:
		begin(s, f)
	case event.RequestVerified:
		s.Status = StatusVerified
		s.Unmark(MarkIdentityAsked)
		if !f.Subject.IsZero() {
			s.Subject = f.Subject
		}
		if right := c.String(codeRight); right != "" {
			s.Kind = right
			s.Unmark(MarkUnclear)
		}
		if g := c.String(codeGround); g != "" {
			s.Mark(markFor + g)
		}
		if s.Kind == string(Objection) && !s.Subject.IsZero() {
			s.Mark(MarkEarly)
		}
	case event.RequestExtended:
		s.Mark(MarkExtending)
	case event.RequestAssigned:
		s.Assignee = c.ID(codeAssignee)
	case event.RequestTasked:
		s.Mark(MarkTask(c.Int(codeTask)))
	case event.RequestSearched:
		s.Unmark(MarkTask(c.Int(codeTask)))
	case event.RequestNoted:
		if c.String(codeKind) == string(NoteIdentityAsked) {
			s.Mark(MarkIdentityAsked)
		}
	case event.RequestAnswered:
		s.Status = StatusAnswered
		switch Outcome(c.String(codeOutcome)) {
		case NothingHeld:
			s.Mark(MarkNothingHeld)
		case Partly:
			s.Mark(MarkPartly)
		}
	case event.RequestRefused:
		s.Status = StatusRefused
		s.Mark(MarkRefused)
	case event.RequestDispatched:
		dispatched(s, f)
	case event.RequestWithdrawn:
		s.End(StatusWithdrawn, f.Time.Time)
	case event.RequestClosed:
		s.End(StatusClosed, f.Time.Time)
	}
}

// begin reads how a request came in: by an upstream, or by a desk of the ledger. The
// month runs from the receipt that is told, unless that would be after it was recorded.
func begin(s *casefile.Summary, f *event.Fact) {
	c := f.Codes
	s.Status, s.Kind = StatusReceived, c.String(codeRight)
	if s.Kind == "" {
		s.Kind = string(Other)
	}
	s.Opened = f.Time.Time
	if at := c.Time(codeReceived); !at.IsZero() {
		s.Opened = at
	}
	if recorded := f.Recorded.Time; !recorded.IsZero() && s.Opened.After(recorded) {
		s.Opened = recorded
	}
	s.Due = Deadline(s.Opened)
	if s.Kind == string(Other) {
		s.Mark(MarkUnclear)
	}
	if r := c.String(codeRequester); r != "" && r != string(InPerson) {
		s.Mark(markAs + r)
	}
	if g := c.String(codeGround); g != "" {
		s.Mark(markFor + g)
	}
	if s.Kind != string(Objection) {
		return
	}
	if !s.Subject.IsZero() || c.Bool(codeEffective) {
		s.Mark(MarkEarly)
	}
	if p := c.String(codePurpose); p != "" {
		s.Mark(markPurpose + p)
	}
	for _, ch := range c.Strings(codeChannels) {
		s.Mark(markChannel + ch)
	}
}

// dispatched takes proof that the person was told something.
func dispatched(s *casefile.Summary, f *event.Fact) {
	sent := f.Codes.Time(codeSent)
	switch Letter(f.Codes.String(codeOf)) {
	case LetterExtension:
		if s.Has(MarkExtending) && !sent.After(Deadline(s.Opened)) {
			s.Unmark(MarkExtending)
			s.Mark(MarkExtended)
			s.Due = Extended(s.Opened)
		}
	case LetterAnswer, LetterRefusal:
		if s.Status != StatusAnswered && s.Status != StatusRefused {
			return
		}
		s.Mark(markDays + strconv.Itoa(daysBetween(s.Opened, sent)))
		if sent.After(s.Due) {
			s.Mark(MarkLate)
		}
		s.Status, s.Due = StatusSent, time.Time{}
	}
}

// Plain are the marks that mean something by themselves.
func Plain(marks []string) (out []string) {
	for _, m := range marks {
		if !strings.Contains(m, ".") {
			out = append(out, m)
		}
	}
	return out
}
