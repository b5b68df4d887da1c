package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/proof"
)

// badInput is one thing a client can do wrong. Where %s stands in body, path or
// headers, a marker is put that stands nowhere else.
type badInput struct {
	name, method, path, media, body string
	headers                         []string
	status                          int
	code                            string
	// result is the status of the single event; "" when the request as a whole
	// is refused.
	result string
	// due are the facts that the ledger owes to this input, as promised:
	// quarantine is never silent, no read is without a trace.
	due []event.Type
}

var quarantined = []event.Type{event.IngestQuarantined}

// anEvent is a right event with one thing replaced.
func anEvent(pairs ...string) string {
	e := strings.NewReplacer(pairs...).Replace(`{"specversion":"1.0","id":"bad-ID","source":"crm/eu","type":"contact.changed","subject":"C-known",` +
		`"time":"2026-03-02T09:14:07Z","data":{"set":{"notes":"%s"}}}`)
	return e
}

func wrongEvent(name, code, body string) badInput {
	return badInput{name: name, method: http.MethodPost, path: "/v1/events", media: batchType,
		body:   "[" + strings.Replace(body, "bad-ID", "bad-"+strings.ReplaceAll(name, " ", "-"), 1) + "]",
		status: 200, code: code, result: "quarantined", due: quarantined}
}

func badEvents() []badInput {
	all := []badInput{
		wrongEvent("future specversion", "specversion_unsupported", anEvent(`"1.0"`, `"9.%s"`)),
		wrongEvent("unknown type", "type_unknown", anEvent("contact.changed", "contact.%s")),
		wrongEvent("reserved type", "type_reserved", anEvent("contact.changed", "policy.published")),
		wrongEvent("no type", "type_missing", anEvent(`"type":"contact.changed",`, "")),
		wrongEvent("no subject", "subject_missing", anEvent(`"subject":"C-known",`, "")),
		wrongEvent("no source", "source_missing", anEvent(`"source":"crm/eu",`, "")),
		wrongEvent("no id", "id_missing", anEvent(`"id":"bad-ID",`, "")),
		wrongEvent("no time", "time_missing", anEvent(`"time":"2026-03-02T09:14:07Z",`, "")),
		wrongEvent("clock years ahead", "time_ahead", anEvent("2026-03-02", "2126-03-02")),
		wrongEvent("year 1", "time_invalid", anEvent("2026-03-02", "0001-01-01")),
		wrongEvent("time in words", "time_invalid", anEvent("2026-03-02T09:14:07Z", "hier %s")),
		wrongEvent("bad UTF-8", "utf8_invalid", anEvent("%s", "%s\xff")),
		wrongEvent("nested 40 deep", "json_too_deep", anEvent(`"%s"`, strings.Repeat("[", 40)+`"%s"`+strings.Repeat("]", 40))),
		wrongEvent("a name twice", "json_invalid", anEvent(`"set"`, `"set":{"notes":"%s"},"set"`)),
		wrongEvent("no object", "not_an_object", `"%s"`),
		wrongEvent("300 KiB", "event_too_large", anEvent("%s", "%s"+strings.Repeat("x", 300<<10))),
		wrongEvent("unknown purpose", "purpose_unknown", anEvent("contact.changed", "consent.granted", `"set":{"notes":"%s"}`, `"purpose":"%s","channels":["email"]`)),
		wrongEvent("unknown controller", "controller_unknown", anEvent(`"data"`, `"controller":"%s","data"`)),
	}
	conflict := wrongEvent("", "id_conflict", anEvent("bad-ID", "good-1"))
	conflict.name, conflict.result, conflict.due = "other body under the same id", "conflict", nil
	return append(all, conflict)
}

