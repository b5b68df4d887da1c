package kek

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The file holds one or more keys, the newest first:
//
//	"GREFFEKEK" ‖ version(1)=1 ‖ count(1) ‖ { len(1) ‖ name ‖ key(32) }… ‖ SHA-256 of all before(32)
//
// Once a key was retired the version is 2 and says which and when, after the keys:
//
//	count(1) ‖ { len(1) ‖ name ‖ µs since 1970 UTC(8, big endian) }…
//
// Names are 1 to 64 bytes of a-z, 0-9, '-', '.' and '_', each once.
const (
	fileMagic      = "GREFFEKEK"
	fileVersion    = 1
	retiredVersion = 2
	keyLen         = 32
	maxName        = 64
	maxKeys        = 255
	maxFile        = len(fileMagic) + 3 + maxKeys*(1+maxName+keyLen) + maxKeys*(1+maxName+8) + sha256.Size
)

var (
	// ErrMissing: there is no key file.
	ErrMissing = errors.New("the key file is missing; put it back from its copy, or make one for a new ledger")
	// ErrPermissions: others may read the key file.
	ErrPermissions = errors.New("others may read the key file")
	// ErrExists: there is a key file already.
	ErrExists = errors.New("there is a key file already; it is never overwritten, since what it wrapped would be lost; move it away to begin anew")
	// ErrDamaged: the file is not a key file, or was altered.
	ErrDamaged = errors.New("the key file is damaged or not a key file of a known version; put it back from its copy")
)

// namedKey is a 256-bit key with its cipher.
type namedKey struct {
	name string
	key  [keyLen]byte
	aead cipher.AEAD
}

func named(name string, key []byte) (k namedKey, err error) {
	if err := checkName(name); err != nil {
		return k, err
	}
	if len(key) != keyLen {
		return k, errors.New("a key has 32 bytes")
	}
	k.name, k.key = name, [keyLen]byte(key)
	k.aead = newAEAD(k.key)
	return k, nil
}

// Import makes the file path with a key that there was before, as Create does with a
// new one.
func Import(path, name string, key []byte) error {
	k, err := named(name, key)
	if err == nil {
		err = writeKeys(path, k)
	}
	clear(k.key[:])
	if err != nil {
		return fmt.Errorf("import a key: %w", err)
	}
	return nil
}

// writeKeys writes a new file of one key, and clears what was written from memory.
func writeKeys(path string, k namedKey) error {
	data := encodeKeys([]namedKey{k}, nil)
	defer clear(data)
	return writeNew(path, data)
}

// Create makes the file path with one key named name, of 32 bytes of random, and
// never overwrites one. The file is whole and durable when it returns nil; a
// crash leaves no file under that name, or the whole one.
func Create(path, name string, random io.Reader) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	k := namedKey{name: name}
	if _, err := io.ReadFull(random, k.key[:]); err != nil {
		return fmt.Errorf("create key file: random bytes: %w", err)
	}
	defer clear(k.key[:])
	if err := writeKeys(path, k); err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	return nil
}

// writeNew writes a file that was not there: aside, synced, then linked to its
// name, which fails if the name is taken, and the directory synced.
func writeNew(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".kek-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return ErrExists
	} else if err != nil {
		return err
	}
	return syncDir(path)
}

// readKeys reads and checks a key file.
func readKeys(path string) ([]namedKey, []Retired, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrMissing
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() // read only
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() {
		return nil, nil, ErrDamaged
	} else if mode.Perm()&0o077 != 0 {
		return nil, nil, fmt.Errorf("%w (mode %04o); run: chmod 600 %s", ErrPermissions, mode.Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(maxFile)+1))
	if err != nil {
		return nil, nil, err
	}
	defer clear(data) // the keys are copied out of it
	return decodeKeys(data)
}

func encodeKeys(keys []namedKey, retired []Retired) []byte {
	b := append([]byte(fileMagic), fileVersion, byte(len(keys)))
	for i := range keys {
		b = append(b, byte(len(keys[i].name)))
		b = append(b, keys[i].name...)
		b = append(b, keys[i].key[:]...)
	}
	if len(retired) > 0 {
		b[len(fileMagic)] = retiredVersion
		b = append(b, byte(len(retired)))
		for _, r := range retired {
			b = append(b, byte(len(r.Name)))
			b = append(b, r.Name...)
			b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
		}
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func decodeKeys(b []byte) ([]namedKey, []Retired, error) {
	head := len(fileMagic) + 2
	if len(b) < head+sha256.Size || !bytes.HasPrefix(b, []byte(fileMagic)) {
		return nil, nil, ErrDamaged
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(sum, want[:]) {
		return nil, nil, ErrDamaged
	}
	r := keyReader{rest: body[head:], seen: map[string]bool{}}
	keys := make([]namedKey, body[head-1])
	for i := range keys {
		k := &keys[i]
		k.name = r.name()
		copy(k.key[:], r.take(keyLen))
		k.aead = newAEAD(k.key)
	}
	var retired []Retired
	switch body[head-2] {
	case fileVersion:
	case retiredVersion:
		retired = make([]Retired, r.take(1)[0])
		for i := range retired {
			retired[i].Name = r.name()
			retired[i].At = time.UnixMicro(int64(binary.BigEndian.Uint64(r.take(8)))).UTC()
		}
		r.bad = r.bad || len(retired) == 0
	default:
		return nil, nil, ErrDamaged
	}
	if r.bad || len(keys) == 0 || len(r.rest) != 0 {
		return nil, nil, ErrDamaged
	}
	return keys, retired, nil
}

// keyReader reads a key file's body; what is missing reads as zeros.
type keyReader struct {
	rest []byte
	seen map[string]bool
	bad  bool
}

func (r *keyReader) take(n int) []byte {
	if len(r.rest) < n {
		r.rest, r.bad = nil, true
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *keyReader) name() string {
	name := string(r.take(int(r.take(1)[0])))
	r.bad = r.bad || checkName(name) != nil || r.seen[name]
	r.seen[name] = true
	return name
}

func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("a key's name must have 1 to %d bytes", maxName)
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return errors.New("a key's name must be of a-z, 0-9, '-', '.' and '_'")
		}
	}
	return nil
}

func newAEAD(key [keyLen]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil { // only for wrong key lengths, which the type excludes
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}
