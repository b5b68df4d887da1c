package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Check reads every file of the backup in dir and compares its hash.
func (m *Manifest) Check(ctx context.Context, dir string, progress func(done, total int64)) error {
	return m.each(ctx, dir, progress, func(string) (io.WriteCloser, error) { return discard{}, nil })
}

// Unpack copies the files of the backup in dir into dest, which is made and must
// not be there, comparing each hash. They are durable when it returns nil; after
// an error dest is what was copied so far.
func (m *Manifest) Unpack(ctx context.Context, dir, dest string, progress func(done, total int64)) error {
	if err := os.Mkdir(dest, 0o700); err != nil {
		return fmt.Errorf("unpack backup: %w", err)
	}
	parents := map[string]bool{dest: true}
	err := m.each(ctx, dir, progress, func(name string) (io.WriteCloser, error) {
		path := filepath.Join(dest, filepath.FromSlash(name))
		for p := filepath.Dir(path); !parents[p]; p = filepath.Dir(p) {
			parents[p] = true
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return synced{f}, err
	})
	for p := range parents {
		if err == nil {
			err = syncDir(p)
		}
	}
	return err
}

func (m *Manifest) each(ctx context.Context, dir string, progress func(done, total int64), open func(name string) (io.WriteCloser, error)) error {
	if err := m.Sizes(dir); err != nil {
		return err
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	root, err := os.OpenRoot(dir) // no link in it leads outside
	if err != nil {
		return fmt.Errorf("read backup: %w", err)
	}
	return errors.Join(m.eachIn(ctx, root, progress, open), root.Close())
}

func (m *Manifest) eachIn(ctx context.Context, root *os.Root, progress func(done, total int64), open func(name string) (io.WriteCloser, error)) error {
	total, done := m.Bytes(), int64(0)
	for _, f := range m.Files {
		src, err := root.Open(filepath.FromSlash(f.Name))
		if errors.Is(err, fs.ErrNotExist) {
			return &AlteredError{f.Name, "is missing"}
		}
		if err != nil {
			return fmt.Errorf("read backup: %w", err)
		}
		err = f.copy(&metered{ctx: ctx, r: src, done: &done, total: total, progress: progress}, open)
		if err := errors.Join(err, src.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) copy(src io.Reader, open func(name string) (io.WriteCloser, error)) error {
	dst, err := open(f.Name)
	if err != nil {
		return fmt.Errorf("unpack backup: %w", err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(dst, h), src)
	if err = errors.Join(err, dst.Close()); err != nil {
		return fmt.Errorf("unpack backup: %s: %w", f.Name, err)
	}
	if hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return &AlteredError{f.Name, "has another hash"}
	}
	return nil
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// synced is a file that is durable once closed.
type synced struct{ *os.File }

func (f synced) Close() error { return errors.Join(f.Sync(), f.File.Close()) }
