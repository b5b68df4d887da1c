package importer

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"

	"greffe/domain/spreadsheet"
)

// reject is one row, or one event of it, that was not recorded.
type reject struct {
	line  int64
	code  string
	field string
	cells []string // of the row, in clear
}

// rejectsLine is the first column of a rejects file, by which an import knows one.
const rejectsLine = "greffe_line"

// rejects is the file of rejected rows: UTF-8 CSV of the original columns behind
// greffe_line, greffe_code and greffe_sentence, so that it can be repaired and
// imported as it is. People repair it in a spreadsheet: no cell of it is a formula,
// and an import of the file takes the apostrophes away again. A nil *rejects writes
// nothing.
type rejects struct {
	path    string
	keep    int64 // bytes of an earlier, cut run
	columns []Column
	file    *os.File
	csv     *csv.Writer
	at      int64
}

func (r *rejects) any() bool { return r != nil && (r.file != nil || r.keep > 0) }

func (r *rejects) size() int64 {
	if r == nil {
		return 0
	}
	return max(r.at, r.keep)
}

// open makes the file at the first rejection, or goes on after what an earlier
// run acknowledged.
func (r *rejects) open() error {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	r.file = f
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	if err := f.Truncate(r.keep); err != nil {
		return err
	}
	if _, err := f.Seek(r.keep, 0); err != nil {
		return err
	}
	r.csv = csv.NewWriter(f)
	if r.keep > 0 {
		return nil
	}
	header := []string{rejectsLine, "greffe_code", "greffe_sentence"}
	for _, c := range r.columns {
		header = append(header, c.Header)
	}
	if len(r.columns) == 0 {
		header = append(header, "event")
	}
	return r.csv.Write(header)
}

func (r *rejects) write(list []reject) error {
	if r == nil || len(list) == 0 {
		return nil
	}
	err := r.writeAll(list)
	if err != nil {
		return fmt.Errorf("import: rejects file not written, the events before are committed: %w", err)
	}
	return nil
}

func (r *rejects) writeAll(list []reject) error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	for _, j := range list {
		line := ""
		if j.line > 0 {
			line = strconv.FormatInt(j.line, 10)
		}
		row := []string{line, j.code, sentence(j.code)}
		for _, cell := range j.cells {
			row = append(row, spreadsheet.Disarm(cell))
		}
		if err := r.csv.Write(row); err != nil {
			return err
		}
	}
	r.csv.Flush()
	if err := r.csv.Error(); err != nil {
		return err
	}
	at, err := r.file.Seek(0, 1)
	if err != nil {
		return err
	}
	r.at = at
	return r.file.Sync()
}

func (r *rejects) close() error {
	if r == nil || r.file == nil {
		return nil
	}
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("import: rejects file: %w", err)
	}
	return nil
}
