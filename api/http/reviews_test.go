package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/review"
	"greffe/eventstore/access"
)

// testReviews keeps one file in memory, opened by marked words.
type testReviews struct {
	data  *testData
	mu    sync.Mutex
	sum   *casefile.Summary
	steps []casefile.Step
}

func (b *testReviews) take(d casefile.Draft) *DeskTaken {
	f := &event.Fact{ID: domain.ID{byte(len(b.steps) + 10), 6: 0x80, 8: 0x80}, Type: d.Type, Codes: d.Codes, Controller: d.Controller, Time: domain.NewTime(testNow)}
	if b.sum == nil {
		f.ID = aFile
		b.sum = casefile.Begin(f, 100)
	} else {
		b.sum.Revision++
	}
	review.Fold(b.sum, f)
	b.steps = append(b.steps, casefile.Step{Fact: f, Fields: d.Fields})
	return &DeskTaken{ID: aFile, EventID: f.ID, Revision: b.sum.Revision}
}

func (b *testReviews) ready() error {
	if b.sum == nil {
		d, err := (&review.Plan{Kind: review.Training, For: testNow, Months: 12, Scope: marker}).Draft(testNow)
		if err != nil {
			return err
		}
		b.take(d)
	}
	if b.data.get().panics {
		panic(marker)
	}
	return b.data.get().fail
}

func (b *testReviews) Open(_ context.Context, _ domain.ID, d casefile.Draft) (*DeskTaken, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum, b.steps = nil, nil
	return b.take(d), b.data.get().fail
}

func (b *testReviews) Take(_ context.Context, on DeskOn, decide func(*casefile.Summary) (casefile.Draft, error)) (*DeskTaken, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ready(); err != nil {
		return nil, err
	}
	switch {
	case on.Case != aFile:
		return nil, ErrNotFound
	case on.Revision != nil && *on.Revision != b.sum.Revision:
		return nil, ErrConflict
	}
	d, err := decide(b.sum)
	if err != nil {
		return nil, err
	}
	return b.take(d), nil
}

func (b *testReviews) List(_ context.Context, _ DeskFilter, p Page) ([]casefile.Summary, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Cursor != "" {
		return nil, "", ErrCursor
	}
	if err := b.ready(); err != nil {
		return nil, "", err
	}
	return []casefile.Summary{*b.sum}, "", nil
}

func (b *testReviews) Read(_ context.Context, r access.Receipt, id domain.ID) (*casefile.Summary, *review.File, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Event().IsZero():
		return nil, nil, errNoReceipt
	case id != aFile:
		return nil, nil, ErrNotFound
	}
	if err := errors.Join(b.ready(), b.data.check(r)); err != nil {
		return nil, nil, err
	}
	f, err := review.Read(b.sum, b.steps)
	return b.sum, f, err
}

func (b *testReviews) Close(ctx context.Context, on DeskOn, result, conclusion string) (*DeskTaken, error) {
	return b.Take(ctx, on, func(s *casefile.Summary) (casefile.Draft, error) {
		d, _, err := review.Close(s, result, conclusion, testNow)
		return d, err
	})
}

// TestReviewSteps: each step is decided on the file as it is; what is missing is named.
func TestReviewSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := "/v1/reviews/" + aFile.String()
	for i, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/v1/reviews", `{"kind":"` + m + `","planned_for":"2026-04-01T08:00:00Z","scope":"x"}`, http.StatusBadRequest, `"field":"kind"`},
		{"/v1/reviews", `{"kind":"training","planned_for":"2026-04-01T08:00:00Z","scope":"x","controller":"` + m + `"}`, http.StatusBadRequest, `"field":"controller"`},
		{"/v1/reviews", `{"kind":"training","planned_for":"2026-04-01T08:00:00Z","scope":"` + m + `","months":12}`, http.StatusCreated, `"revision":0`},
		{one + "/close", `{"result":"conform","conclusion":"x"}`, http.StatusConflict, `"field":"held"`},
		{one + "/plan", `{"planned_for":"2026-05-01T08:00:00Z","text":"x"}`, http.StatusOK, `"revision":1`},
		{one + "/sessions", `{"held_at":"2026-03-02T09:00:00Z"}`, http.StatusBadRequest, `"field":"roles"`},
		{one + "/sessions?revision=0", `{"held_at":"2026-03-02T09:00:00Z","roles":{"agent":12}}`, http.StatusConflict, `"code":"conflict"`},
		{one + "/sessions?revision=1", `{"held_at":"2026-03-02T09:00:00Z","roles":{"agent":12},"participants":["` + m + `"]}`, http.StatusOK, `"revision":2`},
		{one + "/findings", `{"gravity":"minor","text":"x"}`, http.StatusBadRequest, `"field":"cause"`},
		{one + "/findings", `{"gravity":"minor","text":"` + m + `","cause":"y"}`, http.StatusOK, `"revision":3`},
		{one + "/actions", `{"finding":3,"text":"z","due":"2026-03-05T09:00:00Z"}`, http.StatusOK, `"revision":4`},
		{one + "/close", `{"result":"partly","conclusion":"x"}`, http.StatusConflict, `"field":"actions"`},
		{one + "/actions", `{"action":4,"done_at":"2026-03-02T09:00:00Z"}`, http.StatusOK, `"revision":5`},
		{one + "/close", `{"result":"partly","conclusion":"` + m + `"}`, http.StatusOK, `"revision":6`},
		{one + "/findings", `{"gravity":"minor","text":"x","cause":"y"}`, http.StatusConflict, `"field":"open"`},
	} {
		got := w.call(http.MethodPost, c.path, c.body)
		if got.status != c.status || !strings.Contains(got.body, c.says) || strings.Contains(got.body, m) {
			t.Errorf("%d %s: %d %s", i, c.path, got.status, got.body)
		}
	}
	got := w.call(http.MethodGet, one, "", "X-Greffe-Reason", "audit")
	for _, part := range []string{`"roles":{"agent":12}`, `"participants":["` + m, `"result":"partly"`, `"next_at":"2027-03-02`, `"status":"closed"`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("no %s in %s", part, got.body)
		}
	}
	if got := w.call(http.MethodGet, "/v1/reviews?standing=closed", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"kind":"training"`) || strings.Contains(got.body, m) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
