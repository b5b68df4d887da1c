package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
)

// denials are the access.denied facts of the log so far, written now.
func (w *world) deniedFacts() (out []*event.Fact) {
	w.t.Helper()
	must(w.t, w.denials.Flush(w.t.Context()))
	head, err := w.ledger.Head(w.t.Context())
	must(w.t, err)
	must(w.t, w.log.Read(w.t.Context(), 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil && f.Type == event.AccessDenied {
			out = append(out, f)
		}
		return err
	}))
	return out
}

func (w *world) deniedBy(f *event.Fact) string {
	w.t.Helper()
	opened, err := w.ledger.Keyring().Open(w.t.Context(), []*event.Fact{f}, nil)
	must(w.t, err)
	for _, x := range opened[0].Fields {
		if x.Path == "access.account" {
			return strings.Trim(string(x.Value), `"`)
		}
	}
	return ""
}

// Each way of being refused by name is recorded once, with who and where; what
// nobody known did is counted only.
func TestRefusalsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent := authRequest("agent")
	agent.Expires = testNow.Add(time.Hour)
	rules, _ := w.ledger.Policy()
	made, err := w.desk.Make(t.Context(), rules, domain.ID{1}, agent)
	must(t, err)
	ended, err := w.desk.Make(t.Context(), rules, domain.ID{1}, authRequest("agent"))
	must(t, err)
	must(t, w.desk.Revoke(t.Context(), domain.ID{1}, ended.Token))

	key := "Bearer " + made.Text
	w.call(http.MethodGet, "/v1/audit/summary", "", "Authorization", key)
	w.call(http.MethodGet, "/v1/audit/summary", "", "Authorization", key)
	w.call(http.MethodGet, "/v1/subjects/"+person.String(), "", "Authorization", key, "X-Greffe-Reason", "audit")
	w.call(http.MethodPost, "/v1/subjects/search", `{"email":"a@example.org"}`, "Authorization", key, "X-Greffe-Actor", "jdupont")
	w.call(http.MethodGet, "/v1/notices", "", "Authorization", "Bearer "+ended.Text)
	w.call(http.MethodGet, "/v1/notices", "", "Authorization", "Bearer wrong-0123456789abcdef")
	w.call(http.MethodGet, "/v1/notices", "", "Authorization", "")
	w.call(http.MethodGet, "/v1/subjects/"+person.String(), "", "Authorization", key) // no reason: wrong, not refused
	w.clock.Store(int64(2 * time.Hour))
	w.call(http.MethodGet, "/v1/notices", "", "Authorization", key)

	var got []string
	for _, f := range w.deniedFacts() {
		who := map[string]string{made.Account.String(): "agent", ended.Account.String(): "ended"}[w.deniedBy(f)]
		got = append(got, strings.Join([]string{who, f.Codes.String("route"), f.Codes.String("code"), string(rune('0' + f.Codes.Int("count")))}, " "))
	}
	slices.Sort(got)
	want := []string{
		"agent get-v1-audit-summary permission_missing 2",
		"agent get-v1-notices token_expired 1",
		"agent get-v1-subjects-id reason_forbidden 1",
		"agent post-v1-subjects-search actor_forbidden 1",
		"ended get-v1-notices token_revoked 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	metrics := w.call(http.MethodGet, "/metrics", "").body
	for _, line := range []string{`greffe_denials_total{caller="unknown",code="token_invalid"} 1`, `greffe_denials_total{caller="unknown",code="token_missing"} 1`,
		`greffe_denials_total{caller="known",code="permission_missing"} 2`} {
		if !strings.Contains(metrics, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}
