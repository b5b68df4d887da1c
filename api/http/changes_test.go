package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/api/auth"
)

func feedWorld(t *testing.T) (*world, *testChanges) {
	t.Helper()
	f := new(testChanges)
	w := newWorld(t, func(_ *Config, s *Services) { s.Changes = f })
	f.data = w.data
	return w, f
}

const because = "recipient_notice"

// The page's access is durable before anything of it is opened, and names the people.
func TestChangesAreRecorded(t *testing.T) {
	t.Parallel()
	w, f := feedWorld(t)
	got := w.call(http.MethodGet, "/v1/changes?recipient=crm&limit=10&cursor=c", "", "X-Greffe-Reason", because)
	want := `{"items":[{"id":"7","type":"consent.withdrawn","time":"2026-03-02T10:00:00Z","recorded":"2026-03-02T10:00:00Z","ids":[{"source":"crm/eu","subject":"` + marker + `"}]}],"next":"n"}`
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("%d %s", got.status, got.body)
	}
	all := w.journal.all()
	if len(all) != 1 || all[0].Action != "notify" || all[0].Reason != because || len(all[0].Subjects) != 1 || all[0].Subjects[0] != person {
		t.Errorf("recorded as %+v", all)
	}
	if diff := cmp.Diff([]string{`crm "c" 10`}, f.pages); diff != "" {
		t.Error(diff)
	}
}

// A poll that finds nothing tells of nobody and is no access.
func TestEmptyPollsAreNoAccess(t *testing.T) {
	t.Parallel()
	w, f := feedWorld(t)
	f.empty = true
	got := w.call(http.MethodGet, "/v1/changes?recipient=crm", "", "X-Greffe-Reason", because)
	if got.status != http.StatusOK || got.body != `{"items":[],"next":"n"}` || len(w.journal.all()) != 0 {
		t.Errorf("%d %s, %d accesses", got.status, got.body, len(w.journal.all()))
	}
}

