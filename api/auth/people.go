package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// Staff is the directory of accounts and sessions; *accounts.Store is one.
type Staff interface {
	Directory
	BySession(account.Digest) (accounts.Account, account.Session, bool)
	Tried(name domain.ID) account.Throttle
}

// People signs people in and out, and keeps their credentials. All fields above mu
// are needed but Beside.
type People struct {
	Staff Staff
	Facts Facts
	// WaitFor returns when the directory has applied the fact at a position.
	WaitFor func(context.Context, domain.Position) error
	// Open opens the sealed part of an account's fact; no fields if it was destroyed.
	Open func(ctx context.Context, event domain.ID) ([]event.Field, error)
	// Once is the id of what is said once on all nodes; *ledger.Ledger's Derived.
	Once func(use string, data []byte) (domain.ID, error)
	// Alone does work while no other node decides about accounts.
	Alone func(ctx context.Context, work func(Facts) error) error
	Rules func() *policy.Policy
	Now   func() time.Time
	Rand  io.Reader
	Key   []byte // root of what sessions are authenticated with; one for all nodes
	// Beside does work while the node serves, for what is not to be waited for; nil:
	// it is waited for.
	Beside func(work func(context.Context))

	once   sync.Once
	gate   *gate      // of password hashes
	tries  *tries     // wrong ones, by name and by network
	logins *loginBook // who has which name
}

// parts makes what a People keeps in memory, at its first use.
func (p *People) parts() *People {
	p.once.Do(func() {
		p.gate, p.tries, p.logins = newGate(), newTries(p.Now), &loginBook{known: map[domain.ID]loginKey{}}
	})
	return p
}

// Login is a sign-in that was proved.
type Login struct {
	Account  domain.ID
	Method   string // password, passkey or oidc
	Factors  []string
	Provider string // code of the OIDC provider
	// ProviderSession is the provider's session, see People.ProviderSession; zero if it
	// names none.
	ProviderSession domain.ID
	Proved          time.Time // when a provider had the factors; zero: it does not say
	From            netip.Addr
	// Once is the id of the fact, where a proof may be used once on all nodes (see
	// People.Once); random when zero.
	Once     domain.ID
	replaces domain.ID // the session that ends with this one's beginning
	recovery domain.ID // the credential of the recovery code that was used
}

// Started is a session that began.
type Started struct {
	Account domain.ID
	Session domain.ID
	Cookie  string // the value; see SetCookie
	CSRF    string // what X-Greffe-CSRF must be
	Expires time.Time
	// Complete is false for a session without two factors: it may only enrol one.
	Complete bool
}

const (
	pathFrom   = "account.from"
	pathSecret = "account.secret"
	pathLogin  = "account.login"
	// enrolFor is the life of a session that may only enrol.
	enrolFor = 30 * time.Minute
)

// Start begins a session for who proved to be an account's holder, and returns when
// this node accepts its cookie. The proof is the caller's matter. Errors are
// *problem.Error: credentials_invalid if the account may not sign in, or if the
// proof was used before.
func (p *People) Start(ctx context.Context, l Login) (Started, error) {
	a, ok := p.Staff.Find(l.Account)
	now := p.Now()
	if !ok || !admissible(a, now) || !l.fits(a) {
		return Started{}, problem.New(problem.CredentialsInvalid)
	}
	out := Started{Account: a.ID}
	var err error
	if out.Session, err = domain.RandomID(p.Rand); err != nil {
		return Started{}, fmt.Errorf("begin a session: %w", err)
	}
	var secret [secretBytes]byte
	if _, err = io.ReadFull(p.Rand, secret[:]); err != nil {
		return Started{}, fmt.Errorf("begin a session: %w", err)
	}
	digest := account.Digest(sha256.Sum256(secret[:]))
	factors := slices.Compact(slices.Sorted(slices.Values(l.Factors)))
	out.Complete = account.Complete(factors)
	out.Expires = p.expiry(a, out.Complete, now)
	codes := event.Codes{}.With("account", a.ID.String()).With("session", out.Session.String()).With("digest", hex.EncodeToString(digest[:])).
		With("method", l.Method).With("factors", factors).With("expires_at", domain.FormatTime(out.Expires))
	codes = l.vouched(codes, now, p.Rules().Sessions().Absolute)
	if !l.replaces.IsZero() {
		codes = codes.With("replaces", l.replaces.String())
	}
	if !l.recovery.IsZero() {
		codes = codes.With("recovery", l.recovery.String())
	}
	own := ledger.Own{Type: event.AccountSessionStarted, ID: l.Once, Actor: a.ID, Codes: codes}
	if l.From.IsValid() {
		own.Parts = sealed(a.ID, event.Field{Path: pathFrom, Value: quoted(l.From.Unmap().WithZone("").String())})
	}
	_, err = p.write(ctx, p.Facts, own)
	if errors.Is(err, ledger.ErrTaken) {
		return Started{}, problem.New(problem.CredentialsInvalid)
	}
	if err != nil {
		return Started{}, err
	}
	out.Cookie, out.CSRF = p.cookie(secret, now), p.csrf(digest)
	return out, nil
}

