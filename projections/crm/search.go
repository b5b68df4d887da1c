package crm

import (
	"context"
	"fmt"

	"greffe/domain"
	"greffe/domain/token"
)

// key is how a token is stored: its kind before it.
func key(k token.Kind, t token.Token) []byte {
	b := make([]byte, 0, 1+len(t))
	return append(append(b, kindByte(k)), t[:]...)
}

// retoken makes the search index follow c's tokens from those it had.
func (b *batch) retoken(c *Contact, had []held) error {
	old, have := distinct(had), distinct(c.tokens)
	for k := range old {
		if !have[k] {
			if err := b.release([]byte(k), c.ref); err != nil {
				return err
			}
		}
	}
	for k := range have {
		if old[k] {
			continue
		}
		n, err := b.tx.Exec("INSERT OR IGNORE INTO holder(token,ref) VALUES(?,?)", []byte(k), c.ref)
		if err == nil && n == 0 {
			_, err = b.tx.Exec("INSERT INTO shared(token,ref) VALUES(?,?)", []byte(k), c.ref)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func distinct(l []held) map[string]bool {
	m := make(map[string]bool, len(l))
	for _, h := range l {
		m[string(key(h.kind, h.token))] = true
	}
	return m
}

// release takes a token from ref, which is its first holder or one of those who
// came later; these stay where they are.
func (b *batch) release(k []byte, ref int64) error {
	n, err := b.tx.Exec("DELETE FROM holder WHERE token=? AND ref=?", k, ref)
	if err == nil && n == 0 {
		_, err = b.tx.Exec("DELETE FROM shared WHERE token=? AND ref=?", k, ref)
	}
	return err
}

const membersOf = "SELECT s.ref,s.value FROM (SELECT ref FROM holder WHERE token=?1 UNION ALL SELECT ref FROM shared WHERE token=?1) h " +
	"JOIN subject s ON s.ref=h.ref WHERE s.ref>?2 ORDER BY s.ref LIMIT ?3"

// Find lists up to limit subjects whose current address or name has the token,
// after cursor (0 at first), with the cursor to go on from, 0 at the end.
func (v *View) Find(ctx context.Context, kind token.Kind, t token.Token, cursor int64, limit int) (ids []domain.ID, next int64, err error) {
	rows, err := v.file.Reads().QueryContext(ctx, membersOf, key(kind, t), cursor, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("find: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&next, &id); err != nil {
			return nil, 0, fmt.Errorf("find: %w", err)
		}
		ids = append(ids, domain.ID(id))
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("find: %w", err)
	}
	if len(ids) < limit {
		next = 0
	}
	return ids, next, nil
}
