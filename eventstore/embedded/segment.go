package embedded

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"

	"greffe/domain"
	"greffe/eventstore"
)

const (
	segmentExt = ".seg"
	indexExt   = ".idx"
	tempExt    = ".tmp"
	// markEvery is the least distance of two marks: one per 16 KiB keeps an
	// index of 8 bytes per 16 KiB, about 0.2 MB for a million facts of 400 B.
	markEvery = 16 << 10
	scanAhead = 256 << 10
)

// mark says that the frame at offset off begins at base+pos.
type mark struct{ pos, off uint32 }

// segment is one file. next, end and marks move with each append, under the
// log's mutex, until the segment is sealed.
type segment struct {
	path  string // without extension
	f     file
	base  domain.Position
	salt  salt
	seed  uint32
	next  domain.Position // base of the next segment
	end   int64           // offset after the last frame
	marks []mark
}

func segmentPath(dir string, base domain.Position) string {
	return filepath.Join(dir, fmt.Sprintf("%020d", uint64(base)))
}

func newSegment(path string, f file, base domain.Position, s salt) *segment {
	return &segment{path: path, f: f, base: base, salt: s, seed: s.seed(), next: base, end: headerSize}
}

// add takes in a frame of count facts and size bytes at the end.
func (s *segment) add(count int, size int64) {
	if len(s.marks) == 0 || s.end-int64(s.marks[len(s.marks)-1].off) >= markEvery {
		s.marks = append(s.marks, mark{pos: uint32(s.next - s.base), off: uint32(s.end)})
	}
	s.next += domain.Position(count)
	s.end += size
}

// find returns the frame to begin looking for pos at: its offset and position.
func (s *segment) find(pos domain.Position) (int64, domain.Position) {
	i := sort.Search(len(s.marks), func(i int) bool { return s.base+domain.Position(s.marks[i].pos) > pos })
	if i == 0 {
		return headerSize, s.base
	}
	m := s.marks[i-1]
	return int64(m.off), s.base + domain.Position(m.pos)
}

// corrupt makes a *damage the port's error and passes other errors on.
func (s *segment) corrupt(err error) error {
	var d *damage
	if !errors.As(err, &d) {
		return err
	}
	return &eventstore.CorruptError{
		Position: d.pos,
		Where:    fmt.Sprintf("%s:%d", filepath.Base(s.path)+segmentExt, d.off),
		Detail:   d.detail,
	}
}

func ignore(domain.Position, []byte) error { return nil }

// scan adds frames, checking each wholly, from the end on until position to or
// the first that is not right, which it returns as *damage.
func (s *segment) scan(ctx context.Context, w *window, to domain.Position) error {
	for s.next < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.head(s.seed, s.end, s.next); err != nil {
			return err
		}
		fr := &w.frame
		if err := w.facts(s.seed, s.end+frameHead+int64(fr.count)*entrySize, 0, fr.count, ignore); err != nil {
			return err
		}
		s.add(fr.count, fr.size())
	}
	return nil
}

// createSegment makes the segment's file durable under its name, or not at all.
func createSegment(fs fsys, dir string, base domain.Position, s salt) (*segment, error) {
	path := segmentPath(dir, base)
	f, err := fs.Open(path+tempExt, true)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	_, err = f.WriteAt(encodeHeader(base, s), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fs.Rename(path+tempExt, path+segmentExt)
	}
	if err == nil {
		err = fs.SyncDir(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", errors.Join(err, f.Close()))
	}
	return newSegment(path, f, base, s), nil
}
