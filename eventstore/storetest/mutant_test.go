package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/eventstore"
	"greffe/eventstore/memory"
)

type (
	position = domain.Position
	visit    = func(position, []byte) error
)

// mutant is a true log with some methods replaced.
type mutant struct {
	eventstore.Log
	append func(ctx context.Context, base position, facts [][]byte) error
	read   func(ctx context.Context, from, to position, fn visit) error
	head   func(ctx context.Context) (position, error)
	wait   func(ctx context.Context, after position) (position, error)
	close  func() error
}

func (m *mutant) Append(ctx context.Context, base position, facts [][]byte) error {
	if m.append != nil {
		return m.append(ctx, base, facts)
	}
	return m.Log.Append(ctx, base, facts)
}

func (m *mutant) Read(ctx context.Context, from, to position, fn func(position, []byte) error) error {
	if m.read != nil {
		return m.read(ctx, from, to, fn)
	}
	return m.Log.Read(ctx, from, to, fn)
}

func (m *mutant) Head(ctx context.Context) (position, error) {
	if m.head != nil {
		return m.head(ctx)
	}
	return m.Log.Head(ctx)
}

func (m *mutant) Wait(ctx context.Context, after position) (position, error) {
	if m.wait != nil {
		return m.wait(ctx, after)
	}
	return m.Log.Wait(ctx, after)
}

func (m *mutant) Close() error {
	if m.close != nil {
		return m.close()
	}
	return m.Log.Close()
}

// planted is one fault: how it bends a fresh mutant of a true log, and the
// check that must see it.
type planted struct {
	name   string
	caught string
	bend   func(m *mutant)
	// restart, if set, is what a reopened place is made of.
	restart func(old *memory.Log) *memory.Log
}

func (p planted) store() Store {
	log := memory.New()
	return Store{Open: func() (eventstore.Log, error) {
		if p.restart != nil {
			log = p.restart(log)
		}
		log = log.Reopen()
		m := &mutant{Log: log}
		if p.bend != nil {
			p.bend(m)
		}
		return m, nil
	}}
}

// red reports whether check c fails on s.
func red(c check, s Store) bool {
	rec := &Recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.against(rec, s, 300*time.Millisecond)
	}()
	<-done
	return rec.Failed()
}

// named is the checks called name; the model check is one for each of 60 seeds.
func named(name string) []check {
	var found []check
	if name == modelName {
		for seed := range 60 {
			found = append(found, modelCheck(steps().Example(seed)))
		}
	}
	for _, c := range checks() {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

func TestEveryMutantIsCaught(t *testing.T) {
	t.Parallel()
	for _, p := range mutants() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			suspects := named(p.caught)
			if len(suspects) == 0 {
				t.Fatalf("no check %q", p.caught)
			}
			for _, c := range suspects {
				if red(c, p.store()) {
					return
				}
			}
			t.Errorf("the suite is green on it; %q should be red", p.caught)
		})
	}
}

// TestEveryCheckCatches: a check that no mutant turns red proves nothing.
func TestEveryCheckCatches(t *testing.T) {
	t.Parallel()
	catches := map[string]int{}
	for _, p := range mutants() {
		catches[p.caught]++
	}
	for _, c := range append(checks(), modelCheck(nil)) {
		if catches[c.name] == 0 {
			t.Errorf("no mutant for check %q", c.name)
		}
	}
	if len(mutants()) < 40 {
		t.Errorf("only %d mutants", len(mutants()))
	}
}

// TestTheTrueOneIsGreen: the same rig around an unbent log reports nothing.
func TestTheTrueOneIsGreen(t *testing.T) {
	t.Parallel()
	for _, c := range checks() {
		rec := &Recorder{}
		c.against(rec, planted{}.store(), patience)
		if rec.Failed() {
			t.Errorf("%q is red on the true log", c.name)
		}
	}
	for _, c := range named(modelName) {
		if red(c, planted{}.store()) {
			t.Error("the model is red on the true log")
		}
	}
}

// TestVolatileLeavesOutDurability: only then.
func TestVolatileLeavesOutDurability(t *testing.T) {
	t.Parallel()
	empty := func(*memory.Log) *memory.Log { return memory.New() }
	for _, volatile := range []bool{false, true} {
		anyRed := false
		for _, c := range checks() {
			rec := &Recorder{}
			var wg sync.WaitGroup
			s := Store{Open: planted{restart: empty}.store().Open, Volatile: volatile}
			wg.Go(func() { c.against(rec, s, patience) })
			wg.Wait()
			anyRed = anyRed || rec.Failed()
		}
		if anyRed == volatile {
			t.Errorf("volatile %v: red %v", volatile, anyRed)
		}
	}
}
