package app

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/watch"
)

// watched is a ledger with a narrow quota for agents, served.
type watchedSite struct {
	*site
	people []domain.ID
	agent  auth.Made
	dpo    auth.Made
}

func newWatched(t *testing.T) *watchedSite {
	t.Helper()
	w := &watchedSite{site: newSite(t)}
	a := w.serve()
	text := strings.Replace(string(deploy.Policy()), "persons_hour: {soft: 60, hard: 300}", "persons_hour: {soft: 5, hard: 20}", 1)
	_, _, err := a.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(text))
	w.ok(err)
	for i := range 25 {
		res, err := a.Record(t.Context(), [][]byte{[]byte(made(fmt.Sprintf("e-%d", i), fmt.Sprintf("c-%d", i), past))})
		w.ok(err)
		w.people = append(w.people, res[0].Subject)
	}
	rules, _ := a.Ledger.Policy()
	w.agent, err = a.Tokens.Make(t.Context(), rules, domain.ID{1}, auth.Request{Label: "agent", Roles: []string{"agent"}})
	w.ok(err)
	w.dpo, err = a.Tokens.Make(t.Context(), rules, domain.ID{1}, auth.Request{Label: "dpo", Roles: []string{"dpo"}})
	w.ok(err)
	return w
}

// serve opens the ledger anew, following its log.
func (w *watchedSite) serve() *App {
	w.Helper()
	w.close()
	a, err := Open(w.Context(), w.cfg)
	w.ok(err)
	w.open = a
	return a
}

// settled waits until the meter has applied what is in the log.
func (w *watchedSite) settled() {
	w.Helper()
	head, err := w.open.Ledger.Head(w.Context())
	w.ok(err)
	w.ok(w.open.runner.WaitFor(w.Context(), head-1, w.open.Meter.Name(), w.open.Alerts.Name()))
}

