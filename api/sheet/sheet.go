// Package sheet writes tables as XLSX for people: texts in sheets, headings that stay in
// sight, filters.
//
// Promised: no cell is a formula, whatever it holds: texts are texts (OWASP: CSV
// injection). Assumed: no text is longer than a spreadsheet takes (32,767 signs), and
// titles are 31 signs at most. Memory is that of the tables. Nothing is written but to
// the writer given, so that a crash leaves nothing.
package sheet

import (
	"errors"
	"io"
	"time"

	"github.com/xuri/excelize/v2"
)

// Widths of columns, in signs.
const (
	Narrow = 14
	Wide   = 36
)

// Style is how a row looks.
type Style int

// The styles.
const (
	Text Style = iota
	Head
	Title
)

// Book is a workbook on its way, for one goroutine. It keeps its first errors; Write
// gives them.
type Book struct {
	f      *excelize.File
	styles [3]int
	free   bool // the sheet that a new file has is not used yet
	err    error
}

// New makes a workbook, titled in French, that was made at an instant.
func New(title string, made time.Time) *Book {
	b := &Book{f: excelize.NewFile(), free: true}
	stamp := made.UTC().Format(time.RFC3339)
	b.do(b.f.SetDocProps(&excelize.DocProperties{Creator: "Greffe", Title: title, Language: "fr-FR", Created: stamp, Modified: stamp}))
	top := &excelize.Alignment{Vertical: "top", WrapText: true}
	for i, s := range []*excelize.Style{
		Text: {NumFmt: 49, Alignment: top}, // @: stays text when it is edited
		Head: {NumFmt: 49, Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Alignment: top,
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"16376E"}}},
		Title: {NumFmt: 49, Font: &excelize.Font{Bold: true, Size: 14, Color: "16376E"}},
	} {
		var err error
		b.styles[i], err = b.f.NewStyle(s)
		b.do(err)
	}
	return b
}

func (b *Book) do(err error) { b.err = errors.Join(b.err, err) }

// Write writes the file. Nothing can be added after it.
func (b *Book) Write(w io.Writer) error {
	if b.err == nil {
		b.do(b.f.Write(w))
	}
	return errors.Join(b.err, b.f.Close())
}

// Sheet is one sheet on its way; it ends with End, before the next begins.
type Sheet struct {
	b    *Book
	name string
	out  *excelize.StreamWriter // nil after an error
	n    int
}

// Sheet begins a sheet with columns of these widths.
func (b *Book) Sheet(name string, widths ...float64) *Sheet {
	s := &Sheet{b: b, name: name}
	if b.free {
		b.free = false
		b.do(b.f.SetSheetName(b.f.GetSheetName(0), name))
	} else {
		_, err := b.f.NewSheet(name)
		b.do(err)
	}
	if b.err != nil {
		return s
	}
	var err error
	if s.out, err = b.f.NewStreamWriter(name); err != nil {
		b.do(err)
		return s
	}
	for i, w := range widths {
		b.do(s.out.SetColWidth(i+1, i+1, w))
	}
	return s
}

// Row adds a row of texts.
func (s *Sheet) Row(style Style, texts ...string) {
	s.n++
	if s.out == nil {
		return
	}
	row := make([]any, len(texts))
	for i, t := range texts {
		row[i] = excelize.Cell{StyleID: s.b.styles[style], Value: t}
	}
	at, err := excelize.CoordinatesToCellName(1, s.n)
	s.b.do(errors.Join(err, s.out.SetRow(at, row)))
}

// Skip leaves a row empty.
func (s *Sheet) Skip() { s.n++ }

// End ends the sheet.
func (s *Sheet) End() {
	if s.out != nil {
		s.b.do(s.out.Flush())
	}
}

// Table is a sheet of rows under headings that stay in sight, with filters.
func (b *Book) Table(name string, headings []string, rows [][]string, widths ...float64) {
	s := b.Sheet(name)
	if s.out == nil {
		return
	}
	b.do(s.out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}))
	for i, w := range widths {
		b.do(s.out.SetColWidth(i+1, i+1, w))
	}
	s.Row(Head, headings...)
	for _, r := range rows {
		s.Row(Text, r...)
	}
	last, err := excelize.CoordinatesToCellName(len(headings), len(rows)+1)
	b.do(errors.Join(err, b.f.AutoFilter(name, "A1:"+last, nil)))
	s.End()
}
