package sqlfile

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

const (
	tokenSize  = 32
	cellSize   = 1 + tokenSize + 8 // tag, token, reference
	sheetCells = 48                // of a row that fills a page of 2 KiB
	sheetSize  = sheetCells * cellSize
	cellBits   = 32 // of a key in the tree; the 24 bits above are the prefix
	cellMask   = 1<<cellBits - 1
	wipedTag   = 0xFF // of a cell that was wiped; 0 is one not used yet
)

// ErrSheet: a stored sheet of blind indexes is damaged, or has no such cell.
var ErrSheet = errors.New("a stored sheet of blind indexes is damaged")

// BlindEntry is one blind index: Token stands under Tag for Ref.
type BlindEntry struct {
	Tag   byte // 1 to 254, the user's: the kind or form of the token
	Token [tokenSize]byte
	Ref   int64
	Cell  int64 // where it lies, given by Add
}

// Prefix is all that the tree knows of the token.
func (e *BlindEntry) Prefix() int64 { return int64(binary.BigEndian.Uint32(e.Token[:4]) >> 8) }

func (e *BlindEntry) key() int64 { return e.Prefix()<<cellBits | e.Cell }

// span is the range of keys of e's prefix.
func (e *BlindEntry) span() (lo, hi int64) {
	return e.Prefix() << cellBits, (e.Prefix() + 1) << cellBits
}

// Blind is a multimap of blind indexes whose entries can be wiped so that no byte
// of them is left in the file. A b-tree with tokens as keys cannot do that: SQLite
// leaves copies of keys behind where it moves cells between pages, secure_delete
// or not. So tokens lie in sheets, rows of one length that are only appended and
// therefore never move; an entry is wiped by overwriting its cell where it lies,
// and the cell is not used again. What finds them is a tree of the first 24 bits
// of the token and the cell's number; copies of those may stay, and they fit one
// in sixteen million of all addresses there are. Candidates are compared whole.
//
// What was wiped is in the write-ahead log until that is emptied: see File.Scrub.
type Blind struct {
	sql    blindSQL
	loaded bool
	n      int64 // number of the last sheet; 0: none
	used   int   // cells of it that are or were used
	tail   []byte
	stored bool // the last sheet has its row
}

type blindSQL struct{ put, set, get, last, addKey, dropKey, find, many, walk, other, second, sheets, most, count string }

// BlindDDL creates the tables of a Blind.
func BlindDDL(table string) string {
	return "CREATE TABLE " + table + "_sheet(n INTEGER PRIMARY KEY, data BLOB NOT NULL);" +
		"CREATE TABLE " + table + "_at(k INTEGER PRIMARY KEY);"
}

// NewBlind works on the tables made by BlindDDL.
func NewBlind(table string) *Blind {
	n := strconv.Itoa
	cell := "(a.k&" + n(cellMask) + ")"
	from := "substr(s.data," + cell + "%" + n(sheetCells) + "*" + n(cellSize) + "+1,"
	join := " FROM " + table + "_at a CROSS JOIN " + table + "_sheet s ON s.n=" + cell + "/" + n(sheetCells) + " WHERE a.k>=?1 AND a.k<?2"
	same := from + n(1+tokenSize) + ")"
	entry := "SELECT a.k," + from + n(cellSize) + ")"
	// Without the signs before the arguments SQLite looks at their values when it
	// plans, and compiles the statement anew each time they change.
	return &Blind{sql: blindSQL{
		put:     "INSERT INTO " + table + "_sheet(n,data) VALUES(?,?)",
		set:     "UPDATE " + table + "_sheet SET data=?2 WHERE n=?1",
		get:     "SELECT data FROM " + table + "_sheet WHERE n=?",
		sheets:  "SELECT n,data FROM " + table + "_sheet WHERE n>=? ORDER BY n",
		most:    "SELECT max(n) FROM " + table + "_sheet",
		last:    "SELECT n,data FROM " + table + "_sheet ORDER BY n DESC LIMIT 1",
		addKey:  "INSERT INTO " + table + "_at(k) VALUES(?)",
		dropKey: "DELETE FROM " + table + "_at WHERE k=?",
		find:    entry + join + " AND " + same + "=+?3 ORDER BY a.k LIMIT +?4",
		walk:    entry + join + " ORDER BY a.k",
		count:   "SELECT count(*),coalesce(max(n),0) FROM " + table + "_sheet",
		many: "SELECT q.key,a.k," + from + n(cellSize) + ") FROM json_each(?1) q CROSS JOIN " + table + "_at a ON a.k>=q.value AND a.k<q.value+" +
			n(1<<cellBits) + " CROSS JOIN " + table + "_sheet s ON s.n=" + cell + "/" + n(sheetCells) + " LIMIT +?2",
		other:  "SELECT 1" + join + " AND a.k<>?3 AND " + same + "=+?4 LIMIT 1",
		second: "SELECT 1" + join + " AND " + same + "=+?3 LIMIT 1 OFFSET 1",
	}}
}

