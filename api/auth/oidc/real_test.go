//go:build real

package oidc_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"greffe/api/auth/oidc"
	"greffe/api/auth/oidc/oidctest"
)

// real is a relying party of oidc-provider, with an address of its own for logouts.
type real struct {
	*oidc.Provider
	t    *testing.T
	op   *oidctest.Real
	told chan string // logout tokens
	with oidctest.Setup
}

func newReal(t *testing.T, change func(*oidc.Config, *oidctest.Setup)) *real {
	t.Helper()
	r := &real{t: t, op: oidctest.StartReal(t), told: make(chan string, 10)}
	rp := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { r.told <- req.PostFormValue("logout_token") }))
	t.Cleanup(rp.Close)
	r.with = oidctest.Setup{RedirectURI: rp.URL + oidc.CallbackPath, LogoutURI: rp.URL + oidc.LogoutPath, Secret: oidctest.Secret,
		Users: map[string]map[string]any{
			"jeanne": {"sub": "u-1", "amr": []string{"pwd", "otp"}, "acr": "phr", "groups": []string{"dpo-team"}, "name": "Jeanne Dupont"},
			"weak":   {"sub": "u-2", "amr": []string{"pwd"}, "acr": "low", "groups": []string{"dpo-team"}},
			"guest":  {"sub": "u-3", "amr": []string{"pwd", "otp"}, "acr": "phr", "groups": []string{"visitors"}},
		}}
	cfg := oidc.Config{Issuer: r.op.URL, ClientID: oidctest.ClientID, Secret: oidctest.Secret, Scopes: []string{"openid", "profile", "groups"},
		Roles: map[string][]string{"dpo-team": {"dpo"}}}
	change(&cfg, &r.with)
	r.op.Setup(r.with)
	var err error
	if r.Provider, err = oidc.New(cfg, oidc.Options{PublicURL: rp.URL, Secret: bytes.Repeat([]byte{7}, 32), Now: time.Now, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *real) signIn(b *oidctest.Browser, user string, begin oidc.Begin) (*oidc.Identity, error) {
	r.t.Helper()
	to, kept, err := r.Start(r.t.Context(), begin)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.Finish(r.t.Context(), kept, b.SignIn(to, user).Query())
}

// A certified provider: sign-in, second factor, groups, rotation of its keys, and
// its word that somebody signed out.
func TestRealProvider(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*oidc.Config, *oidctest.Setup){
		"RS256, groups in the token": func(*oidc.Config, *oidctest.Setup) {},
		"ES256, groups at userinfo":  func(_ *oidc.Config, s *oidctest.Setup) { s.Algorithm, s.Userinfo = "ES256", true },
		"acr asked for and demanded": func(c *oidc.Config, _ *oidctest.Setup) { c.ACR = []string{"phr"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReal(t, change)
			b := r.op.Browser()
			id, err := r.signIn(b, "jeanne", oidc.Begin{Language: "fr"})
			if err != nil {
				t.Fatal(err)
			}
			if id.Subject != "u-1" || id.Issuer != r.op.URL || id.Session == "" || id.Name != "Jeanne Dupont" || !slices.Equal(id.Roles, []string{"dpo"}) {
				t.Errorf("it is %+v", id)
			}
			_, err = r.signIn(r.op.Browser(), "weak", oidc.Begin{})
			refused(t, "a password alone", err, oidc.NoSecondFactor, "")
			if guest, err := r.signIn(r.op.Browser(), "guest", oidc.Begin{}); err != nil || len(guest.Roles) != 0 {
				t.Errorf("a guest: %+v %v", guest, err)
			}
			r.op.Rotate()
			if _, err := r.signIn(r.op.Browser(), "jeanne", oidc.Begin{}); err != nil {
				t.Errorf("after its keys changed: %v", err)
			}
			again, err := r.signIn(b, "jeanne", oidc.Begin{Again: "x"})
			if err != nil || time.Since(again.Proved) > time.Minute {
				t.Fatalf("both factors anew: %v", err)
			}
			b.SignOut()
			token := <-r.told
			var told oidc.Notice
			if err := r.Logout(t.Context(), token, func(n oidc.Notice) error { told = n; return nil }); err != nil {
				t.Fatal(err)
			}
			if told.Subject != "u-1" || told.Session != again.Session {
				t.Errorf("it ends %+v, the session is %s", told, again.Session)
			}
			refused(t, "its token again", r.Logout(t.Context(), token, never(t, "again")), oidc.Invalid, "jti")
		})
	}
}

func TestRealProviderGoesDown(t *testing.T) {
	t.Parallel()
	r := newReal(t, func(*oidc.Config, *oidctest.Setup) {})
	to, kept, err := r.Start(t.Context(), oidc.Begin{})
	if err != nil {
		t.Fatal(err)
	}
	back := r.op.Browser().SignIn(to, "jeanne").Query()
	r.op.Kill()
	_, err = r.Finish(t.Context(), kept, back)
	refused(t, "gone in the middle", err, oidc.Unavailable, "token endpoint")
}
