package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
	"greffe/eventstore/vault/transfer"
)

var (
	_ transfer.Source = (*Store)(nil)
	_ transfer.Target = (*Store)(nil)
)

// snapshot is a copy of the vault in temporary tables of a connection of its own: they
// are in no log, and go with the connection, whatever ends it.
type snapshot struct {
	conn  *pgx.Conn
	limit time.Duration // of reading some rows
	state transfer.State
	total int64
}

// These times the store's limit are how long making the copy may take, and reading some
// of it: the first rows wait for all to be sorted.
const (
	copyLimit = 360
	readLimit = 60
)

// fetchRows is how many rows are read at a time.
const fetchRows = 1000

// Snapshot implements transfer.Source. While the copy is made, which takes as much room
// as the vault, destructions wait; afterwards nobody does.
func (s *Store) Snapshot(ctx context.Context) (_ transfer.Reader, err error) {
	if err := s.idle(ctx, "snapshot"); err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx, s.schema)
	if err != nil {
		return nil, fmt.Errorf("vault: snapshot: %w", s.outside(ctx, err))
	}
	r := &snapshot{conn: conn, limit: readLimit * s.limit}
	within, cancel := context.WithTimeout(ctx, copyLimit*s.limit)
	defer cancel()
	if err := r.copy(within, len(s.buckets)); err != nil {
		return nil, fmt.Errorf("vault: snapshot: %w", errors.Join(s.outside(ctx, err), r.Close()))
	}
	return r, nil
}

// connect makes a connection beside the pool's, for what takes long, in a schema.
func (s *Store) connect(ctx context.Context, schema string) (*pgx.Conn, error) {
	c := s.pool.Config().ConnConfig
	for name, value := range map[string]string{
		"search_path": pgx.Identifier{schema}.Sanitize(), "statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
		"enable_seqscan": "on", "enable_hashjoin": "on", "enable_mergejoin": "on", "plan_cache_mode": "auto",
	} {
		c.RuntimeParams[name] = value
	}
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := durable(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// outside names an error of such a connection.
func (s *Store) outside(ctx context.Context, err error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return classify(err).err
}

// copy locks the buckets first and looks then: a bucket that is rewritten after the look
// would seem empty to it.
func (r *snapshot) copy(ctx context.Context, buckets int) error {
	tx, err := r.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit it does nothing
	cells, wrapped := make([]string, buckets), make([]string, keyBuckets(buckets))
	for k := range cells {
		cells[k] = fmt.Sprintf("cell_%d", k)
	}
	for k := range wrapped {
		wrapped[k] = fmt.Sprintf("wrapped_%d", k)
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE link, hold, "+strings.Join(append(wrapped, cells...), ", ")+" IN ACCESS SHARE MODE"); err != nil {
		return err
	}
	phase, end := 0, int64(0)
	err = tx.QueryRow(ctx, "SELECT past + 1, phase, (SELECT coalesce(max(base + rows), 0) FROM batch WHERE NOT pending AND rows > 0) FROM retoken").
		Scan(&r.state.Generation, &phase, &end)
	if err == nil && phase != phaseNone {
		err = own{vault.ErrRetoken}
	}
	if err != nil {
		return err
	}
	all := func(columns string, tables []string) string {
		return "SELECT " + columns + " FROM " + strings.Join(tables, " UNION ALL SELECT "+columns+" FROM ")
	}
	for _, c := range [][2]string{
		{"meta", "TABLE meta"}, {"fence", "TABLE fence"}, {"owner", "TABLE owner"}, {"link", "TABLE link"}, {"hold", "TABLE hold"},
		{"intake", "TABLE intake"}, {"batch", "SELECT * FROM batch LEFT JOIN fact USING (number) WHERE rows > 0"},
		{"wrapped", all("owner, rev, data", wrapped)}, {"cell", all("seq, ord, owner, class, epoch, data, tokens", cells)},
	} {
		name, sql := c[0], c[1]
		tag, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE copy_"+name+" AS "+sql)
		if err != nil {
			return err
		}
		if name != "cell" && name != "wrapped" {
			r.total += tag.RowsAffected()
		}
	}
	err = tx.QueryRow(ctx, "SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM batch_number").Scan(&r.state.Next)
	if err != nil {
		return err
	}
	r.state.End, r.total = domain.Position(end), r.total+1
	return tx.Commit(ctx)
}

// Total implements transfer.Reader.
func (r *snapshot) Total() int64 { return r.total }

// Close implements transfer.Reader.
func (r *snapshot) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultLimit)
	defer cancel()
	if err := r.conn.Close(ctx); err != nil {
		return errors.New("vault: close the snapshot: the connection was lost, the server removes it")
	}
	return nil
}

