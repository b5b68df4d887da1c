package console

import (
	"cmp"
	"context"
	"net/http"
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
	Unclosed   string // what lacks before who may can close it
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
	p := &breachPage{ID: id, Done: v.done(), Gone: b.is("file.destroyed")}
	if len(b.at("file.letter_missing").strings()) == 0 {
		p.Papers = v.files(d, id, 0)
	}
	v.breachHead(p, b)
	p.Way = v.breachWay(b)
	v.breachActs(p, b)
	v.breachFacts(p, b)
	p.Actions = v.breachActions(id, b)
	p.Journal = v.breachJournal(b)
	if err := v.breachChecklist(ctx, p, b); err != nil {
		return err
	}
	p.Missing = v.trails(b.at("file.missing"))
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
	note := v.words.t("breach_measures_none")
	all := len(f.at("actions").list)
	measured := all > 0
	if measured {
		note = itoa(all-open) + " / " + itoa(all)
	}
	notified := ""
	if told && lacks("notification") {
		notified = v.words.t("breach_complement_due")
	}
	out := []station{v.stage("breach_opened", true, false, false, v.words.cell("at", b.at("opened")), ""),
		v.stage("breach_assessed", decided, !decided, false, latest("assessments", "at"), ""),
		v.stage("breach_notified", told && !lacks("notification"), decided && lacks("notification"), decided && !has("notify") && !told, latest("notifications", "sent_at"), notified),
		v.stage("breach_told", said && !lacks("communication"), decided && lacks("communication"), decided && !lacks("communication") && !said, latest("communications", "sent_at"), ""),
		v.stage("breach_mended", decided && measured && open == 0, decided && open > 0, false, cell{}, note)}
	return append(out, v.stage("breach_closed", closed, !closed && len(f.at("lacking").list) == 0, false, v.words.cell("at", b.at("closed")), ""))
}
