package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"greffe/eventstore/vault"
)

// Format is the version of the file that this program writes; files from
// OldestFormat on are brought to it when they are opened, and not back.
const (
	Format       = 5
	OldestFormat = 2
)

const (
	applicationID = 0x47524656 // "GRFV"
	readers       = 4
)

const schema = `
CREATE TABLE meta    (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE state   (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE batch   (number INTEGER PRIMARY KEY, base INTEGER, rows INTEGER);
CREATE TABLE fact    (number INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE chunk   (seq INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE keycell (id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE journal (number INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE intake  (event BLOB PRIMARY KEY, seq INTEGER) WITHOUT ROWID;
CREATE TABLE link    (token BLOB PRIMARY KEY, id BLOB, mac BLOB) WITHOUT ROWID;
CREATE TABLE owner   (owner BLOB PRIMARY KEY, rev INTEGER, slot INTEGER, destroyed INTEGER, doomed_by BLOB, doomed_at INTEGER) WITHOUT ROWID;
CREATE TABLE posting (owner INTEGER, seq INTEGER, PRIMARY KEY (owner, seq)) WITHOUT ROWID;
CREATE TABLE hold    (token BLOB PRIMARY KEY, id BLOB, mac BLOB) WITHOUT ROWID;
` + macSchema + `` + retokenSchema + leaseSchema + fenceSchema

func writerPragmas() []string {
	return []string{
		"busy_timeout=5000", fmt.Sprintf("page_size=%d", pageSize), "journal_mode=WAL", "synchronous=FULL",
		"secure_delete=ON", "temp_store=MEMORY", "cache_size=-16384", "wal_autocheckpoint=0",
		"trusted_schema=OFF", "cell_size_check=ON",
	}
}

func readerPragmas() []string {
	return []string{"busy_timeout=5000", "query_only=ON", "temp_store=MEMORY", "cache_size=-4096", "trusted_schema=OFF"}
}

// Open opens the vault in the file path, or makes it, with mode 0600. One
// process at a time: path+".lock" is held until Close, and leases of before are void.
func Open(_ context.Context, path string, options ...Option) (*Store, error) {
	s, err := open(path, openDriver, options...)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return s, nil
}

func open(path string, opener opener, options ...Option) (_ *Store, err error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &Store{
		path: path, lock: lock, turn: make(chan struct{}, 1), readers: make(chan *conn, readers),
		copying: make(chan struct{}, 1), closing: make(chan struct{}),
		active: newGeneration(), frozenAt: frozenAt, walLimit: walLimit, limits: wideRetoken(), now: time.Now,
	}
	for _, o := range options {
		o(s)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeFiles())
		}
	}()
	if err := errors.Join(removeSnapshots(path), touch(path)); err != nil {
		return nil, err
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath()
	if s.w, err = newConn(opener, dsn, writerPragmas()); err != nil {
		return nil, err
	}
	if err := s.migrate(); err != nil {
		return nil, err
	}
	for range readers {
		c, err := newConn(opener, dsn, readerPragmas())
		if err != nil {
			return nil, err
		}
		s.readers <- c
	}
	return s, s.load()
}

// lockFile takes the exclusive lock or says who to ask.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another process has this vault open; stop it first: %w", err), f.Close())
	}
	return f, nil
}

// touch makes the file with its mode before SQLite would with another, and
// makes its name durable.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Chmod(0o600), f.Close(), dir.Sync(), dir.Close())
}

// migrate makes a new file a vault and refuses what is not one of this version.
func (s *Store) migrate() error {
	version, err := s.w.one("PRAGMA user_version")
	if err != nil {
		return err
	}
	app, err := s.w.one("PRAGMA application_id")
	if err != nil {
		return err
	}
	tables, err := s.w.one("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	switch {
	case tables == 0 && version == 0:
		return s.upgrade(schema + fmt.Sprintf("PRAGMA application_id=%d;", applicationID))
	case app != applicationID:
		return errors.New("the file is not a vault")
	case version > Format:
		return fmt.Errorf("its version is %d, this program knows %d: %w", version, Format, vault.ErrNewer)
	case version >= OldestFormat && version < Format:
		return s.upgradeFrom(version)
	case version != Format:
		return fmt.Errorf("its version %d is unknown", version)
	}
	return nil
}

// severalNodes makes version 4 of version 3, which had no leases, no fence, and found
// the end among the batches.
const severalNodes = leaseSchema + fenceSchema + `
INSERT INTO state SELECT 'end', max(base+rows) FROM batch WHERE rows>0 AND number NOT IN (SELECT number FROM fact) HAVING count(*)>0;
`

// withMACs makes version 5 of version 4, whose entries had no MACs.
const withMACs = macSchema + `
ALTER TABLE link ADD COLUMN mac BLOB;
ALTER TABLE hold ADD COLUMN mac BLOB;
INSERT INTO state SELECT 'journal4', max(number) FROM journal HAVING count(*)>0;
`

func (s *Store) upgradeFrom(version int64) error {
	script := withMACs
	for v, step := range map[int64]string{3: severalNodes, 2: retokenSchema + severalNodes} {
		if v == version {
			script = step + script
		}
	}
	for _, table := range []string{"link_next", "hold_next"} { // of a change of tokens under way
		there, err := s.w.one("SELECT count(*) FROM sqlite_schema WHERE name=?", table)
		if err != nil {
			return err
		}
		if there > 0 {
			script += "ALTER TABLE " + table + " ADD COLUMN mac BLOB;"
		}
	}
	return s.upgrade(script)
}

// upgrade runs a script that makes the file one of this version, whole or not at all.
func (s *Store) upgrade(script string) error {
	err := s.w.script(fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA user_version=%d; COMMIT", script, Format))
	if err != nil {
		return fmt.Errorf("bring the file to version %d: %w", Format, err)
	}
	return nil
}

// load brings the journals that are not in the trees back into memory and finds
// the next numbers.
func (s *Store) load() error {
	swept, err := s.w.one("SELECT value FROM state WHERE name='swept'")
	if err != nil {
		return err
	}
	s.garbage = swept
	before, err := s.w.one("SELECT value FROM state WHERE name='journal4'")
	if err != nil {
		return err
	}
	last, err := s.w.one("SELECT max(number) FROM batch")
	if err != nil {
		return err
	}
	err = s.w.query("SELECT number, data FROM journal WHERE number>? ORDER BY number", func(row []driver.Value) error {
		number, data := integer(row[0]), blob(row[1])
		d, err := decodeDelta(data, number > before)
		if err != nil {
			return err
		}
		s.active.add(d, number)
		return nil
	}, swept)
	if err != nil {
		return err
	}
	s.next = max(last, swept, s.active.last) + 1
	cell, err := s.w.one("SELECT max(id) FROM keycell")
	s.nextCell = cell + 1
	if err != nil {
		return err
	}
	if err := s.voidLeases(); err != nil {
		return err
	}
	importing, err := s.w.one("SELECT value FROM state WHERE name='importing'")
	if err != nil {
		return err
	}
	s.partial.Store(importing != 0)
	at, err := readRetoken(s.w)
	s.under.Store(at.phase != phaseNone)
	return err
}

func integer(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func blob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}
