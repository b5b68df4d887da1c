package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"greffe/api/auth/oidc"
	"greffe/api/problem"
	"greffe/domain/policy"
)

func eachRoute(t *testing.T, w *world) []Route {
	t.Helper()
	w.makeGuest(aGuest, anInspection, "inspector")
	table := map[string]Route{}
	for _, r := range Routes() {
		table[r.Method+" "+r.Pattern] = r
	}
	var out []Route
	err := chi.Walk(w.api.handler.(chi.Router), func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		r, ok := table[method+" "+pattern]
		if !ok {
			t.Errorf("%s %s is routed and not in the table", method, pattern)
		}
		out = append(out, r)
		return nil
	})
	must(t, err)
	if len(out) != len(table) || len(out) < 25 {
		t.Fatalf("%d routes walked, %d in the table", len(out), len(table))
	}
	return out
}

// request is a good request to a route.
func request(r Route) (path, body string, headers []string) {
	id := person.String()
	switch {
	case strings.Contains(r.Pattern, "/events/{id}"), strings.Contains(r.Pattern, "/proofs/{id}"), r.Pattern == "/v1/consents/{id}/receipt":
		id = anEvent.String()
	case strings.Contains(r.Pattern, "/inspections/{id}"), strings.Contains(r.Pattern, "/activities/{id}"), strings.Contains(r.Pattern, "/dpia/{id}"):
		id = anInspection.String()
	case strings.Contains(r.Pattern, "/retention/runs/{id}"):
		id = aRun.String()
	case strings.Contains(r.Pattern, "/requests/{id}"):
		id = aRequest.String()
	case strings.Contains(r.Pattern, "/breaches/{id}"), strings.Contains(r.Pattern, "/reviews/{id}"):
		id = aFile.String()
	case strings.Contains(r.Pattern, "/watch/{id}"):
		id = anAlert.String()
	case strings.Contains(r.Pattern, "/accounts/{id}"):
		if id = aPerson.String(); r.Method != http.MethodGet {
			id = otherPerson.String()
		}
	case strings.Contains(r.Pattern, "/approvals/{id}"):
		id = anApproval.String()
	case strings.Contains(r.Pattern, "/quarantine/{id}"):
		id = itemHeld.String()
	}
	path = strings.ReplaceAll(r.Pattern, "{id}", id)
	path = strings.NewReplacer("{model}", "refusal", "{number}", aCertificate.String()).Replace(path)
	if r.Access() == Personal {
		headers = []string{"X-Greffe-Reason", "maintenance:T-1"}
	}
	switch r.Pattern {
	case oidc.LogoutPath:
		body, headers = "logout_token=x", append(headers, "Content-Type", "application/x-www-form-urlencoded")
	case "/signin/{asset}":
		path = "/signin/style.css"
	case "/v1/contactability":
		body = `{"checks":[{"email":"anne@example.org","channel":"email","purpose":"prospecting","at":"2026-03-02T09:14:07Z"}]}`
	case "/v1/statistics":
		if r.Method == http.MethodPost {
			body = `{"by":["age"]}`
		}
	case "/v1/producers/{source}/days", "/v1/producers/{source}/statement":
		path = strings.ReplaceAll(path, "{source}", aSource.String()) + "?from=2026-02-01"
		if strings.HasSuffix(r.Pattern, "/statement") {
			path += "T00:00:00Z&to=2026-03-01T00:00:00Z"
		}
	case "/v1/proofs/{id}/opened":
		path += "?class=evidence"
	case "/tile/*":
		path = "/" + aTile
	case "/v1/activities/import":
		body = `{"activities":[{"entry":{"role":"controller","activity":"` + marker + `"}}]}`
	case "/v1/inspections/{id}/guests":
		if r.Method == http.MethodPost {
			body = `{"label":"` + marker + `","login":"` + marker + `guest","expires_at":"` + testNow.AddDate(0, 0, 8).Format(time.RFC3339) + `"}`
		}
	case "/v1/inspections/{id}/guests/{account}/invitation", "/v1/inspections/{id}/guests/{account}/end":
		path = strings.ReplaceAll(path, "{account}", aGuest.String())
	case "/v1/inspections/{id}/verifiers/{name}":
		path = strings.ReplaceAll(path, "{name}", "greffe-verify")
	case "/v1/inspections/{id}/search":
		body = `{"words":["cancer"],"excerpts":true}`
	case "/v1/screenings":
		if r.Method == http.MethodPost {
			path, body, headers = path+"?channel=email&purpose=prospecting", "anne@example.org\n", append(headers, "Content-Type", "text/plain")
		}
	case "/v1/watch/{id}/close":
		body = `{"outcome":"explained"}`
	case "/v1/session/password":
		body = `{"name":"nobody","password":"` + marker + `"}`
	case "/v1/session/passkey":
		body = `{"state":"` + marker + `","credential":{"id":"` + marker + `"}}`
	case "/v1/session/totp", "/v1/session/recovery":
		body = `{"code":"` + marker + `"}`
	case "/v1/invitations/accept":
		body = `{"secret":"` + marker + `","password":"` + marker + `"}`
	case "/v1/accounts/names":
		path += "?ids=" + aPerson.String()
	case "/v1/accounts":
		if r.Method == http.MethodPost {
			body = `{"label":"` + marker + `","login":"` + marker + `","roles":["agent"]}`
		}
	case "/v1/subjects/search":
		body = `{"email":"anne@example.org"}`
	case "/v1/requests/{id}/files/{step}":
		path = strings.ReplaceAll(path, "{step}", anEvent.String())
	case "/rights":
		if r.Method == http.MethodPost {
			body, headers = goodForm, append(headers, "Content-Type", "application/x-www-form-urlencoded")
		}
	case "/v1/changes":
		path += "?recipient=crm"
	case "/v1/events", "/v1/quarantine/{id}/repair":
		body = cloudEvent("e-1", "C-1")
	}
	return path, body, headers
}