func badRequests(t testing.TB, k keys) []badInput {
	post, get := http.MethodPost, http.MethodGet
	events := func(name, body string, status int, code string, headers ...string) badInput {
		return badInput{name: name, method: post, path: "/v1/events", media: batchType, body: body, headers: headers, status: status, code: code}
	}
	read := func(name, path string, status int, code string, headers ...string) badInput {
		return badInput{name: name, method: get, path: path, headers: headers, status: status, code: code}
	}
	person, why := "/v1/subjects/"+k.subject, []string{"X-Greffe-Reason", "audit"}
	search := badInput{name: "bad UTF-8 in a search", method: post, path: "/v1/subjects/search", media: "application/json",
		body: "{\"name\":\"%s\xff\"}", headers: why, status: 400, code: "utf8_invalid"}
	media := events("wrong media type", "%s", 415, "media_type_unsupported")
	media.media = "text/plain"
	bearer := func(s string) []string { return []string{"Authorization", s, "X-Greffe-Reason", "audit"} }
	return []badInput{
		events("no JSON", `[{"id":"%s`, 400, "json_invalid"),
		events("JSON and more", `[] "%s"`, 400, "json_invalid"),
		events("nothing", "", 400, "body_missing"),
		events("20 MiB", `["%s`+strings.Repeat("x", 20<<20)+`"]`, 413, "body_too_large"),
		events("depth 10,000", strings.Repeat("[", 10_000)+`"%s"`+strings.Repeat("]", 10_000), 400, "json_too_deep"),
		events("10,001 events", "["+strings.Repeat(`{"x":1},`, 10_000)+`"%s"]`, 413, "too_many_events"),
		events("gzip bomb", zipped(t, `["`+strings.Repeat("x", 200<<20)+`"]`), 413, "body_too_large", "Content-Encoding", "gzip"),
		events("not gzip", "%s%s", 400, "encoding_invalid", "Content-Encoding", "gzip"),
		events("unknown encoding", "%s", 415, "encoding_unsupported", "Content-Encoding", "br"),
		media, search,
		events("wrong token", "[]", 401, "token_invalid", bearer("Bearer %s-of-nobody")...),
		events("malformed token", "[]", 401, "token_missing", bearer("%s")...),
		events("no token", "[]", 401, "token_missing", bearer("")...),
		events("revoked token", "[]", 401, "token_revoked", bearer("Bearer "+k.revoked)...),
		events("expired token", "[]", 401, "token_expired", bearer("Bearer "+k.expired)...),
		events("under-privileged token", "["+anEvent()+"]", 403, "permission_missing", bearer("Bearer "+k.agent)...),
		events("another's source", "["+anEvent()+"]", 403, "source_forbidden", bearer("Bearer "+k.service)...),
		read("missing reason", person, 400, "reason_missing"),
		read("unknown reason", person, 400, "reason_unknown", "X-Greffe-Reason", "%s"),
		read("another role's reason", person, 403, "reason_forbidden", "X-Greffe-Reason", "audit", "Authorization", "Bearer "+k.agent),
		read("reason without its ticket", person, 400, "ticket_missing", "X-Greffe-Reason", "support_ticket"),
		read("unknown route", "/v1/%s", 404, "route_unknown"),
		{name: "wrong method", method: http.MethodPut, path: "/v1/events", body: "%s", status: 405, code: "method_not_allowed"},
		tracing(read("cursor made up", person+"/history?cursor=%s", 400, "cursor_invalid", why...)),
		tracing(read("cursor altered", person+"/history?cursor="+altered(k.cursor), 400, "cursor_invalid", why...)),
		read("cursor of an audit made up", "/v1/audit/events?cursor=%s", 400, "cursor_invalid", why...),
		read("bad as_of", person+"?as_of=%s", 400, "parameter_invalid", why...),
		read("bad known_at", person+"?known_at=-%s", 400, "parameter_invalid", why...),
		read("unknown parameter", person+"?%s=1", 400, "parameter_unknown", why...),
		read("bad uuid", "/v1/subjects/%s", 404, "not_found", why...),
		read("uuid of nobody", "/v1/subjects/01234567-89ab-8cde-8f01-23456789abcd", 404, "not_found", why...),
		{name: "policy that is none", method: post, path: "/v1/policy", media: "application/yaml", body: "name: %s\n", status: 422, code: "policy_invalid"},
	}
}

