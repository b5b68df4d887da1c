package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestFuzzAPISeesFaults plants what the fuzzer is for into a service of five routes,
// and wants each found, and nothing in the one that is as it must be.
func TestFuzzAPISeesFaults(t *testing.T) {
	t.Parallel()
	const address = "anne@example.org"
	var recorded atomic.Int64
	released := make(chan struct{})
	answer := func(w http.ResponseWriter, status int, body string) {
		h := w.Header()
		for name, v := range map[string]string{"Content-Type": "application/json", "Content-Security-Policy": "x", "X-Content-Type-Options": "nosniff", "X-Request-Id": "1", "Cache-Control": "no-store"} {
			h.Set(name, v)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
	person := func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{"email":"`+address+`"}`) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, fmt.Sprintf("greffe_accesses_total{outcome=\"recorded\"} %d\n", recorded.Load()))
	})
	mux.HandleFunc("GET /v1/right", func(w http.ResponseWriter, r *http.Request) { recorded.Add(1); person(w, r) })
	mux.HandleFunc("GET /v1/unrecorded", person)
	mux.HandleFunc("GET /v1/public", person)
	mux.HandleFunc("GET /v1/panics", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /v1/recovered", func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, `{}`) })
	mux.HandleFunc("GET /v1/hangs", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-released:
		}
	})
	mux.HandleFunc("GET /v1/slow", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{}`) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	defer close(released)

	f := &apiFuzz{t: t, p: &process{t: t, base: srv.URL}, findings: map[string]string{}, people: map[string]bool{address: true}, sent: map[string]int{}, good: map[string]int{},
		known: map[string]string{}, broken: map[string]func(){}, patience: time.Minute, client: &http.Client{Timeout: 500 * time.Millisecond}, tokens: []string{"t"}}
	f.values = &values{rand: rand.New(rand.NewPCG(7, 1)), doc: new(apiDocument), pool: map[string][]string{}, named: map[string]string{}}
	for path, c := range map[string]struct{ access, found string }{
		"/v1/right": {"personal", ""}, "/v1/unrecorded": {"personal", "data of a person without an access"}, "/v1/public": {"none", "data of a person without an access"},
		"/v1/panics": {"none", "broke off"}, "/v1/recovered": {"none", "answered 500"}, "/v1/hangs": {"none", "broke off"}, "/v1/slow": {"none", "took "},
	} {
		f.patience = time.Minute
		if path == "/v1/slow" {
			f.patience = 0
		}
		op := &apiOperation{method: http.MethodGet, path: path, Access: c.access}
		op.Responses = map[string]struct {
			Description string
			Content     apiContent
		}{"200": {}}
		for range 60 { // one in ten looks whether an access was recorded
			if _, seen := f.findings[c.found+": GET "+path]; seen || path == "/v1/hangs" && len(f.findings) > 0 && f.sent["GET "+path] > 0 {
				break
			}
			f.try(op)
		}
		seen := ""
		for what := range f.findings {
			if strings.HasSuffix(what, " "+path) {
				seen += what + "; "
			}
		}
		if (c.found == "") != (seen == "") || !strings.Contains(seen, c.found) {
			t.Errorf("%s: found %q, want %q", path, seen, c.found)
		}
	}
}
