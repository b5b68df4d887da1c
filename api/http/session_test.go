package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain/account"
)

// A session of a browser: it reads by its cookie, changes with its CSRF value alone,
// does dangerous acts only while fresh, and ends.
func TestSessionOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people := w.service.People
	made, err := people.Create(t.Context(), aPerson, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{"admin"}})
	must(t, err)
	s, err := people.Start(t.Context(), auth.Login{Account: made.Account, Method: "passkey", Factors: []string{"passkey"}})
	must(t, err)
	cookie := []string{"Authorization", "", "Cookie", auth.CookieNameLocal + "=" + s.Cookie}
	with := func(more ...string) []string { return append(append([]string{}, cookie...), more...) }
	for name, c := range map[string]struct {
		got  reply
		want problem.Code
	}{
		"no value":      {w.call(http.MethodPost, "/v1/me/totp/options", "", with()...), problem.OriginForbidden},
		"another value": {w.call(http.MethodPost, "/v1/me/totp/options", "", with("X-Greffe-CSRF", strings.Repeat("0", 64))...), problem.OriginForbidden},
		"another site": {w.call(http.MethodPost, "/v1/me/totp/options", "", with("X-Greffe-CSRF", s.CSRF, "Sec-Fetch-Site", "cross-site")...),
			problem.OriginForbidden},
		"two cookies": {w.call(http.MethodGet, "/v1/session", "", "Authorization", "", "Cookie", cookie[3]+"; "+cookie[3]), problem.TokenMissing},
		"a token":     {w.call(http.MethodGet, "/v1/session", ""), problem.PermissionMissing},
	} {
		if c.got.status < 400 || problem.Code(c.got.code(t)) != c.want {
			t.Errorf("%s: %d %s", name, c.got.status, c.got.body)
		}
	}
	if got := w.call(http.MethodGet, "/v1/session", "", with()...); got.status != http.StatusOK || !strings.Contains(got.body, `"fresh":true`) || !strings.Contains(got.body, s.CSRF) {
		t.Errorf("the own session: %d %s", got.status, got.body)
	}
	disable := "/v1/accounts/" + otherPerson.String() + "/disable"
	w.clock.Add(int64(6 * 60e9))
	if got := w.call(http.MethodPost, disable, "", with("X-Greffe-CSRF", s.CSRF)...); problem.Code(got.code(t)) != problem.SignInAgain {
		t.Errorf("a dangerous act six minutes later: %d %s", got.status, got.body)
	}
	got := w.call(http.MethodGet, "/v1/me/sessions", "", with()...)
	if set := got.header.Get("Set-Cookie"); got.status != http.StatusOK || !strings.HasPrefix(set, "greffe=") || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") {
		t.Errorf("a used session is not stamped anew: %d %q", got.status, set)
	}
	if got := w.call(http.MethodDelete, "/v1/session", "", with("X-Greffe-CSRF", s.CSRF)...); got.status != http.StatusNoContent {
		t.Errorf("sign out: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, "/v1/session", "", with()...); problem.Code(got.code(t)) != problem.SessionInvalid {
		t.Errorf("after signing out: %d %s", got.status, got.body)
	}
}

// Every dangerous act is a route.
func TestDangerousActsAreRoutes(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	for _, r := range Routes() {
		there[r.Method+" "+r.Pattern] = true
	}
	for act := range dangerous() {
		if !there[act] {
			t.Errorf("%s is no route", act)
		}
	}
}
