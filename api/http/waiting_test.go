package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
)

// TestWaiting: how much waits is told, with no reason asked, as far as the role may list
// it, and never beyond the bound.
func TestWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people := w.people()
	for role, want := range map[string]string{
		"dpo":   `"quarantine":{"count":3,"more":false},"watch":{"count":100,"more":true},"due":{"count":7,"more":false}`,
		"agent": `{}`,
	} {
		made, err := people.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: role, Roles: []string{role}})
		must(t, err)
		s, err := people.Start(t.Context(), auth.Login{Account: made.Account, Method: "passkey", Factors: []string{"passkey"}})
		must(t, err)
		got := w.call(http.MethodGet, "/v1/me/waiting", "", "Authorization", "", "X-Greffe-Reason", "", "Cookie", auth.CookieNameLocal+"="+s.Cookie)
		if got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", role, got.status, got.body)
		}
	}
}
