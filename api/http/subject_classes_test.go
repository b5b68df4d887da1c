package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestSomeClasses: a view of some classes holds no other, and so says the recorded access;
// a class that the caller may not see is not added by asking for it.
func TestSomeClasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dpo, agent := w.token(authRequest("dpo")), w.token(authRequest("agent"))
	path := "/v1/subjects/" + person.String()
	for _, c := range []struct {
		token, query string
		status       int
		shows        []string
	}{
		{dpo, "?classes=identity", 200, []string{"identity"}},
		{dpo, "?classes=evidence,identity", 200, []string{"evidence", "identity"}},
		{agent, "?classes=identity,accounts", 200, []string{"identity"}},
		{dpo, "?classes=nobodys", 400, nil},
		{dpo, "?classes=identity,", 400, nil},
	} {
		before := len(w.journal.all())
		got := w.call(http.MethodGet, path+c.query, "", "Authorization", "Bearer "+c.token, "X-Greffe-Reason", map[string]string{dpo: "audit", agent: "customer_call"}[c.token])
		if got.status != c.status {
			t.Fatalf("%s: %d %s", c.query, got.status, got.body)
		}
		read := w.journal.all()[before:]
		if c.status != 200 {
			if len(read) != 0 {
				t.Errorf("%s: recorded %+v", c.query, read)
			}
			continue
		}
		for _, class := range []string{"identity", "evidence"} {
			if strings.Contains(got.body, `"`+class+`":"`+marker) != slices.Contains(c.shows, class) {
				t.Errorf("%s: %s", c.query, got.body)
			}
		}
		if len(read) != 1 || !slices.Equal(slices.Sorted(slices.Values(read[0].Categories)), c.shows) {
			t.Errorf("%s: recorded %+v", c.query, read)
		}
	}
}
