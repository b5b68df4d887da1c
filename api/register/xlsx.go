package register

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"greffe/domain/register"
)

// The sheets besides those of the roles.
const (
	sheetHeader  = "Organisme"
	sheetHistory = "Historique"
)

const (
	maxUnzipped = 64 << 20 // bytes of a workbook that is read
	maxColumns  = 256      // of a sheet that is read; the registers have some thirty
	narrow      = 14
	wide        = 36
)

// writeXLSX writes four sheets: the organisation with the list of its activities, a
// register for each role, and what changed when.
func writeXLSX(w io.Writer, b *Book) error {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	x := &sheets{f: f}
	x.err = errors.Join(f.SetSheetName(f.GetSheetName(0), sheetHeader),
		f.SetDocProps(&excelize.DocProperties{Creator: "Greffe", Title: "Registre des activités de traitement", Language: "fr-FR", Created: b.Made.UTC().Format(time.RFC3339)}))
	x.style()
	x.header(b)
	for _, role := range register.Roles() {
		rows := [][]string{}
		for _, r := range b.of(role) {
			rows = append(rows, cells(r))
		}
		x.table(role.French(), headings(role), rows)
	}
	var changes [][]string
	for _, c := range b.History {
		changes = append(changes, []string{c.Time.UTC().Format("2006-01-02 15:04:05"), c.Activity, what(c.What), strings.Join(c.Columns, "\n"), c.ID.String()})
	}
	x.table(sheetHistory, []string{"Date (UTC)", "Activité", "Changement", "Colonnes", "Identifiant"}, changes)
	if x.err != nil {
		return x.err
	}
	return f.Write(w)
}

func what(code string) string {
	switch code {
	case "recorded":
		return "création"
	case "ended":
		return "fin de l'activité"
	}
	return "mise à jour"
}

// sheets writes them one after the other and keeps the first error.
type sheets struct {
	f                 *excelize.File
	text, head, title int
	err               error
}

func (x *sheets) do(err error) { x.err = errors.Join(x.err, err) }

func (x *sheets) style() {
	add := func(to *int, s *excelize.Style) {
		var err error
		*to, err = x.f.NewStyle(s)
		x.do(err)
	}
	top := &excelize.Alignment{Vertical: "top", WrapText: true}
	add(&x.text, &excelize.Style{NumFmt: 49, Alignment: top}) // @: stays text when it is edited
	add(&x.head, &excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Alignment: top,
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"16376E"}}})
	add(&x.title, &excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true, Size: 14, Color: "16376E"}})
}

func (x *sheets) row(out *excelize.StreamWriter, n, style int, texts ...string) {
	row := make([]any, len(texts))
	for i, t := range texts {
		row[i] = excelize.Cell{StyleID: style, Value: t}
	}
	at, err := excelize.CoordinatesToCellName(1, n)
	x.do(err)
	x.do(out.SetRow(at, row))
}

// header is the organisation, and the list of its activities.
func (x *sheets) header(b *Book) {
	out, err := x.f.NewStreamWriter(sheetHeader)
	if x.do(err); err != nil {
		return
	}
	x.do(out.SetColWidth(1, 1, 44))
	x.do(out.SetColWidth(2, 4, wide))
	n := 1
	line := func(style int, texts ...string) {
		x.row(out, n, style, texts...)
		n++
	}
	line(x.title, "Registre des activités de traitement (art. 30 RGPD)")
	lines := []register.Line{{Name: "Organisme", Value: "l'en-tête n'est pas renseigné"}}
	if b.Header != nil {
		lines = b.Header.Lines()
	}
	lines = append(lines, register.Line{Name: "Code du responsable dans la politique", Value: b.Controller}, register.Line{Name: "Établi le", Value: day(b.Made)})
	for _, l := range lines {
		line(x.text, l.Name, l.Value)
	}
	n++
	line(x.head, "Activité", "Registre", "Référence", "Fin")
	for _, role := range register.Roles() {
		for _, r := range b.of(role) {
			line(x.text, r.Entry.Name, role.French(), r.Entry.Reference, day(r.Ended))
		}
	}
	x.do(out.Flush())
}

// table is a sheet of rows under headings that stay in sight, with filters.
func (x *sheets) table(name string, headings []string, rows [][]string) {
	if _, err := x.f.NewSheet(name); err != nil {
		x.do(err)
		return
	}
	out, err := x.f.NewStreamWriter(name)
	if x.do(err); err != nil {
		return
	}
	x.do(out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}))
	for i := range headings {
		size := float64(wide)
		if i < len(head()) && i != 1 {
			size = narrow
		}
		x.do(out.SetColWidth(i+1, i+1, size))
	}
	x.row(out, 1, x.head, headings...)
	for i, r := range rows {
		x.row(out, i+2, x.text, r...)
	}
	last, err := excelize.CoordinatesToCellName(len(headings), len(rows)+1)
	x.do(err)
	x.do(x.f.AutoFilter(name, "A1:"+last, nil))
	x.do(out.Flush())
}

// readXLSX reads the sheets of the roles; others are the ledger's own and passed over.
func readXLSX(raw []byte) (out []Row, err error) {
	f, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped, RawCellValue: true})
	if err != nil {
		return nil, &FileError{Cause: ErrFormat}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	found := false
	for _, role := range register.Roles() {
		if !slices.Contains(f.GetSheetList(), role.French()) {
			continue
		}
		found = true
		table, err := readSheet(f, role.French())
		if err != nil {
			return nil, err
		}
		rows, err := parse(table, role)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	if !found {
		return nil, &FileError{Cause: ErrFormat}
	}
	return out, nil
}

// readSheet reads a sheet row by row: one cell far to the right in each of many rows
// is a few bytes in the file, and gigabytes once the cells before it are there.
func readSheet(f *excelize.File, name string) (table [][]string, err error) {
	rows, err := f.Rows(name)
	if err != nil {
		return nil, &FileError{Cause: ErrFormat}
	}
	defer func() {
		if rows.Close() != nil {
			err = errors.Join(err, &FileError{Cause: ErrFormat})
		}
	}()
	filled := 0
	for rows.Next() {
		row, err := rows.Columns()
		if len(row) > 0 {
			filled = len(table) + 1
		}
		if err != nil || len(row) > maxColumns || filled > MaxRows+1 {
			return nil, &FileError{Row: len(table) + 1, Cause: ErrFormat}
		}
		table = append(table, row)
	}
	if rows.Error() != nil {
		return nil, &FileError{Cause: ErrFormat}
	}
	return table[:filled], nil
}
