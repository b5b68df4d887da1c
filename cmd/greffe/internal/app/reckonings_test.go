package app

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestReckonings: what is quick is counted anew, what is not is kept for an hour, one count
// of a kind goes on at a time and outlives who asked for it, and a failure is not kept.
func TestReckonings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var going sync.WaitGroup
		defer going.Wait()
		r := newReckonings[string, int](time.Now, func(work func(context.Context)) { going.Go(func() { work(context.Background()) }) })
		n, takes := 0, time.Duration(0)
		var fails error
		ask := func(ctx context.Context) (reckoned[int], error) {
			return r.get(ctx, "k", func(context.Context) (int, error) {
				time.Sleep(takes)
				n++
				return n, fails
			})
		}
		holds := func(want int, going bool) {
			t.Helper()
			got, err := ask(t.Context())
			if err != nil || got.value != want || got.going != going || got.at.IsZero() != (want == 0) {
				t.Errorf("%+v %v, not %d %v", got, err, want, going)
			}
		}
		holds(1, false)
		holds(2, false)
		takes = time.Minute
		holds(2, true) // patience is over before the count
		left, leave := context.WithCancel(t.Context())
		leave()
		if _, err := ask(left); !errors.Is(err, context.Canceled) {
			t.Errorf("who left is told %v", err)
		}
		time.Sleep(2 * time.Minute)
		holds(3, false)
		time.Sleep(countFor)
		holds(3, true)
		time.Sleep(2 * time.Minute)
		holds(4, false)
		time.Sleep(countFor)
		fails = errors.New("no disk")
		holds(4, true)
		time.Sleep(2 * time.Minute)
		if _, err := ask(t.Context()); !errors.Is(err, fails) {
			t.Errorf("a failure is told as %v", err)
		}
		fails, takes = nil, 0
		time.Sleep(2 * time.Minute)
		_, _ = ask(t.Context())
		time.Sleep(time.Second)
		holds(8, false)
	})
}
