package auth

import (
	"context"
	"crypto/subtle"
	"net/netip"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/projections/accounts"
)

// Directory knows tokens and accounts; *accounts.Store is one.
type Directory interface {
	ByDigest(accounts.Digest) (accounts.Grant, bool)
	ByCertificate(accounts.Fingerprint) []accounts.Grant
	List() []accounts.Grant
	Find(domain.ID) (accounts.Account, bool)
	Accounts() []accounts.Account
}

// Config is what an Authenticator needs. All fields but Signing are needed.
type Config struct {
	Directory Directory
	// Current returns nil while the directory follows the log; revocations may
	// be missing from one that halted.
	Current func(context.Context) error
	Now     func() time.Time
	// Signing is the root of the secrets that senders sign with, and of the marks of
	// networks; without it no signature is accepted, and no token that is kept to some.
	Signing []byte
	// People knows sessions; without it no cookie is accepted.
	People *People
}

// Authenticator turns tokens into principals.
type Authenticator struct {
	cfg    Config
	wrongs *Limiter
	uses   uses
}

// Wrong tokens of one address: so many at once, then one in each interval.
const (
	wrongBurst    = 10
	wrongInterval = 6 * time.Second
)

// New makes an Authenticator.
func New(cfg Config) *Authenticator {
	return &Authenticator{cfg: cfg, wrongs: NewLimiter(1/wrongInterval.Seconds(), wrongBurst, cfg.Now), uses: uses{told: map[domain.ID]int64{}}}
}

// Identify reads an Authorization header sent by a peer; without one, a certificate
// that is bound to a token stands for it. Errors are
// *problem.Error: token_missing, token_invalid, rate_limited, unavailable; and
// *Refused around token_expired, token_revoked, certificate_required, network_forbidden.
func (a *Authenticator) Identify(ctx context.Context, header string, from Peer) (*Principal, error) {
	if err := a.cfg.Current(ctx); err != nil {
		return nil, problem.Because(problem.Unavailable, err)
	}
	if header == "" && from.Certificate != (accounts.Fingerprint{}) {
		return a.byCertificate(from)
	}
	text, err := bearer(header)
	if err != nil {
		return nil, err
	}
	where := network(from.Addr)
	if !random(text) {
		if wait := a.wrongs.Wait(where); wait > 0 {
			return nil, &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
		}
	}
	d := digest(text)
	g, ok := a.cfg.Directory.ByDigest(d)
	if !ok || subtle.ConstantTimeCompare(g.Token.Digest[:], d[:]) != 1 {
		if s := a.wrongs.Take(where); s.Wait > 0 {
			return nil, &problem.Error{Code: problem.RateLimited, RetryAfter: s.Wait}
		}
		return nil, problem.New(problem.TokenInvalid)
	}
	return a.admit(g, from)
}

// admit lets in whoever proved to have g's token, if that has not ended and may be used
// from there.
func (a *Authenticator) admit(g accounts.Grant, from Peer) (*Principal, error) {
	switch {
	case !g.Token.Revoked.IsZero() || g.Account.Disabled:
		return nil, &Refused{g.Account.ID, problem.New(problem.TokenRevoked)}
	case g.Token.Expired(a.cfg.Now()):
		return nil, &Refused{g.Account.ID, problem.New(problem.TokenExpired)}
	}
	if refusal := a.kept(&g.Token, from); refusal != nil {
		return nil, &Refused{g.Account.ID, refusal}
	}
	a.uses.touch(g.Token.ID, a.cfg.Now())
	return a.principal(g), nil
}

// principal gives the first administrator every role of the format until
// another administrator exists (design §7).
func (a *Authenticator) principal(g accounts.Grant) *Principal {
	p := &Principal{
		Account: g.Account.ID, Token: g.Token.ID, Roles: g.Account.Roles,
		DefaultReason: g.Token.DefaultReason, Sources: g.Token.Sources, ActFor: g.Token.ActFor,
		Scope: g.Token.Permissions, Types: g.Token.Types,
		Portfolio: g.Account.Portfolio,
	}
	if g.Account.Bootstrap && firstAlone(g.Account, a.cfg.Directory.Accounts(), a.cfg.Directory.List()) {
		p.Roles, p.ActFor = policy.RoleCodes(), true
	}
	return p
}

func bearer(header string) (string, error) {
	if header == "" {
		return "", problem.New(problem.TokenMissing)
	}
	scheme, text, ok := strings.Cut(header, " ")
	text = strings.TrimSpace(text)
	switch {
	case !ok || !strings.EqualFold(scheme, "Bearer") || text == "":
		return "", problem.New(problem.TokenMissing)
	case len(text) > maxToken:
		return "", problem.New(problem.TokenInvalid)
	}
	return text, nil
}

// network is what wrong tokens are counted by: an IPv4 address, or the /64 that
// one IPv6 customer has.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
