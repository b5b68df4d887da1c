package signin_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"greffe/api/signin"
	"greffe/api/signin/signintest"
)

// A state serves once, for one purpose, one account, one session, five minutes,
// and only as it was made; on another node of the same ledger it serves too.
func TestAStateServesOnceAndForItsPurpose(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	begin := func() (signin.Options, []byte) {
		o, err := h.c.SignIn()
		if err != nil {
			t.Fatal(err)
		}
		answer, err := h.device.Sign(o.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		return o, answer
	}
	finish := func(c *signin.Ceremonies, state string, answer []byte) error {
		_, err := c.SignedIn(t.Context(), state, answer, h.find)
		return err
	}
	o, answer := begin()
	if err := finish(h.c, o.State, answer); err != nil {
		t.Fatal(err)
	}
	if err := finish(h.c, o.State, answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("the same answer again: %v", err)
	}
	o, answer = begin()
	if err := finish(ceremonies(t, origin, h.clock), o.State, answer); err != nil {
		t.Errorf("finished by another node: %v", err)
	}
	if err := finish(h.c, o.State[:len(o.State)-2]+"AA", answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("a changed state: %v", err)
	}
	foreign, err := signin.New(signin.Config{PublicURL: origin, Key: bytes.Repeat([]byte{8}, 32), Now: h.clock.now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if err := finish(foreign, o.State, answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("another ledger's state: %v", err)
	}
	confirm, err := h.c.Again(h.holder, session)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = h.device.Sign(confirm.PublicKey); err != nil {
		t.Fatal(err)
	}
	if err := finish(h.c, confirm.State, answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("a confirmation as a sign-in: %v", err)
	}
	if _, err := h.c.Confirmed(h.holder, other, confirm.State, answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("in another session: %v", err)
	}
	if _, err := h.c.Confirmed(&signin.Holder{Account: other, Passkeys: h.holder.Passkeys}, session, confirm.State, answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("of another account: %v", err)
	}
	if p, err := h.c.Confirmed(h.holder, session, confirm.State, answer); err != nil || p.Account != account {
		t.Errorf("as it was meant: %v", err)
	}
	adding, err := h.c.Register(h.holder, session)
	if err != nil {
		t.Fatal(err)
	}
	h.device.RPID = "greffe.example.org" // creation options name it elsewhere
	if answer, err = h.device.Sign(bytes.ReplaceAll(adding.PublicKey, []byte("excludeCredentials"), []byte("allowCredentials"))); err != nil {
		t.Fatal(err)
	}
	if _, err := h.c.Confirmed(h.holder, session, adding.State, answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("a registration as a confirmation: %v", err)
	}
	o, answer = begin()
	h.clock.forward(5 * time.Minute)
	if err := finish(h.c, o.State, answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("after five minutes: %v", err)
	}
}

func TestRegistrationIsOfOneAccountAndBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := h.register("again"); !errors.Is(err, signintest.ErrExcluded) {
		t.Errorf("the same device again: %v", err)
	}
	o, err := h.c.Register(h.holder, session)
	if err != nil {
		t.Fatal(err)
	}
	var asked struct {
		Selection struct {
			ResidentKey      string `json:"residentKey"`
			UserVerification string `json:"userVerification"`
		} `json:"authenticatorSelection"`
		Attestation string `json:"attestation"`
	}
	if err := json.Unmarshal(o.PublicKey, &asked); err != nil || asked.Selection.ResidentKey != "required" || asked.Selection.UserVerification != "required" || asked.Attestation != "none" {
		t.Errorf("%+v: %v", asked, err)
	}
	second := &signintest.Device{Origin: origin}
	answer, err := second.Register(o.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	thief := &signin.Holder{Account: other, Name: "eve"}
	if _, err := h.c.Registered(thief, session, o.State, "mine now", answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("another's registration: %v", err)
	}
	for _, name := range []string{"a\nb", strings.Repeat("x", signin.MaxName+1), "\xff"} {
		if _, err := h.c.Registered(h.holder, session, o.State, name, answer); !errors.Is(err, signin.ErrRefused) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	p, err := h.c.Registered(h.holder, session, o.State, "phone", answer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.c.Registered(h.holder, session, o.State, "phone", answer); !errors.Is(err, signin.ErrState) {
		t.Errorf("the same registration again: %v", err)
	}
	for range signin.MaxPasskeys {
		h.holder.Passkeys = append(h.holder.Passkeys, p)
	}
	if _, err := h.c.Register(h.holder, session); !errors.Is(err, signin.ErrFull) {
		t.Errorf("a passkey too many: %v", err)
	}
}

// Which public URLs passkeys can work at.
func TestPublicURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://greffe.example.org":      "https://greffe.example.org",
		"https://greffe.example.org:443/": "https://greffe.example.org",
		"https://Greffe.Example.org:8443": "https://greffe.example.org:8443",
		"http://localhost:8080":           "http://localhost:8080",
		"http://127.0.0.1:8080":           "http://localhost:8080",
		"http://greffe.example.org":       "",
		"https://192.0.2.7":               "",
		"":                                "",
		"greffe":                          "",
	} {
		c := ceremonies(t, url, newClock())
		if c.Available() != (want != "") {
			t.Errorf("%q: available %t", url, c.Available())
		}
		h := &signin.Holder{Account: account, Name: "anne"}
		o, err := c.Register(h, session)
		if want == "" {
			if _, again := c.SignIn(); !errors.Is(err, signin.ErrAway) || !errors.Is(again, signin.ErrAway) {
				t.Errorf("%q: %v", url, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%q: %v", url, err)
		}
		answer, err := (&signintest.Device{Origin: want}).Register(o.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Registered(h, session, o.State, "", answer); err != nil {
			t.Errorf("%q at %q: %v", url, want, err)
		}
	}
	if _, err := signin.New(signin.Config{PublicURL: origin, Key: key[:31], Now: newClock().now, Rand: rand.Reader}); err == nil {
		t.Error("a short key was taken")
	}
}

// Of a refusal nothing that was sent is told.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.device.Origin = "https://canary.example"
	if _, err := h.signIn(); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	if _, err := signin.ParsePasskey(account, []byte(`{"canary":1}`)); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	for _, raw := range []string{``, `{}`, `{"v":2,"key":"AA","public":"AA","made":"2026-03-02T09:14:07Z"}`, `{"v":1,"made":"2026-03-02T09:14:07Z","key":"AA=="}`} {
		if _, err := signin.ParsePasskey(account, []byte(raw)); err == nil {
			t.Errorf("%s was read", raw)
		}
	}
}
