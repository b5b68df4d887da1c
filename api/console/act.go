package console

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// input is one field of a form.
type input struct {
	Name, ID, Label, Help, Kind, Value string
	Required, Bad                      bool
	Free                               bool // people write sentences about people into it
	Max                                int
	Choices                            []choice
	Fields                             []input   // of a group
	Rows                               [][]input // of a list of groups
}

type choice struct {
	Value, Text string
	Chosen      bool
}

// formPage is what a form shows.
type formPage struct {
	Action, Back, Number, CSRF, Intro string
	Inputs                            []input
	Raw                               bool // takes a text or a file as it is
	RawValue, Accept                  string
	Grave                             bool
	Problem                           *refused
	Again, Approval                   bool   // what the API asks for first
	Kept                              []kept // of the form, hidden meanwhile
	About                             string // what it is about, such as a request
	Revision                          string // of the item, as the form shows it
	Barred                            string // why the act cannot be done now
	Meanwhile                         *meanwhile
	Foreseen                          *foreseen // what an erasure would do
	Fixed                             []kept    // said by the page, not by the visitor
	Aside                             []input   // fields that few need
	AsideOpen                         bool      // one of them is filled or wrong
	Warning                           string    // what to look at first
	aside                             []string
	Find                              *finder
	Confirm                           string // what the visitor ticks to have understood
	Identified                        string // since when the visitor's factors hold
}

type kept struct{ Name, Value string }

// inputs makes the fields of a form, filled with what was typed.
func (v *visit) inputs(fields []field, in url.Values, under, bad string) []input {
	var out []input
	for _, f := range fields {
		name := under + f.name
		f.offer(v.words.terms[f.name])
		i := input{Name: name, ID: "f-" + strings.NewReplacer(".", "-", "_", "-").Replace(name), Label: v.words.labelIn(under, f.name), Help: v.words.help(f.name),
			Kind: f.kind, Value: in.Get(name), Required: f.required, Max: f.max, Bad: bad != "" && (bad == name || bad == f.name)}
		if at, err := time.Parse(time.RFC3339, i.Value); f.kind == fieldTime && err == nil {
			i.Value = at.In(zone()).Format(local16)
		}
		i.Free = v.free(f)
		for _, ch := range f.choices {
			i.Choices = append(i.Choices, choice{ch, v.words.code(f.name, ch), slices.Contains(in[name], ch)})
		}
		switch f.kind {
		case fieldMap:
			i.Kind = fieldJSON
		case fieldGroup:
			i.Fields = v.inputs(optional(f), in, name+".", bad)
		case fieldRows:
			for n := range v.rows(f, in, name) {
				i.Rows = append(i.Rows, v.inputs(optional(f), in, name+"."+strconv.Itoa(n)+".", bad))
			}
		}
		out = append(out, i)
	}
	return out
}

// free reports a field for a comment about people. What is published, such as a notice,
// and the terms of a register are none.
func (v *visit) free(f field) bool {
	if f.kind != fieldText && f.kind != fieldLong || v.words.desk == "notices" || v.words.desk == "policy" {
		return false
	}
	switch f.name {
	case "note", "text", "comment", "facts", "why", "words", "message", "summary", "reason", "reasons", "remark", "object":
		return true
	}
	return false
}

// offer has a field choose among terms where the policy has them.
func (f *field) offer(terms []Term) {
	if len(terms) == 0 || len(f.choices) > 0 {
		return
	}
	switch f.kind {
	case fieldText:
		f.kind = fieldChoice
	case fieldLines:
		f.kind = fieldChoices
	default:
		return
	}
	for _, t := range terms {
		f.choices = append(f.choices, t.Code)
	}
}

// optional are the fields of a group, of which none is demanded if the group is not: it
// may be left empty as a whole, and the API says what lacks if it is not.
func optional(f field) []field {
	out := slices.Clone(f.fields)
	for i := range out {
		out[i].required = out[i].required && f.required && f.kind == fieldGroup
	}
	return out
}

