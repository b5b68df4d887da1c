package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// schema3 is what files of version 3 were made with.
const schema3 = `
CREATE TABLE meta    (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE state   (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE batch   (number INTEGER PRIMARY KEY, base INTEGER, rows INTEGER);
CREATE TABLE fact    (number INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE chunk   (seq INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE keycell (id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE journal (number INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE intake  (event BLOB PRIMARY KEY, seq INTEGER) WITHOUT ROWID;
CREATE TABLE link    (token BLOB PRIMARY KEY, id BLOB) WITHOUT ROWID;
CREATE TABLE owner   (owner BLOB PRIMARY KEY, rev INTEGER, slot INTEGER, destroyed INTEGER, doomed_by BLOB, doomed_at INTEGER) WITHOUT ROWID;
CREATE TABLE posting (owner INTEGER, seq INTEGER, PRIMARY KEY (owner, seq)) WITHOUT ROWID;
CREATE TABLE hold    (token BLOB PRIMARY KEY, id BLOB) WITHOUT ROWID;
CREATE TABLE retoken (one INTEGER PRIMARY KEY, past INTEGER, phase INTEGER, token BLOB, seq INTEGER, done INTEGER);
INSERT INTO retoken VALUES (1,0,0,x'',-1,0);
PRAGMA application_id=1196574294; PRAGMA user_version=3;
`

