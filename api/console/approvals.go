package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	approvalsOp   = "GET /v1/approvals"
	approvalOp    = "GET /v1/approvals/{id}"
	decideOp      = "POST /v1/approvals/{id}/decision"
	ownAskedOp    = "GET /v1/me/approvals"
	ownApprovalOp = "GET /v1/me/approvals/{id}"
)

func (c *Console) approvalRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/approvals", c.page(c.approvals))
	mux.HandleFunc("GET "+Root+"/approvals/{id}", c.page(c.approval))
	mux.HandleFunc("GET "+Root+"/asked", c.page(c.asked))
	mux.HandleFunc("GET "+Root+"/asked/{id}", c.page(c.askedOne))
	mux.HandleFunc("POST "+Root+"/asked/{id}", c.page(c.carryOut))
}

// takesTwo are operations of which a policy may ask for two persons, one a kind of act.
func takesTwo() []string {
	return []string{"POST /v1/accounts", "POST /v1/tokens", publishOp, erasureOp, "DELETE /v1/subjects/{id}/hold/{placed}", "POST /v1/retention/runs"}
}

// approvalsPage lists what waits for a second person, then what was decided.
type approvalsPage struct {
	Intro, Done, Empty string
	Waiting, Decided   []approvalRow
	Own                bool // those that the visitor asked for
	Chips              []chip
}

type approvalRow struct {
	Href, Act string
	By        who
	Asked     cell
	Clock     *clock
	State     badge
	Decider   who
}

func (c *Console) approvals(ctx context.Context, v *visit) error {
	if err := v.needs(approvalsOp); err != nil {
		return err
	}
	items, _, err := v.all(ctx, c.spec[approvalsOp].path, url.Values{}, 5)
	if err != nil {
		return err
	}
	p := &approvalsPage{Intro: v.words.t("desk_approvals_intro"), Done: v.done(), Empty: v.words.t("approvals_none")}
	slices.Reverse(items)
	p.sort(v, items, "/approvals/")
	p.Chips = v.approvalChips(false)
	v.show(http.StatusOK, "approvals", v.words.t("desk_approvals"), p)
	return nil
}

// approvalChips lead from what everybody asked to what the visitor asked, and back; for
// who sees the visitor's own alone there is nothing to choose.
func (v *visit) approvalChips(own bool) []chip {
	if !v.allowed(approvalsOp) {
		return nil
	}
	return []chip{{Href: Root + "/approvals", Text: v.words.t("chip_all"), Here: !own}, {Href: Root + "/asked", Text: v.words.t("chip_mine"), Here: own}}
}

func (p *approvalsPage) sort(v *visit, items []value, at string) {
	for _, it := range items {
		row := approvalRow{Href: Root + at + it.text("id"), Act: v.words.code("act", it.text("act")), By: v.account(it.text("account")), Asked: v.words.cell("asked", it.at("asked")),
			State: approvalState(v.words, it.text("state")), Decider: v.account(it.text("decider"))}
		if state := it.text("state"); state == "waiting" || p.Own && state == "granted" {
			row.Clock = v.hours(it.at("asked"), it.at("ends"))
			p.Waiting = append(p.Waiting, row)
		} else {
			p.Decided = append(p.Decided, row)
		}
	}
}

func approvalState(w *words, state string) badge {
	return badge{map[string]string{"waiting": "warn", "granted": "good", "refused": "stop", "used": "good"}[state], w.t("approval_state_" + state)}
}

// asked lists what the visitor asked another person to agree to.
func (c *Console) asked(ctx context.Context, v *visit) error {
	answer, err := v.get(ctx, c.spec[ownAskedOp].path)
	if err != nil {
		return err
	}
	p := &approvalsPage{Intro: v.words.t("asked_intro"), Done: v.done(), Empty: v.words.t("asked_none"), Own: true}
	p.sort(v, answer.at("items").list, "/asked/")
	p.Chips = v.approvalChips(true)
	v.show(http.StatusOK, "approvals", v.words.t("desk_asked"), p)
	return nil
}

