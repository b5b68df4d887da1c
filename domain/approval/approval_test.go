package approval_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/event"
)

var (
	start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	anne  = domain.ID{1}
	bob   = domain.ID{2}
	asked = approval.Asked{Method: "DELETE", URI: "/v1/subjects/x/hold/y", Body: `{"reason":"over"}`}
)

func fact(typ event.Type, actor domain.ID, at time.Time, codes event.Codes) *event.Fact {
	t := domain.NewTime(at)
	return &event.Fact{ID: domain.ID{9}, Type: typ, Actor: actor, Time: t, Recorded: t, Codes: codes}
}

func requested(t *testing.T) *approval.Approval {
	t.Helper()
	a, err := approval.Requested(fact(event.ApprovalRequested, anne, start, approval.RequestedCodes(approval.HoldRelease, asked.Digest())), 7)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTwoPersons: who asked never agrees; another may, once, in time; what was agreed to
// is of that request and account alone, once, in time.
func TestTwoPersons(t *testing.T) {
	t.Parallel()
	const tick = time.Microsecond
	a := requested(t)
	if a.Act != approval.HoldRelease || a.Account != anne || a.ID != (domain.ID{9}) || a.Position != 7 {
		t.Errorf("%+v", a)
	}
	for name, c := range map[string]struct {
		by   domain.ID
		at   time.Time
		want error
	}{
		"itself": {anne, start, approval.ErrOwn}, "another": {bob, start, nil},
		"just in time": {bob, start.Add(approval.Wait - tick), nil}, "too late": {bob, start.Add(approval.Wait), approval.ErrExpired},
	} {
		if err := a.MayDecide(c.by, c.at); !errors.Is(err, c.want) {
			t.Errorf("decided by %s: %v", name, err)
		}
	}
	digest, other := asked.Digest(), approval.Asked{Method: "DELETE"}.Digest()
	use := func(what string, by domain.ID, d [32]byte, at time.Time, want error) {
		t.Helper()
		if err := a.MayUse(by, d, at); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	use("undecided", anne, digest, start, approval.ErrUndecided)
	decided := start.Add(time.Hour)
	a.Take(fact(event.ApprovalDecided, bob, decided, approval.DecidedCodes(a.ID, true)))
	use("granted", anne, digest, decided, nil)
	use("by who agreed", bob, digest, decided, approval.ErrOther)
	use("another request", anne, other, decided, approval.ErrOther)
	use("just in time", anne, digest, decided.Add(approval.Good-tick), nil)
	use("too late", anne, digest, decided.Add(approval.Good), approval.ErrExpired)
	if err := a.MayDecide(bob, decided); !errors.Is(err, approval.ErrDecided) {
		t.Errorf("decided twice: %v", err)
	}
	a.Take(fact(event.ApprovalUsed, anne, decided, approval.UsedCodes(a.ID)))
	use("twice", anne, digest, decided, approval.ErrUsed)
	refused := requested(t)
	refused.Take(fact(event.ApprovalDecided, bob, decided, approval.DecidedCodes(a.ID, false)))
	if err := refused.MayUse(anne, digest, decided); !errors.Is(err, approval.ErrRefused) || refused.State(decided.Add(approval.Wait)) != approval.Refused {
		t.Errorf("refused: %v", err)
	}
}

// TestDigest: no other method, target or body has the digest, however they are cut.
func TestDigest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := func(name string) string { return rapid.StringMatching(`[ab]{0,3}`).Draw(t, name) }
		x := approval.Asked{Method: s("method"), URI: s("uri"), Body: s("body")}
		y := approval.Asked{Method: s("method"), URI: s("uri"), Body: s("body")}
		if (x == y) != (x.Digest() == y.Digest()) {
			t.Fatalf("%+v %+v", x, y)
		}
	})
}

func TestNoApproval(t *testing.T) {
	t.Parallel()
	for _, digest := range []string{"", "ab", string(make([]byte, 64))} {
		f := fact(event.ApprovalRequested, anne, start, event.Codes{}.With("act", "hold_release").With("digest", digest))
		if _, err := approval.Requested(f, 0); !errors.Is(err, approval.ErrFact) {
			t.Errorf("%q: %v", digest, err)
		}
	}
}
