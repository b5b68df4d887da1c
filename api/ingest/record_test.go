package ingest_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"greffe/api/ingest"
)

// cut gives each record as it came, with "!" before a damaged one.
func cut(t testing.TB, m *ingest.Mapping, body string, in ingest.Input) (out []string, err error) {
	t.Helper()
	n := 0
	for rec, e := range m.Records(iotest.OneByteReader(strings.NewReader(body)), in) {
		n++
		if rec.Number != n {
			t.Errorf("record %d is numbered %d", n, rec.Number)
		}
		if e != nil {
			err = e
			continue
		}
		mark := ""
		if !rec.Whole() {
			mark = "!"
		}
		out = append(out, mark+string(rec.Raw))
	}
	return out, err
}

func TestJSONIsCutIntoRecords(t *testing.T) {
	t.Parallel()
	m := compile(t, ".")
	for body, want := range map[string][]string{
		``:                              nil,
		"  \n":                          nil,
		`[]`:                            nil,
		`{"a":1}`:                       {`{"a":1}`},
		"\xef\xbb\xbf{\"a\":1}":         {`{"a":1}`},
		`[{"a":1}, {"b":[1,2]}]`:        {`{"a":1}`, `{"b":[1,2]}`},
		"{\"a\":1}\n{\"b\":2}":          {`{"a":1}`, `{"b":2}`},
		`{"a":1},{"b":2}`:               {`{"a":1}`, `{"b":2}`},
		`{"a":1} x`:                     {`{"a":1}`, `!x`},
		`[{"a":1},{"b":`:                {`{"a":1}`, `!{"b":`},
		`[{"a":1},bad,{"b":2}]`:         {`{"a":1}`, `!bad`, `{"b":2}`},
		`[{"a":x},{"b":2},{"c":3}]`:     {`!{"a":x}`, `{"b":2}`, `{"c":3}`},
		`[{"a":"un,"b":1},{"b":2}]`:     {`!{"a":"un,"b":1}`, `{"b":2}`},
		`[{"a":1,"a":2}]`:               {`{"a":1,"a":2}`}, // the last value counts
		`]`:                             {`!]`},
		"{\"a\":\"caf\xe9\"}":           {"{\"a\":\"caf\xe9\"}"},
		`[[1,2],[3]]`:                   {`[1,2]`, `[3]`},
		`{"a":{"b":x}},{"c":1}`:         {`!{"a":{"b":x}}`, `{"c":1}`},
		"{\"a\":1\n{\"event\":\"x\"}\n": {"!{\"a\":1\n{\"event\":\"x\"}\n"},
	} {
		if got, err := cut(t, m, body, ""); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q gives %q (%v), not %q", body, got, err, want)
		}
	}
}

func TestBrokenRecordsAreToldApartUpToABound(t *testing.T) {
	t.Parallel()
	got, err := cut(t, compile(t, "."), "["+strings.Repeat(`{"a":x},`, 300)+`{"b":1}]`, "")
	if err != nil || len(got) != 100 || len(got[99]) < 1000 {
		t.Errorf("%d records, the last of %d bytes: %v", len(got), len(got[len(got)-1]), err)
	}
}

func TestLinesAndForms(t *testing.T) {
	t.Parallel()
	m := compile(t, ".")
	for _, c := range []struct {
		in   ingest.Input
		body string
		want []string
	}{
		{ingest.NDJSON, "{\"a\":1}\r\n\n{\"b\":\n[1]", []string{`{"a":1}`, `!{"b":`, `[1]`}},
		{ingest.Form, "a=1&b=%C3%A9", []string{"a=1&b=%C3%A9"}},
		{ingest.Form, "a=1&b=%zz", []string{"!a=1&b=%zz"}},
		{ingest.Form, " ", nil},
	} {
		if got, err := cut(t, m, c.body, c.in); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q gives %q (%v), not %q", c.body, got, err, c.want)
		}
	}
	form := compile(t, `{type: "contact.changed", data: .}`)
	if got := mapAll(t, form, []byte("a=1&b=caf%E9&a=2"), ingest.Form); !strings.Contains(string(got[0].Events[0].Raw), `"data":{"a":"1","b":"café"}`) {
		t.Errorf("%s", got[0].Events[0].Raw)
	}
}

