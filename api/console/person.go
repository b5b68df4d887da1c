package console

import (
	"net/url"
	"slices"
	"strings"
)

// describe sorts what is known of a person into cards.
func (v *visit) describe(p *personPage, s value) {
	add := func(title string, c card) {
		if len(c.Values) > 0 || c.Table != nil {
			c.Title, c.Help = v.words.t(title), v.words.texts[title+"_help"]
			p.Cards = append(p.Cards, c)
		}
	}
	masked := s.at("masked").strings()
	add("card_person", card{Values: v.marked("person", s, masked)})
	add("card_professional", card{Values: append(v.marked("company", s, masked), v.marked("professional", s, masked)...)})
	for _, l := range []struct {
		name    string
		columns []string
	}{{"oppositions", []string{"time", "purpose", "channels", "controller", "subject", "event"}}, {"restrictions", nil}, {"holds", nil},
		{"consents", []string{"purpose", "channel", "state", "since", "until", "lacks"}}, {"contracts", nil}} {
		if w := s.at(l.name); len(w.list) > 0 {
			add("card_"+l.name, card{Table: v.listed(l.name, l.columns, w), Wide: true})
		}
	}
	add("card_custom", card{Values: v.marked("custom", s, masked)})
	add("card_notes", card{Values: v.words.pairs(value{kind: '{', members: []member{{"notes", s.at("notes")}}})})
	add("card_file", card{Values: v.named(s, "kind", "collection", "portfolio", "last_activity_at", "died_on", "deceased", "merged_from", "merged_into")})
	if t := v.provenance(s.at("provenance"), p.Sources); len(t.Body) > 0 {
		add("card_provenance", card{Table: t, Wide: true})
	}
	for _, b := range []struct{ at, kind string }{{"restricted", "warn"}, {"deceased", "warn"}} {
		if s.is(b.at) {
			p.Badges = append(p.Badges, badge{b.kind, v.words.label(b.at)})
		}
	}
	for _, b := range []struct{ at, kind string }{{"oppositions", "stop"}, {"holds", "warn"}} {
		if n := len(s.at(b.at).list); n > 0 {
			p.Badges = append(p.Badges, badge{b.kind, v.words.label(b.at)})
		}
	}
}

// origin is an event and the fields that come from it.
type origin struct {
	fields []string
	cells  []cell
	at     string
}

// provenance is where each field comes from, the latest event first: when, of which source.
func (v *visit) provenance(w value, sources map[string]string) *table {
	t := &table{Caption: v.words.t("card_provenance")}
	by, all := map[string]*origin{}, []*origin(nil)
	for _, n := range []string{"fields", "time", "source", "event"} {
		t.Head = append(t.Head, v.words.label(n))
	}
	for _, m := range w.members {
		label := v.words.label(last(m.name))
		if whole, ok := v.words.labels[m.name]; ok {
			label = whole
		}
		src := v.words.cell("source", m.at("source"))
		if n := sources[m.text("source")]; n != "" {
			src = cell{Kind: "text", Text: n}
		} else if isID(m.text("source")) { // of who may not see the sources' names
			src = cell{Kind: "none", Text: v.words.t("none")}
		}
		of := m.text("event") + m.text("time")
		if by[of] == nil {
			by[of] = &origin{cells: []cell{v.words.cell("time", m.at("time")), src, v.words.cell("event", m.at("event"))}, at: m.text("time")}
			all = append(all, by[of])
		}
		by[of].fields = append(by[of].fields, label)
	}
	slices.SortStableFunc(all, func(a, b *origin) int { return compareTimes(b.at, a.at) })
	for _, o := range all {
		slices.Sort(o.fields)
		t.Body = append(t.Body, row{Cells: append([]cell{{Kind: "text", Text: strings.Join(o.fields, ", ")}}, o.cells...)})
	}
	return t
}

// marked are the members of a part of the view: those of which a mask is shown said so,
// with a way to ask for them in clear if there is one, and those that were.
func (v *visit) marked(part string, s value, masked []string) []pair {
	out := v.words.pairsIn(part, s.at(part))
	of := func(list, path string) bool {
		return slices.ContainsFunc(s.at(list).list, func(g value) bool { return masks(g.at("fields").strings(), []string{path}) })
	}
	for i := range out {
		path := part + "." + out[i].Name
		switch {
		case slices.ContainsFunc(masked, func(m string) bool { return m == path || strings.HasPrefix(m, path+".") }):
			if out[i].Mark = v.words.t("masked_mark"); of("revealable", path) {
				out[i].Reveal = v.words.t("reveal")
			}
		case of("revealed", path):
			out[i].Mark, out[i].Kind = v.words.t("revealed_mark"), "good"
		}
	}
	return out
}

