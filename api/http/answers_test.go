package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"

	files "greffe/api/answer"
	"greffe/domain"
	answers "greffe/domain/answer"
	"greffe/eventstore/access"
)

const forRights = "rights_request:R-1"

func answersWorld(t *testing.T) (*world, *testAnswers) {
	t.Helper()
	w := newWorld(t)
	return w, w.service.Answers.(*testAnswers)
}

// TestAnswerFiles: each format of each document is sent as what it is, with the digest
// that request.answered takes, and never stored by what it passes through.
func TestAnswerFiles(t *testing.T) {
	t.Parallel()
	w, fake := answersWorld(t)
	sum := sha256.Sum256([]byte(marker))
	for _, c := range []struct {
		path string
		want AnswerRequest
		name string
	}{
		{"/answer", AnswerRequest{Format: files.JSON, Language: "fr"}, ".json"},
		{"/answer?format=html&language=en", AnswerRequest{Format: files.HTML, Language: "en"}, ".html"},
		{"/answer?format=pdf", AnswerRequest{Format: files.PDF, Language: "fr"}, ".pdf"},
		{"/portability", AnswerRequest{Portable: true, Format: files.JSON}, "-portability.json"},
		{"/portability?format=csv", AnswerRequest{Portable: true, Format: files.CSV}, "-portability.csv"},
		{"/letters/refusal", AnswerRequest{Letter: answers.Refusal, Format: files.PDF, Language: "fr"}, "-refusal.pdf"},
		{"/letters/erasure?format=txt&language=en", AnswerRequest{Letter: answers.Erased, Format: files.Text, Language: "en"}, "-erasure.txt"},
	} {
		c.want.Request = person
		got := w.call(http.MethodGet, "/v1/requests/"+person.String()+c.path, "", "X-Greffe-Reason", forRights)
		if got.status != http.StatusOK || got.body != marker || got.header.Get("Content-Type") != c.want.Format.Media() {
			t.Fatalf("%s: %d %s %s", c.path, got.status, got.header.Get("Content-Type"), got.body)
		}
		if asked := fake.asked(); asked != c.want {
			t.Errorf("%s: asked %+v", c.path, asked)
		}
		h := got.header
		if h.Get("X-Greffe-Answer-Digest") != hex.EncodeToString(sum[:]) || !strings.HasPrefix(h.Get("Repr-Digest"), "sha-256=:") ||
			!strings.HasSuffix(h.Get("Content-Disposition"), c.name+`"`) || h.Get("Content-Language") != string(c.want.Language) {
			t.Errorf("%s: %v", c.path, h)
		}
		if csp := h.Get("Content-Security-Policy"); c.want.Format == files.HTML && !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: %s", c.path, csp)
		}
	}
	got := w.call(http.MethodGet, "/v1/requests/"+person.String()+"/answer?format=html", "", "X-Greffe-Reason", forRights, "Accept-Language", "en-GB")
	if got.status != http.StatusOK || fake.asked().Language != answers.EN {
		t.Errorf("the reader's language: %+v", fake.asked())
	}
}

