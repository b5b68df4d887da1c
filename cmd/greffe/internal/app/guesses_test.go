package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
)

const goodWords = "Correct-horse-9-battery"

// guessed is a service by TLS behind a proxy, whose clock stands still.
type guessed struct {
	*rightsSite
	tls *httptest.Server
}

func openGuessed(t *testing.T) *guessed {
	t.Helper()
	g := &guessed{rightsSite: openMatrix(t)}
	g.tls = newTLS(t, g.open)
	return g
}

func newTLS(t *testing.T, a *App) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(a.API)
	t.Cleanup(s.Close)
	return s
}

// try sends a request as if from an address, and says the status.
func (g *guessed) try(method, path, body, bearer, from string) int {
	g.Helper()
	req, err := http.NewRequestWithContext(g.Context(), method, g.tls.URL+path, strings.NewReader(body))
	g.ok(err)
	req.Header.Set("X-Forwarded-For", from)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := g.tls.Client().Do(req)
	g.ok(err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	g.ok(err)
	return res.StatusCode
}

// hire makes somebody with a password.
func (g *guessed) hire(login string) {
	g.Helper()
	made, err := g.open.People.Create(g.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Login: login, Roles: []string{"agent"}, Invite: true})
	g.ok(err)
	if got := g.try(http.MethodPost, "/v1/invitations/accept", fmt.Sprintf(`{"secret":%q,"password":%q}`, made.Secret, goodWords), "", "203.0.113.1"); got != http.StatusOK {
		g.Fatalf("invitation: %d", got)
	}
}

// TestTenThousandWrongTokens: of 10,000 wrong tokens from one address in one moment ten
// are looked at, then one every six seconds; a right one from the same address and from
// elsewhere goes on working. Whose address it is is bounded by TestLimiterForgetsAndIsBounded.
func TestTenThousandWrongTokens(t *testing.T) {
	t.Parallel()
	g := openGuessed(t)
	right := g.token("service", auth.Request{}).Text
	wrong := []byte(right)
	wrong[len(wrong)-1] ^= 1
	const path, noisy = "/v1/notices", "198.51.100.9"
	counted := map[int]int{}
	for range 10_000 {
		counted[g.try(http.MethodGet, path, "", string(wrong), noisy)]++
	}
	if counted[http.StatusUnauthorized] != 10 || counted[http.StatusTooManyRequests] != 9_990 {
		t.Errorf("%v", counted)
	}
	g.now.pass(time.Minute)
	clear(counted)
	for range 20 {
		counted[g.try(http.MethodGet, path, "", string(wrong), noisy)]++
	}
	if counted[http.StatusUnauthorized] != 10 || counted[http.StatusTooManyRequests] != 10 {
		t.Errorf("a minute later %v", counted)
	}
	for from, who := range map[string]string{noisy: "the same address", "203.0.113.7": "elsewhere"} {
		if got := g.try(http.MethodGet, path, "", right, from); got != http.StatusOK {
			t.Errorf("the right token from %s: %d", who, got)
		}
	}
}

// TestThousandWrongPasswordsOverHTTP: of 1,000 wrong passwords of one name from everywhere
// ten are looked at (délib. CNIL 2022-100); somebody else signs in meanwhile, and so does
// the holder once the block is over.
func TestThousandWrongPasswordsOverHTTP(t *testing.T) {
	t.Parallel()
	g := openGuessed(t)
	g.hire("jmartin")
	g.hire("anne")
	sign := func(login, password, from string) int {
		return g.try(http.MethodPost, "/v1/session/password", fmt.Sprintf(`{"name":%q,"password":%q}`, login, password), "", from)
	}
	counted := map[int]int{}
	for i := range 1000 {
		counted[sign("jmartin", "wrong", fmt.Sprintf("198.18.%d.%d", i>>8, i&255))]++
		g.now.pass(3600 * time.Millisecond) // an hour in all
	}
	if counted[http.StatusUnauthorized] != account.MaxFailures || counted[http.StatusTooManyRequests] != 1000-account.MaxFailures {
		t.Errorf("%v", counted)
	}
	if got := sign("jmartin", goodWords, "203.0.113.8"); got != http.StatusTooManyRequests {
		t.Errorf("the right password while it is blocked: %d", got)
	}
	if got := sign("anne", goodWords, "203.0.113.8"); got != http.StatusOK {
		t.Errorf("somebody else is locked out: %d", got)
	}
	g.now.pass(account.FirstBlock)
	if got := sign("jmartin", goodWords, "203.0.113.8"); got != http.StatusOK {
		t.Errorf("after the block: %d", got)
	}
}
