package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrZip: the zip is not the one that Zip writes. See ZipError.
var ErrZip = errors.New("not the canonical zip of a bundle")

// ZipError names the first byte from which on a zip is not what it must be.
type ZipError struct{ Offset int64 }

func (e *ZipError) Error() string { return fmt.Sprintf("%v: at byte %d", ErrZip, e.Offset) }

// Is makes errors.Is(err, ErrZip) true.
func (e *ZipError) Is(target error) bool { return target == ErrZip }

// Unzip is the Source of a canonical zip. Nothing is extracted.
type Unzip struct {
	r       io.ReaderAt
	entries []zipEntry
	index   map[string]int
}

// OpenZip walks the zip from its first byte to its last and holds every header to
// the one form it can have. Contents are held to their hash by Verify.
func OpenZip(r io.ReaderAt, size int64) (*Unzip, error) {
	z := &Unzip{r: r, index: map[string]int{}}
	folded := map[string]bool{} // two names that differ in case are one file where others unpack
	at := int64(0)
	for {
		e, header, err := z.local(at, size)
		if err != nil {
			return nil, err
		}
		if e == nil {
			return z, z.end(at, size)
		}
		name := strings.ToLower(e.path)
		if folded[name] || int64(e.size) > size-at-header {
			return nil, &ZipError{at}
		}
		folded[name] = true
		z.index[e.path] = len(z.entries)
		z.entries = append(z.entries, *e)
		at += header + int64(e.size)
	}
}

// local reads the local header at; nil if the directory begins there.
func (z *Unzip) local(at, size int64) (*zipEntry, int64, error) {
	var b [localBytes + maxPath + 20]byte
	n := min(int64(len(b)), size-at)
	if err := readFull(z.r, b[:n], at); err != nil {
		return nil, 0, err
	}
	le := binary.LittleEndian
	if n < localBytes || le.Uint32(b[:]) != sigLocal {
		return nil, 0, nil
	}
	name, extra := int64(le.Uint16(b[26:])), int64(le.Uint16(b[28:]))
	if name > maxPath || extra > 20 || localBytes+name+extra > n {
		return nil, 0, &ZipError{at}
	}
	header := localBytes + name + extra
	e := &zipEntry{path: string(b[localBytes : localBytes+name]), offset: uint64(at), crc: le.Uint32(b[14:]), size: uint64(le.Uint32(b[18:]))}
	if extra == 20 {
		e.size = le.Uint64(b[localBytes+name+4:])
	}
	if want := e.appendLocal(nil); !bytes.Equal(want, b[:header]) || !validPath(e.path) || e.size > 1<<62 {
		return nil, 0, &ZipError{at}
	}
	return e, header, nil
}

// end holds everything from the directory on to what it must be, in pieces.
func (z *Unzip) end(at, size int64) error {
	if len(z.entries) == 0 {
		return &ZipError{0}
	}
	pos := at
	var want []byte
	hold := func() error {
		if int64(len(want)) > size-pos {
			return &ZipError{pos}
		}
		got := make([]byte, len(want))
		if err := readFull(z.r, got, pos); err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return &ZipError{pos}
		}
		pos += int64(len(want))
		want = want[:0]
		return nil
	}
	for i := range z.entries {
		want = z.entries[i].appendCentral(want)
		if len(want) < chunk {
			continue
		}
		if err := hold(); err != nil {
			return err
		}
	}
	if err := hold(); err != nil {
		return err
	}
	want = appendEnd(want, len(z.entries), uint64(at), uint64(pos-at))
	if err := hold(); err != nil {
		return err
	}
	if pos != size {
		return &ZipError{pos}
	}
	return nil
}

func readFull(r io.ReaderAt, b []byte, at int64) error {
	if n, err := r.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("read the zip: %w", err)
	}
	return nil
}

// List gives the entries in the order of the zip.
func (z *Unzip) List() ([]Entry, error) {
	l := make([]Entry, len(z.entries))
	for i := range z.entries {
		e := &z.entries[i]
		l[i] = Entry{Path: e.path, Bytes: int64(e.size), CRC32: &e.crc}
	}
	return l, nil
}

// Ordered is true: the order is part of the zip.
func (z *Unzip) Ordered() bool { return true }

// Open opens an entry.
func (z *Unzip) Open(path string) (File, error) {
	i, ok := z.index[path]
	if !ok {
		return nil, ErrPath
	}
	e := &z.entries[i]
	return zipSection{io.NewSectionReader(z.r, int64(e.offset)+int64(len(e.appendLocal(nil))), int64(e.size))}, nil
}

type zipSection struct{ *io.SectionReader }

// Close does nothing: the zip itself stays open.
func (zipSection) Close() error { return nil }
