package sqlfile

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

const (
	entrySize  = 16
	chunkSize  = 256 // entries
	seqBits    = 24  // of a chunk's id; the bits above are its run
	fanout     = 4   // runs of one level that are merged into one
	levelShift = 2   // a level is a factor of 4
	levels     = 9   // runs of 4^9 entries and more are not merged again
)

var errChunk = errors.New("a chunk of a sorted run is damaged")

// Entry says that Value stands under Key. Keys are not negative.
type Entry struct{ Key, Value int64 }

func compareEntries(a, b Entry) int {
	if c := cmp.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return cmp.Compare(a.Value, b.Value)
}

// Runs is a multimap that only grows: sorted runs in chunks, one run for each
// Add, four of a size merged into one. A random key thus costs some sequential
// writes instead of a page of its own in a tree; a look-up asks each run, of
// which there are a dozen or two, and one more for every million entries.
//
// Values must not be less than those of the Add before. The same entry may be
// added again; it is read once.
type Runs struct {
	table  string
	values string // statement
	latest string
	loaded bool
	runs   []run // by age
}

type run struct{ id, entries int64 }

// RunsDDL creates the tables of a Runs.
func RunsDDL(table string) string {
	return "CREATE TABLE " + table + "_run(run INTEGER PRIMARY KEY, entries INTEGER NOT NULL);" +
		"CREATE TABLE " + table + "_chunk(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, key INTEGER NOT NULL, value INTEGER NOT NULL, data BLOB NOT NULL);" +
		"CREATE INDEX " + table + "_at ON " + table + "_chunk(run,key,value);"
}

// NewRuns works on the tables made by RunsDDL.
func NewRuns(table string) *Runs {
	return &Runs{table: table, values: valuesQuery(table) + " ORDER BY r.run,c.id", latest: valuesQuery(table) + " ORDER BY r.run DESC,c.id DESC"}
}

// Forget drops what is cached. It must be called when a transaction that used
// the Runs is not committed.
func (r *Runs) Forget() { r.loaded, r.runs = false, nil }

// Add writes the entries, which it sorts in place.
func (r *Runs) Add(tx *Tx, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := r.load(tx); err != nil {
		return err
	}
	slices.SortFunc(entries, compareEntries)
	w := r.writer(tx)
	for _, e := range entries {
		if err := w.add(e); err != nil {
			return err
		}
	}
	if err := r.finish(w); err != nil {
		return err
	}
	if from := r.due(); from < len(r.runs) {
		return r.merge(tx, from)
	}
	return nil
}

func (r *Runs) load(tx *Tx) error {
	if r.loaded {
		return nil
	}
	r.runs = nil
	err := tx.Query("SELECT run,entries FROM "+r.table+"_run ORDER BY run", func(row []driver.Value) error {
		id, _ := row[0].(int64)
		n, _ := row[1].(int64)
		r.runs = append(r.runs, run{id, n})
		return nil
	})
	r.loaded = err == nil
	return err
}

func (r run) level() int {
	l := 0
	for n := r.entries >> levelShift; n > 0; n >>= levelShift {
		l++
	}
	return l
}

// due is the first of the newest runs that are to be merged, of the highest
// level that has four; len(r.runs) if none has.
func (r *Runs) due() int {
	from := len(r.runs)
	for l := range levels {
		n, i := 0, len(r.runs)
		for ; i > 0 && r.runs[i-1].level() <= l; i-- {
			if r.runs[i-1].level() == l {
				n++
			}
		}
		if n >= fanout {
			from = i
		}
	}
	return from
}

// merge makes one run of those from from on.
func (r *Runs) merge(tx *Tx, from int) error {
	w := r.writer(tx)
	old := r.runs[from:]
	if err := mergeRuns(old, func(id int64) ([]byte, error) { return r.chunk(tx, id) }, w.add); err != nil {
		return err
	}
	for _, o := range old {
		if _, err := tx.Exec("DELETE FROM "+r.table+"_chunk WHERE id>=? AND id<?", o.id<<seqBits, (o.id+1)<<seqBits); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM "+r.table+"_run WHERE run=?", o.id); err != nil {
			return err
		}
	}
	r.runs = r.runs[:from]
	return r.finish(w)
}

func (r *Runs) chunk(tx *Tx, id int64) (data []byte, err error) {
	err = tx.Query("SELECT data FROM "+r.table+"_chunk WHERE id=?", func(row []driver.Value) error {
		data, _ = row[0].([]byte)
		return nil
	}, id)
	return data, err
}

