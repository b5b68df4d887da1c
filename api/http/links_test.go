package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/page"
	"greffe/domain"
	"greffe/domain/link"
	"greffe/eventstore/ledger"
)

const formMedia = "application/x-www-form-urlencoded"

func (t *testConsents) token(change func(*link.Link)) string {
	l := link.Link{Kind: link.OptOut, Subject: person, Controller: "acme", Purpose: "prospecting", Channels: []string{"email"}, Expires: testNow.AddDate(1, 0, 0)}
	if change != nil {
		change(&l)
	}
	text, err := t.key.Seal(l)
	if err != nil {
		panic(err)
	}
	return "/u/" + text
}

func toConfirm(l *link.Link) { l.Kind, l.Request = link.Confirm, anEvent }

// visit sends what a browser or a mail robot sends: no token, no cookie.
func (w *world) visit(method, path, body string, headers ...string) reply {
	return w.call(method, path, body, append([]string{"Authorization", "", "Content-Type", formMedia}, headers...)...)
}

func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	for name, path := range map[string]string{"opt-out": c.token(nil), "confirmation": c.token(toConfirm),
		"by a link that says so": c.token(nil) + "?all=1&List-Unsubscribe=One-Click&confirm=yes&utm_source=mail"} {
		for range 3 {
			if got := w.visit(http.MethodGet, path, ""); got.status != http.StatusOK || !strings.Contains(got.body, "<form method=\"post\">") {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
	}
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if got := w.visit(method, c.token(nil), ""); got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	if did := c.recorded(); len(did) > 0 {
		t.Errorf("recorded %v", did)
	}
}

func TestPagesAreSafe(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	for _, got := range []reply{w.visit(http.MethodGet, c.token(nil), ""), w.visit(http.MethodPost, c.token(nil), "all=1"), w.visit(http.MethodGet, "/u/x", "")} {
		h := got.header
		if h.Get("Content-Security-Policy") != page.CSP || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(h.Get("X-Robots-Tag"), "noindex") || h.Get("Set-Cookie") != "" || h.Get("Content-Type") != mediaHTML || h.Get("Content-Language") == "" {
			t.Errorf("%v", h)
		}
		if strings.Contains(got.body, person.String()) || strings.Contains(got.body, "<script") || strings.Contains(got.body, "http://") || strings.Contains(got.body, "https://") {
			t.Errorf("%s", got.body)
		}
	}
	if css := w.visit(http.MethodGet, page.StylePath, ""); css.status != http.StatusOK || css.header.Get("Content-Type") != mediaCSS || strings.Contains(css.body, "url(") {
		t.Errorf("%d %v", css.status, css.header)
	}
	if logs := w.logs.String(); strings.Contains(logs, c.token(nil)[3:]) {
		t.Error("a token stands in the log")
	}
}

func multipartForm(t *testing.T, fields ...string) (body, media string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		must(t, m.WriteField(fields[i], fields[i+1]))
	}
	must(t, m.Close())
	return b.String(), m.FormDataContentType()
}

// RFC 8058: one POST, no redirect, no cookie, either encoding. Whatever a mail
// client makes of the body, the objection is recorded.
func TestOneClick(t *testing.T) {
	t.Parallel()
	parts, media := multipartForm(t, "List-Unsubscribe", "One-Click")
	torn := parts[:len(parts)-30]
	for name, sent := range map[string][2]string{
		"as RFC 8058 has it":   {"List-Unsubscribe=One-Click", formMedia},
		"in parts":             {parts, media},
		"in parts, torn":       {torn, media},
		"no body":              {"", formMedia},
		"no type":              {"List-Unsubscribe=One-Click", ""},
		"JSON":                 {`{"List-Unsubscribe":"One-Click"}`, mediaJSON},
		"broken percent signs": {"List-Unsubscribe=One-Click&x=%zz", formMedia},
		"too long":             {"x=" + strings.Repeat("a", 2*maxForm), formMedia},
		"other fields":         {"email=" + marker, formMedia},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestConsents(nil)
			w := newWorld(t, withConsents(c))
			got := w.visit(http.MethodPost, c.token(nil), sent[0], "Content-Type", sent[1])
			if got.status != http.StatusOK || len(c.recorded()) != 1 || strings.Contains(got.body, marker) {
				t.Fatalf("%d, recorded %v, %v", got.status, c.recorded(), got.err)
			}
			if s := c.last(); s.Page || !slices.Equal(s.Channels, []string{"email"}) {
				t.Errorf("scope %+v", s)
			}
			if len(w.journal.all()) != 0 {
				t.Error("an access was recorded")
			}
		})
	}
}

