package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/projections/accounts"
)

// RFC 6238 with what all authenticator applications know: SHA-1, six digits, 30 s.
const (
	totpStep = 30
	totpSkew = 1  // steps before and after
	totpSeed = 20 // bytes
)

// Recovery codes: so many, of 80 random bits each.
const (
	RecoveryCodes = 10 // made at a time
	recoveryBytes = 10
)

// The uses under which a code is good once, on all nodes (see People.Once).
const (
	useTOTP     = "account.totp"
	useRecovery = "account.recovery"
)

// totpAt is the code of a step.
func totpAt(seed []byte, step int64) (string, error) {
	return hotp.GenerateCodeCustom(seedText(seed), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

func seedText(seed []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
}

// totpMatch finds the step a code is of, at now in Unix seconds.
func totpMatch(seed []byte, code string, now int64) (step int64, ok bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	for s := now/totpStep - totpSkew; s <= now/totpStep+totpSkew; s++ {
		if want, err := totpAt(seed, s); err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// TOTP gives a code after a password and begins a session. A code is good once.
func (p *People) TOTP(ctx context.Context, ticket, code string, from netip.Addr) (Started, error) {
	a, err := p.Ticket(ticket)
	if err != nil {
		return Started{}, err
	}
	l := Login{Account: a.ID, Method: "password", Factors: []string{string(account.Password), string(account.TOTP)}, From: from}
	return p.second(ctx, a, account.TOTP, code, l)
}

// Recovery is TOTP with a code on paper.
func (p *People) Recovery(ctx context.Context, ticket, code string, from netip.Addr) (Started, error) {
	a, err := p.Ticket(ticket)
	if err != nil {
		return Started{}, err
	}
	l := Login{Account: a.ID, Method: "password", Factors: []string{string(account.Password), string(account.Recovery)}, From: from}
	return p.second(ctx, a, account.Recovery, code, l)
}

// Reauthenticate is a password and a code from who has a session; a new session
// takes its place.
func (p *People) Reauthenticate(ctx context.Context, who *Principal, password, code string, from netip.Addr) (Started, error) {
	p.parts()
	a, ok := p.Staff.Find(who.Account)
	if !ok || who.Session.IsZero() {
		return Started{}, problem.New(problem.SessionInvalid)
	}
	g := guess{key: loginKey(p.mac("again", who.Session[:])), where: network(from), trusted: true, own: true}
	g.source = string(g.key[:])
	same, err := p.guessed(ctx, g, a, true, password)
	if err != nil {
		return Started{}, err
	}
	if !same {
		if p.tries.of(g.key, g.logged).Failures >= account.MaxFailures {
			if err := p.End(ctx, domain.ID{}, a.ID, who.Session, "revoked"); err != nil {
				return Started{}, err
			}
		}
		return Started{}, problem.New(problem.CredentialsInvalid)
	}
	p.tries.clear(g.key)
	l := Login{Account: a.ID, Method: "password", Factors: []string{string(account.Password), string(account.TOTP)}, From: from, replaces: who.Session}
	return p.second(ctx, a, account.TOTP, code, l)
}

// second looks at a code of an account whose password was right.
func (p *People) second(ctx context.Context, a accounts.Account, kind account.CredentialKind, code string, l Login) (Started, error) {
	p.parts()
	g := guess{key: loginKey(p.mac("code", a.ID[:])), of: a.ID, what: account.WhatCode, logged: a.WrongCodes, where: network(l.From), trusted: true}
	if err := p.take(g); err != nil {
		return Started{}, err
	}
	refuse := func() (Started, error) { return Started{}, p.wrong(ctx, g) }
	c, has := a.Has(kind)
	if !has {
		return refuse()
	}
	secret, err := p.secret(ctx, c.Event)
	if err != nil {
		return Started{}, err
	}
	proof, use := []byte(nil), useTOTP
	if kind == account.TOTP {
		if step, ok := totpMatch(secret, code, p.Now().Unix()); ok {
			proof = binary.BigEndian.AppendUint64(slices.Clone(c.ID[:]), uint64(step))
		}
	} else if at := recoveryMatch(secret, code); at >= 0 {
		proof, use, l.recovery = append(slices.Clone(c.ID[:]), byte(at)), useRecovery, c.ID
	}
	if proof == nil {
		return refuse()
	}
	if l.Once, err = p.Once(use, proof); err != nil {
		return Started{}, err
	}
	s, err := p.Start(ctx, l)
	if err == nil {
		p.tries.clear(g.key)
	}
	return s, err
}

// newRecovery makes codes, and their digests as the secret that is kept: 80 random
// bits need no slow hash.
func newRecovery(r io.Reader) (codes []string, secret []byte, err error) {
	for range RecoveryCodes {
		var b [recoveryBytes]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, nil, fmt.Errorf("make recovery codes: %w", err)
		}
		text := base32.StdEncoding.EncodeToString(b[:])
		sum := sha256.Sum256([]byte(text))
		codes, secret = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:]), append(secret, sum[:]...)
	}
	return codes, secret, nil
}

// recoveryMatch finds which of the codes it is, -1 for none.
func recoveryMatch(secret []byte, code string) int {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	sum, at := sha256.Sum256([]byte(code)), -1
	for i := range len(secret) / sha256.Size {
		if subtle.ConstantTimeCompare(secret[i*sha256.Size:(i+1)*sha256.Size], sum[:]) == 1 {
			at = i
		}
	}
	return at
}

// TOTPOffer is a seed that is not yet a credential. Ticket brings it back.
type TOTPOffer struct {
	Secret string // base32, to be typed in
	URI    string // otpauth://, as a QR code
	Ticket string
}

// OfferTOTP makes a seed for the holder of a session.
func (p *People) OfferTOTP(who *Principal) (TOTPOffer, error) {
	if err := p.MayEnrol(who); err != nil {
		return TOTPOffer{}, err
	}
	seed := make([]byte, totpSeed)
	if _, err := io.ReadFull(p.Rand, seed); err != nil {
		return TOTPOffer{}, fmt.Errorf("make a TOTP seed: %w", err)
	}
	text := seedText(seed)
	q := url.Values{"secret": {text}, "issuer": {"Greffe"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	label := url.PathEscape("Greffe:" + who.Account.String()[:8])
	return TOTPOffer{Secret: text, URI: "otpauth://totp/" + label + "?" + q.Encode(), Ticket: p.offer(who.Session, seed)}, nil
}

// ConfirmTOTP makes the offered seed a credential, after its first code. A new
// session takes the place of the one that enrolled it.
func (p *People) ConfirmTOTP(ctx context.Context, who *Principal, ticket, code string, from netip.Addr) (Started, error) {
	if err := p.MayEnrol(who); err != nil {
		return Started{}, err
	}
	seed, ok := p.readOffer(who.Session, ticket)
	if !ok {
		return Started{}, problem.At(problem.FieldInvalid, "ticket")
	}
	step, ok := totpMatch(seed, code, p.Now().Unix())
	if !ok {
		return Started{}, problem.At(problem.FieldInvalid, "code")
	}
	id, err := p.SetCredential(ctx, who.Account, who.Account, account.TOTP, seed)
	if err != nil {
		return Started{}, err
	}
	once, err := p.Once(useTOTP, binary.BigEndian.AppendUint64(slices.Clone(id[:]), uint64(step)))
	if err != nil {
		return Started{}, err
	}
	return p.Again(ctx, who.Session, Login{Account: who.Account, Method: who.Signed.Method, From: from, Once: once,
		Factors: append(slices.Clone(who.Signed.Factors), string(account.TOTP))})
}

const offerFor = 15 * time.Minute

// offer brings a seed back from the browser that was shown it.
func (p *People) offer(session domain.ID, seed []byte) string {
	b := binary.BigEndian.AppendUint64(slices.Clone(seed), uint64(p.Now().Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, p.mac("offer", append(slices.Clone(session[:]), b...))...))
}

func (p *People) readOffer(session domain.ID, text string) (seed []byte, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	const n = totpSeed + stampBytes
	if err != nil || len(b) != n+sha256.Size || !hmac.Equal(b[n:], p.mac("offer", append(slices.Clone(session[:]), b[:n]...))) {
		return nil, false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(b[totpSeed:])), 0)
	return b[:totpSeed], p.Now().Sub(made) < offerFor
}

// SetRecovery gives the holder of a session new recovery codes, shown once, in the
// place of the former.
func (p *People) SetRecovery(ctx context.Context, who *Principal) ([]string, error) {
	if err := p.IsFresh(who); err != nil {
		return nil, err
	}
	codes, secret, err := newRecovery(p.Rand)
	if err != nil {
		return nil, err
	}
	_, err = p.SetCredential(ctx, who.Account, who.Account, account.Recovery, secret)
	return codes, err
}
