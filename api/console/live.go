package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// The bounds of streams. A browser keeps six connections to one server, so that one
// session has no use for more of them than this.
const (
	maxStreams      = 500 // of the process
	maxOwnStreams   = 4   // of one session
	defaultTick     = time.Second
	heartbeat       = 15 * time.Second
	streamFor       = 30 * time.Minute // the browser asks again after that
	streamWriteTime = 20 * time.Second
)

// frame is one message of a stream.
type frame struct {
	event string // what a script listens for
	id    string // where to go on after a break, which the browser sends back; "" for none
	data  any    // as JSON
	last  bool   // nothing follows
}

// follower looks once, and says what is new; nothing is new if it is empty. It is asked
// by one goroutine.
type follower func(ctx context.Context) ([]frame, error)

// streams are the answers under way that go on. The zero value is not ready.
type streams struct {
	done  chan struct{} // closed: all end
	close sync.Once
	mu    sync.Mutex
	all   int
	own   map[string]int // by session
}

func newStreams() *streams { return &streams{done: make(chan struct{}), own: map[string]int{}} }

// begin reports whether a session may have one more; the caller then ends it.
func (s *streams) begin(session string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxStreams || s.own[session] >= maxOwnStreams {
		return false
	}
	s.all++
	s.own[session]++
	return true
}

func (s *streams) end(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.own[session]--; s.own[session] == 0 {
		delete(s.own, session)
	}
}

// EndStreams ends every answer that goes on, and those that begin later. It returns at
// once and may be called again; an http.Server calls it when it shuts down, as it would
// wait for them.
func (c *Console) EndStreams() { c.streams.close.Do(func() { close(c.streams.done) }) }

// live answers with a stream of events (text/event-stream) for as long as the session
// of the visitor holds. It never prolongs the session: the cookie that the API renews
// is not passed on. Without a session the answer is 204, after which no browser asks
// again; 429 with too many at once.
func (c *Console) live(open func(context.Context, *visit) (follower, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), streamFor)
		defer cancel()
		secure(w.Header())
		w.Header().Set("Cache-Control", "no-store")
		v := &visit{c: c, caller: &caller{api: c.cfg.API, w: &reply{header: http.Header{}}, r: r, lang: language(w, r), reason: cookieText(r, reasonCookie)}}
		v.words = c.words[v.lang].with(c.cfg.Terms(), r.URL.Path, c.cfg.Now())
		err := v.enter(ctx)
		var look follower
		if err == nil {
			look, err = open(ctx, v)
		}
		if err != nil {
			w.WriteHeader(streamRefusal(err))
			return
		}
		session := v.session.text("id")
		if !c.streams.begin(session) {
			w.Header().Set("Retry-After", "15")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		defer c.streams.end(session)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // nginx would keep it back
		s := &stream{v: v, to: http.NewResponseController(w), w: w, look: look}
		if err := s.run(ctx); err != nil {
			c.cfg.Logger.Debug("a stream ended", "error", err.Error())
		}
	}
}

func streamRefusal(err error) int {
	var no *refused
	if !errors.As(err, &no) {
		return http.StatusInternalServerError
	}
	if no.Status == http.StatusUnauthorized {
		return http.StatusNoContent
	}
	return no.Status
}

// stream is one answer that goes on.
type stream struct {
	v     *visit
	w     io.Writer
	to    *http.ResponseController
	look  follower
	wrote time.Time
}

// run looks once, and at every tick until the browser leaves, the service ends, the session does,
// or nothing can follow.
func (s *stream) run(ctx context.Context) error {
	if err := s.send([]byte("retry: 3000\n\n")); err != nil {
		return err
	}
	tick := time.NewTicker(s.v.c.cfg.tick())
	defer tick.Stop()
	for {
		last, err := s.once(ctx)
		if last || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.v.c.streams.done:
			return nil
		case <-tick.C:
		}
		if err := s.v.enter(ctx); gone(err) {
			return s.tell(frame{event: "ended", data: struct{}{}})
		}
	}
}

// gone reports that the session does not hold any more. That the API cannot say now is
// not that.
func gone(err error) bool {
	var no *refused
	return errors.As(err, &no) && (no.Status == http.StatusUnauthorized || no.Status == http.StatusForbidden)
}

// once sends what is new. What is refused ends the stream; what cannot be told now is
// looked for again.
func (s *stream) once(ctx context.Context) (last bool, err error) {
	frames, err := s.look(ctx)
	var no *refused
	switch {
	case gone(err):
		return true, s.tell(frame{event: "ended", data: struct{}{}})
	case errors.As(err, &no) && no.Status < 500 && no.Status != http.StatusTooManyRequests:
		return true, s.tell(frame{event: "refused", data: map[string]string{"text": s.v.why(err)}})
	}
	for _, f := range frames {
		if err := s.tell(f); err != nil || f.last {
			return true, err
		}
	}
	if time.Since(s.wrote) >= heartbeat {
		return false, s.send([]byte(":\n\n"))
	}
	return false, nil
}

func (s *stream) tell(f frame) error {
	data, err := json.Marshal(f.data, json.Deterministic(true)) // holds no line end
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("event: " + f.event + "\n")
	if f.id != "" {
		b.WriteString("id: " + f.id + "\n")
	}
	b.WriteString("data: ")
	b.Write(data)
	b.WriteString("\n\n")
	return s.send(b.Bytes())
}

// send writes within a bound of its own: that of the server is for answers that end.
func (s *stream) send(b []byte) error {
	if err := s.to.SetWriteDeadline(time.Now().Add(streamWriteTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	s.wrote = time.Now()
	return s.to.Flush()
}

// Close ends what goes on, waits for it and frees what is kept.
func (c *Console) Close() {
	c.EndStreams()
	c.bundles.close()
}
