package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/denial"
	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// rightsSite is a service to which every route is asked by every role under every identity,
// and what was refused to callers it knows.
type rightsSite struct {
	*site
	url     string
	rules   *policy.Policy
	real    map[string]string // ids of what there is, by the route's path up to them
	refused map[denial.Refusal]int64
	asked   int
}

// personal are values of the person of the matrix, and of the staff.
var personal = []string{"Zqkanary", "zqkanary@", "0639980077", "Zqstaff"}

func openMatrix(t *testing.T) *rightsSite { return openMatrixLogging(t, nil) }

func openMatrixLogging(t *testing.T, log *slog.Logger) *rightsSite {
	t.Helper()
	return openMatrixOf(t, func(cfg *Config) { cfg.Logger = log })
}

// openMatrixOf opens a service that is set as set says.
func openMatrixOf(t *testing.T, set func(*Config)) *rightsSite {
	t.Helper()
	m := &rightsSite{site: newSite(t), refused: map[denial.Refusal]int64{}, real: map[string]string{}}
	m.cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	m.cfg.Backups = "" // else who may rotate the key would
	set(&m.cfg)
	a, err := Open(t.Context(), m.cfg)
	m.ok(err)
	m.open = a
	_, err = a.Bootstrap(t.Context(), "first-administrator-0123456789")
	m.ok(err)
	s := httptest.NewServer(a.API)
	t.Cleanup(s.Close)
	m.url = s.URL
	m.rules, _ = a.Ledger.Policy()
	res := record(t, a, `{"specversion":"1.0","id":"m1","source":"crm/eu","type":"contact.created","subject":"M-1","time":"`+past+`","data":{"kind":"client",
		"person":{"given_name":"Zqkanary","emails":["zqkanary@example.org"],"phones":["0639980077"]},"notes":"Zqkanary","collection":{"channel":"phone","purposes":["prospecting","customer_service"]}}}`)[0]
	m.real["/v1/subjects/"] = res.Subject.String()
	for _, at := range []string{"/v1/events/", "/v1/proofs/", "/v1/consents/"} {
		m.real[at] = res.Event.String()
	}
	return m
}

// path is a route's, of what there is or of what there is not.
func (m *rightsSite) path(r httpapi.Route, real bool) string {
	path := r.Pattern
	if at, _, ok := strings.Cut(path, "{"); ok && real && m.real[at] != "" {
		path = strings.Replace(path, "{id}", m.real[at], 1)
	}
	path = strings.NewReplacer("{id}", "0190a0a0-0000-7000-8000-00000000ffff", "{source}", "0190a0a0-0000-7000-8000-00000000fffe", "{model}", "refusal",
		"{mapping}", "brevo", "/*", "/0/000", "{language}", "fr", "{asset}", "style.css", "{token}", "x").Replace(path)
	for strings.Contains(path, "{") {
		from, to := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:from] + "0190a0a0-0000-7000-8000-00000000fffd" + path[to+1:]
	}
	return path
}

// verdict is what came back, as far as it says who may.
type verdict struct {
	status     int
	code       string
	permission string
	raw        string
}

func (m *rightsSite) ask(r httpapi.Route, c *caller, real bool) verdict {
	m.Helper()
	m.now.pass(20 * time.Millisecond) // no account asks faster than its rate
	body := "x"
	if r.Limits.Body == 0 || r.Method == http.MethodGet {
		body = ""
	}
	req, err := http.NewRequestWithContext(m.Context(), r.Method, m.url+m.path(r, real), strings.NewReader(body))
	m.ok(err)
	req.Header.Set("X-Greffe-Reason", c.reason)
	req.Header.Set("X-Forwarded-For", "127.0.0.1") // by a proxy: nobody is on the machine itself
	req.Header.Set("Content-Type", "text/x-nothing")
	c.with(req, m.asked)
	m.asked++
	out := verdict{}
	out.status, out.raw = m.do(req)
	var p struct{ Code, Permission string }
	if json.Unmarshal([]byte(out.raw), &p, json.MatchCaseInsensitiveNames(true)) == nil && out.status >= 400 {
		out.code, out.permission = p.Code, p.Permission
	}
	if denied := out.status == http.StatusUnauthorized || out.status == http.StatusForbidden; denied && !c.account.IsZero() {
		m.refused[denial.Refusal{Account: c.account, Route: operation(r), Code: out.code}]++
	}
	return out
}

// do sends a request and reads what comes back.
func (m *rightsSite) do(req *http.Request) (status int, raw string) {
	m.Helper()
	res, err := http.DefaultClient.Do(req)
	m.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	m.ok(err)
	return res.StatusCode, string(b)
}

// operation is the operationId of a route in the API document.
func operation(r httpapi.Route) string {
	words := strings.FieldsFunc(r.Pattern, func(c rune) bool { return strings.ContainsRune("/{}._*", c) })
	return strings.ToLower(r.Method) + "-" + strings.Join(words, "-")
}

