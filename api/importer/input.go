package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/text/encoding/unicode"
)

// headBytes is how much of a file its format, encoding and delimiter are told by.
const headBytes = 64 << 10

// Input is a file to import. Size is its length in bytes, or 0 when not known.
type Input struct {
	Reader io.Reader
	Size   int64
	close  func() error
	read   atomic.Int64
}

// Open opens a file; "-" is the standard input.
func Open(path string) (*Input, error) {
	if path == "-" {
		return &Input{Reader: os.Stdin}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("import: open: %w", err)
	}
	in := &Input{Reader: f, close: f.Close}
	if s, err := f.Stat(); err == nil && s.Mode().IsRegular() {
		in.Size = s.Size()
	}
	return in, nil
}

// Close closes what Open opened.
func (in *Input) Close() error {
	if in.close == nil {
		return nil
	}
	return in.close()
}

// Read counts the bytes as they come off the disk.
func (in *Input) Read(p []byte) (int, error) {
	n, err := in.Reader.Read(p)
	in.read.Add(int64(n))
	return n, err
}

// text opens the layers over the file's bytes: gzip, byte order mark, UTF-16.
// encoding is "utf-16", or "" when each line is to be looked at.
func (in *Input) text() (r *bufio.Reader, encoding string, err error) {
	r = bufio.NewReaderSize(in, headBytes)
	head, err := peek(r)
	if err != nil {
		return nil, "", err
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, "", fmt.Errorf("import: gzip: %w", err)
		}
		r = bufio.NewReaderSize(z, headBytes)
		if head, err = peek(r); err != nil {
			return nil, "", err
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")), bytes.HasPrefix(head, []byte("%PDF")):
		return nil, "", ErrFormat
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, err = r.Discard(3)
		return r, "", err
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		d := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		return bufio.NewReaderSize(d.Reader(r), headBytes), "utf-16", nil
	case bytes.IndexByte(head, 0) >= 0:
		return nil, "", ErrFormat
	}
	return r, "", nil
}

// peek looks at the head of r; a short file is no error.
func peek(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(headBytes)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("import: read: %w", err)
	}
	return head, nil
}

// isNDJSON reports whether the text begins with a JSON object.
func isNDJSON(head []byte) (bool, error) {
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	if bytes.HasPrefix(trimmed, []byte("[")) {
		return false, fmt.Errorf("%w: a JSON array; write one event a line", ErrFormat)
	}
	return bytes.HasPrefix(trimmed, []byte("{")), nil
}
