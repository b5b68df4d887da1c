package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/projections/accounts"
)

const issuer = "https://login.example.org"

// vouching is a People over the book, one decision at a time.
func (b *book) vouching() *People {
	return &People{Staff: b.store, Facts: b, Now: func() time.Time { return b.now }, Rand: rand.Reader, Key: make([]byte, 32),
		WaitFor: func(context.Context, domain.Position) error { return nil },
		Open:    func(context.Context, domain.ID) ([]event.Field, error) { return nil, nil },
		Once: func(use string, data []byte) (domain.ID, error) {
			sum := sha256.Sum256([]byte(use + "|" + string(data)))
			return domain.DeriveID(sum[:]), nil
		},
		Alone: func(_ context.Context, work func(Facts) error) error { return work(b) },
		Rules: func() *policy.Policy { return rules(b.t) }}
}

func jeanne(roles ...string) Vouched {
	return Vouched{Issuer: issuer, Subject: "u-1", Label: "Jeanne Dupont", Roles: roles}
}

func (b *book) account(id domain.ID) accounts.Account {
	b.t.Helper()
	a, ok := b.store.Find(id)
	if !ok {
		b.t.Fatal("there is no account")
	}
	return a
}

func TestVouchMakesAnAccountOnce(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	p := b.vouching()
	id, err := p.Vouch(t.Context(), jeanne("dpo", "agent", "dpo", "king"))
	must(t, err)
	a := b.account(id)
	if a.Kind != account.Human || !slices.Equal(a.Roles, []string{"agent", "dpo"}) || len(a.Credentials) != 1 || a.Credentials[0].Kind != account.OIDC || !a.Ready() {
		t.Errorf("the account is %+v", a)
	}
	before := len(b.owns)
	again, err := p.Vouch(t.Context(), jeanne("agent", "dpo"))
	if err != nil || again != id || len(b.owns) != before {
		t.Errorf("again: another account, or %d facts more: %v", len(b.owns)-before, err)
	}
	for name, v := range map[string]Vouched{
		"another subject":              {Issuer: issuer, Subject: "u-2", Label: "Jeanne Dupont", Roles: []string{"dpo"}},
		"another issuer":               {Issuer: "https://evil.example", Subject: "u-1", Label: "Jeanne Dupont", Roles: []string{"dpo"}},
		"the same bytes cut elsewhere": {Issuer: issuer + "1:u", Subject: "-1", Label: "Jeanne Dupont", Roles: []string{"dpo"}},
	} {
		if other, err := p.Vouch(t.Context(), v); err != nil || other == id {
			t.Errorf("%s is the same account: %v", name, err)
		}
	}
	for _, o := range b.owns {
		for _, c := range o.Codes {
			if s, _ := c.Value.(string); strings.Contains(s, "u-1") || strings.Contains(s, "Jeanne") || strings.Contains(s, "login.example") {
				t.Errorf("%s says %s in clear", o.Type, c.Name)
			}
		}
		if o.Type == event.AccountCreated && len(o.Parts) != 1 {
			t.Error("the label is not sealed")
		}
	}
}

// Roles are those of now: another group changes them and ends the sessions, none
// takes them all.
func TestVouchFollowsTheGroups(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	p := b.vouching()
	if _, err := p.Vouch(t.Context(), jeanne("king")); code(err) != problem.PermissionMissing || len(b.owns) != 0 {
		t.Errorf("without a role: %v, %d facts", err, len(b.owns))
	}
	id, err := p.Vouch(t.Context(), jeanne("admin"))
	must(t, err)
	begin := func() {
		_, err := p.Start(t.Context(), Login{Account: id, Method: "oidc", Factors: []string{"oidc"}})
		must(t, err)
	}
	begin()
	if n := len(b.account(id).Sessions); n != 1 {
		t.Fatalf("%d sessions", n)
	}
	_, err = p.Vouch(t.Context(), jeanne("agent"))
	must(t, err)
	if a := b.account(id); !slices.Equal(a.Roles, []string{"agent"}) || len(a.Sessions) != 0 {
		t.Errorf("in another group: %v, %d sessions", a.Roles, len(a.Sessions))
	}
	begin()
	if _, err := p.Vouch(t.Context(), jeanne()); code(err) != problem.PermissionMissing {
		t.Errorf("in no group: %v", err)
	}
	if a := b.account(id); len(a.Roles) != 0 || len(a.Sessions) != 0 || a.Disabled {
		t.Errorf("in no group: %v, %d sessions", a.Roles, len(a.Sessions))
	}
	before := len(b.owns)
	if _, err := p.Vouch(t.Context(), jeanne()); code(err) != problem.PermissionMissing || len(b.owns) != before {
		t.Errorf("still in none: %v, %d facts more", err, len(b.owns)-before)
	}
	if again, err := p.Vouch(t.Context(), jeanne("dpo")); err != nil || again != id {
		t.Errorf("back in one: %v", err)
	}
}

