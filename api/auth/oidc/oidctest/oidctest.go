// Package oidctest is an identity provider for tests that says whatever a test has
// it say: true things by default, and each kind of lie by one change. It checks what
// a relying party sends: code once, redirect URI, PKCE, client secret.
//
// It is not for use outside of tests. A crash leaves nothing.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// The client that the provider knows.
const (
	ClientID = "greffe"
	Secret   = "a secret of the client & of nobody else"
	// Subject and Session are whom it vouches for, long enough that chance writes them nowhere.
	Subject = "person-of-the-directory-1"
	Session = "session-of-the-provider-1"
)

// Provider is an identity provider on a loopback address.
type Provider struct {
	URL string
	Now func() time.Time

	t      testing.TB
	server *httptest.Server

	mu        sync.Mutex
	down      bool
	key       *ecdsa.PrivateKey
	kid       string
	claims    map[string]any // of the next sign-ins, beside those of the protocol
	info      map[string]any // at the userinfo endpoint
	mangle    func(header, claims map[string]any)
	raw       func(header, claims map[string]any) string // signs instead of the key
	discovery map[string]any                             // overrides
	codes     map[string]url.Values
	calls     map[string]int
	last      url.Values // the authorization request
}

// New starts a provider that ends with the test.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	p := &Provider{t: t, Now: now, codes: map[string]url.Values{}, calls: map[string]int{},
		claims: map[string]any{"sub": Subject, "amr": []string{"pwd", "otp"}, "sid": Session, "groups": []string{"staff", "dpo-team"}, "name": "Jeanne Dupont"}}
	p.Rotate("k1")
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	p.URL = p.server.URL
	return p
}

// Set changes claims of what is signed from now on; nil takes one away.
func (p *Provider) Set(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	overlay(p.claims, claims)
}

// Userinfo says what the userinfo endpoint answers.
func (p *Provider) Userinfo(info map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info = info
}

// Discovery changes the discovery document; nil takes a member away.
func (p *Provider) Discovery(members map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discovery = members
}

// Mangle has f change header and claims of each token before it is signed.
func (p *Provider) Mangle(f func(header, claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mangle = f
}

// SignBy has f sign instead of the key.
func (p *Provider) SignBy(f func(header, claims map[string]any) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw = f
}

// Down has every endpoint answer 503, until it is up again.
func (p *Provider) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Calls is how often an endpoint was asked.
func (p *Provider) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

// Asked is the last authorization request.
func (p *Provider) Asked() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// Rotate makes a new key, the only one from now on, under an id.
func (p *Provider) Rotate(kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, kid
}

// PublicKey is the signing key's public half (DER), as a confused client would use
// it for a MAC.
func (p *Provider) PublicKey() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		p.t.Error(err)
	}
	return der
}

// Answer plays the browser at the authorization endpoint: it takes the URL that the
// relying party made and gives the query of the callback.
func (p *Provider) Answer(to string) url.Values {
	u, err := url.Parse(to)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answer(u.Query())
}

func (p *Provider) answer(q url.Values) url.Values {
	p.last = q
	code := fmt.Sprintf("code-%d", len(p.codes)+1)
	p.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
}

// ServeHTTP answers at /authorize, /token, /keys, /userinfo and the discovery
// document's address.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[r.URL.Path]++
	if p.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		d := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
			"authorization_response_iss_parameter_supported": true}
		overlay(d, p.discovery)
		p.json(w, d)
	case "/keys":
		p.json(w, map[string]any{"keys": []any{p.jwk()}})
	case "/authorize":
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+p.answer(q).Encode(), http.StatusFound)
	case "/token":
		p.token(w, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer access" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		p.json(w, p.info)
	default:
		http.NotFound(w, r)
	}
}

func (p *Provider) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func (p *Provider) jwk() map[string]any {
	raw, err := p.key.PublicKey.Bytes()
	if err != nil {
		p.t.Error(err)
		return nil
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": p.kid,
		"x": encode(raw[1:33]), "y": encode(raw[33:])}
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q,"error_description":"zqMARKERqz"}`, code)
	}
	if err := r.ParseForm(); err != nil {
		refuse("invalid_request")
		return
	}
	id, secret, ok := r.BasicAuth()
	if id, _ = url.QueryUnescape(id); !ok || id != ClientID {
		refuse("invalid_client")
		return
	}
	if secret, _ = url.QueryUnescape(secret); secret != Secret {
		refuse("invalid_client")
		return
	}
	asked, ok := p.codes[r.PostForm.Get("code")]
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || asked == nil || asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri") ||
		asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != encode(sum[:]) {
		refuse("invalid_grant")
		return
	}
	p.codes[r.PostForm.Get("code")] = nil
	now := p.Now().Unix()
	c := map[string]any{"iss": p.URL, "aud": ClientID, "iat": now, "exp": now + 300, "auth_time": now, "nonce": asked.Get("nonce")}
	overlay(c, p.claims)
	p.json(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": p.sign("JWT", c)})
}

// LogoutToken is one for a subject and a session of the provider's; more are claims
// to add, or with nil to leave out.
func (p *Provider) LogoutToken(jti string, more map[string]any) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now().Unix()
	c := map[string]any{"iss": p.URL, "aud": ClientID, "iat": now, "exp": now + 120, "jti": jti, "sub": Subject, "sid": Session,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	overlay(c, more)
	return p.sign("logout+jwt", c)
}

func (p *Provider) sign(kind string, claims map[string]any) string {
	header := map[string]any{"typ": kind, "alg": "ES256", "kid": p.kid}
	if p.mangle != nil {
		p.mangle(header, claims)
	}
	if p.raw != nil {
		return p.raw(header, claims)
	}
	input := Input(header, claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		p.t.Error(err)
		return ""
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return input + "." + encode(sig)
}

// Input is what a token's signature is of.
func Input(header, claims map[string]any) string { return part(header) + "." + part(claims) }

// MAC signs a token's input with HS256 under a key.
func MAC(input string, key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(input))
	return input + "." + encode(m.Sum(nil))
}

func part(v map[string]any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return encode(raw)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func overlay(onto, members map[string]any) {
	maps.Copy(onto, members)
	maps.DeleteFunc(onto, func(_ string, v any) bool { return v == nil })
}
