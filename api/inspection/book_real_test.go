//go:build real

package inspection

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// office gives what LibreOffice shows of a workbook, by sheet.
func office(t *testing.T, book []byte) func(sheet string) [][]string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "registres.xlsx")
	must(t, os.WriteFile(name, book, 0o600))
	out, err := exec.Command("bash", "thirdparty/office.sh", name, dir).CombinedOutput()
	t.Logf("%s", out)
	must(t, err)
	return func(sheet string) [][]string {
		b, err := os.ReadFile(filepath.Join(dir, "shown", "registres-"+sheet+".csv"))
		must(t, err)
		r := csv.NewReader(bytes.NewReader(b))
		r.Comma = ';'
		rows, err := r.ReadAll()
		must(t, err)
		return rows
	}
}

// TestOfficeReadsTheWorkbook: LibreOffice opens the workbook of a bundle and shows, on
// each sheet of a table, what the table's CSV says, dates and numbers among it; what
// looks like a formula is shown, not run.
func TestOfficeReadsTheWorkbook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3000)
	o := w.order(0, 3000)
	o.Requester, o.Reference = "=1+1", "+33@SUM(A1)"
	b, err := w.write(o)
	must(t, err)
	shown := office(t, b.read(t, BookPath))
	rows := 0
	for _, x := range tabs() {
		got := shown(x.title)
		if x.table == "" {
			if len(got) < 2 {
				t.Errorf("%s shows %d rows", x.title, len(got))
			}
			continue
		}
		want := b.table(t, x.table)
		if !same(got, want) {
			t.Errorf("%s: LibreOffice shows %d rows, the table has %d, or other cells", x.title, len(got), len(want))
		}
		rows += len(got) - 1
	}
	if rows < 100 {
		t.Errorf("%d rows were compared", rows)
	}
	summary := shown("Sommaire")
	if summary[0][0] != "Registres du dossier de contrôle +33@SUM(A1)" || summary[2][1] != "=1+1" || summary[3][1] != "+33@SUM(A1)" {
		t.Errorf("the first sheet shows %q", summary[:4])
	}
	t.Logf("LibreOffice and the tables agree on %d rows of %d sheets", rows, len(tabs()))
}
