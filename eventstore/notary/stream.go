package notary

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
)

// known is what the heads stream below next holds.
type known struct {
	next    domain.Position
	begun   bool            // there is a head of the own origin
	first   domain.Position // of them
	last    domain.Position
	size    uint64 // of the last
	anchors []anchorAt
}

// anchorAt is where an anchor of a head of the own origin stands.
type anchorAt struct {
	Pos  domain.Position `json:"pos"`
	Size uint64          `json:"size,string"`
}

// Walk reads a heads stream from its first record to its last, whoever signed them.
// The first error of fn ends it and is returned as it is.
func Walk(ctx context.Context, heads eventstore.Log, fn func(pos domain.Position, r *proof.Record) error) error {
	head, err := heads.Head(ctx)
	if err != nil {
		return fmt.Errorf("walk the heads: %w", err)
	}
	return walk(ctx, heads, 0, head, func(pos domain.Position, r *proof.Record, _ []byte) error { return fn(pos, r) })
}

func walk(ctx context.Context, heads eventstore.Log, from, to domain.Position, fn func(domain.Position, *proof.Record, []byte) error) error {
	return heads.Read(ctx, from, to, func(pos domain.Position, b []byte) error {
		r, err := proof.DecodeRecord(b)
		if err != nil {
			return fmt.Errorf("heads stream, record %d: %w", pos, err)
		}
		return fn(pos, r, b)
	})
}

// peek reads a checkpoint's head without asking who signed it.
func (n *Notary) peek(checkpoint []byte) (proof.Head, error) {
	text, _, ok := bytes.Cut(checkpoint, []byte("\n\n"))
	if !ok {
		return proof.Head{}, proof.ErrHead
	}
	h, err := proof.ParseHead(string(text) + "\n")
	if err != nil {
		return h, err
	}
	if n.verifiers[h.Origin] == nil {
		return h, fmt.Errorf("%w: its origin is neither the ledger's nor an older one; "+
			"check which ledger and lineage this data directory is", ErrForeign)
	}
	return h, nil
}

