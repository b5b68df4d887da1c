package cases_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/cases"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// fold is a desk's: it marks what it met.
func fold(s *casefile.Summary, f *event.Fact) {
	s.Mark(string(f.Type))
	switch f.Type {
	case event.RequestReceived:
		s.Kind, s.Due = f.Codes.String("right"), f.Time.AddDate(0, 1, 0)
	case event.RequestClosed, event.BreachClosed:
		s.End(casefile.Closed, f.Time.Time)
	}
}

func folds() map[casefile.Desk]casefile.Fold {
	out := map[casefile.Desk]casefile.Fold{}
	for _, d := range casefile.Desks() {
		out[d] = fold
	}
	return out
}

func open(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return cases.Open(filepath.Join(dir, "cases.db"), folds(), sqlfile.Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, open)
}

func newStore(t *testing.T) *cases.Store {
	t.Helper()
	s, err := cases.Open(filepath.Join(t.TempDir(), "cases.db"), folds(), cases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func id(n byte) domain.ID { return domain.DeriveID([]byte{n, 15: 9}) }

var start = time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)

// say applies facts, an hour apart.
func say(t *testing.T, s *cases.Store, facts ...*event.Fact) error {
	t.Helper()
	at, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []projections.Fact
	for i, f := range facts {
		f.Time = domain.NewTime(start.Add(time.Duration(int(at)+i) * time.Hour))
		f.Recorded = f.Time
		all = append(all, projections.Fact{Position: at + domain.Position(i), Fact: f})
	}
	return s.Apply(t.Context(), all)
}

func step(n byte, typ event.Type, of domain.ID) *event.Fact {
	f := &event.Fact{ID: id(n), Type: typ}
	if !of.IsZero() {
		f.Codes = f.Codes.With(casefile.CodeCase, of.String())
	}
	return f
}

func request(n byte, subject domain.ID, right string) *event.Fact {
	return &event.Fact{ID: id(n), Type: event.RequestReceived, Subject: subject, Controller: "acme", Codes: event.Codes{}.With("right", right)}
}

func TestFileIsTheFoldOfItsSteps(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := say(t, s, request(1, id(50), "access"), step(2, event.BreachOpened, domain.ID{}), step(3, event.RequestVerified, id(1)),
		&event.Fact{ID: id(4), Type: event.ContactCreated, Subject: id(50)}, step(5, event.RequestReminded, id(1)), step(6, event.RequestClosed, id(1))); err != nil {
		t.Fatal(err)
	}
	got, steps, err := s.Get(t.Context(), casefile.Request, id(1))
	want := &casefile.Summary{Case: id(1), Desk: casefile.Request, Position: 0, Last: 5, Revision: 2, Kind: "access", Status: casefile.Closed, Controller: "acme",
		Subject: id(50), Opened: start, Closed: start.Add(5 * time.Hour),
		Marks: []string{"request.closed", "request.received", "request.verified"}}
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	if d := cmp.Diff([]domain.Position{0, 2, 5}, steps); d != "" {
		t.Error(d)
	}
	for _, x := range []struct {
		desk casefile.Desk
		id   domain.ID
	}{{casefile.Breach, id(1)}, {casefile.Request, id(2)}, {casefile.Request, id(9)}} {
		if _, _, err := s.Get(t.Context(), x.desk, x.id); !errors.Is(err, cases.ErrUnknown) {
			t.Errorf("%v: %v", x, err)
		}
	}
}

// TestStepOfNoFile: a step of a file that is not there, or of another desk's, halts.
func TestStepOfNoFile(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := say(t, s, step(2, event.BreachOpened, domain.ID{})); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*event.Fact{step(3, event.BreachClosed, id(9)), step(3, event.ReviewClosed, id(2))} {
		if err := say(t, s, f); !errors.Is(err, cases.ErrUnknown) {
			t.Errorf("%s: %v", f.Type, err)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	if err := say(t, s, request(1, id(50), "access"), request(2, id(51), "erasure"), request(3, domain.ID{}, "access"), request(4, id(50), "objection"),
		step(5, event.RequestClosed, id(2)), step(6, event.RequestVerified, id(4)), step(7, event.BreachOpened, domain.ID{}), step(8, event.RequestClosed, id(1))); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	list := func(f cases.Filter) (out []byte) {
		t.Helper()
		if f.Desk == "" {
			f.Desk = casefile.Request
		}
		all, err := s.List(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		return numbers(all)
	}
	due := start.Add(2*time.Hour).AddDate(0, 1, 0)
	for name, x := range map[string]struct {
		filter cases.Filter
		want   []byte
	}{
		"all":      {cases.Filter{}, []byte{1, 2, 3, 4}},
		"kind":     {cases.Filter{Kind: "access"}, []byte{1, 3}},
		"open":     {cases.Filter{Standing: casefile.Open}, []byte{3, 4}},
		"closed":   {cases.Filter{Standing: casefile.Closed}, []byte{1, 2}},
		"status":   {cases.Filter{Status: casefile.Open}, []byte{3, 4}},
		"mark":     {cases.Filter{Mark: "request.verified"}, []byte{4}},
		"no mark":  {cases.Filter{Mark: "verified"}, nil},
		"subject":  {cases.Filter{Subject: id(50)}, []byte{1, 4}},
		"assignee": {cases.Filter{Assignee: id(50)}, nil},
		"due":      {cases.Filter{DueBy: due}, []byte{3}},
		"opened":   {cases.Filter{From: start.Add(time.Hour), To: start.Add(3 * time.Hour)}, []byte{2, 3}},
		"cursor":   {cases.Filter{Cursor: 1, Limit: 2}, []byte{2, 3}},
		"by due":   {cases.Filter{ByDue: true}, []byte{3, 4, 1, 2}},
		"breaches": {cases.Filter{Desk: casefile.Breach}, []byte{7}},
	} {
		if d := cmp.Diff(x.want, list(x.filter)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	all, err := s.List(ctx, cases.Filter{Desk: casefile.Request, ByDue: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all { // a page begins at any file, due or not
		if d := cmp.Diff(numbers(all[i:]), list(cases.Filter{ByDue: true, Cursor: all[i].Position, CursorDue: &all[i].Due})); d != "" {
			t.Errorf("by due, from the file %d: %s", i, d)
		}
	}
	counts, err := s.Count(ctx, cases.Filter{Desk: casefile.Request})
	if d := cmp.Diff(map[string]int64{"open": 2, "closed": 2}, counts); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	check := func(name string, want []byte) func([]casefile.Summary, error) {
		return func(got []casefile.Summary, err error) {
			t.Helper()
			if d := cmp.Diff(want, numbers(got)); err != nil || d != "" {
				t.Errorf("%s: %v %s", name, err, d)
			}
		}
	}
	check("due", []byte{3, 4})(s.Due(ctx, due.Add(48*time.Hour), 9))
	check("most urgent", []byte{3})(s.Due(ctx, due.Add(48*time.Hour), 1))
	check("of a person", []byte{1, 4})(s.Of(ctx, id(50)))
	check("closed", []byte{2, 1})(s.ClosedBefore(ctx, casefile.Request, start.AddDate(1, 0, 0), time.Time{}, 0, 9))
	check("closed after", []byte{1})(s.ClosedBefore(ctx, casefile.Request, start.AddDate(1, 0, 0), start.Add(4*time.Hour), 1, 9))
	check("closed before", []byte{2})(s.ClosedBefore(ctx, casefile.Request, start.Add(5*time.Hour), time.Time{}, 0, 9))
}

// numbers are those that id was given.
func numbers(all []casefile.Summary) (out []byte) {
	for _, s := range all {
		for n := byte(0); n < 100; n++ {
			if id(n) == s.Case {
				out = append(out, n)
			}
		}
	}
	return out
}

func TestEveryDeskNeedsItsFold(t *testing.T) {
	t.Parallel()
	f := folds()
	delete(f, casefile.Breach)
	if s, err := cases.Open(filepath.Join(t.TempDir(), "cases.db"), f, cases.Options{}); err == nil {
		t.Error("a desk without a fold was taken", s.Close())
	}
}
