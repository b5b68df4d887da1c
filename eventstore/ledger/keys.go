package ledger

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

const (
	metaID     = "ledger_id"
	firstEpoch = "g1" // generation of the peppers
)

// openKeys opens the key ring and the peppers, making them for a new ledger. It
// reports whether the ledger is new.
func (l *Ledger) openKeys(ctx context.Context) (created bool, err error) {
	head, err := l.cfg.Log.Head(ctx)
	if err != nil {
		return false, fmt.Errorf("open ledger: %w", err)
	}
	l.keys, err = seal.OpenKeyring(ctx, l.cfg.Vault, l.cfg.KEK, l.cfg.Rand)
	if errors.Is(err, seal.ErrNoRoot) {
		if head > 0 {
			return false, fmt.Errorf("%w (the log has %d facts, the vault is new)", ErrDiverged, head)
		}
		created = true
		l.keys, err = seal.CreateKeyring(ctx, l.cfg.Vault, l.cfg.KEK, l.cfg.Rand)
	}
	if err != nil {
		return false, err
	}
	sets, err := l.keys.Load(ctx, []part.Owner{part.LedgerOwner()})
	if err != nil {
		return false, err
	}
	root, ok := sets[0].Key(classPepper, firstEpoch)
	if !ok {
		if root, err = l.firstKeys(ctx, sets[0], head); err != nil {
			return false, err
		}
		created = true
	}
	l.peppers, l.root = token.Derive(root), root
	return created, nil
}

// Secret derives 32 bytes for one use from the ledger's root, such as the key of
// page cursors. The same use gives the same secret for the life of the ledger.
func (l *Ledger) Secret(use string) ([]byte, error) {
	return hkdf.Key(sha256.New, l.root[:], nil, "greffe/secret/1"+use, sha256.Size)
}

// firstKeys makes the pepper root and the ledger's id.
func (l *Ledger) firstKeys(ctx context.Context, set *seal.KeySet, head domain.Position) (part.Key, error) {
	if head > 0 || set.Rev > 0 {
		return part.Key{}, fmt.Errorf("%w (the peppers are missing)", ErrDiverged)
	}
	root, err := set.Ensure(classPepper, firstEpoch, l.cfg.Rand)
	if err != nil {
		return part.Key{}, err
	}
	id, err := domain.RandomID(l.cfg.Rand)
	if err != nil {
		return part.Key{}, err
	}
	if err := l.cfg.Vault.SetMeta(ctx, metaID, id[:]); err != nil {
		return part.Key{}, fmt.Errorf("store the ledger's id: %w", err)
	}
	w, err := l.keys.Wrap(set)
	if err != nil {
		return part.Key{}, err
	}
	if err := l.cfg.Vault.RewriteKeys(ctx, []vault.KeyWrite{w}); err != nil {
		return part.Key{}, fmt.Errorf("store the peppers: %w", err)
	}
	return root, nil
}

// ID is the ledger's own id.
func (l *Ledger) ID(ctx context.Context) (domain.ID, error) {
	b, err := l.cfg.Vault.Meta(ctx, metaID)
	if err != nil || len(b) != len(domain.ID{}) {
		return domain.ID{}, fmt.Errorf("the ledger's id cannot be read: %w", err)
	}
	return domain.ID(b), nil
}

// Keyring opens parts. Only eventstore/access and verification use it: a read
// of personal data goes through access.
func (l *Ledger) Keyring() *seal.Keyring { return l.keys }
