package app

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// strike is one thing that was done to the files of a ledger.
type strike struct {
	kind string
	file string // below the victim; the first that differs
	what string // offset, or table, column and row
	// places are where it must be found: one of these is named. None: anywhere.
	places []string
	fact   int64 // position of the first fact that differs; -1: none does
}

func (e strike) String() string { return e.kind + " " + e.file + " " + e.what }

// errNoEdit: this draw changes nothing; another is made.
var errNoEdit = errors.New("nothing was edited")

// kindsOfEdits are all operations; each is drawn as often as it stands here.
var kindsOfEdits = []string{"flip", "flip", "overwrite", "delete", "insert", "truncate", "remove", "swap", "roll back a file", "roll back the data", "roll back the fence",
	"row changed", "row changed", "row changed", "row changed", "row value moved", "row value moved", "row deleted", "row deleted", "row doubled", "row doubled"}

// tamper does one edit that is drawn.
func (o *original) tamper(r *rand.Rand, v *victim) (strike, error) {
	e := strike{kind: kindsOfEdits[r.IntN(len(kindsOfEdits))], fact: -1}
	var err error
	switch {
	case strings.HasPrefix(e.kind, "row "):
		err = v.editRow(r, &e)
	case e.kind == "roll back the data":
		err = o.rollBack(v, "data", v.cfg.Data)
	case e.kind == "roll back the fence":
		err = o.rollBack(v, "fence", v.cfg.FenceDir)
	default:
		err = o.editFile(r, v, &e)
	}
	if err != nil || e.file == "" {
		return e, err
	}
	return e, o.expect(v, &e)
}

// groups are the kinds of files.
func groups() []string {
	return []string{"data/log/*.seg", "data/log/*", "data/heads/*", "data/tiles/tile/0/*", "data/tiles/mark", "data/vault.db", "data/views/*", "data/views/*.db", "fence/*", "fence/heads/*"}
}

func (v *victim) pick(r *rand.Rand) (string, error) {
	files, err := filepath.Glob(filepath.Join(v.dir, groups()[r.IntN(len(groups()))]))
	files = slices.DeleteFunc(files, func(f string) bool {
		i, err := os.Stat(f)
		return err != nil || i.IsDir() || i.Size() == 0
	})
	if err != nil || len(files) == 0 {
		return "", errNoEdit
	}
	return filepath.Rel(v.dir, files[r.IntN(len(files))])
}

func (o *original) editFile(r *rand.Rand, v *victim, e *strike) (err error) {
	if e.file, err = v.pick(r); err != nil {
		return err
	}
	path := filepath.Join(v.dir, e.file)
	switch e.kind {
	case "remove":
		return os.Remove(path)
	case "roll back a file":
		b, err := os.ReadFile(o.path(filepath.Join("yesterday", e.file)))
		if errors.Is(err, fs.ErrNotExist) {
			return os.Remove(path)
		}
		return errors.Join(err, os.WriteFile(path, b, 0o600))
	case "swap":
		return v.swap(r, e)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, editBytes(r, b, e), 0o600)
}

// editBytes edits where something is written, or, seldom, anywhere.
func editBytes(r *rand.Rand, b []byte, e *strike) []byte {
	extent := len(bytes.TrimRight(b, "\x00"))
	if extent == 0 || r.IntN(8) == 0 {
		extent = len(b)
	}
	at := r.IntN(extent)
	n := min(1+r.IntN([]int{4, 64, 5000}[r.IntN(3)]), len(b)-at)
	e.what = fmt.Sprintf("%d bytes at %d of %d", n, at, len(b))
	some := make([]byte, n)
	for i := range some {
		some[i] = byte(r.Uint32())
	}
	switch e.kind {
	case "flip":
		e.what = fmt.Sprintf("a bit of byte %d of %d", at, len(b))
		b[at] ^= 1 << r.IntN(8)
		return b
	case "overwrite":
		copy(b[at:], some)
		return b
	case "delete":
		return slices.Delete(b, at, at+n)
	case "insert":
		return slices.Insert(b, at, some...)
	}
	return b[:at]
}

