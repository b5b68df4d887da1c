package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/deploy"
	"greffe/domain"
)

const (
	inspections   = "/v1/inspections"
	goodOpening   = `{"modes":["on_site"],"from":"2025-03-02T00:00:00Z","requester":"CNIL","reference":"2026-042C","samples":5}`
	forInspection = "inspection"
)

func TestOpenInspection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodPost, inspections, goodOpening)
	var out OpenedInspection
	if err := json.Unmarshal([]byte(got.body), &out); got.status != http.StatusCreated || err != nil || !out.Due.Equal(testNow.AddDate(0, 0, 8)) || out.Position != 7 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for body, want := range map[string]string{
		strings.Replace(goodOpening, "on_site", m, 1):                                  "field_invalid modes",
		strings.Replace(goodOpening, "2025", "2027", 1):                                "field_invalid from",
		strings.Replace(goodOpening, `"requester":"CNIL",`, "", 1):                     "field_required requester",
		strings.Replace(goodOpening, `"CNIL"`, `"`+strings.Repeat(m, 40)+`"`, 1):       "field_invalid requester",
		strings.Replace(goodOpening, `"samples":5`, `"samples":1001`, 1):               "field_invalid samples",
		strings.Replace(goodOpening, `"samples":5`, `"scope":["`+m+`"]`, 1):            "field_invalid scope",
		strings.Replace(goodOpening, `"samples":5`, `"due":"2026-03-01T00:00:00Z"`, 1): "field_invalid due",
		strings.Replace(goodOpening, `"samples":5`, `"`+m+`":1`, 1):                    "field_unknown ",
	} {
		got := w.call(http.MethodPost, inspections, body)
		code, field, _ := strings.Cut(want, " ")
		if got.status != http.StatusBadRequest || got.code(t) != code || !strings.Contains(got.body, field) || strings.Contains(got.body, m) {
			t.Errorf("want %s: %d %s", want, got.status, got.body)
		}
	}
}

func TestInspectionDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := inspections + "/" + anInspection.String()
	var list List[InspectionItem]
	got := w.call(http.MethodGet, inspections, "", "X-Greffe-Reason", forInspection)
	if err := json.Unmarshal([]byte(got.body), &list); err != nil || len(list.Items) != 1 || list.Next != "more" || list.Items[0].State != "open" || list.Items[0].Requester != marker {
		t.Fatalf("%d %s", got.status, got.body)
	}
	w.clock.Store(int64(9 * 24 * 3600e9))
	if got := w.call(http.MethodGet, one, "", "X-Greffe-Reason", forInspection); !strings.Contains(got.body, `"state":"overdue"`) {
		t.Errorf("after its due date: %s", got.body)
	}
	if got := w.call(http.MethodPost, one+"/close", `{"remark":"fini"}`); got.status != http.StatusOK || !strings.Contains(got.body, `"position":"9"`) {
		t.Errorf("close: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodPost, one+"/close", `{"remark":"`+strings.Repeat("x", 2001)+`"}`); got.code(t) != "field_invalid" {
		t.Errorf("a long remark: %s", got.body)
	}
	other := inspections + "/" + domain.ID{9, 6: 0x80, 8: 0x80}.String()
	for _, path := range []string{other, other + "/consulted", other + "/bundle", other + "/opposition-key", inspections + "/" + m} {
		if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", forInspection); got.status != http.StatusNotFound || strings.Contains(got.body, m) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// TestTicketIsTheInspection: whoever gives no ticket reads under the inspection's.
func TestTicketIsTheInspection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := inspections + "/" + anInspection.String()
	for _, path := range []string{one, one + "/consulted", one + "/bundle", one + "/opposition-key"} {
		before := len(w.journal.all())
		got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", forInspection)
		after := w.journal.all()[before:]
		if got.status != http.StatusOK || len(after) != 1 || after[0].Ticket != anInspection.String() || after[0].Reason != forInspection {
			t.Errorf("%s: %d, recorded %+v", path, got.status, after)
		}
	}
}

// TestBundleSamples: the persons drawn are shown to whoever may show them, after
// each chunk's access, and to nobody else.
func TestBundleSamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := inspections + "/" + anInspection.String() + "/bundle"
	got := w.call(http.MethodGet, path+"?samples=true", "", "X-Greffe-Reason", forInspection)
	recorded := w.journal.all()
	if got.status != http.StatusOK || got.body != marker+" sampled" || got.header.Get("Content-Type") != mediaZIP || !strings.Contains(got.header.Get("Content-Disposition"), anInspection.String()) {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if len(recorded) != 2 || recorded[0].Count != 3 || len(recorded[0].Subjects) != 0 || !slices.Equal(recorded[1].Subjects, []domain.ID{person}) || recorded[1].Ticket != anInspection.String() {
		t.Errorf("recorded %+v", recorded)
	}
	auditor := "Bearer " + w.token(authRequest("auditor"))
	if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", forInspection, "Authorization", auditor); got.status != http.StatusOK {
		t.Errorf("an auditor takes the bundle in which nobody is in clear: %d %s", got.status, got.body)
	}
	for _, refused := range []reply{w.call(http.MethodGet, path+"?samples=true", "", "X-Greffe-Reason", forInspection, "Authorization", auditor),
		w.call(http.MethodPost, strings.Replace(path, "bundle", "search", 1), `{"words":["cancer"]}`, "X-Greffe-Reason", forInspection, "Authorization", auditor),
		w.call(http.MethodGet, strings.Replace(path, "bundle", "opposition-key", 1), "", "X-Greffe-Reason", forInspection, "Authorization", auditor)} {
		if refused.code(t) != "permission_missing" || strings.Contains(refused.body, marker) {
			t.Errorf("an auditor takes more: %d %s", refused.status, refused.body)
		}
	}
	agent := "Bearer " + w.token(authRequest("agent"))
	if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "rights_request", "Authorization", agent); got.code(t) != "permission_missing" {
		t.Errorf("an agent takes the bundle: %d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, path+"?language=de", "", "X-Greffe-Reason", forInspection); got.code(t) != "parameter_invalid" {
		t.Errorf("in German: %s", got.body)
	}
}

