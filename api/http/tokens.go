package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/eventstore/access"
	"greffe/projections/accounts"
)

// TokenInput describes a token to make, with its account if that is new.
type TokenInput struct {
	Body struct {
		AccountID     domain.ID  `json:"account_id,omitzero" doc:"An account that exists, to give it another token; without label and roles."`
		Label         string     `json:"label,omitempty" doc:"Who or what the new account is; sealed. At most 200 bytes."`
		Roles         []string   `json:"roles,omitempty" doc:"Roles of the policy, of the new account."`
		ExpiresAt     *time.Time `json:"expires_at,omitempty" doc:"RFC 3339; at most as far as the policy says (access.tokens), and as it says if absent."`
		DefaultReason string     `json:"default_reason,omitempty" doc:"Reason recorded for reads that give none."`
		Sources       []string   `json:"sources,omitempty" doc:"Producers it may write for; all if absent."`
		ActFor        bool       `json:"act_for,omitempty" doc:"May name the human behind it in X-Greffe-Actor."`
		Signing       bool       `json:"signing,omitempty" doc:"Give out a secret to sign webhooks with (X-Greffe-Signature); it ends with the token."`
		TokenLimits
	}
}

// TokenMade shows a new token, this once.
type TokenMade struct {
	ID        domain.ID       `json:"id"`
	AccountID domain.ID       `json:"account_id"`
	Token     string          `json:"token" doc:"The secret. It is shown once and kept nowhere."`
	ExpiresAt time.Time       `json:"expires_at"`
	Signing   string          `json:"signing_secret,omitempty" doc:"To sign webhooks with, with the id as X-Greffe-Key. It is shown once and kept nowhere."`
	Position  domain.Position `json:"position"`
}

func postToken() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *TokenInput) (*TokenMade, error) {
		b := &in.Body
		r := auth.Request{Account: b.AccountID, Label: b.Label, Roles: b.Roles, DefaultReason: b.DefaultReason, Sources: b.Sources, ActFor: b.ActFor, Signing: b.Signing,
			Permissions: b.Permissions, Types: b.Types, Networks: b.Networks, Certificates: b.Certificates, By: c.principal}
		if b.ExpiresAt != nil {
			r.Expires = *b.ExpiresAt
		}
		m, err := a.services.Tokens.Make(ctx, c.rules, c.principal.Account, r)
		if err != nil {
			return nil, err
		}
		return tokenMade(&m), nil
	})
}

// TokenQuery asks for a page of tokens.
type TokenQuery struct{ Paging }

// TokenItem is a token without its secret, which nobody has.
type TokenItem struct {
	ID            domain.ID   `json:"id"`
	AccountID     domain.ID   `json:"account_id"`
	Label         string      `json:"label" doc:"Who or what the account is."`
	Roles         []string    `json:"roles"`
	State         string      `json:"state" enum:"active,expired,revoked,disabled"`
	MadeAt        time.Time   `json:"made_at"`
	ExpiresAt     *time.Time  `json:"expires_at,omitempty"`
	RevokedAt     *time.Time  `json:"revoked_at,omitempty"`
	DefaultReason string      `json:"default_reason,omitempty"`
	Sources       []domain.ID `json:"sources,omitempty" doc:"Producers it may write for, by the ledger's id; all if absent."`
	ActFor        bool        `json:"act_for,omitempty"`
	TokenLimits
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"To the second for this node since it started; else one use of the last day on which it was used."`
	ReplacedBy *domain.ID `json:"replaced_by,omitempty" doc:"The token that takes over; this one ends at expires_at."`
}

// listTokens opens labels, which name staff: an access like any other.
func listTokens() endpoint {
	return opening(func(context.Context, *API, *Call, *TokenQuery) (access.Reading, error) {
		return access.Reading{Action: "read", Categories: []string{"accounts"}}, nil
	}, func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *TokenQuery) (*List[TokenItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		grants, next, err := after(a.services.Directory.List(), page)
		if err != nil {
			return nil, err
		}
		of := make([]accounts.Account, len(grants))
		for i, g := range grants {
			of[i] = g.Account
		}
		labels, err := a.services.Labels.Labels(ctx, receipt, of)
		if err != nil {
			return nil, err
		}
		networks, err := a.services.Labels.Networks(ctx, receipt, grants)
		if err != nil {
			return nil, err
		}
		out := &List[TokenItem]{Items: make([]TokenItem, len(grants)), Next: next}
		for i, g := range grants {
			out.Items[i] = tokenItem(g, a.cfg.Now())
			a.keptItem(&out.Items[i], &g.Token, networks[i])
			if i < len(labels) {
				out.Items[i].Label = labels[i]
			}
		}
		return out, nil
	})
}

// after cuts one page out of a list; its cursor is the id of the last token.
func after(grants []accounts.Grant, page Page) ([]accounts.Grant, string, error) {
	if page.Cursor != "" {
		last, err := domain.ParseID(page.Cursor)
		if err != nil {
			return nil, "", ErrCursor
		}
		for len(grants) > 0 && grants[0].Token.ID != last {
			grants = grants[1:]
		}
		if len(grants) == 0 {
			return nil, "", ErrCursor
		}
		grants = grants[1:]
	}
	if len(grants) <= page.Limit {
		return grants, "", nil
	}
	return grants[:page.Limit], grants[page.Limit-1].Token.ID.String(), nil
}

func tokenItem(g accounts.Grant, now time.Time) TokenItem {
	t := TokenItem{ID: g.Token.ID, AccountID: g.Account.ID, Roles: g.Account.Roles, MadeAt: g.Token.Made,
		DefaultReason: g.Token.DefaultReason, Sources: g.Token.Sources, ActFor: g.Token.ActFor}
	if !g.Token.Expires.IsZero() {
		t.ExpiresAt = &g.Token.Expires
	}
	if !g.Token.Revoked.IsZero() {
		t.RevokedAt = &g.Token.Revoked
	}
	revoked, expired, disabled := "", "", ""
	if t.RevokedAt != nil {
		revoked = "revoked"
	}
	if g.Account.Disabled {
		disabled = "disabled"
	}
	if g.Token.Expired(now) {
		expired = "expired"
	}
	t.State = cmp.Or(revoked, disabled, expired, "active")
	return t
}

// TokenPath names one token.
type TokenPath struct {
	ID domain.ID `path:"id" doc:"The token, by its id."`
}

func deleteToken() endpoint {
	e := plain(http.StatusNoContent, func(ctx context.Context, a *API, c *Call, in *TokenPath) (answer, error) {
		return answer{status: http.StatusNoContent}, a.services.Tokens.Revoke(ctx, c.principal.Account, in.ID)
	})
	e.out, e.gives = nil, nil
	return e
}
