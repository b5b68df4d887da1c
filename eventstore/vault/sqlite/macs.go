package sqlite

import (
	"context"
	"database/sql/driver"

	"greffe/domain/token"
	"greffe/eventstore/vault"
)

// The MACs of a batch's rows lie in one blob, in the order of the rows, beside the
// chunks: rows of before there were any get theirs without a cell that grows. A batch
// without any has no blob.
const macSchema = `
CREATE TABLE mac     (number INTEGER PRIMARY KEY, data BLOB);
`

const macSize = len(vault.MAC{})

// macs are those of a batch.
type macs struct{ data []byte }

func (m *macs) at(seq int64) (mac vault.MAC) {
	if i := int(seq&(maxRows-1)) * macSize; i+macSize <= len(m.data) {
		mac = vault.MAC(m.data[i:])
	}
	return mac
}

func (m *macs) put(seq int64, mac vault.MAC) {
	i := int(seq&(maxRows-1)) * macSize
	if missing := i + macSize - len(m.data); missing > 0 {
		m.data = append(m.data, make([]byte, missing)...)
	}
	copy(m.data[i:], mac[:])
}

func macsOf(rows []vault.Row) []byte {
	b := make([]byte, 0, macSize*len(rows))
	for i := range rows {
		b = append(b, rows[i].MAC[:]...)
	}
	return b
}

// macsIn reads the MACs of the batch of a seq.
func macsIn(c *conn, seq int64) (m macs, err error) {
	err = c.query("SELECT data FROM mac WHERE number=?", func(row []driver.Value) error {
		m.data = blob(row[0])
		return nil
	}, seq>>seqBits)
	return m, err
}

func (t *txn) putMACs(number int64, data []byte) error {
	if zero(data) {
		return nil
	}
	_, err := t.c.exec("INSERT OR REPLACE INTO mac VALUES (?,?)", number, data)
	return err
}

// someMAC is NULL for none.
func someMAC(m vault.MAC) driver.Value {
	if m == (vault.MAC{}) {
		return nil
	}
	return m[:]
}

func macIn(v driver.Value) (m vault.MAC, err error) {
	switch b := blob(v); len(b) {
	case 0:
	case len(m):
		m = vault.MAC(b)
	default:
		err = errDamaged
	}
	return m, err
}

// SetMACs implements vault.Walker.
func (s *Store) SetMACs(ctx context.Context, m vault.MACs) error {
	_, err := s.write(ctx, "set macs", 0, func(t *txn) error {
		if t.under.Load() {
			return vault.ErrRetoken
		}
		if err := t.setRowMACs(m.Rows); err != nil {
			return err
		}
		tokens := make([]token.Token, len(m.Links))
		for i := range m.Links {
			tokens[i] = m.Links[i].Token
		}
		found, err := t.links(t.c, tokens)
		if err != nil {
			return err
		}
		for _, l := range m.Links {
			if !l.ID.IsZero() && found[l.Token].id == l.ID {
				t.delta.links[l.Token] = linked{l.ID, l.MAC}
			}
		}
		for _, h := range m.Holds {
			if _, err := t.c.exec("UPDATE hold SET mac=? WHERE token=? AND id=?", someMAC(h.MAC), h.Token[:], h.ID[:]); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (t *txn) setRowMACs(rows []vault.RowMAC) error {
	var m macs
	number := int64(0)
	flush := func() error {
		if number == 0 {
			return nil
		}
		return t.putMACs(number, m.data)
	}
	for _, r := range rows {
		if r.Number != number {
			if err := flush(); err != nil {
				return err
			}
			n, err := t.c.one("SELECT count(*) FROM batch WHERE number=?", r.Number)
			if err != nil {
				return err
			}
			if n == 0 {
				number = 0
				continue
			}
			if m, err = macsIn(t.c, seqOf(r.Number, 0)); err != nil {
				return err
			}
			number = r.Number
		}
		if seq := seqOf(r.Number, r.Index); number != 0 && m.at(seq) == (vault.MAC{}) {
			m.put(seq, r.MAC)
		}
	}
	return flush()
}
