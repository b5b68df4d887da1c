package crm_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/contact"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/projections"
	"greffe/projections/crm"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
)

// crowd is a view of many contacts in a random order, whose tokens are all known.
type crowd struct {
	*testing.T
	path   string
	view   *crm.View
	rng    *rand.Rand
	at     domain.Position
	tokens map[domain.ID][]byte
	people []domain.ID
	secret map[domain.ID][][]byte // tokens, by subject
	events map[domain.ID][]domain.ID
}

func (c *crowd) Tokens(_ context.Context, events []domain.ID) ([][]byte, error) {
	out := make([][]byte, len(events))
	for i, id := range events {
		out[i] = c.tokens[id]
	}
	return out, nil
}

func newCrowd(t *testing.T, people int) *crowd {
	t.Helper()
	c := &crowd{T: t, path: filepath.Join(t.TempDir(), "crm.db"), rng: rand.New(rand.NewPCG(8, 9)), tokens: map[domain.ID][]byte{},
		secret: map[domain.ID][][]byte{}, events: map[domain.ID][]domain.ID{}}
	c.open()
	t.Cleanup(func() { _ = c.view.Close() })
	for range people {
		c.people = append(c.people, c.id())
	}
	return c
}

func (c *crowd) open() {
	c.Helper()
	v, err := crm.Open(c.path, c, nil, sqlfile.Options{})
	if err != nil {
		c.Fatal(err)
	}
	c.view = v
}

func (c *crowd) id() domain.ID {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], c.rng.Uint64())
	binary.BigEndian.PutUint64(b[8:], c.rng.Uint64())
	return domain.DeriveID(b[:])
}

func (c *crowd) apply(facts ...*event.Fact) {
	c.Helper()
	var batch []projections.Fact
	for _, f := range facts {
		batch = append(batch, projections.Fact{Position: c.at, Fact: f})
		c.at++
	}
	if err := c.view.Apply(c.Context(), batch); err != nil {
		c.Fatal(err)
	}
}

// change makes a contact event of somebody at random, with new addresses.
func (c *crowd) change(subject domain.ID) *event.Fact {
	f := &event.Fact{ID: c.id(), Type: event.ContactChanged, Subject: subject, Controller: "acme", Time: domain.NewTime(day(1).Add(time.Duration(c.at) * time.Second)),
		Parts: []event.PartRef{{Owner: part.SubjectOwner(subject), Class: "contact_details", Epoch: "whole"}}}
	var entries []token.Entry
	for _, k := range []token.Kind{token.KindEmail, token.KindName, token.KindPhone}[:1+c.rng.IntN(3)] {
		e := tok(k, 0)
		for at := 0; at < len(e.Token); at += 8 {
			binary.BigEndian.PutUint64(e.Token[at:], c.rng.Uint64())
		}
		c.secret[subject] = append(c.secret[subject], slices.Clone(e.Token[3:]))
		entries = append(entries, e)
	}
	f.Fields = []string{"custom.x", "notes", "person.emails", "person.family_name", "person.phones"}[:2+c.rng.IntN(4)]
	var err error
	if c.tokens[f.ID], err = token.Pack(entries); err != nil {
		c.Fatal(err)
	}
	c.events[subject] = append(c.events[subject], f.ID)
	return f
}

// live applies n changes about people who are there, in batches.
func (c *crowd) live(n, batch int, dead map[domain.ID]bool) {
	c.Helper()
	var facts []*event.Fact
	for range n {
		s := c.people[c.rng.IntN(len(c.people))]
		if dead[s] {
			continue
		}
		if facts = append(facts, c.change(s)); len(facts) == batch {
			c.apply(facts...)
			facts = nil
		}
	}
	if len(facts) > 0 {
		c.apply(facts...)
	}
}

// traces counts where eight bytes in a row of the secrets of people are in any
// file of the view; with states, also what their states are made of: the ids of
// their events.
func (c *crowd) traces(people map[domain.ID]bool, states bool) (n int) {
	c.Helper()
	seek := map[uint64]bool{}
	for p := range people {
		for _, s := range c.secret[p] {
			for i := 0; i+8 <= len(s); i += 8 {
				seek[binary.BigEndian.Uint64(s[i:])] = true
			}
		}
		for _, id := range c.events[p] {
			if states {
				seek[binary.BigEndian.Uint64(id[8:])] = true
			}
		}
	}
	files, err := filepath.Glob(c.path + "*")
	if err != nil || len(files) == 0 {
		c.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			c.Fatal(err)
		}
		var at uint64
		for _, x := range b {
			if at = at<<8 | uint64(x); seek[at] {
				n++
			}
		}
	}
	return n
}

func (c *crowd) erase(people ...domain.ID) {
	c.Helper()
	var orders []*event.Fact
	for _, p := range people {
		orders = append(orders, &event.Fact{ID: c.id(), Type: event.ErasureOrdered, Subject: p, Time: day(20), Codes: event.Codes{}.With("whole", true)})
	}
	c.apply(orders...)
}

