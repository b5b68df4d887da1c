package httpapi

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"greffe/api/problem"
)

// A page that points its own name at this machine reads nothing, not even what
// needs no token here (DNS rebinding); a probe by any name learns that we live.
func TestHostMustBeOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config, _ *Services) {
		c.PublicURL, c.Hosts = "https://greffe.example.org", []string{"greffe.internal", "Node-1.example.org."}
	})
	for host, want := range map[string]int{"greffe.example.org": 200, "GREFFE.example.org:8443": 200, "greffe.internal:8080": 200, "node-1.example.org": 200,
		"localhost:1": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "10.2.3.4": 200, "greffe.example.org.": 200,
		"evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "greffe.example.org.evil.example": 421, "localhost.evil.example": 421, "2130706433": 421} {
		for _, path := range []string{"/metrics", "/openapi.json", "/nothing", "/healthz"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host, r.RemoteAddr = host, "127.0.0.1:5"
			rec := httptest.NewRecorder()
			w.api.ServeHTTP(rec, r)
			expected := want
			switch {
			case path == "/healthz":
				expected = 200
			case path == "/nothing" && want == 200:
				expected = 404
			}
			if rec.Code != expected {
				t.Errorf("%s of %s: %d, want %d", path, host, rec.Code, expected)
			}
			if rec.Code == 421 && (strings.Contains(rec.Body.String(), "evil") || !strings.Contains(rec.Body.String(), `"code":"host_unknown"`)) {
				t.Errorf("%s: %s", host, rec.Body)
			}
		}
	}
	for _, bad := range []Config{{PublicURL: "greffe.example.org"}, {PublicURL: "ftp://x"}, {PublicURL: "https://"}, {Hosts: []string{"https://x/"}}, {Hosts: []string{"*.example.org"}}, {Hosts: []string{""}}} {
		if _, err := newEdge(bad.PublicURL, bad.Hosts); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// What another site's page sends is refused before it does anything; what is
// itself the permission is not.
func TestOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config, _ *Services) { c.PublicURL = "https://greffe.example.org" })
	site, origin := "Sec-Fetch-Site", "Origin"
	for _, r := range eachRoute(t, w) {
		path, body, headers := request(r)
		for _, from := range [][]string{{site, "cross-site"}, {site, "same-site", origin, "https://crm.example.org"}, {origin, "https://evil.example"},
			{origin, "null"}, {origin, "http://greffe.example.org"}, {origin, "https://greffe.example.org.evil.example"}} {
			if r.Method == http.MethodGet || r.Endpoint.anySite {
				continue
			}
			before := len(w.journal.all())
			got := w.call(r.Method, path, body, append(append([]string(nil), headers...), from...)...)
			if got.status != 403 || got.code(t) != "origin_forbidden" || len(w.journal.all()) != before {
				t.Errorf("%s %s from %v: %d %s", r.Method, path, from, got.status, got.body)
			}
		}
	}
	search := func(headers ...string) int {
		return w.call(http.MethodPost, "/v1/subjects/search", `{"email":"anne@example.org"}`, append(headers, "X-Greffe-Reason", "audit")...).status
	}
	for _, ours := range [][]string{{site, "same-origin", origin, "null"}, {site, "none"}, {origin, "https://greffe.example.org"}, {origin, w.url}, {}} {
		if got := search(ours...); got != 200 {
			t.Errorf("from %v: %d", ours, got)
		}
	}
	form := w.call(http.MethodPost, "/rights", goodForm, "Content-Type", "application/x-www-form-urlencoded", site, "cross-site", origin, "null", "Authorization", "")
	click := w.call(http.MethodPost, "/u/none", "List-Unsubscribe=One-Click", "Content-Type", "application/x-www-form-urlencoded", site, "cross-site", origin, "https://mail.example", "Authorization", "")
	if form.status != 200 || click.status != 200 {
		t.Errorf("the form %d, one click %d: an objection must not be lost", form.status, click.status)
	}
}

