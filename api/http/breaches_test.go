package httpapi

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

const breachesPath = "/v1/breaches"

var oneBreach = breachesPath + "/" + aFile.String()

func TestOpenBreach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodPost, breachesPath, `{"aware_at":"2026-03-02T08:00:00Z","form":{"nature":{"nature":["confidentiality"],"facts":"`+m+`"}}}`)
	if got.status != http.StatusCreated || strings.Contains(got.body, m) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	got = w.call(http.MethodGet, oneBreach, "", "X-Greffe-Reason", "audit")
	var item BreachItem
	if err := json.Unmarshal([]byte(got.body), &item); err != nil || item.File.Form.Nature.Facts != m || item.File.Form.Organisation.Name != "ACME SAS" || item.File.Form.Organisation.DPO.Email != "dpo@acme.example" ||
		!item.Deadline.Equal(time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC)) || item.Kind != "controller" || item.Controller != "acme" {
		t.Errorf("%v %d %s", err, got.status, got.body)
	}
	for body, want := range map[string]string{
		`{"role":"` + m + `"}`:                                  "field_invalid role",
		`{"controller":"` + m + `"}`:                            "field_invalid controller",
		`{"aware_at":"2026-03-02T10:00:01Z"}`:                   "field_invalid aware_at",
		`{"form":{"nature":{"agent":"` + m + `"}}}`:             "field_invalid nature.agent",
		`{"form":{"organisation":{"siren":"` + m + `"}}}`:       "field_invalid organisation.siren",
		`{"form":{"` + m + `":1}}`:                              "field_unknown ",
		`{"form":{"chronology":{"started":"` + m + `"}}}`:       "field_invalid ",
		`{"form":{"consequences":{"severity":"` + m + `"}}}`:    "field_invalid consequences.severity",
		`{"form":{"cross_border":{"countries":["` + m + `"]}}}`: "field_invalid cross_border.countries",
	} {
		got := w.call(http.MethodPost, breachesPath, body)
		code, field, _ := strings.Cut(want, " ")
		if got.status != http.StatusBadRequest || got.code(t) != code || !strings.Contains(got.body, field) || strings.Contains(got.body, m) {
			t.Errorf("want %s: %d %s", want, got.status, got.body)
		}
	}
}

// TestBreachSteps: each step is decided on the file as it is; what is missing is named.
func TestBreachSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/close", `{"conclusion":"fin"}`, http.StatusConflict, `"field":"assessment"`},
		{"/assessment", `{"likelihood":"limited","severity":"limited"}`, http.StatusBadRequest, `"field":"reasoning"`},
		{"/assessment", `{"likelihood":"limited","severity":"limited","notify":false,"reasoning":"x"}`, http.StatusBadRequest, `"field":"notify"`},
		{"/assessment", `{"likelihood":"limited","severity":"limited","risk":"risk","notify":false,"reasoning":"x"}`, http.StatusBadRequest, `"code":"risk_not_notified"`},
		{"/assessment", `{"likelihood":"maximal","severity":"maximal","risk":"unlikely","notify":false,"reasoning":"x"}`, http.StatusBadRequest, `"code":"risk_not_unlikely"`},
		{"/assessment", `{"likelihood":"significant","severity":"maximal","communicate":false,"reasoning":"x"}`, http.StatusBadRequest, `"code":"high_risk_not_told"`},
		{"/assessment", `{"likelihood":"significant","severity":"maximal","communicate":true,"exemption":"unintelligible","reasoning":"x"}`, http.StatusBadRequest, `"code":"exempted_and_told"`},
		{"/assessment", `{"likelihood":"significant","severity":"maximal","reasoning":"x"}`, http.StatusOK, `"revision":1`},
		{"/notifications?revision=0", `{"kind":"initial","sent_at":"2026-03-02T10:00:00Z"}`, http.StatusConflict, `"code":"conflict"`},
		{"/notifications?revision=1", `{"kind":"complementary","sent_at":"2026-03-02T10:00:00Z","prior":"1"}`, http.StatusConflict, `"field":"initial_notification"`},
		{"/notifications?revision=1", `{"kind":"initial","sent_at":"2026-03-02T10:00:00Z","reference":"AB-77"}`, http.StatusOK, `"revision":2`},
		{"/notifications", `{"kind":"complementary","sent_at":"2026-03-02T10:00:00Z","prior":"AB-77"}`, http.StatusConflict, `"field":"form"`},
		{"/notes", `{"text":""}`, http.StatusBadRequest, `"field":"text"`},
		{"/notes", `{"text":"` + m + `"}`, http.StatusOK, `"revision":3`},
		{"/actions", `{"kind":"containment","item":"accounts_suspended","due":"2026-03-03T10:00:00Z"}`, http.StatusOK, `"revision":4`},
		{"/actions", `{"action":9,"done_at":"2026-03-02T10:00:00Z"}`, http.StatusConflict, `"field":"action"`},
		{"/actions", `{"action":4,"done_at":"2026-03-02T10:00:00Z"}`, http.StatusOK, `"revision":5`},
		{"/communications", `{"sent_at":"2026-03-02T10:00:00Z","channel":"email","persons":2,"text":"` + m + `"}`, http.StatusOK, `"revision":6`},
		{"/form", `{"form":{"nature":{"root_cause":"droits"}}}`, http.StatusOK, `"revision":7`},
		{"/close", `{"conclusion":"fin"}`, http.StatusConflict, `"field":"notification"`},
	} {
		got := w.call(http.MethodPost, oneBreach+c.path, c.body)
		if got.status != c.status || !strings.Contains(got.body, c.says) || strings.Contains(got.body, m) {
			t.Errorf("%d %s: %d %s", i, c.path, got.status, got.body)
		}
	}
	got := w.call(http.MethodGet, oneBreach, "", "X-Greffe-Reason", "audit")
	for _, part := range []string{`"risk":"high"`, `"proposed":"high"`, `"communicate":true`, `"reference":"AB-77"`, `"root_cause":"droits"`, `"lacking":["notification"]`, `"item":"accounts_suspended"`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("no %s in %s", part, got.body)
		}
	}
	other := breachesPath + "/" + domain.ID{9, 6: 0x80, 8: 0x80}.String()
	if got := w.call(http.MethodPost, other+"/notes", `{"text":"x"}`); got.status != http.StatusNotFound {
		t.Errorf("another file: %d %s", got.status, got.body)
	}
}

func TestBreachLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.call(http.MethodGet, breachesPath, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"due":"2026-03-05T09:00:00`) || strings.Contains(got.body, `"overdue"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, breachesPath+"?overdue=true", ""); got.body != `{"items":[]}` {
		t.Errorf("none is overdue: %s", got.body)
	}
	w.clock.Store(int64(80 * time.Hour))
	if got := w.call(http.MethodGet, breachesPath+"?overdue=true&standing=open", ""); !strings.Contains(got.body, `"overdue":true`) {
		t.Errorf("after 72 hours: %s", got.body)
	}
	for _, bad := range []string{"?standing=" + m, "?from=2026-03-02T10:00:00Z&to=2026-03-02T10:00:00Z", "?limit=1001"} {
		if got := w.call(http.MethodGet, breachesPath+bad, ""); got.code(t) != "parameter_invalid" || strings.Contains(got.body, m) {
			t.Errorf("%s: %s", bad, got.body)
		}
	}
	if got := w.call(http.MethodGet, breachesPath+"/forms", ""); !strings.Contains(got.body, `"checklist":[{"item":"accounts_suspended"`) {
		t.Errorf("%s", got.body)
	}
}

func TestBreachLetterAndRegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.call(http.MethodGet, oneBreach+"/letter?language=en", "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK || !strings.Contains(got.body, marker) || !strings.Contains(got.body, "What you can do") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(http.MethodGet, oneBreach+"/letter?language=de", "", "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" {
		t.Errorf("%s", got.body)
	}
	got := w.call(http.MethodGet, breachesPath+"/register?format=csv&language=en", "", "X-Greffe-Reason", "audit")
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.body, "\ufeff")))
	r.Comma = ';'
	all, err := r.ReadAll()
	if err != nil || len(all) != 2 || all[0][9] != "Facts" || all[1][9] != marker || got.header.Get("Content-Type") != mediaCSV {
		t.Errorf("%v %q", err, all)
	}
	if got := w.call(http.MethodGet, breachesPath+"/register?format=pdf", "", "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" {
		t.Errorf("%s", got.body)
	}
	if n := w.journal.all(); n[len(n)-1].Action != "export" {
		t.Errorf("recorded as %+v", n[len(n)-1])
	}
	// A letter that would say too little is not written (art. 34(2)).
	w.call(http.MethodPost, oneBreach+"/form", `{"form":{"organisation":{"name":"ACME"}}}`)
	if got := w.call(http.MethodGet, oneBreach+"/letter", "", "X-Greffe-Reason", "audit"); got.code(t) != "not_yet" || !strings.Contains(got.body, `"field":"organisation.dpo"`) {
		t.Errorf("%s", got.body)
	}
}

// TestScopeOfABreach: a scope is counted without naming anybody; whom it found is
// listed in chunks, each recorded before it leaves.
func TestScopeOfABreach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodPost, oneBreach+"/scope", `{"accounts":["`+aSource.String()+`"],"from":"2026-02-01T00:00:00Z"}`)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"persons":2`) || !strings.Contains(got.body, `"to":"2026-03-02T10:00:00Z"`) || len(w.journal.all()) != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(http.MethodPost, oneBreach+"/scope", `{"categories":["`+m+` x"],"from":"2026-02-01T00:00:00Z"}`); got.code(t) != "field_invalid" || strings.Contains(got.body, m) {
		t.Errorf("%s", got.body)
	}
	if got := w.call(http.MethodPost, oneBreach+"/scope", `{}`); got.code(t) != "field_required" {
		t.Errorf("%s", got.body)
	}
	w.data.set(func(s *switches) { s.found = 2500 })
	got = w.call(http.MethodGet, oneBreach+"/persons?step=1", "", "X-Greffe-Reason", "audit")
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	if got.status != http.StatusOK || len(lines) != 2501 || !strings.HasPrefix(lines[2500], `{"end":{"count":2500,`) {
		t.Fatalf("%d, %d lines", got.status, len(lines))
	}
	recorded := w.journal.all()
	if len(recorded) != 3 || len(recorded[0].Subjects) != 1000 || len(recorded[2].Subjects) != 500 || recorded[0].Subjects[0] != person {
		t.Errorf("%d accesses recorded", len(recorded))
	}
	if got := w.call(http.MethodGet, oneBreach+"/persons?step=2", "", "X-Greffe-Reason", "audit"); got.status != http.StatusNotFound {
		t.Errorf("a step that measured nothing: %d", got.status)
	}
	if got := w.call(http.MethodGet, oneBreach+"/persons?step=-1", "", "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" {
		t.Errorf("%s", got.body)
	}
}
