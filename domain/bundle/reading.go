package bundle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"greffe/domain"
)

func positionOf(n uint64) domain.Position { return domain.Position(n) }

// input is a File of known length that reports progress.
type input struct {
	File
	v    *verifier
	size int64
}

func (v *verifier) open(path string) (*input, error) {
	f, err := v.src.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &input{f, v, v.entries[path].Bytes}, nil
}

// ReadAt reads and counts.
func (in *input) ReadAt(b []byte, at int64) (int, error) {
	n, err := in.File.ReadAt(b, at)
	v := in.v
	v.done = min(v.done+int64(n), v.total)
	if v.o.Progress != nil {
		v.o.Progress(v.done, v.total)
	}
	return n, err
}

// room is how large a buffer for it needs to be.
func (in *input) room() int { return int(min(in.size+1, 4*chunk)) }

// reader reads from begin to end.
func (in *input) reader() io.Reader { return io.NewSectionReader(in, 0, in.size) }

// lineReader reads lines of bounded length.
type lineReader struct {
	in  *input
	buf *bufio.Reader
	row int64
}

func (v *verifier) lines(path string, longest int) (*lineReader, error) {
	in, err := v.open(path)
	if err != nil {
		return nil, err
	}
	return &lineReader{in: in, buf: bufio.NewReaderSize(in.reader(), int(min(int64(longest), in.size)+1))}, nil
}

// errLine: a line is too long or has no end.
var errLine = errors.New("a line too long or without end")

// next gives a line without its line feed, valid until the next call; io.EOF at
// the end.
func (l *lineReader) next() ([]byte, error) {
	b, err := l.buf.ReadSlice('\n')
	switch {
	case err == nil:
		l.row++
		return b[:len(b)-1], nil
	case errors.Is(err, io.EOF) && len(b) == 0:
		return nil, io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
		l.row++
		return nil, errLine
	}
	return nil, err
}

// matcher holds a file to what it must say, piece by piece.
type matcher struct {
	in   *input
	buf  *bufio.Reader
	path string
	got  []byte
	row  int64 // the first that differs; 0 if none
}

func (v *verifier) matcher(path string) (*matcher, error) {
	in, err := v.open(path)
	if err != nil {
		return nil, err
	}
	return &matcher{in: in, path: path, buf: bufio.NewReaderSize(in.reader(), in.room())}, nil
}

// expect reads as many bytes as want has, and notes the row if they differ.
func (m *matcher) expect(row int64, want []byte) error {
	if m.row != 0 {
		return nil
	}
	if cap(m.got) < len(want) {
		m.got = make([]byte, 2*len(want))
	}
	n, err := io.ReadFull(m.buf, m.got[:len(want)])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read %s: %w", m.path, err)
	}
	if !bytes.Equal(m.got[:n], want) {
		m.row = max(row, 1)
	}
	return nil
}

// end notes bytes beyond the last row.
func (m *matcher) end(rows int64) error {
	if m.row != 0 {
		return nil
	}
	if _, err := m.buf.ReadByte(); err == nil {
		m.row = rows + 1
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", m.path, err)
	}
	return nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