// expiry is when a session that begins now ends at the latest.
func (p *People) expiry(a accounts.Account, complete bool, now time.Time) time.Time {
	end := now.Add(p.Rules().Sessions().Absolute)
	if !complete {
		end = now.Add(enrolFor)
	}
	if !a.Until.IsZero() && a.Until.Before(end) {
		end = a.Until
	}
	return end
}

// admissible reports whether an account may have sessions.
func admissible(a accounts.Account, now time.Time) bool {
	return !a.Disabled && !a.Over(now) && (a.Kind == account.Human || a.Kind == account.Guest)
}

// Again begins a session that takes the place of another one of the same account,
// after its holder gave factors again or enrolled one: the cookie is a new one, so
// that one fixed or seen before is worth nothing. Factors are those given now.
func (p *People) Again(ctx context.Context, session domain.ID, l Login) (Started, error) {
	l.replaces = session
	return p.Start(ctx, l)
}

// End ends a session of an account, all if session is zero, and returns when this
// node refuses it. Why is signed_out, revoked, idle, expired, password_changed,
// disabled or provider.
func (p *People) End(ctx context.Context, actor, of, session domain.ID, why string) error {
	codes := event.Codes{}.With("account", of.String()).With("why", why)
	if session.IsZero() {
		codes = codes.With("all", true)
	} else {
		codes = codes.With("session", session.String())
	}
	_, err := p.write(ctx, p.Facts, ledger.Own{Type: event.AccountSessionEnded, Actor: actor, Codes: codes})
	return err
}

// Credential is one with its secret, opened.
type Credential struct {
	account.Credential
	Secret []byte
}

// Credentials opens the credentials of an account. Those whose secret was destroyed
// are left out.
func (p *People) Credentials(ctx context.Context, of domain.ID) ([]Credential, error) {
	a, ok := p.Staff.Find(of)
	if !ok {
		return nil, problem.New(problem.NotFound)
	}
	var out []Credential
	for _, c := range a.Credentials {
		secret, err := p.secret(ctx, c.Event)
		if err != nil {
			return nil, err
		}
		if secret != nil {
			out = append(out, Credential{c, secret})
		}
	}
	return out, nil
}

// secret opens the secret of one credential, nil if it was destroyed.
func (p *People) secret(ctx context.Context, at domain.ID) (secret []byte, err error) {
	fields, err := p.Open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("open a credential: %w", err)
	}
	for _, f := range fields {
		if f.Path == pathSecret {
			if err := json.Unmarshal(f.Value, &secret); err != nil {
				return nil, fmt.Errorf("a credential is damaged; run greffe verify: %w", err)
			}
		}
	}
	return secret, nil
}

// SetCredential gives an account a credential, and returns when this node knows it.
// Of password, totp and recovery an account has one: the new one replaces it. Who
// may do it is the caller's to ask (MayEnrol).
func (p *People) SetCredential(ctx context.Context, actor, of domain.ID, kind account.CredentialKind, secret []byte) (domain.ID, error) {
	a, ok := p.Staff.Find(of)
	if !ok || !admissible(a, p.Now()) {
		return domain.ID{}, problem.New(problem.NotFound)
	}
	if len(a.Credentials) >= account.MaxCredentials && kind.Several() {
		return domain.ID{}, problem.New(problem.Conflict)
	}
	id, err := domain.RandomID(p.Rand)
	if err != nil {
		return domain.ID{}, fmt.Errorf("set a credential: %w", err)
	}
	return id, p.setCredential(ctx, actor, of, id, kind, secret)
}

