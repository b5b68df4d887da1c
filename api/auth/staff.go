package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// NewAccount describes an account of a person or a guest.
type NewAccount struct {
	Kind       account.Kind
	Label      string // who it is, sealed
	Login      string // what they sign in with, sealed; may be empty for accounts of a provider
	Roles      []string
	Portfolio  string    // a code, or empty
	Inspection domain.ID // of a guest
	Until      time.Time // of a guest
	Invite     bool
}

// Create makes an account of a person or guest, and an invitation if asked for.
// Errors of the request are *problem.Error.
func (p *People) Create(ctx context.Context, actor domain.ID, n NewAccount) (out Invited, err error) {
	if err := p.checkNew(n); err != nil {
		return Invited{}, err
	}
	err = p.Alone(ctx, func(to Facts) error {
		if err := p.free(ctx, n.Login, domain.ID{}); err != nil {
			return err
		}
		if out.Account, err = domain.RandomID(p.Rand); err != nil {
			return fmt.Errorf("make an account: %w", err)
		}
		codes := event.Codes{}.With("account", out.Account.String()).With("kind", string(n.Kind)).With("roles", sortedRoles(n.Roles))
		if n.Portfolio != "" {
			codes = codes.With("portfolio", n.Portfolio)
		}
		if n.Kind == account.Guest {
			codes = codes.With("inspection", n.Inspection.String()).With("expires_at", domain.FormatTime(n.Until))
		}
		owns := []ledger.Own{{Type: event.AccountCreated, Actor: actor, Codes: codes, Parts: names(out.Account, n.Label, n.Login)}}
		if n.Invite {
			var own ledger.Own
			if own, err = p.invitation(actor, &out); err != nil {
				return err
			}
			owns = append(owns, own)
		}
		out.Position, err = p.write(ctx, to, owns...)
		return err
	})
	return out, err
}

func (p *People) checkNew(n NewAccount) error {
	switch {
	case n.Kind != account.Human && n.Kind != account.Guest:
		return problem.At(problem.FieldInvalid, "kind")
	case n.Kind == account.Guest && n.Inspection.IsZero():
		return problem.At(problem.FieldRequired, "inspection_id")
	case n.Kind == account.Guest && !n.Until.After(p.Now()):
		return problem.At(problem.FieldInvalid, "expires_at")
	case n.Kind == account.Human && (!n.Until.IsZero() || !n.Inspection.IsZero()):
		return problem.At(problem.FieldInvalid, "kind")
	case n.Invite && n.Login == "":
		return problem.At(problem.FieldRequired, "login")
	}
	return errors.Join(checkNames(n.Label, n.Login), checkRoles(p.Rules(), n.Roles), checkPortfolio(p.Rules(), n.Portfolio))
}

func checkNames(label, login string) error {
	if strings.TrimSpace(label) == "" {
		return problem.At(problem.FieldRequired, "label")
	}
	if len(label) > maxLabel || !utf8.ValidString(label) {
		return problem.At(problem.FieldInvalid, "label")
	}
	if _, ok := normalLogin(login); login != "" && !ok {
		return problem.At(problem.FieldInvalid, "login")
	}
	return nil
}

func checkRoles(rules *policy.Policy, roles []string) error {
	if len(roles) == 0 {
		return problem.At(problem.FieldRequired, "roles")
	}
	for _, role := range roles {
		if _, ok := rules.Role(role); !ok {
			return problem.At(problem.FieldInvalid, "roles")
		}
	}
	return nil
}

// checkPortfolio refuses a portfolio that no contact can be in, and says which there are.
func checkPortfolio(rules *policy.Policy, code string) error {
	if code == "" || rules.Portfolio(code) {
		return nil
	}
	known := []string{}
	for _, x := range rules.Portfolios() {
		known = append(known, x.Code)
	}
	return &problem.Error{Code: problem.FieldInvalid, Field: "portfolio", Known: known}
}

// free is nil if nobody else signs in with a name.
func (p *People) free(ctx context.Context, login string, but domain.ID) error {
	if login == "" {
		return nil
	}
	a, taken, err := p.ByLogin(ctx, login)
	if err == nil && taken && a.ID != but {
		err = problem.At(problem.LoginTaken, "login")
	}
	return err
}

// names seals label and login. Fields are sorted by path.
func names(of domain.ID, label, login string) []ledger.PlainPart {
	fields := []event.Field{{Path: accountPath, Value: quoted(label)}}
	if normal, ok := normalLogin(login); ok {
		fields = append(fields, event.Field{Path: pathLogin, Value: quoted(normal)})
	}
	return sealed(of, fields...)
}

func sortedRoles(roles []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(roles)))
}

// Reset takes all credentials and sessions from an account, and invites anew: for who
// lost a device, or for an account that others may have got into.
//
// seen is the revision that this was decided on; another is a conflict, and nil is any.
func (p *People) Reset(ctx context.Context, actor, of domain.ID, seen *int64) (out Invited, err error) {
	a, err := p.person(of)
	if err != nil {
		return Invited{}, err
	}
	if byProvider(a) { // else it would have a password, and outlive its leaving there
		return Invited{}, problem.New(problem.ProviderManaged)
	}
	out.Account = of
	err = p.Alone(ctx, func(to Facts) error {
		now, _ := p.Staff.Find(of)
		if err := unchanged(&now, seen); err != nil {
			return err
		}
		if err := p.keepsAdmin(of, func(x *accounts.Account) { x.Credentials = nil }); err != nil {
			return err
		}
		owns := []ledger.Own{{Type: event.AccountSessionEnded, Actor: actor,
			Codes: event.Codes{}.With("account", of.String()).With("all", true).With("why", "revoked")}}
		for _, c := range now.Credentials {
			owns = append(owns, removed(actor, of, c.ID))
		}
		own, err := p.invitation(actor, &out)
		if err != nil {
			return err
		}
		out.Position, err = p.write(ctx, to, append(owns, own)...)
		return err
	})
	return out, err
}

