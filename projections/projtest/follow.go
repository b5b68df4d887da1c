package projtest

import (
	"context"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/projections"
)

// follow runs a runner until all of ps have applied the facts below to.
func follow(tb testing.TB, log eventstore.Log, ps []projections.Projection, to domain.Position) {
	tb.Helper()
	ctx, stop := context.WithCancel(tb.Context())
	r := projections.NewRunner(log, 0, ps...)
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	err := r.WaitFor(ctx, to-1)
	stop()
	if ran := <-done; err == nil {
		err = ran
	}
	if err != nil {
		tb.Fatalf("follow: %v", err)
	}
}
