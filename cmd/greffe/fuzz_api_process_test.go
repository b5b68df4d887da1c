package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
)

// fuzzTokens share the requests, so that the rate of one does not end them.
const fuzzTokens = 24

// apiFuzz sends what the API's own document describes, and what it does not, to a
// real service that holds sample data.
type apiFuzz struct {
	*values
	t        *testing.T
	p        *process
	client   *http.Client
	ops      []*apiOperation
	tokens   []string
	roles    []string
	people   map[string]bool // e-mails and phones of the sample data
	findings map[string]string
	sent     map[string]int    // by operation
	good     map[string]int    // of them answered 2xx
	given    []*http.Cookie    // by the last answer
	personal int               // answers with data of people
	known    map[string]string // what the story remembers
	broken   map[string]func() // by request: the finding, unless the log has a reason
	patience time.Duration     // for one answer
	policy   []byte
}

// TestFuzzAPI: whatever is sent to whichever route, no answer is a 500, none takes
// more than its time, each is one that the document announces, none repeats in an
// error what was sent, and none holds data of a person without an access fact.
// First a story is told that reaches each desk as its users do; then every route gets
// the same number of made-up requests, three and as many as GREFFE_FUZZ_FOR has time for,
// of GREFFE_FUZZ_SEED.
func TestFuzzAPI(t *testing.T) {
	t.Parallel()
	lasts, seed := fuzzBudget(t)
	t.Logf("GREFFE_FUZZ_SEED=%d", seed)
	f := newAPIFuzz(t, seed)
	const looks = "GET /v1/subjects/{id}"
	for _, id := range f.persons[:80] { // the night's run may erase one meanwhile, and some have no address
		if f.personal < 25 || f.good[looks] < 20 {
			f.look(id)
		}
	}
	if n := f.good[looks]; n < 20 {
		t.Fatalf("%d of 20 persons could be read", n)
	}
	f.people["ana@example.org"] = true // of the story
	f.tell()
	f.visit()
	began, rounds := time.Now(), 0
	for ; (rounds < 3 || time.Since(began) < lasts) && len(f.findings) < 60; rounds++ {
		for _, op := range f.ops {
			f.try(op)
		}
	}
	t.Logf("%d requests to each route in %v", rounds, time.Since(began).Round(time.Second))
	f.settle()
	for _, what := range slices.Sorted(maps.Keys(f.findings)) {
		t.Errorf("%s\n\t%s", what, f.findings[what])
	}
	f.reached()
	if len(f.findings) > 0 {
		for line := range strings.Lines(f.p.said()) {
			if strings.Contains(line, "level=ERROR") {
				t.Logf("%.1500s", line)
			}
		}
	}
}

