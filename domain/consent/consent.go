// Package consent tells what a person consented to, per controller, purpose and
// channel, as of any instant, from the facts alone (art. 4(11), 7 GDPR; EDPB
// guidelines 05/2020).
//
// Promised: the answer depends on the facts, never on the order they came in;
// the later time wins, at equal time a refusal or withdrawal beats a grant, then
// the higher position wins. A grant whose proof lacks something (art. 7(1);
// CNIL SAN-2022-021, EDF) never counts, nor does one for no named purpose or
// controller. A refusal or withdrawal without purpose, channels or controller
// covers all of them. Adding one never makes anything allowed.
//
// Assumed: the facts are all those of one person; consent never passes over a
// merge or a shared address. An objection (art. 21) is another matter and not
// looked at here. There is no I/O, so a crash leaves nothing.
package consent

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// Any stands for every code that the other entries do not name.
const Any = "*"

// State is where a consent stands.
type State string

// The states. Only Granted allows anything.
const (
	None      State = ""
	Requested State = "requested" // asked, not answered
	Unproven  State = "unproven"  // a grant that its proof does not carry
	Granted   State = "granted"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
)

// Act is one fact about consent.
type Act struct {
	Event      domain.ID
	Position   domain.Position
	Type       event.Type
	Time       time.Time
	Controller string   // Any for every controller; a code otherwise
	Purpose    string   // "" for every purpose
	Channels   []string // empty for every channel
	ExpiresAt  time.Time
	Lacks      []string  // what the proof of a grant lacks
	Evidence   string    // of a grant: proven or unproven
	Notice     domain.ID // the published notice that was shown; zero if not told
	Method     string    // how it came about
}

// ActOf reads f; ok is false if f is not about consent.
func ActOf(p domain.Position, f *event.Fact) (a Act, ok bool) {
	switch f.Type {
	case event.ConsentRequested, event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn:
	default:
		return Act{}, false
	}
	return Act{Event: f.ID, Position: p, Type: f.Type, Time: f.Time.Time, Controller: cmp.Or(f.Controller, f.Codes.String("controller")),
		Purpose: f.Codes.String("purpose"), Channels: f.Codes.Strings("channels"), ExpiresAt: f.Codes.Time("expires_at"),
		Lacks: slices.Concat(f.Lacks, f.Codes.Strings("lacks")), Evidence: f.Codes.String("evidence"),
		Notice: f.Codes.ID("notice"), Method: f.Codes.String("method")}, true
}

// no reports whether the act denies.
func (a *Act) no() bool { return a.Type == event.ConsentRefused || a.Type == event.ConsentWithdrawn }

// yes reports whether the act grants, and can prove it.
func (a *Act) yes() bool {
	return a.Type == event.ConsentGranted && a.Evidence == "proven" && len(a.Lacks) == 0 && a.Purpose != "" && a.Controller != Any && a.Controller != ""
}

// Query names one consent.
type Query struct{ Controller, Purpose, Channel string }

// covers reports whether the act speaks of q.
func (a *Act) covers(q Query) bool {
	return (a.Controller == q.Controller || a.no() && a.Controller == Any) &&
		(a.Purpose == q.Purpose || a.Purpose == "" && a.no()) &&
		(len(a.Channels) == 0 || slices.Contains(a.Channels, q.Channel))
}

// wins is the order of ties: time, then denial, then position.
func (a *Act) wins(b *Act) bool {
	if !a.Time.Equal(b.Time) {
		return a.Time.After(b.Time)
	}
	if a.no() != b.no() {
		return a.no()
	}
	return a.Position > b.Position
}

// Status is the answer to a query.
type Status struct {
	State    State
	Event    domain.ID // the act it rests on; zero for None
	Position domain.Position
	Since    time.Time // the act's time; for Expired the instant it expired
	Until    time.Time // when a grant expires or expired; zero if never
	Lacks    []string  // of Unproven
}

// Allows reports whether consent stands.
func (s Status) Allows() bool { return s.State == Granted }

// Of answers q as of at: acts later than that are not looked at.
func Of(acts []Act, q Query, at time.Time) Status {
	var answer, unproven, asked *Act
	for i := range acts {
		a := &acts[i]
		if a.Time.After(at) || !a.covers(q) {
			continue
		}
		best := &asked
		switch {
		case a.yes() || a.no():
			best = &answer
		case a.Type == event.ConsentGranted:
			best = &unproven
		}
		if *best == nil || a.wins(*best) {
			*best = a
		}
	}
	switch {
	case answer != nil:
		return answered(answer, at)
	case unproven != nil:
		return status(Unproven, unproven)
	case asked != nil:
		return status(Requested, asked)
	}
	return Status{}
}

func answered(a *Act, at time.Time) Status {
	switch {
	case a.Type == event.ConsentRefused:
		return status(Refused, a)
	case a.Type == event.ConsentWithdrawn:
		return status(Withdrawn, a)
	case !a.ExpiresAt.IsZero() && !at.Before(a.ExpiresAt):
		s := status(Expired, a)
		s.Since = a.ExpiresAt
		return s
	}
	return status(Granted, a)
}

func status(s State, a *Act) Status {
	return Status{State: s, Event: a.Event, Position: a.Position, Since: a.Time, Until: a.ExpiresAt, Lacks: a.Lacks}
}

// Entry is one line of the overview.
type Entry struct {
	Query
	Status
}

// All lists every consent the acts speak of, as of at, by controller, purpose
// and channel. Any as a code means: every one that no other line names.
func All(acts []Act, at time.Time) []Entry {
	controllers, purposes, channels := []string{}, []string{}, []string{Any}
	for i := range acts {
		if acts[i].Time.After(at) {
			continue
		}
		controllers = append(controllers, acts[i].Controller)
		purposes = append(purposes, cmp.Or(acts[i].Purpose, Any))
		channels = append(channels, acts[i].Channels...)
	}
	controllers, purposes, channels = unique(controllers), unique(purposes), unique(channels)
	var out []Entry
	for _, c := range controllers {
		for _, p := range purposes {
			for _, ch := range channels {
				q := Query{c, p, ch}
				if s := Of(acts, q, at); s.State != None {
					out = append(out, Entry{q, s})
				}
			}
		}
	}
	return out
}

func unique(l []string) []string {
	slices.Sort(l)
	return slices.Compact(l)
}
