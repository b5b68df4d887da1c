package screening

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greffe/domain/token"
)

// split gives all records of a file that comes in pieces of one size.
func split(t interface{ Fatalf(string, ...any) }, f Format, file string, piece int) (records []string, bad []string) {
	have := 0
	for at := 0; at < len(file); {
		r, ok := f.Next([]byte(file[at:min(len(file), at+have)]), at+have >= len(file))
		if !ok {
			if at+have >= len(file) {
				t.Fatalf("stuck at %d of %d", at, len(file))
			}
			have += piece
			continue
		}
		if r.Len == 0 || r.Lines != strings.Count(file[at:][:r.Len], "\n")+b2i(file[at+r.Len-1] != '\n') {
			t.Fatalf("%+v at %d", r, at)
		}
		records, bad = append(records, file[at:][:r.Len]), append(bad, r.Bad)
		at, have = at+r.Len, max(0, have-r.Len)
	}
	return records, bad
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestSplittingKeepsEveryByte wherever the file is cut, whatever it holds.
func TestSplittingKeepsEveryByte(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.StringMatching(`([a;,"\n\r\t ]|"a"|""|;\n){0,60}`).Draw(t, "file")
		f := Format{Separator: rapid.SampledFrom([]byte{0, ',', ';', '\t'}).Draw(t, "separator"), Column: 1}
		whole, bad := split(t, f, file, len(file)+1)
		pieces, bad2 := split(t, f, file, rapid.IntRange(1, 7).Draw(t, "piece"))
		if strings.Join(whole, "") != file || strings.Join(pieces, "|") != strings.Join(whole, "|") || strings.Join(bad, "|") != strings.Join(bad2, "|") {
			t.Fatalf("%q: %q and %q", file, whole, pieces)
		}
	})
}

// TestCellsAreThoseOfCSV: what encoding/csv writes and reads is read the same.
func TestCellsAreThoseOfCSV(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sep := rapid.SampledFrom([]byte{',', ';', '\t'}).Draw(t, "separator")
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[a;,"\n\t é]{0,6}`), 2, 5), 1, 8).Draw(t, "rows")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma, w.UseCRLF = rune(sep), rapid.Bool().Draw(t, "CRLF")
		for i := range rows {
			rows[i][0] = "x" + rows[i][0] // so that none is blank
		}
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		records, bad := split(t, Format{Separator: sep}, b.String(), 5)
		if len(records) != len(rows) || strings.Join(bad, "") != "" {
			t.Fatalf("%d records of %d rows: %v", len(records), len(rows), bad)
		}
		for i, row := range rows {
			for n, want := range row {
				got, ok := Cell([]byte(records[i]), sep, n+1, nil)
				if w.UseCRLF {
					want = strings.ReplaceAll(want, "\n", "\r\n")
				}
				if !ok || string(got) != want {
					t.Fatalf("row %d column %d: %q, want %q", i, n, got, want)
				}
			}
			if _, ok := Cell([]byte(records[i]), sep, len(row)+1, nil); ok {
				t.Fatal("a column too many")
			}
		}
	})
}

