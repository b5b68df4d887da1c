package httpapi

import (
	"context"
	"sync"

	"greffe/domain"
	"greffe/domain/disclosure"
)

// testStandings knows what a test says of contacts.
type testStandings struct {
	mu    sync.Mutex
	known map[domain.ID]disclosure.Standing
	asked int
}

func (s *testStandings) say(known map[domain.ID]disclosure.Standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = known
}

func (s *testStandings) Standing(_ context.Context, subjects []domain.ID) (map[domain.ID]disclosure.Standing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	out := map[domain.ID]disclosure.Standing{}
	for _, id := range subjects {
		if k, ok := s.known[id]; ok {
			out[id] = k
		}
	}
	return out, nil
}
