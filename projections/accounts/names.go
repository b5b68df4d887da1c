package accounts

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"time"

	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
)

// maxNames bounds the names of nobody whose wrong passwords are kept.
const maxNames = 10_000

const namesSchema = `
CREATE TABLE IF NOT EXISTS name (id BLOB PRIMARY KEY, failures INTEGER NOT NULL, until INTEGER NOT NULL, level INTEGER NOT NULL) STRICT;`

// named is what became of the counts of names that nobody has.
type named struct {
	id      domain.ID
	wrong   account.Throttle
	dropped []domain.ID
}

// name folds a wrong password of a name that nobody has. What no longer counts is dropped,
// and, when there are too many, the one that ends first.
func (m *model) name(id domain.ID, f *event.Fact) (change, error) {
	t, err := account.Locked(f)
	if err != nil {
		return change{}, err
	}
	n := &named{id: id, wrong: t}
	for other, u := range m.names {
		if other != id && u.Forgotten(f.Recorded.Time) {
			n.dropped = append(n.dropped, other)
		}
	}
	for _, other := range n.dropped {
		delete(m.names, other)
	}
	m.names[id] = t
	if len(m.names) > maxNames {
		first := id
		for other, u := range m.names {
			if c := u.Until.Compare(m.names[first].Until); other != id && (first == id || c < 0 || c == 0 && bytes.Compare(other[:], first[:]) < 0) {
				first = other
			}
		}
		delete(m.names, first)
		n.dropped = append(n.dropped, first)
	}
	return change{name: n}, nil
}

// Tried is what is counted of a name that nobody has, by the id that derives from it.
func (s *Store) Tried(name domain.ID) account.Throttle {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.model.names[name]
}

func saveName(ctx context.Context, tx *sql.Tx, n *named) error {
	if n == nil {
		return nil
	}
	for _, id := range n.dropped {
		if _, err := tx.ExecContext(ctx, `DELETE FROM name WHERE id = ?`, id[:]); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO name VALUES (?, ?, ?, ?)`, n.id[:], n.wrong.Failures, n.wrong.Until.UnixMicro(), n.wrong.Level)
	return err
}

func (s *Store) loadNames(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, failures, until, level FROM name`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		var until int64
		var t account.Throttle
		if err := rows.Scan(&id, &t.Failures, &until, &t.Level); err != nil {
			return err
		}
		if len(id) != len(domain.ID{}) {
			return errDamaged
		}
		t.Until = time.UnixMicro(until).UTC()
		s.model.names[domain.ID(id)] = t
	}
	return rows.Err()
}

func dumpNames(out io.Writer, names map[domain.ID]account.Throttle) {
	fmt.Fprintln(out, "# names\tid\tfailures\tuntil\tlevel")
	for _, id := range sorted(names) {
		t := names[id]
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\n", id, t.Failures, t.Until.UnixMicro(), t.Level)
	}
}
