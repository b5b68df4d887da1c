package app

import (
	"bufio"
	"compress/gzip"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/disclosure"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections"
	"greffe/projections/accounts"
	"greffe/projections/approvals"
	"greffe/projections/cases"
	"greffe/projections/completeness"
	"greffe/projections/crm"
	"greffe/projections/decisions"
	"greffe/projections/holds"
	"greffe/projections/index"
	"greffe/projections/notices"
	"greffe/projections/opposition"
	"greffe/projections/retention"
	"greffe/projections/runs"
	"greffe/projections/watch"
)

// lived is a ledger with a bit of everything, its read models up to its head and
// nobody following.
func lived(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.now.set(start.AddDate(1, 0, 0))
	a := s.live()
	res := samples(t, a, 2500)
	for i, r := range res[:200] {
		if r.Subject.IsZero() {
			continue
		}
		_, err := a.Journal.Record(t.Context(), access.Reading{Lens: disclosure.Whole(), Account: domain.ID{9, 6: 0x40, 8: 0x80}, Action: "read", Reason: "audit",
			Ticket: []string{"", "T-1"}[i%2], Subjects: []domain.ID{r.Subject, res[i+1].Subject}[:1+i%2]})
		s.ok(err)
	}
	a.Tokens = a.desk(a.Ledger)
	policy, _ := a.Ledger.Policy()
	_, err := a.Tokens.Make(t.Context(), policy, domain.ID{8, 6: 0x40, 8: 0x80}, auth.Request{Label: "auditor", Roles: []string{"auditor"}})
	s.ok(err)
	s.tell(addressed("gone"), objecting("gone"))
	s.forget(s.tell(addressed("gone2"), objecting("gone2"))[0].Subject)
	s.ok(a.CaughtUp(t.Context()))
	_, _, err = a.Clocks.Due(t.Context(), s.now.read(), "", 1) // which stores everybody's days
	s.ok(err)
	s.close()
	return s
}

// samples records the first so many events of the samples.
func samples(t testing.TB, a *App, n int) (out []ledger.Result) {
	t.Helper()
	f, err := os.Open("../../../../deploy/samples/events.ndjson.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	var group [][]byte
	for n > 0 && lines.Scan() {
		group = append(group, slices.Clone(lines.Bytes()))
		if n--; len(group) == 500 || n == 0 {
			res, err := a.Record(t.Context(), group)
			if err != nil {
				t.Fatal(err)
			}
			out, group = append(out, res...), nil
		}
	}
	return out
}

// tampering changes, removes or doubles one cell or row of a table.
type tampering struct {
	name, table string
	do          func(db *sql.DB) error
}

// rowOf is the middle row of a table, by its columns.
func rowOf(db *sql.DB, table string) (columns []string, key map[string]bool, values []any, err error) {
	key = map[string]bool{}
	info, err := db.Query("SELECT name,pk FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, nil, nil, err
	}
	defer info.Close()
	for info.Next() {
		var name string
		var pk int
		if err := info.Scan(&name, &pk); err != nil {
			return nil, nil, nil, err
		}
		columns = append(columns, name)
		key[name] = pk > 0
	}
	values = make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	err = db.QueryRow(`SELECT * FROM "` + table + `" LIMIT 1 OFFSET (SELECT count(*)/2 FROM "` + table + `")`).Scan(into...)
	return columns, key, values, err
}

func other(v any) any {
	switch v := v.(type) {
	case int64:
		return v + 1
	case string:
		return v + "x"
	case []byte:
		if len(v) == 0 {
			return []byte{1}
		}
		w := slices.Clone(v)
		w[len(w)/2] ^= 1
		return w
	}
	return int64(1)
}

// where finds a row by what is in it.
func where(columns []string, key map[string]bool, values []any) (text string, args []any) {
	for i, c := range columns {
		if b, ok := values[i].([]byte); key[c] && ok && len(b) == 0 {
			text += ` AND length("` + c + `")=0`
		} else if key[c] {
			text, args = text+` AND "`+c+`" IS ?`, append(args, values[i])
		}
	}
	if len(args) == 0 {
		return "1", nil
	}
	return text[5:], args
}

// editsOf are edits of every cell of a row of every table that has one, and of the row.
func editsOf(t *testing.T, path string) (out []tampering) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		columns, key, values, err := rowOf(db, table)
		if err != nil {
			continue // empty
		}
		at, args := where(columns, key, values)
		name := filepath.Base(path) + " " + table
		out = append(out, tampering{name + ": delete", table, func(db *sql.DB) error {
			_, err := db.Exec(`DELETE FROM "`+table+`" WHERE `+at, args...)
			return err
		}})
		for i, c := range columns {
			out = append(out, tampering{name + "." + c + ": update", table, func(db *sql.DB) error {
				_, err := db.Exec(`UPDATE "`+table+`" SET "`+c+`"=? WHERE `+at, append([]any{other(values[i])}, args...)...)
				return err
			}})
		}
		out = append(out, tampering{name + ": insert", table, func(db *sql.DB) error {
			more := slices.Clone(values)
			for i := range more {
				more[i] = other(more[i])
				if n, ok := more[i].(int64); ok && key[columns[i]] {
					more[i] = n + 1<<40
				}
			}
			_, err := db.Exec(`INSERT INTO "`+table+`" VALUES (?`+strings.Repeat(",?", len(more)-1)+`)`, more...)
			return err
		}})
	}
	return out
}

