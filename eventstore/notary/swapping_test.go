package notary

import (
	"context"
	"sync"

	"greffe/domain"
	"greffe/eventstore"
)

// swapping is a log that can be exchanged for another.
type swapping struct {
	mu  sync.Mutex
	log eventstore.Log
}

func (s *swapping) swap(log eventstore.Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = log
}

func (s *swapping) now() eventstore.Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log
}

func (s *swapping) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	return s.now().Append(ctx, base, facts)
}

func (s *swapping) Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	return s.now().Read(ctx, from, to, fn)
}

func (s *swapping) Head(ctx context.Context) (domain.Position, error) { return s.now().Head(ctx) }

func (s *swapping) Wait(ctx context.Context, after domain.Position) (domain.Position, error) {
	return s.now().Wait(ctx, after)
}

func (s *swapping) Close() error { return s.now().Close() }
