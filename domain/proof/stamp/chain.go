package stamp

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// maxPath is how many certificates a token may need.
const maxPath = 8

// Authority is whom a reader trusts to tell the time.
type Authority struct{ roots *x509.CertPool }

// ParseAuthority reads one or more certificates in PEM. Each is trusted as it is, a
// root or not. The authority's own certificate needs not be among them.
func ParseAuthority(text []byte) (*Authority, error) {
	a := &Authority{x509.NewCertPool()}
	found := 0
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("the authority's file holds something else than certificates")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the authority's file: %w", found+1, err)
		}
		a.roots.AddCert(c)
		found++
	}
	if found == 0 {
		return nil, errors.New("the authority's file holds no certificate in PEM")
	}
	return a, nil
}

// TrustedBy checks that the signer's certificate, by those inside the token, leads to
// one that a trusts, and that each was valid at the time of the stamp and might be used
// for time-stamping. The error is ErrUntrusted.
func (s *Stamp) TrustedBy(a *Authority) error {
	between := x509.NewCertPool()
	for _, c := range s.path[1:] {
		between.AddCert(c)
	}
	_, err := s.path[0].Verify(x509.VerifyOptions{Roots: a.roots, Intermediates: between, CurrentTime: s.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	return nil
}

// stamps says that the key's one purpose, critical, is time-stamping (RFC 3161 §2.3).
func stamps(c *x509.Certificate) bool {
	if !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) || len(c.UnknownExtKeyUsage) > 0 {
		return false
	}
	for _, x := range c.Extensions {
		if x.Id.Equal(oidExtKeyUsage()) {
			return x.Critical
		}
	}
	return false
}

// above is the path from a certificate upwards, as far as those inside go: each signed
// the one before it. One that signed itself proves nothing and is left out.
func above(by *x509.Certificate, certs []*x509.Certificate) ([]*x509.Certificate, error) {
	path := []*x509.Certificate{by}
	for {
		last := path[len(path)-1]
		i := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			return !bytes.Equal(c.RawSubject, c.RawIssuer) && !slices.ContainsFunc(path, c.Equal) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			return path, nil
		}
		if path = append(path, certs[i]); len(path) > maxPath {
			return nil, fmt.Errorf("%w: it holds too many certificates", ErrToken)
		}
	}
}

// tidy writes the token again with what is signed, or leads to who signed.
func (sd signedData) tidy(certs, path []*x509.Certificate) ([]byte, error) {
	var raw []byte
	for i, c := range certs {
		if slices.ContainsFunc(path, c.Equal) && !slices.ContainsFunc(certs[:i], c.Equal) {
			raw = append(raw, c.Raw...)
		}
	}
	sd.Certificates = asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: raw}
	sd.CRLs = asn1.RawValue{}
	s := sd.Signers[0]
	s.Unverified = asn1.RawValue{}
	sd.Signers = []signer{s}
	inner, err := asn1.Marshal(sd)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	b, err := asn1.Marshal(contentInfo{oidSignedData(), asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: inner}})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return b, nil
}