func newAPIFuzz(t *testing.T, seed uint64) *apiFuzz {
	t.Helper()
	f := &apiFuzz{t: t, findings: map[string]string{}, people: map[string]bool{}, sent: map[string]int{}, good: map[string]int{}, broken: map[string]func(){}, patience: 45 * time.Second, known: map[string]string{"now": day(0), "later": day(40)},
		client: &http.Client{Timeout: 75 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	f.values = &values{rand: rand.New(rand.NewPCG(seed, 1)), doc: new(apiDocument), pool: map[string][]string{}, named: map[string]string{}, events: sampleLines(t, 1500)}
	dir := workDir(t)
	f.p = serve(t, dir, "--disk-limit", "0", "--rights-form", "--backup-dir", filepath.Join(dir, "backups"), "--rate-search", "2000")
	taken := f.p.must(http.StatusOK, http.MethodPost, "/v1/events", "application/x-ndjson", strings.Join(f.events, "\n")).body
	for _, m := range regexp.MustCompile(`"subject_id":"([^"]+)"`).FindAllSubmatch(taken, -1) {
		f.persons = append(f.persons, string(m[1]))
	}
	address := regexp.MustCompile(`"((?:[^"@ ]+@[^"@ ]+)|\+[0-9]{9,14})"`)
	for _, line := range f.events {
		for _, m := range address.FindAllStringSubmatch(line, -1) {
			f.people[m[1]] = true
		}
	}
	f.read()
	for range fuzzTokens {
		f.tokens = append(f.tokens, f.token())
	}
	return f
}

// sampleLines are the first lines of the sample events.
func sampleLines(t *testing.T, n int) []string {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "deploy", "samples", "events.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for len(out) < n && lines.Scan() {
		out = append(out, lines.Text())
	}
	return out
}

// read takes the routes from the document and the roles from the policy.
func (f *apiFuzz) read() {
	f.t.Helper()
	raw := f.p.must(http.StatusOK, http.MethodGet, "/openapi.json", "", "").body
	if err := json.Unmarshal(raw, f.doc, json.MatchCaseInsensitiveNames(true)); err != nil {
		f.t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(f.doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(f.doc.Paths[path])) {
			op := f.doc.Paths[path][method]
			op.method, op.path = strings.ToUpper(method), path
			f.ops = append(f.ops, op)
		}
	}
	if len(f.ops) < 150 {
		f.t.Fatalf("only %d routes in the document", len(f.ops))
	}
	var rules struct {
		Roles []struct{ Code string } `yaml:"roles"`
	}
	f.policy = f.p.must(http.StatusOK, http.MethodGet, "/v1/policy", "", "").body
	if err := yaml.Unmarshal(f.policy, &rules); err != nil {
		f.t.Fatal(err)
	}
	for _, r := range rules.Roles {
		f.roles = append(f.roles, r.Code)
	}
	if len(f.roles) < 4 {
		f.t.Fatalf("only the roles %v in the policy", f.roles)
	}
}

func (f *apiFuzz) token() string {
	f.t.Helper()
	body, err := json.Marshal(map[string]any{"label": "fuzz", "roles": f.roles, "act_for": true})
	if err != nil {
		f.t.Fatal(err)
	}
	var made struct {
		Token   string
		Account string `json:"account_id"`
	}
	got := f.p.must(http.StatusCreated, http.MethodPost, "/v1/tokens", "application/json", string(body))
	if err := json.Unmarshal(got.body, &made, json.MatchCaseInsensitiveNames(true)); err != nil || made.Token == "" {
		f.t.Fatalf("a token: %v", err)
	}
	f.known["account"] = made.Account
	return made.Token
}

// recorded is how many accesses the service says it recorded.
func (f *apiFuzz) recorded() int {
	f.t.Helper()
	b := string(f.p.must(http.StatusOK, http.MethodGet, "/metrics", "", "").body)
	_, text, _ := strings.Cut(b, `greffe_accesses_total{outcome="recorded"} `)
	text, _, _ = strings.Cut(text, "\n")
	n, _ := strconv.ParseFloat(text, 64)
	return int(n)
}

// request makes one request of an operation.
func (f *apiFuzz) request(op *apiOperation) (*http.Request, string) {
	f.calm = f.chance(60)
	path, query := op.path, url.Values{}
	headers := http.Header{}
	for _, p := range op.Parameters {
		switch p.In {
		case "path":
			text := f.text(op.path, p.Name, p.Description, p.Schema.Format)
			if known, ok := f.values.named[op.path+" "+p.Name]; ok && f.calm && f.chance(60) {
				text = known
			} else if strings.Contains(p.Name, "id") && f.chance(85) {
				text = f.id(op.path)
			}
			if text == "" || text == "." || text == ".." {
				text = "x"
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(text))
		case "query":
			if p.Required || f.chance(35) {
				query.Set(p.Name, fmt.Sprint(f.of(op.path, p.Name, &apiSchema{Type: p.Schema.Type, Format: p.Schema.Format, Enum: p.Schema.Enum, Description: p.Description, Ref: p.Schema.Ref, Items: p.Schema.Items}, 0)))
			}
		case "header":
			f.header(headers, p.Name)
		}
	}
	if f.odd(3) {
		query.Set(echoed, echoed)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	body := ""
	if op.Body != nil {
		media := f.one(slices.Sorted(maps.Keys(op.Body.Content)))
		body = f.body(op, media)
		headers.Set("Content-Type", media)
		if f.odd(2) {
			headers.Set("Content-Type", f.one([]string{"text/plain", "application/xml", "application/json; charset=utf-16", ";", "multipart/form-data"}))
		}
		if f.odd(2) {
			headers.Set("Content-Encoding", f.one([]string{"gzip", "br", "identity"}))
		}
	}
	if f.odd(20) {
		headers.Set("Accept", f.one([]string{"application/x-ndjson", "text/html", "text/csv", "*/*", "application/pdf", "application/ld+json"}))
	}
	r, err := http.NewRequest(op.method, f.p.base+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatalf("%s %s: %v", op.method, path, err)
	}
	r.Header = headers
	if f.chance(97) {
		r.Header.Set("Authorization", "Bearer "+f.one(f.tokens))
	}
	return r, body
}

// look reads one person as the document says.
func (f *apiFuzz) look(id string) {
	f.t.Helper()
	r, err := http.NewRequest(http.MethodGet, f.p.base+"/v1/subjects/"+id, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.tokens[0])
	r.Header.Set("X-Greffe-Reason", "audit:T-1")
	for range 5 { // a 503 waited for the read models, and says that it may be tried again
		if status, answer := f.send(f.doc.Paths["/v1/subjects/{id}"]["get"], r, ""); status != http.StatusServiceUnavailable {
			if status != http.StatusOK {
				f.t.Logf("%s: %d %.300s", id, status, answer)
			}
			return
		}
	}
}

func (f *apiFuzz) header(h http.Header, name string) {
	switch name {
	case "X-Greffe-Reason":
		if f.chance(93) {
			h.Set(name, f.one([]string{"maintenance:T-1", "audit:T-2", "rights_request:T-3", "customer_call:T-4"}))
		}
	case "Authorization", "Prefer", "X-Greffe-Min-Position", "X-Greffe-Actor", "Idempotency-Key", "If-Match":
		if f.odd(5) {
			h.Set(name, f.one([]string{"0", "1", echoed, "wait=1", "wait=projected", "-1", "\"1\"", strings.Repeat("k", 200)}))
		}
	}
}

// try sends one request and looks at the answer.
func (f *apiFuzz) try(op *apiOperation) {
	f.t.Helper()
	r, body := f.request(op)
	f.send(op, r, body)
}

func (f *apiFuzz) send(op *apiOperation, r *http.Request, body string) (status int, answer []byte) {
	f.t.Helper()
	name := op.method + " " + op.path
	f.sent[name]++
	before, sampled := 0, f.chance(10)
	if sampled {
		before = f.recorded()
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 70*time.Second)
	defer cancel()
	resp, err := f.client.Do(r.WithContext(ctx))
	if err != nil {
		if strings.Contains(err.Error(), "invalid header") || errors.Is(err, http.ErrUseLastResponse) {
			return 0, nil
		}
		f.found("broke off", op, r, body, err.Error())
		return 0, nil
	}
	defer resp.Body.Close()
	f.given = resp.Cookies()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	switch took := time.Since(began); {
	case err != nil:
		f.broken[resp.Header.Get("X-Request-Id")] = func() {
			f.found("broke off inside", op, r, body, fmt.Sprintf("%d after %d bytes: %v", resp.StatusCode, len(answer), err))
		}
	case took > f.patience:
		f.found("took "+took.Round(10*time.Second).String(), op, r, body, "")
	}
	if resp.StatusCode < 300 {
		f.good[name]++
		f.learn(op.path, answer)
	}
	f.judge(op, r, body, resp, answer)
	if f.named(answer) {
		f.personal++
		if op.Access != "personal" || sampled && f.recorded() <= before {
			f.found("data of a person without an access", op, r, body, fmt.Sprintf("%d %.300s", resp.StatusCode, answer))
		}
	}
	return resp.StatusCode, answer
}
