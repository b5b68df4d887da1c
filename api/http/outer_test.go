package httpapi

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
)

// A panic is answered with 500 internal and logged with its stack, without what
// it said.
func TestPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.data.set(func(s *switches) { s.panics = true })
	for _, r := range eachRoute(t, w) {
		if r.Access() != Personal {
			continue
		}
		path, body, headers := request(r)
		got := w.call(r.Method, path, body, headers...)
		if got.status != 500 || got.code(t) != "internal" || strings.Contains(got.body, marker) {
			t.Errorf("%s %s: %d %s", r.Method, path, got.status, got.body)
		}
	}
	logs := w.logs.String()
	if strings.Contains(logs, marker) || !strings.Contains(logs, "goroutine") || !strings.Contains(logs, `"panic":"string"`) {
		t.Errorf("the log of a panic: %.1000s", logs)
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodGet, "/v1/subjects/"+person.String()+"?as_of=2026-01-01T00:00:00Z", "", "X-Greffe-Reason", "audit:"+marker,
		"X-Greffe-Actor", marker, "User-Agent", marker)
	w.call("BREW"+marker[:3], "/v1/"+marker+"?q="+marker, "")
	all := strings.Split(strings.TrimSpace(w.logs.String()), "\n")
	var line map[string]any
	must(t, json.Unmarshal([]byte(all[0]), &line))
	for key, want := range map[string]any{"method": "GET", "route": "/v1/subjects/{id}", "status": 200.0} {
		if line[key] != want {
			t.Errorf("%s is %v", key, line[key])
		}
	}
	if line["account"] == nil || line["request_id"] == nil || line["ms"] == nil {
		t.Errorf("the line lacks something: %v", line)
	}
	if strings.Contains(w.logs.String(), marker) || strings.Contains(w.logs.String(), "as_of") || strings.Contains(w.logs.String(), "BREW") || len(all) != 2 {
		t.Errorf("the log holds values of requests: %s", w.logs.String())
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/docs", "/docs/style.css", "/healthz", "/v1/subjects/x", "/nothing", "/openapi.json", "/v1/policy"} {
		got := w.call(http.MethodGet, path, "")
		csp := got.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") ||
			got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("X-Request-Id") == "" || got.header.Get("Cache-Control") == "" ||
			got.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
	if got := w.call(http.MethodGet, "/docs", "", "Accept-Language", "fr"); !strings.Contains(got.body, `<html lang="fr">`) || got.header.Get("Content-Language") != "fr" {
		t.Errorf("the documentation in French: %v", got.header)
	}
	if got := w.call(http.MethodGet, "/docs?lang=en", "", "Accept-Language", "fr"); !strings.Contains(got.body, `<html lang="en">`) {
		t.Error("the language asked for does not win")
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodGet, "/v1/subjects/"+person.String(), "", "X-Greffe-Reason", "audit")
	w.call(http.MethodGet, "/v1/"+marker, "")
	w.call(http.MethodPost, "/v1/events", cloudEvent(marker, "s"))
	got := w.call(http.MethodGet, "/metrics", "", "Authorization", "")
	for _, want := range []string{`greffe_http_requests_total{method="GET",route="/v1/subjects/{id}",status="200"} 1`,
		`greffe_http_requests_total{method="GET",route="unknown",status="404"} 1`, `greffe_events_total{status="recorded"} 1`,
		`greffe_accesses_total{outcome="recorded"} 1`, "greffe_ready 1"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(got.body, marker) || strings.Contains(got.body, person.String()) {
		t.Error("the metrics hold values of requests")
	}
	// not from elsewhere, unless by permission
	far := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host, r.RemoteAddr = "localhost", "192.0.2.9:1234"
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		return rec
	}
	agent, service := w.token(authRequest("agent")), w.token(authRequest("service"))
	for token, want := range map[string]int{"": 401, agent: 403, service: 200} {
		if got := far(token); got.Code != want {
			t.Errorf("metrics from elsewhere: %d, want %d", got.Code, want)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node.set(nil, context.DeadlineExceeded)
	if got := w.call(http.MethodGet, "/readyz", "", "Authorization", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("not ready: %d", got.status)
	}
	if got := w.call(http.MethodGet, "/healthz", "", "Authorization", ""); got.status != 200 || got.body != "ok\n" {
		t.Errorf("alive: %d", got.status)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, other := w.token(authRequest("admin")), w.token(authRequest("admin"))
	get := func(key string) reply {
		return w.call(http.MethodDelete, "/v1/tokens/"+itemHeld.String(), "", "Authorization", "Bearer "+key)
	}
	burst := int(2 * DefaultRates()[RateChange])
	for i := range burst {
		got := get(key)
		if got.status != 404 {
			t.Fatalf("request %d: %d", i, got.status)
		}
		if i == 0 && (got.header.Get("RateLimit") != `"change";r=99;t=1` || got.header.Get("RateLimit-Policy") != `"change";q=100;w=2`) {
			t.Errorf("%v", got.header)
		}
	}
	if got := get(key); got.status != 429 || got.code(t) != "rate_limited" || got.header.Get("Retry-After") != "1" {
		t.Errorf("over the limit: %d %v", got.status, got.header)
	}
	if got := get(other); got.status != 404 {
		t.Errorf("another account: %d", got.status)
	}
	w.clock.Store(int64(time.Second))
	if got := get(key); got.status != 404 {
		t.Errorf("after a second: %d", got.status)
	}
}

func TestActorNeedsTheScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/v1/subjects/" + person.String()
	key := w.token(auth.Request{Roles: []string{"agent", "service"}, ActFor: true, DefaultReason: "customer_call"})
	if got := w.call(http.MethodGet, path, "", "Authorization", "Bearer "+key, "X-Greffe-Actor", "Zoe"); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if r := w.journal.all()[0]; r.Human != "Zoe" || !r.Defaulted || r.Reason != "customer_call" {
		t.Errorf("recorded as %+v", r)
	}
	key = w.token(auth.Request{Roles: []string{"agent", "service"}, DefaultReason: "customer_call"})
	if got := w.call(http.MethodGet, path, "", "Authorization", "Bearer "+key, "X-Greffe-Actor", "Zoe"); got.status != 403 || got.code(t) != "actor_forbidden" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestTimeTravel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head, err := w.ledger.Head(t.Context())
	must(t, err)
	for query, want := range map[string]byte{"": byte(head), "?known_at=0": 1, "?known_at=99999": byte(head), "?known_at=2026-01-01T00:00:00Z": 7} {
		got := w.call(http.MethodGet, "/v1/subjects/"+person.String()+query, "", "X-Greffe-Reason", "audit")
		var v struct {
			AsOf  time.Time `json:"as_of"`
			Below string    `json:"last_activity_event"`
		}
		must(t, json.Unmarshal([]byte(got.body), &v))
		head++ // each read is itself recorded
		if query == "" || query == "?known_at=99999" {
			if v.Below == "" {
				t.Errorf("%q: %s", query, got.body)
			}
			continue
		}
		if !strings.HasPrefix(v.Below, string("0123456789abcdef"[want>>4])+string("0123456789abcdef"[want&15])) || !v.AsOf.Equal(testNow) {
			t.Errorf("%q: known below %s as of %s", query, v.Below, v.AsOf)
		}
	}
	got := w.call(http.MethodGet, "/v1/subjects/"+person.String()+"?as_of=2026-01-01T00:00:00Z", "", "X-Greffe-Reason", "audit")
	if !strings.Contains(got.body, `"as_of":"2026-01-01T00:00:00.000000Z"`) {
		t.Error(got.body)
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := "/v1/subjects/" + person.String() + "/export"
	for query, want := range map[string][2]string{"": {"15jsonen", mediaJSON}, "?format=html&lang=fr": {"15htmlfr", mediaHTML}, "?format=csv&article=20&lang=fr": {"20csvfr", mediaCSV}} {
		got := w.call(http.MethodGet, base+query, "", "X-Greffe-Reason", "rights_request")
		if got.status != 200 || w.data.get().copied != want[0] || got.header.Get("Content-Type") != want[1] || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %s %v", query, got.status, w.data.get().copied, got.header)
		}
	}
	cut := w.call(http.MethodGet, base+"?format=csv&article=20&lang=en", "", "X-Greffe-Reason", "rights_request")
	if cut.err == nil {
		t.Error("a copy that broke off ends like a whole one")
	}
	w.data.set(func(s *switches) { s.fail = ErrHalted })
	if got := w.call(http.MethodGet, base, "", "X-Greffe-Reason", "rights_request"); got.status != 503 || got.code(t) != "unavailable" || got.header.Get("Content-Disposition") != "" {
		t.Errorf("before the first byte: %d %v", got.status, got.header)
	}
}

// A client that sends its headers or its body too slowly is cut off.
func TestServerBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.api.Server(t.Context())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 64<<10 {
		t.Errorf("%+v", s)
	}
	i := slices.IndexFunc(w.api.routes, func(r Route) bool { return r.Pattern == "/v1/subjects/search" })
	w.api.routes[i].Limits.Timeout = 20 * time.Millisecond
	w.api.cfg.RecordTimeout = 20 * time.Millisecond
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	must(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("POST /v1/subjects/search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + adminToken +
		"\r\nX-Greffe-Reason: audit\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"))
	must(t, err)
	must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	b := make([]byte, 4096)
	n, _ := conn.Read(b)
	if n > 0 && !strings.Contains(string(b[:n]), "408") {
		t.Errorf("a slow body: %s", b[:n])
	}
}
