package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
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
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/auth"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/token"
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
	api     *API
	url     string
	logs    *safeBuffer
	clock   atomic.Int64 // nanoseconds added to testNow
	service Services
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
	w.service = Services{Ledger: w.ledger, Journal: w.journal, Nodes: w.node,
		Auth:   auth.New(auth.Config{Directory: w.store, Current: func(context.Context) error { return w.node.halted }, Now: w.now}),
		Tokens: w.desk, Directory: w.store, Labels: w.data, Search: w.data, Dossier: w.data, Audit: w.data, Quarantine: w.data, Operations: w.data}
	cfg := Config{Version: "test", Now: w.now, Rand: rand.Reader, Logger: slog.New(slog.NewJSONHandler(w.logs, nil)),
		RecordTimeout: 2 * time.Second, MaxWait: 50 * time.Millisecond}
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
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
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

// testJournal is the real journal behind a switch.
type testJournal struct {
	Journal
	mu       sync.Mutex
	fail     func(ctx context.Context) error
	readings []access.Reading
	receipts int
}

func (j *testJournal) Record(ctx context.Context, r access.Reading) (access.Receipt, error) {
	j.mu.Lock()
	fail := j.fail
	j.mu.Unlock()
	if fail != nil {
		if err := fail(ctx); err != nil {
			return access.Receipt{}, err
		}
	}
	receipt, err := j.Journal.Record(ctx, r)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.readings, j.receipts = append(j.readings, r), j.receipts+1
	}
	return receipt, err
}

func (j *testJournal) set(fail func(context.Context) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = fail
}

func (j *testJournal) all() []access.Reading {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]access.Reading(nil), j.readings...)
}

// testNode waits by the real runner, unless it is told to be late or halted.
type testNode struct {
	runner *projections.Runner
	halted error
	ready  error
}

func (n *testNode) WaitFor(ctx context.Context, p domain.Position) error {
	return n.runner.WaitFor(ctx, p)
}
func (n *testNode) Ready(context.Context) error { return n.ready }

var errNoReceipt = errors.New("opened without a receipt")

// testData stands in for the read models: it knows one person and answers with
// marked data, only against a receipt that covers the person.
type testData struct {
	ledger  *ledger.Ledger
	journal *testJournal
	fail    error // answered by everything
	panics  bool
	found   int // rows that lists have; 3 if 0
	copied  string
	sought  []token.Token
}

var (
	person   = domain.ID{0xa0, 6: 0x80, 8: 0x80}
	merged   = domain.ID{0xa1, 6: 0x80, 8: 0x80}
	anEvent  = domain.ID{0xe0, 6: 0x80, 8: 0x80}
	itemHeld = domain.ID{0xf0, 6: 0x80, 8: 0x80}
)

func (d *testData) check(r access.Receipt, who ...domain.ID) error {
	if d.panics {
		panic(marker)
	}
	for _, id := range who {
		if !r.Covers(id) {
			return errNoReceipt
		}
	}
	return d.fail
}

func (d *testData) Find(_ context.Context, t token.Token, kind SearchKind, p Page) (Found[Hit], error) {
	if d.panics {
		panic(marker)
	}
	d.sought = append(d.sought, t)
	if kind == "" {
		return Found[Hit]{}, errors.New("no kind")
	}
	return rows(d, p, func(i int) Hit { return Hit{domain.ID{byte(i >> 8), byte(i), 6: 0x80}} }, func(h Hit) domain.ID { return h.SubjectID })
}

// rows are pages of made-up items; the cursor is the next index.
func rows[T any](d *testData, p Page, item func(int) T, subject func(T) domain.ID) (Found[T], error) {
	n, from := d.found, 0
	if n == 0 {
		n = 3
	}
	if p.Cursor != "" {
		if _, err := fmt.Sscanf(p.Cursor, "row%d", &from); err != nil {
			return Found[T]{}, ErrCursor
		}
	}
	var f Found[T]
	for i := from; i < min(from+p.Limit, n); i++ {
		f.Items = append(f.Items, item(i))
		f.Subjects = append(f.Subjects, subject(f.Items[len(f.Items)-1]))
	}
	if from+p.Limit < n {
		f.Next = fmt.Sprintf("row%d", from+p.Limit)
	}
	return f, d.fail
}

func (d *testData) Persons(_ context.Context, s domain.ID, _ domain.Position) ([]domain.ID, error) {
	if s != person {
		return nil, ErrNotFound
	}
	return []domain.ID{person, merged}, nil
}

func (d *testData) KnownAt(context.Context, time.Time) (domain.Position, error) { return 7, nil }

func (d *testData) SubjectOf(_ context.Context, e domain.ID) (domain.ID, error) {
	if e != anEvent {
		return domain.ID{}, ErrNotFound
	}
	return person, nil
}

