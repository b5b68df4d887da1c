package esdb

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/esdb/esdbtest"
)

func pos(facts [][]byte) domain.Position { return domain.Position(len(facts)) }

// TestReadCut (F11): a read that is cut, or that ends early as if it were
// complete, after any number of its facts gives every fact once or an error.
func TestReadCut(t *testing.T) {
	t.Parallel()
	const n = 200
	want := facts(0, n)
	for _, kind := range []esdbtest.ReadKind{esdbtest.Cut, esdbtest.Short, esdbtest.Odd} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			srv := esdbtest.Start(t, esdbtest.Options{})
			l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream()})
			mustAppend(t, l, 0, want)
			step := 1
			if testing.Short() {
				step = 9 // for the race detector, which makes it slow
			}
			for k := 0; k < n; k += step {
				srv.Inject(esdbtest.Faults{Read: func(i int) esdbtest.ReadFault {
					if i == 0 {
						return esdbtest.ReadFault{Kind: kind, After: k}
					}
					return esdbtest.ReadFault{}
				}})
				got, err := collect(l, 0, n)
				if err != nil {
					t.Fatalf("after %d: %v", k, err)
				}
				if !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
					t.Fatalf("after %d: %d facts, or others", k, len(got))
				}
			}
		})
	}
}

// TestReadAlwaysCut: a read that never gets further is an error in bounded time.
func TestReadAlwaysCut(t *testing.T) {
	t.Parallel()
	for _, kind := range []esdbtest.ReadKind{esdbtest.Cut, esdbtest.Hang, esdbtest.Odd} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			srv := esdbtest.Start(t, esdbtest.Options{})
			l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream(), Timeout: 300 * time.Millisecond})
			mustAppend(t, l, 0, facts(0, 10))
			srv.Inject(esdbtest.Faults{Read: func(i int) esdbtest.ReadFault {
				return esdbtest.ReadFault{Kind: kind, After: max(4-i, 0)}
			}})
			begun := time.Now()
			got, err := collect(l, 0, 10)
			if !errors.Is(err, eventstore.ErrUnavailable) || len(got) == 10 {
				t.Errorf("%d facts, %v", len(got), err)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("answered after %v", took)
			}
			srv.Heal()
			eventually(t, 5*time.Second, "healed", func() bool {
				got, err := collect(l, 0, 10)
				return err == nil && len(got) == 10
			})
		})
	}
}

// TestDamage: a fact that is not as it was written is ErrCorrupt with its
// position, after the facts before it.
func TestDamage(t *testing.T) {
	t.Parallel()
	for _, kind := range []esdbtest.ReadKind{esdbtest.Skip, esdbtest.Garble} {
		srv := esdbtest.Start(t, esdbtest.Options{})
		l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream()})
		mustAppend(t, l, 0, facts(0, 10))
		for k := range 9 {
			srv.Inject(esdbtest.Faults{Read: func(int) esdbtest.ReadFault {
				return esdbtest.ReadFault{Kind: kind, After: k}
			}})
			got, err := collect(l, 0, 10)
			var c *eventstore.CorruptError
			if !errors.As(err, &c) || int(c.Position) != k || len(got) != k {
				t.Errorf("fault %d at %d: %d facts, %v", kind, k, len(got), err)
			}
		}
	}
}

// TestReadEndsShort: a stream whose end cannot be had although the leader says
// it is there is damaged, not shorter.
func TestReadEndsShort(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream()})
	mustAppend(t, l, 0, facts(0, 10))
	srv.Inject(esdbtest.Faults{Read: func(i int) esdbtest.ReadFault {
		switch i {
		case 0:
			return esdbtest.ReadFault{Kind: esdbtest.Short, After: 7}
		case 1, 2, 3:
			return esdbtest.ReadFault{Kind: esdbtest.Short}
		}
		return esdbtest.ReadFault{}
	}})
	got, err := collect(l, 0, 10)
	var c *eventstore.CorruptError
	if !errors.As(err, &c) || c.Position != 7 || len(got) != 7 {
		t.Errorf("%d facts, %v", len(got), err)
	}
}

func TestManyPages(t *testing.T) {
	t.Parallel()
	srv := esdbtest.Start(t, esdbtest.Options{})
	l := mustOpen(t, Config{URL: srv.URL(), Stream: newStream()})
	one := []byte{7}
	batch := make([][]byte, eventstore.MaxAppendFacts)
	for i := range batch {
		batch[i] = one
	}
	total := 4 * len(batch)
	for base := 0; base < total; base += len(batch) {
		mustAppend(t, l, base, batch)
	}
	if total < 2*pageFacts {
		t.Fatalf("%d facts are not many pages", total)
	}
	srv.Inject(esdbtest.Faults{Read: func(i int) esdbtest.ReadFault {
		if i == 1 {
			return esdbtest.ReadFault{Kind: esdbtest.Cut, After: 5000}
		}
		return esdbtest.ReadFault{}
	}})
	got, err := collect(l, 3, total-2)
	if err != nil || len(got) != total-5 {
		t.Errorf("%d facts, %v", len(got), err)
	}
}
