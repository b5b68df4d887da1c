package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// revealing are the routes that show masked field groups in clear on request.
var revealing = []string{"/v1/subjects/{id}", "/v1/subjects/{id}/history"}

// TestRevealMatrix: role × field group asked for in clear × person × each route that
// reveals: what is clear on the wire is what was clear before, and the group that was
// asked for where the policy says "on_request"; each time the recorded access names it,
// else none does. Every other personal route refuses to be asked.
func TestRevealMatrix(t *testing.T) {
	t.Parallel()
	m := openFields(t)
	text := strings.Replace(widened(), "hidden: [birth, amounts]}", "hidden: [birth, amounts], on_request: [names, email]}", 1)
	_, _, err := m.open.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(text))
	m.ok(err)
	m.rules, _ = m.open.Ledger.Policy()
	callers := map[string]*caller{}
	for _, role := range m.rules.Roles() {
		made, err := m.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{role.Code}, Portfolio: "north"})
		m.ok(err)
		callers[role.Code] = m.session("person", role.Code, m.enter(made.Account), nil)
	}
	asked := 0
	for _, r := range httpapi.Routes() {
		if r.Access() != httpapi.Personal || otherwise[r.Method+" "+r.Pattern] != "" {
			continue
		}
		reveals := r.Method == http.MethodGet && slices.Contains(revealing, r.Pattern)
		for _, q := range m.questions(r) {
			if !reveals {
				m.notAsked(callers["support"], q)
				continue
			}
			_, whole := m.put(callers["dpo"], q)
			for _, g := range m.rules.FieldGroups() {
				for role, as := range callers {
					m.revealed(role, as, q, g, whole)
					asked++
				}
			}
		}
	}
	if asked < 200 {
		t.Errorf("only %d questions were asked", asked)
	}
}

// notAsked: a route that reveals nothing says so, and shows nothing.
func (m *fieldSite) notAsked(as *caller, q question) {
	m.Helper()
	status, raw := m.asking(as, q, "birth")
	if status != http.StatusBadRequest || !strings.Contains(raw, "header_invalid") || !strings.Contains(raw, "X-Greffe-Reveal") {
		m.Errorf("%s %s asked for birth in clear: %d %.200s", q.route.Method, q.path, status, raw)
	}
}

// raised reports whether asking for a group shows the role something more of a person;
// masked and clear, whether it is shown some of it so before.
func (m *fieldSite) raised(role string, g policy.FieldGroup, n int) (raised, masked, clear bool) {
	x, _ := m.rules.Role(role)
	for _, path := range g.Fields {
		switch m.level(role, path, n) {
		case policy.Masked:
			masked = true
		case policy.Clear:
			clear = true
		}
	}
	return masked && slices.Contains(x.OnRequest, g.Code), masked, clear
}

// revealed holds one request to the policy: its status, each canary, and what was recorded.
func (m *fieldSite) revealed(role string, as *caller, q question, g policy.FieldGroup, whole string) {
	m.Helper()
	before, err := m.open.Ledger.Head(m.Context())
	m.ok(err)
	x, _ := m.rules.Role(role)
	status, raw := m.asking(as, q, g.Code)
	raised, masked, clear := m.raised(role, g, q.of)
	at, code := role+" asks for "+g.Code+" at "+q.path, m.code(status, raw)
	switch {
	case code == "subject_forbidden" && x.Own && q.of == 1:
	case (raised || clear && !masked) != (status == http.StatusOK), status != http.StatusOK && code != "reveal_forbidden":
		m.Errorf("%s: %d %.300s", at, status, raw)
	}
	for _, c := range canaries {
		c = c.of(q.of)
		level := m.level(role, c.path, q.of)
		if level == policy.Masked && raised && slices.Contains(g.Fields, c.path) {
			level = policy.Clear
		}
		switch there := strings.Contains(raw, c.value); {
		case there && (level != policy.Clear || status != http.StatusOK):
			m.Errorf("%s: %s is to be %s and is shown", at, c.path, level)
		case status == http.StatusOK && !there && level == policy.Clear && strings.Contains(whole, c.value):
			m.Errorf("%s: %s is to be clear and is not shown", at, c.path)
		}
	}
	var groups []string
	for _, f := range m.factsFrom(before) {
		if f.Type == event.AccessRecorded {
			groups = append(groups, f.Codes.String("action")+" "+strings.Join(f.Codes.Strings("revealed"), ","))
		}
	}
	want := []string{"read "}
	switch {
	case status != http.StatusOK:
		want = nil
	case raised:
		want = []string{"reveal " + g.Code}
	case strings.HasSuffix(q.path, "/history"):
		want = []string{"history "}
	}
	if !slices.Equal(groups, want) {
		m.Errorf("%s: recorded %q, want %q", at, groups, want)
	}
}

