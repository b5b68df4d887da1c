package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	calendarOp = "GET /v1/retention/calendar"
	foreseeOp  = "GET /v1/retention/preview"
	rulesOp    = "GET /v1/retention"
	runsOp     = "GET /v1/retention/runs"
	runOp      = "GET /v1/retention/runs/{id}"
	reportOp   = "GET /v1/retention/runs/{id}/report"
	dueOp      = "GET /v1/retention/due"
	startOp    = "POST /v1/retention/runs"
)

// retentionPage is what reaches its term, what the next run would do, and what runs did.
type retentionPage struct {
	Intro, Done string
	Months      []month
	Most        int64
	By          string
	Tiles       []tile
	Foreseen    *table
	Due         string    // where the list of what is foreseen is
	Run         *oneClick // carries out today's
	Next        string    // when the next run comes by itself
	Runs, Rules *table
	Problem     string
	Counted     string // when the calendar was counted, if that is not now
	Counting    string
}

// month is a row of the calendar.
type month struct {
	Name, Href, Text, Held string
	Persons                int64
	Late                   bool
	Actions                []pair
}

func (c *Console) retention(ctx context.Context, v *visit) error {
	if err := v.needs(rulesOp); err != nil {
		return err
	}
	p := &retentionPage{Intro: v.words.t("desk_retention_intro"), Done: v.done(), By: v.r.URL.Query().Get("by")}
	calendar, err := v.get(ctx, c.spec[calendarOp].path)
	if err != nil {
		return err
	}
	v.months(p, calendar)
	if calendar.is("counting") {
		p.Counting = v.words.t("retention_counting")
	}
	if at := calendar.text("counted_at"); at != "" {
		p.Counted = v.words.say("retention_counted", "at", v.words.cell("counted_at", calendar.at("counted_at")).Text)
	}
	q := url.Values{}
	if p.By != "" {
		q.Set("by", p.By)
	}
	foreseen, err := v.get(ctx, c.spec[foreseeOp].path+"?"+q.Encode())
	if err != nil {
		p.Problem = v.why(err)
	} else {
		v.foreseenRun(p, foreseen)
	}
	p.Due = Root + "/due?" + q.Encode()
	rules, err := v.get(ctx, c.spec[rulesOp].path)
	if err != nil {
		return err
	}
	p.Next = v.words.say("retention_next", "hour", rules.text("hour"))
	p.Rules = v.columns("retention_rules", rules.at("items"), "class", "purpose", "phase", "start", "length", "exit", "reference", "justification")
	runs, err := v.get(ctx, c.spec[runsOp].path+"?limit=12")
	if err != nil {
		return err
	}
	p.Runs = v.columns("desk_retention", runs.at("items"), "date", "state", "counts.persons", "counts.erased", "counts.archived", "counts.held", "counts.failed")
	for i, r := range runs.at("items").list {
		p.Runs.Body[i].Href = Root + "/retention/" + r.text("id")
	}
	if v.allowed(startOp) && p.By == "" {
		if p.Run, err = v.button(Root+"/retention/new/run", v.words.t("retention_run_now")); err != nil {
			return err
		}
		p.Run.Class = "contrast"
	}
	v.show(http.StatusOK, "retention", v.words.t("desk_retention"), p)
	return nil
}

// columns is a table of objects under some of their fields.
func (v *visit) columns(caption string, list value, names ...string) *table {
	t := &table{Caption: v.words.t(caption)}
	for _, n := range names {
		t.Head = append(t.Head, v.words.label(last(n)))
	}
	for _, it := range list.list {
		var r row
		for _, n := range names {
			r.Cells = append(r.Cells, v.words.cell(last(n), it.at(n)))
		}
		t.Body = append(t.Body, r)
	}
	return t
}

// months makes the calendar: what is late first, then the months to come.
func (v *visit) months(p *retentionPage, c value) {
	add := func(m value, name, by string, late bool) {
		n, _ := strconv.ParseInt(m.text("persons"), 10, 64)
		x := month{Name: name, Persons: n, Text: v.words.number(m.text("persons")), Late: late, Href: Root + "/due"}
		if by != "" {
			x.Href += "?by=" + by
		}
		if h := m.text("held"); h != "0" {
			x.Held = v.words.number(h)
		}
		for _, a := range []string{"ask", "archive", "generalise", "destroy", "erase"} {
			if n := m.text("actions." + a); n != "" {
				x.Actions = append(x.Actions, pair{Label: v.words.code("action", a), Name: a, Value: cell{Kind: "number", Text: v.words.number(n)}})
			}
		}
		p.Most = max(p.Most, n)
		p.Months = append(p.Months, x)
	}
	add(c.at("late"), v.words.t("retention_late"), "", true)
	for _, m := range c.at("items").list {
		first, err := time.Parse("2006-01", m.text("month"))
		if err != nil {
			continue
		}
		add(m, v.words.monthYear(first), first.AddDate(0, 1, 0).Format(time.DateOnly), false)
	}
}

