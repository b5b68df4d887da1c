// Package watch says which reads of personal data are unusual, and when a quota of
// persons is reached (art. 32; CNIL, consignes pour renforcer la sécurité des grandes
// bases de données: limit bulk extraction and be told of it; délib. 2021-122).
//
// It promises that what it says follows from the accesses it was given, in order,
// and the limits of the policy alone; and that memory is bounded: one day of each
// account, persons counted exactly up to maxPersons an account and maxTotal in all,
// beyond that each read counts as of persons not met before, which alerts early
// rather than late. Windows are clock hours and days of the policy's time zone, so
// that a person can check them. It assumes that times do not run backwards by more
// than a window; an access that comes late counts in the present one. It keeps
// nothing: whoever holds a State builds it anew from the log.
package watch

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
)

// Rule names what is unusual.
type Rule string

// The rules.
const (
	Rate        Rule = "rate"         // accesses in an hour
	BreadthHour Rule = "breadth_hour" // different persons in an hour
	BreadthDay  Rule = "breadth_day"  // different persons in a day
	Surge       Rule = "surge"        // times the account's own usual day
	Hours       Rule = "hours"        // persons read outside the usual hours
	Ticketless  Rule = "ticketless"   // accesses without a ticket, for a reason that usually has one
	Defaulted   Rule = "defaulted"    // percent of accesses whose reason nobody gave
	Denied      Rule = "denied"       // refused requests in an hour
)

// Rules lists them in the order of the documentation.
func Rules() []Rule {
	return []Rule{Rate, BreadthHour, BreadthDay, Surge, Hours, Ticketless, Defaulted, Denied}
}

// Read is one recorded access by an account.
type Read struct {
	Account   domain.ID
	At        time.Time
	Persons   []domain.ID // those it names
	Count     int64       // persons concerned; what exceeds Persons counts as persons not met before
	Opens     bool        // it showed data of theirs; not so a search that gave ids alone
	Reason    string
	Ticketed  bool
	Defaulted bool
}

// Refusal is some refused requests of an account.
type Refusal struct {
	Account domain.ID
	At      time.Time
	Count   int64
}

// Finding is one unusual thing. It is found once for each account, rule, window and
// level; the next level is four times as much.
type Finding struct {
	Account         domain.ID
	Rule            Rule
	Level           int // from 0
	From, At        time.Time
	Observed, Limit int64
}

const (
	maxPersons  = 50_000
	maxTotal    = 1_000_000
	maxAccounts = 20_000
	remembered  = 14 // days of an account's past
	leastDays   = 5  // of them before a day is compared with them
	leastUsual  = 10 // persons; an account that reads hardly anything has no usual day
	leastShare  = 50 // accesses before a share says anything
	usualShare  = 80 // percent of accesses with a ticket that make it usual
	levels      = 8
	levelFactor = 4
)

// State is what was read in the present windows. Its methods are not to be called
// concurrently.
type State struct {
	zone     *time.Location
	day      time.Time // the present one's beginning
	accounts map[domain.ID]*account
	reasons  map[string]*share
	shown    map[domain.ID]*shown
	persons  int // held in all accounts
}

// share is how often a reason comes with a ticket; yesterday counts half.
type share struct{ ticketed, total int64 }

// account is one account's day.
type account struct {
	day, hour             time.Time
	met                   map[uint64]int8 // persons, by the hour in which they were read last
	dayPersons            int64
	hourPersons           int64
	hourReads             int64
	hourDenials           int64
	dayReads              int64
	outside, bare, absent int64 // persons outside hours; accesses without ticket; with a defaulted reason
	past                  []int64
	said                  [8]int8 // by rule: levels said in the present window
}

// New begins with nothing read. Windows are of the zone.
func New(zone *time.Location) *State {
	return &State{zone: zone, accounts: map[domain.ID]*account{}, reasons: map[string]*share{}, shown: map[domain.ID]*shown{}}
}

// Accounts is how many accounts are held.
func (s *State) Accounts() int { return len(s.accounts) }

// at gives an account at an instant, its windows begun anew if they are over.
func (s *State) at(id domain.ID, t time.Time) (*account, time.Time) {
	local := t.In(s.zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, s.zone)
	if day.After(s.day) {
		s.turn(day)
	}
	a := s.accounts[id]
	if a == nil {
		if len(s.accounts) >= maxAccounts {
			s.forget()
		}
		a = &account{day: s.day, met: map[uint64]int8{}}
		s.accounts[id] = a
	}
	if hour := local.Truncate(time.Hour); hour.After(a.hour) {
		a.hour, a.hourPersons, a.hourReads, a.hourDenials = hour, 0, 0, 0
		for i, r := range Rules() {
			if r == Rate || r == BreadthHour || r == Denied {
				a.said[i] = 0
			}
		}
	}
	return a, local
}

// turn begins a day for everybody.
func (s *State) turn(day time.Time) {
	s.day, s.persons = day, 0
	for _, a := range s.accounts {
		if a.dayPersons > 0 {
			a.past = append(a.past, a.dayPersons)
			a.past = a.past[max(0, len(a.past)-remembered):]
		}
		*a = account{day: day, hour: a.hour, hourPersons: a.hourPersons, hourReads: a.hourReads, hourDenials: a.hourDenials,
			met: map[uint64]int8{}, past: a.past}
	}
	for code, r := range s.reasons {
		if r.ticketed, r.total = r.ticketed/2, r.total/2; r.total == 0 {
			delete(s.reasons, code)
		}
	}
}

