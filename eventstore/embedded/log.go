package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"greffe/domain"
	"greffe/eventstore"
)

const (
	// DefaultSegmentBytes is how large a segment grows.
	DefaultSegmentBytes = 64 << 20
	// MinSegmentBytes and MaxSegmentBytes bound Options.SegmentBytes.
	MinSegmentBytes = 1 << 10
	MaxSegmentBytes = 1 << 30
	// fillBytes is how far the file is filled with zeros ahead of the frames:
	// most appends then overwrite blocks the file has, and their fdatasync has
	// no size and no extents to write.
	fillBytes = 1 << 20
)

// Options of Open. The zero value is the default.
type Options struct {
	// SegmentBytes is the size from which a new segment is begun, 0 for
	// DefaultSegmentBytes. A segment holds at least one append of any size.
	SegmentBytes int64
}

// Log is an eventstore.Log in one directory.
type Log struct {
	dir  string
	fs   fsys
	size int64 // Options.SegmentBytes
	lock io.Closer

	windows sync.Pool // of *window

	write  sync.Mutex // one append at a time, held over its fsync
	buf    []byte     // under write
	filled int64      // under write: zeros of the last segment end here
	failed error      // under write: why appends have stopped

	mu       sync.Mutex // held for moments only
	segments []*segment // at least one; the last takes appends
	head     domain.Position
	moved    chan struct{} // closed when head moves or the log closes; nil if nobody waits
	closed   bool
	reading  int // Reads and Verifies that use the files
}

var _ eventstore.Log = (*Log)(nil)

// Append implements eventstore.Log with one write and one fdatasync. It rejects
// a wrong head, a closed or failed log without writing.
func (l *Log) Append(ctx context.Context, base domain.Position, facts [][]byte) error {
	if err := eventstore.CheckSize(facts); err != nil {
		return err
	}
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.admit(ctx, base); err != nil || len(facts) == 0 {
		return err
	}
	if err := l.commit(facts); err != nil {
		l.failed = err
		return fmt.Errorf("append at %d, outcome unknown: %w: %w", base, eventstore.ErrFailed, err)
	}
	return nil
}

func (l *Log) admit(ctx context.Context, base domain.Position) error {
	head, err := l.Head(ctx)
	switch {
	case err != nil:
		return err
	case l.failed != nil:
		return fmt.Errorf("append at %d, not committed: %w", base, eventstore.ErrFailed)
	case ctx.Err() != nil:
		return fmt.Errorf("append at %d, not committed: %w", base, ctx.Err())
	case base != head:
		return &eventstore.WrongHeadError{Expected: base, Actual: head}
	}
	return nil
}

// commit writes facts as one frame at the end and syncs it. A crash before the
// sync ends leaves the frame whole, torn or absent; opening keeps a whole one
// and cuts a torn one. Only after the sync do readers see it.
func (l *Log) commit(facts [][]byte) error {
	seg, err := l.room(frameSize(facts))
	if err != nil {
		return err
	}
	l.buf = appendFrame(l.buf[:0], seg.seed, seg.next, facts)
	size := int64(len(l.buf))
	if end := seg.end + size; end > l.filled {
		zeros := int(max(min(end+fillBytes, l.size)-end, 0))
		l.buf = slices.Grow(l.buf, zeros)[:len(l.buf)+zeros]
		clear(l.buf[size:])
	}
	if _, err := seg.f.WriteAt(l.buf, seg.end); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := seg.f.Sync(); err != nil {
		return fmt.Errorf("fsync: %w", err)
	}
	l.filled = max(l.filled, seg.end+int64(len(l.buf)))

	l.mu.Lock()
	defer l.mu.Unlock()
	seg.add(len(facts), size)
	l.head = seg.next
	l.wake()
	return nil
}

// room returns the segment that a frame of size bytes goes to. A new one is
// durable and empty before the full one is sealed. A crash in between leaves
// zeros behind the full one's frames and no index, both of which opening knows.
func (l *Log) room(size int64) (*segment, error) {
	full := l.segments[len(l.segments)-1]
	if full.end+size <= l.size || full.next == full.base {
		return full, nil
	}
	seg, err := createSegment(l.fs, l.dir, full.next, newSalt())
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.segments = append(l.segments, seg)
	l.mu.Unlock()
	l.filled = headerSize
	_ = full.f.Truncate(full.end) // zeros may stay
	saveIndex(l.fs, full, true)
	return seg, nil
}

func newSalt() (s salt) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

// wake is called with mu held.
func (l *Log) wake() {
	if l.moved != nil {
		close(l.moved)
		l.moved = nil
	}
}

// Head implements eventstore.Log.
func (l *Log) Head(context.Context) (domain.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, eventstore.ErrClosed
	}
	return l.head, nil
}

// Wait implements eventstore.Log. On a log that has failed it goes on waiting.
func (l *Log) Wait(ctx context.Context, after domain.Position) (domain.Position, error) {
	for {
		head, moved, err := l.look(after)
		if err != nil || head > after {
			return head, err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (l *Log) look(after domain.Position) (domain.Position, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, nil, eventstore.ErrClosed
	}
	if l.head <= after && l.moved == nil {
		l.moved = make(chan struct{})
	}
	return l.head, l.moved, nil
}

// Close implements eventstore.Log. It leaves an index of the last segment, so
// that the next opening has nothing to scan. The directory is free at its
// return; files that a Read still uses are closed by that Read.
func (l *Log) Close() error {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.wake()
	idle := l.reading == 0
	l.mu.Unlock()

	if l.failed == nil {
		saveIndex(l.fs, l.segments[len(l.segments)-1], false)
	}
	var err error
	if idle {
		err = closeFiles(l.segments)
	}
	if err = errors.Join(err, l.lock.Close()); err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}

func closeFiles(segments []*segment) error {
	var errs []error
	for _, s := range segments {
		errs = append(errs, s.f.Close())
	}
	return errors.Join(errs...)
}
