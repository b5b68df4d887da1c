package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
)

// fits is what the state of an item says about one of its forms.
type fits struct {
	about    string                         // what the item is
	revision string                         // of its state; "": it has none
	barred   string                         // why the act cannot be done now; "": it can
	known    url.Values                     // for fields that nobody typed into
	choices  map[string][]string            // fields that take these codes alone now
	names    map[string]string              // of codes that no list of words has, such as accounts
	hidden   []string                       // fields that this item has no use for
	parts    map[string][]string            // names that fields of texts by name take
	fixed    []kept                         // fields that the page says
	aside    []string                       // fields, by their whole names, that few forms of this kind need
	warning  string                         // what to look at before the form is sent
	keep     map[string]map[string][]string // of a group of groups, the fields that are asked for
	foreseen *foreseen
	find     *finder // looks whom the item is about up, within the form
	action   string  // where the form is sent; "": to its own page
	since    func(revision int) []entry
}

// fitting asks for an item and says what its state means for one act, nil if it cannot
// be told.
type fitting func(ctx context.Context, v *visit, a act, id string) *fits

// meanwhile is what others did to an item between the time at which a form was shown
// and the time at which it was sent.
type meanwhile struct {
	Steps  []entry
	Barred string    // the act cannot be done any more, and why
	Typed  []pair    // what was typed then
	Keep   *oneClick // keeps it as a note
	Back   string
}

// fitted narrows a form to what the item's state allows, fills in what is known, and
// after a conflict sets beside what was typed what others did meanwhile.
func (v *visit) fitted(ctx context.Context, p *formPage, d desk, a act, id string, in url.Values) ([]field, url.Values) {
	body := slices.Clone(v.c.spec[a.op].body)
	f := d.fit(ctx, v, a, id)
	if f == nil {
		return body, in
	}
	if p.About = f.about; p.Problem == nil {
		p.Barred = f.barred
	}
	p.Warning, p.aside = f.warning, f.aside
	p.Find, p.Action = f.find, cmp.Or(f.action, p.Action)
	if p.Foreseen = f.foreseen; !p.Again && !p.Approval {
		p.Fixed = f.fixed
	}
	if p.Problem != nil && (p.Problem.Code == "conflict" || p.Problem.Code == "not_found") && f.since != nil {
		seen, err := strconv.Atoi(in.Get("revision"))
		if steps := f.since(seen); err == nil && len(steps) > 0 {
			v.merge(p, f, body, in, steps)
		}
	}
	if p.Revision = in.Get("revision"); p.Meanwhile != nil || p.Revision == "" || f.since == nil && p.Problem != nil && p.Problem.Code == "conflict" {
		p.Revision = f.revision
	}
	out := url.Values{}
	for name, values := range f.known {
		out[name] = values
	}
	for name, values := range in {
		if len(values) > 0 && values[0] != "" || p.Problem != nil {
			out[name] = values
		}
	}
	body = slices.DeleteFunc(body, func(x field) bool { return slices.Contains(f.hidden, x.name) })
	for i := range body {
		if some, ok := f.choices[body[i].name]; ok {
			body[i].narrow(some)
		}
		body[i].part(f.parts[body[i].name])
		if some := f.keep[body[i].name]; some != nil {
			body[i].kept(some)
		}
	}
	v.words = v.words.naming(f.names)
	return body, out
}

// merge says what changed, and keeps what was typed where it can still be used.
func (v *visit) merge(p *formPage, f *fits, body []field, in url.Values, steps []entry) {
	m := &meanwhile{Steps: steps, Barred: f.barred, Back: p.Back}
	p.Meanwhile = m
	n, err := number(v.c.cfg.Rand)
	if err == nil {
		p.Number = n // what was refused stays refused under its own number
	}
	if m.Barred == "" {
		return
	}
	text := ""
	for _, x := range body {
		for _, typed := range in[x.name] {
			if typed == "" {
				continue
			}
			shown := v.words.cell(x.name, value{kind: '"', scalar: typed})
			m.Typed = append(m.Typed, pair{Label: v.words.label(x.name), Name: x.name, Value: shown})
			text += v.words.say("typed_line", "field", v.words.label(x.name), "value", shown.Text) + "\n"
		}
	}
	if text == "" || !v.allowed(stepOp("notes")) {
		return
	}
	if keep, err := v.button(p.Back+"/notes", v.words.t("meanwhile_keep"), kept{"words", text}); err == nil {
		m.Keep = keep
	}
}

// part has a field of texts by name ask for each of some names.
func (f *field) part(names []string) {
	if f.kind != fieldMap {
		return
	}
	f.kind = fieldGroup
	for _, n := range names {
		f.fields = append(f.fields, field{name: n, kind: fieldLong})
	}
}

// kept has a group of groups ask for some fields of some groups.
func (f *field) kept(some map[string][]string) {
	var groups []field
	for _, g := range f.fields {
		if names := some[g.name]; names != nil {
			g.fields = slices.DeleteFunc(slices.Clone(g.fields), func(x field) bool { return !slices.Contains(names, x.name) })
			groups = append(groups, g)
		}
	}
	f.fields = groups
}

// narrow has a field take some codes alone.
func (f *field) narrow(codes []string) {
	switch f.kind {
	case fieldText, fieldChoice:
		f.kind = fieldChoice
	case fieldLines, fieldChoices:
		f.kind = fieldChoices
	default:
		return
	}
	f.choices = codes
}

// naming are the words with names of codes that are nobody's words.
func (w *words) naming(names map[string]string) *words {
	out := *w
	out.names = names
	return &out
}

// apart takes the fields of some names out of a form's, in their order, those of groups too.
func apart(all []input, names []string) (left, out []input) {
	for _, i := range all {
		if slices.Contains(names, i.Name) {
			out = append(out, i)
			continue
		}
		if i.Kind == fieldGroup {
			var some []input
			i.Fields, some = apart(i.Fields, names)
			out = append(out, some...)
		}
		left = append(left, i)
	}
	return left, out
}

// filled reports a field in which something stands, or that was refused.
func filled(i input) bool {
	return i.Value != "" || i.Bad || slices.ContainsFunc(i.Choices, func(c choice) bool { return c.Chosen }) || slices.ContainsFunc(i.Fields, filled)
}
