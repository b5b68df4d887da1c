package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	heldOp   = "GET /v1/quarantine/{id}"
	repairOp = "POST /v1/quarantine/{id}/repair"
)

func (c *Console) quarantineRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/quarantine", c.page(c.quarantine))
	mux.HandleFunc("GET "+Root+"/quarantine/{id}", c.page(c.heldItem))
	mux.HandleFunc("POST "+Root+"/quarantine/{id}", c.page(c.repair))
}

// quarantinePage lists what was set aside, by reason.
type quarantinePage struct {
	Done, Chosen string
	Total        string
	Groups       []heldGroup
	Most         float64
	Items        []heldRow
	Cut, More    bool
	MayRepair    bool
}

type heldGroup struct {
	Code, Name, Text, Href string
	Value                  float64
	Here                   bool
}

type heldRow struct {
	Href, Short, Reason, Type, Field string
	Recorded, Until, Source          cell
}

const maxHeld = 200

func (c *Console) quarantine(ctx context.Context, v *visit) error {
	items, more, err := v.all(ctx, "/v1/quarantine", url.Values{}, 5)
	if err != nil {
		return err
	}
	p := &quarantinePage{Done: v.done(), Chosen: v.r.URL.Query().Get("reason"), More: more, MayRepair: v.allowed(heldOp)}
	names := v.sources(ctx)
	counts := map[string]int{}
	total := 0
	for _, it := range items {
		total++
		reason := it.text("reason")
		counts[reason]++
		if p.Chosen != "" && p.Chosen != reason {
			continue
		}
		if len(p.Items) == maxHeld {
			p.Cut = true
			continue
		}
		p.Items = append(p.Items, v.heldRow(it, names))
	}
	p.Total = v.words.number(itoa(total))
	for code, n := range counts {
		p.Groups = append(p.Groups, heldGroup{Code: code, Name: v.words.code("reason", code), Text: v.words.number(itoa(n)), Value: float64(n),
			Href: Root + "/quarantine?reason=" + url.QueryEscape(code), Here: code == p.Chosen})
		p.Most = max(p.Most, float64(n))
	}
	slices.SortFunc(p.Groups, func(a, b heldGroup) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Code, b.Code))
	})
	v.show(http.StatusOK, "quarantine", v.words.t("desk_quarantine"), p)
	return nil
}

func (v *visit) heldRow(it value, names map[string]string) heldRow {
	r := heldRow{Short: short(it.text("id")), Reason: v.words.code("reason", it.text("reason")), Type: v.words.code("type", it.text("type")), Field: it.text("field"),
		Recorded: v.words.cell("recorded", it.at("recorded")), Until: v.words.cell("until", it.at("until")), Source: v.words.cell("source", it.at("source"))}
	if n := names[it.text("source")]; n != "" {
		r.Source = cell{Kind: "text", Text: n}
	}
	r.Href = Root + "/quarantine/" + it.text("id")
	return r
}

// heldPage is one item: what came, what is wrong with it, and an editor.
type heldPage struct {
	ID, CSRF, Number       string
	Reason, Field, Message string
	About                  []pair
	Text                   string
	Held, MayRepair        bool // nothing was done with it yet; the visitor may
	Problem                *refused
	Tried                  *triedEvent
	Outcome                string
}

// triedEvent says what a corrected event would become.
type triedEvent struct {
	Accepted             bool
	Message, Field, Code string
	Warnings             []string
}

func (c *Console) heldItem(ctx context.Context, v *visit) error {
	return v.showHeld(ctx, http.StatusOK, &heldPage{})
}