// runWriter writes one run in order.
type runWriter struct {
	tx      *Tx
	put     string
	id, seq int64
	entries int64
	buf     []byte
	first   Entry // of buf
	last    Entry
}

func (r *Runs) writer(tx *Tx) *runWriter {
	id := int64(1)
	if n := len(r.runs); n > 0 {
		id = r.runs[n-1].id + 1
	}
	return &runWriter{tx: tx, put: "INSERT INTO " + r.table + "_chunk(id,run,key,value,data) VALUES(?,?,?,?,?)", id: id}
}

func (w *runWriter) add(e Entry) error {
	if w.entries > 0 && e == w.last {
		return nil
	}
	if len(w.buf) == 0 {
		w.first = e
	}
	w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(e.Key))
	w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(e.Value))
	w.last = e
	w.entries++
	if len(w.buf) == chunkSize*entrySize {
		return w.flush()
	}
	return nil
}

func (w *runWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.tx.Exec(w.put, w.id<<seqBits|w.seq, w.id, w.first.Key, w.first.Value, w.buf)
	w.seq++
	w.buf = w.buf[:0]
	return err
}

func (r *Runs) finish(w *runWriter) error {
	if err := w.flush(); err != nil {
		return err
	}
	r.runs = append(r.runs, run{w.id, w.entries})
	_, err := w.tx.Exec("INSERT INTO "+r.table+"_run(run,entries) VALUES(?,?)", w.id, w.entries)
	return err
}

// cursor walks one run.
type cursor struct {
	id   int64 // of the next chunk
	data []byte
	head Entry
}

func (c *cursor) next(chunk func(int64) ([]byte, error)) (ok bool, err error) {
	if len(c.data) == 0 {
		if c.data, err = chunk(c.id); err != nil || len(c.data) == 0 {
			return false, err
		}
		if len(c.data)%entrySize != 0 {
			return false, errChunk
		}
		c.id++
	}
	c.head = entryAt(c.data, 0)
	c.data = c.data[entrySize:]
	return true, nil
}

func entryAt(data []byte, i int) Entry {
	b := data[i*entrySize:]
	return Entry{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}
}

// mergeRuns gives the entries of all runs in order, repeated ones as well.
func mergeRuns(runs []run, chunk func(id int64) ([]byte, error), emit func(Entry) error) error {
	var open []*cursor
	for _, r := range runs {
		c := &cursor{id: r.id << seqBits}
		if ok, err := c.next(chunk); err != nil {
			return err
		} else if ok {
			open = append(open, c)
		}
	}
	for len(open) > 0 {
		least := 0
		for i := 1; i < len(open); i++ {
			if compareEntries(open[i].head, open[least].head) < 0 {
				least = i
			}
		}
		if err := emit(open[least].head); err != nil {
			return err
		}
		if ok, err := open[least].next(chunk); err != nil {
			return err
		} else if !ok {
			open = slices.Delete(open, least, least+1)
		}
	}
	return nil
}

// Section dumps all entries once each, in order, as columns named key and value.
// A chunk that look-ups would not find where its entries are is an error.
func (r *Runs) Section(name, key, value string) Section {
	return Section{Name: name, Columns: []string{key, value}, Rows: func(ctx context.Context, tx *sql.Tx, row func(...any) error) error {
		var runs []run
		rows, err := tx.QueryContext(ctx, "SELECT run,entries FROM "+r.table+"_run ORDER BY run")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var x run
			if err := rows.Scan(&x.id, &x.entries); err != nil {
				return err
			}
			runs = append(runs, x)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		get, err := tx.PrepareContext(ctx, "SELECT run,key,value,data FROM "+r.table+"_chunk WHERE id=?")
		if err != nil {
			return err
		}
		defer get.Close()
		last, visited := Entry{math.MinInt64, 0}, int64(0)
		err = mergeRuns(runs, func(id int64) (data []byte, err error) {
			var run int64
			var first Entry
			switch err = get.QueryRowContext(ctx, id).Scan(&run, &first.Key, &first.Value, &data); {
			case errors.Is(err, sql.ErrNoRows):
				return nil, nil
			case err == nil && (run != id>>seqBits || len(data) < entrySize || entryAt(data, 0) != first):
				return nil, errChunk
			}
			visited++
			return data, err
		}, func(e Entry) error {
			if e == last {
				return nil
			}
			last = e
			return row(e.Key, e.Value)
		})
		var there int64
		if err == nil {
			err = tx.QueryRowContext(ctx, "SELECT count(*) FROM "+r.table+"_chunk").Scan(&there)
		}
		if err == nil && there != visited { // one of no run may stand in the way of a look-up
			err = errChunk
		}
		return err
	}}
}
