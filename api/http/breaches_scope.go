package httpapi

import (
	"context"
	"iter"
	"net/http"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/breach"
	"greffe/eventstore/access"
)

// ScopeInput asks whom the recorded accesses show.
type ScopeInput struct {
	Accounts   []domain.ID `json:"accounts,omitempty" doc:"That read: one of these; any if absent."`
	Sources    []domain.ID `json:"sources,omitempty" doc:"Systems that reported the access: one of these; any if absent."`
	Categories []string    `json:"categories,omitempty" doc:"Retention classes that were read: one of these; any if absent."`
	From       time.Time   `json:"from" doc:"Of the accesses."`
	To         time.Time   `json:"to,omitzero" doc:"Exclusive; now if absent."`
}

// Scope is the question.
func (in *ScopeInput) Scope() *breach.Scope {
	return &breach.Scope{Accounts: in.Accounts, Sources: in.Sources, Categories: in.Categories, From: in.From, To: in.To}
}

// ScopeAnswer is what a scope came to. Whom it found is listed at /persons.
type ScopeAnswer struct {
	DeskTaken
	Scope   *breach.Scope   `json:"scope"`
	Counted *breach.Counted `json:"counted"`
}

func scopeBreach() endpoint {
	type input struct {
		onDesk
		Body ScopeInput
	}
	return decision(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *input) (*ScopeAnswer, error) {
		q := in.Body.Scope()
		if err := q.Check(a.cfg.Now()); err != nil {
			return nil, deskProblem(err)
		}
		counted, taken, err := a.services.Breaches.Measure(ctx, in.on(c), q)
		if err != nil {
			return nil, deskProblem(err)
		}
		return &ScopeAnswer{*taken, q, counted}, nil
	})
}

// PersonsQuery asks whom a scope found.
type PersonsQuery struct {
	ID   domain.ID `path:"id" doc:"The breach."`
	Step *int      `query:"step" doc:"Number of the step that measured the scope; the last one if absent."`
}

// BreachPerson is one person whom a scope found.
type BreachPerson struct {
	SubjectID domain.ID `json:"subject_id"`
}

// getBreachPersons streams them, each chunk after its access was recorded.
func getBreachPersons() endpoint {
	e := typed(Personal, http.StatusOK, func(ctx context.Context, a *API, c *Call, in *PersonsQuery) (answer, error) {
		if err := c.checkReason(); err != nil {
			return answer{}, err
		}
		step := int64(-1)
		if in.Step != nil {
			if step = int64(*in.Step); step < 0 {
				return answer{}, problem.At(problem.ParameterInvalid, "step")
			}
		}
		q, err := a.services.Breaches.Measured(ctx, in.ID, step)
		if err != nil {
			return answer{}, err
		}
		next, stop := iter.Pull2(a.services.Breaches.Persons(c.r.Context(), q))
		s := &personStream{a: a, c: c, next: next, stop: stop}
		first, err := s.chunk() // a journal that fails is answered, not cut off
		if err != nil {
			stop()
			return answer{}, err
		}
		return answer{media: mediaNDJSON, stream: func(*Call) error { return s.all(first) }}, nil
	})
	e.out, e.item, e.gives = nil, typeOf[BreachPerson](), []string{mediaNDJSON}
	return e
}

// personStream is a list of persons on its way.
type personStream struct {
	a     *API
	c     *Call
	next  func() (domain.ID, error, bool)
	stop  func()
	ended bool
}

// chunk takes the next persons and records the access to them.
func (s *personStream) chunk() ([]domain.ID, error) {
	var out []domain.ID
	for len(out) < recordedChunk && !s.ended {
		id, err, ok := s.next()
		if err != nil {
			return nil, err
		}
		if s.ended = !ok; ok {
			out = append(out, id)
		}
	}
	r := readsBreaches("read")
	r.Categories = []string{"access"}
	return out, s.a.recordAll(s.c, r, out, len(out))
}

func (s *personStream) all(chunk []domain.ID) error {
	defer s.stop()
	w := newLineWriter(s.c)
	for {
		for _, id := range chunk {
			if err := w.add(BreachPerson{id}); err != nil {
				return err
			}
		}
		if s.ended {
			return w.end(nil)
		}
		if err := w.flush(); err != nil {
			return err
		}
		var err error
		if chunk, err = s.chunk(); err != nil {
			return err
		}
	}
}

// RegisterQuery asks for the register of breaches.
type RegisterQuery struct {
	Format   string `query:"format" doc:"json or csv; json if absent."`
	Language string `query:"language" doc:"Of the columns: fr or en; by Accept-Language if absent."`
}

// BreachRegister is the register of art. 33(5).
type BreachRegister struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

func getBreachRegister() endpoint {
	e := opening(func(_ context.Context, _ *API, c *Call, in *RegisterQuery) (access.Reading, error) {
		if in.Language == "" {
			in.Language = problem.Language(c.r)
		}
		switch {
		case in.Language != "fr" && in.Language != "en":
			return access.Reading{}, problem.At(problem.ParameterInvalid, "language")
		case in.Format != "" && in.Format != "json" && in.Format != "csv":
			return access.Reading{}, problem.At(problem.ParameterInvalid, "format")
		}
		return readsBreaches("export"), nil
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *RegisterQuery) (answer, error) {
		out := BreachRegister{Columns: breach.Columns(in.Language), Rows: [][]string{}}
		for row, err := range BreachRows(ctx, a.services.Breaches, r) {
			if err != nil {
				return answer{}, err
			}
			out.Rows = append(out.Rows, row)
		}
		if in.Format != "csv" {
			return answer{status: http.StatusOK, body: &out}, nil
		}
		return answer{status: http.StatusOK, bytes: breach.CSV(out.Columns, out.Rows), media: mediaCSV,
			header: map[string]string{"Content-Disposition": `attachment; filename="breaches.csv"`}}, nil
	})
	e.out, e.gives = typeOf[BreachRegister](), []string{mediaJSON, mediaCSV}
	return e
}

// BreachRows are the rows of the register, the first breach first.
func BreachRows(ctx context.Context, desk Breaches, r access.Receipt) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for cursor := ""; ; {
			items, next, err := desk.List(ctx, DeskFilter{}, Page{Cursor: cursor, Limit: defaultPage})
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range items {
				s, f, err := desk.Read(ctx, r, items[i].Case)
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(breach.Row(s, f), nil) {
					return
				}
			}
			if cursor = next; next == "" {
				return
			}
		}
	}
}
