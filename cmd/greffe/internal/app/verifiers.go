package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
)

// The bounds of the programs that are handed out.
const (
	maxVerifiers     = 32
	maxVerifierBytes = 256 << 20
)

// The kinds of what stands beside a bundle when it is handed out.
const (
	kindLogKey   = "log_key"
	kindVerifier = "verifier"
)

// verifierDesk hands out what a bundle is checked with: the programs that lie in one
// folder under names that begin with greffe-verify, and the public key of the log.
// Links are not followed. What is handed out is what was hashed and recorded: the
// program is read from one open file.
type verifierDesk struct {
	a    *App
	mu   sync.Mutex
	sums map[verifierFile]string
}

// verifierFile is a program as it lies there.
type verifierFile struct {
	name     string
	bytes    int64
	modified time.Time
}

// verifierFolder is where the programs are: the operator's, else beside this program.
func (a *App) verifierFolder() (string, error) {
	if a.cfg.Verifiers != "" {
		return a.cfg.Verifiers, nil
	}
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the verifiers: %w", err)
	}
	return filepath.Dir(own), nil
}

// List implements httpapi.Verifiers. A folder that is not there has none.
func (d *verifierDesk) List(context.Context) (out []httpapi.Verifier, err error) {
	dir, err := d.a.verifierFolder()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the verifiers: %w", err)
	}
	for _, e := range entries {
		if len(out) == maxVerifiers {
			break
		}
		if !e.Type().IsRegular() || !verifierName(e.Name()) {
			continue
		}
		v, f, err := d.open(dir, e.Name())
		if errors.Is(err, httpapi.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("list the verifiers: %w", err)
		}
		out = append(out, v)
	}
	return out, nil
}

// Give implements httpapi.Verifiers.
func (d *verifierDesk) Give(ctx context.Context, actor, inspection domain.ID, name string) (httpapi.Verifier, io.ReadCloser, error) {
	dir, err := d.a.verifierFolder()
	if err != nil || !verifierName(name) {
		return httpapi.Verifier{}, nil, errors.Join(err, httpapi.ErrNotFound)
	}
	v, f, err := d.open(dir, name)
	if err != nil {
		return httpapi.Verifier{}, nil, err
	}
	err = inspectionDesk{d.a}.handedOut(ctx, handOut{Inspection: inspection, Actor: actor, Kind: kindVerifier, SHA256: v.SHA256, Files: 1,
		Inventory: []httpapi.CopiedFile{{Path: v.Name, Bytes: v.Bytes, SHA256: v.SHA256}}})
	if err != nil {
		return httpapi.Verifier{}, nil, errors.Join(err, f.Close())
	}
	return v, f, nil
}

// GiveKey implements httpapi.Verifiers.
func (d *verifierDesk) GiveKey(ctx context.Context, actor, inspection domain.ID) ([]byte, error) {
	pem := d.a.KeyPEM()
	sum := sha256.Sum256(pem)
	return pem, inspectionDesk{d.a}.handedOut(ctx, handOut{Inspection: inspection, Actor: actor, Kind: kindLogKey, SHA256: hex.EncodeToString(sum[:]), Files: 1})
}

// verifierName reports a name that a program that verifies has: no folder, no hidden file.
func verifierName(name string) bool {
	return regexp.MustCompile(`^greffe-verify(-[a-z0-9-]+)?(\.exe)?$`).MatchString(name)
}

// open opens a program at its beginning, and says what it is.
func (d *verifierDesk) open(dir, name string) (v httpapi.Verifier, f *os.File, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return v, nil, fmt.Errorf("open the folder of the verifiers: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	info, err := root.Lstat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() > maxVerifierBytes) {
		return v, nil, httpapi.ErrNotFound
	}
	if err == nil {
		f, err = root.Open(name)
	}
	if err != nil {
		return v, nil, fmt.Errorf("open a verifier: %w", err)
	}
	v = httpapi.Verifier{Name: name, Bytes: info.Size(), System: runtime.GOOS, Processor: runtime.GOARCH}
	if kind, ok := strings.CutPrefix(strings.TrimSuffix(name, ".exe"), "greffe-verify-"); ok {
		v.System, v.Processor, _ = strings.Cut(kind, "-")
	}
	if v.SHA256, err = d.sum(verifierFile{name, info.Size(), info.ModTime()}, f); err != nil {
		return v, nil, errors.Join(err, f.Close())
	}
	return v, f, nil
}

// sum is the digest of an open file, which is read once for as long as it stays the same.
func (d *verifierDesk) sum(of verifierFile, f *os.File) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.sums[of]; known != "" {
		return known, nil
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, maxVerifierBytes))
	if err == nil && n != of.bytes {
		err = errors.New("it changed while it was read")
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return "", fmt.Errorf("hash a verifier: %w", err)
	}
	if d.sums == nil || len(d.sums) > maxVerifiers {
		d.sums = map[verifierFile]string{}
	}
	d.sums[of] = hex.EncodeToString(h.Sum(nil))
	return d.sums[of], nil
}