// monthYear names a month.
func (w *words) monthYear(t time.Time) string {
	if w.lang == "en" {
		return t.Format("January 2006")
	}
	return frenchMonth(t.Month()) + " " + strconv.Itoa(t.Year())
}

// foreseenRun is what the run of a day would do.
func (v *visit) foreseenRun(p *retentionPage, a value) {
	held := tile{Title: v.words.t("retention_held"), Value: v.words.number(a.text("held")), Kind: "plain", Note: v.words.t("retention_held_note"), Href: Root + "/holds"}
	if a.text("held") != "0" {
		held.Kind = "warn"
	}
	p.Tiles = []tile{{Title: v.words.t("retention_persons"), Value: v.words.number(a.text("persons")), Kind: "plain", Note: v.words.t("retention_persons_note"), Href: Root + "/due"}, held,
		{Title: v.words.t("retention_ahead"), Value: v.words.number(a.text("ahead")), Kind: "plain", Note: v.words.t("retention_ahead_note"), Href: Root + "/due"}}
	p.Foreseen = v.columns("retention_foreseen", a.at("counts"), "action", "class", "rule", "count")
	for i, c := range a.at("counts").list {
		if rule := c.text("rule"); rule != "" {
			q := url.Values{"rule": {rule}}
			if p.By != "" {
				q.Set("by", p.By)
			}
			p.Foreseen.Body[i].Href = Root + "/due?" + q.Encode()
		}
	}
}

// runPage is one run: how far it is, and what it did.
type runPage struct {
	Done     string
	What     []pair
	Progress *progress
	Tiles    []tile
	Deeds    *table
	Report   *section
	Confirm  string // where one confirms who sits there, before the report is shown; "": it is
}

// retentionRun shows one run.
func (c *Console) retentionRun(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	r, err := v.get(ctx, c.spec[runOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := &runPage{Done: v.done(), What: v.chosen(r, "date", "state", "as_of", "begun", "ended", "actor", "report")}
	if now := v.runNow(r); !now.Ended {
		now.Stream, now.Here = Root+"/live/retention/"+id, v.r.URL.Path
		p.Progress = &now
	}
	for _, m := range r.at("counts").members {
		if m.scalar != "" && m.scalar != "0" {
			kind := "plain"
			if m.name == "failed" || m.name == "pending" {
				kind = "stop"
			}
			p.Tiles = append(p.Tiles, tile{Title: v.words.label(m.name), Value: v.words.number(m.scalar), Kind: kind})
		}
	}
	if r.at("deeds").kind == '[' {
		p.Deeds = v.columns("retention_deeds", r.at("deeds"), "action", "count", "pending")
	}
	if v.allowed(reportOp) {
		path := c.spec[reportOp].filled([]string{id}, nil)
		if cursor := v.r.URL.Query().Get("cursor"); cursor != "" {
			path += "?cursor=" + url.QueryEscape(cursor)
		}
		answer, err := v.get(ctx, path)
		var no *refused
		if errors.As(err, &no) && no.Code == "sign_in_again" {
			p.Confirm = confirmAt(v.here())
		} else if err != nil {
			p.Report = &section{Note: v.why(err)}
		} else {
			p.Report = v.section(desk{slug: "retention"}, []string{"subject_id", "action", "classes", "rules", "due_at", "at", "certificate"}, answer, v.r.URL)
		}
	}
	v.show(http.StatusOK, "run", v.words.say("retention_run_of", "day", v.words.day(r.text("date"))), p)
	return nil
}

// runNow is how far a run is: how many deeds there are, as nobody knows how many there
// will be.
func (v *visit) runNow(r value) progress {
	if r.text("state") == "ended" {
		return progress{Done: 1, Total: 1, Text: v.words.t("retention_ended"), Ended: true}
	}
	n := int64(0)
	for _, d := range r.at("deeds").list {
		some, _ := strconv.ParseInt(d.text("count"), 10, 64)
		n += some
	}
	return progress{Done: -1, Text: v.words.say("retention_running", "n", strconv.FormatInt(n, 10))}
}

func followRun(ctx context.Context, v *visit) (progress, error) {
	r, err := v.get(ctx, v.c.spec[runOp].filled([]string{v.r.PathValue("id")}, nil))
	if err != nil {
		return progress{}, err
	}
	return v.runNow(r), nil
}
