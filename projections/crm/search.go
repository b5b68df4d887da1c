package crm

import (
	"context"
	"fmt"
	"slices"

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
	for i, h := range had {
		if !holds(had[:i], h) && !holds(c.tokens, h) {
			if err := b.release(key(h.kind, h.token), c.ref); err != nil {
				return err
			}
		}
	}
	for i, h := range c.tokens {
		if holds(c.tokens[:i], h) || holds(had, h) {
			continue
		}
		k := key(h.kind, h.token)
		n, err := b.tx.Exec("INSERT OR IGNORE INTO holder(token,ref) VALUES(?,?)", k, c.ref)
		if err == nil && n == 0 {
			_, err = b.tx.Exec("INSERT INTO shared(token,ref) VALUES(?,?)", k, c.ref)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether l has h's token, in whatever field.
func holds(l []held, h held) bool {
	return slices.ContainsFunc(l, func(o held) bool { return o.kind == h.kind && o.token == h.token })
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
