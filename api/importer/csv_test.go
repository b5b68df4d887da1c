package importer

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func readAll(t interface{ Fatal(...any) }, text string, delim byte, width int) (out []record) {
	r := &csvReader{lines: newLines(newReader(text)), delim: delim, width: width}
	for {
		rec, err := r.next()
		if err == io.EOF {
			if r.off != int64(len(text)) {
				t.Fatal("not all of the text was consumed")
			}
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
}

// What a strict writer wrote is read back, whatever the cells hold.
func TestRecordsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		delim := rapid.SampledFrom([]byte(";,\t|")).Draw(t, "delimiter")
		width := rapid.IntRange(2, 5).Draw(t, "width")
		letters := "aé€ \";,\n|\t'0"
		if width >= 4 { // a text that holds a row's delimiters on a line of its own is taken for one
			letters = strings.ReplaceAll(letters, string(delim), "")
		}
		cell := rapid.StringOf(rapid.SampledFrom([]rune(letters)))
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 8).Draw(t, "rows")
		for _, r := range rows {
			r[0] = "x" + r[0] // a row of nothing is a blank line to readers
		}
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma = rune(delim)
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for _, rec := range readAll(t, b.String(), delim, width) {
			if rec.code != "" {
				t.Fatalf("rejected: %s", rec.code)
			}
			got = append(got, rec.cells)
		}
		if d := cmp.Diff(rows, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestBrokenQuotesCostOneLine(t *testing.T) {
	t.Parallel()
	text := "id;nom;ville;note\n" +
		"1;Roy;;\"le \"bon\" coin\"\n" +
		"2;Roy;;\"jamais fermé\n" +
		"3;Roy;;ok\n" +
		"4;Roy;;5\" de large\n" +
		"5;\"Roy;;ok\n" +
		"6;Roy;;\"deux\nlignes\"\n" +
		"7;Roy;;\"\"\n"
	recs := readAll(t, text, ';', 4)
	var ok, bad []string
	for _, r := range recs[1:] {
		if r.code == "" {
			ok = append(ok, strings.Join(r.cells, "|"))
		} else {
			bad = append(bad, r.code+" "+r.cells[0])
		}
	}
	wantOK := []string{`1|Roy||le "bon" coin`, "3|Roy||ok", `4|Roy||5" de large`, "6|Roy||deux\nlignes", "7|Roy||"}
	if !slices.Equal(ok, wantOK) || !slices.Equal(bad, []string{"quote_open 2", "quote_open 5"}) {
		t.Errorf("ok %q\nbad %q", ok, bad)
	}
}

func TestAnOpenQuoteDoesNotSwallowTheFile(t *testing.T) {
	t.Parallel()
	text := "id;note\n1;\"ouvert\n" + strings.Repeat("2;x\n", 3*maxRecordLines)
	recs := readAll(t, text, ';', 2)
	if len(recs) != 2+3*maxRecordLines || recs[1].code != "quote_open" || recs[1].line != 2 || recs[2].line != 3 {
		t.Errorf("%d records, %+v", len(recs), recs[1])
	}
}

func TestALineTooLongIsRejectedAlone(t *testing.T) {
	t.Parallel()
	text := "id;note\n1;" + strings.Repeat("x", maxLine) + "\n2;ok\n"
	recs := readAll(t, text, ';', 2)
	if len(recs) != 3 || recs[1].code != "line_too_long" || recs[2].cells[1] != "ok" {
		t.Errorf("%d records", len(recs))
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]byte{
		"nom;note\nRoy;a, b, c\nRoy;d, e, f\n": ';',
		"a,b\n1;2,3\n4;5,6\n":                  ',',
		"a\tb\tc\n1,5\t2;3\t4\n":               '\t',
		"a|b\n1|2\n":                           '|',
		"nom\nRoy\n":                           ',',
		"\"a;b\",c\n\"d;e\",f\n":               ',',
		"":                                     ',',
	} {
		if got, _ := sniff([]byte(text), true); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if d, sep := sniff([]byte("sep=|\na;b|c\n"), true); d != '|' || !sep {
		t.Error("sep line")
	}
}

// Whatever a file holds, reading ends, nothing is lost or read twice, and no
// header panics.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"", "a;b\n1;2", "\"", "a,\"b\nc\",d\n", "sep=;\r\na;b", "\xff\xfe;\"", "x\"y;z\n\"\"\"", "é;œ\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		delim, _ := sniff([]byte(text), true)
		recs := readAll(t, text, delim, 0)
		last := int64(0)
		for _, r := range recs {
			if r.line <= last {
				t.Fatal("lines go back")
			}
			last = r.line
			if _, cols, err := columnsOf(r.cells, new(Mapping)); err == nil && len(cols) != len(r.cells) {
				t.Fatal("a column was lost")
			}
		}
		if _, err := Import(t.Context(), input(text), newBook(), options()); err != nil && strings.Contains(err.Error(), "panic") {
			t.Fatal(err)
		}
	})
}
