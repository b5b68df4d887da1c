package completeness_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greffe/domain"
	rules "greffe/domain/completeness"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/completeness"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func open(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
	return completeness.Open(filepath.Join(dir, "completeness.db"), sqlfile.Options{Hook: hook})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, open)
}

func BenchmarkCatchUp(b *testing.B) { projtest.Bench(b, 100_000, 20_000, open) }

func newStore(t *testing.T) *completeness.Store {
	t.Helper()
	s, err := completeness.Open(filepath.Join(t.TempDir(), "completeness.db"), completeness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func id(n byte) domain.ID {
	return domain.DeriveID([]byte{n, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
}

var start = time.Date(2026, 9, 7, 8, 0, 0, 0, time.UTC)

// log says facts to a store.
type log struct {
	*testing.T
	s    *completeness.Store
	at   domain.Position
	time time.Time
}

func (l *log) say(facts ...*event.Fact) {
	l.Helper()
	var all []projections.Fact
	for _, f := range facts {
		f.Recorded = domain.NewTime(l.time)
		all = append(all, projections.Fact{Position: l.at, Fact: f})
		l.at++
	}
	if err := l.s.Apply(l.Context(), all); err != nil {
		l.Fatal(err)
	}
}

// sent are events of a source with numbers.
func sent(source byte, numbers ...int64) (out []*event.Fact) {
	for _, n := range numbers {
		out = append(out, &event.Fact{Type: event.NoticeServed, Source: id(source), Sequence: &n})
	}
	return out
}

func (l *log) all() (out []completeness.Producer) {
	l.Helper()
	if err := l.s.Producers(l.Context(), domain.ID{}, func(p completeness.Producer) bool { out = append(out, p); return true }); err != nil {
		l.Fatal(err)
	}
	return out
}

// TestAgainstFacts compares the projection with a look at each fact.
func TestAgainstFacts(t *testing.T) {
	t.Parallel()
	l := &log{T: t, s: newStore(t)}
	facts := projtest.Decode(t, 0, projtest.NewWorld(5, 40).Bytes(3000))
	for i := 0; i < len(facts); i += 170 {
		if err := l.s.Apply(t.Context(), facts[i:min(i+170, len(facts))]); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for _, p := range l.all() {
		tally, habit := rules.Tally{Source: p.Source}, new(rules.Habit)
		last := domain.Position(0)
		for _, f := range facts {
			tally.Add(f.Fact)
			if f.Source == p.Source && rules.KindOf(f.Fact) != rules.Nothing {
				habit.Arrive(f.Recorded.Time)
				last = f.Position
			}
		}
		got := rules.Counts{Events: p.Events, SetAside: p.SetAside, Numbered: p.Numbers.Counts(), Lowest: p.Numbers.First(), Highest: p.Numbers.Last(),
			Gaps: p.Numbers.Open(), Missing: p.Numbers.Missing(), Restarts: p.Numbers.Runs() - 1}
		if diff := cmp.Diff(tally.Counts(), got); diff != "" || p.Position != last || *habit != *p.Habit {
			t.Errorf("source %s, at %d of %d (-want +got):\n%s", p.Source, p.Position, last, diff)
		}
		one, err := l.s.Producer(t.Context(), p.Source)
		if err != nil || one.Events != p.Events {
			t.Errorf("one source: %v", err)
		}
		seen += int(p.Events + p.SetAside)
	}
	want := 0
	for _, f := range facts {
		if rules.KindOf(f.Fact) != rules.Nothing {
			want++
		}
	}
	if seen != want || want < 1000 {
		t.Errorf("%d of %d facts are of some source", seen, want)
	}
	if _, err := l.s.Producer(t.Context(), id(200)); !errors.Is(err, completeness.ErrUnknown) {
		t.Errorf("a source that nobody is: %v", err)
	}
}

// TestDays: each day says what came that day, the empty ones too, also over restarts
// of the store and facts that come in many batches.
func TestDays(t *testing.T) {
	t.Parallel()
	l := &log{T: t, s: newStore(t), time: start}
	l.say(sent(1, 1, 2, 5)...)
	l.say(sent(1, 9)...)
	l.say(&event.Fact{Type: event.IngestQuarantined, Source: id(1)}, &event.Fact{Type: event.AccountCreated, Source: id(1)})
	l.say(sent(2, 70)...)
	l.time = start.AddDate(0, 0, 2)
	l.say(sent(1, 3, 4, 10)...)
	l.say(&event.Fact{Type: event.NoticeServed, Source: id(1)})
	date := func(n int) time.Time { return start.AddDate(0, 0, n).Truncate(24 * time.Hour) }
	want := []completeness.Day{{Date: date(-1)},
		{Date: date(0), Events: 4, SetAside: 1, Numbered: true, Lowest: 1, Highest: 9, Change: rules.Change{Opened: 2, Missing: 5}},
		{Date: date(1)},
		{Date: date(2), Events: 4, Numbered: true, Lowest: 3, Highest: 10, Change: rules.Change{Closed: 1, Recovered: 2}},
		{Date: date(3)}}
	got, err := l.s.Days(t.Context(), id(1), date(-1), date(4))
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(completeness.Day{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := l.s.Days(t.Context(), id(9), date(0), date(2).Add(time.Second)); err != nil || len(got) != 3 || got[1].Events != 0 {
		t.Errorf("a source that nobody is: %v, %v", got, err)
	}
	if got, err := l.s.Days(t.Context(), id(1), date(2), date(0)); err != nil || len(got) != 0 {
		t.Errorf("backwards: %v, %v", got, err)
	}
}

// TestSpans: no fact of a source is outside of its spans, and where a source sent
// nothing there are none.
func TestSpans(t *testing.T) {
	t.Parallel()
	l := &log{T: t, s: newStore(t), time: start}
	places := map[domain.Position]bool{}
	for range 10 {
		facts := make([]*event.Fact, 3000)
		for i := range facts {
			facts[i] = &event.Fact{Type: event.NoticeServed, Source: id(2)}
		}
		if l.at < 9000 || l.at > 20_000 {
			facts[17] = &event.Fact{Type: event.NoticeServed, Source: id(1)}
			places[l.at+17] = true
		}
		l.say(facts...)
	}
	var spans []completeness.Span
	err := l.s.Spans(t.Context(), id(1), 10, l.at-5, func(s completeness.Span) error { spans = append(spans, s); return nil })
	if err != nil {
		t.Fatal(err)
	}
	covered := domain.Position(0)
	for i, s := range spans {
		if s.From >= s.To || i > 0 && s.From < spans[i-1].To || s.From < 10 || s.To > l.at-5 {
			t.Errorf("span %+v", s)
		}
		covered += s.To - s.From
	}
	for p := range places {
		found := false
		for _, s := range spans {
			found = found || p >= s.From && p < s.To
		}
		if !found {
			t.Errorf("position %d is in no span", p)
		}
	}
	if covered > 20_000 || len(places) != 6 {
		t.Errorf("%d positions are looked at for %d facts", covered, len(places))
	}
	stop := errors.New("stop")
	if err := l.s.Spans(t.Context(), id(1), 0, l.at, func(completeness.Span) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped with %v", err)
	}
	for _, c := range [][2]domain.Position{{5, 5}, {9, 3}, {10_000, 15_000}} {
		if err := l.s.Spans(t.Context(), id(1), c[0], c[1], func(completeness.Span) error { return stop }); err != nil {
			t.Errorf("%v has a span", c)
		}
	}
}

// TestManySpans: more than one query takes.
func TestManySpans(t *testing.T) {
	t.Parallel()
	l := &log{T: t, s: newStore(t), time: start}
	const blocks = 2100
	filler := make([]*event.Fact, 4095)
	for i := range filler {
		filler[i] = &event.Fact{Type: event.PolicyPublished}
	}
	for range blocks {
		l.say(append(sent(1, int64(l.at)), filler...)...)
	}
	n := 0
	if err := l.s.Spans(t.Context(), id(1), 0, l.at, func(completeness.Span) error { n++; return nil }); err != nil || n != blocks {
		t.Errorf("%d spans of %d: %v", n, blocks, err)
	}
}

// TestManySources: more than stay in memory.
func TestManySources(t *testing.T) {
	t.Parallel()
	l := &log{T: t, s: newStore(t), time: start}
	many := func(n int64) (out []*event.Fact) {
		for i := range 3000 {
			out = append(out, &event.Fact{Type: event.NoticeServed, Source: domain.DeriveID([]byte{byte(i), byte(i >> 8), 15: 1}), Sequence: &n})
		}
		return out
	}
	l.say(many(1)...)
	l.say(many(4)...)
	l.say(many(2)...)
	all := l.all()
	if len(all) != 3000 {
		t.Fatalf("%d sources", len(all))
	}
	for _, p := range all {
		if p.Events != 3 || p.Numbers.Missing() != 1 {
			t.Fatalf("%d events, %d missing", p.Events, p.Numbers.Missing())
		}
	}
	n := 0
	if err := l.s.Producers(t.Context(), all[99].Source, func(p completeness.Producer) bool {
		n++
		return p.Source == all[100].Source
	}); err != nil || n != 2 {
		t.Errorf("%d sources were told after the hundredth: %v", n, err)
	}
}

func TestGone(t *testing.T) {
	t.Parallel()
	l := &log{T: t, s: newStore(t), time: start}
	codes := event.Codes{}.With("channel", "kafka").With("reason", "retention").With("partition", int64(3)).With("from", int64(10)).With("to", int64(90)).With("end", int64(95))
	l.say(&event.Fact{Type: event.PolicyPublished}, &event.Fact{Type: event.ProducerGapDetected, Codes: codes}, &event.Fact{Type: event.ProducerGapDetected, Codes: codes})
	want := []completeness.Gone{{Position: 1, Partition: 3, From: 10, To: 90, Reason: "retention"}, {Position: 2, Partition: 3, From: 10, To: 90, Reason: "retention"}}
	got, err := l.s.Gone(t.Context(), 0, 10)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := l.s.Gone(t.Context(), 2, 1); err != nil || len(got) != 1 || got[0].Position != 2 {
		t.Errorf("from a position on: %v, %v", got, err)
	}
}
