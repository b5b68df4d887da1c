package app

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"greffe/domain/event"
)

// upload sends a form with a file, as a browser does.
func (s *consoleSite) upload(path string, form url.Values, name, body string) shownPage {
	s.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for key, values := range form {
		for _, v := range values {
			s.ok(w.WriteField(key, v))
		}
	}
	part, err := w.CreateFormFile("file", name)
	s.ok(err)
	_, err = part.Write([]byte(body))
	s.ok(err)
	s.ok(w.Close())
	return s.sendBody(http.MethodPost, path, &b, w.FormDataContentType(), nil)
}

// numbered takes the number of one form of a page, by where it is sent.
func (s *consoleSite) numbered(at, action string, typed url.Values) url.Values {
	s.Helper()
	page := s.get(at).text
	i := strings.Index(page, `action="`+action+`"`)
	if i < 0 {
		s.Fatalf("%s holds no form that is sent to %s: %.900s", at, action, page[strings.Index(page, "<main"):])
	}
	form, _, _ := strings.Cut(page[i:], "</form>")
	for _, m := range hiddenField.FindAllStringSubmatch(form, -1) {
		typed.Set(m[1], m[2])
	}
	return typed
}

// TestConsoleScreening: a file is screened once, with a fact and a receipt; the page counts
// by rule, gives the cleansed file to the session that asked and to no other, and says
// what is wrong with a file that is none.
func TestConsoleScreening(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	const at = "/console/contactability"
	form := s.numbered(at, "/console/screenings", url.Values{"channel": {"email"}, "purpose": {"prospecting"}})
	const file = "email;name\nzqkanary@example.org;A\nnobody@example.org;B\nnone;C\n"
	p := s.upload("/console/screenings", form, "campaign.csv", file)
	if p.status != http.StatusSeeOther || !regexp.MustCompile(`^/console/screenings/[0-9a-f-]{36}\?done=screened$`).MatchString(p.to) {
		t.Fatalf("%d to %q: %.900s", p.status, p.to, p.text)
	}
	if again := s.upload("/console/screenings", form, "campaign.csv", file); again.to != p.to {
		t.Errorf("the same form leads to %q", again.to)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	if n := len(s.facts(event.ScreeningPerformed)); n != 1 {
		t.Errorf("%d screenings are recorded", n)
	}
	item := strings.TrimSuffix(p.to, "?done=screened")
	shown := s.get(p.to).text
	for _, says := range []string{"electronic.no_consent", "person.unknown", "A proven consent", "cannot be read", item + "/cleansed/file"} {
		if !strings.Contains(shown, says) {
			t.Errorf("the result does not say %q: %.2500s", says, shown[strings.Index(shown, "<main"):])
		}
	}
	if f := s.get(item + "/cleansed/file"); f.status != http.StatusOK || strings.TrimSpace(f.text) != "email;name" || !strings.Contains(f.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("cleansed: %d %q", f.status, f.text)
	}
	if f := s.get(item + "/receipt/file"); f.status != http.StatusOK || !strings.Contains(f.text, "cleansed_sha256") {
		t.Errorf("receipt: %d %q", f.status, f.text)
	}
	form = s.numbered(at, "/console/screenings", url.Values{"channel": {"email"}, "purpose": {"prospecting"}, "column": {"nowhere"}})
	if p := s.upload("/console/screenings", form, "campaign.csv", file); p.status != http.StatusBadRequest || !strings.Contains(p.text, `role="alert"`) || !strings.Contains(p.text, `value="nowhere"`) {
		t.Errorf("a column that is not there: %d", p.status)
	}
	if p := s.upload("/console/screenings", s.numbered(at, "/console/screenings", url.Values{"channel": {"email"}, "purpose": {"prospecting"}}), "x.csv", " \n"); p.status != http.StatusBadRequest || !strings.Contains(p.text, "No file") {
		t.Errorf("an empty file: %d", p.status)
	}
	s.signIn("marketing")
	if f := s.get(item + "/cleansed/file"); f.status != http.StatusGone || strings.Contains(f.text, "email;name") {
		t.Errorf("another session gets the cleansed file: %d", f.status)
	}
	s.signIn("agent")
	if p := s.get(at); p.status != http.StatusOK || strings.Contains(p.text, "/console/screenings") {
		t.Errorf("an agent is offered what screens files: %d", p.status)
	}
	if p := s.get("/console/contactability/new/check"); p.status != http.StatusNotFound {
		t.Errorf("the generic form is still there: %d", p.status)
	}
}
