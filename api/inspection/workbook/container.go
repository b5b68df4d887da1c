package workbook

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// container is the zip that the parts of a workbook go into. They come in no certain
// order; here each is packed as it comes, and stands in the order of names, without a
// time.
type container struct {
	out   io.Writer
	parts []*part
}

type part struct {
	name   string
	packed bytes.Buffer
	flate  *flate.Writer
	crc    uint32
	size   uint64
}

// Create begins a part; it ends with the next or with Close.
func (c *container) Create(name string) (io.Writer, error) {
	p := &part{name: name}
	var err error
	if p.flate, err = flate.NewWriter(&p.packed, flate.DefaultCompression); err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	c.parts = append(c.parts, p)
	return p, nil
}

func (p *part) Write(b []byte) (int, error) {
	p.crc = crc32.Update(p.crc, crc32.IEEETable, b)
	p.size += uint64(len(b))
	return p.flate.Write(b)
}

// end ends the last part and lets go of what packed it.
func (c *container) end() error {
	if len(c.parts) == 0 {
		return nil
	}
	p := c.parts[len(c.parts)-1]
	if p.flate == nil {
		return nil
	}
	err := p.flate.Close()
	p.flate = nil
	return err
}

// AddFS is not for workbooks.
func (c *container) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the zip.
func (c *container) Close() error {
	if err := c.end(); err != nil {
		return err
	}
	slices.SortFunc(c.parts, func(a, b *part) int { return strings.Compare(a.name, b.name) })
	z := zip.NewWriter(c.out)
	for _, p := range c.parts {
		w, err := z.CreateRaw(&zip.FileHeader{Name: p.name, Method: zip.Deflate, CRC32: p.crc,
			CompressedSize64: uint64(p.packed.Len()), UncompressedSize64: p.size})
		if err != nil {
			return err
		}
		if _, err := p.packed.WriteTo(w); err != nil {
			return err
		}
	}
	return z.Close()
}
