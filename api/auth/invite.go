package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// invitedFor is how long an invitation may be accepted.
const invitedFor = 72 * time.Hour

// Invited is an invitation. Secret is shown once and kept nowhere.
type Invited struct {
	Account  domain.ID
	Secret   string // "" where none was asked for
	Expires  time.Time
	Position domain.Position
}

// invitation makes a secret for out.Account, and the fact of it.
func (p *People) invitation(actor domain.ID, out *Invited) (ledger.Own, error) {
	var secret [secretBytes]byte
	if _, err := io.ReadFull(p.Rand, secret[:]); err != nil {
		return ledger.Own{}, fmt.Errorf("invite: %w", err)
	}
	out.Secret, out.Expires = base64.RawURLEncoding.EncodeToString(secret[:]), p.Now().Add(invitedFor)
	sum := sha256.Sum256([]byte(out.Secret))
	return ledger.Own{Type: event.AccountInvited, Actor: actor, Codes: event.Codes{}.With("account", out.Account.String()).
		With("digest", hex.EncodeToString(sum[:])).With("expires_at", domain.FormatTime(out.Expires))}, nil
}

// Invite gives an account a new invitation; the former is void. seen is the revision that
// this was decided on; another is a conflict, and nil is any.
func (p *People) Invite(ctx context.Context, actor, of domain.ID, seen *int64) (Invited, error) {
	a, err := p.person(of)
	if err != nil {
		return Invited{}, err
	}
	if byProvider(a) {
		return Invited{}, problem.New(problem.ProviderManaged)
	}
	if !admissible(a, p.Now()) {
		return Invited{}, problem.New(problem.Conflict)
	}
	out := Invited{Account: of}
	own, err := p.invitation(actor, &out)
	if err != nil {
		return Invited{}, err
	}
	err = p.Alone(ctx, func(to Facts) error {
		now, _ := p.Staff.Find(of)
		if err := unchanged(&now, seen); err != nil {
			return err
		}
		out.Position, err = p.write(ctx, to, own)
		return err
	})
	return out, err
}

// Accept has the holder of an invitation choose a password, once; it leads on like a
// right password. Errors: invitation_invalid, password_weak.
func (p *People) Accept(ctx context.Context, secret, password string, from netip.Addr) (Step, error) {
	sum := account.Digest(sha256.Sum256([]byte(secret)))
	where := network(from)
	p.parts()
	if wait := p.tries.networks.Wait(where); wait > 0 {
		return Step{}, &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
	}
	var a accounts.Account
	for _, x := range p.Staff.Accounts() {
		if x.Invitation != nil && subtle.ConstantTimeCompare(x.Invitation.Digest[:], sum[:]) == 1 && p.Now().Before(x.Invitation.Expires) {
			a = x
		}
	}
	if a.ID.IsZero() || !admissible(a, p.Now()) {
		p.tries.networks.Take(where)
		return Step{}, problem.New(problem.InvitationInvalid)
	}
	once, err := p.Once("account.invitation", sum[:])
	if err != nil {
		return Step{}, err
	}
	err = p.setPassword(ctx, a, once, password, where)
	if errors.Is(err, ledger.ErrTaken) {
		return Step{}, problem.New(problem.InvitationInvalid)
	}
	if err != nil {
		return Step{}, err
	}
	if a, err = p.person(a.ID); err != nil {
		return Step{}, err
	}
	return p.step(ctx, a, from)
}

// setPassword sets a password that is good enough; all sessions of the account end.
// source is whose turn it takes to hash it.
func (p *People) setPassword(ctx context.Context, a accounts.Account, once domain.ID, password, source string) error {
	_, login, err := p.Names(ctx, a)
	if err != nil {
		return err
	}
	if account.CheckPassword(password, login, account.Case(p.Rules().Passwords())) != "" {
		return problem.At(problem.PasswordWeak, "password")
	}
	leave, err := p.parts().gate.enter(ctx, source)
	if err != nil {
		return err
	}
	hash, err := hashPassword(p.Rand, password)
	leave()
	if err != nil {
		return err
	}
	id, err := domain.RandomID(p.Rand)
	if err != nil {
		return fmt.Errorf("set a password: %w", err)
	}
	own, err := credentialSet(a.ID, a.ID, id, account.Password, []byte(hash))
	if err != nil {
		return err
	}
	own.ID = once
	_, err = p.write(ctx, p.Facts, own)
	return err
}

// ChangePassword has the holder of a session choose another password. All sessions
// of the account end; a new one takes the place of this one.
func (p *People) ChangePassword(ctx context.Context, who *Principal, password string, from netip.Addr) (Started, error) {
	if err := p.IsFresh(who); err != nil {
		return Started{}, err
	}
	a, err := p.person(who.Account)
	if err != nil {
		return Started{}, err
	}
	if err := p.setPassword(ctx, a, domain.ID{}, password, string(who.Session[:])); err != nil {
		return Started{}, err
	}
	return p.Start(ctx, Login{Account: a.ID, Method: who.Signed.Method, Factors: who.Signed.Factors, Provider: who.Signed.Provider, From: from})
}
