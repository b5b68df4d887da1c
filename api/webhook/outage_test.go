package webhook

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/projections/changes"
)

// An endpoint that is down for weeks: a fact after an hour, dead letters for what
// is older than 7 days, the rest arrives when it is back.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	var b *bench
	back := day.Add(9 * 24 * time.Hour)
	b = newBench(t, 2, func(n int, w http.ResponseWriter, r *http.Request) {
		if b.now().Before(back) {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		ok(n, w, r)
	})
	later := false
	b.run(func() bool {
		if !later && b.now().After(day.Add(4*24*time.Hour)) {
			later = true
			b.feed.add(3)
		}
		return b.taken(4)()
	})
	if diff := cmp.Diff([]string{"failing crm 0", "dead crm 1", "taken crm 4"}, b.feed.outcomes()); diff != "" {
		t.Error(diff)
	}
	for i, w := range b.waits {
		if w > longestPause || i > 0 && w < b.waits[i-1] {
			t.Errorf("pause %d is %s after %s", i, w, b.waits[i-1])
		}
	}
	if n := len(b.got); n > 60 {
		t.Errorf("%d attempts in 9 days", n)
	}
	if last := b.got[len(b.got)-1].header.Get("webhook-id"); last != "crm.2-4" {
		t.Errorf("the last to arrive is %s", last)
	}
}

// Restarts do not start the 7 days anew, and go on behind what is given up or
// acknowledged.
func TestRestarts(t *testing.T) {
	t.Parallel()
	down := func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	b := newBench(t, 2, down)
	for range 40 { // a restart a day
		from := b.now()
		b.run(func() bool { return b.now().After(from.Add(24 * time.Hour)) })
		if slices.Contains(b.feed.outcomes(), "dead crm 1") {
			break
		}
	}
	if diff := cmp.Diff([]string{"failing crm 0", "dead crm 1"}, b.feed.outcomes()); diff != "" {
		t.Fatal(diff)
	}
	if days := b.now().Sub(day) / (24 * time.Hour); days < 7 || days > 9 {
		t.Errorf("given up after %d days", days)
	}
	b.feed.add(2)
	b.answer = ok
	tried := len(b.got)
	b.run(b.taken(3))
	if got := b.got[tried].header.Get("webhook-id"); got != "crm.2-3" || len(b.got) != tried+1 {
		t.Errorf("after a restart %s was sent, in %d requests", got, len(b.got)-tried)
	}
}

// What the recipient acknowledged by itself is not sent any more.
func TestAcknowledgedMeanwhile(t *testing.T) {
	t.Parallel()
	var b *bench
	b = newBench(t, 3, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			b.feed.mu.Lock()
			b.feed.progress["crm"] = changes.Progress{Acknowledged: 2}
			b.feed.mu.Unlock()
			w.WriteHeader(500)
			return
		}
		ok(n, w, r)
	})
	b.run(b.taken(2))
	if got := b.got[1].header.Get("webhook-id"); got != "crm.2-2" {
		t.Errorf("%s was sent", got)
	}
}

// A feed that fails makes the recipient wait a little, never for hours, and what
// was taken is not sent again because it could not be recorded.
func TestFeedFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, ok)
	b.feed.fail["next"], b.feed.fail["progress"], b.feed.fail["taken"] = 20, 2, 3
	b.run(b.taken(0))
	if len(b.got) != 1 || len(b.waits) != 25 || slices.Max(b.waits) > longestOwn {
		t.Errorf("%d requests, pauses %v", len(b.got), b.waits)
	}
	b = newBench(t, 1, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	b.feed.fail["failing"], b.feed.fail["dead"] = 2, 2
	b.run(func() bool { return slices.Contains(b.feed.outcomes(), "dead crm 0") })
	if diff := cmp.Diff([]string{"failing crm 0", "dead crm 0"}, b.feed.outcomes()); diff != "" {
		t.Error(diff)
	}
}

// A recipient that hangs holds up nobody else.
func TestOneHangsOthersGoOn(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	slow := newBench(t, 1, func(_ int, _ http.ResponseWriter, r *http.Request) { close(stuck); <-r.Context().Done() })
	fast := newBench(t, 500, ok)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	targets := []Target{slow.target("/"), fast.target("/")}
	targets[1].Recipient = "dialer"
	var done atomic.Bool
	watch := &watchedFeed{fast.feed, func() {
		fast.feed.mu.Lock()
		defer fast.feed.mu.Unlock()
		if fast.feed.progress["dialer"].Acknowledged == 500 {
			<-stuck
			done.Store(true)
			stop()
		}
	}}
	Run(ctx, Config{Feed: watch, Now: fast.now, Timeout: time.Minute}, targets)
	if !done.Load() || len(fast.got) != 5 {
		t.Errorf("%d requests while the other hung", len(fast.got))
	}
}

// Waits grow and never run over, and jitter leaves at most half of them out.
func TestBackOff(t *testing.T) {
	t.Parallel()
	for _, jitter := range []float64{0, 0.5, 0.999} {
		l := &loop{cfg: Config{Jitter: func() float64 { return jitter }}}
		for i := range 200 {
			full := longestPause
			if i <= 12 {
				full = min(longestPause, 5*time.Second<<i)
			}
			if w := l.backOff(); w < full/2 || w > full {
				t.Fatalf("pause %d is %s of %s", i, w, full)
			}
		}
	}
}

// The end of the service ends a request under way and a pause.
func TestStops(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	b := newBench(t, 1, func(_ int, _ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-arrived; stop() }()
	Run(ctx, Config{Feed: b.feed, Now: b.now, Timeout: time.Hour}, []Target{b.target("/")})
	if got := b.feed.outcomes(); len(got) != 0 {
		t.Errorf("an attempt that was ended counts as %v", got)
	}
	if err := pause(ctx, time.Hour); err == nil {
		t.Error("a pause did not end with the service")
	}
}

// Nothing of a batch stays in memory while the endpoint is waited for: each
// attempt asks the feed again, for the same changes.
func TestAttemptsAskAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3, func(n int, w http.ResponseWriter, r *http.Request) {
		if n < 3 {
			w.WriteHeader(500)
			return
		}
		ok(n, w, r)
	})
	b.run(b.taken(2))
	if got := strings.Join(b.feed.asked, ","); got != "crm 0-3,crm 0-3,crm 0-3" {
		t.Error(got)
	}
	if id := MessageID("crm", &Batch{Changes: []changes.Change{{ID: 4}, {ID: domain.Position(9)}}}); id != "crm.4-9" {
		t.Error(id)
	}
}

// The cause of a failure is named in our own words.
func TestCauses(t *testing.T) {
	t.Parallel()
	unknown := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("spoken to") }))
	defer unknown.Close()
	unknown.Config.ErrorLog = log.New(io.Discard, "", 0)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for address, want := range map[string]error{unknown.URL: errTLS, gone.URL: errDial} {
		u, err := ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		via := transport(u, true)
		l := &loop{cfg: Config{Now: time.Now, Timeout: 10 * time.Second}, target: Target{"crm", u, nil, true}, client: &http.Client{Transport: via}}
		if err := l.send(t.Context(), &Batch{Changes: []changes.Change{{}}}); !errors.Is(err, want) || strings.Contains(err.Error(), u.Host) {
			t.Errorf("%v, want %v", err, want)
		}
		via.CloseIdleConnections()
	}
}
