package console

import (
	"context"
	"net/url"
	"time"
)

// describe sorts what is known of a person into cards.
func (v *visit) describe(p *personPage, s value) {
	add := func(title string, c card) {
		if len(c.Values) > 0 || c.Table != nil {
			c.Title, c.Help = v.words.t(title), v.words.texts[title+"_help"]
			p.Cards = append(p.Cards, c)
		}
	}
	add("card_person", card{Values: v.words.pairs(s.at("person"))})
	add("card_professional", card{Values: append(v.words.pairs(s.at("company")), v.words.pairs(s.at("professional"))...)})
	if w := s.at("consents"); len(w.list) > 0 {
		t := v.section(desk{slug: "audit", keys: []string{"event"}}, []string{"purpose", "channel", "state", "since", "expires_at", "lacks"}, value{kind: '{', members: []member{{"items", w}}}, nil).Table
		t.Caption = v.words.t("card_consents")
		add("card_consents", card{Table: t, Wide: true})
	}
	for _, list := range []string{"oppositions", "restrictions", "holds", "contracts"} {
		if w := s.at(list); len(w.list) > 0 {
			add("card_"+list, card{Table: v.words.rows(v.words.t("card_"+list), w), Wide: true})
		}
	}
	add("card_custom", card{Values: v.words.pairs(s.at("custom"))})
	add("card_notes", card{Values: v.words.pairs(value{kind: '{', members: []member{{"notes", s.at("notes")}}})})
	var about []member
	for _, name := range []string{"kind", "collection", "portfolio", "last_activity_at", "died_on", "deceased", "merged_from", "merged_into", "masked", "withheld"} {
		about = append(about, member{name, s.at(name)})
	}
	add("card_file", card{Values: v.words.pairs(value{kind: '{', members: about})})
	if w := s.at("provenance"); !w.empty() {
		add("card_provenance", card{Values: v.words.pairs(w)})
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

// personActs are what the visitor may do about a person.
func (v *visit) personActs(id string, s value) []link {
	d := personDesk()
	out := v.links(d, d.acts, id)
	if v.allowed("POST /v1/requests") {
		q := url.Values{"subject_id": {id}}
		out = append(out, link{Href: Root + "/requests/new/new?" + q.Encode(), Text: v.words.t("act_requests_new")})
	}
	for _, h := range s.at("holds").list {
		if event := h.text("event"); event != "" && v.allowed("DELETE /v1/subjects/{id}/hold/{placed}") {
			out = append(out, link{Href: Root + "/hold/" + id + separator + event + "/release", Text: v.words.t("act_hold_release"), Grave: true})
		}
	}
	return out
}

// timeline shows what was recorded about a person, the latest first.
func (v *visit) timeline(ctx context.Context, p *personPage, cursor string) {
	const op = "GET /v1/subjects/{id}/history"
	if !v.allowed(op) {
		p.TimelineNote = v.words.t("not_for_you")
		return
	}
	q := url.Values{"limit": {"100"}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	answer, err := v.get(ctx, v.c.spec[op].filled([]string{p.ID}, nil)+"?"+q.Encode())
	if err != nil {
		p.TimelineNote = v.why(err)
		return
	}
	for _, e := range answer.at("items").list {
		h := happening{ID: e.text("id"), Href: Root + "/events/" + e.text("id"), Type: v.words.code("type", e.text("type")), Code: e.text("type"),
			Position: e.text("position"), Time: v.words.cell("time", e.at("time")), Recorded: v.words.cell("recorded", e.at("recorded")), Source: v.words.cell("source", e.at("source"))}
		for _, f := range e.at("fields").list {
			name := last(f.text("path"))
			w := f.at("value")
			c := v.words.cell(name, w)
			if f.is("withheld") {
				c = cell{Kind: "none", Text: v.words.t("withheld")}
			}
			h.Values = append(h.Values, pair{Label: v.words.label(name), Name: f.text("path"), Value: c})
		}
		happened, err1 := time.Parse(time.RFC3339Nano, e.text("time"))
		recorded, err2 := time.Parse(time.RFC3339Nano, e.text("recorded"))
		h.Late = err1 == nil && err2 == nil && recorded.Sub(happened) > 24*time.Hour
		p.Timeline = append(p.Timeline, h)
	}
	if next := answer.text("next"); next != "" {
		p.NextHistory = Root + "/people/" + p.ID + "?" + url.Values{"tab": {"history"}, "cursor": {next}}.Encode()
	}
}