// rows is how many rows of a list are shown: those that are filled, and one more.
func (v *visit) rows(f field, in url.Values, name string) int {
	n := 1
	for i := range maxRows {
		for key := range in {
			if strings.HasPrefix(key, name+"."+strconv.Itoa(i)+".") && in.Get(key) != "" {
				n = i + 2
			}
		}
	}
	return min(n, maxRows)
}

// asked is the desk, the act and the item's keys that an address names.
func (v *visit) asked() (desk, act, string, error) {
	d, err := v.found(v.r.PathValue("desk"))
	if err != nil {
		return desk{}, act{}, "", err
	}
	id, acts := v.r.PathValue("id"), d.acts
	if id == "" {
		acts = d.makes
	}
	i := slices.IndexFunc(acts, func(a act) bool { return a.slug == v.r.PathValue("act") })
	if i < 0 {
		return desk{}, act{}, "", errNowhere
	}
	if !v.allowed(acts[i].op) {
		return desk{}, act{}, "", &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[acts[i].op].permission}
	}
	return d, acts[i], id, nil
}

// form shows a form, filled with what its address gives.
func (c *Console) form(ctx context.Context, v *visit) error {
	d, a, id, err := v.asked()
	if err != nil {
		return err
	}
	if a.via != "" {
		v.leave(Root + "/" + d.slug + "/" + cmp.Or(id, "new") + "/" + a.via)
		return nil
	}
	return v.offer(ctx, http.StatusOK, d, a, id, v.r.URL.Query(), nil)
}

func (v *visit) offer(ctx context.Context, status int, d desk, a act, id string, in url.Values, problem *refused) error {
	n, err := number(v.c.cfg.Rand)
	if err != nil {
		return err
	}
	if kept := in.Get("number"); kept != "" && problem != nil {
		n = kept // the same form again
	}
	op := v.c.spec[a.op]
	p := &formPage{Action: v.r.URL.Path, Back: Root + "/" + d.slug, Number: n, CSRF: v.csrf, Grave: a.grave, Problem: problem,
		Intro: v.words.texts["act_"+d.slug+"_"+a.slug+"_intro"], Raw: op.media != "" && !op.form, RawValue: in.Get("raw"), Accept: op.media}
	switch {
	case d.parent != "":
		p.Back = d.above(id)
	case id != "":
		p.Back += "/" + id
	}
	bad := ""
	if problem != nil {
		bad = problem.Field
		p.Again = problem.Code == "sign_in_again"
		p.Approval = problem.Code == "approval_required"
	}
	if a.confirm {
		p.Confirm, p.Identified = v.words.t("understood_"+a.slug), v.identified()
	}
	body := op.body
	if d.fit != nil {
		body, in = v.fitted(ctx, p, d, a, id, in)
	}
	p.Inputs = append(v.inputs(op.asking(), in, underQuery, bad), v.inputs(body, in, "", bad)...)
	p.Inputs, p.Aside = apart(p.Inputs, p.aside)
	p.AsideOpen = slices.ContainsFunc(p.Aside, filled)
	if p.Again || p.Approval {
		for name, values := range in {
			for _, value := range values {
				if name != "csrf" && name != "number" && !strings.HasPrefix(name, "again.") && value != "" {
					p.Kept = append(p.Kept, kept{name, value})
				}
			}
		}
		slices.SortFunc(p.Kept, func(a, b kept) int { return strings.Compare(a.Name, b.Name) })
	}
	v.show(status, "form", v.words.t("act_"+d.slug+"_"+a.slug), p)
	return nil
}

