package retention

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
)

// stage is one exit of one key's data.
type stage struct {
	action Action
	term   term      // of the rule that it follows from
	at     time.Time // when it is due: the term's end, or the end of a wait
	part   *Part
}

// stages are what is ahead of a key's data, or behind it and not done: out of the
// active base, then the end. What is open is left out.
func (c *person) stages(p *Part) (archive, end *stage) {
	s := c.of(p)
	if s.keep.rule == nil {
		return nil, nil
	}
	if !s.keep.open {
		end = c.end(p, s.keep)
	}
	if p.Archived.IsZero() && !s.active.open && (s.keep.open || s.active.at.Before(s.keep.at)) {
		if s.active.rule == nil { // no purpose needs it in the active base
			s.active = term{rule: s.keep.rule, since: c.Collected, at: c.Collected}
		}
		archive = &stage{Archive, s.active, s.active.at, p}
	}
	return archive, end
}

func (c *person) end(p *Part, t term) *stage {
	s := &stage{Destroy, t, t.at, p}
	switch t.rule.Exit {
	case policy.ExitGeneralise:
		if p.Generalised.Before(t.since) || p.Generalised.IsZero() {
			s.action = Generalise
		}
	case policy.ExitAsk:
		if c.Opposed || !c.Deceased.IsZero() || !c.Erased.IsZero() {
			return s // nobody to be asked: silence
		}
		asked := c.askedFor(t.rule.Purpose)
		if !asked.After(t.since) {
			s.action = Ask
		} else if until := t.rule.Wait.After(asked); until.After(s.at) {
			s.at = until
		}
	}
	return s
}

// askedFor is when the person was last asked for a purpose.
func (c *Clocks) askedFor(purpose string) (at time.Time) {
	for _, a := range c.Asked {
		if a.Purpose == purpose || a.Purpose == "" {
			latest(&at, a.At)
		}
	}
	return at
}

// Due is what is to be done about the person at now, archives first; none if nothing
// is past its term. It is in a fixed order: by action, then class.
func (r *Rules) Due(c *Clocks, now time.Time) []Exit {
	due, _ := r.Look(c, now)
	return due
}

// Ahead is what is announced at now: what comes due later, within the time that its
// rule reminds ahead, in the form that Due will give it, if nothing happens until then.
func (r *Rules) Ahead(c *Clocks, now time.Time) []Exit {
	_, ahead := r.Look(c, now)
	return ahead
}

// Look is Due and Ahead in one.
func (r *Rules) Look(c *Clocks, now time.Time) (due, ahead []Exit) {
	who := person{Clocks: c, rules: r}
	var over, near []*stage
	for i := range c.Parts {
		archive, end := who.stages(&c.Parts[i])
		switch {
		case end != nil && !end.at.After(now):
			over = append(over, end)
		case archive != nil && !archive.at.After(now):
			over = append(over, archive)
		}
		for _, s := range [...]*stage{archive, end} {
			if s != nil && s.at.After(now) && !s.announced().After(now) {
				near = append(near, s)
			}
		}
	}
	return r.exits(c, over, now), r.exits(c, near, time.Time{})
}

// announced is from when on a stage is listed.
func (s *stage) announced() time.Time {
	if s.term.rule.Remind == (policy.Period{}) {
		return s.at
	}
	return s.term.rule.Remind.Before(s.at)
}

// Next is the earliest time at which Due or Ahead may list anything, which may have
// passed; zero if that waits for something to happen.
func (r *Rules) Next(c *Clocks) (next time.Time) {
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	who := person{Clocks: c, rules: r}
	for i := range c.Parts {
		archive, end := who.stages(&c.Parts[i])
		for _, s := range [...]*stage{archive, end} {
			if s != nil {
				sooner(s.announced())
			}
		}
	}
	if c.remains(nil) {
		sooner(c.Stripped)
	}
	return next
}