// forget makes room: the accounts that were quiet longest go, a tenth of all, with
// their past.
func (s *State) forget() {
	quiet := slices.SortedFunc(maps.Keys(s.accounts), func(a, b domain.ID) int {
		return cmp.Or(s.accounts[a].hour.Compare(s.accounts[b].hour), slices.Compare(a[:], b[:]))
	})
	for _, id := range quiet[:maxAccounts/10] {
		s.persons -= len(s.accounts[id].met)
		delete(s.accounts, id)
	}
}

// Read counts an access and says what it makes unusual.
func (s *State) Read(r Read, l policy.WatchLimits, h policy.Hours) []Finding {
	a, local := s.at(r.Account, r.At)
	a.hourReads++
	a.dayReads++
	if r.Defaulted {
		a.absent++
	}
	usually := s.usual(r.Reason)
	if !r.Ticketed && usually {
		a.bare++
	}
	s.learn(r.Reason, r.Ticketed)
	if r.Opens {
		before := a.dayPersons
		s.meet(a, r, int8(local.Hour()))
		if !h.Within(local) {
			a.outside += a.dayPersons - before
		}
	}
	return a.judge(r.Account, r.At, l)
}

// Refused counts refused requests and says whether there are many.
func (s *State) Refused(r Refusal, l policy.WatchLimits) []Finding {
	a, _ := s.at(r.Account, r.At)
	a.hourDenials += r.Count
	return a.judge(r.Account, r.At, l)
}

// meet counts persons, each once an hour and once a day.
func (s *State) meet(a *account, r Read, hour int8) {
	for _, p := range r.Persons {
		key := binary.BigEndian.Uint64(p[:8])
		last, known := a.met[key]
		switch {
		case known && last == hour:
			continue
		case !known:
			a.dayPersons++
		}
		a.hourPersons++
		if known || len(a.met) < maxPersons && s.persons < maxTotal {
			if !known {
				s.persons++
			}
			a.met[key] = hour
		}
	}
	if more := r.Count - int64(len(r.Persons)); more > 0 {
		a.hourPersons, a.dayPersons = a.hourPersons+more, a.dayPersons+more
	}
}

func (s *State) learn(reason string, ticketed bool) {
	x := s.reasons[reason]
	if x == nil {
		x = new(share)
		s.reasons[reason] = x
	}
	x.total++
	if ticketed {
		x.ticketed++
	}
}

func (s *State) usual(reason string) bool {
	x := s.reasons[reason]
	return x != nil && x.total >= leastShare && 100*x.ticketed >= usualShare*x.total
}

// judge compares an account's windows with its limits.
func (a *account) judge(id domain.ID, at time.Time, l policy.WatchLimits) (out []Finding) {
	for i, rule := range Rules() {
		observed, limit, from := a.measure(rule, l)
		if limit <= 0 || observed <= limit {
			continue
		}
		level, bound := int8(1), limit
		for level < levels && observed > bound*levelFactor {
			level, bound = level+1, bound*levelFactor
		}
		if level > a.said[i] {
			a.said[i] = level
			out = append(out, Finding{Account: id, Rule: rule, Level: int(level) - 1, From: from, At: at, Observed: observed, Limit: limit})
		}
	}
	return out
}

// measure is what a rule looks at, and its limit; 0 is no limit.
func (a *account) measure(rule Rule, l policy.WatchLimits) (observed, limit int64, from time.Time) {
	switch rule {
	case Rate:
		return a.hourReads, int64(l.Reads), a.hour
	case BreadthHour:
		return a.hourPersons, int64(l.Hour.Soft), a.hour
	case BreadthDay:
		return a.dayPersons, int64(l.Day.Soft), a.day
	case Surge:
		return a.dayPersons, int64(l.Surge) * a.usualDay(), a.day
	case Hours:
		return a.outside, int64(l.Outside), a.day
	case Ticketless:
		return a.bare, int64(l.Ticketless), a.day
	case Defaulted:
		if a.dayReads < leastShare {
			return 0, 0, a.day
		}
		return 100 * a.absent / a.dayReads, int64(l.Defaulted), a.day
	default:
		return a.hourDenials, int64(l.Denials), a.hour
	}
}

// usualDay is the median of the account's past days, 0 while there are few.
func (a *account) usualDay() int64 {
	if len(a.past) < leastDays {
		return 0
	}
	sorted := slices.Sorted(slices.Values(a.past))
	return max(sorted[len(sorted)/2], leastUsual)
}

// Room says whether an account may read these persons now; if not, until when it has
// to wait.
func (s *State) Room(r Read, l policy.WatchLimits) (wait time.Duration, ok bool) {
	if l.Hour.Hard == 0 && l.Day.Hard == 0 || !r.Opens {
		return 0, true
	}
	a, local := s.at(r.Account, r.At)
	newHour, newDay := max(0, r.Count-int64(len(r.Persons))), max(0, r.Count-int64(len(r.Persons)))
	for _, p := range r.Persons {
		last, known := a.met[binary.BigEndian.Uint64(p[:8])]
		if !known {
			newDay++
		}
		if !known || last != int8(local.Hour()) {
			newHour++
		}
	}
	if over(l.Day.Hard, a.dayPersons, newDay) {
		return a.day.AddDate(0, 0, 1).Sub(r.At), false
	}
	if over(l.Hour.Hard, a.hourPersons, newHour) {
		return a.hour.Add(time.Hour).Sub(r.At), false
	}
	return 0, true
}

// over reports a read that goes beyond a bound; whom it met before, an account at
// its bound may read again.
func over(bound int, have, more int64) bool { return bound > 0 && more > 0 && have+more > int64(bound) }
