package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/auth"
	"greffe/api/denial"
	"greffe/deploy"
	"greffe/domain"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/eventstore/memory"
	vaultmemory "greffe/eventstore/vault/memory"
	"greffe/projections"
	"greffe/projections/accounts"
)

// adminToken is the first administrator's; marker stands in every input whose
// echo is looked for.
const (
	adminToken = "first-administrator-0123456789"
	marker     = "zqMARKERqz"
)

var testNow = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

type testKEK struct{}

func (testKEK) ID() string { return "test" }
func (testKEK) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	return bytes.Clone(plain), nil
}
func (testKEK) Unwrap(_ context.Context, wrapped, _ []byte) ([]byte, error) {
	return bytes.Clone(wrapped), nil
}

// world is the API on a real ledger, journal, account store and runner. What
// stands in for the read models hands out marked data, against real receipts.
type world struct {
	t       testing.TB
	ledger  *ledger.Ledger
	store   *accounts.Store
	desk    *auth.Desk
	journal *testJournal
	data    *testData
	node    *testNode
	denials *denial.Recorder
	log     *memory.Log
	api     *API
	url     string
	logs    *safeBuffer
	clock   atomic.Int64 // nanoseconds added to testNow
	service Services
	own     sync.Once
	cookie  string // of ownSession
}

func (w *world) now() time.Time { return testNow.Add(time.Duration(w.clock.Load())) }

func newWorld(t testing.TB, change ...func(*Config, *Services)) *world {
	t.Helper()
	w := &world{t: t, logs: new(safeBuffer)}
	log, v := memory.New(), new(vaultmemory.Disk).Open()
	var err error
	w.ledger, err = ledger.Open(t.Context(), ledger.Config{Log: log, Vault: v, KEK: testKEK{}, Now: w.now, Rand: rand.Reader,
		FirstPolicy: deploy.Policy(), Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	w.store, err = accounts.Open(t.Context(), filepath.Join(t.TempDir(), "accounts.db"))
	must(t, err)
	runner := projections.NewRunner(log, 0, w.store)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, err := range []error{w.ledger.Close(), w.store.Close(), log.Close(), v.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	w.node = &testNode{runner: runner}
	w.journal = &testJournal{Journal: access.New(w.ledger, w.now)}
	w.data = &testData{ledger: w.ledger, journal: w.journal}
	w.desk = &auth.Desk{Directory: w.store, Facts: w.ledger, Now: w.now, Rand: rand.Reader,
		WaitFor:  func(ctx context.Context, p domain.Position) error { return runner.WaitFor(ctx, p) },
		SourceID: func(name string) domain.ID { mac := w.ledger.Peppers().Source(name); return domain.DeriveID(mac[:]) }}
	head, err := w.ledger.Head(t.Context())
	must(t, err)
	must(t, runner.WaitFor(t.Context(), head-1))
	_, err = w.desk.Bootstrap(t.Context(), adminToken)
	must(t, err)
	w.makePerson()
	people := w.people()
	consents := newTestConsents(w.data)
	w.log, w.denials = log, denial.New(w.ledger, w.now, nil)
	w.service = Services{
		Ledger:         w.ledger,
		Journal:        w.journal,
		Nodes:          w.node,
		Auth:           auth.New(auth.Config{Directory: w.store, Current: w.node.current, Now: w.now, People: people}),
		Tokens:         w.desk,
		People:         people,
		StaffNames:     testStaff{w.data},
		Habilitations:  testHabilitations{w},
		Directory:      w.store,
		Provider:       &testProvider{w.data},
		Labels:         w.data,
		Search:         w.data,
		Standings:      &testStandings{},
		Dossier:        w.data,
		Evidence:       testEvidence{w.data},
		Verifications:  &testVerifications{},
		Audit:          w.data,
		Quarantine:     w.data,
		Operations:     w.data,
		Producers:      testProducers{w.data},
		Contactability: testContact{data: w.data},
		Screenings:     &testScreenings{},
		Policies:       &testPolicies{},
		Statistics:     testStatistics{w.data},
		Ingest:         shippedMappings(t, w.ledger),
		Notices:        fakeNotices{consents},
		Consents:       consents,
		Links:          consents,
		Copies:         &testCopies{},
		Keys:           &testKeys{},
		Erasures:       &testErasures{data: w.data},
		Approvals:      testApprovals{w.data},
		Opposition:     &testOpposition{data: w.data},
		Changes:        &testChanges{data: w.data},
		Inspections:    testInspections{w.data},
		Breaches:       &testBreaches{data: w.data, now: w.now},
		Verifiers:      testVerifiers{},
		Reviews:        &testReviews{data: w.data},
		Requests:       testRequests{w.data},
		Activities:     testActivities{w.data},
		DPIAs:          testActivities{w.data},
		Retention:      &testRetention{data: w.data},
		Answers:        &testAnswers{data: w.data},
		Passkeys:       w.passkeys(people),
		Minimisation:   &testMinimisation{data: w.data},
		Denials:        w.denials,
		Watch:          &testWatch{data: w.data},
	}
	cfg := Config{Version: "test", Now: w.now, Rand: rand.Reader, Logger: slog.New(slog.NewJSONHandler(w.logs, nil)),
		RecordTimeout: 2 * time.Second, MaxWait: 50 * time.Millisecond}
	cfg.RightsForm = true
	for _, f := range change {
		f(&cfg, &w.service)
	}
	w.api, err = New(cfg, w.service)
	must(t, err)
	server := httptest.NewServer(w.api)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// token makes a token of roles.
func (w *world) token(r auth.Request) string {
	w.t.Helper()
	rules, _ := w.ledger.Policy()
	if r.Label == "" && r.Account.IsZero() {
		r.Label = "test"
	}
	m, err := w.desk.Make(w.t.Context(), rules, domain.ID{1}, r)
	must(w.t, err)
	return m.Text
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

func (r reply) code(t testing.TB) string {
	t.Helper()
	var p struct{ Code, Detail, Title string }
	if err := json.Unmarshal([]byte(r.body), &p, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("no problem document: status %d, %v", r.status, err)
	}
	if len(p.Detail) < 15 || len(p.Title) < 5 || r.header.Get("Content-Type") != mediaProblem {
		t.Errorf("%s does not help: %+v", p.Code, p)
	}
	return p.Code
}

// call sends a request; headers are pairs.
func (w *world) call(method, path, body string, headers ...string) reply {
	w.t.Helper()
	return w.send(method, path, strings.NewReader(body), headers...)
}

func (w *world) send(method, path string, body io.Reader, headers ...string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	must(w.t, err)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", mediaJSON)
	}
	if strings.HasPrefix(path, "/v1/me/approvals/") {
		req.Header.Del("Authorization")
		req.Header.Set("Cookie", w.ownSession())
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			if headers[i] == "Authorization" {
				req.Header.Del("Cookie")
			}
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

// cloudEvent is one good contact.created.
func cloudEvent(id, subject string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm/eu","type":"contact.created","subject":%q,"time":"2026-03-02T09:14:07Z",`+
		`"data":{"kind":"prospect","person":{"given_name":"Anne","family_name":"Martin","emails":["anne@example.org"]}}}`, id, subject)
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func authRequest(roles ...string) auth.Request { return auth.Request{Label: "test", Roles: roles} }
