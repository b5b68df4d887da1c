package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// claims are those of an ID token that this package decides by. The signature, iss
// and aud were checked before.
type claims struct {
	Authorized string   `json:"azp"`
	Expires    *seconds `json:"exp"`
	Issued     *seconds `json:"iat"`
	NotBefore  *seconds `json:"nbf"`
	AuthTime   *seconds `json:"auth_time"`
	ACR        string   `json:"acr"`
	AMR        words    `json:"amr"`
	Session    string   `json:"sid"`
}

// seconds since 1970, perhaps with a fraction.
type seconds float64

func (s seconds) time() time.Time { return time.Unix(int64(s), 0) }

// words are a list of strings, or one.
type words []string

// UnmarshalJSON reads either.
func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// Bounds of what a provider may say.
const (
	maxSubject  = 255 // bytes; OpenID Connect Core §2
	maxSession  = 255
	maxLabel    = 200
	maxMethods  = 20
	recentToken = 10 * time.Minute // an ID token is new when it comes
)

func (p *Provider) identity(ctx context.Context, m *metadata, b *begun, token *oauth2.Token) (*Identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, refuse(Invalid, "no id_token")
	}
	id, err := m.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, refuse(Invalid, "signature, iss or aud of the id_token")
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		return nil, refuse(Invalid, "claims of the id_token")
	}
	if err := p.hold(&c, id, b); err != nil {
		return nil, err
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil {
		return nil, refuse(Invalid, "at_hash")
	}
	if !p.cfg.secondFactor(c.ACR, c.AMR) {
		return nil, refuse(NoSecondFactor, "")
	}
	groups, name, err := p.described(ctx, m, id, token)
	if err != nil {
		return nil, err
	}
	out := &Identity{Issuer: p.cfg.Issuer, Subject: id.Subject, Session: c.Session, Name: name, Roles: p.cfg.rolesOf(groups),
		Methods: c.AMR, Again: b.Again, Answer: b.State}
	if c.AuthTime != nil {
		out.Proved = earlier(c.AuthTime.time(), p.now())
	}
	return out, nil
}

// hold checks what an ID token says of itself (OpenID Connect Core §3.1.3.7).
func (p *Provider) hold(c *claims, id *gooidc.IDToken, b *begun) error {
	now := p.now()
	early, late := now.Add(skew), now.Add(-skew)
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(b.Nonce)) != 1:
		return refuse(Invalid, "nonce")
	case c.Authorized != "" && c.Authorized != p.cfg.ClientID, len(id.Audience) > 1 && c.Authorized == "":
		return refuse(Invalid, "azp")
	case c.Expires == nil || !late.Before(c.Expires.time()):
		return refuse(Invalid, "exp")
	case c.Issued == nil || c.Issued.time().After(early) || c.Issued.time().Before(now.Add(-recentToken)):
		return refuse(Invalid, "iat")
	case c.NotBefore != nil && c.NotBefore.time().After(early):
		return refuse(Invalid, "nbf")
	case c.AuthTime != nil && c.AuthTime.time().After(early):
		return refuse(Invalid, "auth_time")
	case b.Again != "" && (c.AuthTime == nil || c.AuthTime.time().Before(b.At.Add(-skew))):
		return refuse(Invalid, "auth_time is older than what was asked for")
	case id.Subject == "" || len(id.Subject) > maxSubject || !utf8.ValidString(id.Subject):
		return refuse(Invalid, "sub")
	case len(c.Session) > maxSession || len(c.AMR) > maxMethods:
		return refuse(Invalid, "sid or amr")
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// described gives groups and name: of the ID token, or, for what is not in it, of
// the userinfo endpoint.
func (p *Provider) described(ctx context.Context, m *metadata, id *gooidc.IDToken, token *oauth2.Token) (groups []string, name string, err error) {
	all := map[string]json.RawMessage{}
	if err := id.Claims(&all); err != nil {
		return nil, "", refuse(Invalid, "claims of the id_token")
	}
	_, told := all[p.cfg.GroupsClaim]
	if !told && m.provider.UserInfoEndpoint() != "" {
		info, err := m.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return nil, "", refuse(Unavailable, "userinfo endpoint")
		}
		if info.Subject != id.Subject {
			return nil, "", refuse(Invalid, "sub of the userinfo endpoint")
		}
		if err := info.Claims(&all); err != nil {
			return nil, "", refuse(Invalid, "claims of the userinfo endpoint")
		}
	}
	var w words
	if raw, ok := all[p.cfg.GroupsClaim]; ok {
		if err := json.Unmarshal(raw, &w); err != nil {
			return nil, "", refuse(Invalid, "groups")
		}
	}
	for _, claim := range []string{p.cfg.NameClaim, "name", "preferred_username", "email"} {
		if name == "" {
			name = label(all[claim])
		}
	}
	return w, name, nil
}

// label is a claim that people can read, or "".
func label(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
	for len(s) > maxLabel {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
