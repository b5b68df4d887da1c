package app

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/eventstore/ledger"
)

// canary is a value that stands in one field of one person, and what is shown of it
// masked. "%s" is the person's letter, "%d" the person's digit.
type canary struct{ path, value, mask string }

// canaries are the planted fields: every one of the policy's field groups, and of each
// class some that are in no group.
var canaries = []canary{
	{"person.given_name", "Zqgiv%s", "Z."}, {"person.family_name", "Zqfam%s", "Z."},
	{"person.birth_date", "198%[2]d-03-07", `"198%[2]d"`},
	{"person.emails", "zqmail%s@zqdom.org", "z•••@z•••.org"},
	{"person.phones", "+3363998021%[2]d", "•••1%[2]d"}, {"interaction.number", "+3363998031%[2]d", "•••1%[2]d"},
	{"person.postal_address.lines", "Zqstreet%s", "•••"}, {"person.postal_address.city", "Zqcity%s", "•••"}, {"person.postal_address.postal_code", `"9713%[2]d"`, "•••"},
	{"interaction.amount_cents", "765431%[2]d", "1000000–9999999"}, {"contract.amount_cents", "765432%[2]d", "1000000–9999999"},
	{"invoice.amount_cents", "765433%[2]d", "1000000–9999999"},
	{"notes", "Zqnote%s", ""},
	{"interaction.campaign", "Zqcamp%s", ""}, {"contract.object", "Zqobject%s", ""}, {"invoice.reference", "Zqinv%s", ""}, {"consent.act", "Zqact%s", ""},
	{"consent.notice.text", "Zqtext%s", ""}, {"upstream.subject", "ZQX-%s", ""}, {"custom.segment", "zqseg%s", ""}, {"company.name", "Zqco%s", ""},
}

// unplanted are fields of groups that cannot be told from others by a value of their own:
// the address as a whole, and a code of two letters.
var unplanted = []string{"person.postal_address", "person.postal_address.country"}

func (c canary) of(n int) canary {
	fill := func(s string) string {
		if !strings.Contains(s, "%") {
			return s
		}
		return strings.SplitN(fmt.Sprintf(s, string(rune('A'+n)), n), "%!", 2)[0]
	}
	return canary{c.path, fill(c.value), fill(c.mask)}
}

// widened is the shipped policy with every permission for each role that sees something,
// and two portfolios: what is left of the roles is what they are shown.
func widened() string {
	staff := func(p string) bool { return strings.HasPrefix(p, "watch.") } // not for administrators
	text, all := string(deploy.Policy()), strings.Join(slices.DeleteFunc(policy.Permissions(), staff), ", ")
	text = regexp.MustCompile(`(?s)permissions: \[[^\]]*\]`).ReplaceAllString(text, "permissions: ["+all+"]")
	text = strings.Replace(text, "- {code: rights_request, ticket: false, roles: [dpo, agent, sales, support]", "- {code: rights_request, ticket: false, roles: [admin, dpo, auditor, agent, service, sales, marketing, support, inspector, security]", 1)
	return text + "\nportfolios:\n  - {code: north, label: {fr: Nord, en: North}}\n  - {code: south, label: {fr: Sud, en: South}}\n"
}

// fieldSite is one whose two persons, one in the portfolio and one outside, have a canary
// in every field.
type fieldSite struct {
	*rightsSite
	persons [2]struct {
		id, request domain.ID
		events      []ledger.Result
	}
	inspection, breach string
}

func (m *fieldSite) plant(n int, portfolio string) {
	m.Helper()
	v := map[string]string{"portfolio": portfolio, "S": string(rune('A' + n))}
	for _, c := range canaries {
		v[c.path] = strings.Trim(c.of(n).value, `"`)
	}
	event := func(id, kind, data string) string {
		return regexp.MustCompile(`\$[a-z_.]+`).ReplaceAllStringFunc(fmt.Sprintf(`{"specversion":"1.0","id":"%s%d","source":"crm/eu","type":%q,"subject":"$upstream.subject","time":"`+past+`","data":%s}`, id, n, kind, data),
			func(name string) string { return v[name[1:]] })
	}
	m.persons[n].events = record(m.T, m.open,
		event("c", "contact.created", `{"kind":"client","portfolio":"$portfolio","company":{"name":"$company.name"},"custom":{"segment":"$custom.segment"},"person":{"given_name":"$person.given_name","family_name":"$person.family_name","birth_date":"$person.birth_date",
			"emails":["$person.emails"],"phones":["$person.phones"],"postal_address":{"lines":["$person.postal_address.lines"],"postal_code":"$person.postal_address.postal_code","city":"$person.postal_address.city","country":"FR"}},
			"notes":"$notes","collection":{"channel":"phone","purposes":["prospecting","customer_service","contract","billing"]}}`),
		event("i", "interaction.recorded", `{"kind":"purchase","direction":"in","channel":"phone","campaign":"$interaction.campaign","amount_cents":$interaction.amount_cents,"number":"$interaction.number"}`),
		event("k", "contract.started", `{"reference":"ZQC","object":"$contract.object","amount_cents":$contract.amount_cents}`),
		event("b", "invoice.issued", `{"reference":"$invoice.reference","amount_cents":$invoice.amount_cents,"issued_at":"`+past+`"}`),
		event("g", "consent.granted", `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"$consent.act","prechecked":false,"notice":{"id":"w","version":"1","language":"fr","text":"$consent.notice.text"}}`))
	m.persons[n].id = m.persons[n].events[0].Subject
}

