package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain"
	"greffe/domain/account"
)

type accountsCmd struct {
	Server  string             `help:"Speak to this running service; token in GREFFE_TOKEN." placeholder:"URL"`
	List    accountsListCmd    `cmd:"" help:"List accounts; without --server by id alone, as names are sealed."`
	Invite  accountsInviteCmd  `cmd:"" help:"Make an account of a person; the invitation is shown once."`
	Disable accountsDisableCmd `cmd:"" help:"Disable an account at once; its sessions and tokens end."`
	Reset   accountsResetCmd   `cmd:"" help:"Take all credentials from an account; a new invitation is shown once."`
}

type accountsListCmd struct {
	Reason string `help:"With --server: why, as CODE[:ticket]; names are staff's, so the list is a recorded access." placeholder:"CODE"`
}

// staffLine is one account of the list.
type staffLine struct {
	ID       domain.ID    `json:"id"`
	Kind     account.Kind `json:"kind"`
	Roles    []string     `json:"roles"`
	Disabled bool         `json:"disabled"`
	Ready    bool         `json:"ready"` // can sign in with two factors
	Sessions int          `json:"sessions"`
}

func (c *accountsListCmd) Run(sh *shell) error {
	if sh.cli.Accounts.Server != "" {
		cl, err := newClient(sh.cli.Accounts.Server)
		if err != nil {
			return err
		}
		cl.reason = c.Reason
		var out raw
		if err := cl.do(sh.ctx, http.MethodGet, "/v1/accounts?limit=1000", "", nil, &out); err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.stdout, "%s\n", out)
		return err
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	list := []staffLine{}
	for _, x := range a.Accounts.Accounts() {
		list = append(list, staffLine{x.ID, x.Kind, x.Roles, x.Disabled, x.Ready(), len(x.Sessions)})
	}
	if err := a.Close(); err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(list)
	}
	for _, l := range list {
		fmt.Fprintf(sh.stdout, "%s  %s  roles %v  disabled %t  ready %t  sessions %d\n", l.ID, l.Kind, l.Roles, l.Disabled, l.Ready, l.Sessions)
	}
	return nil
}

type accountsInviteCmd struct {
	Label     string   `arg:"" help:"Who it is; sealed."`
	Login     string   `arg:"" help:"What the person signs in with; sealed."`
	Roles     []string `help:"Roles of the policy." required:"" placeholder:"ROLE"`
	Portfolio string   `help:"Portfolio of the policy that the account looks after." placeholder:"CODE"`
}

func (c *accountsInviteCmd) Run(sh *shell) error {
	body := map[string]any{"label": c.Label, "login": c.Login, "roles": c.Roles, "portfolio": c.Portfolio}
	return sh.invite("/v1/accounts", body, func(a *app.App) (auth.Invited, error) {
		return a.People.Create(sh.ctx, domain.ID{}, auth.NewAccount{Kind: account.Human, Label: c.Label, Login: c.Login, Roles: c.Roles, Portfolio: c.Portfolio, Invite: true})
	})
}

type accountsResetCmd struct {
	ID string `arg:"" help:"Id of the account, as accounts list shows it."`
}

func (c *accountsResetCmd) Run(sh *shell) error {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	return sh.invite("/v1/accounts/"+id.String()+"/reset", nil, func(a *app.App) (auth.Invited, error) {
		return a.People.Reset(sh.ctx, domain.ID{}, id, nil)
	})
}

// invite makes an invitation, at a service or here, and shows it.
func (sh *shell) invite(path string, body map[string]any, here func(*app.App) (auth.Invited, error)) error {
	var out struct {
		Account domain.ID `json:"account_id"`
		Secret  string    `json:"invitation"`
	}
	if sh.cli.Accounts.Server != "" {
		cl, err := newClient(sh.cli.Accounts.Server)
		if err != nil {
			return err
		}
		var sent []byte
		media := ""
		if body != nil {
			media = "application/json"
			if sent, err = json.Marshal(body); err != nil {
				return fmt.Errorf("accounts: %w", err)
			}
		}
		if err := cl.do(sh.ctx, http.MethodPost, path, media, sent, &out); err != nil {
			return err
		}
		base, err := url.Parse(sh.cli.Accounts.Server)
		if err != nil {
			return fmt.Errorf("accounts: %w", err)
		}
		return sh.printInvitation(out.Account, out.Secret, base.Scheme+"://"+base.Host)
	}
	a, err := sh.openOrMake()
	if err != nil {
		return err
	}
	made, err := here(a)
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	return sh.printInvitation(made.Account, made.Secret, "")
}

func (sh *shell) printInvitation(id domain.ID, secret, base string) error {
	if sh.cli.JSON {
		return sh.printJSON(map[string]string{"account_id": id.String(), "invitation": secret})
	}
	_, err := fmt.Fprintf(sh.stdout, "account %s, invitation shown once, for 72 hours:\n%s/invitation#%s\n", id, base, secret)
	return err
}

type accountsDisableCmd struct {
	ID string `arg:"" help:"Id of the account, as accounts list shows it."`
}

func (c *accountsDisableCmd) Run(sh *shell) error {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	if sh.cli.Accounts.Server != "" {
		cl, err := newClient(sh.cli.Accounts.Server)
		if err != nil {
			return err
		}
		return cl.do(sh.ctx, http.MethodPost, "/v1/accounts/"+id.String()+"/disable", "", nil, nil)
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	off := true
	_, err = a.People.Change(sh.ctx, domain.ID{}, id, auth.Change{Disabled: &off})
	return errors.Join(err, a.Close())
}
