package httpapi

import (
	"context"
	"errors"
	"io"
	"strings"

	"greffe/domain"
	"greffe/domain/inspection"
	"greffe/eventstore/access"
)

var anInspection = domain.ID{4, 6: 0x80, 8: 0x80}

// testInspections knows one inspection and gives out marked words, only against
// a receipt.
type testInspections struct{ data *testData }

func (t testInspections) opened(r access.Receipt, id domain.ID) error {
	if r.Event().IsZero() {
		return errNoReceipt
	}
	if err := t.data.check(r); err != nil {
		return err
	}
	return t.Standing(context.Background(), id)
}

func (t testInspections) one() inspection.Inspection {
	return inspection.Inspection{ID: anInspection, Opened: testNow, Opening: inspection.Opening{
		Modes: []inspection.Mode{inspection.OnSite}, From: testNow.AddDate(-1, 0, 0), To: testNow, Due: testNow.AddDate(0, 0, 8), Requester: marker, Reference: marker}}
}

func (t testInspections) Open(_ context.Context, actor domain.ID, o inspection.Opening) (*OpenedInspection, error) {
	if actor.IsZero() || o.Due.IsZero() {
		return nil, errors.New("not checked")
	}
	return &OpenedInspection{ID: anInspection, Position: 7, Due: o.Due}, nil
}

func (t testInspections) List(_ context.Context, r access.Receipt, p Page) ([]inspection.Inspection, string, error) {
	if p.Cursor != "" {
		return nil, "", ErrCursor
	}
	return []inspection.Inspection{t.one()}, "more", t.opened(r, anInspection)
}

func (t testInspections) Get(_ context.Context, r access.Receipt, id domain.ID) (*inspection.Inspection, error) {
	i := t.one()
	return &i, t.opened(r, id)
}

func (t testInspections) Standing(_ context.Context, id domain.ID) error {
	if id != anInspection {
		return ErrNotFound
	}
	return nil
}

func (t testInspections) Close(_ context.Context, actor, id domain.ID, _ string) (*ClosedInspection, error) {
	return &ClosedInspection{ID: id, EventID: actor, Position: 9}, t.Standing(context.Background(), id)
}

func (t testInspections) Consulted(_ context.Context, r access.Receipt, id domain.ID, _ Page) (*Consulted, error) {
	return &Consulted{Items: []ConsultedItem{{EventID: anEvent, Human: marker, Action: "read"}}}, t.opened(r, id)
}

func (t testInspections) People(context.Context) (int64, error) { return 3, nil }

func (t testInspections) Bundle(ctx context.Context, r access.Receipt, q BundleRequest, w io.Writer) error {
	if err := t.opened(r, q.Inspection); err != nil {
		return err
	}
	if _, err := io.WriteString(w, marker); err != nil || !q.Samples {
		return err
	}
	receipt, err := q.Record(ctx, access.Reading{Action: "export", Subjects: []domain.ID{person}})
	if err != nil || !receipt.Covers(person) {
		return errors.Join(err, errNoReceipt)
	}
	_, err = io.WriteString(w, " sampled")
	return err
}

func (t testInspections) OppositionKey(_ context.Context, r access.Receipt, _, id domain.ID) ([]byte, error) {
	return []byte(`{"key":"` + marker + `"}`), t.opened(r, id)
}

// Commented has one chunk of one person, and a second of another.
func (t testInspections) Commented(_ context.Context, after int64, limit int) ([]domain.ID, int64, error) {
	t.data.mu.Lock()
	two := t.data.now.found == 2
	t.data.mu.Unlock()
	if two && after == 0 {
		return []domain.ID{person}, 1, nil
	}
	if after == 1 {
		return []domain.ID{merged}, 0, nil
	}
	return []domain.ID{person}, 0, nil
}

func (t testInspections) Search(_ context.Context, r access.Receipt, words *inspection.Terms) ([]CommentHit, error) {
	if err := t.data.check(r, r.Subjects()[0]); err != nil {
		return nil, err
	}
	hits, excerpt := words.Find(marker + " a un cancer")
	return []CommentHit{{SubjectID: r.Subjects()[0], EventID: anEvent, Field: "notes", Hits: hits, Excerpt: excerpt}}, nil
}

func (t testInspections) Searched(_ context.Context, _, id domain.ID, done SearchDone) error {
	if done.Words == 0 || done.Persons == 0 {
		return errors.New("nothing was done")
	}
	return t.Standing(context.Background(), id)
}

// testVerifiers has one program.
type testVerifiers struct{}

func (testVerifiers) List(context.Context) ([]Verifier, error) {
	return []Verifier{{Name: "greffe-verify", System: "linux", Processor: "amd64", Bytes: 7, SHA256: strings.Repeat("ab", 32)}}, nil
}

func (v testVerifiers) Give(ctx context.Context, _, _ domain.ID, name string) (Verifier, io.ReadCloser, error) {
	all, _ := v.List(ctx)
	if name != all[0].Name {
		return Verifier{}, nil, ErrNotFound
	}
	return all[0], io.NopCloser(strings.NewReader("program")), nil
}

func (testVerifiers) GiveKey(context.Context, domain.ID, domain.ID) ([]byte, error) {
	return []byte("-----BEGIN PUBLIC KEY-----\n"), nil
}
