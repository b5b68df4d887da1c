// Package habilitation writes the matrix of who may do and see what as people exchange
// it: a workbook for those who review it, tables as CSV, and JSON.
//
// Promised: the same document makes the same tables; each says which policy and time it
// is of. No cell is a formula. Memory is that of the document. Nothing is written but to
// the writer given, so that a crash leaves nothing.
package habilitation

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/sheet"
	"greffe/domain/habilitation"
)

// Format is a way to write the matrix.
type Format string

// The formats.
const (
	XLSX Format = "xlsx"
	CSV  Format = "csv"
	JSON Format = "json"
)

// Media is the format's media type.
func (f Format) Media() string {
	switch f {
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case CSV:
		return "text/csv"
	}
	return "application/json"
}

// The tables of a CSV.
const (
	Matrix   = "matrix"   // a line for each role and right
	Accounts = "accounts" // a line for each account and token
)

// Write writes a document; table is that of a CSV.
func Write(w io.Writer, f Format, d *habilitation.Document, table string) error {
	var err error
	switch f {
	case XLSX:
		err = workbook(w, d)
	case CSV:
		t := matrix(d)
		if table == Accounts {
			t = accounts(d)
		}
		stamped(d, &t)
		err = sheet.CSV(w, t.headings, t.rows)
	default:
		err = json.MarshalWrite(w, d, json.Deterministic(true), jsontext.WithIndent("  "))
	}
	if err != nil {
		return fmt.Errorf("write the matrix as %s: %w", f, err)
	}
	return nil
}

// stamped adds to each row what it is of, as a CSV has no other place for it.
func stamped(d *habilitation.Document, t *tableOf) {
	t.headings = append(t.headings, "Politique", "État au (UTC)", "Empreinte")
	for i := range t.rows {
		t.rows[i] = append(t.rows[i], strconv.FormatInt(d.Rights.Policy, 10), of(d), d.SHA256)
	}
}

func workbook(w io.Writer, d *habilitation.Document) error {
	x := sheet.New("Matrice d'habilitations", d.Made)
	s := x.Sheet("Synthèse", 44, 2*sheet.Wide)
	s.Row(sheet.Title, "Matrice d'habilitations")
	for _, line := range about(d) {
		s.Row(sheet.Text, line[0], line[1])
	}
	s.End()
	for _, t := range []tableOf{permissions(d), data(d), roles(d), accounts(d)} {
		widths := make([]float64, len(t.headings))
		for i := range widths {
			if widths[i] = sheet.Narrow; slices.Contains(t.wide, i) {
				widths[i] = sheet.Wide
			}
		}
		x.Table(t.name, t.headings, t.rows, widths...)
	}
	return x.Write(w)
}
