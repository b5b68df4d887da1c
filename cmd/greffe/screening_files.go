package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// outFiles are written beside their names, and take them together once all is whole.
type outFiles struct{ files []*outFile }

type outFile struct {
	*bufio.Writer
	path string
	file *os.File
}

// newOutFiles makes a file for each path (mode 0600). None may be another, or source.
func newOutFiles(source string, paths ...string) (*outFiles, error) {
	o := &outFiles{}
	taken := map[string]bool{}
	for _, p := range append([]string{source}, paths...) {
		whole, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		if taken[whole] {
			return nil, fmt.Errorf("%s is named twice", p)
		}
		taken[whole] = true
	}
	for _, p := range paths {
		f, err := os.OpenFile(p+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return nil, errors.Join(err, o.drop())
		}
		o.files = append(o.files, &outFile{bufio.NewWriterSize(f, 256<<10), p, f})
	}
	return o, nil
}

// keep makes the files durable and gives them their names.
func (o *outFiles) keep() error {
	for _, f := range o.files {
		if err := errors.Join(f.Flush(), f.file.Sync()); err != nil {
			return err
		}
	}
	for i, f := range o.files {
		if err := errors.Join(f.file.Close(), os.Rename(f.path+".part", f.path)); err != nil {
			for _, done := range o.files[:i] {
				err = errors.Join(err, os.Remove(done.path))
			}
			return err
		}
	}
	return nil
}

// drop removes what was written.
func (o *outFiles) drop() (err error) {
	for _, f := range o.files {
		_ = f.file.Close() // it may be closed already
		if e := os.Remove(f.path + ".part"); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
