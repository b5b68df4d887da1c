package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/projections/accounts"
)

// tokenLimits are the flags of what a token is kept to.
type tokenLimits struct {
	Permissions []string       `help:"Permissions the token is kept to, of those of its roles." placeholder:"PERMISSION"`
	Types       []string       `help:"Types of events it may send; all if left out." placeholder:"TYPE"`
	Networks    []netip.Prefix `help:"Networks it may be used from; all if left out." placeholder:"CIDR"`
	Certificate []string       `help:"Client certificate (PEM) that the token is bound to; may be repeated." placeholder:"FILE"`
}

var errNoCertificate = errors.New("there is no certificate (PEM) in the file")

// fingerprints are those of the certificates' keys.
func (l *tokenLimits) fingerprints() (out []accounts.Fingerprint, err error) {
	for _, path := range l.Certificate {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("token: --certificate: %w", err)
		}
		block, _ := pem.Decode(b)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("token: --certificate: %s: %w", path, errNoCertificate)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("token: --certificate: %s: %w", path, err)
		}
		out = append(out, sha256.Sum256(c.RawSubjectPublicKeyInfo))
	}
	return out, nil
}

func (l *tokenLimits) limit(r *auth.Request) (err error) {
	r.Permissions, r.Types, r.Networks = l.Permissions, l.Types, l.Networks
	r.Certificates, err = l.fingerprints()
	return err
}

// say puts the limits into a request's body.
func (l *tokenLimits) say(body map[string]any) error {
	prints, err := l.fingerprints()
	if err != nil {
		return err
	}
	if len(l.Permissions) > 0 {
		body["permissions"] = l.Permissions
	}
	if len(l.Types) > 0 {
		body["types"] = l.Types
	}
	if len(l.Networks) > 0 {
		body["networks"] = l.Networks
	}
	if len(prints) > 0 {
		body["certificates"] = prints
	}
	return nil
}

type tokenRotateCmd struct {
	ID      string        `arg:"" help:"Id of the token, as token list shows it."`
	Overlap time.Duration `help:"How long the old token goes on, in whole hours; 0 for not at all." default:"24h" placeholder:"24h"`
	Expires time.Duration `help:"Life of the new token; as the policy says if left out (access.tokens)." placeholder:"720h"`
	Signing bool          `help:"Also show a secret to sign webhooks with (X-Greffe-Signature)."`
}

var errWholeHours = errors.New("token: give --overlap in whole hours")

func (c *tokenRotateCmd) Run(sh *shell) error {
	id, err := domain.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if c.Overlap%time.Hour != 0 {
		return errWholeHours
	}
	now := time.Now()
	if sh.cli.Token.Server != "" {
		cl, err := newClient(sh.cli.Token.Server)
		if err != nil {
			return err
		}
		req := map[string]any{"overlap_hours": int(c.Overlap / time.Hour), "signing": c.Signing}
		if c.Expires > 0 {
			req["expires_at"] = now.Add(c.Expires).UTC().Format(time.RFC3339)
		}
		return sh.makeRemote(cl, "/v1/tokens/"+id.String()+"/rotate", req)
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	r := auth.Rotation{Token: id, Overlap: c.Overlap, Signing: c.Signing}
	if c.Expires > 0 {
		r.Expires = now.Add(c.Expires)
	}
	rules, _ := a.Ledger.Policy()
	made, err := a.Tokens.Rotate(sh.ctx, rules, domain.ID{}, r)
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	return sh.printToken(made.Token.String(), made.Text, made.Signing)
}