// Forget drops what is cached. It must be called when a transaction that used
// the Blind is not committed.
func (b *Blind) Forget() { b.loaded = false }

// load reads the last sheet.
func (b *Blind) load(tx *Tx) error {
	if b.loaded {
		return nil
	}
	b.n, b.used, b.tail, b.stored = 0, sheetCells, nil, true
	err := tx.Query(b.sql.last, func(row []driver.Value) error {
		b.n, _ = row[0].(int64)
		b.tail, _ = row[1].([]byte)
		return nil
	})
	if err != nil {
		return err
	}
	if b.n > 0 {
		if len(b.tail) != sheetSize {
			return ErrSheet
		}
		for b.used > 0 && b.tail[(b.used-1)*cellSize] == 0 {
			b.used--
		}
	}
	b.loaded = true
	return nil
}

// Add appends the entries, in their order, and sets their Cell. An entry that is
// there already is added again; whoever wants one of each looks before.
func (b *Blind) Add(tx *Tx, entries []BlindEntry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := b.load(tx); err != nil {
		return err
	}
	keys := make([]int64, len(entries))
	for i := range entries {
		if b.used == sheetCells {
			if err := b.save(tx); err != nil {
				return err
			}
			b.n, b.used, b.tail, b.stored = b.n+1, 0, make([]byte, sheetSize), false
		}
		e := &entries[i]
		e.Cell = b.n*sheetCells + int64(b.used)
		c := b.tail[b.used*cellSize:]
		c[0] = e.Tag
		copy(c[1:], e.Token[:])
		binary.BigEndian.PutUint64(c[1+tokenSize:], uint64(e.Ref))
		b.used++
		keys[i] = e.key()
	}
	if err := b.save(tx); err != nil {
		return err
	}
	slices.Sort(keys)
	for _, k := range keys {
		if _, err := tx.Exec(b.sql.addKey, k); err != nil {
			return err
		}
	}
	return nil
}

// save writes the last sheet.
func (b *Blind) save(tx *Tx) error {
	if b.n == 0 {
		return nil
	}
	statement := b.sql.set
	if !b.stored {
		statement = b.sql.put
	}
	b.stored = true
	_, err := tx.Exec(statement, b.n, b.tail)
	return err
}

// sheet reads a sheet; the last one is the cached one.
func (b *Blind) sheet(tx *Tx, n int64) (data []byte, err error) {
	if err := b.load(tx); err != nil {
		return nil, err
	}
	if n == b.n {
		return b.tail, nil
	}
	err = tx.Query(b.sql.get, func(row []driver.Value) error {
		data, _ = row[0].([]byte)
		return nil
	}, n)
	if err == nil && len(data) != sheetSize {
		err = ErrSheet
	}
	return data, err
}