// exits puts stages together: those of a class that follow from one rule, then those
// that are about the person.
func (r *Rules) exits(c *Clocks, stages []*stage, now time.Time) []Exit {
	var out, ask []Exit
	for len(stages) > 0 {
		first := stages[0]
		var same, rest []*stage
		for _, s := range stages {
			if s.part.Class == first.part.Class && s.action == first.action && s.term.rule == first.term.rule {
				same = append(same, s)
			} else {
				rest = append(rest, s)
			}
		}
		stages = rest
		if e := c.exit(same); e.Action == Ask {
			ask = c.join(ask, e, first.term.rule, now)
		} else {
			out = append(out, e)
		}
	}
	out = append(out, ask...)
	if !now.IsZero() {
		out = c.whole(out, now)
	}
	slices.SortStableFunc(out, func(a, b Exit) int {
		return cmp.Or(cmp.Compare(rank(a.Action), rank(b.Action)), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}

func rank(a Action) int {
	return slices.Index([]Action{Archive, Ask, Generalise, Destroy, Erase}, a)
}

// exit is the one of stages of one class, rule and action.
func (c *Clocks) exit(stages []*stage) Exit {
	t := stages[0].term
	e := Exit{Subject: c.Subject, Action: stages[0].action, Class: stages[0].part.Class, Rule: t.rule.ID, Purpose: t.rule.Purpose,
		Legal: t.rule.Reference, Justification: t.rule.Justification}
	for _, s := range stages {
		e.Epochs = append(e.Epochs, s.part.Epoch)
		if s.at.After(e.DueAt) {
			e.Since, e.DueAt = s.term.since, s.at
		}
	}
	have := 0
	for i := range c.Parts {
		if c.Parts[i].Class == e.Class {
			have++
		}
	}
	if len(e.Epochs) == have {
		e.Epochs = nil
	}
	if e.Action != Archive {
		e.Blocked = c.blocked()
	}
	return e
}

func (c *Clocks) blocked() []domain.ID { return slices.Concat(c.Holds, c.Restrictions) }

// join puts one class's question to the others of its purpose: the person is asked once.
func (c *Clocks) join(ask []Exit, e Exit, rule *Rule, now time.Time) []Exit {
	i := slices.IndexFunc(ask, func(x Exit) bool { return x.Purpose == e.Purpose })
	if i < 0 {
		whole := e
		whole.Class, whole.Epochs = "", nil
		if !now.IsZero() {
			whole.Until = rule.Wait.After(now)
		}
		ask, i = append(ask, whole), len(ask)
	}
	x := &ask[i]
	x.Parts = append(x.Parts, e)
	if e.DueAt.After(x.DueAt) {
		x.Rule, x.Since, x.DueAt, x.Legal, x.Justification = e.Rule, e.Since, e.DueAt, e.Legal, e.Justification
	}
	return ask
}

// outlives are the classes that a person is erased without: proof, and the requests
// file (art. 17(3)(b) and (e)).
func outlives(class string) bool { return class == "evidence" || class == "requests" }

// remains reports that, without what goes, nothing is left of a person, or proof and
// requests are of one who had more.
func (c *Clocks) remains(goes []Exit) bool {
	if !c.Erased.IsZero() || len(goes) == 0 && c.Stripped.IsZero() || len(c.Parts) == 0 {
		return false
	}
	more, left := !c.Stripped.IsZero(), 0
	for i := range c.Parts {
		p := &c.Parts[i]
		gone := slices.ContainsFunc(goes, func(e Exit) bool {
			return e.Class == p.Class && (e.Epochs == nil || slices.Contains(e.Epochs, p.Epoch))
		})
		if !gone && !outlives(p.Class) {
			return false
		}
		if gone {
			more = more || !outlives(p.Class)
		} else {
			left++
		}
	}
	return more || left == 0
}

// whole puts one erasure in the place of the last destructions.
func (c *Clocks) whole(out []Exit, now time.Time) []Exit {
	var goes, others []Exit
	for _, e := range out {
		if e.Action == Destroy {
			goes = append(goes, e)
		} else {
			others = append(others, e)
		}
	}
	if len(goes) == 0 && c.Stripped.After(now) || !c.remains(goes) {
		return out
	}
	e := Exit{Subject: c.Subject, Action: Erase, DueAt: c.Stripped, Since: c.Stripped, Blocked: c.blocked(), Parts: goes}
	for _, x := range goes {
		if !x.DueAt.Before(e.DueAt) {
			e.Rule, e.Purpose, e.Since, e.DueAt, e.Legal, e.Justification = x.Rule, x.Purpose, x.Since, x.DueAt, x.Legal, x.Justification
		}
	}
	for i := range c.Parts {
		p := &c.Parts[i]
		if !slices.Contains(e.Kept, p.Class) && !slices.ContainsFunc(goes, func(x Exit) bool { return x.Class == p.Class && x.Epochs == nil }) {
			e.Kept = append(e.Kept, p.Class)
		}
	}
	return append(others, e)
}
