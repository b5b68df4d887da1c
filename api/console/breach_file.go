package console

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// breachFacts are what is known, a card a part of the authority's form, and what was
// measured and decided.
func (v *visit) breachFacts(p *breachPage, b value) {
	form := b.at("file.form")
	for _, part := range []string{"nature", "chronology", "data", "persons", "consequences", "before", "measures", "informed", "cross_border", "attachments", "organisation"} {
		x := form.at(part)
		if x.empty() {
			continue
		}
		values := v.words.pairs(value{kind: '{', members: []member{{part, x}}})
		if x.kind == '{' {
			values = v.words.pairsIn(part, x)
		}
		for i := range values {
			values[i].Help = ""
		}
		p.Facts = append(p.Facts, card{Title: v.words.label(part), Values: values})
	}
	if s := b.at("file.conclusion"); !s.empty() {
		p.Facts = append([]card{{Title: v.words.label("conclusion"), Values: []pair{{Label: v.words.label("conclusion"), Name: "conclusion", Value: v.words.cell("conclusion", s)}}}}, p.Facts...)
	}
}

func (v *visit) breachActions(id string, b value) []breachAction {
	late := map[string]bool{}
	for _, x := range b.at("file.pending").list {
		if c := v.hours(b.at("aware_at"), x.at("due")); c != nil && c.Kind == "stop" {
			late[x.text("action")] = true
		}
	}
	var out []breachAction
	for _, x := range b.at("file.actions").list {
		n := x.text("number")
		a := breachAction{Number: n, Kind: v.words.code("kind", x.text("kind")), Text: cmp.Or(x.text("text"), v.words.code("item", x.text("item"))), Ended: x.text("ended"),
			Owner: v.account(x.text("owner")), Due: v.words.cell("due", x.at("due")), Done: v.words.cell("done", x.at("done"))}
		switch {
		case x.is("void"):
			a.State = badge{"", v.words.t("action_void")}
		case x.text("done") != "":
			a.State = badge{"good", v.words.t("action_done")}
		default:
			a.State, a.Late = badge{"warn", v.words.t("action_open")}, late[n]
			if v.allowed(breachStep("actions")) && b.text("status") != "closed" {
				a.End = Root + "/breaches/" + id + "/actions?action=" + n + "&revision=" + b.text("revision")
			}
		}
		out = append(out, a)
	}
	return out
}

// breachJournal are the decisions, notifications, communications and measures of a file
// in their order, the newest first.
func (v *visit) breachJournal(b value) []entry {
	type dated struct {
		at string
		entry
	}
	var all []dated
	for _, kind := range []struct{ list, code string }{{"assessments", "breach.assessed"}, {"notifications", "breach.notified"}, {"communications", "breach.communicated"}, {"scopes", "breach.scoped"}, {"notes", "breach.noted"}, {"actions", "breach.acted"}} {
		for _, x := range b.at("file." + kind.list).list {
			e := entry{Title: v.words.code("type", kind.code), Code: kind.code, When: v.words.cell("time", x.at("at")), By: v.account(x.text("by"))}
			if v.allowed(eventOp) {
				e.Href = Root + "/events/" + x.text("event_id")
			}
			for _, p := range v.words.pairs(x.without("number", "event_id", "at", "by", "proposed")) {
				p.Help = ""
				e.Values = append(e.Values, p)
			}
			all = append(all, dated{x.text("at"), e})
		}
	}
	slices.SortStableFunc(all, func(a, b dated) int { return strings.Compare(b.at, a.at) })
	var out []entry
	for _, d := range all {
		out = append(out, d.entry)
	}
	opened := entry{Title: v.words.code("type", "breach.opened"), Code: "breach.opened", When: v.words.cell("time", b.at("opened")), By: v.account(b.text("file.opening.by"))}
	if v.allowed(eventOp) {
		opened.Href = Root + "/events/" + b.text("file.opening.event_id")
	}
	return append(out, opened)
}

// breachChecklist are the first things to do against a breach, and which were begun or done.
func (v *visit) breachChecklist(ctx context.Context, p *breachPage, b value) error {
	if b.text("status") == "closed" {
		return nil
	}
	forms, err := v.get(ctx, v.c.spec[breachForms].path)
	if err != nil {
		return err
	}
	done := map[string]string{}
	for _, x := range b.at("file.actions").list {
		state := "begun"
		if x.text("done") != "" || x.is("void") {
			state = "done"
		}
		done[x.text("item")] = state
	}
	for _, c := range forms.at("checklist").list {
		item := checkItem{Text: c.text(v.lang), Done: done[c.text("item")] == "done", Begun: done[c.text("item")] == "begun"}
		if !item.Done && !item.Begun && v.allowed(breachStep("actions")) {
			item.Href = Root + "/breaches/" + p.ID + "/actions?kind=containment&item=" + c.text("item") + "&revision=" + b.text("revision")
		}
		p.Checklist = append(p.Checklist, item)
	}
	return nil
}
