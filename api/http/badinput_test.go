package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
)

type bad struct {
	name, method, path, body string
	headers                  []string
	status                   int
	code                     string
}

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(s))
	must(t, err)
	must(t, z.Close())
	return b.String()
}

const m = marker

func badBodies(t *testing.T) []bad {
	search, events, policy := "/v1/subjects/search", "/v1/events", "/v1/policy"
	why := []string{"X-Greffe-Reason", "audit"}
	post := http.MethodPost
	return []bad{
		{"no body", post, events, "", nil, 400, "body_missing"},
		{"not JSON", post, events, `{"id":"` + m, nil, 400, "json_invalid"},
		{"JSON and more", post, events, `{} "` + m + `"`, nil, 400, "json_invalid"},
		{"a batch that is no list", post, events, `{"id":"` + m + `"}`, []string{"Content-Type", mediaBatch}, 400, "json_invalid"},
		{"a list as one event", post, events, `[]`, []string{"Content-Type", mediaEvent}, 400, "json_invalid"},
		{"depth 10,000", post, events, strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000), nil, 400, "json_too_deep"},
		{"20 MiB", post, events, `["` + strings.Repeat("x", 20<<20) + `"]`, nil, 413, "body_too_large"},
		{"20 MiB under gzip", post, events, gzipped(t, `["`+strings.Repeat("x", 20<<20)+`"]`), []string{"Content-Encoding", "gzip"}, 413, "body_too_large"},
		{"10,001 events", post, events, "[" + strings.Repeat(`{},`, 10_000) + "{}]", nil, 413, "too_many_events"},
		{"other media type", post, events, m, []string{"Content-Type", "text/plain"}, 415, "media_type_unsupported"},
		{"other charset", post, events, m, []string{"Content-Type", "application/json; charset=latin1"}, 415, "media_type_unsupported"},
		{"other encoding", post, events, m, []string{"Content-Encoding", "br"}, 415, "encoding_unsupported"},
		{"not gzip", post, events, m + m + m, []string{"Content-Encoding", "gzip"}, 400, "encoding_invalid"},
		{"gzip cut short", post, events, gzipped(t, cloudEvent("a", "b"))[:40], []string{"Content-Encoding", "gzip"}, 400, "encoding_invalid"},
		{"search: bad UTF-8", post, search, `{"email":"` + m + "\xff\"}", why, 400, "utf8_invalid"},
		{"search: depth 40", post, search, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat(`}`, 40), why, 400, "json_too_deep"},
		{"search: not JSON", post, search, `{"email":` + m, why, 400, "json_invalid"},
		{"search: twice the same name", post, search, `{"email":"a@b.fr","email":"` + m + `"}`, why, 400, "json_invalid"},
		{"search: unknown field", post, search, `{"` + m + `":1}`, why, 400, "field_unknown"},
		{"search: wrong type", post, search, `{"email":{"` + m + `":1}}`, why, 400, "field_invalid"},
		{"search: nothing", post, search, `{}`, why, 400, "field_required"},
		{"search: two at once", post, search, `{"email":"` + m + `","name":"` + m + `"}`, why, 400, "field_required"},
		{"search: long", post, search, `{"email":"` + strings.Repeat(m, 60) + `"}`, why, 400, "field_invalid"},
		{"search: half an external id", post, search, `{"external_id":{"source":"` + m + `"}}`, why, 400, "field_invalid"},
		{"search: 17 KiB", post, search, `{"email":"` + strings.Repeat("x", 17<<10) + `"}`, why, 413, "body_too_large"},
		{"search: limit", post, search, `{"email":"a@b.fr","limit":1001}`, why, 400, "parameter_invalid"},
		{"search: cursor", post, search, `{"email":"a@b.fr","cursor":"` + m + `"}`, why, 400, "cursor_invalid"},
		{"policy: no policy", post, policy, "name: " + m + "\n", []string{"Content-Type", mediaYAML}, 422, "policy_invalid"},
		{"policy: as JSON", post, policy, "{}", nil, 415, "media_type_unsupported"},
		{"policy: read before another's", post, policy, "a: b", []string{"Content-Type", mediaYAML, "If-Match", `"` + m + `"`}, 412, "precondition_failed"},
		{"token: no label", post, "/v1/tokens", `{"roles":["agent"]}`, nil, 400, "field_required"},
		{"token: no role", post, "/v1/tokens", `{"label":"` + m + `"}`, nil, 400, "field_required"},
		{"token: unknown role", post, "/v1/tokens", `{"label":"x","roles":["` + m + `"]}`, nil, 400, "field_invalid"},
		{"token: past expiry", post, "/v1/tokens", `{"label":"x","roles":["agent"],"expires_at":"2020-01-01T00:00:00Z"}`, nil, 400, "field_invalid"},
		{"token: bad id", post, "/v1/tokens", `{"account_id":"` + m + `"}`, nil, 400, "field_invalid"},
		{"token: default that needs a ticket", post, "/v1/tokens", `{"label":"x","roles":["admin"],"default_reason":"maintenance"}`, nil, 400, "field_invalid"},
		{"repair: bad JSON", post, "/v1/quarantine/" + itemHeld.String() + "/repair", `{"` + m, nil, 400, "json_invalid"},
	}
}

