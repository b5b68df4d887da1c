package oidc_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/auth/oidc"
	"greffe/api/auth/oidc/oidctest"
)

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// scene is a relying party and its provider.
type scene struct {
	*oidc.Provider
	t    *testing.T
	op   *oidctest.Provider
	time *clock
	cfg  oidc.Config
}

func newScene(t *testing.T, change ...func(*oidc.Config)) *scene {
	t.Helper()
	c := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	s := &scene{t: t, time: c, op: oidctest.New(t, c.now)}
	s.cfg = oidc.Config{Issuer: s.op.URL, ClientID: oidctest.ClientID, Secret: oidctest.Secret,
		Roles: map[string][]string{"dpo-team": {"dpo"}, "sales-team": {"agent"}, "both": {"dpo", "agent"}}}
	for _, f := range change {
		f(&s.cfg)
	}
	s.Provider = s.node()
	return s
}

// node is another process of the same ledger.
func (s *scene) node() *oidc.Provider {
	s.t.Helper()
	p, err := oidc.New(s.cfg, oidc.Options{PublicURL: "https://greffe.example.org", Secret: bytes.Repeat([]byte{7}, 32), Now: s.time.now, Rand: rand.Reader})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *scene) begin(b oidc.Begin) (to, kept string) {
	s.t.Helper()
	to, kept, err := s.Start(s.t.Context(), b)
	if err != nil {
		s.t.Fatal(err)
	}
	return to, kept
}

// signIn goes the whole way.
func (s *scene) signIn() (*oidc.Identity, error) {
	s.t.Helper()
	to, kept := s.begin(oidc.Begin{})
	return s.Finish(s.t.Context(), kept, s.op.Answer(to))
}

// refused checks that an error is a refusal of a kind, and says nothing that was
// sent.
func refused(t *testing.T, name string, err error, why oidc.Why, detail string) {
	t.Helper()
	var r *oidc.Refusal
	if !errors.As(err, &r) || r.Why != why || !strings.Contains(r.Detail, detail) {
		t.Errorf("%s: %v, want %s: %s", name, err, why, detail)
		return
	}
	for _, secret := range []string{"zqMARKERqz", oidctest.Subject, oidctest.Session, "Jeanne", "code-", "eyJ"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds what was sent: %v", name, err)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	to, kept := s.begin(oidc.Begin{Language: "fr"})
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{"response_type": "code", "client_id": "greffe", "redirect_uri": "https://greffe.example.org/v1/session/oidc/callback",
		"scope": "openid profile", "code_challenge_method": "S256", "ui_locales": "fr", "acr_values": "", "prompt": ""} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if len(q.Get("state")) < 40 || len(q.Get("nonce")) < 40 || len(q.Get("code_challenge")) != 43 || q.Get("state") == q.Get("nonce") {
		t.Error("state, nonce or challenge are too short, or the same")
	}
	if strings.Contains(kept, q.Get("state")) || len(kept) > 1000 {
		t.Errorf("the browser keeps %d bytes, and can read them", len(kept))
	}
	id, err := s.Finish(t.Context(), kept, s.op.Answer(to))
	if err != nil {
		t.Fatal(err)
	}
	if id.Issuer != s.op.URL || id.Subject != oidctest.Subject || id.Session != oidctest.Session || id.Name != "Jeanne Dupont" || !slices.Equal(id.Roles, []string{"dpo"}) ||
		!slices.Equal(id.Methods, []string{"pwd", "otp"}) || s.Language(kept) != "fr" || s.Language("x") != "" || !id.Proved.Equal(s.time.now()) || id.Answer != q.Get("state") {
		t.Errorf("it is %+v", id)
	}
	other, _, err := s.Start(t.Context(), oidc.Begin{})
	if o, perr := url.Parse(other); err != nil || perr != nil || o.Query().Get("state") == q.Get("state") || o.Query().Get("nonce") == q.Get("nonce") || o.Query().Get("code_challenge") == q.Get("code_challenge") {
		t.Error("a second sign-in shares state, nonce or verifier with the first")
	}
}

// Any node of the ledger ends what another began, once.
func TestAnswersServeOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	to, kept := s.begin(oidc.Begin{})
	answer := s.op.Answer(to)
	other := s.node()
	if _, err := other.Finish(t.Context(), kept, answer); err != nil {
		t.Fatalf("on another node: %v", err)
	}
	_, err := other.Finish(t.Context(), kept, answer)
	refused(t, "the same answer again", err, oidc.Expired, "used")
	_, err = s.Finish(t.Context(), kept, answer)
	refused(t, "the same answer on another node", err, oidc.Expired, "code")
	if n := s.op.Calls("/token"); n != 2 {
		t.Errorf("the token endpoint was asked %d times", n)
	}
}

