package httpapi

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"greffe/domain"
	"greffe/domain/breach"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/eventstore/access"
)

var aFile = domain.ID{5, 6: 0x80, 8: 0x80}

// testBreaches keeps one file in memory, as the log would, opened by marked words.
type testBreaches struct {
	data  *testData
	now   func() time.Time
	mu    sync.Mutex
	sum   *casefile.Summary
	steps []casefile.Step
}

func (b *testBreaches) take(d casefile.Draft) *DeskTaken {
	f := &event.Fact{ID: domain.ID{byte(len(b.steps) + 10), 6: 0x80, 8: 0x80}, Type: d.Type, Codes: d.Codes, Controller: d.Controller, Time: domain.NewTime(testNow)}
	at := domain.Position(len(b.steps) + 100)
	if b.sum == nil {
		f.ID = aFile
		b.sum = casefile.Begin(f, at)
	} else {
		b.sum.Revision++
	}
	breach.Fold(b.sum, f)
	b.steps = append(b.steps, casefile.Step{Position: at, Fact: f, Fields: d.Fields})
	return &DeskTaken{ID: aFile, EventID: f.ID, Position: at, Revision: b.sum.Revision}
}

// ready opens the file if no test did.
func (b *testBreaches) ready() error {
	if b.sum != nil {
		return b.data.get().fail
	}
	o := breach.Opening{Role: breach.Controller, Aware: testNow.Add(-time.Hour), Form: breach.Form{Nature: breach.Nature{Facts: marker},
		Organisation: breach.Organisation{Name: "ACME", DPO: breach.Contact{Email: "dpo@acme.example"}}, Data: breach.Data{Categories: []string{"bank"}},
		Consequences: breach.Consequences{Harms: []string{"fraud"}}, Measures: breach.Measures{Taken: "arrêt"}}}
	d, err := o.Draft(testNow)
	if err == nil {
		b.take(d)
	}
	return errors.Join(err, b.data.get().fail)
}

func (b *testBreaches) Open(_ context.Context, actor domain.ID, d casefile.Draft) (*DeskTaken, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if actor.IsZero() {
		return nil, errors.New("nobody acts")
	}
	b.sum, b.steps = nil, nil
	return b.take(d), b.data.get().fail
}

func (b *testBreaches) Take(_ context.Context, on DeskOn, decide func(*casefile.Summary) (casefile.Draft, error)) (*DeskTaken, error) {
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

func (b *testBreaches) List(_ context.Context, f DeskFilter, p Page) ([]casefile.Summary, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Cursor != "" {
		return nil, "", ErrCursor
	}
	if err := b.ready(); err != nil || f.Overdue && !b.sum.Overdue(b.now()) {
		return nil, "", err
	}
	return []casefile.Summary{*b.sum}, "", nil
}

func (b *testBreaches) Read(_ context.Context, r access.Receipt, id domain.ID) (*casefile.Summary, *breach.File, error) {
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
	f, err := breach.Read(b.sum, b.steps)
	return b.sum, f, err
}

func (b *testBreaches) Measure(ctx context.Context, on DeskOn, q *breach.Scope) (*breach.Counted, *DeskTaken, error) {
	n := &breach.Counted{Accesses: 3, Persons: 2, ByClass: map[string]int64{"identity": 3}}
	t, err := b.Take(ctx, on, func(s *casefile.Summary) (casefile.Draft, error) { return breach.Scoped(s, q, n) })
	return n, t, err
}

func (b *testBreaches) Measured(_ context.Context, id domain.ID, step int64) (*breach.Scope, error) {
	if b.data.get().panics {
		panic(marker)
	}
	if id != aFile || step > 1 {
		return nil, ErrNotFound
	}
	return &breach.Scope{Before: 7}, nil
}

// Persons are as many as the switch says, the first of whom is person.
func (b *testBreaches) Persons(_ context.Context, q *breach.Scope) iter.Seq2[domain.ID, error] {
	return func(yield func(domain.ID, error) bool) {
		for i := range max(1, b.data.get().found) {
			id := person
			id[15], id[14] = byte(i), byte(i>>8)
			if !yield(id, nil) {
				return
			}
		}
	}
}
