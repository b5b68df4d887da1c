package esdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/metadata"
)

// silence is how long a node may leave a call without an answer before its
// connection counts as lost.
const silence = 2 * time.Second

// errSilent: the call's time was over before it had an answer.
var errSilent = errors.New("no answer in time")

// guarded runs call in a goroutine of its own, within the present client, and
// returns its error, or errSilent as soon as ctx ends. Then the call may still
// run: what it touches must be its own. entered is false if it never began.
func (s *supervisor) guarded(ctx, enter context.Context, call func(context.Context, *client.Client) error) (entered bool, err error) {
	c, err := s.acquire(enter)
	if err != nil {
		return false, err
	}
	began := time.Now()
	done := make(chan error, 1)
	go func() {
		defer s.release(c)
		err := safely(metadata.AppendToOutgoingContext(ctx, "requires-leader", "true"), c.client, call)
		s.answered(c, began, err, timedOut(ctx, err))
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errSilent
	}
	if timedOut(ctx, err) {
		err = errSilent
	}
	return true, err
}

func timedOut(ctx context.Context, err error) bool {
	return err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

func safely(ctx context.Context, c *client.Client, call func(context.Context, *client.Client) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = recovered(r)
		}
	}()
	return call(ctx, c)
}

// recovered is the error of a panic within the client.
func recovered(r any) error {
	if lost, ok := r.(lostPanic); ok {
		return lost.err
	}
	return fmt.Errorf("%w: %v", errPanic, r)
}

// answered looks at how a call ended: a lost connection retires its client, and
// so does silence, whatever the deadlines of the calls that met it.
func (s *supervisor) answered(c *conn, began time.Time, err error, silent bool) {
	s.mu.Lock()
	switch {
	case !silent:
		c.silentSince = time.Time{}
	case c.silentSince.IsZero():
		c.silentSince = began
	}
	if !silent && judge(err) != verdictLost {
		c.useful, s.pause = true, 0
	}
	mute := silent && time.Since(c.silentSince) >= silence
	s.mu.Unlock()
	if mute {
		s.retire(c, errSilent)
	} else if judge(err) == verdictLost {
		s.retire(c, err)
	}
}
