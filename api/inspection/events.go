package inspection

import (
	"context"
	"errors"
	"fmt"

	"greffe/domain"
	"greffe/domain/bundle"
	"greffe/domain/event"
)

// eventColumns are those that every fact has; fact is its exact bytes.
func eventColumns() []bundle.Column {
	return append(where(),
		col("source", bundle.ID, "Système", "Producer; absent: the ledger itself."),
		col("actor", bundle.ID, "Compte", "Account that acted."),
		col("controller", bundle.Text, "Responsable", "Controller."),
		col("policy", bundle.Int, "Politique", "Version in force when it was recorded."),
		col("sequence", bundle.Int, "Numéro", "The producer's own number."),
		col("fact", bundle.Text, "Fait", "The fact's exact bytes, as they were hashed."),
	)
}

// pass reads the period once and fills every table of facts.
type pass struct {
	w       *bundle.Writer
	order   *Order
	figures *Figures
	events  *bundle.Table
	kinds   []kind
	tables  []register
	byType  map[event.Type][]int // tables that take a type
	row     []bundle.Value
}

const reportEvery = 4096

// facts writes table events and those of kinds in scope.
func (g *gathering) facts(ctx context.Context) error {
	p := &pass{w: g.w, order: g.order, figures: g.figures, byType: map[event.Type][]int{}, row: make([]bundle.Value, 0, 32)}
	var err error
	if p.events, err = g.w.Table(bundle.EventsTable, bundle.Schema{Columns: eventColumns()}); err != nil {
		return err
	}
	for _, k := range kinds() {
		if !g.order.Covers(k.section) {
			continue
		}
		t, err := g.register(k.name, append(where(), k.columns...))
		if err != nil {
			return err
		}
		p.kinds, p.tables = append(p.kinds, k), append(p.tables, t)
	}
	if err := g.sources.Log.Read(ctx, g.order.From, g.order.To, p.fact); err != nil {
		return fmt.Errorf("facts of the period: %w", err)
	}
	errs := []error{p.events.Close()}
	for _, t := range p.tables {
		errs = append(errs, t.Close())
	}
	return errors.Join(errs...)
}

func (p *pass) fact(at domain.Position, raw []byte) error {
	f, err := event.DecodeFact(raw)
	if err != nil {
		return fmt.Errorf("fact at position %d: %w", at, err)
	}
	p.row = append(whereOf(p.row[:0], at, f), bundle.IDOf(f.Source), bundle.IDOf(f.Actor), textOf(f.Controller), bundle.IntOf(f.Policy), sequence(f), bundle.TextOf(string(raw)))
	if err := p.events.Append(p.row); err != nil {
		return err
	}
	for _, i := range p.takes(f.Type) {
		p.row = p.kinds[i].row(whereOf(p.row[:0], at, f), f)
		if err := p.tables[i].Append(p.row); err != nil {
			return err
		}
	}
	p.figures.fact(f)
	if done := int64(at-p.order.From) + 1; p.order.Progress != nil && (done%reportEvery == 0 || at+1 == p.order.To) {
		p.order.Progress(done, int64(p.order.To-p.order.From))
	}
	return nil
}

// takes are the tables of a type.
func (p *pass) takes(t event.Type) []int {
	list, known := p.byType[t]
	if !known {
		for i, k := range p.kinds {
			if k.types(t) {
				list = append(list, i)
			}
		}
		p.byType[t] = list
	}
	return list
}

func sequence(f *event.Fact) bundle.Value {
	if f.Sequence == nil {
		return bundle.Value{}
	}
	return bundle.IntOf(*f.Sequence)
}
