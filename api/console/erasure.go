package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	previewOp     = "GET /v1/subjects/{id}/erasure/preview"
	certificateOp = "GET /v1/certificates/{number}"
)

// foreseen is what an erasure would do if it were ordered now, as the API decides it.
type foreseen struct {
	Whole     bool
	Goes      *table
	Stays     *table
	Left      *table // nobody asked to destroy it
	Held      *table
	Together  string // how many contacts go
	Told      string // recipients, by name
	NotHeld   string // recipients of whom there is nothing to tell
	Classes   []choice
	Action    string
	Narrowed  bool
	HoldsHref string
}

// fitPerson sets before the form of an erasure what it would do. The form orders the
// classes that were looked at, and no others.
func fitPerson(ctx context.Context, v *visit, a act, id string) *fits {
	if a.slug != "erase" || !isID(id) || !v.allowed(previewOp) {
		return nil
	}
	classes := v.r.URL.Query()["classes"]
	if v.r.Method == http.MethodPost {
		classes = v.r.PostForm["classes"]
	}
	path := v.c.spec[previewOp].filled([]string{id}, nil)
	if len(classes) > 0 {
		path += "?classes=" + strings.Join(classes, ",")
	}
	f := &fits{hidden: []string{"classes"}, about: v.words.say("erase_of", "name", cmp.Or(v.nameOf(ctx, id), v.words.t("erase_unnamed")), "id", short(id))}
	for _, c := range classes {
		f.fixed = append(f.fixed, kept{"classes", c})
	}
	answer, err := v.get(ctx, path)
	if err != nil {
		f.barred = v.why(err)
		return f
	}
	f.foreseen, f.warning = v.foreseen(answer, classes), v.askedUnverified(ctx, id)
	f.foreseen.Action = Root + "/people/" + id + "/erase"
	if f.foreseen.Held != nil {
		f.barred = v.words.t("erase_held")
	}
	return f
}

// askedUnverified says that the person's erasure was asked for by somebody of whom it is
// not known yet who that is (art. 12(6)); "" if none was, or the visitor may not know.
func (v *visit) askedUnverified(ctx context.Context, id string) string {
	if !v.allowed(requestsList) {
		return ""
	}
	answer, err := v.get(ctx, v.c.spec[requestsList].path+"?standing=open&right=erasure&status=received&subject_id="+id)
	if err != nil || len(answer.at("items").list) == 0 {
		return ""
	}
	return v.words.t("erase_unverified")
}

func (v *visit) foreseen(a value, classes []string) *foreseen {
	p := &foreseen{Whole: a.is("whole"), Narrowed: len(classes) > 0, HoldsHref: Root + "/holds?subject_id=" + a.text("subject_id")}
	class := func(x value) cell { return v.words.cell("class", x.at("class")) }
	amount := func(x value) cell { return v.words.cell("parts", x.at("parts")) }
	listed := func(name string, head []string, cells func(value) []cell) *table {
		if len(a.at(name).list) == 0 {
			return nil
		}
		t := &table{Caption: v.words.t("erase_" + name), Head: head}
		for _, x := range a.at(name).list {
			t.Body = append(t.Body, row{Cells: cells(x)})
		}
		return t
	}
	w := v.words
	p.Goes = listed("destroyed", []string{w.label("class"), w.t("erase_parts")}, func(x value) []cell { return []cell{class(x), amount(x)} })
	p.Left = listed("left", []string{w.label("class"), w.t("erase_parts")}, func(x value) []cell { return []cell{class(x), amount(x)} })
	p.Stays = listed("kept", []string{w.label("class"), w.t("erase_why"), w.label("until"), w.t("erase_parts")}, func(x value) []cell {
		until := w.dated(x.at("until"))
		if until.Kind == "none" {
			until = cell{Kind: "text", Text: w.t("erase_open_end")}
		}
		return []cell{class(x), w.cell("ground", x.at("ground")), until, amount(x)}
	})
	p.Held = listed("held", []string{w.label("kind"), w.label("reason"), w.label("placed"), w.label("review_at")}, func(x value) []cell {
		return []cell{w.cell("kind", x.at("kind")), w.cell("code", x.at("code")), w.dated(x.at("placed")), w.dated(x.at("review_at"))}
	})
	if a.is("whole") {
		p.stays(v, a.is("opposition"))
	}
	if n := len(a.at("persons").list); n > 1 {
		p.Together = w.say("erase_together", "n", itoa(n))
	}
	p.Told, p.NotHeld = v.recipients(a.at("recipients").strings()), v.recipients(a.at("not_held").strings())
	for _, name := range []string{"destroyed", "kept", "left"} {
		for _, x := range a.at(name).list {
			code := x.text("class")
			p.Classes = append(p.Classes, choice{code, w.code("class", code), slices.Contains(classes, code)})
		}
	}
	slices.SortFunc(p.Classes, func(a, b choice) int { return strings.Compare(a.Text, b.Text) })
	return p
}

// recipients are codes by the policy's names.
func (v *visit) recipients(codes []string) string {
	var out []string
	for _, r := range codes {
		out = append(out, v.words.code("recipient", r))
	}
	return strings.Join(out, ", ")
}

// identified says how long ago the visitor proved who it is, as the API counts it.
func (v *visit) identified() string {
	at, err := time.Parse(time.RFC3339Nano, v.session.text("started_at"))
	if err != nil || !v.session.is("fresh") {
		return v.words.t("identified_asked")
	}
	if n := int(v.c.cfg.Now().Sub(at) / time.Minute); n > 0 {
		return v.words.say("identified_ago", "n", itoa(n))
	}
	return v.words.t("identified_now")
}

// stays adds what outlives every erasure: the objection, and the bare trace of the deed.
func (p *foreseen) stays(v *visit, opposed bool) {
	w := v.words
	if p.Stays == nil {
		p.Stays = &table{Caption: w.t("erase_kept"), Head: []string{w.label("class"), w.t("erase_why"), w.label("until"), w.t("erase_parts")}}
	}
	text := func(s string) cell { return cell{Kind: "text", Text: s} }
	if opposed {
		p.Stays.Body = append(p.Stays.Body, row{Cells: []cell{text(w.t("erase_opposition")), text(w.t("erase_opposition_why")), text(w.t("erase_opposition_until")), text("—")}})
	}
	p.Stays.Body = append(p.Stays.Body, row{Cells: []cell{text(w.t("erase_trace")), text(w.t("erase_trace_why")), text(w.t("erase_trace_until")), text("—")}})
}
