// Package anchortest is a real time-stamping authority for tests: OpenSSL's, behind a
// small HTTP server on loopback. It promises what `openssl ts` does, needs openssl on
// the path, and leaves nothing behind but files of the test's own directory.
package anchortest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Authority is a root, a time-stamping certificate and a server that stamps.
type Authority struct {
	URL string
	CA  string // file of the root, in PEM
	dir string
	mu  sync.Mutex // openssl keeps its serial number in a file
}

const config = `
[tsa]
default_tsa = here
[here]
serial = DIR/serial
crypto_device = builtin
signer_cert = DIR/tsa.pem
certs = DIR/ca.pem
signer_key = DIR/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = 6
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = ALG
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[req]
distinguished_name = none
[none]
`

// New starts an authority with RSA keys that names its certificate by SHA-256.
func New(t testing.TB) *Authority { return With(t, "rsa:2048", "sha256") }

// With starts an authority with keys as `openssl req -newkey` names them, which names
// its certificate by a hash.
func With(t testing.TB, key, hash string) *Authority {
	t.Helper()
	a := &Authority{dir: t.TempDir()}
	a.CA = a.file("ca.pem")
	a.write(t, "openssl.cnf", strings.NewReplacer("DIR", a.dir, "ALG", hash).Replace(config))
	a.write(t, "serial", "01\n")
	kind := []string{"-newkey", key}
	if key == "ec" {
		kind = append(kind, "-pkeyopt", "ec_paramgen_curve:P-256")
	}
	openssl(t, append([]string{"req", "-x509", "-nodes", "-config", a.file("openssl.cnf"), "-extensions", "root", "-subj", "/CN=Root of tests",
		"-days", "30", "-keyout", a.file("ca.key"), "-out", a.CA}, kind...)...)
	openssl(t, append([]string{"req", "-new", "-nodes", "-config", a.file("openssl.cnf"), "-subj", "/CN=Authority of tests",
		"-keyout", a.file("tsa.key"), "-out", a.file("tsa.csr")}, kind...)...)
	openssl(t, "x509", "-req", "-in", a.file("tsa.csr"), "-CA", a.CA, "-CAkey", a.file("ca.key"), "-set_serial", "2", "-days", "10",
		"-extfile", a.file("openssl.cnf"), "-extensions", "leaf", "-out", a.file("tsa.pem"))
	s := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(s.Close)
	a.URL = s.URL
	return a
}

// Verify has `openssl ts -verify` say whether a token stamps these bytes.
func (a *Authority) Verify(t testing.TB, token, stamped []byte) error {
	t.Helper()
	dir := t.TempDir()
	in, data := filepath.Join(dir, "token.der"), filepath.Join(dir, "data")
	if err := errors.Join(os.WriteFile(in, token, 0o600), os.WriteFile(data, stamped, 0o600)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", "ts", "-verify", "-token_in", "-in", in, "-data", data, "-CAfile", a.CA).CombinedOutput()
	if err == nil && !strings.Contains(string(out), "Verification: OK") {
		err = errors.New("openssl says no OK")
	}
	return err
}

func (a *Authority) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err == nil {
		err = os.WriteFile(a.file("request.tsq"), b, 0o600)
	}
	if err == nil {
		err = exec.CommandContext(r.Context(), "openssl", "ts", "-reply", "-config", a.file("openssl.cnf"), "-section", "here",
			"-queryfile", a.file("request.tsq"), "-out", a.file("reply.tsr")).Run()
	}
	if err == nil {
		b, err = os.ReadFile(a.file("reply.tsr"))
	}
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "the authority of the tests failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(b)
}

func (a *Authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *Authority) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(a.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func openssl(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}
