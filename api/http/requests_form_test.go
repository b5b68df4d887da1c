package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const goodForm = "right=access&name=Anne+Martin&email=anne%40example.org&once=0b8cb0c2-7d47-4d9b-8a51-0d8c8a3f1a11"

// sent sends the form.
func (w *world) sent(form string, headers ...string) reply {
	w.t.Helper()
	return w.call(http.MethodPost, "/rights?lang=en", form, append([]string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", ""}, headers...)...)
}

// TestFormIsOffUnlessGiven: without --rights-form there is no page and nothing is
// taken in.
func TestFormIsOffUnlessGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config, _ *Services) { c.RightsForm = false })
	for _, got := range []reply{w.call(http.MethodGet, "/rights", "", "Authorization", ""), w.sent(goodForm)} {
		if got.status != http.StatusNotFound || got.code(t) != "route_unknown" {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}

// TestFormTakesARequest: in both languages, without an account, with a number to keep
// and the last day of the month; nothing that was written is shown again.
func TestFormTakesARequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodGet, "/rights", "", "Authorization", "")
	if got.status != 200 || got.header.Get("Content-Language") != "fr" || !strings.Contains(got.body, "Exercer vos droits") || !strings.Contains(got.header.Get("Content-Security-Policy"), "form-action 'self'") {
		t.Errorf("the form: %d %s", got.status, got.body)
	}
	got = w.sent(goodForm)
	if got.status != 200 || !strings.Contains(got.body, aRequest.String()) || !strings.Contains(got.body, "2 April 2026") || strings.Contains(got.body, "anne@") || strings.Contains(got.body, "in effect") {
		t.Errorf("a request: %d %s", got.status, got.body)
	}
	got = w.sent("right=objection&phone=0612345678")
	if got.status != 200 || !strings.Contains(got.body, "in effect from now on") {
		t.Errorf("an objection by a number alone: %d %s", got.status, got.body)
	}
}

// TestFormSaysWhatIsWrong: and keeps what was written. A robot that fills the trap is
// told so like anybody else: nothing is dropped in silence.
func TestFormSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for form, want := range map[string]string{
		"":                                      "Choose what you ask for",
		"right=access&name=A":                   "Say where to answer you",
		"right=access&email=a%40b.fr":           "first name and surname",
		"right=objection":                       "no longer want to be solicited",
		"right=other&name=A&email=a%40b.fr":     "Describe your request",
		"right=access&name=A&email=nobody":      "not complete",
		"right=post_mortem&name=A&email=a@b.fr": "as heir",
		"right=access&name=A&email=a@b.fr&requester=heir":  "as heir",
		"right=access&name=A&email=a@b.fr&requester=proxy": "your own name",
		goodForm + "&website=http%3A%2F%2Fx":               "Write nothing here",
		goodForm + "&message=" + strings.Repeat("x", 9000): "8,000 characters",
	} {
		got := w.sent(form)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, want) || strings.Contains(got.body, aRequest.String()) {
			t.Errorf("%.60s: %d, wants %q: %s", form, got.status, want, got.body)
		}
		if strings.Contains(form, "name=A&") && !strings.Contains(got.body, `value="A"`) {
			t.Errorf("%.60s: what was written is lost", form)
		}
	}
	if got := w.sent(goodForm + "&message=" + strings.Repeat("x", maxRightsForm)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a flood of bytes: %d", got.status)
	}
	if got := w.sent(goodForm, "Content-Type", "text/plain"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("another type: %d", got.status)
	}
}

// TestFormIsLimited: five of one address at once, and a bound over all; a proxy of our
// own network names the sender, a stranger cannot.
func TestFormIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := func(from string) reply { return w.sent(goodForm, "X-Forwarded-For", "198.51.100.7, "+from) }
	for range formEachBurst {
		if got := send("203.0.113.5"); got.status != 200 {
			t.Fatalf("within the limit: %d", got.status)
		}
	}
	got := send("203.0.113.5")
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "120" || !strings.Contains(got.body, "Not recorded yet") {
		t.Errorf("the sixth: %d after %s: %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	if got := send("203.0.113.6"); got.status != 200 {
		t.Errorf("somebody else: %d", got.status)
	}
	w.clock.Add(int64(3 * time.Minute))
	if got := send("203.0.113.5"); got.status != 200 {
		t.Errorf("after two minutes: %d", got.status)
	}
	limited := 0
	for i := range 2 * formAllBurst {
		if send("2001:db8:"+string("0123456789abcdef"[i%16])+string("0123456789abcdef"[i/16])+"::1").status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < formAllBurst-10 || limited > formAllBurst+10 {
		t.Errorf("of %d from as many networks %d were refused", 2*formAllBurst, limited)
	}
}

// TestFormThatCannotBeRecorded: is said, and never shown as received.
func TestFormThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.data.set(func(s *switches) { s.fail = errors.New(marker) })
	got := w.sent(goodForm)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || strings.Contains(got.body, marker) || !strings.Contains(got.body, "Not recorded") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestFormRoundTrip: what a browser sends back of the page is what was written.
func TestFormRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nasty := `"><script>alert(1)</script>`
	got := w.sent(url.Values{"right": {"access"}, "name": {nasty}}.Encode())
	if strings.Contains(got.body, "<script") || !strings.Contains(got.body, "&lt;script&gt;") {
		t.Errorf("not escaped: %s", got.body)
	}
}

// TestSenderBehindAProxy: the last that a proxy of ours says counts, whether it adds to
// the caller's line or writes one of its own; what a stranger says of itself does not.
func TestSenderBehindAProxy(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		peer  string
		lines []string
		want  string
	}{
		{"127.0.0.1:1", []string{"198.51.100.7, 203.0.113.5"}, "203.0.113.5"},
		{"127.0.0.1:1", []string{"198.51.100.7", "203.0.113.5"}, "203.0.113.5"},
		{"10.1.2.3:1", []string{"198.51.100.7", "2001:db8:1:2:3::4"}, "2001:db8:1:2::/64"},
		{"10.1.2.3:1", []string{"nobody"}, "10.1.2.3"},
		{"203.0.113.9:1", []string{"198.51.100.7"}, "203.0.113.9"},
	} {
		r := httptest.NewRequest(http.MethodPost, formPath, nil)
		r.RemoteAddr = x.peer
		for _, line := range x.lines {
			r.Header.Add("X-Forwarded-For", line)
		}
		if got := (&Call{r: r, cfg: &Config{}}).sender(); got != x.want {
			t.Errorf("%s through %s: %q, want %q", x.lines, x.peer, got, x.want)
		}
	}
}