func TestBadRecordsSpoilNoOther(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxRecord)
	for _, c := range []struct {
		file, want string
	}{
		{"a;\"b\nc;d\n", "line_invalid ok"},
		{"\"a\"b;c\nd\n", "line_invalid ok"},
		{"\"a\n" + strings.Repeat("b\n", MaxRecord) + "\"\nc\n", "line_invalid ok"},
		{"\"a\n" + long[5:] + "\"\nb\n", "ok ok"},
		{"\"a\n" + long[4:] + "\"\nb\n", "line_invalid ok ok"},
		{long + "x\na\n", "line_too_long ok"},
		{long[1:] + "\na\n", "ok ok"},
		{"\"" + long + "\"\na\n", "line_too_long ok"},
		{"\n \t\na", "blank blank ok"},
		{"\"\n\"\n", "ok"},
	} {
		f := Format{Separator: ';', Column: 1}
		var got []string
		for at := 0; at < len(c.file); {
			r, ok := f.Next([]byte(c.file[at:]), true)
			if !ok {
				t.Fatal("stuck")
			}
			switch {
			case r.Blank:
				got = append(got, "blank")
			case r.Bad != "":
				got = append(got, r.Bad)
			default:
				got = append(got, "ok")
			}
			at += r.Len
		}
		if !strings.HasPrefix(strings.Join(got, " ")+" ", c.want+" ") {
			t.Errorf("%.30q: %.60s, want %s", c.file, strings.Join(got, " "), c.want)
		}
	}
	if _, ok := (Format{}).Next([]byte(long+"x"), false); ok {
		t.Error("a line without an end was given before the file ended")
	}
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		layout Layout
		file   string
		want   Format
		names  int
		err    error
	}{
		{Layout{}, "a;b\n", Format{}, 0, nil},
		{Layout{CSV: true}, "Id;Courriel;\"a,b,c\"\n", Format{';', 2, true}, 20, nil},
		{Layout{CSV: true, Column: " id "}, "a\tID\n", Format{'\t', 2, true}, 5, nil},
		{Layout{CSV: true, Column: "2"}, "a,b\n", Format{',', 2, false}, 0, nil},
		{Layout{CSV: true, Column: "2", Header: true}, "a,b\n", Format{',', 2, true}, 4, nil},
		{Layout{CSV: true, Column: "2", Separator: ';'}, "a,b\n", Format{';', 2, false}, 0, nil},
		{Layout{CSV: true, Column: "2"}, "", Format{',', 2, false}, 0, nil},
		{Layout{CSV: true, Column: "3"}, "\"a;b", Format{',', 3, false}, 0, nil},
		{Layout{CSV: true, Column: "name"}, "", Format{}, 0, ErrColumn},
		{Layout{CSV: true, Column: "0"}, "a\n", Format{}, 0, ErrColumn},
		{Layout{CSV: true, Column: "x"}, "x,X\n", Format{}, 0, ErrAmbiguous},
	} {
		f, names, err := c.layout.Resolve([]byte(c.file), true, token.KindEmail, Clear)
		if !errors.Is(err, c.err) || err == nil && (f != c.want || names != c.names) {
			t.Errorf("%+v %q: %+v %d %v", c.layout, c.file, f, names, err)
		}
	}
	for kind, name := range map[token.Kind]string{token.KindPhone: "Téléphone", token.KindEmail: "e-mail"} {
		if f, _, err := (Layout{CSV: true}).Resolve([]byte("md5;"+name+"\n"), true, kind, Clear); err != nil || f.Column != 2 {
			t.Error(name, f, err)
		}
		if f, _, err := (Layout{CSV: true}).Resolve([]byte(name+";MD5\n"), true, kind, MD5); err != nil || f.Column != 2 {
			t.Error("md5", f, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	email, phone := &Ask{Kind: token.KindEmail, Input: Clear}, &Ask{Kind: token.KindPhone, Input: Clear}
	for _, c := range []struct {
		ask          *Ask
		in, want, no string
	}{
		{email, " <Anne@Example.FR>\r\n", "anne@example.fr", ""},
		{email, "anne@", "", AddressUnreadable}, {email, " \n", "", AddressMissing},
		{phone, "06 12 34 56 78\n", "+33612345678", ""}, {phone, "12", "", AddressUnreadable}, {phone, "x", "", AddressUnreadable},
		{&Ask{Kind: token.KindEmail, Input: SHA256}, strings.Repeat("aF", 32) + "\r\n", "", ""},
		{&Ask{Kind: token.KindEmail, Input: SHA256}, strings.Repeat("a", 63), "", DigestInvalid},
		{&Ask{Kind: token.KindEmail, Input: MD5}, strings.Repeat("g", 32), "", DigestInvalid},
		{&Ask{Kind: token.KindEmail, Input: MD5}, strings.Repeat("0", 64), "", DigestInvalid},
	} {
		got, no := Format{}.Read([]byte(c.in), c.ask, nil)
		if got.Normal != c.want || no != c.no {
			t.Errorf("%q: %q %q", c.in, got.Normal, no)
		}
	}
	a, _ := Format{}.Read([]byte("anne@example.fr"), email, nil)
	if a.SHA256[0] == 0 && a.MD5[0] == 0 {
		t.Error("a clear address has no digests")
	}
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func TestReportLines(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`{"line":1,"rule":"a.b"}` + "\n", `{"line":2,"rule":"a.b","until":"2026-03-02T09:15:00.000000Z"}` + "\n", `{"line":3,"unreadable":"line_invalid"}` + "\n",
	} {
		l, err := ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		again := AppendUnreadable(nil, l.Line, l.Unreadable)
		if l.Rule != "" {
			again = AppendRefused(nil, l.Line, l.Rule, orZero(l.Until))
		}
		if string(again) != line {
			t.Errorf("%q, want %q", again, line)
		}
	}
	for _, line := range []string{"", "{}", `{"line":0,"rule":"a"}`, `{"line":1}`, `{"line":1,"rule":"a","unreadable":"b"}`, `{"line":1,"rule":"a","x":1}`} {
		if _, err := ParseLine([]byte(line)); err == nil {
			t.Errorf("%q is a line", line)
		}
	}
}
