package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The operations on the guests of one inspection, and the one by which who manages
// accounts makes any account.
const (
	guestsOp      = "GET /v1/inspections/{id}/guests"
	guestOp       = "POST /v1/inspections/{id}/guests"
	guestAgainOp  = "POST /v1/inspections/{id}/guests/{account}/invitation"
	guestEndOp    = "POST /v1/inspections/{id}/guests/{account}/end"
	accountOp     = "POST /v1/accounts"
	invitationURL = "/invitation#"
)

// invitePage asks who is to be the guest of an inspection, shows those there are, and
// once one is invited shows the link by which the guest chooses a password, this once.
type invitePage struct {
	ID, Number, CSRF    string
	Done                string
	Label, Login, Until string
	Least, Most         string
	Problem             *refused
	Guests              []guestRow
	Link, Ends, Account string
	Closed              bool
}

// guestRow is one guest.
type guestRow struct {
	ID, Label, Login string
	State            badge
	Ends             cell
	Again, End       bool
	NumberA, NumberE string // of the forms
	Revision         string
}

// inviteOp is how the visitor may invite: bound to the inspection, or as who manages
// accounts; "" if not at all.
func (v *visit) inviteOp() string {
	for _, op := range []string{guestOp, accountOp} {
		if v.allowed(op) {
			return op
		}
	}
	return ""
}

// inviteForm asks for a guest.
func (c *Console) inviteForm(ctx context.Context, v *visit) error {
	return v.showInvite(ctx, http.StatusOK, url.Values{}, nil)
}

func (v *visit) showInvite(ctx context.Context, status int, in url.Values, problem *refused) error {
	if v.inviteOp() == "" {
		return v.needs(guestOp)
	}
	n, err := number(v.c.cfg.Rand)
	if err != nil {
		return err
	}
	now := v.c.cfg.Now().In(zone())
	p := &invitePage{ID: v.r.PathValue("id"), Number: n, CSRF: v.csrf, Done: v.done(), Label: in.Get("label"), Login: in.Get("login"), Until: in.Get("until"), Problem: problem,
		Least: now.Format(time.DateOnly), Most: now.AddDate(0, 6, 0).Format(time.DateOnly)}
	ends := now.AddDate(0, 0, 8)
	if v.allowed(inspectionOp) {
		i, err := v.get(ctx, v.c.spec[inspectionOp].filled([]string{p.ID}, nil))
		if err != nil {
			return err
		}
		p.Closed = i.text("state") == "closed"
		if due, err := time.Parse(time.RFC3339Nano, i.text("due")); err == nil && due.After(now) {
			ends = due.In(zone())
		}
	}
	p.Until = cmp.Or(p.Until, ends.Format(time.DateOnly))
	if err := p.guests(ctx, v); err != nil {
		return err
	}
	v.show(status, "invite", v.words.t("act_inspections_invite"), p)
	return nil
}

// guests lists those of the inspection, with what can be done about each.
func (p *invitePage) guests(ctx context.Context, v *visit) error {
	if !v.allowed(guestsOp) {
		return nil
	}
	answer, err := v.get(ctx, v.c.spec[guestsOp].filled([]string{p.ID}, nil))
	if err != nil {
		return err
	}
	for _, it := range answer.at("items").list {
		state := it.text("state")
		g := guestRow{ID: it.text("id"), Label: cmp.Or(it.text("label"), v.words.t("none")), Login: cmp.Or(it.text("login"), v.words.t("none")), Ends: v.lastDay(it.text("expires_at")),
			State: badge{"", v.words.code("state", state)}, Revision: it.text("revision")}
		over, own := p.Closed || state == "disabled" || state == "ended", strings.Join(it.at("roles").strings(), " ") == "inspector"
		switch {
		case state == "active":
			g.State.Kind = "good"
		case !over:
			g.State.Kind = "warn"
		}
		g.Again, g.End = own && !over && (state == "invited" || state == "enrolling"), own && !over
		if g.NumberA, err = number(v.c.cfg.Rand); err == nil {
			g.NumberE, err = number(v.c.cfg.Rand)
		}
		if err != nil {
			return err
		}
		p.Guests = append(p.Guests, g)
	}
	return nil
}