// showHeld shows an item; who may not open it is told so, and by which permission.
func (v *visit) showHeld(ctx context.Context, status int, p *heldPage) error {
	p.ID = v.r.PathValue("id")
	if !isID(p.ID) {
		return errNowhere
	}
	if !v.allowed(heldOp) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[heldOp].permission, Title: v.words.t("error_permission_missing"), Detail: v.words.t("quarantine_closed")}
	}
	it, err := v.get(ctx, "/v1/quarantine/"+p.ID)
	if err != nil {
		return err
	}
	if p.Number, err = number(v.c.cfg.Rand); err != nil {
		return err
	}
	p.CSRF, p.Held, p.MayRepair = v.csrf, it.text("outcome") == "", v.allowed(repairOp)
	p.Reason, p.Field, p.Message = v.words.code("reason", it.text("reason")), it.text("field"), v.words.texts["quarantine_do_"+it.text("reason")]
	if p.Message == "" || v.lang == "en" {
		p.Message = it.text("message")
	}
	if !p.Held {
		p.Outcome = v.words.code("outcome", it.text("outcome"))
		if why := it.text("outcome_reason"); why != "" {
			p.Outcome += v.words.t("colon") + v.words.code("reason", why)
		}
	}
	p.About = v.named(it, "recorded", "until", "type", "subject_id")
	row := v.heldRow(it, v.sources(ctx))
	p.About = append(p.About, pair{Label: v.words.label("source"), Name: "source", Value: row.Source})
	if p.Text == "" {
		if p.Text = it.text("text"); p.Text == "" {
			p.Text = indented(it.at("event"))
		}
	}
	v.show(status, "held", v.words.t("quarantine_item"), p)
	return nil
}

// indented writes a value as JSON that people edit.
func indented(v value) string {
	var b bytes.Buffer
	e := jsontext.NewEncoder(&b, jsontext.WithIndent("  "))
	if writeValue(e, v) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

func writeValue(e *jsontext.Encoder, v value) error {
	var err error
	switch v.kind {
	case '{':
		err = e.WriteToken(jsontext.BeginObject)
		for _, m := range v.members {
			err = errors.Join(err, e.WriteToken(jsontext.String(m.name)), writeValue(e, m.value))
		}
		return errors.Join(err, e.WriteToken(jsontext.EndObject))
	case '[':
		err = e.WriteToken(jsontext.BeginArray)
		for _, w := range v.list {
			err = errors.Join(err, writeValue(e, w))
		}
		return errors.Join(err, e.WriteToken(jsontext.EndArray))
	case '"':
		return e.WriteToken(jsontext.String(v.scalar))
	case 't', 'f':
		return e.WriteToken(jsontext.Bool(v.kind == 't'))
	case '0':
		return e.WriteValue(jsontext.Value(v.scalar))
	}
	return e.WriteToken(jsontext.Null)
}

// repair tries the corrected document, or records it; what is refused comes back to be
// mended further.
func (c *Console) repair(ctx context.Context, v *visit) error {
	in := v.r.PostForm
	p := &heldPage{Text: lines(in.Get("raw"))}
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	if in.Get("do") == "try" {
		got, err := v.corrected(ctx, id, p.Text, "", true)
		return v.afterTry(ctx, p, got, err)
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	got, err := v.corrected(ctx, id, p.Text, in.Get("number"), false)
	if status := got.text("status"); err != nil || status != "recorded" && status != "duplicate" {
		return v.afterTry(ctx, p, got, err)
	}
	to = Root + "/quarantine?done=repaired"
	if event := got.text("event_id"); event != "" && v.allowed("GET /v1/events/{id}") {
		to = Root + "/events/" + event + "?done=repaired"
	}
	v.leave(to)
	return nil
}

func (v *visit) corrected(ctx context.Context, id, text, key string, dry bool) (value, error) {
	where := "/v1/quarantine/" + id + "/repair"
	if dry {
		where += "?dry_run=true"
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: where, body: []byte(text), media: "application/json", accept: "application/json", key: key})
	if err != nil {
		return value{}, err
	}
	return answer.value()
}

// afterTry shows the item again with what is said of the correction.
func (v *visit) afterTry(ctx context.Context, p *heldPage, got value, err error) error {
	var no *refused
	if errors.As(err, &no) && no.Status >= 400 && no.Status < 500 && no.Status != http.StatusUnauthorized {
		p.Problem = no
		return v.showHeld(ctx, no.Status, p)
	}
	if err != nil {
		return err
	}
	t := &triedEvent{Accepted: got.text("status") == "tried", Message: got.text("error.message"), Field: got.text("error.field"), Code: got.text("error.code")}
	if s := v.words.texts["quarantine_do_"+t.Code]; s != "" && v.lang == "fr" {
		t.Message = s
	}
	for _, w := range got.at("warnings").list {
		t.Warnings = append(t.Warnings, w.text("field")+" : "+v.words.code("rule", w.text("rule")))
	}
	p.Tried = t
	return v.showHeld(ctx, http.StatusOK, p)
}
