package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"greffe/domain"
	"greffe/domain/bundle"
)

var made = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func columns() []bundle.Column {
	return []bundle.Column{{Name: "n", Type: bundle.Int, Label: "Numéro"}, {Name: "id", Type: bundle.ID, Label: "Personne"}, {Name: "at", Type: bundle.Time, Label: "Le"},
		{Name: "all", Type: bundle.Bool, Label: "Totale"}, {Name: "classes", Type: bundle.List, Label: "Classes"}, {Name: "words", Type: bundle.Text}}
}

func row(n int64, words string) []bundle.Value {
	return []bundle.Value{bundle.IntOf(n), bundle.IDOf(domain.ID{1, 6: 0x80, 8: 0x80}), bundle.TimeOf(domain.NewTime(made.Add(time.Duration(n)*time.Second + 999_999*time.Microsecond))),
		bundle.BoolOf(n%2 == 0), bundle.ListOf([]string{"=a", "b"}), bundle.TextOf(words)}
}

// file is a workbook of rows on two sheets, with one that is empty.
func file(t testing.TB, rows ...[]bundle.Value) []byte {
	t.Helper()
	b, err := New(made, []string{"Premiers", "Effacements", "Vide"})
	must(t, err)
	for _, title := range []string{"Vide", "Effacements", "Premiers"} { // not in the order of the tabs
		s, err := b.Sheet(title, "erasures", columns())
		must(t, err)
		if title != "Vide" {
			for _, r := range rows {
				must(t, s.Append(r))
			}
		}
		must(t, s.Close())
	}
	var out bytes.Buffer
	must(t, b.Write(&out, "=1+1", []Pair{{"Demandé par", "@CNIL"}}))
	return out.Bytes()
}

func open(t testing.TB, b []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b))
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

// member gives one part of the zip as it stands.
func member(t testing.TB, b []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	f, err := z.Open(name)
	must(t, err)
	out, err := io.ReadAll(f)
	must(t, err)
	return string(out)
}

// TestCells: each type as people of France read it; numbers and dates are such.
func TestCells(t *testing.T) {
	t.Parallel()
	b := file(t, row(4, "à"), []bundle.Value{bundle.IntOf(-1 << 52), {}, {}, {}, {}, {}}, row(5, ""))
	f := open(t, b)
	if got := f.GetSheetList(); !slices.Equal(got, []string{Summary, "Premiers", "Effacements", "Vide"}) {
		t.Errorf("sheets %q", got)
	}
	rows, err := f.GetRows("Effacements")
	must(t, err)
	want := [][]string{
		{"Numéro", "Personne", "Le (UTC)", "Totale", "Classes", "words"},
		{"4", "01000000-0000-8000-8000-000000000000", "01/06/2026 10:00:04", "oui", "=a, b", "à"},
		{"-4503599627370496"},
		{"5", "01000000-0000-8000-8000-000000000000", "01/06/2026 10:00:05", "non", "=a, b"},
	}
	if fmt.Sprint(rows) != fmt.Sprint(want) {
		t.Errorf("%q\nwant %q", rows, want)
	}
	for cell, want := range map[string]excelize.CellType{"A2": excelize.CellTypeUnset, "C2": excelize.CellTypeUnset, "F2": excelize.CellTypeInlineString, "A3": excelize.CellTypeInlineString} {
		if got, err := f.GetCellType("Effacements", cell); err != nil || got != want {
			t.Errorf("%s is of type %v, want %v (%v)", cell, got, want, err)
		}
	}
	raw, err := f.GetCellValue("Effacements", "C2", excelize.Options{RawCellValue: true})
	must(t, err)
	if !strings.HasPrefix(raw, "46174.4167") {
		t.Errorf("the date is %s", raw)
	}
}

// TestNoFormula: whatever a text begins with, it is a text and comes back whole.
func TestNoFormula(t *testing.T) {
	t.Parallel()
	texts := []string{"=1+1", "+33 1", "-2", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "＝1", "<f>1</f>", "</t></is></c><c r=\"A1\"><f>1</f></c>", "_x003D_1", "&#61;1", "a\r\nb", " = 1 "}
	var rows [][]bundle.Value
	for i, s := range texts {
		rows = append(rows, row(int64(i), s))
	}
	b := file(t, rows...)
	f := open(t, b)
	for i, want := range texts {
		cell := fmt.Sprintf("F%d", i+2)
		got, err := f.GetCellValue("Effacements", cell)
		must(t, err)
		formula, err := f.GetCellFormula("Effacements", cell)
		must(t, err)
		if strings.ReplaceAll(got, "\r", "") != strings.ReplaceAll(want, "\r", "") || formula != "" {
			t.Errorf("%q came back as %q, formula %q", want, got, formula)
		}
	}
	for n := 1; n <= 4; n++ {
		if x := member(t, b, fmt.Sprintf("xl/worksheets/sheet%d.xml", n)); strings.Contains(x, "<f>") || strings.Contains(x, `t="str"`) {
			t.Errorf("sheet %d has a formula", n)
		}
	}
}

