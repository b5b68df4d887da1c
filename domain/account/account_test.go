package account

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

var epoch = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func id(n byte) domain.ID { return domain.ID{n, 6: 0x40, 8: 0x80} }

func fact(n byte, t event.Type, codes event.Codes) *event.Fact {
	return &event.Fact{ID: id(n), Type: t, Codes: codes, Recorded: domain.NewTime(epoch.Add(time.Duration(n) * time.Second))}
}

// The examples of délib. CNIL 2022-100, cases 1 and 2.
func TestPasswordsOfTheDeliberation(t *testing.T) {
	t.Parallel()
	for password, want := range map[string][2]Fault{ // alone, throttled
		"Abcdefgh12-x":                   {"", ""},
		"Abcdefgh12-":                    {TooShort, ""},
		"Abcdefgh123456":                 {"", ""},
		"Abcdefgh12345":                  {TooShort, ""},
		"abcdefgh123456":                 {TooPlain, TooPlain},
		"Abcdef1x":                       {TooShort, ""},
		"Abcde1x":                        {TooShort, TooShort},
		"1234567890123456":               {TooPlain, ""},
		"Aa1-Aa1-Aa1-Aa1-":               {TooPlain, TooPlain},
		"un chat bleu dort sur mon toit": {"", ""},
		"un chat bleu dort":              {TooShort, ""},
		"Abcdjmartin12-x":                {NamesUser, NamesUser},
		"AbcdJMARTIN12-x":                {NamesUser, NamesUser},
		"Abcdefgh12-x\x00":               {Unclean, Unclean},
		"Abcdefgh12-\xff":                {Unclean, Unclean},
		strings.Repeat("Ab1-é", 200):     {TooLong, TooLong},
		"Éàçùêîôï12-X":                   {"", ""},
	} {
		for i, c := range []Case{Alone, Throttled} {
			if got := CheckPassword(password, "jmartin", c); got != want[i] {
				t.Errorf("%d characters, %s: %q, not %q", len([]rune(password)), c, got, want[i])
			}
		}
	}
}

// Ten failures block; waits grow before and after; the block ends, and old failures
// count no more.
func TestThrottle(t *testing.T) {
	t.Parallel()
	var th Throttle
	now, last := epoch, time.Duration(0)
	for n := 1; n <= MaxFailures+8; n++ {
		if th.Wait(now) != 0 {
			t.Fatalf("before try %d there is a wait", n)
		}
		th = th.Fail(now)
		wait := th.Wait(now)
		if th.Failures != n || wait < last || n >= Recorded && wait == 0 || (th.Level > 0) != (n >= MaxFailures) {
			t.Errorf("after failure %d: %+v, wait %s after %s", n, th, wait, last)
		}
		if n == MaxFailures && wait != FirstBlock || wait > LongestWait {
			t.Errorf("failure %d blocks for %s", n, wait)
		}
		now, last = now.Add(wait), wait
	}
	if last != LongestWait {
		t.Errorf("the longest wait is %s", last)
	}
	if forgotten := th.Fail(now.Add(Forget)); forgotten.Failures != 1 || forgotten.Level != 0 {
		t.Errorf("a day later: %+v", forgotten)
	}
	if a, b := (Throttle{Failures: 3}), (Throttle{Failures: 4}); a.Later(b) != b || b.Later(a) != b {
		t.Error("the sterner count is not taken")
	}
}

func TestFactorsOfDifferentFamilies(t *testing.T) {
	t.Parallel()
	for factors, want := range map[string]bool{"": false, "password": false, "totp": false, "totp recovery": false, "password totp": true,
		"password recovery": true, "passkey": true, "oidc": true} {
		if Complete(strings.Fields(factors)) != want {
			t.Errorf("%q: %t", factors, !want)
		}
	}
}

func TestSessionHolds(t *testing.T) {
	t.Parallel()
	l := Limits{Idle: 30 * time.Minute}
	s := Session{Expires: epoch.Add(time.Hour)}
	for _, c := range []struct {
		now, seen time.Duration
		why       string
	}{{0, 0, ""}, {29 * time.Minute, 0, ""}, {30 * time.Minute, 0, "idle"}, {59 * time.Minute, 59 * time.Minute, ""}, {time.Hour, time.Hour, "expired"}} {
		if ok, why := s.Holds(epoch.Add(c.now), epoch.Add(c.seen), l); ok != (c.why == "") || why != c.why {
			t.Errorf("%v: %t %q", c, ok, why)
		}
	}
}

func session(n byte) *event.Fact {
	return fact(n, event.AccountSessionStarted, event.Codes{}.With("session", id(n).String()).With("digest", strings.Repeat("0", 62)+"0"+string("0123456789abcdef"[n%16])).
		With("method", "passkey").With("factors", []string{"passkey"}).With("expires_at", domain.FormatTime(epoch.Add(time.Hour))))
}