// act sends a form to the API, once.
func (c *Console) act(ctx context.Context, v *visit) error {
	d, a, id, err := v.asked()
	if err != nil {
		return err
	}
	in := v.r.PostForm
	if a.confirm && in.Get("understood") != "yes" {
		return v.offer(ctx, http.StatusBadRequest, d, a, id, in, &refused{Title: v.words.t("error_understood"), Detail: v.words.t("error_understood_do"), Field: "understood"})
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	answer, err := v.send(ctx, a, id, in)
	var no *refused
	switch {
	case errors.As(err, &no) && no.Status != http.StatusUnauthorized:
		if a.op == publishOp && no.Status == http.StatusPreconditionFailed {
			return v.compared(ctx, no.Status, in)
		}
		return v.offer(ctx, no.Status, d, a, id, in, no)
	case err != nil:
		return err
	}
	to = v.told(v.after(d, a, id, in.Get("approval"), answer), n, d.slug+"_"+a.slug, in.Get("subject_id"), Root+"/"+d.slug, answer)
	if shown(answer) && !a.quiet {
		v.show(http.StatusOK, "result", v.words.t("act_"+d.slug+"_"+a.slug), &itemPage{Slug: d.slug, Back: to, Values: v.words.pairs(answer), Done: v.words.t("done")})
		return nil
	}
	v.leave(to)
	return nil
}

// begun notes that a form was sent; again reports that it was before, and that the visitor
// was led to where that led.
func (c *Console) begun(v *visit) (n string, again bool, err error) {
	n = v.r.PostForm.Get("number")
	if len(n) != 32 {
		return "", false, &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	n = v.session.text("id") + n
	to, again := c.sent.begin(n)
	switch {
	case again && to == "":
		return "", true, &refused{Status: http.StatusConflict, Code: "sent_twice"}
	case again:
		v.leave(to)
	}
	return n, again, nil
}

// send asks the API for what a form says.
func (v *visit) send(ctx context.Context, a act, id string, in url.Values) (value, error) {
	if in.Get("again.password") != "" {
		if err := v.again(ctx, in); err != nil {
			return value{}, err
		}
	}
	op := v.c.spec[a.op]
	q := &request{method: op.method, path: op.filled(strings.Split(id, separator), a.keys), approval: strings.TrimSpace(in.Get("approval")), accept: "application/json"}
	if op.idempotent {
		q.key = in.Get("number")
	}
	if base := in.Get("base"); base != "" {
		q.match = `"` + base + `"`
	}
	asked, err := op.asked(in)
	q.path += asked
	switch {
	case err != nil:
	case op.form:
		q.media = "application/json"
		q.body, err = encode(op.body, in)
	case op.media != "":
		q.media = op.media
		q.body, err = v.raw(in)
	}
	var bad badField
	if errors.As(err, &bad) {
		return value{}, &refused{Status: http.StatusBadRequest, Code: "form", Title: v.words.t("error_form"), Detail: v.words.t("error_form_do"), Field: string(bad)}
	}
	if err != nil {
		return value{}, err
	}
	answer, err := v.ask(ctx, q)
	if err != nil {
		return value{}, err
	}
	if answer.status < 300 && !answer.json() {
		return value{}, nil
	}
	return answer.value()
}

// raw is a text or a file as it was given.
func (v *visit) raw(in url.Values) ([]byte, error) {
	f, _, err := v.r.FormFile("file")
	if err == nil {
		defer func() { _ = f.Close() }()
		b, err := io.ReadAll(f)
		if len(b) > 0 || err != nil {
			return b, err
		}
	}
	if s := in.Get("raw"); s != "" {
		return []byte(lines(s)), nil
	}
	return nil, nil
}

// after is where a form leads once the API did what it asks for.
func (v *visit) after(d desk, a act, id, asked string, answer value) string {
	where := Root + "/" + d.slug
	switch {
	case asked == "request":
		return Root + "/asked/" + answer.text("id") + "?done=approval"
	case answer.text("operation") != "":
		return Root + "/operations/" + answer.text("operation") + "?done=" + a.slug
	case answer.text("run.id") != "":
		where += "/" + answer.text("run.id")
	case d.parent != "":
		where = d.above(id)
	case id != "":
		where += "/" + id
	case answer.text("id") != "" && d.item != "":
		where += "/" + url.PathEscape(answer.text("id"))
	}
	return where + "?done=" + a.slug
}

// above is the page on which an item's acts stand.
func (d desk) above(id string) string {
	first, _, _ := strings.Cut(id, separator)
	return Root + "/" + d.parent + "/" + first
}

// shown reports an answer that says more than that it was done: results, or a secret
// that is told once.
func shown(answer value) bool {
	for _, m := range answer.members {
		switch m.name {
		case "secret", "token", "signing_secret", "invitation", "results", "items", "hits", "found", "certificate":
			return true
		}
	}
	return false
}
