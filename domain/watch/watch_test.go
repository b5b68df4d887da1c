package watch_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/domain/watch"
)

// monday is a working day's morning in Paris.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var anybody = domain.ID{1, 6: 0x40, 8: 0x80}

func paris(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func persons(from, n int) (out []domain.ID) {
	for i := range n {
		var id domain.ID
		binary.BigEndian.PutUint32(id[:], uint32(from+i))
		id[6], id[8] = 0x80, 0x80
		out = append(out, id)
	}
	return out
}

func hours() policy.Hours {
	return policy.Hours{TimeZone: "Europe/Paris", From: 8, To: 19, Days: []time.Weekday{1, 2, 3, 4, 5}}
}

func read(at time.Time, from, n int) watch.Read {
	return watch.Read{Account: anybody, At: at, Persons: persons(from, n), Count: int64(n), Opens: true, Reason: "customer_call", Ticketed: true}
}

func said(found []watch.Finding) (out []string) {
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s %d %d>%d", f.Rule, f.Level, f.Observed, f.Limit))
	}
	return out
}

// Each rule finds at its limit's first excess, once, and not before.
func TestRules(t *testing.T) {
	t.Parallel()
	saturday := monday.AddDate(0, 0, 5)
	bare, defaulted, found := read(monday, 0, 1), read(monday, 0, 1), read(monday, 0, 1)
	bare.Ticketed, defaulted.Defaulted, found.Opens = false, true, false
	for name, c := range map[string]struct {
		limits policy.WatchLimits
		before []watch.Read // that must be silent
		last   watch.Read
		want   string
	}{
		"rate":         {policy.WatchLimits{Reads: 3}, slices.Repeat([]watch.Read{read(monday, 0, 1)}, 3), read(monday, 0, 1), "rate 0 4>3"},
		"search rate":  {policy.WatchLimits{Reads: 3}, slices.Repeat([]watch.Read{found}, 3), found, "rate 0 4>3"},
		"breadth hour": {policy.WatchLimits{Hour: policy.Quota{Soft: 5}}, []watch.Read{read(monday, 0, 5), read(monday, 0, 5)}, read(monday, 5, 1), "breadth_hour 0 6>5"},
		"breadth day":  {policy.WatchLimits{Day: policy.Quota{Soft: 5}}, []watch.Read{read(monday, 0, 3), read(monday.Add(3*time.Hour), 1, 4)}, read(monday.Add(5*time.Hour), 9, 1), "breadth_day 0 6>5"},
		"a level more": {policy.WatchLimits{Day: policy.Quota{Soft: 5}}, []watch.Read{read(monday, 0, 5)}, read(monday, 0, 21), "breadth_day 1 21>5"},
		"counts alone": {policy.WatchLimits{Day: policy.Quota{Soft: 5}}, nil, watch.Read{Account: anybody, At: monday, Count: 40_000, Opens: true}, "breadth_day 6 40000>5"},
		"hours":        {policy.WatchLimits{Outside: 2}, []watch.Read{read(monday, 0, 50), read(saturday, 0, 2)}, read(saturday, 2, 1), "hours 0 3>2"},
		"at night":     {policy.WatchLimits{Outside: 2}, []watch.Read{read(monday.Add(-2*time.Hour-time.Minute), 0, 2)}, read(monday.Add(-2*time.Hour-time.Minute), 2, 1), "hours 0 3>2"},
		"ticketless": {policy.WatchLimits{Ticketless: 2}, append(slices.Repeat([]watch.Read{read(monday, 0, 1)}, 100), bare, bare),
			bare, "ticketless 0 3>2"},
		"defaulted": {policy.WatchLimits{Defaulted: 50}, append(slices.Repeat([]watch.Read{read(monday, 0, 1)}, 25), slices.Repeat([]watch.Read{defaulted}, 26)...),
			defaulted, "defaulted 0 51>50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := watch.New(paris(t))
			for i, r := range c.before {
				if got := said(s.Read(r, c.limits, hours())); len(got) > 0 {
					t.Fatalf("read %d: %v", i, got)
				}
			}
			if got := said(s.Read(c.last, c.limits, hours())); !slices.Equal(got, []string{c.want}) {
				t.Errorf("found %v, want %s", got, c.want)
			}
			if got := said(s.Read(c.last, c.limits, hours())); len(got) > 0 {
				t.Errorf("found again: %v", got)
			}
		})
	}
}