// verify reads a checkpoint that this ledger signed, under its own origin or an older one.
func (n *Notary) verify(checkpoint []byte) (proof.Head, error) {
	h, err := n.peek(checkpoint)
	if err != nil {
		return h, err
	}
	if h, err = proof.OpenHead(checkpoint, n.verifiers[h.Origin]); err != nil {
		return h, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return h, nil
}

// note adds a record, whose head is h if it has one, to what is known.
func (k *known) note(pos domain.Position, r *proof.Record, h proof.Head, own string) error {
	switch {
	case pos != k.next:
		return fmt.Errorf("heads stream: record %d comes where %d is expected", pos, k.next)
	case r.Anchor != nil:
		if k.begun {
			k.anchors = append(k.anchors, anchorAt{pos, r.Anchor.Size})
		}
	case h.Origin != own && k.begun:
		return fmt.Errorf("%w: record %d of the heads stream is of an earlier lineage than those before it; "+
			"stop the node that was not told of the restore", ErrSecond, pos)
	case h.Origin != own:
	case k.begun && h.Size < k.size:
		return fmt.Errorf("%w: record %d of the heads stream covers %d facts, an earlier one %d", ErrForked, pos, h.Size, k.size)
	default:
		if !k.begun {
			k.begun, k.first = true, pos
		}
		k.last, k.size = pos, h.Size
	}
	k.next++
	return nil
}

// readHeads learns the heads stream, from where the mark knows it, and returns the
// last heads of the own origin, oldest first. Signatures of these are checked, and of
// the last head of each older origin that is met.
func (n *Notary) readHeads(ctx context.Context, m mark) ([]shown, error) {
	head, err := n.cfg.Heads.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("the heads stream's head: %w", err)
	}
	if n.trusted(ctx, &m, head) {
		n.known = m.known()
	} else if head > 0 {
		n.cfg.Logger.Info("notary: the heads stream is read from its beginning", "records", head)
	}
	older := map[string][]byte{}
	err = walk(ctx, n.cfg.Heads, n.known.next, head, func(pos domain.Position, r *proof.Record, _ []byte) (err error) {
		var h proof.Head
		if r.Anchor == nil {
			if h, err = n.peek(r.Checkpoint); err != nil {
				return fmt.Errorf("heads stream, record %d: %w", pos, err)
			}
			if h.Origin != n.cfg.Origin {
				older[h.Origin] = r.Checkpoint
			}
		}
		return n.known.note(pos, r, h, n.cfg.Origin)
	})
	if err != nil {
		return nil, err
	}
	for origin, checkpoint := range older {
		if _, err := n.verify(checkpoint); err != nil {
			return nil, fmt.Errorf("the last head of %s: %w", origin, err)
		}
	}
	if err := n.readLastAnchor(ctx); err != nil || !n.known.begun {
		return nil, err
	}
	var heads []shown
	from := max(n.known.first, n.known.last-min(n.known.last, tailHeads))
	err = walk(ctx, n.cfg.Heads, from, n.known.last+1, func(pos domain.Position, r *proof.Record, b []byte) error {
		if r.Anchor != nil {
			return nil
		}
		h, err := n.verify(r.Checkpoint)
		if err != nil {
			return fmt.Errorf("heads stream, record %d: %w", pos, err)
		}
		heads = append(heads, shown{Signed{h, r.Checkpoint, r.At}, pos, bytes.Clone(b)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	last := heads[len(heads)-1]
	n.appended = &last
	return heads, nil
}

// trusted says that the stream may be the one that a mark describes: heads stand where
// it says.
func (n *Notary) trusted(ctx context.Context, m *mark, head domain.Position) bool {
	if !m.inOrder(head) {
		return false
	}
	heads := 0
	for _, at := range []domain.Position{m.First, m.Last} {
		err := walk(ctx, n.cfg.Heads, at, at+1, func(_ domain.Position, r *proof.Record, _ []byte) error {
			h, err := n.peek(r.Checkpoint)
			if err == nil && h.Origin == n.cfg.Origin && (at != m.Last || h.Size == m.HeadSize) {
				heads++
			}
			return nil
		})
		if err != nil {
			return false
		}
	}
	return heads == 2
}

// absorb takes the records that others appended, each checked against the own tree.
// It is called with the stream.
func (n *Notary) absorb(ctx context.Context) error {
	head, err := n.cfg.Heads.Head(ctx)
	if err != nil {
		return fmt.Errorf("the heads stream's head: %w", err)
	}
	if head < n.known.next {
		return fmt.Errorf("%w: the heads stream holds %d records and held %d; restore it, or open the notary again to "+
			"take the last head from the copy outside", ErrRolledBack, head, n.known.next)
	}
	return n.cfg.Heads.Read(ctx, n.known.next, head, func(pos domain.Position, b []byte) error {
		switch {
		case bytes.Equal(b, n.doubt):
			n.doubt = nil
		case n.own && n.cfg.Signs():
			return fmt.Errorf("%w: record %d of the heads stream is not of this node, which alone may sign now; "+
				"stop one of them", ErrSecond, pos)
		}
		return n.take(ctx, pos, b)
	})
}

// take learns a record of the stream, after checking its head against the own tree.
func (n *Notary) take(ctx context.Context, pos domain.Position, b []byte) error {
	r, err := proof.DecodeRecord(b)
	if err != nil {
		return fmt.Errorf("heads stream, record %d: %w", pos, err)
	}
	var h proof.Head
	if r.Anchor == nil {
		if h, err = n.verify(r.Checkpoint); err != nil {
			return fmt.Errorf("heads stream, record %d: %w", pos, err)
		}
	}
	s := shown{Signed{h, r.Checkpoint, r.At}, pos, bytes.Clone(b)}
	if h.Origin == n.cfg.Origin {
		if err := n.reach(ctx, &s); err != nil {
			return err
		}
		if err := n.agrees(n.view(ctx, n.edge()), &s.Signed); err != nil {
			return err
		}
	}
	n.update(func() {
		if err = n.known.note(pos, r, h, n.cfg.Origin); err == nil && r.Anchor != nil {
			n.last = r.Anchor
		}
	})
	if err == nil && h.Origin == n.cfg.Origin {
		n.appended = &s
		if n.floor != nil && n.floor.Size <= s.Size {
			n.floor = nil
		}
	}
	return err
}

// reach waits until the tree has the facts of a head; the log must have them already.
func (n *Notary) reach(ctx context.Context, h *shown) error {
	for first := true; ; first = false {
		n.mu.Lock()
		size, changed := n.tree.size, n.changed
		n.mu.Unlock()
		if size >= h.Size {
			return nil
		}
		if first {
			if err := n.covered(ctx, h); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// headFrom is the first head in [from, to], and its place; the record at to is one.
func (n *Notary) headFrom(ctx context.Context, from, to domain.Position) (s shown, err error) {
	for end := from; err == nil && s.Note == nil && end <= to; {
		from, end = end, min(end+16, to+1)
		err = walk(ctx, n.cfg.Heads, from, end, func(pos domain.Position, r *proof.Record, _ []byte) error {
			if r.Anchor != nil {
				return nil
			}
			h, err := n.peek(r.Checkpoint)
			if err != nil {
				return err
			}
			s = shown{Signed: Signed{h, r.Checkpoint, r.At}, pos: pos}
			return errFound
		})
		if errors.Is(err, errFound) {
			err = nil
		}
	}
	if err == nil && s.Note == nil {
		err = fmt.Errorf("heads stream, record %d: %w", to, proof.ErrHead)
	}
	return s, err
}

// errFound ends a walk.
var errFound = errors.New("found")

// At is the smallest head shown that covers size facts, ErrNotShown if none does.
func (n *Notary) At(ctx context.Context, size uint64) (Signed, error) {
	n.mu.Lock()
	latest, low, e := n.latest, n.known.first, n.tree
	n.mu.Unlock()
	if latest == nil || latest.Size < size {
		return Signed{}, fmt.Errorf("a head of %d facts: %w", size, ErrNotShown)
	}
	best := *latest
	for high := latest.pos; low < high; {
		middle := low + (high-low)/2
		s, err := n.headFrom(ctx, middle, latest.pos)
		if err != nil {
			return Signed{}, fmt.Errorf("look for the head of %d facts: %w", size, err)
		}
		if s.Size >= size {
			best, high = s, middle
		} else {
			low = s.pos + 1
		}
	}
	if best.pos == latest.pos {
		return latest.Signed, nil
	}
	h, err := n.verify(best.Note)
	if err != nil {
		return Signed{}, fmt.Errorf("heads stream, record %d: %w", best.pos, err)
	}
	best.Head = h
	if err := n.agrees(n.view(ctx, e), &best.Signed); errors.Is(err, ErrForked) {
		return Signed{}, n.fail(err)
	} else if err != nil {
		return Signed{}, err
	}
	return best.Signed, nil
}
