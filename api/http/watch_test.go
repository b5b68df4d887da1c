package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/watch"
	"greffe/eventstore/access"
)

var anAlert = domain.ID{0xa7, 6: 0x80, 8: 0x80}

// testWatch knows one alert, and refuses reads when it is told to.
type testWatch struct {
	data   *testData
	mu     sync.Mutex
	refuse error
	asked  []access.Reading
	shown  atomic.Int64
}

func (w *testWatch) Shown(context.Context, domain.ID) (int64, error) {
	return w.shown.Load(), nil
}

func (w *testWatch) Allow(_ context.Context, _ domain.ID, _ []string, r access.Reading) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, r)
	return w.refuse
}

func (w *testWatch) set(refuse error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = refuse
}

func (w *testWatch) List(_ context.Context, r access.Receipt, _ string, p Page) ([]Alert, string, error) {
	one, err := w.Alert(context.Background(), r, anAlert)
	if err != nil {
		return nil, "", err
	}
	return slices.Repeat([]Alert{*one}, min(p.Limit, 3)), "", nil
}

func (w *testWatch) Waiting(_ context.Context, most int) (int, error) { return most, nil }

func (w *testWatch) Alert(_ context.Context, r access.Receipt, id domain.ID) (*Alert, error) {
	switch {
	case r.Event().IsZero():
		return nil, errNoReceipt
	case id != anAlert:
		return nil, ErrNotFound
	}
	return &Alert{ID: anAlert, Rule: watch.BreadthDay, AccountID: domain.ID{1}, Note: marker, State: "open"}, w.data.check(r)
}

func (w *testWatch) Close(_ context.Context, _, id domain.ID, _ AlertClosing) (*AlertClosed, error) {
	if w.data.get().panics {
		panic(marker)
	}
	if id != anAlert {
		return nil, ErrNotFound
	}
	return &AlertClosed{ID: id}, w.data.get().fail
}

// A quota comes before every read: with it spent each personal route answers 429, and
// nothing was recorded as read or given out; the refusal is.
func TestQuotaComesFirst(t *testing.T) {
	t.Parallel()
	quota := &testWatch{refuse: &problem.Error{Code: problem.QuotaExceeded, RetryAfter: 90 * time.Second}}
	w := newWorld(t, func(_ *Config, s *Services) { s.Watch = quota })
	n := 0
	for _, r := range eachRoute(t, w) {
		if r.Access() != Personal {
			continue
		}
		n++
		path, body, headers := request(r)
		got := w.call(r.Method, path, body, headers...)
		if got.status != http.StatusTooManyRequests || got.code(t) != "quota_exceeded" || got.header.Get("Retry-After") != "90" || strings.Contains(got.body, marker) {
			t.Errorf("%s %s: %d %s", r.Method, path, got.status, got.body)
		}
	}
	if len(w.journal.all()) != 0 || len(quota.asked) != n {
		t.Errorf("%d accesses were recorded, %d of %d routes asked", len(w.journal.all()), len(quota.asked), n)
	}
	refused := 0
	for _, f := range w.deniedFacts() {
		if f.Codes.String("code") == "quota_exceeded" {
			refused++
		}
	}
	if refused != n {
		t.Errorf("%d of %d refusals recorded", refused, n)
	}
	quota.set(nil)
	if got := w.call(http.MethodGet, "/v1/subjects/"+person.String(), "", "X-Greffe-Reason", "audit"); got.status != http.StatusOK {
		t.Errorf("with room: %d", got.status)
	}
	if last := quota.asked[len(quota.asked)-1]; len(last.Subjects) == 0 || last.Action == "" {
		t.Errorf("asked without saying whom: %+v", last)
	}
}

// Findings about staff are for the DPO and security; what closes an alert is checked.
func TestAlertsAreForFew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules, _ := w.ledger.Policy()
	dpo := "Bearer " + w.token(authRequest("dpo"))
	for _, role := range rules.Roles() {
		may := role.Code == "dpo" || role.Code == "security"
		key := "Bearer " + w.token(authRequest(role.Code))
		read := w.call(http.MethodGet, "/v1/watch", "", "Authorization", key, "X-Greffe-Reason", "audit")
		closed := w.call(http.MethodPost, "/v1/watch/"+anAlert.String()+"/close", `{"outcome":"explained"}`, "Authorization", key)
		if (read.status == http.StatusOK) != may || (closed.status == http.StatusOK) != may {
			t.Errorf("%s: reads %d, closes %d", role.Code, read.status, closed.status)
		}
	}
	for body, want := range map[string]string{
		`{}`: "field_required", `{"outcome":"x"}`: "field_invalid", `{"outcome":"misuse"}`: "field_required",
		`{"outcome":"misuse","note":"` + strings.Repeat("n", 4001) + `"}`: "field_invalid", `{"outcome":"explained","by":"x"}`: "field_unknown",
	} {
		if got := w.call(http.MethodPost, "/v1/watch/"+anAlert.String()+"/close", body, "Authorization", dpo); got.code(t) != want {
			t.Errorf("%d bytes: %s, want %s", len(body), got.body, want)
		}
	}
	if got := w.call(http.MethodGet, "/v1/watch?state=old", "", "Authorization", dpo, "X-Greffe-Reason", "audit"); got.code(t) != "parameter_invalid" {
		t.Error(got.body)
	}
	fr := w.call(http.MethodGet, "/v1/watch/"+anAlert.String(), "", "Authorization", dpo, "X-Greffe-Reason", "audit", "Accept-Language", "fr")
	if !strings.Contains(fr.body, "Personnes différentes en un jour") {
		t.Error(fr.body)
	}
}

func TestEveryRuleHasATitle(t *testing.T) {
	t.Parallel()
	for _, r := range watch.Rules() {
		if fr, en := alertTitle(r, "fr"), alertTitle(r, "en"); fr == string(r) || en == string(r) || fr == en {
			t.Errorf("%s: %q %q", r, fr, en)
		}
	}
}