// TestErasureLeavesNoByte has tens of thousands of inserts in random order, so
// that pages split and cells move, and people erased between, alone and by the
// hundred. No token that they ever had, nor any event id of their states, may be
// in any file.
func TestErasureLeavesNoByte(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4000)
	dead := map[domain.ID]bool{}
	for round := range 5 {
		c.live(5000, 1+c.rng.IntN(900), dead)
		if round == 3 {
			if err := c.view.Close(); err != nil {
				t.Fatal(err)
			}
			c.open()
		}
		var doomed []domain.ID
		for _, p := range c.people {
			if len(doomed) < 1+round*20 && !dead[p] && len(c.events[p]) > 1 && c.rng.IntN(20) == 0 {
				doomed = append(doomed, p)
				dead[p] = true
			}
		}
		c.erase(doomed...)
		if round == 0 && c.traces(dead, true) == 0 {
			t.Fatal("nothing in the write-ahead log: the search is blind")
		}
		for _, p := range doomed {
			if err := c.view.Gone(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		if n := c.traces(dead, true); n != 0 {
			t.Errorf("round %d: %d traces of %d erased people", round, n, len(dead))
		}
	}
	alive := map[domain.ID]bool{}
	for _, p := range c.people {
		alive[p] = !dead[p]
	}
	if n := c.traces(alive, false); n < 3000 {
		t.Errorf("only %d traces of the living", n)
	}
	if err := c.view.Close(); err != nil {
		t.Fatal(err)
	}
	if n := c.traces(dead, true); n != 0 {
		t.Errorf("%d traces after Close", n)
	}
	c.open()
	for p := range dead {
		if _, err := c.view.Contact(t.Context(), p); !errors.Is(err, contact.ErrErased) {
			t.Fatalf("after a restart: %v", err)
		}
		if err := c.view.Gone(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGoneTogether: many who ask at once share one emptying of the write-ahead
// log, beside writes and readings.
func TestGoneTogether(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1500)
	c.live(3000, 500, nil)
	doomed := c.people[:1000]
	dead := map[domain.ID]bool{}
	for _, p := range doomed {
		dead[p] = true
	}
	c.erase(doomed...)
	var wg sync.WaitGroup
	errs := make(chan error, 2*len(doomed))
	for _, p := range doomed {
		wg.Go(func() {
			errs <- c.view.Gone(t.Context(), p)
			_, _, err := c.view.Duplicates(t.Context(), "", 3)
			errs <- err
		})
	}
	c.live(200, 10, dead)
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := c.traces(dead, true); n != 0 {
		t.Errorf("%d traces", n)
	}
	info, err := os.Stat(c.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	c.live(50, 10, dead)
	for _, p := range doomed {
		if err := c.view.Gone(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if now, err := os.Stat(c.path + "-wal"); err != nil || now.Size() <= info.Size() {
		t.Errorf("the log was emptied again for what was gone already: %d bytes, %v", now.Size(), err)
	}
}

// toll applies facts to a view of many contacts and measures erasures in it.
type toll struct {
	*testing.B
	view     *crm.View
	facts    []projections.Fact
	subjects []domain.ID // in a random order
	at       domain.Position
}

func (l *toll) add(f *event.Fact) {
	l.facts = append(l.facts, projections.Fact{Position: l.at, Fact: f})
	l.at++
}

func (l *toll) apply() {
	l.Helper()
	if err := l.view.Apply(l.Context(), l.facts); err != nil {
		l.Fatal(err)
	}
	l.facts = nil
}

// erase erases n and returns what it took, from the order to Gone.
func (l *toll) erase(n int) time.Duration {
	l.Helper()
	doomed := l.subjects[:n]
	l.subjects = l.subjects[n:]
	for _, s := range doomed {
		l.add(&event.Fact{ID: s, Type: event.ErasureOrdered, Subject: s, Time: day(1), Codes: event.Codes{}.With("whole", true)})
	}
	start := time.Now()
	l.apply()
	for _, s := range doomed {
		if err := l.view.Gone(l.Context(), s); err != nil {
			l.Fatal(err)
		}
	}
	return time.Since(start)
}

// BenchmarkErase measures one erasure, from the order to Gone, with 100,000
// contacts there, the first with all of them in the write-ahead log, and a
// thousand at once.
func BenchmarkErase(b *testing.B) {
	const people = 100_000
	w := projtest.NewWorld(3, people)
	v, err := crm.Open(filepath.Join(b.TempDir(), "crm.db"), w, nil, crm.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = v.Close() })
	l := &toll{B: b, view: v}
	for i := range people {
		f := w.Fact(event.ContactCreated)
		l.subjects = append(l.subjects, f.Subject)
		if l.add(f); i%2000 == 1999 {
			l.apply()
		}
	}
	slices.SortFunc(l.subjects, func(a, b domain.ID) int { return slices.Compare(a[:], b[:]) })
	l.subjects = slices.Compact(l.subjects)
	first := l.erase(1)
	var one time.Duration
	for b.Loop() {
		one += l.erase(1)
	}
	b.ReportMetric(float64(one.Microseconds())/1e3/float64(b.N), "ms/erasure")
	b.ReportMetric(float64(first.Microseconds())/1e3, "ms/first")
	b.ReportMetric(float64(l.erase(1000).Microseconds())/1e3, "ms/thousand")
	b.ReportMetric(0, "ns/op")
}
