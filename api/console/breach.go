package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	breachRead  = "GET /v1/breaches/{id}"
	breachList  = "GET /v1/breaches"
	breachForms = "GET /v1/breaches/forms"
)

func breachStep(step string) string { return "POST /v1/breaches/{id}/" + step }

func (c *Console) breachDeskRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/breaches", c.page(c.breaches))
	mux.HandleFunc("GET "+Root+"/breaches/{id}", c.page(c.breach))
}

// breachPage is one breach as who handles it needs it: the 72 hours, its way, what comes
// next, what is known, what was decided, whom was told, and what is still to do.
type breachPage struct {
	ID, Done   string
	Marks      []badge
	Clock      *clock
	ClockTitle string
	Whom       string // how many persons, as far as known
	WhomNote   string
	Risk       badge
	Way        []station
	Next       *todo
	Acts       []actGroup
	Facts      []card
	Actions    []breachAction
	Journal    []entry
	Reckoning  []string
	Lacking    []string
	Missing    []string
	Checklist  []checkItem
	Papers     []link
	Gone       bool
}

// breachAction is something to do, with its form if it is still to do.
type breachAction struct {
	Number, Kind, Text, Ended string
	Owner                     who
	Due, Done                 cell
	State                     badge
	Late                      bool
	End                       string
}

// checkItem is one of the first things to do, and whether somebody did.
type checkItem struct {
	Text, Href  string
	Done, Begun bool
}

