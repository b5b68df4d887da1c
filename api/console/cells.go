package console

import (
	"strconv"
	"strings"
	"time"
)

// cell is a value as a page shows it.
type cell struct {
	Kind   string // none, text, long, code, number, time, yes, no, link, list, rows, object
	Text   string
	Apart  string // of some times: how long ago, or in how long
	Code   string // of a time or a code, as the API writes it
	Href   string
	Items  []cell
	Rows   *table
	Fields []pair
	who    *accounts // that a link leads to, nil for others
}

// Shown is what a page shows of the cell: of an account, its name if it is known.
func (c cell) Shown() string {
	if c.who != nil && c.who.names[c.Code] != "" {
		return c.who.names[c.Code]
	}
	return c.Text
}

// Named reports an id that is shown as a name.
func (c cell) Named() bool { return c.Shown() != c.Text }

type pair struct {
	Label, Name, Help string
	Mark              string // said beside the value, as that it is masked
	Kind              string // of the mark: warn if empty
	Reveal            string // says that it can be asked for in clear
	Value             cell
}

// table is a list of objects.
type table struct {
	Caption string
	Head    []string
	Body    []row
	Next    string // href of the next page
}

// Numeric reports a column of numbers, whose head stands where they do.
func (t table) Numeric(i int) bool {
	return len(t.Body) > 0 && i < len(t.Body[0].Cells) && t.Body[0].Cells[i].Kind == "number"
}

type row struct {
	Href  string
	Label string // of its link, for who hears it
	Cells []cell
}

// led are the fields whose ids lead somewhere, and the desk that shows them.
func leads(name string) string {
	switch name {
	case "subject_id", "subject", "subjects", "into", "merged_into", "person", "persons":
		return "people"
	case "event", "event_id", "events", "evidence", "placed":
		return "events"
	case "account", "account_id", "by", "actor", "asked_by", "decided_by", "holder", "owner", "assignee":
		return "accounts"
	case "request", "request_id":
		return "requests"
	case "inspection", "inspection_id":
		return "inspections"
	case "breach", "breach_id":
		return "breaches"
	}
	return ""
}

// cell makes a value fit to show; name is the field's.
func (w *words) cell(name string, v value) cell {
	switch v.kind {
	case 't':
		if name == "overdue" {
			return cell{Kind: "late", Text: w.t("late")}
		}
		return cell{Kind: "yes", Text: w.t("yes")}
	case 'f':
		return cell{Kind: "no", Text: w.t("no")}
	case '0':
		if amounts(name) {
			return cell{Kind: "number", Text: w.euros(v.scalar), Code: v.scalar}
		}
		if named := w.codes[name+"."+v.scalar]; named != "" {
			return cell{Kind: "code", Text: named, Code: v.scalar}
		}
		return cell{Kind: "number", Text: w.number(v.scalar)}
	case '"':
		return w.textCell(name, v.scalar)
	case '[':
		return w.listCell(name, v)
	case '{':
		if v.is("archived") && !v.at("since").empty() {
			return cell{Kind: "text", Text: w.t("in_archive") + " " + w.cell("time", v.at("since")).Text}
		}
		if len(v.members) > 0 {
			return cell{Kind: "object", Fields: w.pairsIn(name, v)}
		}
	}
	return cell{Kind: "none", Text: w.t("none")}
}