// Each implements transfer.Reader.
func (r *snapshot) Each(ctx context.Context, fn func(transfer.Record) error) error {
	if err := fn(r.state); err != nil {
		return err
	}
	for _, step := range []func(context.Context, func(transfer.Record) error) error{r.metas, r.fence, r.keys, r.links, r.holds, r.batches} {
		var f stopped
		if err := step(ctx, fn); errors.As(err, &f) {
			return f.error
		} else if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			} else {
				err = classify(err).err
			}
			return fmt.Errorf("vault: snapshot: %w", err)
		}
	}
	return nil
}

// stopped is the error of who is given records.
type stopped struct{ error }

// each gives every row of a query to fn, some at a time, with nothing under way on the
// connection while fn runs.
func each[V any](ctx context.Context, r *snapshot, sql string, scan pgx.RowToFunc[V], fn func(V) error) error {
	within, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	tx, err := r.conn.Begin(within)
	if err != nil {
		return err
	}
	defer func() { // it changed nothing
		within, cancel := context.WithTimeout(ctx, r.limit)
		defer cancel()
		_ = tx.Rollback(within)
	}()
	if _, err := tx.Exec(within, "DECLARE reading NO SCROLL CURSOR FOR "+sql); err != nil {
		return err
	}
	for {
		some, err := fetch(ctx, r.limit, tx, scan)
		if err != nil || len(some) == 0 {
			return err
		}
		for _, v := range some {
			if err := fn(v); err != nil {
				return err
			}
		}
	}
}

func fetch[V any](ctx context.Context, limit time.Duration, tx pgx.Tx, scan pgx.RowToFunc[V]) ([]V, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// One text for many cursors: it is described each time.
	rows, err := tx.Query(ctx, fmt.Sprintf("FETCH %d FROM reading", fetchRows), pgx.QueryExecModeDescribeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// records is each for rows that are records of their own.
func (r *snapshot) records(ctx context.Context, sql string, fn func(transfer.Record) error, scan pgx.RowToFunc[transfer.Record]) error {
	return each(ctx, r, sql, scan, func(rec transfer.Record) error {
		if err := fn(rec); err != nil {
			return stopped{err}
		}
		return nil
	})
}

func (r *snapshot) metas(ctx context.Context, fn func(transfer.Record) error) error {
	return r.records(ctx, "SELECT name, value FROM copy_meta ORDER BY name", fn, func(row pgx.CollectableRow) (transfer.Record, error) {
		var m transfer.Meta
		return m, row.Scan(&m.Name, &m.Value)
	})
}

func (r *snapshot) fence(ctx context.Context, fn func(transfer.Record) error) error {
	return r.records(ctx, "SELECT number, line FROM copy_fence ORDER BY number", fn, func(row pgx.CollectableRow) (transfer.Record, error) {
		var l transfer.FenceLine
		err := row.Scan(&l.Number, &l.Line)
		return l, err
	})
}

func (r *snapshot) keys(ctx context.Context, fn func(transfer.Record) error) error {
	sql := "SELECT o.owner, o.rev, destroyed, doomed_by, doomed_at, data FROM copy_owner o LEFT JOIN copy_wrapped w ON w.owner = o.owner ORDER BY o.owner"
	return r.records(ctx, sql, fn, func(row pgx.CollectableRow) (transfer.Record, error) {
		var k transfer.Key
		var owner, by []byte
		var at *int64
		err := row.Scan(&owner, &k.Rev, &k.Destroyed, &by, &at, &k.Wrapped)
		if err != nil {
			return nil, err
		}
		if k.Owner, err = ownerOf(owner); err != nil {
			return nil, err
		}
		switch {
		case k.Destroyed && (len(by) != 16 || at == nil), !k.Destroyed && k.Wrapped == nil:
			return nil, errDamaged
		case k.Destroyed:
			k.KeyRow = vault.KeyRow{Destroyed: true, By: domain.ID(by), At: *at}
		}
		return k, nil
	})
}

func (r *snapshot) links(ctx context.Context, fn func(transfer.Record) error) error {
	return r.tokens(ctx, "copy_link", fn, func(t token.Token, id domain.ID, m vault.MAC) transfer.Record {
		return transfer.Link{Token: t, ID: id, MAC: m}
	})
}

func (r *snapshot) holds(ctx context.Context, fn func(transfer.Record) error) error {
	return r.tokens(ctx, "copy_hold", fn, func(t token.Token, id domain.ID, m vault.MAC) transfer.Record {
		return transfer.Hold{Token: t, ID: id, MAC: m}
	})
}

func (r *snapshot) tokens(ctx context.Context, table string, fn func(transfer.Record) error, of func(token.Token, domain.ID, vault.MAC) transfer.Record) error {
	return r.records(ctx, "SELECT token, id, mac FROM "+table+" ORDER BY token", fn, func(row pgx.CollectableRow) (transfer.Record, error) {
		t, id, m, err := scanToken(row)
		return of(t, id, m), err
	})
}
