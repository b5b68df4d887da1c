package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

var (
	_ transfer.Source = (*Store)(nil)
	_ transfer.Target = (*Store)(nil)
)

// snapshotName is of directories beside the vault that hold a copy while it is read.
const snapshotName = ".snapshot-"

// removeSnapshots removes the copies that a crash left.
func removeSnapshots(path string) error {
	left, err := filepath.Glob(globbed(path) + snapshotName + "*")
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// globbed quotes what a pattern would take for more than itself.
func globbed(path string) string {
	var b []byte
	for _, c := range []byte(path) {
		if bytes.IndexByte([]byte(`*?[\`), c) >= 0 {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return string(b)
}

// Snapshot implements transfer.Source: Backup into a directory beside the vault, which
// Close removes, so that nobody waits for whoever reads. It needs as much room as the
// vault. After a crash, opening the vault removes it.
func (s *Store) Snapshot(ctx context.Context) (_ transfer.Reader, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(s.path), filepath.Base(s.path)+snapshotName)
	if err != nil {
		return nil, fmt.Errorf("vault: snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	path := filepath.Join(dir, "vault.db")
	if err := s.Backup(ctx, path, nil, nil); err != nil {
		return nil, err
	}
	copied, err := open(path, openDriver)
	if err != nil {
		return nil, fmt.Errorf("vault: open the snapshot: %w", err)
	}
	r, err := newReading(ctx, copied)
	if err != nil {
		return nil, errors.Join(err, copied.Close())
	}
	r.release = func() error { return errors.Join(copied.Close(), os.RemoveAll(dir)) }
	return r, nil
}

// Still reads the store where it is, without a copy, for when nobody writes to it:
// after a write, leases included, its readers answer transfer.ErrMoved.
func (s *Store) Still() transfer.Source { return still{s} }

type still struct{ s *Store }

func (s still) Snapshot(ctx context.Context) (transfer.Reader, error) { return newReading(ctx, s.s) }

// reading is a store that is read whole.
type reading struct {
	*Store
	release func() error
	next    int64 // of the store when it began
	state   transfer.State
	total   int64
}

func newReading(ctx context.Context, s *Store) (*reading, error) {
	r := &reading{Store: s, release: func() error { return nil }}
	var err error
	if r.next, err = r.now(ctx); err != nil {
		return nil, fmt.Errorf("vault: snapshot: %w", err)
	}
	err = s.read(ctx, "snapshot", func(c *conn) error {
		at, err := readRetoken(c)
		if err == nil && at.phase != phaseNone {
			err = vault.ErrRetoken
		}
		if err != nil {
			return err
		}
		end, err1 := c.one("SELECT value FROM state WHERE name='end'")
		var err2 error
		r.total, err2 = c.one(`SELECT (SELECT coalesce(sum(rows),0) FROM batch)+(SELECT count(*) FROM batch WHERE rows>0)+
			(SELECT count(*) FROM link)+(SELECT count(*) FROM owner)+(SELECT count(*) FROM hold)`)
		r.state = transfer.State{Generation: int(at.past) + 1, End: domain.Position(end), Next: r.next}
		return errors.Join(err1, err2)
	})
	s.hot(func(g *generation) { r.total += int64(len(g.links) + len(g.owners)) })
	return r, err
}

// now is the number of the next write.
func (r *reading) now(ctx context.Context) (int64, error) {
	if err := r.take(ctx); err != nil {
		return 0, err
	}
	defer r.give()
	return r.Store.next, nil
}

func (r *reading) unmoved(ctx context.Context) error {
	next, err := r.now(ctx)
	if err == nil && next != r.next {
		err = transfer.ErrMoved
	}
	return err
}

// Total implements transfer.Reader.
func (r *reading) Total() int64 { return r.total }

// Close implements transfer.Reader.
func (r *reading) Close() error {
	release := r.release
	r.release = func() error { return nil }
	return release()
}

// Each implements transfer.Reader.
func (r *reading) Each(ctx context.Context, fn func(transfer.Record) error) error {
	if err := fn(r.state); err != nil {
		return err
	}
	for _, step := range []func(context.Context, func(transfer.Record) error) error{
		r.metas, r.fence, r.keys, r.links, r.holds, r.batches,
	} {
		if err := r.unmoved(ctx); err != nil {
			return fmt.Errorf("vault: snapshot: %w", err)
		}
		if err := step(ctx, fn); err != nil {
			return err
		}
	}
	if err := r.unmoved(ctx); err != nil {
		return fmt.Errorf("vault: snapshot: %w", err)
	}
	return nil
}

func (r *reading) metas(ctx context.Context, fn func(transfer.Record) error) error {
	var all []transfer.Record
	err := r.read(ctx, "snapshot", func(c *conn) error {
		return c.query("SELECT name, value FROM meta ORDER BY name", func(row []driver.Value) error {
			name, _ := row[0].(string)
			all = append(all, transfer.Meta{Name: name, Value: append([]byte{}, blob(row[1])...)})
			return nil
		})
	})
	if err != nil {
		return err
	}
	return give(all, fn)
}

func give(all []transfer.Record, fn func(transfer.Record) error) error {
	for _, rec := range all {
		if err := fn(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) fence(ctx context.Context, fn func(transfer.Record) error) error {
	return r.FenceLines(ctx, 0, func(number int64, line []byte) error {
		return fn(transfer.FenceLine{Number: number, Line: line})
	})
}

// readAtOnce is how many entries of a tree are read at a time.
const readAtOnce = 1000

// finder gives the records of keys.
type finder[K comparable] func(c *conn, keys []K) ([]transfer.Record, error)

// keyed gives the records of a tree's keys, some at a time and each once, then those of
// keys that are only in memory.
func keyed[K comparable](ctx context.Context, r *reading, table, column string, dec func([]byte) (K, error), young []K, look finder[K], fn func(transfer.Record) error) error {
	unseen := make(map[K]bool, len(young))
	for _, k := range young {
		unseen[k] = true
	}
	tree := "SELECT " + column + " FROM " + table + " WHERE " + column + ">? ORDER BY " + column + " LIMIT ?"
	var after []byte
	for more := true; more; {
		var keys []K
		err := page(ctx, r, look, fn, func(c *conn) ([]K, error) {
			err := c.query(tree, func(row []driver.Value) error {
				after = blob(row[0])
				k, err := dec(after)
				delete(unseen, k)
				keys = append(keys, k)
				return err
			}, append([]byte{}, after...), int64(readAtOnce))
			return keys, err
		})
		if err != nil {
			return err
		}
		more = len(keys) == readAtOnce
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(unseen)), readAtOnce) {
		if err := page(ctx, r, look, fn, func(*conn) ([]K, error) { return some, nil }); err != nil {
			return err
		}
	}
	return nil
}

// page gives the records of some keys, with nothing held while fn runs.
func page[K comparable](ctx context.Context, r *reading, look finder[K], fn func(transfer.Record) error, some func(c *conn) ([]K, error)) error {
	var all []transfer.Record
	err := r.read(ctx, "snapshot", func(c *conn) error {
		keys, err := some(c)
		if err == nil && len(keys) > 0 {
			all, err = look(c, keys)
		}
		return err
	})
	if err != nil {
		return err
	}
	return give(all, fn)
}

func (r *reading) keys(ctx context.Context, fn func(transfer.Record) error) error {
	return r.owned(ctx, func(c *conn, owners []part.Owner) (all []transfer.Record, err error) {
		rows, err := r.Store.keys(c, owners, false)
		for i := range rows {
			all = append(all, transfer.Key{Owner: owners[i], KeyRow: rows[i]})
		}
		return all, err
	}, fn)
}

// owned gives what look finds of all owners.
func (r *reading) owned(ctx context.Context, look finder[part.Owner], fn func(transfer.Record) error) error {
	var young []part.Owner
	r.hot(func(g *generation) { young = slices.AppendSeq(young, maps.Keys(g.owners)) })
	dec := func(b []byte) (o part.Owner, err error) {
		if len(b) != 17 {
			return o, errDamaged
		}
		return part.Owner{ID: domain.ID(b[:16]), Kind: part.OwnerKind(b[16])}, nil
	}
	return keyed(ctx, r, "owner", "owner", dec, young, look, fn)
}

func tokenIn(b []byte) (t token.Token, err error) {
	if len(b) != len(t) {
		return t, errDamaged
	}
	return token.Token(b), nil
}

func (r *reading) links(ctx context.Context, fn func(transfer.Record) error) error {
	var young []token.Token
	r.hot(func(g *generation) { young = slices.AppendSeq(young, maps.Keys(g.links)) })
	return keyed(ctx, r, "link", "token", tokenIn, young, func(c *conn, tokens []token.Token) (all []transfer.Record, err error) {
		ids, err := r.Store.links(c, tokens)
		for t, l := range ids {
			if !l.id.IsZero() {
				all = append(all, transfer.Link{Token: t, ID: l.id, MAC: l.mac})
			}
		}
		return all, err
	}, fn)
}

func (r *reading) holds(ctx context.Context, fn func(transfer.Record) error) error {
	return keyed(ctx, r, "hold", "token", tokenIn, nil, func(c *conn, tokens []token.Token) (all []transfer.Record, err error) {
		ids, err := holds(c, tokens)
		for t, l := range ids {
			all = append(all, transfer.Hold{Token: t, ID: l.id, MAC: l.mac})
		}
		return all, err
	}, fn)
}
