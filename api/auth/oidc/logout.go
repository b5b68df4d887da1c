package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
)

// Notice is a back-channel logout that the provider sent: end this subject's
// sessions, or the one of this provider session.
type Notice struct {
	Subject, Session string    // one of them may be ""
	Issued           time.Time // sessions that began after it are not meant
}

// A logout token is new when it comes: providers send it at once and do not wait
// for days (OpenID Connect Back-Channel Logout 1.0 §2.4 advises two minutes).
const recentLogout = 5 * time.Minute

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims are those this package checks beside the library.
type logoutClaims struct {
	Expires *seconds                   `json:"exp"`
	Issued  *seconds                   `json:"iat"`
	ID      string                     `json:"jti"`
	Events  map[string]json.RawMessage `json:"events"`
}

// Logout checks a logout token and has end carry it out, once: the same token again
// is refused, unless end failed. Errors are *Refusal of Invalid or Unavailable, or
// end's own.
func (p *Provider) Logout(ctx context.Context, raw string, end func(Notice) error) error {
	if !typed(raw) {
		return refuse(Invalid, "typ of the logout_token")
	}
	m, err := p.discover(ctx)
	if err != nil {
		return err
	}
	release, err := p.slot(ctx)
	if err != nil {
		return err
	}
	t, err := m.verifier.VerifyLogout(gooidc.ClientContext(ctx, p.client), raw)
	release()
	if err != nil {
		return refuse(Invalid, "signature, iss, aud, events, sub, sid or nonce of the logout_token")
	}
	var c logoutClaims
	if err := t.Claims(&c); err != nil {
		return refuse(Invalid, "claims of the logout_token")
	}
	now := p.now()
	var about map[string]json.RawMessage
	switch {
	case json.Unmarshal(c.Events[logoutEvent], &about) != nil || about == nil:
		return refuse(Invalid, "events")
	case c.Issued == nil || c.Issued.time().After(now.Add(skew)) || c.Issued.time().Before(now.Add(-recentLogout-skew)):
		return refuse(Invalid, "iat")
	case c.Expires == nil || !now.Add(-skew).Before(c.Expires.time()):
		return refuse(Invalid, "exp")
	case len(t.Subject) > maxSubject || len(t.SessionID) > maxSession:
		return refuse(Invalid, "sub or sid")
	}
	sum := sha256.Sum256([]byte(c.ID))
	key := string(sum[:])
	if !p.logouts.take(key, now, now.Add(recentLogout+2*skew)) {
		return refuse(Invalid, "jti was used")
	}
	if err := end(Notice{Subject: t.Subject, Session: t.SessionID, Issued: c.Issued.time()}); err != nil {
		p.logouts.release(key)
		return err
	}
	return nil
}

// typed reports a token that calls itself a logout token or nothing in particular:
// not an access token, nor a message of another kind.
func typed(raw string) bool {
	head, _, ok := strings.Cut(raw, ".")
	plain, err := base64.RawURLEncoding.DecodeString(head)
	if !ok || err != nil {
		return false
	}
	var h struct {
		Type string `json:"typ"`
	}
	if json.Unmarshal(plain, &h) != nil {
		return false
	}
	switch strings.TrimPrefix(strings.ToLower(h.Type), "application/") {
	case "", "jwt", "logout+jwt":
		return true
	}
	return false
}
