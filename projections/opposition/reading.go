package opposition

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"greffe/domain"
	"greffe/domain/opposition"
	"greffe/domain/token"
)

// snapshot is one state of the file, for answers that take several reads.
type snapshot struct {
	list  *List
	ctx   context.Context
	tx    *sql.Tx
	stmts map[string]*sql.Stmt
	found map[token.Token][]value // what is known of them

	entries map[int64]Entry // of imported lists, which have up to 1,000 addresses each
	lifted  map[domain.ID][]lift
}

func (l *List) snapshot(ctx context.Context) (*snapshot, error) {
	tx, err := l.file.Reads().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("opposition list: %w", err)
	}
	return &snapshot{list: l, ctx: ctx, tx: tx, stmts: map[string]*sql.Stmt{}, entries: map[int64]Entry{}, lifted: map[domain.ID][]lift{}}, nil
}

func (s *snapshot) end() { _ = s.tx.Rollback() }

// query implements query; its rows may be kept.
func (s *snapshot) query(text string, fn func(row []driver.Value) error, args ...driver.Value) error {
	given := make([]any, len(args))
	for i, a := range args {
		given[i] = a
	}
	rows, err := s.rows(s.ctx, text, given...)
	if err != nil {
		return fmt.Errorf("opposition list: %w", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("opposition list: %w", err)
	}
	row := make([]driver.Value, len(columns))
	into := make([]any, len(columns))
	for i := range row {
		into[i] = (*any)(&row[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("opposition list: %w", err)
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// rows implements sqlfile.Query; a statement is compiled once.
func (s *snapshot) rows(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt := s.stmts[text]
	if stmt == nil {
		var err error
		if stmt, err = s.tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		s.stmts[text] = stmt
	}
	return stmt.QueryContext(ctx, args...)
}

// Entry is one objection with where it comes from. Its Subject is zero when it
// is of an address alone.
type Entry struct {
	opposition.Entry
	Origin Origin
	List   domain.ID // of an imported list
	Count  int64     // addresses of an imported list's part
}

const entryColumns = "SELECT position,event,subject,time,recorded,scope,origin,list,count FROM entry "

func readEntry(row []driver.Value) Entry {
	e := Entry{Entry: opposition.Entry{Position: domain.Position(asInt(row[0])), Event: asID(row[1]), Subject: asID(row[2]),
		Time: asTime(row[3]), Recorded: asTime(row[4]), Scope: readScope(asText(row[5]))}, List: asID(row[7]), Count: asInt(row[8])}
	if n := asInt(row[6]); n >= 0 && n < int64(len(Origins())) {
		e.Origin = Origins()[n]
	}
	return e
}

func asInt(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func asText(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

func asTime(v driver.Value) time.Time { return time.UnixMicro(asInt(v)).UTC() }

// lift is one lift: of address n of its entry, or of the whole entry.
type lift struct {
	opposition.Lift
	n int64
}

// known gives the entry at a position to keep, which asks for it once.
func (s *snapshot) known(at int64, keep func(Entry)) error {
	if e, ok := s.entries[at]; ok {
		keep(e)
		return nil
	}
	return s.query(entryColumns+"WHERE position=?", func(row []driver.Value) error {
		e := readEntry(row)
		if e.Origin == Listed && len(s.entries) < maxKnown {
			s.entries[at] = e
		}
		keep(e)
		return nil
	}, at)
}

// maxKnown bounds the entries of imported lists that one answer remembers.
const maxKnown = 10_000

// liftsOf is lifts, asked once of the entries that are remembered.
func (s *snapshot) liftsOf(e *Entry) ([]lift, error) {
	if out, ok := s.lifted[e.Event]; ok {
		return out, nil
	}
	out, err := s.lifts(e.Event)
	if _, ok := s.entries[int64(e.Position)]; ok && err == nil {
		s.lifted[e.Event] = out
	}
	return out, err
}

func (s *snapshot) lifts(entry domain.ID) (out []lift, err error) {
	err = s.query("SELECT event,time,reason,n FROM lift WHERE entry=? ORDER BY position,n", func(row []driver.Value) error {
		out = append(out, lift{opposition.Lift{Entry: entry, Event: asID(row[0]), Time: asTime(row[1]), Reason: asText(row[2])}, asInt(row[3])})
		return nil
	}, entry[:])
	return out, err
}

func (s *snapshot) acts(subject domain.ID) (out []opposition.Act, err error) {
	err = s.query("SELECT event,time,expires,scope FROM act WHERE subject=? ORDER BY position", func(row []driver.Value) error {
		scope := readScope(asText(row[3]))
		a := opposition.Act{Event: asID(row[0]), Time: asTime(row[1]), Subject: subject, Controller: scope.Controller, Purpose: scope.Purpose, Channels: scope.Channels}
		if n := asInt(row[2]); n != 0 {
			a.ExpiresAt = asTime(n)
		}
		out = append(out, a)
		return nil
	}, subject[:])
	return out, err
}
