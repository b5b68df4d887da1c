package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"greffe/deploy"
	"greffe/domain"
)

// TestListsDeclareTheirBulk: no route that gives lists, lines or files of persons' data
// lacks the declaration of how many persons it hands out, and none whose lines are about
// persons says that it is one's.
func TestListsDeclareTheirBulk(t *testing.T) {
	t.Parallel()
	for _, r := range Routes() {
		e := r.Endpoint
		list := e.out != nil && strings.Contains(e.out.String(), "List[")
		files := len(e.gives) != 1 || e.gives[0] != mediaJSON
		switch b := r.Bulk(); {
		case r.Access() != Personal:
		case (list || files || e.item != nil) && b == "":
			t.Errorf("%s %s gives %v and does not declare how many persons it hands out", r.Method, r.Pattern, e.gives)
		case e.item != nil && b != ByPage && b != Many:
			t.Errorf("%s %s gives lines and is said to be %s", r.Method, r.Pattern, b)
		case b != "" && !slices.Contains([]Bulk{ByPage, Many, One, Nobodys, Duty}, b):
			t.Errorf("%s %s is %s", r.Method, r.Pattern, b)
		}
	}
}

// TestPagesAddUp: where the policy asks, pages are handed out while what the account was
// shown of late leaves room, as JSON and as lines; what is many by itself takes two
// persons, and one person's data, registers and what recipients are told do not.
func TestPagesAddUp(t *testing.T) {
	t.Parallel()
	watched := new(testWatch)
	w := newWorld(t, func(_ *Config, s *Services) { watched.data = new(testData); s.Watch = watched })
	_, _, err := w.ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(string(deploy.Policy())+"\napprovals: [{act: bulk_export, over: 20}]\n"))
	must(t, err)
	for _, shown := range []int64{0, 20} {
		watched.shown.Store(shown)
		for _, r := range Routes() {
			if r.Access() != Personal || r.Open() {
				continue
			}
			path, body, headers := request(r)
			for _, accept := range r.Endpoint.gives {
				before := len(w.journal.all())
				got := w.call(r.Method, path, body, append(headers, "Accept", accept)...)
				stopped := got.status == http.StatusForbidden && got.code(t) == "approval_required"
				if want := r.Bulk() == Many || r.Bulk() == ByPage && shown > 0; stopped != want {
					t.Errorf("%s %s (%s) as %s after %d: %d %s", r.Method, r.Pattern, r.Bulk(), accept, shown, got.status, got.body)
				}
				if stopped && (len(w.journal.all()) != before || strings.Contains(got.body, marker)) {
					t.Errorf("%s %s: refused, and %d accesses", r.Method, r.Pattern, len(w.journal.all())-before)
				}
			}
		}
	}
	if got := w.call(http.MethodGet, "/v1/audit/events", "", "X-Greffe-Reason", "audit", "X-Greffe-Approval", "request"); got.status != http.StatusAccepted {
		t.Errorf("asked for beforehand: %d %s", got.status, got.body)
	}
}
