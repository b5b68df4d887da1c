package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// walkRows bounds how many parts, or rows, a walk holds in memory; walkTokens how many
// links and key rows.
const (
	walkRows   = 500
	walkTokens = 2_000
)

// walkSQL merges the buckets, each in the order of its index.
func walkSQL(n int) string {
	const columns = "SELECT seq, ord, owner, class, epoch, data FROM %s WHERE class IS NOT NULL AND (seq, ord) > ($1::bigint, $2::int)"
	each := make([]string, n)
	for k := range each {
		each[k] = "(" + fmt.Sprintf(columns, fmt.Sprintf("cell_%d", k)) + " ORDER BY seq, ord)"
	}
	return "SELECT c.seq, ord, event, c.owner, class, epoch, data FROM (SELECT * FROM (" + strings.Join(each, " UNION ALL ") +
		") u ORDER BY seq, ord LIMIT $3) c JOIN intake i ON i.seq = c.seq ORDER BY c.seq, ord"
}

// walked is a part with where it lies.
type walked struct {
	seq   int64
	ord   int32
	event domain.ID
	part  vault.Part
}

// Walk implements vault.Store. It holds nothing while fn runs; what is recorded or
// destroyed meanwhile may or may not be seen.
func (s *Store) Walk(ctx context.Context, fn func(event domain.ID, p vault.Part) error) error {
	sql, seq, ord := walkSQL(len(s.buckets)), int64(-1), int32(0)
	for {
		var some []walked
		err := s.read(ctx, "walk", func(ctx context.Context, conn *pgx.Conn) (err error) {
			some, err = walkPage(ctx, conn, sql, seq, ord)
			return err
		})
		if err != nil || len(some) == 0 {
			return err
		}
		for i := range some {
			if err := fn(some[i].event, some[i].part); err != nil {
				return err
			}
		}
		seq, ord = some[len(some)-1].seq, some[len(some)-1].ord
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("vault: walk: %w", err)
		}
	}
}

func walkPage(ctx context.Context, conn *pgx.Conn, sql string, seq int64, ord int32) (some []walked, err error) {
	rows, err := conn.Query(ctx, sql, seq, ord, walkRows)
	if err != nil {
		return nil, err
	}
	var w walked
	var event, owner, class, epoch, data []byte
	_, err = pgx.ForEachRow(rows, []any{&w.seq, &w.ord, &event, &owner, &class, &epoch, &data}, func() error {
		o, err := ownerOf(owner)
		if err != nil || len(event) != 16 {
			return errDamaged
		}
		w.event = domain.ID(event)
		w.part = vault.Part{Key: part.KeyID{Owner: o, Class: string(class), Epoch: string(epoch)}, Bytes: append([]byte{}, data...)}
		some = append(some, w)
		return nil
	})
	return some, err
}

// rowWalk reads pages of rows: those of intake, then their cells of all buckets.
type rowWalk struct {
	*Store
	cells string
	last  int64
	rows  []*vault.Recorded
	at    map[int64]*vault.Recorded
}

const walkIntake = `SELECT seq, event, owner, mac, base, pending FROM intake JOIN batch ON number = seq >> 20
	WHERE seq > $1 ORDER BY seq LIMIT $2`

func walkCells(n int) string {
	each := make([]string, n)
	for k := range each {
		each[k] = fmt.Sprintf("SELECT seq, ord, owner, class, epoch, data, tokens FROM cell_%d WHERE seq > $1 AND seq <= $2", k)
	}
	return strings.Join(each, " UNION ALL ") + " ORDER BY seq, ord"
}

// WalkRows implements vault.Walker.
func (s *Store) WalkRows(ctx context.Context, from int64, fn func(*vault.Recorded) error) error {
	w := &rowWalk{Store: s, cells: walkCells(len(s.buckets)), last: from<<seqBits - 1}
	for {
		err := s.read(ctx, "walk rows", func(ctx context.Context, conn *pgx.Conn) error { return w.page(ctx, conn) })
		if err != nil || len(w.rows) == 0 {
			return err
		}
		for _, r := range w.rows {
			if err := fn(r); err != nil {
				return err
			}
		}
		end := w.rows[len(w.rows)-1]
		w.last = end.Number<<seqBits | int64(end.Index)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("vault: walk rows: %w", err)
		}
	}
}

