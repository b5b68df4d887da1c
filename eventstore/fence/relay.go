package fence

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"greffe/domain/erasure"
	"greffe/eventstore/vault"
)

// Lines are what a vault keeps of the fence for the other nodes. vault.Store has them.
type Lines interface {
	AppendFence(ctx context.Context, first int64, lines [][]byte) error
	FenceLines(ctx context.Context, after int64, fn func(number int64, line []byte) error) error
}

// Relay keeps a node's fence and the vault's copy of it alike. Every node has its own
// fence, in a directory of its own; the vault says which record comes next, so that no
// two nodes give one number to two records. The zero Timeout is 30 s. Its methods may be
// called concurrently; nobody else appends to the fence.
type Relay struct {
	Fence   *Fence
	Vault   Lines
	Timeout time.Duration // of Append

	mu    sync.Mutex
	alike int64 // records up to here are the same here and there
}

// ErrVaultShort: the vault's copy of the fence lacks what it had before. The vault was put
// back to an older state, in which who was erased since can be read; nothing more is
// written to it.
var ErrVaultShort = errors.New("the vault's copy of the fence is shorter than it was: the vault was put back to an older state")

// relayed bounds how many lines go at a time.
const relayed = 256

// maxRaces bounds how often an append may find that others were first.
const maxRaces = 100

// Pull copies the vault's lines that the fence lacks and returns how many. ErrForked
// (see ForkedError) and ErrVaultShort: the node must stop.
func (r *Relay) Pull(ctx context.Context) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, _, err = r.pull(ctx)
	if err != nil {
		return n, fmt.Errorf("copy the fence from the vault: %w", err)
	}
	return n, nil
}

// Alike is the last record that was the same here and in the vault's copy when they were
// compared; 0 for none.
func (r *Relay) Alike() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alike
}

// pull also says how far the vault's copy goes. It begins with the last line that was
// the same on both sides: if that is gone, the vault is an older one.
func (r *Relay) pull(ctx context.Context) (n int, last int64, err error) {
	have, known := r.Fence.Mark().Number, r.alike
	last = max(known-1, 0)
	var some [][]byte
	flush := func() error {
		err := r.Fence.Extend(some)
		if err == nil {
			r.alike = last
		}
		some = some[:0]
		return err
	}
	err = r.Vault.FenceLines(ctx, last, func(number int64, line []byte) error {
		if number != last+1 {
			return &DamageError{"the vault's copy", number + 1, "it does not follow the line before"}
		}
		last = number
		if some = append(some, append([]byte{}, line...)); number > have {
			n++
		}
		if len(some) < relayed {
			return nil
		}
		return flush()
	})
	if err == nil && len(some) > 0 {
		err = flush()
	}
	if err == nil && last < known {
		err = ErrVaultShort
	}
	return n, last, err
}

// Push copies the fence's lines that the vault lacks, after looking whether those that
// both have are the same, and takes what the vault has more. It is what a node does when
// it begins: its fence may be older than the vault, or the vault's copy than the fence.
func (r *Relay) Push(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.push(ctx); err != nil {
		return fmt.Errorf("copy the fence to the vault: %w", err)
	}
	return nil
}

func (r *Relay) push(ctx context.Context) error {
	for range maxRaces {
		_, last, err := r.pull(ctx)
		if err != nil {
			return err
		}
		var some [][]byte
		flush := func() error {
			err := r.Vault.AppendFence(ctx, last+1, some)
			if err == nil {
				last += int64(len(some))
				r.alike = last
			}
			some = some[:0]
			return err
		}
		err = r.Fence.Since(last, func(_ int64, line []byte) error {
			if some = append(some, line); len(some) < relayed {
				return nil
			}
			return flush()
		})
		if err == nil && len(some) > 0 {
			err = flush()
		}
		if !errors.Is(err, vault.ErrStale) {
			return err
		}
	}
	return fmt.Errorf("others were first %d times", maxRaces)
}

// Append records destructions for all nodes: first in the vault's copy, which decides
// their numbers, then in the node's own fence. Both are durable when it returns nil,
// which is to be before any key goes. After an error the vault's copy may have them:
// other nodes then copy them, and appending them again is harmless.
func (r *Relay) Append(ds []erasure.Destruction) error {
	if len(ds) == 0 {
		return nil
	}
	limit := r.Timeout
	if limit == 0 {
		limit = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	for range maxRaces {
		if err := r.push(ctx); err != nil {
			return fmt.Errorf("fence: relay: %w", err)
		}
		first, lines, err := r.Fence.signed(ds)
		if err != nil {
			return err
		}
		err = r.Vault.AppendFence(ctx, first, lines)
		if errors.Is(err, vault.ErrStale) { // others were first
			continue
		}
		if err != nil {
			return fmt.Errorf("fence: relay: %w", err)
		}
		if err := r.Fence.Extend(lines); err != nil {
			return err
		}
		r.alike = first + int64(len(lines)) - 1
		return nil
	}
	return fmt.Errorf("fence: relay: not committed: others were first %d times", maxRaces)
}

// signed makes the lines that would come next, without writing them.
func (f *Fence) signed(ds []erasure.Destruction) (first int64, lines [][]byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.ready(); err != nil {
		return 0, nil, err
	}
	if err := allValid(ds); err != nil {
		return 0, nil, err
	}
	n, hash := f.mark.Number, f.hash
	for i := range ds {
		n++
		line := appendRecord(nil, f.sign, n, hash, &ds[i])
		hash = sha256.Sum256(line)
		lines = append(lines, line)
	}
	return f.mark.Number + 1, lines, nil
}
