// Package kmstest is a KMS for tests: it speaks the JSON protocol of AWS KMS on
// loopback, with real AES-256-GCM, checks the signature (version 4) of every request,
// and can fail as the real one does. It keeps everything in memory; nothing outlives
// it.
package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Where the keys are, and who may use them.
const (
	Region  = "eu-west-3"
	Account = "111122223333"
	ID      = "AKIAIOSFODNN7EXAMPLE"
	Secret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	prefix  = "arn:aws:kms:" + Region + ":" + Account + ":"
	plainOf = 4096 // bytes that are encrypted at once
)

// Server is the KMS.
type Server struct {
	URL      string
	Calls    atomic.Int64
	Unsigned atomic.Int64 // requests refused for their signature
	down     atomic.Pointer[string]

	mu      sync.Mutex
	keys    map[string]*key
	aliases map[string]string
	made    int
	asked   []string // operations, in order
}

type key struct {
	id, policy, state, usage string
	aead                     cipher.AEAD
}

// Start starts one that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{keys: map[string]*key{}, aliases: map[string]string{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// Env is what the SDK reads the credentials from.
func Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + ID, "AWS_SECRET_ACCESS_KEY=" + Secret, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"}
}

// Key makes a key under an alias and returns its address for --kek.
func (s *Server) Key(alias string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aliases["alias/"+alias] = s.create(`{"the":"policy of ` + alias + `"}`).id
	return "aws-kms://" + prefix + "alias/" + alias
}

// Address is the address of the key that an alias means, by its id.
func (s *Server) Address(alias string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "aws-kms://" + prefix + "key/" + s.aliases["alias/"+alias]
}

// Down makes every request fail with an error code, such as KMSInternalException;
// "" ends that, "hang" answers nothing.
func (s *Server) Down(code string) { s.down.Store(&code) }

// State is the state of a key by its id, with its policy.
func (s *Server) State(id string) (state, policy string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[id]; k != nil {
		return k.state, k.policy
	}
	return "", ""
}

// Set changes a key's state or usage.
func (s *Server) Set(id, state, usage string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[id].state, s.keys[id].usage = state, usage
}

// Asked is which operations were asked for since the last time.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.asked
	s.asked = nil
	return out
}

// Aliases are the names of all.
func (s *Server) Aliases() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.aliases {
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

func (s *Server) create(policy string) *key {
	s.made++
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	block, _ := aes.NewCipher(secret)
	aead, _ := cipher.NewGCM(block)
	k := &key{id: fmt.Sprintf("1234abcd-12ab-34cd-56ef-%012d", s.made), policy: policy, state: "Enabled", usage: "ENCRYPT_DECRYPT", aead: aead}
	s.keys[k.id] = k
	return k
}

// request has the members of every operation.
type request struct {
	KeyId, TargetKeyId, AliasName, Policy, Description string
	Plaintext, CiphertextBlob                          []byte
	EncryptionContext                                  map[string]string
	PendingWindowInDays                                int
}

type fault struct{ code, message string }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Calls.Add(1)
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	if code := s.down.Load(); code != nil && *code != "" {
		if *code == "hang" {
			<-r.Context().Done()
			return
		}
		answer(w, 500, map[string]string{"__type": *code, "message": "secret words of the service"})
		return
	}
	if why := unsigned(r, body); why != "" {
		s.Unsigned.Add(1)
		answer(w, 400, map[string]string{"__type": "InvalidSignatureException", "message": why})
		return
	}
	var in request
	if json.Unmarshal(body, &in) != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		answer(w, 400, map[string]string{"__type": "SerializationException"})
		return
	}
	out, bad := s.do(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService."), &in)
	if bad != nil {
		answer(w, 400, map[string]string{"__type": bad.code, "message": bad.message})
		return
	}
	answer(w, 200, out)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// find is the key of an id, an ARN of either kind, or an alias.
func (s *Server) find(name string) *key {
	name = strings.TrimPrefix(name, prefix)
	if id, ok := s.aliases[name]; ok {
		return s.keys[id]
	}
	return s.keys[strings.TrimPrefix(name, "key/")]
}
