package app

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
)

// formPlace is a form of the running console: the page on which it stands, and for whom.
type formPlace struct {
	role, page, action string
	via                *formPlace // whose answer the page is; nil: it is asked for by its address
}

// chair is a person of a role with a browser of their own.
type chair struct {
	account domain.ID
	cookies map[string]string
}

// formsWalk finds every form of the running console and sends each in every way that it
// must not be sent, then as it should be.
type formsWalk struct {
	*inspector
	chairs map[string][2]*chair
	places map[string][]formPlace // by patternOf the address that the form is sent to
	done   map[string]string      // what became of each: "" it was taken, and refused as it should be
}

// TestConsoleEveryForm: every form that people of any role are offered - found by following
// every link and by the answers of forms - refuses who comes from another site, another
// host or nowhere, who lacks the number of the page or has that of another's page, and
// leaves nothing on record then; sent twice at once and again, it has one effect; and
// whoever had it open while somebody else was faster is told so, and overwrites nothing,
// but for those that only add to what there is, by name and with the reason.
func TestConsoleEveryForm(t *testing.T) {
	t.Parallel()
	w := &formsWalk{inspector: &inspector{house: openHouse(t, func(string) string { return "Zqstory" }), shown: map[string]map[string]bool{}, pages: map[string]int{}, dull: map[string]int{}, bored: 100},
		chairs: map[string][2]*chair{}, places: map[string][]formPlace{}, done: map[string]string{}}
	w.known["policy"] = strings.Replace(string(w.open.Ledger.PolicySource()), "persons_hour: {soft: 5, hard: 200}", "persons_hour: {soft: 6, hard: 200}", 1)
	for _, s := range formsNeed() {
		w.tell(s)
	}
	w.ok(w.open.CaughtUp(t.Context()))
	for range 2 { // what is done leads to further forms
		for _, role := range []string{"dpo", "admin", "security", "support", "marketing"} {
			w.find(role)
		}
		for _, key := range w.order() {
			if why, ok := w.done[key]; !ok || why != "" {
				w.done[key] = w.prove(key)
			}
		}
	}
	taken := 0
	for _, key := range slices.Sorted(maps.Keys(w.done)) {
		switch why := w.done[key]; {
		case why == "" || formsLeft()[key] != "":
			taken++
		default:
			t.Errorf("%s: %s", key, why)
		}
	}
	t.Logf("%d kinds of forms, %d of them sent and taken", len(w.done), taken)
	if _, ok := w.done["/console/policy/*/publish"]; !ok || len(w.done) < 74 {
		t.Errorf("only %d kinds of forms", len(w.done))
	}
}

// seats are two people of a role who just signed in.
func (w *formsWalk) seats(role string) [2]*chair {
	w.Helper()
	two, ok := w.chairs[role]
	for n := range two {
		if !ok {
			made, err := w.open.People.Create(w.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "Zqstaff", Login: fmt.Sprintf("f-%s-%d", role, n), Roles: []string{role}})
			w.ok(err)
			two[n] = &chair{account: made.Account, cookies: map[string]string{"greffe_language": "ZW4"}}
		}
		two[n].cookies[auth.CookieNameLocal] = w.enter(two[n].account).Cookie
		w.cookies = two[n].cookies
		if r := w.reasonOf(role); r != "" && two[n].cookies["greffe_reason"] == "" {
			w.because(strings.TrimSuffix(r, ":T-1"))
		}
	}
	w.chairs[role] = two
	return two
}

// find walks the console as a role and notes the forms that stand on its pages.
func (w *formsWalk) find(role string) {
	w.Helper()
	w.cookies = w.seats(role)[0].cookies
	w.pages, w.dull = map[string]int{}, map[string]int{}
	w.each = func(where string, p shownPage) { w.note(formPlace{role: role, page: where}, p) }
	w.walk(role, 6)
	w.each = nil
}

// note keeps where the forms of a page are.
func (w *formsWalk) note(at formPlace, p shownPage) {
	for _, f := range formsOf(p.text) {
		if f.method != "post" {
			continue
		}
		if at.action = f.action; at.action == "" {
			at.action = at.page
		}
		if u, err := url.Parse(at.action); err == nil {
			at.action = u.Path
		}
		if u, err := url.Parse(at.page); err == nil && u.Query().Has("revision") { // of what was then
			q := u.Query()
			q.Del("revision")
			u.RawQuery = q.Encode()
			at.page = u.String()
		}
		key := regexp.MustCompile(`~[0-9]+`).ReplaceAllString(strings.TrimSuffix(patternOf(at.action), "?"), "~*")
		if !slices.ContainsFunc(w.places[key], func(p formPlace) bool { return p.action == at.action }) && len(w.places[key]) < 12 {
			w.places[key] = append(w.places[key], at)
		}
		if _, ok := w.done[key]; !ok {
			w.done[key] = "no page has it any more"
		}
	}
}

