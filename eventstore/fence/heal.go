package fence

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// isFull reports an error that says that there is no room, and nothing worse.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// heal takes back what an append that found no room had written, and lets the fence go
// on. It is called only when every sync so far succeeded, so what is below f.end is
// durable; nothing of the append was acknowledged or synced. It cuts there, syncs, and
// reads the whole fence again, which must be what was acknowledged and nothing more. A
// sync that fails ends all hope: what is on disk is not known then.
func (f *Fence) heal() error {
	err := f.file.Truncate(f.end)
	if err == nil {
		if err = f.file.Sync(); err != nil {
			f.full = false
		}
	}
	if err == nil {
		err = f.asAcknowledged()
	}
	if err == nil {
		err = f.writeHead()
	}
	if err != nil {
		return err
	}
	f.failed, f.full = nil, false
	return nil
}

// asAcknowledged checks every line of the file against what the fence knows.
func (f *Fence) asAcknowledged() error {
	s := &scan{sign: f.sign, ledger: f.ledger}
	if err := s.run(io.NewSectionReader(f.file, 0, f.end), func(*Entry) error { return nil }); err != nil {
		return err
	}
	if n, err := f.file.ReadAt(make([]byte, 1), f.end); n != 0 || !errors.Is(err, io.EOF) {
		return &DamageError{fileName, s.line + 1, "there is more than was acknowledged"}
	}
	if s.mark != f.mark || s.hash != f.hash || s.end != f.end {
		return &DamageError{fileName, s.line, "it is not the last that was acknowledged"}
	}
	return nil
}

// lineAt is the line of a record, from 1. The caller holds the fence.
func (f *Fence) lineAt(number int64) ([]byte, error) {
	from, to := f.starts[number-1], f.end
	if number < int64(len(f.starts)) {
		to = f.starts[number]
	}
	b := make([]byte, to-from-1)
	if _, err := f.file.ReadAt(b, from); err != nil {
		return nil, fmt.Errorf("read the fence: %w", err)
	}
	if f.sign.body(b) == nil {
		return nil, &DamageError{fileName, number + 1, "its MAC is not right"}
	}
	return b, nil
}

// Since calls fn for the line of each record with a number above after, in order, as
// it is in the file, without its line feed. It returns fn's error as it is.
func (f *Fence) Since(after int64, fn func(number int64, line []byte) error) error {
	for n := max(after, 0) + 1; ; n++ {
		line, err := f.line(n)
		if err != nil || line == nil {
			return err
		}
		if err := fn(n, line); err != nil {
			return err
		}
	}
}

// Entries calls fn for each record with a number above after, in order. It returns fn's
// error as it is.
func (f *Fence) Entries(after int64, fn func(*Entry) error) error {
	return f.Since(after, func(number int64, line []byte) error { // whose MAC is right
		_, _, d, err := parseRecord(line[:len(line)-len(macMember)-2*sha256.Size-2])
		if err != nil {
			return &DamageError{fileName, number + 1, err.Error()}
		}
		return fn(&Entry{d, number, sha256.Sum256(line)})
	})
}

// line is a record's line, nil if there is none of this number.
func (f *Fence) line(number int64) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil, fmt.Errorf("fence: %w", ErrClosed)
	}
	if number > f.mark.Number {
		return nil, nil
	}
	return f.lineAt(number)
}

// Extend appends lines that another copy of this fence has, in order and without line
// feeds, when they are verified: their MACs, and that each follows the one before. Lines
// that are here already are passed over. A *ForkedError says that another line is here;
// ErrForked, a *DamageError, ErrClosed and ErrFull mean that nothing was written.
func (f *Fence) Extend(lines [][]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.ready(); err != nil {
		return err
	}
	lines, marks, err := f.fresh(lines)
	if err != nil || len(lines) == 0 {
		return err
	}
	return f.write(func(s *tail) error {
		for i, line := range lines {
			if err := s.add(marks[i].Position, func(b []byte) []byte { return append(b, line...) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// fresh checks lines and leaves out those that are here.
func (f *Fence) fresh(lines [][]byte) (fresh [][]byte, marks []Mark, err error) {
	last := f.mark
	hash := f.hash
	for _, line := range lines {
		body := f.sign.body(line)
		if body == nil {
			return nil, nil, &DamageError{"a copy", last.Number + 2, "its MAC is not right"}
		}
		n, before, d, err := parseRecord(body)
		switch {
		case err != nil:
			return nil, nil, &DamageError{"a copy", last.Number + 2, err.Error()}
		case n < 1 || n > last.Number+1:
			return nil, nil, &DamageError{"a copy", n + 1, "it does not follow the line before"}
		case n <= f.mark.Number:
			if err := f.same(n, line); err != nil {
				return nil, nil, err
			}
			continue
		case n != last.Number+1:
			return nil, nil, &DamageError{"a copy", n + 1, "it comes twice"}
		case before != hex.EncodeToString(hash[:]):
			return nil, nil, &ForkedError{max(n-1, 1)}
		}
		hash = sha256.Sum256(line)
		last = Mark{n, hash, d.Position}
		fresh, marks = append(fresh, line), append(marks, last)
	}
	return fresh, marks, nil
}

// same reports a record that is not this line.
func (f *Fence) same(number int64, line []byte) error {
	here, err := f.lineAt(number)
	if err == nil && string(here) != string(line) {
		err = &ForkedError{number}
	}
	return err
}
