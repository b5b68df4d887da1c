package console

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	sheets "greffe/api/sheet"
)

// sources are the producers by their ids, as far as the visitor may see them.
func (v *visit) sources(ctx context.Context) map[string]string {
	const op = "GET /v1/producers"
	out := map[string]string{}
	if !v.allowed(op) {
		return out
	}
	if answer, err := v.get(ctx, v.c.spec[op].path+"?limit=1000"); err == nil {
		for _, p := range answer.at("items").list {
			out[p.text("id")] = p.text("name")
		}
	}
	return out
}

// auditFilters are the inputs beside the period: closed lists offer what was recorded.
func (v *visit) auditFilters(ctx context.Context, slug string, in url.Values, names map[string]string) []input {
	answer, err := v.get(ctx, v.c.spec[summaryOp].path)
	if err != nil {
		answer = value{}
	}
	offered := map[string][]string{"type": keys(answer.at("by_type")), "purpose": keys(answer.at("by_purpose")), "source": keys(answer.at("by_source")),
		"reason": keys(answer.at("accesses_by_reason")), "action": {"read", "reveal", "search", "contactability", "export", "bundle", "history", "audit", "accesses", "consents", "notify", "quarantine", "request", "statistics", "watch"}}
	var out []input
	for _, name := range auditFields(slug) {
		i := input{Name: name, ID: "f-" + name, Label: v.words.label(name), Kind: fieldText, Value: in.Get(name), Max: 200}
		switch name {
		case "min_count":
			i.Kind = fieldNumber
		case "without_case":
			i.Kind = fieldBool
		case "account", "subject_id":
			i.Label = v.words.t("audit_" + name)
			i.Max = 36
		default:
			i.Kind = fieldChoice
			i.Choices = v.choices(name, offered[name], in.Get(name), names)
		}
		out = append(out, i)
	}
	return out
}

// choices are codes with their names, in the order of the names. What is asked for now
// stands among them.
func (v *visit) choices(field string, codes []string, now string, names map[string]string) []choice {
	if now != "" && !slices.Contains(codes, now) {
		codes = append(codes, now)
	}
	var out []choice
	for _, code := range codes {
		text := cmp.Or(names[code], v.words.code(field, code))
		if text == code && isID(code) {
			text = short(code)
		}
		out = append(out, choice{code, text, code == now})
	}
	slices.SortFunc(out, func(a, b choice) int { return cmp.Compare(a.Text, b.Text) })
	return out
}

func keys(counts value) []string {
	var out []string
	for _, m := range counts.members {
		if m.name != "" {
			out = append(out, m.name)
		}
	}
	return out
}

// auditColumns are the columns of a list.
func auditColumns(slug string) []string {
	if slug == "reads" {
		return []string{"time", "account", "action", "reason", "ticketed", "count", "subjects", "categories"}
	}
	return []string{"time", "type", "subject_id", "source", "account", "purposes", "recorded"}
}

// filedColumns are those of a file.
func filedColumns(slug string) []string {
	out := auditColumns(slug)
	if slug == "reads" {
		out = append(out, "revealed")
	}
	return append(out, "event_id", "position")
}

// auditTable shows rows; the first column leads to the event.
func (v *visit) auditTable(slug string, items []value, names map[string]string) *table {
	t := &table{Caption: v.words.t("desk_" + slug)}
	for _, name := range auditColumns(slug) {
		t.Head = append(t.Head, v.words.label(name))
	}
	for _, it := range items {
		r := row{Href: v.eventHref(it.text("event_id"))}
		for _, name := range auditColumns(slug) {
			if name == "action" {
				r.Cells = append(r.Cells, v.did(it))
				continue
			}
			r.Cells = append(r.Cells, v.auditCell(name, it.at(name), names))
		}
		t.Body = append(t.Body, r)
	}
	return t
}

// eventHref is where an event is shown, "" to who may not open it.
func (v *visit) eventHref(id string) string {
	if id == "" || !v.leadsTo("events") {
		return ""
	}
	return Root + "/events/" + id
}

// auditCell shows one value: producers by name, and of many persons the first three.
func (v *visit) auditCell(name string, w value, names map[string]string) cell {
	const some = 3
	switch {
	case name == "source" && names[w.scalar] != "":
		return cell{Kind: "code", Text: names[w.scalar], Code: w.scalar}
	case name == "subjects" && len(w.list) > some:
		c := v.words.cell(name, value{kind: '[', list: w.list[:some]})
		c.Items = append(c.Items, cell{Kind: "text", Text: v.fill("audit_and_others", v.words.number(itoa(len(w.list)-some)))})
		return c
	}
	return v.words.cell(name, w)
}

// maxExport bounds the rows of a CSV or XLSX; NDJSON has no bound.
const maxExport = 20_000

// exportAudit gives every row of a question as a file.
func (c *Console) exportAudit(slug string) func(context.Context, *visit) error {
	op := map[string]string{"audit": eventsOp, "reads": accessesOp}[slug]
	return func(ctx context.Context, v *visit) error {
		q, err := v.readAudit(slug)
		if err != nil {
			return err
		}
		path := c.spec[op].path + "?" + q.ask.Encode()
		switch format := q.in.Get("format"); format {
		case "ndjson":
			return v.passAs(ctx, path, slug, "application/x-ndjson")
		case "read":
			if err := v.needs(op); err != nil {
				return err
			}
			return v.readAuditFile(ctx, slug, c.spec[op].path, q.ask)
		case "csv", "xlsx":
			rows, err := v.allRows(ctx, c.spec[op].path, slug, q.ask)
			if err != nil {
				return err
			}
			return v.sheetFile(slug, format, rows)
		}
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
}

// allRows are the rows of every page, as texts: ids whole, codes as the API writes them.
func (v *visit) allRows(ctx context.Context, path, slug string, ask url.Values) ([][]string, error) {
	var out [][]string
	ask.Set("limit", "1000")
	for {
		answer, err := v.get(ctx, path+"?"+ask.Encode())
		if err != nil {
			return nil, err
		}
		for _, it := range answer.at("items").list {
			if len(out) == maxExport {
				return nil, &refused{Status: http.StatusBadRequest, Code: "export_large"}
			}
			var r []string
			for _, name := range filedColumns(slug) {
				r = append(r, flat(it.at(name)))
			}
			out = append(out, r)
		}
		next := answer.text("next")
		if next == "" {
			return out, nil
		}
		ask.Set("cursor", next)
	}
}

// flat is a value within one cell.
func flat(w value) string {
	if w.kind != '[' {
		if w.kind == 't' || w.kind == 'f' {
			return map[byte]string{'t': "1", 'f': "0"}[w.kind]
		}
		return w.scalar
	}
	var b bytes.Buffer
	for i, s := range w.strings() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s)
	}
	return b.String()
}

// sheet answers with a file of rows.
func (v *visit) sheetFile(slug, format string, rows [][]string) error {
	var head []string
	for _, name := range filedColumns(slug) {
		head = append(head, v.words.label(name))
	}
	var b bytes.Buffer
	media := "text/csv; charset=utf-8"
	if format == "csv" {
		if err := sheets.CSV(&b, head, rows); err != nil {
			return err
		}
	} else {
		media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		book := sheets.New(v.words.t("desk_"+slug), v.c.cfg.Now())
		book.Table(v.words.t("desk_"+slug), head, rows)
		if err := book.Write(&b); err != nil {
			return err
		}
	}
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="greffe-`+slug+`.`+format+`"`)
	_, err := v.w.Write(b.Bytes())
	return err
}
