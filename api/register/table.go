package register

import (
	"strings"
	"time"

	"greffe/domain"
	"greffe/domain/register"
)

// head are the columns that the ledger fills; an import takes the id alone from them.
func head() []string {
	return []string{"Identifiant", "Date de création", "Date de mise à jour", "Date de fin"}
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// headings are those of a role's table.
func headings(role register.Role) []string {
	out := head()
	for _, c := range register.Columns(role) {
		out = append(out, c.French)
	}
	return out
}

// cells are a row of it.
func cells(r *Row) []string {
	out := []string{r.ID.String(), day(r.Created), day(r.Updated), day(r.Ended)}
	for _, c := range register.Columns(r.Entry.Role) {
		out = append(out, c.Cell(r.Entry))
	}
	return out
}

// of are the rows of a role.
func (b *Book) of(role register.Role) (out []*Row) {
	for i := range b.Rows {
		if r := &b.Rows[i]; r.Entry != nil && r.Entry.Role == role {
			out = append(out, r)
		}
	}
	return out
}

// parse reads a table: its first row names columns, by the French headings or by the
// names of register.Column, in any order. Rows without a cell are no entries.
func parse(table [][]string, role register.Role) ([]Row, error) {
	if len(table) == 0 {
		return nil, &FileError{Cause: ErrFormat}
	}
	columns, own := register.Columns(role), head()
	at := make([]int, len(table[0])) // of columns; -1: the ledger's own, -2: the id
	found := false
	for i, name := range table[0] {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		k, ok := place(columns, own, name)
		if !ok {
			return nil, &FileError{Row: 1, Column: i + 1, Cause: ErrFormat}
		}
		at[i] = k
		found = found || k >= 0
	}
	if !found {
		return nil, &FileError{Cause: ErrFormat}
	}
	var out []Row
	for n, line := range table[1:] {
		if strings.TrimSpace(strings.Join(line, "")) == "" {
			continue
		}
		r := Row{Entry: &register.Entry{Role: role}}
		for i, cell := range line {
			if i >= len(at) {
				if cell != "" {
					return nil, &FileError{Row: n + 2, Column: i + 1, Cause: ErrFormat}
				}
				continue
			}
			cell = strings.ReplaceAll(cell, "\r\n", "\n")
			switch {
			case at[i] >= 0:
				columns[at[i]].Set(r.Entry, cell)
			case at[i] == idColumn && cell != "":
				id, err := domain.ParseID(cell)
				if err != nil {
					return nil, &FileError{Row: n + 2, Column: i + 1, Cause: ErrFormat}
				}
				r.ID = id
			}
		}
		out = append(out, r)
	}
	return out, nil
}

const (
	ownColumn = -1
	idColumn  = -2
)

func place(columns []register.Column, own []string, name string) (int, bool) {
	for i, c := range columns {
		if strings.EqualFold(name, c.French) || strings.EqualFold(name, c.Name) {
			return i, true
		}
	}
	for i, h := range own {
		if strings.EqualFold(name, h) {
			if i == 0 {
				return idColumn, true
			}
			return ownColumn, true
		}
	}
	return ownColumn, name == ""
}
