package app

import (
	"context"
	"fmt"

	"greffe/api/problem"
	"greffe/api/signin"
	"greffe/domain"
)

// passkeys signs people in by WebAuthn, on any node what another began.
func (a *App) passkeys() (*signin.Desk, error) {
	key, err := a.Ledger.Secret("signin")
	if err != nil {
		return nil, fmt.Errorf("key of passkey ceremonies: %w", err)
	}
	c, err := signin.New(signin.Config{PublicURL: a.cfg.PublicURL, Key: key, Now: a.cfg.Now, Rand: a.cfg.Rand})
	if err != nil {
		return nil, err
	}
	return &signin.Desk{Ceremonies: c, People: a.People, Once: a.Ledger.Derived, Login: a.login}, nil
}

// login is what an account's holder signs in with.
func (a *App) login(ctx context.Context, of domain.ID) (string, error) {
	found, ok := a.Accounts.Find(of)
	if !ok {
		return "", problem.New(problem.NotFound)
	}
	label, login, err := a.People.Names(ctx, found)
	if login == "" {
		login = label
	}
	return login, err
}