// signsIn tells the open routes at which somebody proves who they are.
func signsIn(r Route) bool {
	begins := r.Pattern == "/v1/session/passkey/options" // a challenge, the same for everybody
	return r.Open() && !begins && !strings.HasPrefix(r.Pattern, providerPath) && (strings.HasPrefix(r.Pattern, "/v1/session/") || strings.HasPrefix(r.Pattern, "/v1/invitations/"))
}

func TestEveryRouteHasAClosedRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known, personal := policy.Permissions(), 0
	for _, r := range eachRoute(t, w) {
		if r.Open() != (r.Permission == "") {
			t.Errorf("%s %s: open is %t, the permission is %q", r.Method, r.Pattern, r.Open(), r.Permission)
		}
		if r.Permission != "" && r.Permission != policy.PermissionOwn && !slices.Contains(known, r.Permission) {
			t.Errorf("%s %s: no policy can give %s", r.Method, r.Pattern, r.Permission)
		}
		if r.Limits.Timeout <= 0 || r.Limits.Rate == "" || r.Summary == "" || len(r.Endpoint.takes) > 0 && r.Limits.Body <= 0 {
			t.Errorf("%s %s lacks a limit or a summary", r.Method, r.Pattern)
		}
		for _, c := range codes(&r) {
			if _, ok := problem.Lookup(c); !ok {
				t.Errorf("%s %s names the code %s, which is not in the table", r.Method, r.Pattern, c)
			}
		}
		if r.Access() == Personal {
			personal++
		}
	}
	if personal < 12 {
		t.Errorf("only %d routes are personal", personal)
	}
}

func TestNoTokenNoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range eachRoute(t, w) {
		path, body, headers := request(r)
		got := w.call(r.Method, path, body, append(headers, "Authorization", "")...)
		switch {
		case signsIn(r):
			refusals := []int{http.StatusUnauthorized, http.StatusGone, http.StatusConflict} // wrong, ended, begun by nobody
			if !slices.Contains(refusals, got.status) || len(got.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s %s lets a stranger in: %d %s", r.Method, path, got.status, got.body)
			}
		case strings.HasPrefix(r.Pattern, providerPath+"/"):
			if got.status != http.StatusBadRequest || strings.Contains(strings.Join(got.header.Values("Set-Cookie"), " "), "greffe=") {
				t.Errorf("%s %s lets a stranger in: %d %s", r.Method, path, got.status, got.body)
			}
		case r.Open() || r.Endpoint.local:
			if got.status != r.Endpoint.status {
				t.Errorf("%s %s: %d", r.Method, path, got.status)
			}
		case got.status != http.StatusUnauthorized || got.code(t) != "token_missing" || got.header.Get("WWW-Authenticate") == "":
			t.Errorf("%s %s without a token: %d %s", r.Method, path, got.status, got.body)
		}
	}
}

// Every role of the shipped policy gets through exactly where the policy lets it.
func TestPermissionsAreThePolicys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules, _ := w.ledger.Policy()
	for _, role := range rules.Roles() {
		key := w.token(authRequest(role.Code))
		for _, r := range eachRoute(t, w) {
			if r.Permission == "" || r.Method == http.MethodDelete {
				continue
			}
			path, _, _ := request(r)
			got := w.call(r.Method, path, "", "Authorization", "Bearer "+key)
			denied := got.status == http.StatusForbidden && strings.Contains(got.body, `"permission_missing"`)
			if denied == rules.Permits(role.Code, r.Permission) {
				t.Errorf("%s at %s %s: denied is %t: %s", role.Code, r.Method, path, denied, got.body)
			}
			if denied && !strings.Contains(got.body, `"permission":"`+r.Permission+`"`) {
				t.Errorf("%s %s does not name the permission: %s", r.Method, path, got.body)
			}
		}
	}
}