// invite makes the guest's account, once per form.
func (c *Console) invite(ctx context.Context, v *visit) error {
	in, id := v.r.PostForm, v.r.PathValue("id")
	until, err := time.ParseInLocation(time.DateOnly, in.Get("until"), zone())
	if err != nil {
		return v.showInvite(ctx, http.StatusBadRequest, in, &refused{Title: v.words.t("error_form"), Detail: v.words.t("invite_until_bad"), Field: "until"})
	}
	op := v.inviteOp()
	if op == "" {
		return v.needs(guestOp)
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	ask := url.Values{"label": {in.Get("label")}, "login": {in.Get("login")}, "expires_at": {until.AddDate(0, 0, 1).UTC().Format(time.RFC3339)},
		"number": {in.Get("number")}, "approval": {in.Get("approval")}, "again.password": {in.Get("again.password")}, "again.code": {in.Get("again.code")}}
	a := act{slug: "invite", op: op}
	if op == accountOp {
		a.keys = []int{-1}
		ask["kind"], ask["roles"], ask["inspection_id"], ask["invite"] = []string{"guest"}, []string{"inspector"}, []string{id}, []string{"true"}
	}
	return c.inviting(ctx, v, n, a, id, ask, &invitePage{ID: id, Login: in.Get("login"), Until: v.words.date(until)})
}

// inviteAgain gives a guest another link; the former is void.
func (c *Console) inviteAgain(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	return c.inviting(ctx, v, n, act{slug: "reinvite", op: guestAgainOp}, id+separator+v.r.PathValue("account"), v.r.PostForm, &invitePage{ID: id})
}

// inviting asks for an invitation by the form of a number that began, and shows its link.
func (c *Console) inviting(ctx context.Context, v *visit, n string, a act, keys string, ask url.Values, p *invitePage) error {
	to := ""
	defer func() { c.sent.end(n, to) }()
	made, err := v.send(ctx, a, keys, ask)
	var no *refused
	switch {
	case errors.As(err, &no) && (no.Code == "sign_in_again" || no.Code == "approval_required"):
		d, _ := find("inspections")
		return v.offer(ctx, no.Status, d, act{slug: a.slug, op: guestAgainOp}, p.ID, v.r.PostForm, no)
	case errors.As(err, &no) && no.Status != http.StatusUnauthorized:
		return v.showInvite(ctx, no.Status, v.r.PostForm, no)
	case err != nil:
		return err
	case ask.Get("approval") == "request":
		to = Root + "/asked/" + made.text("id") + "?done=approval"
		v.leave(to)
		return nil
	}
	to = Root + "/guests/" + p.ID
	scheme := "https"
	if v.r.TLS == nil && !strings.Contains(v.r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "http"
	}
	p.Link = scheme + "://" + v.r.Host + invitationURL + made.text("invitation")
	p.Ends, p.Account = v.words.cell("expires_at", made.at("invitation_expires_at")).Text, made.text("account_id")
	v.show(http.StatusOK, "invite", v.words.t("act_inspections_invite"), p)
	return nil
}

// endGuest ends the account of a guest, at once.
func (c *Console) endGuest(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	_, err = v.send(ctx, act{slug: "endguest", op: guestEndOp}, id+separator+v.r.PathValue("account"), v.r.PostForm)
	var no *refused
	switch {
	case errors.As(err, &no) && no.Status != http.StatusUnauthorized:
		return v.showInvite(ctx, no.Status, url.Values{}, no)
	case err != nil:
		return err
	}
	to = Root + "/guests/" + id + "?done=endguest"
	v.leave(to)
	return nil
}

// lastDay is the day on which an account is still good.
func (v *visit) lastDay(ends string) cell {
	t, err := time.Parse(time.RFC3339Nano, ends)
	if err != nil {
		return cell{Kind: "none", Text: v.words.t("none")}
	}
	return cell{Kind: "time", Text: v.words.date(t.Add(-time.Second).In(zone())), Code: ends}
}
