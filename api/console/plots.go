package console

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

func itoa(n int) string { return strconv.Itoa(n) }

// series is what a plot's script draws.
type series struct {
	Axis   string      `json:"axis"` // what the labels are
	Labels []string    `json:"labels"`
	Names  []string    `json:"names"`  // of the lines
	Values [][]float64 `json:"values"` // by line
}

// showSummary plots what the audit dataset counts: events by month and type, accesses
// by reason.
func showSummary(v *visit, a value, p *startPage) {
	for _, one := range []struct{ member, title, kind string }{
		{"by_month", "plot_by_month", "lines"}, {"by_purpose", "plot_by_purpose", "bars"}, {"accesses_by_reason", "plot_by_reason", "bars"}, {"by_type", "plot_by_type", "bars"}} {
		if pl, ok := v.plotted(a.at(one.member), v.words.t(one.title), one.kind, one.member); ok {
			p.Plots = append(p.Plots, pl)
		}
	}
	if pl, ok := v.consentPlot(a.at("consents")); ok {
		p.Plots = slices.Insert(p.Plots, min(1, len(p.Plots)), pl)
	}
	if pl, ok := v.contactPlot(a.at("contacts")); ok {
		p.Plots = append(p.Plots, pl)
	}
}

// plotted makes a plot of counts by name: an object of numbers, or rows of a name and a
// count. Bars are the largest twelve.
func (v *visit) plotted(counts value, title, kind, member string) (plot, bool) {
	type one struct {
		name, text string
		n          float64
	}
	var all []one
	field := map[string]string{"by_purpose": "purpose", "accesses_by_reason": "reason", "by_type": "type"}[member]
	add := func(name, n string) {
		f, err := strconv.ParseFloat(n, 64)
		if err == nil && name != "" {
			all = append(all, one{v.words.code(field, name), n, f})
		}
	}
	for _, m := range counts.members {
		add(m.name, m.scalar)
	}
	for _, m := range counts.list {
		if len(m.members) >= 2 {
			add(m.members[0].scalar, m.members[len(m.members)-1].scalar)
		}
	}
	if len(all) == 0 {
		return plot{}, false
	}
	if kind == "bars" {
		slices.SortStableFunc(all, func(a, b one) int { return int(b.n - a.n) })
		all = all[:min(len(all), 12)]
	} else {
		slices.SortStableFunc(all, func(a, b one) int { return strings.Compare(a.name, b.name) })
	}
	s := series{Axis: v.words.label("month"), Names: []string{v.words.t("events_count")}, Values: make([][]float64, 1)}
	t := &table{Caption: title, Head: []string{v.words.label(field), v.words.t("count")}}
	if field == "" {
		t.Head[0] = v.words.label("month")
	}
	most := 0.0
	for _, o := range all {
		most = max(most, o.n)
	}
	for _, o := range all {
		if field == "" {
			o.name = v.words.month(o.name)
		}
		s.Labels, s.Values[0] = append(s.Labels, o.name), append(s.Values[0], o.n)
		t.Body = append(t.Body, row{Cells: []cell{{Kind: "text", Text: o.name}, {Kind: "number", Text: v.words.number(o.text)}}})
	}
	data, err := json.Marshal(s)
	if err != nil {
		return plot{}, false
	}
	p := plot{Title: title, Kind: kind, Table: t, Data: string(data), Most: most}
	for i, o := range all {
		p.Bars = append(p.Bars, bar{o.name, t.Body[i].Cells[1].Text, o.n})
	}
	return p, true
}
