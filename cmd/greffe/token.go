package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/domain"
)

type tokenCmd struct {
	Server string         `help:"Speak to this running service; token in GREFFE_TOKEN." placeholder:"URL"`
	Make   tokenMakeCmd   `cmd:"" help:"Make a token; it is shown once."`
	List   tokenListCmd   `cmd:"" help:"List accounts and their tokens."`
	Rotate tokenRotateCmd `cmd:"" help:"Make a token in the place of another, which goes on for a while."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token at once."`
}

type tokenMakeCmd struct {
	Label   string        `arg:"" help:"Whose token it is; sealed."`
	Roles   []string      `help:"Roles of the policy." required:"" placeholder:"ROLE"`
	Expires time.Duration `help:"Life of the token; as the policy says if left out (access.tokens)." placeholder:"720h"`
	Reason  string        `help:"Reason code used where a request gives none; recorded as defaulted." placeholder:"CODE"`
	Sources []string      `help:"Sources this token may send events of; all if left out." placeholder:"NAME"`
	ActFor  bool          `help:"The token may name the person behind a request (X-Greffe-Actor)."`
	Signing bool          `help:"Also show a secret to sign webhooks with (X-Greffe-Signature)."`
	tokenLimits
}

func (c *tokenMakeCmd) Run(sh *shell) error {
	if sh.cli.Token.Server != "" {
		return c.remote(sh)
	}
	a, err := sh.openOrMake()
	if err != nil {
		return err
	}
	rules, _ := a.Ledger.Policy()
	req := auth.Request{Label: c.Label, Roles: c.Roles, DefaultReason: c.Reason, Sources: c.Sources, ActFor: c.ActFor, Signing: c.Signing}
	if err := c.limit(&req); err != nil {
		return errors.Join(err, a.Close())
	}
	if c.Expires > 0 {
		req.Expires = time.Now().Add(c.Expires)
	}
	made, err := a.Tokens.Make(sh.ctx, rules, domain.ID{}, req)
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	return sh.printToken(made.Token.String(), made.Text, made.Signing)
}

func (c *tokenMakeCmd) remote(sh *shell) error {
	cl, err := newClient(sh.cli.Token.Server)
	if err != nil {
		return err
	}
	req := map[string]any{"label": c.Label, "roles": c.Roles, "act_for": c.ActFor, "signing": c.Signing}
	if c.Reason != "" {
		req["default_reason"] = c.Reason
	}
	if len(c.Sources) > 0 {
		req["sources"] = c.Sources
	}
	if err := c.say(req); err != nil {
		return err
	}
	if c.Expires > 0 {
		req["expires_at"] = time.Now().Add(c.Expires).UTC().Format(time.RFC3339)
	}
	return sh.makeRemote(cl, "/v1/tokens", req)
}

// makeRemote has a running service make a token, and shows it.
func (sh *shell) makeRemote(cl *client, path string, req map[string]any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	var out struct {
		ID      string `json:"id"`
		Token   string `json:"token"`
		Signing string `json:"signing_secret"`
	}
	if err := cl.do(sh.ctx, http.MethodPost, path, "application/json", body, &out); err != nil {
		return err
	}
	return sh.printToken(out.ID, out.Token, out.Signing)
}

func (sh *shell) printToken(id, token, signing string) error {
	if sh.cli.JSON {
		out := map[string]string{"id": id, "token": token}
		if signing != "" {
			out["signing_secret"] = signing
		}
		return sh.printJSON(out)
	}
	_, err := fmt.Fprintf(sh.stdout, "token %s, shown once:\n%s\n", id, token)
	if signing != "" && err == nil {
		_, err = fmt.Fprintf(sh.stdout, "to sign with, X-Greffe-Key %s, shown once:\n%s\n", id, signing)
	}
	return err
}

type tokenListCmd struct {
	Reason string `help:"With --server: why, as CODE[:ticket]; labels name staff, so the list is a recorded access." placeholder:"CODE"`
}

func (c *tokenListCmd) Run(sh *shell) error {
	if sh.cli.Token.Server != "" {
		cl, err := newClient(sh.cli.Token.Server)
		if err != nil {
			return err
		}
		cl.reason = c.Reason
		var out raw
		if err := cl.do(sh.ctx, http.MethodGet, "/v1/tokens", "", nil, &out); err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.stdout, "%s\n", out)
		return err
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	now := time.Now()
	list := []tokenLine{}
	for _, g := range a.Accounts.List() {
		list = append(list, tokenLine{g.Token.ID, g.Account.ID, g.Account.Roles, !g.Token.Ended(now)})
	}
	if err := a.Close(); err != nil {
		return err
	}
	if sh.cli.JSON {
		return sh.printJSON(list)
	}
	for _, l := range list {
		state := "ended"
		if l.Valid {
			state = "valid"
		}
		fmt.Fprintf(sh.stdout, "%s  account %s  roles %v  %s\n", l.ID, l.Account, l.Roles, state)
	}
	return nil
}

// tokenLine is one token of the list.
type tokenLine struct {
	ID      domain.ID `json:"id"`
	Account domain.ID `json:"account_id"`
	Roles   []string  `json:"roles"`
	Valid   bool      `json:"valid"`
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"Id of the token, as token list shows it."`
}

func (c *tokenRevokeCmd) Run(sh *shell) error {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if sh.cli.Token.Server != "" {
		cl, err := newClient(sh.cli.Token.Server)
		if err != nil {
			return err
		}
		return cl.do(sh.ctx, http.MethodDelete, "/v1/tokens/"+id.String(), "", nil, nil)
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	return errors.Join(a.Tokens.Revoke(sh.ctx, domain.ID{}, id), a.Close())
}