// Who was disabled here stays so, whatever the provider says.
func TestVouchLeavesTheDisabled(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	p := b.vouching()
	id, err := p.Vouch(t.Context(), jeanne("agent"))
	must(t, err)
	off := true
	_, err = p.Change(t.Context(), domain.ID{9}, id, Change{Disabled: &off})
	must(t, err)
	again, err := p.Vouch(t.Context(), jeanne("dpo"))
	if err != nil || again != id || !b.account(id).Disabled {
		t.Errorf("disabled %t: %v", b.account(id).Disabled, err)
	}
	if _, err := p.Start(t.Context(), Login{Account: id, Method: "oidc", Factors: []string{"oidc"}}); code(err) != problem.CredentialsInvalid {
		t.Errorf("it may sign in: %v", err)
	}
}

// An account of a provider has no other way in, and others have not this one.
func TestOneWayIn(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	p := b.vouching()
	id, err := p.Vouch(t.Context(), jeanne("agent"))
	must(t, err)
	_, err = p.SetCredential(t.Context(), id, id, account.Passkey, []byte("k"))
	must(t, err)
	for _, l := range []Login{{Account: id, Method: "passkey", Factors: []string{"passkey"}}, {Account: id, Method: "password", Factors: []string{"password", "totp"}}} {
		if _, err := p.Start(t.Context(), l); code(err) != problem.CredentialsInvalid {
			t.Errorf("by %s: %v", l.Method, err)
		}
	}
	if _, err := p.Invite(t.Context(), domain.ID{9}, id, nil); code(err) != problem.ProviderManaged {
		t.Errorf("an invitation: %v", err)
	}
	if err := p.MayEnrol(&Principal{Account: id, Session: domain.ID{1}, Fresh: b.now, Signed: account.Session{Factors: []string{"oidc"}}}); code(err) != problem.ProviderManaged {
		t.Errorf("enrolling: %v", err)
	}
	local, err := p.Create(t.Context(), domain.ID{9}, NewAccount{Kind: account.Human, Label: "x", Login: "local", Roles: []string{"agent"}})
	must(t, err)
	if _, err := p.Start(t.Context(), Login{Account: local.Account, Method: "oidc", Factors: []string{"oidc"}}); code(err) != problem.CredentialsInvalid {
		t.Errorf("a local account by the provider: %v", err)
	}
}

// Factors given at the provider this morning are not given now.
func TestFactorsGivenBefore(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	p := b.vouching()
	id, err := p.Vouch(t.Context(), jeanne("agent"))
	must(t, err)
	for name, c := range map[string]struct {
		proved time.Time
		fresh  bool
	}{"now": {b.now, true}, "a minute ago": {b.now.Add(-time.Minute), true}, "this morning": {b.now.Add(-3 * time.Hour), false}, "not known": {time.Time{}, false}} {
		s, err := p.Start(t.Context(), Login{Account: id, Method: "oidc", Factors: []string{"oidc"}, Proved: c.proved})
		must(t, err)
		who, _, err := p.identify(s.Cookie)
		must(t, err)
		if err := p.IsFresh(who); (err == nil) != c.fresh {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndVouched(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		subject, session string
		before           time.Duration
		left             string
	}{
		"one session":                   {"u-1", "s-1", time.Minute, "s-2"},
		"by the session alone":          {"", "s-1", time.Minute, "s-2 none"},
		"the subject":                   {"u-1", "", time.Minute, ""},
		"a session not known":           {"u-1", "s-9", time.Minute, "s-1 s-2"},
		"a session not known of nobody": {"", "s-9", time.Minute, "s-1 s-2 none"},
		"another subject":               {"u-9", "s-1", time.Minute, "s-1 s-2 none"},
		"before they began":             {"u-1", "", -time.Second, "s-1 s-2 none"},
	} {
		b := newBook(t)
		p := b.vouching()
		id, err := p.Vouch(t.Context(), jeanne("agent"))
		must(t, err)
		local, err := p.Create(t.Context(), domain.ID{9}, NewAccount{Kind: account.Human, Label: "x", Login: "local", Roles: []string{"agent"}})
		must(t, err)
		_, err = p.Start(t.Context(), Login{Account: local.Account, Method: "password", Factors: []string{"password", "totp"}})
		must(t, err)
		names := map[domain.ID]string{}
		for _, s := range []string{"s-1", "s-2", ""} {
			at, err := p.ProviderSession(issuer, s)
			must(t, err)
			names[at] = s
			_, err = p.Start(t.Context(), Login{Account: id, Method: "oidc", Factors: []string{"oidc"}, ProviderSession: at})
			must(t, err)
		}
		names[domain.ID{}] = "none"
		n, err := p.EndVouched(t.Context(), issuer, c.subject, c.session, b.now.Add(c.before))
		must(t, err)
		var left []string
		for _, s := range b.account(id).Sessions {
			left = append(left, names[s.ProviderSession])
		}
		if got := strings.Join(left, " "); got != c.left || n != 3-len(left) {
			t.Errorf("%s: left %q, %d ended", name, got, n)
		}
		if len(b.account(local.Account).Sessions) != 1 {
			t.Errorf("%s: another's session ended", name)
		}
	}
}
