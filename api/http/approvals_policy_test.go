package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"greffe/deploy"
	"greffe/domain"
)

// Who may publish a policy does not do away alone with what takes two persons.
func TestApprovalsAreNotPublishedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := string(deploy.Policy())
	two := plain + "\napprovals:\n  - {act: mass_erasure, over: 5}\n  - {act: hold_release}\n"
	if _, _, err := w.ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(two)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, text, act string }{
		"without any":  {"/v1/policy", plain, "mass_erasure"},
		"without one":  {"/v1/policy", strings.Replace(two, "  - {act: hold_release}\n", "", 1), "hold_release"},
		"more alone":   {"/v1/policy", strings.Replace(two, "over: 5", "over: 500", 1), "mass_erasure"},
		"on some date": {"/v1/policy?effective_at=2999-01-01T00:00:00Z", plain, "mass_erasure"},
	} {
		got := w.call(http.MethodPost, c.path, c.text, "Content-Type", mediaYAML)
		if got.code(t) != "approval_required" || !strings.Contains(got.body, `"field":"`+c.act+`"`) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if asked := w.call(http.MethodPost, c.path, c.text, "Content-Type", mediaYAML, approvalHdr, approvalAsk); asked.status != http.StatusAccepted {
			t.Errorf("%s, asked for: %d %s", name, asked.status, asked.body)
		}
	}
	if _, v := w.ledger.Policy(); v != 2 {
		t.Errorf("version %d is in force", v)
	}
	if got := w.call(http.MethodPost, "/v1/policy", strings.Replace(two, "over: 5", "over: 3", 1), "Content-Type", mediaYAML); got.status != http.StatusCreated {
		t.Errorf("sterner: %d %s", got.status, got.body)
	}
}
