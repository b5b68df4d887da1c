package httpapi

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/api/auth/oidc"
	"greffe/api/auth/oidc/oidctest"
	"greffe/domain"
	"greffe/domain/event"
)

// house is a world that people enter by a provider.
type house struct {
	*world
	op *oidctest.Provider
}

func newHouse(t *testing.T, change ...func(*Config, *Services)) *house {
	t.Helper()
	h := &house{}
	h.world = newWorld(t, append([]func(*Config, *Services){func(c *Config, s *Services) {
		h.op = oidctest.New(t, c.Now)
		p, err := oidc.New(oidc.Config{Name: "Compte ACME", Issuer: h.op.URL, ClientID: oidctest.ClientID, Secret: oidctest.Secret,
			Roles: map[string][]string{"dpo-team": {"dpo"}, "sales-team": {"agent"}}},
			oidc.Options{PublicURL: "http://127.0.0.1", Secret: bytes.Repeat([]byte{7}, 32), Now: c.Now, Rand: c.Rand})
		must(t, err)
		s.Provider = &oidc.Desk{Provider: p, People: s.People}
	}}, change...)...)
	return h
}

// visitor keeps cookies by name, and follows nothing.
type visitor struct {
	h       *house
	cookies map[string]*http.Cookie
}

func (h *house) visitor() *visitor { return &visitor{h, map[string]*http.Cookie{}} }

func (b *visitor) get(path string, headers ...string) reply {
	return b.send(http.MethodGet, path, "", append([]string{"Accept", "text/html", "Accept-Language", "fr"}, headers...)...)
}

func (b *visitor) send(method, path, body string, headers ...string) reply {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(b.h.t.Context(), method, b.h.url+path, strings.NewReader(body))
	must(b.h.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	must(b.h.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(b.h.t, err)
	for _, c := range resp.Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return reply{status: resp.StatusCode, header: resp.Header, body: string(raw)}
}

// back is the path that the provider sends the browser back to.
func (b *visitor) back(start string) string {
	b.h.t.Helper()
	got := b.get(start)
	if got.status != http.StatusSeeOther {
		b.h.t.Fatalf("%s: %d %s", start, got.status, got.body)
	}
	return oidc.CallbackPath + "?" + b.h.op.Answer(got.header.Get("Location")).Encode()
}

func (b *visitor) enter() reply { b.h.t.Helper(); return b.get(b.back(providerPath)) }

// session is what GET /v1/session answers.
func (b *visitor) session() (status int, s SessionShown) {
	b.h.t.Helper()
	got := b.send(http.MethodGet, "/v1/session", "")
	if got.status == http.StatusOK {
		must(b.h.t, json.Unmarshal([]byte(got.body), &s))
	}
	return got.status, s
}

func TestEnterByProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.visitor()
	start := b.get(providerPath + "?language=fr")
	kept := b.cookies["greffe-oidc"]
	if kept == nil || !kept.HttpOnly || kept.SameSite != http.SameSiteLaxMode || kept.Path != "/" || kept.MaxAge != 600 || start.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the browser keeps %+v", kept)
	}
	h.op.Answer(start.header.Get("Location"))
	got := b.enter()
	if got.status != http.StatusOK || !strings.Contains(got.body, `http-equiv="refresh" content="0; url=/me"`) || !strings.Contains(got.body, "Vous êtes connecté") || !strings.Contains(got.body, `href="/me"`) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	c := b.cookies[auth.CookieNameLocal]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || b.cookies["greffe-oidc"] != nil {
		t.Errorf("the browser keeps %v", b.cookies)
	}
	status, s := b.session()
	if status != http.StatusOK || !slices.Equal(s.Roles, []string{"dpo"}) || !slices.Equal(s.Labels, []string{"Data protection officer"}) || s.Method != "oidc" || !s.Complete || !s.Fresh {
		t.Errorf("%d %+v", status, s)
	}
	if got := b.send(http.MethodGet, "/v1/policy", ""); got.status != http.StatusOK {
		t.Errorf("a route of the role: %d", got.status)
	}
	if got := b.send(http.MethodGet, "/v1/tokens", ""); got.status != http.StatusForbidden {
		t.Errorf("a route of another role: %d", got.status)
	}
	for _, told := range []string{oidctest.Subject, "Jeanne", "code-", oidctest.Session, oidctest.Secret} {
		if strings.Contains(h.logs.String(), told) {
			t.Errorf("%q is in the log", told)
		}
	}
}

