package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/netip"
	"time"

	"greffe/api/problem"
	"greffe/domain/account"
	"greffe/domain/policy"
)

// The names of the session's cookie. The prefix has browsers refuse it unless it
// came by TLS, for this host alone and for all paths (RFC 6265bis, 4.1.3.2); without
// TLS there are sessions on the machine itself only.
const (
	CookieName      = "__Host-greffe"
	CookieNameLocal = "greffe"
)

// SetCookie is the cookie that carries a session. Secure is that the browser came
// by TLS. An empty value ends it in the browser.
func SetCookie(value string, secure bool) *http.Cookie {
	c := &http.Cookie{Name: CookieNameLocal, Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
	if secure {
		c.Name = CookieName
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

const (
	stampBytes  = 8
	cookieBytes = secretBytes + stampBytes + sha256.Size
	// stampEvery is the share of the idle limit after which a cookie is stamped anew.
	stampEvery = 30
	clockSlack = time.Minute // between nodes
)

// cookie is the session's secret and when it was used last, authenticated, so that
// the idle limit holds on each node and over restarts.
func (p *People) cookie(secret [secretBytes]byte, seen time.Time) string {
	b := make([]byte, 0, cookieBytes)
	b = append(b, secret[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(seen.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, p.mac("cookie", b)...))
}

func (p *People) readCookie(text string) (secret [secretBytes]byte, seen time.Time, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(cookieBytes) {
		return secret, seen, false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !hmac.Equal(b[secretBytes+stampBytes:], p.mac("cookie", b[:secretBytes+stampBytes])) {
		return secret, seen, false
	}
	seen = time.Unix(int64(binary.BigEndian.Uint64(b[secretBytes:])), 0)
	return [secretBytes]byte(b), seen, !seen.After(p.Now().Add(clockSlack))
}

// csrf is what requests of a session that change something must carry.
func (p *People) csrf(d account.Digest) string { return hex.EncodeToString(p.mac("csrf", d[:])) }

// mac authenticates what this ledger gave out for one use.
func (p *People) mac(use string, message []byte) []byte {
	key, err := hkdf.Key(sha256.New, p.Key, nil, "greffe/people/1"+use, sha256.Size)
	if err != nil { // only for lengths beyond 255 hashes, which 32 is not
		panic(err)
	}
	m := hmac.New(sha256.New, key)
	m.Write(message)
	return m.Sum(nil)
}

// identify finds who a cookie is of. Refreshed is the cookie to set in its place,
// "" if it stays.
func (p *People) identify(text string) (who *Principal, refreshed string, err error) {
	secret, seen, ok := p.readCookie(text)
	if !ok {
		return nil, "", problem.New(problem.SessionInvalid)
	}
	digest := account.Digest(sha256.Sum256(secret[:]))
	a, session, ok := p.Staff.BySession(digest)
	now, limits := p.Now(), p.Rules().Sessions()
	if !ok {
		return nil, "", problem.New(problem.SessionInvalid)
	}
	if ok, _ := session.Holds(now, seen, account.Limits(limits)); !ok || !admissible(a, now) {
		return nil, "", &Refused{a.ID, problem.New(problem.SessionInvalid)}
	}
	if now.Sub(seen) >= limits.Idle/stampEvery {
		refreshed = p.cookie(secret, now)
	}
	who = &Principal{Account: a.ID, Roles: a.Roles, Session: session.ID, Fresh: session.Fresh(),
		Inspection: a.Inspection, Portfolio: a.Portfolio, Signed: session, CSRF: p.csrf(digest)}
	if !session.Complete() {
		who.Scope = []string{policy.PermissionOwn}
	}
	return who, refreshed, nil
}

// IdentifyCookie says who a session's cookie is of, and gives the cookie to set in
// its place, "" if it stays. Errors are *problem.Error: session_invalid, unavailable.
// A cookie holds 256 random bits, so wrong ones are not counted.
func (a *Authenticator) IdentifyCookie(ctx context.Context, cookie string, _ netip.Addr) (who *Principal, refreshed string, err error) {
	if err := a.cfg.Current(ctx); err != nil {
		return nil, "", problem.Because(problem.Unavailable, err)
	}
	if a.cfg.People == nil {
		return nil, "", problem.New(problem.SessionInvalid)
	}
	return a.cfg.People.identify(cookie)
}

// The cookies beside the session's: of a sign-in between its two steps, and of a
// device on which the holder signed in before.
const (
	CookieStep   = "step"
	CookieDevice = "device"
	// DeviceFor is how long a device is known.
	DeviceFor = 180 * 24 * time.Hour
)

// BesideCookie is one of those two. An empty value ends it in the browser.
func BesideCookie(which, value string, secure bool, life time.Duration) *http.Cookie {
	c := SetCookie(value, secure)
	c.Name += "-" + which
	if value != "" {
		c.MaxAge = int(life / time.Second)
	}
	return c
}
