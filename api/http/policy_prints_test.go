package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

func TestPolicyPrints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, want := range map[string]string{
		"/v1/policy/notice?language=fr":                  "Vos droits et durées de conservation</h1>",
		"/v1/policy/notice?language=en&format=txt":       "Your rights, and how long we keep your data\n==",
		"/v1/policy/notice?language=fr&format=pdf":       "%PDF-",
		"/v1/policy/staff-notice?language=fr":            "information du personnel",
		"/v1/policy/staff-notice?language=en&format=txt": "notice to staff",
		"/v1/policy/staff-notice?language=fr&format=pdf": "%PDF-",
	} {
		if got := w.call(http.MethodGet, path, ""); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %.200s, want %s", path, got.status, got.body, want)
		}
	}
	for path, field := range map[string]string{"/v1/policy/notice?format=docx": "format", "/v1/policy/notice?language=de": "language"} {
		if got := w.call(http.MethodGet, path, ""); got.code(t) != "parameter_invalid" || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}
