//go:build real

package postgres

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/postgres/pgtest"
)

// healed is how long a store may take to answer when its server is back.
const healed = 10 * time.Second

// eventually calls fn until it gives nil.
func eventually(t *testing.T, fn func() error) {
	t.Helper()
	end := time.Now().Add(healed)
	for {
		err := fn()
		if err == nil {
			return
		}
		if !errors.Is(err, vault.ErrUnavailable) || time.Now().After(end) {
			t.Fatalf("not healed: %v", err)
		}
	}
}

func found(t *testing.T, s *Store, rows []vault.Row) (n int) {
	t.Helper()
	ids := make([]domain.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Event
	}
	var in []vault.Intake
	eventually(t, func() (err error) { in, err = s.Intake(t.Context(), ids); return err })
	for i := range in {
		if in[i].Found {
			n++
		}
	}
	return n
}

// TestAnswerLost cuts the connection within the server's answer to a batch, at each of
// its bytes: whoever is told nil has it, and who is told that nothing is known may.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	p := newProxy(t, cluster.Address())
	s := openAt(t, Config{URL: p.through(t, cluster.URL(t)), Buckets: 1, Connections: 2, Limit: 5 * time.Second})
	l := newLoad()
	prepare := func() (*vault.Batch, error) {
		b := l.fresh(3)
		_, err := s.Prepare(t.Context(), b)
		return b, err
	}
	if _, err := prepare(); err != nil {
		t.Fatal(err)
	}
	size := 0
	p.loseAnswer(func(answer []byte) int { size = max(size, len(answer)); return -1 })
	if _, err := prepare(); err != nil || size == 0 {
		t.Fatal(size, err)
	}
	for keep := 0; keep <= size; keep++ {
		if _, err := prepare(); err != nil { // whose statements the connection has by heart
			t.Fatal(err)
		}
		p.loseAnswer(func(answer []byte) int {
			if len(answer) < size {
				return -1
			}
			return min(keep, len(answer))
		})
		b, err := prepare()
		if keep < size && !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%d of %d bytes of the answer: %v", keep, size, err)
		}
		p.loseAnswer(nil)
		if n := found(t, s, b.Rows); n != 3 {
			t.Errorf("%d of %d bytes of the answer to a batch that was committed: %d of 3 rows", keep, size, n)
		}
	}
}

// TestQuestionLost cuts the connection before the batch reaches the server.
func TestQuestionLost(t *testing.T) {
	t.Parallel()
	p := newProxy(t, cluster.Address())
	s := openAt(t, Config{URL: p.through(t, cluster.URL(t)), Buckets: 2, Connections: 2})
	l := newLoad()
	if _, err := s.Prepare(t.Context(), l.fresh(3)); err != nil {
		t.Fatal(err)
	}
	b := l.fresh(3)
	p.loseQuestion(func(q []byte) bool { return bytes.Contains(q, b.Rows[0].Event[:]) })
	if _, err := s.Prepare(t.Context(), b); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
	if n := found(t, s, b.Rows); n != 0 {
		t.Errorf("%d rows of a batch that never reached the server", n)
	}
	if _, err := s.Prepare(t.Context(), b); err != nil {
		t.Errorf("the same batch again: %v", err)
	}
}

