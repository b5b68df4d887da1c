//go:build real

package app

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/eventstore/esdb/esdbtest"
	"greffe/eventstore/vault/kek"
	"greffe/eventstore/vault/postgres/pgtest"
)

// twins are two nodes of one ledger, on a real PostgreSQL and the log's protocol, under one
// clock.
type twins struct {
	*testing.T
	now   clock
	nodes [2]*App
	home  netip.Addr
}

func openTwins(t *testing.T) *twins {
	t.Helper()
	p := &twins{T: t, home: netip.MustParseAddr("127.0.0.1")}
	p.now.set(time.Now().UTC())
	dir, pg, log := t.TempDir(), pgtest.Start(t), esdbtest.Start(t, esdbtest.Options{})
	key := filepath.Join(dir, "key")
	p.ok(kek.Create(key, "k1", rand.Reader))
	stores := Stores{LogStore: log.URL(), VaultStore: pg.URL(t)}
	for i := range p.nodes {
		a, err := Open(t.Context(), Config{Data: filepath.Join(dir, string(rune('a'+i))), KEK: key, Stores: stores, Now: p.now.read})
		p.ok(err)
		t.Cleanup(func() { _ = a.Close() })
		p.nodes[i] = a
		p.ok(a.Join(t.Context()))
		serving, end := context.WithCancel(context.Background())
		var ended sync.WaitGroup
		ended.Go(func() { a.Keep(serving, Keeping{}) })
		t.Cleanup(func() { end(); ended.Wait() })
	}
	return p
}

func (p *twins) ok(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// both lets the two nodes do the same at once, and fails unless exactly one succeeds, and
// the other is refused with the code.
func both[T any](p *twins, what string, code problem.Code, do func(a *App) (T, error)) (won T, by int) {
	p.Helper()
	var out [2]T
	var errs [2]error
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i, a := range p.nodes {
		all.Go(func() { <-begin; out[i], errs[i] = do(a) })
	}
	close(begin)
	all.Wait()
	if by = 0; errs[0] != nil {
		by = 1
	}
	if errs[by] != nil || !errors.Is(errs[1-by], problem.New(code)) {
		p.Fatalf("%s at two nodes at once: %v, %v; want one, and %s", what, errs[0], errs[1], code)
	}
	return out[by], by
}

// follow waits until both nodes have read what is in the log.
func (p *twins) follow() {
	p.Helper()
	for _, a := range p.nodes {
		p.ok(a.CaughtUp(p.Context()))
	}
}

// who is who a cookie stands for at a node.
func (p *twins) who(node int, cookie string) *auth.Principal {
	p.Helper()
	who, _, err := p.nodes[node].auth.IdentifyCookie(p.Context(), cookie, p.home)
	p.ok(err)
	return who
}

// asks is the answer's status to the holder of a cookie at a node; seen is the position
// that the node is to have read, "" for none.
func (p *twins) asks(node int, cookie, seen string) int {
	p.Helper()
	r := httptest.NewRequestWithContext(p.Context(), http.MethodGet, "/v1/session", nil)
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:5"
	r.Header.Set("Cookie", auth.CookieNameLocal+"="+cookie)
	if seen != "" {
		r.Header.Set("X-Greffe-Min-Position", seen)
	}
	w := httptest.NewRecorder()
	p.nodes[node].API.ServeHTTP(w, r)
	return w.Code
}

const nodePassword = "Vingt-deux chevaux traversent 7 rivières"

// enter has somebody accept an invitation, on both nodes at once, and enrol a TOTP
// application at the other node than the one that took it.
func (p *twins) enter() (seed string, s auth.Started) {
	p.Helper()
	inv, err := p.nodes[0].People.Create(p.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Login: "jmartin", Roles: []string{"dpo"}, Invite: true})
	p.ok(err)
	p.follow()
	step, by := both(p, "an invitation", problem.InvitationInvalid, func(a *App) (auth.Step, error) {
		return a.People.Accept(p.Context(), inv.Secret, nodePassword, p.home)
	})
	p.follow()
	for _, a := range p.nodes {
		if _, err := a.People.Accept(p.Context(), inv.Secret, nodePassword+"!", p.home); !errors.Is(err, problem.New(problem.InvitationInvalid)) {
			p.Errorf("an invitation that was used: %v", err)
		}
	}
	who, other := p.who(1-by, step.Session.Cookie), p.nodes[1-by].People
	offer, err := other.OfferTOTP(who)
	p.ok(err)
	s, err = other.ConfirmTOTP(p.Context(), who, offer.Ticket, p.code(offer.Secret), p.home)
	p.ok(err)
	p.follow()
	p.now.pass(2 * time.Minute) // the code of the enrolment is used
	return offer.Secret, s
}

func (p *twins) code(seed string) string {
	p.Helper()
	code, err := totp.GenerateCode(seed, p.now.read())
	p.ok(err)
	return code
}

