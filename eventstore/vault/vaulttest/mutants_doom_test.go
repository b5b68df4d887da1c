package vaulttest_test

import (
	"context"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// altered passes an altered copy of each doom on.
func altered(alter func(d *vault.Doom)) func(s *broken) {
	return func(s *broken) {
		s.destroy = func(ctx context.Context, dooms []vault.Doom) error {
			dooms = slices.Clone(dooms)
			for i := range dooms {
				alter(&dooms[i])
			}
			return s.Store.Destroy(ctx, dooms)
		}
	}
}

// marked alters the marks of destroyed owners as they are read.
func marked(alter func(k *vault.KeyRow)) func(s *broken) {
	return func(s *broken) {
		s.keys = func(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
			rows, err := s.Store.Keys(ctx, owners)
			for i := range rows {
				if rows[i].Destroyed {
					alter(&rows[i])
				}
			}
			return rows, err
		}
	}
}

func doomMutants() []mutant {
	return []mutant{
		{"a class takes all", "doom/a class goes", altered(func(d *vault.Doom) { d.Keys, d.Row, d.Tokens = nil, nil, false })},
		{"a class takes every class", "doom/a class goes", altered(func(d *vault.Doom) {
			if !d.All() {
				d.Keys = []vault.ClassEpoch{{Class: "identity", Epoch: "whole"}, {Class: "contact_details", Epoch: "2026-03"}}
			}
		})},
		{"a class takes every epoch", "doom/a class goes", altered(func(d *vault.Doom) {
			for _, k := range d.Keys {
				d.Keys = append(slices.Clone(d.Keys), vault.ClassEpoch{Class: k.Class, Epoch: "2026"})
			}
		})},
		{"only the first class goes", "doom/", func(s *broken) {
			seen := map[part.Owner]bool{}
			altered(func(d *vault.Doom) {
				if seen[d.Owner] && !d.All() {
					d.Keys = []vault.ClassEpoch{{Class: "none"}}
				}
				seen[d.Owner] = true
			})(s)
		}},
		{"tokens go unasked", "doom/a class goes", altered(func(d *vault.Doom) { d.Tokens = !d.All() })},
		{"tokens stay", "doom/tokens", altered(func(d *vault.Doom) { d.Tokens = false })},
		{"rows are forgotten", "doom/a class goes", altered(func(d *vault.Doom) { d.Row = nil })},
		{"stale rows are written", "doom/a stale", func(s *broken) {
			altered(func(d *vault.Doom) {
				if d.Row == nil {
					return
				}
				if rows, err := s.Store.Keys(context.Background(), []part.Owner{d.Owner}); err == nil {
					w := *d.Row
					w.Rev, d.Row = rows[0].Rev, &w
				}
			})(s)
		}},
		{"what comes before a stale row is destroyed", "doom/a stale", func(s *broken) {
			s.destroy = func(ctx context.Context, dooms []vault.Doom) error {
				for i := range dooms {
					if err := s.Store.Destroy(ctx, dooms[i:i+1]); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		{"a written row is stale", "doom/the same call", func(s *broken) {
			s.destroy = func(ctx context.Context, dooms []vault.Doom) error {
				for i := range dooms {
					if dooms[i].Row == nil {
						continue
					}
					if rows, err := s.Store.Keys(ctx, []part.Owner{dooms[i].Owner}); err != nil || rows[0].Rev != dooms[i].Row.Rev {
						return vault.ErrStale
					}
				}
				return s.Store.Destroy(ctx, dooms)
			}
		}},
		{"contradictions are read as all", "doom/contradictions", altered(func(d *vault.Doom) {
			if d.All() {
				d.Row, d.Tokens = nil, false
			}
		})},
		{"marks forget by what", "doom/a mark", marked(func(k *vault.KeyRow) { k.By = domain.ID{} })},
		{"marks forget when", "doom/a mark", marked(func(k *vault.KeyRow) { k.At = 0 })},
		{"the latest mark wins", "doom/a mark", func(s *broken) {
			latest := map[part.Owner]vault.Doom{}
			altered(func(d *vault.Doom) { latest[d.Owner] = *d })(s)
			s.keys = func(ctx context.Context, owners []part.Owner) ([]vault.KeyRow, error) {
				rows, err := s.Store.Keys(ctx, owners)
				for i := range rows {
					if rows[i].Destroyed {
						rows[i].By, rows[i].At = latest[owners[i]].By, latest[owners[i]].At
					}
				}
				return rows, err
			}
		}},
		{"redact does nothing", "redact/one", func(s *broken) {
			s.redact = func(context.Context, []vault.PartID) error { return nil }
		}},
		{"redact takes the whole event", "redact/one", func(s *broken) {
			s.redact = func(ctx context.Context, parts []vault.PartID) error {
				for _, p := range parts {
					parts = append(parts, vault.PartID{Event: p.Event, Class: "identity"})
				}
				return s.Store.Redact(ctx, parts)
			}
		}},
		{"redact knows one part", "redact/several", func(s *broken) {
			s.redact = func(ctx context.Context, parts []vault.PartID) error {
				return s.Store.Redact(ctx, parts[:min(1, len(parts))])
			}
		}},
	}
}

func moveMutants() []mutant {
	return []mutant{
		{"moves are forgotten", "moves/to another", changed(func(b *vault.Batch) { b.Moves = nil })},
		{"moves are not checked", "moves/refuses", func(s *broken) {
			changed(func(b *vault.Batch) {
				b.Moves = slices.Clone(b.Moves)
				for i, m := range b.Moves {
					if ids, err := s.Store.Links(context.Background(), []token.Token{m.Token}); err == nil {
						b.Moves[i].From = ids[0]
					}
				}
			})(s)
		}},
		{"links do not go", "moves/to another", changed(func(b *vault.Batch) {
			b.Moves = slices.DeleteFunc(slices.Clone(b.Moves), func(m vault.Move) bool { return m.To.IsZero() })
		})},
		{"two racers move", "race/one of 64 moves", afterRefusal(func(*broken, context.Context, *vault.Batch, error) error { return nil })},
		{"moves of a refused batch stay", "moves/", afterRefusal(func(s *broken, ctx context.Context, b *vault.Batch, err error) error {
			_, _ = s.Store.Prepare(ctx, &vault.Batch{Moves: b.Moves[:min(1, len(b.Moves))]})
			return err
		})},
	}
}
