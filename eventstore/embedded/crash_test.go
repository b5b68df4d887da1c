package embedded

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/eventstore"
)

// history is what a client knows: acked facts, and one append that may be there.
type history struct {
	acked, unknown []string
	failed         bool
}

// work appends through three openings until something fails.
func work(fs fsys) (h history, err error) {
	for round := range 3 {
		l, err := open("d", Options{SegmentBytes: MinSegmentBytes}, fs)
		if err != nil {
			return h, err
		}
		for i := range 5 {
			if err := h.append(l, round*10+i); err != nil {
				return h, errors.Join(err, h.stopped(l), l.Close())
			}
		}
		if err := l.Close(); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (h *history) append(l *Log, n int) error {
	facts := make([]string, n%3+1)
	for i := range facts {
		facts[i] = fmt.Sprintf("%0*d", 20+n*17%300, n*10+i)
	}
	if err := l.Append(bg(), domain.Position(len(h.acked)), toBytes(facts)); err != nil {
		h.unknown, h.failed = facts, true
		return err
	}
	h.acked = append(h.acked, facts...)
	return nil
}

// stopped checks a log whose append failed: it says so, takes no more, and
// still reads what was acked.
func (h *history) stopped(l *Log) error {
	err := l.Append(bg(), domain.Position(len(h.acked)), toBytes([]string{"later"}))
	if !errors.Is(err, eventstore.ErrFailed) {
		return fmt.Errorf("VIOLATION: append after a failed one: %w", err)
	}
	return h.same(l, false)
}

var errViolation = errors.New("VIOLATION")

// same checks that l is the acked facts, then perhaps the unknown ones, whole.
func (h *history) same(l *Log, restarted bool) error {
	got, err := contents(l)
	if err != nil {
		return fmt.Errorf("%w: read: %w", errViolation, err)
	}
	if slices.Equal(got, h.acked) || restarted && h.unknown != nil && slices.Equal(got, slices.Concat(h.acked, h.unknown)) {
		return nil
	}
	return fmt.Errorf("%w: %d facts, %d acked and %d unknown", errViolation, len(got), len(h.acked), len(h.unknown))
}

// TestEveryFault fails the k-th change for k = 1… until a run ends clean, in
// every way, then kills the process or cuts the power, and opens again.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	for how, name := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := 0
			for k := 1; ; k++ {
				clean := false
				for _, keep := range []float64{-1, 0, 0.5, 0.9, 1} {
					h, c := faultAt(t, how, k, keep)
					clean = c
					if h.failed {
						failed++
					}
				}
				if clean {
					if k < 60 || failed < 100 {
						t.Errorf("only %d changes were made to fail, %d appends failed", k, failed)
					}
					return
				}
			}
		})
	}
}

func faultAt(t *testing.T, how fault, k int, keep float64) (history, bool) {
	t.Helper()
	sim := newSimFS()
	sim.fault, sim.failAt = how, k
	h, err := work(sim)
	if errors.Is(err, errViolation) {
		t.Fatalf("change %d: %v", k, err)
	}
	if h.failed && !errors.Is(err, eventstore.ErrFailed) {
		t.Fatalf("change %d: failed append does not say so: %v", k, err)
	}
	clean := sim.changes < k
	if keep < 0 {
		sim = sim.restarted()
	} else {
		sim = sim.powerCut(keep, rand.New(rand.NewPCG(uint64(k), uint64(keep*100))))
	}
	survives(t, sim, h, fmt.Sprintf("change %d, keep %v", k, keep))
	return h, clean
}

// survives opens what is left, twice with a power cut that keeps nothing in
// between: what a reader has seen must not vanish.
func survives(t *testing.T, sim *simFS, h history, when string) {
	t.Helper()
	l, err := open("d", Options{SegmentBytes: MinSegmentBytes}, sim)
	if err != nil {
		t.Fatalf("%s: open: %v", when, err)
	}
	if err := h.same(l, true); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	seen, _ := contents(l)
	sim = sim.powerCut(0, rand.New(rand.NewPCG(1, 1)))
	l, err = open("d", Options{SegmentBytes: MinSegmentBytes}, sim)
	if err != nil {
		t.Fatalf("%s: open again: %v", when, err)
	}
	h = history{acked: seen}
	if err := h.same(l, false); err != nil {
		t.Fatalf("%s: after a second power cut: %v", when, err)
	}
	for n := range 3 {
		if err := h.append(l, n+900); err != nil {
			t.Fatalf("%s: append after recovery: %v", when, err)
		}
	}
	if err := errors.Join(l.Verify(bg(), nil), h.same(l, false), l.Close()); err != nil {
		t.Fatalf("%s: after recovery: %v", when, err)
	}
}

// TestPowerCutsInARow: 200 histories of openings, appends and power cuts; the
// frames that survived a torn write must never be mixed with later ones.
func TestPowerCutsInARow(t *testing.T) {
	t.Parallel()
	unknownKept := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		sim, h := newSimFS(), history{}
		for round := range 6 {
			l, err := open("d", Options{SegmentBytes: MinSegmentBytes}, sim)
			if err != nil {
				t.Fatalf("seed %d, round %d: open: %v", seed, round, err)
			}
			if err := h.same(l, true); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
			got, _ := contents(l)
			if len(got) > len(h.acked) {
				unknownKept++
			}
			h = history{acked: got}
			sim.fault, sim.failAt = fault(rng.IntN(len(faults))), sim.changes+1+rng.IntN(12)
			for n := 0; !h.failed && n < 40; n++ {
				_ = h.append(l, rng.IntN(800))
			}
			sim = sim.powerCut(rng.Float64(), rng)
		}
	}
	if unknownKept < 20 {
		t.Errorf("only %d unknown appends were kept", unknownKept)
	}
}
