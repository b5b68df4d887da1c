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
	keys    []namedKey // the newest first
	retired []Retired
	mu      sync.Mutex // guards random
	random  io.Reader
}

var _ KEK = (*File)(nil)

// Open reads the key file. Its errors say what to do: ErrMissing, ErrPermissions,
// ErrDamaged. Nonces are read from random, which must be cryptographic.
func Open(path string, random io.Reader) (*File, error) {
	keys, retired, err := readKeys(path)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	return &File{keys: keys, retired: retired, random: random}, nil
}

// Of is a KEK of one key of 32 bytes that is in no file, such as one put together from
// its shares. The caller's bytes may be cleared afterwards.
func Of(name string, key []byte, random io.Reader) (*File, error) {
	k, err := named(name, key)
	if err != nil {
		return nil, fmt.Errorf("use a key: %w", err)
	}
	return &File{keys: []namedKey{k}, random: random}, nil
}

// Current is the newest key, for its division into shares. The caller clears it.
func (f *File) Current() (name string, key []byte) {
	return f.keys[0].name, append([]byte{}, f.keys[0].key[:]...)
}

// Wipe clears the keys; afterwards nothing is wrapped or unwrapped, names stay. Copies
// that the cipher made of a key are left to the collector.
func (f *File) Wipe() {
	for i := range f.keys {
		clear(f.keys[i].key[:])
		f.keys[i].aead = nil
	}
}

// errWiped: Wipe was called.
var errWiped = errors.New("the key was cleared from memory after its use; open it again")

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
	if k.aead == nil {
		return nil, fmt.Errorf("wrap: %w", errWiped)
	}
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
		if f.keys[i].aead == nil {
			return nil, fmt.Errorf("unwrap: %w", errWiped)
		}
		nonce := wrapped[head : head+nonceLen]
		plain, err := f.keys[i].aead.Open(nil, nonce, wrapped[head+nonceLen:], bind(wrapped[:head], aad))
		if err != nil {
			return nil, fmt.Errorf("unwrap: %w", ErrWrongKey)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("unwrap: %w", f.unknown(name))
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