// slack are edits that may be found or not, since they change no answer: an interned value that nothing refers to,
// what says which slots and cells are free or to be wiped, how large a run is.
func slack(name string) bool {
	file, what, _ := strings.Cut(name, " ")
	table, _, _ := strings.Cut(strings.TrimSuffix(what, ": insert"), ".")
	table = strings.TrimSuffix(strings.TrimSuffix(table, ": delete"), ": update")
	switch {
	case slices.Contains([]string{"crm.db state_free", "opposition.db run", "opposition.db own", "opposition.db cleared", "opposition.db generation"}, file+" "+table):
		return true
	case table == "token_sheet" && what == "token_sheet.data: update": // a cell that is not used yet
		return file == "opposition.db"
	case strings.HasSuffix(table, "_run"):
		return strings.Contains(what, "entries") || strings.HasSuffix(what, "insert")
	case strings.HasSuffix(what, ": insert"):
		return slices.Contains([]string{"audit.db code", "audit.db agent", "decisions.db subject", "changes.db uuid", "crm.db state_slot"}, file+" "+table)
	}
	// rules.upto is up to whom days are those of the policy: another has days worked out once more, or shows them as they are.
	return slices.Contains([]string{"crm.db erased.cells: update", "retention.db rules.upto: update"}, name)
}

// TestDriftEdits edits one row of each read model, each cell of it, takes it away or
// adds another, and sees it named, with no other read model blamed.
func TestDriftEdits(t *testing.T) {
	t.Parallel()
	s := lived(t)
	a := s.app()
	all, err := a.drift(t.Context(), head(t, a), nil)
	s.ok(err)
	for _, d := range all {
		if !d.Equal || d.Live == "" || d.Live != d.Fresh || d.FirstPosition != nil {
			t.Fatalf("untouched: %+v", d)
		}
	}
	fresh, err := openViews(t.Context(), t.TempDir(), a)
	s.ok(err)
	defer func() { _ = fresh.close() }()
	for _, p := range fresh.all() {
		_, err := a.advance(t.Context(), p, head(t, a))
		s.ok(err)
	}
	s.ok(a.views.close())
	byFile := map[string]projections.Projection{}
	for _, p := range fresh.all() {
		byFile[p.Name()+".db"] = p
	}
	n, nowhere := 0, 0
	for file, p := range byFile {
		for _, e := range editsOf(t, filepath.Join(a.cfg.Data, "views", file)) {
			n++
			found, err := a.edited(t, file, p, &fresh, e)
			switch {
			case err != nil:
				t.Errorf("%s: %v", e.name, err)
			case found.Equal && !slack(e.name):
				t.Errorf("%s: %+v", e.name, found)
			case !found.Equal && found.Where == "":
				t.Errorf("%s: found nowhere", e.name)
			}
			if found.FirstPosition == nil && !found.Equal && len(found.Findings) > 0 {
				nowhere++
			}
		}
	}
	t.Logf("%d edits, of %d of which no position could be told", n, nowhere)
	if n < 150 || nowhere > n/5 {
		t.Error("the edits prove too little")
	}
	a.views = views{}
}

// edited compares a read model of which one file was edited.
func (a *App) edited(t *testing.T, file string, fresh projections.Projection, v *views, e tampering) (Drift, error) {
	dir, err := os.MkdirTemp(a.cfg.Data, "edited-")
	if err != nil {
		return Drift{}, err
	}
	defer os.RemoveAll(dir)
	files, err := filepath.Glob(filepath.Join(a.cfg.Data, "views", file+"*"))
	if err != nil {
		return Drift{}, err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o600)
		}
		if err != nil {
			return Drift{}, err
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, file))
	if err != nil {
		return Drift{}, err
	}
	if err := e.do(db); err != nil && strings.Contains(err.Error(), "constraint failed") { // the schema refuses it
		_ = db.Close()
		return Drift{Equal: slack(e.name), Where: "refused", FirstPosition: new(domain.Position)}, nil
	} else if err != nil {
		return Drift{}, errors.Join(err, db.Close())
	}
	if err := db.Close(); err != nil {
		return Drift{}, err
	}
	live, err := a.openOne(t, dir, fresh.Name())
	if err != nil {
		return Drift{Where: err.Error()}, nil
	}
	defer func() { _ = live.Close() }()
	return a.compare(t.Context(), live, fresh, v)
}

type closing interface {
	projections.Projection
	io.Closer
}

func (a *App) openOne(t *testing.T, dir, name string) (closing, error) {
	path := filepath.Join(dir, name+".db")
	switch name {
	case "index":
		return index.Open(path, index.Options{Readers: 1})
	case "notices":
		return notices.Open(path, notices.Options{Readers: 1})
	case "crm":
		return crm.Open(path, a.vault, a.classOf, crm.Options{Readers: 1})
	case "audit":
		return a.openAudit(t.Context(), dir)
	case "opposition":
		return opposition.Open(path, a.vault, opener{a}, a.Ledger.Peppers(), opposition.Options{Readers: 1})
	case "changes":
		return openRecipients(dir)
	case "decisions":
		return decisions.Open(path, decisions.Options{Readers: 1})
	case "accounts":
		return accounts.Open(t.Context(), path)
	case "completeness":
		return completeness.Open(path, completeness.Options{Readers: 1})
	case "cases":
		return cases.Open(path, folds(), cases.Options{Readers: 1})
	case "retention":
		return retention.Open(path, a.retentionRules, retention.Options{Readers: 1})
	case "approvals":
		return approvals.Open(path, approvals.Options{Readers: 1})
	case "holds":
		return holds.Open(path, holds.Options{Readers: 1})
	case "watch":
		return watch.Open(path, watch.Options{Readers: 1})
	case "runs":
		return runs.Open(path, runs.Options{Readers: 1})
	}
	t.Fatalf("a read model that this test does not know: %s", name)
	return nil, nil
}