// approvalPage says what exactly is asked, by whom, and what it would do.
type approvalPage struct {
	ID, Done, Act, Means string
	State                badge
	By, Decider          who
	Asked, Decided       cell
	Clock                *clock
	What                 string // the act, as its form is called
	Fields               []pair
	Groups               []policyGroup
	Look                 []link // where to see what it would do
	Request              string // as it was sent
	Decide               *oneClick
	Own, Gone            bool
	Back                 string
	Again                *formPage // to carry it out; nil: it cannot be now
}

func (c *Console) approval(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	if !v.allowed(approvalOp) { // who asked is shown their own
		v.leave(Root + "/asked/" + id + rest(v.r.URL.RawQuery))
		return nil
	}
	a, err := v.get(ctx, c.spec[approvalOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := v.approvalPage(ctx, a)
	p.Back = Root + "/approvals"
	if p.Own {
		v.leave(Root + "/asked/" + id + rest(v.r.URL.RawQuery))
		return nil
	}
	if a.text("state") == "waiting" && v.allowed(decideOp) {
		if p.Decide, err = v.button(Root+"/approvals/"+id+"/decide", ""); err != nil {
			return err
		}
	}
	v.show(http.StatusOK, "approval", p.title(v.words), p)
	return nil
}

func rest(raw string) string {
	if raw == "" {
		return ""
	}
	return "?" + raw
}

func (p *approvalPage) title(w *words) string {
	if p.What == "" {
		return p.Act
	}
	return w.t("approval_one") + w.t("colon") + p.What
}

func (v *visit) approvalPage(ctx context.Context, a value) *approvalPage {
	w := v.words
	p := &approvalPage{ID: a.text("id"), Done: v.done(), Act: w.code("act", a.text("act")), Means: w.t("approval_means_" + a.text("act")), State: approvalState(w, a.text("state")),
		By: v.account(a.text("account")), Decider: v.account(a.text("decider")), Asked: w.cell("asked", a.at("asked")), Decided: w.cell("decided", a.at("decided")), Gone: a.at("request").empty()}
	p.Own = p.By.Self
	if s := a.text("state"); s == "waiting" || s == "granted" {
		from := a.at("asked")
		if s == "granted" {
			from = a.at("decided")
		}
		p.Clock = v.hours(from, a.at("ends"))
	}
	if !p.Gone {
		v.requested(ctx, p, a.at("request"))
	}
	return p
}

// requested tells a request in the words of the form that sends it.
func (v *visit) requested(ctx context.Context, p *approvalPage, q value) {
	where, rawQuery, _ := strings.Cut(q.text("uri"), "?")
	p.Request = q.text("method") + " " + q.text("uri") + "\n\n" + q.text("body")
	op, keys := v.c.spec.matching(q.text("method"), where)
	if op == nil {
		return
	}
	name := op.method + " " + op.path
	if d, a, ok := deskOf(name); ok {
		p.What = v.words.t("act_" + d.slug + "_" + a.slug)
		if len(keys) > 0 && isID(keys[0]) {
			p.Look = append(p.Look, link{Href: Root + "/" + d.slug + "/" + keys[0], Text: v.words.t("approval_look_" + d.slug)})
			if d.slug == "people" && a.slug == "erase" {
				p.Look[0] = link{Href: p.Look[0].Href + "/erase", Text: v.words.t("approval_look_erasure")}
			}
		}
	}
	if asked, err := url.ParseQuery(rawQuery); err == nil {
		for _, f := range op.params {
			if s := asked.Get(f.name); s != "" {
				p.Fields = append(p.Fields, pair{Label: v.words.label(f.name), Name: f.name, Value: v.words.cell(f.name, value{kind: '"', scalar: s})})
			}
		}
	}
	switch body, err := parse([]byte(q.text("body"))); {
	case name == publishOp:
		answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/policy/diff", body: []byte(q.text("body")), media: "application/yaml", accept: "application/json"})
		if err == nil {
			if got, err := answer.value(); err == nil {
				p.Groups = v.words.policyChanges(got.at("changes").list)
			}
		}
	case err == nil:
		p.Fields = append(p.Fields, v.words.pairs(body)...)
	}
	if name == "POST /v1/retention/runs" {
		p.Look = append(p.Look, link{Href: Root + "/retention", Text: v.words.t("approval_look_retention")})
	}
	if v.allowed(staffOp) && slices.ContainsFunc(p.Fields, func(f pair) bool { return f.Name == "roles" }) {
		p.Look = append(p.Look, link{Href: Root + "/habilitations", Text: v.words.t("approval_look_rights")})
	}
}

// matching is the operation that a path is of, with what fills it.
func (s spec) matching(method, path string) (*operation, []string) {
	parts := strings.Split(path, "/")
	var best *operation
	var keys []string
	for _, op := range s {
		pattern := strings.Split(op.path, "/")
		if op.method != method || len(pattern) != len(parts) {
			continue
		}
		var fill []string
		fits := true
		for i := range pattern {
			switch {
			case strings.HasPrefix(pattern[i], "{"):
				fill = append(fill, parts[i])
			case pattern[i] != parts[i]:
				fits = false
			}
		}
		if fits && (best == nil || len(fill) < len(keys)) {
			best, keys = op, fill
		}
	}
	return best, keys
}

// deskOf is the desk that has a form for an operation.
func deskOf(op string) (desk, act, bool) {
	for _, d := range desks() {
		for _, a := range slices.Concat(d.makes, d.acts, d.files, d.more) {
			if a.op == op {
				return d, a, true
			}
		}
	}
	return desk{}, act{}, false
}

// askedOne shows the visitor what they asked for, and has them do it once it is granted.
func (c *Console) askedOne(ctx context.Context, v *visit) error { return v.askedFor(ctx, nil) }

func (v *visit) askedFor(ctx context.Context, problem *refused) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	a, err := v.get(ctx, v.c.spec[ownApprovalOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := v.approvalPage(ctx, a)
	p.Own, p.Back = true, Root+"/asked"
	status := http.StatusOK
	if a.text("state") == "granted" && !p.Gone {
		n, err := number(v.c.cfg.Rand)
		if err != nil {
			return err
		}
		p.Again = &formPage{Action: Root + "/asked/" + id, Number: n, CSRF: v.csrf, Problem: problem}
		if problem != nil {
			status, p.Again.Again = problem.Status, problem.Code == "sign_in_again"
		}
	}
	v.show(status, "approval", p.title(v.words), p)
	return nil
}

// carryOut sends the very request that was agreed to.
func (c *Console) carryOut(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	answer, err := v.agreed(ctx, id)
	var no *refused
	switch {
	case errors.As(err, &no) && no.Status != http.StatusUnauthorized:
		return v.askedFor(ctx, no)
	case err != nil:
		return err
	}
	to = Root + "/asked/" + id + "?done=carried_out"
	if shown(answer) {
		v.show(http.StatusOK, "result", v.words.t("done_carried_out"), &itemPage{Slug: "asked", Back: to, Values: v.words.pairs(answer), Done: v.words.t("done")})
		return nil
	}
	v.leave(to)
	return nil
}

func (v *visit) agreed(ctx context.Context, id string) (value, error) {
	if in := v.r.PostForm; in.Get("again.password") != "" {
		if err := v.again(ctx, in); err != nil {
			return value{}, err
		}
	}
	a, err := v.get(ctx, v.c.spec[ownApprovalOp].filled([]string{id}, nil))
	if err != nil {
		return value{}, err
	}
	where, _, _ := strings.Cut(a.text("request.uri"), "?")
	op, _ := v.c.spec.matching(a.text("request.method"), where)
	if op == nil {
		return value{}, errNowhere
	}
	q := &request{method: op.method, path: a.text("request.uri"), approval: id, accept: "application/json"}
	if op.idempotent {
		q.key = v.r.PostForm.Get("number")
	}
	if body := a.text("request.body"); body != "" {
		q.body, q.media = []byte(body), op.media
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
