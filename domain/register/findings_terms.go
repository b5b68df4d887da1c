package register

import (
	"slices"

	"greffe/domain/policy"
)

func (c *comparison) durations(e *Entry, add func(Finding)) {
	for _, s := range e.Sensitive {
		if s.Erasure == "" {
			add(Finding{Code: DurationMissing, What: s.Kind})
		}
	}
	for _, d := range e.Data {
		if d.Active == "" && d.Archive == "" {
			add(Finding{Code: DurationMissing, What: d.Category})
		}
		for _, class := range d.Classes {
			if !c.in.Policy.HasClass(class) {
				add(Finding{Code: ClassUnknown, What: class})
			}
		}
		for _, f := range c.in.Policy.Fields() {
			if slices.Contains(d.Classes, f.Class) && f.Class != "requests" && f.Allows(policy.RuleSpecialCategory) && len(e.Sensitive) == 0 {
				add(Finding{Code: SensitiveMissing, What: f.Class})
				break
			}
		}
		if len(d.Classes) == 0 || d.Active == "" && d.Archive == "" {
			continue
		}
		active, archive := Longest(c.in.Policy, e.Purposes, d.Classes)
		for _, x := range [][2]string{{d.Active, active}, {d.Archive, archive}} {
			if differ(x[0], x[1]) {
				add(Finding{Code: DurationDiffers, What: d.Category, Register: x[0], Policy: x[1]})
			}
		}
	}
}

// differ reports two durations that are not the same time; one that is said in words is
// not compared.
func differ(said, policy string) bool {
	if said == "" || policy == "" {
		return said != policy
	}
	a, ok := ParseLength(said)
	b, is := ParseLength(policy)
	return ok && is && !a.After(someDay()).Equal(b.After(someDay()))
}

// assessment compares with what was decided on an impact assessment (art. 35). Signs of
// use are of the whole ledger: they concern who pursues purposes with it, but not the
// entries of the ledger itself.
func (c *comparison) assessment(i *Item) {
	add := func(f Finding) {
		f.Activity, f.Name = i.ID, i.Entry.Name
		c.add(f)
	}
	s := i.Screening
	switch {
	case i.Entry.Role == Processor:
		return
	case s != nil && s.Required && !s.Settled:
		add(Finding{Code: DPIAMissing})
	}
	if slices.Contains(Shipped(), i.Template) || !slices.ContainsFunc(i.Entry.Purposes, c.in.Policy.Purpose) {
		return
	}
	for _, t := range c.in.Triggers {
		switch {
		case s == nil:
			add(Finding{Code: ScreeningMissing, What: t.Code, Facts: t.Facts, Last: t.Last})
		case !slices.Contains(s.Triggers, t.Code):
			add(Finding{Code: ScreeningStale, What: t.Code, Facts: t.Facts, Last: t.Last})
		}
	}
}
