package seal

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
)

// archived is a key that left the active base: what it seals opens for those alone who
// may read archives (archivage intermédiaire).
type archived struct {
	class, epoch string
	since        int64 // µs
}

// Archived is a part that was left out because it is archived.
type Archived struct {
	event.PartRef
	Since domain.Time
}

// Archivable lists the keys of a class that are not archived: those of epochs, or, for
// none, all.
func (s *KeySet) Archivable(class string, epochs []string) (out []erasure.ClassEpoch) {
	for i := range s.keys {
		k := &s.keys[i]
		if k.class != class || len(epochs) > 0 && !slices.Contains(epochs, k.epoch) {
			continue
		}
		if _, already := s.Archived(k.class, k.epoch); !already {
			out = append(out, erasure.ClassEpoch{Class: k.class, Epoch: k.epoch})
		}
	}
	slices.SortFunc(out, func(a, b erasure.ClassEpoch) int { return strings.Compare(a.Epoch, b.Epoch) })
	return out
}

// Archive marks keys; what comes later of their classes is sealed under others, and is
// active. Keys that are not there, or are archived, are passed over.
func (s *KeySet) Archive(keys []erasure.ClassEpoch, at domain.Time) {
	for _, k := range keys {
		if _, there := s.Key(k.Class, k.Epoch); !there {
			continue
		}
		if _, already := s.Archived(k.Class, k.Epoch); already {
			continue
		}
		s.archive = append(s.archive, archived{k.Class, k.Epoch, at.UnixMicro()})
		s.dirty = true
	}
}

// active is the epoch of a class that is sealed under now, where a key of it was
// archived: "2026-a1". When that was destroyed, the class's generation is another.
func (s *KeySet) active(class, epoch, generation string) string {
	name := epoch
	for n := 1; ; n++ {
		if _, left := s.Archived(class, name+generation); !left {
			return name + generation
		}
		name = epoch + "-a" + strconv.Itoa(n)
	}
}

// Archived tells since when a key is.
func (s *KeySet) Archived(class, epoch string) (since domain.Time, ok bool) {
	for i := range s.archive {
		if a := &s.archive[i]; a.class == class && a.epoch == epoch {
			return domain.NewTime(time.UnixMicro(a.since)), true
		}
	}
	return since, false
}

// unarchive forgets marks of keys that went.
func (s *KeySet) unarchive() {
	s.archive = slices.DeleteFunc(s.archive, func(a archived) bool {
		_, there := s.Key(a.class, a.epoch)
		return !there
	})
}

func (s *KeySet) appendArchive(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.archive)))
	for _, a := range s.archive {
		b = append(append(b, byte(len(a.class))), a.class...)
		b = append(append(b, byte(len(a.epoch))), a.epoch...)
		b = binary.BigEndian.AppendUint64(b, uint64(a.since))
	}
	return b
}

func (s *KeySet) readArchive(c *cut) {
	for n := c.uint16(); n > 0 && !c.bad; n-- {
		s.archive = append(s.archive, archived{c.text(), c.text(), int64(binary.BigEndian.Uint64(c.take(8)))})
	}
}