func (w *rowWalk) page(ctx context.Context, conn *pgx.Conn) error {
	w.rows, w.at = nil, map[int64]*vault.Recorded{}
	if _, err := conn.Exec(ctx, checkWhole); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, walkIntake, w.last, walkRows)
	if err != nil {
		return err
	}
	var seq, base, last int64
	var pending bool
	var event, owner, mac []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &event, &owner, &mac, &base, &pending}, func() error {
		o, err1 := ownerOf(owner)
		m, err2 := macOf(mac)
		if err1 != nil || err2 != nil || len(event) != 16 {
			return errDamaged
		}
		r := &vault.Recorded{Number: seq >> seqBits, Index: int(seq & (maxRows - 1)), Base: domain.Position(base), Pending: pending,
			Row: vault.Row{Event: domain.ID(event), Owner: o, MAC: m}}
		w.rows, w.at[seq], last = append(w.rows, r), r, seq
		return nil
	})
	if err != nil || len(w.rows) == 0 {
		return err
	}
	return w.fill(ctx, conn, last)
}

// fill gives rows what is in cells.
func (w *rowWalk) fill(ctx context.Context, conn *pgx.Conn, last int64) error {
	rows, err := conn.Query(ctx, w.cells, w.last, last)
	if err != nil {
		return err
	}
	var seq int64
	var ord int32
	var owner, class, epoch, data, tokens []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &ord, &owner, &class, &epoch, &data, &tokens}, func() error {
		o, err := ownerOf(owner)
		if err != nil {
			return err
		}
		r := w.at[seq]
		switch {
		case r == nil:
		case class != nil:
			r.Parts = append(r.Parts, vault.Part{Key: part.KeyID{Owner: o, Class: string(class), Epoch: string(epoch)}, Bytes: append([]byte{}, data...)})
		case len(data)+len(tokens) > 0:
			r.BodyMAC, r.Tokens = append([]byte(nil), data...), append([]byte(nil), tokens...)
		}
		return nil
	})
	return err
}

// WalkLinks implements vault.Walker.
func (s *Store) WalkLinks(ctx context.Context, fn func(vault.Link) error) error {
	return s.walkTable(ctx, "link", fn)
}

// WalkHolds implements vault.Walker.
func (s *Store) WalkHolds(ctx context.Context, fn func(vault.Hold) error) error {
	return s.walkTable(ctx, "hold", func(l vault.Link) error { return fn(vault.Hold(l)) })
}

func (s *Store) walkTable(ctx context.Context, table string, fn func(vault.Link) error) error {
	after := []byte{}
	for {
		var some []vault.Link
		err := s.read(ctx, "walk "+table+"s", func(ctx context.Context, conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, checkWhole); err != nil {
				return err
			}
			rows, err := conn.Query(ctx, "SELECT token, id, mac FROM "+table+" WHERE token > $1 ORDER BY token LIMIT $2", after, walkTokens)
			if err != nil {
				return err
			}
			some, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l vault.Link, err error) {
				l.Token, l.ID, l.MAC, err = scanToken(row)
				return l, err
			})
			return err
		})
		if err != nil || len(some) == 0 {
			return err
		}
		for i := range some {
			if err := fn(some[i]); err != nil {
				return err
			}
		}
		after = some[len(some)-1].Token[:]
	}
}

func scanToken(row pgx.CollectableRow) (t token.Token, id domain.ID, m vault.MAC, err error) {
	var bt, bi, bm []byte
	if err := row.Scan(&bt, &bi, &bm); err != nil {
		return t, id, m, err
	}
	if len(bt) != len(t) || len(bi) != len(id) {
		return t, id, m, errDamaged
	}
	m, err = macOf(bm)
	return token.Token(bt), domain.ID(bi), m, err
}

func macOf(b []byte) (m vault.MAC, err error) {
	switch len(b) {
	case 0:
	case len(m):
		m = vault.MAC(b)
	default:
		err = errDamaged
	}
	return m, err
}

// WalkKeys implements vault.Walker.
func (s *Store) WalkKeys(ctx context.Context, fn func(part.Owner, vault.KeyRow) error) error {
	after := []byte{}
	for {
		var owners []part.Owner
		err := s.read(ctx, "walk keys", func(ctx context.Context, conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, "SELECT owner FROM owner WHERE owner > $1 ORDER BY owner LIMIT $2", after, walkTokens)
			if err != nil {
				return err
			}
			owners, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o part.Owner, err error) {
				var b []byte
				if err = row.Scan(&b); err == nil {
					o, err = ownerOf(b)
				}
				return o, err
			})
			return err
		})
		if err != nil || len(owners) == 0 {
			return err
		}
		keys, err := s.Keys(ctx, owners)
		if err != nil {
			return err
		}
		for i := range keys {
			if err := fn(owners[i], keys[i]); err != nil {
				return err
			}
		}
		after = ownerKey(owners[len(owners)-1])
	}
}
