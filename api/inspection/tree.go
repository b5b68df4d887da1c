package inspection

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"greffe/domain/bundle"
	"greffe/domain/proof"
)

// tree writes every tile of the signed tree, and the heads and anchors up to it.
func (g *gathering) tree(ctx context.Context) error {
	for t := range proof.TilesOf(g.size) {
		b, err := g.sources.Prover.Tile(ctx, t)
		if err != nil {
			return fmt.Errorf("tile: %w", err)
		}
		if err := g.file(t.Path(), bundle.MediaBytes, b); err != nil {
			return err
		}
	}
	return g.heads(ctx)
}

var errEnough = errors.New("enough")

func (g *gathering) heads(ctx context.Context) error {
	f, err := g.w.File(bundle.HeadsPath, bundle.MediaNDJSON)
	if err != nil {
		return err
	}
	var line []byte
	err = g.sources.Prover.Records(ctx, func(r *proof.Record) error {
		var size uint64
		if r.Anchor != nil {
			size = r.Anchor.Size
		} else if size, err = strconv.ParseUint(sizeOf(r.Checkpoint), 10, 64); err != nil {
			return proof.ErrRecord
		}
		if size > g.size {
			if r.Anchor != nil { // of a head that is not in the bundle
				return nil
			}
			return errEnough
		}
		if line, err = proof.AppendRecord(line[:0], r); err != nil {
			return err
		}
		_, err := f.Write(append(line, '\n'))
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("heads: %w", err)
	}
	return f.Close()
}
