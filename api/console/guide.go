package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// guideCookie holds the roles whose first steps the visitor put away. It says nothing of
// anybody and outlives sessions.
const guideCookie = "greffe_guide"

const guideKept = 365 * 24 * time.Hour

// guideRule is one thing that somebody new in a role does first. Its words are
// begin_KEY and begin_KEY_do.
type guideRule struct {
	key, href string
	needs     string // operation that the visitor must be allowed; "" for none
	ask       string // operation that tells whether it is done; "" if the ledger cannot tell
	query     string
	done      func(answer value) bool
}

// guidePage is what to do first, and what of it is done.
type guidePage struct {
	Role, CSRF       string
	Steps            []guideStep
	Done, Told, Left int // how many are done, of those that can be told; and are not
	Unknown, Away    bool
	Whole            bool // on its own page, with reasons
}

// guideStep is one thing to do. State is done, todo, or "" if it cannot be told.
type guideStep struct{ Title, Text, Href, State string }

// holdsSome reports a list that is not empty.
func holdsSome(a value) bool { return len(a.at("items").list) > 0 }

// guideRules are the first steps of a role; of roles that the shipped policy does not
// have, and of guests of an inspection, those that suit what they may do.
func guideRules(role string) []guideRule {
	reason := guideRule{key: "reason", href: "/reason"}
	policyRead := guideRule{key: "policy", href: "/policy", needs: "GET /v1/policy/versions", ask: "GET /v1/policy/versions", done: func(a value) bool { return len(a.at("items").list) > 1 }}
	backup := guideRule{key: "backup", href: "/backups", needs: "GET /v1/backups", ask: "GET /v1/backups", done: holdsSome}
	verified := guideRule{key: "verification", href: "/verification", needs: "GET /v1/verification", ask: "GET /v1/verification",
		done: func(a value) bool { return a.text("last.verdict") == "intact" || a.text("last.verdict") == "clean" }}
	anchored := guideRule{key: "anchor", href: "/verification", needs: "GET /v1/checkpoint", ask: "GET /v1/checkpoint", done: func(a value) bool { return len(a.at("anchors").list) > 0 }}
	own := guideRule{key: "own", href: "me", ask: "GET /v1/me/credentials", done: ownSafe}
	contact := guideRule{key: "contact", href: "/contactability", needs: checkOp}
	find := guideRule{key: "find", href: "/people", needs: "POST /v1/subjects/search"}
	history := guideRule{key: "history", href: "/audit", needs: "GET /v1/audit/events"}
	registers := guideRule{key: "register", href: "/activities", needs: "GET /v1/activities", ask: "GET /v1/activities", query: "limit=1", done: holdsSome}
	switch role {
	case "dpo":
		return []guideRule{own, policyRead, registers,
			{key: "notice", href: "/notices/new/publish", needs: "POST /v1/notices", ask: "GET /v1/notices", query: "limit=1", done: holdsSome},
			{key: "recipients", href: "/recipients", needs: "GET /v1/changes/recipients"},
			{key: "dpia", href: "/dpia/new/decide", needs: "POST /v1/dpia", ask: "GET /v1/dpia", query: "limit=1", done: holdsSome},
			{key: "review", href: "/reviews/new/plan", needs: "POST /v1/reviews", ask: "GET /v1/reviews", query: "limit=1", done: holdsSome}, verified, backup}
	case "auditor":
		return []guideRule{own, reason, verified, history, {key: "bulk", href: "/bulk", needs: "GET /v1/audit/bulk"},
			{key: "contacts", href: "/contacts", needs: "GET /v1/audit/contacts"}, registers}
	case "agent":
		return []guideRule{own, reason, find, contact, {key: "request", href: "/requests/new/new", needs: "POST /v1/requests"}, {key: "write", href: "/glossary#sensitive"}}
	case "marketing":
		return []guideRule{own, reason, {key: "screen", href: "/contactability", needs: "GET /v1/screenings", ask: "GET /v1/screenings", query: "limit=1", done: holdsSome}, contact,
			{key: "notices", href: "/notices", needs: "GET /v1/notices"}, {key: "consent", href: "/glossary#consent"}}
	case "admin":
		return []guideRule{own, {key: "admin", href: "/accounts/new/new", needs: accountOp, ask: "GET /v1/accounts", query: "limit=100", done: active("admin", 2)},
			{key: "dpo", href: "/accounts/new/new", needs: accountOp, ask: "GET /v1/accounts", query: "limit=100", done: active("dpo", 1)},
			{key: "source", href: "/tokens/new/new", needs: "POST /v1/tokens", ask: "GET /v1/producers", query: "limit=1", done: holdsSome},
			backup, verified, anchored, {key: "keys", href: "/keys", needs: "GET /v1/keys"}}
	case "security":
		return []guideRule{own, reason, {key: "watch", href: "/watch", needs: "GET /v1/watch", ask: "GET /v1/me/waiting", done: func(a value) bool { return a.text("watch.count") == "0" }},
			{key: "bulk", href: "/bulk", needs: "GET /v1/audit/bulk"}, {key: "hours", href: "/reads", needs: "GET /v1/audit/accesses"}}
	case guestRole:
		return []guideRule{reason, find, history, registers, verified, {key: "bundle", href: "/verification", needs: "GET /v1/verification"}}
	}
	return []guideRule{own, reason, policyRead, find, contact, history, registers, verified, backup}
}

