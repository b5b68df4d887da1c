package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/policy"
)

// otherwise are personal routes that show nothing of the contacts in the ledger, and what
// instead; they are looked at by tests of their own.
var otherwise = map[string]string{
	"GET /v1/tokens": "staff", "GET /v1/accounts": "staff", "GET /v1/accounts/names": "staff", "GET /v1/accounts/{id}": "staff", "GET /v1/accounts/{id}/sessions": "staff",
	"GET /v1/watch": "staff", "GET /v1/watch/{id}": "staff", "GET /v1/approvals/{id}": "staff", "GET /v1/me/approvals/{id}": "what oneself asked", "GET /v1/audit/accounts/{id}": "staff",
	"GET /v1/activities": "register", "GET /v1/activities/{id}": "register", "GET /v1/activities/{id}/history": "register",
	"GET /v1/activities/organisation": "register", "GET /v1/activities/export": "register", "POST /v1/activities/import": "register",
	"GET /v1/activities/findings": "register", "GET /v1/dpia": "register", "GET /v1/dpia/{id}": "register",
	"GET /v1/reviews/{id}": "reviews", "GET /v1/quarantine/{id}": "whole or refused", "GET /v1/requests/{id}/files/{step}": "a file as it was sent",
	"GET /v1/breaches/{id}/letter": "the desk's words", "POST /v1/minimisation": "counts", "GET /v1/retention/runs/{id}/report": "ids",
	"GET /v1/changes": "a recipient's own ids, to who acknowledges for it", "GET /v1/inspections/{id}/opposition-key": "a key", "GET /v1/inspections/{id}/guests": "staff",
}

// questions are the requests of a personal route.
func (m *fieldSite) questions(r httpapi.Route) (out []question) {
	at := r.Method + " " + r.Pattern
	both := func(path, body string) { out = append(out, question{r, path, body, "", -1}) }
	switch {
	case strings.HasPrefix(r.Pattern, "/v1/inspections/{id}"), strings.HasPrefix(r.Pattern, "/v1/breaches/{id}"):
		path, body := strings.Replace(strings.Replace(r.Pattern, "/v1/inspections/{id}", "/v1/inspections/"+m.inspection, 1), "/v1/breaches/{id}", "/v1/breaches/"+m.breach, 1), ""
		if r.Method == http.MethodPost {
			body = `{"words":["ZqnoteA","ZqnoteB"],"excerpts":true}`
		}
		both(path, body)
	case at == "POST /v1/subjects/search":
		for n := range m.persons {
			out = append(out, question{r, r.Pattern, `{"email":"` + canaries[3].of(n).value + `"}`, "", -1})
		}
	case at == "POST /v1/statistics":
		both(r.Pattern, `{"by":["age"]}`)
	case at == "GET /v1/retention/due":
		both(r.Pattern+"?by=2040-01-01", "")
	case strings.Contains(r.Pattern, "{"):
		for n := range m.persons {
			for _, path := range m.paths(r, n) {
				out = append(out, question{r, path, "", "", n})
			}
		}
	default:
		both(r.Pattern, "")
	}
	for _, q := range out {
		if r.Method == http.MethodGet && q.of < 0 {
			q.accept = "application/x-ndjson"
			out = append(out, q)
		}
	}
	return out
}

// paths are what to ask of one person, or of what was recorded about it.
func (m *fieldSite) paths(r httpapi.Route, n int) (out []string) {
	p := &m.persons[n]
	var ids []string
	switch {
	case strings.HasPrefix(r.Pattern, "/v1/subjects/"):
		ids = []string{p.id.String()}
	case strings.HasPrefix(r.Pattern, "/v1/requests/"):
		ids = []string{p.request.String()}
	case r.Pattern == "/v1/consents/{id}/receipt":
		ids = []string{p.events[4].Event.String()}
	default:
		for _, e := range p.events {
			ids = append(ids, e.Event.String())
		}
	}
	for _, id := range ids {
		path := strings.Replace(strings.Replace(r.Pattern, "{id}", id, 1), "{model}", "acknowledgement", 1)
		switch r.Pattern {
		case "/v1/proofs/{id}/opened":
			for _, c := range m.rules.Classes() {
				out = append(out, path+"?class="+c.Code)
			}
		case "/v1/subjects/{id}/export":
			out = append(out, path, path+"?format=html", path+"?article=20&format=csv")
		case "/v1/requests/{id}/answer", "/v1/requests/{id}/letters/{model}":
			out = append(out, path+"?format=html")
		default:
			out = append(out, path)
		}
	}
	return out
}

