package console

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// liveAPI is an API of which the session may end, and a thing that grows by one each time
// it is asked for, up to 3.
type liveAPI struct {
	out, busy atomic.Bool
	asked     atomic.Int64
}

func (a *liveAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case a.out.Load() && r.URL.Path == "/v1/session":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"code":"session_invalid"}`))
	case r.URL.Path == "/v1/session":
		http.SetCookie(w, &http.Cookie{Name: "greffe", Value: "renewed"})
		_, _ = w.Write([]byte(`{"id":"one","permissions":[]}`))
	case a.busy.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"code":"stale"}`))
	default:
		fmt.Fprintf(w, `{"done":%d}`, min(3, a.asked.Add(1)))
	}
}

// openLive is a console over that API, with one stream at /live that follows the thing
// and ends at an end.
func openLive(t *testing.T, end int64) (*Console, *liveAPI, http.Handler) {
	t.Helper()
	fr, err := readWords("fr")
	if err != nil {
		t.Fatal(err)
	}
	api := &liveAPI{}
	c := &Console{cfg: Config{API: api, Now: time.Now, Terms: func() map[string][]Term { return nil }}, words: map[string]*words{"fr": fr}, streams: newStreams()}
	c.cfg.Logger = slog.New(slog.DiscardHandler)
	return c, api, c.progressStream(func(ctx context.Context, v *visit) (progress, error) {
		a, err := v.get(ctx, "/v1/thing")
		if err != nil {
			return progress{}, err
		}
		n := int64(len(strings.Repeat("x", int(a.text("done")[0]-'0'))))
		return progress{Done: n, Total: 3, Text: "étape " + a.text("done"), Ended: n == end}, nil
	})
}

func followed(h http.Handler, ctx context.Context) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/live", nil).WithContext(ctx))
	return w
}

// TestLive: a stream says how far something is whenever that changed, ends with it, says
// nothing of a session that the API renewed, and gives its place back.
func TestLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, h := openLive(t, 3)
		w := followed(h, t.Context())
		want := "retry: 3000\n\n"
		for n := 1; n <= 3; n++ {
			want += fmt.Sprintf("event: progress\ndata: {\"done\":%d,\"total\":3,\"text\":\"étape %d\",\"ended\":%v}\n\n", n, n, n == 3)
		}
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream" || w.Body.String() != want || !w.Flushed {
			t.Errorf("%d %v:\n%s\nwant:\n%s", w.Code, w.Header(), w.Body, want)
		}
		if w.Header().Get("Set-Cookie") != "" {
			t.Error("the stream prolongs the session")
		}
		if c.streams.all != 0 || len(c.streams.own) != 0 {
			t.Errorf("its place is kept: %+v", c.streams.own)
		}
	})
}

// TestLiveEnds: a stream ends when the session does, when the service does, when the
// browser leaves and after its time; what the API cannot say now ends nothing, and
// silence is broken by heartbeats.
func TestLiveEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Console, *liveAPI, context.CancelFunc){
		"session": func(_ *Console, a *liveAPI, _ context.CancelFunc) { a.out.Store(true) },
		"service": func(c *Console, _ *liveAPI, _ context.CancelFunc) { c.EndStreams() },
		"browser": func(_ *Console, _ *liveAPI, leave context.CancelFunc) { leave() },
		"time":    func(*Console, *liveAPI, context.CancelFunc) { time.Sleep(streamFor) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, api, h := openLive(t, -1)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				var w *httptest.ResponseRecorder
				ended := make(chan struct{})
				go func() { w = followed(h, ctx); close(ended) }()
				time.Sleep(10*time.Second + time.Millisecond)
				api.busy.Store(true)
				time.Sleep(3 * heartbeat)
				select {
				case <-ended:
					t.Fatal("it ended while the API was busy")
				default:
				}
				end(c, api, leave)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				select {
				case <-ended:
				default:
					t.Fatal("it goes on")
				}
				if n := strings.Count(w.Body.String(), "event: progress"); n != 3 {
					t.Errorf("%d reports of three changes", n)
				}
				if !strings.Contains(w.Body.String(), "\n:\n\n") {
					t.Errorf("no heartbeat: %s", w.Body)
				}
				if said := strings.Contains(w.Body.String(), "event: ended"); said != (name == "session") {
					t.Errorf("the end of the session was said: %v", said)
				}
			})
		})
	}
}

// TestLiveBounds: no session and no permission give no stream, a session has a few, and
// what ended frees its place.
func TestLiveBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, api, h := openLive(t, -1)
		api.out.Store(true)
		if w := followed(h, t.Context()); w.Code != http.StatusNoContent {
			t.Errorf("without a session: %d", w.Code)
		}
		api.out.Store(false)
		no := c.live(func(context.Context, *visit) (follower, error) { return nil, &refused{Status: http.StatusForbidden} })
		if w := followed(no, t.Context()); w.Code != http.StatusForbidden {
			t.Errorf("without permission: %d", w.Code)
		}
		ctx, leave := context.WithCancel(t.Context())
		for range maxOwnStreams {
			go followed(h, ctx)
		}
		synctest.Wait()
		if w := followed(h, t.Context()); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			t.Errorf("one too many: %d", w.Code)
		}
		leave()
		synctest.Wait()
		if !c.streams.begin("one") {
			t.Error("places are not given back")
		}
		for i := range maxStreams - 1 {
			if !c.streams.begin(fmt.Sprint(i)) {
				t.Fatalf("the %dth session has no stream", i)
			}
		}
		if c.streams.begin("more") {
			t.Error("streams are not bounded")
		}
	})
}

// TestLiveOutlivesTheServer: a stream goes on past the times that a server gives to
// requests and answers that end.
func TestLiveOutlivesTheServer(t *testing.T) {
	t.Parallel()
	c, _, h := openLive(t, 3)
	c.cfg.Tick = 150 * time.Millisecond
	s := httptest.NewUnstartedServer(h)
	s.Config.ReadTimeout, s.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	s.Start()
	defer s.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), `"ended":true`) {
		t.Errorf("%s %v", b, err)
	}
}
