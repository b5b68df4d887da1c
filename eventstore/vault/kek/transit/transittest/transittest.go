// Package transittest is a transit secrets engine in the test's process, after
// the HTTP API of HashiCorp Vault and OpenBao: real AES-256-GCM with associated
// data, key versions, policies, namespaces, and faults.
package transittest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Server is a running engine, mounted at transit/.
type Server struct {
	*httptest.Server
	t         testing.TB
	TokenFile string // of the token that is good
	CAFile    string // "" without TLS

	mu        sync.Mutex
	token     string
	namespace string
	denied    string // a path that the token's policy does not allow
	unbound   bool   // associated data is left out, as before Vault 1.13
	faults    []Fault
	keys      map[string]*ring
	asked     []string
}

// Fault answers a request in the engine's place: false lets it work all the same.
type Fault func(w http.ResponseWriter, r *http.Request) (answered bool)

type ring struct {
	Type         string         `json:"type"`
	Derived      bool           `json:"derived"`
	Latest       int            `json:"latest_version"`
	MinDecrypt   int            `json:"min_decryption_version"`
	MinEncrypt   int            `json:"min_encryption_version"`
	MinAvailable int            `json:"min_available_version"`
	Keys         map[string]int `json:"keys"`
	versions     map[int]cipher.AEAD
}

// Start runs an engine without keys on loopback until the test ends.
func Start(t testing.TB, secure bool) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{t: t, TokenFile: filepath.Join(dir, "token"), keys: map[string]*ring{}}
	s.Token("hvs.first")
	if secure {
		s.Server = httptest.NewTLSServer(s)
		s.CAFile = filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(s.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
	} else {
		s.Server = httptest.NewServer(s)
	}
	t.Cleanup(s.Close)
	return s
}

// Key makes a key and returns its URL.
func (s *Server) Key(name, kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &ring{Type: kind, MinDecrypt: 1, versions: map[int]cipher.AEAD{}, Keys: map[string]int{}}
	r.rotate()
	s.keys[name] = r
	return s.URL + "/v1/transit/keys/" + name
}

// Derived makes a key one that needs a context.
func (s *Server) Derived(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[name].Derived = true
}

// Token makes another token the good one, and writes it to the file.
func (s *Server) Token(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
	if err := os.WriteFile(s.TokenFile, []byte(token+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Namespace is the one that requests must name.
func (s *Server) Namespace(name string) { s.set(func() { s.namespace = name }) }

// Deny takes a path, such as keys/k/trim, out of the token's policy.
func (s *Server) Deny(path string) { s.set(func() { s.denied = path }) }

// Unbound makes the engine leave associated data out.
func (s *Server) Unbound() { s.set(func() { s.unbound = true }) }

// Fail meets the next requests with faults, one each.
func (s *Server) Fail(faults ...Fault) { s.set(func() { s.faults = append(s.faults, faults...) }) }

// Asked are the requests so far, as "METHOD path", and forgets them.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.asked
	s.asked = nil
	return all
}

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (r *ring) rotate() {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	r.Latest++
	r.Keys[strconv.Itoa(r.Latest)] = 1772442847
	if r.versions[r.Latest], err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
}

// Status is a fault that answers with a status.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(code)
		fmt.Fprint(w, `{"errors":["the token hvs.first is in here"]}`)
		return true
	}
}

// Cut is a fault that breaks the connection off.
func Cut(w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/transit/")
	s.asked = append(s.asked, r.Method+" "+path)
	var fault Fault
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code, data := s.answer(r, path)
	w.WriteHeader(code)
	if code == http.StatusOK {
		_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "1", "data": data}) // the client went
	} else if code >= 400 {
		fmt.Fprint(w, `{"errors":["hvs.first: cipher: message authentication failed"]}`)
	}
}

type body struct {
	Plaintext      *[]byte `json:"plaintext"`
	Ciphertext     string  `json:"ciphertext"`
	AssociatedData []byte  `json:"associated_data"`
	KeyVersion     int     `json:"key_version"`
	MinDecrypt     int     `json:"min_decryption_version"`
	MinEncrypt     int     `json:"min_encryption_version"`
	MinAvailable   int     `json:"min_available_version"`
}

func (s *Server) answer(r *http.Request, path string) (int, any) {
	if r.Header.Get("X-Vault-Token") != s.token || s.denied != "" && path == s.denied {
		return http.StatusForbidden, nil
	}
	verb, name, _ := strings.Cut(path, "/")
	name, action, _ := strings.Cut(name, "/")
	k := s.keys[name]
	if k == nil || r.Header.Get("X-Vault-Namespace") != s.namespace {
		return http.StatusNotFound, nil
	}
	var b body
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			return http.StatusBadRequest, nil
		}
	}
	if s.unbound {
		b.AssociatedData = nil
	}
	switch verb + " " + r.Method + " " + action {
	case "encrypt POST ":
		return k.encrypt(&b)
	case "decrypt POST ":
		return k.decrypt(&b)
	case "keys GET ":
		return http.StatusOK, k
	case "keys POST rotate":
		k.rotate()
		return http.StatusNoContent, nil
	case "keys POST config":
		if b.MinDecrypt > k.Latest || b.MinEncrypt > k.Latest || b.MinDecrypt < k.MinAvailable {
			return http.StatusBadRequest, nil
		}
		k.MinDecrypt, k.MinEncrypt = b.MinDecrypt, b.MinEncrypt
		return http.StatusNoContent, nil
	case "keys POST trim":
		return k.trim(b.MinAvailable), nil
	}
	return http.StatusNotFound, nil
}

func (k *ring) trim(to int) int {
	if to > min(k.MinDecrypt, k.MinEncrypt) || to < k.MinAvailable {
		return http.StatusBadRequest
	}
	for v := 1; v < to; v++ {
		delete(k.versions, v)
		delete(k.Keys, strconv.Itoa(v))
	}
	k.MinAvailable = to
	return http.StatusNoContent
}

func (k *ring) encrypt(b *body) (int, any) {
	v := b.KeyVersion
	if v == 0 {
		v = k.Latest
	}
	aead := k.versions[v]
	if b.Plaintext == nil || aead == nil || v < k.MinEncrypt {
		return http.StatusBadRequest, nil
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	text, err := json.Marshal(aead.Seal(nonce, nonce, *b.Plaintext, b.AssociatedData))
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	return http.StatusOK, map[string]any{"ciphertext": "vault:v" + strconv.Itoa(v) + ":" + strings.Trim(string(text), `"`), "key_version": v}
}

func (k *ring) decrypt(b *body) (int, any) {
	digits, text, _ := strings.Cut(strings.TrimPrefix(b.Ciphertext, "vault:v"), ":")
	v, _ := strconv.Atoi(digits)
	var sealed []byte
	if err := json.Unmarshal([]byte(`"`+text+`"`), &sealed); err != nil {
		return http.StatusBadRequest, nil
	}
	aead := k.versions[v]
	if aead == nil || v < k.MinDecrypt || len(sealed) < aead.NonceSize() {
		return http.StatusBadRequest, nil
	}
	n := aead.NonceSize()
	plain, err := aead.Open([]byte{}, sealed[:n], sealed[n:], b.AssociatedData)
	if err != nil {
		return http.StatusBadRequest, nil
	}
	return http.StatusOK, map[string]any{"plaintext": plain}
}
