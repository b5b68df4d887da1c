// Package breach is what follows a personal data breach (violation de données à
// caractère personnel, art. 4(12), 33 and 34 GDPR): its file from the moment somebody
// became aware of it, the 72 hours, whom it may concern, the risk, what the authority
// and the persons are told, and what is done.
//
// Promised: where a file stands, and what is due next, follows from its facts' codes
// alone; everything said in words is a sealed field. Nothing is decided here but by
// who gave the words: a rule says what lacks, with its article. The 72 hours are real
// hours, weekends and nights among them (regulation 1182/71 art. 3(1): a period in
// hours runs from hour to hour). There is no I/O, so a crash leaves nothing.
package breach

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
)

// Clock is how long a controller has from awareness on to notify (art. 33(1)); a
// complementary notification is expected as long after the initial one (CNIL).
const Clock = 72 * time.Hour

// ProcessorClock is this ledger's own: art. 33(2) has a processor alert the controller
// "without undue delay", and gives no number.
const ProcessorClock = 24 * time.Hour

// What is due in a file, in its marks as due/<what>/<time>.
const (
	dueNotification = "notification"
	dueComplement   = "complement"
	dueAction       = "action." // and its number
	markDue         = "due/"
	markAware       = "aware/"
	markRisk        = "risk."
	markNotified    = "notified."
)

// Marks by which files can be found.
const (
	MarkNotify       = "notify"       // the authority is to be notified
	MarkCommunicate  = "communicate"  // the persons are to be told
	MarkCommunicated = "communicated" // each of them was
	MarkPublic       = "public"       // a public communication was made, art. 34(3)(c)
	MarkExempt       = "exempt."      // and the ground
	MarkScoped       = "scoped"
	MarkWhole        = "form.whole" // of the form nothing lacks
	MarkCause        = "root_cause"
	MarkMore         = "notified.more" // more is to be notified
)

// Status of a file, beside casefile's.
const (
	Assessed = "assessed" // the risk is decided
	Notified = "notified" // the authority knows
)

// Fold implements casefile.Fold.
func Fold(s *casefile.Summary, f *event.Fact) {
	switch f.Type {
	case event.BreachOpened:
		s.Kind = f.Codes.String("role")
		s.Mark(markAware + domain.FormatTime(f.Codes.Time("aware")))
		described(s, f.Codes)
		setDue(s, dueNotification, Deadline(s))
	case event.BreachNoted:
		if f.Codes.String("state") != "" {
			described(s, f.Codes)
		}
	case event.BreachScoped:
		s.Mark(MarkScoped)
	case event.BreachAssessed:
		foldAssessed(s, f.Codes)
	case event.BreachNotified:
		foldNotified(s, f.Codes)
	case event.BreachCommunicated:
		s.Mark(MarkCommunicated)
		if f.Codes.Bool("public") {
			s.Mark(MarkPublic)
		}
	case event.BreachActed:
		n := f.Codes.Int("action")
		if n == 0 {
			n = s.Revision
		}
		setDue(s, dueAction+strconv.FormatInt(n, 10), f.Codes.Time("due"))
	case event.BreachClosed:
		s.End(casefile.Closed, f.Time.Time)
		return
	}
	s.Due = firstDue(s)
}

// described takes in what a form says in codes.
func described(s *casefile.Summary, c event.Codes) {
	for _, m := range slices.Concat(States(), Natures(), []string{MarkWhole, MarkCause}) {
		s.Unmark(m)
	}
	s.Mark(c.String("state"))
	s.Mark(c.Strings("nature")...)
	if c.Bool("whole") {
		s.Mark(MarkWhole)
	}
	if c.Bool(MarkCause) {
		s.Mark(MarkCause)
	}
}

func foldAssessed(s *casefile.Summary, c event.Codes) {
	for _, m := range slices.Clone(s.Marks) {
		if strings.HasPrefix(m, markRisk) || strings.HasPrefix(m, MarkExempt) || m == MarkNotify || m == MarkCommunicate {
			s.Unmark(m)
		}
	}
	s.Mark(markRisk + c.String("risk"))
	if x := c.String("exemption"); x != "" {
		s.Mark(MarkExempt + x)
	}
	for _, m := range []string{MarkNotify, MarkCommunicate} {
		if c.Bool(m) {
			s.Mark(m)
		}
	}
	if s.Status == casefile.Open {
		s.Status = Assessed
	}
	var due time.Time
	if s.Has(MarkNotify) && !wasNotified(s) {
		due = Deadline(s)
	}
	setDue(s, dueNotification, due)
}

func foldNotified(s *casefile.Summary, c event.Codes) {
	s.Status = Notified
	s.Mark(markNotified + c.String("notification"))
	setDue(s, dueNotification, time.Time{})
	if s.Unmark(MarkMore); c.Bool("more") {
		s.Mark(MarkMore)
		setDue(s, dueComplement, c.Time("sent").Add(Clock))
		return
	}
	setDue(s, dueComplement, time.Time{})
}

// Aware is when the breach became known: when the clock began.
func Aware(s *casefile.Summary) time.Time {
	for _, m := range s.Marks {
		if text, ok := strings.CutPrefix(m, markAware); ok {
			t, _ := domain.ParseTime(text)
			return t
		}
	}
	return time.Time{}
}

// Deadline is until when to notify: 72 hours after awareness (art. 33(1)).
func Deadline(s *casefile.Summary) time.Time {
	if s.Kind == Processor {
		return Aware(s).Add(ProcessorClock)
	}
	return Aware(s).Add(Clock)
}

// Risk is what was decided last, "" before.
func Risk(s *casefile.Summary) string {
	for _, m := range s.Marks {
		if r, ok := strings.CutPrefix(m, markRisk); ok {
			return r
		}
	}
	return ""
}

func wasNotified(s *casefile.Summary) bool {
	return slices.ContainsFunc(Notifications(), func(k string) bool { return s.Has(markNotified + k) })
}

// setDue says when something is due; a zero time that it no longer is.
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
	What   string    `json:"what" enum:"notification,complement,action"`
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

func firstDue(s *casefile.Summary) time.Time {
	if p := PendingOf(s); len(p) > 0 {
		return p[0].Due
	}
	return time.Time{}
}

// pendingAction reports an action that is not done.
func pendingAction(s *casefile.Summary, n int64) bool {
	return slices.ContainsFunc(PendingOf(s), func(p Pending) bool { return p.What == "action" && p.Action == n })
}