// TestForm: first row frozen, filters over the rows, printed wide; the summary counts.
func TestForm(t *testing.T) {
	t.Parallel()
	b := file(t, row(1, "a"), row(2, "b"))
	x := member(t, b, "xl/worksheets/sheet3.xml")
	for _, want := range []string{`state="frozen"`, `ySplit="1"`, `<autoFilter ref="$A$1:$F$3">`, `orientation="landscape"`, `fitToPage="true"`, `width="38" customWidth="1"`} {
		if !strings.Contains(x, want) {
			t.Errorf("the sheet has no %s", want)
		}
	}
	rows, err := open(t, b).GetRows(Summary)
	must(t, err)
	want := "[[=1+1] [] [Demandé par @CNIL] [] [Feuille Table du dossier Lignes Montrées ici] [Premiers tables/erasures.csv, .ndjson, .parquet 2 2] " +
		"[Effacements tables/erasures.csv, .ndjson, .parquet 2 2] [Vide tables/erasures.csv, .ndjson, .parquet 0 0]]"
	if fmt.Sprint(rows) != want {
		t.Errorf("%v", rows)
	}
}

// TestSameBytes: the same rows make the same file, whatever the machine's maps do.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	first := file(t, row(1, "a"), row(2, "b"))
	for range 20 {
		if !bytes.Equal(first, file(t, row(1, "a"), row(2, "b"))) {
			t.Fatal("the bytes differ")
		}
	}
	if bytes.Equal(first, file(t, row(1, "a"), row(2, "c"))) {
		t.Error("other rows make the same bytes")
	}
}

// TestBounds: a sheet stops at its rows, or at its bytes, and says so; the count goes on.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words string
		rows  int
		most  int
	}{{"a", MaxRows + 7, MaxRows}, {"a", MaxRows, MaxRows}, {strings.Repeat("é", maxText), 1000, maxSheet / (2*maxText + 6*cellCost)},
		{strings.Repeat("\"", maxText), 1000, maxSheet / (6*maxText + 6*cellCost)}} {
		b, err := New(made, []string{"Demandes"})
		must(t, err)
		s, err := b.Sheet("Demandes", "requests", columns())
		must(t, err)
		for i := range c.rows {
			must(t, s.Append(row(int64(i), c.words)))
		}
		if s.out == nil || s.shown > int64(c.most) || s.shown < int64(c.most)-10 || s.rows != int64(c.rows) {
			t.Fatalf("%d of %d shown, at most %d", s.shown, s.rows, c.most)
		}
		var out bytes.Buffer
		must(t, b.Write(&out, "", nil)) // closes the sheet
		x, left := member(t, out.Bytes(), "xl/worksheets/sheet2.xml"), int64(c.rows)-s.shown
		if len(x) > 2*maxSheet { // far from where the library turns to files
			t.Errorf("a sheet of %d bytes", len(x))
		}
		note := fmt.Sprintf("%d autres lignes sont dans les fichiers tables/requests.csv, .ndjson et .parquet du dossier.", left)
		want := s.shown + 1 // headings
		if left > 0 {
			want++
		}
		if got := int64(strings.Count(x, "<row ")); got != want || strings.Contains(x, note) != (left > 0) {
			t.Errorf("%d left out, %d rows, want %d", left, got, want)
		}
		if said := strings.Contains(member(t, out.Bytes(), "xl/worksheets/sheet1.xml"), "abrégées"); said != (left > 0) {
			t.Errorf("%d left out, said: %v", left, said)
		}
	}
}

// TestLongText: a text too long for a cell is cut between signs and says so.
func TestLongText(t *testing.T) {
	t.Parallel()
	f := open(t, file(t, row(1, strings.Repeat("é", maxText)), row(2, strings.Repeat("😀", maxText+1))))
	for cell, want := range map[string]string{"F2": strings.Repeat("é", maxText), "F3": strings.Repeat("😀", maxText) + "… [coupé : le texte entier est dans la table]"} {
		if got, err := f.GetCellValue("Effacements", cell); err != nil || got != want {
			t.Errorf("%s has %d bytes, want %d (%v)", cell, len(got), len(want), err)
		}
	}
}

// TestRefused: what was not announced, what is closed, rows of another width.
func TestRefused(t *testing.T) {
	t.Parallel()
	b, err := New(made, []string{"Demandes"})
	must(t, err)
	s, err := b.Sheet("Demandes", "requests", columns())
	must(t, err)
	_, again := b.Sheet("Demandes", "requests", columns())
	_, other := b.Sheet("Autre", "requests", columns())
	short := s.Append(row(1, "")[:3])
	must(t, s.Close())
	must(t, s.Close())
	for i, err := range []error{again, other, short, s.Append(row(1, ""))} {
		if err != ErrSheet {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := New(made, []string{strings.Repeat("a", 32)}); err == nil {
		t.Error("a title that is too long is taken")
	}
	if err := b.Write(broken{}, "", nil); err == nil {
		t.Error("what was not written is no error")
	}
	c, err := New(made, []string{"Jamais"})
	must(t, err)
	if err := c.Write(io.Discard, "", nil); !errors.Is(err, ErrSheet) {
		t.Errorf("a sheet that was announced is missing: %v", err)
	}
	d, err := New(made, nil)
	must(t, err)
	must(t, d.Discard())
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
