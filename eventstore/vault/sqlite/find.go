package sqlite

import (
	"database/sql/driver"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
)

// find looks keys up in memory first and then in the tree. The order matters: an
// entry leaves memory only when the tree has it.
func find[K comparable, V any](s *Store, c *conn, keys []K, sql string,
	of func(*generation) map[K]V, enc func(K) []byte, dec func([]byte) K, val func([]driver.Value) (V, error),
) (map[K]V, error) {
	found := make(map[K]V)
	var rest []driver.Value
	s.mu.RLock()
	young := of(s.active)
	var old map[K]V
	if s.frozen != nil {
		old = of(s.frozen.gen)
	}
	for _, k := range keys {
		v, ok := young[k]
		if !ok {
			v, ok = old[k]
		}
		if ok {
			found[k] = v
		} else {
			rest = append(rest, enc(k))
		}
	}
	s.mu.RUnlock()
	return found, c.in(sql, rest, func(row []driver.Value) error {
		v, err := val(row)
		if err != nil {
			return err
		}
		found[dec(blob(row[0]))] = v
		return nil
	})
}

// idOf reads the id in the second column.
func idOf(row []driver.Value) (domain.ID, error) {
	b := blob(row[1])
	if len(b) != len(domain.ID{}) {
		return domain.ID{}, errDamaged
	}
	return domain.ID(b), nil
}

// events finds the seqs of events; absent ones are missing from the map.
func (s *Store) events(c *conn, ids []domain.ID) (map[domain.ID]int64, error) {
	return find(s, c, ids, "SELECT event, seq FROM intake WHERE event IN ",
		func(g *generation) map[domain.ID]int64 { return g.events },
		func(id domain.ID) []byte { return id[:] },
		func(b []byte) domain.ID { return domain.ID(b) },
		func(row []driver.Value) (int64, error) { return integer(row[1]), nil })
}

// owners finds the states of owners.
func (s *Store) owners(c *conn, owners []part.Owner) (map[part.Owner]ownerState, error) {
	return find(s, c, owners, "SELECT owner, rev, slot, destroyed FROM owner WHERE owner IN ",
		func(g *generation) map[part.Owner]ownerState { return g.owners },
		ownerKey,
		func(b []byte) part.Owner { return part.Owner{ID: domain.ID(b), Kind: part.OwnerKind(b[16])} },
		func(row []driver.Value) (ownerState, error) {
			return ownerState{rev: integer(row[1]), slot: integer(row[2]), destroyed: integer(row[3]) == 1}, nil
		})
}

// links finds the ids that tokens are linked to.
func (s *Store) links(c *conn, tokens []token.Token) (map[token.Token]domain.ID, error) {
	return find(s, c, tokens, "SELECT token, id FROM link WHERE token IN ",
		func(g *generation) map[token.Token]domain.ID { return g.links },
		func(t token.Token) []byte { return t[:] },
		func(b []byte) token.Token { return token.Token(b) },
		idOf)
}
