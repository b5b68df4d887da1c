package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// separator stands between the keys of an item in its address.
const separator = "~"

// link is something to go to.
type link struct {
	Href, Text string
	Grave      bool
	Here       bool
}

// section is one list of a page.
type section struct {
	Title, Note string
	Text        string // as it is written
	Table       *table
	Values      []pair
	Empty       *emptiness // of a table that shows nothing
}

// deskPage is what a list shows.
type deskPage struct {
	Slug, Intro string
	Filters     []input
	Makes       []link
	Files       []link
	Section     *section
	Missing     string // what the visitor lacks to see the list
}

// allowed reports an operation that the visitor may use.
func (v *visit) allowed(op string) bool {
	o := v.c.spec[op]
	return o != nil && (o.permission == "" || o.permission == "session.own" || v.may[o.permission])
}

// leadsTo reports a desk of which the visitor may open the page of one item: an id leads
// nowhere else.
func (v *visit) leadsTo(desk string) bool {
	return slices.ContainsFunc(map[string][]string{"people": {"GET /v1/subjects/{id}", "GET /v1/subjects/{id}/history", "GET /v1/subjects/{id}/accesses", "GET /v1/subjects/{id}/consents"},
		"events": {eventOp}, "accounts": {"GET /v1/accounts/{id}", deedsOp}, "requests": {requestRead}, "inspections": {"GET /v1/inspections/{id}"}, "breaches": {breachRead}}[desk], v.allowed)
}

// needs refuses who may not use an operation, in the API's own words.
func (v *visit) needs(op string) error {
	if v.allowed(op) {
		return nil
	}
	return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[op].permission}
}

func (v *visit) found(slug string) (desk, error) {
	d, ok := find(slug)
	if !ok {
		return desk{}, errNowhere
	}
	return d, nil
}

// desk shows a list, filtered as its address says.
func (c *Console) desk(ctx context.Context, v *visit) error {
	d, err := v.found(v.r.PathValue("desk"))
	if err != nil {
		return err
	}
	p := &deskPage{Slug: d.slug, Intro: v.words.t("desk_" + d.slug + "_intro"), Makes: v.links(d, d.makes, "new")}
	if d.list != "" {
		if err := v.needs(d.list); err != nil {
			return err
		}
		op := c.spec[d.list]
		filters := slices.DeleteFunc(slices.Clone(op.params), func(f field) bool { return f.name == "cursor" || f.name == "limit" })
		q, err := query(op.params, v.r.URL.Query())
		if err != nil {
			return &refused{Status: http.StatusBadRequest, Code: "form"}
		}
		p.Filters = v.inputs(filters, v.r.URL.Query(), "", "")
		p.Files = v.files(d, "", -1)
		if p.Section, err = v.list(ctx, d, op.path+"?"+q.Encode()); err != nil {
			return err
		}
		if t := p.Section.Table; t != nil && len(t.Body) == 0 || p.Section.Empty != nil {
			p.Section.Empty = v.emptied(d.slug, p.Makes)
		}
	}
	v.show(http.StatusOK, "desk", v.words.t("desk_"+d.slug), p)
	return nil
}

