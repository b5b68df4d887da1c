package tlsfiles

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, time.Hour)
	return a
}

func (a *authority) sign(c *x509.Certificate, life time.Duration) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	must(a.t, err)
	c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(life)
	by, with := a.cert, a.key
	if by == nil {
		by, with = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
	must(a.t, err)
	cert, err := x509.ParseCertificate(der)
	must(a.t, err)
	return cert, key
}

func (a *authority) pair(usage x509.ExtKeyUsage, life time.Duration) (cert, key []byte) {
	c, k := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "machine"}, DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}, life)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	must(a.t, err)
	return text("CERTIFICATE", c.Raw), text("PRIVATE KEY", der)
}

func (a *authority) client(life time.Duration) tls.Certificate {
	p, err := tls.X509KeyPair(a.pair(x509.ExtKeyUsageClientAuth, life))
	must(a.t, err)
	return p
}

func text(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, p Paths, cert, key []byte) {
	t.Helper()
	must(t, os.WriteFile(p.Cert, cert, 0o600))
	must(t, os.WriteFile(p.Key, key, 0o600))
}

// serve answers on loopback with how many certificates the caller showed.
func serve(t *testing.T, f *Files) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", f.Config())
	must(t, err)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("c", len(r.TLS.VerifiedChains)))
	}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().String()
}

func ask(t *testing.T, addr string, roots *authority, c *tls.Config) (string, *tls.ConnectionState, error) {
	t.Helper()
	c.RootCAs, c.ServerName = x509.NewCertPool(), "localhost"
	c.RootCAs.AddCert(roots.cert)
	cl := &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}, Timeout: 10 * time.Second}
	res, err := cl.Get("https://" + addr)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), res.TLS, err
}

func open(t *testing.T) (*Files, Paths, *authority) {
	t.Helper()
	dir, a := t.TempDir(), newAuthority(t)
	p := Paths{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), ClientCA: filepath.Join(dir, "ca.pem")}
	cert, key := a.pair(x509.ExtKeyUsageServerAuth, time.Hour)
	write(t, p, cert, key)
	must(t, os.WriteFile(p.ClientCA, text("CERTIFICATE", a.cert.Raw), 0o600))
	f, err := Open(p)
	must(t, err)
	return f, p, a
}

func TestOnlyTLS13AndVouchedClients(t *testing.T) {
	t.Parallel()
	f, _, a := open(t)
	addr := serve(t, f)
	if got, state, err := ask(t, addr, a, &tls.Config{}); err != nil || got != "" || state.Version != tls.VersionTLS13 {
		t.Errorf("without a certificate: %q %v", got, err)
	}
	if got, _, err := ask(t, addr, a, &tls.Config{Certificates: []tls.Certificate{a.client(time.Hour)}}); err != nil || got != "c" {
		t.Errorf("with one: %q %v", got, err)
	}
	if _, _, err := ask(t, addr, a, &tls.Config{MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
	wrong, err := tls.X509KeyPair(a.pair(x509.ExtKeyUsageServerAuth, time.Hour))
	must(t, err)
	for name, cert := range map[string]tls.Certificate{"expired": a.client(-time.Minute), "another authority's": newAuthority(t).client(time.Hour), "a server's": wrong} {
		c := &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }}
		if got, _, err := ask(t, addr, a, c); err == nil {
			t.Errorf("%s was accepted: %q", name, got)
		}
	}
}

func TestReloadWithoutRestart(t *testing.T) {
	t.Parallel()
	f, p, a := open(t)
	addr := serve(t, f)
	serial := func() *big.Int {
		_, state, err := ask(t, addr, a, &tls.Config{})
		must(t, err)
		return state.PeerCertificates[0].SerialNumber
	}
	first, firstKey := serial(), read(t, p.Key)
	held, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool(a), ServerName: "localhost"})
	must(t, err)
	defer held.Close()

	cert, key := a.pair(x509.ExtKeyUsageServerAuth, 3*time.Hour)
	must(t, os.WriteFile(p.Cert, cert, 0o600)) // half of it: the key does not fit yet
	if changed, err := f.Reload(); err == nil || changed || serial().Cmp(first) != 0 {
		t.Errorf("a certificate without its key: %t %v", changed, err)
	} else if strings.Contains(err.Error(), string(firstKey[40:60])) {
		t.Error("the error quotes the key")
	}
	must(t, os.WriteFile(p.Key, key, 0o600))
	if changed, err := f.Reload(); err != nil || !changed || serial().Cmp(first) == 0 {
		t.Errorf("both: %t %v", changed, err)
	}
	if changed, err := f.Reload(); err != nil || changed {
		t.Errorf("nothing new: %t %v", changed, err)
	}
	if _, err := io.WriteString(held, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(held); err != nil || !bytes.Contains(b, []byte("200")) {
		t.Errorf("a connection from before: %q %v", b, err)
	}
	old := a.client(time.Hour)
	other := newAuthority(t)
	must(t, os.WriteFile(p.ClientCA, text("CERTIFICATE", other.cert.Raw), 0o600))
	if _, err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ask(t, addr, a, &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &old, nil }}); err == nil {
		t.Error("an authority that was replaced vouches still")
	}
	if got, _, err := ask(t, addr, a, &tls.Config{Certificates: []tls.Certificate{other.client(time.Hour)}}); err != nil || got != "c" {
		t.Errorf("the new authority's: %q %v", got, err)
	}
}

func TestWatchReloadsOnASignal(t *testing.T) {
	t.Parallel()
	f, p, a := open(t)
	var said bytes.Buffer
	watch := func(signals ...os.Signal) {
		ctx, stop := context.WithCancel(t.Context())
		in, done := make(chan os.Signal), make(chan struct{})
		go func() { defer close(done); f.Watch(ctx, time.Hour, in, slog.New(slog.NewTextHandler(&said, nil))) }()
		for _, s := range signals {
			in <- s
		}
		stop()
		<-done
	}
	before := f.Expires()
	write(t, p, []byte("no certificate"), []byte("secret-of-the-key"))
	watch(os.Interrupt, os.Interrupt)
	cert, key := a.pair(x509.ExtKeyUsageServerAuth, 5*time.Hour)
	write(t, p, cert, key)
	watch(os.Interrupt)
	if !f.Expires().After(before) || strings.Count(said.String(), "level=ERROR") != 2 || !strings.Contains(said.String(), "read again") || strings.Contains(said.String(), "secret-of") {
		t.Errorf("expires %s, said %s", f.Expires(), said.String())
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, p, _ := open(t)
	if f, err := Open(Paths{}); f != nil || err != nil {
		t.Errorf("no files: %v %v", f, err)
	}
	for name, c := range map[string]struct {
		p    Paths
		want error
	}{
		"no key":       {Paths{Cert: p.Cert}, ErrIncomplete},
		"ca alone":     {Paths{ClientCA: p.ClientCA}, ErrIncomplete},
		"no authority": {Paths{Cert: p.Cert, Key: p.Key, ClientCA: p.Key}, ErrNoAuthority},
		"absent":       {Paths{Cert: p.Cert + "x", Key: p.Key}, os.ErrNotExist},
	} {
		if _, err := Open(c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func pool(a *authority) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}
