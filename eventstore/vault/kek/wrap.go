package kek

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A wrapped secret is
//
//	version(1)=1 ‖ len(1) ‖ key name ‖ nonce(12) ‖ AES-256-GCM ciphertext ‖ tag(16)
//
// with AAD "greffe/kek/1" ‖ everything before the nonce ‖ the caller's aad. With
// random nonces one key is good for 2^32 wrappings (NIST SP 800-38D, 8.3).
const (
	wrapVersion = 1
	nonceLen    = 12
	tagLen      = 16
	wrapInfo    = "greffe/kek/1"
)

// File is a KEK out of a key file, read once when it is opened.
type File struct {
	keys   []namedKey // the newest first
	mu     sync.Mutex // guards random
	random io.Reader
}

var _ KEK = (*File)(nil)

// Open reads the key file. Its errors say what to do: ErrMissing, ErrPermissions,
// ErrDamaged. Nonces are read from random, which must be cryptographic.
func Open(path string, random io.Reader) (*File, error) {
	keys, err := readKeys(path)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	return &File{keys: keys, random: random}, nil
}

// ID is the name of the newest key.
func (f *File) ID() string { return f.keys[0].name }

// Wrap implements KEK.
func (f *File) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	if len(plain) > MaxPlain {
		return nil, errors.New("wrap: more bytes than are wrapped at once")
	}
	k := &f.keys[0]
	out := make([]byte, 0, 2+len(k.name)+nonceLen+len(plain)+tagLen)
	out = append(out, wrapVersion, byte(len(k.name)))
	out = append(out, k.name...)
	bound := bind(out, aad)
	out = out[:len(out)+nonceLen]
	nonce := out[len(out)-nonceLen:]
	if err := f.fill(nonce); err != nil {
		return nil, fmt.Errorf("wrap: random bytes: %w", err)
	}
	return k.aead.Seal(out, nonce, plain, bound), nil
}

func (f *File) fill(nonce []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := io.ReadFull(f.random, nonce)
	return err
}

// Unwrap implements KEK.
func (f *File) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("unwrap: %w", err)
	}
	name, head, err := parseWrapped(wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap: %w", err)
	}
	for i := range f.keys {
		if f.keys[i].name != name {
			continue
		}
		nonce := wrapped[head : head+nonceLen]
		plain, err := f.keys[i].aead.Open(nil, nonce, wrapped[head+nonceLen:], bind(wrapped[:head], aad))
		if err != nil {
			return nil, fmt.Errorf("unwrap: %w", ErrWrongKey)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("unwrap: %w", ErrUnknownKey)
}

// WrappedBy names the key that wrapped something, so that a rotation can find
// what is still to be rewrapped.
func WrappedBy(wrapped []byte) (string, error) {
	name, _, err := parseWrapped(wrapped)
	return name, err
}

// parseWrapped returns the key's name and the offset of the nonce.
func parseWrapped(b []byte) (name string, head int, err error) {
	if len(b) < 2 || b[0] != wrapVersion {
		return "", 0, ErrFormat
	}
	head = 2 + int(b[1])
	if len(b) < head+nonceLen+tagLen {
		return "", 0, ErrFormat
	}
	if name = string(b[2:head]); checkName(name) != nil {
		return "", 0, ErrFormat
	}
	return name, head, nil
}

func bind(head, aad []byte) []byte {
	b := make([]byte, 0, len(wrapInfo)+len(head)+len(aad))
	b = append(b, wrapInfo...)
	b = append(b, head...)
	return append(b, aad...)
}
