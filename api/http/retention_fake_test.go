package httpapi

import (
	"context"
	"sync"
	"time"

	"greffe/domain"
	"greffe/eventstore/retention"
)

var aRun = domain.ID{0xb0, 6: 0x80, 8: 0x80}

// testRetention knows one run, and notes what it was asked.
type testRetention struct {
	data *testData
	mu   sync.Mutex
	by   []time.Time
	// started is by whom runs were asked for; slow leaves them unfinished.
	started []domain.ID
	slow    bool
}

func (t *testRetention) asked(by time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.by = append(t.by, by)
}

func (t *testRetention) Rules(context.Context) (*RetentionRules, error) {
	return &RetentionRules{Policy: 3, Hour: 2, Items: []RetentionRule{{ID: "identity.prospecting", Class: "identity", Length: "P3Y"}}}, nil
}

func (t *testRetention) Due(_ context.Context, by time.Time, _ string, p Page) (out Found[RetentionPerson], err error) {
	t.asked(by)
	if t.data.get().panics {
		panic(marker)
	}
	if p.Cursor != "" {
		return out, ErrCursor
	}
	return Found[RetentionPerson]{Items: []RetentionPerson{{SubjectID: person, Due: []RetentionExit{{Action: "erase", Purpose: marker, Rules: []string{"identity.prospecting"}, DueAt: testNow}}}}, Subjects: []domain.ID{person}}, nil
}

func (t *testRetention) Waiting(_ context.Context, most int) (int, error) { return min(7, most), nil }

func (t *testRetention) Calendar(_ context.Context, now time.Time, months int) (*RetentionCalendar, error) {
	out := &RetentionCalendar{Late: RetentionMonth{Persons: 1, Actions: map[string]int64{"destroy": 1}}}
	for i := range months {
		out.Items = append(out.Items, RetentionMonth{Month: now.AddDate(0, i, 0).Format("2006-01"), Actions: map[string]int64{}})
	}
	return out, nil
}

func (t *testRetention) Preview(_ context.Context, by time.Time) (*RetentionPreview, error) {
	t.asked(by)
	return &RetentionPreview{By: by, Persons: 7, Held: 2, Counts: []RetentionForeseen{{Action: "erase", Count: 5}}}, nil
}

func (t *testRetention) one(state string) *RetentionRun {
	r := &RetentionRun{ID: aRun, Date: "2026-03-02", State: state, Position: 9, Counts: &retention.Counts{Erased: 5}}
	return r
}

func (t *testRetention) Start(_ context.Context, actor domain.ID) (*RetentionRun, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.started = append(t.started, actor)
	if t.slow {
		return t.one("running"), nil
	}
	return t.one("ended"), nil
}

func (t *testRetention) Runs(context.Context, Page) ([]RetentionRun, string, error) {
	return []RetentionRun{*t.one("ended")}, "more", nil
}

func (t *testRetention) Run(_ context.Context, id domain.ID) (*RetentionRun, error) {
	if id != aRun {
		return nil, ErrNotFound
	}
	return t.one("ended"), nil
}

func (t *testRetention) Report(_ context.Context, id domain.ID, _ Page) (out Found[RetentionDeed], err error) {
	if t.data.get().panics {
		panic(marker)
	}
	if id != aRun {
		return out, ErrNotFound
	}
	return Found[RetentionDeed]{Items: []RetentionDeed{{Position: 8, SubjectID: &person, Action: "erase", Rules: []string{marker}, Certificate: &anEvent}}, Subjects: []domain.ID{person}}, nil
}
