package app

import (
	"context"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/eventstore/vault"
)

// sourceID is the ledger's id of a producer's name.
func (a *App) sourceID(name string) domain.ID {
	return a.Ledger.Peppers().SourceID(name)
}

// desk makes and revokes tokens by facts.
func (a *App) desk(facts auth.Facts) *auth.Desk {
	return &auth.Desk{
		Directory: a.Accounts, Facts: facts, Now: a.cfg.Now, Rand: a.cfg.Rand,
		WaitFor:  func(ctx context.Context, p domain.Position) error { return a.runner.WaitFor(ctx, p, a.Accounts.Name()) },
		SourceID: a.sourceID,
	}
}

// Bootstrap makes the first administrator if there is none, of several nodes once;
// see auth.Desk.
func (a *App) Bootstrap(ctx context.Context, token string) (made string, err error) {
	if err := a.CaughtUp(ctx); err != nil {
		return "", err
	}
	err = a.alone(ctx, roleFirst, func(lease *vault.LeaseCheck) error {
		if err := a.CaughtUp(ctx); err != nil {
			return err
		}
		made, err = a.desk(leased{a.Ledger, lease}).Bootstrap(ctx, token)
		return err
	})
	return made, err
}
