package embedded

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"greffe/domain"
)

// Verify reads every byte of every frame below the head of its beginning and
// recomputes all checksums. progress, if not nil, is told the bytes done and
// their sum as it goes, last with done = total. The first damage is a
// *eventstore.CorruptError. Appends and reads go on meanwhile.
//
// It proves that the files are as the log wrote them, not who wrote them.
func (l *Log) Verify(ctx context.Context, progress func(done, total int64)) error {
	segments, _, err := l.enter()
	if err != nil {
		return err
	}
	defer l.leave()
	known := make([]segment, len(segments))
	var total, done int64
	l.mu.Lock()
	for i, s := range segments {
		known[i] = *s // its marks may grow behind the copy's length only
		total += s.end
	}
	l.mu.Unlock()
	w := &window{ahead: scanAhead}
	for i := range known {
		s := &known[i]
		if err := l.verifySegment(ctx, w, s, func(off int64) {
			if progress != nil {
				progress(done+off, total)
			}
		}); err != nil {
			return fmt.Errorf("verify: %w", s.corrupt(err))
		}
		done += s.end
	}
	return nil
}

func (l *Log) verifySegment(ctx context.Context, w *window, known *segment, progress func(off int64)) error {
	w.reset(known.f, known.end)
	seen, err := readHeader(w, known.path, known.f)
	if err != nil {
		return err
	}
	if seen.base != known.base || seen.salt != known.salt {
		return &damage{pos: known.base, detail: "segment header is another one's"}
	}
	for seen.next < known.next {
		if err := l.alive(ctx); err != nil {
			return err
		}
		if err := seen.scan(ctx, w, min(seen.next+verifyStep, known.next)); err != nil {
			return err
		}
		progress(seen.end)
	}
	if seen.end != known.end || seen.next != known.next || !slices.Equal(seen.marks, known.marks) {
		return &damage{pos: seen.next, off: seen.end, detail: "frames do not end where the index says"}
	}
	progress(seen.end)
	return nil
}

// verifyStep is how many positions are checked between two progress calls.
const verifyStep domain.Position = 1000

// readHeader reads the segment's header into an empty segment.
func readHeader(w *window, path string, f file) (*segment, error) {
	b, err := w.at(0, headerSize)
	if errors.Is(err, errShort) {
		return nil, &damage{detail: "the file ends before its header does"}
	}
	if err != nil {
		return nil, err
	}
	base, s, detail := decodeHeader(b)
	if detail != "" {
		return nil, &damage{detail: detail}
	}
	return newSegment(path, f, base, s), nil
}

// unbounded lets a scan go on to the first frame that is not right.
const unbounded domain.Position = math.MaxUint64