func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	to, kept := s.begin(oidc.Begin{})
	_, others := s.begin(oidc.Begin{})
	flipped := []byte(kept)
	flipped[len(flipped)/2] ^= 1
	good := s.op.Answer(to)
	with := func(name string, values ...string) url.Values {
		q := maps.Clone(good)
		if q[name] = values; len(values) == 0 {
			delete(q, name)
		}
		return q
	}
	for name, c := range map[string]struct {
		kept   string
		q      url.Values
		why    oidc.Why
		detail string
	}{
		"no cookie":         {"", good, oidc.Expired, "cookie"},
		"an edited cookie":  {string(flipped), good, oidc.Expired, "cookie"},
		"a huge cookie":     {strings.Repeat("A", 9000), good, oidc.Expired, "cookie"},
		"another browser's": {others, good, oidc.Expired, "state"},
		"another state":     {kept, with("state", "x"), oidc.Expired, "state"},
		"no state":          {kept, with("state"), oidc.Expired, "state"},
		"two states":        {kept, with("state", good.Get("state"), "x"), oidc.Expired, "state"},
	} {
		_, err := s.Finish(t.Context(), c.kept, c.q)
		refused(t, name, err, c.why, c.detail)
	}
	if n := s.op.Calls("/token"); n != 0 {
		t.Errorf("the provider was asked %d times for what was forged", n)
	}
	for name, c := range map[string]struct {
		change func(url.Values)
		why    oidc.Why
		detail string
	}{
		"of another issuer (mix-up)": {func(q url.Values) { q.Set("iss", "https://evil.example") }, oidc.Invalid, "iss"},
		"of no issuer":               {func(q url.Values) { q.Del("iss") }, oidc.Invalid, "iss"},
		"of two issuers":             {func(q url.Values) { q.Add("iss", "https://evil.example") }, oidc.Invalid, "iss"},
		"two codes":                  {func(q url.Values) { q.Add("code", "x") }, oidc.Invalid, "code"},
		"no code":                    {func(q url.Values) { q.Del("code") }, oidc.Invalid, "code"},
		"a code never given":         {func(q url.Values) { q.Set("code", "code-99") }, oidc.Expired, "code"},
		"given up":                   {func(q url.Values) { q.Set("error", "access_denied") }, oidc.Cancelled, "access_denied"},
		"acr not met":                {func(q url.Values) { q.Set("error", "unmet_authentication_requirements") }, oidc.NoSecondFactor, ""},
		"the provider's fault":       {func(q url.Values) { q.Set("error", "server_error") }, oidc.Unavailable, ""},
		"a client not known there":   {func(q url.Values) { q.Set("error", "unauthorized_client") }, oidc.Invalid, "client"},
		"an error it made up":        {func(q url.Values) { q.Set("error", "zqMARKERqz") }, oidc.Invalid, ""},
	} {
		to, kept := s.begin(oidc.Begin{})
		q := s.op.Answer(to)
		c.change(q)
		_, err := s.Finish(t.Context(), kept, q)
		refused(t, name, err, c.why, c.detail)
	}
	to, kept = s.begin(oidc.Begin{})
	late := s.op.Answer(to)
	s.time.add(10*time.Minute + time.Second)
	_, err := s.Finish(t.Context(), kept, late)
	refused(t, "after ten minutes", err, oidc.Expired, "age")
}