func apply(t *testing.T, s State, facts ...*event.Fact) State {
	t.Helper()
	for _, f := range facts {
		var err error
		if s, err = s.Apply(f); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func set(n byte, kind CredentialKind) *event.Fact {
	return fact(n, event.AccountCredentialSet, event.Codes{}.With("credential", id(n).String()).With("kind", string(kind)))
}

// What ends the sessions of an account, and what does not.
func TestWhatEndsSessions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    *event.Fact
		left int
	}{
		"changed":     {fact(9, event.AccountChanged, event.Codes{}.With("state", "active")), 0},
		"disabled":    {fact(9, event.AccountDisabled, nil), 0},
		"password":    {set(9, Password), 0},
		"totp":        {set(9, TOTP), 2},
		"all":         {fact(9, event.AccountSessionEnded, event.Codes{}.With("all", true)), 0},
		"one":         {fact(9, event.AccountSessionEnded, event.Codes{}.With("session", id(1).String())), 1},
		"one unknown": {fact(9, event.AccountSessionEnded, event.Codes{}.With("session", id(7).String())), 2},
		"replaced":    {func() *event.Fact { f := session(9); f.Codes = f.Codes.With("replaces", id(1).String()); return f }(), 2},
	} {
		before := apply(t, State{Kind: Human}, session(1), session(2))
		after := apply(t, before, c.f)
		if len(after.Sessions) != c.left || len(before.Sessions) != 2 {
			t.Errorf("%s leaves %d sessions, and %d before", name, len(after.Sessions), len(before.Sessions))
		}
	}
	var s State
	for n := byte(1); n <= MaxSessions+5; n++ {
		f := session(n)
		f.Codes = f.Codes.With("digest", strings.Repeat("0", 60)+string("0123456789abcdef"[n/16])+string("0123456789abcdef"[n%16])+"00")
		s = apply(t, s, f)
	}
	if len(s.Sessions) != MaxSessions || s.Sessions[0].ID != id(6) {
		t.Errorf("%d sessions", len(s.Sessions))
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := apply(t, State{Kind: Human}, set(1, Password), set(2, TOTP), set(3, TOTP), set(4, Passkey), set(5, Passkey))
	if len(s.Credentials) != 4 {
		t.Fatalf("%d credentials", len(s.Credentials))
	}
	if c, ok := s.Has(TOTP); !ok || c.ID != id(3) {
		t.Error("the newer seed did not take the place of the older")
	}
	if got := strings.Join(s.Next(), " "); got != "passkey totp" || !s.Ready() || !s.SecondFactor() {
		t.Errorf("next is %s", got)
	}
	s = apply(t, s, fact(8, event.AccountCredentialRemoved, event.Codes{}.With("credential", id(4).String())))
	if c, ok := s.Has(Passkey); !ok || c.ID != id(5) {
		t.Error("the other passkey is gone")
	}
	if s = apply(t, State{}, set(1, Password)); s.Ready() {
		t.Error("a password alone is enough")
	}
}

// A fact that makes no sense is an error, and changes nothing.
func TestSenselessFacts(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*event.Fact{
		"kind":        fact(1, event.AccountCredentialSet, event.Codes{}.With("credential", id(1).String()).With("kind", "pin")),
		"no id":       fact(1, event.AccountCredentialSet, event.Codes{}.With("kind", "totp")),
		"digest":      fact(1, event.AccountInvited, event.Codes{}.With("digest", "zz").With("expires_at", domain.FormatTime(epoch))),
		"endless":     fact(1, event.AccountInvited, event.Codes{}.With("digest", strings.Repeat("a", 64))),
		"no factors":  fact(1, event.AccountSessionStarted, event.Codes{}.With("session", id(1).String()).With("digest", strings.Repeat("a", 64)).With("expires_at", domain.FormatTime(epoch))),
		"no lock end": fact(1, event.AccountLocked, event.Codes{}.With("failures", int64(3))),
		"other type":  fact(1, event.ContactCreated, nil),
	} {
		if _, err := (State{}).Apply(f); !errors.Is(err, ErrFact) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, codes := range map[string]event.Codes{
		"kind":  event.Codes{}.With("kind", "robot"),
		"guest": event.Codes{}.With("kind", "guest").With("inspection", id(1).String()),
	} {
		if _, err := Created(fact(1, event.AccountCreated, codes)); !errors.Is(err, ErrFact) {
			t.Errorf("created %s: %v", name, err)
		}
	}
	if s, err := Created(fact(1, event.AccountCreated, nil)); err != nil || s.Kind != Service {
		t.Errorf("an account of before there were kinds: %+v %v", s, err)
	}
}
