package bundle

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// A row group is closed after so many rows or bytes of text, whichever comes
// first, so that neither writer nor reader holds more than one in memory.
const (
	groupRows  = 65_536
	groupBytes = 16 << 20
	pageBytes  = 128 << 10
)

// columnar writes rows as Parquet: columns by name, zstd, each optional. Text and
// ID are UTF8 strings, Int is INT64, Time TIMESTAMP(MICROS, UTC), List a LIST of
// strings.
type columnar struct {
	out     *file
	w       *parquet.GenericWriter[any]
	order   []int // of the columns, by name
	row     parquet.Row
	rows    []parquet.Row
	texts   []byte // of the row; the writer copies them into its pages
	inGroup int64
	bytes   int64
}

// parquetSchema has its columns by name, as parquet.Group sorts them.
func parquetSchema(name string, s *Schema) *parquet.Schema {
	g := parquet.Group{}
	for _, c := range s.Columns {
		var n parquet.Node
		switch c.Type {
		case Text, ID:
			n = parquet.String()
		case Int:
			n = parquet.Int(64)
		case Time:
			n = parquet.Timestamp(parquet.Microsecond)
		case Bool:
			n = parquet.Leaf(parquet.BooleanType)
		default:
			n = parquet.List(parquet.String())
		}
		g[c.Name] = parquet.Optional(n)
	}
	return parquet.NewSchema(name, g)
}

func newColumnar(f *file, name string, s *Schema) *columnar {
	return &columnar{out: f, order: newLines(s).order, rows: make([]parquet.Row, 1), w: parquet.NewGenericWriter[any](f, parquetSchema(name, s), &parquet.WriterConfig{
		CreatedBy: "greffe", PageBufferSize: pageBytes, WriteBufferSize: chunk, DataPageVersion: 2,
		Compression: &zstd.Codec{Level: zstd.SpeedFastest},
	})}
}

func (c *columnar) add(row []Value) error {
	c.row, c.texts = c.row[:0], c.texts[:0]
	for i, at := range c.order {
		c.column(&row[at], i)
	}
	c.rows[0] = c.row
	if _, err := c.w.WriteRows(c.rows); err != nil {
		return err
	}
	if c.inGroup++; c.inGroup < groupRows && c.bytes < groupBytes {
		return nil
	}
	c.inGroup, c.bytes = 0, 0
	return c.w.Flush()
}

// column appends the values of one cell. Levels: an optional leaf is defined at
// 1; in a LIST the list is at 1, each of its entries at 2, repeated at 1.
func (c *columnar) column(v *Value, i int) {
	switch v.typ {
	case "":
		c.row = append(c.row, parquet.NullValue().Level(0, 0, i))
	case Text:
		c.text(append(c.texts, v.text...), 0, 1, i)
	case ID:
		c.text(appendID(c.texts, v.id), 0, 1, i)
	case Bool:
		c.row = append(c.row, parquet.BooleanValue(v.n != 0).Level(0, 1, i))
	case List:
		for k, s := range v.list {
			c.text(append(c.texts, s...), min(k, 1), 2, i)
		}
	default:
		c.bytes += 8
		c.row = append(c.row, parquet.Int64Value(v.n).Level(0, 1, i))
	}
}

// text appends what grown has beyond c.texts. Where growing moved the texts, values
// before keep the array they point into.
func (c *columnar) text(grown []byte, repeated, defined, i int) {
	at := len(c.texts)
	c.texts = grown
	c.bytes += int64(len(grown)-at) + 4
	c.row = append(c.row, parquet.ByteArrayValue(grown[at:len(grown):len(grown)]).Level(repeated, defined, i))
}

func (c *columnar) close(rows int64) error {
	c.out.info.Rows = rows
	if err := c.w.Close(); err != nil {
		return errors.Join(fmt.Errorf("parquet: %w", err), c.out.Close())
	}
	return c.out.Close()
}
