package app

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/api/denial"
	httpapi "greffe/api/http"
	"greffe/deploy"
	"greffe/domain"
)

// send is a request of a machine to a route; what is refused of it, wholly or in part,
// is to be recorded under code.
func (m *rightsSite) send(made auth.Made, method, pattern, path, body, refused string) (status int, raw string) {
	m.Helper()
	req, err := http.NewRequestWithContext(m.Context(), method, m.url+path, strings.NewReader(body))
	m.ok(err)
	req.Header.Set("Authorization", "Bearer "+made.Text)
	req.Header.Set("X-Greffe-Reason", "rights_request")
	req.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(body, "[{\"specversion") {
		req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	}
	status, raw = m.do(req)
	if refused != "" {
		m.refused[denial.Refusal{Account: made.Account, Route: operation(httpapi.Route{Method: method, Pattern: pattern}), Code: refused}]++
	}
	return status, raw
}

func (m *rightsSite) sampleOf(name string) string {
	m.Helper()
	b, err := os.ReadFile("../../../../deploy/mappings/samples/" + name)
	m.ok(err)
	return string(b)
}

// TestEventsOfOthers: what a token may not send, by source or type, is not kept, whichever
// way it comes, and the refusal is recorded, of a whole request and of a part of it.
func TestEventsOfOthers(t *testing.T) {
	t.Parallel()
	m := openMatrix(t)
	kept := m.token("service", auth.Request{Sources: []string{"crm/eu", "brevo"}, Types: []string{"interaction.recorded"}})
	event := func(id, source, kind string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"` + source + `","type":"` + kind + `","subject":"M-1","time":"` + past +
			`","data":{"kind":"purchase","direction":"in","channel":"phone","person":{"given_name":"Zqkanary"}}}`
	}
	good := event("ok", "crm/eu", "interaction.recorded")
	const events, ingest = "/v1/events", "/v1/ingest/brevo"
	mapped := "/v1/ingest/{mapping}"
	for _, c := range []struct {
		pattern, path, body string
		status              int
		code                string
	}{
		{events, events, "[" + event("a", "crm/eu", "contact.created") + "]", 403, "type_forbidden"},
		{events, events, "[" + event("b", "crm/us", "interaction.recorded") + "]", 403, "source_forbidden"},
		{events, events, "[" + good + "," + event("c", "crm/eu", "contact.changed") + "]", 200, "type_forbidden"},
		{mapped, ingest, m.sampleOf("brevo/marketing-unsubscribe.json"), 403, "type_forbidden"},
		{mapped, ingest, m.sampleOf("brevo/batch.json"), 200, "type_forbidden"},
		{mapped, ingest + "?source=brevo/fr", m.sampleOf("brevo/batch.json"), 403, "source_forbidden"},
	} {
		before, err := m.open.Ledger.Head(t.Context())
		m.ok(err)
		status, raw := m.send(kept, http.MethodPost, c.pattern, c.path, c.body, c.code)
		if status != c.status || !strings.Contains(raw, c.code) || c.status == 200 && !strings.Contains(raw, `"recorded"`) {
			t.Errorf("%s %.60s: %d %s", c.path, c.body, status, raw)
		}
		for _, value := range append(personal, "example.org", "Camille") {
			if strings.Contains(raw, value) {
				t.Errorf("%s: the answer holds %q: %s", c.path, value, raw)
			}
		}
		if c.status == 403 {
			m.nothingSince(before)
		}
	}
	m.asRecorded()
}

// nothingSince: no event of an upstream stands in the log from a position on.
func (m *rightsSite) nothingSince(from domain.Position) {
	m.Helper()
	for _, f := range m.factsFrom(from) {
		if f.Type.Upstream() {
			m.Errorf("%s was recorded", f.Type)
		}
	}
}

// TestRefusalsAboutPersons: who is kept to some contacts, to some fields, or is not shown
// everything, is refused the person, the search or the copy, and that is recorded.
func TestRefusalsAboutPersons(t *testing.T) {
	t.Parallel()
	m := openMatrix(t)
	text := strings.Replace(string(deploy.Policy()), "fields: {hidden: [birth]}", "fields: {hidden: [birth, email]}", 1)
	text = strings.Replace(text, "  - code: support\n    label: {fr: Service client, en: Support}\n    permissions: [subjects.search,",
		"  - code: support\n    label: {fr: Service client, en: Support}\n    permissions: [subjects.export, subjects.search,", 1)
	_, _, err := m.open.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(text))
	m.ok(err)
	m.ok(m.open.CaughtUp(t.Context()))
	m.rules, _ = m.open.Ledger.Policy()
	sales, support := m.token("sales", auth.Request{}), m.token("support", auth.Request{})
	who := m.real["/v1/subjects/"]
	for _, c := range []struct {
		as                    auth.Made
		method, pattern, code string
		body                  string
	}{
		{sales, "GET", "/v1/subjects/{id}", "subject_forbidden", ""},
		{sales, "POST", "/v1/subjects/search", "search_forbidden", `{"email":"zqkanary@example.org"}`},
		{support, "GET", "/v1/subjects/{id}/export", "disclosure_partial", ""},
		{support, "GET", "/v1/subjects/{id}/history", "permission_missing", ""},
	} {
		status, raw := m.send(c.as, c.method, c.pattern, strings.Replace(c.pattern, "{id}", who, 1), c.body, c.code)
		if status != 403 || !strings.Contains(raw, `"`+c.code+`"`) {
			t.Errorf("%s %s: %d %s", c.method, c.pattern, status, raw)
		}
		for _, value := range append(personal, who) {
			if strings.Contains(raw, value) {
				t.Errorf("%s: the refusal holds %q", c.pattern, value)
			}
		}
	}
	if status, raw := m.send(support, "GET", "/v1/subjects/{id}", "/v1/subjects/"+who, "", ""); status != 200 || !strings.Contains(raw, "Zqkanary") {
		t.Errorf("who may: %d %s", status, raw)
	}
	m.asRecorded()
}
