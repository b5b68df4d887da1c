package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	sheets "greffe/api/sheet"
)

// readFile is a file that people read, in the language of the console: words for codes,
// names for the accounts and producers that the page names, times of Paris. It is sent as
// it is made; one that cannot be ended is cut off.
type readFile struct {
	v     *visit
	name  string // of the file
	head  []string
	lines *sheets.Lines
}

// page adds the rows of one page.
func (f *readFile) page(ctx context.Context, rows [][]readCell) error {
	f.v.nameAccounts(ctx)
	if f.lines == nil {
		h := f.v.w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="greffe-`+f.name+"-"+f.v.lang+`.csv"`)
		lines, err := sheets.NewLines(f.v.w, f.head)
		if err != nil {
			return err
		}
		f.lines = lines
	}
	for _, r := range rows {
		out := make([]string, len(r))
		for i, c := range r {
			out[i] = f.v.readText(c)
		}
		if err := f.lines.Write(out); err != nil {
			return err
		}
	}
	return f.lines.Flush()
}

// pages adds all pages of a list. What the API refuses before the first is an error.
func (f *readFile) pages(ctx context.Context, path string, ask url.Values, row func(value) []readCell) error {
	ask.Set("limit", "1000")
	for {
		answer, err := f.v.get(ctx, path+"?"+ask.Encode())
		if err == nil {
			var rows [][]readCell
			for _, it := range answer.at("items").list {
				if r := row(it); r != nil {
					rows = append(rows, r)
				}
			}
			err = f.page(ctx, rows)
		}
		switch next := answer.text("next"); {
		case err != nil && f.lines != nil:
			panic(http.ErrAbortHandler)
		case err != nil || next == "":
			return err
		default:
			ask.Set("cursor", next)
		}
	}
}

// readCell is a value with how a page shows it.
type readCell struct {
	value value
	cell  cell
}

// readText is a cell in words: ids whole, numbers without blanks, lists apart by commas.
func (v *visit) readText(c readCell) string {
	switch {
	case c.value.kind == '0' && c.cell.Kind != "code":
		return c.value.scalar
	case c.cell.Kind == "none":
		return ""
	case c.cell.Kind == "time":
		return v.readTime(c.cell)
	case len(c.cell.Items) > 0:
		var out []string
		for _, one := range c.cell.Items {
			out = append(out, v.readText(readCell{cell: one}))
		}
		return strings.Join(out, ", ")
	case c.cell.Kind == "link" && !c.cell.Named():
		return c.cell.Code
	}
	return c.cell.Shown()
}

// readTime is an instant of Paris as spreadsheets take it, a day as it is.
func (v *visit) readTime(c cell) string {
	t, err := time.Parse(time.RFC3339Nano, c.Code)
	switch {
	case err != nil:
		return c.Text
	case v.lang == "fr":
		return t.In(zone()).Format("02/01/2006 15:04:05")
	}
	return t.In(zone()).Format("2006-01-02 15:04:05")
}

// readHead are the headings; those of times say their zone.
func (v *visit) readHead(columns []string) []string {
	var out []string
	for _, name := range columns {
		label := v.words.label(name)
		if name == "time" || name == "recorded" {
			label += " (" + v.words.t("paris_time") + ")"
		}
		out = append(out, label)
	}
	return out
}

// readAuditFile gives every row of a question in words.
func (v *visit) readAuditFile(ctx context.Context, slug, path string, ask url.Values) error {
	columns, names := append(auditColumns(slug), "event_id", "position"), v.sources(ctx)
	f := &readFile{v: v, name: slug, head: v.readHead(columns)}
	return f.pages(ctx, path, ask, func(it value) (out []readCell) {
		for _, name := range columns {
			w := it.at(name)
			c := v.words.cell(name, w)
			switch {
			case name == "action":
				c = v.did(it)
			case name == "source" && names[w.scalar] != "":
				c = cell{Kind: "text", Text: names[w.scalar]}
			case name == "position":
				c = cell{Kind: "text", Text: w.scalar}
			}
			out = append(out, readCell{w, c})
		}
		return out
	})
}

// exportHistory gives a person's timeline in words, as far as its page is filtered; the
// API records that the history was read, and masks what the page masks.
func (c *Console) exportHistory(ctx context.Context, v *visit) error {
	id, q := v.r.PathValue("id"), v.r.URL.Query()
	if !isID(id) {
		return errNowhere
	}
	const op = "GET /v1/subjects/{id}/history"
	if err := v.needs(op); err != nil {
		return err
	}
	names := v.sources(ctx)
	f := &readFile{v: v, name: "chronologie-" + id, head: append(v.readHead([]string{"time", "type", "source"}), v.words.t("read_values"), v.readHead([]string{"recorded"})[0],
		v.words.label("event_id"), v.words.label("position"))}
	return f.pages(ctx, c.spec[op].filled([]string{id}, nil), url.Values{"sort": {sortNewest}}, func(e value) []readCell {
		group := groupOf(e.text("type"))
		if !keeps(e, group, q) {
			return nil
		}
		h := v.happening(e, group, names)
		var values []string
		for _, p := range h.Values {
			values = append(values, p.Label+" : "+v.readText(readCell{cell: p.Value}))
		}
		text := func(s string) readCell { return readCell{cell: cell{Kind: "text", Text: s}} }
		return []readCell{{cell: h.Time}, text(h.Type), {cell: h.Source}, text(strings.Join(values, " ; ")), {cell: h.Recorded}, text(h.ID), text(h.Position)}
	})
}
