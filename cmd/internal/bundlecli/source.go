package bundlecli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"greffe/domain/bundle"
)

// source is a bundle on disk, open for reading alone.
type source interface {
	bundle.Source
	io.Closer
}

// open takes a directory or a zip.
func open(name, language string) (source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, unopened(name, language, err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, unopened(name, language, err)
		}
		return &directory{root}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, unopened(name, language, err)
	}
	z, err := bundle.OpenZip(f, info.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &archive{z, f}, nil
}

// unopened says in the language of the report why a bundle cannot be opened.
func unopened(name, language string, err error) error {
	switch {
	case language != "fr":
		return fmt.Errorf("open the bundle: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("ouvrir le dossier : %s n'existe pas ; donnez le nom du fichier ZIP, ou du répertoire où il a été extrait", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("ouvrir le dossier : la lecture de %s vous est refusée", name)
	}
	return fmt.Errorf("ouvrir le dossier : %w", err)
}

type archive struct {
	*bundle.Unzip
	f *os.File
}

func (a *archive) Close() error { return a.f.Close() }

// directory is an unpacked bundle. Nothing outside of it is ever opened, whatever
// links it holds (os.Root).
type directory struct{ root *os.Root }

func (d *directory) Close() error { return d.root.Close() }

func (d *directory) Ordered() bool { return false }

// List gives everything below the root: files, and what cannot stand in a bundle,
// among it directories without files.
func (d *directory) List() ([]bundle.Entry, error) {
	var list []bundle.Entry
	filled := map[string]bool{".": true}
	var dirs []string
	err := fs.WalkDir(d.root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			dirs = append(dirs, p)
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		entry := bundle.Entry{Path: p, Bytes: info.Size()}
		if !info.Mode().IsRegular() {
			entry.Foreign = info.Mode().Type().String()
		}
		list = append(list, entry)
		for dir := path.Dir(p); !filled[dir]; dir = path.Dir(dir) {
			filled[dir] = true
		}
		return nil
	})
	for _, dir := range dirs {
		if !filled[dir] {
			list = append(list, bundle.Entry{Path: dir, Foreign: "empty directory"})
		}
	}
	return list, err
}

// Open opens a regular file.
func (d *directory) Open(name string) (bundle.File, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is no regular file", name), err, f.Close())
	}
	return f, nil
}