// listed is a list of the view: what names no purpose or channel is of every one.
func (v *visit) listed(name string, columns []string, list value) *table {
	caption := v.words.t("card_" + name)
	if columns == nil {
		return v.words.rows(caption, list)
	}
	t := &table{Caption: caption}
	for _, c := range columns {
		t.Head = append(t.Head, v.words.label(c))
	}
	for _, it := range list.list {
		var r row
		for _, c := range columns {
			got := v.words.cell(c, it.at(c))
			if every := map[string]string{"purpose": "every_purpose", "channels": "every_channel"}[c]; every != "" && it.at(c).empty() {
				got = cell{Kind: "text", Text: v.words.t(every)}
			}
			r.Cells = append(r.Cells, got)
		}
		t.Body = append(t.Body, r)
	}
	return t
}

// rightsGroup is what can be done about a person, of one kind.
type rightsGroup struct {
	Title, Help string
	Links       []link
}

// personActs are what the visitor may do about a person, by kind.
func (v *visit) personActs(id string, s value) []rightsGroup {
	d := personDesk()
	by := map[string]link{}
	for _, l := range v.links(d, d.acts, id) {
		by[last2(l.Href)] = l
	}
	var out []rightsGroup
	add := func(key string, links ...link) {
		g := rightsGroup{Title: v.words.t(key), Help: v.words.texts[key+"_help"]}
		for _, l := range links {
			if l.Href != "" {
				g.Links = append(g.Links, l)
			}
		}
		if len(g.Links) > 0 {
			out = append(out, g)
		}
	}
	add("acts_copy", append(v.files(d, id, 0), v.newRequest(id, "access"))...)
	add("acts_correct", v.newRequest(id, "rectification"))
	add("acts_object", v.objectionLink(id))
	add("acts_limit", append([]link{by["restrict"], by["hold"]}, v.releases(id, s)...)...)
	add("acts_merge", append([]link{v.merging(id)}, v.parting(id, s)...)...)
	add("acts_erase", v.newRequest(id, "erasure"), by["erase"])
	return out
}

// last2 is the last part of an address.
func last2(href string) string { return href[strings.LastIndexByte(href, '/')+1:] }

// newRequest leads to taking in a request of a right, about the person.
func (v *visit) newRequest(id, right string) link {
	if !v.allowed("POST /v1/requests") {
		return link{}
	}
	q := url.Values{"subject_id": {id}, "right": {right}}
	return link{Href: Root + "/requests/new/new?" + q.Encode(), Text: v.words.t("acts_request_" + right)}
}

// objectionLink leads to recording an objection of the person: with a file for the answer
// if the visitor may open one.
func (v *visit) objectionLink(id string) link {
	switch {
	case v.allowed(takeRequest):
		return link{Href: Root + "/objections/" + id, Text: v.words.t("acts_objection")}
	case !v.allowed(objectOp):
		return link{}
	}
	return link{Href: Root + "/opposition/new/object?subject_id=" + id, Text: v.words.t("acts_objection")}
}

// merging leads to comparing the person with another.
func (v *visit) merging(id string) link {
	if !v.allowed(mergeOp) {
		return link{}
	}
	return link{Href: Root + "/merge/" + id, Text: v.words.t("act_people_merge")}
}

// parting leads to undoing each merge.
func (v *visit) parting(id string, s value) []link {
	var out []link
	if !v.allowed("DELETE /v1/subjects/{id}/merge/{into}") {
		return nil
	}
	for _, into := range s.at("merged_into").strings() {
		out = append(out, link{Href: Root + "/merged/" + id + separator + into + "/undo", Text: v.words.t("act_merged_undo") + " " + short(into)})
	}
	for _, from := range s.at("merged_from").strings() {
		out = append(out, link{Href: Root + "/merged/" + from + separator + id + "/undo", Text: v.words.t("act_merged_undo") + " " + short(from)})
	}
	return out
}

// releases lead to ending each hold and restriction.
func (v *visit) releases(id string, s value) []link {
	var out []link
	for _, l := range []struct{ list, slug, act, op string }{{"holds", "hold", "release", "DELETE /v1/subjects/{id}/hold/{placed}"},
		{"restrictions", "restriction", "lift", "DELETE /v1/subjects/{id}/restriction/{placed}"}} {
		for _, h := range s.at(l.list).list {
			if event := h.text("event"); event != "" && v.allowed(l.op) {
				out = append(out, link{Href: Root + "/" + l.slug + "/" + id + separator + event + "/" + l.act, Text: v.words.t("act_" + l.slug + "_" + l.act), Grave: true})
			}
		}
	}
	return out
}
