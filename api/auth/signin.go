package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/projections/accounts"
)

// Step is what a right password leads to: a session that may only enrol, of an
// account without a second factor, or a ticket with which one is given.
type Step struct {
	Account domain.ID
	Next    []string // passkey, totp, recovery; none: Session has begun
	Ticket  string
	Expires time.Time // of the ticket
	Session *Started
}

const (
	// TicketFor is how long a right password waits for its second factor.
	TicketFor = 5 * time.Minute
	// useName derives the id under which a name that nobody has is counted.
	useName     = "signin.name"
	ticketBytes = len(domain.ID{}) + len(domain.ID{}) + stampBytes
)

// Password looks at a name and a password. An unknown name, an account that may not
// sign in, one without a password, and a wrong password all answer
// credentials_invalid after the same work, and count alike: rate_limited with how
// long to wait. device is the value of the device's cookie, "" for none: see Device.
func (p *People) Password(ctx context.Context, name, password, device string, from netip.Addr) (Step, error) {
	p.parts()
	normal, _ := normalLogin(name)
	a, found, err := p.ByLogin(ctx, name)
	if err != nil {
		return Step{}, err
	}
	g := guess{key: p.loginKey(normal), of: a.ID, what: account.WhatPassword, logged: a.Wrong, where: network(from), source: network(from)}
	stranger, err := p.Once(useName, g.key[:]) // the same work, whoever it is
	if err != nil {
		return Step{}, err
	}
	if !found {
		g.of, g.what, g.logged = stranger, account.WhatName, p.Staff.Tried(stranger)
	}
	if found && p.knowsDevice(a, device) {
		g.key, g.logged, g.trusted, g.own = p.deviceKey(device), account.Throttle{}, true, true
		g.source = string(g.key[:])
	}
	ok, err := p.guessed(ctx, g, a, found, password)
	if err != nil {
		return Step{}, err
	}
	if !ok {
		return Step{}, p.wrong(ctx, g)
	}
	p.tries.clear(g.key)
	return p.step(ctx, a, from)
}

// step is what the right password of an account leads to.
func (p *People) step(ctx context.Context, a accounts.Account, from netip.Addr) (Step, error) {
	out := Step{Account: a.ID, Next: a.Next()}
	if len(out.Next) > 0 {
		out.Ticket, out.Expires = p.ticket(a, p.Now()), p.Now().Add(TicketFor)
		return out, nil
	}
	s, err := p.Start(ctx, Login{Account: a.ID, Method: "password", Factors: []string{string(account.Password)}, From: from})
	out.Session = &s
	return out, err
}

// comparePassword does the same work whoever it is.
func (p *People) comparePassword(ctx context.Context, a accounts.Account, found bool, password string) (bool, error) {
	c, has := a.Has(account.Password)
	able := found && has && admissible(a, p.Now())
	if !able {
		c = p.anyPassword()
	}
	hash := decoy()
	if !c.Event.IsZero() {
		secret, err := p.secret(ctx, c.Event)
		if err != nil {
			return false, err
		}
		if able = able && secret != nil; able {
			hash = string(secret)
		}
	}
	if len(password) > account.MaxPassword {
		password = ""
	}
	same, err := samePassword(hash, password)
	return same && able, err
}

// anyPassword is some account's, to be opened where there is none to open.
func (p *People) anyPassword() account.Credential {
	for _, a := range p.Staff.Accounts() {
		if c, ok := a.Has(account.Password); ok {
			return c
		}
	}
	return account.Credential{}
}

// ticket says that the holder of an account gave its password a moment ago. It ends
// with the password, and is worth nothing without a second factor.
func (p *People) ticket(a accounts.Account, now time.Time) string {
	c, _ := a.Has(account.Password)
	b := append(append(make([]byte, 0, ticketBytes+sha256.Size), a.ID[:]...), c.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, p.mac("ticket", b)...))
}

// Ticket gives the account that gave its password a moment ago; for those who take
// a passkey as the second factor. Error: credentials_invalid.
func (p *People) Ticket(text string) (accounts.Account, error) {
	refused := problem.New(problem.CredentialsInvalid)
	if len(text) != base64.RawURLEncoding.EncodedLen(ticketBytes+sha256.Size) {
		return accounts.Account{}, refused
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !hmac.Equal(b[ticketBytes:], p.mac("ticket", b[:ticketBytes])) {
		return accounts.Account{}, refused
	}
	n := len(domain.ID{})
	given := time.Unix(int64(binary.BigEndian.Uint64(b[2*n:])), 0)
	a, ok := p.Staff.Find(domain.ID(b[:n]))
	c, has := a.Has(account.Password)
	now := p.Now()
	if !ok || !has || c.ID != domain.ID(b[n:2*n]) || !admissible(a, now) || now.Sub(given) >= TicketFor || given.After(now.Add(clockSlack)) {
		return accounts.Account{}, refused
	}
	return a, nil
}

// deviceBytes: the account, the password's credential, a random number.
const (
	deviceNonce = 16
	deviceBytes = 2*len(domain.ID{}) + deviceNonce
)

// Device is the value of a cookie for a device on which the account's holder signed
// in: wrong passwords elsewhere do not make it wait, so that a stranger cannot keep
// the holder out. It ends with the password, proves nothing by itself, and has ten
// tries of its own.
func (p *People) Device(of domain.ID) (string, error) {
	a, ok := p.Staff.Find(of)
	c, has := a.Has(account.Password)
	if !ok || !has {
		return "", nil
	}
	b := append(append(make([]byte, 0, deviceBytes+sha256.Size), a.ID[:]...), c.ID[:]...)
	nonce, err := domain.RandomID(p.Rand)
	if err != nil {
		return "", err
	}
	b = append(b, nonce[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, p.mac("device", b)...)), nil
}

func (p *People) knowsDevice(a accounts.Account, text string) bool {
	if len(text) != base64.RawURLEncoding.EncodedLen(deviceBytes+sha256.Size) {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !hmac.Equal(b[deviceBytes:], p.mac("device", b[:deviceBytes])) {
		return false
	}
	n := len(domain.ID{})
	c, has := a.Has(account.Password)
	return has && domain.ID(b[:n]) == a.ID && domain.ID(b[n:2*n]) == c.ID &&
		p.tries.of(p.deviceKey(text), account.Throttle{}).Failures < account.MaxFailures
}

func (p *People) deviceKey(text string) loginKey { return loginKey(p.mac("device-key", []byte(text))) }
