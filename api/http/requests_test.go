package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func (w *world) step(path, body string) reply {
	w.t.Helper()
	return w.call(http.MethodPost, "/v1/requests/"+aRequest.String()+"/"+path, body)
}

func TestRequestIsOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, want := range map[string]string{
		`{"right":"access","channel":"email","person":{"email":"` + marker + `@x.fr"}}`:   `"due":"2026-04-02T`,
		`{"right":"objection","channel":"phone","person":{"phone":"0612"}}`:               `"in_effect":["`,
		`{"right":"access","channel":"email","subject_id":"` + person.String() + `"}`:     `"known":true`,
		`{"right":"access","channel":"email","external_id":{"source":"s","subject":"1"}}`: `"position":"3"`,
	} {
		got := w.call(http.MethodPost, "/v1/requests", body)
		if got.status != http.StatusCreated || !strings.Contains(got.body, want) || strings.Contains(got.body, marker) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	for body, field := range map[string]string{
		`{"channel":"email","person":{"name":"A"}}`:                                                                  "right",
		`{"right":"acces","channel":"email","person":{"name":"A"}}`:                                                  "right",
		`{"right":"access","channel":"pigeon","person":{"name":"A"}}`:                                                "channel",
		`{"right":"access","channel":"email"}`:                                                                       "person",
		`{"right":"access","channel":"email","person":{"name":"A\u0007"}}`:                                           "person.name",
		`{"right":"access","channel":"email","person":{"name":"A"},"received_at":"2027-01-01T00:00:00Z"}`:            "received_at",
		`{"right":"access","channel":"email","person":{"name":"A"},"requester":"heir"}`:                              "requester",
		`{"right":"access","channel":"email","person":{"name":"A"},"controller":"nobody"}`:                           "controller",
		`{"right":"other","channel":"email","person":{"name":"A"}}`:                                                  "message",
		`{"right":"access","channel":"email","external_id":{"source":"s"}}`:                                          "external_id",
		`{"right":"access","channel":"email","person":{"name":"A","died_on":"yesterday"}}`:                           "person.died_on",
		`{"right":"access","channel":"email","person":{"name":"A"},"message":"` + strings.Repeat("x", 33<<10) + `"}`: "message",
	} {
		got := w.call(http.MethodPost, "/v1/requests", body)
		if got.status != http.StatusUnprocessableEntity && got.status != http.StatusBadRequest || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%.90s: %d %s", body, got.status, got.body)
		}
	}
}

// TestNoDocumentOfIdentity: there is nowhere to put one.
func TestNoDocumentOfIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.step("verify", `{"means":"id_seen","document":"aGVsbG8="}`); got.code(t) != "field_unknown" {
		t.Errorf("a document is %s", got.body)
	}
	hidden := strings.Repeat("QUJD", 400)
	if got := w.step("notes", `{"words":"carte `+hidden+`"}`); got.code(t) != "field_invalid" {
		t.Errorf("a document in a note is %s", got.body)
	}
	if got := w.step("notes", `{"words":"photo data:image/png;base64,QUJD"}`); got.code(t) != "field_invalid" {
		t.Errorf("a data URL in a note is %s", got.body)
	}
	if got := w.step("verify", `{"means":"customer_number"}`); got.status != 200 {
		t.Errorf("verified: %s", got.body)
	}
}

