package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greffe/eventstore/vault"
)

// dirtyLog is the name under which the table dirty keeps that the write-ahead log holds
// what was destroyed.
const dirtyLog = "log"

// lockWait is how long a rewriting waits for the others to leave a bucket. It is
// shorter than the server's deadlock_timeout (1 s): it is the one to give way.
const lockWait = "400"

// The bounds of one transaction of rewrite, for which others wait.
const (
	rewriteBytes  = 8 << 20
	rewriteTables = 16
)

// rewrite makes the files of tables anew from which something was removed since that was
// last done. The new files hold the rows that are there, no dead ones, and the old files
// go with the transaction. Tables are locked in the order in which Prepare writes them.
func (s *Store) rewrite(ctx context.Context, tables []string) error {
	size := map[string]int64{}
	err := s.read(ctx, "erase", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT what, pg_total_relation_size(what::regclass) FROM dirty WHERE what = ANY($1)", tables)
		if err != nil {
			return err
		}
		var table string
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&table, &n}, func() error { size[table] = n; return nil })
		return err
	})
	if err != nil {
		return err
	}
	var some []string
	bytes := int64(0)
	for _, table := range tables {
		n, dirty := size[table]
		if !dirty {
			continue
		}
		if len(some) == rewriteTables || len(some) > 0 && bytes+n > rewriteBytes {
			if err := s.redo(ctx, some); err != nil {
				return err
			}
			some, bytes = nil, 0
		}
		some, bytes = append(some, table), bytes+n
	}
	return s.redo(ctx, some)
}

func (s *Store) redo(ctx context.Context, tables []string) error {
	if len(tables) == 0 {
		return nil
	}
	return s.inTurn(ctx, true, func(ctx context.Context, conn *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)", lockWait, s.longMillis())
		for _, table := range tables {
			b.Queue(redo(table))
		}
		b.Queue("DELETE FROM dirty WHERE what = ANY($1)", tables)
		b.Queue(markDirty(dirtyLog, "true"))
		return together(ctx, conn, b)
	})
}

func (s *Store) longMillis() string { return fmt.Sprint((longLimit * s.limit).Milliseconds()) }

// inTurn is a long step, tried again for as long as ctx and the limit allow while others
// are in the way.
func (s *Store) inTurn(ctx context.Context, twice bool, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	end := time.Now().Add(longLimit * s.limit)
	for {
		err := s.call(ctx, "erase", longLimit*s.limit, twice, fn)
		var f failed
		if err == nil || !errors.As(err, &f) || !f.again || time.Now().After(end) {
			return err
		}
	}
}

// scrub has the server drop every log file that may hold what was destroyed, and looks
// whether it did: the log goes on in a new file, a checkpoint makes the older ones
// superfluous, and with wal_recycle off they are removed.
func (s *Store) scrub(ctx context.Context) error {
	var mark int64
	err := s.read(ctx, "erase", func(ctx context.Context, conn *pgx.Conn) error {
		mark = 0
		err := conn.QueryRow(ctx, "SELECT mark FROM dirty WHERE what = $1", dirtyLog).Scan(&mark)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || mark == 0 {
		return err
	}
	return s.long(ctx, "erase the log", func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SELECT set_config('statement_timeout', $1, false)", s.longMillis()); err != nil {
			return err
		}
		last := ""
		if err := conn.QueryRow(ctx, "SELECT substr(pg_walfile_name(pg_switch_wal()), 9)").Scan(&last); err != nil {
			return err
		}
		if err := emptyLog(ctx, conn, last); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "DELETE FROM dirty WHERE what = $1 AND mark = $2", dirtyLog, mark)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "SELECT set_config('statement_timeout', $1, false)", fmt.Sprint(s.limit.Milliseconds()))
		return err
	})
}

// emptyLog waits until no log file up to last is there.
func emptyLog(ctx context.Context, conn *pgx.Conn, last string) error {
	const looks, wait = 5, 200 * time.Millisecond
	for look := 1; ; look++ {
		if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
			return err
		}
		left := 0
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}(\.partial)?$' AND substr(name, 9, 16) <= $1`, last).Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		if look == looks {
			return own{fmt.Errorf("traces may be left: %w: the server keeps old log files; look for replication slots that lag (pg_replication_slots), "+
				"wal_keep_size and a failing archive_command, and destroy again", vault.ErrUnavailable)}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
