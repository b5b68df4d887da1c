package embedded

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

var (
	errIO      = errors.New("injected: input/output error")
	errNoSpace = errors.New("injected: no space left on device")
)

// fault is what the k-th change of a simFS does.
type fault int

const (
	failClean   fault = iota // an error, and nothing was done
	failKept                 // an error, although it was done: a lost answer
	failShort                // a write does half; others fail clean
	failNoSpace              // as failShort, and every later write fails too
)

var faults = map[fault]string{failClean: "not kept", failKept: "kept", failShort: "short", failNoSpace: "no space"}

const sector = 512

// simFile is a file's bytes as the kernel has them and as the disk has them.
// After a failed sync the kernel takes dirty sectors for clean, as Linux does,
// and a later sync does not write them; a change of size it remembers.
type simFile struct {
	cache, disk []byte
	dirty       map[int]bool // sectors; a change of size is sector -1
}

// simFS is a file system in memory with one planned fault and a power switch.
type simFS struct {
	mu      sync.Mutex
	names   map[string]*simFile // as the kernel has them
	durable map[string]*simFile // as the disk has them
	changes int                 // so far
	failAt  int                 // the change that fails, from 1; 0 never
	fault   fault
	full    bool
	locked  bool
}

func newSimFS() *simFS {
	return &simFS{names: map[string]*simFile{}, durable: map[string]*simFile{}}
}

// change counts a change and says whether to do all or half of it.
func (s *simFS) change(write bool) (all, half bool, err error) {
	if s.changes++; s.changes == s.failAt {
		switch s.fault {
		case failKept:
			return true, false, errIO
		case failShort:
			return false, write, errIO
		case failNoSpace:
			s.full = true
			return false, write, errNoSpace
		default:
			return false, false, errIO
		}
	}
	if s.full && write {
		return false, false, errNoSpace
	}
	return true, false, nil
}

func (s *simFS) MkdirAll(string) error { return nil }

func (s *simFS) List(dir string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.names {
		names = append(names, strings.TrimPrefix(name, dir+string(filepath.Separator)))
	}
	slices.Sort(names)
	return names, nil
}

func (s *simFS) Open(name string, create bool) (file, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.names[name]
	if !create {
		if f == nil {
			return nil, fs.ErrNotExist
		}
		return &simHandle{s, f}, nil
	}
	all, _, err := s.change(true)
	if all {
		if f == nil {
			f = &simFile{dirty: map[int]bool{}}
			s.names[name] = f
		}
		f.resize(0)
	}
	if err != nil {
		return nil, err
	}
	return &simHandle{s, f}, nil
}

func (s *simFS) Rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, _, err := s.change(false)
	if all {
		s.names[to] = s.names[from]
		delete(s.names, from)
	}
	return err
}

func (s *simFS) Remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, _, err := s.change(false)
	if all {
		delete(s.names, name)
	}
	return err
}

func (s *simFS) SyncDir(string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, _, err := s.change(false)
	if all {
		s.durable = maps.Clone(s.names)
	}
	return err
}

func (s *simFS) Lock(string) (io.Closer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked {
		return nil, ErrInUse
	}
	s.locked = true
	return simLock{s}, nil
}

type simLock struct{ s *simFS }

func (l simLock) Close() error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.locked = false
	return nil
}

// powerCut is what a restarted machine finds: of what was not synced, each
// sector, size and directory entry is kept with probability keep.
func (s *simFS) powerCut(keep float64, rng *rand.Rand) *simFS {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := newSimFS()
	kept := func() bool { return rng.Float64() < keep }
	for _, name := range slices.Sorted(maps.Keys(s.names)) {
		if s.durable[name] == s.names[name] || kept() {
			after.names[name] = s.names[name].cut(kept)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.durable)) {
		if s.names[name] == nil && !kept() {
			after.names[name] = s.durable[name].cut(kept)
		}
	}
	after.durable = maps.Clone(after.names)
	return after
}

// restarted is what a process killed now finds: all the kernel has.
func (s *simFS) restarted() *simFS {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failAt, s.full, s.locked = 0, false, false
	return s
}

func (f *simFile) cut(kept func() bool) *simFile {
	img := slices.Clone(f.disk)
	if f.dirty[-1] && kept() {
		img = resized(img, len(f.cache))
	}
	for _, n := range slices.Sorted(maps.Keys(f.dirty)) {
		if lo, hi := n*sector, min((n+1)*sector, len(f.cache), len(img)); n >= 0 && lo < hi && kept() {
			copy(img[lo:hi], f.cache[lo:hi])
		}
	}
	return &simFile{cache: img, disk: slices.Clone(img), dirty: map[int]bool{}}
}

func resized(b []byte, n int) []byte {
	if n <= len(b) {
		return b[:n:n]
	}
	return append(slices.Clone(b), make([]byte, n-len(b))...)
}

func (f *simFile) resize(n int) {
	if n != len(f.cache) {
		f.dirty[-1] = true
		f.cache = resized(f.cache, n)
	}
}

type simHandle struct {
	s *simFS
	f *simFile
}

func (h *simHandle) ReadAt(b []byte, off int64) (int, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if off >= int64(len(h.f.cache)) {
		return 0, io.EOF
	}
	n := copy(b, h.f.cache[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *simHandle) WriteAt(b []byte, off int64) (int, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	all, half, err := h.s.change(true)
	if half {
		b = b[:len(b)/2]
	}
	if !all && !half {
		return 0, err
	}
	if end := int(off) + len(b); end > len(h.f.cache) {
		h.f.resize(end)
	}
	copy(h.f.cache[off:], b)
	for n := int(off) / sector; n*sector < int(off)+len(b); n++ {
		h.f.dirty[n] = true
	}
	return len(b), err
}

func (h *simHandle) Truncate(n int64) error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	all, _, err := h.s.change(false)
	if all {
		h.f.resize(int(n))
	}
	return err
}

func (h *simHandle) Sync() error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	all, _, err := h.s.change(false)
	if all {
		h.f.disk = h.f.cut(func() bool { return true }).disk
		delete(h.f.dirty, -1)
	}
	maps.DeleteFunc(h.f.dirty, func(n int, _ bool) bool { return n >= 0 })
	return err
}

func (h *simHandle) Size() (int64, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return int64(len(h.f.cache)), nil
}

func (h *simHandle) Close() error { return nil }
