// Package opposition says when an objection (art. 21 GDPR; CPCE L34-5; C. conso.
// L223-1) binds, and what ends it.
//
// Promised: an entry is read in its widest sense: no channel means every
// channel, no purpose every purpose, no controller every controller. What is owed to
// the person (a contract that stands, art. 6(1)(b); a duty by law, 6(1)(c)) cannot be
// objected to (art. 21(1)): who objects to everything by every channel does not object
// to it, but who names the purpose or the channel is taken at his word. It ends by
// two things only: a lift that gives a reason, or the person's own later, proven
// act for exactly that purpose, channel and controller; when that act expires,
// the entry binds again. Adding an entry never frees anybody, and the order in
// which entries, lifts and acts are given never matters.
//
// Assumed: the entries are those of one person, of the contacts merged with it
// and of the addresses it uses, the acts are the person's own: an act never
// passes over a merge or a shared address. There is no I/O, so a crash leaves
// nothing.
package opposition

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// All stands for every controller.
const All = "*"

// Scope is what an objection is against.
type Scope struct {
	Controller string   // All or "": every controller
	Purpose    string   // "": every purpose
	Channels   []string // none: every channel
}

// Binds reports whether the scope holds for what is asked. A part of the
// question that is left open is bound by every scope.
func (s *Scope) Binds(channel, purpose, controller string) bool {
	return (s.Controller == controller || open(s.Controller) || open(controller)) &&
		(s.Purpose == purpose || open(s.Purpose) || open(purpose)) &&
		(len(s.Channels) == 0 || open(channel) || slices.Contains(s.Channels, channel) || slices.Contains(s.Channels, All))
}

// everything reports whether the scope names neither purpose nor channel.
func (s *Scope) everything() bool {
	return open(s.Purpose) && (len(s.Channels) == 0 || slices.Contains(s.Channels, All))
}

func open(code string) bool { return code == "" || code == All }

// Entry is one objection.
type Entry struct {
	Event    domain.ID
	Position domain.Position
	Time     time.Time // the objection's own
	Recorded time.Time // when the ledger took it in; a clock ahead does not delay it
	Subject  domain.ID // who objected; zero if only an address is known
	Scope
}

// EntryOf reads f; ok is false if f is no objection. A request that claims the
// right to object (request.received, art. 21) is one against everything, unless a desk
// of the ledger recorded with it against what alone; it holds until it is lifted with a
// reason.
func EntryOf(p domain.Position, f *event.Fact) (e Entry, ok bool) {
	e = Entry{Event: f.ID, Position: p, Time: f.Time.Time, Recorded: f.Recorded.Time, Subject: f.Subject, Scope: Scope{Controller: f.Controller}}
	switch f.Type {
	case event.OppositionRegistered:
		e.Purpose, e.Channels = f.Codes.String("purpose"), f.Codes.Strings("channels")
		if f.Codes.String("scope") == "all" {
			e.Purpose, e.Channels = "", nil
		}
		return e, true
	case event.RequestReceived:
		e.Purpose, e.Channels = f.Codes.String("purpose"), f.Codes.Strings("channels")
		return e, f.Codes.String("right") == "objection"
	}
	return Entry{}, false
}

// since is the instant from which the entry holds.
func (e *Entry) since() time.Time {
	if !e.Recorded.IsZero() && e.Recorded.Before(e.Time) {
		return e.Recorded
	}
	return e.Time
}

// Lift ends one entry. Without a reason it ends nothing.
type Lift struct {
	Entry  domain.ID // the event that registered the objection
	Event  domain.ID
	Time   time.Time
	Reason string // a code
}

// Act is the person's own proven consent, for named channels and a named purpose.
type Act struct {
	Event      domain.ID
	Time       time.Time
	Subject    domain.ID
	Controller string
	Purpose    string
	Channels   []string
	ExpiresAt  time.Time // zero: it does not expire
}

