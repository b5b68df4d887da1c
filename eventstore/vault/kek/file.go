package kek

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The file holds one or more keys, the newest first:
//
//	"GREFFEKEK" ‖ version(1)=1 ‖ count(1) ‖ { len(1) ‖ name ‖ key(32) }… ‖ SHA-256 of all before(32)
//
// Names are 1 to 64 bytes of a-z, 0-9, '-', '.' and '_', each once.
const (
	fileMagic   = "GREFFEKEK"
	fileVersion = 1
	keyLen      = 32
	maxName     = 64
	maxKeys     = 255
	maxFile     = len(fileMagic) + 2 + maxKeys*(1+maxName+keyLen) + sha256.Size
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
	if err := writeNew(path, encodeKeys([]namedKey{k})); err != nil {
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
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readKeys reads and checks a key file.
func readKeys(path string) ([]namedKey, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() {
		return nil, ErrDamaged
	} else if mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w (mode %04o); run: chmod 600 %s", ErrPermissions, mode.Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(maxFile)+1))
	if err != nil {
		return nil, err
	}
	return decodeKeys(data)
}

func encodeKeys(keys []namedKey) []byte {
	b := append([]byte(fileMagic), fileVersion, byte(len(keys)))
	for i := range keys {
		b = append(b, byte(len(keys[i].name)))
		b = append(b, keys[i].name...)
		b = append(b, keys[i].key[:]...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func decodeKeys(b []byte) ([]namedKey, error) {
	head := len(fileMagic) + 2
	if len(b) < head+sha256.Size || !bytes.HasPrefix(b, []byte(fileMagic)) || b[head-2] != fileVersion {
		return nil, ErrDamaged
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(sum, want[:]) {
		return nil, ErrDamaged
	}
	keys := make([]namedKey, body[head-1])
	seen := map[string]bool{}
	rest := body[head:]
	for i := range keys {
		if len(rest) == 0 || len(rest) < 1+int(rest[0])+keyLen {
			return nil, ErrDamaged
		}
		n := 1 + int(rest[0])
		k := &keys[i]
		k.name = string(rest[1:n])
		k.key = [keyLen]byte(rest[n:])
		rest = rest[n+keyLen:]
		if checkName(k.name) != nil || seen[k.name] {
			return nil, ErrDamaged
		}
		seen[k.name] = true
		k.aead = newAEAD(k.key)
	}
	if len(keys) == 0 || len(rest) != 0 {
		return nil, ErrDamaged
	}
	return keys, nil
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
