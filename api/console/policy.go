package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// comparePage shows what a policy's text would change, before it is published.
type comparePage struct {
	Text, CSRF, Number string
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
	text, err := v.plain(ctx, "/v1/policy")
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "compare", v.words.t("act_policy_compare"), &comparePage{Text: text, CSRF: v.csrf})
	return nil
}

// comparePolicy changes nothing: it says what would change, and offers to publish it.
func (c *Console) comparePolicy(ctx context.Context, v *visit) error {
	p := &comparePage{Text: lines(v.r.PostForm.Get("raw")), CSRF: v.csrf}
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
	p.Compared, p.Changes = true, v.words.rows(v.words.t("act_policy_changes"), got.at("changes"))
	if p.Publish = len(p.Changes.Body) > 0 && v.allowed(publishOp); p.Publish {
		if p.Number, err = number(c.cfg.Rand); err != nil {
			return err
		}
	}
	v.show(http.StatusOK, "compare", v.words.t("act_policy_compare"), p)
	return nil
}

// plain asks for a text.
func (v *visit) plain(ctx context.Context, where string) (string, error) {
	answer, err := v.ask(ctx, &request{method: http.MethodGet, path: where, accept: "*/*"})
	if err != nil {
		return "", err
	}
	if answer.status >= 300 {
		_, err := answer.value()
		return "", err
	}
	return answer.body.String(), nil
}

// lines undoes what forms make of the ends of lines.
func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