// TestAnswerParameters: what is asked wrongly is named, never echoed, and opens nothing.
func TestAnswerParameters(t *testing.T) {
	t.Parallel()
	w, _ := answersWorld(t)
	before := len(w.journal.all())
	one := "/v1/requests/" + person.String()
	for path, want := range map[string]string{
		one + "/answer?format=csv":                                  "400 format",
		one + "/answer?format=" + m:                                 "400 format",
		one + "/answer?language=" + m:                               "400 language",
		one + "/portability?format=pdf":                             "400 format",
		one + "/letters/refusal?format=json":                        "400 format",
		one + "/letters/" + m:                                       "404 ",
		one + "/letters/restriction_lifting?lift_on=" + m:           "400 lift_on",
		"/v1/requests/" + aCertificate.String() + "/answer":         "404 ",
		"/v1/certificates/" + person.String():                       "404 ",
		"/v1/certificates/" + aCertificate.String() + "?format=csv": "400 format",
	} {
		got := w.call(http.MethodGet, path, "", "X-Greffe-Reason", forRights)
		status, field, _ := strings.Cut(want, " ")
		if http.StatusText(got.status) == "" || !strings.HasPrefix(status, string(rune('0'+got.status/100))) || !strings.Contains(got.body, field) || strings.Contains(got.body, m) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if n := len(w.journal.all()); n != before {
		t.Errorf("%d accesses were recorded", n-before)
	}
	got := w.call(http.MethodGet, one+"/letters/extension", "", "X-Greffe-Reason", forRights)
	if got.status != http.StatusConflict || got.code(t) != "not_yet" || !strings.Contains(got.body, "extension") {
		t.Errorf("a letter about nothing: %d %s", got.status, got.body)
	}
}

// TestAnswersAreRecorded: whose data is opened stands in the journal, under the request.
func TestAnswersAreRecorded(t *testing.T) {
	t.Parallel()
	w, _ := answersWorld(t)
	for _, c := range []struct {
		request  domain.ID
		path     string
		action   string
		subjects []domain.ID
		classes  []string // nil: all that the caller sees
	}{
		{person, "/answer", "export", []domain.ID{person, merged}, nil},
		{person, "/portability", "export", []domain.ID{person, merged}, nil},
		{person, "/letters/refusal", "read", []domain.ID{person, merged}, []string{"contact_details", "identity", "requests"}},
		{unknownRequest, "/answer", "export", nil, []string{"requests"}},
		{unknownRequest, "/letters/nothing_held", "read", nil, []string{"requests"}},
	} {
		if got := w.call(http.MethodGet, "/v1/requests/"+c.request.String()+c.path, "", "X-Greffe-Reason", "rights_request"); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", c.path, got.status, got.body)
		}
		all := w.journal.all()
		r := all[len(all)-1]
		if r.Action != c.action || r.Archived != (c.action == "export") || !slices.Equal(r.Subjects, c.subjects) || r.Ticket != c.request.String() || c.classes != nil && !slices.Equal(r.Categories, c.classes) ||
			c.classes == nil && len(r.Categories) < 5 {
			t.Errorf("%s: %+v", c.path, r)
		}
	}
	w.journal.set(func(context.Context) error { return access.ErrNotRecorded })
	for _, path := range []string{"/answer", "/portability", "/letters/refusal", "/answer/checks"} {
		if got := w.call(http.MethodGet, "/v1/requests/"+person.String()+path, "", "X-Greffe-Reason", forRights); got.status != http.StatusServiceUnavailable || strings.Contains(got.body, marker) {
			t.Errorf("%s unrecorded: %d %s", path, got.status, got.body)
		}
	}
}

// TestChecksBeforeAnAnswer: whom it proposes is an access of its own.
func TestChecksBeforeAnAnswer(t *testing.T) {
	t.Parallel()
	w, _ := answersWorld(t)
	got := w.call(http.MethodGet, "/v1/requests/"+alikeRequest.String()+"/answer/checks", "", "X-Greffe-Reason", forRights)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"likeness":"shared"`) || !strings.Contains(got.body, merged.String()) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	all := w.journal.all()
	if r := all[len(all)-1]; r.Action != "search" || !slices.Equal(r.Subjects, []domain.ID{goneSubject}) {
		t.Errorf("%+v", r)
	}
	n := len(all)
	got = w.call(http.MethodGet, "/v1/requests/"+unknownRequest.String()+"/answer/checks", "", "X-Greffe-Reason", forRights)
	if got.status != http.StatusOK || len(w.journal.all()) != n+1 {
		t.Errorf("nobody proposed: %d, %d accesses", got.status, len(w.journal.all())-n)
	}
}

// TestCertificates answer by their number, to those who may see requests.
func TestCertificates(t *testing.T) {
	t.Parallel()
	w, _ := answersWorld(t)
	path := "/v1/certificates/" + aCertificate.String()
	if got := w.call(http.MethodGet, path, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"number": "`+aCertificate.String()) || !strings.Contains(got.body, `"whole": true`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	for format, begins := range map[string]string{"html": "<!DOCTYPE html>", "pdf": "%PDF-", "txt": "Certificat d'effacement"} {
		if got := w.call(http.MethodGet, path+"?format="+format, ""); got.status != http.StatusOK || !strings.HasPrefix(got.body, begins) {
			t.Errorf("%s: %d %.40s", format, got.status, got.body)
		}
	}
	agent := w.token(authRequest("agent"))
	for _, p := range []string{path, "/v1/requests/" + person.String() + "/answer", "/v1/requests/" + person.String() + "/letters/refusal"} {
		if got := w.call(http.MethodGet, p, "", "Authorization", "Bearer "+agent, "X-Greffe-Reason", "customer_call:T-1"); got.status != http.StatusForbidden {
			t.Errorf("an agent reads %s: %d", p, got.status)
		}
	}
}
