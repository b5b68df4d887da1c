package auth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
	"greffe/projections"
	"greffe/projections/accounts"
)

var testNow = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// book is a ledger in a slice that feeds a real account store at once.
type book struct {
	t     *testing.T
	mu    sync.Mutex
	store *accounts.Store
	owns  []ledger.Own
	now   time.Time
	fail  error
}

func newBook(t *testing.T) *book {
	t.Helper()
	s, err := accounts.Open(t.Context(), filepath.Join(t.TempDir(), "accounts.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return &book{t: t, store: s, now: testNow}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *book) Write(ctx context.Context, owns []ledger.Own) ([]ledger.Written, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return nil, b.fail
	}
	var out []ledger.Written
	for _, o := range owns {
		f := &event.Fact{ID: domain.ID{byte(len(b.owns)), 1}, Type: o.Type, Actor: o.Actor, Codes: o.Codes,
			Time: domain.NewTime(b.now), Recorded: domain.NewTime(b.now)}
		at := domain.Position(len(b.owns))
		if bytes, err := event.AppendFact(nil, f); err != nil {
			return nil, err
		} else if f, err = event.DecodeFact(bytes); err != nil {
			return nil, err
		} else if err := b.store.Apply(ctx, []projections.Fact{{Position: at, Fact: f}}); err != nil {
			return nil, err
		}
		b.owns, out = append(b.owns, o), append(out, ledger.Written{Event: f.ID, Position: at})
	}
	return out, nil
}

func (b *book) desk() *Desk {
	return &Desk{Directory: b.store, Facts: b, Now: func() time.Time { return b.now }, Rand: rand.Reader,
		WaitFor:  func(context.Context, domain.Position) error { return nil },
		SourceID: func(name string) domain.ID { return domain.ID{name[0]} }}
}

func (b *book) authenticator() *Authenticator {
	return New(Config{Directory: b.store, Current: func(context.Context) error { return nil }, Now: func() time.Time { return b.now }})
}

func rules(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	must(t, err)
	return p
}

var here = Peer{Addr: netip.MustParseAddr("192.0.2.1")}

func (b *book) identify(token string) (*Principal, error) {
	return b.authenticator().Identify(b.t.Context(), "Bearer "+token, here)
}

func code(err error) problem.Code { return problem.From(err).Code }

func TestBootstrap(t *testing.T) {
	t.Parallel()
	for _, weak := range []string{"short", strings.Repeat("x", 15), strings.Repeat("é", 15), "has white space in it", strings.Repeat("x", 600)} {
		if _, err := newBook(t).desk().Bootstrap(t.Context(), weak); !errors.Is(err, ErrWeakToken) {
			t.Errorf("%d bytes were accepted: %v", len(weak), err)
		}
	}
	b := newBook(t)
	made, err := b.desk().Bootstrap(t.Context(), "")
	must(t, err)
	if !random(made) || len(made) < 90 {
		t.Fatalf("made a token of %d characters", len(made))
	}
	p, err := b.identify(made)
	must(t, err)
	if !slices.Equal(p.Roles, policy.RoleCodes()) || !p.ActFor {
		t.Errorf("the first administrator has %v", p.Roles)
	}
	again, err := b.desk().Bootstrap(t.Context(), "another-token-of-mine")
	if err != nil || again != "" {
		t.Errorf("a second bootstrap: %q %v", again, err)
	}
	if _, err := b.identify("another-token-of-mine"); code(err) != problem.TokenInvalid {
		t.Errorf("its token: %v", err)
	}
	chosen := newBook(t)
	if made, err := chosen.desk().Bootstrap(t.Context(), "a-token-of-my-own-choice"); made != "" || err != nil {
		t.Errorf("with a chosen token: %q %v", made, err)
	}
	if _, err := chosen.identify("a-token-of-my-own-choice"); err != nil {
		t.Error(err)
	}
}

// The first administrator keeps every role until another administrator exists;
// other accounts change nothing.
func TestBootstrapRolesEnd(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	first, err := b.desk().Bootstrap(t.Context(), "")
	must(t, err)
	for _, c := range []struct {
		role string
		all  bool
	}{{"agent", true}, {"dpo", true}, {"admin", false}} {
		_, err := b.desk().Make(t.Context(), rules(t), domain.ID{1}, Request{Label: "x", Roles: []string{c.role}})
		must(t, err)
		p, err := b.identify(first)
		must(t, err)
		if got := len(p.Roles) == len(policy.RoleCodes()); got != c.all {
			t.Errorf("with an account of role %s the first has %v", c.role, p.Roles)
		}
	}
}

func TestMadeTokens(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	r := Request{Label: "Jeanne Dupont", Roles: []string{"service", "agent"}, Expires: testNow.Add(time.Hour), DefaultReason: "customer_call",
		Sources: []string{"crm/eu"}, ActFor: true}
	m, err := b.desk().Make(t.Context(), rules(t), domain.ID{7}, r)
	must(t, err)
	p, err := b.identify(m.Text)
	must(t, err)
	if p.Account != m.Account || p.Token != m.Token || !slices.Equal(p.Roles, []string{"agent", "service"}) || p.DefaultReason != "customer_call" || !p.ActFor {
		t.Errorf("the principal is %+v", p)
	}
	if !p.MayWrite(domain.ID{'c'}) || p.MayWrite(domain.ID{'d'}) || !(&Principal{}).MayWrite(domain.ID{'d'}) {
		t.Error("sources are not what was asked for")
	}
	second, err := b.desk().Make(t.Context(), rules(t), domain.ID{7}, Request{Account: m.Account})
	must(t, err)
	if q, err := b.identify(second.Text); err != nil || q.Account != m.Account || q.Token == p.Token || second.Text == m.Text {
		t.Errorf("a second token of the account: %+v %v", q, err)
	}
	secret := m.Text[strings.LastIndex(m.Text, "_")+1:]
	if raw, err := hex.DecodeString(secret); err != nil || len(raw) != 32 {
		t.Errorf("the secret has %d bytes: %v", len(raw), err)
	}
	for _, o := range b.owns {
		if text := []byte(strings.Join([]string{o.Codes.String("digest"), o.Codes.String("token")}, " ")); strings.Contains(string(text), secret) {
			t.Error("the secret is in a fact")
		}
		for _, c := range o.Codes {
			if s, _ := c.Value.(string); strings.Contains(s, "Jeanne") {
				t.Error("the label is in clear in a fact")
			}
		}
		if o.Type == event.AccountCreated && (len(o.Parts) != 1 || string(o.Parts[0].Fields[0].Value) != `"Jeanne Dupont"` || o.Parts[0].Key.Validate() != nil || o.Actor != domain.ID{7}) {
			t.Errorf("the account is recorded as %+v", o)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	known, err := b.desk().Make(t.Context(), rules(t), domain.ID{}, Request{Label: "x", Roles: []string{"agent"}})
	must(t, err)
	for name, c := range map[string]struct {
		r     Request
		field string
	}{
		"no label":            {Request{Roles: []string{"agent"}, Label: "  "}, "label"},
		"long label":          {Request{Roles: []string{"agent"}, Label: strings.Repeat("x", 201)}, "label"},
		"label not UTF-8":     {Request{Roles: []string{"agent"}, Label: "\xff"}, "label"},
		"no role":             {Request{Label: "x"}, "roles"},
		"unknown role":        {Request{Label: "x", Roles: []string{"agent", "king"}}, "roles"},
		"expired":             {Request{Label: "x", Roles: []string{"agent"}, Expires: testNow}, "expires_at"},
		"empty source":        {Request{Label: "x", Roles: []string{"agent"}, Sources: []string{""}}, "sources"},
		"unknown reason":      {Request{Label: "x", Roles: []string{"agent"}, DefaultReason: "curiosity"}, "default_reason"},
		"another's reason":    {Request{Label: "x", Roles: []string{"agent"}, DefaultReason: "audit"}, "default_reason"},
		"reason needs ticket": {Request{Label: "x", Roles: []string{"agent"}, DefaultReason: "support_ticket"}, "default_reason"},
		"unknown account":     {Request{Account: domain.ID{8}}, "account_id"},
		"roles of an account": {Request{Account: known.Account, Roles: []string{"admin"}}, "roles"},
	} {
		before := len(b.owns)
		_, err := b.desk().Make(t.Context(), rules(t), domain.ID{}, c.r)
		if p := problem.From(err); p.Field != c.field || p.Code == problem.Internal {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.owns) != before {
			t.Errorf("%s: something was recorded", name)
		}
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	first, err := b.desk().Bootstrap(t.Context(), "")
	must(t, err)
	p, err := b.identify(first)
	must(t, err)
	if err := b.desk().Revoke(t.Context(), p.Account, p.Token); code(err) != problem.LastAdmin {
		t.Errorf("the last administrator's token: %v", err)
	}
	if err := b.desk().Revoke(t.Context(), p.Account, domain.ID{9}); code(err) != problem.NotFound {
		t.Errorf("an unknown token: %v", err)
	}
	short, err := b.desk().Make(t.Context(), rules(t), p.Account, Request{Label: "x", Roles: []string{"admin"}, Expires: testNow.Add(time.Minute)})
	must(t, err)
	b.now = testNow.Add(time.Hour) // that one is over: the first is the last again
	if err := b.desk().Revoke(t.Context(), p.Account, p.Token); code(err) != problem.LastAdmin {
		t.Errorf("the last token that holds: %v", err)
	}
	must(t, b.desk().Revoke(t.Context(), p.Account, short.Token))
	other, err := b.desk().Make(t.Context(), rules(t), p.Account, Request{Account: p.Account})
	must(t, err)
	must(t, b.desk().Revoke(t.Context(), p.Account, p.Token))
	must(t, b.desk().Revoke(t.Context(), p.Account, p.Token))
	if _, err := b.identify(first); code(err) != problem.TokenRevoked {
		t.Errorf("after revoking: %v", err)
	}
	if _, err := b.identify(other.Text); err != nil {
		t.Errorf("the account's other token: %v", err)
	}
}

func TestDisabledAccount(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	m, err := b.desk().Make(t.Context(), rules(t), domain.ID{}, Request{Label: "x", Roles: []string{"agent"}})
	must(t, err)
	_, err = b.Write(t.Context(), []ledger.Own{{Type: event.AccountDisabled, Codes: event.Codes{}.With("account", m.Account.String())}})
	must(t, err)
	if _, err := b.identify(m.Text); code(err) != problem.TokenRevoked {
		t.Errorf("a disabled account's token: %v", err)
	}
	if _, err := b.desk().Make(t.Context(), rules(t), domain.ID{}, Request{Account: m.Account}); code(err) != problem.FieldInvalid {
		t.Errorf("a new token for it: %v", err)
	}
}

// What the ledger says of a write is what the caller hears.
func TestWritesThatFail(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.fail = ledger.ErrBusy
	_, err := b.desk().Make(t.Context(), rules(t), domain.ID{}, Request{Label: "x", Roles: []string{"agent"}})
	if !errors.Is(err, ledger.ErrBusy) {
		t.Errorf("busy: %v", err)
	}
	b.fail = nil
	d := b.desk()
	d.WaitFor = func(context.Context, domain.Position) error { return context.DeadlineExceeded }
	if m, err := d.Make(t.Context(), rules(t), domain.ID{}, Request{Label: "x", Roles: []string{"agent"}}); code(err) != problem.Stale || m.Position != 0 {
		t.Errorf("recorded and not applied here: %v", err)
	}
	d.Rand = strings.NewReader("short")
	if _, err := d.Make(t.Context(), rules(t), domain.ID{}, Request{Label: "x", Roles: []string{"agent"}}); err == nil {
		t.Error("a token was made without randomness")
	}
	stuck := New(Config{Directory: b.store, Current: func(context.Context) error { return errors.New("halted") }, Now: time.Now})
	if _, err := stuck.Identify(t.Context(), "Bearer x", here); code(err) != problem.Unavailable {
		t.Errorf("a directory that halted: %v", err)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	m, err := b.desk().Make(t.Context(), rules(t), domain.ID{}, Request{Label: "x", Roles: []string{"agent"}})
	must(t, err)
	a := b.authenticator()
	for header, want := range map[string]problem.Code{
		"": problem.TokenMissing, "Bearer": problem.TokenMissing, "Bearer  ": problem.TokenMissing, "Basic " + m.Text: problem.TokenMissing,
		m.Text: problem.TokenMissing, "Bearer " + m.Text[:len(m.Text)-1]: problem.TokenInvalid, "Bearer " + strings.ToUpper(m.Text): problem.TokenInvalid,
		"Bearer " + strings.Repeat("x", 600): problem.TokenInvalid,
	} {
		if _, err := a.Identify(t.Context(), header, here); code(err) != want {
			t.Errorf("%d characters: %v, want %s", len(header), err, want)
		}
	}
	for _, header := range []string{"Bearer " + m.Text, "bearer   " + m.Text + " "} {
		if _, err := a.Identify(t.Context(), header, here); err != nil {
			t.Errorf("a good token: %v", err)
		}
	}
}

// Wrong tokens are counted by network. Over the limit a token that could be
// guessed tells nothing, and random ones go on.
func TestWrongTokensAreLimited(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	const chosen = "a-token-of-my-own-choice"
	_, err := b.desk().Bootstrap(t.Context(), chosen)
	must(t, err)
	m, err := b.desk().Make(t.Context(), rules(t), domain.ID{}, Request{Label: "x", Roles: []string{"agent"}})
	must(t, err)
	a := b.authenticator()
	try := func(token, from string) problem.Code {
		_, err := a.Identify(t.Context(), "Bearer "+token, Peer{Addr: netip.MustParseAddr(from)})
		if err == nil {
			return "ok"
		}
		if p := problem.From(err); p.Code == problem.RateLimited && p.RetryAfter <= 0 {
			t.Error("limited without a time to wait")
		}
		return code(err)
	}
	for i := range wrongBurst {
		if c := try("guess", "2001:db8::1"); c != problem.TokenInvalid {
			t.Fatalf("guess %d: %s", i, c)
		}
	}
	for name, c := range map[string]struct {
		token, from string
		want        problem.Code
	}{
		"another guess":             {"guess", "2001:db8::1", problem.RateLimited},
		"a guess from the same /64": {"guess", "2001:db8::ffff", problem.RateLimited},
		"the right guess":           {chosen, "2001:db8::1", problem.RateLimited},
		"a random token":            {m.Text, "2001:db8::1", "ok"},
		"from elsewhere":            {chosen, "2001:db8:1::1", "ok"},
		"a guess from elsewhere":    {"guess", "198.51.100.7", problem.TokenInvalid},
	} {
		if got := try(c.token, c.from); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	b.now = b.now.Add(wrongInterval)
	if c := try(chosen, "2001:db8::1"); c != "ok" {
		t.Errorf("after the interval: %s", c)
	}
}

func TestLimiterForgetsAndIsBounded(t *testing.T) {
	t.Parallel()
	now := testNow
	l := NewLimiter(1, 2, func() time.Time { return now })
	if s := l.Take("a"); s.Limit != 2 || s.Left != 1 || s.Wait != 0 || s.Reset != time.Second {
		t.Errorf("first: %+v", s)
	}
	l.Take("a")
	if s := l.Take("a"); s.Wait != time.Second || s.Left != 0 || l.Wait("a") != time.Second {
		t.Errorf("third: %+v", s)
	}
	for i := range 2 * maxBuckets {
		l.Take(string([]rune{rune(i), rune(i >> 8), 'x'}))
	}
	if len(l.buckets) > maxBuckets+1 {
		t.Errorf("%d buckets are kept", len(l.buckets))
	}
	if s := l.Take("a"); s.Wait == 0 {
		t.Error("a flood of others freed the one that waits")
	}
	now = now.Add(time.Hour)
	l.Take("new")
	if len(l.buckets) > 2 {
		t.Errorf("%d buckets are kept of those that are full again", len(l.buckets))
	}
}
