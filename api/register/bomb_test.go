package register

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"greffe/domain/register"
)

// workbook is a workbook whose only sheet is the XML that is given.
func workbook(t *testing.T, sheet func(io.Writer)) []byte {
	t.Helper()
	f := excelize.NewFile()
	if err := f.SetSheetName("Sheet1", register.Roles()[0].French()); err != nil {
		t.Fatal(err)
	}
	plain, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	in, err := zip.NewReader(bytes.NewReader(plain.Bytes()), int64(plain.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range in.File {
		w, err := z.Create(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		if e.Name == "xl/worksheets/sheet1.xml" {
			sheet(w)
			continue
		}
		r, err := e.Open()
		if err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const sheetHead = `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`

// A workbook of a few kilobytes does not become gigabytes: sheets of zeros, rows
// that stand far below, and rows of which only the last cell is there.
func TestWorkbookBombs(t *testing.T) {
	t.Parallel()
	bombs := map[string]func(io.Writer){
		"zeros": func(w io.Writer) {
			for range 200 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		},
		"wide rows": func(w io.Writer) {
			_, _ = io.WriteString(w, sheetHead)
			for i := range 20000 {
				fmt.Fprintf(w, `<row r="%d"><c r="XFD%[1]d"><v>1</v></c></row>`, i+1)
			}
			_, _ = io.WriteString(w, `</sheetData></worksheet>`)
		},
		"a row far below": func(w io.Writer) {
			_, _ = io.WriteString(w, sheetHead+`<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>`)
		},
		"nesting": func(w io.Writer) { _, _ = io.WriteString(w, strings.Repeat("<a>", 1<<20)) },
	}
	for name, sheet := range bombs {
		raw := workbook(t, sheet)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readXLSX(raw)
		runtime.ReadMemStats(&after)
		var bad *FileError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %d bytes in, %d MiB", name, len(raw), (after.TotalAlloc-before.TotalAlloc)>>20)
		if grown := int64(after.TotalAlloc-before.TotalAlloc) >> 20; grown > 700 {
			t.Errorf("%s: %d bytes of a file took %d MiB", name, len(raw), grown)
		}
	}
}
