package httpapi

import (
	"context"
	"io"
	"iter"
	"time"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/rights"
	"greffe/eventstore/access"
)

var aRequest = domain.ID{5, 6: 0x80, 8: 0x80}

// testRequests knows one request of one person, and gives out marked words only
// against a receipt. The rules are the domain's own.
type testRequests struct{ data *testData }

func (t testRequests) steps() (*casefile.Summary, []casefile.Step) {
	f := &event.Fact{ID: aRequest, Type: event.RequestReceived, Subject: person, Time: domain.NewTime(testNow), Recorded: domain.NewTime(testNow),
		Codes: event.Codes{}.With("right", "access").With("channel", "email").With("received_at", domain.FormatTime(testNow))}
	s := casefile.Begin(f, 3)
	rights.Fold(s, f)
	return s, []casefile.Step{{Position: 3, Fact: f, Fields: []event.Field{rights.Text(rights.FieldMessage, marker)}}}
}

func (t testRequests) opened(r access.Receipt, id domain.ID) error {
	if id != aRequest {
		return ErrNotFound
	}
	return t.data.check(r, person)
}

func (t testRequests) Open(_ context.Context, in rights.Intake, _ *ExternalID) (OpenedRequest, error) {
	out := OpenedRequest{ID: aRequest, Position: 3, Due: rights.Deadline(in.Received), Known: !in.Subject.IsZero()}
	if in.Right == rights.Objection {
		out.Objections = []domain.ID{anEvent}
	}
	return out, nil
}

func (t testRequests) Form(ctx context.Context, in rights.Intake, _ domain.ID) (OpenedRequest, error) {
	t.data.mu.Lock()
	err := t.data.now.fail
	t.data.mu.Unlock()
	if err != nil {
		return OpenedRequest{}, err
	}
	return t.Open(ctx, in, nil)
}

func (t testRequests) Import(_ context.Context, _ domain.ID, r io.Reader) iter.Seq2[ImportedRequest, error] {
	return func(yield func(ImportedRequest, error) bool) {
		for l, err := range rights.ReadCSV(r) {
			out := ImportedRequest{Line: l.Number, Status: "recorded"}
			if l.Err != nil {
				out.Status, out.Field = "invalid", "line"
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

func (t testRequests) Summary(_ context.Context, id domain.ID) (*casefile.Summary, error) {
	if id != aRequest {
		return nil, ErrNotFound
	}
	s, _ := t.steps()
	return s, nil
}

func (t testRequests) Read(_ context.Context, r access.Receipt, id domain.ID) (*rights.Request, error) {
	if err := t.opened(r, id); err != nil {
		return nil, err
	}
	s, steps := t.steps()
	return rights.Read(s, steps)
}

func (t testRequests) File(_ context.Context, r access.Receipt, id, step domain.ID) (*rights.File, error) {
	if err := t.opened(r, id); err != nil {
		return nil, err
	}
	if step != anEvent {
		return nil, ErrNotFound
	}
	return &rights.File{Name: "relevé é.pdf", Media: "application/pdf", Data: []byte(marker)}, nil
}

func (t testRequests) List(_ context.Context, f RequestFilter, page Page) (Found[casefile.Summary], error) {
	if page.Cursor != "" {
		return Found[casefile.Summary]{}, ErrCursor
	}
	if t.data.get().panics {
		panic(marker)
	}
	s, _ := t.steps()
	s.Controller = marker
	if f.Overdue && !s.Overdue(testNow) {
		return Found[casefile.Summary]{}, nil
	}
	return Found[casefile.Summary]{Items: []casefile.Summary{*s}, Subjects: []domain.ID{person}, Next: "more"}, nil
}

func (t testRequests) Statistics(context.Context, time.Time, time.Time) (*rights.Statistics, error) {
	s, _ := t.steps()
	out := new(rights.Statistics)
	out.Add(s, testNow)
	return out, nil
}

func (t testRequests) Take(_ context.Context, actor, id domain.ID, revision *int64, c rights.Command) (TakenStep, error) {
	if id != aRequest {
		return TakenStep{}, ErrNotFound
	}
	s, _ := t.steps()
	if revision != nil && *revision != s.Revision {
		return TakenStep{}, ErrConflict
	}
	d, err := c.Decide(s, testNow)
	if err != nil {
		return TakenStep{}, err
	}
	return TakenStep{EventID: actor, Position: 4, Revision: d.Revision + 1, Status: s.Status}, nil
}

func (t testRequests) Search(ctx context.Context, actor, id domain.ID, revision *int64, task rights.Search) ([]TakenStep, error) {
	if task.System == "" {
		task.System = "crm"
	}
	one, err := t.Take(ctx, actor, id, revision, task)
	return []TakenStep{one}, err
}
