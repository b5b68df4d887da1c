package fence

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"greffe/domain"
	"greffe/domain/erasure"
)

// disk is what the fence needs of a file, so that tests can make it fail.
type disk interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// Fence is open for writing. Its methods may be called concurrently.
type Fence struct {
	mu     sync.Mutex
	sign   *signer
	file   disk
	head   disk
	lock   io.Closer
	dir    string
	ledger domain.ID
	key    []byte
	mark   Mark
	hash   Hash    // of the last line, the header's if there is no record
	end    int64   // of the file, as far as it is durable
	starts []int64 // where each record's line begins
	failed error
	full   bool // failed for want of room alone: heal may help
	buf    []byte
}

// Open opens the fence of a ledger in dir for writing, making both if they are
// not there. key is 32 secret bytes of the ledger. Errors are ErrInUse, and those
// of Read but for ErrMissing.
func Open(dir string, ledger domain.ID, key []byte) (*Fence, error) {
	f, err := open(dir, ledger, key)
	if err != nil {
		return nil, fmt.Errorf("open fence: %w", err)
	}
	return f, nil
}

func open(dir string, ledger domain.ID, key []byte) (_ *Fence, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f := &Fence{dir: dir, ledger: ledger, key: key, sign: newSigner(key)}
	if f.lock, err = lock(filepath.Join(dir, lockName)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	path := filepath.Join(dir, fileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(dir, append(appendHeader(nil, f.sign, ledger), '\n'), encodeHead(f.sign, Mark{})); err != nil {
			return nil, err
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.file = diskFile{file}
	head, err := os.OpenFile(filepath.Join(dir, headName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f.head = diskFile{head}
	return f, f.recover(file)
}

// recover checks the chain, cuts a torn line, and makes durable what is behind head.
func (f *Fence) recover(file *os.File) error {
	s, err := newScan(f.dir, f.ledger, f.key)
	if err != nil {
		return err
	}
	err = s.run(file, func(e *Entry) error {
		f.starts = append(f.starts, s.from)
		return nil
	})
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > s.end {
		if err := file.Truncate(s.end); err != nil {
			return fmt.Errorf("cut a torn record: %w", err)
		}
	}
	f.mark, f.hash, f.end = s.mark, s.hash, s.end
	if info.Size() == s.known.end {
		return nil
	}
	for at := s.known.end; at < s.end; {
		b := make([]byte, min(s.end-at, maxLine))
		if _, err := file.ReadAt(b, at); err != nil {
			return err
		}
		if _, err := file.WriteAt(b, at); err != nil {
			return err
		}
		at += int64(len(b))
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return f.writeHead()
}

// create makes a new fence: whole under its name, or not there.
func create(dir string, header, head []byte) error {
	for _, x := range []struct {
		name string
		data []byte
	}{{headName, head}, {fileName, header}} { // the fence last: it counts
		temp := filepath.Join(dir, x.name+".tmp")
		if err := writeSynced(temp, x.data); err != nil {
			return err
		}
		if err := os.Rename(temp, filepath.Join(dir, x.name)); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

type diskFile struct{ *os.File }

// Sync makes bytes and size durable.
func (f diskFile) Sync() error { return unix.Fdatasync(int(f.Fd())) }

// Append records destructions, in order, and returns when they are durable: one
// fdatasync for all of them. It is to return before any key goes. ErrInvalid,
// ErrClosed, ErrFull and ErrFailed of an earlier call mean that nothing was written;
// after another error some may have been, and the fence takes no more.
func (f *Fence) Append(ds []erasure.Destruction) error {
	if len(ds) == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.ready(); err != nil {
		return err
	}
	if err := allValid(ds); err != nil {
		return err
	}
	return f.write(func(s *tail) error {
		for i := range ds {
			if err := s.add(ds[i].Position, func(b []byte) []byte {
				return appendRecord(b, f.sign, s.mark.Number+1, s.hash, &ds[i])
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

func allValid(ds []erasure.Destruction) error {
	for i := range ds {
		if err := valid(&ds[i]); err != nil {
			return fmt.Errorf("fence: %w: %w", ErrInvalid, err)
		}
	}
	return nil
}

// ready reports a fence that takes nothing, after trying to heal one.
func (f *Fence) ready() error {
	if f.file == nil {
		return fmt.Errorf("fence: %w", ErrClosed)
	}
	if f.failed != nil && f.full {
		_ = f.heal() // it fails still
	}
	if f.failed != nil {
		return fmt.Errorf("fence: not committed: %w", f.failed)
	}
	return nil
}

// chunk is how many bytes of lines are written at a time.
const chunk = 1 << 20

// tail is what a fence becomes while lines are written.
type tail struct {
	f      *Fence
	mark   Mark
	hash   Hash
	at     int64 // where the next write goes
	starts []int64
}

// add appends the line that line writes.
func (s *tail) add(position domain.Position, line func(b []byte) []byte) error {
	from := len(s.f.buf)
	s.starts = append(s.starts, s.at+int64(from))
	s.f.buf = line(s.f.buf)
	s.hash = sha256.Sum256(s.f.buf[from:])
	s.mark = Mark{s.mark.Number + 1, s.hash, position}
	if s.f.buf = append(s.f.buf, '\n'); len(s.f.buf) < chunk {
		return nil
	}
	return s.flush()
}

func (s *tail) flush() error {
	_, err := s.f.file.WriteAt(s.f.buf, s.at)
	s.at += int64(len(s.f.buf))
	s.f.buf = s.f.buf[:0]
	return err
}

// write adds lines and makes them durable with one sync. When there was no room, what
// was written of them is taken back.
func (f *Fence) write(lines func(s *tail) error) error {
	s := &tail{f: f, mark: f.mark, hash: f.hash, at: f.end}
	f.buf = f.buf[:0]
	err := lines(s)
	if err == nil {
		err = s.flush()
	}
	full := err != nil && isFull(err)
	if err == nil {
		err = f.file.Sync()
	}
	if err == nil {
		f.mark, f.hash, f.end, f.starts = s.mark, s.hash, s.at, append(f.starts, s.starts...)
		if err = f.writeHead(); err == nil {
			return nil
		}
		f.failed, f.full = ErrFailed, isFull(err)
		return fmt.Errorf("fence: outcome unknown: %w: %w", ErrFailed, err)
	}
	f.failed, f.full = ErrFailed, full
	if full && f.heal() == nil {
		return fmt.Errorf("fence: not committed: %w: %w", ErrFull, err)
	}
	return fmt.Errorf("fence: outcome unknown: %w: %w", ErrFailed, err)
}

// writeHead says how far the fence goes. It is not synced: it must never be ahead
// of the lines, and may lag behind them.
func (f *Fence) writeHead() error {
	_, err := f.head.WriteAt(encodeHead(f.sign, f.mark), 0)
	return err
}

// Mark says how far the fence goes.
func (f *Fence) Mark() Mark {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mark
}

// Watermark is the position of the event that ordered the last destruction, 0 if
// there was none.
func (f *Fence) Watermark() domain.Position { return f.Mark().Position }

// Walk calls fn for each record of an event at or behind from, in the order of
// the fence, which is nearly that of positions; after a restore positions begin
// again lower. It returns fn's error as it is. The entry is fn's.
func (f *Fence) Walk(from domain.Position, fn func(*Entry) error) error {
	_, err := Read(f.dir, f.ledger, f.key, func(e *Entry) error {
		if e.Position < from {
			return nil
		}
		return fn(e)
	})
	return err
}

// Close releases the fence. Closing again is nil.
func (f *Fence) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, c := range []io.Closer{f.file, f.head, f.lock} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	f.file, f.head, f.lock = nil, nil, nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close fence: %w", err)
	}
	return nil
}
