package oidc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greffe/api/auth/oidc"
	"greffe/api/auth/oidc/oidctest"
)

func TestLogout(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var got []oidc.Notice
	end := func(n oidc.Notice) error { got = append(got, n); return nil }
	token := s.op.LogoutToken("j1", nil)
	if err := s.Logout(t.Context(), token, end); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Subject != oidctest.Subject || got[0].Session != oidctest.Session || !got[0].Issued.Equal(s.time.now()) {
		t.Errorf("it ends %+v", got)
	}
	refused(t, "the same again", s.Logout(t.Context(), token, end), oidc.Invalid, "jti was used")
	refused(t, "the same id in another token", s.Logout(t.Context(), s.op.LogoutToken("j1", map[string]any{"sub": "u-2"}), end), oidc.Invalid, "jti was used")
	s.time.add(30 * time.Second)
	refused(t, "the same later", s.Logout(t.Context(), token, end), oidc.Invalid, "jti was used")
	for name, more := range map[string]map[string]any{"subject alone": {"sid": nil}, "session alone": {"sub": nil}} {
		if err := s.Logout(t.Context(), s.op.LogoutToken(name, more), end); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d were carried out", len(got))
	}
}

// What could not be carried out may come again.
func TestLogoutThatFails(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	busy := errors.New("busy")
	token := s.op.LogoutToken("j1", nil)
	if err := s.Logout(t.Context(), token, func(oidc.Notice) error { return busy }); !errors.Is(err, busy) {
		t.Fatal(err)
	}
	if err := s.Logout(t.Context(), token, func(oidc.Notice) error { return nil }); err != nil {
		t.Errorf("sent again: %v", err)
	}
}

func TestLogoutTokensThatDoNotHold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	at := func(d time.Duration) int64 { return s.time.now().Add(d).Unix() }
	event := func(v any) map[string]any {
		return map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": v}}
	}
	for name, c := range map[string]struct {
		claims map[string]any
		detail string
	}{
		"another issuer":  {map[string]any{"iss": "https://evil.example"}, "iss"},
		"another client":  {map[string]any{"aud": "another"}, "aud"},
		"with a nonce":    {map[string]any{"nonce": "n"}, "nonce"},
		"no event":        {map[string]any{"events": nil}, "events"},
		"another event":   {map[string]any{"events": map[string]any{"http://schemas.openid.net/event/x": map[string]any{}}}, "events"},
		"null event":      {event(nil), "events"},
		"an event's text": {event("x"), "events"},
		"nobody":          {map[string]any{"sub": nil, "sid": nil}, "sub"},
		"no id":           {map[string]any{"jti": nil}, "signature"},
		"no time":         {map[string]any{"iat": nil}, "iat"},
		"old":             {map[string]any{"iat": at(-7 * time.Minute), "exp": at(time.Hour)}, "iat"},
		"of tomorrow":     {map[string]any{"iat": at(2 * time.Minute)}, "iat"},
		"expired":         {map[string]any{"exp": at(-61 * time.Second)}, "exp"},
		"no end":          {map[string]any{"exp": nil}, "signature"},
		"a long subject":  {map[string]any{"sub": strings.Repeat("x", 256)}, "sub"},
		"a long session":  {map[string]any{"sid": strings.Repeat("x", 256)}, "sid"},
	} {
		err := s.Logout(t.Context(), s.op.LogoutToken(name, c.claims), never(t, name))
		refused(t, name, err, oidc.Invalid, c.detail)
	}
	good := s.op.LogoutToken("good", nil)
	for name, raw := range map[string]string{"nothing": "", "no token": "zqMARKERqz", "cut": good[:len(good)-10], "an edited claim": strings.Replace(good, ".", ".e", 1),
		"an edited signature": good[:len(good)-2] + "AA", "a long one": strings.Repeat("A", 1<<20)} {
		refused(t, name, s.Logout(t.Context(), raw, never(t, name)), oidc.Invalid, "")
	}
	s.op.Mangle(func(h, _ map[string]any) { h["typ"] = "at+jwt" })
	refused(t, "an access token", s.Logout(t.Context(), s.op.LogoutToken("typ", nil), never(t, "typ")), oidc.Invalid, "typ")
	s.op.Mangle(nil)
	key := s.op.PublicKey()
	s.op.SignBy(func(h, c map[string]any) string { h["alg"] = "none"; return oidctest.Input(h, c) + "." })
	refused(t, "unsigned", s.Logout(t.Context(), s.op.LogoutToken("none", nil), never(t, "none")), oidc.Invalid, "signature")
	s.op.SignBy(func(h, c map[string]any) string { h["alg"] = "HS256"; return oidctest.MAC(oidctest.Input(h, c), key) })
	refused(t, "a MAC under the public key", s.Logout(t.Context(), s.op.LogoutToken("mac", nil), never(t, "mac")), oidc.Invalid, "signature")
}

func never(t *testing.T, name string) func(oidc.Notice) error {
	return func(oidc.Notice) error {
		t.Errorf("%s was carried out", name)
		return nil
	}
}

// An ID token logs nobody out, and a logout token lets nobody in.
func TestTokensOfOneKindAreNotOfTheOther(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	idToken := s.op.LogoutToken("j", map[string]any{"events": nil, "nonce": "n", "amr": []string{"pwd", "otp"}})
	refused(t, "an ID token", s.Logout(t.Context(), idToken, never(t, "an ID token")), oidc.Invalid, "signature")
	logout := s.op.LogoutToken("j", nil)
	s.op.SignBy(func(map[string]any, map[string]any) string { return logout })
	_, err := s.signIn()
	refused(t, "a logout token", err, oidc.Invalid, "nonce")
}
