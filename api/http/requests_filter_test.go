package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

// TestRequestFilterWords: a word that a filter does not know is an error, as an empty
// list would say that there is nothing.
func TestRequestFilterWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, field := range map[string]string{"status=open": "status", "right=gossip": "right", "mark=lost": "mark", "standing=received": "standing", "sort=opened": "sort"} {
		got := w.call(http.MethodGet, "/v1/requests?"+query, "", "X-Greffe-Reason", "audit")
		if got.code(t) != "parameter_invalid" || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	for _, query := range []string{"status=sent", "right=access", "mark=late", "standing=open", "sort=due"} {
		if got := w.call(http.MethodGet, "/v1/requests?"+query, "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