func badPlaces() []bad {
	get, one, id := http.MethodGet, "/v1/subjects/"+person.String(), domain.ID{9, 6: 0x80, 8: 0x80}.String()
	why := []string{"X-Greffe-Reason", "audit"}
	with := func(more ...string) []string { return append(append([]string{}, why...), more...) }
	return []bad{
		{"no route", get, "/v1/" + m, "", nil, 404, "route_unknown"},
		{"no method", http.MethodPut, "/v1/events", "", nil, 405, "method_not_allowed"},
		{"no person", get, "/v1/subjects/" + id, "", why, 404, "not_found"},
		{"no id", get, "/v1/subjects/" + m, "", why, 404, "not_found"},
		{"no event", get, "/v1/events/" + id, "", why, 404, "not_found"},
		{"no item", get, "/v1/quarantine/" + id, "", why, 404, "not_found"},
		{"no item to repair", http.MethodPost, "/v1/quarantine/" + id + "/repair", "{}", nil, 404, "not_found"},
		{"no token to revoke", http.MethodDelete, "/v1/tokens/" + id, "", nil, 404, "not_found"},
		{"as_of", get, one + "?as_of=" + m, "", why, 400, "parameter_invalid"},
		{"known_at", get, one + "?known_at=" + m, "", why, 400, "parameter_invalid"},
		{"twice", get, one + "?known_at=1&known_at=2", "", why, 400, "parameter_invalid"},
		{"unknown parameter", get, one + "?" + m + "=1", "", why, 400, "parameter_unknown"},
		{"limit", get, one + "/history?limit=-1", "", why, 400, "parameter_invalid"},
		{"limit no number", get, one + "/history?limit=" + m, "", why, 400, "parameter_invalid"},
		{"cursor", get, one + "/history?cursor=" + m, "", why, 400, "cursor_invalid"},
		{"audit cursor", get, "/v1/audit/events?cursor=" + m, "", why, 400, "cursor_invalid"},
		{"audit span", get, "/v1/audit/events?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "", why, 400, "parameter_invalid"},
		{"token cursor", get, "/v1/tokens?cursor=" + m, "", with("X-Greffe-Reason", "audit"), 400, "cursor_invalid"},
		{"export format", get, one + "/export?format=" + m, "", why, 400, "parameter_invalid"},
		{"export article", get, one + "/export?article=17", "", why, 400, "parameter_invalid"},
		{"no reason", get, one, "", nil, 400, "reason_missing"},
		{"unknown reason", get, one, "", []string{"X-Greffe-Reason", m}, 400, "reason_unknown"},
		{"no ticket", get, one, "", []string{"X-Greffe-Reason", "support_ticket"}, 400, "ticket_missing"},
		{"long ticket", get, one, "", []string{"X-Greffe-Reason", "audit:" + strings.Repeat(m, 30)}, 400, "header_invalid"},
		{"min position", get, one, "", with("X-Greffe-Min-Position", m), 400, "header_invalid"},
		{"min position ahead", get, one, "", with("X-Greffe-Min-Position", "4000"), 503, "stale"},
		{"long idempotency key", http.MethodPost, "/v1/tokens", "{}", []string{"Idempotency-Key", strings.Repeat(m, 20)}, 400, "header_invalid"},
		{"no token", get, one, "", []string{"Authorization", ""}, 401, "token_missing"},
		{"other scheme", get, one, "", []string{"Authorization", "Basic " + m}, 401, "token_missing"},
		{"wrong token", get, one, "", []string{"Authorization", "Bearer " + m}, 401, "token_invalid"},
		{"very long token", get, one, "", []string{"Authorization", "Bearer " + strings.Repeat(m, 100)}, 401, "token_invalid"},
	}
}

// Each bad input has its own code and a sentence that helps, and nothing of it
// comes back or goes into the log.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, b := range append(badBodies(t), badPlaces()...) {
		got := w.call(b.method, b.path, b.body, b.headers...)
		if got.status != b.status || got.code(t) != b.code {
			t.Errorf("%s: %d %s, want %d %s", b.name, got.status, got.body, b.status, b.code)
		}
		if strings.Contains(got.body, m) {
			t.Errorf("%s: the answer repeats the input: %s", b.name, got.body)
		}
		if b.status == 503 && got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", b.name)
		}
	}
	if logs := w.logs.String(); strings.Contains(logs, m) || strings.Count(logs, "\n") < 60 {
		t.Errorf("the log repeats an input, or is not one: %.2000s", logs)
	}
}