const csvHead = "#: name: x\n#: about: a\n#: source: test\n#: input: csv\n#: delimiter: ';'\n#: columns: [a, b]\n"

func TestCSVIsCutIntoRows(t *testing.T) {
	t.Parallel()
	m := compile(t, csvHead+`{type: "contact.changed", data: .}`)
	for body, want := range map[string][]string{
		"a;b\n1;2\n3;4":                              {"1;2", "3;4"},
		"\xef\xbb\xbfa;b;c\r\n1;2;3\r\n":             {"1;2;3"},
		"a;b\n\"1;1\";2\n":                           {`"1;1";2`},
		"a;b\n\"1\n1\";2\n3;4":                       {"\"1\n1\";2", "3;4"},
		"a;b\n1\n1;2;3\n5;6":                         {"!1", "!1;2;3", "5;6"},
		"a;b\nJean \"Jo\" M;2\n":                     {`Jean "Jo" M;2`},
		"a;b\nx\"y;2\n3;4\n5;6\n":                    {`!x"y;2`, "3;4", "5;6"},
		"a;b\n\"x;2\n" + strings.Repeat("3;4\n", 30): append([]string{`!"x;2`}, slices.Repeat([]string{"3;4"}, 30)...),
	} {
		if got, err := cut(t, m, body, ""); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q gives %q (%v), not %q", body, got, err, want)
		}
	}
	for _, body := range []string{"a,b\n1,2", "a\n1", "{\"a\":1}"} {
		if got, err := cut(t, m, body, ""); !errors.Is(err, ingest.ErrColumns) || len(got) > 0 {
			t.Errorf("%q: %v, %q", body, err, got)
		}
	}
	got := mapAll(t, m, []byte("a;b;a\nd\xe9j\xe0;2;3\n"), "")
	if !strings.Contains(string(got[0].Events[0].Raw), `"data":{"a":"déjà","a_2":"3","b":"2"}`) {
		t.Errorf("%s", got[0].Events[0].Raw)
	}
}

func TestJoinedRecordsAreCutAlike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		m    *ingest.Mapping
		body string
	}{{compile(t, csvHead+"."), "a;b\n\"1\n1\";2\n3;4\n"}, {compile(t, "."), `[{"a":1}, {"b":[1,2]}]`}} {
		var all []ingest.Record
		for rec, err := range c.m.Records(strings.NewReader(c.body), "") {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rec)
		}
		first, err := cut(t, c.m, c.body, "")
		again, err2 := cut(t, c.m, string(ingest.Join(all)), "")
		if err != nil || err2 != nil || !slices.Equal(first, again) {
			t.Errorf("%q became %q", first, again)
		}
	}
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", ingest.MaxRecord+10)
	for in, body := range map[ingest.Input]string{ingest.JSON: `{"a":1}{"a":"` + long + `"}`, ingest.NDJSON: "{\"a\":1}\n" + long, ingest.Form: "a=" + long} {
		n := 0
		var last error
		for _, err := range compile(t, ".").Records(strings.NewReader(body), in) {
			if n, last = n+1, err; err != nil {
				break
			}
		}
		if !errors.Is(last, ingest.ErrRecordTooLong) || in != ingest.Form && n != 2 {
			t.Errorf("%s: %v after %d", in, last, n)
		}
	}
	// endless input is not read to its end
	for in, unit := range map[ingest.Input]string{ingest.JSON: `{"a":"x`, ingest.NDJSON: "xxxxxxx"} {
		for _, err := range compile(t, ".").Records(&endless{unit, 0}, in) {
			if !errors.Is(err, ingest.ErrRecordTooLong) {
				t.Errorf("%s: %v", in, err)
			}
			break
		}
	}
	broken := io.MultiReader(strings.NewReader(`{"a":1}`), iotest.ErrReader(io.ErrClosedPipe))
	var last error
	for _, err := range compile(t, ".").Records(broken, "") {
		last = err
	}
	if !errors.Is(last, io.ErrClosedPipe) {
		t.Errorf("a source that fails: %v", last)
	}
}

type endless struct {
	unit string
	n    int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n++; e.n > 1 {
		for i := range p {
			p[i] = 'x'
		}
		return len(p), nil
	}
	return copy(p, e.unit), nil
}
