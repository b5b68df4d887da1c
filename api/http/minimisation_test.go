package httpapi

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"greffe/domain"
	"greffe/domain/minimisation"
	"greffe/eventstore/access"
)

// testMinimisation runs for ever once it was started.
type testMinimisation struct {
	data    *testData
	mu      sync.Mutex
	started access.Receipt
	fresh   bool
	asked   []string
}

func (m *testMinimisation) Concerned(context.Context) ([]string, int64, error) {
	return []string{"notes"}, 7, nil
}

func (m *testMinimisation) Start(_ context.Context, r access.Receipt, _ domain.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.started.Event().IsZero() {
		return ErrConflict
	}
	m.started, m.fresh = r, true
	return m.data.check(r)
}

func (m *testMinimisation) State(context.Context) (*MinimisationState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := minimisation.AuditReport{Started: testNow, Ended: testNow, Persons: 7}
	r.Add(&minimisation.Finding{Kind: minimisation.CommentForbidden, Detail: "health"})
	out := &MinimisationState{Running: !m.started.Event().IsZero(), Last: &r}
	if m.fresh { // what the answer to a start says is marked, as are all that need a receipt
		out.Failed, m.fresh = marker, false
	}
	return out, nil
}

func (m *testMinimisation) Findings(_ context.Context, kind minimisation.Kind, detail string, page Page) (out Found[MinimisationFinding], err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, string(kind)+" "+detail)
	if m.data.get().panics {
		panic(marker)
	}
	who := person
	if page.Cursor == "" {
		out.Next = "2"
	}
	out.Items = []MinimisationFinding{{Kind: minimisation.CommentForbidden, Subject: &who, Event: &who, Position: 4, Detail: "health"}, {Kind: minimisation.FieldUnused, Detail: marker}}
	out.Subjects = []domain.ID{person}
	return out, nil
}

func TestMinimisation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	desk, _ := w.service.Minimisation.(*testMinimisation)
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{http.MethodGet, "", 200, `{"running":false,"last":{`},
		{http.MethodGet, "", 200, `"counts":[{"kind":"comment_forbidden","about":"event","legal":"art. 9, 10; CNIL, zones bloc-note"`},
		{http.MethodPost, "", 200, `"running":true`},
		{http.MethodPost, "", 409, `conflict`},
		{http.MethodGet, "/findings?kind=comment_forbidden&detail=health", 200, `{"items":[{"kind":"comment_forbidden","subject_id":"` + person.String()},
		{http.MethodGet, "/findings", 200, `{"kind":"field_unused","detail":"` + marker + `"}],"next":"2"}`},
		{http.MethodGet, "/findings?kind=" + marker, 400, `parameter_invalid`},
		{http.MethodGet, "/findings?limit=1001", 400, `parameter_invalid`},
	} {
		if got := w.call(c.method, "/v1/minimisation"+c.path, "", "X-Greffe-Reason", "audit"); got.status != c.status || !strings.Contains(got.body, c.says) || c.status != 200 && strings.Contains(got.body, marker) {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
	}
	if len(desk.asked) != 2 || desk.asked[0] != "comment_forbidden health" || desk.asked[1] != " " {
		t.Errorf("asked %q", desk.asked)
	}
}

// TestAnAuditIsAnAccess: who has everybody's comments read is in the journal before,
// as is whoever sees whom the findings are about.
func TestAnAuditIsAnAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	desk, _ := w.service.Minimisation.(*testMinimisation)
	if got := w.call(http.MethodPost, "/v1/minimisation", "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	last := w.journal.readings[len(w.journal.readings)-1]
	if desk.started.Event().IsZero() || last.Count != 7 || last.Action != "search" || last.Reason != "audit" || len(last.Categories) != 1 {
		t.Errorf("%+v", last)
	}
	if got := w.call(http.MethodGet, "/v1/minimisation/findings", "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if last = w.journal.readings[len(w.journal.readings)-1]; len(last.Subjects) != 1 || last.Subjects[0] != person {
		t.Errorf("%+v", last)
	}
	n := len(w.journal.readings)
	if got := w.call(http.MethodGet, "/v1/minimisation", ""); got.status != http.StatusOK || len(w.journal.readings) != n {
		t.Errorf("counts alone: %d, %d readings", got.status, len(w.journal.readings)-n)
	}
	w.journal.fail = func(context.Context) error { return access.ErrNotRecorded }
	for _, c := range [][2]string{{http.MethodPost, ""}, {http.MethodGet, "/findings"}} {
		if got := w.call(c[0], "/v1/minimisation"+c[1], "", "X-Greffe-Reason", "audit"); got.status != http.StatusServiceUnavailable || strings.Contains(got.body, person.String()) {
			t.Errorf("%s %s without a journal: %d %s", c[0], c[1], got.status, got.body)
		}
	}
}
