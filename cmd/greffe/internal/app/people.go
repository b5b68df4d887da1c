package app

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/eventstore/vault"
	"greffe/projections/accounts"
	"greffe/projections/dossier"
)

// newPeople signs people in and out by facts. Decisions about accounts are made one at
// a time, in this process and among the nodes.
func (a *App) newPeople() (*auth.People, error) {
	key, err := a.Ledger.Secret("people")
	if err != nil {
		return nil, err
	}
	var deciding sync.Mutex
	return &auth.People{
		Staff: a.Accounts, Facts: a.Ledger, Now: a.cfg.Now, Rand: a.cfg.Rand, Key: key, Once: a.Ledger.Derived, Beside: a.beside,
		WaitFor: func(ctx context.Context, p domain.Position) error {
			return a.runner.WaitFor(ctx, p, a.Accounts.Name(), a.Index.Name())
		},
		Open: a.openAccount,
		Rules: func() *policy.Policy {
			p, _ := a.Ledger.Policy()
			return p
		},
		Alone: func(ctx context.Context, work func(auth.Facts) error) error {
			deciding.Lock()
			defer deciding.Unlock()
			return a.alone(ctx, roleStaff, func(lease *vault.LeaseCheck) error {
				if err := a.upToDate(ctx, a.Accounts.Name(), a.Index.Name()); err != nil {
					return err
				}
				return work(leased{a.Ledger, lease})
			})
		},
	}, nil
}

// openAccount opens the sealed part of an account's fact; no fields if it was
// destroyed. What it opens signs people in; it is shown to nobody.
func (a *App) openAccount(ctx context.Context, id domain.ID) ([]event.Field, error) {
	_, f, err := a.Dossier.Fact(ctx, id)
	if errors.Is(err, dossier.ErrUnknown) {
		return nil, errors.Join(httpapi.ErrStale, err)
	}
	if err != nil {
		return nil, err
	}
	opened, err := a.Ledger.Keyring().Open(ctx, []*event.Fact{f}, nil)
	if err != nil {
		return nil, err
	}
	return opened[0].Fields, nil
}

type staffNames struct{ a *App }

// Names implements httpapi.StaffNames.
func (n staffNames) Names(ctx context.Context, _ access.Receipt, of []accounts.Account) ([]httpapi.StaffName, error) {
	out := make([]httpapi.StaffName, len(of))
	for i, x := range of {
		var err error
		if out[i].Label, out[i].Login, err = n.a.People.Names(ctx, x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Origins implements httpapi.StaffNames.
func (n staffNames) Origins(ctx context.Context, _ access.Receipt, of []account.Session) ([]netip.Addr, error) {
	out := make([]netip.Addr, len(of))
	for i, s := range of {
		var err error
		if out[i], err = n.a.People.Origin(ctx, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}