// TestRevealIsTold: who may ask is told so; what was shown stands in the list of reads and
// in the person's own; a token's default reason does not do; a refusal is counted; more
// groups and blanks are taken, unknown ones are not.
func TestRevealIsTold(t *testing.T) {
	t.Parallel()
	m := &fieldSite{rightsSite: openMatrix(t)}
	m.rules, _ = m.open.Ledger.Policy()
	m.plant(0, "north")
	m.ok(m.open.CaughtUp(t.Context()))
	id := m.persons[0].id.String()
	route := httpapi.Route{Method: http.MethodGet, Pattern: "/v1/subjects/{id}"}
	q := question{route, "/v1/subjects/" + id, "", "", 0}
	made, err := m.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "x", Roles: []string{"support"}})
	m.ok(err)
	support := m.session("person", "support", m.enter(made.Account), nil)
	var view httpapi.SubjectView
	read := func(groups string) int {
		status, raw := m.asking(support, q, groups)
		view = httpapi.SubjectView{}
		if status == http.StatusOK {
			m.ok(json.Unmarshal([]byte(raw), &view))
		}
		return status
	}
	codes := func(of []httpapi.Revealable) (out []string) {
		for _, g := range of {
			out = append(out, g.Group)
		}
		return out
	}
	for _, c := range []struct {
		asks, birth           string
		offers, gives, masked []string
	}{
		{"", `"1980"`, []string{"birth", "amounts"}, nil, []string{"contract.amount_cents", "person.birth_date"}},
		{"birth", `"1980-03-07"`, []string{"amounts"}, []string{"birth"}, []string{"contract.amount_cents"}},
		{" birth, amounts,birth , email", `"1980-03-07"`, nil, []string{"birth", "amounts"}, nil},
	} {
		if got := read(c.asks); got != http.StatusOK || !slices.Equal(codes(view.Revealable), c.offers) || !slices.Equal(codes(view.Revealed), c.gives) ||
			string(view.Person["birth_date"]) != c.birth || !slices.Equal(view.Masked, c.masked) {
			t.Errorf("asked for %q: %d, offered %v, revealed %v, masked %v, %s", c.asks, got, view.Revealable, view.Revealed, view.Masked, view.Person["birth_date"])
		}
	}
	for groups, want := range map[string]int{"shoes": 400, "birth,": 400, "birth,comments,shoes": 400} {
		if got := read(groups); got != want {
			t.Errorf("%q: %d, want %d", groups, got, want)
		}
	}
	byDefault := m.token("support", auth.Request{DefaultReason: "customer_call"})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.url+q.path, nil)
	m.ok(err)
	req.Header.Set("Authorization", "Bearer "+byDefault.Text)
	if status, raw := m.do(req); status != http.StatusOK {
		t.Fatalf("with the default reason: %d %s", status, raw)
	}
	req.Header.Set("X-Greffe-Reveal", "birth")
	if status, raw := m.do(req); status != http.StatusBadRequest || !strings.Contains(raw, "reason_missing") {
		t.Errorf("a reveal by default: %d %s", status, raw)
	}
	m.told(id)
}

// told: two reveals stand in the lists, with their groups.
func (m *fieldSite) told(id string) {
	m.Helper()
	m.ok(m.open.CaughtUp(m.Context()))
	dpo := m.token("dpo", auth.Request{})
	for _, path := range []string{"/v1/subjects/" + id + "/accesses", "/v1/audit/accesses?action=reveal"} {
		status, raw := m.send(dpo, http.MethodGet, "", path, "", "")
		var list struct {
			Items []httpapi.AuditAccess `json:"items"`
		}
		if status != http.StatusOK || json.Unmarshal([]byte(raw), &list) != nil {
			m.Fatalf("%s: %d %s", path, status, raw)
		}
		var got []string
		for _, x := range list.Items {
			if x.Revealed != nil || x.Action == "reveal" {
				got = append(got, x.Action+" "+strings.Join(x.Revealed, ","))
			}
		}
		if !slices.Equal(got, []string{"reveal birth", "reveal amounts,birth"}) {
			m.Errorf("%s tells %q", path, got)
		}
	}
}

// TestNobodyAsksByDefault: a policy that does not say "on_request" reveals nothing to
// anybody, as those written before it was known.
func TestNobodyAsksByDefault(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse([]byte(strings.ReplaceAll(string(deploy.Policy()), ", on_request: [birth, amounts]", "")))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Roles() {
		for _, g := range p.FieldGroups() {
			if len(r.OnRequest) > 0 || p.OnRequest(r.Code, g.Code) {
				t.Errorf("%s may ask for %s", r.Code, g.Code)
			}
		}
	}
}
