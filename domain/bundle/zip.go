package bundle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// The canonical zip: entries stored, in the order in which the manifest lists
// them, manifest.json and its signature last; no time (1980-01-01), attribute,
// comment, flag, gap or data descriptor; extra fields only those of ZIP64, where
// a number needs them. So there is one zip for a bundle, and OpenZip can hold
// every byte of it to what it must be.
const (
	sigLocal     = 0x04034b50
	sigCentral   = 0x02014b50
	sigEnd       = 0x06054b50
	sigEnd64     = 0x06064b50
	sigLocator64 = 0x07064b50

	zipStored  = 10   // version needed: 1.0
	zipLarge   = 45   // 4.5: ZIP64
	zipDate    = 0x21 // 1980-01-01
	tagZip64   = 1
	max32      = 1<<32 - 1
	max16      = 1<<16 - 1
	localBytes = 30
)

type zipEntry struct {
	path   string
	size   uint64
	offset uint64 // of its local header
	crc    uint32
}

func (e *zipEntry) large() bool { return e.size >= max32 }

// appendLocal appends the header before an entry's bytes.
func (e *zipEntry) appendLocal(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, sigLocal)
	b = e.appendCommon(b, e.large())
	if !e.large() {
		b = append(le.AppendUint16(b, 0), e.path...)
		return b
	}
	b = append(le.AppendUint16(b, 20), e.path...)
	b = le.AppendUint16(le.AppendUint16(b, tagZip64), 16)
	return le.AppendUint64(le.AppendUint64(b, e.size), e.size)
}

// appendCommon appends what both headers share: version to length of name.
func (e *zipEntry) appendCommon(b []byte, large bool) []byte {
	le := binary.LittleEndian
	version := uint16(zipStored)
	if large {
		version = zipLarge
	}
	b = le.AppendUint16(b, version)
	b = append(b, 0, 0, 0, 0, 0, 0) // flags, stored, midnight
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, e.crc)
	size := uint32(min(e.size, max32))
	b = le.AppendUint32(le.AppendUint32(b, size), size)
	return le.AppendUint16(b, uint16(len(e.path)))
}

// appendCentral appends the entry's place in the directory at the end.
func (e *zipEntry) appendCentral(b []byte) []byte {
	le := binary.LittleEndian
	far := e.offset >= max32
	b = le.AppendUint32(b, sigCentral)
	version := uint16(zipStored)
	var extra []byte
	if e.large() || far {
		version = zipLarge
		if e.large() {
			extra = le.AppendUint64(le.AppendUint64(extra, e.size), e.size)
		}
		if far {
			extra = le.AppendUint64(extra, e.offset)
		}
		extra = append(le.AppendUint16(le.AppendUint16(nil, tagZip64), uint16(len(extra))), extra...)
	}
	b = le.AppendUint16(b, version) // made by
	b = e.appendCommon(b, e.large() || far)
	b = le.AppendUint16(b, uint16(len(extra)))
	b = append(b, make([]byte, 10)...) // no comment, disk 0, attributes 0
	b = le.AppendUint32(b, uint32(min(e.offset, max32)))
	return append(append(b, e.path...), extra...)
}

// appendEnd appends what ends a zip of n entries whose directory has size bytes
// at offset.
func appendEnd(b []byte, n int, offset, size uint64) []byte {
	le := binary.LittleEndian
	if n >= max16 || offset >= max32 || size >= max32 {
		b = le.AppendUint64(le.AppendUint32(b, sigEnd64), 44)
		b = le.AppendUint16(le.AppendUint16(b, zipLarge), zipLarge)
		b = append(b, make([]byte, 8)...) // disks
		b = le.AppendUint64(le.AppendUint64(b, uint64(n)), uint64(n))
		b = le.AppendUint64(le.AppendUint64(b, size), offset)
		b = le.AppendUint32(le.AppendUint32(b, sigLocator64), 0)
		b = le.AppendUint32(le.AppendUint64(b, offset+size), 1)
	}
	b = le.AppendUint32(b, sigEnd)
	b = append(b, 0, 0, 0, 0) // disks
	few := uint16(min(n, max16))
	b = le.AppendUint16(le.AppendUint16(b, few), few)
	b = le.AppendUint32(le.AppendUint32(b, uint32(min(size, max32))), uint32(min(offset, max32)))
	return append(b, 0, 0) // no comment
}

