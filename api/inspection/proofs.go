package inspection

import (
	"context"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
	"greffe/domain/proof"
)

// maxProofs bounds the proofs of one person.
const maxProofs = 50

// proofs writes the proofs of the consents, refusals and withdrawals of the persons
// drawn: each checks by itself, also when the person is erased.
func (g *gathering) proofs(ctx context.Context) error {
	if err := g.draw(ctx); err != nil || len(g.drawn) == 0 {
		return err
	}
	anchors, err := g.sources.Prover.Anchors(ctx, g.size)
	if err != nil {
		return fmt.Errorf("proofs: %w", err)
	}
	anchors = slices.DeleteFunc(anchors, func(a proof.Anchor) bool { return a.Size != g.size })
	consents := group("consent.")
	for _, id := range g.drawn {
		n := 0
		err := g.sources.FactsOf(ctx, id, g.order.To, func(p domain.Position, raw []byte, f *event.Fact) error {
			if n == maxProofs || !consents(f.Type) {
				return nil
			}
			n++
			path, err := g.sources.Prover.Inclusion(ctx, uint64(p), g.size)
			if err != nil {
				return err
			}
			given := proof.Given{Index: uint64(p), Fact: raw, Path: path, Checkpoint: g.note, Anchors: anchors}
			b, err := given.Encode()
			if err != nil {
				return err
			}
			g.figures.Proofs++
			return g.file(bundle.ProofsDir+f.ID.String()+".tlog-proof", bundle.MediaText, b)
		})
		if err != nil {
			return fmt.Errorf("proofs: %w", err)
		}
	}
	return nil
}