// Events that are wrong by themselves are answered one by one and do not stop
// the others.
func TestBadEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(cloudEvent("b-"+m, "C-9")) }
	for _, c := range []struct{ name, event, status, code string }{
		{"good", cloudEvent("good", "C-1"), "recorded", ""},
		{"again", cloudEvent("good", "C-1"), "duplicate", ""},
		{"same id, other body", cloudEvent("good", "C-2"), "conflict", "id_conflict"},
		{"future specversion", edit(`"1.0"`, `"9.9"`), "quarantined", "specversion_unsupported"},
		{"unknown type", edit("contact.created", m), "quarantined", "type_unknown"},
		{"ledger's own type", edit("contact.created", "policy.published"), "quarantined", "type_reserved"},
		{"no subject", edit(`"subject":"C-9",`, ""), "quarantined", "subject_missing"},
		{"clock far ahead", edit("2026-03-02", "2031-03-02"), "quarantined", "time_ahead"},
		{"no time", edit(`"time":"2026-03-02T09:14:07Z",`, ""), "quarantined", "time_missing"},
		{"bad UTF-8", edit("Anne", "An\xffne"), "quarantined", "utf8_invalid"},
		{"too deep", edit(`"Anne"`, strings.Repeat("[", 40)+strings.Repeat("]", 40)), "quarantined", "json_too_deep"},
		{"same name twice", edit(`"kind"`, `"kind":"client","kind"`), "quarantined", "json_invalid"},
		{"not an object", `"` + m + `"`, "quarantined", "not_an_object"},
		{"too large", edit("Anne", strings.Repeat("x", 300<<10)), "quarantined", "event_too_large"},
	} {
		got := w.call(http.MethodPost, "/v1/events", "["+c.event+"]", "Content-Type", mediaBatch)
		var out EventResults
		if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != 200 || len(out.Results) != 1 {
			t.Errorf("%s: %d %s %v", c.name, got.status, got.body, err)
			continue
		}
		r := out.Results[0]
		if string(r.Status) != c.status || c.code != "" && (r.Error == nil || r.Error.Code != c.code || len(r.Error.Message) < 20) {
			t.Errorf("%s: %s", c.name, got.body)
		}
		if r.ID != "" {
			got.body = strings.ReplaceAll(got.body, r.ID, "") // the id is echoed, to tell results apart
		}
		if strings.Contains(got.body, m) || strings.Contains(got.body, "Anne") {
			t.Errorf("%s: the answer repeats the event: %s", c.name, got.body)
		}
	}
	if logs := w.logs.String(); strings.Contains(logs, m) || strings.Contains(logs, "Anne") {
		t.Error("the log repeats an event")
	}
}

// Tokens that no longer hold, or never could do this, each have their code.
func TestTokensThatDoNotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	soon := w.token(auth.Request{Roles: []string{"agent"}, Expires: testNow.Add(time.Hour)})
	var made TokenMade
	got := w.call(http.MethodPost, "/v1/tokens", `{"label":"x","roles":["agent"]}`)
	must(t, json.Unmarshal([]byte(got.body), &made))
	path, reason := "/v1/subjects/"+person.String(), "customer_call"
	ask := func(key, reason string) reply {
		return w.call(http.MethodGet, path, "", "Authorization", "Bearer "+key, "X-Greffe-Reason", reason)
	}
	for _, key := range []string{soon, made.Token} {
		if r := ask(key, reason); r.status != 200 || !strings.Contains(r.body, `"identity":"`+m) || strings.Contains(r.body, `"evidence"`) {
			t.Fatalf("an agent reads %d %s", r.status, r.body)
		}
	}
	if r := ask(made.Token, "audit"); r.status != 403 || r.code(t) != "reason_forbidden" {
		t.Errorf("another role's reason: %d %s", r.status, r.body)
	}
	if r := w.call(http.MethodDelete, "/v1/tokens/"+made.ID.String(), ""); r.status != http.StatusNoContent {
		t.Fatalf("revoke: %d %s", r.status, r.body)
	}
	if r := ask(made.Token, reason); r.status != 401 || r.code(t) != "token_revoked" {
		t.Errorf("revoked at once: %d %s", r.status, r.body)
	}
	w.clock.Store(int64(time.Hour))
	if r := ask(soon, reason); r.status != 401 || r.code(t) != "token_expired" {
		t.Errorf("expired: %d %s", r.status, r.body)
	}
	w.node.set(fmt.Errorf("the accounts stand still"), nil)
	if r := ask(adminToken, reason); r.status != 503 || r.code(t) != "unavailable" {
		t.Errorf("with halted accounts: %d %s", r.status, r.body)
	}
}
