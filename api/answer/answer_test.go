package answer

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"greffe/domain/answer"
	"greffe/domain/answer/answertest"
)

func glossary() answer.Glossary { return answer.Glossary{Rules: answertest.Rules()} }

func documents(lang answer.Lang) map[string]*answer.Document {
	g := glossary()
	out := map[string]*answer.Document{"access": answer.NewAccess(answertest.Inputs(lang), g.Rules).Document(g), "certificate": answertest.Certificate().Document(lang, g)}
	for _, m := range []answer.Model{answer.Acknowledgement, answer.IdentityRequest, answer.NothingHeld} {
		d, err := answer.Letter(m, lang, answertest.Request(), answer.Facts{Now: answertest.At(20).Time}, g)
		if err != nil {
			panic(err)
		}
		out[string(m)] = d
	}
	return out
}

func drawnAs(t *testing.T, d *answer.Document, f Format) []byte {
	t.Helper()
	b, err := Document(d, f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPagesHoldTheWholeDocument: each text of the document is on the page, escaped, in
// its order, and the page loads and runs nothing.
func TestPagesHoldTheWholeDocument(t *testing.T) {
	t.Parallel()
	for _, lang := range answer.Langs() {
		for name, d := range documents(lang) {
			page := string(drawnAs(t, d, HTML))
			if regexp.MustCompile(`(?i)<(script|link|img|iframe|object|form)|src=|url\(|@import|\son\w+=|ZgotmplZ`).MatchString(page) {
				t.Errorf("%s: the page loads or runs something", name)
			}
			doc, err := html.Parse(strings.NewReader(page))
			if err != nil {
				t.Fatal(err)
			}
			shown, last := squeezed(words(doc)), -1
			for _, s := range d.Sections {
				for _, b := range s.Blocks {
					for _, text := range texts(b) {
						if !strings.Contains(shown, squeezed(text)) {
							t.Errorf("%s %s: the page lacks %q", lang, name, text)
						}
					}
				}
				if s.Title == "" { // of a letter
					continue
				}
				at := strings.Index(page, "<h2>"+html.EscapeString(s.Title))
				if at <= last {
					t.Errorf("%s: %s is not there, or out of order", name, s.Title)
				}
				last = at
			}
			accessible(t, name, lang, doc)
		}
	}
}

func texts(b answer.Block) (out []string) {
	out = append([]string{b.Text, b.Note}, b.List...)
	for _, p := range b.Pairs {
		out = append(out, p.Name, p.Value)
	}
	if b.Table != nil {
		for _, r := range b.Table.Rows {
			out = append(out, r...)
		}
	}
	return out
}

func words(n *html.Node) string {
	var b strings.Builder
	for x := range n.Descendants() {
		if x.Type == html.TextNode && x.Parent.Data != "style" {
			b.WriteString(x.Data + " ")
		}
	}
	return b.String()
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// accessible holds what a page read aloud needs: a language, a title, one h1, headings
// and cells that say what they head.
func accessible(t *testing.T, name string, lang answer.Lang, doc *html.Node) {
	t.Helper()
	count := map[string]int{}
	ids, links := map[string]bool{}, []string{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("%s: the id %s stands twice", name, a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "href":
				links = append(links, strings.TrimPrefix(a.Val, "#"))
			case a.Key == "lang" && n.Data == "html" && a.Val != string(lang):
				t.Errorf("%s: the language is %s", name, a.Val)
			}
		}
		if n.Data == "th" && !strings.Contains("col row", attr(n, "scope")) || n.Data == "th" && attr(n, "scope") == "" {
			t.Errorf("%s: a heading of a table has no scope", name)
		}
	}
	if count["h1"] != 1 || count["main"] != 1 || count["title"] != 1 || count["html"] != 1 {
		t.Errorf("%s: %v", name, count)
	}
	for _, l := range links {
		if !ids[l] {
			t.Errorf("%s: a link leads to %q, which is not there", name, l)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestPrintsAreTheSame for the same document, byte by byte: the digest in the ledger is
// of what the person was sent.
func TestPrintsAreTheSame(t *testing.T) {
	t.Parallel()
	for name, d := range documents(answer.FR) {
		if one, two := drawnAs(t, d, PDF), drawnAs(t, d, PDF); !bytes.HasPrefix(one, []byte("%PDF-")) || !bytes.Equal(one, two) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestPrintsAreReadByOthers: poppler reads every text of the document in the PDF, in
// each script that the fonts draw, and all of it within the page.
func TestPrintsAreReadByOthers(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Log("pdftotext is not here: the text of the PDF is not compared")
		return
	}
	for name, d := range documents(answer.FR) {
		shown := readPDF(t, drawnAs(t, d, PDF))
		for _, s := range d.Sections {
			for _, b := range s.Blocks {
				for _, text := range texts(b) {
					for word := range strings.FieldsSeq(text) {
						if !strings.Contains(shown, word) {
							t.Errorf("%s: the print lacks %q", name, word)
						}
					}
				}
			}
		}
		for _, s := range d.Closing {
			if !strings.Contains(squeezed(shown), squeezed(s)) {
				t.Errorf("%s: the print lacks %q", name, s)
			}
		}
	}
}

func readPDF(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-layout", name, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "\u00a0", " ")
}

// TestLongCellsGoOverPages, and words longer than a line are broken, never cut.
func TestLongCellsGoOverPages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("abcdefghij", 60)
	d := &answer.Document{Lang: answer.EN, Title: "Long", Sections: []answer.Section{{ID: "a", Title: "A", Blocks: []answer.Block{
		{Text: strings.Repeat("word ", 3000)}, {Table: &answer.Table{Columns: []answer.Column{{Title: "x", Share: 1}, {Title: "y", Share: 3}},
			Rows: [][]string{{"first", strings.Repeat("line\n", 300) + "LAST"}, {"second", long}}}}}}}}
	b := drawnAs(t, d, PDF)
	if pages := bytes.Count(b, []byte("/Type /Page\n")); pages < 7 {
		t.Errorf("%d pages", pages)
	}
	if _, err := exec.LookPath("pdftotext"); err == nil {
		shown := readPDF(t, b)
		if !strings.Contains(shown, "LAST") || strings.Count(shown, "line") != 300 || strings.Count(squeezed(shown), "abcdefghij") < 50 {
			t.Error("something was cut")
		}
	}
}

// TestSignsThatCannotBeDrawn are said to be missing, and break nothing.
func TestSignsThatCannotBeDrawn(t *testing.T) {
	t.Parallel()
	for text, lacking := range map[string]bool{"Łódź, Ελένη, Жанна, Հայ, ქართ – « œuvre » 12 €": false, "李小龍": true, "שלום": true, "🙂": true, "a\u0000b\u200bc\td": false, "\xff": true,
		"é": false, "prix : 5 ¤": true, strings.Repeat("\u0301", 3): false} {
		d := &answer.Document{Lang: answer.FR, Title: "T", Lead: text, Made: time.Unix(0, 0)}
		b := drawnAs(t, d, PDF)
		p := newPaper(d)
		p.drawable(text)
		if p.lacking != lacking {
			t.Errorf("%q: lacking is %t", text, p.lacking)
		}
		if _, err := exec.LookPath("pdftotext"); err == nil && strings.Contains(readPDF(t, b), "ne sait pas dessiner") != lacking {
			t.Errorf("%q: the note", text)
		}
	}
}

// TestFormats: what does not exist is said so.
func TestFormats(t *testing.T) {
	t.Parallel()
	d := documents(answer.FR)["access"]
	for _, f := range []Format{JSON, CSV, "docx"} {
		if b, err := Document(d, f); b != nil || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if !strings.Contains(string(drawnAs(t, d, Text)), "Vos données aujourd'hui\n---") || Format("docx").Media() != "" || CSV.Media() == "" {
		t.Error("the text")
	}
	if b, err := Machine(map[string]int{"b": 1, "a": 2}); err != nil || string(b) != "{\n  \"a\": 2,\n  \"b\": 1\n}\n" {
		t.Errorf("%q %v", b, err)
	}
}
