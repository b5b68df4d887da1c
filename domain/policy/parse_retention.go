package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// retention reads the rules; one item of the text may stand for several classes.
func (r *reader) retention(p *Policy, o *object) {
	n := o.get("retention", true)
	if n == nil {
		return
	}
	before := len(r.errs)
	o.each("retention", true, func(n *yaml.Node, path string) {
		r.durationsOf(p, n, path)
	})
	if len(r.errs) > before {
		return // a rule that was refused would seem to be missing
	}
	for _, class := range ClassCodes() {
		if class != "access" && !slices.ContainsFunc(p.durations, func(d Duration) bool { return d.Class == class }) {
			r.add(n, "retention", "add a rule for the class %s; nothing is kept without a duration (art. 5(1)(e))", class)
		}
	}
	for _, d := range p.durations {
		if d.Exit == ExitArchive && !slices.ContainsFunc(p.durations, func(a Duration) bool {
			return a.Class == d.Class && a.Purpose == d.Purpose && a.Phase == PhaseArchive
		}) {
			r.add(n, "retention", "add a rule of phase archive for class %s, which another rule archives; an archive needs an end", d.Class)
		}
	}
}

func (r *reader) durationsOf(p *Policy, n *yaml.Node, path string) {
	o := r.object(n, path, "classes", "purpose", "phase", "kinds", "condition", "start", "length", "exit", "wait", "remind", "reference", "justification")
	classes := o.someOf("classes", true, ClassCodes())
	d := Duration{
		Purpose: o.oneOf("purpose", true, keys(p.purposeAt)), Phase: o.oneOf("phase", true, []string{PhaseActive, PhaseArchive}),
		Kinds: o.someOf("kinds", false, ContactKinds()), Condition: o.oneOf("condition", false, []string{ConditionElectronic120}),
		Start: o.oneOf("start", true, Starts()), Exit: o.oneOf("exit", true, []string{ExitArchive, ExitAsk, ExitGeneralise, ExitDestroy}),
		Reference: o.must("reference"), Justification: o.may("justification"),
	}
	var ok bool
	if d.Length, ok = o.period("length", true); !ok {
		return
	}
	d.Remind, _ = o.period("remind", false)
	r.exit(o, &d)
	for _, class := range classes {
		d.Class = class
		r.duration(p, o, d)
	}
}

// exit checks what an exit needs, and where it can be.
func (r *reader) exit(o *object, d *Duration) {
	wait, given := o.period("wait", false)
	switch {
	case d.Phase == PhaseArchive && (d.Exit == ExitArchive || d.Exit == ExitAsk):
		r.add(o.at["exit"], join(o.path, "exit"), "write destroy or generalise; what is archived already can only end")
	case d.Exit == ExitAsk && given && (wait == Period{} || askWait().less(wait)):
		r.add(o.at["wait"], join(o.path, "wait"), "write a period from P1D to %s; silence is no and ends the keeping", askWait())
	case d.Exit == ExitAsk && given:
		d.Wait = wait
	case d.Exit == ExitAsk && o.at["wait"] == nil:
		d.Wait = Period{Months: 1}
	case d.Exit != ExitAsk && o.at["wait"] != nil && d.Exit != "":
		r.add(o.at["wait"], join(o.path, "wait"), "remove this; only the exit ask waits for an answer")
	}
}

// askWait bounds how long an answer is awaited: the person is asked at the term, which
// no long wait may move (délib. 2021-131).
func askWait() Period { return Period{Months: 3} }

// period reads a length; ok is false if there is none, or it was refused.
func (o *object) period(key string, required bool) (p Period, ok bool) {
	text := o.text(key, required)
	if text == "" {
		return Period{}, false
	}
	p, err := ParsePeriod(text)
	if err != nil {
		o.r.add(o.at[key], join(o.path, key), "write a period such as P3Y, P13M, P30D or P1Y6M")
		return Period{}, false
	}
	return p, true
}

// duration enters one rule, held against the law's floors and CNIL's durations.
func (r *reader) duration(p *Policy, o *object, d Duration) {
	if d.Class == "access" {
		r.add(o.node, o.path, "remove class access here; its length is bounds.access_journal_months")
		return
	}
	for _, x := range p.durations {
		if x.Class == d.Class && x.Purpose == d.Purpose && x.Phase == d.Phase && x.Condition == d.Condition && overlap(x.Kinds, d.Kinds) {
			r.add(o.node, o.path, "remove class %s here; a rule above has the same purpose, phase, kinds and condition", d.Class)
			return
		}
	}
	departs := false
	for _, s := range standardsFor(d) {
		if d.Length.less(s.least) {
			r.add(o.at["length"], join(o.path, "length"), "write at least %s, the law's minimum for class %s", s.least, d.Class)
			return
		}
		departs = departs || d.Start != s.start || !d.Length.same(s.length)
	}
	if departs && d.Justification == "" {
		r.add(o.node, o.path, "add a justification, or keep the default (%s from %s) for class %s",
			standardsFor(d)[0].length, standardsFor(d)[0].start, d.Class)
		return
	}
	p.durations = append(p.durations, d)
}

// overlap reports whether two lists of kinds share one; no list is all kinds.
func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(k string) bool { return slices.Contains(b, k) })
}
