package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/projections/accounts"
)

// Senders of webhooks that cannot send a bearer token sign what they send:
//
//	X-Greffe-Key: <token id>
//	X-Greffe-Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">
//
// The body is signed as it is sent, before any decompression. The key is the
// text of the token's signing secret, which is derived from a secret of the
// ledger and the token's id, so it is stored nowhere and ends with the token. A
// signature that was seen can be sent again for five minutes; the same events
// are then duplicates.
const (
	signingPrefix = "greffe_sign_"
	signingSkew   = 5 * time.Minute
	maxSignatures = 5 // v1= of one header, while a sender changes its secret
	maxSigned     = 1024
)

// signingSecret is the text that a token's sender signs with.
func signingSecret(root []byte, token domain.ID) (string, error) {
	k, err := hkdf.Key(sha256.New, root, nil, "greffe/ingest-signing/1"+string(token[:]), sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive a signing secret: %w", err)
	}
	return signingPrefix + hex.EncodeToString(k), nil
}

// Claim is a signature by a token that holds, made in time, and not yet compared
// with a body.
type Claim struct {
	a      *Authenticator
	grant  accounts.Grant
	from   Peer
	where  string
	moment string
	macs   [][]byte
}

// Claim reads X-Greffe-Key and X-Greffe-Signature, so that no body is read for
// a caller who could not be let in. Errors are *problem.Error:
// signature_invalid, token_expired, token_revoked, rate_limited, unavailable.
func (a *Authenticator) Claim(ctx context.Context, key, signature string, from Peer) (*Claim, error) {
	if err := a.cfg.Current(ctx); err != nil {
		return nil, problem.Because(problem.Unavailable, err)
	}
	c := &Claim{a: a, from: from, where: network(from.Addr)}
	id, err := domain.ParseID(strings.TrimSpace(key))
	if err != nil || len(a.cfg.Signing) == 0 || !c.read(signature) {
		return nil, c.wrong()
	}
	grants := a.cfg.Directory.List()
	i := slices.IndexFunc(grants, func(g accounts.Grant) bool { return g.Token.ID == id })
	if i < 0 {
		return nil, c.wrong()
	}
	c.grant = grants[i]
	return c, nil
}

// read takes the parts of a signature; false if it is none, or not of now.
func (c *Claim) read(signature string) bool {
	if len(signature) > maxSigned {
		return false
	}
	for item := range strings.SplitSeq(signature, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		switch name {
		case "t":
			c.moment = value
		case "v1":
			mac, err := hex.DecodeString(value)
			if err != nil || len(mac) != sha256.Size || len(c.macs) == maxSignatures {
				return false
			}
			c.macs = append(c.macs, mac)
		}
	}
	seconds, err := strconv.ParseInt(c.moment, 10, 64)
	return err == nil && len(c.macs) > 0 && c.a.cfg.Now().Sub(time.Unix(seconds, 0)).Abs() <= signingSkew
}

// wrong counts a wrong signature of one address. A right one passes all the
// same: it cannot be guessed, and a neighbour must lock nobody out.
func (c *Claim) wrong() error {
	if s := c.a.wrongs.Take(c.where); s.Wait > 0 {
		return &problem.Error{Code: problem.RateLimited, RetryAfter: s.Wait}
	}
	return problem.New(problem.SignatureInvalid)
}

// Verify compares the signature with the body, in constant time. Whether the
// token has ended is told only to who could sign.
func (c *Claim) Verify(body []byte) (*Principal, error) {
	secret, err := signingSecret(c.a.cfg.Signing, c.grant.Token.ID)
	if err != nil {
		return nil, problem.Because(problem.Unavailable, err)
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(c.moment + "."))
	m.Write(body)
	sum, ok := m.Sum(nil), false
	for _, mac := range c.macs {
		ok = hmac.Equal(sum, mac) || ok
	}
	if !ok {
		return nil, c.wrong()
	}
	return c.a.admit(c.grant, c.from)
}

// IdentifySender is Identify for senders that can only do HTTP Basic: the token
// is the password, the name is not looked at (RFC 7617).
func (a *Authenticator) IdentifySender(ctx context.Context, header string, from Peer) (*Principal, error) {
	scheme, text, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") || len(text) > 2*maxToken {
		return a.Identify(ctx, header, from)
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	_, password, found := strings.Cut(string(pair), ":")
	if err != nil || !found {
		return nil, problem.New(problem.TokenMissing)
	}
	return a.Identify(ctx, "Bearer "+password, from)
}
