package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/projections/accounts"
)

// TokenLimits is what a token is kept to; an absent list keeps it to nothing.
type TokenLimits struct {
	Permissions  []string               `json:"permissions,omitempty" doc:"Permissions it is kept to, of those that the account's roles have; all of them if absent."`
	Types        []string               `json:"types,omitempty" doc:"Types of events it may send; all if absent."`
	Networks     []netip.Prefix         `json:"networks,omitempty" doc:"Networks (CIDR) it may be used from; all if absent. They are sealed."`
	Certificates []accounts.Fingerprint `json:"certificates,omitempty" doc:"SHA-256 of the public keys (SPKI, in hexadecimal) of client certificates, one of which the caller has to show; without Authorization it stands for the token. None is asked for if absent."`
}

// RotateInput asks for a token in the place of one.
type RotateInput struct {
	TokenPath
	Body struct {
		OverlapHours *int       `json:"overlap_hours,omitempty" doc:"How long the old token goes on, 0 to 720; 24 if absent."`
		ExpiresAt    *time.Time `json:"expires_at,omitempty" doc:"Of the new token, RFC 3339; as the policy says (access.tokens) if absent."`
		Signing      bool       `json:"signing,omitempty" doc:"Give out a secret to sign webhooks with; that of the old token ends with it."`
	}
}

const defaultOverlapHours = 24

func rotateToken() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *RotateInput) (*TokenMade, error) {
		hours := defaultOverlapHours
		if in.Body.OverlapHours != nil {
			hours = min(max(*in.Body.OverlapHours, -1), int(auth.MaxOverlap/time.Hour)+1)
		}
		r := auth.Rotation{Token: in.ID, Overlap: time.Duration(hours) * time.Hour, Signing: in.Body.Signing, By: c.principal}
		if in.Body.ExpiresAt != nil {
			r.Expires = *in.Body.ExpiresAt
		}
		m, err := a.services.Tokens.Rotate(ctx, c.rules, c.principal.Account, r)
		if err != nil {
			return nil, err
		}
		return tokenMade(&m), nil
	})
}

func tokenMade(m *auth.Made) *TokenMade {
	return &TokenMade{ID: m.Token, AccountID: m.Account, Token: m.Text, ExpiresAt: m.Expires, Signing: m.Signing, Position: m.Position}
}

// keptItem says of a token what it is kept to, when it was used, and what takes over.
func (a *API) keptItem(item *TokenItem, t *accounts.Token, networks []netip.Prefix) {
	item.TokenLimits = TokenLimits{t.Permissions, t.Types, networks, t.Certificates}
	last := t.Used
	if here := a.services.Auth.LastUse(t.ID); here.After(last) {
		last = here
	}
	if !last.IsZero() {
		item.LastUsedAt = &last
	}
	if t.Replaced != (domain.ID{}) {
		item.ReplacedBy = &t.Replaced
	}
}