// order has what ends a thing come after what is done with it.
func (w *formsWalk) order() []string {
	last := strings.Fields("assign verify tasks notes extend answer dispatch refuse withdraw release lift redact rotate discard revoke reset disable end close erase")
	at := func(key string) int { return slices.Index(last, key[strings.LastIndexByte(key, '/')+1:]) }
	return slices.SortedFunc(maps.Keys(w.places), func(a, b string) int {
		if n := at(a) - at(b); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
}

// form is that at a place as somebody sees it now.
func (w *formsWalk) form(who *chair, at formPlace) (pageForm, bool) {
	w.Helper()
	w.now.pass(time.Second)
	paris, err := time.LoadLocation("Europe/Paris")
	w.ok(err)
	w.known["now"] = w.now.read().In(paris).Format("2006-01-02T15:04:05")
	w.cookies = who.cookies
	var p shownPage
	if at.via != nil {
		f, ok := w.form(who, *at.via)
		if !ok {
			return pageForm{}, false
		}
		p = w.post(who, at.via.action, f, filled(f, formsSaid(at.via.action, w.known), 1, false), nil)
	} else {
		p = w.get(at.page)
	}
	for _, f := range formsOf(p.text) {
		if f.action == "" {
			f.action = at.page
		}
		if u, err := url.Parse(f.action); err == nil && f.method == "post" && u.Path == at.action {
			f.action = u.Path
			return f, true
		}
	}
	return pageForm{}, false
}

// prove sends the form of one kind until one is taken, and says why none was.
func (w *formsWalk) prove(key string) (why string) {
	w.Helper()
	why = "no page has it any more"
	for n, at := range w.places[key] {
		two := w.seats(at.role)
		one, ok := w.form(two[0], at)
		other, ok2 := w.form(two[1], at)
		if !ok || !ok2 {
			continue
		}
		if n == 0 || w.done[key] != "" {
			w.forged(key, two, at.action, one, other)
		}
		if _, numbered := one.value("number"); !numbered {
			w.answered(at, two[0], one)
			return ""
		}
		for _, whole := range []bool{false, true} {
			form := filled(one, formsSaid(at.action, w.known), 1, whole)
			said, taken := w.twice(key, two[0], at, one, form)
			if taken {
				w.stale(key, two[1], at.action, other, filled(other, formsSaid(at.action, w.known), 2, whole))
				return ""
			}
			if !whole {
				why = said
			}
		}
	}
	return why
}

// answered notes the forms that stand in the answer of one that only asks.
func (w *formsWalk) answered(at formPlace, who *chair, f pageForm) {
	p := w.post(who, at.action, f, filled(f, formsSaid(at.action, w.known), 1, false), nil)
	w.note(formPlace{role: at.role, page: at.action, via: &at}, p)
}

// forged: what does not come from the visitor's own page is refused, and leaves nothing.
func (w *formsWalk) forged(key string, two [2]*chair, action string, one, other pageForm) {
	w.Helper()
	others, _ := other.value("csrf")
	before := w.head()
	for _, bad := range []struct {
		name   string
		change func(url.Values)
		with   map[string]string
	}{
		{"another site", nil, map[string]string{"Sec-Fetch-Site": "cross-site"}},
		{"another host of the same site", nil, map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://other.localhost"}},
		{"the origin of another host", nil, map[string]string{"Sec-Fetch-Site": "", "Origin": "https://zq.example"}},
		{"no origin that can be told", nil, map[string]string{"Sec-Fetch-Site": "", "Origin": "null"}},
		{"no number of the page", func(v url.Values) { v.Del("csrf") }, nil},
		{"the number of another's page", func(v url.Values) { v.Set("csrf", others) }, nil},
	} {
		form := filled(one, formsSaid(action, w.known), 1, false)
		if bad.change != nil {
			bad.change(form)
		}
		if p := w.post(two[0], action, one, form, bad.with); p.status != http.StatusForbidden && !(bad.change == nil && formsAsk()[key] && p.status >= 400) {
			w.Errorf("%s: %s: %d %.200s", key, bad.name, p.status, p.to)
		}
	}
	if left := w.left(before); len(left) > 0 {
		w.Errorf("%s: forged forms left %v", key, left)
	}
}

// twice sends a form twice at once, and then again: it is taken once.
func (w *formsWalk) twice(key string, who *chair, at formPlace, f pageForm, form url.Values) (why string, taken bool) {
	w.Helper()
	before := w.head()
	var both [2]shownPage
	var wait sync.WaitGroup
	for n := range both {
		wait.Go(func() { both[n] = w.post(who, at.action, f, form, nil) })
	}
	wait.Wait()
	w.ok(w.open.CaughtUp(w.Context()))
	yes := slices.DeleteFunc(slices.Clone(both[:]), func(p shownPage) bool { return p.status >= 400 || strings.HasPrefix(p.to, "/signin") })
	left := w.left(before)
	if len(yes) == 0 {
		for _, p := range both {
			if f, ok := approvalForm(p.text, at.action); ok && form.Get("approval") == "" {
				return w.twice(key, who, at, f, filled(f, nil, 1, false))
			}
		}
		if len(left) > 0 {
			w.Errorf("%s: refused, and left %v", key, left)
		}
		return fmt.Sprintf("it is refused: %d %s, %d %s (%v)", both[0].status, problemOf(both[0].text), both[1].status, problemOf(both[1].text), form), false
	}
	for kind, n := range left {
		if n > 1 && !formsMany()[key+" "+kind] {
			w.Errorf("%s: sent twice at once it left %d facts %s", key, n, kind)
		}
	}
	if len(left) == 0 && formsNothing()[key] == "" {
		return fmt.Sprintf("it is taken and leaves nothing: %d %s %s (%v)", yes[0].status, yes[0].to, problemOf(yes[0].text), form), false
	}
	if formsNothing()[key] == "" { // else what it does may be recorded from now on, once in all
		before = w.head()
	}
	again := w.post(who, at.action, f, form, nil)
	left = w.left(before)
	maps.DeleteFunc(left, func(kind string, n int) bool {
		return formsNothing()[key] != "" && (n == 1 || formsMany()[key+" "+kind])
	})
	if len(left) > 0 || again.to != yes[0].to && yes[0].status != http.StatusOK || again.status >= 400 && again.status != http.StatusConflict {
		w.Errorf("%s: sent once more it leads to %d %s, before to %d %s, and left %v", key, again.status, again.to, yes[0].status, yes[0].to, left)
	}
	if p := yes[0]; p.status == http.StatusOK {
		w.note(formPlace{role: at.role, page: at.action, via: &at}, p)
	}
	return "", true
}

// approvalForm is the form of a page that asks for a second person's agreement.
func approvalForm(page, action string) (pageForm, bool) {
	for _, f := range formsOf(page) {
		if _, asks := f.value("approval"); asks && f.action == action {
			return f, true
		}
	}
	return pageForm{}, false
}

// stale: who had the form open before somebody else was faster is told so.
func (w *formsWalk) stale(key string, who *chair, action string, f pageForm, form url.Values) {
	w.Helper()
	before := w.head()
	p := w.post(who, action, f, form, nil)
	if f, ok := approvalForm(p.text, action); ok {
		p = w.post(who, action, f, filled(f, nil, 2, false), nil)
	}
	w.ok(w.open.CaughtUp(w.Context()))
	left := w.left(before)
	adds := formsAdd()[key]
	if adds == "" && strings.Contains(key, "/new/") && !formsReplace()[key] {
		adds = "makes one more"
	}
	switch {
	case p.status < 400 && !strings.HasPrefix(p.to, "/signin") && adds == "":
		w.Errorf("%s: who saw what was before is not told (%d %s), and leaves %v", key, p.status, p.to, left)
	case p.status >= 400 && len(left) > 0:
		w.Errorf("%s: the second is refused and leaves %v", key, left)
	case p.status >= 500:
		w.Errorf("%s: the second is answered %d %s", key, p.status, problemOf(p.text))
	case p.status >= 400 && adds != "" && formsOver()[key] == "":
		w.Errorf("%s: it is said that it %s, and the second is refused: %d %s", key, adds, p.status, problemOf(p.text))
	case p.status >= 400 && !strings.Contains(p.text, `class="meanwhile"`) && formsOver()[key] == "":
		w.Errorf("%s: the second is told %q, and not what happened meanwhile", key, problemOf(p.text))
	}
}

// left counts by type what was recorded from a position on, but for looks and what the
// service notes by itself or when what it does beside ends.
func (w *formsWalk) left(from domain.Position) map[string]int {
	w.Helper()
	out := map[string]int{}
	for _, f := range w.factsFrom(from) {
		if !slices.Contains([]event.Type{event.AccessRecorded, "access.denied", "watch.alerted", "account.token_used", event.ExportProduced, "minimisation.audited"}, f.Type) {
			out[string(f.Type)]++
		}
	}
	return out
}
