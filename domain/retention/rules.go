package retention

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"greffe/domain/policy"
)

// Rule is one duration of the policy for one class.
type Rule struct {
	// ID is a code: class, purpose, phase, and a number from the second on of those
	// that have all three in common, as in "identity.prospecting.active.2". It is
	// stable within a version of the policy.
	ID string
	policy.Duration
	clock int // of those of the whole person, the one that it shares with equal rules; -1: a key's own
}

// Rules are the durations of one version of the policy. Their methods may be called
// concurrently.
type Rules struct {
	all     []Rule
	byClass map[string][]line
	kinds   map[string][]string // of each class: kinds of which a rule is
	clocks  int
}

// line is what one purpose needs of one class: how long in the active base, then in
// the archive. Rules that differ in kinds and conditions only are lines of one purpose.
type line struct {
	purpose         string
	active, archive []*Rule
}

// New compiles a policy's durations.
func New(p *policy.Policy) *Rules {
	r := &Rules{byClass: map[string][]line{}, kinds: map[string][]string{}}
	seen := map[string]int{}
	for _, d := range p.Durations("") {
		id := d.Class + "." + d.Purpose + "." + d.Phase
		if seen[id]++; seen[id] > 1 {
			id = fmt.Sprintf("%s.%d", id, seen[id])
		}
		r.all = append(r.all, Rule{id, d, r.clockOf(&d)})
	}
	for i := range r.all {
		rule := &r.all[i]
		lines := r.byClass[rule.Class]
		at := slices.IndexFunc(lines, func(l line) bool { return l.purpose == rule.Purpose })
		if at < 0 {
			lines, at = append(lines, line{purpose: rule.Purpose}), len(lines)
		}
		if rule.Phase == policy.PhaseActive {
			lines[at].active = append(lines[at].active, rule)
		} else {
			lines[at].archive = append(lines[at].archive, rule)
		}
		r.byClass[rule.Class] = lines
		kinds := rule.Kinds
		if len(kinds) == 0 {
			kinds = policy.ContactKinds()
		}
		r.kinds[rule.Class] = append(r.kinds[rule.Class], kinds...)
	}
	return r
}

// clockOf finds the rule above that starts and lasts as d does for a whole person.
func (r *Rules) clockOf(d *policy.Duration) int {
	if ofKey(d.Start) {
		return -1
	}
	for i := range r.all {
		if x := &r.all[i]; x.Start == d.Start && x.Length == d.Length {
			return x.clock
		}
	}
	if r.clocks++; r.clocks > maxClocks {
		return -1
	}
	return r.clocks - 1
}

// List gives the rules in the order of the policy's text.
func (r *Rules) List() []Rule {
	out := slices.Clone(r.all)
	for i := range out {
		out[i].Kinds = slices.Clone(out[i].Kinds)
	}
	return out
}

// Equal reports whether the durations are the same.
func (r *Rules) Equal(o *Rules) bool { return reflect.DeepEqual(r.all, o.all) }

// heldFor reports whether a rule is for the person.
func (r *Rules) heldFor(rule *Rule, c *Clocks) bool {
	if rule.Condition == policy.ConditionElectronic120 && !c.Contracts.Electronic {
		return false
	}
	if len(rule.Kinds) == 0 {
		return true
	}
	known := false
	for _, k := range c.Kinds {
		if slices.Contains(rule.Kinds, k) {
			return true
		}
		known = known || slices.Contains(r.kinds[rule.Class], k)
	}
	return !known // nobody said what the person is, or no rule is for that
}

// term is when something ends; open: what starts it has not come.
type term struct {
	rule  *Rule
	since time.Time
	at    time.Time
	open  bool
}

// later is whichever ends later; an open one never ends.
func (t term) later(o term) term {
	switch {
	case t.rule == nil:
		return o
	case o.rule == nil || t.open || !o.open && !o.at.After(t.at):
		return t
	}
	return o
}

// standing is how long a key's data may be kept.
type standing struct {
	active term // in the active base; no rule: no purpose needs it there
	keep   term // at all
}

// maxClocks bounds how many clocks of a person are remembered while it is looked at.
const maxClocks = 24

// person is somebody who is looked at: clocks that several keys share run once.
type person struct {
	*Clocks
	rules *Rules
	ran   [maxClocks]struct {
		term
		known bool
	}
}

// of works out the standing of a key that the person has.
func (c *person) of(p *Part) (s standing) {
	lines := c.rules.byClass[p.Class]
	for i := range lines {
		l := &lines[i]
		var active, archive term
		for _, rule := range l.active {
			if c.rules.heldFor(rule, c.Clocks) {
				active = active.later(c.run(rule, p))
			}
		}
		if active.rule == nil || active.rule.Exit == policy.ExitArchive {
			archive = c.archive(l, p, active.rule != nil)
		}
		s.active = s.active.later(active)
		s.keep = s.keep.later(active.later(archive))
	}
	return s
}

// archive is when a purpose's archive ends. What was archived must have an end: if no
// rule is for the person, all that know no condition are.
func (c *person) archive(l *line, p *Part, needed bool) (t term) {
	for _, rule := range l.archive {
		if c.rules.heldFor(rule, c.Clocks) {
			t = t.later(c.run(rule, p))
		}
	}
	if t.rule != nil || !needed {
		return t
	}
	for _, rule := range l.archive {
		if rule.Condition == "" {
			t = t.later(c.run(rule, p))
		}
	}
	return t
}

// run is when a rule runs out.
func (c *person) run(rule *Rule, p *Part) term {
	if rule.clock < 0 {
		return c.rules.run(rule, c.Clocks, p)
	}
	x := &c.ran[rule.clock]
	if !x.known {
		x.term, x.known = c.rules.run(rule, c.Clocks, p), true
	}
	t := x.term
	t.rule = rule
	return t
}

// run is when a rule runs out for a key.
func (r *Rules) run(rule *Rule, c *Clocks, p *Part) term {
	since, open := r.start(rule.Start, c, p)
	if open {
		return term{rule: rule, open: true}
	}
	return term{rule: rule, since: since, at: rule.Length.After(since)}
}
