package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// injections are what stands in fields that somebody else fills in: each forges a
// line, moves a terminal's cursor, or is long.
func injections() map[string]string {
	return map[string]string{
		"CR LF": "a\r\ntime=2026-01-01T00:00:00Z level=INFO msg=forged", "LF": "a\nlevel=ERROR msg=forged", "NUL": "a\x00b", "ANSI": "\x1b[2J\x1b]0;title\x07a",
		"C1": "a\u009b31mb", "line separator": "a\u2028msg=forged", "paragraph separator": "a\u2029b", "next line": "a\u0085b", "override": "a\u202eb", "quote": `a" msg="forged`,
		"equals": "a=b c=d", "no UTF-8": "a\xff\xfe", "tab": "a\tb", "long": strings.Repeat("x\n", 5000),
	}
}

var logLine = regexp.MustCompile(`^time=\S+ level=(DEBUG|INFO|WARN|ERROR) msg=\S`)

// plainLines checks that what was logged is lines of the log, in printable characters.
func plainLines(t *testing.T, what, said string) (n int) {
	t.Helper()
	for line := range strings.Lines(said) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if !logLine.MatchString(line) || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || len(line) > 16*maxLogged {
			t.Errorf("%s: the log has %.300q", what, line)
		}
	}
	return n
}

// TestLogLines: a record is one line, whatever is in its values; a value cannot make
// up another attribute.
func TestLogLines(t *testing.T) {
	t.Parallel()
	for what, bad := range injections() {
		var b bytes.Buffer
		l := logger(&b, "info")
		l.Info("request", "route", bad, "cause", fmt.Errorf("read: %w", errors.New(bad)), "any", []string{bad}, "bytes", []byte(bad))
		l.With("topic", bad).Warn(bad)
		if n := plainLines(t, what, b.String()); n != 2 {
			t.Errorf("%s: two records are %d lines", what, n)
		}
		if regexp.MustCompile(`[^\\]" msg="?forged|^level=ERROR`).MatchString(b.String()) {
			t.Errorf("%s: an attribute was forged: %s", what, b.String())
		}
	}
}

// TestErrorsOnATerminal: the name of a file that somebody sent moves no cursor.
func TestErrorsOnATerminal(t *testing.T) {
	t.Parallel()
	for what, bad := range injections() {
		var out, errs bytes.Buffer
		name := strings.ReplaceAll(filepath.Join(t.TempDir(), strings.NewReplacer("\x00", "", "/", "").Replace(bad)), "\n", "")
		if code := run(t.Context(), []string{"import", name[:min(len(name), 200)], "--data", filepath.Join(t.TempDir(), "none")}, &out, &errs); code != exitFailed {
			t.Errorf("%s: code %d", what, code)
		}
		for line := range strings.Lines(errs.String()) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }) {
				t.Errorf("%s: %q", what, line)
			}
		}
	}
}

// TestLogOfAService: whatever a client puts into path, query, host, headers, method,
// body, tenant and names, the log of a real service has one line a request, holds
// nothing of it, and no data of a person.
func TestLogOfAService(t *testing.T) {
	t.Parallel()
	const secret = "zqLOGqz"
	dir := workDir(t)
	p := serve(t, dir, "--disk-limit", "0")
	before := strings.Count(p.said(), "\n")
	address := strings.TrimPrefix(p.base, "http://")
	sent := 0
	raw := func(text string) {
		t.Helper()
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, text); err != nil {
			return // it was refused before it was all sent
		}
		_, _ = bufio.NewReader(c).ReadString('\n')
		sent++
	}
	for _, bad := range injections() {
		bad = secret + bad
		inPath := strings.NewReplacer("\r", "%0d", "\n", "%0a", " ", "%20", "\x00", "%00").Replace(bad)
		for _, header := range []string{"User-Agent", "X-Greffe-Reason", "X-Greffe-Actor", "X-Forwarded-For", "X-Request-Id", "Referer", "Origin", "Idempotency-Key", "Authorization", "X-Greffe-Tenant", "Traceparent"} {
			raw("GET /v1/policy HTTP/1.1\r\nHost: localhost\r\n" + header + ": " + bad + "\r\nConnection: close\r\n\r\n")
		}
		raw("GET /v1/subjects/" + inPath + "?email=anne%40example.org&q=" + inPath + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		raw("GET /v1/policy HTTP/1.1\r\nHost: " + bad + "\r\nConnection: close\r\n\r\n")
		raw(strings.ReplaceAll(bad, " ", "") + " /v1/policy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		digest := sha256.Sum256([]byte(bad))
		body := fmt.Sprintf(`{"specversion":"1.0","id":"e-%x","source":%q,"type":%q,"subject":%q,"time":"2026-03-02T09:14:07Z","data":{"person":{"emails":["anne@example.org"]}}}`, digest[:4], bad, bad, bad)
		_, _ = p.call("POST", "/v1/events", "application/cloudevents+json", body)
		_, _ = p.call("POST", "/v1/tokens", "application/json", fmt.Sprintf(`{"label":%q,"roles":[%q]}`, bad, bad))
		_, _ = p.call("POST", "/v1/activities/import", "text/csv", bad)
		_, _ = p.call("POST", "/v1/ingest/brevo?source="+inPath, "application/json", fmt.Sprintf(`{"email":"anne@example.org","event":%q}`, base64.StdEncoding.EncodeToString([]byte(bad))))
	}
	p.must(200, "GET", "/readyz", "", "")
	p.stop()
	said := p.said()
	lines := strings.SplitAfterN(said, "\n", before+1)
	if n := plainLines(t, "a service", lines[len(lines)-1]); n < sent/2 {
		t.Errorf("%d lines of %d requests", n, sent)
	}
	for _, word := range []string{secret, "anne", "forged", "%0d"} {
		if at := strings.Index(strings.ToLower(said), strings.ToLower(word)); at >= 0 {
			t.Errorf("the log holds %s: %q", word, said[max(0, at-200):min(len(said), at+100)])
		}
	}
}
