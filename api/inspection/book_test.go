package inspection

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"greffe/api/inspection/workbook"
	"greffe/domain/bundle"
	mission "greffe/domain/inspection"
)

// sheets gives what the workbook of a bundle shows.
func (b written) sheets(t testing.TB) (names []string, rows map[string][][]string) {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b.read(t, BookPath)))
	must(t, err)
	defer f.Close()
	rows = map[string][][]string{}
	for _, n := range f.GetSheetList() {
		rows[n], err = f.GetRows(n)
		must(t, err)
	}
	return f.GetSheetList(), rows
}

// table gives a CSV of the bundle, headings first, without what guards formulas.
func (b written) table(t testing.TB, name string) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b.read(t, "tables/"+name+".csv"), []byte("\ufeff"))))
	r.Comma = ';'
	rows, err := r.ReadAll()
	must(t, err)
	for _, row := range rows {
		for i := range row {
			row[i] = strings.TrimPrefix(row[i], "'")
		}
	}
	return rows
}

// same says whether two tables are, empty cells at a row's end aside.
func same(a, b [][]string) bool {
	return slices.EqualFunc(a, b, func(x, y []string) bool {
		n := max(len(x), len(y))
		pad := func(r []string) []string { return append(slices.Clip(r), make([]string, n-len(r))...) }
		return slices.Equal(pad(x), pad(y))
	})
}

// TestWorkbookSaysWhatTheTablesSay: each sheet of a table is that table's CSV, and the
// file is the same for the same bundle.
func TestWorkbookSaysWhatTheTablesSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1500)
	b, err := w.write(w.order(0, 1500))
	must(t, err)
	names, rows := b.sheets(t)
	want := []string{workbook.Summary}
	some := 0
	for _, x := range tabs() {
		want = append(want, x.title)
		if x.table == "" {
			continue
		}
		if got := b.table(t, x.table); !same(rows[x.title], got) {
			t.Errorf("%s: %d rows on the sheet, %d in the table", x.title, len(rows[x.title]), len(got))
		}
		some += len(rows[x.title]) - 1
	}
	if !slices.Equal(names, want) || some < 20 {
		t.Errorf("%d rows on sheets %q", some, names)
	}
	again, err := w.write(w.order(0, 1500))
	must(t, err)
	if !bytes.Equal(b.read(t, BookPath), again.read(t, BookPath)) {
		t.Error("the workbook differs for the same bundle")
	}
	info := slices.IndexFunc(b.done.Files, func(f bundle.FileInfo) bool { return f.Path == BookPath })
	if info < 0 || b.done.Files[info].Bytes != int64(len(b.read(t, BookPath))) {
		t.Error("the workbook is not in the manifest")
	}
}

// TestWorkbookFigures: what grows with the persons is counted, as the facts have it.
func TestWorkbookFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1500)
	b, err := w.write(w.order(0, 1500))
	must(t, err)
	_, rows := b.sheets(t)
	n := newFigures()
	for _, f := range w.facts {
		n.fact(f)
	}
	var granted, refused, opposed, accesses int64
	for _, months := range n.Granted {
		for _, k := range months {
			granted += k
		}
	}
	for _, k := range n.Withdrawn {
		refused += k
	}
	for _, k := range n.Opposed {
		opposed += k
	}
	for _, k := range n.Reasons {
		accesses += k
	}
	for _, c := range []struct {
		tab, key string
		column   int
		want     int64
	}{{consentTab, "accordé, prouvé", 1, granted}, {consentTab, "refusé ou retiré", 1, refused}, {consentTab, "reçu sans preuve suffisante : n'autorise rien", 1, n.Unproven},
		{oppositionTab, "oppositions enregistrées dans la période", 0, opposed}, {oppositionTab, "entrées de la liste, en vigueur", 0, 5},
		{oppositionTab, "entrées de la liste, levées", 0, 0}, {accessTab, "", -1, accesses}} {
		var got int64
		for _, r := range rows[c.tab][1:] {
			if c.column < 0 || r[c.column] == c.key {
				k, err := strconv.ParseInt(r[len(r)-1], 10, 64)
				must(t, err)
				got += k
			}
		}
		if got != c.want || c.key != "entrées de la liste, levées" && got == 0 {
			t.Errorf("%s %s: %d, want %d", c.tab, c.key, got, c.want)
		}
	}
}

// TestWorkbookScope: a sheet that was not asked for is not there; no person is in clear.
func TestWorkbookScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300)
	o := w.order(0, 300)
	o.Scope, o.Samples = []mission.Section{mission.Counts}, true
	b, err := w.write(o)
	must(t, err)
	names, rows := b.sheets(t)
	if !slices.Equal(names, []string{workbook.Summary, "Clients et prospects"}) || len(rows["Clients et prospects"]) != 8 {
		t.Errorf("%q", names)
	}
	for _, sheet := range rows {
		for _, r := range sheet {
			if strings.Contains(strings.Join(r, " "), "Lefèvre") {
				t.Error("a person is in clear")
			}
		}
	}
}
