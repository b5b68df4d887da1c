package esdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/esdb/esdbtest"
	"greffe/eventstore/storetest"
)

// streams numbers the streams of this process's tests; began keeps those of
// two runs against one server apart.
var (
	streams atomic.Int64
	began   = time.Now().UnixNano()
)

func newStream() string { return fmt.Sprintf("greffe-test-%x-%d", began, streams.Add(1)) }

func conformance(t *testing.T, url string) {
	storetest.Run(t, func(testing.TB) storetest.Store {
		c := Config{URL: url, Stream: newStream(), Timeout: time.Minute}
		return storetest.Store{Open: func() (eventstore.Log, error) {
			return Open(context.Background(), c)
		}}
	})
}

// TestConformance runs on the server that the environment names too, if it does.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("insecure", func(t *testing.T) {
		t.Parallel()
		conformance(t, esdbtest.Start(t, esdbtest.Options{}).URL())
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		conformance(t, esdbtest.Start(t, esdbtest.Options{TLS: true}).URL())
	})
	if url := os.Getenv(environment); url != "" {
		t.Run("environment", func(t *testing.T) {
			t.Parallel()
			conformance(t, url)
		})
	}
}

// environment names a variable with a server's connection string; see REAL.md.
const environment = "GREFFE_ESDB"

// anyServer runs a test on a server of our own, and on that of the environment
// if it names one.
func anyServer(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("esdbtest", func(t *testing.T) {
		t.Parallel()
		test(t, esdbtest.Start(t, esdbtest.Options{}).URL())
	})
	if url := os.Getenv(environment); url != "" {
		t.Run("environment", func(t *testing.T) {
			t.Parallel()
			test(t, url)
		})
	}
}

func bg() context.Context { return context.Background() }

func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(bg(), d)
}

func mustOpen(t testing.TB, c Config) *Log {
	t.Helper()
	l, err := Open(bg(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// facts are n facts that no other position has.
func facts(base, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = fmt.Appendf(nil, `{"n":%d,"pad":%q}`, base+i, bytes.Repeat([]byte("x"), (base+i)%90))
	}
	return all
}

func mustAppend(t testing.TB, l *Log, base int, facts [][]byte) {
	t.Helper()
	if err := l.Append(bg(), domain.Position(base), facts); err != nil {
		t.Fatalf("append at %d: %v", base, err)
	}
}

func collect(l *Log, from, to int) ([][]byte, error) {
	var got [][]byte
	err := l.Read(bg(), domain.Position(from), domain.Position(to), func(_ domain.Position, b []byte) error {
		got = append(got, bytes.Clone(b))
		return nil
	})
	return got, err
}

// holds checks that the log is exactly want, as a client that never saw it reads it.
func holds(t testing.TB, c Config, want [][]byte) {
	t.Helper()
	l := mustOpen(t, c)
	defer l.Close()
	head, err := l.Head(bg())
	if err != nil || int(head) != len(want) {
		t.Fatalf("head %d, %v; want %d", head, err, len(want))
	}
	got, err := collect(l, 0, len(want))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("another fact at %d", i)
		}
	}
}

// eventually waits for what becomes true by itself.
func eventually(t testing.TB, most time.Duration, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(most)
	for !is() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within %v: %s", most, what)
		}
	}
}

func wrongHead(err error) (domain.Position, bool) {
	var w *eventstore.WrongHeadError
	if errors.As(err, &w) {
		return w.Actual, true
	}
	return 0, false
}

func unavailableErr(err error) bool { return errors.Is(err, eventstore.ErrUnavailable) }

func corruptAt(err error, p domain.Position) bool {
	var c *eventstore.CorruptError
	return errors.As(err, &c) && c.Position == p
}
