package httpapi

import (
	"context"
	"fmt"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/policy"
	"greffe/eventstore/access"
	"greffe/projections/changes"
)

// testChanges plays the feed: count changes about one person, with marked ids.
type testChanges struct {
	data  *testData
	mu    sync.Mutex
	empty bool
	waits []time.Duration
	pages []string // recipient, cursor and limit asked for
	acked map[string]domain.Position
}

func (f *testChanges) Page(_ context.Context, r policy.Recipient, page Page, wait time.Duration) (ChangePage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits, f.pages = append(f.waits, wait), append(f.pages, fmt.Sprintf("%s %q %d", r.Code, page.Cursor, page.Limit))
	if page.Cursor == "another list's" {
		return ChangePage{}, ErrCursor
	}
	if f.empty {
		return ChangePage{Next: "n"}, nil
	}
	return ChangePage{Subjects: []domain.ID{person}, Count: 1, Next: "n", Open: func(_ context.Context, receipt access.Receipt) ([]changes.Change, error) {
		if err := f.data.check(receipt, person); err != nil {
			return nil, err
		}
		return []changes.Change{{ID: 7, Type: "consent.withdrawn", Time: testNow, Recorded: testNow, IDs: []changes.OwnID{{Source: r.Source, Subject: marker}}}}, nil
	}}, nil
}

func (f *testChanges) Acknowledge(_ context.Context, _ domain.ID, r policy.Recipient, upTo domain.Position) (*domain.Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if upTo > 100 {
		return nil, ErrNotFound
	}
	if f.acked == nil {
		f.acked = map[string]domain.Position{}
	}
	if at, ok := f.acked[r.Code]; ok && at >= upTo {
		return nil, nil
	}
	f.acked[r.Code] = upTo
	at := domain.Position(200)
	return &at, nil
}

func (f *testChanges) Standing(context.Context) ([]changes.Standing, func(string) bool, error) {
	r := policy.Recipient{Code: "crm", Kind: "source", Receives: []string{"erasure"}, Acknowledges: true}
	return []changes.Standing{
		{Recipient: r, Progress: changes.Progress{Acknowledged: 5, AcknowledgedAt: testNow, Failing: testNow}, Lag: 3, More: true, Oldest: testNow, Overdue: 2,
			DeadLetters: []changes.DeadLetter{{From: 5, To: 9, At: testNow}}},
		{Recipient: policy.Recipient{Code: "dialer", Kind: "processor"}},
	}, func(code string) bool { return code == "crm" }, nil
}
