package storetest

import (
	"pgregory.net/rapid"

	"greffe/domain"
)

// reopened appends through many openings of one place.
func reopened(h *harness) {
	var want [][]byte
	for i := range 12 {
		h.open()
		h.holds(want)
		if i%4 == 3 {
			continue // an opening without an append
		}
		for n := range i {
			facts := batch(len(want), n+1, n*13)
			h.append(len(want), facts...)
			want = append(want, facts...)
		}
	}
	h.open()
	h.holds(want)
}

// longLog is several MiB in appends of every shape, so that a log in pieces
// has several, read whole and across every append's edge.
func longLog(h *harness) {
	h.open()
	shapes := []struct{ n, size int }{
		{1, 400}, {1000, 400}, {1, 900_000}, {3, 10_000}, {1, 0}, {250, 3_000}, {2_000, 100}, {1, 65_536},
	}
	size := map[int]int{} // by position
	var edges []int
	next := 0
	for range 2 {
		for _, s := range shapes {
			edges = append(edges, next)
			for i := range s.n {
				size[next+i] = s.size
			}
			h.append(next, batch(next, s.n, s.size)...)
			next += s.n
		}
	}
	at := func(from, to int) [][]byte {
		var want [][]byte
		for p := from; p < to; p++ {
			want = append(want, fact(p, size[p]))
		}
		return want
	}
	look := func() {
		h.holds(at(0, next))
		for _, e := range append(edges, next, 500, next-1000) {
			for _, r := range [][2]int{{e, e + 1}, {e - 1, e + 1}, {e - 2, e}, {e, e + 30}} {
				from, to := max(r[0], 0), min(max(r[1], 0), next)
				if from > to {
					continue
				}
				if err := equal(h.read(from, to), at(from, to)); err != nil {
					h.Errorf("read [%d, %d): %v", from, to, err)
				}
			}
		}
	}
	look()
	if !h.store.Volatile {
		h.open()
		look()
	}
}

const modelName = "model"

// step is one call of the model check; a call that the model refuses must be
// refused by the log.
type step struct {
	Kind     string
	Off      int // append: distance of the expected head from the real one
	Facts    [][]byte
	From, To int
}

func steps() *rapid.Generator[[]step] {
	one := rapid.Custom(func(t *rapid.T) step {
		s := step{Kind: rapid.SampledFrom([]string{"append", "append", "append", "read", "read", "reopen"}).Draw(t, "kind")}
		switch s.Kind {
		case "append":
			s.Off = rapid.SampledFrom([]int{0, 0, 0, 0, 0, -1, 1, 9}).Draw(t, "off")
			s.Facts = rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 9).Draw(t, "facts")
		case "read":
			s.From = rapid.IntRange(0, 40).Draw(t, "from")
			s.To = rapid.IntRange(0, 40).Draw(t, "to")
		}
		return s
	})
	return rapid.SliceOfN(one, 1, 40)
}

// modelCheck runs the steps against the log and a slice.
func modelCheck(steps []step) check {
	return check{name: modelName, run: func(h *harness) {
		var model [][]byte
		h.open()
		for _, s := range steps {
			switch s.Kind {
			case "append":
				model = h.modelAppend(model, s)
			case "read":
				h.modelRead(model, s)
			case "reopen":
				if !h.store.Volatile {
					h.open()
				}
			}
			if n := h.head(); n != len(model) {
				h.Fatalf("after %s: head %d, the model's %d", s.Kind, n, len(model))
			}
		}
		h.holds(model)
	}}
}

func (h *harness) modelAppend(model [][]byte, s step) [][]byte {
	h.Helper()
	base := max(len(model)+s.Off, 0)
	err := h.log.Append(ctx(), domain.Position(base), s.Facts)
	if base == len(model) {
		if err != nil {
			h.Fatalf("append of %d facts at the head %d: %v", len(s.Facts), base, err)
		}
		return append(model, s.Facts...)
	}
	if err := lost(err, base, len(model)); err != nil {
		h.Fatalf("append at %d with the head at %d: %v", base, len(model), err)
	}
	return model
}

func (h *harness) modelRead(model [][]byte, s step) {
	h.Helper()
	got, err := collect(h.log, s.From, s.To)
	if s.From > s.To || s.To > len(model) {
		if err == nil || len(got) > 0 {
			h.Fatalf("read [%d, %d) with the head at %d: %d facts, error %v", s.From, s.To, len(model), len(got), err)
		}
		return
	}
	if err == nil {
		err = equal(got, model[s.From:s.To])
	}
	if err != nil {
		h.Fatalf("read [%d, %d): %v", s.From, s.To, err)
	}
}
