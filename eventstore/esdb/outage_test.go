package esdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/esdb/esdbtest"
)

// lines is a writer for many goroutines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestOutage (F10): the store is away for rounds of 200 callers with a second
// each, in every way it can be away. Each is answered in time; then it heals,
// and goroutines and connections are as before. Alone, since it counts.
func TestOutage(t *testing.T) {
	for name, away := range map[string]struct {
		leave, back func(t *testing.T, s *esdbtest.Server)
	}{
		"stopped": {func(_ *testing.T, s *esdbtest.Server) { s.Stop() },
			func(t *testing.T, s *esdbtest.Server) {
				if err := s.StartAgain(); err != nil {
					t.Fatal(err)
				}
			}},
		"hanging": {func(_ *testing.T, s *esdbtest.Server) {
			s.Inject(esdbtest.Faults{
				Append: func(int) esdbtest.AppendFault { return esdbtest.HangBefore },
				Read:   func(int) esdbtest.ReadFault { return esdbtest.ReadFault{Kind: esdbtest.Hang} },
			})
		}, func(_ *testing.T, s *esdbtest.Server) { s.Heal() }},
		"without a leader": {func(_ *testing.T, s *esdbtest.Server) {
			s.Inject(esdbtest.Faults{
				Append: func(int) esdbtest.AppendFault { return esdbtest.NotReady },
				Read:   func(int) esdbtest.ReadFault { return esdbtest.ReadFault{Kind: esdbtest.Cut} },
			})
		}, func(_ *testing.T, s *esdbtest.Server) { s.Heal() }},
	} {
		t.Run(name, func(t *testing.T) {
			srv := esdbtest.Start(t, esdbtest.Options{})
			c := Config{URL: srv.URL(), Stream: newStream()}
			l := mustOpen(t, c)
			mustAppend(t, l, 0, facts(0, 5))
			idle, conns := runtime.NumGoroutine(), srv.Conns()
			away.leave(t, srv)
			for range 3 {
				callers(t, l, 200)
			}
			away.back(t, srv)
			begun := time.Now()
			eventually(t, 10*time.Second, "healed", func() bool {
				ctx, cancel := within(time.Second)
				defer cancel()
				_, err := l.Head(ctx)
				return err == nil
			})
			t.Logf("healed after %v", time.Since(begun).Round(time.Millisecond))
			next := appendFrom(t, l)
			eventually(t, 30*time.Second, "goroutines, connections, calls and clients as before", func() bool {
				l.clients.mu.Lock()
				defer l.clients.mu.Unlock()
				return runtime.NumGoroutine() <= idle+10 && srv.Conns() <= conns &&
					len(l.clients.slots) == 0 && len(l.clients.conns) <= 1
			})
			once(t, c, next)
		})
	}
}

// callers are n callers of every method with a second each.
func callers(t *testing.T, l *Log, n int) {
	t.Helper()
	var wg sync.WaitGroup
	var late atomic.Int64
	for i := range n {
		wg.Go(func() {
			ctx, cancel := within(time.Second)
			defer cancel()
			begun := time.Now()
			var err error
			switch i % 4 {
			case 0:
				err = l.Append(ctx, 5, [][]byte{fmt.Appendf(nil, "once %d", i)})
			case 1:
				_, err = l.Head(ctx)
			case 2:
				err = l.Read(ctx, 0, 5, func(domain.Position, []byte) error { return nil })
			case 3:
				_, err = l.Wait(ctx, 1000)
			}
			if time.Since(begun) > 2*time.Second {
				late.Add(1)
			}
			if err == nil {
				t.Errorf("caller %d was answered by a store that is away", i)
			} else if !errors.Is(err, eventstore.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if late.Load() > 0 {
		t.Errorf("%d callers were answered after 2 s", late.Load())
	}
}

// appendFrom appends until one append is taken and returns the head after it.
func appendFrom(t *testing.T, l *Log) int {
	t.Helper()
	for base := 5; ; {
		err := l.Append(bg(), domain.Position(base), [][]byte{[]byte("after")})
		head, lost := wrongHead(err)
		if err == nil {
			return base + 1
		} else if !lost {
			t.Fatalf("append after it: %v", err)
		}
		base = int(head)
	}
}

// once checks that no fact of the callers is there twice: at most one of those
// whose outcome was unknown can be.
func once(t *testing.T, c Config, next int) {
	t.Helper()
	l := mustOpen(t, c)
	defer l.Close()
	head, err := l.Head(bg())
	if err != nil || int(head) != next || next > 7 {
		t.Fatalf("head %d, %v; want %d, at most 7", head, err, next)
	}
	if got, err := collect(l, 0, next); err != nil || !bytes.Equal(got[next-1], []byte("after")) {
		t.Fatalf("the log's end: %v", err)
	}
}

// TestRestarts: the server leaves and comes back, politely or not; one client's
// connection is left at the end, none after Close.
func TestRestarts(t *testing.T) {
	for name, leave := range map[string]func(*esdbtest.Server) error{
		"stopped": (*esdbtest.Server).Restart, "going away": (*esdbtest.Server).GoAway,
		"disconnecting": func(s *esdbtest.Server) error { s.Disconnect(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			srv, err := esdbtest.Open(esdbtest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := Config{URL: srv.URL(), Stream: newStream()}
			l := mustOpen(t, c)
			for i := range 10 {
				mustAppend(t, l, i*2, facts(i*2, 2))
				if err := leave(srv); err != nil {
					t.Fatal(err)
				}
			}
			holds(t, c, facts(0, 20))
			eventually(t, 20*time.Second, "one connection", func() bool { return srv.Conns() <= 1 })
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			eventually(t, 5*time.Second, "no connection", func() bool { return srv.Conns() == 0 })
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
			eventually(t, 5*time.Second, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

// TestCloseWhileAway: Close is quick and leaves nothing, also without a server.
func TestCloseWhileAway(t *testing.T) {
	before := runtime.NumGoroutine()
	srv, err := esdbtest.Open(esdbtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream()})
	mustAppend(t, l, 0, facts(0, 1))
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 40)
	var begun sync.WaitGroup
	for i := range cap(errs) {
		begun.Add(1)
		go func() {
			begun.Done()
			var err error
			switch i % 4 {
			case 0:
				err = l.Append(bg(), 1, facts(1, 1))
			case 1:
				_, err = l.Head(bg())
			case 2:
				_, err = collect(l, 0, 1)
			case 3:
				_, err = l.Wait(bg(), 9)
			}
			errs <- err
		}()
	}
	begun.Wait()
	start := time.Now()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("close took %v", took)
	}
	for range cap(errs) {
		if err := <-errs; !errors.Is(err, eventstore.ErrClosed) && !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("closed meanwhile: %v", err)
		}
	}
	eventually(t, 10*time.Second, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}
