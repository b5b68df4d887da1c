//go:build real

package register

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greffe/domain/register"
)

// TestOfficeReadsTheRegister: LibreOffice opens the workbook and shows, on each sheet, the
// cells that were written; what looks like a formula is shown, not run.
func TestOfficeReadsTheRegister(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "registre.xlsx")
	b := book(t)
	var out bytes.Buffer
	if err := Write(&out, XLSX, b, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command("bash", "../inspection/thirdparty/office.sh", name, dir).CombinedOutput()
	if t.Logf("%s", said); err != nil {
		t.Fatal(err)
	}
	shown := func(sheet string) [][]string {
		raw, err := os.ReadFile(filepath.Join(dir, "shown", "registre-"+sheet+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(bytes.NewReader(raw))
		r.Comma = ';'
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	n := 0
	for _, role := range register.Roles() {
		want := [][]string{headings(role)}
		for _, r := range b.of(role) {
			want = append(want, cells(r))
		}
		if d := cmp.Diff(want, shown(role.French())); d != "" {
			t.Errorf("%s: %s", role, d)
		}
		n += len(want) - 1
	}
	head := shown(sheetHeader)
	if head[1][1] != "=ACME" || !strings.HasPrefix(head[2][0], "Représentant légal") || head[2][1] != "+Martin" {
		t.Errorf("the first sheet shows %q", head[:4])
	}
	if h := shown(sheetHistory); len(h) != 2 || h[1][1] != "=x" {
		t.Errorf("the history shows %q", h)
	}
	t.Logf("LibreOffice shows the %d entries of both registers cell by cell", n)
}