// Where no ticket is usual, none is missed; where nothing is known, neither.
func TestTicketsThatNobodyGives(t *testing.T) {
	t.Parallel()
	s := watch.New(paris(t))
	bare := read(monday, 0, 1)
	bare.Ticketed = false
	for i := range 300 {
		if got := s.Read(bare, policy.WatchLimits{Ticketless: 2}, hours()); len(got) > 0 {
			t.Fatalf("read %d: %v", i, said(got))
		}
	}
}

func TestDenials(t *testing.T) {
	t.Parallel()
	s := watch.New(paris(t))
	l := policy.WatchLimits{Denials: 10}
	if got := s.Refused(watch.Refusal{Account: anybody, At: monday, Count: 10}, l); len(got) > 0 {
		t.Error(said(got))
	}
	if got := said(s.Refused(watch.Refusal{Account: anybody, At: monday, Count: 100}, l)); !slices.Equal(got, []string{"denied 1 110>10"}) {
		t.Error(got)
	}
	if got := s.Refused(watch.Refusal{Account: anybody, At: monday.Add(time.Hour), Count: 10}, l); len(got) > 0 {
		t.Errorf("the next hour: %v", said(got))
	}
}

// Ten times one's own usual day is unusual, whatever others do; an account without a
// past has no usual day.
func TestSurge(t *testing.T) {
	t.Parallel()
	s := watch.New(paris(t))
	l := policy.WatchLimits{Surge: 6}
	if got := s.Read(read(monday, 0, 1000), l, hours()); len(got) > 0 {
		t.Errorf("on the first day: %v", said(got))
	}
	for day := 1; day <= 9; day++ {
		if got := s.Read(read(monday.AddDate(0, 0, day), 0, 30), l, hours()); len(got) > 0 {
			t.Errorf("day %d: %v", day, said(got))
		}
	}
	tenth := monday.AddDate(0, 0, 10)
	if got := s.Read(read(tenth, 0, 180), l, hours()); len(got) > 0 {
		t.Errorf("six times: %v", said(got))
	}
	if got := said(s.Read(read(tenth, 180, 1), l, hours())); !slices.Equal(got, []string{"surge 0 181>180"}) {
		t.Error(got)
	}
}

// Hours and days are those of the zone; a window that is over starts from nothing.
func TestWindows(t *testing.T) {
	t.Parallel()
	s := watch.New(paris(t))
	l := policy.WatchLimits{Hour: policy.Quota{Soft: 5}, Day: policy.Quota{Soft: 7}}
	s.Read(read(monday, 0, 5), l, hours())
	if got := said(s.Read(read(monday.Add(time.Hour), 0, 5), l, hours())); len(got) > 0 {
		t.Errorf("the same persons an hour later: %v", got)
	}
	midnight := time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC) // in Paris
	found := s.Read(read(midnight.Add(-time.Minute), 0, 8), l, hours())
	if got := said(found); !slices.Equal(got, []string{"breadth_hour 0 8>5", "breadth_day 0 8>7"}) {
		t.Error(got)
	} else if !found[1].From.Equal(midnight.AddDate(0, 0, -1)) {
		t.Errorf("the day began %s", found[1].From)
	}
	if got := said(s.Read(read(midnight, 0, 5), l, hours())); len(got) > 0 {
		t.Errorf("after midnight: %v", got)
	}
}

