package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"greffe/domain"
	"greffe/domain/proof"
	"greffe/eventstore"
	"greffe/eventstore/notary"
)

// superseded is what a restore leaves behind of the heads that were signed.
type superseded struct {
	lineage int        // of the heads from now on
	head    proof.Head // the last that the restored log does not keep; zero if it keeps all
}

// lineage looks whether the restored log keeps what was signed: the heads of its
// latest lineage, in their stream and outside. If it does not, or if nobody can tell
// because the fence is lost, the heads from now on are of a new lineage, and the vault
// says so before anything else is recorded.
func (r *restoring) lineage(ctx context.Context, logHead domain.Position) (s superseded, err error) {
	h := heading{ledger: r.keys.id}
	if h.seed, err = r.keys.secret(secretNotary); err != nil {
		return s, err
	}
	if h.lineage, err = readLineage(ctx, r.vault); err != nil {
		return s, err
	}
	last, err := r.lastHeads(ctx, h)
	if err != nil {
		return s, err
	}
	s.lineage = h.lineage
	for _, l := range last {
		s.lineage = max(s.lineage, l.lineage)
	}
	fresh := r.o.FenceLost != ""
	for _, l := range last {
		if l.lineage < s.lineage {
			continue
		}
		kept, err := keeps(ctx, r.log, logHead, l.head)
		if err != nil {
			return s, err
		}
		if !kept {
			fresh = true
			if l.head.Size > s.head.Size {
				s.head = l.head
			}
		}
	}
	if fresh {
		s.lineage++
	}
	if s.lineage == h.lineage {
		return s, nil
	}
	return s, r.vault.SetMeta(ctx, metaLineage, []byte(strconv.Itoa(s.lineage)))
}

type lineageHead struct {
	lineage int
	head    proof.Head
}

// maxLineage bounds how far ahead of the vault a copied head can be: each restore that
// loses facts begins one.
const maxLineage = 1 << 16

// lastHeads are the last heads in their stream and outside.
func (r *restoring) lastHeads(ctx context.Context, h heading) (out []lineageHead, err error) {
	add := func(signed []byte) error {
		head, lineage, err := h.open(signed, maxLineage)
		if err == nil {
			out = append(out, lineageHead{lineage, head})
		}
		return err
	}
	if r.o.FenceLost == "" {
		copied, err := r.cfg.copied()
		if err != nil {
			return nil, err
		}
		if copied != nil {
			if err := add(copied.Checkpoint); err != nil {
				return nil, fmt.Errorf("the copy of the last head in %s: %w", r.cfg.copiesDir(), err)
			}
		}
	}
	if r.cfg.LogStore == "" {
		if _, err := os.Stat(r.cfg.headsPath()); errors.Is(err, fs.ErrNotExist) { // a backup from before there were heads
			return out, nil
		}
	}
	heads, err := openHeads(ctx, r.cfg, r.vault)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, heads.Close()) }()
	var last []byte
	err = notary.Walk(ctx, heads, func(_ domain.Position, rec *proof.Record) error {
		if rec.Checkpoint != nil {
			last = append(last[:0], rec.Checkpoint...)
		}
		return nil
	})
	if err != nil || last == nil {
		return out, err
	}
	return out, add(last)
}

// keeps tells whether a log's first facts are those a head covers.
func keeps(ctx context.Context, log eventstore.Log, logHead domain.Position, head proof.Head) (bool, error) {
	if domain.Position(head.Size) > logHead {
		return false, nil
	}
	var tree proof.Frontier
	err := log.Read(ctx, 0, domain.Position(head.Size), func(_ domain.Position, b []byte) error {
		tree.Add(proof.LeafHash(b))
		return nil
	})
	return tree.Root() == head.Root, err
}