// Spill keeps the bytes of one large file until it is complete; a zip takes only
// whole files. Close frees it. It holds the bundle's content: whoever provides it
// keeps it from being read by others (for content in clear: encrypt it).
type Spill interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// spillAt is how much of each open file stays in memory before it spills.
const spillAt = 1 << 20

// Zip is a Sink that writes the canonical zip to a stream, each file as soon as it
// is closed. After Discard the stream has been cut: it lacks its directory and no
// reader takes it for whole.
type Zip struct {
	w       io.Writer
	spill   func() (Spill, error)
	entries []zipEntry
	open    map[*zipFile]bool
	at      uint64
	err     error
}

// NewZip writes to w. spill is asked for room when an open file outgrows 1 MiB.
func NewZip(w io.Writer, spill func() (Spill, error)) *Zip {
	return &Zip{w: w, spill: spill, open: map[*zipFile]bool{}}
}

// Create begins an entry.
func (z *Zip) Create(path string) (io.WriteCloser, error) {
	if z.err != nil {
		return nil, z.err
	}
	if !validPath(path) {
		return nil, ErrPath
	}
	f := &zipFile{z: z, entry: zipEntry{path: path}, crc: crc32.NewIEEE()}
	z.open[f] = true
	return f, nil
}

// Commit writes the directory. It does not sync or close the stream.
func (z *Zip) Commit() error {
	if z.err != nil {
		return z.err
	}
	if len(z.open) > 0 {
		return ErrOpen
	}
	z.err = ErrClosed
	var b []byte
	start := z.at
	for i := range z.entries {
		b = z.entries[i].appendCentral(b)
	}
	return z.write(appendEnd(b, len(z.entries), start, uint64(len(b))))
}

// Discard frees what has spilled.
func (z *Zip) Discard() error {
	z.err = ErrClosed
	var errs []error
	for f := range z.open {
		errs = append(errs, f.free())
	}
	return errors.Join(errs...)
}

func (z *Zip) write(b []byte) error {
	n, err := z.w.Write(b)
	z.at += uint64(n)
	if err != nil {
		z.err = fmt.Errorf("write the zip: %w", err)
		return z.err
	}
	return nil
}

type zipFile struct {
	z     *Zip
	entry zipEntry
	crc   hash.Hash32
	buf   []byte // until it spills
	spill Spill
}

// Write keeps b until the file is complete.
func (f *zipFile) Write(b []byte) (int, error) {
	if f.z.err != nil || !f.z.open[f] {
		return 0, ErrClosed
	}
	f.crc.Write(b)
	f.entry.size += uint64(len(b))
	if f.spill == nil && len(f.buf)+len(b) <= spillAt {
		f.buf = append(f.buf, b...)
		return len(b), nil
	}
	if f.spill == nil {
		s, err := f.z.spill()
		if err != nil {
			return 0, fmt.Errorf("room for a file of the bundle: %w", err)
		}
		f.spill = s
		if _, err := s.Write(f.buf); err != nil {
			return 0, err
		}
		f.buf = nil
	}
	return f.spill.Write(b)
}

// Close writes the entry to the zip.
func (f *zipFile) Close() error {
	z := f.z
	if z.err != nil || !z.open[f] {
		return ErrClosed
	}
	f.entry.crc, f.entry.offset = f.crc.Sum32(), z.at
	z.entries = append(z.entries, f.entry)
	err := z.write(f.entry.appendLocal(nil))
	switch {
	case err != nil:
	case f.spill == nil:
		err = z.write(f.buf)
	default:
		err = z.copy(io.NewSectionReader(f.spill, 0, int64(f.entry.size)), f.entry.size)
	}
	return errors.Join(err, f.free())
}

func (z *Zip) copy(r io.Reader, size uint64) error {
	n, err := io.CopyBuffer(struct{ io.Writer }{z.w}, struct{ io.Reader }{r}, make([]byte, chunk))
	z.at += uint64(n)
	if err == nil && uint64(n) != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		z.err = fmt.Errorf("write the zip: %w", err)
		return z.err
	}
	return nil
}

func (f *zipFile) free() error {
	delete(f.z.open, f)
	f.buf = nil
	if f.spill == nil {
		return nil
	}
	return f.spill.Close()
}
