package app

import (
	"fmt"

	"greffe/api/auth/oidc"
	httpapi "greffe/api/http"
)

// provider is the identity provider that people sign in by, nil if none is configured.
// It is not asked for anything yet.
func (a *App) provider() (httpapi.Provider, error) {
	if a.cfg.OIDC == "" {
		return nil, nil
	}
	c, err := oidc.Load(a.cfg.OIDC, a.cfg.OIDCSecret)
	if err != nil {
		return nil, fmt.Errorf("--oidc: %w", err)
	}
	rules, _ := a.Ledger.Policy()
	for _, role := range c.RoleCodes() {
		if _, ok := rules.Role(role); !ok {
			return nil, fmt.Errorf("--oidc: %w: it gives the role %q, which the policy does not have", oidc.ErrConfig, role)
		}
	}
	secret, err := a.Ledger.Secret("oidc")
	if err != nil {
		return nil, err
	}
	p, err := oidc.New(c, oidc.Options{PublicURL: a.cfg.PublicURL, Secret: secret, Now: a.cfg.Now, Rand: a.cfg.Rand})
	if err != nil {
		return nil, fmt.Errorf("--oidc: %w", err)
	}
	return &oidc.Desk{Provider: p, People: a.People}, nil
}
