package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/projections/accounts"
)

// issuer vouches for certificates of clients.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate that ends at, by itself if by is nil.
func issue(t *testing.T, by *issuer, ends time.Time) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: ends,
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	parent, with := c, key
	if by != nil {
		parent, with = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, with)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &issuer{c, key}
}

func (i *issuer) shown() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{i.cert.Raw}, PrivateKey: i.key, Leaf: i.cert}
}

// client is one of a TLS service, which shows a certificate, or none.
func client(s *httptest.Server, shows *issuer) *http.Client {
	c := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	if shows != nil {
		c.TLSClientConfig.Certificates = []tls.Certificate{shows.shown()}
	}
	return &http.Client{Transport: c}
}

// TestClientCertificates: on a real connection, a certificate that is bound to a token
// stands for it, the token is nothing without it, another certificate of the same
// authority is nobody, and one that ran out counts no more, though its connection lives.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	m := openMatrix(t)
	ends := time.Now().Add(time.Hour)
	authority := issue(t, nil, ends)
	bound, other, stranger := issue(t, authority, ends), issue(t, authority, ends), issue(t, issue(t, nil, ends), ends)
	s := httptest.NewUnstartedServer(m.open.API)
	s.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13}
	s.TLS.ClientCAs.AddCert(authority.cert)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	made := m.token("service", auth.Request{Certificates: []accounts.Fingerprint{sha256.Sum256(bound.cert.RawSubjectPublicKeyInfo)}})
	ask := func(c *http.Client, token string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/notices", nil)
		m.ok(err)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := c.Do(req)
		if err != nil {
			return "no connection"
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		m.ok(err)
		var p struct {
			Code string `json:"code"`
		}
		if res.StatusCode != http.StatusOK {
			m.ok(json.Unmarshal(b, &p))
		}
		return p.Code
	}
	own := client(s, bound)
	for _, c := range []struct {
		name   string
		client *http.Client
		token  string
		want   string
	}{
		{"certificate alone", own, "", ""}, {"certificate and token", own, made.Text, ""},
		{"token alone", client(s, nil), made.Text, "certificate_required"}, {"nothing", client(s, nil), "", "token_missing"},
		{"another's certificate", client(s, other), "", "token_missing"}, {"another's certificate and the token", client(s, other), made.Text, "certificate_required"},
		{"of another authority", client(s, stranger), made.Text, "no connection"},
	} {
		if got := ask(c.client, c.token); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	m.now.set(ends.Add(time.Second))
	if alone, with := ask(own, ""), ask(own, made.Text); alone != "token_missing" || with != "certificate_required" {
		t.Errorf("after the certificate ran out: %q, with the token %q", alone, with)
	}
}

// TestRotatedToken: over HTTP, a token is put in the place of another; both work for the
// overlap, the new one alone afterwards, and it may no more than the old one.
func TestRotatedToken(t *testing.T) {
	t.Parallel()
	m := openMatrix(t)
	admin := m.token("admin", auth.Request{})
	type token struct {
		ID    string `json:"id"`
		Token string `json:"token"`
	}
	var first, second, third token
	post := func(path, body string, into *token) {
		t.Helper()
		if status, raw := m.send(admin, http.MethodPost, "", path, body, ""); status != http.StatusCreated || json.Unmarshal([]byte(raw), into) != nil || into.Token == "" {
			t.Fatalf("%s: %d %s", path, status, raw)
		}
	}
	post("/v1/tokens", `{"label":"x","roles":["dpo"],"permissions":["notices.read","operations.read"]}`, &first)
	post("/v1/tokens/"+first.ID+"/rotate", `{"overlap_hours":2}`, &second)
	may := func(x token, path string) string {
		t.Helper()
		status, raw := m.send(auth.Made{Text: x.Token}, http.MethodGet, "", path, "", "")
		var p struct {
			Code string `json:"code"`
		}
		if status != http.StatusOK {
			m.ok(json.Unmarshal([]byte(raw), &p))
		}
		return p.Code
	}
	const allowed, beyond = "/v1/notices", "/v1/policy"
	if a, b := may(first, allowed), may(second, allowed); a != "" || b != "" || first.Token == second.Token {
		t.Errorf("during the overlap: %q and %q", a, b)
	}
	if got := may(second, beyond); got != "permission_missing" {
		t.Errorf("the new token may more than the old: %q", got)
	}
	m.now.pass(2 * time.Hour)
	if a, b := may(first, allowed), may(second, allowed); a != "token_expired" && a != "token_revoked" || b != "" {
		t.Errorf("after the overlap: %q and %q", a, b)
	}
	post("/v1/tokens/"+second.ID+"/rotate", `{"overlap_hours":0}`, &third)
	if a, b := may(second, allowed), may(third, allowed); !strings.HasPrefix(a, "token_") || b != "" {
		t.Errorf("without an overlap: %q and %q", a, b)
	}
	if status, raw := m.send(admin, http.MethodPost, "", "/v1/tokens/"+first.ID+"/rotate", `{}`, ""); status < 400 || strings.Contains(raw, "greffe_") {
		t.Errorf("a token that has ended is rotated: %d %s", status, raw)
	}
}