// list asks for a desk's list; one that does not exist yet, as before the first audit,
// is an empty one.
func (v *visit) list(ctx context.Context, d desk, where string) (*section, error) {
	answer, err := v.newest(ctx, d, where)
	var no *refused
	if errors.As(err, &no) && no.Status == http.StatusNotFound {
		return &section{Empty: &emptiness{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return v.section(d, d.columns, answer, v.r.URL), nil
}

// section makes a list, or an object, fit to show.
func (v *visit) section(d desk, columns []string, answer value, at *url.URL) *section {
	items := answer.at("items")
	if len(columns) == 0 || items.kind != '[' {
		return &section{Values: v.words.pairs(answer)}
	}
	t := &table{Caption: v.words.t("desk_" + d.slug)}
	for _, name := range columns {
		t.Head = append(t.Head, v.words.label(last(name)))
	}
	for _, it := range items.list {
		r := row{Href: d.href(it)}
		if strings.HasPrefix(r.Href, Root+"/events/") && !v.leadsTo("events") {
			r.Href = ""
		}
		for _, name := range columns {
			r.Cells = append(r.Cells, v.words.cell(last(name), it.at(name)))
		}
		t.Body = append(t.Body, r)
	}
	if next := answer.text("next"); next != "" && at != nil {
		q := at.Query()
		q.Set("cursor", next)
		t.Next = at.Path + "?" + q.Encode()
	}
	return &section{Table: t}
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// href is where an item of the desk is shown, "" if nowhere.
func (d desk) href(it value) string {
	if len(d.keys) == 0 || d.item == "" && d.text == "" && len(d.acts)+len(d.more)+len(d.files) == 0 && d.slug != "audit" && d.slug != "reads" {
		return ""
	}
	var keys []string
	for _, k := range d.keys {
		name, index, indexed := strings.Cut(k, ".")
		w := it.at(name)
		if indexed && index == "0" && len(w.list) > 0 {
			w = w.list[0]
		}
		if w.scalar == "" {
			return ""
		}
		keys = append(keys, url.PathEscape(w.scalar))
	}
	slug := d.slug
	if slug == "audit" || slug == "reads" {
		slug = "events"
	}
	return Root + "/" + slug + "/" + strings.Join(keys, separator)
}

// path fills the keys of an item into an operation's path, in order.
func (op *operation) filled(keys []string, use []int) string {
	if len(use) > 0 {
		var some []string
		for _, i := range use {
			if i >= 0 && i < len(keys) {
				some = append(some, keys[i])
			}
		}
		keys = some
	}
	out := op.path
	for _, k := range keys {
		from, to := strings.IndexByte(out, '{'), strings.IndexByte(out, '}')
		if from < 0 || to < from {
			break
		}
		out = out[:from] + url.PathEscape(k) + out[to+1:]
	}
	return out
}

// itemPage is what one item shows.
type itemPage struct {
	Slug, ID, Back string
	Values         []pair
	Sections       []*section
	Acts, Files    []link
	Done           string
}

func (c *Console) item(ctx context.Context, v *visit) error {
	d, err := v.found(v.r.PathValue("desk"))
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	keys := strings.Split(id, separator)
	p := &itemPage{Slug: d.slug, ID: id, Back: Root + "/" + d.slug, Acts: v.links(d, d.acts, id), Files: v.files(d, id, 0), Done: v.done()}
	if d.list == "" {
		p.Back = ""
	}
	title := v.words.t("desk_" + d.slug)
	if d.item != "" {
		answer, err := v.get(ctx, c.spec[d.item].filled(keys, nil))
		if err != nil {
			return err
		}
		p.Values, title = v.words.pairs(answer.without(bookkeeping()...)), v.called(d, answer)
		p.Acts = append(p.Acts, v.taskLinks(d, id, answer)...)
	}
	if d.item == "" && d.list != "" && v.allowed(d.list) {
		if it, found := v.lone(ctx, d, v.r.URL.Path); found {
			p.Values, title = v.words.pairs(it.without(bookkeeping()...)), v.called(d, it)
		}
	}
	p.Sections = v.lists(ctx, d, keys)
	if d.text != "" {
		text, err := v.plain(ctx, c.spec[d.text].filled(keys, nil))
		if err != nil {
			return err
		}
		p.Sections = append(p.Sections, &section{Title: v.words.t("text_" + d.slug), Text: text})
	}
	v.show(http.StatusOK, "item", title, p)
	return nil
}

// lists are those about one item that the visitor may see, or why one could not be had.
func (v *visit) lists(ctx context.Context, d desk, keys []string) []*section {
	var out []*section
	for _, m := range d.more {
		if !v.allowed(m.op) {
			continue
		}
		title := v.words.t("act_" + d.slug + "_" + m.slug)
		answer, err := v.get(ctx, v.c.spec[m.op].filled(keys, m.keys)+m.asking(keys))
		if err != nil {
			out = append(out, &section{Title: title, Note: v.why(err)})
			continue
		}
		if m.member != "" {
			answer = value{kind: '{', members: []member{{"items", answer.at(m.member)}}}
		}
		s := v.section(desk{slug: d.slug}, m.columns, answer, nil)
		s.Title, s.Empty = title, &emptiness{Text: v.words.t("empty_more")}
		out = append(out, s)
	}
	return out
}

// bookkeeping are members of an item that only programs need.
func bookkeeping() []string { return []string{"position", "revision", "marks"} }

// called is the title of an item's page: its desk, and the fields that name it.
func (v *visit) called(d desk, answer value) string {
	title := v.words.t("desk_" + d.slug)
	for i, name := range d.named {
		text := v.words.cell(last(name), answer.at(name)).flat()
		if answer.at(name).empty() || text == "" {
			continue
		}
		if i == 0 {
			title = v.words.t("one_"+d.slug) + v.words.t("colon") + text
		} else {
			title += ", " + text
		}
	}
	return title
}

// why says what a refused question was refused for.
func (v *visit) why(err error) string {
	var no *refused
	if errors.As(err, &no) {
		title := no.Title
		if no.Field != "" {
			title += " (" + v.words.label(last(no.Field)) + ")"
		}
		return strings.TrimSpace(title + ". " + v.words.do(no))
	}
	return v.words.t("error_internal")
}

// done is what was done before this page, told by its address.
func (v *visit) done() string {
	if d := v.r.URL.Query().Get("done"); d != "" {
		if s, ok := v.words.texts["done_"+d]; ok {
			return s
		}
		return v.words.t("done")
	}
	return ""
}

// links are the acts that the visitor may do.
func (v *visit) links(d desk, acts []act, id string) []link {
	var out []link
	for _, a := range acts {
		if v.allowed(a.op) && a.via == "" {
			where := Root + "/" + d.slug + "/" + id + "/" + a.slug
			out = append(out, link{Href: where, Text: v.words.t("act_" + d.slug + "_" + a.slug), Grave: a.grave})
		}
	}
	return out
}

// files are what can be taken away of an item, or with only -1, of the desk.
func (v *visit) files(d desk, id string, only int) []link {
	var out []link
	for _, a := range d.files {
		ofDesk := slices.Contains(a.keys, -1)
		if !v.allowed(a.op) || ofDesk != (only == -1) {
			continue
		}
		if ofDesk {
			id = "-"
		}
		where := Root + "/" + d.slug + "/" + id + "/" + a.slug + "/file"
		out = append(out, link{Href: where, Text: v.words.t("act_" + d.slug + "_" + a.slug)})
	}
	return out
}

// download passes a file of the API on, as it comes.
func (c *Console) download(ctx context.Context, v *visit) error {
	d, err := v.found(v.r.PathValue("desk"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.files, func(a act) bool { return a.slug == v.r.PathValue("act") })
	if i < 0 {
		return errNowhere
	}
	a := d.files[i]
	keys := strings.Split(v.r.PathValue("id"), separator)
	if a.fixed != "" {
		keys = append(keys, a.fixed)
	}
	return v.pass(ctx, c.spec[a.op].filled(keys, a.keys)+a.asking(keys), d.slug+"-"+a.slug+a.ext)
}

// asking is the query of an act about an item.
func (a act) asking(keys []string) string {
	if a.query == "" {
		return ""
	}
	return "?" + strings.ReplaceAll(a.query, "{}", url.QueryEscape(keys[0]))
}

// taskLinks lead to ending each task of a request that is still to do.
func (v *visit) taskLinks(d desk, id string, answer value) []link {
	var out []link
	if d.slug != "requests" || !v.allowed("POST /v1/requests/{id}/tasks/{task}") {
		return nil
	}
	for _, t := range answer.at("tasks").list {
		if t.at("finding").empty() {
			out = append(out, link{Href: Root + "/tasks/" + id + separator + t.text("number") + "/end", Text: v.words.t("act_tasks_end") + " " + t.text("number")})
		}
	}
	return out
}
