package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greffe/domain"
	"greffe/projections/changes"
)

// sparse is a source that knows at which positions a recipient has changes.
type sparse struct {
	at    []domain.Position
	fail  error
	asked int
}

func (s *sparse) Next(context.Context, string, domain.Position, int) (Batch, error) {
	return Batch{}, nil
}
func (s *sparse) Known(_ context.Context, at domain.Position) (bool, error) { return at < 1000, s.fail }
func (s *sparse) End(context.Context) (domain.Position, error)              { return 1000, nil }
func (s *sparse) Key(string) ([]byte, bool, error)                          { return nil, false, nil }

func (s *sparse) Count(_ context.Context, _ string, from, to domain.Position, limit int) (n int, last domain.Position, err error) {
	s.asked++
	for _, p := range s.at {
		if p >= from && p < to && n < limit {
			n, last = n+1, p
		}
	}
	return n, last, s.fail
}

func (s *sparse) At(_ context.Context, _ string, at domain.Position) (id, order domain.ID, err error) {
	if !slices.Contains(s.at, at) {
		return id, order, ErrNoChange
	}
	return domain.ID{byte(at), 1}, order, s.fail
}

// In whatever order changes are acknowledged, as a whole or by each message, the
// recipient's position is before the first that is not, and nothing below it is
// held.
func TestWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := &sparse{}
		missing := map[domain.Position]map[string]bool{}
		var acks []Ack
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 250), 1, 60, rapid.ID[int]).Draw(rt, "changes") {
			p := domain.Position(n)
			s.at = append(s.at, p)
			missing[p] = map[string]bool{}
			of := rapid.IntRange(1, 3).Draw(rt, "messages")
			for i := range of {
				id := messageID{domain.ID{byte(p), 1}, p, "crm", fmt.Sprint("w", i), of}
				missing[p][id.who] = true
				acks = append(acks, Ack{ID: id.String()})
			}
			if rapid.IntRange(0, 4).Draw(rt, "whole") == 0 {
				acks = append(acks, Ack{Change: &p})
			}
		}
		slices.Sort(s.at)
		w := &window{source: s, code: "crm", held: map[domain.Position]*held{}}
		acks = rapid.Permutation(acks).Draw(rt, "order")
		for i, a := range acks[:rapid.IntRange(0, len(acks)).Draw(rt, "acknowledged")] {
			if _, aside, err := w.note(t.Context(), a); aside != "" || err != nil {
				rt.Fatal(aside, err)
			}
			if a.Change != nil {
				missing[*a.Change] = nil
			} else {
				id, _ := parseMessageID(a.ID)
				delete(missing[id.position], id.who)
			}
			if i%3 == 0 {
				check(rt, w, s, missing)
			}
		}
		check(rt, w, s, missing)
	})
}

func check(rt *rapid.T, w *window, s *sparse, missing map[domain.Position]map[string]bool) {
	want := domain.Position(0)
	for _, p := range s.at {
		if len(missing[p]) > 0 {
			break
		}
		want = p + 1
	}
	next, err := w.reach(rt.Context())
	if err != nil || next != want {
		rt.Fatalf("reaches %s, want %s (%v)", next, want, err)
	}
	w.pass(next)
	for p := range w.held {
		if p < next {
			rt.Fatalf("%s is held below %s", p, next)
		}
	}
}

// Many changes acknowledged in a row are found by few questions.
func TestWindowAsksLittle(t *testing.T) {
	t.Parallel()
	s := &sparse{}
	w := &window{source: s, code: "crm", held: map[domain.Position]*held{}}
	for p := range domain.Position(5000) {
		s.at = append(s.at, p)
		w.held[p] = &held{whole: true, taken: true}
		w.highest = p
	}
	delete(w.held, 4321)
	if next, err := w.reach(t.Context()); next != 4321 || err != nil || s.asked > 60 {
		t.Errorf("%s, %v after %d questions", next, err, s.asked)
	}
}

func TestWindowIsBounded(t *testing.T) {
	t.Parallel()
	s := &sparse{at: []domain.Position{1, 2}}
	w := &window{source: s, code: "crm", held: map[domain.Position]*held{2: {}}}
	for p := domain.Position(1000); len(w.held) < maxHeld; p++ {
		w.held[p] = &held{}
	}
	one, two := domain.Position(1), domain.Position(2)
	if _, aside, _ := w.note(t.Context(), Ack{Change: &one}); aside != AsideTooFar {
		t.Errorf("%q", aside)
	}
	if _, aside, err := w.note(t.Context(), Ack{Change: &two}); aside != "" || err != nil {
		t.Errorf("what is held already: %q, %v", aside, err)
	}
	s.fail = errors.New("the view fails")
	if _, _, err := w.note(t.Context(), Ack{Change: &two}); !errors.Is(err, s.fail) {
		t.Errorf("%v", err)
	}
	if _, err := w.reach(t.Context()); !errors.Is(err, s.fail) {
		t.Errorf("%v", err)
	}
}

func FuzzMessageID(f *testing.F) {
	f.Add(messageID{domain.ID{1}, 5, "crm", "00ff", 2}.String())
	f.Add("a:b:c:d:e")
	f.Add(domain.ID{1}.String() + ":05:crm:-:1")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMessageID(s)
		if err == nil && (m.String() != s || m.of < 1 || m.of > maxOf) {
			t.Errorf("%+v", m)
		}
	})
}

func FuzzAck(f *testing.F) {
	f.Add([]byte(`{"recipient":"crm","up_to":"5"}`))
	f.Add([]byte(`{"specversion":"1.0","data":{"id":"x"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAck(b)
		if err == nil && a.ID == "" && a.Change == nil && a.UpTo == nil {
			t.Error("it says nothing")
		}
		if err != nil && !errors.Is(err, errAck) {
			t.Error(err)
		}
	})
}

// Which own ids are never shown, even where own ids are.
func TestTelling(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"zq@example.org": true, "ZQ@EXAMPLE": true, "0698765432": true, "+33 6 98 76 54 32": true, "0033698765432": true, "33698765432": true,
		"06.98.76.54.32": true, "C-1042": false, "1042": false, "8f14e45f-ceea-467f-a830-5ad0d2b1a1c0": false, "AB0698765432": false, "": false,
	} {
		if telling(id) != want {
			t.Errorf("%q: %t", id, !want)
		}
	}
	c := &changes.Change{IDs: []changes.OwnID{{Subject: "C-1"}, {Subject: "zq@example.org"}}}
	got := whom(c, []byte("k"), true)
	if len(got) != 2 || got[0].by != ByOwn || got[0].subject != "C-1" || got[1].by != ByHMAC || strings.Contains(got[1].subject, "zq") || got[0].who == got[1].who {
		t.Errorf("%+v", got)
	}
}
