package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/event"
	"greffe/eventstore/access"
)

// TestQuestionsAreNoOracle: who is kept to some contacts is told the same of a person of
// others, of one who objected, of an address that is on the list, and of nobody known.
func TestQuestionsAreNoOracle(t *testing.T) {
	t.Parallel()
	known := new(testStandings)
	w := newWorld(t, func(_ *Config, s *Services) { s.Standings = known })
	token := "Bearer " + w.token(auth.Request{Roles: []string{"marketing"}, DefaultReason: "sales_follow_up"})
	known.say(map[domain.ID]disclosure.Standing{person: {Person: person, Purposes: []string{"prospecting"}}, merged: {Person: merged, Purposes: []string{"recruitment"}}})
	outside, nobody := checkOf(`"subject_id":"`+merged.String()+`"`), checkOf(`"subject_id":"`+anEvent.String()+`"`)
	listed, free := checkOf(`"email":"listed@example.org"`), checkOf(`"email":"free@example.org"`)
	ask := func(media, body string) string {
		got := w.call(http.MethodPost, "/v1/contactability", body, "Authorization", token, "Content-Type", media)
		if got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return got.body
	}
	one := func(check string) string { return ask(mediaJSON, `{"checks":[`+check+`]}`) }
	want := one(nobody)
	for name, check := range map[string]string{"outside": outside, "an address on the list": listed, "an address of nobody": free} {
		if got := one(check); got != want || !strings.Contains(got, "person.unknown") {
			t.Errorf("%s: %s and not %s", name, got, want)
		}
	}
	if got := one(bySubject()); !strings.Contains(got, "opposition.person") && !strings.Contains(got, `"allowed":true`) {
		t.Errorf("the own contact: %s", got)
	}
	if got := ask(mediaNDJSON, outside+"\n"+listed+"\n"+bySubject()+"\n"); strings.Count(got, "person.unknown") != 2 || strings.Contains(got, anEvent.String()) != strings.Contains(one(bySubject()), anEvent.String()) {
		t.Errorf("as lines: %s", got)
	}
	if got := w.call(http.MethodPost, "/v1/contactability", `{"checks":[`+outside+`]}`); !strings.Contains(got.body, "opposition.person") {
		t.Errorf("who is kept to nobody: %s", got.body)
	}
}

// TestQuestionsAreRecorded: whoever was asked about stands in the journal before the
// answer leaves, with the reason that was given or the ledger's own; without a record
// there is no answer.
func TestQuestionsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"checks":[` + bySubject() + `,` + bySubject() + `,` + checkOf(`"email":"free@example.org"`) + `]}`
	for header, reason := range map[string]string{"": event.ToDecide, "audit": "audit"} {
		before := len(w.journal.all())
		got := w.call(http.MethodPost, "/v1/contactability", body, "X-Greffe-Reason", header)
		all := w.journal.all()[before:]
		if got.status != http.StatusOK || len(all) != 1 || all[0].Action != event.Decides || all[0].Reason != reason || all[0].Defaulted ||
			!slices.Equal(all[0].Subjects, []domain.ID{person}) || all[0].Account.IsZero() {
			t.Errorf("%q: %d %+v", header, got.status, all)
		}
	}
	before := len(w.journal.all())
	w.call(http.MethodPost, "/v1/contactability", bySubject()+"\n"+bySubject()+"\n", "Content-Type", mediaNDJSON)
	if all := w.journal.all()[before:]; len(all) != 1 || len(all[0].Subjects) != 1 {
		t.Errorf("as lines: %+v", all)
	}
	w.journal.set(func(context.Context) error { return access.ErrNotRecorded })
	if got := w.call(http.MethodPost, "/v1/contactability", body); got.code(t) != "access_not_recorded" || strings.Contains(got.body, "results") {
		t.Errorf("unrecorded: %d %s", got.status, got.body)
	}
}

// TestScreeningIsForACampaignsPurpose: who is kept to purposes screens files for those.
func TestScreeningIsForACampaignsPurpose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := "Bearer " + w.token(auth.Request{Roles: []string{"marketing"}, DefaultReason: "sales_follow_up"})
	for purpose, want := range map[string]int{"prospecting": http.StatusOK, "contract": http.StatusForbidden} {
		got := w.call(http.MethodPost, "/v1/screenings?channel=email&purpose="+purpose, "anne@example.org\n", "Authorization", token, "Content-Type", "text/plain")
		if got.status != want || want == http.StatusForbidden && got.code(t) != "subject_forbidden" {
			t.Errorf("%s: %d %s", purpose, got.status, got.body)
		}
	}
}
