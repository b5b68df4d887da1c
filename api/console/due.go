package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// duePage lists of whom what reaches its term, a line a thing.
type duePage struct {
	Intro, By, Rule string
	Rules           []choice
	Rows            []dueRow
	Next            string
}

type dueRow struct {
	Person                                 person
	Action, Classes, Rule, Reference, Term cell
	Ahead, Held                            bool
}

// ruleName is a rule of retention in words: the class, the purpose and the phase, which of
// several it is, and what is done at its term.
func (v *visit) ruleName(r value) string {
	return v.words.cell("rule", r.at("id")).Text + v.words.t("colon") + v.words.code("exit", r.text("exit"))
}

func (c *Console) due(ctx context.Context, v *visit) error {
	if err := v.needs(dueOp); err != nil {
		return err
	}
	asked := v.r.URL.Query()
	p := &duePage{Intro: v.words.t("desk_due_intro"), By: asked.Get("by"), Rule: asked.Get("rule")}
	q := url.Values{"limit": {"50"}}
	for _, name := range []string{"by", "rule", "cursor"} {
		if x := asked.Get(name); x != "" {
			q.Set(name, x)
		}
	}
	answer, err := v.get(ctx, c.spec[dueOp].path+"?"+q.Encode())
	if err != nil {
		return err
	}
	rules, err := v.get(ctx, c.spec[rulesOp].path)
	if err != nil {
		return err
	}
	for _, r := range rules.at("items").list {
		id := r.text("id")
		p.Rules = append(p.Rules, choice{id, v.ruleName(r), id == p.Rule})
	}
	slices.SortFunc(p.Rules, func(a, b choice) int { return strings.Compare(a.Text, b.Text) })
	for _, it := range answer.at("items").list {
		who := person{ID: it.text("subject_id"), Short: short(it.text("subject_id")), Href: Root + "/people/" + it.text("subject_id")}
		for _, list := range []string{"due", "ahead"} {
			for _, x := range it.at(list).list {
				p.Rows = append(p.Rows, dueRow{Person: who, Action: v.words.cell("action", x.at("action")), Classes: v.words.cell("class", x.at("classes")), Rule: v.words.cell("rule", x.at("rules")),
					Reference: v.words.cell("reference", x.at("reference")), Term: v.words.dated(x.at("due_at")), Ahead: list == "ahead", Held: len(x.at("held").list) > 0})
			}
		}
	}
	if next := answer.text("next"); next != "" {
		asked.Set("cursor", next)
		p.Next = v.r.URL.Path + "?" + asked.Encode()
	}
	v.show(http.StatusOK, "due", v.words.t("desk_due"), p)
	return nil
}
