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

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/fence"
	"greffe/eventstore/vault/transfer"
)

// Vault can be copied while it is written to; *sqlite.Store is one.
type Vault interface {
	// Backup writes a copy to path, which must not be there, and calls atEnd when
	// the copy is complete and before anything more is written to the vault. An
	// error of atEnd ends the copy and is returned.
	Backup(ctx context.Context, path string, atEnd func() error, progress func(done, total int64)) error
}

// Source is the ledger to copy. All fields are needed but Progress, and of Vault and
// Transfer one.
type Source struct {
	Ledger domain.ID
	Log    eventstore.Log
	Heads  eventstore.Log // signed heads of the log; nil: none
	Vault  Vault
	// Transfer is a vault that is no file. OpenVault makes the file that it is copied
	// into, which is not there.
	Transfer  transfer.Source
	OpenVault func(ctx context.Context, path string) (Copied, error)

	Fence   func() fence.Mark
	OpenLog func(dir string) (eventstore.Log, error) // makes the log of the copy
	KEK     string                                   // name of the key that wraps the vault's root key
	Secret  []byte                                   // signs the manifest
	Program string                                   // version of this program
	Made    domain.Time
	// Progress is told what is being done: "vault" in units of the vault's own,
	// "log" in facts, "hash" in bytes.
	Progress func(step string, done, total int64)
}

// The names of a backup's parts, and of a data directory's.
const (
	VaultName = "vault.db"
	LogName   = "log"
	HeadsName = "heads" // signed heads of the log
)

// Create writes a backup into dst and returns its directory. After an error there
// is none, and nothing of it is left but after a crash.
func Create(ctx context.Context, dst string, s *Source) (dir string, _ *Manifest, err error) {
	if s.Progress == nil {
		s.Progress = func(string, int64, int64) {}
	}
	if err := os.MkdirAll(dst, 0o700); err != nil {
		return "", nil, fmt.Errorf("backup: %w", err)
	}
	temp := filepath.Join(dst, ".partial-"+s.Ledger.String())
	if err := os.RemoveAll(temp); err != nil { // of a crash
		return "", nil, fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("backup: %w", err), os.RemoveAll(temp))
		}
	}()
	if err := os.Mkdir(temp, 0o700); err != nil {
		return "", nil, err
	}
	m := &Manifest{Version: manifestVersion, Ledger: s.Ledger, KEK: s.KEK, Program: s.Program, Made: s.Made}
	if err := s.copy(ctx, temp, m); err != nil {
		return "", nil, err
	}
	dir = filepath.Join(dst, m.Name())
	if _, err := os.Stat(dir); err == nil {
		return "", nil, ErrExists
	}
	if err := os.Rename(temp, dir); err != nil {
		return "", nil, err
	}
	return dir, m, syncDir(dst)
}

func (s *Source) copy(ctx context.Context, temp string, m *Manifest) error {
	if err := s.copyVault(ctx, filepath.Join(temp, VaultName), m); err != nil {
		return err
	}
	p, err := newPace(ctx, s.Log)
	if err != nil {
		return err
	}
	if m.Root, err = s.copyLog(ctx, s.Log, filepath.Join(temp, LogName), m.Position, p); err != nil {
		return err
	}
	if err := s.copyHeads(ctx, filepath.Join(temp, HeadsName), p); err != nil {
		return err
	}
	if m.Files, err = hashAll(ctx, temp, p, func(done, total int64) { s.Progress("hash", done, total) }); err != nil {
		return err
	}
	b, err := m.encode(s.Secret)
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(temp, ManifestName), b); err != nil {
		return err
	}
	return syncDir(temp)
}

