package importer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxLine bounds one physical line in bytes; the rest of a longer one is
// counted and left out, and the line is rejected.
const maxLine = 1 << 20

// line is one physical line without its end.
type line struct {
	raw  []byte
	size int64 // with its end, and with what was left out
	long bool
}

// lines reads a text by physical lines with unbounded lookahead for its caller
// to bound. What is consumed is counted and digested, so that a cut import can
// find its place again.
type lines struct {
	r     *bufio.Reader
	ahead []line
	off   int64 // bytes consumed, of the text below gzip and UTF-16
	num   int64 // lines consumed
	sum   hash.Hash
	err   error

	utf8, ansi int64 // lines with letters beyond ASCII, by encoding
}

func newLines(r *bufio.Reader) *lines { return &lines{r: r, sum: sha256.New()} }

// peek returns the i-th line ahead, or io.EOF.
func (l *lines) peek(i int) (line, error) {
	for len(l.ahead) <= i {
		if l.err != nil {
			return line{}, l.err
		}
		n, err := l.read()
		if err != nil {
			l.err = err
		}
		if n.size > 0 {
			l.ahead = append(l.ahead, n)
		}
	}
	return l.ahead[i], nil
}

func (l *lines) read() (line, error) {
	var n line
	for {
		part, err := l.r.ReadSlice('\n')
		n.size += int64(len(part))
		if room := maxLine - len(n.raw); len(part) > room {
			part, n.long = part[:room], true
		}
		n.raw = append(n.raw, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF:
			return n, io.EOF
		case err != nil:
			return line{}, fmt.Errorf("import: read: %w", err)
		}
		return n, nil
	}
}

// consume moves past n lines that were peeked.
func (l *lines) consume(n int) {
	for _, x := range l.ahead[:n] {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(x.size))
		l.sum.Write(size[:])
		l.sum.Write(x.raw)
		l.off += x.size
		l.num++
	}
	l.ahead = l.ahead[:copy(l.ahead, l.ahead[n:])]
}

// mark is a place between two records.
type mark struct {
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
	Digest string `json:"digest"` // hex SHA-256 of the lines before it
}

func (l *lines) mark() mark {
	return mark{l.off, l.num, fmt.Sprintf("%x", l.sum.Sum(nil))}
}

// seek consumes lines up to m and compares what lay before it.
func (l *lines) seek(m mark) error {
	for l.off < m.Offset {
		if _, err := l.peek(0); err == io.EOF {
			return ErrChanged
		} else if err != nil {
			return err
		}
		l.consume(1)
	}
	if l.mark() != m {
		return ErrChanged
	}
	return nil
}

// decode reads one line as UTF-8 or, where it is not, as Windows-1252.
func (l *lines) decode(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	return ansi(raw)
}

func (l *lines) tallyEncoding(raw []byte) {
	for _, c := range raw {
		if c >= utf8.RuneSelf {
			if utf8.Valid(raw) {
				l.utf8++
			} else {
				l.ansi++
			}
			return
		}
	}
}

func (l *lines) encoding() string {
	switch {
	case l.ansi == 0:
		return "utf-8"
	case l.utf8 == 0:
		return "windows-1252"
	}
	return "mixed"
}

func ansi(raw []byte) string {
	var b strings.Builder
	b.Grow(len(raw) + len(raw)/8)
	for _, c := range raw {
		b.WriteRune(charmap.Windows1252.DecodeByte(c))
	}
	return b.String()
}

func chomp(raw []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
}
