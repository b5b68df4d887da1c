package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	differenceOp = "GET /v1/audit/difference"
	bulkOp       = "GET /v1/audit/bulk"
)

// differencePage is what became different between two dates.
type differencePage struct {
	Intro, From, To string
	Kinds           []choice
	Counts          *table
	Sentence        string
	Count           string // where the period's facts are counted, if they were not
	Rows            []differenceRow
	Next            string
	Others          []link
	Happened        string // where what happened then is, whenever it was recorded
}

// differenceRow is one person to whom something happened.
type differenceRow struct {
	Person, Events link
	Kinds          []badge
	Counts         []pair
}

// difference shows to whom what happened between two days, both included.
func (c *Console) difference(ctx context.Context, v *visit) error {
	if err := v.needs(differenceOp); err != nil {
		return err
	}
	in := v.r.URL.Query()
	now := c.cfg.Now().In(zone())
	p := &differencePage{Intro: v.words.t("desk_difference_intro"), From: in.Get("from"), To: in.Get("to"), Others: v.auditOthers("difference")}
	if p.From == "" {
		p.From = now.AddDate(0, -1, 0).Format(time.DateOnly)
	}
	if p.To == "" {
		p.To = now.Format(time.DateOnly)
	}
	from, err1 := time.ParseInLocation(time.DateOnly, p.From, zone())
	to, err2 := time.ParseInLocation(time.DateOnly, p.To, zone())
	if err1 != nil || err2 != nil || to.Before(from) {
		return &refused{Status: http.StatusBadRequest, Code: "form", Title: v.words.t("error_form"), Detail: v.words.t("difference_dates")}
	}
	ask := url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.AddDate(0, 0, 1).UTC().Format(time.RFC3339)}}
	if in.Get("counted") == "" { // every fact of the period is read for it
		p.Count = Root + "/difference?" + url.Values{"from": {p.From}, "to": {p.To}, "kind": {in.Get("kind")}, "counted": {"yes"}}.Encode()
	} else {
		counts, err := v.get(ctx, c.spec[countsOp].path+"?"+ask.Encode())
		if err != nil {
			return err
		}
		p.Sentence = v.fill("difference_sentence", v.words.number(counts.text("events")), v.words.date(from), v.words.date(to))
		p.Counts = v.countTable(counts.at("by_type"))
	}
	ask.Set("limit", strconv.Itoa(auditPageN))
	kind := in.Get("kind")
	for name, s := range map[string]string{"kind": kind, "cursor": in.Get("cursor")} {
		if s != "" {
			ask.Set(name, s)
		}
	}
	for _, k := range []string{"created", "changed", "consented", "withdrew", "opposed", "erased"} {
		p.Kinds = append(p.Kinds, choice{k, v.words.code("kinds", k), k == kind})
	}
	answer, err := v.get(ctx, c.spec[differenceOp].path+"?"+ask.Encode())
	if err != nil {
		return err
	}
	for _, it := range answer.at("items").list {
		p.Rows = append(p.Rows, v.differenceRow(it))
	}
	if next := answer.text("next"); next != "" {
		p.Next = Root + "/difference?" + url.Values{"from": {p.From}, "to": {p.To}, "kind": {kind}, "cursor": {next}}.Encode()
	}
	if v.allowed(eventsOp) {
		p.Happened = Root + "/audit?" + url.Values{"from": {p.From}, "to": {p.To}}.Encode()
	}
	v.show(http.StatusOK, "difference", v.words.t("desk_difference"), p)
	return nil
}

func (v *visit) differenceRow(it value) differenceRow {
	id := it.text("subject_id")
	r := differenceRow{Person: link{Href: Root + "/people/" + id + "?tab=history", Text: short(id)},
		Events: link{Href: Root + "/audit?" + url.Values{"subject_id": {id}, "period": {"all"}}.Encode(), Text: v.words.t("difference_events")}}
	for _, k := range it.at("kinds").strings() {
		r.Kinds = append(r.Kinds, badge{map[string]string{"erased": "stop", "opposed": "stop", "withdrew": "warn"}[k], v.words.code("kinds", k)})
	}
	for _, m := range it.at("by_type").members {
		r.Counts = append(r.Counts, pair{Label: v.words.code("type", m.name), Value: v.words.cell("count", m.value)})
	}
	slices.SortFunc(r.Counts, func(a, b pair) int { return strings.Compare(a.Label, b.Label) })
	return r
}