// ActOf reads f; ok is false unless it proves that the person itself said yes.
// What was imported, or names no channel, does not.
func ActOf(f *event.Fact) (a Act, ok bool) {
	if f.Type != event.ConsentGranted {
		return Act{}, false
	}
	a = Act{Event: f.ID, Time: f.Time.Time, Subject: f.Subject, Controller: f.Controller,
		Purpose: f.Codes.String("purpose"), Channels: f.Codes.Strings("channels"), ExpiresAt: f.Codes.Time("expires_at")}
	return a, f.Codes.String("evidence") == "proven" && len(f.Lacks) == 0 && f.Codes.String("method") != "import" &&
		!open(a.Purpose) && !open(a.Controller) && len(a.Channels) > 0 && !a.Subject.IsZero()
}

// outlives reports whether the act is the objector's own, later, and for exactly
// what is asked. Where only an address objected, whoever uses it may say yes for
// himself.
func (a *Act) outlives(e *Entry, q *Question) bool {
	return a.Time.After(e.Time) && (a.Subject == e.Subject || e.Subject.IsZero()) &&
		a.Purpose == q.Purpose && a.Controller == q.Controller && slices.Contains(a.Channels, q.Channel)
}

// Question is a use that somebody wants to make.
type Question struct {
	Channel, Purpose, Controller string
	At                           time.Time

	Owed bool // to the person, by a contract or by law: no objection to everything binds it
}

// Binding tells which of the entries binds q: the latest of them, or nil. next
// is when the answer could change by time alone; zero if never.
func Binding(entries []Entry, lifts []Lift, acts []Act, q Question) (binds *Entry, next time.Time) {
	for i := range entries {
		e := &entries[i]
		if !e.Binds(q.Channel, q.Purpose, q.Controller) || q.Owed && e.everything() {
			continue
		}
		if e.since().After(q.At) {
			next = sooner(next, e.since())
			continue
		}
		if lifted(e, lifts, q.At, &next) || outlived(e, acts, &q, &next) {
			continue
		}
		if binds == nil || binds.before(e) {
			binds = e
		}
	}
	return binds, next
}

func lifted(e *Entry, lifts []Lift, at time.Time, next *time.Time) bool {
	for i := range lifts {
		l := &lifts[i]
		if l.Entry != e.Event || l.Reason == "" {
			continue
		}
		if !l.Time.After(at) {
			return true
		}
		*next = sooner(*next, l.Time)
	}
	return false
}

func outlived(e *Entry, acts []Act, q *Question, next *time.Time) (yes bool) {
	for i := range acts {
		a := &acts[i]
		switch {
		case !a.outlives(e, q):
		case a.Time.After(q.At):
			*next = sooner(*next, a.Time)
		case a.ExpiresAt.IsZero():
			yes = true
		case q.At.Before(a.ExpiresAt):
			*next, yes = sooner(*next, a.ExpiresAt), true
		}
	}
	return yes
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (e *Entry) before(f *Entry) bool { return compare(e, f) < 0 }

func compare(a, b *Entry) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Position, b.Position), slices.Compare(a.Event[:], b.Event[:]))
}

// Join is the narrowest scope that binds whatever a or b binds, one part at a
// time.
func Join(a, b Scope) Scope {
	j := Scope{Controller: All}
	if a.Controller == b.Controller {
		j.Controller = a.Controller
	}
	if a.Purpose == b.Purpose {
		j.Purpose = a.Purpose
	}
	if len(a.Channels) > 0 && len(b.Channels) > 0 {
		j.Channels = slices.Concat(a.Channels, b.Channels)
		slices.Sort(j.Channels)
		j.Channels = slices.Compact(j.Channels)
	}
	return j
}

// Merge puts lists together, in the order of time. What several lists know of
// one event is joined in its widest sense: the later time, the earlier recording.
func Merge(lists ...[]Entry) []Entry {
	at := map[domain.ID]int{}
	all := []Entry{}
	for _, l := range lists {
		for _, e := range l {
			i, known := at[e.Event]
			if !known {
				at[e.Event] = len(all)
				all = append(all, e)
				continue
			}
			m := &all[i]
			m.Scope = Join(m.Scope, e.Scope)
			if e.Time.After(m.Time) {
				m.Time = e.Time
			}
			m.Recorded = sooner(cmp.Or(m.Recorded, e.Recorded), cmp.Or(e.Recorded, m.Recorded))
			if m.Subject.IsZero() || !e.Subject.IsZero() && slices.Compare(e.Subject[:], m.Subject[:]) < 0 {
				m.Subject = e.Subject
			}
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return compare(&a, &b) })
	return all
}