func TestPreferWait(t *testing.T) {
	t.Parallel()
	w, f := feedWorld(t)
	for _, h := range []string{"", "wait=30", "wait=5", `respond-async, wait="7"`, "wait=3000", "wait=99999999999999999999", "wait=-1", "wait=projected", "waits=9"} {
		if got := w.call(http.MethodGet, "/v1/changes?recipient=crm", "", "X-Greffe-Reason", because, "Prefer", h); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	s := time.Second
	if diff := cmp.Diff([]time.Duration{0, 30 * s, 5 * s, 7 * s, 30 * s, 0, 0, 0, 0}, f.waits); diff != "" {
		t.Error(diff)
	}
}

func TestChangesRefuse(t *testing.T) {
	t.Parallel()
	w, _ := feedWorld(t)
	for query, want := range map[string]string{
		"":                                       "parameter_invalid",
		"?recipient=nobody":                      "not_found",
		"?recipient=crm&limit=1001":              "parameter_invalid",
		"?recipient=crm&limit=-1":                "parameter_invalid",
		"?recipient=crm&since=1":                 "parameter_unknown",
		"?recipient=crm&cursor=another+list%27s": "cursor_invalid",
	} {
		if got := w.call(http.MethodGet, "/v1/changes"+query, "", "X-Greffe-Reason", because); got.code(t) != want || strings.Contains(got.body, "nobody") {
			t.Errorf("%s: %s", query, got.body)
		}
	}
	if got := w.call(http.MethodGet, "/v1/changes?recipient=crm", ""); got.code(t) != "reason_missing" {
		t.Errorf("without a reason: %s", got.body)
	}
	if len(w.journal.all()) != 0 {
		t.Error("what was refused is recorded as an access")
	}
}

// Who may speak for whom: a recipient with a source by tokens allowed for it, the
// others by the DPO or an unbound service. The administrator, who may not acknowledge,
// reads no recipient's ids of persons, and sees how recipients keep up.
func TestWhoMaySpeakForARecipient(t *testing.T) {
	t.Parallel()
	w, _ := feedWorld(t)
	type who struct {
		name string
		auth.Request
	}
	request := func(role string, sources ...string) auth.Request {
		return auth.Request{Label: "test", Roles: []string{role}, Sources: sources}
	}
	for _, c := range []struct {
		who
		crm, mailing bool
	}{
		{who{"the CRM itself", request("service", "crm/eu")}, true, false},
		{who{"the CRM and the shop", request("service", "shop/web", "crm/eu")}, true, false},
		{who{"the shop", request("service", "shop/web")}, false, false},
		{who{"an unbound service", request("service")}, true, true},
		{who{"the DPO", request("dpo")}, true, true},
		{who{"an administrator", request("admin")}, false, false},
	} {
		key := w.token(c.Request)
		for code, may := range map[string]bool{"crm": c.crm, "mailing": c.mailing} {
			got := w.call(http.MethodGet, "/v1/changes?recipient="+code, "", "X-Greffe-Reason", because, "Authorization", "Bearer "+key)
			want := "source_forbidden"
			if c.Roles[0] == "admin" {
				want = "permission_missing"
			}
			if (got.status == http.StatusOK) != may || !may && got.code(t) != want {
				t.Errorf("%s reads for %s: %d %s", c.name, code, got.status, got.body)
			}
			if got := w.call(http.MethodGet, "/v1/changes/recipients", "", "Authorization", "Bearer "+key); got.status != http.StatusOK {
				t.Errorf("%s does not see how recipients keep up: %d %s", c.name, got.status, got.body)
			}
			got = w.call(http.MethodPost, "/v1/changes/3/ack", `{"recipient":"`+code+`"}`, "Authorization", "Bearer "+key)
			if (got.status == http.StatusOK) != may || !may && got.code(t) != want {
				t.Errorf("%s acknowledges for %s: %d %s", c.name, code, got.status, got.body)
			}
		}
	}
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	w, _ := feedWorld(t)
	for _, c := range []struct{ id, body, want string }{
		{"7", `{"recipient":"crm"}`, `{"recipient":"crm","acknowledged":"7","position":"200"}`},
		{"7", `{"recipient":"crm"}`, `{"recipient":"crm","acknowledged":"7"}`},
		{"5", `{"recipient":"crm"}`, `{"recipient":"crm","acknowledged":"5"}`},
		{"0", `{"recipient":"dialer"}`, `{"recipient":"dialer","acknowledged":"0","position":"200"}`},
		{"101", `{"recipient":"crm"}`, "not_found"},
		{"x", `{"recipient":"crm"}`, "not_found"},
		{"07", `{"recipient":"crm"}`, "not_found"},
		{"7", `{"recipient":"nobody"}`, "not_found"},
		{"7", `{}`, "field_required"},
		{"7", `{"recipient":"crm","up_to":9}`, "field_unknown"},
		{"7", ``, "body_missing"},
	} {
		got := w.call(http.MethodPost, "/v1/changes/"+c.id+"/ack", c.body)
		if strings.HasPrefix(c.want, "{") {
			if got.status != http.StatusOK || got.body != c.want {
				t.Errorf("%s %s: %d %s", c.id, c.body, got.status, got.body)
			}
		} else if got.code(t) != c.want {
			t.Errorf("%s %s: %s, want %s", c.id, c.body, got.body, c.want)
		}
	}
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	w, _ := feedWorld(t)
	got := w.call(http.MethodGet, "/v1/changes/recipients", "")
	const at = `"2026-03-02T10:00:00Z"`
	want := `{"items":[{"code":"crm","kind":"source","receives":["erasure"],"acknowledges":true,"webhook":true,"acknowledged":"4","acknowledged_at":` + at +
		`,"failing_since":` + at + `,"lag":3,"lag_more":true,"oldest":` + at + `,"overdue_erasures":2,"dead_letters":[{"from":"5","to":"8","at":` + at + `}]},` +
		`{"code":"dialer","kind":"processor","receives":[],"acknowledges":false,"webhook":false,"lag":0,"overdue_erasures":0,"dead_letters":[]}]}`
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("%d\n%s\n%s", got.status, got.body, want)
	}
}
