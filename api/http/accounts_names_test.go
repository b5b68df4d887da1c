package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/domain"
)

// namesOf: whose account an id is, with the name for those whose roles are shown the
// class accounts; what is no id, or too many, is refused.
func namesOf(t *testing.T, get func(token, path string) reply, dpo, auditor string, account domain.ID) {
	t.Helper()
	var names AccountNames
	must(t, json.Unmarshal([]byte(get(dpo, "/v1/accounts/names?ids="+account.String()+","+domain.ID{9}.String()).body), &names))
	if len(names.Items) != 1 || names.Items[0].ID != account || names.Items[0].Label != marker || len(names.Items[0].Roles) == 0 {
		t.Errorf("the officer is told %+v", names)
	}
	if got := get(auditor, "/v1/accounts/names?ids="+account.String()); got.status != http.StatusOK || strings.Contains(got.body, marker) || !strings.Contains(got.body, account.String()) {
		t.Errorf("an auditor is told %d %s", got.status, got.body)
	}
	for _, ids := range []string{"", ",", "nobody", strings.Repeat(account.String()+",", maxNames+1)} {
		if got := get(dpo, "/v1/accounts/names?ids="+ids); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"ids"`) {
			t.Errorf("%.40q is answered %d %s", ids, got.status, got.body)
		}
	}
}
