package signin_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/signin"
	"greffe/api/signin/signintest"
	"greffe/domain"
)

const origin = "https://greffe.example.org"

var (
	account = domain.DeriveID([]byte("account of the tests"))
	other   = domain.DeriveID([]byte("other account of the tests"))
	session = domain.DeriveID([]byte("session of the tests"))
	key     = bytes.Repeat([]byte{7}, 32)
)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 9, 14, 7, 0, time.UTC)} }

func ceremonies(t *testing.T, url string, now *clock) *signin.Ceremonies {
	t.Helper()
	c, err := signin.New(signin.Config{PublicURL: url, Key: key, Now: now.now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// house is one person with one passkey, and the ceremonies.
type house struct {
	t      *testing.T
	clock  *clock
	c      *signin.Ceremonies
	device *signintest.Device
	holder *signin.Holder
}

func newHouse(t *testing.T) *house {
	t.Helper()
	now := newClock()
	h := &house{t, now, ceremonies(t, origin, now), &signintest.Device{Origin: origin, Step: 1}, &signin.Holder{Account: account, Name: "anne"}}
	p, err := h.register("laptop")
	if err != nil {
		t.Fatal(err)
	}
	h.holder.Passkeys = append(h.holder.Passkeys, kept(t, p))
	return h
}

// kept is a passkey after it was sealed and opened again.
func kept(t *testing.T, p signin.Passkey) signin.Passkey {
	t.Helper()
	raw, err := p.Record()
	if err != nil {
		t.Fatal(err)
	}
	out, err := signin.ParsePasskey(domain.DeriveID([]byte("a credential of the tests")), raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (h *house) register(name string) (signin.Passkey, error) {
	h.t.Helper()
	o, err := h.c.Register(h.holder, session)
	if err != nil {
		return signin.Passkey{}, err
	}
	answer, err := h.device.Register(o.PublicKey)
	if err != nil {
		return signin.Passkey{}, err
	}
	return h.c.Registered(h.holder, session, o.State, name, answer)
}

func (h *house) find(_ context.Context, id domain.ID) (*signin.Holder, error) {
	if id != h.holder.Account {
		return nil, nil
	}
	return h.holder, nil
}

// signIn runs a whole sign-in with the device as it is now.
func (h *house) signIn() (signin.Proof, error) {
	h.t.Helper()
	o, err := h.c.SignIn()
	if err != nil {
		return signin.Proof{}, err
	}
	answer, err := h.device.Sign(o.PublicKey)
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := h.c.SignedIn(h.t.Context(), o.State, answer, h.find)
	if err == nil {
		h.holder.Passkeys[0] = kept(h.t, p.Passkey)
	}
	return p, err
}

func TestSignInWithAPasskey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for want := uint32(1); want <= 3; want++ {
		p, err := h.signIn()
		if err != nil {
			t.Fatal(err)
		}
		if p.Account != account || p.Passkey.Counter != want || !p.Changed || p.Once.IsZero() || p.Passkey.Name != "laptop" {
			t.Fatalf("proof %+v, want counter %d", p, want)
		}
	}
	h.device.Step, h.device.Keys[0].Counter = 0, 0
	if _, err := h.signIn(); !errors.Is(err, signin.ErrCopied) {
		t.Errorf("a counter back at zero: %v", err)
	}
}

// A device that does not count (a synced passkey) signs in again and again, and
// nothing is to be sealed anew.
func TestSyncedPasskeysDoNotCount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.device.Step = 0
	for range 2 {
		if p, err := h.signIn(); err != nil || p.Changed || p.Passkey.Synced() {
			t.Fatalf("%+v: %v", p, err)
		}
	}
	h.device.BackedUp = true
	if p, err := h.signIn(); err != nil || !p.Changed || !p.Passkey.Synced() {
		t.Errorf("a key that was copied by its provider since: %+v: %v", p, err)
	}
}

// Options name nobody, demand verification, and differ only in their challenge.
func TestToBeginSaysNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	seen := map[string]bool{}
	for range 3 {
		o, err := h.c.SignIn()
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(o.PublicKey, &got); err != nil {
			t.Fatal(err)
		}
		challenge, _ := got["challenge"].(string)
		if len(challenge) != 43 || seen[challenge] {
			t.Errorf("challenge %q", challenge)
		}
		seen[challenge] = true
		delete(got, "challenge")
		if len(got) != 3 || got["rpId"] != "greffe.example.org" || got["userVerification"] != "required" || got["timeout"] != 300_000.0 {
			t.Errorf("options %v", got)
		}
		if strings.Contains(o.State, challenge) || bytes.Contains(o.PublicKey, []byte("anne")) {
			t.Error("the state shows what it holds")
		}
	}
}

func TestWhatDoesNotHoldIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(d *signintest.Device){
		"another origin":          func(d *signintest.Device) { d.Origin = "https://greffe.example.org.evil.example" },
		"without TLS":             func(d *signintest.Device) { d.Origin = "http://greffe.example.org" },
		"another port":            func(d *signintest.Device) { d.Origin = origin + ":8443" },
		"another relying party":   func(d *signintest.Device) { d.RPID = "example.org" },
		"no user verification":    func(d *signintest.Device) { d.NoVerification = true },
		"nobody present":          func(d *signintest.Device) { d.NoPresence = true },
		"inside another's page":   func(d *signintest.Device) { d.CrossOrigin = true },
		"an answer of the others": func(d *signintest.Device) { d.Type = "payment.get" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			spoil(h.device)
			if _, err := h.signIn(); !errors.Is(err, signin.ErrRefused) {
				t.Errorf("sign-in: %v", err)
			}
			fresh := &signintest.Device{Origin: origin}
			spoil(fresh)
			h.device = fresh
			if _, err := h.register("x"); !errors.Is(err, signin.ErrRefused) {
				t.Errorf("registration: %v", err)
			}
		})
	}
}

func TestForgedAnswersAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	thief := &signintest.Device{Origin: origin, Keys: []*signintest.Key{}}
	mine, err := h.c.Register(&signin.Holder{Account: account, Name: "anne"}, session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := thief.Register(mine.PublicKey); err != nil { // a key of the thief's, for the victim's handle
		t.Fatal(err)
	}
	stolen := *h.device.Keys[0]
	for name, forge := range map[string]func(o signin.Options) ([]byte, error){
		"an unknown key":         func(o signin.Options) ([]byte, error) { return thief.Sign(o.PublicKey) },
		"the victim's id":        func(o signin.Options) ([]byte, error) { thief.Keys[0].ID = stolen.ID; return thief.Sign(o.PublicKey) },
		"nobody's handle":        func(o signin.Options) ([]byte, error) { return rehandled(h, o, other[:]) },
		"a handle of no account": func(o signin.Options) ([]byte, error) { return rehandled(h, o, []byte("x")) },
		"not JSON":               func(signin.Options) ([]byte, error) { return []byte("{"), nil },
		"nothing":                func(signin.Options) ([]byte, error) { return nil, nil },
		"too long":               func(signin.Options) ([]byte, error) { return bytes.Repeat([]byte(" "), 1<<20), nil },
	} {
		o, err := h.c.SignIn()
		if err != nil {
			t.Fatal(err)
		}
		answer, err := forge(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.c.SignedIn(t.Context(), o.State, answer, h.find); !errors.Is(err, signin.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func rehandled(h *house, o signin.Options, handle []byte) ([]byte, error) {
	k := *h.device.Keys[0]
	k.User = handle
	return (&signintest.Device{Origin: origin, Step: 1, Keys: []*signintest.Key{&k}}).Sign(o.PublicKey)
}
