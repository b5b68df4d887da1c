package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/approval"
	"greffe/eventstore/access"
)

var anApproval = domain.ID{0xad, 6: 0x80, 8: 0x80}

// testApprovals has one approval, which another account asked for.
type testApprovals struct{ *testData }

func (testApprovals) Ask(context.Context, domain.ID, approval.Act, approval.Asked) (*approval.Approval, error) {
	return &approval.Approval{ID: anApproval, Asked: testNow}, nil
}

func (testApprovals) Get(_ context.Context, id domain.ID) (*approval.Approval, error) {
	if id != anApproval {
		return nil, ErrNotFound
	}
	return &approval.Approval{ID: id, Act: approval.HoldRelease, Account: person, Asked: testNow}, nil
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
