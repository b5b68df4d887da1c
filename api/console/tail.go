package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const countsOp = "GET /v1/audit/difference/counts"

// tailRows bounds what one look at what is new shows.
const tailRows = 50

// tailPage shows what is recorded, as it is.
type tailPage struct {
	Intro, Type string
	Stream      string
	Types       []choice
	Head        []string
	Others      []link
	From        string
}

// tail shows the page, which is empty until something new is recorded.
func (c *Console) tail(ctx context.Context, v *visit) error {
	if err := v.needs(eventsOp); err != nil {
		return err
	}
	if v.reason == "" {
		return &refused{Status: http.StatusBadRequest, Code: "reason_missing", Title: v.words.t("reason_title")}
	}
	p := &tailPage{Intro: v.words.t("desk_tail_intro"), Type: v.r.URL.Query().Get("type"), Others: v.auditOthers("tail")}
	p.Stream = Root + "/live/tail?" + url.Values{"type": {p.Type}}.Encode()
	answer, err := v.get(ctx, c.spec[summaryOp].path)
	if err != nil {
		return err
	}
	p.Types = v.choices("type", keys(answer.at("by_type")), p.Type, nil)
	for _, name := range []string{"recorded", "type", "subject_id", "source", "account"} {
		p.Head = append(p.Head, v.words.label(name))
	}
	p.From = v.words.time(c.cfg.Now())
	v.show(http.StatusOK, "tail", v.words.t("desk_tail"), p)
	return nil
}

// tailCell is one cell of a row that a script adds.
type tailCell struct {
	Text string `json:"text"`
	Href string `json:"href,omitempty"`
	Code string `json:"code,omitempty"`
}

// tailing follows what is recorded. Whether anything is new it asks as a count by type,
// which opens nothing; only then it asks for the rows, and the API records that access.
// The access itself, and every other, is no news: it would follow its own steps.
type tailing struct {
	v       *visit
	typ     string
	after   string // position, of the last that was looked at
	sources map[string]string
}

// openTail begins after the last that is recorded now, or where the browser left off.
func openTail(ctx context.Context, v *visit) (follower, error) {
	t := &tailing{v: v, typ: v.r.URL.Query().Get("type"), after: v.r.Header.Get("Last-Event-ID")}
	if !v.allowed(eventsOp) || v.reason == "" {
		return nil, &refused{Status: http.StatusForbidden, Code: "permission_missing"}
	}
	if _, err := strconv.ParseUint(t.after, 10, 63); err != nil {
		t.after = ""
	}
	t.sources = v.sources(ctx)
	if t.after == "" {
		now := url.Values{"from": {v.c.cfg.Now().UTC().Format(time.RFC3339Nano)}}
		head, err := v.get(ctx, v.c.spec[countsOp].path+"?"+now.Encode())
		if err != nil {
			return nil, err
		}
		t.after = before(head.text("to"))
	}
	return t.look, nil
}

// before is the position before one.
func before(position string) string {
	n, err := strconv.ParseUint(position, 10, 63)
	if err != nil || n == 0 {
		return ""
	}
	return strconv.FormatUint(n-1, 10)
}

func (t *tailing) look(ctx context.Context) ([]frame, error) {
	q := url.Values{}
	if t.after != "" {
		q.Set("from", t.after)
	}
	counts, err := t.v.get(ctx, t.v.c.spec[countsOp].path+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	news := false
	for _, m := range counts.at("by_type").members {
		news = news || m.name != "access.recorded" && (t.typ == "" || t.typ == m.name)
	}
	end := before(counts.text("to"))
	if !news || end == "" {
		return nil, nil
	}
	return t.rows(ctx, end)
}

func (t *tailing) rows(ctx context.Context, end string) ([]frame, error) {
	q := url.Values{"limit": {strconv.Itoa(tailRows)}, "known_at": {end}}
	if t.after != "" {
		q.Set("after", t.after)
	}
	if t.typ != "" {
		q.Set("type", t.typ)
	}
	answer, err := t.v.get(ctx, t.v.c.spec[eventsOp].path+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	var rows [][]tailCell
	items := answer.at("items").list
	for _, e := range items {
		if e.text("type") != "access.recorded" {
			rows = append(rows, t.row(e))
		}
	}
	if t.after = end; answer.text("next") != "" && len(items) > 0 {
		t.after = items[len(items)-1].text("position")
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return []frame{{event: "rows", id: t.after, data: rows}}, nil
}

func (t *tailing) row(e value) []tailCell {
	var out []tailCell
	for _, name := range []string{"recorded", "type", "subject_id", "source", "account"} {
		c := t.v.auditCell(name, e.at(name), t.sources)
		if name == "type" {
			c.Href = Root + "/events/" + e.text("event_id")
		}
		out = append(out, tailCell{c.Text, c.Href, c.Code})
	}
	return out
}