func (d *testData) View(_ context.Context, r access.Receipt, s domain.ID, asOf time.Time, below domain.Position, sees func(string) bool) (*contact.View, error) {
	v := &contact.View{SubjectID: s, AsOf: domain.NewTime(asOf), Kind: marker, Person: contact.Values{}, LastActivity: domain.ID{byte(below)}}
	for _, class := range []string{"identity", "evidence"} {
		if sees(class) {
			v.Person[class] = jsontext.Value(`"` + marker + `"`)
		}
	}
	return v, d.check(r, person, merged)
}

func (d *testData) History(_ context.Context, r access.Receipt, _ domain.ID, from domain.Position, limit int, _ func(string) bool) ([]contact.Item, domain.Position, error) {
	return []contact.Item{{Position: from, Controller: marker}}, from + domain.Position(limit), d.check(r, person, merged)
}

func (d *testData) Consents(ctx context.Context, r access.Receipt, s domain.ID, from domain.Position, limit int, sees func(string) bool) ([]contact.Item, domain.Position, error) {
	items, _, err := d.History(ctx, r, s, from, limit, sees)
	return items, 0, err
}

func (d *testData) Event(_ context.Context, r access.Receipt, e domain.ID, _ func(string) bool) (*contact.Item, error) {
	return &contact.Item{ID: e, Controller: marker}, d.check(r, person)
}

func (d *testData) Copy(_ context.Context, r access.Receipt, q CopyRequest, w io.Writer) error {
	if err := d.check(r, person, merged); err != nil {
		return err
	}
	if _, err := io.WriteString(w, marker); err != nil {
		return err
	}
	d.copied = fmt.Sprint(q.Article, q.Format, q.Lang)
	if d.copied == "20csven" {
		return errors.New("the disk ended")
	}
	return nil
}

func (d *testData) Labels(_ context.Context, _ access.Receipt, of []accounts.Account) ([]string, error) {
	out := make([]string, len(of))
	for i := range out {
		out[i] = marker
	}
	return out, d.check(access.Receipt{})
}

func (d *testData) Events(_ context.Context, f Filter, p Page) (Found[AuditEvent], error) {
	if d.panics {
		panic(marker)
	}
	return rows(d, p, func(i int) AuditEvent {
		return AuditEvent{Position: domain.Position(i), Type: marker, Controller: f.Type}
	}, func(e AuditEvent) domain.ID { return domain.ID{byte(e.Position >> 8), byte(e.Position), 6: 0x80} })
}

func (d *testData) Accesses(_ context.Context, _ Filter, p Page) (Found[AuditAccess], error) {
	if d.panics {
		panic(marker)
	}
	return rows(d, p, func(i int) AuditAccess {
		return AuditAccess{Position: domain.Position(i), Action: marker, Subjects: []domain.ID{person, merged}}
	}, func(AuditAccess) domain.ID { return person })
}

func (d *testData) Summary(context.Context, Filter) (*AuditSummary, error) {
	return &AuditSummary{Events: 42}, d.check(access.Receipt{})
}

func (d *testData) List(_ context.Context, p Page) ([]QuarantineItem, string, error) {
	return []QuarantineItem{{ID: itemHeld, Reason: "type_unknown", SubjectID: &person, Type: marker}}, "", d.check(access.Receipt{})
}

func (d *testData) Item(_ context.Context, id domain.ID) (*QuarantineItem, error) {
	if id != itemHeld {
		return nil, ErrNotFound
	}
	return &QuarantineItem{ID: id, Reason: "type_unknown", SubjectID: &person}, nil
}

func (d *testData) Raw(_ context.Context, r access.Receipt, _ domain.ID) ([]byte, error) {
	return []byte(`{"secret":"` + marker + `"}`), d.check(r, person)
}

func (d *testData) Repair(ctx context.Context, _, item domain.ID, raw []byte) (ledger.Result, error) {
	if item != itemHeld {
		return ledger.Result{}, ledger.ErrNotHeld
	}
	res, err := d.ledger.Record(ctx, [][]byte{raw})
	if err != nil {
		return ledger.Result{}, err
	}
	return res[0], nil
}

func (d *testData) Discard(_ context.Context, _, item domain.ID, outcome string) (domain.Position, error) {
	if item != itemHeld || outcome != "discarded" {
		return 0, ErrNotFound
	}
	return 9, d.fail
}

func (d *testData) Duplicates(_ context.Context, p Page) (Found[DuplicatePair], error) {
	if d.panics {
		panic(marker)
	}
	return rows(d, p, func(int) DuplicatePair { return DuplicatePair{Subjects: []domain.ID{person, merged}, By: marker} }, func(DuplicatePair) domain.ID { return person })
}

func (d *testData) Producers(context.Context, Page) ([]Producer, string, error) {
	return []Producer{{Name: "crm/eu", Events: 3}}, "", d.fail
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
