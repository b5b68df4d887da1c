package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/approval"
	"greffe/eventstore/access"
)

var anApproval = domain.ID{0xad, 6: 0x80, 8: 0x80}

// testApprovals has one approval, which another account asked for.
type testApprovals struct{ *testData }

func (testApprovals) Ask(context.Context, domain.ID, approval.Act, approval.Asked) (*approval.Approval, error) {
	return &approval.Approval{ID: anApproval, Asked: testNow}, nil
}

func (d testApprovals) Get(_ context.Context, id domain.ID) (*approval.Approval, error) {
	if id != anApproval {
		return nil, ErrNotFound
	}
	asker := d.get().asker
	if asker.IsZero() {
		asker = person
	}
	return &approval.Approval{ID: id, Act: approval.HoldRelease, Account: asker, Asked: testNow}, nil
}

func (d testApprovals) Open(_ context.Context, r access.Receipt, _ domain.ID) (*approval.Asked, error) {
	if err := d.check(r); err != nil {
		return nil, err
	}
	return &approval.Asked{Method: "DELETE", URI: "/v1/subjects/x/hold/y", Body: marker}, nil
}

func (d testApprovals) Decide(context.Context, domain.ID, domain.ID, bool, string) (domain.Position, error) {
	return 7, d.get().fail
}

func (testApprovals) Use(context.Context, domain.ID, domain.ID) error { return nil }

func (d testApprovals) List(_ context.Context, _ approval.State, p Page) ([]approval.Approval, string, error) {
	return []approval.Approval{{ID: anApproval, Asked: testNow}}, "", d.get().fail
}

func (d testApprovals) Of(_ context.Context, account domain.ID, _ time.Time, _ int) ([]approval.Approval, error) {
	return []approval.Approval{{ID: anApproval, Account: account, Asked: testNow}}, d.get().fail
}

func (testApprovals) Ordered(context.Context, domain.ID, time.Time) (int64, error) { return 0, nil }

// TestApprovalRefusals: what of a decision is wrong is said in its field.
func TestApprovalRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/v1/approvals/" + anApproval.String()
	for _, c := range []struct{ method, path, body, code, field string }{
		{http.MethodPost, path + "/decision", `{"decision":"perhaps"}`, "field_invalid", "decision"},
		{http.MethodPost, path + "/decision", `{}`, "field_invalid", "decision"},
		{http.MethodPost, "/v1/approvals/" + anEvent.String() + "/decision", `{"decision":"grant"}`, "not_found", ""},
		{http.MethodGet, "/v1/approvals?state=" + marker, "", "parameter_invalid", "state"},
	} {
		got := w.call(c.method, c.path, c.body)
		if got.code(t) != c.code || c.field != "" && !strings.Contains(got.body, `"field":"`+c.field+`"`) || strings.Contains(got.body, marker) {
			t.Errorf("%s %s %s: %s", c.method, c.path, c.body, got.body)
		}
	}
}

// ownSession is the cookie of a session of a person who asked for the approval: what is
// the caller's own takes one.
func (w *world) ownSession() string {
	w.t.Helper()
	w.own.Do(func() {
		made, err := w.service.People.Create(w.t.Context(), aPerson, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{"admin"}})
		must(w.t, err)
		started, err := w.service.People.Start(w.t.Context(), auth.Login{Account: made.Account, Method: "passkey", Factors: []string{"passkey"}})
		must(w.t, err)
		w.cookie = auth.CookieNameLocal + "=" + started.Cookie
		w.data.set(func(s *switches) { s.asker = made.Account })
	})
	return w.cookie
}

// TestOwnApproval: what somebody asked for is theirs to see, and nobody else's.
func TestOwnApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/v1/me/approvals/" + anApproval.String()
	if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "maintenance:T-1"); got.status != http.StatusOK || !strings.Contains(got.body, marker) {
		t.Errorf("one's own: %d %s", got.status, got.body)
	}
	before := len(w.journal.all())
	w.data.set(func(s *switches) { s.asker = domain.ID{} })
	if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "maintenance:T-1"); got.status != http.StatusNotFound || strings.Contains(got.body, marker) || len(w.journal.all()) != before {
		t.Errorf("somebody else's: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, "/v1/me/approvals", "", "Authorization", "", "Cookie", w.ownSession()); got.status != http.StatusOK || !strings.Contains(got.body, anApproval.String()) {
		t.Errorf("the list: %d %s", got.status, got.body)
	}
}
