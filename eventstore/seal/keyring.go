// Package seal wraps and unwraps the class keys that open parts.
//
// An owner's class keys stand together in one vault row, sealed with AES-256-GCM
// under the vault's root key; the root key stands in the vault wrapped by the
// KEK, which is elsewhere. So destroying one class key rewrites one row, and
// changing the KEK rewraps one value and makes every older copy of the vault
// useless to whoever lacks the old KEK.
//
//	row  = version(1)=1 ‖ nonce(12) ‖ AES-256-GCM(root, key set) ‖ tag(16)
//	AAD  = "greffe/keys/1" ‖ owner kind(1) ‖ owner uuid(16) ‖ revision(8, big endian)
//
// It promises that a row of another owner or revision does not open. It assumes
// a cryptographic random source. It keeps no state a crash could leave.
package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/eventstore/vault"
)

const (
	rowVersion = 1
	metaRoot   = "root"
	aadRoot    = "greffe/rootkey/1"
	aadKeys    = "greffe/keys/1"
)

// KEK wraps the vault's root key. eventstore/vault/kek implements it.
type KEK interface {
	ID() string
	Wrap(ctx context.Context, plain, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
}

// ErrNoRoot: the vault has no root key yet.
var ErrNoRoot = errors.New("the vault has no root key")

// Keyring reads and wraps key rows.
type Keyring struct {
	store vault.Store
	rand  io.Reader
	root  cipher.AEAD
}

// OpenKeyring unwraps the root key.
func OpenKeyring(ctx context.Context, store vault.Store, kek KEK, rand io.Reader) (*Keyring, error) {
	wrapped, err := store.Meta(ctx, metaRoot)
	if err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	if wrapped == nil {
		return nil, ErrNoRoot
	}
	root, err := kek.Unwrap(ctx, wrapped, []byte(aadRoot))
	if err != nil {
		return nil, fmt.Errorf("unwrap the vault's root key: %w", err)
	}
	return newKeyring(store, root, rand)
}

// CreateKeyring makes the root key of a new vault; vault.ErrStale if it has one.
func CreateKeyring(ctx context.Context, store vault.Store, kek KEK, rand io.Reader) (*Keyring, error) {
	root := make([]byte, 32)
	if _, err := io.ReadFull(rand, root); err != nil {
		return nil, fmt.Errorf("make the vault's root key: %w", err)
	}
	wrapped, err := kek.Wrap(ctx, root, []byte(aadRoot))
	if err != nil {
		return nil, fmt.Errorf("wrap the vault's root key: %w", err)
	}
	if err := store.SwapMeta(ctx, metaRoot, nil, wrapped); err != nil {
		return nil, fmt.Errorf("store the vault's root key: %w", err)
	}
	return newKeyring(store, root, rand)
}

func newKeyring(store vault.Store, root []byte, rand io.Reader) (*Keyring, error) {
	block, err := aes.NewCipher(root)
	clear(root)
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	return &Keyring{store: store, rand: rand, root: aead}, nil
}

// Load reads the owners' key sets, in order; an owner without a row gets an
// empty set of revision 0.
func (k *Keyring) Load(ctx context.Context, owners []part.Owner) ([]*KeySet, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	rows, err := k.store.Keys(ctx, owners)
	if err != nil {
		return nil, fmt.Errorf("load keys: %w", err)
	}
	sets := make([]*KeySet, len(owners))
	for i, row := range rows {
		sets[i] = &KeySet{Owner: owners[i], Rev: row.Rev, Destroyed: row.Destroyed}
		if row.Destroyed {
			sets[i].Closed, sets[i].ClosedAt = row.By, domain.NewTime(time.UnixMicro(row.At))
		}
		if row.Rev == 0 || row.Destroyed {
			continue
		}
		if err := k.unwrap(sets[i], row.Wrapped); err != nil {
			return nil, fmt.Errorf("load keys of %s: %w", owners[i], err)
		}
	}
	return sets, nil
}

func (k *Keyring) unwrap(s *KeySet, row []byte) error {
	n := k.root.NonceSize()
	if len(row) < 1+n || row[0] != rowVersion {
		return ErrKeyRow
	}
	plain, err := k.root.Open(nil, row[1:1+n], row[1+n:], rowAAD(s.Owner, s.Rev))
	if err != nil {
		return ErrKeyRow
	}
	defer clear(plain)
	return s.decode(plain)
}

// Wrap gives the row to store for s under its next revision.
func (k *Keyring) Wrap(s *KeySet) (vault.KeyWrite, error) {
	plain := s.encode()
	defer clear(plain)
	n := k.root.NonceSize()
	row := make([]byte, 1+n, 1+n+len(plain)+k.root.Overhead())
	row[0] = rowVersion
	if _, err := io.ReadFull(k.rand, row[1:]); err != nil {
		return vault.KeyWrite{}, fmt.Errorf("wrap keys: %w", err)
	}
	row = k.root.Seal(row, row[1:1+n], plain, rowAAD(s.Owner, s.Rev+1))
	return vault.KeyWrite{Owner: s.Owner, Rev: s.Rev, Wrapped: row}, nil
}

func rowAAD(o part.Owner, rev int64) []byte {
	b := make([]byte, 0, len(aadKeys)+25)
	b = append(b, aadKeys...)
	b = append(b, byte(o.Kind))
	b = append(b, o.ID[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(rev))
}
