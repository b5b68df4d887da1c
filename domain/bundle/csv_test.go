package bundle

import (
	csvread "encoding/csv"
	"greffe/domain/spreadsheet"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain"
)

func TestCellsForPeople(t *testing.T) {
	t.Parallel()
	s := &Schema{Columns: []Column{{Name: "n", Type: Int}, {Name: "at", Type: Time, Label: "Survenu le"}, {Name: "ok", Type: Bool},
		{Name: "list", Type: List}, {Name: "text", Type: Text}, {Name: "id", Type: ID}}}
	at := TimeOf(domain.NewTime(time.Date(2026, 3, 2, 9, 14, 7, 5000, time.UTC)))
	row := []Value{IntOf(-3), at, BoolOf(true), ListOf([]string{"a", "b"}), TextOf(`x;"y"`), IDOf(domain.ID{1})}
	for language, want := range map[string]string{
		"fr": "\ufeffn;Survenu le (UTC);ok;list;text;id\r\n-3;02/03/2026 09:14:07;oui;a, b;\"x;\"\"y\"\"\";01000000-0000-0000-0000-000000000000\r\n;;;;;\r\n",
		"en": "\ufeffn;Survenu le (UTC);ok;list;text;id\r\n-3;2026-03-02 09:14:07;yes;a, b;\"x;\"\"y\"\"\";01000000-0000-0000-0000-000000000000\r\n;;;;;\r\n",
	} {
		c := newCells(s, language)
		if got := string(c.append(c.append(c.heading(nil), row), make([]Value, len(row)))); got != want {
			t.Errorf("%s:\n%q, want\n%q", language, got, want)
		}
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"=1+1", "+33612345678", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "\ufeff=1", "＝1", "\n=cmd|' /C calc'!A0", "=1;2", "\x00=1"} {
		got := strings.Trim(string(appendCell(nil, s)), `"`)
		if !strings.HasPrefix(got, "'") {
			t.Errorf("%q is written %q", s, got)
		}
	}
	for _, s := range []string{"", "a", "a=1", "1-1", "marie@exemple.fr", " x"} {
		if got := string(appendCell(nil, s)); got != s {
			t.Errorf("%q is written %q", s, got)
		}
	}
}

// Every text comes back from a reader of CSV, but for the apostrophe.
func TestCSVIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 3, 3).Draw(t, "texts")
		s := &Schema{Columns: []Column{{Name: "a", Type: Text}, {Name: "b", Type: Text}, {Name: "c", Type: Text}}}
		b := newCells(s, "fr").append(nil, []Value{TextOf("x" + texts[0]), TextOf(texts[1]), TextOf(texts[2])})
		r := csvread.NewReader(strings.NewReader(string(b)))
		r.Comma, r.LazyQuotes = ';', false
		got, err := r.Read()
		if err != nil || len(got) != 3 {
			t.Fatalf("%q: %q, %v", b, got, err)
		}
		for i, want := range []string{"x" + texts[0], texts[1], texts[2]} {
			if spreadsheet.Armed(want) {
				want = "'" + want
			}
			if got[i] != strings.ReplaceAll(want, "\r\n", "\n") {
				t.Fatalf("%q comes back as %q", want, got[i])
			}
		}
	})
}

func TestRowsAreCanonicalJSON(t *testing.T) {
	t.Parallel()
	s := &Schema{Columns: []Column{{Name: "z", Type: Text}, {Name: "a", Type: Int}, {Name: "m", Type: List}, {Name: "t", Type: Time}, {Name: "o", Type: Bool}}}
	l := newLines(s)
	got := string(l.append(nil, []Value{TextOf("é\u2028\"\\\x01\n</"), IntOf(maxInt), ListOf([]string{"b", "a"}), TimeOf(domain.NewTime(time.Unix(0, 1000))), BoolOf(false)}))
	want := "{\"a\":9007199254740991,\"m\":[\"b\",\"a\"],\"o\":false,\"t\":\"1970-01-01T00:00:00.000001Z\",\"z\":\"é\u2028\\\"\\\\\\u0001\\n</\"}\n"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := string(l.append(nil, make([]Value, 5))); got != "{}\n" {
		t.Errorf("nothing is %s", got)
	}
}
