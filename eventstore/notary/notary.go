package notary

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
)

// Notary follows one log. Its methods may be called from any number of goroutines.
type Notary struct {
	cfg       Config
	verifiers map[string]note.Verifier // by origin
	tiles     tiles
	healing   sync.Mutex
	hurry     chan struct{} // holds one: facts are waited for
	stream    chan struct{} // holds one: the right to append to the heads stream
	hook      func(step) error

	// With the stream.
	own      bool   // this node appended since Signs became true, or is the only one
	alone    bool   // Signs was not given
	doubt    []byte // record whose append at doubtAt has no known outcome
	doubtAt  domain.Position
	signed   []byte // record of the last head signed, of
	signedOf uint64 // so many facts
	floor    *shown // the copy outside, while the stream does not go as far
	appended *shown // in the stream, not yet shown

	mu       sync.Mutex
	tree     edge
	known    known // written with the stream too
	latest   *shown
	last     *proof.Anchor
	changed  chan struct{} // closed and replaced when what mu guards changes
	demanded bool          // a head is wanted at once
	fatal    error
	ran      bool
}

// shown is a head with its record's exact bytes and place in the heads stream.
type shown struct {
	Signed
	pos    domain.Position
	record []byte
}

// tailHeads is how many of the last heads are checked at opening.
const tailHeads = 16

// Open checks the last heads, and the copy outside, against the log, and rebuilds of
// the tree what is not on disk; with Config.Signs false it only reads the heads
// stream. Errors: ErrRolledBack, ErrForked, ErrSecond, ErrForeign, ErrCopy, each
// saying what to do, and the logs' own.
func Open(ctx context.Context, cfg Config) (*Notary, error) {
	n, err := open(ctx, cfg, func(step) error { return nil })
	if err != nil {
		return nil, fmt.Errorf("open the notary: %w", err)
	}
	return n, nil
}

