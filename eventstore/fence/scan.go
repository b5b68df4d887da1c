package fence

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"greffe/domain"
)

var (
	// ErrMissing: there is no fence in the directory.
	ErrMissing = errors.New("there is no fence; name its directory with --fence-dir, or put it back from its copy")
	// ErrOther: the fence is another ledger's, or its key is.
	ErrOther = errors.New("the fence is another ledger's; name the right directory with --fence-dir")
	// ErrDamaged: the fence is not what was written. See DamageError.
	ErrDamaged = errors.New("the fence is damaged")
	// ErrShort: the fence ends before what is known to have been in it: it is an
	// older copy, or its end was cut off.
	ErrShort = errors.New("the fence ends before destructions that are known to have been in it; put the newest copy of it in place")
	// ErrInUse: another process has the fence open.
	ErrInUse = errors.New("the fence is in use by another greffe process")
	// ErrFailed: an earlier append failed and its outcome is unknown; the fence
	// takes no more until it is opened again.
	ErrFailed = errors.New("the fence stopped after a failed write; restart to recover")
	// ErrFull: the disk has no room. Not committed; the fence goes on when there is.
	ErrFull = errors.New("the fence's disk is full; nothing was fenced")
	// ErrForked: two different destructions have one number here and in another copy of
	// the fence. See ForkedError.
	ErrForked = errors.New("the fence and its copy have different records of one number")
	// ErrInvalid: what was to be appended is no destruction. Not committed.
	ErrInvalid = errors.New("not a destruction; nothing was fenced")
	// ErrClosed: the fence was closed. Not committed.
	ErrClosed = errors.New("the fence is closed")
)

// DamageError names the line that is not what was written.
type DamageError struct {
	File   string // without its directory
	Line   int64  // from 1
	Detail string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the fence is damaged in line %d of %s: %s; put its copy in place", e.Line, e.File, e.Detail)
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// ForkedError names the first record that is not the same in two copies of a fence.
type ForkedError struct{ Number int64 }

func (e *ForkedError) Error() string {
	return fmt.Sprintf("the fence and its copy have different records of number %d: two nodes appended to copies of their own; "+
		"stop, keep both copies, and carry out the destructions of both", e.Number)
}

// Is makes errors.Is(err, ErrForked) true.
func (e *ForkedError) Is(target error) bool { return target == ErrForked }

const (
	fileName = "fence.jsonl"
	headName = "head"
	lockName = "LOCK"
	// maxLine bounds a line: a record names at most some hundred keys and parts.
	maxLine = 1 << 20
)

// scan is one reading of a fence's lines from its beginning, checking each.
type scan struct {
	sign   *signer
	ledger domain.ID
	mark   Mark
	line   int64
	from   int64 // offset of the last whole line
	end    int64 // offset behind it
	hash   Hash  // of the last whole line
	// known are a number and hash that must be met on the way.
	known struct {
		n    int64
		hash Hash
		end  int64 // offset behind it
	}
}

// run reads lines from r and calls fn for each record. What follows the last
// line feed is torn and left out.
func (s *scan) run(r io.Reader, fn func(*Entry) error) error {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return s.finish()
		case errors.Is(err, bufio.ErrBufferFull):
			s.line++
			return s.damage("longer than any record")
		case err != nil:
			return fmt.Errorf("read the fence: %w", err)
		}
		s.line++
		if err := s.take(line[:len(line)-1], fn); err != nil {
			return err
		}
	}
}

func (s *scan) take(line []byte, fn func(*Entry) error) error {
	if s.line == 1 {
		return s.header(line)
	}
	body := s.sign.body(line)
	if body == nil {
		return s.damage("its MAC is not right")
	}
	n, before, d, err := parseRecord(body)
	switch {
	case err != nil:
		return s.damage(err.Error())
	case n != s.mark.Number+1 || before != hex.EncodeToString(s.hash[:]):
		return s.damage("it does not follow the line before")
	}
	s.advance(line)
	s.mark = Mark{n, s.hash, d.Position}
	if n == s.known.n {
		if s.hash != s.known.hash {
			return s.damage("another line is known to have been here")
		}
		s.known.end = s.end
	}
	return fn(&Entry{d, n, s.hash})
}

func (s *scan) header(line []byte) error {
	body := s.sign.body(line)
	switch {
	case body == nil && headerOf(line) != s.ledger && headerOf(line) != domain.ID{}:
		return fmt.Errorf("%w (line 1 of %s names another)", ErrOther, fileName)
	case body == nil:
		return s.damage("its MAC is not right")
	}
	id, err := parseHeader(body)
	switch {
	case err != nil:
		return s.damage(err.Error())
	case id != s.ledger:
		return ErrOther
	}
	s.advance(line)
	if s.known.n == 0 {
		s.known.end = s.end
	}
	return nil
}

// headerOf is the ledger a header names, whoever signed it.
func headerOf(line []byte) domain.ID {
	at := len(line) - len(macMember) - 2*sha256.Size - 2
	if at < 0 {
		return domain.ID{}
	}
	id, err := parseHeader(line[:at])
	if err != nil {
		return domain.ID{}
	}
	return id
}

func (s *scan) advance(line []byte) {
	s.hash = sha256.Sum256(line)
	s.from, s.end = s.end, s.end+int64(len(line))+1
}

func (s *scan) finish() error {
	switch {
	case s.line == 0:
		return &DamageError{fileName, 1, "there is no header"}
	case s.mark.Number < s.known.n:
		return fmt.Errorf("%w (line %d of %s is not there whole)", ErrShort, s.line+1, fileName)
	}
	return nil
}

func (s *scan) damage(detail string) error { return &DamageError{fileName, s.line, detail} }

// newScan prepares a reading of the fence in dir. A head that cannot be read was
// torn by a crash, and says nothing.
func newScan(dir string, ledger domain.ID, key []byte) (*scan, error) {
	s := &scan{sign: newSigner(key), ledger: ledger}
	b, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the fence's head: %w", err)
	}
	if n, hash, ok := decodeHead(s.sign, b); ok {
		s.known.n, s.known.hash = n, hash
	}
	return s, nil
}

// Read checks the fence in dir and calls fn, which may be nil, for each record in
// order. It changes nothing and needs no lock, so it may be used beside a running
// service; a record that is being written then may be left out. Errors are
// ErrMissing, ErrOther, ErrShort, a *DamageError, and fn's, as it is.
func Read(dir string, ledger domain.ID, key []byte, fn func(*Entry) error) (Mark, error) {
	s, err := newScan(dir, ledger, key)
	if err != nil {
		return Mark{}, err
	}
	f, err := os.Open(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, ErrMissing
	}
	if err != nil {
		return Mark{}, fmt.Errorf("read the fence: %w", err)
	}
	defer f.Close() // read only
	if fn == nil {
		fn = func(*Entry) error { return nil }
	}
	err = s.run(f, fn)
	return s.mark, err
}
