package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// activityHistory lists the states of an activity of the register.
const activityHistory = "GET /v1/activities/{id}/history"

const (
	activitiesOp = "GET /v1/activities"
	templatesOp  = "GET /v1/activities/templates"
)

// fitFile fits the forms about a file of a desk, which an operation reads: they carry the
// revision that the person saw and say which file it is, and what is closed takes
// nothing.
func fitFile(read string, title func(v *visit, answer value) string) fitting {
	return func(ctx context.Context, v *visit, a act, id string) *fits {
		if id == "" {
			return nil
		}
		answer, err := v.get(ctx, v.c.spec[read].filled([]string{id}, nil))
		if err != nil {
			return nil
		}
		f := &fits{about: title(v, answer), revision: answer.text("revision"), hidden: []string{"revision"}, known: url.Values{}}
		if status := answer.text("status") + answer.text("state"); status == "closed" || status == "ended" {
			f.barred = v.words.say("file_closed", "status", v.words.code("status", status))
		}
		f.since = v.fileSteps(answer)
		flatten(f.known, v.c.spec[a.op].body, "", value{kind: '{', members: []member{{"form", answer.at("file.form")}}})
		return f
	}
}

// titled names an item as its page is titled.
func titled(slug string) func(v *visit, answer value) string {
	return func(v *visit, answer value) string {
		d, _ := find(slug)
		return v.called(d, answer)
	}
}

// fitAssessment offers the activities that a decision on an assessment may be about, and
// asks why each trigger that the ledger sees is set aside.
func fitAssessment(ctx context.Context, v *visit, a act, id string) *fits {
	if id != "" {
		return fitFile("GET /v1/dpia/{id}", titled("dpia"))(ctx, v, a, id)
	}
	f := &fits{choices: map[string][]string{}, names: map[string]string{}, parts: map[string][]string{}}
	if answer, err := v.get(ctx, "/v1/activities?limit=200"); err == nil {
		for _, it := range answer.at("items").list {
			f.choices["activity_id"] = append(f.choices["activity_id"], it.text("id"))
			f.names[it.text("id")] = it.text("entry.activity")
		}
		if len(f.names) == 0 {
			f.barred = v.words.t("dpia_no_activity")
		}
	}
	if answer, err := v.get(ctx, "/v1/dpia/triggers"); err == nil {
		for _, it := range answer.at("items").list {
			f.parts["set_aside"] = append(f.parts["set_aside"], it.text("trigger"))
		}
	}
	return f
}

// fitActivity is fitFile for an activity: it is changed as a whole, so its form holds
// what is recorded, and after a conflict it says what others changed.
func fitActivity(ctx context.Context, v *visit, a act, id string) *fits {
	const read = "GET /v1/activities/{id}"
	switch a.slug {
	case "organisation":
		return fitOrganisation(ctx, v, a)
	case "adopt":
		return fitAdopt(ctx, v)
	}
	f := fitFile(read, titled("activities"))(ctx, v, a, id)
	if f == nil {
		return nil
	}
	if answer, err := v.get(ctx, v.c.spec[read].filled([]string{id}, nil)); err == nil {
		f.about = answer.text("entry.activity")
		flatten(f.known, v.c.spec[a.op].body, "", answer)
	}
	f.since = func(revision int) []entry { return v.states(ctx, id, revision+1) }
	return f
}

// fitAdopt offers the templates by the names of their activities, those that stand in the
// register already left out.
func fitAdopt(ctx context.Context, v *visit) *fits {
	f := &fits{choices: map[string][]string{}, names: map[string]string{}}
	answer, err := v.get(ctx, v.c.spec[templatesOp].path)
	if err != nil {
		return nil
	}
	there := map[string]bool{}
	if all, _, err := v.all(ctx, v.c.spec[activitiesOp].path, url.Values{"state": {"open"}}, 5); err == nil {
		for _, it := range all {
			there[it.text("template")] = true
		}
	}
	for _, it := range answer.at("items").list {
		name := it.text("template")
		if there[name] {
			continue
		}
		f.choices["templates"], f.names[name] = append(f.choices["templates"], name), cmp.Or(it.text("entry.activity"), name)
	}
	if len(f.choices["templates"]) == 0 {
		f.barred = v.words.t("adopt_all_there")
	}
	return f
}

// states are those of an activity from one on, with what changed.
func (v *visit) states(ctx context.Context, id string, from int) []entry {
	answer, err := v.get(ctx, v.c.spec[activityHistory].filled([]string{id}, nil))
	if err != nil {
		return nil
	}
	var out []entry
	for i, it := range answer.at("items").list {
		if i < from {
			continue
		}
		e := entry{Title: v.words.code("what", it.text("what")), Code: it.text("what"), When: v.words.cell("time", it.at("time"))}
		for _, name := range it.at("changed").strings() {
			e.Values = append(e.Values, pair{Label: v.words.label(last(name)), Name: name, Value: v.words.cell(last(name), it.at("entry."+name))})
		}
		out = append(out, e)
	}
	return out
}

// flatten puts what an object holds under the names of a form's fields.
func flatten(out url.Values, fields []field, under string, v value) {
	for i := range fields {
		f := &fields[i]
		w, name := v.at(f.name), under+f.name
		if w.empty() {
			continue
		}
		switch f.kind {
		case fieldGroup:
			flatten(out, f.fields, name+".", w)
		case fieldRows:
			for n, one := range w.list {
				flatten(out, f.fields, name+"."+strconv.Itoa(n)+".", one)
			}
		case fieldChoices:
			out[name] = w.strings()
		case fieldLines:
			out.Set(name, strings.Join(w.strings(), "\n"))
		case fieldTime:
			out.Set(name, wallClock(w.scalar))
		case fieldBool:
			out.Set(name, strconv.FormatBool(w.kind == 't'))
		case fieldJSON:
			out.Set(name, w.json())
		default:
			out.Set(name, w.scalar)
		}
	}
}

// wallClock is an instant as a browser's clock field takes it, in the zone that pages show.
func wallClock(s string) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	return t.In(zone()).Format("2006-01-02T15:04:05")
}

// asking are the parameters of an operation that its form asks for, beside the body.
func (op *operation) asking() []field {
	if op.method == "GET" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(op.params), func(f field) bool { return f.name == "revision" })
}

// under is what the names of these fields begin with, to keep them apart from the body's.
const underQuery = "query."

// asked is the query of a form: its parameters, and which state of the item it was made of.
func (op *operation) asked(in url.Values) (string, error) {
	q := url.Values{}
	if r := in.Get("revision"); r != "" && slices.ContainsFunc(op.params, func(f field) bool { return f.name == "revision" }) {
		q.Set("revision", r)
	}
	given := url.Values{}
	for name, values := range in {
		if rest, ok := strings.CutPrefix(name, underQuery); ok {
			given[rest] = values
		}
	}
	more, err := query(op.asking(), given)
	if err != nil {
		return "", err
	}
	for name, values := range more {
		q[name] = values
	}
	if len(q) == 0 {
		return "", nil
	}
	return "?" + q.Encode(), nil
}
