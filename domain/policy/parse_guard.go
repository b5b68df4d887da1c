package policy

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

func (r *reader) guard(p *Policy, n *yaml.Node) {
	o := r.object(n, "guard", "rules", "thresholds", "income_bands", "words", "names")
	g := &p.guard
	g.Actions = map[string]string{}
	if n := o.get("rules", true); n != nil {
		r.rules(g, n)
	}
	if n := o.get("thresholds", true); n != nil {
		t := r.object(n, "guard.thresholds", "cvv_distance", "income_distance", "income_minimum_eur")
		g.CVVDistance = t.number("cvv_distance", 1, 200)
		g.IncomeDistance = t.number("income_distance", 1, 200)
		g.IncomeMinimum = t.number("income_minimum_eur", 1, 1_000_000)
	}
	r.bands(g, o)
	g.Words = r.phrases(o, "words", WordLists())
	g.Names = r.phrases(o, "names", []string{RuleNIR, RuleCVV, RuleIncome, RuleSpecialCategory})
}

func (r *reader) rules(g *Guard, n *yaml.Node) {
	o := r.object(n, "guard.rules", ruleNames()...)
	for _, rule := range ruleNames() {
		n := o.get(rule, true)
		if n == nil {
			continue
		}
		x := r.object(n, join(o.path, rule), "action", "on", "justification")
		action := x.oneOf("action", true, ruleActions()[rule])
		switch {
		case x.flag("on", true):
			g.Actions[rule] = action
		case x.may("justification") == "":
			r.add(n, x.path, "add a justification for switching this rule off")
		}
	}
}

// bands reads the income bands: rising limits, and a last band without one.
func (r *reader) bands(g *Guard, o *object) {
	o.each("income_bands", true, func(n *yaml.Node, path string) {
		x := r.object(n, path, "code", "below_eur")
		b := Band{Code: x.must("code")}
		if b.Code != "" && (len(b.Code) > 3 || strings.Trim(b.Code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
			r.add(x.at["code"], join(path, "code"), "write one to three capital letters; a digit could be taken for an amount")
		}
		if x.at["below_eur"] != nil {
			b.Below = x.number("below_eur", 1, 100_000_000)
		}
		if k := len(g.Bands); k > 0 && (g.Bands[k-1].Below == 0 || b.Below != 0 && b.Below <= g.Bands[k-1].Below) {
			r.add(n, path, "order the bands by rising below_eur, the one without it last")
		}
		g.Bands = append(g.Bands, b)
	})
	if k := len(g.Bands); k > 0 && g.Bands[k-1].Below != 0 {
		r.add(o.at["income_bands"], "guard.income_bands", "add a last band without below_eur for all higher incomes")
	}
}

// phrases reads named lists of phrases.
func (r *reader) phrases(o *object, key string, lists []string) map[string][]string {
	out := map[string][]string{}
	n := o.get(key, true)
	if n == nil {
		return out
	}
	l := r.object(n, join(o.path, key), lists...)
	for _, name := range lists {
		l.each(name, false, func(n *yaml.Node, path string) {
			switch {
			case n.Kind != yaml.ScalarNode || !isPhrase(n.Value):
				r.add(n, path, "write one to six words of letters, a stem as at least three letters and a final *")
			case slices.Contains(out[name], n.Value):
				r.add(n, path, "remove this, it is in the list already")
			default:
				out[name] = append(out[name], n.Value)
			}
		})
	}
	return out
}

// isPhrase accepts words of letters between single spaces; apostrophes and
// hyphens part words in a text, so they are written as spaces here.
func isPhrase(s string) bool {
	words := strings.Split(s, " ")
	if len(words) > 6 || len(s) > 100 {
		return false
	}
	for _, w := range words {
		stem, prefix := strings.CutSuffix(w, "*")
		n := 0
		for _, c := range stem {
			if !unicode.IsLetter(c) {
				return false
			}
			n++
		}
		if n == 0 || prefix && n < 3 {
			return false
		}
	}
	return true
}
