package httpapi

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/account"
)

// closable is an inspection that can be closed.
type closable struct {
	testInspections
	over *atomic.Bool
}

func (c closable) Standing(ctx context.Context, id domain.ID) error {
	if c.over.Load() {
		return ErrConflict
	}
	return c.testInspections.Standing(ctx, id)
}

// TestGuestsOfOneInspection: an inspector sees the inspection that the account is for,
// no other, and nothing any more once it is closed or its time is over.
func TestGuestsOfOneInspection(t *testing.T) {
	t.Parallel()
	var over atomic.Bool
	w := newWorld(t, func(_ *Config, s *Services) { s.Inspections = closable{s.Inspections.(testInspections), &over} })
	guest := func(of domain.ID) func(path string) problem.Code {
		made, err := w.service.People.Create(t.Context(), aPerson, auth.NewAccount{Kind: account.Guest, Label: "x", Roles: []string{"inspector"},
			Inspection: of, Until: w.now().Add(time.Hour)})
		must(t, err)
		s, err := w.service.People.Start(t.Context(), auth.Login{Account: made.Account, Method: "passkey", Factors: []string{"passkey"}})
		must(t, err)
		return func(path string) problem.Code {
			got := w.call(http.MethodGet, path, "", "Authorization", "", "Cookie", auth.CookieNameLocal+"="+s.Cookie, "X-Greffe-Reason", "inspection")
			if got.status == http.StatusOK {
				return ""
			}
			return problem.Code(got.code(t))
		}
	}
	look := guest(anInspection)
	const one = "/v1/inspections/"
	for path, want := range map[string]problem.Code{
		one + anInspection.String():                "",
		one + anInspection.String() + "/consulted": "",
		one + anEvent.String():                     problem.PermissionMissing,
		"/v1/inspections":                          problem.PermissionMissing,
		one + anInspection.String() + "/bundle":    problem.PermissionMissing,
		"/v1/audit/summary":                        "",
		"/v1/accounts":                             problem.PermissionMissing,
	} {
		if got := look(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	over.Store(true)
	if got := look("/v1/audit/summary"); got != problem.SessionInvalid {
		t.Errorf("after the inspection was closed: %q", got)
	}
	over.Store(false)
	if got := guest(anEvent)("/v1/audit/summary"); got != problem.SessionInvalid {
		t.Errorf("of an inspection that there is not: %q", got)
	}
	w.clock.Add(int64(time.Hour))
	if got := look("/v1/audit/summary"); got == "" {
		t.Error("after its time")
	}
}
