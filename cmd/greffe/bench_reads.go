package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	readers = 64
	paced   = 500 // reads a second that all readers together offer

	benchToken = "bench-administrator-token"
)

// reads measures recorded reads through the API's handler, 64 readers, each one
// read every so often, or as fast as it is answered (0).
func (c *benchCmd) reads(sh *shell, dir string, every time.Duration) (f figure, err error) {
	a, err := benchOpen(sh, dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if _, err := a.Bootstrap(sh.ctx, benchToken); err != nil {
		return f, err
	}
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = sampleEvent(0, i)
	}
	res, err := a.Record(sh.ctx, batch)
	if err != nil {
		return f, err
	}
	if err := a.CaughtUp(sh.ctx); err != nil {
		return f, err
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	start := time.Now()
	end := start.Add(c.length())
	var wg sync.WaitGroup
	for w := range readers {
		wg.Go(func() {
			next := start.Add(every * time.Duration(w) / readers)
			for n := w; time.Now().Before(end); n++ {
				time.Sleep(time.Until(next))
				next = next.Add(every)
				t := time.Now()
				status, err := get(sh.ctx, a.API, benchToken, "/v1/subjects/"+res[n%len(res)].Subject.String())
				mu.Lock()
				took = append(took, time.Since(t))
				if err == nil && status != http.StatusOK {
					err = fmt.Errorf("a read answered %d", status)
				}
				failed = errors.Join(failed, err)
				mu.Unlock()
				if failed != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	name := "recorded reads, 64 readers, flat out"
	if every > 0 {
		name = fmt.Sprintf("recorded reads, 64 readers, %d/s", paced)
	}
	f = figure{Case: name, PerSecond: float64(len(took)) / time.Since(start).Seconds(), Note: "each access durable first"}
	f.P50, f.P99 = percentiles(took)
	return f, failed
}

// get calls the API in this process.
func get(ctx context.Context, h http.Handler, token, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	if err != nil {
		return 0, err
	}
	w, err := call(h, token, req)
	return w.status, err
}

func call(h http.Handler, token string, req *http.Request) (*sink, error) {
	req.RemoteAddr = "127.0.0.1:1"
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("X-Greffe-Reason", "rights_request")
	w := &sink{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, req)
	return w, req.Context().Err()
}

// sink is a ResponseWriter that keeps the status and the end of the body.
type sink struct {
	header http.Header
	status int
	tail   []byte
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) Write(b []byte) (int, error) {
	const kept = 1 << 10
	s.tail = append(s.tail, b[max(0, len(b)-kept):]...)
	s.tail = s.tail[max(0, len(s.tail)-kept):]
	return len(b), nil
}

// Flush implements http.Flusher.
func (s *sink) Flush() {}

func (s *sink) WriteHeader(status int) { s.status = status }
