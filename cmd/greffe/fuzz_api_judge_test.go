package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// fuzzBudget is how long requests are made up, and the seed they are made from: the same
// each time, unless it is said otherwise.
func fuzzBudget(t *testing.T) (lasts time.Duration, seed uint64) {
	t.Helper()
	seed = 7
	var err error
	if text := os.Getenv("GREFFE_FUZZ_FOR"); text != "" {
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	if text := os.Getenv("GREFFE_FUZZ_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return lasts, seed
}

// reached demands that most routes answered what they are for, and names the others:
// a fuzzer that only ever sees refusals proves little.
func (f *apiFuzz) reached() {
	f.t.Helper()
	const least = 80 // of a hundred that change something
	total, silent := 0, []string{}
	var all, good struct{ get, other int }
	for _, op := range f.ops {
		name, reads := op.method+" "+op.path, op.method == http.MethodGet
		total += f.sent[name]
		n, ok := &all.other, &good.other
		if reads {
			n, ok = &all.get, &good.get
		}
		*n++
		if f.good[name] > 0 {
			*ok++
		} else {
			silent = append(silent, name)
		}
	}
	f.t.Logf("%d requests; answered 2xx: %d of %d GET, %d of %d others; %d answers with data of people; never: %s",
		total, good.get, all.get, good.other, all.other, f.personal, strings.Join(silent, ", "))
	if 100*good.get < 85*all.get || 100*good.other < least*all.other {
		f.t.Errorf("answered 2xx: %d of %d GET (85 %% are asked for), %d of %d others (%d %%)", good.get, all.get, good.other, all.other, least)
	}
}

// named reports that an answer holds an address of somebody.
func (f *apiFuzz) named(answer []byte) bool {
	return slices.ContainsFunc(strings.FieldsFunc(string(answer), func(c rune) bool { return strings.ContainsRune("\"'<>(),; \n\t\\", c) }),
		func(word string) bool { return f.people[word] })
}

// judge looks at the form of an answer.
func (f *apiFuzz) judge(op *apiOperation, r *http.Request, body string, resp *http.Response, answer []byte) {
	status, media := resp.StatusCode, resp.Header.Get("Content-Type")
	said := fmt.Sprintf("%d %.400s", status, answer)
	announced, known := op.Responses[strconv.Itoa(status)]
	var problem struct{ Code string }
	if status >= 400 && strings.HasPrefix(media, "application/problem+json") {
		if err := json.Unmarshal(answer, &problem, json.MatchCaseInsensitiveNames(true)); err != nil || problem.Code == "" {
			f.found("a problem that is none", op, r, body, said)
		}
	}
	switch {
	case status == http.StatusInternalServerError:
		f.found("answered 500", op, r, body, said)
	case problem.Code == "route_unknown" || problem.Code == "token_missing":
	case !known && !strings.HasPrefix(media, "text/html"):
		f.found(fmt.Sprintf("answered %d %s, which the document does not announce", status, problem.Code), op, r, body, said)
	case problem.Code != "" && !slices.Contains(strings.Split(announced.Description, ", "), problem.Code):
		f.found(fmt.Sprintf("answered the code %s, which the document does not announce", problem.Code), op, r, body, said)
	case status >= 400 && problem.Code == "" && !strings.HasPrefix(media, "text/html"):
		f.found("an error that is no problem", op, r, body, said)
	case status < 300 && media == "application/json" && !jsontext.Value(answer).IsValid():
		f.found("JSON that is none", op, r, body, said)
	}
	if status >= 400 && strings.Contains(strings.ToLower(string(answer)), strings.ToLower(echoed)) && !strings.HasPrefix(media, "text/html") {
		f.found("an error that repeats what was sent", op, r, body, said)
	}
	for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Request-Id", "Cache-Control"} {
		if resp.Header.Get(h) == "" {
			f.found("lacks "+h, op, r, body, said)
		}
	}
	if resp.Header.Get("X-Injected") != "" {
		f.found("a header that was sent in a value", op, r, body, said)
	}
}

// found keeps the first of each kind of finding, with what to send to see it again.
func (f *apiFuzz) found(what string, op *apiOperation, r *http.Request, body, said string) {
	key := what + ": " + op.method + " " + op.path
	if f.findings[key] == "" {
		h := r.Header.Clone()
		h.Del("Authorization")
		f.findings[key] = fmt.Sprintf("%s %s %v %.1200q\n\t→ %s", r.Method, r.URL.RequestURI(), h, body, said)
	}
}

// settle compares what the service counted with what the ledger holds, and reads
// the log of the process: no word of a request stands in it.
func (f *apiFuzz) settle() {
	f.t.Helper()
	counted := f.recorded()
	var facts struct {
		ByType map[string]int `json:"by_type"`
	}
	got := f.p.must(http.StatusOK, http.MethodGet, "/v1/audit/difference/counts?from=0", "", "", "X-Greffe-Reason", "audit:T-9", "Authorization", "Bearer "+f.tokens[0])
	if err := json.Unmarshal(got.body, &facts); err != nil {
		f.t.Fatal(err)
	}
	if held := facts.ByType["access.recorded"]; held < counted {
		f.findings["the ledger holds fewer accesses than were counted"] = fmt.Sprintf("%d of %d", held, counted)
	}
	if f.personal < 20 || counted < f.personal {
		f.findings["too few accesses"] = fmt.Sprintf("%d answers held data of a person, %d accesses were counted", f.personal, counted)
	}
	cut := regexp.MustCompile(`^[^\n]* code=(quota_exceeded|approval_required|stale)\b`) // what may end a stream that began
	for id, finding := range f.broken {
		if _, line, ok := strings.Cut(f.p.said(), "request_id="+id); !ok || !cut.MatchString(line) {
			finding()
		}
	}
	if said := f.p.said(); strings.Contains(said, echoed) {
		at := strings.Index(said, echoed)
		f.findings["the log repeats what was sent"] = said[max(0, at-300):min(len(said), at+100)]
	}
	resp, err := f.client.Get(f.p.base + "/readyz")
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	if said, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		f.findings["not ready any more"] = fmt.Sprintf("%s %s %v", resp.Status, said, err)
	}
}