// TestNetworkDown: while nothing gets through, each call is answered; when it does
// again, all work on.
func TestNetworkDown(t *testing.T) {
	t.Parallel()
	p := newProxy(t, cluster.Address())
	s := openAt(t, Config{URL: p.through(t, cluster.URL(t)), Buckets: 2, Connections: 3, Limit: 2 * time.Second})
	l := newLoad()
	for range 3 {
		first := l.fresh(5)
		if _, err := s.Prepare(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		p.cut()
		for range 5 {
			if _, err := s.Prepare(t.Context(), l.fresh(2)); !errors.Is(err, vault.ErrUnavailable) {
				t.Errorf("prepare: %v", err)
			}
			if _, err := s.Keys(t.Context(), l.owners[:1]); !errors.Is(err, vault.ErrUnavailable) {
				t.Errorf("keys: %v", err)
			}
			if err := s.Destroy(t.Context(), vault.Whole(l.owners[0])); !errors.Is(err, vault.ErrUnavailable) {
				t.Errorf("destroy: %v", err)
			}
		}
		p.mend()
		if n := found(t, s, first.Rows); n != 5 {
			t.Errorf("%d of 5 rows", n)
		}
	}
}

// TestPaused stops every process of the server where it is: callers are answered by
// their deadlines or by the store's own, goroutines and connections stay few, and when
// the server goes on, so does the store.
func TestPaused(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	const limit = time.Second
	s := openAt(t, Config{URL: c.URL(t), Buckets: 2, Connections: 4, Limit: limit})
	l := newLoad()
	if _, err := s.Prepare(t.Context(), l.fresh(5)); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	c.Pause(t)
	const callers, rounds = 16, 3
	for range rounds {
		var wg sync.WaitGroup
		for i := range callers {
			b := l.fresh(2)
			wg.Go(func() {
				ctx, want, within := t.Context(), vault.ErrUnavailable, limit
				if i%2 == 0 {
					within = limit / 4
					short, cancel := context.WithTimeout(ctx, within)
					defer cancel()
					ctx, want = short, context.DeadlineExceeded
				}
				from := time.Now()
				_, err := s.Prepare(ctx, b)
				if took := time.Since(from); !errors.Is(err, want) || took > within+3*time.Second {
					t.Errorf("answered after %s: %v", took, err)
				}
			})
		}
		wg.Wait()
		if n := runtime.NumGoroutine(); n > before+10*4+100 {
			t.Errorf("%d goroutines, %d before", n, before)
		}
		if n := s.pool.Stat().TotalConns(); n > 4 {
			t.Errorf("%d connections", n)
		}
	}
	c.Resume(t)
	eventually(t, func() error {
		_, err := s.Prepare(t.Context(), l.fresh(2))
		return err
	})
}

// TestServerAway: a server that is stopped, killed and started again.
func TestServerAway(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	s := openAt(t, Config{URL: c.URL(t), Buckets: 2})
	l := newLoad()
	for _, end := range []func(testing.TB){c.Stop, c.Kill} {
		b := l.fresh(4)
		if _, err := s.Prepare(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		end(t)
		for range 6 {
			if _, err := s.Prepare(t.Context(), l.fresh(1)); !errors.Is(err, vault.ErrUnavailable) {
				t.Errorf("without a server: %v", err)
			}
		}
		c.StartAgain(t)
		if n := found(t, s, b.Rows); n != 4 {
			t.Errorf("%d of 4 rows", n)
		}
		if _, err := s.Prepare(t.Context(), l.fresh(1)); err != nil {
			t.Errorf("with a server again: %v", err)
		}
	}
}

// TestOpenUnreachable: errors of Open say what is wrong and nothing of the URL.
func TestOpenUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	good := cluster.URL(t)
	for name, c := range map[string]struct {
		url  string
		want error
	}{
		"nobody listens": {strings.Replace(good, cluster.Address(), nobody, 1), vault.ErrUnavailable},
		"wrong password": {strings.Replace(good, cluster.Password(), "verysecret", 1), vault.ErrUnavailable},
		"no database":    {strings.Replace(good, "/vault", "/verysecret", 1), nil},
		"no URL at all":  {"postgres://verysecret:%zz@", errConfig},
		"an empty one":   {"", errConfig},
	} {
		_, err := Open(t.Context(), Config{URL: c.url, Limit: 2 * time.Second})
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, secret := range []string{"verysecret", cluster.Password(), nobody, "greffe:"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error says too much: %v", name, err)
			}
		}
	}
}

// TestCloseWhileSilent: a server that says nothing does not keep the vault from closing.
func TestCloseWhileSilent(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	s, err := Open(t.Context(), Config{URL: c.URL(t)})
	if err != nil {
		t.Fatal(err)
	}
	c.Pause(t)
	defer c.Resume(t)
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("closing took %s", took)
	}
}
