package sqlfile

import "database/sql/driver"

// maxInterned bounds an Interner's memory; beyond it the cache starts anew.
const maxInterned = 1 << 17

// Interner gives each value of a table a small integer, in order of first
// appearance from 1, so that wide or random values stand in narrow keys. The
// table is made by InternDDL.
type Interner struct {
	get, put, last string
	next           int64 // 0: not read yet
	refs           map[string]int64
}

// InternDDL creates the table of an Interner; value is BLOB or TEXT.
func InternDDL(table, value string) string {
	return "CREATE TABLE " + table + "(ref INTEGER PRIMARY KEY, value " + value + " NOT NULL UNIQUE);"
}

// NewInterner interns into the table.
func NewInterner(table string) *Interner {
	return &Interner{
		get:  "SELECT ref FROM " + table + " WHERE value=?",
		put:  "INSERT INTO " + table + "(ref,value) VALUES(?,?)",
		last: "SELECT coalesce(max(ref),0)+1 FROM " + table,
		refs: map[string]int64{},
	}
}

// Forget drops what is cached. It must be called when a transaction that used
// the Interner is not committed.
func (n *Interner) Forget() {
	n.next = 0
	clear(n.refs)
}

// Bytes returns the integer of a BLOB, and whether it was made now.
func (n *Interner) Bytes(tx *Tx, v []byte) (ref int64, made bool, err error) {
	if ref, ok := n.refs[string(v)]; ok {
		return ref, false, nil
	}
	return n.resolve(tx, string(v), v)
}

// Text returns the integer of a TEXT.
func (n *Interner) Text(tx *Tx, v string) (int64, error) {
	if ref, ok := n.refs[v]; ok {
		return ref, nil
	}
	ref, _, err := n.resolve(tx, v, v)
	return ref, err
}

func (n *Interner) resolve(tx *Tx, key string, v driver.Value) (ref int64, made bool, err error) {
	ref, ok, err := tx.Int(n.get, v)
	if err != nil {
		return 0, false, err
	}
	if !ok {
		if n.next == 0 {
			if n.next, _, err = tx.Int(n.last); err != nil {
				return 0, false, err
			}
		}
		ref, made = n.next, true
		if _, err := tx.Exec(n.put, ref, v); err != nil {
			return 0, false, err
		}
		n.next++
	}
	if len(n.refs) >= maxInterned {
		clear(n.refs)
	}
	n.refs[key] = ref
	return ref, made, nil
}
