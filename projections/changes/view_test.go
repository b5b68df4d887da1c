package changes

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, func(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
		return Open(filepath.Join(dir, "changes.db"), Options{Hook: hook})
	})
}

func BenchmarkCatchUp(b *testing.B) {
	projtest.Bench(b, 50_000, 10_000, func(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
		return Open(filepath.Join(dir, "changes.db"), Options{Hook: hook})
	})
}

func id(n byte) domain.ID { return domain.DeriveID(bytes.Repeat([]byte{n}, 16)) }

// story feeds a view fact by fact.
type story struct {
	t  testing.TB
	v  *View
	at domain.Position
}

var day = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func newStory(t testing.TB) *story {
	t.Helper()
	v, err := Open(filepath.Join(t.TempDir(), "changes.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return &story{t: t, v: v}
}

func (s *story) try(f *event.Fact) error {
	f.Recorded = domain.NewTime(day.Add(time.Duration(s.at) * time.Hour))
	f.Time = f.Recorded
	if f.ID.IsZero() {
		f.ID = id(byte(100 + s.at))
	}
	return s.v.Apply(s.t.Context(), []projections.Fact{{Position: s.at, Fact: f}})
}

func (s *story) say(f *event.Fact) domain.Position {
	s.t.Helper()
	if err := s.try(f); err != nil {
		s.t.Fatal(err)
	}
	s.at++
	return s.at - 1
}

// Which facts are news, and of which kind.
func TestKinds(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	want := map[event.Type]string{
		event.ConsentRequested: "consent", event.ConsentGranted: "consent", event.ConsentRefused: "consent", event.ConsentWithdrawn: "consent",
		event.ConsentExpired: "consent", event.OppositionRegistered: "opposition", event.OppositionLifted: "opposition",
		event.OppositionListed: "opposition", event.ErasureStaged: "erasure", event.RestrictionPlaced: "restriction",
		event.RestrictionLifted: "restriction", event.RequestReceived: "requests", event.RetentionAsked: "retention",
	}
	told := map[domain.Position]string{}
	for _, ty := range append(projtest.Types(), event.ConsentExpired, event.OppositionLifted, event.OppositionListed, event.RestrictionLifted,
		event.ErasureOrdered, event.ErasureStaged, event.SubjectErased, event.HoldPlaced, event.ScreeningPerformed, event.NoticePublished, event.RetentionAsked, event.RetentionArchived) {
		f := &event.Fact{Type: ty, Subject: id(1), Source: id(2)}
		if ty == event.ErasureStaged {
			f.Codes = event.Codes{}.With("order", id(3).String())
		}
		if p := s.say(f); want[ty] != "" {
			told[p] = want[ty]
		}
	}
	rectified := s.say(&event.Fact{Type: event.ContactChanged, Subject: id(1), Codes: event.Codes{}.With("reason", "rectification")})
	told[rectified] = "rectification"
	s.say(&event.Fact{Type: event.ContactChanged, Subject: id(1), Codes: event.Codes{}.With("reason", "update")})
	got := map[domain.Position]string{}
	for _, news := range policy.RecipientNews() {
		list, err := s.v.entries(t.Context(), 0, s.at, bit(news), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			got[e.position] = news
		}
	}
	if diff := cmp.Diff(told, got); diff != "" {
		t.Error(diff)
	}
}

func TestEntriesInOrderAndBounded(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for range 10 {
		s.say(&event.Fact{Type: event.ConsentWithdrawn, Subject: id(1), Source: id(2)})
		s.say(&event.Fact{Type: event.OppositionRegistered})
	}
	list, err := s.v.entries(t.Context(), 3, 15, bit(policy.NewsConsent), 4)
	if err != nil || len(list) != 4 || list[0].position != 4 || list[3].position != 10 || list[0].subject != id(1) || list[0].solo {
		t.Errorf("%+v, %v", list, err)
	}
	list, err = s.v.entries(t.Context(), 3, 15, bit(policy.NewsConsent)|bit(policy.NewsOpposition), 100)
	if err != nil || len(list) != 12 || !list[0].subject.IsZero() || list[0].recorded != day.Add(3*time.Hour) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	say := func(ty event.Type, pairs ...any) time.Time {
		c := event.Codes{}.With("recipient", "crm")
		for i := 0; i < len(pairs); i += 2 {
			c = c.With(pairs[i].(string), pairs[i+1])
		}
		p := s.say(&event.Fact{Type: ty, Codes: c})
		return day.Add(time.Duration(p) * time.Hour)
	}
	is := func(want Progress, dead ...DeadLetter) {
		t.Helper()
		got, err := s.v.Progress(t.Context(), "crm")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		letters, err := s.v.DeadLetters(t.Context(), "crm", 10)
		if diff := cmp.Diff(dead, letters); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	is(Progress{})
	acked := say(event.NotificationTaken, "up_to", int64(0))
	is(Progress{Acknowledged: 1, AcknowledgedAt: acked})
	acked = say(event.NotificationTaken, "up_to", "7")
	say(event.NotificationTaken, "up_to", int64(5)) // late: nothing is taken back
	is(Progress{Acknowledged: 8, AcknowledgedAt: acked})
	sent := say(event.NotificationSent, "outcome", OutcomeTaken, "up_to", int64(9))
	since := say(event.NotificationSent, "outcome", OutcomeFailing)
	say(event.NotificationSent, "outcome", OutcomeFailing)
	is(Progress{Acknowledged: 8, AcknowledgedAt: acked, Sent: 10, SentAt: sent, Failing: since})
	died := say(event.NotificationSent, "outcome", OutcomeDead, "up_to", int64(20))
	is(Progress{Acknowledged: 8, AcknowledgedAt: acked, Sent: 10, SentAt: sent, Dead: 21, Failing: since}, DeadLetter{10, 21, died})
	again := say(event.NotificationSent, "outcome", OutcomeDead, "up_to", int64(30))
	is(Progress{Acknowledged: 8, AcknowledgedAt: acked, Sent: 10, SentAt: sent, Dead: 31, Failing: since}, DeadLetter{10, 21, died}, DeadLetter{21, 31, again})
	acked = say(event.NotificationTaken, "up_to", int64(22))
	is(Progress{Acknowledged: 23, AcknowledgedAt: acked, Sent: 10, SentAt: sent, Dead: 31}, DeadLetter{21, 31, again})
	if p, err := s.v.Progress(t.Context(), "dialer"); err != nil || p != (Progress{}) {
		t.Errorf("another recipient: %+v, %v", p, err)
	}
}

// What makes no sense halts where it stands and leaves nothing.
func TestSenselessFactsHalt(t *testing.T) {
	t.Parallel()
	crm := event.Codes{}.With("recipient", "crm")
	for name, f := range map[string]*event.Fact{
		"no recipient":      {Type: event.NotificationTaken, Codes: event.Codes{}.With("up_to", int64(1))},
		"nothing taken":     {Type: event.NotificationTaken, Codes: crm},
		"no position":       {Type: event.NotificationTaken, Codes: event.Codes{}.With("recipient", "crm").With("up_to", "soon")},
		"below nothing":     {Type: event.NotificationTaken, Codes: event.Codes{}.With("recipient", "crm").With("up_to", int64(-1))},
		"a flag":            {Type: event.NotificationTaken, Codes: event.Codes{}.With("recipient", "crm").With("up_to", true)},
		"sent to nobody":    {Type: event.NotificationSent, Codes: event.Codes{}.With("outcome", OutcomeTaken).With("up_to", int64(1))},
		"sent nothing":      {Type: event.NotificationSent, Codes: event.Codes{}.With("recipient", "crm").With("outcome", OutcomeDead)},
		"unknown outcome":   {Type: event.NotificationSent, Codes: event.Codes{}.With("recipient", "crm").With("outcome", "maybe").With("up_to", int64(1))},
		"staged for nobody": {Type: event.ErasureStaged, Codes: event.Codes{}.With("order", id(1).String())},
		"staged no order":   {Type: event.ErasureStaged, Subject: id(1)},
	} {
		s := newStory(t)
		s.say(&event.Fact{Type: event.PolicyPublished})
		before := projtest.Dump(t, s.v)
		if err := s.try(f); !errors.Is(err, ErrFact) || !strings.Contains(err.Error(), "changes at 1") {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(before, projtest.Dump(t, s.v)) {
			t.Errorf("%s: something of it stayed", name)
		}
	}
}

func TestDeliveriesLive(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	order, source := id(50), id(2)
	s.say(&event.Fact{Type: event.ErasureOrdered, ID: order, Subject: id(1)})
	staged := s.say(&event.Fact{Type: event.ErasureStaged, ID: id(51), Subject: id(1), Codes: event.Codes{}.With("order", order.String())})
	want := Delivery{Position: staged, Event: id(51), Order: order, Subject: id(1), Recorded: day.Add(time.Hour)}
	open, err := s.v.Deliveries(t.Context(), 0, 10)
	if diff := cmp.Diff([]Delivery{want}, open); diff != "" || err != nil {
		t.Error(err, diff)
	}
	took := func(code string, source domain.ID) bool {
		ok, err := s.v.took(t.Context(), order, code, source)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if took("crm", source) || took("crm", domain.ID{}) {
		t.Error("taken before anybody said so")
	}
	s.say(&event.Fact{Type: event.NotificationTaken, Source: source, Subject: id(1), Codes: event.Codes{}.With("order", order.String()).With("recipient", "source")})
	if !took("crm", source) || took("dialer", id(3)) || took("mailing", domain.ID{}) {
		t.Error("the source dropped the person: it has taken the erasure, and nobody else has")
	}
	s.say(&event.Fact{Type: event.ErasureContested, Source: source, Subject: id(1), Codes: event.Codes{}.With("order", order.String())})
	if took("crm", source) {
		t.Error("the source sends the person still, and counts as done")
	}
	s.say(&event.Fact{Type: event.NotificationTaken, Codes: event.Codes{}.With("order", order.String()).With("recipient", "dialer")})
	if !took("dialer", id(3)) || took("crm", source) {
		t.Error("a recipient acknowledged one order under its code")
	}
	s.say(&event.Fact{Type: event.PartRedacted, Subject: id(1), Codes: event.Codes{}.With("event", id(51).String()).With("class", "notes")})
	if open, _ := s.v.Deliveries(t.Context(), 0, 10); len(open) != 1 {
		t.Error("another part's end closed the message")
	}
	s.say(&event.Fact{Type: event.PartRedacted, Subject: id(1), Codes: event.Codes{}.With("event", id(51).String()).With("class", ClassDelivery)})
	if open, _ := s.v.Deliveries(t.Context(), 0, 10); len(open) != 0 {
		t.Error("a destroyed message is open still")
	}
	want.Closed = true
	if d, ok, err := s.v.Staged(t.Context(), order); !ok || err != nil || d != want {
		t.Errorf("%+v, %t, %v", d, ok, err)
	}
	if err := s.v.Gone(t.Context(), id(1)); err != nil {
		t.Error(err)
	}
}
