package importer

import "slices"

func (u *reading) date(t target, cell string) {
	if emptyDate(cell) {
		return
	}
	layouts := t.layouts
	if len(u.opt.Mapping.layouts) > 0 {
		layouts = slices.Concat(layouts, u.opt.Mapping.layouts)
	}
	d, ok := parseDate(cell, layouts, u.opt.Location, u.horizon)
	if !ok {
		u.warn(t.path, "date_not_readable")
		return
	}
	if !u.opt.At.IsZero() && d.After(u.opt.At) {
		u.warn(t.path, "date_ahead")
		return
	}
	switch t.path {
	case toConsentAt:
		u.consentAt = d
	case toOppositionAt:
		u.oppositionAt = d
	case toCollected:
		u.c.collected = d
		u.text(t.path, d.String())
	case toActivity:
		u.c.activity = d
		u.text(t.path, d.String())
	default:
		u.text(t.path, d.String())
	}
}

// choice reads an opt-in or opt-out cell. A date is a yes of that date. What is
// not clear objects in a column of objections and says nothing in one of consents.
func (u *reading) choice(t target, cell string) {
	c := choice{target: t}
	if c.purpose == "" {
		c.purpose = u.opt.Purpose
	}
	a := yesNo(cell)
	if a == unclear {
		if emptyDate(cell) {
			return
		}
		if d, ok := parseDate(cell, t.layouts, u.opt.Location, u.horizon); ok {
			a, c.at = yes, d
		}
	}
	switch {
	case t.path == toOpposition:
		var clear bool
		if c.opposed, clear = objects(cell); !c.opposed {
			return
		}
		if !clear && c.at.IsZero() {
			u.warn(t.path, "read_as_objection")
		}
	case a == yes:
		c.granted = true
	case a == no:
		c.refused = true
	default:
		u.warn(t.path, "value_not_listed")
		return
	}
	for i, o := range u.c.choices {
		if o.key() == c.key() { // two columns say the same thing; a refusal goes before
			if c.refused {
				u.c.choices[i] = c
			}
			return
		}
	}
	u.c.choices = append(u.c.choices, c)
}
