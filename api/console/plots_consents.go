package console

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
)

// mostPurposes bounds the purposes that one plot of consents shows.
const mostPurposes = 3

// consentPlot draws, month by month, how many consents were given for each purpose and
// how many ended; its table also tells how they ended.
func (v *visit) consentPlot(counts value) (plot, bool) {
	n, purposes, months := map[[3]string]int64{}, map[string]int64{}, map[string]bool{}
	for _, c := range counts.list {
		count, err := strconv.ParseInt(c.text("count"), 10, 64)
		if err != nil {
			continue
		}
		n[[3]string{c.text("month"), c.text("purpose"), c.text("type")}] += count
		purposes[c.text("purpose")] += count
		months[c.text("month")] = true
	}
	if len(n) == 0 {
		return plot{}, false
	}
	largest := slices.SortedFunc(maps.Keys(purposes), func(a, b string) int {
		return cmp.Or(cmp.Compare(purposes[b], purposes[a]), cmp.Compare(a, b))
	})
	largest = largest[:min(len(largest), mostPurposes)]
	s := series{Axis: v.words.label("month"), Labels: slices.Sorted(maps.Keys(months))}
	t := &table{Caption: v.words.t("plot_consents"), Head: []string{v.words.label("month"), v.words.label("purpose")}}
	kinds := []string{"consent.granted", "consent.refused", "consent.withdrawn", "consent.expired"}
	for _, kind := range kinds {
		t.Head = append(t.Head, v.words.code("type", kind))
	}
	for _, p := range largest {
		name := v.words.code("purpose", p)
		s.Names = append(s.Names, name+v.words.t("colon")+v.words.t("consents_given"), name+v.words.t("colon")+v.words.t("consents_ended"))
		var given, ended []float64
		for _, m := range s.Labels {
			given = append(given, float64(n[[3]string{m, p, "consent.granted"}]))
			ended = append(ended, float64(n[[3]string{m, p, "consent.withdrawn"}]+n[[3]string{m, p, "consent.expired"}]))
			r := row{Cells: []cell{{Kind: "text", Text: v.words.month(m)}, {Kind: "text", Text: name}}}
			for _, kind := range kinds {
				r.Cells = append(r.Cells, cell{Kind: "number", Text: v.words.number(strconv.FormatInt(n[[3]string{m, p, kind}], 10))})
			}
			t.Body = append(t.Body, r)
		}
		s.Values = append(s.Values, given, ended)
	}
	for i, m := range s.Labels {
		s.Labels[i] = v.words.month(m)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return plot{}, false
	}
	return plot{Title: t.Caption, Kind: "lines", Table: t, Data: string(data)}, true
}

// contactPlot counts contacts by the year of their last activity, the latest first.
func (v *visit) contactPlot(counts value) (plot, bool) {
	years := map[int]float64{}
	for _, c := range counts.list {
		year, err1 := strconv.Atoi(c.text("year"))
		n, err2 := strconv.ParseFloat(c.text("count"), 64)
		if err1 == nil && err2 == nil {
			years[year] += n
		}
	}
	if len(years) == 0 {
		return plot{}, false
	}
	p := plot{Title: v.words.t("plot_contacts"), Kind: "bars", Table: &table{Caption: v.words.t("plot_contacts"), Head: []string{v.words.t("last_active"), v.words.t("count")}}}
	order := slices.Sorted(maps.Keys(years))
	slices.Reverse(order)
	for _, y := range order {
		name := itoa(y)
		if y == 0 {
			name = v.words.t("never_active")
		}
		p.Most = max(p.Most, years[y])
		p.Bars = append(p.Bars, bar{name, v.words.number(strconv.FormatFloat(years[y], 'f', 0, 64)), years[y]})
	}
	return p, true
}
