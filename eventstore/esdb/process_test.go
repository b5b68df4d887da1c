package esdb

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/esdb/esdbtest"
)

// writer appends until stopped, at the head, and remembers what was acked.
type writer struct {
	log   *Log
	name  string
	acked map[string]domain.Position
	tries int
}

func (w *writer) run(stop <-chan struct{}) error {
	base := domain.Position(0)
	for n := 0; ; {
		select {
		case <-stop:
			return nil
		default:
		}
		ctx, cancel := within(2 * time.Second)
		batch := [][]byte{fmt.Appendf(nil, "%s/%d/a", w.name, n), fmt.Appendf(nil, "%s/%d/b", w.name, n)}
		err := w.log.Append(ctx, base, batch)
		cancel()
		w.tries++
		head, lost := wrongHead(err)
		switch {
		case err == nil:
			for i, f := range batch {
				w.acked[string(f)] = base + domain.Position(i)
			}
			base += 2
			n++
		case lost: // as the ledger does: look for our own facts before trying at the new head
			at, err := find(w.log, base, head, batch[0])
			if err != nil {
				return err
			}
			if at >= 0 {
				w.acked[string(batch[0])], w.acked[string(batch[1])] = domain.Position(at), domain.Position(at)+1
				n++
			}
			base = head
		case !errors.Is(err, eventstore.ErrUnavailable):
			return err
		}
	}
}

func find(l *Log, from, to domain.Position, fact []byte) (at int, err error) {
	for at = -1; ; {
		err = l.Read(bg(), from, to, func(p domain.Position, b []byte) error {
			if bytes.Equal(b, fact) {
				at = int(p)
			}
			return nil
		})
		if !errors.Is(err, eventstore.ErrUnavailable) {
			return at, err
		}
	}
}

// TestKilled: three writers at three nodes while the server is killed by
// SIGKILL, stopped by SIGSTOP, resumed and started again. What was acked is
// there, at its position, once.
func TestKilled(t *testing.T) {
	t.Parallel()
	srv := esdbtest.StartProcess(t, esdbtest.Options{})
	c := Config{URL: srv.URL(), Stream: newStream()}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var writers []*writer
	for i := range 3 {
		w := &writer{log: mustOpen(t, c), name: fmt.Sprint("w", i), acked: map[string]domain.Position{}}
		writers = append(writers, w)
		wg.Go(func() {
			if err := w.run(stop); err != nil {
				t.Error(err)
			}
		})
	}
	watch := mustOpen(t, c)
	moves := func() {
		t.Helper()
		var from domain.Position
		eventually(t, 20*time.Second, "a head", func() (ok bool) { from, ok = tryHead(watch); return ok })
		eventually(t, 20*time.Second, "a later head", func() bool { head, ok := tryHead(watch); return ok && head > from+12 })
	}
	for i := range 12 {
		moves()
		if i%3 == 2 {
			must(t, srv.Pause())
			ctx, cancel := within(100 * time.Millisecond)
			_, err := watch.Head(ctx)
			cancel()
			if !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("paused: %v", err)
			}
			must(t, srv.Resume())
			continue
		}
		must(t, srv.Kill())
		must(t, srv.StartAgain())
	}
	moves()
	close(stop)
	wg.Wait()
	recorded(t, mustOpen(t, c), writers)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func tryHead(l *Log) (domain.Position, bool) {
	ctx, cancel := within(time.Second)
	defer cancel()
	head, err := l.Head(ctx)
	return head, err == nil
}

// recorded holds the log to what the writers saw.
func recorded(t *testing.T, l *Log, writers []*writer) {
	t.Helper()
	head, err := l.Head(bg())
	must(t, err)
	got, err := collect(l, 0, int(head))
	must(t, err)
	sent, acked := 0, 0
	for _, w := range writers {
		sent += w.tries
		acked += len(w.acked)
		for f, p := range w.acked {
			if int(p) >= len(got) || string(got[p]) != f {
				t.Errorf("acked %s is not at %d", f, p)
			}
		}
	}
	all := make([]string, len(got))
	for i, b := range got {
		all[i] = string(b)
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != len(got) {
		t.Errorf("%d facts are doubled", len(got)-n)
	}
	if extra := len(got) - acked; extra < 0 || extra > 2*len(writers) {
		t.Errorf("%d facts, %d acked", len(got), acked)
	}
	if acked < 100 {
		t.Errorf("only %d were acked", acked)
	}
	t.Logf("%d appends sent, %d facts acked, %d recorded, each once", sent, acked, len(got))
}
