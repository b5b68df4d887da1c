package embedded

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"greffe/domain"
)

// damage is bytes of a segment that are not what was written.
type damage struct {
	pos    domain.Position
	off    int64
	detail string
}

func (d *damage) Error() string {
	return fmt.Sprintf("position %d, offset %d: %s", d.pos, d.off, d.detail)
}

var errShort = errors.New("the file ends")

// window reads a file through one buffer that grows to the largest piece asked
// for (at most a fact) and no further.
type window struct {
	f     io.ReaderAt
	limit int64 // nothing is read at or beyond it
	ahead int   // bytes read at once
	buf   []byte
	start int64
	n     int
	frame frame
}

func (w *window) reset(f io.ReaderAt, limit int64) {
	w.f, w.limit, w.start, w.n = f, limit, 0, 0
}

// at returns the n bytes at off, valid until the next call and with no room
// behind them, or errShort.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off >= w.start && off+int64(n) <= w.start+int64(w.n) {
		return w.buf[off-w.start:][:n:n], nil
	}
	if off+int64(n) > w.limit {
		return nil, errShort
	}
	want := int(min(int64(max(n, w.ahead)), w.limit-off))
	if cap(w.buf) < want {
		w.buf = make([]byte, want)
	}
	got, err := w.f.ReadAt(w.buf[:want], off)
	w.start, w.n = off, got
	if got >= n {
		return w.buf[:n:n], nil
	}
	w.n = 0
	if err == nil || errors.Is(err, io.EOF) {
		return nil, errShort
	}
	return nil, fmt.Errorf("read %d bytes at offset %d: %w", n, off, err)
}

// head reads the head and table of the frame at off, which begins at position
// pos, into w.frame. A frame that is not right is a *damage.
func (w *window) head(seed uint32, off int64, pos domain.Position) error {
	bad := func(detail string) error { return &damage{pos: pos, off: off, detail: detail} }
	b, err := w.at(off, frameHead)
	if errors.Is(err, errShort) {
		return bad("the file ends before a frame's head does")
	}
	if err != nil {
		return err
	}
	if detail := w.frame.parseHead(b); detail != "" {
		return bad(detail)
	}
	if w.frame.pos != pos {
		return bad("frame is of another position")
	}
	return w.table(seed, off, bad)
}

func (w *window) table(seed uint32, off int64, bad func(string) error) error {
	b, err := w.at(off+frameHead, w.frame.count*entrySize)
	if errors.Is(err, errShort) {
		return bad("the file ends before a frame's table does")
	}
	if err != nil {
		return err
	}
	if detail := w.frame.parseTable(seed, b); detail != "" {
		return bad(detail)
	}
	return nil
}

// facts checks each fact of w.frame from the i-th on, whose bytes begin at off,
// and gives those before the to-th to fn.
func (w *window) facts(seed uint32, off int64, i, to int, fn func(domain.Position, []byte) error) error {
	for ; i < to; i++ {
		n, sum := w.frame.entry(i)
		pos := w.frame.pos + domain.Position(i)
		b, err := w.at(off, n)
		if errors.Is(err, errShort) {
			return &damage{pos: pos, off: off, detail: "the file ends before a fact does"}
		}
		if err != nil {
			return err
		}
		if crc32.Update(seed, castagnoli, b) != sum {
			return &damage{pos: pos, off: off, detail: "fact has another checksum"}
		}
		if err := fn(pos, b); err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}
