package runs_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
	"greffe/projections/runs"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, func(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
		return runs.Open(filepath.Join(dir, "runs.db"), sqlfile.Options{Hook: hook})
	})
}

var start = time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)

func id(n byte) domain.ID { return domain.DeriveID([]byte{n, 15: 7}) }

// told applies facts, a minute apart.
func told(t *testing.T, facts ...*event.Fact) *runs.Store {
	t.Helper()
	s, err := runs.Open(filepath.Join(t.TempDir(), "runs.db"), runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var all []projections.Fact
	for i, f := range facts {
		f.Time = domain.NewTime(start.Add(time.Duration(i) * time.Minute))
		f.Recorded = f.Time
		all = append(all, projections.Fact{Position: domain.Position(i), Fact: f})
	}
	if err := s.Apply(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return s
}

func begun(n byte, date string) *event.Fact {
	return &event.Fact{ID: id(n), Type: event.RetentionRun, Codes: event.Codes{}.With(runs.CodeState, runs.Begun).With(runs.CodeDate, date).
		With(runs.CodeAsOf, domain.FormatTime(start))}
}

func ended(n, of byte, counts map[string]int64) *event.Fact {
	f := &event.Fact{ID: id(n), Type: event.RetentionRun, Codes: event.Codes{}.With(runs.CodeState, runs.Ended).With(runs.CodeRun, id(of).String())}
	for name, c := range counts {
		f.Codes = f.Codes.With(name, c)
	}
	return f
}

func did(n, run, subject byte, typ event.Type, action string, classes ...string) *event.Fact {
	f := &event.Fact{ID: id(n), Type: typ, Subject: id(subject), Codes: event.Codes{}.With(runs.CodeRules, []string{"r1"}).With("classes", classes).
		With(runs.CodeDue, domain.FormatTime(start.AddDate(0, 0, -1)))}
	if run > 0 {
		f.Codes = f.Codes.With(runs.CodeRun, id(run).String())
	}
	if action != "" {
		f.Codes = f.Codes.With(runs.CodeAction, action)
	}
	return f
}

func certificate(n, order byte) *event.Fact {
	return &event.Fact{ID: id(n), Type: event.SubjectErased, Codes: event.Codes{}.With("order", id(order).String())}
}

// TestRunIsWhatItsFactsSay: what is done under a run is its list, wherever it stands
// between others, and a certificate joins the order that it is of.
func TestRunIsWhatItsFactsSay(t *testing.T) {
	t.Parallel()
	first, own := did(2, 1, 50, event.ErasureOrdered, "", "identity", "notes"), did(9, 0, 51, event.ErasureOrdered, "", "identity")
	first.Codes = first.Codes.With("whole", true)
	destroyed := did(4, 1, 52, event.ErasureOrdered, "", "billing")
	destroyed.Codes = destroyed.Codes.With("epochs", []string{"2014", "2015"})
	s := told(t, begun(1, "2026-03-29"), first, own, did(3, 1, 51, event.RetentionArchived, "", "billing"), destroyed,
		certificate(20, 2), certificate(21, 9), did(5, 1, 53, event.RetentionAsked, "", "identity"),
		ended(6, 1, map[string]int64{"erase": 1, "held": 2}), begun(7, "2026-03-30"), did(8, 7, 54, event.ErasureOrdered, "generalise", "identity"))
	ctx := t.Context()

	items, err := s.Items(ctx, id(1), 0, 10)
	at := func(m int) time.Time { return start.Add(time.Duration(m) * time.Minute) }
	due := start.AddDate(0, 0, -1)
	want := []runs.Item{
		{Position: 1, Event: id(2), Subject: id(50), Action: "erase", Classes: []string{"identity", "notes"}, Rules: []string{"r1"}, Due: due, At: at(1), Certificate: id(20), Certified: 5},
		{Position: 3, Event: id(3), Subject: id(51), Action: "archive", Classes: []string{"billing"}, Rules: []string{"r1"}, Due: due, At: at(3)},
		{Position: 4, Event: id(4), Subject: id(52), Action: "destroy", Classes: []string{"billing"}, Epochs: []string{"2014", "2015"}, Rules: []string{"r1"}, Due: due, At: at(4)},
		{Position: 7, Event: id(5), Subject: id(53), Action: "ask", Classes: []string{"identity"}, Rules: []string{"r1"}, Due: due, At: at(7)},
	}
	for i := range items {
		if items[i].Epochs != nil && len(items[i].Epochs) == 0 {
			items[i].Epochs = nil
		}
	}
	if d := cmp.Diff(want, items); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	tallies, err := s.Tallies(ctx, id(1))
	if d := cmp.Diff(map[string]runs.Tally{"erase": {Done: 1}, "archive": {Done: 1}, "destroy": {1, 1}, "ask": {Done: 1}}, tallies); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	run, err := s.Get(ctx, id(1))
	if err != nil || run.Date != "2026-03-29" || !run.AsOf.Equal(start) || !run.Ended.Equal(at(8)) || run.Report != id(6) || run.Reported != 8 ||
		run.Counts["held"] != 2 || run.Counts["erase"] != 1 {
		t.Errorf("%v %+v", err, run)
	}
	open, err := s.Open(ctx)
	if err != nil || len(open) != 1 || open[0].ID != id(7) || !open[0].Ended.IsZero() {
		t.Errorf("open: %v %+v", err, open)
	}
	of, err := s.Of(ctx, id(54))
	if err != nil || len(of) != 1 || of[0].Action != "generalise" {
		t.Errorf("of a person: %v %+v", err, of)
	}
	if _, err := s.Get(ctx, id(2)); !errors.Is(err, runs.ErrUnknown) {
		t.Errorf("an order is no run: %v", err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := told(t, begun(1, "2026-03-29"), did(2, 1, 50, event.RetentionAsked, "", "notes"), did(3, 1, 51, event.RetentionAsked, "", "notes"),
		ended(4, 1, nil), begun(5, "2026-03-30"), ended(6, 5, nil), begun(7, "2026-03-31"))
	ctx := t.Context()
	for _, x := range []struct {
		below domain.Position
		limit int
		want  []string
	}{{0, 9, []string{"2026-03-31", "2026-03-30", "2026-03-29"}}, {0, 1, []string{"2026-03-31"}}, {6, 1, []string{"2026-03-30"}}, {4, 9, []string{"2026-03-29"}}} {
		var got []string
		list, err := s.List(ctx, x.below, x.limit)
		for _, r := range list {
			got = append(got, r.Date)
		}
		if d := cmp.Diff(x.want, got); err != nil || d != "" {
			t.Errorf("below %d: %v %s", x.below, err, d)
		}
	}
	one, err := s.Items(ctx, id(1), 0, 1)
	rest, errRest := s.Items(ctx, id(1), one[0].Position+1, 9)
	if err != nil || errRest != nil || len(one) != 1 || len(rest) != 1 || rest[0].Subject != id(51) {
		t.Errorf("%v %+v, %v %+v", err, one, errRest, rest)
	}
}