// TestFieldsMatrix: role × field × person inside and outside of the portfolio × every
// personal route: what the policy says that a role is shown is what the wire shows.
// What a route shows at all is what it shows to the one role that is shown everything.
func TestFieldsMatrix(t *testing.T) {
	t.Parallel()
	m := openFields(t)
	for _, g := range m.rules.FieldGroups() {
		for _, path := range g.Fields {
			if !slices.Contains(unplanted, path) && !slices.ContainsFunc(canaries, func(c canary) bool { return c.path == path }) {
				t.Errorf("field %s of the group %s has no canary", path, g.Code)
			}
		}
	}
	callers := map[string]*caller{}
	for _, role := range m.rules.Roles() {
		made, err := m.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{role.Code}, Portfolio: "north"})
		m.ok(err)
		callers[role.Code] = m.session("person", role.Code, m.enter(made.Account), nil)
	}
	shown, routes := map[canary]int{}, 0
	for _, r := range httpapi.Routes() {
		if r.Access() != httpapi.Personal || otherwise[r.Method+" "+r.Pattern] != "" {
			continue
		}
		routes++
		for _, q := range m.questions(r) {
			status, whole := m.put(callers["dpo"], q)
			if status == http.StatusNotFound && strings.Contains(q.path, "class=") {
				continue // the event has no part of this class
			}
			if status != http.StatusOK {
				t.Errorf("%s: the DPO is answered %d %s", q.path, status, whole)
			}
			for n := range m.persons {
				for _, c := range canaries {
					if c = c.of(n); strings.Contains(whole, c.value) {
						shown[c]++
					}
				}
			}
			for role, as := range callers {
				m.compare(role, as, q, whole)
			}
		}
	}
	for n := range m.persons {
		for _, c := range canaries {
			if shown[c.of(n)] == 0 {
				t.Errorf("%s of person %d is shown by no route: the canary would prove nothing", c.path, n)
			}
		}
	}
	if routes < 20 {
		t.Errorf("only %d routes were asked", routes)
	}
}

// compare holds what one role is shown to what the policy says.
func (m *fieldSite) compare(role string, as *caller, q question, whole string) {
	m.Helper()
	x, _ := m.rules.Role(role)
	status, raw := m.put(as, q)
	at := role + " at " + q.route.Method + " " + q.path
	_, class, _ := strings.Cut(q.path, "class=")
	switch code := m.code(status, raw); {
	case code == "subject_forbidden" && (x.Own && q.of != 0 || len(x.Purposes) > 0 && q.of < 0):
	case code == "disclosure_partial" && m.partial(role):
	case code == "permission_missing" && class != "" && !slices.Contains(x.Classes, class):
	case code == "permission_missing" && strings.HasSuffix(q.path, "/search") && m.partial(role): // excerpts of whatever is free text
	case status == http.StatusOK && x.Own && q.of == 1:
		m.Errorf("%s is answered about a person outside of the portfolio", at)
	case status != http.StatusOK:
		m.Errorf("%s: %d %s", at, status, raw)
	}
	for n := range m.persons {
		for _, c := range canaries {
			c = c.of(n)
			level, there := m.level(role, c.path, n), strings.Contains(raw, c.value)
			switch {
			case there && (level != policy.Clear || status != http.StatusOK):
				m.Errorf("%s: %s of person %d is to be %s and is shown", at, c.path, n, level)
			case status == http.StatusOK && !there && level == policy.Clear && strings.Contains(whole, c.value):
				m.Errorf("%s: %s of person %d is to be clear and is not shown", at, c.path, n)
			case status == http.StatusOK && level == policy.Masked && c.mask != "" && strings.Contains(whole, c.value) && !strings.Contains(raw, c.mask):
				m.Errorf("%s: %s of person %d is to be masked, and there is no mask %s", at, c.path, n, c.mask)
			}
		}
	}
}

// code is that of a refusal, "" for another answer.
func (m *fieldSite) code(status int, raw string) string {
	var p struct {
		Code string `json:"code"`
	}
	if status != http.StatusForbidden || json.Unmarshal([]byte(raw), &p) != nil {
		return ""
	}
	return p.Code
}

// partial reports a role that is not shown everything.
func (m *fieldSite) partial(role string) bool {
	return slices.ContainsFunc(canaries, func(c canary) bool {
		return m.level(role, c.path, 0) != policy.Clear || m.level(role, c.path, 1) != policy.Clear
	})
}