// countTable is counts by type, the highest first.
func (v *visit) countTable(counts value) *table {
	type one struct {
		name string
		n    int64
	}
	var all []one
	for _, m := range counts.members {
		n, _ := strconv.ParseInt(m.scalar, 10, 64)
		all = append(all, one{v.words.code("type", m.name), n})
	}
	slices.SortFunc(all, func(a, b one) int {
		if a.n != b.n {
			return int(b.n - a.n)
		}
		return strings.Compare(a.name, b.name)
	})
	t := &table{Caption: v.words.t("difference_counts"), Head: []string{v.words.label("type"), v.words.label("count")}}
	for _, o := range all {
		t.Body = append(t.Body, row{Cells: []cell{{Kind: "text", Text: o.name}, {Kind: "number", Text: v.words.number(strconv.FormatInt(o.n, 10))}}})
	}
	return t
}

// bulkPage is which accounts read much within a time.
type bulkPage struct {
	Intro, Asked string
	Over, Hours  string
	Account      string
	Findings     []bulkFinding
	Next         string
	Others       []link
	Watch        bool // the visitor may treat alerts
}

// bulkFinding is one time during which an account read much.
type bulkFinding struct {
	Title    string
	Account  cell
	Values   []pair
	Reads    link
	Sentence string
}

// bulk shows them with what was asked for and what there is to do.
func (c *Console) bulk(ctx context.Context, v *visit) error {
	if err := v.needs(bulkOp); err != nil {
		return err
	}
	in := v.r.URL.Query()
	p := &bulkPage{Intro: v.words.t("desk_bulk_intro"), Over: in.Get("over"), Hours: in.Get("hours"), Account: in.Get("account"), Others: v.auditOthers("bulk"), Watch: v.allowed("GET /v1/watch")}
	if p.Over == "" {
		p.Over = "100"
	}
	if p.Hours == "" {
		p.Hours = "24"
	}
	ask := url.Values{"over": {p.Over}, "hours": {p.Hours}, "limit": {"25"}}
	for _, name := range []string{"account", "cursor"} {
		if s := in.Get(name); s != "" {
			ask.Set(name, s)
		}
	}
	answer, err := v.get(ctx, c.spec[bulkOp].path+"?"+ask.Encode())
	if err != nil {
		return err
	}
	p.Asked = v.fill("bulk_asked", p.Over, p.Hours)
	for _, it := range answer.at("items").list {
		p.Findings = append(p.Findings, v.bulkFinding(it, p.Over, p.Hours))
	}
	if next := answer.text("next"); next != "" {
		ask.Set("cursor", next)
		ask.Del("limit")
		p.Next = Root + "/bulk?" + ask.Encode()
	}
	v.show(http.StatusOK, "bulk", v.words.t("desk_bulk"), p)
	return nil
}

func (v *visit) bulkFinding(it value, over, hours string) bulkFinding {
	id := it.text("account")
	f := bulkFinding{Account: v.words.cell("account", it.at("account")), Values: v.chosen(it, "from", "to", "accesses", "most")}
	f.Title = v.fill("bulk_title", v.words.number(it.text("most")))
	f.Sentence = v.fill("bulk_sentence", v.words.number(it.text("most")), hours, over, v.words.number(it.text("accesses")))
	q := url.Values{"account": {id}}
	if from, err := time.Parse(time.RFC3339Nano, it.text("from")); err == nil {
		n, _ := strconv.Atoi(hours)
		q.Set("from", from.Add(-time.Duration(n)*time.Hour).In(zone()).Format(time.DateOnly))
	}
	if to, err := time.Parse(time.RFC3339Nano, it.text("to")); err == nil {
		q.Set("to", to.In(zone()).Format(time.DateOnly))
	}
	f.Reads = link{Href: Root + "/reads?" + q.Encode(), Text: v.words.t("bulk_reads")}
	return f
}
