package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/eventstore/access"
	"greffe/projections/accounts"
)

// StaffNames opens what is sealed of accounts, for those who have the receipt of the
// access.
type StaffNames interface {
	// Names opens label and login of each, in order; "" where there is none.
	Names(ctx context.Context, r access.Receipt, of []accounts.Account) ([]StaffName, error)
	// Origins opens the addresses sessions began from, in order; invalid where there is none.
	Origins(ctx context.Context, r access.Receipt, of []account.Session) ([]netip.Addr, error)
}

// StaffName is who an account is.
type StaffName struct{ Label, Login string }

func accountRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	change := Limits{Body: 16 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	get, post, patch := http.MethodGet, http.MethodPost, http.MethodPatch
	const manage = "accounts.manage"
	fresh := writing(problem.SignInAgain)
	return []Route{
		{get, "/v1/accounts", manage, "Accounts: people, guests and services", read, false, listAccounts().of(Nobodys), nil},
		{get, "/v1/accounts/{id}", manage, "One account", read, false, getAccount(), nil},
		{get, "/v1/accounts/{id}/sessions", manage, "The sessions of an account, and where they began", read, false, accountSessions().of(Nobodys), nil},
		{post, "/v1/accounts", manage, "Make an account of a person or a guest, and invite them", change, true, postAccount(), append(fresh, problem.LoginTaken)},
		{patch, "/v1/accounts/{id}", manage, "Change roles, portfolio or names; its sessions end", change, false, patchAccount(),
			append(fresh, problem.LastAdmin, problem.LoginTaken, problem.ActorForbidden)},
		{post, "/v1/accounts/{id}/invitation", manage, "Invite anew; the former invitation is void", change, true, postInvitation(), fresh},
		{post, "/v1/accounts/{id}/disable", manage, "Disable an account, at once", change, true, disableAccount(true), append(fresh, problem.LastAdmin, problem.ActorForbidden)},
		{post, "/v1/accounts/{id}/enable", manage, "Enable an account, and lift a block after wrong passwords", change, true, disableAccount(false), append(fresh, problem.ActorForbidden)},
		{post, "/v1/accounts/{id}/sign-out", manage, "End all sessions of an account, at once", change, true, signOutAccount(), writing()},
		{post, "/v1/accounts/{id}/reset", manage, "Take all credentials and sessions from an account, and invite anew", change, true, resetAccount(),
			append(fresh, problem.LastAdmin)},
	}
}

// AccountItem is an account without what signs it in.
type AccountItem struct {
	ID          domain.ID  `json:"id"`
	Kind        string     `json:"kind" enum:"person,service,guest"`
	Label       string     `json:"label" doc:"Who or what it is."`
	Login       string     `json:"login,omitempty" doc:"What the person signs in with."`
	Roles       []string   `json:"roles"`
	Portfolio   string     `json:"portfolio,omitempty"`
	State       string     `json:"state" enum:"active,invited,enrolling,locked,disabled,ended" doc:"enrolling: a factor is missing. locked: passwords are refused until locked_until."`
	Created     time.Time  `json:"created_at"`
	Factors     []string   `json:"factors" doc:"Kinds of its credentials."`
	Sessions    int        `json:"sessions" doc:"That hold now."`
	LastSignIn  *time.Time `json:"last_sign_in_at,omitempty"`
	LockedUntil *time.Time `json:"locked_until,omitempty"`
	InvitedTill *time.Time `json:"invitation_expires_at,omitempty"`
	Inspection  *domain.ID `json:"inspection_id,omitempty" doc:"Of a guest."`
	Expires     *time.Time `json:"expires_at,omitempty" doc:"Of a guest: the account ends by itself."`
	Bootstrap   bool       `json:"bootstrap,omitzero" doc:"Made by the first start."`
	Revision    int64      `json:"revision" doc:"Another number once roles, portfolio, names, state, invitation or credentials are others: give it with a change, to be told when somebody else was faster."`
}

func accountItem(a accounts.Account, n StaffName, now time.Time) AccountItem {
	x := AccountItem{ID: a.ID, Kind: string(a.Kind), Label: n.Label, Login: n.Login, Roles: a.Roles, Portfolio: a.Portfolio, Created: a.Created,
		Factors: a.Factors(), Bootstrap: a.Bootstrap, Revision: auth.Revision(&a), LastSignIn: since(a.LastSignIn), Expires: since(a.Until)}
	if !a.Inspection.IsZero() {
		x.Inspection = &a.Inspection
	}
	for _, s := range a.Sessions {
		if now.Before(s.Expires) {
			x.Sessions++
		}
	}
	invited, enrolling, locked, disabled, ended := "", "", "", "", ""
	if a.Invitation != nil && now.Before(a.Invitation.Expires) {
		invited, x.InvitedTill = "invited", &a.Invitation.Expires
	}
	if a.Kind != account.Service && !a.Ready() {
		enrolling = "enrolling"
	}
	if until := a.Wrong.Until; a.Wrong.Level > 0 && now.Before(until) {
		locked, x.LockedUntil = "locked", &until
	}
	if a.Disabled {
		disabled = "disabled"
	}
	if a.Over(now) {
		ended = "ended"
	}
	x.State = cmp.Or(disabled, ended, locked, invited, enrolling, "active")
	return x
}

