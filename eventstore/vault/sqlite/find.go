package sqlite

import (
	"database/sql/driver"

	"greffe/domain"
	"greffe/domain/part"
	"greffe/domain/token"
)

// index says how one kind of entry is kept: in memory and in which tree.
type index[K comparable, V any] struct {
	sql string // SELECT key, value… WHERE key IN
	of  func(*generation) map[K]V
	enc func(K) []byte
	dec func([]byte) K
	val func(row []driver.Value) (V, error)
}

// find looks keys up in memory first and then in the tree. The order matters: an
// entry leaves memory only when the tree has it. If a generation was frozen
// between the two, a batch may be in the tree in part and was not in memory when
// that was looked at; then it looks again and holds commits off meanwhile.
func find[K comparable, V any](s *Store, c *conn, keys []K, ix index[K, V]) (map[K]V, error) {
	s.mu.RLock()
	freezes := s.freezes
	found, rest := inMemory(s, keys, ix)
	s.mu.RUnlock()
	err := inTree(c, found, rest, ix)
	if err != nil || len(rest) == 0 {
		return found, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if freezes == s.freezes {
		return found, nil
	}
	found, rest = inMemory(s, keys, ix)
	return found, inTree(c, found, rest, ix)
}

func inMemory[K comparable, V any](s *Store, keys []K, ix index[K, V]) (found map[K]V, rest []driver.Value) {
	found = make(map[K]V)
	young := ix.of(s.active)
	var old map[K]V
	if s.frozen != nil {
		old = ix.of(s.frozen.gen)
	}
	for _, k := range keys {
		v, ok := young[k]
		if !ok {
			v, ok = old[k]
		}
		if ok {
			found[k] = v
		} else {
			rest = append(rest, ix.enc(k))
		}
	}
	return found, rest
}

func inTree[K comparable, V any](c *conn, found map[K]V, keys []driver.Value, ix index[K, V]) error {
	return c.in(ix.sql, keys, func(row []driver.Value) error {
		v, err := ix.val(row)
		found[ix.dec(blob(row[0]))] = v
		return err
	})
}

func idIn(v driver.Value) (domain.ID, error) {
	b := blob(v)
	if len(b) != len(domain.ID{}) {
		return domain.ID{}, errDamaged
	}
	return domain.ID(b), nil
}

// linkedIn reads token, id and MAC.
func linkedIn(row []driver.Value) (l linked, err error) {
	if l.id, err = idIn(row[1]); err == nil {
		l.mac, err = macIn(row[2])
	}
	return l, err
}

// events finds the seqs of events; absent ones are missing from the map.
func (s *Store) events(c *conn, ids []domain.ID) (map[domain.ID]int64, error) {
	return find(s, c, ids, index[domain.ID, int64]{
		sql: "SELECT event, seq FROM intake WHERE event IN ",
		of:  func(g *generation) map[domain.ID]int64 { return g.events },
		enc: func(id domain.ID) []byte { return id[:] },
		dec: func(b []byte) domain.ID { return domain.ID(b) },
		val: func(row []driver.Value) (int64, error) { return integer(row[1]), nil },
	})
}

// owners finds the states of owners.
func (s *Store) owners(c *conn, owners []part.Owner) (map[part.Owner]ownerState, error) {
	return find(s, c, owners, index[part.Owner, ownerState]{
		sql: "SELECT owner, rev, slot, destroyed, doomed_by, doomed_at FROM owner WHERE owner IN ",
		of:  func(g *generation) map[part.Owner]ownerState { return g.owners },
		enc: ownerKey,
		dec: func(b []byte) part.Owner { return part.Owner{ID: domain.ID(b), Kind: part.OwnerKind(b[16])} },
		val: func(row []driver.Value) (ownerState, error) {
			by, err := idIn(row[4])
			return ownerState{rev: integer(row[1]), slot: integer(row[2]), destroyed: integer(row[3]) == 1, by: by, at: integer(row[5])}, err
		},
	})
}

// links finds the ids that tokens are linked to; a link that went may be in the
// map with the zero id.
func (s *Store) links(c *conn, tokens []token.Token) (map[token.Token]linked, error) {
	return find(s, c, tokens, index[token.Token, linked]{
		sql: "SELECT token, id, mac FROM link WHERE token IN ",
		of:  func(g *generation) map[token.Token]linked { return g.links },
		enc: func(t token.Token) []byte { return t[:] },
		dec: func(b []byte) token.Token { return token.Token(b) },
		val: linkedIn,
	})
}
