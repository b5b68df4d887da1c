package importer

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// SQLiteState is a SnapshotState in one SQLite file of mode 0600. It holds MACs
// and sealed subjects; what it forgets is overwritten (secure_delete). A crash
// leaves each Put whole or absent. One process at a time may use it.
type SQLiteState struct {
	db *sql.DB
}

var _ SnapshotState = (*SQLiteState)(nil)

const stateSchema = `
CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,
  belongs BLOB NOT NULL, instance BLOB NOT NULL, run INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS contacts (key BLOB PRIMARY KEY, run INTEGER NOT NULL, generation INTEGER NOT NULL,
  gone INTEGER NOT NULL, fields BLOB NOT NULL, subject BLOB NOT NULL) WITHOUT ROWID;`

// stateVersion is of the file's format; another is refused.
const stateVersion = 1

// OpenState opens or makes a state file.
func OpenState(path string) (*SQLiteState, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("snapshot state: open: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("snapshot state: open: %w", err)
	}
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("snapshot state: open: %w", err)
	}
	db.SetMaxOpenConns(3)
	if _, err := db.Exec(stateSchema); err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot state: schema: %w", err), db.Close())
	}
	return &SQLiteState{db: db}, nil
}

// Close closes the file.
func (s *SQLiteState) Close() error { return s.db.Close() }

// Begin implements SnapshotState.
func (s *SQLiteState) Begin(ctx context.Context, check MAC, at time.Time) (RunState, error) {
	run := RunState{Number: 1}
	var belongs, instance []byte
	var last, version int64
	err := s.db.QueryRowContext(ctx, `SELECT version, belongs, instance, run, at FROM meta`).Scan(&version, &belongs, &instance, &run.Number, &last)
	if errors.Is(err, sql.ErrNoRows) {
		if _, err := rand.Read(run.Instance[:]); err != nil {
			return RunState{}, fmt.Errorf("snapshot state: random: %w", err)
		}
		return run.owned(check, at), nil
	}
	if err != nil {
		return RunState{}, fmt.Errorf("snapshot state: begin: %w", err)
	}
	if version != stateVersion || !bytes.Equal(belongs, check[:]) || len(instance) != len(run.Instance) {
		return RunState{}, ErrState
	}
	if at.UnixMicro() < last {
		return RunState{}, ErrOlder
	}
	run.Number++
	copy(run.Instance[:], instance)
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM contacts WHERE gone = 0`).Scan(&run.Known); err != nil {
		return RunState{}, fmt.Errorf("snapshot state: begin: %w", err)
	}
	return run.owned(check, at), nil
}

func (r RunState) owned(check MAC, at time.Time) RunState {
	r.Check, r.At = check, at.UnixMicro()
	return r
}

// Get implements SnapshotState.
func (s *SQLiteState) Get(ctx context.Context, run RunState, keys []Key) (map[Key]Entry, map[Key]bool, error) {
	out, seen := make(map[Key]Entry, len(keys)), map[Key]bool{}
	if len(keys) == 0 {
		return out, seen, nil
	}
	args := make([]any, len(keys))
	for i := range keys {
		args[i] = keys[i][:]
	}
	marks := strings.Repeat(",?", len(keys))[1:]
	rows, err := s.db.QueryContext(ctx, `SELECT key, run, generation, gone, fields, subject FROM contacts WHERE key IN (`+marks+`)`, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("snapshot state: get: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		k, e, number, err := scan(rows)
		if err != nil {
			return nil, nil, err
		}
		out[k] = e
		seen[k] = number == run.Number
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("snapshot state: get: %w", err)
	}
	return out, seen, nil
}

func scan(rows *sql.Rows) (k Key, e Entry, run int64, err error) {
	var key, fields []byte
	if err := rows.Scan(&key, &run, &e.Generation, &e.Gone, &fields, &e.Sealed); err != nil {
		return k, e, 0, fmt.Errorf("snapshot state: scan: %w", err)
	}
	const size = len(PathID{}) + len(MAC{})
	if len(key) != len(k) || len(fields)%size != 0 {
		return k, e, 0, fmt.Errorf("snapshot state: scan: %w", ErrState)
	}
	copy(k[:], key)
	e.Fields = make(map[PathID]MAC, len(fields)/size)
	for ; len(fields) > 0; fields = fields[size:] {
		e.Fields[PathID(fields)] = MAC(fields[len(PathID{}):])
	}
	return k, e, run, nil
}

// Put implements SnapshotState.
func (s *SQLiteState) Put(ctx context.Context, run RunState, updates []Update) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("snapshot state: put, not committed: %w", err)
	}
	if err := put(ctx, tx, run, updates); err != nil {
		return errors.Join(fmt.Errorf("snapshot state: put, not committed: %w", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("snapshot state: put, unknown: %w", err)
	}
	return nil
}

func put(ctx context.Context, tx *sql.Tx, run RunState, updates []Update) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO meta VALUES (1, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET run = excluded.run, at = excluded.at`, stateVersion, run.Check[:], run.Instance[:], run.Number, run.At)
	if err != nil {
		return err
	}
	seen, err := tx.PrepareContext(ctx, `UPDATE contacts SET run = ? WHERE key = ?`)
	if err != nil {
		return err
	}
	defer seen.Close()
	set, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO contacts VALUES (?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer set.Close()
	for _, u := range updates {
		switch {
		case u.Forget:
			_, err = tx.ExecContext(ctx, `DELETE FROM contacts WHERE key = ?`, u.Key[:])
		case u.Entry == nil:
			_, err = seen.ExecContext(ctx, run.Number, u.Key[:])
		default:
			e := u.Entry
			_, err = set.ExecContext(ctx, u.Key[:], run.Number, e.Generation, e.Gone, packed(e.Fields), e.Sealed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func packed(fields map[PathID]MAC) []byte {
	out := make([]byte, 0, len(fields)*(len(PathID{})+len(MAC{})))
	for _, id := range slices.SortedFunc(maps.Keys(fields), func(a, b PathID) int { return bytes.Compare(a[:], b[:]) }) {
		m := fields[id]
		out = append(append(out, id[:]...), m[:]...)
	}
	return out
}

// Unseen implements SnapshotState.
func (s *SQLiteState) Unseen(ctx context.Context, run RunState, after Key, limit int) ([]Key, []Entry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT key, run, generation, gone, fields, subject FROM contacts
		WHERE key > ? AND run <> ? AND gone = 0 ORDER BY key LIMIT ?`, after[:], run.Number, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("snapshot state: unseen: %w", err)
	}
	defer rows.Close()
	var keys []Key
	var entries []Entry
	for rows.Next() {
		k, e, _, err := scan(rows)
		if err != nil {
			return nil, nil, err
		}
		keys, entries = append(keys, k), append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("snapshot state: unseen: %w", err)
	}
	return keys, entries, nil
}

// CountUnseen implements SnapshotState.
func (s *SQLiteState) CountUnseen(ctx context.Context, run RunState) (n int64, err error) {
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM contacts WHERE run <> ? AND gone = 0`, run.Number).Scan(&n); err != nil {
		return 0, fmt.Errorf("snapshot state: count: %w", err)
	}
	return n, nil
}
