package sqlfile

import (
	"sync"
	"testing"
)

// TestSieveMissesNothing, of what was added before it was last followed: while it
// grows, after entries were wiped, from the middle of a sheet on, and after a reset;
// and it lets few others through.
func TestSieveMissesNothing(t *testing.T) {
	t.Parallel()
	f, b, _ := openBlind(t)
	m := newModel(5)
	s := NewSieve(f, b)
	var all []BlindEntry
	if !s.May(&m.some(1)[0].Token) {
		t.Fatal("a sieve that was never followed knows something")
	}
	for round := range 60 {
		add := m.some(1 + round*round%977)
		update(t, f, func(tx *Tx) error { return b.Add(tx, add) })
		all = append(all, add...)
		if round%7 == 0 {
			update(t, f, func(tx *Tx) error { _, err := b.Wipe(tx, all[0].Cell); return err })
			all = all[1:]
		}
		if err := s.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if !s.May(&all[i].Token) {
				t.Fatalf("round %d: entry %d of %d is missing", round, i, len(all))
			}
		}
	}
	through, others := 0, m.some(20_000)
	for i := range others {
		if s.May(&others[i].Token) {
			through++
		}
	}
	if through > len(others)/50 {
		t.Errorf("%d of %d others get through", through, len(others))
	}
	if err := s.Follow(t.Context()); err != nil { // with room again
		t.Fatal(err)
	}
	b.Forget()
	if err := f.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	add := m.some(10)
	update(t, f, func(tx *Tx) error { return b.Add(tx, add) })
	if err := s.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range add {
		if !s.May(&add[i].Token) {
			t.Fatal("after a reset something is missing")
		}
	}
	through = 0
	for i := range others {
		if s.May(&others[i].Token) {
			through++
		}
	}
	if through > 10 {
		t.Errorf("after a reset %d of what was before it", through)
	}
}

// TestSieveOfTags takes in those alone.
func TestSieveOfTags(t *testing.T) {
	t.Parallel()
	f, b, _ := openBlind(t)
	m := newModel(6)
	add := m.some(200)
	for i := range add {
		add[i].Tag = byte(1 + i%2)
	}
	update(t, f, func(tx *Tx) error { return b.Add(tx, add) })
	s := NewSieve(f, b, 2)
	if err := s.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := 0
	for i := range add {
		switch may := s.May(&add[i].Token); {
		case add[i].Tag == 2 && !may:
			t.Fatal("one of the tag is missing")
		case add[i].Tag == 1 && may:
			other++
		}
	}
	if other > 5 {
		t.Errorf("%d of another tag", other)
	}
}

// TestSieveIsAskedWhileItFollows, and says no to nothing that it had.
func TestSieveIsAskedWhileItFollows(t *testing.T) {
	t.Parallel()
	f, b, _ := openBlind(t)
	m := newModel(7)
	first := m.some(500)
	update(t, f, func(tx *Tx) error { return b.Add(tx, first) })
	s := NewSieve(f, b)
	if err := s.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	var asking sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		asking.Go(func() {
			for {
				for i := range first {
					if !s.May(&first[i].Token) {
						t.Error("one is missing meanwhile")
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 12 {
		add := m.some(900)
		update(t, f, func(tx *Tx) error { return b.Add(tx, add) })
		if err := s.Follow(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	asking.Wait()
}
