package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/eventstore/ledger"
)

func batch(n int) string {
	events := make([]string, n)
	for i := range events {
		events[i] = cloudEvent(fmt.Sprintf("e-%d", i), fmt.Sprintf("C-%d", i%50))
	}
	return "[" + strings.Join(events, ",") + "]"
}

func TestBatchIsAnsweredInInputOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for round, want := range []ledger.Status{ledger.Recorded, ledger.Duplicate} {
		got := w.call(http.MethodPost, "/v1/events", batch(2500), "Content-Type", mediaBatch)
		var out EventResults
		must(t, json.Unmarshal([]byte(got.body), &out))
		if got.status != 200 || len(out.Results) != 2500 {
			t.Fatalf("round %d: %d with %d results", round, got.status, len(out.Results))
		}
		for i, r := range out.Results {
			if r.ID != fmt.Sprintf("e-%d", i) || r.Status != want || r.Position == nil || r.SubjectID == nil || r.Error != nil {
				t.Fatalf("round %d, result %d: %+v", round, i, r)
			}
		}
		if out.Position != *out.Results[2499].Position {
			t.Errorf("position %s, the last result's is %s", out.Position, *out.Results[2499].Position)
		}
	}
	// positions stand as decimal strings
	got := w.call(http.MethodPost, "/v1/events", "["+cloudEvent("x", "y")+"]")
	if !strings.Contains(got.body, `"position":"`) {
		t.Errorf("positions are no strings: %s", got.body)
	}
}

func TestOneEventAndGzip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, c := range []struct{ media, body, encoding string }{
		{mediaEvent, cloudEvent("a0", "s"), ""},
		{mediaJSON, cloudEvent("a1", "s"), ""},
		{mediaJSON + "; charset=UTF-8", "[" + cloudEvent("a2", "s") + "]", ""},
		{mediaBatch, gzipped(t, "["+cloudEvent("a3", "s")+"]"), "gzip"},
	} {
		headers := []string{"Content-Type", c.media}
		if c.encoding != "" {
			headers = append(headers, "Content-Encoding", c.encoding)
		}
		got := w.call(http.MethodPost, "/v1/events", c.body, headers...)
		if got.status != 200 || !strings.Contains(got.body, fmt.Sprintf(`"id":"a%d","status":"recorded"`, i)) {
			t.Errorf("%s: %d %s", c.media, got.status, got.body)
		}
	}
	if got := w.call(http.MethodPost, "/v1/events", "[]"); got.status != 200 || !strings.Contains(got.body, `"results":[]`) {
		t.Errorf("an empty batch: %d %s", got.status, got.body)
	}
}

// lines reads a stream and checks its end.
func lines(t *testing.T, body string) (items []string, end End, ok bool) {
	t.Helper()
	all := strings.SplitAfter(body, "\n")
	all = all[:len(all)-1]
	if len(all) == 0 {
		return nil, End{}, false
	}
	var last struct{ End *End }
	must(t, json.Unmarshal([]byte(all[len(all)-1]), &last))
	if last.End == nil {
		return all, End{}, false
	}
	items = all[:len(all)-1]
	sum := sha256.Sum256([]byte(strings.Join(items, "")))
	if last.End.Count != len(items) || last.End.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("the end says %+v of %d lines", last.End, len(items))
	}
	return items, *last.End, true
}

func TestStreamOfEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b strings.Builder
	for i := range 2300 {
		if i == 7 {
			b.WriteString("not json at all\n\n")
			continue
		}
		fmt.Fprintln(&b, cloudEvent(fmt.Sprintf("e-%d", i), "C-1"))
	}
	got := w.call(http.MethodPost, "/v1/events", strings.TrimSuffix(b.String(), "\n"), "Content-Type", mediaNDJSON)
	items, end, ok := lines(t, got.body)
	if got.status != 200 || !ok || len(items) != 2300 || end.Position == nil {
		t.Fatalf("%d, %d lines, whole: %t", got.status, len(items), ok)
	}
	for i, line := range items {
		want := fmt.Sprintf(`{"id":"e-%d","status":"recorded"`, i)
		if i == 7 {
			want = `{"id":"","status":"quarantined"`
		}
		if !strings.HasPrefix(line, want) {
			t.Fatalf("line %d: %s", i, line)
		}
	}
	if got := w.call(http.MethodPost, "/v1/events", " \n\n", "Content-Type", mediaNDJSON); got.code(t) != "body_missing" {
		t.Errorf("an empty stream: %s", got.body)
	}
}

// The results of a chunk arrive while the next is still being written.
func TestStreamAnswersWhileItIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pr, pw := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/v1/events", pr)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", mediaNDJSON)
	go func() {
		for i := range chunkEvents {
			fmt.Fprintln(pw, cloudEvent(fmt.Sprintf("e-%d", i), "C-1"))
		}
	}()
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	for range chunkEvents {
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintln(pw, cloudEvent("last", "C-1"))
	must(t, pw.Close())
	rest, err := io.ReadAll(r)
	must(t, err)
	if !bytes.Contains(rest, []byte(`"id":"last"`)) || !bytes.Contains(rest, []byte(`{"end":{"count":1001,`)) {
		t.Errorf("the stream ends with %s", rest)
	}
}

// failing is the real ledger that fails at one call of Record.
type failing struct {
	Ledger
	mu   sync.Mutex
	left int
	err  error
}

