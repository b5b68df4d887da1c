package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"greffe/eventstore"
)

// FormatVersion is of the segments that this program writes, the only ones it reads.
const FormatVersion = formatVersion

// ErrFormat: the log's first segment is of another version than this program's.
var ErrFormat = errors.New("the log is of another format")

// Look opens the log in dir and changes no byte of it: what opening would mend is
// left as it is, and appends fail. It is ErrInUse while a process has the log open,
// ErrFormat if a segment is of another version, fs.ErrNotExist if there is none.
func Look(dir string) (*Log, error) {
	segments, err := filepath.Glob(filepath.Join(dir, "*"+segmentExt))
	if err != nil {
		return nil, fmt.Errorf("look at the log: %w", err)
	}
	if len(segments) == 0 {
		return nil, fmt.Errorf("look at the log: %w", fs.ErrNotExist)
	}
	for _, path := range segments {
		if err := sameFormat(path); err != nil {
			return nil, fmt.Errorf("look at the log: %w", err)
		}
	}
	l, err := open(dir, Options{}, lookFS{})
	if err != nil {
		return nil, fmt.Errorf("look at the log: %w", err)
	}
	l.failed = eventstore.ErrFailed
	return l, nil
}

// sameFormat says so if the header at path is of another version; what else is wrong
// with it is for opening to say.
func sameFormat(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, headerSize)
	if _, err := io.ReadFull(f, b); err != nil || string(b[:len(segmentMagic)]) != segmentMagic {
		return nil
	}
	if _, _, detail := decodeHeader(b); detail != "" && b[len(segmentMagic)] != formatVersion {
		return fmt.Errorf("%w: %s", ErrFormat, detail)
	}
	return nil
}

// lookFS is a file system on which nothing is written.
type lookFS struct{ osFS }

var errLooking = errors.New("opened for looking only")

func (lookFS) MkdirAll(string) error       { return nil }
func (lookFS) Rename(string, string) error { return errLooking }
func (lookFS) Remove(string) error         { return nil }
func (lookFS) SyncDir(string) error        { return nil }

func (lookFS) Open(name string, create bool) (file, error) {
	if create {
		return nil, errLooking
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return lookFile{osFile{f}}, nil
}

// Lock shares the lock, which changes no file; a log that was never opened has none.
func (lookFS) Lock(name string) (io.Closer, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		err = errors.Join(err, f.Close())
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", filepath.Base(filepath.Dir(name)), ErrInUse)
		}
		return nil, err
	}
	return f, nil
}

// lookFile takes what recovery would write, and writes nothing.
type lookFile struct{ osFile }

func (lookFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (lookFile) Truncate(int64) error                   { return nil }
func (lookFile) Sync() error                            { return nil }
