package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/auth"
	"greffe/api/signin"
	"greffe/api/signin/signintest"
	"greffe/domain"
	"greffe/domain/account"
)

const passkeyOrigin = "https://greffe.example.org"

// passkeys are the real ceremonies, on the world's people.
func (w *world) passkeys(people *auth.People) *signin.Desk {
	w.t.Helper()
	c, err := signin.New(signin.Config{PublicURL: passkeyOrigin, Key: bytes.Repeat([]byte{7}, 32), Now: w.now, Rand: rand.Reader})
	must(w.t, err)
	return &signin.Desk{Ceremonies: c, People: people, Once: w.ledger.Derived, Login: func(ctx context.Context, of domain.ID) (string, error) {
		a, _ := w.store.Find(of)
		_, login, err := people.Names(ctx, a)
		return login, err
	}}
}

// browser is one person's: it keeps cookies and sends the session's CSRF value.
type browser struct {
	t      testing.TB
	w      *world
	client http.Client
	csrf   string
	device *signintest.Device
}

func (w *world) browser(d *signintest.Device) *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &browser{t: w.t, w: w, client: http.Client{Jar: jar}, device: d}
}

// ask sends one request and reads the answer into out.
func (b *browser) ask(method, path string, in, out any) (status int, code string) {
	b.t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		must(b.t, err)
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.w.url+path, body)
	must(b.t, err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if in != nil {
		r.Header.Set("Content-Type", mediaJSON)
	}
	if b.csrf != "" {
		r.Header.Set("X-Greffe-CSRF", b.csrf)
	}
	res, err := b.client.Do(r)
	must(b.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(b.t, err)
	var said struct {
		Code string `json:"code"`
		CSRF string `json:"csrf"`
	}
	if len(raw) > 0 {
		must(b.t, json.Unmarshal(raw, &said))
	}
	if said.CSRF != "" {
		b.csrf = said.CSRF
	}
	if out != nil && res.StatusCode < 300 {
		must(b.t, json.Unmarshal(raw, out))
	}
	return res.StatusCode, said.Code
}

func (b *browser) must(want int, method, path string, in, out any) {
	b.t.Helper()
	if got, code := b.ask(method, path, in, out); got != want {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, got, code, want)
	}
}

// ceremony runs one with the browser's device.
func (b *browser) ceremony(path, finish string, answer func([]byte) ([]byte, error)) (status int, code string) {
	b.t.Helper()
	var o CeremonyBegun
	b.must(http.StatusOK, http.MethodPost, path, nil, &o)
	made, err := answer(o.PublicKey)
	must(b.t, err)
	in := map[string]any{"state": o.State, "credential": jsontext.Value(made)}
	if strings.HasPrefix(finish, "/v1/me") {
		in["name"] = "laptop"
	}
	return b.ask(http.MethodPost, finish, in, nil)
}

func (b *browser) signIn() (int, string) {
	b.t.Helper()
	return b.ceremony("/v1/session/passkey/options", "/v1/session/passkey", b.device.Sign)
}

func (b *browser) addPasskey() (int, string) {
	b.t.Helper()
	return b.ceremony("/v1/me/passkeys/options", "/v1/me/passkeys", b.device.Register)
}

// invited is a browser whose person accepted an invitation, and has a password alone.
func (w *world) invited(login string) *browser {
	w.t.Helper()
	in, err := w.service.People.Create(w.t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "Anne", Login: login, Roles: []string{"agent"}, Invite: true})
	must(w.t, err)
	b := w.browser(&signintest.Device{Origin: passkeyOrigin, Step: 1})
	b.must(http.StatusOK, http.MethodPost, "/v1/invitations/accept", map[string]string{"secret": in.Secret, "password": "Correct-Horse-9-Battery"}, nil)
	return b
}

