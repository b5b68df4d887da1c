package policy

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Watch says which reads are usual, and how many persons a role may read (art. 32;
// CNIL, consignes pour renforcer la sécurité des grandes bases de données: limit
// bulk extraction, and be told of it).
type Watch struct {
	Hours   Hours
	Default WatchLimits // of roles that are not listed, and of accounts of other systems
	roles   []WatchLimits
}

// Hours are those in which people work.
type Hours struct {
	TimeZone string // IANA
	Days     []time.Weekday
	From, To int // hours of the day, To exclusive
}

// Within reports whether an instant, given in the hours' time zone, is in them.
func (h Hours) Within(local time.Time) bool {
	return slices.Contains(h.Days, local.Weekday()) && local.Hour() >= h.From && local.Hour() < h.To
}

// Quota bounds how many different persons an account reads in a window: from Soft on
// somebody is told, beyond Hard nothing is read. 0 is no bound.
type Quota struct{ Soft, Hard int }

// WatchLimits are one role's; 0 is no limit.
type WatchLimits struct {
	Role       string
	Hour, Day  Quota // of persons
	Reads      int   // accesses an hour
	Outside    int   // persons a day, read outside the hours
	Defaulted  int   // percent of a day's accesses whose reason is the token's default
	Ticketless int   // accesses a day without a ticket, for a reason that usually has one
	Denials    int   // refused requests an hour
	Surge      int   // times the account's own usual day, in persons
}

// maxWatched bounds every number of the section.
const maxWatched = 10_000_000

// watchZones are the time zones of France; a closed list, since a name that is not
// known everywhere would make nodes differ.
func watchZones() []string {
	return []string{"Europe/Paris", "America/Guadeloupe", "America/Martinique", "America/Cayenne", "America/Miquelon", "Indian/Reunion",
		"Indian/Mayotte", "Pacific/Noumea", "Pacific/Tahiti", "Pacific/Wallis", "UTC"}
}

func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// defaultWatch holds where a text says nothing: everybody is watched, nobody is
// refused anything.
func defaultWatch() Watch {
	return Watch{
		Hours: Hours{TimeZone: "Europe/Paris", From: 6, To: 22, Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday,
			time.Friday, time.Saturday}},
		Default: WatchLimits{Hour: Quota{Soft: 100}, Day: Quota{Soft: 500}, Reads: 1000, Outside: 20, Defaulted: 0, Ticketless: 20, Denials: 20, Surge: 6},
	}
}

// Watch is the section; defaults where the text says nothing.
func (p *Policy) Watch() Watch {
	w := p.watch
	if w.Hours.TimeZone == "" {
		return defaultWatch()
	}
	w.Hours.Days, w.roles = slices.Clone(w.Hours.Days), slices.Clone(w.roles)
	return w
}

// WatchLimits are the section's for an account with these roles (Watch.Limits).
func (p *Policy) WatchLimits(roles []string) WatchLimits {
	if p.watch.Hours.TimeZone == "" {
		return defaultWatch().Limits(roles)
	}
	return p.watch.Limits(roles)
}

// Roles lists the roles that have limits of their own.
func (w Watch) Roles() []WatchLimits { return slices.Clone(w.roles) }

// Limits are those of an account with these roles: of each number the widest, as an
// account may do what any of its roles may.
func (w Watch) Limits(roles []string) WatchLimits {
	var out WatchLimits
	for i, role := range roles {
		l := w.Default
		if at := slices.IndexFunc(w.roles, func(x WatchLimits) bool { return x.Role == role }); at >= 0 {
			l = w.roles[at]
		}
		if i == 0 {
			out = l
			continue
		}
		wider(&out.Hour.Soft, l.Hour.Soft)
		wider(&out.Hour.Hard, l.Hour.Hard)
		wider(&out.Day.Soft, l.Day.Soft)
		wider(&out.Day.Hard, l.Day.Hard)
		wider(&out.Reads, l.Reads)
		wider(&out.Outside, l.Outside)
		wider(&out.Defaulted, l.Defaulted)
		wider(&out.Ticketless, l.Ticketless)
		wider(&out.Denials, l.Denials)
		wider(&out.Surge, l.Surge)
	}
	if len(roles) == 0 {
		out = w.Default
	}
	out.Role = ""
	return out
}

