package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// Vouched is somebody an identity provider vouches for.
type Vouched struct {
	Issuer, Subject string
	Label           string   // for people to read, sealed; "" for none
	Roles           []string // of their groups; those the policy does not know count for nothing
}

// The uses of ids that are derived from what a provider says. They are MACs, so that
// neither a subject nor a session of the provider's is in a fact.
const (
	useProviderSubject = "people/oidc/subject"
	useProviderSession = "people/oidc/session"
)

// noLabel is of accounts whose provider gives no name.
const noLabel = "-"

// subjectID is the credential of a provider's subject, which is how an account is
// found: by issuer and subject, never by an address.
func (p *People) subjectID(issuer, subject string) (domain.ID, error) {
	return p.Once(useProviderSubject, framed(issuer, subject))
}

// ProviderSession is the id of a provider's session among ours; zero for "".
func (p *People) ProviderSession(issuer, session string) (domain.ID, error) {
	if session == "" {
		return domain.ID{}, nil
	}
	return p.Once(useProviderSession, framed(issuer, session))
}

// framed joins texts so that no two lists give the same bytes.
func framed(texts ...string) []byte {
	var out []byte
	for _, s := range texts {
		out = fmt.Appendf(out, "%d:%s", len(s), s)
	}
	return out
}

// Linked finds the account of a provider's subject.
func (p *People) Linked(issuer, subject string) (accounts.Account, bool, error) {
	id, err := p.subjectID(issuer, subject)
	if err != nil {
		return accounts.Account{}, false, fmt.Errorf("find a provider's account: %w", err)
	}
	a, ok := p.linked(id)
	return a, ok, nil
}

func (p *People) linked(credential domain.ID) (accounts.Account, bool) {
	for _, a := range p.Staff.Accounts() {
		if slices.ContainsFunc(a.Credentials, func(c account.Credential) bool { return c.ID == credential && c.Kind == account.OIDC }) {
			return a, true
		}
	}
	return accounts.Account{}, false
}

// Vouch gives the account of somebody a provider vouches for, with the roles that
// their groups have now: it is made at the first sign-in, and changed, which ends its
// sessions, when the roles are others. Without a role no account is made, and one
// that is there loses its roles: permission_missing. The provider's word counts also
// for the last administrator's; a restart with GREFFE_BOOTSTRAP_TOKEN makes a new one.
func (p *People) Vouch(ctx context.Context, v Vouched) (domain.ID, error) {
	v.Roles = known(p.Rules(), v.Roles)
	credential, err := p.subjectID(v.Issuer, v.Subject)
	if err != nil {
		return domain.ID{}, fmt.Errorf("find a provider's account: %w", err)
	}
	a, found := p.linked(credential)
	if !found && len(v.Roles) == 0 {
		return domain.ID{}, problem.New(problem.PermissionMissing)
	}
	if !found || !slices.Equal(sortedRoles(a.Roles), v.Roles) {
		if a.ID, err = p.vouch(ctx, credential, v); err != nil {
			return domain.ID{}, err
		}
	}
	if len(v.Roles) == 0 {
		return domain.ID{}, problem.New(problem.PermissionMissing)
	}
	return a.ID, nil
}

// vouch decides while no other node does.
func (p *People) vouch(ctx context.Context, credential domain.ID, v Vouched) (id domain.ID, err error) {
	err = p.Alone(ctx, func(to Facts) error {
		a, found := p.linked(credential)
		id = a.ID
		if found && slices.Equal(sortedRoles(a.Roles), v.Roles) {
			return nil
		}
		if found {
			_, err := p.write(ctx, to, revised(a, v.Roles))
			return err
		}
		var owns []ledger.Own
		if id, owns, err = p.newcomer(credential, v); err != nil {
			return err
		}
		_, err := p.write(ctx, to, owns...)
		return err
	})
	return id, err
}