// TestSearchIsRecordedChunkByChunk: each chunk's access names its persons and
// stands before its hits; without the last line the answer is void.
func TestSearchIsRecordedChunkByChunk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.data.set(func(s *switches) { s.found = 2 })
	path := inspections + "/" + anInspection.String() + "/search"
	got := w.call(http.MethodPost, path, `{"words":["cancer"]}`, "X-Greffe-Reason", forInspection)
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	if got.status != http.StatusOK || len(lines) != 3 || !strings.HasPrefix(lines[2], `{"end":{"count":2,`) || strings.Contains(got.body, marker) || !strings.Contains(lines[0], `"hits":1`) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	recorded := w.journal.all()
	if len(recorded) != 2 || !slices.Equal(recorded[0].Subjects, []domain.ID{person}) || !slices.Equal(recorded[1].Subjects, []domain.ID{merged}) || recorded[1].Action != "search" {
		t.Errorf("recorded %+v", recorded)
	}
	got = w.call(http.MethodPost, path, `{"words":["cancer"],"excerpts":true}`, "X-Greffe-Reason", forInspection)
	if !strings.Contains(got.body, `"excerpt":"`+marker) {
		t.Errorf("no excerpt: %s", got.body)
	}
	for _, body := range []string{`{"words":[]}`, `{"words":["x"]}`, `{}`} {
		if got := w.call(http.MethodPost, path, body, "X-Greffe-Reason", forInspection); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

// TestSamplesNeedTheirOwnPermission: whoever may take the bundle need not show anybody
// in clear, neither in it nor in excerpts.
func TestSamplesNeedTheirOwnPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(strings.Replace(string(deploy.Policy()), "inspections.samples,", "", 1)))
	must(t, err)
	dpo := "Bearer " + w.token(authRequest("dpo"))
	one := inspections + "/" + anInspection.String()
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, one + "/bundle", "", http.StatusOK},
		{http.MethodGet, one + "/bundle?samples=true", "", http.StatusForbidden},
		{http.MethodPost, one + "/search", `{"words":["cancer"]}`, http.StatusOK},
		{http.MethodPost, one + "/search", `{"words":["cancer"],"excerpts":true}`, http.StatusForbidden},
	} {
		if got := w.call(c.method, c.path, c.body, "X-Greffe-Reason", forInspection, "Authorization", dpo); got.status != c.status {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, got.status, c.status, got.body)
		}
	}
}
