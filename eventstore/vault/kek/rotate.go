package kek

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Retired is a key that was destroyed. Its name is never given again.
type Retired struct {
	Name string
	At   time.Time // UTC, µs
}

// RetiredError: the bytes were wrapped with a key that was destroyed. It is also
// an ErrUnknownKey.
type RetiredError struct{ Retired }

func (e *RetiredError) Error() string {
	return fmt.Sprintf("this was made under KEK %s, which was retired on %s; what it wrapped can no longer be opened",
		e.Name, e.At.Format(time.DateOnly))
}

// Is makes errors.Is(err, ErrUnknownKey) true.
func (e *RetiredError) Is(target error) bool { return target == ErrUnknownKey }

// unknown says why a key is not there.
func (f *File) unknown(name string) error {
	for _, r := range f.retired {
		if r.Name == name {
			return &RetiredError{r}
		}
	}
	return fmt.Errorf("%w (it is named %s)", ErrUnknownKey, name)
}

// Names are the keys that are kept, the newest first.
func (f *File) Names() []string {
	names := make([]string, len(f.keys))
	for i := range f.keys {
		names[i] = f.keys[i].name
	}
	return names
}

// Retired are the keys that were destroyed, in the order of their end.
func (f *File) Retired() []Retired { return slices.Clone(f.retired) }

// Only is the key name by itself, as the file is once the others are retired.
func (f *File) Only(name string) (*File, error) {
	for i := range f.keys {
		if f.keys[i].name == name {
			return &File{keys: f.keys[i : i+1 : i+1], retired: f.retired, random: f.random}, nil
		}
	}
	return nil, f.unknown(name)
}

// The names of a file on its way, beside the key file.
const (
	nextSuffix    = ".new"     // what the file is to be
	formerSuffix  = ".retired" // what it was, until it is overwritten
	createdPrefix = "k"
)

// Add puts a new key of 32 bytes of random first in the file and returns its name,
// "k" and a number no key had before. A crash leaves the file as it was or with
// the new key.
func Add(path string, random io.Reader) (name string, err error) {
	keys, retired, err := readKeys(path)
	if err != nil {
		return "", fmt.Errorf("add a key: %w", err)
	}
	if len(keys) == maxKeys {
		return "", errors.New("add a key: the file is full; retire some")
	}
	k := namedKey{name: nextName(keys, retired)}
	if _, err := io.ReadFull(random, k.key[:]); err != nil {
		return "", fmt.Errorf("add a key: random bytes: %w", err)
	}
	next := append([]namedKey{k}, keys...)
	if err := writeNext(path, next, retired); err != nil {
		return "", fmt.Errorf("add a key: %w", err)
	}
	if err := errors.Join(os.Rename(path+nextSuffix, path), syncDir(path)); err != nil {
		return "", fmt.Errorf("add a key: %w", err)
	}
	return k.name, nil
}

func nextName(keys []namedKey, retired []Retired) string {
	highest := 0
	see := func(name string) {
		digits, ok := strings.CutPrefix(name, createdPrefix)
		if n, err := strconv.Atoi(digits); ok && err == nil {
			highest = max(highest, n)
		}
	}
	for i := range keys {
		see(keys[i].name)
	}
	for _, r := range retired {
		see(r.Name)
	}
	return createdPrefix + strconv.Itoa(highest+1)
}

// Retire destroys every key of the file but keep and returns their names: the
// file is replaced by one without them, then its former bytes are overwritten. A
// crash leaves the file with all keys or with keep alone; in the latter case
// Retire, called again, or Finish overwrites what is left.
func Retire(path, keep string, at time.Time) (gone []string, err error) {
	if err := Finish(path); err != nil {
		return nil, err
	}
	keys, retired, err := readKeys(path)
	if err != nil {
		return nil, fmt.Errorf("retire keys: %w", err)
	}
	var kept []namedKey
	for _, k := range keys {
		if k.name == keep {
			kept = append(kept, k)
			continue
		}
		gone = append(gone, k.name)
		retired = append(retired, Retired{k.name, at.UTC().Truncate(time.Microsecond)})
	}
	switch {
	case len(kept) == 0:
		return nil, fmt.Errorf("retire keys: %w", ErrUnknownKey)
	case len(gone) == 0:
		return nil, nil
	case len(retired) > maxKeys:
		retired = retired[len(retired)-maxKeys:]
	}
	if err := swap(path, kept, retired); err != nil {
		return nil, fmt.Errorf("retire keys: %w", err)
	}
	return gone, Finish(path)
}

// swap puts a new file in the place of path, whose bytes stay under another name
// to be overwritten.
func swap(path string, keys []namedKey, retired []Retired) error {
	if err := writeNext(path, keys, retired); err != nil {
		return err
	}
	if err := errors.Join(os.Link(path, path+formerSuffix), syncDir(path)); err != nil {
		return err
	}
	return errors.Join(os.Rename(path+nextSuffix, path), syncDir(path))
}

// Finish ends what a crash in Add or Retire left: keys under other names than
// path are overwritten and removed. path itself is never touched.
func Finish(path string) error {
	for _, name := range []string{path + nextSuffix, path + formerSuffix} {
		if err := wipe(name, path); err != nil {
			return fmt.Errorf("destroy former keys: %w", err)
		}
	}
	return nil
}

// wipe overwrites and removes name, unless it is but another name of path.
func wipe(name, path string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	now, err2 := os.Stat(path)
	if err := errors.Join(err, err2); err != nil {
		return errors.Join(err, f.Close())
	}
	if !os.SameFile(info, now) {
		_, err = f.WriteAt(make([]byte, info.Size()), 0)
		err = errors.Join(err, f.Sync())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Remove(name), syncDir(path))
}

// writeNext writes and syncs what the file is to be.
func writeNext(path string, keys []namedKey, retired []Retired) error {
	if err := wipe(path+nextSuffix, path); err != nil {
		return err
	}
	f, err := os.OpenFile(path+nextSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	data := encodeKeys(keys, retired)
	defer clear(data)
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir makes the names beside path durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
