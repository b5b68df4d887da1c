package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/seal"
	"greffe/eventstore/vault"
)

// A rotation of the peppers makes a new root and carries every stored token over,
// T(g+1) = HMAC(P(g+1), T(g)), without knowing any identifier. What rotates is what
// the vault looks identifiers up by: external ids, actors and producers' names
// (links), markers of quarantine and of what sources were told after an erasure
// (holds), search by e-mail, phone and name, and the opposition list (tokens of
// rows). Tokens sealed in parts stay, with the number of their generation, and are
// carried over whenever they are read.
//
// What facts hold for ever stays under the first root, and so does Secret: event
// ids, producers' ids, ids of quarantine items and notices (domain/token). So the
// roots are all kept, and the first is not made harmless by a rotation: with it,
// guesses of upstream event ids can be tried on the log, addresses cannot.
//
// The vault makes the change one operation: the new root's key row is written in the
// transaction that begins it, and until it has ended nobody is shown a token. A
// crash leaves it to whoever opens the ledger next; then key.rotated is written,
// once, under an id that is made of the generation.

// pepperRoots are the roots of a ledger's key set, oldest first.
func pepperRoots(set *seal.KeySet) (roots [][32]byte) {
	for {
		root, ok := set.Key(classPepper, pepperEpoch(len(roots)+1))
		if !ok {
			return roots
		}
		roots = append(roots, root)
	}
}

func pepperEpoch(generation int) string { return "g" + strconv.Itoa(generation) }

// ErrRunning: nodes of the ledger are running. Nothing was done.
var ErrRunning = errors.New("nodes of this ledger are running; stop all of them first")

const roleNode = "node/" // of the leases by which nodes are known to run

// RotatePeppers carries the tokens of a vault to a new root of peppers and returns
// their generation. No ledger may have the vault open: ErrRunning while a node's lease
// (role "node/…") stands. After an error, or a crash,
// the same call or Open goes on where it stopped, without making another root.
// Opening the ledger writes that it was done; read models that hold tokens are to
// be built anew. Of cfg, Vault, KEK and Rand are needed. progress may be nil.
func RotatePeppers(ctx context.Context, cfg Config, progress func(done, total int64)) (generation int, err error) {
	nodes, err := cfg.Vault.Leases(ctx, roleNode)
	if err != nil {
		return 0, fmt.Errorf("rotate peppers: %w", err)
	}
	if len(nodes) > 0 {
		return 0, fmt.Errorf("rotate peppers: %w (%d)", ErrRunning, len(nodes))
	}
	ring, err := seal.OpenKeyring(ctx, cfg.Vault, cfg.KEK, cfg.Rand)
	if err != nil {
		return 0, fmt.Errorf("rotate peppers: %w", err)
	}
	sets, err := ring.Load(ctx, []part.Owner{part.LedgerOwner()})
	if err != nil {
		return 0, fmt.Errorf("rotate peppers: %w", err)
	}
	roots := pepperRoots(sets[0])
	under, err := tokensFit(ctx, cfg.Vault, len(roots))
	if err != nil {
		return 0, err
	}
	var row *vault.KeyWrite
	if !under {
		root, err := sets[0].Ensure(classPepper, pepperEpoch(len(roots)+1), cfg.Rand)
		if err != nil {
			return 0, fmt.Errorf("rotate peppers: %w", err)
		}
		w, err := ring.Wrap(sets[0])
		if err != nil {
			return 0, fmt.Errorf("rotate peppers: %w", err)
		}
		roots, row = append(roots, root), &w
	}
	return len(roots), retoken(ctx, cfg.Vault, roots[0], token.Derive(roots[0], roots[1:]...), row, progress)
}

// tokensFit demands that the vault's tokens are of the newest root's generation, or
// on their way to it.
func tokensFit(ctx context.Context, v vault.Store, roots int) (under bool, err error) {
	g, err := v.Generation(ctx)
	if err != nil {
		return false, fmt.Errorf("generation of the tokens: %w", err)
	}
	reached := g.Tokens
	if g.Under {
		reached++
	}
	if reached != roots || roots == 0 {
		return false, fmt.Errorf("%w (the vault has %d roots of peppers and tokens of generation %d)", ErrDiverged, roots, g.Tokens)
	}
	return g.Under, nil
}

func retoken(ctx context.Context, v vault.Store, root part.Key, p *token.Peppers, row *vault.KeyWrite, progress func(done, total int64)) error {
	secret, err := secretOf(root, useMACs)
	if err != nil {
		return fmt.Errorf("rotate peppers: %w", err)
	}
	macs := seal.NewMACs(secret)
	err = v.Retoken(ctx, vault.Retoken{
		Generation: p.Generation(), Row: row, Progress: progress,
		Link:   func(t token.Token) token.Token { return p.Rotate(token.UseExternal, t) }, // all links nest alike
		Hold:   func(t token.Token) token.Token { return p.Rotate(token.UseQuarantine, t) },
		Packed: func(b []byte) error { return token.Repack(b, p.Rotate) },

		LinkMAC: macs.Link, HoldMAC: macs.Hold, RowMAC: macs.Row,
	})
	if err != nil {
		return fmt.Errorf("rotate peppers: %w", err)
	}
	return nil
}

// finishPeppers ends a rotation that began.
func (l *Ledger) finishPeppers(ctx context.Context) error {
	under, err := tokensFit(ctx, l.cfg.Vault, l.peppers.Generation())
	if err != nil || !under {
		return err
	}
	l.cfg.Logger.Info("finishing a rotation of the peppers", "generation", l.peppers.Generation())
	return retoken(ctx, l.cfg.Vault, l.root, l.peppers, nil, nil)
}

// tellRotations writes key.rotated for each generation that has none yet.
func (l *Ledger) tellRotations(ctx context.Context) error {
	newest := l.peppers.Generation()
	if newest == 1 {
		return nil
	}
	ids := make([]domain.ID, 0, newest-1)
	for g := 2; g <= newest; g++ {
		id, err := l.Derived(useRotated, binary.BigEndian.AppendUint64([]byte("peppers"), uint64(g)))
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	known, err := l.cfg.Vault.Intake(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up rotations of the peppers: %w", err)
	}
	var owns []Own
	for i, k := range known {
		if !k.Found {
			owns = append(owns, Own{Type: event.KeyRotated, ID: ids[i], Codes: event.Codes{}.With("what", "peppers").With("generation", int64(i+2))})
		}
	}
	if len(owns) == 0 {
		return nil
	}
	if _, err := l.Write(ctx, owns); err != nil && !errors.Is(err, ErrTaken) { // another node opens as well
		return fmt.Errorf("write that the peppers were rotated: %w", err)
	}
	return nil
}