// TestSteps: each route takes its step, and says of one that cannot be taken what is
// in its way.
func TestSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := `{"name":"a.pdf","media":"application/pdf","data":"QUJD"}`
	for _, c := range []struct {
		path, body, code, field string
	}{
		{"verify", `{"means":"known_address"}`, "", ""},
		{"verify", `{}`, "field_required", "means"},
		{"verify", `{"means":"known_address","standing":"mandate"}`, "field_invalid", "standing"},
		{"extend", `{"ground":"complex","reasons":"beaucoup"}`, "", ""},
		{"extend", `{"ground":"complex"}`, "field_required", "reasons"},
		{"assign", fmt.Sprintf(`{"account":%q}`, anEvent), "", ""},
		{"tasks", `{}`, "", ""},
		{"tasks", `{"system":"other"}`, "field_required", "title"},
		{"tasks/1", `{"finding":"found"}`, "not_yet", "task"},
		{"notes", `{"words":"appelée"}`, "", ""},
		{"notes", `{"file":` + file + `}`, "", ""},
		{"notes", `{"file":{"name":"a.exe","media":"application/x-msdownload","data":"QUJD"}}`, "field_invalid", "file.media"},
		{"answer", `{"outcome":"granted"}`, "not_yet", "identity"},
		{"answer", `{"outcome":"nothing_held"}`, "", ""},
		{"answer", `{"outcome":"partly"}`, "field_required", "grounds"},
		{"answer", `{"outcome":"granted","answer_digest":"xyz","answer_format":"pdf"}`, "field_invalid", "answer_digest"},
		{"refuse", `{"grounds":["art12.5.excessive"],"remedies":["cnil"],"reasons":"r"}`, "field_required", "remedies"},
		{"refuse", `{"grounds":["art12.5.excessive"],"remedies":["court","cnil"],"reasons":"r"}`, "", ""},
		{"dispatch", `{"of":"acknowledgement","by":"email","proof":"msg-1"}`, "", ""},
		{"dispatch", `{"of":"answer","by":"email","proof":"msg-1"}`, "not_yet", "undecided"},
		{"dispatch", `{"of":"acknowledgement","by":"email"}`, "field_required", "proof"},
		{"withdraw", `{"channel":"phone"}`, "", ""},
		{"close", `{}`, "not_yet", "undecided"},
		{"assign?revision=0", fmt.Sprintf(`{"account":%q}`, anEvent), "", ""},
		{"assign?revision=3", fmt.Sprintf(`{"account":%q}`, anEvent), "conflict", ""},
	} {
		got := w.step(c.path, c.body)
		if c.code == "" {
			if got.status != 200 {
				t.Errorf("%s %s: %d %s", c.path, c.body, got.status, got.body)
			}
			continue
		}
		if got.code(t) != c.code || c.field != "" && !strings.Contains(got.body, `"field":"`+c.field+`"`) {
			t.Errorf("%s %s: %d %s", c.path, c.body, got.status, got.body)
		}
	}
	if got := w.call(http.MethodPost, "/v1/requests/"+anEvent.String()+"/close", `{}`); got.status != http.StatusNotFound {
		t.Errorf("no such request: %d", got.status)
	}
}

// TestRequestIsRead: under an access to the person, which is recorded.
func TestRequestIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/v1/requests/"+aRequest.String(), "", "X-Greffe-Reason", "rights_request")
	var item RequestItem
	must(t, json.Unmarshal([]byte(got.body), &item))
	if item.Message != marker || item.Right != "access" || item.Due == nil || !item.FirstDue.Equal(*item.Due) || len(item.Steps) != 1 {
		t.Errorf("%s", got.body)
	}
	a := w.journal.all()[0]
	if len(a.Subjects) != 1 || a.Subjects[0] != person || a.Categories[0] != "requests" || a.Action != "read" {
		t.Errorf("recorded as %+v", a)
	}
	got = w.call(http.MethodGet, "/v1/requests/"+aRequest.String()+"/files/"+anEvent.String(), "", "X-Greffe-Reason", "rights_request")
	if got.body != marker || got.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") || len(w.journal.all()) != 2 {
		t.Errorf("a file: %v %s", got.header, got.body)
	}
}

func TestRequestsAreListedAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list := func(query string) string {
		return w.call(http.MethodGet, "/v1/requests"+query, "", "X-Greffe-Reason", "rights_request").body
	}
	if got := list("?standing=open"); !strings.Contains(got, `"right":"access"`) || !strings.Contains(got, `"next":"more"`) {
		t.Errorf("open: %s", got)
	}
	if got := list("?overdue=true"); !strings.Contains(got, `"items":[]`) {
		t.Errorf("overdue: %s", got)
	}
	if got := list("?standing=ajar"); !strings.Contains(got, "parameter_invalid") {
		t.Errorf("a word that is none: %s", got)
	}
	got := w.call(http.MethodGet, "/v1/requests/statistics", "")
	if got.status != 200 || !strings.Contains(got.body, `"by_right":{"access":{"received":1,"open":1`) {
		t.Errorf("statistics: %s", got.body)
	}
}

func TestRequestsAreImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodPost, "/v1/requests/import", "right,email\naccess,a@b.fr\n\"access,b@c.fr\n", "Content-Type", "text/csv")
	if got.status != 200 || !strings.Contains(got.body, `"recorded":1,"duplicate":0,"invalid":1`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(http.MethodPost, "/v1/requests/import", "droit\naccess\n", "Content-Type", "text/csv"); got.code(t) != "field_invalid" || strings.Contains(got.body, "droit") {
		t.Errorf("other columns: %s", got.body)
	}
}
