// Package stamptest is a time-stamping authority for tests: its certificates and
// stamps are made in the process, by another library than the one that reads them, and
// can be wrong in every way.
//
// It promises nothing and keeps nothing: a crash leaves nothing.
package stamptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

// Authority stamps what it is given.
type Authority struct {
	PEM        []byte // its root
	key        *ecdsa.PrivateKey
	cert, root *x509.Certificate
	above      []*x509.Certificate // what stands above cert, the root last
}

// Spoil changes the certificate that an authority signs with before it is signed.
type Spoil func(c *x509.Certificate)

// New makes an authority under a root. Its certificates are valid from 2020 to 2040.
func New(t testing.TB, random io.Reader, spoil ...Spoil) *Authority {
	t.Helper()
	return build(t, random, false, spoil)
}

// NewUnder makes an authority with a certificate between its own and the root.
func NewUnder(t testing.TB, random io.Reader, spoil ...Spoil) *Authority {
	t.Helper()
	return build(t, random, true, spoil)
}

func build(t testing.TB, random io.Reader, under bool, spoil []Spoil) *Authority {
	t.Helper()
	rootKey, key := newKey(t, random), newKey(t, random)
	from, to := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test TSA"}, NotBefore: from, NotAfter: to,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{Purpose(t, true, PurposeStamp)}}
	for _, s := range spoil {
		s(leaf)
	}
	a := &Authority{key: key}
	a.root = sign(t, random, root, root, &rootKey.PublicKey, rootKey)
	by, with := a.root, rootKey
	if under {
		with = newKey(t, random)
		root.SerialNumber, root.Subject = big.NewInt(3), pkix.Name{CommonName: "Test Intermediate"}
		by = sign(t, random, root, a.root, &with.PublicKey, rootKey)
		a.above = append(a.above, by)
	}
	a.above = append(a.above, a.root)
	a.cert = sign(t, random, leaf, by, &key.PublicKey, with)
	a.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
	return a
}

// PurposeStamp and PurposeServer are purposes of keys (RFC 5280 §4.2.1.12).
const (
	PurposeStamp  = 8
	PurposeServer = 1
)

// Purpose is the extension that says what a key may be used for.
func Purpose(t testing.TB, critical bool, purposes ...int) pkix.Extension {
	t.Helper()
	var oids []asn1.ObjectIdentifier
	for _, p := range purposes {
		oids = append(oids, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, p})
	}
	b, err := asn1.Marshal(oids)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: b}
}

func newKey(t testing.TB, random io.Reader) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t testing.TB, random io.Reader, c, by *x509.Certificate, key *ecdsa.PublicKey, with *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(random, c, by, key, with)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Answer is the authority's answer to a request, with all certificates up to the
// root inside. Each change is
// made to what it is about to say.
func (a *Authority) Answer(t testing.TB, request []byte, at time.Time, change ...func(*timestamp.Timestamp)) []byte {
	t.Helper()
	r, err := timestamp.ParseRequest(request)
	if err != nil {
		t.Fatal(err)
	}
	ts := &timestamp.Timestamp{HashAlgorithm: r.HashAlgorithm, HashedMessage: r.HashedMessage, Time: at.UTC(), Nonce: r.Nonce,
		Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, AddTSACertificate: r.Certificates, Certificates: a.above}
	for _, f := range change {
		f(ts)
	}
	b, err := ts.CreateResponseWithOpts(a.cert, a.key, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Root is the certificate that PEM holds.
func (a *Authority) Root() *x509.Certificate { return a.root }