// What came back once is worth nothing again, with the cookie of then or without.
func TestProviderAnswerAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.visitor()
	path := b.back(providerPath)
	kept := b.cookies["greffe-oidc"]
	if got := b.get(path); got.status != http.StatusOK {
		t.Fatalf("%d", got.status)
	}
	stranger := h.visitor()
	for name, prepare := range map[string]func(){"without the cookie": func() {}, "with the cookie": func() { stranger.cookies["greffe-oidc"] = kept }} {
		prepare()
		got := stranger.get(path)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, "sign_in_expired") || !strings.Contains(got.body, providerPath) || stranger.cookies[auth.CookieNameLocal] != nil {
			t.Errorf("%s: %d %v", name, got.status, stranger.cookies)
		}
	}
}

func TestProviderRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lie    func(*oidctest.Provider)
		status int
		code   string
		says   string
	}{
		"one factor":    {func(p *oidctest.Provider) { p.Set(map[string]any{"amr": []string{"pwd"}}) }, 403, "second_factor_missing", "deux facteurs de natures différentes"},
		"no group":      {func(p *oidctest.Provider) { p.Set(map[string]any{"groups": []string{"visitors"}}) }, 403, "group_missing", "groupe"},
		"a false token": {func(p *oidctest.Provider) { p.Set(map[string]any{"aud": "another"}) }, 502, "provider_invalid", "journal"},
		"down":          {func(p *oidctest.Provider) { p.Down(true) }, 503, "provider_unavailable", "comptes locaux"},
	} {
		h := newHouse(t)
		for _, accept := range []string{"text/html", "application/json"} {
			b := h.visitor()
			h.op.Down(false)
			path := b.back(providerPath + "?language=fr")
			c.lie(h.op)
			got := b.get(path, "Accept", accept)
			if got.status != c.status || !strings.Contains(got.body, c.code) || !strings.Contains(got.body, c.says) && c.code != "second_factor_missing" || b.cookies[auth.CookieNameLocal] != nil {
				t.Errorf("%s as %s: %d %s", name, accept, got.status, got.body)
			}
			if accept == "text/html" && (!strings.Contains(got.body, c.says) || !strings.Contains(got.body, `<html lang="fr">`) || !strings.Contains(got.body, "?language=fr")) {
				t.Errorf("%s: the page says %s", name, got.body)
			}
		}
		if n := len(h.store.Accounts()); n != 3 {
			t.Errorf("%s: %d accounts", name, n)
		}
	}
}

// A provider that is down keeps out only whom it vouches for.
func TestLocalAccountsWithoutProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.op.Down(true)
	if got := h.visitor().get(providerPath); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "provider_unavailable") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := h.call(http.MethodGet, "/v1/policy", ""); got.status != http.StatusOK {
		t.Errorf("a token: %d", got.status)
	}
	if got := h.visitor().get("/signin"); got.status != http.StatusOK || !strings.Contains(got.body, "Compte ACME") {
		t.Errorf("the page to sign in at: %d", got.status)
	}
}