func openFields(t *testing.T) *fieldSite {
	t.Helper()
	m := &fieldSite{rightsSite: openMatrix(t)}
	_, _, err := m.open.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(widened()))
	m.ok(err)
	m.rules, _ = m.open.Ledger.Policy()
	m.plant(0, "north")
	m.plant(1, "south")
	m.ok(m.open.CaughtUp(t.Context()))
	dpo := m.token("dpo", auth.Request{})
	made := func(path, body string) (id string) {
		var out struct {
			ID string `json:"id"`
		}
		status, raw := m.send(dpo, http.MethodPost, path, path, body, "")
		if json.Unmarshal([]byte(raw), &out) != nil || status/100 != 2 || out.ID == "" {
			t.Fatalf("%s: %d %s", path, status, raw)
		}
		return out.ID
	}
	for n := range m.persons {
		id, err := domain.ParseID(made("/v1/requests", fmt.Sprintf(`{"right":"access","channel":"email","subject_id":%q}`, m.persons[n].id)))
		m.ok(err)
		m.persons[n].request = id
		if status, raw := m.send(dpo, http.MethodPost, "", "/v1/subjects/"+m.persons[n].id.String()+"/hold", `{"code":"litigation"}`, ""); status != http.StatusCreated {
			t.Fatalf("hold: %d %s", status, raw)
		}
	}
	m.inspection = made("/v1/inspections", `{"modes":["on_site"],"from":"2020-01-01T00:00:00Z","requester":"CNIL","reference":"1","samples":5}`)
	m.breach = made("/v1/breaches", `{"form":{"nature":{"nature":["confidentiality"],"facts":"x"}}}`)
	if status, raw := m.send(dpo, "POST", "", "/v1/breaches/"+m.breach+"/scope", `{"from":"2020-01-01T00:00:00Z"}`, ""); status != 200 {
		t.Fatalf("scope: %d %s", status, raw)
	}
	if status, raw := m.send(dpo, "POST", "", "/v1/minimisation", "", ""); status != 200 {
		t.Fatalf("minimisation: %d %s", status, raw)
	}
	return m
}

// question is a request of a route, about one person or, of is -1, about both.
type question struct {
	route              httpapi.Route
	path, body, accept string
	of                 int
}

// level is what the policy says that a role is shown of a field of one of the two persons,
// who are held for every purpose that a role is kept to.
func (m *fieldSite) level(role, path string, n int) policy.Level {
	f, ok := m.rules.Field(path)
	if !ok {
		m.Fatalf("%s is no field of the policy", path)
	}
	x, _ := m.rules.Role(role)
	if x.Own && n == 1 || !slices.Contains(x.Classes, f.Class) {
		return policy.Hidden
	}
	for _, g := range m.rules.FieldGroups() {
		if slices.Contains(g.Fields, path) {
			switch {
			case slices.Contains(x.Hidden, g.Code):
				return policy.Hidden
			case slices.Contains(x.Masked, g.Code):
				return policy.Masked
			}
		}
	}
	return policy.Clear
}

// text is what an answer says, the files of an archive unpacked.
func (m *fieldSite) text(raw string) string {
	z, err := zip.NewReader(bytes.NewReader([]byte(raw)), int64(len(raw)))
	if err != nil {
		return raw
	}
	var out strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		m.ok(err)
		_, err = io.Copy(&out, r)
		m.ok(err)
	}
	return out.String()
}

func (m *fieldSite) put(as *caller, q question) (int, string) {
	m.Helper()
	return m.asking(as, q, "")
}

// asking puts a question that asks for masked field groups in clear, "" for none.
func (m *fieldSite) asking(as *caller, q question, groups string) (int, string) {
	m.Helper()
	m.now.pass(20 * time.Millisecond)
	req, err := http.NewRequestWithContext(m.Context(), q.route.Method, m.url+q.path, strings.NewReader(q.body))
	m.ok(err)
	as.with(req, 0)
	req.Header.Set("X-Greffe-Reason", "rights_request")
	if q.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.accept != "" {
		req.Header.Set("Accept", q.accept)
	}
	if groups != "" {
		req.Header.Set("X-Greffe-Reveal", groups)
	}
	status, raw := m.do(req)
	return status, m.text(raw)
}
