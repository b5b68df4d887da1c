package sqlfile

import "database/sql/driver"

// maxInterned bounds an Interner's memory; beyond it the cache starts anew.
const maxInterned = 1 << 17

// Interner gives each value of a table a small integer, in order of first
// appearance from 1, so that wide or random values stand in narrow keys. The
// table is made by InternDDL.
type Interner struct {
	get, put, try, last string
	next                int64 // 0: not read yet
	refs                map[string]int64
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
		try:  "INSERT INTO " + table + "(ref,value) VALUES(?,?) ON CONFLICT(value) DO NOTHING",
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

// Bytes returns the integer of a BLOB, and whether it was made now. fresh says
// that v is likely to be new: then that is tried first.
func (n *Interner) Bytes(tx *Tx, v []byte, fresh bool) (ref int64, made bool, err error) {
	if ref, ok := n.refs[string(v)]; ok {
		return ref, false, nil
	}
	return n.resolve(tx, string(v), v, fresh)
}

// Text returns the integer of a TEXT.
func (n *Interner) Text(tx *Tx, v string) (int64, error) {
	if ref, ok := n.refs[v]; ok {
		return ref, nil
	}
	ref, _, err := n.resolve(tx, v, v, false)
	return ref, err
}

func (n *Interner) resolve(tx *Tx, key string, v driver.Value, fresh bool) (ref int64, made bool, err error) {
	if n.next == 0 {
		if n.next, _, err = tx.Int(n.last); err != nil {
			return 0, false, err
		}
	}
	if fresh {
		changed, err := tx.Exec(n.try, n.next, v)
		if err != nil {
			return 0, false, err
		}
		made = changed == 1
	}
	known := false
	if !made {
		if ref, known, err = tx.Int(n.get, v); err != nil {
			return 0, false, err
		}
	}
	if !made && !known {
		if _, err := tx.Exec(n.put, n.next, v); err != nil {
			return 0, false, err
		}
		made = true
	}
	if made {
		ref = n.next
		n.next++
	}
	if len(n.refs) >= maxInterned {
		clear(n.refs)
	}
	n.refs[key] = ref
	return ref, made, nil
}
