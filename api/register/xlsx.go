package register

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"greffe/api/sheet"
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
)

// writeXLSX writes four sheets: the organisation with the list of its activities, a
// register for each role, and what changed when.
func writeXLSX(w io.Writer, b *Book) error {
	x := sheet.New("Registre des activités de traitement", b.Made)
	header(x, b)
	for _, role := range register.Roles() {
		rows := [][]string{}
		for _, r := range b.of(role) {
			rows = append(rows, cells(r))
		}
		table(x, role.French(), headings(role), rows)
	}
	var changes [][]string
	for _, c := range b.History {
		changes = append(changes, []string{c.Time.UTC().Format("2006-01-02 15:04:05"), c.Activity, what(c.What), strings.Join(c.Columns, "\n"), c.ID.String()})
	}
	table(x, sheetHistory, []string{"Date (UTC)", "Activité", "Changement", "Colonnes", "Identifiant"}, changes)
	return x.Write(w)
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

// header is the organisation, and the list of its activities.
func header(x *sheet.Book, b *Book) {
	s := x.Sheet(sheetHeader, 44, sheet.Wide, sheet.Wide, sheet.Wide)
	s.Row(sheet.Title, "Registre des activités de traitement (art. 30 RGPD)")
	lines := []register.Line{{Name: "Organisme", Value: "l'en-tête n'est pas renseigné"}}
	if b.Header != nil {
		lines = b.Header.Lines()
	}
	lines = append(lines, register.Line{Name: "Code du responsable dans la politique", Value: b.Controller}, register.Line{Name: "Établi le", Value: day(b.Made)})
	for _, l := range lines {
		s.Row(sheet.Text, l.Name, l.Value)
	}
	s.Skip()
	s.Row(sheet.Head, "Activité", "Registre", "Référence", "Fin")
	for _, role := range register.Roles() {
		for _, r := range b.of(role) {
			s.Row(sheet.Text, r.Entry.Name, role.French(), r.Entry.Reference, day(r.Ended))
		}
	}
	s.End()
}

// table has the ledger's own columns narrow, but for the second.
func table(x *sheet.Book, name string, headings []string, rows [][]string) {
	widths := make([]float64, len(headings))
	for i := range widths {
		if widths[i] = sheet.Wide; i < len(head()) && i != 1 {
			widths[i] = sheet.Narrow
		}
	}
	x.Table(name, headings, rows, widths...)
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