func (f *failing) Record(ctx context.Context, raws [][]byte) ([]ledger.Result, error) {
	f.mu.Lock()
	f.left--
	now := f.left < 0
	f.mu.Unlock()
	if now {
		return nil, f.err
	}
	return f.Ledger.Record(ctx, raws)
}

// What the ledger could not do is said as it is: nothing recorded, or unknown.
// A queue that is full after a part was recorded is unknown, too.
func TestFailuresOfTheRecordPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		after  int
		err    error
		status int
		code   problem.Code
	}{
		{"busy", 0, ledger.ErrBusy, 503, problem.Busy},
		{"busy later", 1, ledger.ErrBusy, 503, problem.StateUnknown},
		{"full", 0, ledger.ErrFull, 507, problem.StorageFull},
		{"unknown", 0, errors.Join(ledger.ErrUnknown, context.DeadlineExceeded), 503, problem.StateUnknown},
		{"stopped", 0, ledger.ErrStopped, 503, problem.StateUnknown},
		{"anything", 0, errors.New("fsync failed"), 503, problem.StateUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(_ *Config, s *Services) { s.Ledger = &failing{Ledger: s.Ledger, left: c.after, err: c.err} })
			got := w.call(http.MethodPost, "/v1/events", batch(1001+500), "Content-Type", mediaBatch)
			if got.status != c.status || got.code(t) != string(c.code) {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestStreamThatBreaksIsVoid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *Config, s *Services) { s.Ledger = &failing{Ledger: s.Ledger, left: 1, err: ledger.ErrStopped} })
	got := w.call(http.MethodPost, "/v1/events", strings.ReplaceAll(strings.Trim(batch(1500), "[]"), "},{\"spec", "}\n{\"spec"), "Content-Type", mediaNDJSON)
	items, _, whole := lines(t, got.body)
	if whole || len(items) != 1001 || !strings.Contains(items[1000], `{"error":{`) || !strings.Contains(items[1000], "state_unknown") {
		t.Errorf("whole: %t, %d lines, the last: %s", whole, len(items), items[len(items)-1])
	}
	if got.err == nil {
		t.Error("the broken stream ended like a whole one")
	}
	got = w.call(http.MethodPost, "/v1/events", cloudEvent("x", "y"), "Content-Type", mediaNDJSON)
	if got.status != 503 || got.code(t) != "state_unknown" {
		t.Errorf("failure of the first chunk: %d %s", got.status, got.body)
	}
}

func TestLineBeyondBoundsEndsTheStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodPost, "/v1/events", strings.Repeat("x", maxLine+1), "Content-Type", mediaNDJSON)
	if got.status != 413 || got.code(t) != "body_too_large" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestTokenOfOneSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token(auth.Request{Roles: []string{"service"}, Sources: []string{"crm/eu"}})
	other := strings.ReplaceAll(cloudEvent("o", "s"), "crm/eu", "shop")
	for _, media := range []string{mediaEvent, mediaNDJSON} {
		ok := w.call(http.MethodPost, "/v1/events", cloudEvent("e"+media, "s"), "Content-Type", media, "Authorization", "Bearer "+key)
		if ok.status != 200 || !strings.Contains(ok.body, `"recorded"`) {
			t.Errorf("own source: %d %s", ok.status, ok.body)
		}
		no := w.call(http.MethodPost, "/v1/events", other, "Content-Type", media, "Authorization", "Bearer "+key)
		if no.status != 403 || no.code(t) != "source_forbidden" {
			t.Errorf("other source: %d %s", no.status, no.body)
		}
	}
	mixed := w.call(http.MethodPost, "/v1/events", "["+cloudEvent("new", "s")+","+other+"]", "Authorization", "Bearer "+key)
	var out EventResults
	must(t, json.Unmarshal([]byte(mixed.body), &out))
	if mixed.status != 200 || len(out.Results) != 2 || out.Results[0].Status != ledger.Recorded || out.Results[1].Status != statusForbidden ||
		out.Results[1].ID != "o" || out.Results[1].Error.Code != "source_forbidden" || out.Results[1].Position != nil {
		t.Errorf("a mixed batch: %d %s", mixed.status, mixed.body)
	}
}

// lateNode never gets there.
type lateNode struct{ Node }

func (lateNode) WaitFor(ctx context.Context, _ domain.Position) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestWaitProjected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.call(http.MethodPost, "/v1/events", cloudEvent("a", "s"), "Prefer", "respond-async, wait=projected")
	if got.status != 200 || got.header.Get("Preference-Applied") != "wait=projected" {
		t.Errorf("%d %v", got.status, got.header)
	}
	late := newWorld(t, func(_ *Config, s *Services) { s.Nodes = lateNode{s.Nodes} })
	got = late.call(http.MethodPost, "/v1/events", cloudEvent("a", "s"), "Prefer", "wait=projected")
	if got.status != 202 || !strings.Contains(got.body, `"recorded"`) {
		t.Errorf("past its time: %d %s", got.status, got.body)
	}
	got = late.call(http.MethodGet, "/v1/subjects/"+person.String(), "", "X-Greffe-Min-Position", "1", "X-Greffe-Reason", "audit")
	if got.status != 503 || got.code(t) != "stale" || len(late.journal.all()) != 0 {
		t.Errorf("a stale read: %d %s", got.status, got.body)
	}
	got = w.call(http.MethodGet, "/v1/subjects/"+person.String(), "", "X-Greffe-Min-Position", "1", "X-Greffe-Reason", "audit")
	if got.status != 200 {
		t.Errorf("a read at its position: %d %s", got.status, got.body)
	}
}
