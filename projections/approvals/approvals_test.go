package approvals_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/event"
	"greffe/projections"
	"greffe/projections/approvals"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	projtest.Run(t, func(dir string, _ *projtest.World, hook func(sqlfile.Step) error) (projtest.Closer, error) {
		return approvals.Open(filepath.Join(dir, "approvals.db"), sqlfile.Options{Hook: hook})
	})
}

func id(n byte) domain.ID { return domain.DeriveID([]byte{n, 15: 9}) }

var (
	start  = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	digest = approval.Asked{Method: "DELETE", URI: "/x"}.Digest()
)

// book is a projection and the log it follows.
type book struct {
	*approvals.Store
	t    *testing.T
	next domain.Position
}

func open(t *testing.T) *book {
	t.Helper()
	s, err := approvals.Open(filepath.Join(t.TempDir(), "approvals.db"), approvals.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &book{Store: s, t: t}
}

func (b *book) say(n byte, typ event.Type, actor, subject domain.ID, at time.Time, codes event.Codes) error {
	b.t.Helper()
	when := domain.NewTime(at)
	err := b.Apply(b.t.Context(), []projections.Fact{{Position: b.next, Fact: &event.Fact{ID: id(n), Type: typ, Actor: actor, Subject: subject, Time: when, Recorded: when, Codes: codes}}})
	if err == nil {
		b.next++
	}
	return err
}

func (b *book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestOnce: an approval is decided once and used once, and what was never asked, or was
// refused, is not used; each such fact halts the fold.
func TestOnce(t *testing.T) {
	t.Parallel()
	b := open(t)
	anne, bob := id(50), id(51)
	ask := approval.RequestedCodes(approval.HoldRelease, digest)
	b.must(b.say(1, event.ApprovalRequested, anne, domain.ID{}, start, ask))
	b.must(b.say(2, event.ApprovalRequested, anne, domain.ID{}, start.Add(time.Minute), ask))
	for name, err := range map[string]error{
		"used before it was decided": b.say(3, event.ApprovalUsed, anne, domain.ID{}, start, approval.UsedCodes(id(1))),
		"decided, never asked":       b.say(4, event.ApprovalDecided, bob, domain.ID{}, start, approval.DecidedCodes(id(9), true)),
		"no digest":                  b.say(5, event.ApprovalRequested, bob, domain.ID{}, start, event.Codes{}.With("act", "x")),
	} {
		if !errors.Is(err, approvals.ErrFact) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.must(b.say(6, event.ApprovalDecided, bob, domain.ID{}, start.Add(time.Hour), approval.DecidedCodes(id(1), true)))
	b.must(b.say(7, event.ApprovalDecided, bob, domain.ID{}, start.Add(time.Hour), approval.DecidedCodes(id(2), false)))
	b.must(b.say(8, event.ApprovalUsed, anne, domain.ID{}, start.Add(2*time.Hour), approval.UsedCodes(id(1))))
	for name, err := range map[string]error{
		"used twice":    b.say(9, event.ApprovalUsed, anne, domain.ID{}, start, approval.UsedCodes(id(1))),
		"used, refused": b.say(10, event.ApprovalUsed, anne, domain.ID{}, start, approval.UsedCodes(id(2))),
		"decided twice": b.say(11, event.ApprovalDecided, bob, domain.ID{}, start, approval.DecidedCodes(id(2), true)),
	} {
		if !errors.Is(err, approvals.ErrFact) {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := b.Find(t.Context(), id(1))
	want := approval.Approval{ID: id(1), Act: approval.HoldRelease, Account: anne, Digest: digest, Asked: start,
		Decider: bob, Decided: start.Add(time.Hour), Granted: true, Used: start.Add(2 * time.Hour)}
	if err != nil || *got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.Find(t.Context(), id(9)); !errors.Is(err, approvals.ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	b := open(t)
	for n := range byte(250) {
		b.must(b.say(n, event.ApprovalRequested, id(n), domain.ID{}, start, approval.RequestedCodes(approval.BulkExport, digest)))
	}
	b.must(b.say(251, event.ApprovalDecided, id(50), domain.ID{}, start, approval.DecidedCodes(id(249), false)))
	count := func(state approval.State, now time.Time, from domain.Position, limit int) (at []domain.Position) {
		all, err := b.List(t.Context(), state, now, from, limit)
		b.must(err)
		for i := range all {
			at = append(at, all[i].Position)
		}
		return at
	}
	if got := count(approval.Refused, start, 0, 2); !slices.Equal(got, []domain.Position{249}) {
		t.Errorf("refused: %v", got)
	}
	if got := count(approval.Waiting, start, 247, 9); !slices.Equal(got, []domain.Position{247, 248}) {
		t.Errorf("waiting: %v", got)
	}
	if got := count("", start, 3, 2); !slices.Equal(got, []domain.Position{3, 4}) {
		t.Errorf("all: %v", got)
	}
	if got := len(count(approval.Expired, start.Add(approval.Wait), 0, 0)); got != 249 {
		t.Errorf("expired: %d", got)
	}
}

// TestOrdered: of the erasures of the last day those that an account ordered itself are
// counted, person by person.
func TestOrdered(t *testing.T) {
	t.Parallel()
	b := open(t)
	anne, bob := id(50), id(51)
	for i, f := range []struct {
		actor, subject domain.ID
		at             time.Duration
	}{{anne, id(1), 0}, {anne, id(2), time.Hour}, {anne, id(3), time.Hour}, {bob, id(4), time.Hour}, {domain.ID{}, id(5), time.Hour}, {anne, domain.ID{}, time.Hour}} {
		b.must(b.say(byte(60+i), event.ErasureOrdered, f.actor, f.subject, start.Add(f.at), event.Codes{}))
	}
	for since, want := range map[time.Duration]int64{-time.Second: 3, 0: 2, time.Hour: 0} {
		if n, _, err := b.Ordered(t.Context(), anne, start.Add(since)); err != nil || n != want {
			t.Errorf("since %v: %d, %v; want %d", since, n, err, want)
		}
	}
	if _, last, err := b.Ordered(t.Context(), anne, start.Add(time.Hour)); err != nil || last != 2 {
		t.Errorf("the last order stands at %d, %v", last, err)
	}
	b.must(b.say(70, event.ErasureOrdered, bob, id(6), start.Add(72*time.Hour), event.Codes{}))
	if n, last, err := b.Ordered(t.Context(), anne, start.Add(-time.Second)); err != nil || n != 0 || last != -1 {
		t.Errorf("what nobody counts any more is kept: %d, the last at %d, %v", n, last, err)
	}
}
