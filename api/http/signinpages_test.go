package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"greffe/api/signin"
)

// noPasskeys is a service at an address where none can work.
type noPasskeys struct{ Passkeys }

func (noPasskeys) Available() bool { return false }

// The pages and their files need no session, forbid all but their own script, and
// offer no passkey where none can work.
func TestSignInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	away := newWorld(t, func(_ *Config, s *Services) { s.Passkeys = noPasskeys{s.Passkeys} })
	for _, path := range []string{"/signin", "/invitation", "/me"} {
		got := w.call(http.MethodGet, path, "", "Authorization", "")
		if got.status != 200 || got.header.Get("Content-Type") != mediaHTML || got.header.Get("Content-Security-Policy") != signin.CSP {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
		if got.header.Get("Cache-Control") != "no-store" || !strings.Contains(got.body, `data-away="false"`) {
			t.Errorf("%s: %v", path, got.header)
		}
		if got := away.call(http.MethodGet, path, "", "Authorization", ""); !strings.Contains(got.body, `data-away="true"`) {
			t.Errorf("%s offers passkeys where none can work", path)
		}
	}
	for _, c := range []struct{ query, header, want string }{{"", "", "fr"}, {"", "en-GB,fr;q=0.5", "en"}, {"?language=fr", "en", "fr"}, {"?language=en", "fr", "en"},
		{"?language=de", "fr", "fr"}, {"?language=%3Cscript%3E", "de", "en"}} {
		got := w.call(http.MethodGet, "/signin"+c.query, "", "Authorization", "", "Accept-Language", c.header)
		if !strings.Contains(got.body, `<html lang="`+c.want+`">`) || got.header.Get("Content-Language") != c.want || strings.Contains(got.body, "<script>") {
			t.Errorf("%q with %q: %s", c.query, c.header, got.header.Get("Content-Language"))
		}
	}
	for _, name := range signin.AssetNames() {
		got := w.call(http.MethodGet, "/signin/"+name, "", "Authorization", "")
		want := "text/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".css") {
			want = mediaCSS
		}
		if got.status != 200 || got.header.Get("Content-Type") != want || got.body == "" {
			t.Errorf("%s: %d %s", name, got.status, got.header.Get("Content-Type"))
		}
	}
	for _, name := range []string{"base.html", "..%2f..%2fdoc.go", "nothing.js", "%00.css"} {
		if got := w.call(http.MethodGet, "/signin/"+name, "", "Authorization", ""); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
}
