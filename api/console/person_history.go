package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// historyPart is what was recorded about a person, the latest first, filtered.
type historyPart struct {
	Note            string
	Groups, Sources []choice
	From, To        string
	Found, Of       string
	Items           []happening
	Filtered        bool
	Kept            []kept // of the address, in the filter's form
	Clear, Export   string
}

// happening is one event of a person's timeline.
type happening struct {
	ID, Href, Type, Code, Position, Group string
	Time, Recorded, Source                cell
	Values                                []pair
	Late                                  bool // recorded more than a day after it happened
}

// The groups of events, and how their types begin.
func eventGroups() [][]string {
	return [][]string{{"contact", "contact."}, {"consent", "consent.", "notice."}, {"opposition", "opposition."},
		{"rights", "request.", "restriction.", "hold.", "erasure.", "person.", "retention.", "inspection."},
		{"activity", "interaction.", "contract.", "invoice.", "recruitment."}, {"access", "access."}, {"other", ""}}
}

func groupOf(typ string) string {
	for _, g := range eventGroups() {
		if slices.ContainsFunc(g[1:], func(prefix string) bool { return strings.HasPrefix(typ, prefix) }) {
			return g[0]
		}
	}
	return "other"
}

const maxHappenings = 300

// history asks for the person's events, and tells the slider of their dates; masked are
// the paths of which they hold masks.
func (v *visit) history(ctx context.Context, p *personPage, q url.Values) (h *historyPart, masked []string) {
	const op = "GET /v1/subjects/{id}/history"
	h = &historyPart{From: q.Get("from"), To: q.Get("to")}
	if !v.allowed(op) {
		if h.Note = v.words.t("not_for_you"); p.asked != nil {
			p.asked.err = &refused{Status: http.StatusForbidden, Code: "permission_missing", Title: h.Note, Permission: v.c.spec[op].permission}
		}
		return h, nil
	}
	done := v.clear(p, tabHistory)
	events, more, err := v.all(ctx, v.c.spec[op].filled([]string{p.ID}, nil), url.Values{"sort": {sortNewest}}, 5)
	done()
	if err != nil {
		if h.Note = v.why(err); p.asked != nil {
			p.asked.err = err
		}
		return h, nil
	}
	if more {
		h.Note = v.words.t("history_more")
	}
	p.Moment.happened(v.words, events)
	v.filter(h, p, events, p.Sources, q)
	h.Of = v.words.number(itoa(len(events)))
	return h, maskedIn(events)
}

// filter keeps what the address asks for.
func (v *visit) filter(h *historyPart, p *personPage, events []value, names map[string]string, q url.Values) {
	group, source := q.Get("group"), q.Get("source")
	counts, bySource := map[string]int{}, map[string]int{}
	shown := 0
	for _, e := range events {
		g, src := groupOf(e.text("type")), e.text("source")
		counts[g]++
		bySource[src]++
		if !keeps(e, g, q) {
			continue
		}
		if shown++; shown <= maxHappenings {
			h.Items = append(h.Items, v.happening(e, g, names))
		}
	}
	h.Found = v.words.number(itoa(shown))
	for _, g := range eventGroups() {
		if n := counts[g[0]]; n > 0 {
			h.Groups = append(h.Groups, choice{g[0], v.words.t("events_"+g[0]) + " (" + itoa(n) + ")", g[0] == group})
		}
	}
	for _, e := range events {
		src := e.text("source")
		if n := bySource[src]; n > 0 && src != "" {
			bySource[src] = 0
			name := names[src]
			if name == "" {
				name = short(src)
			}
			h.Sources = append(h.Sources, choice{src, name + " (" + itoa(n) + ")", src == source})
		}
	}
	h.Filtered = group != "" || source != "" || h.From != "" || h.To != ""
	h.Kept = []kept{{"tab", tabHistory}}
	for name, values := range p.Moment.query() {
		h.Kept = append(h.Kept, kept{name, values[0]})
	}
	back := p.Moment.query()
	back.Set("tab", tabHistory)
	h.Clear = Root + "/people/" + p.ID + "?" + back.Encode()
	kept := url.Values{}
	for _, name := range []string{"group", "source", "from", "to"} {
		if s := q.Get(name); s != "" {
			kept.Set(name, s)
		}
	}
	h.Export = Root + "/timeline/" + p.ID + "?" + kept.Encode()
}

// keeps reports an event of a group that the address of the page asks for.
func keeps(e value, group string, q url.Values) bool {
	asked, source := q.Get("group"), q.Get("source")
	return (asked == "" || group == asked) && (source == "" || e.text("source") == source) && within24(e.text("time"), q.Get("from"), q.Get("to"))
}

// within24 reports an instant on the days from and to, both included; empty ones bound
// nothing.
func within24(at, from, to string) bool {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return from == "" && to == ""
	}
	day := t.In(zone()).Format(time.DateOnly)
	return (from == "" || day >= from) && (to == "" || day <= to)
}

func (v *visit) happening(e value, group string, names map[string]string) happening {
	h := happening{ID: e.text("id"), Href: Root + "/events/" + e.text("id"), Type: v.words.code("type", e.text("type")), Code: e.text("type"), Group: group,
		Position: e.text("position"), Time: v.words.cell("time", e.at("time")), Recorded: v.words.cell("recorded", e.at("recorded")), Source: v.words.cell("source", e.at("source"))}
	if n := names[e.text("source")]; n != "" {
		h.Source = cell{Kind: "text", Text: n}
	}
	said := map[string]bool{} // what another member or a field tells better
	said["rule"] = !e.at("codes.rules").empty()
	for _, f := range e.at("fields").list {
		said["notice"] = said["notice"] || f.text("path") == "notice.id"
	}
	for _, m := range e.at("codes").members {
		if !m.empty() && !said[m.name] {
			h.Values = append(h.Values, pair{Label: v.words.label(m.name), Name: m.name, Value: v.words.cell(last(m.name), m.value)})
		}
	}
	for _, f := range e.at("fields").list {
		h.Values = append(h.Values, v.part(f))
	}
	happened, err1 := time.Parse(time.RFC3339Nano, e.text("time"))
	recorded, err2 := time.Parse(time.RFC3339Nano, e.text("recorded"))
	h.Late = err1 == nil && err2 == nil && recorded.Sub(happened) > 24*time.Hour
	return h
}

// part is one sealed value of an event, as far as the visitor is shown it.
func (v *visit) part(f value) pair {
	name := last(f.text("path"))
	p := pair{Label: v.words.label(name), Name: f.text("path"), Value: v.words.cell(name, f.at("value"))}
	if whole, ok := v.words.labels[p.Name]; ok {
		p.Label = whole
	}
	if f.is("masked") {
		p.Mark = v.words.t("masked_mark")
	}
	if f.is("withheld") {
		p.Value = cell{Kind: "none", Text: v.words.t("withheld")}
	}
	return p
}