// A code of one browser's sign-in put into another's is refused by PKCE at the
// provider, and by the nonce if it does not look.
func TestInjectedCode(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	victim, _ := s.begin(oidc.Begin{})
	stolen := s.op.Answer(victim)
	to, kept := s.begin(oidc.Begin{})
	mine := s.op.Answer(to)
	mine.Set("code", stolen.Get("code"))
	_, err := s.Finish(t.Context(), kept, mine)
	refused(t, "another's code", err, oidc.Expired, "code")
}

func TestTokensThatDoNotHold(t *testing.T) {
	t.Parallel()
	set := func(claims map[string]any) func(*scene) { return func(s *scene) { s.op.Set(claims) } }
	at := func(d time.Duration) int64 { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).Add(d).Unix() }
	for name, c := range map[string]struct {
		lie    func(*scene)
		detail string
	}{
		"another's nonce":      {set(map[string]any{"nonce": "x"}), "nonce"},
		"another client":       {set(map[string]any{"aud": "another"}), "aud"},
		"two clients":          {set(map[string]any{"aud": []string{"greffe", "another"}}), "azp"},
		"made for another":     {set(map[string]any{"azp": "another"}), "azp"},
		"another issuer":       {set(map[string]any{"iss": "https://evil.example"}), "iss"},
		"expired":              {set(map[string]any{"exp": at(-61 * time.Second)}), "exp"},
		"of tomorrow":          {set(map[string]any{"iat": at(2 * time.Minute)}), "iat"},
		"of yesterday":         {set(map[string]any{"iat": at(-time.Hour)}), "iat"},
		"not yet":              {set(map[string]any{"nbf": at(2 * time.Minute)}), "nbf"},
		"signed in tomorrow":   {set(map[string]any{"auth_time": at(2 * time.Minute)}), "auth_time"},
		"no subject":           {set(map[string]any{"sub": ""}), "sub"},
		"a long subject":       {set(map[string]any{"sub": strings.Repeat("x", 256)}), "sub"},
		"a long session":       {set(map[string]any{"sid": strings.Repeat("x", 256)}), "sid"},
		"no expiry":            {func(s *scene) { s.op.Mangle(func(_, c map[string]any) { delete(c, "exp") }) }, "exp"},
		"no nonce":             {func(s *scene) { s.op.Mangle(func(_, c map[string]any) { delete(c, "nonce") }) }, "nonce"},
		"another access token": {set(map[string]any{"at_hash": "x"}), "at_hash"},
		"claims of no kind":    {set(map[string]any{"amr": 7}), "claims"},
		"groups of no kind":    {set(map[string]any{"groups": map[string]any{"a": 1}}), "groups"},
		"no signature (none)": {func(s *scene) {
			s.op.SignBy(func(h, c map[string]any) string { h["alg"] = "none"; return oidctest.Input(h, c) + "." })
		}, "signature"},
		"a MAC under the public key": {func(s *scene) {
			key := s.op.PublicKey()
			s.op.SignBy(func(h, c map[string]any) string { h["alg"] = "HS256"; return oidctest.MAC(oidctest.Input(h, c), key) })
		}, "signature"},
		"a MAC under the client's secret": {func(s *scene) {
			s.op.SignBy(func(h, c map[string]any) string {
				h["alg"] = "HS256"
				return oidctest.MAC(oidctest.Input(h, c), []byte(oidctest.Secret))
			})
		}, "signature"},
		"another's key": {func(s *scene) {
			evil := oidctest.New(s.t, s.time.now)
			evil.Set(map[string]any{"iss": s.op.URL})
			s.op.SignBy(func(_, _ map[string]any) string { return evil.LogoutToken("x", nil) })
		}, "signature"},
		"no token": {func(s *scene) { s.op.SignBy(func(_, _ map[string]any) string { return "" }) }, "no id_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.lie(s)
			id, err := s.signIn()
			if id != nil {
				t.Errorf("it let in %s", id.Subject)
			}
			refused(t, name, err, oidc.Invalid, c.detail)
		})
	}
}
