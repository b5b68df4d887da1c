// Package kek holds the key-encryption key: what wraps a vault's root key, and
// stands outside the data directory and outside backups.
//
// File promises that a key file is written whole or not at all, never over
// another, and is not used while others may read it. It assumes the file system
// keeps modes. A crash during Create leaves at most a temporary file beside it.
//
// Trust: who has this file and the vault reads everything; who lost this file
// has lost everything; who rolls it back to an older one changes nothing that
// was wrapped since with a newer key, and cannot open it.
//
//	greffe-kek 1
//	<id> <32 bytes in base64>      newest first; older ones only unwrap
//
//	wrapped = version(1)=1 ‖ len(id)(1) ‖ id ‖ nonce(12) ‖ AES-256-GCM ciphertext ‖ tag(16)
package kek

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// KEK wraps and unwraps. eventstore/seal asks for the same.
type KEK interface {
	ID() string
	Wrap(ctx context.Context, plain, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
}

var (
	// ErrMissing: there is no key file.
	ErrMissing = errors.New("the key file is missing: put back the file that belongs to this data directory, or name it with --kek")
	// ErrExists: Create never overwrites.
	ErrExists = errors.New("there is a key file already; nothing was written")
	// ErrOpen: the file can be read by others.
	ErrOpen = errors.New("the key file can be read by others: chmod 600 it")
	// ErrFormat: not a key file of a version this program knows.
	ErrFormat = errors.New("not a key file of a known version")
	// ErrWrongKey: no key of the file unwraps this: it belongs to other data.
	ErrWrongKey = errors.New("the key file is not the one of this data directory")
)

const (
	magic      = "greffe-kek 1"
	keyLen     = 32
	wrapFormat = 1
	maxFile    = 1 << 20
)

// File is a KEK in a file of mode 0600.
type File struct {
	keys []named
	rand io.Reader
}

type named struct {
	id   string
	aead cipher.AEAD
}

var _ KEK = (*File)(nil)

// Open reads a key file. rand gives nonces.
func Open(path string, rand io.Reader) (*File, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrOpen)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer clear(b)
	k, err := parse(b, rand)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

func parse(b []byte, rand io.Reader) (*File, error) {
	head, rest, _ := bytes.Cut(b, []byte{'\n'})
	if string(head) != magic {
		return nil, ErrFormat
	}
	k := &File{rand: rand}
	for line := range bytes.Lines(rest) {
		id, enc, ok := bytes.Cut(bytes.TrimSpace(line), []byte{' '})
		key := make([]byte, base64.StdEncoding.DecodedLen(len(enc)))
		n, err := base64.StdEncoding.Decode(key, enc)
		if !ok || err != nil || n != keyLen || len(id) == 0 || len(id) > 255 {
			return nil, ErrFormat
		}
		aead, err := newAEAD(key[:n])
		clear(key)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, named{string(id), aead})
	}
	if len(k.keys) == 0 {
		return nil, ErrFormat
	}
	return k, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return cipher.NewGCM(block)
}

// Create makes a key file with one new key and opens it.
func Create(path string, rand io.Reader) (_ *File, err error) {
	secret := make([]byte, 8+keyLen)
	if _, err := io.ReadFull(rand, secret); err != nil {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	defer clear(secret)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s %s\n", magic, hex.EncodeToString(secret[:8]), base64.StdEncoding.EncodeToString(secret[8:]))
	if err := write(path, b.String()); err != nil {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	return Open(path, rand)
}

// write makes path durable with its content, or leaves it absent. Linking the
// finished file to its name fails if the name is taken.
func write(path, content string) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".kek-") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	} else if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ID names the newest key.
func (f *File) ID() string { return f.keys[0].id }

// String keeps keys out of logs.
func (f *File) String() string { return "kek " + f.ID() }

// Wrap seals plain under the newest key.
func (f *File) Wrap(_ context.Context, plain, aad []byte) ([]byte, error) {
	k := f.keys[0]
	out := append([]byte{wrapFormat, byte(len(k.id))}, k.id...)
	nonce := make([]byte, k.aead.NonceSize())
	if _, err := io.ReadFull(f.rand, nonce); err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, plain, aad), nil
}

// Unwrap opens what any key of the file wrapped.
func (f *File) Unwrap(_ context.Context, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) < 2 || wrapped[0] != wrapFormat || len(wrapped) < 2+int(wrapped[1]) {
		return nil, ErrFormat
	}
	id, rest := string(wrapped[2:2+wrapped[1]]), wrapped[2+int(wrapped[1]):]
	for _, k := range f.keys {
		if k.id != id || len(rest) < k.aead.NonceSize() {
			continue
		}
		n := k.aead.NonceSize()
		plain, err := k.aead.Open(nil, rest[:n], rest[n:], aad)
		if err != nil {
			return nil, ErrWrongKey
		}
		return plain, nil
	}
	return nil, ErrWrongKey
}