// copyVault also finds out how far the log belongs to the copy, and the fence.
func (s *Source) copyVault(ctx context.Context, path string, m *Manifest) (err error) {
	atEnd := func() (err error) {
		if s.Transfer == nil {
			m.Position, err = s.Log.Head(ctx)
		}
		mark := s.Fence()
		m.Fence = FenceMark{Number: mark.Number, Position: mark.Position}
		if mark.Number > 0 {
			m.Fence.Hash = hex.EncodeToString(mark.Hash[:])
		}
		return err
	}
	if s.Transfer == nil {
		return s.Vault.Backup(ctx, path, atEnd, func(done, total int64) { s.Progress("vault", done, total) })
	}
	if m.Position, err = s.transferred(ctx, path); err != nil {
		return err
	}
	return atEnd()
}

// copyHeads copies what was signed until now. Heads of what comes behind the copied
// log are evidence too: a restore from this copy cannot pass them over.
func (s *Source) copyHeads(ctx context.Context, dir string, p *pace) error {
	if s.Heads == nil {
		return nil
	}
	head, err := s.Heads.Head(ctx)
	if err == nil && head > 0 {
		_, err = s.copyLog(ctx, s.Heads, dir, head, p)
	}
	return err
}

// copyLog writes the facts below head into a log of their own and returns the
// tree head over them.
func (s *Source) copyLog(ctx context.Context, from eventstore.Log, dir string, head domain.Position, p *pace) (root string, err error) {
	out, err := s.OpenLog(dir)
	if err != nil {
		return "", err
	}
	var tree proof.Frontier
	var at domain.Position
	var facts [][]byte
	var buf []byte
	flush := func() error {
		err := out.Append(ctx, at, facts)
		at += domain.Position(len(facts))
		facts, buf = facts[:0], buf[:0]
		if from == s.Log {
			s.Progress("log", int64(at), int64(head))
		}
		return err
	}
	buf = make([]byte, 0, eventstore.MaxAppendBytes)
	err = from.Read(ctx, 0, head, func(_ domain.Position, b []byte) error {
		if len(buf)+len(b) > eventstore.MaxAppendBytes || len(facts) == eventstore.MaxAppendFacts {
			if err := errors.Join(flush(), p.rest(ctx)); err != nil {
				return err
			}
		}
		from := len(buf)
		buf = append(buf, b...)
		facts = append(facts, buf[from:len(buf):len(buf)])
		tree.Add(proof.LeafHash(b))
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("copy the log: %w", err)
	}
	return tree.Root().String(), nil
}

// hashAll syncs and hashes the files below dir, sorted by name. Lock files, which
// are empty, are removed.
func hashAll(ctx context.Context, dir string, p *pace, progress func(done, total int64)) (files []File, err error) {
	total, done := int64(0), int64(0)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return syncDir(path)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() == 0 {
			return os.Remove(path)
		}
		name, err := filepath.Rel(dir, path)
		total += info.Size()
		files = append(files, File{Name: filepath.ToSlash(name), Size: info.Size()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what was copied: %w", err)
	}
	for i := range files {
		f, err := os.OpenFile(filepath.Join(dir, filepath.FromSlash(files[i].Name)), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		_, err = io.Copy(h, &metered{ctx: ctx, r: f, pace: p, done: &done, total: total, progress: progress})
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return nil, fmt.Errorf("hash %s: %w", files[i].Name, err)
		}
		files[i].SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	return files, nil
}

// hashedAtOnce is how many bytes are hashed between rests.
const hashedAtOnce = 1 << 20

// metered reads on while ctx lasts, and tells how far it is.
type metered struct {
	ctx      context.Context
	r        io.Reader
	pace     *pace // nil: nobody records meanwhile
	since    int   // bytes since the last rest
	done     *int64
	total    int64
	progress func(done, total int64)
}

func (m *metered) Read(b []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(b)
	*m.done += int64(n)
	m.progress(*m.done, m.total)
	if m.since += n; m.pace != nil && m.since >= hashedAtOnce {
		m.since = 0
		if err := m.pace.rest(m.ctx); err != nil {
			return n, err
		}
	}
	return n, err
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
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
