package console

import (
	"slices"
	"strings"
)

// entry is one step of a request, with what it said.
type entry struct {
	Title, Code string
	When        cell
	By          who
	Href        string
	Values      []pair
	File        *requestPaper
}

// journal are the steps of a request from one on, in their order. The words of the
// request itself stand above it.
func (v *visit) journal(id string, r value, from int) []entry {
	var out []entry
	count := map[string]int{}
	for i, s := range r.at("steps").list {
		e := entry{Title: v.words.code("type", s.text("type")), Code: s.text("type"), When: v.words.cell("time", s.at("time")),
			By: v.account(s.text("by"))}
		if v.allowed("GET /v1/events/{id}") {
			e.Href = Root + "/events/" + s.text("event_id")
		}
		said := said(r, s, count[e.Code])
		count[e.Code]++
		if f := said.at("file"); !f.empty() {
			e.File = v.kept(id, f)
		}
		for _, p := range v.words.pairs(said) {
			if p.Name != "file" && p.Name != "by" && p.Name != "at" && p.Name != "number" && p.Name != "done" {
				p.Help = ""
				e.Values = append(e.Values, p)
			}
		}
		if i >= from {
			out = append(out, e)
		}
	}
	return out
}

// said is what a step said: the n-th of its type.
func said(r, step value, n int) value {
	nth := func(list value) value {
		if n < len(list.list) {
			return list.list[n]
		}
		return value{}
	}
	switch step.text("type") {
	case "request.verified":
		return r.at("identity")
	case "request.extended":
		return r.at("extension")
	case "request.answered":
		return r.at("answer")
	case "request.refused":
		return r.at("refusal")
	case "request.dispatched":
		d := nth(r.at("dispatches"))
		for i := range d.members {
			if d.members[i].name == "by" { // the way it went, not an account
				d.members = slices.Clone(d.members)
				d.members[i].name = "means_of_dispatch"
			}
		}
		return d
	case "request.noted":
		return nth(r.at("notes"))
	case "request.tasked":
		return only(nth(r.at("tasks")), "system", "title", "due")
	case "request.searched":
		done := slices.DeleteFunc(slices.Clone(r.at("tasks").list), func(t value) bool { return t.text("done") == "" })
		slices.SortStableFunc(done, func(a, b value) int { return strings.Compare(a.text("done"), b.text("done")) })
		return only(nth(value{list: done}), "system", "finding", "remark", "file")
	}
	return value{}
}

// only is an object with some of its members.
func only(v value, names ...string) value {
	out := value{kind: '{'}
	for _, n := range names {
		if w := v.member(n); !w.empty() {
			out.members = append(out.members, member{n, w})
		}
	}
	return out
}

func (v *visit) kept(id string, f value) *requestPaper {
	return &requestPaper{Name: f.text("name"), Media: f.text("media"), Href: Root + "/requests/" + id + "/files/" + f.text("step") + "/content"}
}

func (v *visit) tasks(p *requestPage, r value) []taskRow {
	var out []taskRow
	can := slices.Contains(r.at("now.steps").strings(), "end") && v.allowed(stepOp("end"))
	for _, t := range r.at("tasks").list {
		k := taskRow{Number: t.text("number"), System: v.words.code("system", t.text("system")), Title: t.text("title"), Owner: v.account(t.text("owner")),
			Due: v.words.dated(t.at("due")), Finding: v.words.cell("finding", t.at("finding")), Open: t.text("finding") == "", Remark: t.text("remark")}
		if c := v.clock(value{kind: '{', members: []member{{"due", t.at("due")}, {"received_at", r.at("received_at")}}}); c != nil {
			k.Late = k.Open && c.Kind == "stop"
		}
		if f := t.at("file"); !f.empty() {
			k.File = v.kept(p.ID, f)
		}
		if can && k.Open {
			k.End = Root + "/tasks/" + p.ID + separator + k.Number + "/end?revision=" + r.text("revision")
		}
		out = append(out, k)
	}
	return out
}

// decided shows an extension and what was decided.
func (v *visit) decided(p *requestPage, r value) {
	if x := r.at("extension"); !x.empty() {
		p.Extension = &card{Title: v.words.t("card_extension"), Values: v.words.pairs(x)}
	}
	switch {
	case !r.at("refusal").empty():
		p.Decision = &card{Title: v.words.t("card_refusal"), Values: v.words.pairs(r.at("refusal"))}
	case !r.at("answer").empty():
		p.Decision = &card{Title: v.words.t("card_answer"), Values: v.words.pairs(r.at("answer"))}
	}
}

// papers are what can be taken away: the answer's documents and the letters that suit
// the right and the state, and the files that are kept.
func (v *visit) papers(p *requestPage, r value) {
	d, _ := find("requests")
	files := v.files(d, p.ID, 0)
	for i, a := range slices.DeleteFunc(slices.Clone(d.files), func(a act) bool { return !v.allowed(a.op) }) {
		switch {
		case a.fixed != "" && suits(a.fixed, r):
			p.Letters = append(p.Letters, files[i])
		case a.slug == "answer" && !r.at("identity").empty() && slices.Contains([]string{"access", "recipients", "portability", "rectification", "post_mortem", "other"}, r.text("right")),
			a.slug == "portability" && !r.at("identity").empty() && r.text("right") == "portability":
			files[i].Text = v.words.t("paper_" + a.slug)
			if status := r.text("status"); a.slug == "answer" && (status == "sent" || status == "closed") {
				files[i].Text = v.words.t("paper_answer_anew")
			}
			p.Answers = append(p.Answers, files[i])
		}
	}
	for _, n := range r.at("notes").list {
		if f := n.at("file"); !f.empty() {
			k := v.kept(p.ID, f)
			k.About = n.text("words")
			p.Kept = append(p.Kept, *k)
		}
	}
	for _, t := range r.at("tasks").list {
		if f := t.at("file"); !f.empty() {
			k := v.kept(p.ID, f)
			k.About = v.words.code("system", t.text("system"))
			p.Kept = append(p.Kept, *k)
		}
	}
}

// suits reports a letter that says something true of a request as it stands.
func suits(model string, r value) bool {
	status, right, outcome := r.text("status"), r.text("right"), r.text("answer.outcome")
	open := status == "received" || status == "verified"
	favourable := outcome == "granted" || outcome == "partly"
	switch model {
	case "acknowledgement":
		return open
	case "identity_request":
		return status == "received"
	case "extension":
		return !r.at("extension").empty() && open
	case "refusal":
		return !r.at("refusal").empty() || outcome == "partly"
	case "nothing_held":
		return outcome == "nothing_held" || open && r.text("subject_id") == "" && slices.Contains(r.at("now.outcomes").strings(), "nothing_held")
	case "objection":
		return (right == "objection" || right == "objection_processing") && (favourable || slices.Contains(r.at("marks").strings(), "effective"))
	case "restriction_lifting":
		return right == "restriction" && favourable
	}
	return model == right && (favourable || status == "verified")
}
