package retention_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/projections"
	"greffe/projections/internal/sqlfile"
	"greffe/projections/projtest"
	"greffe/projections/retention"
)

// nothing is a projection that does nothing: what following costs.
type nothing struct{ at domain.Position }

func (*nothing) Name() string                                          { return "nothing" }
func (n *nothing) Checkpoint(context.Context) (domain.Position, error) { return n.at, nil }
func (*nothing) Reset(context.Context) error                           { return nil }
func (*nothing) Dump(context.Context, io.Writer) error                 { return nil }
func (*nothing) Close() error                                          { return nil }
func (n *nothing) Apply(_ context.Context, f []projections.Fact) error {
	n.at = f[len(f)-1].Position + 1
	return nil
}

// BenchmarkNothing is to be taken from BenchmarkCatchUp: reading and decoding facts.
func BenchmarkNothing(b *testing.B) {
	projtest.Bench(b, 100_000, 20_000, func(string, *projtest.World, func(sqlfile.Step) error) (projtest.Closer, error) {
		return &nothing{}, nil
	})
}

// settling is a store whose rows are written at the end of a catch-up too.
type settling struct {
	*retention.Store
	end domain.Position
}

func (s settling) Apply(ctx context.Context, f []projections.Fact) error {
	if err := s.Store.Apply(ctx, f); err != nil || f[len(f)-1].Position+1 < s.end {
		return err
	}
	_, err := s.Clocks(ctx, domain.ID{1})
	return ignore(err)
}

func ignore(err error) error {
	if errors.Is(err, retention.ErrUnknown) {
		return nil
	}
	return err
}

func BenchmarkCatchUp(b *testing.B) {
	rules := shipped(b)
	projtest.Bench(b, 100_000, 20_000, func(dir string, _ *projtest.World, _ func(sqlfile.Step) error) (projtest.Closer, error) {
		s, err := retention.Open(filepath.Join(dir, "retention.db"), rules, sqlfile.Options{})
		return settling{s, 100_000}, err
	})
}
