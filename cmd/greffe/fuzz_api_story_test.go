package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// chapter is one request of the story: "METHOD PATH" as the document has the path,
// a body, and what to remember of the answer, as NAME or NAME=KEY: the first value of
// that key. {NAME} stands for what is remembered, in path, query and body.
type chapter struct{ route, query, body, keep string }

// tell sends the story: a request to each route that needs what others made, with
// what it asks for. What is remembered is what later requests name most.
func (f *apiFuzz) tell() {
	f.t.Helper()
	for _, c := range f.story() {
		method, path, _ := strings.Cut(c.route, " ")
		op := f.doc.Paths[path][strings.ToLower(method)]
		if op == nil {
			f.t.Errorf("the story names %s, which the document does not have", c.route)
			continue
		}
		f.known["now"] = time.Now().UTC().Format(time.RFC3339Nano)
		r, body := f.chapter(op, c)
		status, answer := f.send(op, r, body)
		if status >= 300 {
			f.t.Logf("story: %s: %d %.700s", c.route, status, answer)
		}
		for _, keep := range strings.Fields(c.keep) {
			name, key, ok := strings.Cut(keep, "=")
			if !ok {
				key = name
			}
			if m := regexp.MustCompile(`"` + key + `":"?([^",}]+)`).FindSubmatch(answer); m != nil && status < 300 {
				f.known[name] = string(m[1])
			}
		}
		f.remember(path)
	}
	for _, op := range f.ops { // lists, as they are without a question
		if op.method == http.MethodGet && !strings.Contains(op.path, "{") && f.good["GET "+op.path] == 0 {
			r, body := f.chapter(op, chapter{})
			f.send(op, r, body)
		}
	}
}

// placeholder is a name in braces.
var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// fill puts in what is remembered; other braces stay.
func (f *apiFuzz) fill(text string, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		if v, ok := f.known[s[1:len(s)-1]]; ok {
			return escape(v)
		}
		return s
	})
}

func (f *apiFuzz) chapter(op *apiOperation, c chapter) (*http.Request, string) {
	f.t.Helper()
	path, plain := op.path, func(s string) string { return s }
	query, pairs, _ := strings.Cut(c.query, " ") // "QUERY NAME:VALUE…", the latter for the path
	for _, pair := range strings.Fields(pairs) {
		name, value, _ := strings.Cut(pair, ":")
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(f.fill(value, plain)))
	}
	path = f.fill(path, url.PathEscape)
	if query != "" {
		path += "?" + f.fill(query, url.QueryEscape)
	}
	body := f.fill(c.body, plain)
	r, err := http.NewRequest(op.method, f.p.base+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatalf("%s: %v", c.route, err)
	}
	r.Header.Set("Authorization", "Bearer "+f.tokens[0])
	r.Header.Set("X-Greffe-Reason", "audit:T-1")
	if body != "" {
		r.Header.Set("Content-Type", mediaFor(body))
	}
	return r, body
}

func mediaFor(body string) string {
	switch {
	case strings.HasPrefix(body, `{"specversion"`):
		return "application/cloudevents+json"
	case strings.HasPrefix(body, "{"), strings.HasPrefix(body, "["):
		if strings.HasPrefix(body, `[{"specversion"`) {
			return "application/cloudevents-batch+json"
		}
		return "application/json"
	case strings.HasPrefix(body, "version:"), strings.HasPrefix(body, "#"):
		return "application/yaml"
	case strings.Contains(body, ";"), strings.HasPrefix(body, "right,"):
		return "text/csv"
	}
	return "text/plain"
}

// remember gives what is known of a desk to the requests that are made up.
func (f *apiFuzz) remember(path string) {
	for _, name := range placeholder.FindAllStringSubmatch(path, -1) {
		if v, ok := f.known[name[1]]; ok {
			f.values.named[path+" "+name[1]] = v
		}
	}
}

func happened(kind, id, subject, data string) string {
	return fmt.Sprintf(`[{"specversion":"1.0","id":%q,"source":"crm/eu","type":%q,"subject":%q,"time":"2026-03-02T09:14:07Z","data":%s}]`, id, kind, subject, data)
}

func day(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339) }
