package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// invitePage asks who is to be the guest of an inspection, and once it is made shows the
// link by which the guest chooses a password, this once.
type invitePage struct {
	ID, Number, CSRF    string
	Label, Login, Until string
	Least, Most         string
	Problem             *refused
	Link, Ends, Account string
}

// inviteForm asks for a guest.
func (c *Console) inviteForm(ctx context.Context, v *visit) error {
	return v.showInvite(ctx, http.StatusOK, url.Values{}, nil)
}

func (v *visit) showInvite(ctx context.Context, status int, in url.Values, problem *refused) error {
	if !v.allowed(accountOp) {
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[accountOp].permission}
	}
	n, err := number(v.c.cfg.Rand)
	if err != nil {
		return err
	}
	now := v.c.cfg.Now().In(zone())
	p := &invitePage{ID: v.r.PathValue("id"), Number: n, CSRF: v.csrf, Label: in.Get("label"), Login: in.Get("login"), Until: in.Get("until"), Problem: problem,
		Least: now.Format(time.DateOnly), Most: now.AddDate(0, 6, 0).Format(time.DateOnly)}
	if p.Until == "" {
		p.Until = now.AddDate(0, 0, 8).Format(time.DateOnly)
		if i, err := v.get(ctx, v.c.spec[inspectionOp].filled([]string{p.ID}, nil)); err == nil {
			if due, err := time.Parse(time.RFC3339Nano, i.text("due")); err == nil && due.After(now) {
				p.Until = due.In(zone()).Format(time.DateOnly)
			}
		}
	}
	v.show(status, "invite", v.words.t("act_inspections_invite"), p)
	return nil
}

// invite makes the guest's account, once per form.
func (c *Console) invite(ctx context.Context, v *visit) error {
	in, id := v.r.PostForm, v.r.PathValue("id")
	until, err := time.ParseInLocation(time.DateOnly, in.Get("until"), zone())
	if err != nil {
		return v.showInvite(ctx, http.StatusBadRequest, in, &refused{Title: v.words.t("error_form"), Detail: v.words.t("invite_until_bad"), Field: "until"})
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	ask := url.Values{"kind": {"guest"}, "label": {in.Get("label")}, "login": {in.Get("login")}, "roles": {"inspector"}, "inspection_id": {id}, "invite": {"true"},
		"expires_at": {until.AddDate(0, 0, 1).UTC().Format(time.RFC3339)}, "number": {in.Get("number")}, "approval": {in.Get("approval")},
		"again.password": {in.Get("again.password")}, "again.code": {in.Get("again.code")}}
	d, _ := find("inspections")
	a := act{slug: "invite", op: accountOp, keys: []int{-1}}
	made, err := v.send(ctx, a, id, ask)
	var no *refused
	switch {
	case errors.As(err, &no) && (no.Code == "sign_in_again" || no.Code == "approval_required"):
		return v.offer(ctx, no.Status, d, a, id, in, no)
	case errors.As(err, &no) && no.Status != http.StatusUnauthorized:
		return v.showInvite(ctx, no.Status, in, no)
	case err != nil:
		return err
	}
	to = Root + "/inspections/" + id
	scheme := "https"
	if v.r.TLS == nil && !strings.Contains(v.r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "http"
	}
	p := &invitePage{ID: id, Login: in.Get("login"), Link: scheme + "://" + v.r.Host + "/invitation#" + made.text("invitation"),
		Ends: v.words.cell("expires_at", made.at("invitation_expires_at")).Text, Until: v.words.date(until), Account: made.text("account_id")}
	v.show(http.StatusOK, "invite", v.words.t("act_inspections_invite"), p)
	return nil
}