func (w *watchedSite) ask(token, method, path, body string) *httptest.ResponseRecorder {
	w.Helper()
	w.settled()
	r := httptest.NewRequestWithContext(w.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Host = "127.0.0.1"
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Greffe-Reason", map[bool]string{true: "customer_call", false: "audit"}[token == w.agent.Text])
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	out := httptest.NewRecorder()
	w.open.API.ServeHTTP(out, r)
	return out
}

func (w *watchedSite) reads(n int) int {
	w.Helper()
	return w.ask(w.agent.Text, http.MethodGet, "/v1/subjects/"+w.people[n].String(), "").Code
}

// An agent reads up to the quota and no further, also after a restart, and again once
// the hour is over; whom the agent met this hour stays readable.
func TestQuotaOfPersons(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	for i := range 20 {
		if got := w.reads(i); got != http.StatusOK {
			t.Fatalf("person %d: %d", i, got)
		}
	}
	for range 2 {
		if a, b := w.reads(20), w.reads(3); a != http.StatusTooManyRequests || b != http.StatusOK {
			t.Errorf("beyond the quota %d, somebody read before %d", a, b)
		}
		w.serve()
	}
	if got := w.ask(w.dpo.Text, http.MethodGet, "/v1/subjects/"+w.people[20].String(), ""); got.Code != http.StatusOK {
		t.Errorf("the DPO: %d", got.Code)
	}
	w.now.pass(hourOfWatch)
	if got := w.reads(20); got != http.StatusOK {
		t.Errorf("an hour later: %d", got)
	}
}

// Unusual breadth becomes one alert, which the DPO reads and closes, and nobody else;
// the log does not say whom it is about.
func TestAlertFromReads(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	for i := range 6 {
		if got := w.reads(i); got != http.StatusOK {
			t.Fatalf("person %d: %d", i, got)
		}
	}
	w.settled()
	w.ok(w.open.alert(t.Context()))
	w.ok(w.open.alert(t.Context()))
	var list httpapi.List[httpapi.Alert]
	decode(t, w.ask(w.dpo.Text, http.MethodGet, "/v1/watch?state=open", "").Body.Bytes(), &list)
	if len(list.Items) != 1 {
		t.Fatalf("%d alerts", len(list.Items))
	}
	x := list.Items[0]
	if x.AccountID != w.agent.Account || x.Rule != watch.BreadthHour || x.Observed != 6 || x.Limit != 5 || x.State != "open" {
		t.Errorf("%+v", x)
	}
	if got := w.ask(w.agent.Text, http.MethodGet, "/v1/watch", ""); got.Code != http.StatusForbidden {
		t.Errorf("the agent sees alerts: %d", got.Code)
	}
	if raw := w.raw(event.WatchAlerted); bytes.Contains(raw, []byte(w.agent.Account.String())) {
		t.Error("the alert names the account in clear")
	}
	closing := "/v1/watch/" + x.ID.String() + "/close"
	for i, want := range []int{http.StatusOK, http.StatusConflict} {
		if got := w.ask(w.dpo.Text, http.MethodPost, closing, `{"outcome":"misuse","note":"copied to a stick by Jeanne"}`); got.Code != want {
			t.Errorf("closing %d: %d %s", i, got.Code, got.Body)
		}
	}
	if raw := w.raw(event.WatchClosed); len(raw) == 0 || bytes.Contains(raw, []byte("Jeanne")) {
		t.Error("the note stands in the log in clear")
	}
	var one httpapi.Alert
	decode(t, w.ask(w.dpo.Text, http.MethodGet, "/v1/watch/"+x.ID.String(), "").Body.Bytes(), &one)
	if one.Outcome != "misuse" || one.Note != "copied to a stick by Jeanne" || one.ClosedBy != w.dpo.Account {
		t.Errorf("%+v", one)
	}
	decode(t, w.ask(w.dpo.Text, http.MethodGet, "/v1/watch?state=open", "").Body.Bytes(), &list)
	if len(list.Items) != 0 {
		t.Errorf("%d alerts are still open", len(list.Items))
	}
	w.serve() // the meter finds the same again: it is said already
	w.settled()
	w.ok(w.open.alert(t.Context()))
	decode(t, w.ask(w.dpo.Text, http.MethodGet, "/v1/watch", "").Body.Bytes(), &list)
	if len(list.Items) != 1 {
		t.Errorf("%d alerts after a restart", len(list.Items))
	}
}

// Refused requests are recorded and, when there are many, said; nobody closes what is
// about them.
func TestAlertFromRefusals(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	for range 30 {
		if got := w.ask(w.agent.Text, http.MethodGet, "/v1/audit/summary", ""); got.Code != http.StatusForbidden {
			t.Fatal(got.Code)
		}
		if got := w.ask(w.dpo.Text, http.MethodGet, "/v1/tokens", ""); got.Code != http.StatusForbidden {
			t.Fatal(got.Code)
		}
	}
	w.ok(w.open.Denials.Flush(t.Context()))
	w.settled()
	w.ok(w.open.alert(t.Context()))
	var list httpapi.List[httpapi.Alert]
	decode(t, w.ask(w.dpo.Text, http.MethodGet, "/v1/watch", "").Body.Bytes(), &list)
	about := map[domain.ID]domain.ID{}
	for _, x := range list.Items {
		if x.Rule == watch.Denied && x.Level == 0 {
			about[x.AccountID] = x.ID
		}
	}
	if len(about) != 2 {
		t.Fatalf("alerts about %d accounts", len(about))
	}
	for account, want := range map[domain.ID]int{w.dpo.Account: http.StatusForbidden, w.agent.Account: http.StatusOK} {
		if got := w.ask(w.dpo.Text, http.MethodPost, "/v1/watch/"+about[account].String()+"/close", `{"outcome":"explained"}`); got.Code != want {
			t.Errorf("closing: %d, want %d", got.Code, want)
		}
	}
}

const hourOfWatch = time.Hour

// raw is the bytes of all facts of a type.
func (w *watchedSite) raw(of event.Type) (out []byte) {
	w.Helper()
	head, err := w.open.Ledger.Head(w.Context())
	w.ok(err)
	w.ok(w.open.log.Read(w.Context(), 0, head, func(_ domain.Position, b []byte) error {
		f, err := event.DecodeFact(b)
		if err == nil && f.Type == of {
			out = append(out, b...)
		}
		return err
	}))
	return out
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil || bytes.Contains(b, []byte(`"code":`)) {
		t.Fatalf("%v: %s", err, b)
	}
}
