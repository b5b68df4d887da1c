package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/disclosure"
)

// TestWhoIsKeptToSomeContacts: one who is kept to a purpose reads and finds contacts that
// are held for it, and no other; what is refused leaves no access and no byte.
func TestWhoIsKeptToSomeContacts(t *testing.T) {
	t.Parallel()
	known := new(testStandings)
	w := newWorld(t, func(_ *Config, s *Services) { s.Standings = known })
	token := w.token(auth.Request{Roles: []string{"marketing"}, DefaultReason: "sales_follow_up"})
	search := `{"email":"anne@example.org"}`
	hit := domain.ID{6: 0x80} // the first of three that the search finds
	path := "/v1/subjects/" + person.String()
	for _, c := range []struct {
		name     string
		standing map[domain.ID]disclosure.Standing
		status   int
		found    bool
	}{
		{"held for it", map[domain.ID]disclosure.Standing{person: {Person: person, Purposes: []string{"prospecting"}}, merged: {Person: person}}, 200, true},
		{"held for something else", map[domain.ID]disclosure.Standing{person: {Person: person, Purposes: []string{"recruitment"}}, merged: {Person: person}}, 403, false},
		{"nothing known", nil, 403, false},
		{"the merged one is held for it", map[domain.ID]disclosure.Standing{person: {Person: person}, merged: {Person: person, Purposes: []string{"prospecting"}}}, 200, false},
	} {
		if of, ok := c.standing[person]; ok {
			c.standing[hit] = of
		}
		known.say(c.standing)
		got := w.call(http.MethodGet, path, "", "Authorization", "Bearer "+token)
		if got.status != c.status || c.status == 403 && (!strings.Contains(got.body, "subject_forbidden") || strings.Contains(got.body, marker)) {
			t.Errorf("%s: read %d %s", c.name, got.status, got.body)
		}
		got = w.call(http.MethodPost, "/v1/subjects/search", search, "Authorization", "Bearer "+token)
		if got.status != 200 || strings.Contains(got.body, "subject_id") != c.found || c.found && !strings.Contains(got.body, hit.String()) {
			t.Errorf("%s: found %d %s", c.name, got.status, got.body)
		}
	}
	asked := known.asked
	if got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", "audit"); got.status != 200 || known.asked != asked {
		t.Errorf("one who is kept to nobody: %d, %d times looked up", got.status, known.asked-asked)
	}
}

// TestCopiesAreWhole: who is not shown everything gets no copy, of whatever kind.
func TestCopiesAreWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent := "permissions: [subjects.search, subjects.read, contactability.check, notices.read, requests.write]\n    classes: [identity, contact_details, commercial, contract, billing, notes]\n  # Systems"
	may := strings.Replace(agent, "subjects.search", "subjects.export, subjects.archived, quarantine.write", 1)
	_, _, err := w.ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(strings.Replace(string(deploy.Policy()), agent, may, 1)))
	must(t, err)
	token := w.token(auth.Request{Roles: []string{"agent"}, DefaultReason: "customer_call"})
	for _, path := range []string{"/v1/subjects/" + person.String() + "/export", "/v1/requests/" + person.String() + "/answer",
		"/v1/requests/" + person.String() + "/portability", "/v1/quarantine/" + itemHeld.String()} {
		got := w.call(http.MethodGet, path, "", "Authorization", "Bearer "+token)
		if got.status != 403 || !strings.Contains(got.body, "disclosure_partial") || strings.Contains(got.body, marker) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}
