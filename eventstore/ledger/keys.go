package ledger

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
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
	firstEpoch = "g1" // of the peppers' first root; that of generation n is "g<n>"
)

// openKeys opens the key ring and the peppers, making them for a new ledger, and
// ends a rotation of the peppers that began. It reports whether the ledger is new.
// Of several nodes that open new stores at once one makes them.
func (l *Ledger) openKeys(ctx context.Context) (created bool, err error) {
	for range maxStale {
		created, err = l.tryKeys(ctx)
		if !errors.Is(err, vault.ErrStale) {
			break
		}
	}
	if err != nil {
		return false, err
	}
	if err := l.finishPeppers(ctx); err != nil {
		return false, err
	}
	return created, l.openMACs(ctx)
}

// tryKeys answers vault.ErrStale when another node made something meanwhile.
func (l *Ledger) tryKeys(ctx context.Context) (created bool, err error) {
	head, err := l.cfg.Log.Head(ctx) // before the vault is looked at: what is in the log was prepared
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
	roots := pepperRoots(sets[0])
	if len(roots) == 0 {
		root, err := l.firstKeys(ctx, sets[0], head)
		if err != nil {
			return false, err
		}
		roots, created = append(roots, root), true
	}
	l.peppers, l.root = token.Derive(roots[0], roots[1:]...), roots[0]
	return created, nil
}

// Derived is the event id of what is said once, whichever node says it: under use, of
// data. Who says it again meets ErrTaken.
func (l *Ledger) Derived(use string, data []byte) (domain.ID, error) {
	secret, err := l.Secret(use)
	if err != nil {
		return domain.ID{}, err
	}
	h := hmac.New(sha256.New, secret)
	h.Write(data)
	return domain.DeriveID(h.Sum(nil)), nil
}

// What is said once: that a quarantine item was closed, that the peppers are of a
// generation, that a policy is of a version.
const (
	useReleased  = "ingest.released"
	useRotated   = "key.rotated"
	usePublished = "policy.published"
)

// Secret derives 32 bytes for one use from the first root of the peppers, such as
// the key of page cursors. The same use gives the same secret for the life of the
// ledger, whatever rotates: links in mails, receivers' webhooks, the fence and
// backups go on being verified with it.
func (l *Ledger) Secret(use string) ([]byte, error) {
	return secretOf(l.root, use)
}

func secretOf(root part.Key, use string) ([]byte, error) {
	return hkdf.Key(sha256.New, root[:], nil, "greffe/secret/1"+use, sha256.Size)
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
	if _, err := set.Ensure(classMACs, part.EpochWhole, l.cfg.Rand); err != nil { // nothing is stored yet
		return part.Key{}, err
	}
	id, err := domain.RandomID(l.cfg.Rand)
	if err != nil {
		return part.Key{}, err
	}
	if err := l.cfg.Vault.SwapMeta(ctx, metaID, nil, id[:]); err != nil && !errors.Is(err, vault.ErrStale) {
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