// F22: with a journal that fails in any way, every personal route answers 503
// and gives out nothing; with one that works, each gives out its data after
// exactly what it gave out was recorded.
func TestNoPersonalRouteAnswersUnrecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config, _ *Services) { c.RecordTimeout = 30 * time.Millisecond })
	failures := map[string]func(context.Context) error{
		"errors": func(context.Context) error { return errors.New("full") },
		"hangs":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"deaf":   func(context.Context) error { <-t.Context().Done(); return nil },
		"panics": func(context.Context) error { panic(marker) },
	}
	for name, fail := range failures {
		for _, r := range eachRoute(t, w) {
			if r.Access() != Personal {
				continue
			}
			w.journal.set(fail)
			path, body, headers := request(r)
			for _, accept := range r.Endpoint.gives {
				got := w.call(r.Method, path, body, append(headers, "Accept", accept)...)
				if got.status != http.StatusServiceUnavailable || got.code(t) != "access_not_recorded" {
					t.Errorf("journal %s: %s %s as %s answers %d %s", name, r.Method, path, accept, got.status, got.body)
				}
				if strings.Contains(got.body, marker) {
					t.Fatalf("journal %s: %s %s leaks data", name, r.Method, path)
				}
			}
		}
		if n := len(w.journal.all()); n != 0 {
			t.Fatalf("journal %s: %d accesses recorded", name, n)
		}
	}
}

// idsAlone are the personal routes that give ids or counts, and no text.
func idsAlone() []string {
	return []string{"/v1/subjects/search", "/v1/erasures/contested", "/v1/audit/bulk", "/v1/breaches/{id}/persons", "/v1/holds", "/v1/statistics", "/v1/subjects/{id}/erasure/preview"}
}

func TestEveryPersonalAnswerWasRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range eachRoute(t, w) {
		path, body, headers := request(r)
		before := len(w.journal.all())
		got := w.call(r.Method, path, body, headers...)
		recorded := w.journal.all()[before:]
		if r.Access() != Personal {
			asked := 0
			if r.Pattern == "/v1/contactability" { // gives no data; who was asked about is recorded
				asked = 1
			}
			if len(recorded) != asked || strings.Contains(got.body, marker) {
				t.Errorf("%s %s: %d accesses for %s", r.Method, path, len(recorded), got.body)
			}
			continue
		}
		if got.status != http.StatusOK || !strings.Contains(got.body, marker) && !slices.Contains(idsAlone(), r.Pattern) {
			t.Errorf("%s %s: %d %s", r.Method, path, got.status, got.body)
		}
		if len(recorded) != 1 {
			t.Fatalf("%s %s: %d accesses", r.Method, path, len(recorded))
		}
		a := recorded[0]
		if a.Action == "" || a.Reason != "maintenance" || a.Ticket != "T-1" || a.Defaulted || a.Account.IsZero() {
			t.Errorf("%s %s is recorded as %+v", r.Method, path, a)
		}
		if strings.Contains(path, person.String()) && !slices.Contains(a.Subjects, person) {
			t.Errorf("%s %s is recorded without the person", r.Method, path)
		}
	}
}

// A caller who hangs up does not take the recording back.
func TestRecordingDoesNotEndWithTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, entered := make(chan struct{}), make(chan struct{})
	w.journal.set(func(ctx context.Context) error {
		close(entered)
		<-gone
		return ctx.Err()
	})
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/subjects/"+person.String(), nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("X-Greffe-Reason", "audit")
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	hangUp()
	<-done
	close(gone)
	deadline := time.Now().Add(5 * time.Second)
	for len(w.journal.all()) == 0 && time.Now().Before(deadline) {
		w.call(http.MethodGet, "/healthz", "")
	}
	if len(w.journal.all()) != 1 {
		t.Error("the access was not recorded after the caller had gone")
	}
}

func TestNothingStartsWithoutAJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service
	s.Journal = nil
	if _, err := New(Config{Now: w.now, Rand: strings.NewReader("")}, s); err == nil {
		t.Error("an API without a journal was built")
	}
	s = w.service
	s.Auth = nil
	if _, err := New(Config{Now: w.now, Rand: strings.NewReader("")}, s); err == nil {
		t.Error("an API without an authenticator was built")
	}
}
