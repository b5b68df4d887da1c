// Package register writes and reads the register of processing activities (art. 30 GDPR)
// as people exchange it: one XLSX in the columns of the CNIL's model, CSV, and JSON.
//
// Promised: what Write writes, Read reads as the same entries. No cell is a formula,
// whatever it holds: texts are texts (OWASP: CSV injection). Errors name rows and columns
// by their numbers and never a value. Assumed: entries passed register.Check, so that no
// cell is longer than a spreadsheet takes. Memory is that of the register, which a person
// keeps by hand. Nothing is written but to the writer, so that a crash leaves nothing.
package register

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
	"greffe/domain/register"
)

// MaxRows is how many entries are read from one file.
const MaxRows = 5000

// Format is a way to exchange a register.
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

// Book is a register as it leaves the ledger.
type Book struct {
	Controller string                 `json:"controller"`
	Made       time.Time              `json:"made"`
	Header     *register.Organisation `json:"organisation,omitempty"`
	Rows       []Row                  `json:"activities"`
	History    []Change               `json:"history,omitempty"`
}

// Row is an entry with what the ledger knows of it.
type Row struct {
	ID      domain.ID       `json:"id,omitzero"`
	Created time.Time       `json:"created,omitzero"`
	Updated time.Time       `json:"updated,omitzero"`
	Ended   time.Time       `json:"ended,omitzero"`
	Entry   *register.Entry `json:"entry"`
}

// Change is one state of an entry, by what it changed.
type Change struct {
	ID       domain.ID `json:"id"`
	Activity string    `json:"activity"`
	Time     time.Time `json:"time"`
	What     string    `json:"what" enum:"recorded,changed,ended"`
	Columns  []string  `json:"columns,omitempty"`
}

// FileError says where in a file something cannot be read; rows and columns count from 1.
type FileError struct {
	Row, Column int
	Field       string // of the entry, "" if the file itself is meant
	Cause       error
}

func (e *FileError) Error() string {
	switch {
	case e.Column > 0 && e.Row > 0:
		return fmt.Sprintf("row %d, column %d of the register cannot be read", e.Row, e.Column)
	case e.Row > 0:
		return fmt.Sprintf("row %d of the register cannot be read: %s", e.Row, e.Field)
	}
	return "the file is no register that can be read"
}

func (e *FileError) Unwrap() error { return e.Cause }

// ErrFormat: the file is not of the format, or holds no register.
var ErrFormat = errors.New("the file is not of this format, or holds no register")

// Write writes a book. CSV holds the entries of one role alone, without the header.
func Write(w io.Writer, f Format, b *Book, role register.Role) error {
	var err error
	switch f {
	case XLSX:
		err = writeXLSX(w, b)
	case CSV:
		err = writeCSV(w, b, role)
	default:
		err = json.MarshalWrite(w, b, json.Deterministic(true), jsontext.WithIndent("  "))
	}
	if err != nil {
		return fmt.Errorf("write the register as %s: %w", f, err)
	}
	return nil
}

// Read reads entries from a file; role is that of a CSV's. They are not checked. An
// error is a FileError.
func Read(raw []byte, f Format, role register.Role) (rows []Row, err error) {
	switch f {
	case XLSX:
		rows, err = readXLSX(raw)
	case CSV:
		rows, err = readCSV(raw, role)
	default:
		rows, err = readJSON(raw)
	}
	if err == nil && len(rows) > MaxRows {
		err = &FileError{Row: MaxRows + 1, Cause: ErrFormat}
	}
	return rows, err
}

func readJSON(raw []byte) ([]Row, error) {
	var b Book
	if err := json.Unmarshal(raw, &b, json.RejectUnknownMembers(true)); err != nil {
		return nil, &FileError{Cause: ErrFormat} // the decoder's own error may quote the file
	}
	for i := range b.Rows {
		if b.Rows[i].Entry == nil {
			return nil, &FileError{Row: i + 1, Field: "entry", Cause: ErrFormat}
		}
	}
	return b.Rows, nil
}
