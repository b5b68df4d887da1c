package watch_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	rules "greffe/domain/watch"
	"greffe/projections"
	"greffe/projections/projtest"
	"greffe/projections/watch"
)

func id(n byte) domain.ID { return domain.DeriveID([]byte{n, 15: 9}) }

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func fact(at domain.Position, n byte, typ event.Type, when time.Time, codes event.Codes) projections.Fact {
	x := domain.NewTime(when)
	return projections.Fact{Position: at, Fact: &event.Fact{ID: id(n), Type: typ, Actor: id(90), Time: x, Recorded: x, Codes: codes}}
}

// TestAlerts: an alert is listed as it was said, open until it is closed once, and the
// first closing stands.
func TestAlerts(t *testing.T) {
	t.Parallel()
	s, err := watch.Open(filepath.Join(t.TempDir(), "watch.db"), watch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	said := event.Codes{}.With(watch.CodeRule, "rate").With(watch.CodeLevel, int64(1)).With(watch.CodeObserved, int64(1700)).
		With(watch.CodeLimit, int64(400)).With(watch.CodeSince, domain.FormatTime(start))
	closed := func(of byte, outcome string) event.Codes {
		return event.Codes{}.With(watch.CodeAlert, id(of).String()).With(watch.CodeOutcome, outcome)
	}
	for i, f := range []projections.Fact{
		fact(0, 1, event.WatchAlerted, start.Add(time.Minute), said),
		fact(1, 2, event.WatchAlerted, start.Add(2*time.Minute), said),
		fact(2, 3, event.WatchClosed, start.Add(time.Hour), closed(1, watch.Explained)),
		fact(3, 4, event.WatchClosed, start.Add(2*time.Hour), closed(1, watch.Misuse)),
		fact(4, 5, event.WatchClosed, start.Add(2*time.Hour), closed(9, watch.Misuse)), // of an alert that there is not
	} {
		if err := s.Apply(t.Context(), []projections.Fact{f}); err != nil {
			t.Fatalf("fact %d: %v", i, err)
		}
	}
	got, err := s.Get(t.Context(), id(1))
	want := watch.Alert{ID: id(1), At: start.Add(time.Minute), Rule: "rate", Level: 1, Observed: 1700, Limit: 400, Since: start,
		Closing: id(3), Closed: start.Add(time.Hour), Outcome: watch.Explained, Closer: id(90)}
	if err != nil || *got != want {
		t.Errorf("%+v, want %+v: %v", got, want, err)
	}
	if _, err := s.Get(t.Context(), id(9)); !errors.Is(err, watch.ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
	for state, want := range map[string][]domain.ID{"open": {id(2)}, "closed": {id(1)}, "": {id(2), id(1)}} {
		all, err := s.List(t.Context(), state, 0, 10)
		if err != nil || len(all) != len(want) {
			t.Fatalf("%q: %d alerts, %v", state, len(all), err)
		}
		for i := range all {
			if all[i].ID != want[i] {
				t.Errorf("%q: alert %d is %s", state, i, all[i].ID)
			}
		}
	}
	for most, want := range map[int]int{0: 0, 9: 1} {
		if n, err := s.Open(t.Context(), most); err != nil || n != want {
			t.Errorf("%d open alerts of at most %d: %v", n, most, err)
		}
	}
	if all, err := s.List(t.Context(), "", 1, 10); err != nil || len(all) != 1 || all[0].ID != id(1) {
		t.Errorf("below the second: %+v, %v", all, err)
	}
	if all, err := s.From(t.Context(), 1, 10); err != nil || len(all) != 1 || all[0].ID != id(2) {
		t.Errorf("from the second on: %+v, %v", all, err)
	}
}

// metered is a meter of one account with narrow limits, whose log had some facts when it
// began.
type metered struct {
	*watch.Meter
	t    *testing.T
	now  time.Time
	at   domain.Position
	open error
}

func newMetered(t *testing.T, behind domain.Position) *metered {
	t.Helper()
	m := &metered{t: t, now: start}
	m.Meter = watch.NewMeter(watch.Config{
		Open: func(_ context.Context, facts []*event.Fact) (out []watch.Sealed, err error) {
			for _, f := range facts {
				s := watch.Sealed{Account: id(50)}
				if f.Codes.Bool("gone") {
					s = watch.Sealed{}
				}
				for n := range f.Codes.Int("count") {
					s.Persons = append(s.Persons, id(byte(f.Codes.Int("first")+n)))
				}
				out = append(out, s)
			}
			return out, m.open
		},
		Policy: func() policy.Watch {
			return policy.Watch{Default: policy.WatchLimits{Hour: policy.Quota{Soft: 3, Hard: 5}, Denials: 2}}
		},
		Roles: func(domain.ID) ([]string, bool) { return []string{"agent"}, true },
		Zone:  func(string) *time.Location { return time.UTC },
		Name: func(f *rules.Finding) (domain.ID, error) {
			return domain.DeriveID([]byte(string(f.Rule) + f.From.String())), nil
		},
		Begin: func(context.Context) (domain.Position, domain.Position, error) { return 0, behind, nil },
		Now:   func() time.Time { return m.now },
	})
	return m
}

// reads is an access to persons first to first+n-1.
func (m *metered) reads(first, n int64, more ...string) error {
	m.t.Helper()
	codes := event.Codes{}.With("action", "read").With("count", n).With("first", first)
	for _, code := range more {
		codes = codes.With(code, true)
	}
	return m.say(event.AccessRecorded, codes)
}

func (m *metered) say(typ event.Type, codes event.Codes) error {
	m.t.Helper()
	err := m.Apply(m.t.Context(), []projections.Fact{fact(m.at, byte(m.at), typ, m.now, codes)})
	if err == nil {
		m.at++
	}
	return err
}

// room asks whether persons may be read now.
func (m *metered) room(persons ...domain.ID) bool {
	m.t.Helper()
	_, ok, err := m.Room(m.t.Context(), rules.Read{Account: id(50), At: m.now, Persons: persons, Count: int64(len(persons)), Opens: true}, policy.WatchLimits{Hour: policy.Quota{Soft: 3, Hard: 5}})
	if err != nil {
		m.t.Fatal(err)
	}
	return ok
}

// TestMeterCounts: different persons of an hour use up the quota, those met before do
// not; what is sealed and gone is nobody's; a finding waits until it was told.
func TestMeterCounts(t *testing.T) {
	t.Parallel()
	m := newMetered(t, 0)
	if _, err := m.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{m.reads(1, 2), m.reads(1, 2), m.reads(60, 3, "gone")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if all, _ := m.Pending(); len(all) != 0 || !m.room(id(3), id(4), id(5)) || m.room(id(3), id(4), id(5), id(6)) {
		t.Errorf("after two persons: %d findings", len(all))
	}
	if err := m.reads(3, 3); err != nil {
		t.Fatal(err)
	}
	if m.room(id(6)) || !m.room(id(1), id(5)) {
		t.Error("beyond the quota somebody new is read, or somebody met is not")
	}
	all, lost := m.Pending()
	if len(all) != 1 || lost != 0 || all[0].Rule != rules.BreadthHour || all[0].Account != id(50) || all[0].Observed != 5 || all[0].Limit != 3 {
		t.Fatalf("%+v, %d lost", all, lost)
	}
	select {
	case <-m.News():
	default:
		t.Error("nobody was told of the finding")
	}
	m.Told(all[0].ID)
	if all, _ := m.Pending(); len(all) != 0 {
		t.Error("what was told is still to be told")
	}
	m.now = m.now.Add(time.Hour)
	if !m.room(id(6), id(7), id(8)) {
		t.Error("a new hour has no new quota")
	}
	if err := m.say(event.AccessDenied, event.Codes{}.With("count", int64(7))); err != nil {
		t.Fatal(err)
	}
	if all, _ := m.Pending(); len(all) != 1 || all[0].Rule != rules.Denied || all[0].Observed != 7 {
		t.Errorf("refusals: %+v", all)
	}
}

// TestMeterPassesOverBundles: the bundle of an inspection is about everybody and shows
// nobody; it uses up no quota and raises no alert of breadth, and still counts among what
// was handed out. The same number taken out as an export is told of.
func TestMeterPassesOverBundles(t *testing.T) {
	t.Parallel()
	m := newMetered(t, 0)
	taken := func(action string) {
		t.Helper()
		if err := m.say(event.AccessRecorded, event.Codes{}.With("action", action).With("count", int64(40))); err != nil {
			t.Fatal(err)
		}
	}
	taken(event.Bundles)
	if all, _ := m.Pending(); len(all) != 0 || !m.room(id(1), id(2), id(3), id(4), id(5)) {
		t.Errorf("a bundle counts as reads: %+v", all)
	}
	if n, err := m.Shown(t.Context(), id(50)); err != nil || n != 40 {
		t.Errorf("%d handed out, %v", n, err)
	}
	taken("export")
	if all, _ := m.Pending(); len(all) != 1 || all[0].Observed != 40 || m.room(id(200)) {
		t.Errorf("an export of 40: %+v", all)
	}
}

// TestMeterAnswersNothingBehind: until it has read what was in the log when it began, and
// again after a reset, a meter does not say that there is room; what it cannot open stops
// it where it is.
func TestMeterAnswersNothingBehind(t *testing.T) {
	t.Parallel()
	m := newMetered(t, 2)
	ended, end := context.WithCancel(t.Context())
	end()
	ask := func() error {
		_, _, err := m.Room(ended, rules.Read{Account: id(50), At: m.now}, policy.WatchLimits{})
		return err
	}
	if err := ask(); !errors.Is(err, watch.ErrBehind) {
		t.Errorf("before it began: %v", err)
	}
	if err := m.reads(1, 1); err != nil {
		t.Fatal(err)
	}
	if err := ask(); !errors.Is(err, watch.ErrBehind) {
		t.Errorf("half way: %v", err)
	}
	m.open = errors.New("sealed")
	if err := m.reads(2, 1); !errors.Is(err, m.open) {
		t.Errorf("what cannot be opened: %v", err)
	}
	if at, err := m.Checkpoint(t.Context()); err != nil || at != 1 {
		t.Errorf("it went on to %d, %v", at, err)
	}
	m.open = nil
	if err := m.reads(2, 1); err != nil {
		t.Fatal(err)
	}
	if !m.room(id(3)) {
		t.Error("after it caught up there is no room")
	}
	if err := m.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask(); !errors.Is(err, watch.ErrBehind) {
		t.Errorf("after a reset: %v", err)
	}
}

// TestMeterTellsNothingOld: what was found of days ago was said by the node that ran then.
func TestMeterTellsNothingOld(t *testing.T) {
	t.Parallel()
	m := newMetered(t, 0)
	codes := event.Codes{}.With("action", "read").With("count", int64(5)).With("first", int64(1))
	old := fact(0, 1, event.AccessRecorded, start.Add(-26*time.Hour), codes)
	if err := m.Apply(t.Context(), []projections.Fact{old, fact(1, 2, event.AccessRecorded, start.Add(-24*time.Hour), codes)}); err != nil {
		t.Fatal(err)
	}
	if all, _ := m.Pending(); len(all) != 1 || !all[0].At.Equal(start.Add(-24*time.Hour)) {
		t.Errorf("%+v", all)
	}
}

// TestRebuilt: facts one by one, all at once, twice, and again after a reset and after a
// restart give the same rows; a gap is refused.
func TestRebuilt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "watch.db")
	s, err := watch.Open(path, watch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var facts []projections.Fact
	for n := range byte(40) {
		at := domain.Position(n)
		if n%3 == 2 {
			facts = append(facts, fact(at, n, event.WatchClosed, start.Add(time.Hour), event.Codes{}.With(watch.CodeAlert, id(n-2).String()).With(watch.CodeOutcome, watch.Explained)))
			continue
		}
		facts = append(facts, fact(at, n, event.WatchAlerted, start.Add(time.Duration(n)*time.Minute), event.Codes{}.With(watch.CodeRule, "rate").With(watch.CodeObserved, int64(n))))
	}
	for i := range facts {
		must(s.Apply(t.Context(), facts[i:i+1]))
	}
	want := projtest.Dump(t, s)
	must(s.Apply(t.Context(), facts)) // again
	if !bytes.Equal(projtest.Dump(t, s), want) {
		t.Error("facts that were applied changed something")
	}
	if err := s.Apply(t.Context(), []projections.Fact{fact(42, 42, event.WatchAlerted, start, event.Codes{})}); err == nil {
		t.Error("a gap was stepped over")
	}
	must(s.Reset(t.Context()))
	if bytes.Equal(projtest.Dump(t, s), want) {
		t.Error("a reset leaves what was there")
	}
	must(s.Apply(t.Context(), facts))
	must(s.Close())
	s, err = watch.Open(path, watch.Options{})
	must(err)
	defer s.Close()
	if !bytes.Equal(projtest.Dump(t, s), want) {
		t.Error("all at once, after a restart, is something else than one by one")
	}
	must(s.Sound(t.Context()))
}