func (c *Console) breach(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	b, err := v.get(ctx, c.spec[breachRead].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	d, _ := find("breaches")
	p := &breachPage{ID: id, Done: v.done(), Papers: v.files(d, id, 0), Gone: b.is("file.destroyed")}
	v.breachHead(p, b)
	p.Way = v.breachWay(b)
	v.breachActs(p, b)
	v.breachFacts(p, b)
	p.Actions = v.breachActions(id, b)
	p.Journal = v.breachJournal(b)
	if err := v.breachChecklist(ctx, p, b); err != nil {
		return err
	}
	for _, m := range b.at("file.missing").strings() {
		p.Missing = append(p.Missing, v.words.trail(m))
	}
	v.show(http.StatusOK, "breach", v.breachTitle(b), p)
	return nil
}

// breachTitle is how a breach is called: what was lost, and when it became known.
func (v *visit) breachTitle(b value) string {
	return v.words.say("breach_title", "nature", cmp.Or(v.natures(b.at("file.form.nature.nature").strings()), v.words.t("breach_nature_unknown")), "day", v.words.day(b.text("aware_at")))
}

func (v *visit) natures(codes []string) string {
	var named []string
	for _, n := range codes {
		named = append(named, v.words.code("nature", n))
	}
	return strings.Join(named, ", ")
}

func (v *visit) breachHead(p *breachPage, b value) {
	w, marks := v.words, b.at("marks").strings()
	p.Marks = []badge{{map[bool]string{true: "good"}[b.text("status") == "closed"], w.code("status", b.text("status"))}, {"", w.code("role", b.text("kind"))}}
	for _, m := range marks {
		if m == "suspected" || m == "established" {
			p.Marks = append(p.Marks, badge{"", w.code("state", m)})
		}
	}
	p.Risk = v.breachRisk(marks)
	if n := b.text("file.form.persons.number"); n != "" && n != "0" {
		p.Whom, p.WhomNote = w.number(n), w.t("breach_whom_form")
	} else if s := b.at("file.scopes").list; len(s) > 0 {
		p.Whom, p.WhomNote = w.number(s[len(s)-1].text("counted.persons")), w.t("breach_whom_scope")
	}
	pending := b.at("file.pending").list
	if len(pending) > 0 {
		if p.Clock = v.hours(b.at("aware_at"), pending[0].at("due")); p.Clock != nil {
			p.ClockTitle = w.t("breach_due_" + pending[0].text("what"))
		}
	}
	limit := "breach_reckon_72"
	if b.text("kind") == "processor" {
		limit = "breach_reckon_processor"
	}
	p.Reckoning = []string{w.say("breach_reckon_aware", "time", w.cell("", b.at("aware_at")).Text), w.say(limit, "time", w.cell("", b.at("deadline")).Text), w.t("breach_reckon_days")}
	for _, l := range b.at("file.lacking").strings() {
		p.Lacking = append(p.Lacking, w.t("breach_lacks_"+l))
	}
}

// breachRisk is what was decided, from the marks of a file.
func (v *visit) breachRisk(marks []string) badge {
	for _, m := range marks {
		if r, ok := strings.CutPrefix(m, "risk."); ok {
			return badge{map[string]string{"unlikely": "good", "risk": "warn", "high": "stop"}[r], v.words.t("breach_risk_" + r)}
		}
	}
	return badge{"warn", v.words.t("breach_risk_undecided")}
}

// breachWay shows the stages of a breach, those to come too.
func (v *visit) breachWay(b value) []station {
	f, marks := b.at("file"), b.at("marks").strings()
	lacks := func(what string) bool { return slices.Contains(f.at("lacking").strings(), what) }
	has := func(m string) bool { return slices.Contains(marks, m) }
	closed := b.text("status") == "closed"
	latest := func(path, when string) cell {
		if l := f.at(path).list; len(l) > 0 {
			return v.words.cell("at", l[len(l)-1].at(when))
		}
		return cell{}
	}
	decided := len(f.at("assessments").list) > 0
	told, said := len(f.at("notifications").list) > 0, len(f.at("communications").list) > 0
	open := 0
	for _, x := range f.at("pending").list {
		if x.text("what") == "action" {
			open++
		}
	}
	note := ""
	if all := len(f.at("actions").list); all > 0 {
		note = itoa(all-open) + " / " + itoa(all)
	}
	out := []station{v.stage("breach_opened", true, false, false, v.words.cell("at", b.at("opened")), ""),
		v.stage("breach_assessed", decided, !decided, false, latest("assessments", "at"), ""),
		v.stage("breach_notified", told && !lacks("notification"), decided && lacks("notification"), decided && !has("notify") && !told, latest("notifications", "sent_at"), ""),
		v.stage("breach_told", said && !lacks("communication"), decided && lacks("communication"), decided && !lacks("communication") && !said, latest("communications", "sent_at"), ""),
		v.stage("breach_mended", decided && open == 0 && note != "", decided && open > 0, decided && note == "", cell{}, note)}
	return append(out, v.stage("breach_closed", closed, !closed && len(f.at("lacking").list) == 0, false, v.words.cell("at", b.at("closed")), ""))
}

// breachNext is the step that a file needs first, "" of one that is closed.
func breachNext(b value) string {
	lacking := b.at("file.lacking").strings()
	switch {
	case b.text("status") == "closed":
		return ""
	case len(lacking) == 0:
		return "close"
	}
	return map[string]string{"assessment": "assessment", "notification": "notifications", "communication": "communications", "root_cause": "form", "actions": "actions"}[lacking[0]]
}

func (v *visit) breachActs(p *breachPage, b value) {
	at := Root + "/breaches/" + p.ID + "/"
	rev := b.text("revision")
	next := breachNext(b)
	if next != "" && v.allowed(breachStep(next)) {
		q := url.Values{"revision": {rev}}
		why := "breach_next_" + next + "_why"
		if next == "notifications" && p.Clock != nil && p.Clock.Kind == "stop" {
			why = "breach_next_late_why"
		}
		if next == "actions" {
			for _, x := range b.at("file.pending").list {
				if x.text("what") == "action" && q.Get("action") == "" {
					q.Set("action", x.text("action"))
				}
			}
		}
		p.Next = &todo{Title: v.words.t("breach_next_" + next), Why: v.words.t(why), Text: v.words.t("act_breaches_" + next), Href: at + next + "?" + q.Encode()}
	}
	if b.text("status") == "closed" {
		return
	}
	for _, g := range []struct {
		title string
		steps []string
	}{{"breach_acts_know", []string{"form", "scope", "notes"}}, {"breach_acts_decide", []string{"assessment"}}, {"breach_acts_tell", []string{"notifications", "communications"}}, {"breach_acts_mend", []string{"actions"}}, {"acts_end", []string{"close"}}} {
		a := actGroup{Title: v.words.t(g.title)}
		for _, step := range g.steps {
			if (step != next || step == "actions") && v.allowed(breachStep(step)) {
				text := "act_breaches_" + step
				if step == "actions" {
					text = "breach_action_new"
				}
				a.Links = append(a.Links, link{Href: at + step + "?revision=" + url.QueryEscape(rev), Text: v.words.t(text)})
			}
		}
		if len(a.Links) > 0 {
			p.Acts = append(p.Acts, a)
		}
	}
}
