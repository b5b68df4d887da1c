package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	_ "modernc.org/sqlite" // the driver of the file

	"greffe/domain"
)

const schema = `
CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO checkpoint VALUES (1, 3, 0);
CREATE TABLE IF NOT EXISTS account (id BLOB PRIMARY KEY, roles TEXT NOT NULL, bootstrap INTEGER NOT NULL, disabled INTEGER NOT NULL,
	created INTEGER NOT NULL, label BLOB NOT NULL, person TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS token (id BLOB PRIMARY KEY, account BLOB NOT NULL, digest BLOB NOT NULL UNIQUE, reason TEXT NOT NULL,
	sources BLOB NOT NULL, act_for INTEGER NOT NULL, made INTEGER NOT NULL, expires INTEGER, revoked INTEGER) STRICT;`

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 3

// errDamaged: a row of the file is not what was written.
var errDamaged = errors.New("a row of the file is damaged; delete the file, it will be rebuilt")

// Store is the projection: the fold in one SQLite file and in memory. Queries
// may run beside Apply, from any number of goroutines.
type Store struct {
	db *sql.DB

	mu    sync.RWMutex
	model *model // replaced, never changed in place
	next  domain.Position
}

// Open reads the file at path, or makes it.
func Open(ctx context.Context, path string) (*Store, error) {
	q := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db, model: newModel()}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open accounts: %w", err), db.Close())
	}
	return s, nil
}

// discardOlder empties a file of an older format.
func (s *Store) discardOlder(ctx context.Context) error {
	var there, version int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'checkpoint'`).Scan(&there); err != nil || there == 0 {
		return err
	}
	if err := s.db.QueryRowContext(ctx, `SELECT version FROM checkpoint`).Scan(&version); err != nil || version >= Format {
		return err
	}
	_, err := s.db.ExecContext(ctx, `BEGIN; DROP TABLE IF EXISTS account; DROP TABLE IF EXISTS token; DROP TABLE IF EXISTS token_kept; DROP TABLE IF EXISTS name; DROP TABLE checkpoint; COMMIT`)
	return err
}

func (s *Store) load(ctx context.Context) error {
	if err := s.discardOlder(ctx); err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, schema+keptSchema+namesSchema); err != nil {
		return err
	}
	var version, next int64
	if err := s.db.QueryRowContext(ctx, `SELECT version, next FROM checkpoint`).Scan(&version, &next); err != nil {
		return err
	}
	if version != Format {
		return fmt.Errorf("the file has format %d, this program reads %d: use the program that wrote it, or delete the file, it will be rebuilt", version, Format)
	}
	s.next = domain.Position(next)
	if err := s.loadAccounts(ctx); err != nil {
		return err
	}
	if err := s.loadTokens(ctx); err != nil {
		return err
	}
	if err := s.loadKept(ctx); err != nil {
		return err
	}
	return s.loadNames(ctx)
}

func (s *Store) loadAccounts(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, roles, bootstrap, disabled, created, label, person FROM account`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a Account
		var id, label []byte
		var roles, person string
		var created int64
		if err := rows.Scan(&id, &roles, &a.Bootstrap, &a.Disabled, &created, &label, &person); err != nil {
			return err
		}
		if json.Unmarshal([]byte(person), &a.State) != nil {
			return errDamaged
		}
		if len(id) != len(a.ID) || len(label) != len(a.Label) {
			return errDamaged
		}
		copy(a.ID[:], id)
		copy(a.Label[:], label)
		a.Roles = strings.Fields(roles)
		a.Created = instant(created)
		s.model.accounts[a.ID] = &a
		for _, x := range a.Sessions {
			s.model.sessions[x.Digest] = a.ID
		}
	}
	return rows.Err()
}

func (s *Store) loadTokens(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, account, digest, reason, sources, act_for, made, expires, revoked FROM token`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t Token
		var id, account, digest, sources []byte
		var made int64
		var expires, revoked sql.NullInt64
		if err := rows.Scan(&id, &account, &digest, &t.DefaultReason, &sources, &t.ActFor, &made, &expires, &revoked); err != nil {
			return err
		}
		if len(id) != len(t.ID) || len(account) != len(t.Account) || len(digest) != len(t.Digest) || len(sources)%len(domain.ID{}) != 0 {
			return errDamaged
		}
		copy(t.ID[:], id)
		copy(t.Account[:], account)
		copy(t.Digest[:], digest)
		for c := range slices.Chunk(sources, len(domain.ID{})) {
			t.Sources = append(t.Sources, domain.ID(c))
		}
		t.Made = instant(made)
		if expires.Valid {
			t.Expires = instant(expires.Int64)
		}
		if revoked.Valid {
			t.Revoked = instant(revoked.Int64)
		}
		s.model.tokens[t.ID], s.model.digests[t.Digest] = &t, t.ID
	}
	return rows.Err()
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// Close releases the file.
func (s *Store) Close() error { return s.db.Close() }