func since(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// AccountsQuery asks for a page of accounts.
type AccountsQuery struct {
	Paging
	Kind string `query:"kind" doc:"person, service or guest; all if absent."`
}

// readsAccounts: labels and logins name staff, so showing them is an access.
func readsAccounts[In any](context.Context, *API, *Call, *In) (access.Reading, error) {
	return access.Reading{Action: "read", Categories: []string{"accounts"}}, nil
}

func listAccounts() endpoint {
	return opening(readsAccounts[AccountsQuery], func(ctx context.Context, a *API, c *Call, receipt access.Receipt, in *AccountsQuery) (*List[AccountItem], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		if in.Kind != "" && !slices.Contains([]string{"person", "service", "guest"}, in.Kind) {
			return nil, problem.At(problem.ParameterInvalid, "kind")
		}
		all := slices.DeleteFunc(a.services.Directory.Accounts(), func(x accounts.Account) bool { return in.Kind != "" && string(x.Kind) != in.Kind })
		all, next, err := accountsAfter(all, page)
		if err != nil {
			return nil, err
		}
		items, err := a.shownAccounts(ctx, receipt, all)
		return &List[AccountItem]{Items: items, Next: next}, err
	})
}

// accountsAfter cuts one page out of a list; its cursor is the id of the last account.
func accountsAfter(all []accounts.Account, page Page) ([]accounts.Account, string, error) {
	if page.Cursor != "" {
		last, err := domain.ParseID(page.Cursor)
		i := slices.IndexFunc(all, func(x accounts.Account) bool { return x.ID == last })
		if err != nil || i < 0 {
			return nil, "", ErrCursor
		}
		all = all[i+1:]
	}
	if len(all) <= page.Limit {
		return all, "", nil
	}
	return all[:page.Limit], all[page.Limit-1].ID.String(), nil
}

func (a *API) shownAccounts(ctx context.Context, receipt access.Receipt, of []accounts.Account) ([]AccountItem, error) {
	names, err := a.services.StaffNames.Names(ctx, receipt, of)
	if err != nil {
		return nil, err
	}
	out := make([]AccountItem, len(of))
	for i, x := range of {
		out[i] = accountItem(x, names[i], a.cfg.Now())
	}
	return out, nil
}

// AccountPath names one account.
type AccountPath struct {
	ID domain.ID `path:"id" doc:"The account, by its id."`
}

// accountOn is what every change of an account says besides itself.
type accountOn struct {
	ID       domain.ID `path:"id" doc:"The account, by its id."`
	Revision *int      `query:"revision" doc:"Of the account as the caller saw it; another one is a conflict."`
}

func (on accountOn) seen() *int64 {
	if on.Revision == nil {
		return nil
	}
	n := int64(*on.Revision)
	return &n
}

func getAccount() endpoint {
	return opening(readsAccounts[AccountPath], func(ctx context.Context, a *API, _ *Call, receipt access.Receipt, in *AccountPath) (*AccountItem, error) {
		return a.shownAccount(ctx, receipt, in.ID)
	})
}

func (a *API) shownAccount(ctx context.Context, receipt access.Receipt, id domain.ID) (*AccountItem, error) {
	x, ok := a.services.Directory.Find(id)
	if !ok {
		return nil, ErrNotFound
	}
	items, err := a.shownAccounts(ctx, receipt, []accounts.Account{x})
	if err != nil {
		return nil, err
	}
	return &items[0], nil
}

// AccountSession is one session of an account.
type AccountSession struct {
	ID       domain.ID `json:"id"`
	Method   string    `json:"method"`
	Factors  []string  `json:"factors"`
	Provider string    `json:"provider,omitempty"`
	From     string    `json:"from,omitempty" doc:"The address it began from."`
	Started  time.Time `json:"started_at"`
	Expires  time.Time `json:"expires_at"`
}

func accountSessions() endpoint {
	return opening(readsAccounts[AccountPath], func(ctx context.Context, a *API, _ *Call, receipt access.Receipt, in *AccountPath) (*List[AccountSession], error) {
		x, ok := a.services.Directory.Find(in.ID)
		if !ok {
			return nil, ErrNotFound
		}
		from, err := a.services.StaffNames.Origins(ctx, receipt, x.Sessions)
		if err != nil {
			return nil, err
		}
		out := &List[AccountSession]{Items: []AccountSession{}}
		for i, s := range slices.Backward(x.Sessions) {
			if !a.cfg.Now().Before(s.Expires) {
				continue
			}
			shown := AccountSession{ID: s.ID, Method: s.Method, Factors: s.Factors, Provider: s.Provider, Started: s.Started, Expires: s.Expires}
			if from[i].IsValid() {
				shown.From = from[i].String()
			}
			out.Items = append(out.Items, shown)
		}
		return out, nil
	})
}

// AccountInput describes an account to make.
type AccountInput struct {
	Body struct {
		Kind       string     `json:"kind,omitempty" doc:"person or guest; person if absent. Services are made with their token."`
		Label      string     `json:"label" doc:"Who it is; sealed. At most 200 bytes."`
		Login      string     `json:"login,omitempty" doc:"What the person signs in with; sealed. Without it only an identity provider signs them in."`
		Roles      []string   `json:"roles" doc:"Roles of the policy."`
		Portfolio  string     `json:"portfolio,omitempty" doc:"A code."`
		Inspection domain.ID  `json:"inspection_id,omitzero" doc:"Of a guest."`
		ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"Of a guest: then the account ends."`
		Invite     *bool      `json:"invite,omitempty" doc:"Make an invitation, with which a password is chosen; true if absent and there is a login."`
	}
}

// InvitationMade shows an invitation, this once.
type InvitationMade struct {
	AccountID domain.ID       `json:"account_id"`
	Secret    string          `json:"invitation,omitempty" doc:"The secret. It is shown once and kept nowhere; give it to the person as the address of the page /invitation with # and the secret."`
	ExpiresAt *time.Time      `json:"invitation_expires_at,omitempty"`
	Position  domain.Position `json:"position"`
}

func invitationMade(i auth.Invited) *InvitationMade {
	return &InvitationMade{AccountID: i.Account, Secret: i.Secret, ExpiresAt: since(i.Expires), Position: i.Position}
}

func postAccount() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *AccountInput) (*InvitationMade, error) {
		b := &in.Body
		n := auth.NewAccount{Kind: account.Kind(cmp.Or(b.Kind, string(account.Human))), Label: b.Label, Login: b.Login, Roles: b.Roles,
			Portfolio: b.Portfolio, Inspection: b.Inspection, Invite: b.Login != ""}
		if b.ExpiresAt != nil {
			n.Until = *b.ExpiresAt
		}
		if b.Invite != nil {
			n.Invite = *b.Invite
		}
		made, err := a.services.People.Create(ctx, c.principal.Account, n)
		if err != nil {
			return nil, err
		}
		return invitationMade(made), nil
	})
}

// AccountPatch says what becomes of an account; what is absent stays.
type AccountPatch struct {
	accountOn
	Body struct {
		Roles     *[]string `json:"roles,omitempty" doc:"All of them anew."`
		Portfolio *string   `json:"portfolio,omitempty"`
		Label     *string   `json:"label,omitempty"`
		Login     *string   `json:"login,omitempty"`
	}
}

// AccountRecorded says where the fact of a change stands.
type AccountRecorded struct {
	Position domain.Position `json:"position"`
}

func patchAccount() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *AccountPatch) (*AccountRecorded, error) {
		b := &in.Body
		at, err := a.services.People.Change(ctx, c.principal.Account, in.ID, auth.Change{Roles: b.Roles, Portfolio: b.Portfolio, Label: b.Label, Login: b.Login, Seen: in.seen()})
		if err != nil {
			return nil, err
		}
		return &AccountRecorded{at}, nil
	})
}

func disableAccount(disabled bool) endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *accountOn) (*AccountRecorded, error) {
		at, err := a.services.People.Change(ctx, c.principal.Account, in.ID, auth.Change{Disabled: &disabled, Seen: in.seen()})
		if err != nil {
			return nil, err
		}
		return &AccountRecorded{at}, nil
	})
}

func signOutAccount() endpoint {
	return silent(func(ctx context.Context, a *API, c *Call, in *AccountPath) error {
		if _, ok := a.services.Directory.Find(in.ID); !ok {
			return ErrNotFound
		}
		return a.services.People.End(ctx, c.principal.Account, in.ID, domain.ID{}, "revoked")
	})
}

func postInvitation() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *accountOn) (*InvitationMade, error) {
		made, err := a.services.People.Invite(ctx, c.principal.Account, in.ID, in.seen())
		if err != nil {
			return nil, err
		}
		return invitationMade(made), nil
	})
}

func resetAccount() endpoint {
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *accountOn) (*InvitationMade, error) {
		made, err := a.services.People.Reset(ctx, c.principal.Account, in.ID, in.seen())
		if err != nil {
			return nil, err
		}
		return invitationMade(made), nil
	})
}