// TestAuthorisationMatrix: every route × every role of the policy × every identity. What
// is expected follows from the route's permission, the role's list and the identity
// alone; what is refused says which permission is missing and nothing personal, and is
// recorded, as often as it was refused, under who was refused.
func TestAuthorisationMatrix(t *testing.T) {
	t.Parallel()
	m := openMatrix(t)
	routes := httpapi.Routes()
	for _, r := range routes {
		if public := slices.Contains(publicRoutes, r.Method+" "+r.Pattern); public != (r.Permission == "") {
			t.Errorf("%s %s: its permission is %q, and it is on the list of public ones: %t", r.Method, r.Pattern, r.Permission, public)
		}
	}
	slices.SortStableFunc(routes, func(a, b httpapi.Route) int { // who signs out is asked nothing more
		return last01(a.Method+a.Pattern == "DELETE/v1/session") - last01(b.Method+b.Pattern == "DELETE/v1/session")
	})
	m.enter(m.staffAccount(), "", "")
	inspection, other := m.inspection(), m.inspection()
	m.real["/v1/inspections/"] = other.String()
	for _, role := range m.rules.Roles() {
		for _, of := range m.callers(role.Code, inspection) {
			c := of(role.Code)
			for _, r := range routes {
				if r.Permission != "" {
					m.check(r, role.Code, c)
				}
			}
		}
		m.ok(m.open.Denials.Flush(t.Context()))
		m.ok(m.open.Denials.Flush(t.Context())) // keys that nobody met since are forgotten: their number is bounded
	}
	m.asRecorded()
	if m.asked < 20_000 || len(m.refused) < 10_000 {
		t.Errorf("%d requests, %d kinds of refusals: the test looked at little", m.asked, len(m.refused))
	}
}

func last01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// check asks one route as one caller.
func (m *rightsSite) check(r httpapi.Route, role string, c *caller) {
	m.Helper()
	want := c.expect(r)
	got := m.ask(r, c, want != "")
	at := role + " as " + c.name + " at " + r.Method + " " + r.Pattern
	switch {
	case want == "" && (got.status == http.StatusUnauthorized || got.status == http.StatusForbidden) && !m.ofThePerson(r, role, got):
		m.Errorf("%s is refused: %d %s", at, got.status, got.raw)
	case want == "" && (got.status >= 500 && got.status != http.StatusServiceUnavailable && got.status != http.StatusNotImplemented):
		m.Errorf("%s: %d %s", at, got.status, got.raw)
	case want != "" && (got.code != want || got.status != http.StatusUnauthorized && got.status != http.StatusForbidden):
		m.Errorf("%s: %d %q, want %s", at, got.status, got.code, want)
	case want == "permission_missing" && got.permission != r.Permission:
		m.Errorf("%s does not name the permission: %s", at, got.raw)
	}
	if want != "" {
		for _, value := range append([]string{m.real["/v1/subjects/"]}, personal...) {
			if strings.Contains(got.raw, value) {
				m.Errorf("%s: the refusal holds %q: %s", at, value, got.raw)
			}
		}
	}
}

// ofThePerson reports a refusal that is about whom one asks for, not about the route: of a
// role that is kept to some contacts, or not shown everything where only the whole leaves.
func (m *rightsSite) ofThePerson(r httpapi.Route, role string, got verdict) bool {
	purposes, own, _ := m.rules.Reach(role)
	switch got.code {
	case "subject_forbidden":
		return r.Access() == httpapi.Personal && (len(purposes) > 0 || own)
	case "disclosure_partial":
		return r.Access() == httpapi.Personal && role != "dpo"
	}
	return false
}

// asRecorded holds the facts to what was refused.
func (m *rightsSite) asRecorded() {
	m.Helper()
	m.ok(m.open.Denials.Flush(m.Context()))
	facts := m.facts(event.AccessDenied)
	opened, err := m.open.Ledger.Keyring().Open(m.Context(), facts, nil)
	m.ok(err)
	got := map[denial.Refusal]int64{}
	for i, f := range facts {
		var who domain.ID
		for _, x := range opened[i].Fields {
			if x.Path == "access.account" {
				m.ok(json.Unmarshal(x.Value, &who))
			}
		}
		got[denial.Refusal{Account: who, Route: f.Codes.String("route"), Code: f.Codes.String("code")}] += f.Codes.Int("count")
	}
	wrong := 0
	for k, n := range m.refused {
		if got[k] != n {
			if wrong++; wrong < 20 {
				m.Errorf("%s refused %d times with %s, recorded %d times", k.Route, n, k.Code, got[k])
			}
		}
	}
	for k, n := range got {
		if m.refused[k] == 0 {
			m.Errorf("recorded %d times and never refused: %s %s", n, k.Route, k.Code)
		}
	}
}
