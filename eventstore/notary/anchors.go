package notary

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/proof"
)

// Anchored appends what an authority said of a head that was shown. The caller has
// checked it. ErrFollows on a node that does not sign, ErrNotShown if no head has
// that size. After another error the outcome may be unknown; doing it again at worst
// keeps two records of one anchor.
func (n *Notary) Anchored(ctx context.Context, a proof.Anchor) error {
	if !n.cfg.Signs() {
		return fmt.Errorf("keep an anchor: %w", ErrFollows)
	}
	s, err := n.At(ctx, a.Size)
	if err == nil && s.Size != a.Size {
		err = ErrNotShown
	}
	if err != nil {
		return fmt.Errorf("keep an anchor: %w", err)
	}
	record, err := proof.AppendRecord(nil, &proof.Record{At: domain.NewTime(n.cfg.Now()), Anchor: &a})
	if err != nil {
		return fmt.Errorf("keep an anchor: %w", err)
	}
	if err := n.lock(ctx); err != nil {
		return fmt.Errorf("keep an anchor: not committed: %w", err)
	}
	defer n.unlock()
	err = n.settle(ctx)
	if err == nil {
		err = n.put(ctx, record)
	}
	if errors.Is(err, ErrSecond) || errors.Is(err, ErrForked) {
		err = n.fail(err)
	}
	if err != nil {
		return fmt.Errorf("keep an anchor: %w", err)
	}
	return nil
}

// maxAnchors bounds what Anchors returns.
const maxAnchors = 64

// Anchors are those of the heads that cover size facts, the earliest kept first, at
// most 64. Walk finds all.
func (n *Notary) Anchors(ctx context.Context, size uint64) ([]proof.Anchor, error) {
	n.mu.Lock()
	all := n.known.anchors
	n.mu.Unlock()
	var out []proof.Anchor
	for _, at := range all {
		if at.Size < size || len(out) == maxAnchors {
			continue
		}
		a, err := n.readAnchor(ctx, at.Pos)
		if err != nil {
			return nil, fmt.Errorf("anchors: %w", err)
		}
		out = append(out, *a)
	}
	return out, nil
}

// LastAnchor is the anchor of this lineage that was kept last, and whether there is one.
func (n *Notary) LastAnchor() (proof.Anchor, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last == nil {
		return proof.Anchor{}, false
	}
	a := *n.last
	a.Token = bytes.Clone(a.Token)
	return a, true
}

func (n *Notary) readAnchor(ctx context.Context, pos domain.Position) (a *proof.Anchor, err error) {
	err = walk(ctx, n.cfg.Heads, pos, pos+1, func(_ domain.Position, r *proof.Record, _ []byte) error {
		a = r.Anchor
		return nil
	})
	if err == nil && a == nil {
		err = fmt.Errorf("heads stream, record %d: no anchor", pos)
	}
	return a, err
}

func (n *Notary) readLastAnchor(ctx context.Context) (err error) {
	if k := n.known.anchors; len(k) > 0 {
		n.last, err = n.readAnchor(ctx, k[len(k)-1].Pos)
	}
	return err
}
