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
	Changes            *table
}

const (
	compareOp = "POST /v1/policy/diff"
	publishOp = "POST /v1/policy"
)

// policyText offers the policy in force to be changed.
func (c *Console) policyText(ctx context.Context, v *visit) error {
	if !v.allowed(compareOp) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: c.spec[compareOp].permission}
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
	p.Compared, p.Changes = true, v.words.rows(v.words.t("act_policy_changes"), got.at("changes"))
	if p.Publish = len(p.Changes.Body) > 0 && v.allowed(publishOp); p.Publish {
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