// A hard quota leaves room for exactly so many persons, and always for those who were
// met in the window already; it says how long to wait.
func TestRoom(t *testing.T) {
	t.Parallel()
	s := watch.New(paris(t))
	l := policy.WatchLimits{Hour: policy.Quota{Hard: 5}, Day: policy.Quota{Hard: 8}}
	at := monday.Add(20 * time.Minute)
	room := func(r watch.Read, want bool, wait time.Duration) {
		t.Helper()
		if got, ok := s.Room(r, l); ok != want || got != wait {
			t.Errorf("room %t, wait %s; want %t, %s", ok, got, want, wait)
		}
	}
	room(read(at, 0, 5), true, 0)
	room(read(at, 0, 6), false, 40*time.Minute)
	s.Read(read(at, 0, 5), l, hours())
	room(read(at, 0, 5), true, 0)
	room(read(at, 5, 1), false, 40*time.Minute)
	room(watch.Read{Account: domain.ID{2}, At: at, Persons: persons(5, 1), Count: 1, Opens: true}, true, 0)
	room(watch.Read{Account: anybody, At: at, Count: 1, Opens: true}, false, 40*time.Minute)
	room(watch.Read{Account: anybody, At: at, Count: 100}, true, 0) // ids alone
	later := at.Add(time.Hour)
	room(read(later, 5, 3), true, 0)
	s.Read(read(later, 5, 3), l, hours())
	room(read(later, 8, 1), false, 12*time.Hour+40*time.Minute)
	room(read(later, 0, 2), true, 0)
}

// Memory is bounded by the constants, whoever reads whatever; beyond them persons
// count more than once, never less.
func TestBounded(t *testing.T) {
	t.Parallel()
	s := watch.New(paris(t))
	l := policy.WatchLimits{Day: policy.Quota{Soft: 59_999}}
	var found []watch.Finding
	for i := range 60 {
		found = append(found, s.Read(read(monday, 1000*i, 1000), l, hours())...)
	}
	if len(found) != 1 || found[0].Observed != 60_000 {
		t.Errorf("%v", said(found))
	}
	for i := range 25_000 {
		var id domain.ID
		binary.BigEndian.PutUint32(id[:], uint32(i))
		s.Read(watch.Read{Account: id, At: monday.Add(time.Duration(i) * time.Millisecond), Persons: persons(0, 1), Count: 1, Opens: true}, l, hours())
	}
	if n := s.Accounts(); n > 20_000 {
		t.Errorf("%d accounts held", n)
	}
}

// Whatever is read in whatever order within a day, the number of different persons is
// exact, and room is refused exactly where the model says.
func TestBreadthIsExact(t *testing.T) {
	t.Parallel()
	zone := paris(t)
	rapid.Check(t, func(t *rapid.T) {
		s := watch.New(zone)
		hard := rapid.IntRange(1, 30).Draw(t, "hard")
		l := policy.WatchLimits{Day: policy.Quota{Hard: hard}}
		met := map[int]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "reads") {
			from, n := rapid.IntRange(0, 40).Draw(t, "from"), rapid.IntRange(0, 10).Draw(t, "n")
			more := 0
			for i := from; i < from+n; i++ {
				if !met[i] {
					more++
				}
			}
			r := read(monday.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "minute"))*time.Minute), from, n)
			_, ok := s.Room(r, l)
			if want := more == 0 || len(met)+more <= hard; ok != want {
				t.Fatalf("room %t with %d met and %d more of %d", ok, len(met), more, hard)
			}
			if !ok {
				continue
			}
			s.Read(r, l, hours())
			for i := from; i < from+n; i++ {
				met[i] = true
			}
		}
	})
}

// The shipped policy refuses an agent who goes through the base, and nobody's work:
// an account of several roles has the widest limits.
func TestShippedLimits(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	w := p.Watch()
	if l := w.Limits([]string{"agent"}); l.Hour.Hard == 0 || l.Day.Hard == 0 || l.Hour.Soft >= l.Hour.Hard {
		t.Errorf("an agent may read everybody: %+v", l)
	}
	if l := w.Limits([]string{"agent", "dpo"}); l.Hour.Hard != 0 || l.Hour.Soft != 2000 {
		t.Errorf("an agent who is DPO: %+v", l)
	}
	if l := w.Limits(nil); l.Hour.Soft == 0 || l.Hour.Hard != 0 {
		t.Errorf("an account of another system: %+v", l)
	}
}
