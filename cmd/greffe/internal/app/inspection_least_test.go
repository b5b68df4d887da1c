package app

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
)

// TestAuditorsBundle: the bundle that an auditor builds holds no value of a person,
// whichever file of it one opens; with the persons drawn, which the DPO alone puts in,
// the same look finds them.
func TestAuditorsBundle(t *testing.T) {
	t.Parallel()
	m := openFields(t)
	_, _, err := m.open.Ledger.PublishPolicy(t.Context(), domain.ID{1}, deploy.Policy())
	m.ok(err)
	m.rules, _ = m.open.Ledger.Policy()
	m.now.pass(time.Second) // a bundle holds what was recorded before
	path := "/v1/inspections/" + m.rightsSite.inspection().String() + "/bundle"
	ask := func(role, query string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.url+path+query, nil)
		m.ok(err)
		m.person(role).with(req, 0)
		req.Header.Set("X-Greffe-Reason", "inspection")
		return m.do(req)
	}
	found := func(role, query string) (n int) {
		status, raw := ask(role, query)
		if status != http.StatusOK {
			t.Fatalf("%s %s: %d %.300s", role, query, status, raw)
		}
		files := 0
		unpack(t, []byte(raw), func(name string, content []byte) {
			files++
			for i := range m.persons {
				for _, c := range canaries {
					if value := strings.Trim(c.of(i).value, `"`); len(value) > 5 && bytes.Contains(content, []byte(value)) {
						n++
						if query == "" {
							t.Errorf("%s: %s holds %s", role, name, c.path)
						}
					}
				}
			}
		})
		if files < 20 {
			t.Errorf("%d files", files)
		}
		return n
	}
	found("auditor", "")
	if n := found("dpo", "?samples=true"); n == 0 {
		t.Error("the persons drawn are not found either: the look proves nothing")
	}
	if status, raw := ask("auditor", "?samples=true"); status != http.StatusForbidden || !strings.Contains(raw, "inspections.samples") {
		t.Errorf("an auditor puts persons into it: %d %.300s", status, raw)
	}
}

// unpack calls fn for each file of an archive, and of the archives in it.
func unpack(t *testing.T, b []byte, fn func(name string, content []byte)) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		if bytes.HasPrefix(content, []byte("PK\x03\x04")) {
			unpack(t, content, fn)
			continue
		}
		fn(f.Name, content)
	}
}