// tracing is a read whose access is recorded before the rest of it is looked at.
func tracing(b badInput) badInput {
	b.due = []event.Type{event.AccessRecorded}
	return b
}

func altered(cursor string) string {
	i, by := len(cursor)/2, "A"
	if cursor[i] == 'A' {
		by = "B"
	}
	return cursor[:i] + by + cursor[i+1:]
}

func zipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// keys are what the bad inputs need to be wrong in one thing only.
type keys struct{ revoked, expired, agent, service, subject, cursor string }

// TestBadInputs puts every bad input to a running service. Each is answered with
// its own code and a sentence that helps, nothing of it comes back or goes into
// the log, and the ledger is as it was: the facts before keep their tree head,
// and what came after is what was due, no more and no less.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	k := prepareKeys(t, dir)
	before := verified(t, dir)
	p := serve(t, dir, "--log", "debug")
	waitExpired(p, k.expired)
	var due []event.Type
	for i, b := range append(badEvents(), badRequests(t, k)...) {
		p.tryBad(b, fmt.Sprintf("zqbad%04dxylo", i))
		due = append(due, b.due...)
	}
	p.stop()
	for _, secret := range []string{testToken, k.agent, k.service, k.expired, k.revoked, "zqbad"} {
		if said := p.said(); strings.Contains(said, secret) {
			t.Errorf("the log holds an input or a token:\n%s", said)
		}
	}
	if n := strings.Count(p.said(), "msg=request"); n < 50 {
		t.Errorf("only %d requests were logged: the search proves nothing", n)
	}
	root, after := factsAfter(t, dir, "data", before.Facts)
	if !slices.Contains(after, event.AccessDenied) {
		t.Error("nobody was told to have been refused")
	}
	besides := len(after)
	after = slices.DeleteFunc(after, func(typ event.Type) bool { // what the watch and the hour of the day say of the callers
		return typ == event.AccessDenied || typ == event.WatchAlerted || typ == event.AccountTokenUsed
	})
	besides -= len(after)
	if root != before.Root {
		t.Errorf("the tree head over the first %d facts was %s and is %s", before.Facts, before.Root, root)
	}
	if !slices.Equal(after, due) {
		t.Errorf("the ledger took these facts:\n%v\ndue were:\n%v", after, due)
	}
	if now := verified(t, dir); now.Facts != before.Facts+int64(len(due)+besides) {
		t.Errorf("verify counts %d facts, want %d", now.Facts, before.Facts+int64(len(due)+besides))
	}
}

// tryBad sends one bad input and looks at the answer.
func (p *process) tryBad(b badInput, marker string) {
	p.t.Helper()
	mark := func(s string) string { return strings.ReplaceAll(s, "%s", marker) }
	headers := make([]string, len(b.headers))
	for i := range headers {
		headers[i] = mark(b.headers[i])
	}
	a, err := p.call(b.method, mark(b.path), b.media, mark(b.body), headers...)
	if err != nil {
		p.t.Errorf("%s: %v", b.name, err)
		return
	}
	var said struct {
		Code    string `json:"code"`
		Detail  string `json:"detail"`
		Results []struct {
			Status string `json:"status"`
			Error  struct {
				Code    string `json:"code"`
				Message string `json:"message"`
			} `json:"error"`
		} `json:"results"`
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		p.t.Errorf("%s: the answer is not JSON: %.200s", b.name, a.body)
		return
	}
	code, sentence, result := said.Code, said.Detail, ""
	if len(said.Results) == 1 {
		code, sentence, result = said.Results[0].Error.Code, said.Results[0].Error.Message, said.Results[0].Status
	}
	if a.status != b.status || code != b.code || result != b.result {
		p.t.Errorf("%s: %d %s %s, want %d %s %s\n%.300s", b.name, a.status, code, result, b.status, b.code, b.result, a.body)
	}
	if len(sentence) <= 20 || !strings.Contains(sentence, " ") {
		p.t.Errorf("%s: %q helps nobody", b.name, sentence)
	}
	if strings.Contains(string(a.body), marker) || strings.Contains(fmt.Sprint(a.header), marker) {
		p.t.Errorf("%s: the answer repeats the input: %.300s", b.name, a.body)
	}
}