// swap exchanges a file with another of its kind: segments, databases, tiles, or any
// two of the fence.
func (v *victim) swap(r *rand.Rand, e *strike) error {
	kind := filepath.Ext(e.file)
	others, err := filepath.Glob(filepath.Join(v.dir, filepath.Dir(e.file), "*"+kind))
	if kind == ".seg" || kind == ".idx" {
		others, err = filepath.Glob(filepath.Join(v.dir, "data", "*", "*"+kind))
	}
	path := filepath.Join(v.dir, e.file)
	others = slices.DeleteFunc(others, func(f string) bool {
		i, err := os.Stat(f)
		return f == path || err != nil || i.IsDir()
	})
	if err != nil || len(others) == 0 {
		return errNoEdit
	}
	other := others[r.IntN(len(others))]
	e.what = "with " + filepath.Base(filepath.Dir(other)) + "/" + filepath.Base(other)
	return errors.Join(os.Rename(path, path+".x"), os.Rename(other, path), os.Rename(path+".x", other))
}

func (o *original) rollBack(v *victim, name, dir string) error {
	return errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(o.path("yesterday/"+name))), writable(dir))
}

// expect tells from the first byte that differs where an edit must be found.
func (o *original) expect(v *victim, e *strike) error {
	before, err := os.ReadFile(o.path(e.file))
	if err != nil {
		return err
	}
	after, err := os.ReadFile(filepath.Join(v.dir, e.file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && bytes.Equal(before, after) {
		return errNoEdit
	}
	at := 0
	for at < len(before) && at < len(after) && before[at] == after[at] {
		at++
	}
	base := strings.TrimSuffix(filepath.Base(e.file), ".db")
	if e.kind == "swap" { // either is named
		e.places = []string{base, strings.TrimSuffix(filepath.Base(e.what), ".db")}
		if strings.HasSuffix(base, ".seg") {
			e.places = []string{"log", "head"}
		}
		return nil
	}
	switch dir := filepath.ToSlash(filepath.Dir(e.file)); dir {
	case "data/log":
		if filepath.Ext(e.file) == ".seg" {
			e.fact = factAt(before, at)
		}
	case "data/heads", "fence/heads":
		e.places = []string{"head"}
	case "data/tiles/tile/0":
		e.places = []string{"tile/0/" + base}
	case "data/views":
		e.places = []string{base}
	case "data":
		e.places = []string{"vault", "key", "fence"}
	case "fence":
		e.places = []string{"fence"}
		if base == "fence.jsonl" && (e.kind == "flip" || e.kind == "overwrite") {
			e.places = []string{fmt.Sprintf("line %d", 1+bytes.Count(before[:at], []byte("\n")))}
		}
	}
	return nil
}

// factAt is the position of the fact that a segment of the log has at an offset, or of
// the first of the frame whose head or table is there; -1 behind the last and in the
// header. The form is that of eventstore/embedded's documentation.
func factAt(b []byte, offset int) int64 {
	for at := 32; at+24 <= len(b) && string(b[at:at+4]) == "GFRM"; {
		n, size := int(binary.LittleEndian.Uint32(b[at+4:])), int(binary.LittleEndian.Uint32(b[at+8:]))
		first, table, body := int64(binary.LittleEndian.Uint64(b[at+12:])), at+24, at+24+8*n
		if offset >= at && offset < body {
			return first
		}
		if offset < body+size && offset >= body {
			for i, end := 0, body; i < n; i++ {
				if end += int(binary.LittleEndian.Uint32(b[table+8*i:])); offset < end {
					return first + int64(i)
				}
			}
		}
		at = body + size
	}
	return -1
}

// editRow changes, takes away or doubles a row of the vault or of a read model.
func (v *victim) editRow(r *rand.Rand, e *strike) error {
	files, err := filepath.Glob(filepath.Join(v.cfg.Data, "views", "*.db"))
	if err != nil {
		return err
	}
	path := filepath.Join(v.cfg.Data, "vault.db")
	if r.IntN(2) > 0 {
		path = files[r.IntN(len(files))]
	}
	e.file, _ = filepath.Rel(v.dir, path)
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	err = editRowOf(r, db, e)
	return errors.Join(err, db.Close())
}

func editRowOf(r *rand.Rand, db *sql.DB, e *strike) error {
	var tables []string
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
	if err != nil {
		return err
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	table := tables[r.IntN(len(tables))]
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM "` + table + `"`).Scan(&n); err != nil || n == 0 {
		return errors.Join(errNoEdit, err)
	}
	k := r.IntN(n)
	columns, values, err := rowAt(db, table, k)
	if err != nil {
		return err
	}
	_, more, err := rowAt(db, table, r.IntN(n))
	if err != nil {
		return err
	}
	c := r.IntN(len(columns))
	e.what = fmt.Sprintf("%s.%s, row %d of %d", table, columns[c], k, n)
	at, args := this(columns, values)
	var text string
	switch e.kind {
	case "row deleted":
		e.what = fmt.Sprintf("%s, row %d of %d", table, k, n)
		text = `DELETE FROM "` + table + `" WHERE ` + at
	case "row doubled":
		text = `INSERT INTO "` + table + `" VALUES (?` + strings.Repeat(",?", len(values)-1) + `)`
		args = slices.Clone(values)
		args[c] = changed(r, args[c])
	default:
		value := changed(r, values[c])
		if e.kind == "row value moved" {
			value = more[c]
		}
		text, args = `UPDATE "`+table+`" SET "`+columns[c]+`"=? WHERE `+at, append([]any{value}, args...)
	}
	done, err := db.Exec(text, args...)
	if err != nil && (strings.Contains(err.Error(), "constraint") || strings.Contains(err.Error(), "mismatch")) {
		return errNoEdit // which the schema refuses
	}
	if err == nil {
		if n, _ := done.RowsAffected(); n == 0 {
			return fmt.Errorf("%s: %w", e.what, errNoEdit)
		}
	}
	return err
}

func rowAt(db *sql.DB, table string, k int) (columns []string, values []any, err error) {
	rows, err := db.Query(`SELECT * FROM "`+table+`" LIMIT 1 OFFSET ?`, k)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	if columns, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	values = make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	rows.Next()
	err = rows.Scan(into...)
	for i := range values { // an empty blob is not NULL
		if b, ok := values[i].([]byte); ok && b == nil {
			values[i] = []byte{}
		}
	}
	return columns, values, errors.Join(err, rows.Err())
}

// this finds a row by all that is in it.
func this(columns []string, values []any) (string, []any) {
	var all []string
	var args []any
	for i, c := range columns {
		if b, ok := values[i].([]byte); ok && len(b) == 0 {
			all = append(all, `length("`+c+`")=0`)
			continue
		}
		all, args = append(all, `"`+c+`" IS ?`), append(args, values[i])
	}
	return strings.Join(all, " AND "), args
}

// changed is another value of the same kind, or none.
func changed(r *rand.Rand, v any) any {
	if r.IntN(10) == 0 && v != nil {
		return nil
	}
	switch v := v.(type) {
	case int64:
		return v + []int64{1, -1, 1 << 20, -v, -2 * v}[r.IntN(5)]
	case string:
		return v + "x"
	case []byte:
		if len(v) == 0 {
			return []byte{1}
		}
		w, at := slices.Clone(v), r.IntN(len(v))
		switch r.IntN(4) {
		case 0:
			return w[:at]
		case 1:
			return append(w, byte(r.Uint32()))
		}
		w[at] ^= 1 << r.IntN(8)
		return w
	}
	return int64(1)
}
