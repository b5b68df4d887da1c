package vaulttest_test

import (
	"context"
	"path/filepath"
	"testing"

	"greffe/domain"
	"greffe/eventstore/vault/sqlite"
	"greffe/eventstore/vault/transfer"
	"greffe/eventstore/vault/vaulttest"
)

// moved is a right store whose imports or snapshots are made wrong.
type moved struct {
	*sqlite.Store
	take    func(r transfer.Record) transfer.Record // nil: left out
	give    func(r transfer.Record) transfer.Record
	started func(s *sqlite.Store) (transfer.Writer, error)
	moving  bool // reads in place
}

func (s *moved) Import(ctx context.Context) (transfer.Writer, error) {
	if s.started != nil {
		return s.started(s.Store)
	}
	w, err := s.Store.Import(ctx)
	if err != nil || s.take == nil {
		return w, err
	}
	return &taker{w, s.take}, nil
}

func (s *moved) Snapshot(ctx context.Context) (transfer.Reader, error) {
	var from transfer.Source = s.Store
	if s.moving {
		from = s.Still()
	}
	r, err := from.Snapshot(ctx)
	if err != nil || s.give == nil {
		return r, err
	}
	return &giver{r, s.give}, nil
}

type taker struct {
	transfer.Writer
	alter func(r transfer.Record) transfer.Record
}

func (w *taker) Write(ctx context.Context, records []transfer.Record) error {
	var some []transfer.Record
	for _, r := range records {
		if r = w.alter(r); r != nil {
			some = append(some, r)
		}
	}
	return w.Writer.Write(ctx, some)
}

type giver struct {
	transfer.Reader
	alter func(r transfer.Record) transfer.Record
}

func (r *giver) Each(ctx context.Context, fn func(transfer.Record) error) error {
	return r.Reader.Each(ctx, func(rec transfer.Record) error {
		if rec = r.alter(rec); rec == nil {
			return nil
		}
		return fn(rec)
	})
}

// only alters records of one type.
func only[R transfer.Record](alter func(r *R) (keep bool)) func(transfer.Record) transfer.Record {
	return func(rec transfer.Record) transfer.Record {
		r, ok := rec.(R)
		if !ok {
			return rec
		}
		if !alter(&r) {
			return nil
		}
		return r
	}
}

// both alters what is given and leaves the counting none the wiser.
func both(alter func(transfer.Record) transfer.Record) func(from, to *moved) {
	return func(from, _ *moved) { from.give = alter }
}

func taking(alter func(transfer.Record) transfer.Record) func(from, to *moved) {
	return func(_, to *moved) { to.take = alter }
}

// TestTransferMutantsFail shows that RunTransfer turns red when the target loses or
// alters a record of any kind, when the source does and the counts agree, when it gives
// what comes after its instant, and when a partial or a full vault is imported into or
// shown.
func TestTransferMutantsFail(t *testing.T) {
	t.Parallel()
	mutants := map[string]struct {
		red  string
		harm func(from, to *moved)
	}{
		"links are lost":              {"whole/", taking(only(func(*transfer.Link) bool { return false }))},
		"holds are lost, and counted": {"whole/everything", both(only(func(*transfer.Hold) bool { return false }))},
		"links are others":            {"whole/everything", both(only(func(r *transfer.Link) bool { r.ID = domain.ID{1}; return true }))},
		"marks forget their fact":     {"whole/everything", both(only(func(r *transfer.Key) bool { r.By = domain.ID{}; return true }))},
		"marks forget their time":     {"whole/everything", both(only(func(r *transfer.Key) bool { r.At = 0; return true }))},
		"marks are lost":              {"whole/everything", both(only(func(r *transfer.Key) bool { return !r.Destroyed }))},
		"revisions begin again":       {"whole/everything", both(only(func(r *transfer.Key) bool { r.Rev = min(r.Rev, 1); return true }))},
		"bases are forgotten":         {"whole/everything", both(only(func(r *transfer.Batch) bool { r.Base = 0; return true }))},
		"what is pending is settled": {"whole/everything", both(func(rec transfer.Record) transfer.Record {
			rec = only(func(r *transfer.Batch) bool { r.Pending = false; return true })(rec)
			return only(func(r *transfer.Row) bool { r.Fact = nil; return true })(rec)
		})},
		"facts are others":         {"whole/everything", both(only(func(r *transfer.Row) bool { clear(r.Fact); return true }))},
		"tokens are lost":          {"whole/everything", both(only(func(r *transfer.Row) bool { r.Tokens = nil; return true }))},
		"body MACs are lost":       {"whole/everything", both(only(func(r *transfer.Row) bool { r.BodyMAC = nil; return true }))},
		"the last part is lost":    {"whole/everything", both(only(func(r *transfer.Row) bool { r.Parts = r.Parts[:min(1, len(r.Parts))]; return true }))},
		"the owner is lost":        {"whole/everything", both(only(func(r *transfer.Row) bool { r.Owner.Kind = 0; return true }))},
		"values are lost":          {"whole/everything", both(only(func(*transfer.Meta) bool { return false }))},
		"an empty value is lost":   {"whole/everything", both(only(func(r *transfer.Meta) bool { return len(r.Value) > 0 }))},
		"lines are lost":           {"whole/everything", both(only(func(*transfer.FenceLine) bool { return false }))},
		"the end is lost":          {"whole/everything", both(only(func(r *transfer.State) bool { r.End = 0; return true }))},
		"numbers begin again":      {"whole/everything", both(only(func(r *transfer.State) bool { r.Next = 3; return true }))},
		"the generation is lost":   {"instant/not in", both(only(func(r *transfer.State) bool { r.Generation = 1; return true }))},
		"what was destroyed comes": {"whole/everything", both(only(func(r *transfer.Row) bool { r.Tokens = make([]byte, 40); return true }))},
		"a snapshot is read later": {"instant/what", func(from, _ *moved) { from.moving = true }},
		"a full vault is emptied": {"refuses/", func(_, to *moved) {
			to.started = func(s *sqlite.Store) (transfer.Writer, error) { return dropped{}, nil }
		}},
		"nothing is imported": {"partial/", func(_, to *moved) {
			to.started = func(s *sqlite.Store) (transfer.Writer, error) { return dropped{}, nil }
		}},
	}
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := opener(t, m.harm)
			if len(vaulttest.CheckTransfer(t.Context(), m.red, from, to)) == 0 {
				t.Errorf("the cases named %q stayed green", m.red)
			}
		})
	}
}

// dropped takes everything and keeps nothing.
type dropped struct{}

func (dropped) Write(context.Context, []transfer.Record) error { return nil }
func (dropped) Commit(context.Context) error                   { return nil }
func (dropped) Close() error                                   { return nil }

// opener gives harmed pairs of stores, each pair on files of its own.
func opener(t *testing.T, harm func(from, to *moved)) (from, to func() vaulttest.MovableOpener) {
	one := func(target bool) func() vaulttest.MovableOpener {
		return func() vaulttest.MovableOpener {
			path := filepath.Join(t.TempDir(), "vault.db")
			return func() (vaulttest.Movable, error) {
				s, err := sqlite.Open(t.Context(), path)
				pair := [2]*moved{{Store: s}, {Store: s}}
				harm(pair[0], pair[1])
				if target {
					return pair[1], err
				}
				return pair[0], err
			}
		}
	}
	return one(false), one(true)
}