func TestProviderSaysLogout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, other := h.visitor(), h.visitor()
	b.enter()
	h.op.Set(map[string]any{"sid": "s-2"})
	other.enter()
	tell := func(token string) reply {
		return h.visitor().send(http.MethodPost, oidc.LogoutPath, url.Values{"logout_token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	token := h.op.LogoutToken("j1", nil)
	if got := tell(token); got.status != http.StatusOK || got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if status, _ := b.session(); status != http.StatusUnauthorized {
		t.Errorf("the session that ended: %d", status)
	}
	if status, _ := other.session(); status != http.StatusOK {
		t.Errorf("another session: %d", status)
	}
	if got := tell(token); got.status != http.StatusBadRequest || got.code(t) != "logout_token_invalid" {
		t.Errorf("the same again: %d", got.status)
	}
	if got := tell(h.op.LogoutToken("j2", map[string]any{"aud": "another"})); got.status != http.StatusBadRequest {
		t.Errorf("of another client: %d", got.status)
	}
	if got := tell(h.op.LogoutToken("j3", map[string]any{"sid": nil})); got.status != http.StatusOK {
		t.Errorf("the subject: %d", got.status)
	}
	if status, _ := other.session(); status != http.StatusUnauthorized {
		t.Errorf("the subject's last session: %d", status)
	}
	for name, body := range map[string]string{"nothing": "", "two": "logout_token=a&logout_token=b", "no form": "%zz"} {
		got := h.visitor().send(http.MethodPost, oidc.LogoutPath, body, "Content-Type", "application/x-www-form-urlencoded")
		if got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := h.visitor().send(http.MethodPost, oidc.LogoutPath, `{"logout_token":"x"}`, "Content-Type", mediaJSON); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("JSON: %d", got.status)
	}
}

// Another group means other rights from the next sign-in on, everywhere at once.
func TestProviderGroupsChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, later := h.visitor(), h.visitor()
	b.enter()
	h.op.Set(map[string]any{"groups": []string{"sales-team"}})
	later.enter()
	if _, s := later.session(); !slices.Equal(s.Roles, []string{"agent"}) {
		t.Errorf("now in %v", s.Roles)
	}
	if status, _ := b.session(); status != http.StatusUnauthorized {
		t.Errorf("the session with the former roles: %d", status)
	}
	h.op.Set(map[string]any{"groups": nil})
	h.op.Discovery(map[string]any{"userinfo_endpoint": nil})
	h.clock.Add(int64(2 * time.Hour))
	if got := h.visitor().enter(); got.status != http.StatusForbidden {
		t.Errorf("in no group: %d", got.status)
	}
	if status, _ := later.session(); status != http.StatusUnauthorized {
		t.Errorf("the session of who is in no group: %d", status)
	}
}

// Before a dangerous act both factors are given anew, by the same person, and the
// cookie of before is worth nothing.
func TestProviderAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.visitor()
	b.enter()
	h.clock.Add(int64(6 * time.Minute))
	if _, s := b.session(); s.Fresh {
		t.Error("after six minutes it is fresh")
	}
	before := *b.cookies[auth.CookieNameLocal]
	path := b.back(providerPath + "?again=true")
	if got := b.get(path); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if _, s := b.session(); !s.Fresh {
		t.Error("it is not fresh")
	}
	old := h.visitor()
	old.cookies[before.Name] = &before
	if status, _ := old.session(); status != http.StatusUnauthorized {
		t.Errorf("the former cookie: %d", status)
	}
	path = b.back(providerPath + "?again=true")
	h.op.Set(map[string]any{"sub": "u-2"})
	if got := b.get(path); got.status != http.StatusBadRequest || !strings.Contains(got.body, "sign_in_expired") {
		t.Errorf("somebody else: %d", got.status)
	}
	if got := h.visitor().get(providerPath + "?again=true"); got.status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", got.status)
	}
}

// Over TLS browsers take the cookies for this host alone.
func TestProviderCookiesOverTLS(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config, _ *Services) { c.PublicURL = "https://greffe.example.org" })
	b := h.visitor()
	path := b.back(providerPath)
	if c := b.cookies["__Host-greffe-oidc"]; c == nil || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("it keeps %v", b.cookies)
	}
	if got := b.get(path); got.status != http.StatusOK || b.cookies[auth.CookieName] == nil || !b.cookies[auth.CookieName].Secure {
		t.Errorf("%d, it keeps %v", got.status, b.cookies)
	}
}

func TestWithoutProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *Config, s *Services) { s.Provider = nil })
	for _, path := range []string{providerPath, oidc.CallbackPath} {
		if got := w.call(http.MethodGet, path, ""); got.status != http.StatusNotFound || got.code(t) != "route_unknown" {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	h := newHouse(t)
	for _, query := range []string{"?language=de", "?to=https://evil.example", "?again=x"} {
		if got := h.visitor().get(providerPath + query); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got.status)
		}
	}
}

// What the log says of a sign-in names nobody.
func TestProviderFactsNameNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.visitor().enter()
	head, err := h.ledger.Head(t.Context())
	must(t, err)
	seen := 0
	must(t, h.log.Read(t.Context(), 0, head, func(_ domain.Position, raw []byte) error {
		for _, told := range []string{oidctest.Subject, oidctest.Session, "Jeanne", h.op.URL, "dpo-team"} {
			if bytes.Contains(raw, []byte(told)) {
				t.Errorf("a fact holds %s", told)
			}
		}
		if f, err := event.DecodeFact(raw); err == nil && f.Type == event.AccountSessionStarted {
			seen++
		}
		return nil
	}))
	if seen == 0 {
		t.Error("no session began")
	}
}