// From an invitation to a passkey, out, in again by it, once more before a dangerous
// act, and to the end.
func TestPasskeyFromInvitationToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.invited("anne@example.org")
	var s SessionShown
	b.must(200, http.MethodGet, "/v1/session", nil, &s)
	if s.Complete || s.Login != "anne@example.org" {
		t.Fatalf("after the invitation: %+v", s)
	}
	first := s.ID
	if status, code := b.addPasskey(); status != 201 {
		t.Fatalf("the first passkey: %d %s", status, code)
	}
	b.must(200, http.MethodGet, "/v1/session", nil, &s)
	if !s.Complete || s.ID == first {
		t.Fatalf("after the passkey: %+v", s)
	}
	b.must(204, http.MethodDelete, "/v1/session", nil, nil)
	if status, code := b.ask(http.MethodGet, "/v1/session", nil, nil); status != 401 {
		t.Fatalf("after signing out: %d %s", status, code)
	}
	b.csrf = ""
	if status, code := b.signIn(); status != 200 {
		t.Fatalf("signing in by it: %d %s", status, code)
	}
	b.must(200, http.MethodGet, "/v1/session", nil, &s)
	if !s.Complete || s.Method != "passkey" || !s.Fresh {
		t.Fatalf("by the passkey: %+v", s)
	}
	before := s.ID
	w.clock.Add(int64(6 * time.Minute))
	if status, code := b.ask(http.MethodPost, "/v1/me/passkeys/options", nil, nil); status != 403 || code != "sign_in_again" {
		t.Fatalf("six minutes later: %d %s", status, code)
	}
	if status, code := b.ceremony("/v1/session/again/passkey/options", "/v1/session/again/passkey", b.device.Sign); status != 200 {
		t.Fatalf("once more: %d %s", status, code)
	}
	b.must(200, http.MethodGet, "/v1/session", nil, &s)
	if !s.Fresh || s.ID == before {
		t.Fatalf("after it: %+v", s)
	}
	b.device.Keys, b.device.Step = nil, 0
	if status, code := b.addPasskey(); status != 201 {
		t.Fatalf("a second one: %d %s", status, code)
	}
	var keys List[OwnPasskey]
	b.must(200, http.MethodGet, "/v1/me/passkeys", nil, &keys)
	if len(keys.Items) != 2 || keys.Items[0].Name != "laptop" || keys.Items[0].Added.IsZero() {
		t.Fatalf("%+v", keys)
	}
	b.must(204, http.MethodDelete, "/v1/me/credentials/"+keys.Items[0].ID.String(), nil, nil)
	if status, code := b.ask(http.MethodDelete, "/v1/me/credentials/"+keys.Items[1].ID.String(), nil, nil); status != 409 || code != "last_factor" {
		t.Errorf("the last one: %d %s", status, code)
	}
	head, err := w.ledger.Head(t.Context())
	must(t, err)
	must(t, w.log.Read(t.Context(), 0, head, func(_ domain.Position, fact []byte) error {
		for _, personal := range []string{"anne", "laptop", "Correct"} {
			if strings.Contains(string(fact), personal) {
				t.Errorf("a fact holds %s", personal)
			}
		}
		return nil
	}))
}

// What does not prove to hold the key begins no session, and tells nothing.
func TestPasskeysThatDoNotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.invited("anne@example.org")
	if status, code := b.addPasskey(); status != 201 {
		t.Fatal(status, code)
	}
	stranger := w.browser(&signintest.Device{Origin: passkeyOrigin, Step: 1})
	for name, spoil := range map[string]func(d *signintest.Device){
		"one touch alone":   func(d *signintest.Device) { d.NoVerification = true },
		"a page of another": func(d *signintest.Device) { d.Origin = "https://evil.example" },
		"nobody's handle":   func(d *signintest.Device) { k := *d.Keys[0]; k.User = make([]byte, 16); d.Keys = []*signintest.Key{&k} },
		"another's handle":  func(d *signintest.Device) { k := *d.Keys[0]; k.User = aPerson[:]; d.Keys = []*signintest.Key{&k} },
	} {
		d := *b.device
		spoil(&d)
		stranger.device = &d
		if status, code := stranger.signIn(); status != 401 || code != "credentials_invalid" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	stranger.device = b.device
	if status, code := stranger.signIn(); status != 200 {
		t.Fatalf("with the key itself: %d %s", status, code)
	}
	b.device.Keys[0].Counter -= 2
	other := w.browser(b.device)
	if status, code := other.signIn(); status != 401 || code != "passkey_copied" {
		t.Errorf("a copied key: %d %s", status, code)
	}
	b.device.Keys[0].Counter += 10
	var o CeremonyBegun
	other.must(200, http.MethodPost, "/v1/session/passkey/options", nil, &o)
	answer, err := b.device.Sign(o.PublicKey)
	must(t, err)
	in := map[string]any{"state": o.State, "credential": jsontext.Value(answer)}
	other.must(200, http.MethodPost, "/v1/session/passkey", in, nil)
	if status, code := w.browser(b.device).ask(http.MethodPost, "/v1/session/passkey", in, nil); status != 409 || code != "ceremony_ended" {
		t.Errorf("the same answer again: %d %s", status, code)
	}
	other.csrf = "wrong"
	if status, code := other.ask(http.MethodPost, "/v1/me/passkeys/options", nil, nil); status != 403 || code != "origin_forbidden" {
		t.Errorf("without the page's value: %d %s", status, code)
	}
}
