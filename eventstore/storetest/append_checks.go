package storetest

import (
	"bytes"
	"errors"
	"slices"
	"sync"

	"greffe/domain"
	"greffe/eventstore"
)

func emptyLog(h *harness) {
	h.open()
	h.holds(nil)
}

func appendAtHead(h *harness) {
	h.open()
	var want [][]byte
	for _, n := range []int{1, 2, 1, 7, 100, 1} {
		facts := batch(len(want), n, 20)
		h.append(len(want), facts...)
		want = append(want, facts...)
		h.holds(want)
	}
	if err := equal(h.read(5, 60), want[5:60]); err != nil {
		h.Errorf("read from the middle: %v", err)
	}
}

// lost checks that an append at base was refused for the head, with both heads.
func lost(err error, base, actual int) error {
	var w *eventstore.WrongHeadError
	switch {
	case err == nil:
		return errors.New("taken")
	case !errors.Is(err, eventstore.ErrWrongHead) || !errors.As(err, &w):
		return errors.New("not a WrongHeadError")
	case int(w.Expected) != base:
		return errors.New("another expected head")
	case int(w.Actual) != actual:
		return errors.New("another actual head")
	}
	return nil
}

func wrongHead(h *harness) {
	log := h.open()
	var want [][]byte
	for _, n := range []int{0, 1, 4} {
		facts := batch(len(want), n, 5)
		h.append(len(want), facts...)
		want = append(want, facts...)
		for _, base := range []int{0, len(want) - 1, len(want) + 1, len(want) + 5, 1 << 40} {
			if base < 0 || base == len(want) {
				continue
			}
			err := log.Append(ctx(), domain.Position(base), batch(base, 2, 5))
			if err := lost(err, base, len(want)); err != nil {
				h.Errorf("append at %d with the head at %d: %v", base, len(want), err)
			}
			h.holds(want)
		}
	}
}

func noFacts(h *harness) {
	log := h.open()
	h.append(0)
	h.append(0, batch(0, 3, 4)...)
	h.append(3)
	for _, base := range []int{0, 2, 4} {
		if err := lost(log.Append(ctx(), domain.Position(base), nil), base, 3); err != nil {
			h.Errorf("no facts at %d with the head at 3: %v", base, err)
		}
	}
	h.holds(batch(0, 3, 4))
}

func oneWinner(h *harness) {
	log := h.open()
	const writers, rounds = 64, 50
	var want [][]byte
	for range rounds {
		base := len(want)
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				errs[w] = log.Append(ctx(), domain.Position(base), [][]byte{{byte(w)}, fact(base, 30)})
			})
		}
		h.await("a race", wg.Wait)
		winner := slices.Index(errs, nil)
		if winner < 0 {
			h.Fatalf("nobody won at %d: %v", base, errs[0])
		}
		for w, err := range errs {
			if w == winner {
				continue
			}
			if err := lost(err, base, base+2); err != nil {
				h.Fatalf("a loser at %d: %v", base, err)
			}
		}
		want = append(want, []byte{byte(winner)}, fact(base, 30))
	}
	h.holds(want)
}

func limits(h *harness) {
	log := h.open()
	const most, many = eventstore.MaxAppendBytes, eventstore.MaxAppendFacts
	big := func(n int) []byte { return fact(1, n-8) }
	ones := slices.Repeat([][]byte{{1}}, many+1)
	over := map[string][][]byte{
		"a byte more in one fact":  {big(most + 1)},
		"a byte more in two facts": {big(most / 2), big(most - most/2 + 1)},
		"a byte more, last":        {big(most), {0}},
		"a fact more":              ones,
		"an empty fact more":       make([][]byte, many+1),
	}
	within := map[string][][]byte{
		"one fact of all bytes":  {big(most)},
		"two facts of all bytes": {big(most / 2), big(most - most/2)},
		"all facts":              ones[:many],
		"all facts, all bytes":   append(slices.Clone(ones[:many-1]), big(most-many+1)),
	}
	n := 0
	refuse := func() {
		for name, facts := range over {
			if err := log.Append(ctx(), domain.Position(n), facts); !errors.Is(err, eventstore.ErrTooLarge) {
				h.Errorf("%s: %v, want ErrTooLarge", name, err)
			}
			if got := h.head(); got != n {
				h.Fatalf("%s: the head moved from %d to %d", name, n, got)
			}
		}
	}
	refuse()
	for name, facts := range within {
		if err := log.Append(ctx(), domain.Position(n), facts); err != nil {
			h.Fatalf("%s: %v", name, err)
		}
		if err := equal(h.read(n, n+len(facts)), facts); err != nil {
			h.Errorf("%s: %v", name, err)
		}
		n += len(facts)
	}
	refuse()
}

func verbatim(h *harness) {
	h.open()
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	want := [][]byte{
		all, {}, nil, {0}, {0, 0, 0}, []byte("tail\x00\x00"), []byte("\x00lead"), []byte("mid\x00dle"),
		{0xFF}, []byte("\xff\xfe\xc3\x28"), []byte(" \r\n\t"), []byte("\ufeff{}"), []byte(`{"a":1}`), {},
		bytes.Repeat([]byte{0}, 70_000), bytes.Repeat(all, 1024), {},
	}
	h.append(0, want...)
	for _, f := range want {
		h.append(h.head(), f)
	}
	want = append(want, want...)
	h.holds(want)
	if err := equal(h.read(3, 9), want[3:9]); err != nil {
		h.Errorf("read from the middle: %v", err)
	}
}

func callersSlices(h *harness) {
	h.open()
	want := batch(0, 5, 40)
	given := batch(0, 5, 40)
	for i := range given {
		given[i] = append(given[i], 0xEE)[:len(given[i])]
	}
	h.append(0, given...)
	if err := equal(given, want); err != nil {
		h.Errorf("append changed what it was given: %v", err)
	}
	for i := range given {
		if given[i][:len(given[i])+1][len(given[i])] != 0xEE {
			h.Errorf("append wrote behind fact %d", i)
		}
		clear(given[i])
		given[i] = nil
	}
	h.holds(want)
	h.append(5, fact(5, 40))
	h.holds(append(want, fact(5, 40)))
}

func readersBytes(h *harness) {
	log := h.open()
	want := batch(0, 8, 60)
	h.append(0, want[:4]...)
	h.append(4, want[4:]...)
	for range 2 {
		err := log.Read(ctx(), 0, 8, func(p domain.Position, b []byte) error {
			if !bytes.Equal(b, want[p]) {
				h.Errorf("fact %d differs", p)
			}
			clear(b)
			_ = append(b, 1, 2, 3, 4)
			return nil
		})
		if err != nil {
			h.Fatalf("read: %v", err)
		}
	}
}
