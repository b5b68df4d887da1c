package sqlite

import (
	"cmp"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"

	"greffe/projections/internal/sqlfile"
)

const (
	sheafVersion = 1       // begins the rows of every sheaf
	sheafBits    = 15      // sheaves are bound once the facts of 32,768 positions are applied
	sheafWeight  = 4 << 20 // bytes; what is bound at a time, so that memory is bounded
	sheafRow     = 32      // bytes; at most what an access weighs besides its persons
)

var errSheaf = errors.New("a stored sheaf of accesses is damaged")

// sheafKey is what the accesses of a sheaf have in common, by reference; 0 is none.
type sheafKey struct{ account, source, categories int64 }

// sheaf is accesses of one account, from one source, about one list of categories,
// among the positions of one run of 1<<sheafBits, in order of position. It is stored
// under the position of the first, with its sums beside it: rows are a version and,
// for each access, the distance from the position before, that from the time before,
// the count, and how many persons it names, as varints; persons are their ids, of 16
// bytes, one after another. Where the sums suffice, rows are not read. A run is one
// sheaf of each key, or several after each other if it is a heavy one.
type sheaf struct {
	sheafKey
	first, n, unnamed, min, max int64 // position, accesses, persons, µs, µs
	rows, persons               []byte

	position, time int64 // of the last
}

func unnamed(count int64, persons []byte) int64 { return max(0, count-int64(len(persons)/16)) }

func (s *sheaf) add(position, at, count int64, persons []byte) {
	if s.n == 0 {
		s.first, s.min, s.max, s.position, s.time = position, at, at, position, 0
		s.rows = append(s.rows, sheafVersion)
		if s.persons == nil {
			s.persons = []byte{} // nil would be NULL
		}
	}
	s.n, s.min, s.max = s.n+1, min(s.min, at), max(s.max, at)
	s.unnamed += unnamed(count, persons)
	w := binary.AppendUvarint(s.rows, uint64(position-s.position))
	w = binary.AppendVarint(w, at-s.time)
	w = binary.AppendVarint(w, count)
	s.rows = binary.AppendUvarint(w, uint64(len(persons)/16))
	s.persons = append(s.persons, persons...)
	s.position, s.time = position, at
}

// each calls fn for every access of a stored sheaf.
func (s *sheaf) each(fn func(position, at, count int64, persons []byte)) error {
	r, p := &blockReader{b: s.rows}, &blockReader{b: s.persons}
	if r.take(1)[0] != sheafVersion {
		return errSheaf
	}
	position, at := s.first, int64(0)
	for len(r.b) > 0 {
		position += int64(r.uint())
		at += r.int()
		count, named := r.int(), r.uint()
		if r.bad || named > uint64(len(p.b))/16 {
			return errSheaf
		}
		fn(position, at, count, p.take(16*named))
	}
	if r.bad || len(p.b) > 0 {
		return errSheaf
	}
	return nil
}

// since is the sheaf without the accesses before a time.
func (s *sheaf) since(micros int64) (*sheaf, error) {
	left := &sheaf{sheafKey: s.sheafKey}
	err := s.each(func(position, at, count int64, persons []byte) {
		if at >= micros {
			left.add(position, at, count, persons)
		}
	})
	return left, err
}

// check reports a sheaf whose sums, or whose place, are not those of its accesses.
func (s *sheaf) check(bits uint) error {
	same, err := s.since(s.min)
	if err != nil {
		return err
	}
	if same.first != s.first || same.n != s.n || same.unnamed != s.unnamed || same.min != s.min || same.max != s.max || same.position>>bits != s.first>>bits {
		return errSheaf
	}
	return nil
}

