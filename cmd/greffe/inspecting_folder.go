package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// folder is a bundle.Sink that writes a directory: under another name until it is
// whole and durable, so that a crash leaves no bundle, but NAME.part to be removed.
type folder struct {
	name string
	open map[*os.File]bool
}

var errTaken = errors.New("bundle: there is something of that name already; give another, or move it away")

// newFolder refuses a name that is taken.
func newFolder(name string) (*folder, error) {
	name = filepath.Clean(name)
	if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
		return nil, errTaken
	}
	f := &folder{name: name, open: map[*os.File]bool{}}
	if err := os.RemoveAll(f.part()); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if err := os.MkdirAll(f.part(), 0o700); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return f, nil
}

func (f *folder) part() string { return f.name + ".part" }

// Create implements bundle.Sink.
func (f *folder) Create(path string) (io.WriteCloser, error) {
	path = filepath.Join(f.part(), filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	f.open[file] = true
	return &folderFile{file, f}, nil
}

type folderFile struct {
	*os.File
	of *folder
}

// Close makes the file durable.
func (x *folderFile) Close() error {
	delete(x.of.open, x.File)
	return errors.Join(x.File.Sync(), x.File.Close())
}

// Commit implements bundle.Sink.
func (f *folder) Commit() error {
	if err := os.Rename(f.part(), f.name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Discard implements bundle.Sink.
func (f *folder) Discard() error {
	for file := range f.open {
		_ = file.Close() // it is removed
	}
	return os.RemoveAll(f.part())
}
