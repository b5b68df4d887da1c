package screening

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"greffe/domain/screening"
)

const (
	lotBytes   = 256 << 10
	lotRecords = 16 << 10
)

// lot is a part of the file on its way.
type lot struct {
	raw   []byte // whole records, unless one is too long
	recs  []screening.Record
	line  int64 // of the first record
	read  int64 // bytes of the file up to its end
	head  []byte
	judge Judge
	done  chan struct{}
	err   error

	cleansed, refused []byte
	keys              []uint64 // of the addresses that were read
	counts            screening.Counts
	verdicts          []Verdict
	asked             []screening.Address
	of                []int // records of asked
}

// cutter cuts the file into lots.
type cutter struct {
	job    *Job
	src    io.Reader
	sum    hash.Hash
	buf    []byte // what was read and not cut off yet lies in [at, len)
	at     int
	end    bool
	format screening.Format
	begun  bool
	line   int64
	read   int64

	known Known
	first Known
	judge Judge
	since time.Time
}

func newCutter(job *Job, src io.Reader) *cutter {
	return &cutter{job: job, src: src, sum: sha256.New(), buf: make([]byte, 0, lotBytes+screening.MaxRecord+2), line: 1}
}

// current renews what is known.
func (c *cutter) current(ctx context.Context) error {
	now := c.job.Now()
	if c.judge != nil && now.Sub(c.since) < Fresh && !now.Before(c.since) {
		return nil
	}
	known, judge, err := c.job.Desk.Current(ctx)
	if err != nil {
		return err
	}
	if c.judge == nil {
		c.first = known
	} else if known.Policy != c.first.Policy {
		return ErrPolicy
	}
	c.known, c.judge, c.since = known, judge, now
	return nil
}

// fill reads until the buffer is full or the file ends.
func (c *cutter) fill() error {
	c.buf = c.buf[:copy(c.buf, c.buf[c.at:])]
	c.at = 0
	for !c.end && len(c.buf) < cap(c.buf) {
		n, err := c.src.Read(c.buf[len(c.buf):cap(c.buf)])
		c.took(c.buf[len(c.buf):][:n])
		c.buf = c.buf[:len(c.buf)+n]
		switch {
		case errors.Is(err, io.EOF):
			c.end = true
		case err != nil:
			return fmt.Errorf("read the file: %w", err)
		}
	}
	return nil
}

func (c *cutter) took(b []byte) {
	c.sum.Write(b)
	c.read += int64(len(b))
}

// next cuts off a lot for a judge; the error is io.EOF at the end of the file.
func (c *cutter) next(ctx context.Context, l *lot) error {
	if err := c.cut(l); err != nil {
		return err
	}
	if err := c.current(ctx); err != nil {
		return err
	}
	l.judge = c.judge
	return nil
}

// cut cuts off a lot.
func (c *cutter) cut(l *lot) error {
	if err := c.fill(); err != nil {
		return err
	}
	l.raw, l.recs, l.head = l.raw[:0], l.recs[:0], nil
	if !c.begun {
		if err := c.begin(l); err != nil {
			return err
		}
	}
	l.line = c.line
	from := c.at
	for len(l.recs) < lotRecords && c.at-from < lotBytes {
		r, ok := c.format.Next(c.buf[c.at:], c.end)
		if !ok {
			break
		}
		c.at += r.Len
		c.line += int64(r.Lines)
		l.recs = append(l.recs, r)
	}
	l.raw = append(l.raw, c.buf[from:c.at]...)
	switch {
	case len(l.recs) > 0:
	case c.end && l.head == nil:
		return io.EOF
	case len(c.buf)-c.at > screening.MaxRecord:
		if err := c.pass(l); err != nil {
			return err
		}
	}
	l.read = c.read - int64(len(c.buf)-c.at)
	return nil
}

// pass reads over a line that is longer than any may be.
func (c *cutter) pass(l *lot) error {
	for {
		if i := bytes.IndexByte(c.buf[c.at:], '\n'); i >= 0 {
			c.at += i + 1
			break
		}
		if c.at = len(c.buf); c.end {
			break
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
	c.line++
	l.recs = append(l.recs, screening.Record{Lines: 1, Bad: screening.LineTooLong})
	return nil
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// begin finds the form of the file. A byte order mark and the names of the columns
// are passed on as they are.
func (c *cutter) begin(l *lot) error {
	c.begun = true
	if bytes.HasPrefix(c.buf, byteOrderMark) {
		c.at = len(byteOrderMark)
	}
	var names int
	var err error
	if c.format, names, err = c.job.Layout.Resolve(c.buf[c.at:], c.end, c.job.Ask.Kind, c.job.Ask.Input); err != nil {
		return err
	}
	c.line += int64(bytes.Count(c.buf[c.at:][:names], []byte{'\n'}))
	c.at += names
	l.head = bytes.Clone(c.buf[:c.at])
	if len(l.head) == 0 {
		l.head = nil
	}
	return nil
}
