package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain/erasure"
	"greffe/domain/part"
	"greffe/eventstore/fence"
	"greffe/eventstore/vault"
)

// relayEvery is how often a node copies what other nodes wrote to the fence.
const relayEvery = time.Second

// servedWait bounds how long a node without a fence waits for one that has it.
const servedWait = 15 * time.Second

// ErrFenceAlone: a node without a fence would be the first to serve. The stores may
// have been restored from before an erasure, and only a fence tells.
var ErrFenceAlone = fmt.Errorf("%w; no node that has its fence is serving: start one of those first", ErrFenceMissing)

// shareFence opens this node's own fence and brings it and the vault's copy of it up
// to each other. A node without one, as a new node is, gets it from the vault, which
// is believed as long as a node serves that looked at its own.
func (a *App) shareFence(ctx context.Context, k *keys, key []byte, known bool) error {
	if _, err := os.Stat(a.cfg.FenceDir); errors.Is(err, fs.ErrNotExist) && known {
		if err := a.awaitServed(ctx); err != nil {
			return err
		}
	}
	return a.openShared(ctx, k, key)
}

// awaitServed waits until another node serves; one that was started at the same moment
// is about to.
func (a *App) awaitServed(ctx context.Context) error {
	for end := time.Now().Add(servedWait); ; pause(ctx, noteBeat) {
		served, err := a.served(ctx)
		switch {
		case err != nil, served:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(end):
			return ErrFenceAlone
		}
	}
}

// openShared opens the fence, and of several nodes' the way to the others.
func (a *App) openShared(ctx context.Context, k *keys, key []byte) (err error) {
	if a.Fence, err = fence.Open(a.cfg.FenceDir, k.id, key); err != nil || !a.cfg.several() {
		return err
	}
	a.relay = &fence.Relay{Fence: a.Fence, Vault: a.vault}
	if _, err := a.relay.Pull(ctx); err != nil {
		return err
	}
	if err := a.ahead(ctx); err != nil {
		return err
	}
	return a.relay.Push(ctx)
}

// ahead looks at what this node's fence has and the vault's copy of it has not any more.
// The vault had it before a key went, so it was put back, by a standby that lacked the
// last commits, say; and if those erased are not destroyed in it, they are back.
func (a *App) ahead(ctx context.Context) error {
	state, _, err := readState(ctx, a.vault)
	last := a.relay.Alike()
	if err != nil || last == 0 { // the first of several nodes brings all it has
		return err
	}
	var owners []part.Owner
	flush := func() error {
		rows, err := a.vault.Keys(ctx, owners)
		if err == nil && slices.ContainsFunc(rows, func(r vault.KeyRow) bool { return !r.Destroyed }) {
			err = ErrRolledBack
		}
		owners = owners[:0]
		return err
	}
	err = a.Fence.Entries(max(last, state.Replayed), func(e *fence.Entry) error {
		if len(e.Keys) > 0 || len(e.Redacted) > 0 {
			return nil
		}
		if owners = append(owners, e.Owner); len(owners) < batchSize {
			return nil
		}
		return flush()
	})
	if err != nil || len(owners) == 0 {
		return err
	}
	return flush()
}

// served tells whether another node answers requests now.
func (a *App) served(ctx context.Context) (bool, error) {
	leases, err := a.vault.Leases(ctx, roleNode)
	if err != nil {
		return false, err
	}
	for _, l := range leases {
		var n note
		if err := json.Unmarshal(l.Note, &n); err == nil && n.Serving && l.Holder != a.self.id {
			return true, nil
		}
	}
	return false, nil
}

// appender writes destructions where they outlive data and backups.
type appender interface {
	Append([]erasure.Destruction) error
}

// fence is that of all nodes, or this one's own.
func (a *App) fence() appender {
	if a.relay != nil {
		return a.relay
	}
	return a.Fence
}

// relaying copies what other nodes wrote to the fence, until ctx ends. Fences that
// say different things mean that nobody knows who was erased; a vault that was put
// back, or orders that the ledger does not know, that who was erased may be read: the
// node stops.
func (a *App) relaying(ctx context.Context) {
	unknown := int64(-1) // records above it are not looked up yet
	for ctx.Err() == nil {
		before := a.Fence.Mark().Number
		n, err := a.relay.Pull(ctx)
		if n > 0 && unknown < 0 {
			unknown = before
		}
		if err == nil && unknown >= 0 {
			if err = a.learned(ctx, unknown); err == nil {
				unknown = -1
			}
		}
		var forked *fence.ForkedError
		switch {
		case errors.As(err, &forked), errors.Is(err, fence.ErrVaultShort), errors.Is(err, ErrRolledBack):
			a.fail(err)
			return
		case err != nil && ctx.Err() == nil:
			a.cfg.Logger.Warn("the fence of the other nodes could not be copied; it is tried again", "error", err)
		}
		pause(ctx, relayEvery)
	}
}

// learned looks whether the ledger knows the orders of the newest destructions, of those
// with numbers above after. If not, the stores were put back, and a node that had seen
// what was erased meanwhile has told so now.
func (a *App) learned(ctx context.Context, after int64) error {
	state, _, err := readState(ctx, a.vault)
	if err != nil {
		return err
	}
	seen := newSeen(fenceState{Replayed: max(state.Replayed, after)})
	if err := a.Fence.Entries(after, seen.take); err != nil {
		return err
	}
	return seen.ordered(ctx, a.vault)
}

// fail makes Failed say that this node must stop.
func (a *App) fail(err error) {
	a.failing.Do(func() {
		a.cause = err
		close(a.failed)
	})
}

// Failed is closed when this node must stop though its ledger goes on; Cause then
// says why.
func (a *App) Failed() <-chan struct{} { return a.failed }

// Cause is why this node must stop, once Failed is closed.
func (a *App) Cause() error { return a.cause }
