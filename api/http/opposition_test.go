package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/eventstore/ledger"
)

func oppositionWorld(t *testing.T) (*world, *testOpposition) {
	t.Helper()
	fake := &testOpposition{}
	w := newWorld(t, func(_ *Config, s *Services) {
		fake.data = s.Operations.(*testData)
		s.Opposition = fake
	})
	return w, fake
}

func importResult(t *testing.T, got reply) (out OppositionResult) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return out
}

// TestListLines: every line is answered for; codes are by line, values never.
func TestListLines(t *testing.T) {
	t.Parallel()
	w, fake := oppositionWorld(t)
	zero := strings.Repeat("00", 32)
	body := `{"list":{"name":"` + marker + `"},"addresses":[{"email":"` + marker + `"},{},{"email":"a@b.fr","phone":"1"},{"sha256":"` + zero + `","kind":"email"},` +
		`{"sha256":"` + zero + `"},{"md5":"zz","kind":"phone"},{"email":"a@b.fr","kind":"phone"},{"phone":"+33612345678"}]}`
	got := importResult(t, w.call(http.MethodPost, "/v1/opposition", body))
	var codes []string
	for _, p := range got.Problems {
		codes = append(codes, p.Code)
	}
	want := "address_unreadable address_missing address_ambiguous form_differs kind_missing digest_invalid address_ambiguous"
	if strings.Join(codes, " ") != want || got.Lines != 8 || got.Recorded != 2 || got.Invalid != 6 || got.Unreadable != 1 || !got.Problems[0].Entered || got.Problems[1].Entered {
		t.Errorf("%+v", got)
	}
	if len(fake.chunks) != 1 || len(fake.chunks[0].Tokens) != 4 || fake.lists[0].Name != marker || fake.lists[0].Form != "clear" {
		t.Errorf("%+v", fake.lists)
	}
	if strings.Contains(w.logs.String(), marker) {
		t.Error("the log holds what was sent")
	}
}

// TestListStreams: either stream gives the same chunks, in chunks of 1,000; a row
// with two addresses counts twice.
func TestListStreams(t *testing.T) {
	t.Parallel()
	w, fake := oppositionWorld(t)
	csv := "Name,Email,Phone\nx,a@b.fr,0612345678\n\"broken,\n"
	got := importResult(t, w.call(http.MethodPost, "/v1/opposition?list=l", csv, "Content-Type", "text/csv"))
	if got.Lines != 3 || got.Recorded != 2 || got.Invalid != 1 {
		t.Errorf("%+v", got)
	}
	again := importResult(t, w.call(http.MethodPost, "/v1/opposition?list=l", "{\"phone\":\"06 12 34 56 78\"}\n\n{\"email\":\"A@b.fr\"}", "Content-Type", "application/x-ndjson"))
	if again.Known != 2 || again.Status != "known" || len(fake.chunks) != 1 {
		t.Errorf("the same in another shape: %+v", again)
	}
	for _, bad := range [][3]string{{"?list=l", "text/csv", "name;city\nx;y\n"}, {"", "text/csv", "email\na@b.fr\n"}, {"?list=l&form=sha1", "text/csv", "email\na@b.fr\n"},
		{"?list=l&date=yesterday", "text/csv", "email\na@b.fr\n"}, {"?list=l", "text/csv", ""}, {"?list=l", "application/x-ndjson", "\n"}, {"?list=l", "application/json", `{"email":"a@b.fr"}`}} {
		if got := w.call(http.MethodPost, "/v1/opposition"+bad[0], bad[2], "Content-Type", bad[1]); got.status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", bad, got.status, got.body)
		}
	}
	if got := w.call(http.MethodPost, "/v1/opposition", "x", "Content-Type", "text/plain"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("text: %d", got.status)
	}
}

// TestListHalfway: a failure after some of a list was recorded is no "nothing was".
func TestListHalfway(t *testing.T) {
	t.Parallel()
	w, fake := oppositionWorld(t)
	fake.fail = ledger.ErrBusy
	if got := w.call(http.MethodPost, "/v1/opposition", `{"list":{"name":"l"},"addresses":[{"email":"a@b.fr"}]}`); got.code(t) != "busy" {
		t.Errorf("at once: %s", got.body)
	}
	im := &importing{out: OppositionResult{Recorded: 1000}}
	if err := classify(im.partly(ledger.ErrBusy)); !strings.Contains(err.Error(), "state_unknown") {
		t.Errorf("halfway: %v", err)
	}
}

// TestCheckFailsClosed: what cannot be read is bound, and a list that is stale or
// halted answers 503.
func TestCheckFailsClosed(t *testing.T) {
	t.Parallel()
	w, fake := oppositionWorld(t)
	var out CheckResult
	got := w.call(http.MethodPost, "/v1/opposition/check", `{"addresses":[{},{"md5":"00","kind":"email"},{"email":"x@y.fr"}]}`)
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || len(out.Results) != 3 || !out.Results[0].Bound || out.Results[0].Error != "address_missing" ||
		!out.Results[1].Bound || out.Results[1].Error != "digest_invalid" || out.Results[2].Bound {
		t.Errorf("%d %s", got.status, got.body)
	}
	for err, code := range map[error]string{ErrStale: "stale", ErrHalted: "unavailable", errors.New(marker): "internal"} {
		fake.mu.Lock()
		fake.stale = err
		fake.mu.Unlock()
		for path, body := range map[string]string{"/v1/opposition/check": `{"addresses":[{"email":"x@y.fr"}]}`, "/v1/opposition/" + anEvent.String() + "/lift": `{"reason":"person_request"}`} {
			if got := w.call(http.MethodPost, path, body); got.code(t) != code || strings.Contains(got.body, marker) {
				t.Errorf("%s: %s", path, got.body)
			}
		}
		if got := w.call(http.MethodGet, "/v1/opposition", "", "X-Greffe-Reason", "audit"); got.code(t) != code {
			t.Errorf("list: %s", got.body)
		}
		if got := w.call(http.MethodPost, "/v1/opposition", `{"email":"x@y.fr"}`); got.status != http.StatusOK {
			t.Errorf("an objection waits for a read model: %s", got.body)
		}
	}
}

// TestObjectionBySourceOfToken: a token bound to sources writes for these only.
func TestObjectionBySourceOfToken(t *testing.T) {
	t.Parallel()
	w, fake := oppositionWorld(t)
	key := w.token(auth.Request{Roles: []string{"service"}, Sources: []string{"crm/eu"}})
	for source, want := range map[string]int{"crm/eu": http.StatusOK, "crm/us": http.StatusForbidden} {
		got := w.call(http.MethodPost, "/v1/opposition", `{"external_id":{"source":"`+source+`","subject":"C-1"},"channels":["fax"]}`, "Authorization", "Bearer "+key)
		if got.status != want {
			t.Errorf("%s: %d %s", source, got.status, got.body)
		}
	}
	if len(fake.objects) != 1 || fake.objects[0].Channels != nil {
		t.Errorf("%+v", fake.objects)
	}
	if got := importResult(t, w.call(http.MethodPost, "/v1/opposition", `{"subject_id":"`+anEvent.String()+`"}`)); got.Status != "erased" {
		t.Errorf("of somebody erased: %+v", got)
	}
}
