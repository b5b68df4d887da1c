package embedded

import (
	"context"
	"fmt"
	"sort"

	"greffe/domain"
	"greffe/eventstore"
)

// enter keeps the files open until leave and returns the segments and head.
func (l *Log) enter() ([]*segment, domain.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, 0, eventstore.ErrClosed
	}
	l.reading++
	return l.segments, l.head, nil
}

func (l *Log) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reading--; l.reading == 0 && l.closed {
		_ = closeFiles(l.segments)
	}
}

// alive is asked between frames.
func (l *Log) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return eventstore.ErrClosed
	}
	return nil
}

// Read implements eventstore.Log. The checksums of every frame head it passes
// and of every fact it gives are checked; wrong bytes are a
// *eventstore.CorruptError, after the facts before them.
func (l *Log) Read(ctx context.Context, from, to domain.Position, fn func(domain.Position, []byte) error) error {
	segments, head, err := l.enter()
	if err != nil {
		return err
	}
	defer l.leave()
	if from > to || to > head {
		return fmt.Errorf("read [%d, %d): the head is %d", from, to, head)
	}
	if from == to {
		return nil
	}
	w := l.windows.Get().(*window)
	defer l.windows.Put(w)
	w.ahead = int(min(uint64(to-from)*512+4096, scanAhead))

	var fnErr error
	visit := func(p domain.Position, b []byte) error {
		fnErr = fn(p, b)
		return fnErr
	}
	i := sort.Search(len(segments), func(i int) bool { return segments[i].base > from }) - 1
	for ; from < to; i++ {
		next, err := l.readSegment(ctx, w, segments[i], from, to, visit)
		if fnErr != nil {
			return fnErr
		}
		if err != nil {
			return fmt.Errorf("read: %w", segments[i].corrupt(err))
		}
		from = next
	}
	return nil
}

// readSegment gives fn the facts of [from, to) that seg has and returns the
// position after them.
func (l *Log) readSegment(ctx context.Context, w *window, seg *segment, from, to domain.Position, fn func(domain.Position, []byte) error) (domain.Position, error) {
	l.mu.Lock()
	limit, last := seg.end, seg.next
	off, pos := seg.find(from)
	l.mu.Unlock()
	to = min(to, last)
	w.reset(seg.f, limit)
	for pos < to {
		if err := l.alive(ctx); err != nil {
			return 0, err
		}
		if err := w.head(seg.seed, off, pos); err != nil {
			return 0, err
		}
		fr := &w.frame
		size, next := fr.size(), pos+domain.Position(fr.count)
		if next > from {
			skip := int(max(from, pos) - pos)
			at := off + frameHead + int64(fr.count)*entrySize
			for i := range skip {
				n, _ := fr.entry(i)
				at += int64(n)
			}
			if err := w.facts(seg.seed, at, skip, int(min(next, to)-pos), fn); err != nil {
				return 0, err
			}
		}
		off, pos = off+size, next
	}
	return to, nil
}