// Wipe overwrites the cells and returns what stood in them; those that were wiped
// before are left out.
func (b *Blind) Wipe(tx *Tx, cells ...int64) (gone []BlindEntry, err error) {
	cells = slices.Clone(cells)
	slices.Sort(cells)
	for len(cells) > 0 {
		n := cells[0] / sheetCells
		data, err := b.sheet(tx, n)
		if err != nil {
			return nil, err
		}
		before := len(gone)
		for ; len(cells) > 0 && cells[0]/sheetCells == n; cells = cells[1:] {
			e, ok, err := entryIn(data, cells[0])
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			c := cellIn(data, cells[0])
			clear(c)
			c[0] = wipedTag
			gone = append(gone, e)
		}
		if len(gone) == before {
			continue
		}
		if _, err := tx.Exec(b.sql.set, n, data); err != nil {
			return nil, err
		}
	}
	for i := range gone {
		if _, err := tx.Exec(b.sql.dropKey, gone[i].key()); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

// Get reads a cell; ok is false if it was wiped.
func (b *Blind) Get(tx *Tx, cell int64) (e BlindEntry, ok bool, err error) {
	data, err := b.sheet(tx, cell/sheetCells)
	if err != nil {
		return e, false, err
	}
	return entryIn(data, cell)
}

// Shared reports whether another cell holds the same token under the same tag.
func (b *Blind) Shared(tx *Tx, e BlindEntry) (bool, error) {
	lo, hi := e.span()
	_, ok, err := tx.Int(b.sql.other, lo, hi, e.key(), append([]byte{e.Tag}, e.Token[:]...))
	return ok, err
}

// Several reports whether two cells or more hold e's token under its tag.
func (b *Blind) Several(tx *Tx, e BlindEntry) (bool, error) {
	lo, hi := e.span()
	_, ok, err := tx.Int(b.sql.second, lo, hi, append([]byte{e.Tag}, e.Token[:]...))
	return ok, err
}

// Under lists all entries whose tokens have the prefix, in order of their cells.
func (b *Blind) Under(ctx context.Context, query Query, prefix int64) ([]BlindEntry, error) {
	return read(query(ctx, b.sql.walk, prefix<<cellBits, (prefix+1)<<cellBits))
}

// UnderTx is Under for the writer.
func (b *Blind) UnderTx(tx *Tx, prefix int64) (out []BlindEntry, err error) {
	err = tx.Query(b.sql.walk, func(row []driver.Value) error {
		k, _ := row[0].(int64)
		c, _ := row[1].([]byte)
		e, ok, err := parse(c, k&cellMask)
		if err != nil || !ok {
			return ErrSheet
		}
		out = append(out, e)
		return nil
	}, prefix<<cellBits, (prefix+1)<<cellBits)
	return out, err
}

// Look is Get for readers.
func (b *Blind) Look(ctx context.Context, query Query, cell int64) (e BlindEntry, ok bool, err error) {
	data, err := b.look(ctx, query, cell)
	if err != nil {
		return e, false, err
	}
	return entryIn(data, cell)
}

// Wiped reports whether nothing is left in any of the cells.
func (b *Blind) Wiped(ctx context.Context, query Query, cells ...int64) (bool, error) {
	var zero [cellSize - 1]byte
	for _, c := range cells {
		data, err := b.look(ctx, query, c)
		if err != nil {
			return false, err
		}
		if at := cellIn(data, c); at[0] != wipedTag || string(at[1:]) != string(zero[:]) {
			return false, nil
		}
	}
	return true, nil
}

func (b *Blind) look(ctx context.Context, query Query, cell int64) (data []byte, err error) {
	rows, err := query(ctx, b.sql.get, cell/sheetCells)
	if err != nil {
		return nil, fmt.Errorf("blind index: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&data)
	}
	if err = errors.Join(err, rows.Err()); err == nil && len(data) != sheetSize {
		err = ErrSheet
	}
	if err != nil {
		return nil, fmt.Errorf("blind index: %w", err)
	}
	return data, nil
}

func read(rows *sql.Rows, err error) (out []BlindEntry, _ error) {
	if err != nil {
		return nil, fmt.Errorf("blind index: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k int64
		var c []byte
		if err := rows.Scan(&k, &c); err != nil {
			return nil, fmt.Errorf("blind index: %w", err)
		}
		e, ok, err := parse(c, k&cellMask)
		if err != nil || !ok {
			return nil, fmt.Errorf("blind index: %w", ErrSheet)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("blind index: %w", err)
	}
	return out, nil
}

func cellIn(sheet []byte, cell int64) []byte {
	at := cell % sheetCells * cellSize
	return sheet[at : at+cellSize]
}

func entryIn(sheet []byte, cell int64) (BlindEntry, bool, error) {
	return parse(cellIn(sheet, cell), cell)
}

// parse reads a cell; ok is false if it was wiped.
func parse(c []byte, cell int64) (e BlindEntry, ok bool, err error) {
	if len(c) != cellSize || c[0] == 0 {
		return e, false, ErrSheet
	}
	if c[0] == wipedTag {
		return e, false, nil
	}
	return BlindEntry{Tag: c[0], Token: [tokenSize]byte(c[1:]), Ref: int64(binary.BigEndian.Uint64(c[1+tokenSize:])), Cell: cell}, true, nil
}
