package rights

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGroundsOfARight: a right is refused on the exceptions that the law has for it and
// on those of every right, and on those of no other; the file says which, and takes no
// other, in a refusal as in an answer in part.
func TestGroundsOfARight(t *testing.T) {
	t.Parallel()
	both := []Remedy{CNIL, Court}
	for right, want := range map[Right][]Ground{
		Access:              {"art15.4"},
		Rectification:       {"art16"},
		Erasure:             {"art17.1", "art17.3.a", "art17.3.b", "art17.3.c", "art17.3.d", "art17.3.e"},
		Restriction:         {"art18.1"},
		Recipients:          nil,
		Portability:         {"art20.1", "art20.4"},
		ObjectionProcessing: {"art21.1"},
		AutomatedDecision:   {"art22.2.a", "art22.2.b", "art22.2.c"},
	} {
		x := plain(t, right).do(verified)
		own := slices.DeleteFunc(At(x.sum, x.now).Grounds, func(g Ground) bool { return known(everyRight(), g) })
		if !cmp.Equal(own, want, cmp.Comparer(func(a, b []Ground) bool { return slices.Equal(a, b) })) {
			t.Errorf("%s is refused on %v, want %v", right, own, want)
		}
		for _, g := range Grounds() {
			lawful := slices.Contains(want, g) || slices.Contains(everyRight(), g)
			for _, c := range []Command{Refuse{[]Ground{g}, both, "motif"}, Conclude{Outcome: Partly, Grounds: []Ground{g}, Remedies: both, Words: "le reste"}} {
				if _, err := c.Decide(x.sum, x.now); (err == nil) != lawful {
					t.Errorf("%T of %s on %s: %v", c, right, g, err)
				}
			}
		}
	}
	for _, right := range []Right{Objection, ConsentWithdrawal} {
		x := received(t, Intake{Right: right, Channel: "email", Subject: person})
		if n := At(x.sum, x.now); len(n.Grounds) > 0 || slices.Contains(n.Outcomes, Partly) || slices.Contains(n.Steps, StepRefuse) {
			t.Errorf("%s can be refused in part: %+v", right, n)
		}
		x.not(Conclude{Outcome: Partly, Grounds: []Ground{"art23"}, Remedies: both, Words: "le reste"}, "grounds")
	}
	if n := At(plain(t, Other).sum, now); len(n.Grounds) != len(Grounds()) {
		t.Errorf("a request whose right is not told yet is refused on %v alone", n.Grounds)
	}
	for _, g := range Grounds() {
		if !slices.ContainsFunc(Rights(), func(r Right) bool { return r != Other && slices.Contains(GroundsOf(r), g) }) {
			t.Errorf("no right is refused on %s", g)
		}
	}
}

// TestWaits: an answer that cannot be given yet names what comes first; one that was
// given waits for nothing.
func TestWaits(t *testing.T) {
	t.Parallel()
	waits := func(x *file, lacks Obstacle, outcomes ...Outcome) {
		t.Helper()
		var got []Outcome
		for _, w := range At(x.sum, x.now).Waits {
			if got = append(got, w.Outcome); w.Lacks != lacks {
				t.Errorf("%s waits for %s, want %s", w.Outcome, w.Lacks, lacks)
			}
		}
		if !slices.Equal(got, outcomes) {
			t.Errorf("%v wait, want %v", got, outcomes)
		}
	}
	x := plain(t, Access)
	waits(x, NotVerified, Granted, Partly)
	x.do(Verify{Means: ByCallback})
	waits(x, NobodyKnown, Granted, Partly)
	x.do(Search{System: SystemOther, Title: "archives"})
	waits(x, TasksOpen, Granted, Partly, NothingHeld)
	x.do(Searched{Task: OpenTasks(x.sum)[0], Finding: NothingThere}).do(verified)
	waits(x, "")
	x.do(Conclude{Outcome: Granted})
	waits(x, "")
	waits(plain(t, Objection), NobodyKnown, Granted)
}
