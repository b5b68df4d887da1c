package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"greffe/domain"
	"greffe/eventstore"
)

// Open opens the log in dir, making both if they are not there, and recovers
// it: see the crash table of the package. It is ErrInUse while another process
// has it, and a *eventstore.CorruptError if frames before the tail, or whole
// segments, are damaged or missing; no segment is changed then.
func Open(dir string, opts Options) (*Log, error) {
	log, err := open(dir, opts, osFS{})
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return log, nil
}

func open(dir string, opts Options, fs fsys) (*Log, error) {
	if opts.SegmentBytes == 0 {
		opts.SegmentBytes = DefaultSegmentBytes
	}
	if opts.SegmentBytes < MinSegmentBytes || opts.SegmentBytes > MaxSegmentBytes {
		return nil, fmt.Errorf("segment size %d is not within [%d, %d]", opts.SegmentBytes, int64(MinSegmentBytes), int64(MaxSegmentBytes))
	}
	if err := fs.MkdirAll(dir); err != nil {
		return nil, err
	}
	lock, err := fs.Lock(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, fs: fs, size: opts.SegmentBytes, lock: lock}
	l.windows.New = func() any { return new(window) }
	if err := l.recover(); err != nil {
		return nil, errors.Join(err, closeFiles(l.segments), lock.Close())
	}
	return l, nil
}

func (l *Log) recover() error {
	bases, err := l.list()
	if err != nil {
		return err
	}
	w := &window{ahead: scanAhead}
	for i, base := range bases {
		if err := l.load(w, base, i, bases); err != nil {
			return l.firstDamage(w, err)
		}
	}
	if len(bases) == 0 {
		seg, err := createSegment(l.fs, l.dir, 0, newSalt())
		if err != nil {
			return err
		}
		l.segments, l.filled = append(l.segments, seg), headerSize
	}
	l.head = l.segments[len(l.segments)-1].next
	return nil
}

// firstDamage looks for an earlier place than the one where opening met damage: what
// lies before an index's last mark is not read at opening otherwise.
func (l *Log) firstDamage(w *window, met error) error {
	var at *eventstore.CorruptError
	if !errors.As(met, &at) {
		return met
	}
	for i, s := range l.segments {
		to := at.Position
		if i+1 < len(l.segments) {
			to = min(to, l.segments[i+1].base)
		}
		size, err := s.f.Size()
		if err != nil {
			return errors.Join(met, err)
		}
		w.reset(s.f, size)
		seen, err := readHeader(w, s.path, s.f)
		if err == nil {
			err = seen.scan(context.Background(), w, to)
		}
		var bad *damage
		if errors.As(err, &bad) && bad.pos < at.Position && seen != nil {
			return seen.corrupt(bad)
		}
	}
	return met
}

// list returns the base positions of the segments in order and removes
// segments whose creation was not finished: they never held a fact.
func (l *Log) list() ([]domain.Position, error) {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return nil, err
	}
	var bases []domain.Position
	for _, name := range names {
		stem, isSegment := strings.CutSuffix(name, segmentExt)
		if strings.HasSuffix(name, tempExt) {
			if err := l.fs.Remove(filepath.Join(l.dir, name)); err != nil {
				return nil, fmt.Errorf("remove an unfinished segment: %w", err)
			}
		}
		if !isSegment {
			continue
		}
		base, err := strconv.ParseUint(stem, 10, 63)
		if err != nil || len(stem) != 20 {
			return nil, errors.New("the directory holds a segment that is not named by a position")
		}
		bases = append(bases, domain.Position(base))
	}
	slices.Sort(bases)
	return bases, nil
}

// load opens segment i of bases: a sealed one by its index or a scan, the last
// one by its index and a scan of what follows.
func (l *Log) load(w *window, base domain.Position, i int, bases []domain.Position) error {
	path := segmentPath(l.dir, base)
	f, err := l.fs.Open(path+segmentExt, false)
	if err != nil {
		return err
	}
	seg := newSegment(path, f, base, salt{})
	l.segments = append(l.segments, seg) // so that it is closed
	size, err := f.Size()
	if err != nil {
		return err
	}
	w.reset(f, size)
	read, err := readHeader(w, path, f)
	var d *damage
	if errors.As(err, &d) {
		d.pos = base
	}
	if err != nil {
		return seg.corrupt(err)
	}
	expected := domain.Position(0)
	if i > 0 {
		expected = l.segments[i-1].next
	}
	if read.base != base || base != expected {
		return seg.corrupt(&damage{pos: expected, detail: "a segment is missing or has another's place"})
	}
	*seg = *read
	if i+1 < len(bases) {
		return l.loadSealed(w, seg, size, bases[i+1])
	}
	return l.loadLast(w, seg, size)
}