// Every route answers with every header, and no page holds code or style of its own.
func TestHeadersOfEveryRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config, _ *Services) { c.PublicURL = "https://greffe.example.org" })
	plain := newWorld(t)
	inline := regexp.MustCompile(`(?i)<script(?:\s+[^>]*)?>[^<]|<script(?:\s+(?:type|nonce)="[^"]*")*\s*>|\son[a-z]+\s*=|\sstyle\s*=|javascript:|<base\b|<iframe|<object|<embed|https?://(?:[a-z0-9.-]+)/[^"]*\.(?:js|css)"`)
	pages := 0
	for _, r := range eachRoute(t, w) {
		path, body, headers := request(r)
		got := w.call(r.Method, path, body, headers...)
		csp := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s %s: the policy of its page is %q", r.Method, path, csp)
			}
		}
		if style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(got.body); style != nil && strings.HasPrefix(got.header.Get("Content-Type"), "text/html") && got.header.Get("Content-Disposition") == "" {
			sum := sha256.Sum256([]byte(style[1]))
			if !strings.Contains(csp, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				t.Errorf("%s %s: the page's own style sheet is not that of %q", r.Method, path, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") || strings.Contains(csp, "data:") || strings.Contains(csp, "http") {
			t.Errorf("%s %s: %q lets code in", r.Method, path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Permitted-Cross-Domain-Policies": "none",
			"Strict-Transport-Security": "max-age=63072000; includeSubDomains"} {
			if got.header.Get(name) != want {
				t.Errorf("%s %s: %s is %q", r.Method, path, name, got.header.Get(name))
			}
		}
		if got.header.Get("Cache-Control") == "" || got.header.Get("Permissions-Policy") == "" || got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Server") != "" {
			t.Errorf("%s %s: %v", r.Method, path, got.header)
		}
		if strings.HasPrefix(got.header.Get("Content-Type"), "text/html") && got.header.Get("Content-Disposition") == "" {
			pages++
			if at := inline.FindString(got.body); at != "" {
				t.Errorf("%s %s: the page holds %q", r.Method, path, at)
			}
		}
	}
	if pages < 4 {
		t.Errorf("only %d pages were looked at", pages)
	}
	if got := plain.call(http.MethodGet, "/docs", ""); got.header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS is promised over plain HTTP")
	}
}

// raw sends bytes to the server as it is run, and gives what it answered until it
// closed the connection or said nothing more for a while.
func raw(t *testing.T, address, text string) []string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	go func() {
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	var out []string
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return out
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		out = append(out, resp.Status[:3])
	}
}

func served(t *testing.T, w *world) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	srv := w.api.Server(t.Context())
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().String()
}

const smuggled = "DELETE /v1/tokens/00000000-0000-8000-8000-000000000001 HTTP/1.1\r\nHost: localhost\r\n\r\n"

// Where two readers of one stream could see different requests there is one
// answer and the connection ends, or it is refused.
func TestNothingIsSmuggled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := served(t, w)
	head := "POST /v1/subjects/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct{ text, want string }{
		"a length and chunks":          {head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, "401"},
		"chunks, the rest is behind":   {head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, "401"},
		"two lengths":                  {head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + smuggled, "400"},
		"two lengths in one":           {head + "Content-Length: 2, 3\r\n\r\n{}" + smuggled, "400"},
		"a length with a sign":         {head + "Content-Length: +2\r\n\r\n{}" + smuggled, "400"},
		"a negative length":            {head + "Content-Length: -1\r\n\r\n{}" + smuggled, "400"},
		"two codings":                  {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, "501"},
		"a coding that hides":          {head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, "501"},
		"a space before the colon":     {head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, "400"},
		"a bare carriage return":       {head + "X-A: b\rTransfer-Encoding: chunked\r\n\r\n" + smuggled, "400"},
		"a zero byte in a header":      {head + "X-A: b\x00c\r\n\r\n" + smuggled, "400"},
		"two hosts":                    {"GET /docs HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400"},
		"no host":                      {"GET /docs HTTP/1.1\r\n\r\n", "400"},
		"another host in the target":   {"GET http://evil.example/docs HTTP/1.1\r\nHost: localhost\r\n\r\n", "421"},
		"two tokens":                   {"GET /v1/policy HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + adminToken + "\r\nAuthorization: Bearer x\r\n\r\n", "400"},
		"two reasons":                  {"GET /v1/policy HTTP/1.1\r\nHost: localhost\r\nX-Greffe-Reason: audit\r\nx-greffe-reason: maintenance\r\n\r\n", "400"},
		"a chunk that is no number":    {head + "Authorization: Bearer " + adminToken + "\r\nX-Greffe-Reason: audit\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + smuggled, "400"},
		"a chunk longer than it says":  {head + "Authorization: Bearer " + adminToken + "\r\nX-Greffe-Reason: audit\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n" + smuggled, "400"},
		"headers without end":          {"GET /docs HTTP/1.1\r\nHost: localhost\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", "431"},
		"thousands of headers":         {"GET /docs HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X-A: b\r\n", 9000) + "\r\n", "431"},
		"a target without end":         {"GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "431"},
		"HTTP/2 without TLS (upgrade)": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "200"},
		"a tunnel":                     {"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n", "404"},
		"another protocol":             {"EHLO mail.example\r\n", "400"},
	} {
		got := strings.Join(raw(t, at, c.text), " ")
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if logs := w.logs.String(); strings.Contains(logs, "/v1/tokens/") {
		t.Errorf("the smuggled request was served: %s", logs)
	}
}

