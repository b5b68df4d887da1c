package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const person = `{"collection":{"channel":"partner","collected_at":"2024-03-12"},"kind":"client","notes":"rappeler\nle \"jeudi\"","person":{"emails":["zoe@example.org"],"family_name":"Lefèvre","given_name":"Zoé","phones":["+33199001234"]}}`

func latin1(t *testing.T, s string) string {
	t.Helper()
	out, err := charmap.Windows1252.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func utf16(t *testing.T, s string, e unicode.Endianness) string {
	t.Helper()
	out, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rowOf is one contact in one form of file.
func rowOf(header, d string) string {
	return strings.ReplaceAll(header+"\nC-1|Lefèvre|Zoé|zoe@example.org|01 99 00 12 34|Client|12/03/2024|\"rappeler\nle \"\"jeudi\"\"\"\n", "|", d)
}

func TestEveryEncodingAndDelimiterGivesTheSameContact(t *testing.T) {
	t.Parallel()
	fr := "Réf. client|NOM|Prénom|E-mail|Tél.|Statut|Date de création|Commentaires"
	en := "customer_id|Last Name|First name|email address|Phone|Type|created_at|Notes"
	for name, c := range map[string]struct{ text, encoding, delimiter string }{
		"semicolon utf-8":      {rowOf(fr, ";"), "utf-8", ";"},
		"comma, English":       {rowOf(en, ","), "utf-8", ","},
		"tab":                  {rowOf(fr, "\t"), "utf-8", "\t"},
		"byte order mark":      {"\ufeff" + rowOf(fr, ";"), "utf-8", ";"},
		"crlf":                 {strings.ReplaceAll(rowOf(fr, ";"), "\n", "\r\n"), "utf-8", ";"},
		"windows-1252":         {latin1(t, rowOf(fr, ";")), "windows-1252", ";"},
		"utf-16 little endian": {utf16(t, rowOf(fr, "\t"), unicode.LittleEndian), "utf-16", "\t"},
		"utf-16 big endian":    {utf16(t, rowOf(fr, ";"), unicode.BigEndian), "utf-16", ";"},
		"gzip":                 {gzipped(t, latin1(t, rowOf(fr, ";"))), "windows-1252", ";"},
		"sep line":             {"sep=;\r\n" + rowOf(fr, ";"), "utf-8", ";"},
		"no line end, blanks":  {"\n\n" + strings.TrimSuffix(rowOf(fr, ";"), "\n") + "\n\n;", "utf-8", ";"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			text := strings.TrimSuffix(c.text, ";")
			rep := take(t, b, text, options())
			if rep.Encoding != c.encoding || rep.Delimiter != c.delimiter || rep.Rejected != 0 || rep.Recorded != 1 {
				t.Fatalf("report: %+v", rep)
			}
			e := b.events(t)[0]
			if e.Type != "contact.created" || e.Subject != "C-1" || e.Time != "2024-03-12T00:00:00Z" || string(e.Data) != person {
				t.Errorf("event: %+v\n%s", e, e.Data)
			}
		})
	}
}

func TestLinesOfTwoEncodingsInOneFile(t *testing.T) {
	t.Parallel()
	text := "id;nom;date de création\n1;Lefèvre;01/02/2020\n" + latin1(t, "2;Müller “Zoë”;01/02/2020\n")
	b := newBook()
	if rep := take(t, b, text, options()); rep.Encoding != "mixed" || rep.Recorded != 2 {
		t.Fatalf("report: %+v", rep)
	}
	for i, want := range []string{"Lefèvre", "Müller “Zoë”"} {
		if !bytes.Contains(b.docs[i], []byte(want)) {
			t.Errorf("event %d: %s", i, b.docs[i])
		}
	}
}

func TestWhatIsNoImportIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		opt  func(*Options)
		want error
	}{
		"workbook":            {"PK\x03\x04....", nil, ErrFormat},
		"binary":              {"a;b\n\x00\x01;c", nil, ErrFormat},
		"json array":          {`[{"id":"1"}]`, nil, ErrFormat},
		"empty":               {"", nil, ErrNoHeader},
		"no header":           {"C-1;Zoé;zoe@example.org\nC-2;Léa;lea@example.org\n", nil, ErrNoHeader},
		"no known column":     {"foo;bar\n1;2\n", nil, ErrNoHeader},
		"no instant":          {"id;nom\n1;Roy\n", func(o *Options) { *o = Options{Source: "s"} }, ErrNoTime},
		"no source":           {"id;nom\n1;Roy\n", func(o *Options) { o.Source = "" }, ErrOptions},
		"batch":               {"id;nom\n1;Roy\n", func(o *Options) { o.BatchSize = 1001 }, ErrOptions},
		"snapshot, no secret": {"id;nom\n1;Roy\n", func(o *Options) { o.Snapshot = &Snapshot{} }, ErrOptions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, opt := newBook(), options()
			if c.opt != nil {
				c.opt(&opt)
			}
			_, err := Import(t.Context(), input(c.text), b, opt)
			if !errors.Is(err, c.want) || b.calls != 0 {
				t.Errorf("error %v, %d calls", err, b.calls)
			}
		})
	}
}

func TestCutGzipIsAnErrorAfterWhatItHeld(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("id;nom\n")
	for range 20000 {
		text.WriteString("C-" + strings.Repeat("7", 3) + ";Roy\n")
	}
	whole := gzipped(t, text.String())
	if _, err := Import(t.Context(), input(whole[:len(whole)-20]), newBook(), options()); err == nil {
		t.Error("a cut file was taken for whole")
	}
}

func TestNDJSON(t *testing.T) {
	t.Parallel()
	ok := `{"specversion":"1.0","id":"1","source":"shop/web","type":"contact.deleted","subject":"C-1","time":"2026-01-01T00:00:00Z"}`
	bad := `{"specversion":"1.0","id":"2","source":"shop/web","type":"contact.invented","subject":"C-1"}`
	text := "\ufeff" + ok + "\r\n\n" + bad + "\n{\"id\":\n" + ok
	for name, text := range map[string]string{"plain": text, "gzip": gzipped(t, text)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, opt := newBook(), options()
			opt.Rejects = file(t, "rejects.csv")
			rep := take(t, b, text, opt)
			if rep.Format != "ndjson" || rep.Rows != 4 || rep.Blank != 1 || rep.Recorded != 1 || rep.Quarantined != 2 || rep.Duplicates != 1 {
				t.Errorf("report: %+v", rep)
			}
			if rep.Codes["type_unknown"] != 1 || rep.Codes["json_invalid"] != 1 || rep.Problems[1].Line != 4 {
				t.Errorf("problems: %v %v", rep.Codes, rep.Problems)
			}
			if string(b.docs[0]) != ok {
				t.Errorf("not sent as it was: %s", b.docs[0])
			}
			if out := read(t, opt.Rejects); !strings.HasPrefix(out, "greffe_line,greffe_code,greffe_sentence,event\n3,type_unknown,") {
				t.Errorf("rejects: %s", out)
			}
		})
	}
}