func (l *Log) loadSealed(w *window, seg *segment, size int64, next domain.Position) error {
	if sealed, ok := loadIndex(l.fs, seg); ok && sealed && seg.end <= size {
		return nil
	}
	*seg = *newSegment(seg.path, seg.f, seg.base, seg.salt)
	if err := seg.scan(context.Background(), w, next); err != nil {
		return seg.corrupt(err)
	}
	clean, err := zeros(w, seg.end, size)
	if err != nil {
		return err
	}
	if seg.next != next || !clean {
		return seg.corrupt(&damage{pos: next, off: seg.end, detail: "two segments hold this position"})
	}
	saveIndex(l.fs, seg, true)
	return nil
}

// loadLast finds the end of the log. Frames of the index were durable at its
// writing, so a file that ends before them is damaged, not torn.
func (l *Log) loadLast(w *window, seg *segment, size int64) error {
	sealed, ok := loadIndex(l.fs, seg)
	if ok && sealed {
		return seg.corrupt(&damage{pos: seg.next, off: seg.end, detail: "the segment after this one is missing"})
	}
	if ok && seg.end > size {
		return seg.corrupt(&damage{pos: seg.next, off: size, detail: "the file ends before facts that were durable"})
	}
	durable := seg.end
	err := seg.scan(context.Background(), w, unbounded)
	var bad *damage
	if !errors.As(err, &bad) {
		return err
	}
	return l.settle(w, seg, bad, durable, size)
}

// settle decides what follows the last right frame: nothing, a torn append, or
// damage. Only one frame at a time is ever not durable, so anything right
// after a frame that is not proves that one was acknowledged.
func (l *Log) settle(w *window, seg *segment, bad *damage, durable, size int64) error {
	clean, err := zeros(w, seg.end, size)
	if err != nil {
		return err
	}
	if !clean {
		later, err := headAfter(w, seg, size)
		if err != nil {
			return err
		}
		if later {
			return seg.corrupt(bad)
		}
		if err := seg.f.Truncate(seg.end); err != nil {
			return fmt.Errorf("cut a torn append: %w", err)
		}
		size = seg.end
	}
	l.filled = size
	if clean && seg.end == durable {
		return nil
	}
	return l.harden(w, seg, durable, size)
}

// harden makes the frames that were found durable. The kernel may hold them
// without knowing that they are not on disk, after an fsync that failed in the
// process before; so the last of them is written once more, as it is.
func (l *Log) harden(w *window, seg *segment, durable, size int64) error {
	w.reset(seg.f, size)
	off, pos := seg.find(seg.next)
	for off < seg.end {
		if err := w.head(seg.seed, off, pos); err != nil {
			return seg.corrupt(err)
		}
		n := w.frame.size()
		if pos += domain.Position(w.frame.count); off+n == seg.end && off >= durable {
			b, err := w.at(off, int(n))
			if err != nil {
				return err
			}
			if _, err := seg.f.WriteAt(b, off); err != nil {
				return fmt.Errorf("write the last append again: %w", err)
			}
		}
		off += n
	}
	if err := seg.f.Sync(); err != nil {
		return fmt.Errorf("fsync what was recovered: %w", err)
	}
	return nil
}

// zeros reports whether [off, size) is all zero.
func zeros(w *window, off, size int64) (bool, error) {
	for off < size {
		n := int(min(size-off, scanAhead))
		b, err := w.at(off, n)
		if err != nil {
			return false, err
		}
		if len(bytes.TrimLeft(b, "\x00")) > 0 {
			return false, nil
		}
		off += int64(n)
	}
	return true, nil
}

// headAfter reports whether a right frame head of a later position begins
// anywhere behind seg's end.
func headAfter(w *window, seg *segment, size int64) (bool, error) {
	for off := seg.end + 1; off+frameHead <= size; {
		n := int(min(size-off, scanAhead))
		b, err := w.at(off, n)
		if err != nil {
			return false, err
		}
		i := bytes.Index(b, []byte(frameMarker))
		if i < 0 {
			off += int64(max(n-len(frameMarker)+1, 1))
			continue
		}
		off += int64(i)
		if b, err = w.at(off, frameHead); err == nil && w.frame.parseHead(b) == "" && w.frame.pos > seg.next {
			err = w.head(seg.seed, off, w.frame.pos)
			if err == nil {
				return true, nil
			}
		}
		var bad *damage
		if err != nil && !errors.As(err, &bad) && !errors.Is(err, errShort) {
			return false, err
		}
		off++
	}
	return false, nil
}
