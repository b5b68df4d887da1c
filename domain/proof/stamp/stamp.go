package stamp

import (
	"bytes"
	"crypto"
	"crypto/sha1" // names a certificate in older tokens (RFC 5035 §5.4); the chain is what is trusted
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

var (
	// ErrToken: not a time-stamp token, or one that does not hold by itself.
	ErrToken = errors.New("not a valid time-stamp token")
	// ErrUntrusted: the signer leads to no authority that is trusted, or might not
	// stamp at the time of the stamp.
	ErrUntrusted = errors.New("the time-stamp is not of a trusted authority")
	// ErrRefused: the authority answered that it does not stamp this.
	ErrRefused = errors.New("the authority refused to stamp")
)

// tagSet is the first byte of a SET in DER.
const tagSet = 0x20 | asn1.TagSet

// MaxToken bounds a token.
const MaxToken = 32 << 10

// Stamp is what a token says: these bytes existed at this time.
type Stamp struct {
	Imprint [sha256.Size]byte // SHA-256 of what was stamped
	Time    time.Time         // UTC
	Serial  *big.Int          // of the stamp, at its authority
	Nonce   *big.Int          // as the request gave it; nil if it gave none
	Policy  string            // object identifier of the authority's policy
	Signer  string            // name in the signer's certificate (RFC 2253)
	path    []*x509.Certificate
}

// Request asks for a stamp of a SHA-256, with the certificate inside (certReq).
func Request(sum [sha256.Size]byte, nonce *big.Int) ([]byte, error) {
	b, err := asn1.Marshal(request{Version: 1, Nonce: nonce, CertReq: true,
		Imprint: imprint{algorithm{OID: oidSHA256(), Parameters: asn1.NullRawValue}, sum[:]}})
	if err != nil {
		return nil, fmt.Errorf("time-stamp request: %w", err)
	}
	return b, nil
}

// FromResponse takes the token out of an authority's answer and gives it its one form:
// without what proves nothing (lists of revocations, unsigned attributes, roots, and
// certificates that do not lead from the signer's to a root). Errors are ErrRefused and ErrToken.
func FromResponse(b []byte) ([]byte, error) {
	var r response
	if !whole(b, &r) {
		return nil, fmt.Errorf("%w: it is no answer in DER", ErrToken)
	}
	if s := r.Status.Status; s != 0 && s != 1 { // granted, granted with modifications
		for bit := range r.Status.Fail.BitLength {
			if r.Status.Fail.At(bit) == 1 {
				return nil, fmt.Errorf("%w: status %d, failure %d (RFC 3161 §2.4.2)", ErrRefused, s, bit)
			}
		}
		return nil, fmt.Errorf("%w: status %d (RFC 3161 §2.4.2)", ErrRefused, s)
	}
	_, tidy, err := read(r.Token.FullBytes)
	return tidy, err
}

// Parse reads a token in its one form. The error is ErrToken.
func Parse(token []byte) (*Stamp, error) {
	s, tidy, err := read(token)
	if err == nil && !bytes.Equal(tidy, token) {
		return nil, fmt.Errorf("%w in its one form", ErrToken)
	}
	return s, err
}

func read(token []byte) (*Stamp, []byte, error) {
	var ci contentInfo
	var sd signedData
	switch {
	case len(token) > MaxToken:
		return nil, nil, fmt.Errorf("%w: it is longer than %d bytes", ErrToken, MaxToken)
	case !whole(token, &ci) || !ci.Type.Equal(oidSignedData()) || !whole(ci.Content.Bytes, &sd):
		return nil, nil, fmt.Errorf("%w: it is no signed data in DER", ErrToken)
	case sd.Version != 3 || !sd.Content.Type.Equal(oidTSTInfo()) || len(sd.Signers) != 1:
		return nil, nil, fmt.Errorf("%w: it is not one signer's statement of a time", ErrToken)
	}
	s, err := info(sd.Content.Content)
	if err != nil {
		return nil, nil, err
	}
	certs, err := x509.ParseCertificates(sd.Certificates.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: its certificates cannot be read", ErrToken)
	}
	by, err := sd.verify(certs)
	if err != nil {
		return nil, nil, err
	}
	if s.path, err = above(by, certs); err != nil {
		return nil, nil, err
	}
	s.Signer = by.Subject.String()
	tidy, err := sd.tidy(certs, s.path)
	return s, tidy, err
}

// info reads what was signed.
func info(b []byte) (*Stamp, error) {
	var t tstInfo
	if !whole(b, &t) || t.Version != 1 {
		return nil, fmt.Errorf("%w: it says nothing in the form of RFC 3161", ErrToken)
	}
	if !t.Imprint.Algorithm.OID.Equal(oidSHA256()) || !t.Imprint.Algorithm.plain() || len(t.Imprint.Hash) != sha256.Size {
		return nil, fmt.Errorf("%w: it stamps no SHA-256", ErrToken)
	}
	for _, x := range t.Extensions {
		if x.Critical {
			return nil, fmt.Errorf("%w: it has a critical extension that is not known", ErrToken)
		}
	}
	return &Stamp{Imprint: [sha256.Size]byte(t.Imprint.Hash), Time: t.Time.UTC(), Serial: t.Serial, Nonce: t.Nonce, Policy: t.Policy.String()}, nil
}

// verify checks the one signature and returns the certificate it is of.
func (sd *signedData) verify(certs []*x509.Certificate) (*x509.Certificate, error) {
	s := &sd.Signers[0]
	attrs, err := attributes(s.Signed)
	if err != nil {
		return nil, err
	}
	var typ asn1.ObjectIdentifier
	var digest []byte
	sum := hashOf(s.Digest)
	switch {
	case sum == nil || !bytes.Equal(sd.Digests.Bytes, s.Digest.Raw) || sd.Digests.FullBytes[0] != tagSet:
		return nil, fmt.Errorf("%w: its digest is none of SHA-256, SHA-384 and SHA-512", ErrToken)
	case !whole(attrs[oidContentType().String()], &typ) || !typ.Equal(sd.Content.Type):
		return nil, fmt.Errorf("%w: its signature is not of a stamp", ErrToken)
	case !whole(attrs[oidDigest().String()], &digest) || subtle.ConstantTimeCompare(digest, sum(sd.Content.Content)) != 1:
		return nil, fmt.Errorf("%w: its signature is of another content", ErrToken)
	}
	by := s.named(attrs, certs)
	if by == nil {
		return nil, fmt.Errorf("%w: it names no certificate that is inside", ErrToken)
	}
	if !stamps(by) {
		return nil, fmt.Errorf("%w: the certificate is not for time-stamping alone (RFC 3161 §2.3)", ErrToken)
	}
	signed := bytes.Clone(s.Signed.FullBytes)
	signed[0] = tagSet // signed as a SET, written as [0] (RFC 5652 §5.4)
	if alg := algorithmOf(s); alg == 0 || by.CheckSignature(alg, signed, s.Signature) != nil {
		return nil, fmt.Errorf("%w: the signature does not hold", ErrToken)
	}
	return by, nil
}

// attributes are the signed ones' values by type; each has one.
func attributes(signed asn1.RawValue) (map[string][]byte, error) {
	out := map[string][]byte{}
	for b := signed.Bytes; len(b) > 0; {
		var a attribute
		rest, err := asn1.Unmarshal(b, &a)
		name := a.Type.String()
		if err != nil || out[name] != nil || len(a.Values) != 1 || !signed.IsCompound {
			return nil, fmt.Errorf("%w: its signed attributes cannot be read", ErrToken)
		}
		out[name], b = a.Values[0].FullBytes, rest
	}
	return out, nil
}

// named is the certificate that the signed attributes name by hash (RFC 5816) and the
// signer by issuer and number, or by key.
func (s *signer) named(attrs map[string][]byte, certs []*x509.Certificate) *x509.Certificate {
	var v1 signingCertificate
	var v2 signingCertificateV2
	var is func(c *x509.Certificate) bool
	switch {
	case whole(attrs[oidSigningCertV2().String()], &v2) && len(v2.Certs) > 0:
		sum := sum256
		if len(v2.Certs[0].Algorithm.Raw) > 0 {
			sum = hashOf(v2.Certs[0].Algorithm)
		}
		is = func(c *x509.Certificate) bool { return sum != nil && bytes.Equal(sum(c.Raw), v2.Certs[0].Hash) }
	case whole(attrs[oidSigningCert().String()], &v1) && len(v1.Certs) > 0:
		is = func(c *x509.Certificate) bool {
			sum := sha1.Sum(c.Raw)
			return bytes.Equal(sum[:], v1.Certs[0].Hash)
		}
	default:
		return nil
	}
	for _, c := range certs {
		if is(c) && s.identifies(c) {
			return c
		}
	}
	return nil
}

func (s *signer) identifies(c *x509.Certificate) bool {
	if s.Version == 3 {
		return s.ID.Class == asn1.ClassContextSpecific && s.ID.Tag == 0 && !s.ID.IsCompound && len(c.SubjectKeyId) > 0 && bytes.Equal(s.ID.Bytes, c.SubjectKeyId)
	}
	var id issuerAndSerial
	return s.Version == 1 && whole(s.ID.FullBytes, &id) && bytes.Equal(id.Issuer.FullBytes, c.RawIssuer) && id.Serial.Cmp(c.SerialNumber) == 0
}

func hashOf(a algorithm) func([]byte) []byte {
	switch {
	case !a.plain():
	case a.OID.Equal(oidSHA256()):
		return sum256
	case a.OID.Equal(oidSHA384()):
		return func(b []byte) []byte { s := sha512.Sum384(b); return s[:] }
	case a.OID.Equal(oidSHA512()):
		return func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }
	}
	return nil
}