// revised gives an account other roles; whether it is disabled stays, as that was
// decided here.
func revised(a accounts.Account, roles []string) ledger.Own {
	state := account.StateActive
	if a.Disabled {
		state = account.StateDisabled
	}
	own := ledger.Own{Type: event.AccountChanged, Codes: event.Codes{}.With("account", a.ID.String()).With("roles", roles).With("state", state)}
	if a.Portfolio != "" {
		own.Codes = own.Codes.With("portfolio", a.Portfolio)
	}
	return own
}

// newcomer makes an account and its credential, together.
func (p *People) newcomer(credential domain.ID, v Vouched) (domain.ID, []ledger.Own, error) {
	id, err := domain.RandomID(p.Rand)
	if err != nil {
		return domain.ID{}, nil, fmt.Errorf("make an account: %w", err)
	}
	if v.Label == "" {
		v.Label = noLabel
	}
	secret, err := json.Marshal(map[string]string{"iss": v.Issuer, "sub": v.Subject}, json.Deterministic(true))
	if err != nil {
		return domain.ID{}, nil, fmt.Errorf("make an account: %w", err)
	}
	set, err := credentialSet(domain.ID{}, id, credential, account.OIDC, secret)
	if err != nil {
		return domain.ID{}, nil, err
	}
	made := ledger.Own{Type: event.AccountCreated, Codes: event.Codes{}.With("account", id.String()).With("kind", string(account.Human)).
		With("roles", v.Roles), Parts: names(id, v.Label, "")}
	return id, []ledger.Own{made, set}, nil
}

// known are the roles the policy has, sorted.
func known(rules *policy.Policy, roles []string) []string {
	return slices.DeleteFunc(append([]string{}, sortedRoles(roles)...), func(r string) bool {
		_, ok := rules.Role(r)
		return !ok
	})
}

// EndVouched ends the sessions that a provider says are over: the one of its own
// session, or, where it names none or that of a session begun without, all it vouched
// for of a subject. Sessions that began after the provider said so stay.
func (p *People) EndVouched(ctx context.Context, issuer, subject, session string, before time.Time) (ended int, err error) {
	at, err := p.ProviderSession(issuer, session)
	if err != nil {
		return 0, err
	}
	of := p.Staff.Accounts()
	if subject != "" {
		a, ok, err := p.Linked(issuer, subject)
		if err != nil || !ok {
			return 0, err
		}
		of = []accounts.Account{a}
	}
	for _, a := range of {
		for _, s := range a.Sessions {
			whole := subject != "" && (session == "" || s.ProviderSession.IsZero())
			if s.Method != methodOIDC || s.Started.After(before) || s.ProviderSession != at && !whole {
				continue
			}
			if err := p.End(ctx, domain.ID{}, a.ID, s.ID, "provider"); err != nil {
				return ended, err
			}
			ended++
		}
	}
	return ended, nil
}

const methodOIDC = "oidc"

// byProvider reports an account that a provider vouches for.
func byProvider(a accounts.Account) bool {
	_, ok := a.Has(account.OIDC)
	return ok
}

// fits reports whether an account may be signed in to this way. One that a provider
// vouches for has no other way, so that whoever leaves there leaves here.
func (l *Login) fits(a accounts.Account) bool { return byProvider(a) == (l.Method == methodOIDC) }

// vouched adds what is said of a session that a provider vouched for. What it does not
// say when it had the factors counts as long ago.
func (l *Login) vouched(codes event.Codes, now time.Time, longAgo time.Duration) event.Codes {
	if l.Method != methodOIDC {
		return codes
	}
	if l.Provider != "" {
		codes = codes.With("provider", l.Provider)
	}
	if !l.ProviderSession.IsZero() {
		codes = codes.With("provider_session", l.ProviderSession.String())
	}
	proved := l.Proved
	if proved.IsZero() {
		proved = now.Add(-longAgo)
	}
	if proved.Before(now) {
		codes = codes.With("proved_at", domain.FormatTime(proved))
	}
	return codes
}