func (w *words) textCell(name, s string) cell {
	if s == "" {
		return cell{Kind: "none", Text: w.t("none")}
	}
	if amounts(name) {
		return cell{Kind: "text", Text: w.euros(s), Code: s}
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		if t.Year() < 1900 {
			return cell{Kind: "none", Text: w.t("none")}
		}
		c := cell{Kind: "time", Text: w.time(t), Code: s}
		if reckoned(name) && !w.now.IsZero() {
			c.Apart = w.apart(t, w.now)
		}
		return c
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return cell{Kind: "time", Text: w.date(t), Code: s}
	}
	if desk := leads(name); desk != "" && isID(s) {
		c := cell{Kind: "link", Text: short(s), Code: s}
		if w.opens == nil || w.opens(desk) {
			c.Href = Root + "/" + desk + "/" + s
		}
		if desk == "accounts" && w.accounts != nil {
			w.accounts.ask(s)
			c.who = w.accounts
		}
		return c
	}
	if name == "active" || name == "archive" || name == "length" {
		if length, ok := w.length(s); ok {
			return cell{Kind: "text", Text: length, Code: s}
		}
	}
	if named, ok := w.composed(name, s); ok {
		return cell{Kind: "code", Text: named, Code: s}
	}
	if named := w.named(name, s); named != s {
		return cell{Kind: "code", Text: named, Code: s}
	}
	switch {
	case isID(s):
		return cell{Kind: "link", Text: short(s), Code: s}
	case strings.Contains(s, "\n") || len(s) > 160:
		return cell{Kind: "long", Text: s}
	}
	return cell{Kind: "text", Text: s}
}

// named is a code's name. What people or other systems wrote is shown as it is, though a
// code may be written the same.
func (w *words) named(name, s string) string {
	switch name {
	case "id", "subject", "name", "label", "login", "given_name", "family_name", "city", "reference", "external_id", "text", "note", "title", "object":
		return s
	}
	for _, r := range s {
		if r != '_' && r != '.' && r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return s
		}
	}
	return w.code(name, s)
}

func (w *words) listCell(name string, v value) cell {
	if len(v.list) == 0 {
		return cell{Kind: "none", Text: w.t("none")}
	}
	if v.list[0].kind == '{' {
		return cell{Kind: "rows", Rows: w.rows(w.label(name), v)}
	}
	out := cell{Kind: "list"}
	for _, m := range v.list {
		if name == "missing" || name == "lacking" || name == "changed" { // paths of fields
			out.Items = append(out.Items, cell{Kind: "text", Text: w.trail(m.scalar)})
			continue
		}
		out.Items = append(out.Items, w.cell(name, m))
	}
	return out
}

// trail names a field by its path.
func (w *words) trail(path string) string {
	var parts []string
	group := ""
	for name := range strings.SplitSeq(path, ".") {
		parts = append(parts, w.labelIn(group, name))
		group = name
	}
	return strings.Join(parts, " › ")
}

// rows are objects side by side, under every field that one of them has.
func (w *words) rows(caption string, v value) *table {
	var names []string
	seen := map[string]bool{}
	for _, o := range v.list {
		for _, m := range o.members {
			if !seen[m.name] {
				seen[m.name] = true
				names = append(names, m.name)
			}
		}
	}
	t := &table{Caption: caption}
	for _, n := range names {
		t.Head = append(t.Head, w.label(n))
	}
	for _, o := range v.list {
		var r row
		for _, n := range names {
			r.Cells = append(r.Cells, w.cell(n, o.member(n)))
		}
		t.Body = append(t.Body, r)
	}
	return t
}

// pairs are the members of an object that hold something.
func (w *words) pairs(v value) []pair { return w.pairsIn("", v) }

// pairsIn are pairs of an object that stands in a field.
func (w *words) pairsIn(group string, v value) []pair {
	var out []pair
	for _, m := range ordered(group, v.members) {
		if !m.empty() {
			out = append(out, pair{Label: w.labelIn(group, m.name), Name: m.name, Help: w.help(m.name), Value: w.cell(m.name, m.value)})
		}
	}
	return out
}

// number groups the digits of a whole number by three.
func (w *words) number(s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 10000 && n > -10000 {
		if w.lang == "fr" {
			return strings.Replace(s, ".", ",", 1)
		}
		return s
	}
	sign := ""
	if n < 0 {
		sign = "-"
	}
	return sign + grouped(strconv.FormatInt(max(n, -n), 10), w.gap())
}

// isID reports a UUID.
func isID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

// short is enough of an id to tell it from its neighbours; ids of one millisecond
// differ at their end.
func short(id string) string {
	if len(id) < 36 {
		return id
	}
	return id[:8] + "…" + id[32:]
}