func sum256(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

// algorithmOf is how s signed, 0 if that is not known or too weak.
func algorithmOf(s *signer) x509.SignatureAlgorithm {
	if !s.Algorithm.plain() {
		return 0
	}
	byDigest := map[string]crypto.Hash{oidSHA256().String(): crypto.SHA256, oidSHA384().String(): crypto.SHA384, oidSHA512().String(): crypto.SHA512}
	type use struct {
		name string
		hash crypto.Hash
	}
	const rsa, ecdsa = "1.2.840.113549.1.1.", "1.2.840.10045.4.3."
	return map[use]x509.SignatureAlgorithm{
		{rsa + "1", crypto.SHA256}: x509.SHA256WithRSA, {rsa + "11", crypto.SHA256}: x509.SHA256WithRSA,
		{rsa + "1", crypto.SHA384}: x509.SHA384WithRSA, {rsa + "12", crypto.SHA384}: x509.SHA384WithRSA,
		{rsa + "1", crypto.SHA512}: x509.SHA512WithRSA, {rsa + "13", crypto.SHA512}: x509.SHA512WithRSA,
		{ecdsa + "2", crypto.SHA256}: x509.ECDSAWithSHA256, {ecdsa + "3", crypto.SHA384}: x509.ECDSAWithSHA384,
		{ecdsa + "4", crypto.SHA512}: x509.ECDSAWithSHA512, {"1.3.101.112", crypto.SHA512}: x509.PureEd25519,
	}[use{s.Algorithm.OID.String(), byDigest[s.Digest.OID.String()]}]
}