// oldVault is a vault of version 3 after a script.
func oldVault(t *testing.T, batches string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	c, err := newConn(openDriver, "file:"+path, nil)
	if err == nil {
		err = errors.Join(c.script(schema3+batches), c.close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMigratesSchema3 demands of a file of before several nodes that what was done is
// settled where it was, what was pending is pending, and the end is known.
func TestMigratesSchema3(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script  string
		end     domain.Position
		pending []int64
	}{
		"empty":           {"", 0, nil},
		"nothing done":    {"INSERT INTO batch VALUES (1,0,2); INSERT INTO fact VALUES (1,x'0000000161000000016a')", 0, []int64{1}},
		"the last by far": {"INSERT INTO batch VALUES (1,0,2),(2,2,5),(3,7,0),(4,7,1); INSERT INTO fact VALUES (4,x'0000000161')", 7, []int64{4}},
	} {
		path := oldVault(t, c.script)
		for range 2 {
			s := openAt(t, path)
			var pending []int64
			err := s.Pending(t.Context(), func(p vault.Pending) error {
				pending = append(pending, p.Number)
				return nil
			})
			end, err2 := s.End(t.Context())
			if err := errors.Join(err, err2); err != nil || end != c.end || len(pending) != len(c.pending) || len(pending) > 0 && pending[0] != c.pending[0] {
				t.Errorf("%s: end %d, pending %v: %v", name, end, pending, err)
			}
			if err := s.AppendFence(t.Context(), 1, [][]byte{[]byte("line")}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if v, err := s.w.one("PRAGMA user_version"); v != Format || err != nil {
				t.Errorf("%s: version %d: %v", name, v, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestMigrationIsWhole: one that fails in the middle leaves a file of version 3.
func TestMigrationIsWhole(t *testing.T) {
	t.Parallel()
	path := oldVault(t, "CREATE TABLE fence (x)")
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "version 5") {
		t.Fatalf("opened: %v", err)
	}
	c, err := newConn(openDriver, "file:"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	version, err1 := c.one("PRAGMA user_version")
	leases, err2 := c.one("SELECT count(*) FROM sqlite_schema WHERE name='lease'")
	if version != 3 || leases != 0 || errors.Join(err1, err2) != nil {
		t.Errorf("version %d, %d tables of leases: %v %v", version, leases, err1, err2)
	}
}

// withoutMACs closes a vault and makes it one of a version that had none.
func withoutMACs(t *testing.T, s *Store, version int) {
	t.Helper()
	var numbers []int64
	var old [][]byte
	err := s.w.query("SELECT number, data FROM journal", func(row []driver.Value) error {
		d, err := decodeDelta(blob(row[1]), true)
		if err != nil {
			return err
		}
		numbers, old = append(numbers, integer(row[0])), append(old, d.encode4())
		return nil
	})
	for i := range old {
		_, e := s.w.exec("UPDATE journal SET data=? WHERE number=?", old[i], numbers[i])
		err = errors.Join(err, e)
	}
	script := "DROP TABLE mac; ALTER TABLE link DROP COLUMN mac; ALTER TABLE hold DROP COLUMN mac;"
	for _, table := range []string{"link_next", "hold_next"} {
		if n, e := s.w.one("SELECT count(*) FROM sqlite_schema WHERE name=?", table); e == nil && n > 0 {
			script += "ALTER TABLE " + table + " DROP COLUMN mac;"
		}
	}
	err = errors.Join(err, s.w.script(fmt.Sprintf("%s PRAGMA user_version=%d", script, version)), s.Close())
	if err != nil {
		t.Fatal(err)
	}
}

// encode4 is a journal as version 4 wrote it: links in 48 bytes.
func (d *delta) encode4() []byte {
	links := len(d.links)
	b := d.encode()
	head := 4 + 24*len(d.events)
	out := append([]byte{}, b[:head+4]...)
	for i := range links {
		out = append(out, b[head+4+64*i:head+4+64*i+48]...)
	}
	return append(out, b[head+4+64*links:]...)
}

// TestMigratesSchema4: a file of before there were MACs shows what it held, without
// any, wherever it lay; new entries have theirs; the old get some.
func TestMigratesSchema4(t *testing.T) {
	t.Parallel()
	for _, frozen := range []int{3, 1000} { // in the trees, or in journals
		path := filepath.Join(t.TempDir(), "vault.db")
		s := openAt(t, path)
		const many = 40
		for k := range many {
			s.frozenAt = frozen
			b := nth(k)
			b.Links = []vault.Link{{Token: token.Token{byte(k), 1}, ID: domain.ID{byte(k), 2}, MAC: vault.MAC{1}}}
			b.Holds = []vault.Hold{{Token: token.Token{byte(k), 3}, ID: domain.ID{byte(k), 4}, MAC: vault.MAC{1}}}
			if _, err := s.Prepare(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		withoutMACs(t, s, 4)
		s = openAt(t, path)
		last := domain.ID{9, 9}
		b := &vault.Batch{Rows: []vault.Row{{Event: last, Fact: []byte("f"), MAC: vault.MAC{5}}},
			Links: []vault.Link{{Token: token.Token{9, 9}, ID: last, MAC: vault.MAC{5}}}}
		if _, err := s.Prepare(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var all vault.MACs
			with := 0
			err1 := s.WalkRows(t.Context(), 0, func(r *vault.Recorded) error {
				if r.MAC != (vault.MAC{}) {
					with++
				}
				all.Rows = append(all.Rows, vault.RowMAC{Number: r.Number, Index: r.Index, MAC: vault.MAC{7}})
				return nil
			})
			err2 := s.WalkLinks(t.Context(), func(l vault.Link) error {
				if l.MAC != (vault.MAC{}) {
					with++
				}
				l.MAC = vault.MAC{7}
				all.Links = append(all.Links, l)
				return nil
			})
			err3 := s.WalkHolds(t.Context(), func(h vault.Hold) error {
				h.MAC = vault.MAC{7}
				all.Holds = append(all.Holds, h)
				return nil
			})
			if errors.Join(err1, err2, err3) != nil || len(all.Links) != many+1 || len(all.Holds) != many || with != 2 && with != len(all.Rows)+len(all.Links) {
				t.Fatalf("%d links, %d holds, %d with a MAC: %v %v %v", len(all.Links), len(all.Holds), with, err1, err2, err3)
			}
			if err := s.SetMACs(t.Context(), all); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, path)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
