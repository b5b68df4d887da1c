package drift

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

const (
	window = 1024      // lines looked ahead for one that agrees
	piece  = 256 << 10 // bytes of a longer line are taken for a line
	kept   = 2 << 10   // bytes of a line that stand in a report's row
)

// side reads one dump.
type side struct {
	r     *bufio.Reader
	hash  hash.Hash
	ahead []line
	err   error
}

// line is one line of a dump, its text cut to what a report needs.
type line struct {
	sum  [sha256.Size]byte
	text []byte
	end  bool // not a line, but the end of the dump
}

func newSide(r io.Reader) *side {
	h := sha256.New()
	return &side{r: bufio.NewReaderSize(io.TeeReader(r, h), piece), hash: h}
}

// next is the next line, without its end; nil when there is none. It is valid until
// the next call.
func (s *side) next() []byte {
	if s.err != nil {
		return nil
	}
	b, err := s.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return b
	case err != nil:
		s.err = err
		if len(b) == 0 || !errors.Is(err, io.EOF) {
			return nil
		}
		return b
	}
	return b[:len(b)-1]
}

func (s *side) ended() bool { return errors.Is(s.err, io.EOF) }

// keep puts a line that was read at the end of the window; nil is the end.
func (s *side) keep(b []byte) {
	if b == nil {
		s.ahead = append(s.ahead, line{end: true})
		return
	}
	s.ahead = append(s.ahead, line{sum: sha256.Sum256(b), text: bytes.Clone(b[:min(len(b), kept)])})
}

// fill reads ahead until the window is full, or the table ends.
func (s *side) fill() {
	for len(s.ahead) < window {
		if n := len(s.ahead); n > 0 && (s.ahead[n-1].end || n > 1 && isHeading(s.ahead[n-1].text)) {
			return
		}
		s.keep(s.next())
	}
}

func (s *side) drop(n int) {
	s.ahead = append(s.ahead[:0], s.ahead[n:]...)
}

func (s *side) digest() (sum [sha256.Size]byte) {
	s.hash.Sum(sum[:0])
	return sum
}