// A client that sends headers byte by byte is cut off, and holds up nobody.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	srv := w.api.Server(t.Context())
	srv.ReadHeaderTimeout = 50 * time.Millisecond
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	for range 50 {
		conn, err := net.Dial("tcp", ln.Addr().String())
		must(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: loc")
		must(t, err)
		must(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
		if b, err := io.ReadAll(conn); err != nil || len(b) > 0 && !strings.Contains(string(b), "408") {
			t.Fatalf("a slow client is not cut off: %v %q", err, b)
		}
	}
	if got := raw(t, ln.Addr().String(), "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); len(got) != 1 || got[0] != "200" {
		t.Errorf("after 50 slow ones: %v", got)
	}
}

// No spelling of a path reaches what its plain form does not.
func TestPathsHaveOneSpelling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := served(t, w)
	for _, path := range []string{"/docs/../v1/policy", "/docs/%2e%2e/v1/policy", "/docs/..%2fv1%2fpolicy", "//v1/policy", "/v1//policy", "/v1/policy/", "/V1/policy",
		"/v1/policy%00", "/v1/policy;x", "/v1\\policy", "/./v1/policy", "/tile/../../etc/passwd", "/tile/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/tile/..%2f..%2fvault.db",
		"/tile/0/..%5c..%5cvault.db", "/u/../metrics", "/u/%2e%2e%2fmetrics", "/v1/screenings/%2e%2e/x", "/docs/style.css/../../../vault.db"} {
		got := raw(t, at, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+adminToken+"\r\nConnection: close\r\n\r\n")
		if len(got) != 1 || got[0] != "404" && got[0] != "400" && !(strings.HasPrefix(path, "/u/") && got[0] == "200") {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// A method is what the request line says, a parameter is given once, and what
// cannot be read is not taken for absent.
func TestOneMeaning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		if got := w.call(http.MethodPost, "/v1/tokens/"+itemHeld.String()+"?_method=DELETE", "", header, "DELETE"); got.status != 405 {
			t.Errorf("%s: %d", header, got.status)
		}
	}
	for _, method := range []string{http.MethodHead, http.MethodOptions, http.MethodTrace, "PROPFIND", "get"} {
		if got := w.call(method, "/v1/policy", ""); got.status != 405 || got.body != "" && strings.Contains(got.body, "version") {
			t.Errorf("%s: %d %s", method, got.status, got.body)
		}
	}
	for query, code := range map[string]string{"limit=1&limit=2": "parameter_invalid", "limit=1;cursor=2": "parameter_unknown", "limit=%zz": "parameter_unknown",
		"limit=1&%6cimit=2": "parameter_invalid", "Limit=1": "parameter_unknown", "limit[]=1": "parameter_unknown", "limit=1&" + marker + "=2": "parameter_unknown"} {
		got := w.call(http.MethodGet, "/v1/duplicates?"+query, "", "X-Greffe-Reason", "audit")
		if got.status != 400 || got.code(t) != code {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	// The same key for another query is another request.
	key := []string{"Idempotency-Key", "k-1", "Content-Type", mediaYAML}
	first := w.call(http.MethodPost, "/v1/policy?effective_at=2027-01-01T00:00:00Z", "a: b", key...)
	if got := w.call(http.MethodPost, "/v1/policy?effective_at=2028-01-01T00:00:00Z", "a: b", key...); first.status < 300 && (got.status != 409 || got.code(t) != "idempotency_key_reused") {
		t.Errorf("%d, then %d %s", first.status, got.status, got.body)
	}
}

// A field in an error is a name of the contract, never a key that was sent.
func TestFieldsAreOurs(t *testing.T) {
	t.Parallel()
	type inner struct {
		Roles map[string]int `json:"roles"`
		List  []struct {
			N int `json:"n"`
		} `json:"list"`
	}
	for text, want := range map[string]string{`{"roles":{"` + marker + `":"x"}}`: "roles", `{"list":[{"n":1},{"n":"x"}]}`: "list.1.n", `{"roles":7}`: "roles", `7`: ""} {
		err := decodeStrict([]byte(text), new(inner))
		if p := problem.From(err); p.Code != problem.FieldInvalid || p.Field != want {
			t.Errorf("%s: %v, want the field %q", text, err, want)
		}
	}
}