// guestRole stands for guests of an inspection, whatever their roles.
const guestRole = "guest"

// ownSafe reports an account that does not hang on one thing: a passkey, or codes to
// come back by.
func ownSafe(a value) bool {
	return slices.ContainsFunc(a.at("items").list, func(it value) bool { return it.text("kind") != "password" && it.text("kind") != "totp" })
}

// active reports at least n people of a role who can sign in.
func active(role string, n int) func(value) bool {
	return func(a value) bool {
		for _, it := range a.at("items").list {
			if it.text("kind") == "person" && it.text("state") == "active" && slices.Contains(it.at("roles").strings(), role) {
				n--
			}
		}
		return n <= 0
	}
}

// guideRole is the role whose steps the visitor is shown.
func (v *visit) guideRole() string {
	if v.guestOf() != "" {
		return guestRole
	}
	for _, role := range []string{"dpo", "admin", "security", "auditor", "agent", "marketing"} {
		if slices.Contains(v.session.at("roles").strings(), role) {
			return role
		}
	}
	return "other"
}

// guided are the visitor's first steps. On the start page, what would be a recorded
// access to data about people is not asked: a page that is opened all day would fill the
// journal with itself.
func (v *visit) guided(ctx context.Context, whole bool) *guidePage {
	role := v.guideRole()
	p := &guidePage{Role: v.words.t("begin_role_" + role), CSRF: v.csrf, Whole: whole, Away: slices.Contains(strings.Split(cookieText(v.r, guideCookie), " "), role)}
	if p.Away && !whole {
		return nil
	}
	rules := slices.DeleteFunc(guideRules(role), func(r guideRule) bool {
		return r.needs != "" && !v.allowed(r.needs) || r.key == "reason" && len(v.reasons) == 0
	})
	p.Steps = make([]guideStep, len(rules))
	var wait sync.WaitGroup
	for i, r := range rules {
		p.Steps[i] = guideStep{Title: v.words.t("begin_" + r.key), Text: v.words.t("begin_" + r.key + "_do"), Href: Root + r.href}
		switch {
		case r.key == "own":
			p.Steps[i].Href = "/me"
		case r.key == "reason":
			p.Steps[i].State = map[bool]string{true: "done", false: "todo"}[v.reason != ""]
		}
		op := v.c.spec[r.ask]
		if op == nil || op.personal && (!whole || v.reason == "") {
			p.Unknown = p.Unknown || op != nil
			continue
		}
		wait.Go(func() {
			one := *v.caller
			one.w = &reply{header: http.Header{}} // cookies of side questions are not kept
			if answer, err := one.get(ctx, op.path+"?"+r.query); err == nil {
				p.Steps[i].State = map[bool]string{true: "done", false: "todo"}[r.done(answer)]
			}
		})
	}
	wait.Wait()
	for _, s := range p.Steps {
		switch s.State {
		case "done":
			p.Done++
			p.Told++
		case "todo":
			p.Told++
			p.Left++
		}
	}
	return p
}

// guide shows the visitor's first steps with all that the ledger can tell.
func (c *Console) guide(ctx context.Context, v *visit) error {
	v.show(http.StatusOK, "guide", v.words.t("guide"), v.guided(ctx, true))
	return nil
}

// askReason offers the reasons that the visitor may give, where nothing asked for one yet.
func (c *Console) askReason(_ context.Context, v *visit) error {
	if len(v.reasons) == 0 {
		return errNowhere
	}
	v.show(http.StatusOK, "reason", v.words.t("reason_title"), &refused{})
	return nil
}

// putGuide puts the first steps away from the start page, or back onto it.
func (c *Console) putGuide(_ context.Context, v *visit) error {
	role := v.guideRole()
	kept := slices.DeleteFunc(strings.Fields(cookieText(v.r, guideCookie)), func(s string) bool { return s == role || len(s) > 20 })
	if v.r.PostForm.Get("away") == "true" {
		kept = append(kept[:min(len(kept), 8)], role)
	}
	keep(v.w, v.r, guideCookie, strings.Join(kept, " "), guideKept)
	v.leave(Root)
	return nil
}