func wider(have *int, other int) {
	if *have == 0 || other == 0 {
		*have = 0
		return
	}
	*have = max(*have, other)
}

// watched reads the section, and refuses a policy that shows findings about staff to
// those who run the system.
func (r *reader) watched(p *Policy, o *object) {
	for _, permission := range []string{"watch.read", "watch.close"} {
		if p.Permits("admin", permission) {
			r.add(o.at["roles"], "roles", "take %s from the role admin; findings about staff are for the DPO and security alone", permission)
		}
	}
	n := o.get("watch", false)
	if n == nil {
		return
	}
	w := r.object(n, "watch", "hours", "default", "roles")
	p.watch = defaultWatch()
	if n := w.get("hours", true); n != nil {
		r.hours(&p.watch.Hours, n)
	}
	if n := w.get("default", true); n != nil {
		p.watch.Default = r.limits(r.object(n, "watch.default", limitKeys()...), WatchLimits{})
	}
	known := keys(p.roleAt)
	w.each("roles", false, func(n *yaml.Node, path string) {
		c := r.object(n, path, append([]string{"code"}, limitKeys()...)...)
		l := r.limits(c, p.watch.Default)
		l.Role = c.oneOf("code", true, known)
		if l.Role != "" && slices.ContainsFunc(p.watch.roles, func(x WatchLimits) bool { return x.Role == l.Role }) {
			r.add(c.at["code"], join(path, "code"), "choose another code, this one stands above already")
		}
		p.watch.roles = append(p.watch.roles, l)
	})
}

func (r *reader) hours(h *Hours, n *yaml.Node) {
	o := r.object(n, "watch.hours", "time_zone", "days", "from", "to")
	h.TimeZone = o.oneOf("time_zone", true, watchZones())
	h.From, h.To = o.number("from", 0, 23), o.number("to", 1, 24)
	if h.To <= h.From {
		r.add(o.at["to"], "watch.hours.to", "write a later hour than from")
	}
	h.Days = nil
	for _, d := range o.someOf("days", true, weekdays()) {
		h.Days = append(h.Days, time.Weekday(slices.Index(weekdays(), d)))
	}
	if h.TimeZone == "" {
		h.TimeZone = "Europe/Paris"
	}
}

func limitKeys() []string {
	return []string{"persons_hour", "persons_day", "reads_hour", "outside_hours", "defaulted_percent", "ticketless_day", "denials_hour", "surge_times"}
}

// limits reads one role's; a key that is absent is as given.
func (r *reader) limits(o *object, l WatchLimits) WatchLimits {
	for _, q := range []struct {
		key  string
		into *Quota
	}{{"persons_hour", &l.Hour}, {"persons_day", &l.Day}} {
		n := o.get(q.key, false)
		if n == nil {
			continue
		}
		c := r.object(n, join(o.path, q.key), "soft", "hard")
		q.into.Soft, q.into.Hard = c.upTo("soft", 0, maxWatched), c.upTo("hard", 0, maxWatched)
		if q.into.Hard > 0 && q.into.Soft > q.into.Hard {
			r.add(c.at["soft"], join(c.path, "soft"), "write at most what hard says: who is refused has been told of before")
		}
	}
	l.Reads = o.upTo("reads_hour", l.Reads, maxWatched)
	l.Outside = o.upTo("outside_hours", l.Outside, maxWatched)
	l.Defaulted = o.upTo("defaulted_percent", l.Defaulted, 100)
	l.Ticketless = o.upTo("ticketless_day", l.Ticketless, maxWatched)
	l.Denials = o.upTo("denials_hour", l.Denials, maxWatched)
	l.Surge = o.upTo("surge_times", l.Surge, 1000)
	return l
}

// upTo reads an optional whole number; 0 turns the limit off.
func (o *object) upTo(key string, absent, most int) int {
	if o.get(key, false) == nil {
		return absent
	}
	return o.number(key, 0, most)
}
