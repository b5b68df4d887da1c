// Package peek reads SQLite files without writing a byte, not even beside them:
// what stands in a write-ahead log that was left behind is seen as SQLite would see
// it after recovery, and stays where it is.
//
// Assumed: nobody writes the file meanwhile. It keeps no state.
package peek

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
	"modernc.org/sqlite/vfs"
)

// DB is a file that is read.
type DB struct {
	*sql.DB
	fs *vfs.FS
}

// Open opens the file at path; fs.ErrNotExist if there is none.
func Open(path string) (*DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	name, fsys, err := vfs.New(folder(filepath.Dir(path)))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Base(path)+"?immutable=1&mode=ro&vfs="+name)
	if err != nil {
		return nil, errors.Join(err, fsys.Close())
	}
	db.SetMaxOpenConns(1)
	return &DB{db, fsys}, nil
}

// Close ends it.
func (d *DB) Close() error { return errors.Join(d.DB.Close(), d.fs.Close()) }

// Int is one number.
func (d *DB) Int(ctx context.Context, query string) (n int64, err error) {
	err = d.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// folder gives the files of a directory as they are with their write-ahead logs.
type folder string

// Open implements fs.FS.
func (d folder) Open(name string) (fs.File, error) {
	f, err := os.Open(filepath.Join(string(d), filepath.Base(name)))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o := &overlay{file: f, size: info.Size()}
	wal, err := os.Open(f.Name() + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err == nil {
		o.wal = wal
		err = o.index()
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

const (
	walHead   = 32
	frameHead = 24
)

// overlay is a file under the frames of its write-ahead log that are committed
// (https://www.sqlite.org/fileformat2.html#walformat).
type overlay struct {
	file, wal *os.File
	size, at  int64
	page      int64
	frames    map[int64]int64 // page number, from 0 → where its bytes stand in the log
}

// index finds the committed frames: those whose salts and checksums continue the
// log's header, up to the last that ends a transaction.
func (o *overlay) index() error {
	head := make([]byte, walHead)
	if _, err := io.ReadFull(o.wal, head); err != nil {
		return nil //nolint:nilerr // a log without a whole header holds nothing
	}
	order := binary.ByteOrder(binary.LittleEndian)
	switch binary.BigEndian.Uint32(head) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return nil
	}
	o.page = int64(binary.BigEndian.Uint32(head[8:]))
	sum := checksum{order: order}
	if sum.add(head[:24]); o.page < 512 || o.page > 1<<16 || !sum.is(head[24:]) {
		return nil
	}
	committed, open := map[int64]int64{}, map[int64]int64{}
	b := make([]byte, frameHead+o.page)
	for at := int64(walHead); ; at += int64(len(b)) {
		if _, err := o.wal.ReadAt(b, at); err != nil {
			break
		}
		sum.add(b[:8])
		sum.add(b[frameHead:])
		if string(b[8:16]) != string(head[16:24]) || !sum.is(b[16:24]) {
			break
		}
		open[int64(binary.BigEndian.Uint32(b))-1] = at + frameHead
		if pages := int64(binary.BigEndian.Uint32(b[4:])); pages > 0 {
			for p, where := range open {
				committed[p] = where
			}
			clear(open)
			o.size = pages * o.page
		}
	}
	o.frames = committed
	return nil
}

type checksum struct {
	order binary.ByteOrder
	a, b  uint32
}

func (c *checksum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		c.a += c.order.Uint32(b) + c.b
		c.b += c.order.Uint32(b[4:]) + c.a
	}
}

func (c *checksum) is(b []byte) bool {
	return binary.BigEndian.Uint32(b) == c.a && binary.BigEndian.Uint32(b[4:]) == c.b
}

// Read implements fs.File, page by page where there is a log.
func (o *overlay) Read(p []byte) (n int, err error) {
	if o.at >= o.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), o.size-o.at)]
	if from, ok := o.frames[o.at/max(o.page, 1)]; ok {
		within := o.at % o.page
		p = p[:min(int64(len(p)), o.page-within)]
		n, err = o.wal.ReadAt(p, from+within)
	} else {
		if o.page > 0 {
			p = p[:min(int64(len(p)), o.page-o.at%o.page)]
		}
		n, err = o.file.ReadAt(p, o.at)
	}
	for i := range p[:n] { // bytes 18 and 19 ask for a log; without one SQLite needs none
		if at := o.at + int64(i); at == 18 || at == 19 {
			p[i] = 1
		}
	}
	o.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// Seek implements io.Seeker.
func (o *overlay) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return 0, fs.ErrInvalid
	}
	o.at = offset
	return offset, nil
}

// Stat implements fs.File.
func (o *overlay) Stat() (fs.FileInfo, error) {
	info, err := o.file.Stat()
	return sized{info, o.size}, err
}

type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }

// Close implements fs.File.
func (o *overlay) Close() error {
	if o.wal != nil {
		return errors.Join(o.file.Close(), o.wal.Close())
	}
	return o.file.Close()
}