// prepareKeys fills a ledger with one person and the tokens that are refused.
func prepareKeys(t *testing.T, dir string) (k keys) {
	t.Helper()
	p := serve(t, dir)
	r, ok, err := p.events(strings.Replace(anEvent("bad-ID", "good-1"), "%s", "rien", 1), contactEvent("other"))
	if err != nil || !ok {
		t.Fatal(err)
	}
	k.subject = r.Results[0].SubjectID
	p.must(200, http.MethodPost, "/v1/events", batchType, "["+anEvent("bad-ID", "good-2")+"]", "Prefer", "wait=projected")
	var page struct {
		Next string `json:"next"`
	}
	a := p.must(200, http.MethodGet, "/v1/subjects/"+k.subject+"/history?limit=1", "", "", "X-Greffe-Reason", "audit")
	if err := json.Unmarshal(a.body, &page); err != nil || page.Next == "" {
		t.Fatalf("no second page: %v %s", err, a.body)
	}
	k.cursor = page.Next
	make := func(body string) (id, text string) {
		var made struct {
			ID    string `json:"id"`
			Token string `json:"token"`
		}
		a := p.must(201, http.MethodPost, "/v1/tokens", "application/json", body)
		if err := json.Unmarshal(a.body, &made); err != nil || made.Token == "" {
			t.Fatalf("token: %v %s", err, a.body)
		}
		return made.ID, made.Token
	}
	_, k.agent = make(`{"label":"agent","roles":["agent"]}`)
	_, k.service = make(`{"label":"service","roles":["service"],"sources":["shop/web"]}`)
	soon := time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)
	_, k.expired = make(`{"label":"soon","roles":["agent"],"expires_at":"` + soon + `"}`)
	id, text := make(`{"label":"gone","roles":["agent"]}`)
	p.must(204, http.MethodDelete, "/v1/tokens/"+id, "", "")
	k.revoked = text
	p.stop()
	return k
}

// waitExpired asks a route that records nothing until a token is over.
func waitExpired(p *process, token string) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		a, err := p.call(http.MethodPost, "/v1/events", batchType, "[]", "Authorization", "Bearer "+token)
		if err != nil || time.Now().After(deadline) {
			p.t.Fatalf("the token does not expire: %v %s", err, a.body)
		}
		if a.status == http.StatusUnauthorized {
			return
		}
	}
}

type verdictOf struct {
	Facts int64  `json:"facts"`
	Root  string `json:"root"`
}

// verified is what greffe verify says of an intact ledger.
func verified(t testing.TB, dir string) verdictOf {
	t.Helper()
	out, errs, code := greffe(t, dir, "verify", "--data", filepath.Join(dir, "data"), "--json")
	var v struct {
		Verdict string    `json:"verdict"`
		Summary verdictOf `json:"summary"`
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 || v.Verdict != "intact" || v.Summary.Facts == 0 {
		t.Fatalf("verify ended with %d (%v):\n%s%s", code, err, out, errs)
	}
	return v.Summary
}

// factsAfter reads a log that no process has open: the tree head over its first
// n facts, and the types of the others.
func factsAfter(t testing.TB, dir, data string, n int64) (root string, types []event.Type) {
	t.Helper()
	log := openLog(t, dir, data)
	defer log.Close()
	head, err := log.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var tree proof.Frontier
	err = log.Read(context.Background(), 0, head, func(p domain.Position, b []byte) error {
		if int64(p) < n {
			tree.Add(proof.LeafHash(b))
			return nil
		}
		f, err := event.DecodeFact(b)
		if err == nil {
			types = append(types, f.Type)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree.Root().String(), types
}
