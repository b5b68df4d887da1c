package answer

import (
	"strings"
	"time"
)

// Lang is the language of a document.
type Lang string

// The languages. French is the first.
const (
	FR Lang = "fr"
	EN Lang = "en"
)

// Langs lists them.
func Langs() []Lang { return []Lang{FR, EN} }

// or chooses between the texts of the two languages.
func (l Lang) or(fr, en string) string {
	if l == EN {
		return en
	}
	return fr
}

// Document is a text for people, in an order to be read in.
type Document struct {
	Lang     Lang
	Title    string
	Lead     string // under the title
	Letter   *Letterhead
	Pairs    []Pair // what it is about, in short
	Sections []Section
	Closing  []string // of a letter: formula and signature
	Footer   string   // on each page
	Made     time.Time
}

// Letterhead is how a letter begins.
type Letterhead struct {
	From      []string // who writes, line by line
	To        []string // may be empty
	Date      string
	Reference string
	Object    string
}

// Pair is a name and what it is.
type Pair struct{ Name, Value string }

// Section is a part under a heading. A letter's have none.
type Section struct {
	ID      string // for links; letters a to z and dashes
	Title   string
	Article string // the rule that asks for it, such as "art. 15(1)(a)"
	Blocks  []Block
}

// Block is one of these.
type Block struct {
	Text  string
	Note  string // in small print
	Pairs []Pair
	List  []string
	Table *Table
}

// Table has as many cells in each row as columns.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Column is one of a table. Shares say how wide it is beside the others.
type Column struct {
	Title string
	Share int
}

func text(s string) Block { return Block{Text: s} }
func note(s string) Block { return Block{Note: s} }

// table is a block of rows; shares and titles alternate.
func table(rows [][]string, columns ...Column) Block {
	return Block{Table: &Table{columns, rows}}
}

// Plain writes the document as text, for a message without pictures: paragraphs
// parted by empty lines, tables as "name: value" lines.
func (d *Document) Plain() string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	d.plainHead(line)
	for _, s := range d.Sections {
		if s.Title != "" {
			line(s.Title + "\n" + strings.Repeat("-", len([]rune(s.Title))) + "\n")
		}
		for _, x := range s.Blocks {
			x.plain(line)
		}
	}
	for _, s := range d.Closing {
		line(s)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (d *Document) plainHead(line func(string)) {
	if h := d.Letter; h != nil {
		for _, lines := range [][]string{h.From, h.To, {h.Date}, {h.Reference, h.Object}} {
			if s := strings.Join(lines, "\n"); strings.Trim(s, "\n") != "" {
				line(strings.Trim(s, "\n") + "\n")
			}
		}
	} else {
		line(d.Title + "\n" + strings.Repeat("=", len([]rune(d.Title))) + "\n")
	}
	if d.Lead != "" {
		line(d.Lead + "\n")
	}
	if len(d.Pairs) > 0 {
		Block{Pairs: d.Pairs}.plain(line)
	}
}

func (x Block) plain(line func(string)) {
	for _, s := range []string{x.Text, x.Note} {
		if s != "" {
			line(s + "\n")
		}
	}
	for _, p := range x.Pairs {
		line(p.Name + colon(p.Value))
	}
	for _, s := range x.List {
		line("- " + s)
	}
	if t := x.Table; t != nil {
		for _, r := range t.Rows {
			for i, c := range r {
				if c != "" {
					line(t.Columns[i].Title + colon(c))
				}
			}
			line("")
		}
		return
	}
	if len(x.Pairs) > 0 || len(x.List) > 0 {
		line("")
	}
}

func colon(v string) string { return " : " + strings.ReplaceAll(v, "\n", "\n  ") }
