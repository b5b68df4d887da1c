package notary

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"greffe/domain/proof"
)

// maxUnsynced bounds the tiles that wait for their fsync: 16 million leaves.
const maxUnsynced = 1 << 16

// errTileSize is what is found of a torn tile.
var errTileSize = errors.New("it has not the length of a tile")

// tiles are the full tiles in files, by their C2SP paths under dir. What they say is
// not believed: see view.
type tiles struct {
	dir string

	mu       sync.Mutex
	unsynced []proof.Tile // written since drain
}

func (s *tiles) path(t proof.Tile) string {
	return filepath.Join(s.dir, filepath.FromSlash(t.Path()))
}

// read gives a full tile's bytes, right or wrong, or says why there are none.
func (s *tiles) read(t proof.Tile) ([]byte, error) {
	f, err := os.Open(s.path(t))
	if err != nil {
		return nil, err
	}
	b := make([]byte, tileBytes+1)
	n, err := io.ReadFull(f, b)
	if cerr := f.Close(); cerr != nil {
		return nil, cerr
	}
	if errors.Is(err, io.ErrUnexpectedEOF) && n == tileBytes {
		return b[:n:n], nil
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTileSize
	}
	return nil, err
}

// put makes a tile's file hold b, durable only after sync. It says whether a file was
// there that held something else.
func (s *tiles) put(t proof.Tile, b []byte) (replaced bool, err error) {
	was, err := s.read(t)
	if err == nil && bytes.Equal(was, b) {
		s.note(t)
		return false, nil
	}
	replaced = !errors.Is(err, fs.ErrNotExist)
	if err := s.write(t, b, false); err != nil {
		return replaced, fmt.Errorf("write %s: %w", t.Path(), err)
	}
	s.note(t)
	return replaced, nil
}

func (s *tiles) note(t proof.Tile) {
	s.mu.Lock()
	s.unsynced = append(s.unsynced, t)
	s.mu.Unlock()
}

func (s *tiles) write(t proof.Tile, b []byte, durable bool) error {
	path := s.path(t)
	err := replaceFile(path, b, durable)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = replaceFile(path, b, durable)
		}
	}
	return err
}

// drain hands over what waits for its fsync.
func (s *tiles) drain() []proof.Tile {
	s.mu.Lock()
	defer s.mu.Unlock()
	ts := s.unsynced
	s.unsynced = nil
	return ts
}

func (s *tiles) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unsynced)
}

// sync makes files and their names durable. A tile that is not there any more is
// left to whoever reads it.
func (s *tiles) sync(ts []proof.Tile) error {
	dirs := map[string]bool{s.dir: true}
	for _, t := range ts {
		path := s.path(t)
		if err := syncPath(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sync %s: %w", t.Path(), err)
		}
		for dir := filepath.Dir(path); !dirs[dir]; dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	for dir := range dirs {
		if err := syncPath(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sync the tiles' directories: %w", err)
		}
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// replaceFile gives path the content b at once: a reader sees the old file or the
// new one. If durable, it survives a power cut when this returns.
func replaceFile(path string, b []byte, durable bool) error {
	temp := path + ".tmp"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && durable {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil || !durable {
		return err
	}
	return syncPath(filepath.Dir(path))
}
