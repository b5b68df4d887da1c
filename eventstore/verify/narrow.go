package verify

import (
	"slices"
	"strings"

	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
)

// narrows is the number of the keys that are all that goes of a class, 0 if all goes.
func (d *destructions) narrows(class string, epochs []erasure.ClassEpoch) uint32 {
	var keys []erasure.ClassEpoch
	for _, k := range epochs {
		if k.Class == class {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return 0
	}
	text := strings.Join(erasure.Names(keys), " ")
	n, ok := d.narrowed[text]
	if !ok {
		n = uint32(len(d.narrow))
		d.narrow, d.narrowed[text] = append(d.narrow, keys), n
	}
	return n
}

// retired is how often a class was destroyed, in whole or in part, up to a mark of it.
func (d *destructions) retired(subject domain.ID, m *mark) (n int) {
	for _, x := range d.of[subject] {
		if x.class == m.class && x.done <= m.done {
			n += int(x.times)
		}
	}
	return n
}

// takes reports that a mark is about a part of the person.
func (d *destructions) takes(m *mark, class uint16, ref *event.PartRef) bool {
	switch {
	case m.class == 0:
		return !slices.Contains(d.kept[m.kept], ref.Class)
	case m.class != class:
		return false
	}
	return m.narrow == 0 || slices.Contains(d.narrow[m.narrow], erasure.ClassEpoch{Class: ref.Class, Epoch: ref.Epoch})
}
