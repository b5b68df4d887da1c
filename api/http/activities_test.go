package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	files "greffe/api/register"
	"greffe/domain"
	"greffe/domain/register"
)

const (
	activities = "/v1/activities"
	goodEntry  = `{"entry":{"role":"controller","activity":"Vente","main_purpose":"Vendre","data":[{"category":"identity","description":"Nom","active":"3 ans"}]}}`
	forAudit   = "audit"
)

// TestPostActivity: what is wrong with an entry is named by its field.
func TestPostActivity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var out ActivityWritten
	got := w.call(http.MethodPost, activities, goodEntry)
	if err := json.Unmarshal([]byte(got.body), &out); got.status != http.StatusCreated || err != nil || out.ID != anInspection {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for body, want := range map[string]string{
		strings.Replace(goodEntry, "controller", m, 1):                             "field_invalid entry.role",
		strings.Replace(goodEntry, `"main_purpose":"Vendre",`, "", 1):              "field_required entry.main_purpose",
		strings.Replace(goodEntry, "identity", m, 1):                               "field_invalid entry.data.category",
		strings.Replace(goodEntry, "3 ans", strings.Repeat(m, 40), 1):              "field_invalid entry.data.active",
		strings.Replace(goodEntry, `"role"`, `"`+m+`":1,"role"`, 1):                "field_unknown ",
		strings.Replace(goodEntry, `{"entry"`, `{"controller":"other","entry"`, 1): "not_found ",
	} {
		got := w.call(http.MethodPost, activities, body)
		code, field, _ := strings.Cut(want, " ")
		if got.code(t) != code || !strings.Contains(got.body, field) || strings.Contains(got.body, m) {
			t.Errorf("want %s: %d %s", want, got.status, got.body)
		}
	}
	one := activities + "/" + anInspection.String()
	state := strings.Replace(goodEntry, `{"entry"`, `{"revision":2,"entry"`, 1)
	if got := w.call(http.MethodPost, one, state); got.code(t) != "conflict" {
		t.Errorf("another revision: %s", got.body)
	}
	for body, want := range map[string]string{`{"revision":0}`: "field_required", `{"revision":0,"reason":"` + strings.Repeat("x", 2001) + `"}`: "field_invalid"} {
		if got := w.call(http.MethodPost, one+"/end", body); got.code(t) != want {
			t.Errorf("%s: %s", want, got.body)
		}
	}
	if got := w.call(http.MethodPost, one+"/end", `{"revision":0,"reason":"finie"}`); got.status != http.StatusOK {
		t.Errorf("end: %s", got.body)
	}
}

// TestActivityQuestions: parameters are closed lists; a stranger's id is not found; the
// words of a register are read under a permission.
func TestActivityQuestions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, want := range map[string]string{"?state=" + m: "state", "?role=" + m: "role", "?limit=0x": "limit"} {
		if got := w.call(http.MethodGet, activities+query, "", "X-Greffe-Reason", forAudit); got.code(t) != "parameter_invalid" || !strings.Contains(got.body, want) || strings.Contains(got.body, m) {
			t.Errorf("%s: %s", query, got.body)
		}
	}
	other := domain.ID{9, 6: 0x80, 8: 0x80}.String()
	for _, path := range []string{activities + "/" + other, activities + "/" + other + "/history", activities + "/" + m, "/v1/dpia/" + other} {
		if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", forAudit); got.status != http.StatusNotFound || strings.Contains(got.body, m) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for role, want := range map[string]int{"auditor": http.StatusOK, "agent": http.StatusForbidden} {
		bearer := "Bearer " + w.token(authRequest(role))
		if got := w.call(http.MethodGet, activities, "", "X-Greffe-Reason", "audit", "Authorization", bearer); got.status != want {
			t.Errorf("%s reads: %d", role, got.status)
		}
		if got := w.call(http.MethodPost, activities, goodEntry, "Authorization", bearer); got.status != http.StatusForbidden {
			t.Errorf("%s writes: %d", role, got.status)
		}
	}
}