// ReplaceCredential gives a credential a new secret, such as a passkey's record
// after its counter moved. One that was taken away meanwhile does not come back:
// credentials_invalid.
func (p *People) ReplaceCredential(ctx context.Context, actor, of, credential domain.ID, kind account.CredentialKind, secret []byte) error {
	a, ok := p.Staff.Find(of)
	if !ok || !slices.ContainsFunc(a.Credentials, func(c account.Credential) bool { return c.ID == credential && c.Kind == kind }) {
		return problem.New(problem.CredentialsInvalid)
	}
	return p.setCredential(ctx, actor, of, credential, kind, secret)
}

func (p *People) setCredential(ctx context.Context, actor, of, credential domain.ID, kind account.CredentialKind, secret []byte) error {
	own, err := credentialSet(actor, of, credential, kind, secret)
	if err != nil {
		return err
	}
	_, err = p.write(ctx, p.Facts, own)
	return err
}

func credentialSet(actor, of, credential domain.ID, kind account.CredentialKind, secret []byte) (ledger.Own, error) {
	value, err := json.Marshal(secret)
	if err != nil {
		return ledger.Own{}, fmt.Errorf("set a credential: %w", err)
	}
	return ledger.Own{Type: event.AccountCredentialSet, Actor: actor,
		Codes: event.Codes{}.With("account", of.String()).With("credential", credential.String()).With("kind", string(kind)),
		Parts: sealed(of, event.Field{Path: pathSecret, Value: value})}, nil
}

// RemoveCredential takes a credential from an account. Its holder cannot remove
// the last way to sign in with two factors: last_factor.
func (p *People) RemoveCredential(ctx context.Context, actor, of, credential domain.ID) error {
	a, ok := p.Staff.Find(of)
	if !ok || !slices.ContainsFunc(a.Credentials, func(c account.Credential) bool { return c.ID == credential }) {
		return problem.New(problem.NotFound)
	}
	left := a.State
	left.Credentials = slices.DeleteFunc(slices.Clone(a.Credentials), func(c account.Credential) bool { return c.ID == credential })
	if a.Ready() && !left.Ready() {
		return problem.New(problem.LastFactor)
	}
	_, err := p.write(ctx, p.Facts, removed(actor, of, credential))
	return err
}

func removed(actor, of, credential domain.ID) ledger.Own {
	return ledger.Own{Type: event.AccountCredentialRemoved, Actor: actor,
		Codes: event.Codes{}.With("account", of.String()).With("credential", credential.String())}
}

// MayEnrol says whether the holder of a session may change the own credentials: with
// two factors given recently, or, while there is no second factor yet, with the
// password alone. Errors are second_factor_missing and sign_in_again.
func (p *People) MayEnrol(who *Principal) error {
	a, ok := p.Staff.Find(who.Account)
	switch {
	case !ok || who.Session.IsZero():
		return problem.New(problem.SessionInvalid)
	case byProvider(a):
		return problem.New(problem.ProviderManaged)
	case !who.Signed.Complete() && len(a.Next()) > 0:
		return problem.New(problem.SecondFactorMissing)
	case !who.Signed.Complete():
		return nil
	}
	return p.IsFresh(who)
}

// IsFresh is nil for a token, and for a session whose holder gave two factors
// recently; else second_factor_missing or sign_in_again.
func (p *People) IsFresh(who *Principal) error {
	switch {
	case who.Session.IsZero():
		return nil
	case !who.Signed.Complete():
		return problem.New(problem.SecondFactorMissing)
	case p.Now().Sub(who.Fresh) >= p.Rules().Sessions().Fresh:
		return problem.New(problem.SignInAgain)
	}
	return nil
}

// write records facts and returns when this node has applied them.
func (p *People) write(ctx context.Context, to Facts, owns ...ledger.Own) (domain.Position, error) {
	return record(ctx, to, p.WaitFor, owns)
}

// sealed makes the part of an account's fact. Fields are sorted by path.
func sealed(of domain.ID, fields ...event.Field) []ledger.PlainPart {
	return []ledger.PlainPart{{Key: part.KeyID{Owner: part.AccountOwner(of), Class: "accounts", Epoch: part.EpochWhole}, Fields: fields}}
}

// quoted is a text as JSON.
func quoted(s string) []byte {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil { // only for what is not UTF-8, which callers refuse
		return []byte(`""`)
	}
	return b
}

// text is what a sealed JSON text says.
func text(value []byte) (s string, err error) {
	if err := json.Unmarshal(value, &s); err != nil {
		return "", fmt.Errorf("a name of an account is damaged; run greffe verify: %w", err)
	}
	return s, nil
}
