package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"greffe/domain"
	"greffe/eventstore/vault"
)

// leaseSchema: until is µs UTC. A row stays when its lease ends: terms outlive it.
const leaseSchema = `
CREATE TABLE lease (role TEXT PRIMARY KEY, holder BLOB, term INTEGER, note BLOB, until INTEGER) WITHOUT ROWID;
`

// Option changes how a vault is opened.
type Option func(*Store)

// WithClock gives leases another clock than time.Now.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// voidLeases ends what an earlier process held: the file is open in one at a time,
// so nobody holds anything now.
func (s *Store) voidLeases() error {
	held, err := s.w.one("SELECT count(*) FROM lease WHERE until<>0")
	if err == nil && held > 0 {
		_, err = s.w.exec("UPDATE lease SET until=0")
	}
	return err
}

const leaseColumns = "SELECT role, holder, term, note, until FROM lease "

// leaseIn is the lease of a row of leaseColumns.
func leaseIn(row []driver.Value, now int64) (vault.Lease, error) {
	holder, err := idIn(row[1])
	role, _ := row[0].(string)
	return vault.Lease{
		Role: role, Holder: holder, Term: integer(row[2]), Note: blob(row[3]),
		Left: time.Duration(integer(row[4])-now) * time.Microsecond,
	}, err
}

func leaseOf(c *conn, role string, now int64) (l vault.Lease, err error) {
	err = c.query(leaseColumns+"WHERE role=?", func(row []driver.Value) (err error) {
		l, err = leaseIn(row, now)
		return err
	}, role)
	return l, err
}

// Lease implements vault.Store.
func (s *Store) Lease(ctx context.Context, role string, holder domain.ID, ttl time.Duration, note []byte) (vault.Lease, error) {
	if len(note) > vault.MaxNote {
		return vault.Lease{}, vault.ErrNote
	}
	var l, present vault.Lease
	_, err := s.write(ctx, "lease", 0, func(t *txn) (err error) {
		now := t.now().UnixMicro()
		if present, err = leaseOf(t.c, role, now); err != nil {
			return err
		}
		l = vault.Lease{Role: role, Holder: holder, Term: present.Term, Note: bytes.Clone(note), Left: ttl}
		switch {
		case present.Left <= 0 || present.Holder.IsZero():
			l.Term++
		case present.Holder != holder:
			return vault.ErrHeld
		}
		_, err = t.c.exec("INSERT OR REPLACE INTO lease VALUES (?,?,?,?,?)", role, holder[:], l.Term, append([]byte{}, note...), now+ttl.Microseconds())
		return err
	})
	if errors.Is(err, vault.ErrHeld) {
		return present, err
	}
	if err != nil {
		return vault.Lease{}, err
	}
	return l, nil
}

// Release implements vault.Store.
func (s *Store) Release(ctx context.Context, role string, holder domain.ID) error {
	_, err := s.write(ctx, "release", 0, func(t *txn) error {
		none := domain.ID{}
		_, err := t.c.exec("UPDATE lease SET holder=?, note=x'', until=0 WHERE role=? AND holder=?", none[:], role, holder[:])
		return err
	})
	return err
}

// Leases implements vault.Store.
func (s *Store) Leases(ctx context.Context, prefix string) (all []vault.Lease, err error) {
	now := s.now().UnixMicro()
	err = s.read(ctx, "leases", func(c *conn) error {
		return c.query(leaseColumns+"WHERE substr(role,1,length(?))=? AND until>? ORDER BY role", func(row []driver.Value) error {
			l, err := leaseIn(row, now)
			all = append(all, l)
			return err
		}, prefix, prefix, now)
	})
	return all, err
}

func (t *txn) checkLease(c *vault.LeaseCheck) error {
	if c == nil {
		return nil
	}
	l, err := leaseOf(t.c, c.Role, 0)
	if err == nil && (l.Holder.IsZero() || l.Term != c.Term) {
		err = vault.ErrFenced
	}
	return err
}

func (t *txn) checkGeneration(want int) error {
	if want == 0 {
		return nil
	}
	at, err := readRetoken(t.c)
	if err == nil && int64(want) != at.past+1 {
		err = vault.ErrGeneration
	}
	return err
}
