package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"greffe/api/auth/oidc"
)

const discoveryPath = "/.well-known/openid-configuration"

// A provider that is down is asked again after a pause, which grows; a sign-in
// works as soon as it is back.
func TestProviderDown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.op.Down(true)
	start := func() error { _, _, err := s.Start(t.Context(), oidc.Begin{}); return err }
	for range 50 {
		refused(t, "down", start(), oidc.Unavailable, "discovery")
	}
	if n := s.op.Calls(discoveryPath); n != 1 {
		t.Errorf("50 people had it asked %d times", n)
	}
	s.time.add(2 * time.Second)
	refused(t, "still down", start(), oidc.Unavailable, "discovery")
	s.op.Down(false)
	s.time.add(3 * time.Second)
	refused(t, "within the second pause", start(), oidc.Unavailable, "discovery")
	s.time.add(time.Second)
	if _, err := s.signIn(); err != nil {
		t.Errorf("back again: %v", err)
	}
}

// What was known serves while the provider's description cannot be had, for a day.
func TestDiscoveryIsKept(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	if _, err := s.signIn(); err != nil {
		t.Fatal(err)
	}
	s.time.add(59 * time.Minute)
	if _, err := s.signIn(); err != nil || s.op.Calls(discoveryPath) != 1 {
		t.Errorf("within the hour it was asked %d times: %v", s.op.Calls(discoveryPath), err)
	}
	s.op.Discovery(map[string]any{"issuer": "https://evil.example"})
	s.time.add(2 * time.Minute)
	if _, err := s.signIn(); err != nil || s.op.Calls(discoveryPath) != 2 {
		t.Errorf("after an hour: asked %d times: %v", s.op.Calls(discoveryPath), err)
	}
	s.time.add(24 * time.Hour)
	_, _, err := s.Start(t.Context(), oidc.Begin{})
	refused(t, "after a day", err, oidc.Unavailable, "discovery")
	if !strings.Contains(err.Error(), "names another issuer") {
		t.Errorf("why is not said: %v", err)
	}
}

// Keys are kept, and a new key is found at once; who sends key ids that do not
// exist does not have the provider asked each time.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for range 3 {
		if _, err := s.signIn(); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.op.Calls("/keys"); n != 1 {
		t.Errorf("three sign-ins read the keys %d times", n)
	}
	s.op.Rotate("k2")
	if _, err := s.signIn(); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
	s.op.Mangle(func(h, _ map[string]any) { h["kid"] = "unknown" })
	for range 100 {
		_ = s.Logout(t.Context(), s.op.LogoutToken("j", nil), nil)
	}
	if n := s.op.Calls("/keys"); n != 5 {
		t.Errorf("100 unknown keys: they were read %d times", n)
	}
	s.op.Mangle(nil)
	if _, err := s.signIn(); err != nil {
		t.Errorf("during that: %v", err)
	}
	s.op.Rotate("k3")
	s.time.add(10 * time.Second)
	if _, err := s.signIn(); err != nil {
		t.Errorf("a rotation after that: %v", err)
	}
}

// A key that the provider withdrew is not believed for longer than an hour.
func TestWithdrawnKey(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	if _, err := s.signIn(); err != nil {
		t.Fatal(err)
	}
	old := s.op.LogoutToken("j", map[string]any{"iat": s.time.now().Add(time.Hour).Unix(), "exp": s.time.now().Add(2 * time.Hour).Unix()})
	s.op.Rotate("k2")
	s.time.add(time.Hour)
	refused(t, "a withdrawn key", s.Logout(t.Context(), old, nil), oidc.Invalid, "signature")
}

// Only the hosts of the configuration are asked, over TLS, and nobody is followed.
func TestWhereItGoes(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for name, c := range map[string]struct {
		members map[string]any
		says    string
	}{
		"token endpoint elsewhere":         {map[string]any{"token_endpoint": elsewhere.URL}, "neither the issuer's nor in hosts"},
		"keys elsewhere":                   {map[string]any{"jwks_uri": elsewhere.URL + "/keys"}, "neither the issuer's nor in hosts"},
		"authorization endpoint elsewhere": {map[string]any{"authorization_endpoint": "https://evil.example/a"}, "neither the issuer's nor in hosts"},
		"metadata service":                 {map[string]any{"jwks_uri": "http://169.254.169.254/latest"}, "not https"},
		"a file":                           {map[string]any{"jwks_uri": "file:///etc/passwd"}, "cannot be read"},
		"no endpoint":                      {map[string]any{"token_endpoint": nil}, "cannot be read"},
		"secrets that clients share":       {map[string]any{"id_token_signing_alg_values_supported": []string{"HS256", "none"}}, "no algorithm"},
		"no S256":                          {map[string]any{"code_challenge_methods_supported": []string{"plain"}}, "PKCE"},
		"another issuer":                   {map[string]any{"issuer": "https://evil.example"}, "another issuer"},
		"a huge answer":                    {map[string]any{"x": strings.Repeat("x", 2<<20)}, "cannot be read"},
	} {
		s := newScene(t)
		s.op.Discovery(c.members)
		_, _, err := s.Start(t.Context(), oidc.Begin{})
		refused(t, name, err, oidc.Unavailable, "discovery")
		if err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := newScene(t)
	s.op.Set(map[string]any{"groups": nil})
	s.op.Discovery(map[string]any{"userinfo_endpoint": elsewhere.URL})
	_, err := s.signIn()
	refused(t, "userinfo elsewhere", err, oidc.Unavailable, "userinfo")
	if n := asked.Load(); n != 0 {
		t.Errorf("another host was asked %d times", n)
	}
	other := newScene(t, func(c *oidc.Config) { c.Hosts = []string{strings.TrimPrefix(elsewhere.URL, "http://")} })
	other.op.Discovery(map[string]any{"token_endpoint": elsewhere.URL})
	_, err = other.signIn()
	refused(t, "a host of the configuration", err, oidc.Invalid, "token endpoint")
	if asked.Load() == 0 {
		t.Error("a host of the configuration was not asked")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	there := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(there.Close)
	s := newScene(t, func(c *oidc.Config) { c.Issuer = there.URL })
	_, _, err := s.Start(t.Context(), oidc.Begin{})
	refused(t, "a redirect", err, oidc.Unavailable, "discovery")
	if asked.Load() != 0 {
		t.Error("it was followed")
	}
}

// A wrong client secret is the operator's fault, and is said.
func TestClientNotKnown(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(c *oidc.Config) { c.Secret = "wrong" })
	_, err := s.signIn()
	refused(t, "a wrong secret", err, oidc.Invalid, "does not accept the client")
}
