package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/eventstore/eraser"
)

// extent is what there was of a person, and of the contacts that are it, before an order:
// read from facts alone, so that it can be told of every erasure, also of those that were
// certified long ago.
type extent struct {
	parts   map[string]int64 // by class
	sources []domain.ID      // that sent something of the person
	objects bool
}

func (e erasures) extent(ctx context.Context, persons []domain.ID, below domain.Position) (x extent, err error) {
	var facts []*event.Fact
	for _, person := range persons {
		err := (factsOf)(e).Of(ctx, person, func(at domain.Position, f *event.Fact) error {
			if at >= below {
				return nil
			}
			facts = append(facts, f)
			if !f.Source.IsZero() && !slices.Contains(x.sources, f.Source) {
				x.sources = append(x.sources, f.Source)
			}
			_, objects := opposition.EntryOf(at, f)
			x.objects = x.objects || objects
			return nil
		})
		if err != nil {
			return x, fmt.Errorf("what there was of the person: %w", err)
		}
	}
	x.parts = erasure.Amounts(facts)
	return x, nil
}

// ordered is the extent before an order; ok is false of one that is about a single event.
func (e erasures) ordered(ctx context.Context, order, subject domain.ID) (x extent, ok bool, err error) {
	at, f, err := e.a.Dossier.Fact(ctx, order)
	if err != nil {
		return x, false, err
	}
	if !f.Codes.ID("event").IsZero() {
		return x, false, nil
	}
	persons, err := (factsOf)(e).Persons(ctx, subject, at)
	if err != nil {
		return x, false, err
	}
	x, err = e.extent(ctx, persons, at)
	return x, err == nil, err
}

// amounts says of the classes of a certificate what there was of each, apart from those
// whose keys were closed without anything under them.
func (e erasures) amounts(ctx context.Context, order domain.ID, c *eraser.Certificate, out *httpapi.Certificate) error {
	out.Data, out.Empty = []httpapi.ErasureClass{}, []string{}
	x, ok, err := e.ordered(ctx, order, c.Subject)
	if err != nil {
		return err
	}
	for _, class := range c.Destroyed {
		switch n := x.parts[class]; {
		case !ok:
			out.Data = append(out.Data, httpapi.ErasureClass{Class: class, Parts: 1})
		case n > 0:
			out.Data = append(out.Data, httpapi.ErasureClass{Class: class, Parts: n})
		default:
			out.Empty = append(out.Empty, class)
		}
	}
	for i := range out.Kept {
		out.Kept[i].Parts = x.parts[out.Kept[i].Class]
	}
	out.Opposition = c.Whole && x.objects
	return nil
}

// mayHold reports a recipient that takes the policy's news of erasures under ids of its
// own, and sent something of the person; one without a source of its own takes all.
func (e erasures) mayHold(code string, sources []domain.ID) bool {
	rules, _ := e.a.Ledger.Policy()
	r, ok := rules.Recipient(code)
	return ok && (r.Source == "" || slices.Contains(sources, e.a.Ledger.Peppers().SourceID(r.Source)))
}

// Since implements httpapi.Erasures.
func (e erasures) Since(ctx context.Context, subject domain.ID, at time.Time) (out []httpapi.RequestErasure, err error) {
	if err := e.a.indexed(ctx); err != nil {
		return nil, err
	}
	err = (factsOf)(e).Of(ctx, subject, func(_ domain.Position, f *event.Fact) error {
		switch order := f.Codes.ID("order"); {
		case f.Type == event.ErasureOrdered && f.Codes.ID("event").IsZero() && !f.Recorded.Before(at):
			out = append(out, httpapi.RequestErasure{Operation: f.Codes.ID("operation"), Ordered: f.Recorded.Time, Whole: f.Codes.Bool("whole")})
		case f.Type == event.SubjectErased:
			for i := range out {
				if id := f.ID; out[i].Operation == order || out[i].Operation == f.Codes.ID("operation") {
					out[i].Certificate = &id
				}
			}
		}
		return nil
	})
	return out, err
}