// TestSessionsOfTwoNodes: a session of one node is one of the other; what is revoked at
// one is refused at the other as soon as it has read the fact, by itself in less than two
// seconds; and what is good once is so on both nodes together: an invitation, a code of an
// authenticator, a recovery code. Who is locked out at one is at the other.
func TestSessionsOfTwoNodes(t *testing.T) {
	p := openTwins(t)
	seed, s := p.enter()
	for node := range p.nodes {
		if got := p.asks(node, s.Cookie, ""); got != http.StatusOK {
			t.Fatalf("the session at node %d: %d", node, got)
		}
	}
	ticket := func(node int) string {
		t.Helper()
		step, err := p.nodes[node].People.Password(t.Context(), "jmartin", nodePassword, "", p.home)
		p.ok(err)
		return step.Ticket
	}
	first := ticket(0)
	code := p.code(seed)
	_, by := both(p, "a TOTP code", problem.CredentialsInvalid, func(a *App) (auth.Started, error) {
		return a.People.TOTP(t.Context(), first, code, p.home)
	})
	p.follow()
	if _, err := p.nodes[1-by].People.TOTP(t.Context(), first, code, p.home); err == nil {
		t.Error("a code was good at the second node after it was used at the first")
	}
	p.now.pass(time.Hour)
	p.recovery(ticket, seed)
	p.revoked()
	p.lockedOut(s.Account)
}

// recovery races a recovery code.
func (p *twins) recovery(ticket func(int) string, seed string) {
	p.Helper()
	fresh, err := p.nodes[1].People.TOTP(p.Context(), ticket(1), p.code(seed), p.home)
	p.ok(err)
	p.follow()
	codes, err := p.nodes[0].People.SetRecovery(p.Context(), p.who(0, fresh.Cookie))
	p.ok(err)
	p.follow()
	tickets := [2]string{ticket(0), ticket(1)}
	_, by := both(p, "a recovery code", problem.CredentialsInvalid, func(a *App) (auth.Started, error) {
		return a.People.Recovery(p.Context(), tickets[map[bool]int{true: 0, false: 1}[a == p.nodes[0]]], codes[3], p.home)
	})
	p.follow()
	p.now.pass(time.Hour)
	if _, err := p.nodes[1-by].People.Recovery(p.Context(), ticket(1-by), codes[3], p.home); err == nil {
		p.Error("a recovery code was good twice")
	}
	p.now.pass(time.Hour)
}

// revoked ends sessions at one node and looks at the other.
func (p *twins) revoked() {
	p.Helper()
	colleague, err := p.nodes[0].People.Create(p.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "y", Roles: []string{"dpo"}})
	p.ok(err)
	s, err := p.nodes[0].People.Start(p.Context(), auth.Login{Account: colleague.Account, Method: "passkey", Factors: []string{"passkey"}})
	p.ok(err)
	p.follow()
	if got := p.asks(0, s.Cookie, ""); got != http.StatusOK {
		p.Fatalf("a session that began at node 0: %d there", got)
	}
	if got := p.asks(1, s.Cookie, ""); got != http.StatusOK {
		p.Fatalf("a session that began at node 0: %d at node 1", got)
	}
	p.ok(p.nodes[1].People.End(p.Context(), domain.ID{1}, s.Account, s.Session, "revoked"))
	head, err := p.nodes[1].Ledger.Head(p.Context())
	p.ok(err)
	if got := p.asks(0, s.Cookie, (head - 1).String()); got != http.StatusUnauthorized {
		p.Errorf("a session that was ended at node 1 is answered %d at node 0, which has read it", got)
	}
	again, err := p.nodes[0].People.Start(p.Context(), auth.Login{Account: colleague.Account, Method: "passkey", Factors: []string{"passkey"}})
	p.ok(err)
	p.follow()
	disabled := true
	_, err = p.nodes[0].People.Change(p.Context(), domain.ID{1}, colleague.Account, auth.Change{Disabled: &disabled})
	p.ok(err)
	for ended := time.Now(); p.asks(1, again.Cookie, "") == http.StatusOK; {
		if time.Since(ended) > 2*time.Second {
			p.Fatal("an account that was disabled at node 0 is still let in at node 1")
		}
	}
}

// lockedOut gives wrong passwords at one node until the name is blocked, which it then is
// at the other, that was given none.
func (p *twins) lockedOut(of domain.ID) {
	p.Helper()
	for n := range account.MaxFailures {
		if _, err := p.nodes[0].People.Password(p.Context(), "jmartin", "Wrong horse battery staple 1", "", p.home); !errors.Is(err, problem.New(problem.CredentialsInvalid)) {
			p.Fatalf("wrong password %d: %v", n+1, err)
		}
		p.now.pass(20 * time.Minute) // beyond each wait, not beyond the block
	}
	for node, a := range p.nodes {
		for began := time.Now(); ; { // each wrong password is told to the log beside the answer
			if x, ok := a.People.Staff.Find(of); ok && x.Wrong.Level > 0 {
				break
			}
			if time.Since(began) > 10*time.Second {
				p.Fatalf("node %d does not know that the name is blocked", node)
			}
		}
		var e *problem.Error
		if _, err := a.People.Password(p.Context(), "jmartin", nodePassword, "", p.home); !errors.As(err, &e) || e.Code != problem.RateLimited || e.RetryAfter < 30*time.Minute {
			p.Errorf("the right password at node %d of a blocked name: %v", node, err)
		}
	}
}

// TestTheNextDecisionAtAnotherNode: what was changed at one node is what the other decides
// by, once it has read that far.
func TestTheNextDecisionAtAnotherNode(t *testing.T) {
	p := openTwins(t)
	g := openGate(t, p.nodes[0])
	p.follow()
	nextDecisions(t, g, &gate{App: p.nodes[1], t: t, callers: g.callers})
}
