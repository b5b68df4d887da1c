package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greffe/domain"
	"greffe/eventstore/ledger"
	"greffe/eventstore/vault"
)

// silent is a vault whose server says nothing: each call ends by its context, or by the
// adapter's own bound.
type silent struct {
	vault.Store
	quiet *atomic.Bool
}

func (v silent) ask(ctx context.Context) error {
	if !v.quiet.Load() {
		return nil
	}
	bound := time.NewTimer(10 * time.Second)
	defer bound.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("outcome unknown: %w", ctx.Err())
	case <-bound.C:
		return vault.ErrUnavailable
	}
}

func (v silent) Intake(ctx context.Context, ids []domain.ID) ([]vault.Intake, error) {
	if err := v.ask(ctx); err != nil {
		return nil, err
	}
	return v.Store.Intake(ctx, ids)
}

func (v silent) Done(ctx context.Context, s []vault.Settled) error {
	return errors.Join(v.ask(ctx), v.Store.Done(ctx, s))
}

func (v silent) Pending(ctx context.Context, fn func(vault.Pending) error) error {
	return errors.Join(v.ask(ctx), v.Store.Pending(ctx, fn))
}

// TestCloseWhileSilent: a vault that does not answer does not keep the ledger from
// closing, however much is queued; every caller has an answer, none of them untrue.
func TestCloseWhileSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := onMemory(t, 1)
		var quiet atomic.Bool
		l, err := ledger.Open(context.Background(), config(c.nodes[0].log, silent{c.nodes[0].vault, &quiet}))
		if err != nil {
			t.Fatal(err)
		}
		quiet.Store(true)
		var wg sync.WaitGroup
		for i := range 15_000 { // fifteen groups
			wg.Go(func() {
				_, err := l.Record(context.Background(), [][]byte{[]byte(visit(fmt.Sprint("v", i), "C-1"))})
				if !errors.Is(err, ledger.ErrUnknown) && !errors.Is(err, ledger.ErrUnavailable) && !errors.Is(err, ledger.ErrStopped) {
					t.Errorf("answered %v", err)
				}
			})
		}
		time.Sleep(time.Second)
		began := time.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("closing took %s", took)
		}
		if l.Cause() != nil {
			t.Errorf("it stopped: %v", l.Cause())
		}
		wg.Wait()
		quiet.Store(false)
		if err := c.whole(); err != nil {
			t.Error(err)
		}
	})
}