func open(ctx context.Context, cfg Config, hook func(step) error) (*Notary, error) {
	alone := cfg.Signs == nil
	verifiers, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	n := &Notary{
		cfg: cfg, verifiers: verifiers, tiles: tiles{dir: cfg.Dir}, hook: hook,
		hurry: make(chan struct{}, 1), stream: make(chan struct{}, 1), changed: make(chan struct{}),
		alone: alone, own: alone,
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	copied, err := n.readCopy()
	if err != nil {
		return nil, err
	}
	m := n.readMark()
	heads, err := n.readHeads(ctx, m)
	if err != nil {
		return nil, err
	}
	if copied != nil {
		heads = append(heads, *copied)
	}
	if err := n.verifyHeads(ctx, m.Size, heads); err != nil {
		return nil, err
	}
	if copied != nil && (!n.known.begun || copied.Size > n.known.size) {
		n.floor = copied
		n.cfg.Logger.Warn("notary: the heads stream is behind its copy; the log agrees with the copy",
			"copied", copied.Size, "stream", n.known.size)
	}
	if n.floor != nil {
		return n, nil // nothing is shown before the stream has what was
	}
	return n, n.finish()
}

// verifyHeads builds the tree up to the largest of the heads and compares all roots.
func (n *Notary) verifyHeads(ctx context.Context, synced uint64, heads []shown) error {
	var top *shown
	for i := range heads {
		if top == nil || heads[i].Size > top.Size {
			top = &heads[i]
		}
	}
	if top == nil {
		return nil
	}
	if err := n.covered(ctx, top); err != nil {
		return err
	}
	if err := n.load(ctx, min(synced, top.Size), top.Head); err != nil {
		return err
	}
	v := n.view(ctx, n.tree)
	for i := range heads {
		if err := n.agrees(v, &heads[i].Signed); err != nil {
			return err
		}
	}
	return nil
}

// covered says that the log has the facts of a head, which were durable before it was
// signed.
func (n *Notary) covered(ctx context.Context, h *shown) error {
	head, err := n.cfg.Log.Head(ctx)
	if err != nil {
		return fmt.Errorf("the log's head: %w", err)
	}
	if uint64(head) < h.Size {
		return fmt.Errorf("%w: the log holds %d facts, the head signed at %s covers %d; "+
			"restore the log that has them, or restore with a new lineage that says what was lost",
			ErrRolledBack, head, domain.FormatTime(h.At.Time), h.Size)
	}
	return nil
}

// agrees says that the tree has a head's root.
func (n *Notary) agrees(v *view, h *Signed) error {
	root, err := v.root(h.Size)
	if err != nil {
		return err
	}
	if root != h.Root {
		return forked(h, root)
	}
	return nil
}

func forked(h *Signed, root proof.Hash) error {
	return fmt.Errorf("%w: of %d facts the head signed at %s has the root %s, the log %s; "+
		"stop all nodes, keep both, and compare with a backup", ErrForked, h.Size, domain.FormatTime(h.At.Time), h.Root, root)
}

// load builds the tree of a head's facts from the tiles that were synced and the facts
// after them; if that has not the head's root, from the facts alone.
func (n *Notary) load(ctx context.Context, synced uint64, h proof.Head) error {
	e, err := n.fromTiles(ctx, synced)
	if err != nil {
		return err
	}
	if e, err = n.grow(ctx, e, h.Size); err != nil {
		return err
	}
	root, err := n.view(ctx, e).root(h.Size)
	if err != nil {
		return err
	}
	if root != h.Root && synced > 0 {
		n.cfg.Logger.Warn("notary: the tiles do not have the signed root and are made again from the log", "facts", h.Size)
		if e, err = n.grow(ctx, edge{}, h.Size); err != nil {
			return err
		}
	}
	n.tree = e
	return nil
}

// fromTiles is the tree of the facts whose tiles of level 0 are full at size, of what
// the tiles say.
func (n *Notary) fromTiles(ctx context.Context, size uint64) (edge, error) {
	e := edge{size: size &^ (proof.TileWidth - 1)}
	for level := 1; level < maxLevels; level++ {
		count := e.count(level)
		for i := count &^ (proof.TileWidth - 1); i < count; i++ {
			t := proof.Tile{Level: level - 1, Index: i, Width: proof.TileWidth}
			b, err := n.tiles.read(t)
			if err != nil {
				n.cfg.Logger.Warn("notary: a tile is made again from the log", "tile", t.Path(), "was", found(err))
				if b, err = n.rebuild(ctx, t); err != nil {
					return edge{}, err
				}
				if _, err := n.tiles.put(t, b); err != nil {
					return edge{}, err
				}
			}
			e.levels[level] = append(e.levels[level], tileRoot(b))
		}
	}
	return e, nil
}

// fail stops the notary. It returns err.
func (n *Notary) fail(err error) error {
	n.update(func() {
		if n.fatal == nil {
			n.fatal = err
		}
	})
	return err
}

func (n *Notary) update(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	close(n.changed)
	n.changed = make(chan struct{})
}

// Latest is the last head that was shown, and whether there is one.
func (n *Notary) Latest() (Signed, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.latest == nil {
		return Signed{}, false
	}
	return n.latest.Signed, true
}

// Covering is a shown head of at least size facts. If there is none yet it demands
// one at once and waits as long as ctx lasts; a notary that stopped for good says why.
func (n *Notary) Covering(ctx context.Context, size uint64) (Signed, error) {
	for {
		n.mu.Lock()
		latest, tree, fatal, changed := n.latest, n.tree.size, n.fatal, n.changed
		n.mu.Unlock()
		switch {
		case latest != nil && latest.Size >= size:
			return latest.Signed, nil
		case fatal != nil:
			return Signed{}, fmt.Errorf("no head of %d facts: %w", size, fatal)
		case tree < size:
			select {
			case n.hurry <- struct{}{}:
			default:
			}
		default:
			n.demand()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Signed{}, fmt.Errorf("wait for a head of %d facts: %w", size, ctx.Err())
		}
	}
}

func (n *Notary) demand() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.demanded {
		n.demanded = true
		close(n.changed)
		n.changed = make(chan struct{})
	}
}

// transient says that trying again may help.
func transient(err error) bool {
	return errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, errOvertaken) || errors.Is(err, errCopyWrite)
}

// pause waits d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
