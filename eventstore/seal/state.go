package seal

import (
	"slices"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/domain/erasure"
)

// maxHolds bounds the holds a row carries. More of them change nothing: it takes
// the release of every one that is carried to free the owner.
const maxHolds = 1000

// Erased reports that nothing new is recorded about the owner.
func (s *KeySet) Erased() bool { return s.Destroyed || !s.Closed.IsZero() }

// Close ends the recording about the owner, by an erasure that was ordered. What
// closed it first stays.
func (s *KeySet) Close(by domain.ID, at domain.Time) {
	if !s.Erased() {
		s.Closed, s.ClosedAt, s.dirty = by, at, true
	}
}

// Holds lists what stands against destroying anything of the owner.
func (s *KeySet) Holds() []Hold { return slices.Clone(s.holds) }

// Held reports that something does.
func (s *KeySet) Held() bool { return len(s.holds) > 0 }

// Hold adds a reason not to destroy.
func (s *KeySet) Hold(h Hold) {
	if len(s.holds) < maxHolds && !slices.Contains(s.holds, h) {
		s.holds, s.dirty = append(s.holds, h), true
	}
}

// Release takes holds of a kind away: the one an event placed, or all of them for
// the zero id. It reports whether there were any.
func (s *KeySet) Release(kind HoldKind, placed domain.ID) bool {
	n := len(s.holds)
	s.holds = slices.DeleteFunc(s.holds, func(h Hold) bool { return h.Kind == kind && (placed.IsZero() || h.Event == placed) })
	if len(s.holds) == n {
		return false
	}
	s.dirty = true
	return true
}

// Retire starts a new generation of a class: parts from now on are sealed under
// other keys than those that are to be destroyed.
func (s *KeySet) Retire(class string) {
	s.dirty = true
	for i := range s.retired {
		if s.retired[i].class == class {
			s.retired[i].generation++
			return
		}
	}
	s.retired = append(s.retired, retired{class, 1})
}

func (s *KeySet) generation(class string) uint16 {
	for i := range s.retired {
		if s.retired[i].class == class {
			return s.retired[i].generation
		}
	}
	return 0
}

// Epoch is the epoch under which a class's parts are sealed now: "2026", "2026.1" after
// the class was destroyed once, "2026-a1" after that key was archived.
func (s *KeySet) Epoch(class, epoch string) string {
	generation := ""
	if n := s.generation(class); n > 0 {
		generation = "." + strconv.Itoa(int(n))
	}
	return s.active(class, epoch, generation)
}

// past reports a key id of a generation that was destroyed.
func (s *KeySet) past(class, epoch string) bool {
	n := 0
	if _, g, ok := strings.Cut(epoch, "."); ok {
		n, _ = strconv.Atoi(g)
	}
	return n < int(s.generation(class))
}

// Doomed lists the keys of classes that an erasure took: those of generations
// before the present one. Nil classes: every key.
func (s *KeySet) Doomed(classes []string) []erasure.ClassEpoch {
	var out []erasure.ClassEpoch
	for _, k := range s.keys {
		if classes == nil || slices.Contains(classes, k.class) && (s.Erased() || s.past(k.class, k.epoch)) {
			out = append(out, erasure.ClassEpoch{Class: k.class, Epoch: k.epoch})
		}
	}
	return out
}

// Drop takes keys away; those that are not there are passed over.
func (s *KeySet) Drop(keys []erasure.ClassEpoch) {
	for i := range s.keys {
		if slices.Contains(keys, erasure.ClassEpoch{Class: s.keys[i].class, Epoch: s.keys[i].epoch}) {
			clear(s.keys[i].key[:])
			s.keys[i].class, s.dirty = "", true
		}
	}
	s.keys = slices.DeleteFunc(s.keys, func(k classKey) bool { return k.class == "" })
	s.unarchive()
}
