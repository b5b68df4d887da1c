package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/policy"
)

// What gives out a secret, agrees in the place of a second person, or destroys, takes
// factors given recently: a browser that was left open is not enough. Pages are ordinary
// work until they add up.
func TestActsThatTakeRecentFactors(t *testing.T) {
	t.Parallel()
	for _, act := range []string{"POST /v1/tokens", "POST /v1/tokens/{id}/rotate", "POST /v1/approvals/{id}/decision",
		"POST /v1/subjects/{id}/erasure", "POST /v1/events/{id}/redaction", "POST /v1/retention/runs"} {
		if !dangerous()[act] {
			t.Errorf("%s is done by a session of hours ago", act)
		}
	}
	for _, r := range Routes() {
		if _, two := actOf(&r); two && r.Bulk() != ByPage && !dangerous()[r.Method+" "+r.Pattern] {
			t.Errorf("%s %s may take two persons, and is done by a session of hours ago", r.Method, r.Pattern)
		}
	}
}

// eraser ordered so many erasures already.
type eraser struct {
	testApprovals
	ordered int64
}

func (e eraser) Ordered(context.Context, domain.ID, time.Time) (int64, error) { return e.ordered, nil }

// Whoever may erase so many persons alone may not destroy more event by event.
func TestEveryWayToEraseIsCounted(t *testing.T) {
	t.Parallel()
	for _, r := range Routes() {
		if r.Method != http.MethodPost || r.Permission != "subjects.erase" || strings.Contains(r.Pattern, "contested") {
			continue
		}
		if act, asks := actOf(&r); !asks || act != approval.MassErasure {
			t.Errorf("%s is not counted", r.Pattern)
		}
		for ordered, want := range map[int64]bool{4: false, 5: true} {
			a := &API{}
			a.services.Approvals = eraser{ordered: ordered}
			a.cfg.Now = func() time.Time { return testNow }
			c := &Call{ctx: t.Context(), route: &r}
			c.principal = &auth.Principal{Account: person}
			if two, err := a.needsTwo(c, policy.Approval{Over: 5}); err != nil || two != want {
				t.Errorf("%s after %d: %t %v", r.Pattern, ordered, two, err)
			}
		}
	}
}
