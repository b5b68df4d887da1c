package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// comparePage shows what a policy's text would change, before it is published.
type comparePage struct {
	Text, CSRF, Number string
	Base               string // the version that the text was made of
	Theirs             *table // what another published meanwhile; nil: nobody did
	Problem            *refused
	Compared, Publish  bool
	Groups             []policyGroup
	Count              string
	Approval           string // the act of which the text loosens the agreement of two; "" for none
}

const (
	compareOp    = "POST /v1/policy/diff"
	publishOp    = "POST /v1/policy"
	versionsOp   = "GET /v1/policy/versions"
	versionOp    = "GET /v1/policy/versions/{version}"
	unscheduleOp = "DELETE /v1/policy/scheduled/{id}"
)

func (c *Console) policyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/policy", c.page(c.policy))
	mux.HandleFunc("GET "+Root+"/policy/{id}", c.page(c.policyVersion))
	mux.HandleFunc("GET "+Root+"/policy/new/compare", c.page(c.policyText))
	mux.HandleFunc("POST "+Root+"/policy/new/compare", c.page(c.comparePolicy))
}

// policyPage lists the versions of the policy, the newest first, and those to come.
type policyPage struct {
	Intro, Done, Now string
	Makes, Files     []link
	Versions         []policyVersion
	Scheduled        []scheduledPolicy
}

type policyVersion struct {
	Href, Number string
	Now          bool
	From         cell
	By           who
	Waited       string
}

type scheduledPolicy struct {
	From   cell
	GiveUp *oneClick
}

func (c *Console) policy(ctx context.Context, v *visit) error {
	if err := v.needs(versionsOp); err != nil {
		return err
	}
	answer, err := v.get(ctx, c.spec[versionsOp].path)
	if err != nil {
		return err
	}
	d, _ := find("policy")
	p := &policyPage{Intro: v.words.t("desk_policy_intro"), Done: v.done(), Makes: v.links(d, d.makes, "new"), Files: v.files(d, "", -1)}
	newest := ""
	for _, it := range answer.at("items").list {
		one := policyVersion{Href: Root + "/policy/" + it.text("version"), Number: it.text("version"), From: v.words.cell("in_force_from", it.at("in_force_from")), By: v.account(it.text("actor"))}
		if it.text("scheduled") != "" {
			one.Waited = v.words.t("policy_was_scheduled")
		}
		newest = one.Number
		p.Versions = append([]policyVersion{one}, p.Versions...)
	}
	for i := range p.Versions {
		p.Versions[i].Now = p.Versions[i].Number == newest
	}
	for _, it := range answer.at("scheduled").list {
		s := scheduledPolicy{From: v.words.cell("effective_at", it.at("effective_at"))}
		if v.allowed(unscheduleOp) {
			if s.GiveUp, err = v.button(Root+"/policy/"+it.text("id")+"/unschedule", v.words.t("act_policy_unschedule")); err != nil {
				return err
			}
			s.GiveUp.Class = "outline small"
		}
		p.Scheduled = append(p.Scheduled, s)
	}
	v.show(http.StatusOK, "policy", v.words.t("desk_policy"), p)
	return nil
}

// versionPage is one version: what it changed, in words, and its text.
type versionPage struct {
	Groups []policyGroup
	First  bool
	Count  string
	Text   string
	Note   string
}

func (c *Console) policyVersion(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if isID(id) { // of one that waited for its date and was given up
		v.leave(Root + "/policy?" + v.r.URL.RawQuery)
		return nil
	}
	text, err := v.plain(ctx, c.spec[versionOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := &versionPage{Text: text, First: id == "1"}
	if !p.First {
		answer, err := v.get(ctx, "/v1/policy/diff?to="+id)
		if err != nil {
			p.Note = v.why(err)
		}
		p.Groups, p.Count = v.words.policyChanges(answer.at("changes").list), itoa(len(answer.at("changes").list))
	}
	v.show(http.StatusOK, "policyversion", v.words.t("one_policy")+" "+id, p)
	return nil
}

// policyText offers the policy in force to be changed.
func (c *Console) policyText(ctx context.Context, v *visit) error {
	if err := v.needs(compareOp); err != nil {
		return err
	}
	text, version, err := v.inForce(ctx)
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "compare", v.words.t("act_policy_compare"), &comparePage{Text: text, Base: version, CSRF: v.csrf})
	return nil
}

// comparePolicy changes nothing: it says what would change, and offers to publish it.
func (c *Console) comparePolicy(ctx context.Context, v *visit) error {
	return v.compared(ctx, http.StatusOK, v.r.PostForm)
}

// compared shows what a text would change in the policy in force. If that is no longer the
// version that the text was made of, it says what another published meanwhile, and the text
// is from now on made of the version in force.
func (v *visit) compared(ctx context.Context, status int, in url.Values) error {
	p := &comparePage{Text: lines(in.Get("raw")), Base: in.Get("base"), CSRF: v.csrf}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/policy/diff", body: []byte(p.Text), media: "application/yaml", accept: "application/json"})
	if err != nil {
		return err
	}
	got, err := answer.value()
	var no *refused
	if errors.As(err, &no) && (no.Status == http.StatusBadRequest || no.Status == http.StatusUnprocessableEntity) {
		p.Problem = no
		v.show(no.Status, "compare", v.words.t("act_policy_compare"), p)
		return nil
	}
	if err != nil {
		return err
	}
	if p.Theirs, err = v.theirs(ctx, p.Base, got.text("from")); err != nil {
		return err
	}
	p.Base = got.text("from")
	changes := got.at("changes").list
	p.Compared, p.Groups, p.Count = true, v.words.policyChanges(changes), itoa(len(changes))
	if act := got.text("approval"); act != "" {
		p.Approval = v.words.code("act", act)
	}
	if p.Publish = len(changes) > 0 && v.allowed(publishOp); p.Publish {
		if p.Number, err = number(v.c.cfg.Rand); err != nil {
			return err
		}
	}
	v.show(status, "compare", v.words.t("act_policy_compare"), p)
	return nil
}

// theirs is what differs between the version that a text was made of and the one in force.
func (v *visit) theirs(ctx context.Context, base, now string) (*table, error) {
	if base == "" || base == now {
		return nil, nil
	}
	if _, err := strconv.ParseUint(base, 10, 53); err != nil {
		return nil, &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	answer, err := v.get(ctx, "/v1/policy/diff?"+url.Values{"from": {base}, "to": {now}}.Encode())
	if err != nil {
		return nil, err
	}
	return v.words.rows(v.words.t("compare_theirs"), answer.at("changes")), nil
}

// inForce is the text of the policy in force, and its version.
func (v *visit) inForce(ctx context.Context) (text, version string, err error) {
	answer, err := v.text(ctx, "/v1/policy")
	if err != nil {
		return "", "", err
	}
	return answer.body.String(), answer.header.Get("X-Greffe-Policy-Version"), nil
}

// lines undoes what forms make of the ends of lines.
func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// plain asks for a text.
func (v *visit) plain(ctx context.Context, where string) (string, error) {
	answer, err := v.text(ctx, where)
	if err != nil {
		return "", err
	}
	return answer.body.String(), nil
}

// text asks for a text, with the headers that come with it.
func (v *visit) text(ctx context.Context, where string) (*reply, error) {
	answer, err := v.ask(ctx, &request{method: http.MethodGet, path: where, accept: "*/*"})
	if err == nil && answer.status >= 300 {
		_, err = answer.value()
	}
	return answer, err
}