// Change is what becomes of an account; nil members stay.
type Change struct {
	Roles     *[]string
	Portfolio *string
	Disabled  *bool
	Label     *string
	Login     *string
	Seen      *int64 // the revision that this was decided on; nil: any
}

// Change changes an account and ends its sessions, on each node as soon as it knows.
// Nobody changes the own roles or state, and the last administrator stays one.
func (p *People) Change(ctx context.Context, actor, of domain.ID, c Change) (at domain.Position, err error) {
	if _, ok := p.Staff.Find(of); !ok {
		return 0, problem.New(problem.NotFound)
	}
	if actor == of && (c.Roles != nil || c.Disabled != nil || c.Portfolio != nil) {
		return 0, problem.At(problem.ActorForbidden, "id")
	}
	err = p.Alone(ctx, func(to Facts) error {
		a, _ := p.Staff.Find(of)
		if err := unchanged(&a, c.Seen); err != nil {
			return err
		}
		next := a
		if err := p.plan(&next, c); err != nil {
			return err
		}
		if err := p.keepsAdmin(of, func(x *accounts.Account) { x.Roles, x.Disabled = next.Roles, next.Disabled }); err != nil {
			return err
		}
		state := account.StateActive
		if next.Disabled {
			state = account.StateDisabled
		}
		own := ledger.Own{Type: event.AccountChanged, Actor: actor, Codes: event.Codes{}.With("account", of.String()).
			With("roles", sortedRoles(next.Roles)).With("state", state)}
		if next.Portfolio != "" {
			own.Codes = own.Codes.With("portfolio", next.Portfolio)
		}
		if c.Label != nil || c.Login != nil {
			if own.Parts, err = p.renamed(ctx, a, c); err != nil {
				return err
			}
		}
		at, err = p.write(ctx, to, own)
		return err
	})
	return at, err
}

func (p *People) plan(next *accounts.Account, c Change) error {
	if c.Roles != nil {
		if err := checkRoles(p.Rules(), *c.Roles); err != nil {
			return err
		}
		next.Roles = *c.Roles
	}
	if c.Portfolio != nil {
		if err := checkPortfolio(p.Rules(), *c.Portfolio); err != nil {
			return err
		}
		next.Portfolio = *c.Portfolio
	}
	if c.Disabled != nil {
		next.Disabled = *c.Disabled
	}
	return nil
}

// renamed seals the names an account has from now on.
func (p *People) renamed(ctx context.Context, a accounts.Account, c Change) ([]ledger.PlainPart, error) {
	label, login, err := p.Names(ctx, a)
	if err != nil {
		return nil, err
	}
	if c.Label != nil {
		label = *c.Label
	}
	if c.Login != nil {
		if a.Kind == account.Service {
			return nil, problem.At(problem.FieldInvalid, "login")
		}
		login = *c.Login
	}
	if err := errors.Join(checkNames(label, login), p.free(ctx, login, a.ID)); err != nil {
		return nil, err
	}
	return names(a.ID, label, login), nil
}

// person finds an account that signs in.
func (p *People) person(of domain.ID) (accounts.Account, error) {
	a, ok := p.Staff.Find(of)
	if !ok || a.Kind == account.Service {
		return accounts.Account{}, problem.New(problem.NotFound)
	}
	return a, nil
}

// keepsAdmin is last_admin if nobody could administer once an account is changed.
func (p *People) keepsAdmin(of domain.ID, change func(*accounts.Account)) error {
	now := p.Now()
	before, after := false, false
	able := func(a accounts.Account) bool {
		return slices.Contains(a.Roles, roleAdmin) && !a.Disabled && !a.Over(now) && (a.Ready() || slices.ContainsFunc(p.Staff.List(),
			func(g accounts.Grant) bool { return g.Account.ID == a.ID && !g.Token.Ended(now) }))
	}
	for _, a := range p.Staff.Accounts() {
		before = before || able(a)
		if a.ID == of {
			change(&a)
		}
		after = after || able(a)
	}
	if before && !after {
		return problem.New(problem.LastAdmin)
	}
	return nil
}

// Names opens an account's label and login, "" where there is none or it was
// destroyed. Showing them to somebody else is an access like any other.
func (p *People) Names(ctx context.Context, a accounts.Account) (label, login string, err error) {
	for _, at := range slices.Compact([]domain.ID{a.Label, a.Names}) {
		if at.IsZero() {
			continue
		}
		fields, err := p.Open(ctx, at)
		if err != nil {
			return "", "", fmt.Errorf("open the names of an account: %w", err)
		}
		for _, f := range fields {
			switch f.Path {
			case accountPath:
				label, err = text(f.Value)
			case pathLogin:
				login, err = text(f.Value)
			}
			if err != nil {
				return "", "", err
			}
		}
	}
	return label, login, nil
}
