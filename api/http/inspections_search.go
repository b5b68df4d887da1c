package httpapi

import (
	"context"
	"slices"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/domain/inspection"
	"greffe/eventstore/access"
)

// InspectionSearch looks for words in comments.
type InspectionSearch interface {
	// Commented lists up to limit persons after a cursor (0 at first) who may have
	// free text; next is 0 at the end. It opens nothing.
	Commented(ctx context.Context, after int64, limit int) (persons []domain.ID, next int64, err error)
	// Search opens the free text of persons whom the receipt covers, all that it
	// covers, and gives what holds any of the words.
	Search(ctx context.Context, r access.Receipt, words *inspection.Terms) ([]CommentHit, error)
	// Searched records what a whole search came to.
	Searched(ctx context.Context, actor, id domain.ID, done SearchDone) error
}

// SearchDone is what a search came to.
type SearchDone struct{ Words, Persons, Hits int }

// CommentHit is a comment that holds words that were looked for.
type CommentHit struct {
	SubjectID domain.ID `json:"subject_id"`
	EventID   domain.ID `json:"event_id"`
	Field     string    `json:"field"`
	Hits      int       `json:"hits" doc:"How often."`
	Excerpt   string    `json:"excerpt,omitempty" doc:"What stands around the first, 40 characters to each side; only where excerpts were asked for."`
}

// CommentSearch asks for comments that hold words.
type CommentSearch struct {
	ID   domain.ID `path:"id" doc:"The inspection."`
	Body struct {
		Words    []string `json:"words" doc:"1 to 100 words or expressions. Capitals and accents do not matter; a star at the end stands for any ending."`
		Excerpts bool     `json:"excerpts,omitempty" doc:"Show what stands around the first; needs the permission inspections.samples, and to see the class notes."`
	}
}

// searchComments goes through everybody, at most 1,000 persons at a time: the
// access to each chunk is durable before anything of it is opened.
func searchComments() endpoint {
	e := typed(Personal, 200, func(ctx context.Context, a *API, c *Call, in *CommentSearch) (answer, error) {
		if err := c.checkReason(); err != nil {
			return answer{}, err
		}
		terms, err := inspection.NewTerms(in.Body.Words)
		if err != nil {
			return answer{}, fieldProblem(err)
		}
		classes := c.wordy()
		if l := c.lens(); l.Confined() {
			return answer{}, problem.New(problem.SubjectForbidden)
		}
		if in.Body.Excerpts {
			if err := c.mayShow(classes); err != nil {
				return answer{}, err
			}
		}
		if err := a.services.Inspections.Standing(ctx, in.ID); err != nil {
			return answer{}, err
		}
		c.under(in.ID)
		s := &sweep{a: a, c: c, terms: terms, excerpts: in.Body.Excerpts, classes: classes}
		first, err := s.next(ctx)
		if err != nil {
			return answer{}, err
		}
		return answer{media: mediaNDJSON, stream: func(*Call) error { return s.all(in.ID, first) }}, nil
	})
	e.out, e.item, e.gives = nil, typeOf[CommentHit](), []string{mediaNDJSON}
	return e
}

// wordy lists the retention classes that hold free text under the policy.
func (c *Call) wordy() (out []string) {
	for _, f := range c.rules.Fields() {
		if f.FreeText && !slices.Contains(out, f.Class) {
			out = append(out, f.Class)
		}
	}
	slices.Sort(out)
	return out
}

// mayShow is nil if the caller may put classes in clear before an inspection.
func (c *Call) mayShow(classes []string) error {
	if err := c.principal.May(c.rules, "inspections.samples"); err != nil {
		return err
	}
	l := c.lens()
	for _, class := range classes {
		if !l.Full(domain.ID{}, class) {
			return &problem.Error{Code: problem.PermissionMissing, Permission: "inspections.samples"}
		}
	}
	return nil
}

// sweep is a search on its way.
type sweep struct {
	a        *API
	c        *Call
	terms    *inspection.Terms
	excerpts bool
	classes  []string // that hold free text
	after    int64
	ended    bool
	done     SearchDone
}

// next records and searches one chunk.
func (s *sweep) next(ctx context.Context) ([]CommentHit, error) {
	desk := s.a.services.Inspections
	persons, next, err := desk.Commented(ctx, s.after, recordedChunk)
	if err != nil {
		return nil, err
	}
	s.after, s.ended = next, next == 0
	reading := access.Reading{Action: "search", Categories: s.classes, Subjects: persons, Count: int64(len(persons))}
	if !s.excerpts {
		reading.Lens = disclosure.Whole() // no word leaves: ids and counts alone
	}
	receipt, err := s.a.record(s.c, reading)
	if err != nil {
		return nil, err
	}
	hits, err := desk.Search(ctx, receipt, s.terms)
	for i := range hits {
		s.done.Hits += hits[i].Hits
		if !s.excerpts {
			hits[i].Excerpt = ""
		}
	}
	s.done.Persons += len(persons)
	return hits, err
}

// all writes every chunk, and the last line after the search was recorded as done.
func (s *sweep) all(id domain.ID, hits []CommentHit) error {
	w := newLineWriter(s.c)
	for {
		for i := range hits {
			if err := w.add(hits[i]); err != nil {
				return err
			}
		}
		if s.ended {
			break
		}
		if err := w.flush(); err != nil {
			return err
		}
		var err error
		if hits, err = s.chunk(); err != nil {
			return s.a.endBroken(s.c, w, err)
		}
	}
	s.done.Words = s.terms.Count()
	ctx, cancel := context.WithTimeout(s.c.r.Context(), s.c.route.Limits.Timeout)
	defer cancel()
	if err := s.a.services.Inspections.Searched(ctx, s.c.principal.Account, id, s.done); err != nil {
		return s.a.endBroken(s.c, w, err)
	}
	return w.end(nil)
}

func (s *sweep) chunk() ([]CommentHit, error) {
	ctx, cancel := context.WithTimeout(s.c.r.Context(), s.c.route.Limits.Timeout)
	defer cancel()
	return s.next(ctx)
}