const (
	boundQuery = "SELECT position,account,source,categories,time,count,subjects FROM access NOT INDEXED WHERE position>=? AND position<? AND time>=? ORDER BY position"
	putSheaf   = "INSERT INTO sheaf(id,account,source,categories,n,unnamed,time_min,time_max,rows,persons) VALUES(?,?,?,?,?,?,?,?,?,?)"
	oldSheaves = "SELECT id FROM sheaf WHERE time_min<? ORDER BY time_min LIMIT 64"
	getSheaf   = "SELECT account,source,categories,n,unnamed,time_min,time_max,rows,persons FROM sheaf WHERE id=?"
	wipeSheaf  = "UPDATE sheaf SET rows=zeroblob(length(rows)),persons=zeroblob(length(persons)) WHERE id=?"
	dropSheaf  = "DELETE FROM sheaf WHERE id=?"
)

// binder binds the accesses of one run of positions.
type binder struct {
	tx      *sqlfile.Tx
	sheaves map[sheafKey]*sheaf
	weight  int
}

// bind makes the sheaves of the run n, of accesses from the horizon on. All its facts
// are applied.
func (s *Store) bind(tx *sqlfile.Tx, n, horizon int64) error {
	b := &binder{tx: tx, sheaves: map[sheafKey]*sheaf{}}
	err := tx.Query(boundQuery, func(row []driver.Value) error {
		var v [6]int64
		for i := range v {
			v[i], _ = row[i].(int64)
		}
		persons, _ := row[6].([]byte)
		if b.weight += sheafRow + len(persons); b.weight > s.sheafWeight {
			if err := b.flush(); err != nil {
				return err
			}
			b.weight = sheafRow + len(persons)
		}
		key := sheafKey{v[1], v[2], v[3]}
		x := b.sheaves[key]
		if x == nil {
			x = &sheaf{sheafKey: key}
			b.sheaves[key] = x
		}
		x.add(v[0], v[4], v[5], persons)
		return nil
	}, n<<s.sheafBits, (n+1)<<s.sheafBits, horizon)
	if err != nil {
		return err
	}
	return b.flush()
}

// flush writes what was gathered, in order of place, so that the table grows at its end.
func (b *binder) flush() error {
	list := make([]*sheaf, 0, len(b.sheaves))
	for _, x := range b.sheaves {
		list = append(list, x)
	}
	slices.SortFunc(list, func(x, y *sheaf) int { return cmp.Compare(x.first, y.first) })
	for _, x := range list {
		if err := x.put(b.tx); err != nil {
			return err
		}
	}
	clear(b.sheaves)
	b.weight = 0
	return nil
}

func (s *sheaf) put(tx *sqlfile.Tx) error {
	_, err := tx.Exec(putSheaf, s.first, s.account, s.source, s.categories, s.n, s.unnamed, s.min, s.max, s.rows, s.persons)
	return err
}

// dropSheaves takes the accesses before a time out of some sheaves, and says out of
// how many. What it takes out is overwritten where it lies, since a row that is
// removed may leave a copy of its neighbours.
func dropSheaves(tx *sqlfile.Tx, micros int64) (n int, err error) {
	var ids []int64
	err = tx.Query(oldSheaves, func(row []driver.Value) error {
		id, _ := row[0].(int64)
		ids = append(ids, id)
		return nil
	}, micros)
	for i := 0; i < len(ids) && err == nil; i++ {
		err = dropFrom(tx, ids[i], micros)
	}
	return len(ids), err
}

func dropFrom(tx *sqlfile.Tx, id, micros int64) error {
	s := &sheaf{first: id}
	err := tx.Query(getSheaf, func(row []driver.Value) error {
		for i, into := range []*int64{&s.account, &s.source, &s.categories, &s.n, &s.unnamed, &s.min, &s.max} {
			*into, _ = row[i].(int64)
		}
		s.rows, _ = row[7].([]byte)
		s.persons, _ = row[8].([]byte)
		return nil
	}, id)
	if err != nil {
		return err
	}
	left, err := s.since(micros)
	if err != nil {
		return err
	}
	for _, q := range []string{wipeSheaf, dropSheaf} {
		if _, err := tx.Exec(q, id); err != nil {
			return err
		}
	}
	if left.n == 0 {
		return nil
	}
	return left.put(tx)
}