func TestThePagesForm(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	for body, want := range map[string]OptOut{
		"save=1&channel=phone":                         {Channels: []string{"phone"}, Page: true},
		"save=1&channel=sms&channel=email&channel=sms": {Channels: []string{"email", "sms"}, Page: true},
		"all=1&channel=email":                          {Page: true},
		"all=":                                         {Page: true},
		"save=1&channel=email&channel=" + marker:       {Channels: []string{"email"}, Page: true},
	} {
		got := w.visit(http.MethodPost, c.token(nil), body)
		if got.status != http.StatusOK || !strings.Contains(got.body, anEvent.String()) || !strings.Contains(got.body, `datetime="2026-03-02T10:00:00Z"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
		if s := c.last(); s.Page != want.Page || !slices.Equal(s.Channels, want.Channels) {
			t.Errorf("%s: %+v", body, s)
		}
	}
	before := len(c.recorded())
	for _, body := range []string{"save=1", "save=1&channel=fax"} {
		if got := w.visit(http.MethodPost, c.token(nil), body); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `role="alert"`) || strings.Contains(got.body, " checked") {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if len(c.recorded()) != before {
		t.Error("a form without a choice recorded something")
	}
}

// No link, a torn one, an old one, one whose person was erased: the same answer.
func TestWhatOpensNothingAnswersAlike(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	good := c.token(nil)
	links := map[string]string{"none": "/u/x", "torn": good[:len(good)-5], "altered": good[:20] + "A" + good[21:],
		"old": c.token(func(l *link.Link) { l.Expires = testNow }), "another ledger's": "/u/AbCd"}
	c.failing(errors.Join(ErrNotFound, ledger.ErrErased))
	want := w.visit(http.MethodPost, good, "all=1")
	if want.status != http.StatusOK || !strings.Contains(want.body, "n’ouvre rien") {
		t.Fatalf("erased: %d %s", want.status, want.body)
	}
	for name, path := range links {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := w.visit(method, path, ""); got.status != want.status || got.body != want.body {
				t.Errorf("%s, %s: %d %s", name, method, got.status, got.body)
			}
		}
	}
	if got := w.visit(http.MethodPost, c.token(toConfirm), "confirm=yes"); got.body != want.body {
		t.Errorf("a confirmation of somebody erased: %s", got.body)
	}
}

func TestWhatIsNotRecordedSaysSo(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	for _, err := range []error{ledger.ErrBusy, ledger.ErrFull, ledger.ErrUnknown, ledger.ErrStopped, errors.New(marker), ErrStale} {
		c.failing(err)
		for _, path := range []string{c.token(nil), c.token(toConfirm)} {
			got := w.visit(http.MethodPost, path, "confirm=yes&List-Unsubscribe=One-Click")
			if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || strings.Contains(got.body, marker) || !strings.Contains(got.body, `role="alert"`) {
				t.Errorf("%v: %d %s", err, got.status, got.body)
			}
		}
	}
}

func TestConfirmingTakesTheButton(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	path := c.token(toConfirm)
	for _, body := range []string{"", "List-Unsubscribe=One-Click", "confirm=no", "all=1", "save=1&channel=email"} {
		if got := w.visit(http.MethodPost, path, body); got.status != http.StatusOK || !strings.Contains(got.body, `name="confirm" value="yes"`) {
			t.Errorf("%q: %d %s", body, got.status, got.body)
		}
	}
	if did := c.recorded(); len(did) > 0 {
		t.Fatalf("recorded %v", did)
	}
	if got := w.visit(http.MethodPost, path, "confirm=yes"); got.status != http.StatusOK || !strings.Contains(got.body, anEvent.String()) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.visit(http.MethodPost, path, "confirm=yes"); got.status != http.StatusOK || !strings.Contains(got.body, "Déjà confirmé") || strings.Contains(got.body, anEvent.String()) {
		t.Errorf("again: %d %s", got.status, got.body)
	}
	if did := c.recorded(); !slices.Equal(did, []string{"confirm prospecting"}) {
		t.Errorf("recorded %v", did)
	}
}

func TestThePagesLanguageAndWords(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	for _, l := range []struct{ query, accept, lang, purpose string }{
		{"", "", "fr", "Prospection commerciale"}, {"", "fr-FR,fr;q=0.9", "fr", "Prospection commerciale"}, {"", "en-GB", "en", "Direct marketing"},
		{"", "de", "en", "Direct marketing"}, {"?lang=en", "fr", "en", "Direct marketing"}, {"?lang=fr", "en", "fr", "Prospection commerciale"}, {"?lang=xx", "", "fr", "Prospection commerciale"},
	} {
		got := w.visit(http.MethodGet, c.token(nil)+l.query, "", "Accept-Language", l.accept)
		if !strings.Contains(got.body, `<html lang="`+l.lang+`">`) || !strings.Contains(got.body, l.purpose) || !strings.Contains(got.body, "ACME SAS") {
			t.Errorf("%+v: %s", l, got.body)
		}
	}
	gone := w.visit(http.MethodGet, c.token(func(l *link.Link) { l.Purpose, l.Controller = "old_purpose", "old_company" }), "")
	if gone.status != http.StatusOK || !strings.Contains(gone.body, "old_purpose") {
		t.Errorf("a purpose the policy has no more: %d", gone.status)
	}
	all := w.visit(http.MethodGet, c.token(func(l *link.Link) { l.Purpose, l.Channels = "", nil }), "")
	if strings.Count(all.body, `type="checkbox"`) != 5 || strings.Contains(all.body, " checked") {
		t.Errorf("every purpose: %s", all.body)
	}
}

func TestLinksAreLimited(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c), func(cfg *Config, _ *Services) { cfg.Rates = map[Rate]float64{RateLink: 10, RateLinkPost: 1} })
	statuses := map[int]int{}
	for range 12 {
		got := w.visit(http.MethodPost, c.token(nil), "all=1")
		if statuses[got.status]++; got.status == http.StatusTooManyRequests && got.header.Get("Retry-After") == "" {
			t.Error("it does not say when")
		}
	}
	if statuses[http.StatusOK] != 2 || statuses[http.StatusTooManyRequests] != 10 || len(c.recorded()) != 2 {
		t.Errorf("one link: %v, recorded %d", statuses, len(c.recorded()))
	}
	other := c.token(func(l *link.Link) { l.Subject = domain.ID{7} })
	if got := w.visit(http.MethodPost, other, "all=1"); got.status != http.StatusOK {
		t.Errorf("another person's link: %d", got.status)
	}
	for range 20 {
		w.visit(http.MethodGet, "/u/x", "")
	}
	if got := w.visit(http.MethodGet, "/u/x", ""); got.status != http.StatusTooManyRequests {
		t.Errorf("one address: %d", got.status)
	}
	w.clock.Add(int64(10 * time.Second))
	if got := w.visit(http.MethodPost, c.token(nil), "all=1"); got.status != http.StatusOK {
		t.Errorf("later: %d", got.status)
	}
}

func TestMakingLinks(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	key := "Bearer " + w.token(authRequest("service"))
	got := w.call(http.MethodPost, "/v1/links", `{"links":[{"subject_id":"`+person.String()+`","purpose":"prospecting","channels":["email"]},`+
		`{"kind":"confirm","request":{"source":"crm/eu","id":"e-1"}},{"external_id":{"source":"crm/eu","subject":"C-1"},"days":30}]}`, "Authorization", key)
	var out LinksMade
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || len(out.Items) != 3 || out.Headers.Post != "List-Unsubscribe=One-Click" || out.Headers.Unsubscribe != "<{url}>" {
		t.Fatalf("%d %s %v", got.status, got.body, err)
	}
	if w1 := c.wanted; *w1[0].SubjectID != person || w1[1].Request.ID != "e-1" || w1[2].ExternalID.Subject != "C-1" || w1[2].Days != 30 {
		t.Errorf("%+v", w1)
	}
	many := `{"links":[` + strings.TrimSuffix(strings.Repeat(`{},`, maxLinks+1), ",") + `]}`
	for body, code := range map[string]string{`{"links":[]}`: "field_required", many: "field_invalid", `{"links":[{"` + marker + `":1}]}`: "field_unknown"} {
		if got := w.call(http.MethodPost, "/v1/links", body, "Authorization", key); got.code(t) != code || strings.Contains(got.body, marker) {
			t.Errorf("%s: %s", fmt.Sprintf("%.40s", body), got.body)
		}
	}
	if got := w.call(http.MethodPost, "/v1/links", `{"links":[{}]}`, "Authorization", "Bearer "+w.token(authRequest("agent"))); got.code(t) != "permission_missing" {
		t.Errorf("an agent makes links: %s", got.body)
	}
}

func TestATokenInAPathIsNotRead(t *testing.T) {
	t.Parallel()
	c := newTestConsents(nil)
	w := newWorld(t, withConsents(c))
	for _, path := range []string{"/u/" + url.PathEscape("../v1/policy"), "/u/%00", "/u/" + strings.Repeat("A", 4000)} {
		if got := w.visit(http.MethodGet, path, ""); got.status != http.StatusOK || !strings.Contains(got.body, "noindex") {
			t.Errorf("%.20s: %d", path, got.status)
		}
	}
}
