package inspection

import (
	"context"
	"fmt"
	"slices"

	"greffe/domain"
	"greffe/domain/bundle"
	mission "greffe/domain/inspection"
)

// draw says who is drawn: it follows from the inspection's id and who there is.
func (g *gathering) draw(ctx context.Context) error {
	if g.drawn != nil || g.order.Inspection.Samples == 0 {
		return nil
	}
	d := mission.NewDraw(g.order.ID, g.order.Inspection.Samples)
	err := g.everybody(ctx, func(id domain.ID) error { d.Offer(id); return nil })
	g.drawn = d.Drawn()
	return err
}

// samples writes the persons drawn: by pseudonym, and in clear where that was asked
// for and permitted.
func (g *gathering) samples(ctx context.Context) error {
	if err := g.draw(ctx); err != nil || len(g.drawn) == 0 {
		return err
	}
	add, end, err := g.table("sampled_persons", []bundle.Column{
		col("subject", bundle.ID, "Personne", "Pseudonym."),
		col("rank", bundle.Text, "Rang", "First 8 bytes, in hexadecimal, of SHA-256 of greffe/sample/1, a zero byte, the inspection's and the person's 16 bytes: those of the lowest rank are drawn."),
	})
	if err != nil {
		return err
	}
	for _, id := range g.drawn {
		g.figures.Sampled++
		if err := add(bundle.IDOf(id), bundle.TextOf(fmt.Sprintf("%016x", mission.Rank(g.order.ID, id)))); err != nil {
			return err
		}
	}
	if err := end(); err != nil || !g.order.Samples {
		return err
	}
	return g.clear(ctx)
}

// clear opens the persons drawn, at most 1,000 under one access.
func (g *gathering) clear(ctx context.Context) error {
	add, end, err := g.table("samples_in_clear", []bundle.Column{
		col("subject", bundle.ID, "Personne", "Pseudonym."),
		col("position", bundle.Int, "Position", "Of the fact."),
		col("event", bundle.ID, "Événement", "Id of the fact."),
		col("type", bundle.Text, "Type", "Of the catalogue."),
		col("field", bundle.Text, "Champ", "Path of the field; absent where a part was destroyed."),
		col("value", bundle.Text, "Valeur", "In clear: text, or JSON of anything else."),
		col("destroyed", bundle.Text, "Classe détruite", "Retention class whose part no longer exists."),
	})
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(g.drawn, page) {
		err := g.sources.Open(ctx, chunk, g.order.To, func(c *Clear) error {
			return add(bundle.IDOf(c.Subject), bundle.PositionOf(c.Position), bundle.IDOf(c.Event), bundle.TextOf(string(c.Type)), textOf(c.Field), clearValue(c), textOf(c.Gone))
		})
		if err != nil {
			return fmt.Errorf("persons drawn: %w", err)
		}
	}
	return end()
}

func clearValue(c *Clear) bundle.Value {
	if c.Gone != "" {
		return bundle.Value{}
	}
	return bundle.TextOf(c.Value)
}