// TestExportAndImport: an export is a file of the form that was asked for, recorded as an
// export; an import takes each form, and names a wrong place by its numbers.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, f := range []files.Format{files.XLSX, files.CSV, files.JSON} {
		before := len(w.journal.all())
		got := w.call(http.MethodGet, activities+"/export?format="+string(f), "", "X-Greffe-Reason", forAudit)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != f.Media() || !strings.Contains(got.header.Get("Content-Disposition"), "registre."+string(f)) {
			t.Errorf("%s: %d %v", f, got.status, got.header)
		}
		if r := w.journal.all()[before:]; len(r) != 1 || r[0].Action != "export" {
			t.Errorf("%s is recorded as %+v", f, r)
		}
		rows, err := files.Read([]byte(got.body), f, register.Controller)
		if err != nil || len(rows) != 1 || rows[0].Entry.Name != marker {
			t.Errorf("%s: %v %+v", f, err, rows)
		}
		var out ImportedActivities
		got = w.call(http.MethodPost, activities+"/import?dry_run=true", got.body, "X-Greffe-Reason", forAudit, "Content-Type", f.Media())
		if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != http.StatusOK || len(out.Rows) != 1 || !out.DryRun || out.Rows[0].Reference != marker {
			t.Errorf("%s taken in: %d %s", f, got.status, got.body)
		}
	}
	for query, want := range map[string]string{"?format=" + m: "format", "?role=" + m: "role"} {
		if got := w.call(http.MethodGet, activities+"/export"+query, "", "X-Greffe-Reason", forAudit); got.code(t) != "parameter_invalid" || !strings.Contains(got.body, want) {
			t.Errorf("%s: %s", query, got.body)
		}
	}
	for body, want := range map[string]string{"activity;" + m + "\n": "rows.1.columns.2", "activity;main_purpose\n\"" + m: "rows.2", "Identifiant;activity\n" + m + ";x\n": "rows.2.columns.1"} {
		got := w.call(http.MethodPost, activities+"/import", body, "X-Greffe-Reason", forAudit, "Content-Type", "text/csv")
		if got.code(t) != "field_invalid" || !strings.Contains(got.body, want) || strings.Contains(got.body, m) {
			t.Errorf("%s: %s", want, got.body)
		}
	}
	if got := w.call(http.MethodPost, activities+"/import", "x", "X-Greffe-Reason", forAudit, "Content-Type", "text/plain"); got.code(t) != "media_type_unsupported" {
		t.Errorf("%s", got.body)
	}
}

// TestDPIARoutes: a decision without its reasoning, with a sign of use left unanswered or
// against its criteria is refused by the field; one that holds says by which rule.
func TestDPIARoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := `{"activity_id":"` + anInspection.String() + `","criteria":["matching","scoring"],"reasoning":"` + m + `"}`
	var out ScreenedDPIA
	got := w.call(http.MethodPost, "/v1/dpia", good)
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != http.StatusCreated || out.Decision != "required" || out.Rule != "criteria" || out.ID != anInspection || len(out.Triggers) != 1 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for body, want := range map[string]string{
		strings.Replace(good, `,"reasoning":"`+m+`"`, "", 1):                           "field_required reasoning",
		strings.Replace(good, `"matching",`, "", 1):                                    "field_required set_aside.enrichment",
		strings.Replace(good, "matching", m, 1):                                        "field_invalid criteria",
		strings.Replace(good, `"criteria"`, `"decision":"not_required","criteria"`, 1): "field_required departure",
	} {
		got := w.call(http.MethodPost, "/v1/dpia", body)
		code, field, _ := strings.Cut(want, " ")
		if got.code(t) != code || !strings.Contains(got.body, field) || strings.Contains(got.body, m) {
			t.Errorf("want %s: %s", want, got.body)
		}
	}
	one := "/v1/dpia/" + anInspection.String()
	for body, want := range map[string]string{`{"revision":0}`: "field_required", `{"revision":0,"reference":"x"}`: "field_required", `{"revision":2,"reference":"x","implemented":true}`: "conflict"} {
		if got := w.call(http.MethodPost, one+"/reference", body); got.code(t) != want {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	if got := w.call(http.MethodPost, one+"/reference", `{"revision":0,"reference":"x","implemented":true}`); got.status != http.StatusOK {
		t.Errorf("%s", got.body)
	}
	if got := w.call(http.MethodPost, one+"/close", `{"revision":0}`); got.code(t) != "field_required" {
		t.Errorf("%s", got.body)
	}
	if got := w.call(http.MethodGet, "/v1/dpia?decision="+m, "", "X-Greffe-Reason", forAudit); got.code(t) != "parameter_invalid" {
		t.Errorf("%s", got.body)
	}
	var lists DPIALists
	got = w.call(http.MethodGet, "/v1/dpia/criteria", "")
	if err := json.Unmarshal([]byte(got.body), &lists); err != nil || len(lists.Criteria) != 9 || len(lists.Mandatory) != 14 || len(lists.Exempt) != 12 {
		t.Errorf("%v %s", err, got.body)
	}
}
