package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"

	"greffe/domain"
	"greffe/projections/changes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var day = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// feed is a log of changes in memory, one at each position.
type feed struct {
	mu       sync.Mutex
	changed  chan struct{}
	all      []changes.Change
	progress map[string]changes.Progress
	said     []string
	asked    []string
	fail     map[string]int // method → failures to come
	now      func() time.Time
}

func newFeed(n int, now func() time.Time) *feed {
	f := &feed{changed: make(chan struct{}), progress: map[string]changes.Progress{}, fail: map[string]int{}, now: now}
	f.add(n)
	return f
}

func (f *feed) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		f.all = append(f.all, changes.Change{ID: domain.Position(len(f.all)), Type: "consent.withdrawn", Recorded: f.now()})
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

var errFeed = errors.New("the feed fails")

func (f *feed) failing(method string) error {
	if f.fail[method] > 0 {
		f.fail[method]--
		return errFeed
	}
	return nil
}

func (f *feed) Next(ctx context.Context, recipient string, from, to domain.Position) (*Batch, error) {
	for {
		f.mu.Lock()
		end, changed, err := domain.Position(len(f.all)), f.changed, f.failing("next")
		if to > 0 {
			end = min(end, to)
		}
		end = min(end, from+MaxBatch)
		if err == nil && from < end {
			f.asked = append(f.asked, fmt.Sprintf("%s %d-%d", recipient, from, end))
		}
		all := f.all
		f.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case from < end:
			return &Batch{all[from:end], from, end}, nil
		case to > 0:
			return nil, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *feed) Progress(_ context.Context, recipient string) (changes.Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.progress[recipient], f.failing("progress")
}

func (f *feed) note(method, recipient string, upTo domain.Position, change func(*changes.Progress)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.failing(method); err != nil {
		return err
	}
	p := f.progress[recipient]
	change(&p)
	f.progress[recipient] = p
	f.said = append(f.said, fmt.Sprintf("%s %s %d", method, recipient, upTo))
	return nil
}

func (f *feed) Taken(_ context.Context, recipient string, upTo domain.Position) error {
	return f.note("taken", recipient, upTo, func(p *changes.Progress) { p.Acknowledged, p.Failing = upTo+1, time.Time{} })
}

func (f *feed) Failing(_ context.Context, recipient string) error {
	return f.note("failing", recipient, 0, func(p *changes.Progress) { p.Failing = f.now() })
}

func (f *feed) Dead(_ context.Context, recipient string, upTo domain.Position) error {
	return f.note("dead", recipient, upTo, func(p *changes.Progress) { p.Dead = upTo + 1 })
}

// outcomes are what the feed was told.
func (f *feed) outcomes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.said...)
}

// request is one that the endpoint got.
type request struct {
	header http.Header
	body   []byte
}

// bench is a deliverer on a clock of its own, before a real HTTP server.
type bench struct {
	t    testing.TB
	feed *feed
	mu   sync.Mutex
	time time.Time
	// waits are the pauses made so far.
	waits   []time.Duration
	got     []request
	answer  func(n int, w http.ResponseWriter, r *http.Request)
	server  *httptest.Server
	logs    *bytes.Buffer
	timeout time.Duration
}

func newBench(t testing.TB, n int, answer func(n int, w http.ResponseWriter, r *http.Request)) *bench {
	t.Helper()
	b := &bench{t: t, time: day, answer: answer, logs: new(bytes.Buffer)}
	b.feed = newFeed(n, b.now)
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.got = append(b.got, request{r.Header.Clone(), body})
		n := len(b.got)
		b.mu.Unlock()
		b.answer(n, w, r)
	}))
	t.Cleanup(b.server.Close)
	return b
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.time
}

func (b *bench) target(path string) Target {
	u, err := ParseURL(b.server.URL + path)
	if err != nil {
		b.t.Fatal(err)
	}
	return Target{"crm", u, []byte("0123456789abcdef0123456789abcdef"), true}
}

// run delivers until until is true, looked at before each pause and each wait
// for news.
func (b *bench) run(until func() bool) {
	b.t.Helper()
	ctx, stop := context.WithCancel(b.t.Context())
	defer stop()
	watched := &watchedFeed{b.feed, func() {
		if until() {
			stop()
		}
	}}
	cfg := Config{Feed: watched, Now: b.now, Jitter: func() float64 { return 1 }, Timeout: b.timeout,
		Logger: slog.New(slog.NewTextHandler(b.logs, nil)),
		Pause: func(ctx context.Context, d time.Duration) error {
			b.mu.Lock()
			b.waits, b.time = append(b.waits, d), b.time.Add(d)
			b.mu.Unlock()
			if until() {
				stop()
			}
			return ctx.Err()
		}}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	Run(ctx, cfg, []Target{b.target("/hook?key=zqSECRET")})
}

// watchedFeed looks whether a test has seen enough before each batch.
type watchedFeed struct {
	*feed
	look func()
}

func (w *watchedFeed) Next(ctx context.Context, r string, from, to domain.Position) (*Batch, error) {
	w.look()
	return w.feed.Next(ctx, r, from, to)
}

func (b *bench) taken(upTo int) func() bool {
	return func() bool {
		b.feed.mu.Lock()
		defer b.feed.mu.Unlock()
		return b.feed.progress["crm"].Acknowledged > domain.Position(upTo)
	}
}

func ok(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// ids are the change ids of a request.
func (r request) ids(t testing.TB) (out []string) {
	t.Helper()
	var m struct {
		Type      string
		Timestamp time.Time
		Data      struct {
			Recipient string
			Changes   []struct{ ID string }
		}
	}
	if err := json.Unmarshal(r.body, &m, json.MatchCaseInsensitiveNames(true)); err != nil || m.Type != "greffe.changes" || m.Data.Recipient != "crm" {
		t.Fatalf("%v %s", err, r.body)
	}
	for _, c := range m.Data.Changes {
		out = append(out, c.ID)
	}
	return out
}
