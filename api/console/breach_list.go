package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// breachesPage lists breaches: those of which something is open first in sight.
type breachesPage struct {
	Intro, Done, Empty, Next string
	Makes, Files             []link
	Chips                    []chip
	Rows                     []breachRow
}

type breachRow struct {
	Href, Nature string
	Role         string // said of a processor's alone
	Clock        *clock
	DueOf        string
	Risk, Status badge
	Aware        cell
	Told         string
}

func (c *Console) breaches(ctx context.Context, v *visit) error {
	op := c.spec[breachList]
	if !v.allowed(breachList) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: op.permission}
	}
	d, _ := find("breaches")
	asked := v.r.URL.Query()
	q, err := query(op.params, asked)
	if err != nil {
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	show := "open"
	switch {
	case q.Get("overdue") == "true":
		show = "overdue"
	case q.Get("standing") == "closed":
		show = "closed"
	case asked.Has("all"):
		show = "all"
	default:
		q.Set("standing", "open")
	}
	answer, err := v.get(ctx, op.path+"?"+q.Encode())
	if err != nil {
		return err
	}
	p := &breachesPage{Intro: v.words.t("desk_breaches_intro"), Done: v.done(), Empty: v.words.t("breaches_none_" + show), Makes: v.links(d, d.makes, "new"), Files: v.files(d, "", -1)}
	for _, one := range []struct{ key, query string }{{"open", ""}, {"overdue", "?overdue=true"}, {"closed", "?standing=closed"}, {"all", "?all=true"}} {
		p.Chips = append(p.Chips, chip{Href: Root + "/breaches" + one.query, Text: v.words.t("breaches_chip_" + one.key), Here: one.key == show})
	}
	for _, b := range slices.Backward(answer.at("items").list) {
		p.Rows = append(p.Rows, v.breachRow(b))
	}
	slices.SortStableFunc(p.Rows, func(a, b breachRow) int { return urgency(a.Clock) - urgency(b.Clock) })
	if next := answer.text("next"); next != "" {
		asked.Set("cursor", next)
		p.Next = v.r.URL.Path + "?" + asked.Encode()
	}
	v.show(http.StatusOK, "breaches", v.words.t("desk_breaches"), p)
	return nil
}

// urgency orders by kind of clock, those without one last.
func urgency(c *clock) int {
	if c == nil {
		return 3
	}
	return map[string]int{"stop": 0, "warn": 1, "good": 2}[c.Kind]
}

func (v *visit) breachRow(b value) breachRow {
	w, marks := v.words, b.at("marks").strings()
	var natures []string
	aware := value{}
	for _, m := range marks {
		switch at, ok := strings.CutPrefix(m, "aware/"); {
		case ok:
			aware = value{kind: '"', scalar: at}
		case slices.Contains([]string{"confidentiality", "integrity", "availability"}, m):
			natures = append(natures, m)
		}
	}
	row := breachRow{Href: Root + "/breaches/" + b.text("id"), Nature: v.natures(natures), Risk: v.breachRisk(marks), Aware: w.cell("aware_at", aware),
		Status: badge{statusKind(b.text("status")), w.code("status", b.text("status"))}}
	if row.Nature == "" {
		row.Nature = w.t("breach_nature_unknown")
	}
	if b.text("kind") == "processor" {
		row.Role = w.code("role", "processor")
	}
	if slices.Contains(marks, "communicated") {
		row.Told = w.t("breach_told")
	}
	if b.text("status") != "closed" && b.text("due") != "" {
		row.Clock, row.DueOf = v.hours(aware, b.at("due")), w.t("breach_due_"+soonest(marks))
	}
	return row
}

// soonest is what is due first of what the marks of a file say is due.
func soonest(marks []string) string {
	what, first := "action", time.Time{}
	for _, m := range marks {
		rest, ok := strings.CutPrefix(m, "due/")
		name, at, _ := strings.Cut(rest, "/")
		t, err := time.Parse(time.RFC3339Nano, at)
		if !ok || err != nil || !first.IsZero() && !t.Before(first) {
			continue
		}
		first = t
		what, _, _ = strings.Cut(name, ".")
	}
	return what
}

// opening are the fields of a breach's form that are asked for first: the rest is added
// when it is known, and the 72 hours do not wait for it.
func opening() map[string][]string {
	return map[string][]string{"nature": {"nature", "facts", "origins"}, "chronology": {"state", "how_discovered"}, "data": {"categories"}, "persons": {"categories", "number"}}
}

// fitBreach fits the forms of a breach: few fields to open a file, the measures by their
// names, and as the time of what was sent, now.
func fitBreach(ctx context.Context, v *visit, a act, id string) *fits {
	if id == "" {
		return &fits{keep: map[string]map[string][]string{"form": opening()}, known: url.Values{"aware_at": {v.c.cfg.Now().In(zone()).Format(local16)}}}
	}
	f := fitFile(breachRead, (*visit).breachTitle)(ctx, v, a, id)
	if f == nil {
		return nil
	}
	now := wallClock(v.c.cfg.Now().Format(time.RFC3339))
	switch a.slug {
	case "notifications", "communications":
		f.known.Set("sent_at", now)
	case "actions":
		v.fitActions(ctx, f)
	case "scope":
		v.fitScope(ctx, f)
	}
	return f
}

// fitScope offers the accounts, sources and classes of data by which accesses are counted.
func (v *visit) fitScope(ctx context.Context, f *fits) {
	f.choices, f.names = map[string][]string{}, map[string]string{}
	offer := func(field, id, name string) {
		f.choices[field] = append(f.choices[field], id)
		if f.names[id] = name; name == "" {
			f.names[id] = short(id)
		}
	}
	if v.allowed(staffOp) {
		if all, err := v.get(ctx, v.c.spec[staffOp].path); err == nil {
			for _, h := range all.at("holders").list {
				offer("accounts", h.text("account_id"), strings.TrimSpace(h.text("label")))
			}
		}
	}
	if v.allowed(producersOp) {
		if known, _, err := v.all(ctx, v.c.spec[producersOp].path, url.Values{}, 3); err == nil {
			for _, p := range known {
				offer("sources", p.text("id"), p.text("name"))
			}
		}
	}
	for _, t := range v.words.terms["class"] {
		offer("categories", t.Code, v.words.term(t))
	}
}

// fitActions offers the first things to do and the colleagues who may do them, or, about
// a measure that is in the file, what became of it.
func (v *visit) fitActions(ctx context.Context, f *fits) {
	f.choices, f.names = map[string][]string{}, map[string]string{}
	if v.r.FormValue("action") != "" {
		f.hidden = append(f.hidden, "kind", "item", "owner")
		f.known.Set("done_at", wallClock(v.c.cfg.Now().Format(time.RFC3339)))
		return
	}
	f.hidden = append(f.hidden, "action", "void")
	if forms, err := v.get(ctx, v.c.spec[breachForms].path); err == nil {
		for _, c := range forms.at("checklist").list {
			f.choices["item"] = append(f.choices["item"], c.text("item"))
			f.names[c.text("item")] = c.text(v.lang)
		}
	}
	for id, name := range v.colleagues(ctx) {
		f.choices["owner"] = append(f.choices["owner"], id)
		f.names[id] = name
	}
	slices.SortFunc(f.choices["owner"], func(a, b string) int { return strings.Compare(f.names[a], f.names[b]) })
}
