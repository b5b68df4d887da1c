package notary

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"greffe/domain"
	"greffe/domain/proof"
)

const (
	// batchFacts is how many facts are read at a time.
	batchFacts = 8192
	// paces is how many times in Config.Every the log is looked at under load.
	paces = 50

	firstRetry = 20 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// Run follows the log and, on the node that signs, signs its heads, until ctx ends;
// then it returns nil. It tries again while a store is away; any other error ends it:
// ErrRolledBack, ErrForked, ErrSecond, ErrForeign, or the log's own. After one of
// these nothing is signed until the notary is opened again.
func (n *Notary) Run(ctx context.Context) error {
	n.mu.Lock()
	ran := n.ran
	n.ran = true
	n.mu.Unlock()
	if ran {
		return ErrRunning
	}
	g, inner := errgroup.WithContext(ctx)
	for _, work := range []func(context.Context) error{n.follow, n.sign, n.watch, n.keep, n.failed} {
		g.Go(func() error { return work(inner) })
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return n.fail(fmt.Errorf("notary: %w", err))
}

// failed ends the run when a reader found what no notary may go on with.
func (n *Notary) failed(ctx context.Context) error {
	for {
		n.mu.Lock()
		fatal, changed := n.fatal, n.changed
		n.mu.Unlock()
		if fatal != nil {
			return fatal
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// retry does one thing again and again until ctx ends, with growing pauses while it
// fails for want of a store.
func (n *Notary) retry(ctx context.Context, what string, once func(context.Context) error) error {
	wait := firstRetry
	for ctx.Err() == nil {
		err := once(ctx)
		switch {
		case err == nil:
			wait = firstRetry
		case ctx.Err() != nil:
		case !transient(err):
			return err
		default:
			n.cfg.Logger.Warn("notary: tried again", "what", what, "after", wait, "because", err)
			pause(ctx, wait)
			wait = min(2*wait, lastRetry)
		}
	}
	return nil
}

// follow adds the log's facts to the tree as they become durable.
func (n *Notary) follow(ctx context.Context) error {
	return n.retry(ctx, "follow the log", func(ctx context.Context) error {
		e := n.edge()
		head, err := n.cfg.Log.Wait(ctx, domain.Position(e.size))
		if err != nil {
			return fmt.Errorf("wait for facts: %w", err)
		}
		if err := n.hook(stepDurable); err != nil {
			return err
		}
		for e.size < uint64(head) {
			if e, err = n.grow(ctx, e, min(uint64(head), e.size+batchFacts)); err != nil {
				return err
			}
			if err := n.hook(stepTiles); err != nil {
				return err
			}
			n.update(func() { n.tree = e })
		}
		pace := time.NewTimer(n.cfg.Every / paces)
		defer pace.Stop()
		select {
		case <-pace.C:
		case <-n.hurry:
		case <-ctx.Done():
		}
		return nil
	})
}

func (n *Notary) edge() edge {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.tree
}

// grow adds the facts up to size and writes the tiles that they fill.
func (n *Notary) grow(ctx context.Context, e edge, size uint64) (edge, error) {
	replaced := 0
	full := func(t proof.Tile, hashes []proof.Hash) error {
		was, err := n.tiles.put(t, encode(hashes))
		if err != nil {
			return err
		}
		if was {
			if replaced++; replaced == 1 {
				n.cfg.Logger.Warn("notary: a tile is made again from the log", "tile", t.Path(), "was", "another")
			}
		}
		if n.tiles.waiting() > maxUnsynced {
			return n.tiles.sync(n.tiles.drain())
		}
		return nil
	}
	first := e.size
	err := n.cfg.Log.Read(ctx, domain.Position(first), domain.Position(size), func(_ domain.Position, fact []byte) error {
		return e.add(proof.LeafHash(fact), full)
	})
	if err != nil {
		return edge{}, fmt.Errorf("read facts [%d, %d): %w", first, size, err)
	}
	if replaced > 1 {
		n.cfg.Logger.Warn("notary: tiles were made again from the log", "number", replaced)
	}
	return e, nil
}
