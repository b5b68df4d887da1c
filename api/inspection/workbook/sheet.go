package workbook

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"greffe/domain"
	"greffe/domain/bundle"
)

// Sheet is one sheet on its way.
type Sheet struct {
	book    *Book
	title   string
	table   string
	columns []bundle.Column
	out     *excelize.StreamWriter
	cells   []any
	rows    int64 // given
	shown   int64
	bytes   int
	full    bool
	done    bool
}

func (s *Sheet) begin() error {
	if err := s.book.page(s.title); err != nil {
		return err
	}
	var err error
	if s.out, err = s.book.f.NewStreamWriter(s.title); err != nil {
		return err
	}
	err = s.out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	head := make([]any, len(s.columns))
	for i, c := range s.columns {
		head[i] = excelize.Cell{StyleID: s.book.styles.head, Value: heading(c)}
		err = errors.Join(err, s.out.SetColWidth(i+1, i+1, width(c, i == len(s.columns)-1)))
	}
	return errors.Join(err, s.out.SetRow("A1", head, excelize.RowOpts{Height: 20}))
}

// Append adds a row, a value for each column; those for which there is no room are
// counted only. The row is read before Append returns.
func (s *Sheet) Append(row []bundle.Value) error {
	if s.done || len(row) != len(s.columns) {
		return ErrSheet
	}
	s.rows++
	if s.full {
		return nil
	}
	size := 0
	for i := range row {
		var n int
		s.cells[i], n = s.cell(row[i].Any())
		size += n
	}
	if s.shown == MaxRows || s.bytes+size > maxSheet {
		s.full = true
		return nil
	}
	s.shown++
	s.bytes += size
	if err := s.out.SetRow("A"+strconv.FormatInt(s.shown+1, 10), s.cells); err != nil {
		return fmt.Errorf("sheet %s: %w", s.title, err)
	}
	return nil
}

// cell is a value as a spreadsheet has it, and what it costs.
func (s *Sheet) cell(v any) (any, int) {
	style := &s.book.styles
	switch v := v.(type) {
	case nil:
		return nil, 0
	case int64:
		if v >= maxExact || v <= -maxExact {
			return excelize.Cell{StyleID: style.text, Value: strconv.FormatInt(v, 10)}, cellCost
		}
		return excelize.Cell{StyleID: style.number, Value: v}, cellCost
	case time.Time:
		return excelize.Cell{StyleID: style.time, Value: v.Truncate(time.Second)}, cellCost
	case bool:
		word := "non"
		if v {
			word = "oui"
		}
		return excelize.Cell{StyleID: style.text, Value: word}, cellCost
	case domain.ID:
		return excelize.Cell{StyleID: style.text, Value: v.String()}, cellCost
	case []string:
		t := shown(strings.Join(v, ", "))
		return excelize.Cell{StyleID: style.text, Value: t}, cellCost + cost(t)
	case string:
		t := shown(v)
		return excelize.Cell{StyleID: style.text, Value: t}, cellCost + cost(t)
	}
	return nil, 0
}

// cost is about what a text takes as XML.
func cost(s string) int {
	n := len(s)
	for i := range len(s) {
		if s[i] < ' ' || strings.IndexByte(`"&'<>`, s[i]) >= 0 {
			n += 5
		}
	}
	return n
}

// shown is a text as a cell has it: cut where it is too long.
func shown(s string) string {
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText]) + "… [coupé : le texte entier est dans la table]"
	}
	return s
}

// Close ends a sheet: its filters, and how many rows are left out.
func (s *Sheet) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	var err error
	if left := s.rows - s.shown; left > 0 {
		note := fmt.Sprintf("%d autres lignes sont dans les fichiers %s%s.csv, .ndjson et .parquet du dossier.", left, bundle.TablesDir, s.table)
		err = s.out.SetRow("A"+strconv.FormatInt(s.shown+3, 10), []any{excelize.Cell{StyleID: s.book.styles.note, Value: note}})
	}
	last, e := excelize.CoordinatesToCellName(len(s.columns), int(s.shown)+1)
	err = errors.Join(err, e, s.book.f.AutoFilter(s.title, "A1:"+last, nil), s.out.Flush())
	if err != nil {
		return fmt.Errorf("sheet %s: %w", s.title, err)
	}
	return nil
}
