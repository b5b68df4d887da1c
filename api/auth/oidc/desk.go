package oidc

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
)

// Desk signs people in and out by the word of a provider. All fields are needed.
type Desk struct {
	*Provider
	People *auth.People
}

// useAnswer is the use of ids of sign-ins, so that an answer begins one session on
// all nodes together.
const useAnswer = "people/oidc/answer"

// Enter ends a sign-in: it makes or changes the account and begins a session. Errors
// are *Refusal, or those of auth.People.
func (d *Desk) Enter(ctx context.Context, kept string, query url.Values, from netip.Addr) (auth.Started, error) {
	id, err := d.Finish(ctx, kept, query)
	if err != nil {
		return auth.Started{}, err
	}
	of, err := d.People.Vouch(ctx, auth.Vouched{Issuer: id.Issuer, Subject: id.Subject, Label: id.Name, Roles: id.Roles})
	if errors.Is(err, problem.New(problem.PermissionMissing)) {
		return auth.Started{}, refuse(NoGroup, "")
	}
	if err != nil {
		return auth.Started{}, err
	}
	l := auth.Login{Account: of, Method: string(account.OIDC), Factors: []string{string(account.OIDC)}, Proved: id.Proved, From: from}
	if l.ProviderSession, err = d.People.ProviderSession(id.Issuer, id.Session); err != nil {
		return auth.Started{}, err
	}
	if l.Once, err = d.People.Once(useAnswer, []byte(id.Answer)); err != nil {
		return auth.Started{}, err
	}
	return d.begin(ctx, l, id.Again)
}

// begin begins a session, in the place of another of the same account if again is its
// id.
func (d *Desk) begin(ctx context.Context, l auth.Login, again string) (auth.Started, error) {
	a, ok := d.People.Staff.Find(l.Account)
	if !ok || a.Disabled {
		return auth.Started{}, refuse(Disabled, "")
	}
	if again == "" {
		return d.People.Start(ctx, l)
	}
	old, err := domain.ParseID(again)
	if err != nil || !slices.ContainsFunc(a.Sessions, func(s account.Session) bool { return s.ID == old }) {
		return auth.Started{}, refuse(Expired, "the session to confirm is not of this account, or has ended")
	}
	return d.People.Again(ctx, old, l)
}

// Leave carries out a logout token. Errors are *Refusal, or those of auth.People.
func (d *Desk) Leave(ctx context.Context, token string) error {
	return d.Logout(ctx, token, func(n Notice) error {
		_, err := d.People.EndVouched(ctx, d.Issuer(), n.Subject, n.Session, n.Issued.Add(skew))
		return err
	})
}
