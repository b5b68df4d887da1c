package inspection

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// colour is red, green, blue.
type colour [3]int

// The report's colours; series are told apart in grey too, by their lightness.
const (
	marginMM = 18
	widthMM  = 210 - 2*marginMM
	bottomMM = 297 - 22
	// allPages stands for the number of pages: a sign of Windows-1252 as wide as a digit.
	allPages = "\xa4"
)

func ink() colour   { return colour{26, 32, 44} }
func quiet() colour { return colour{100, 110, 125} }
func rule() colour  { return colour{214, 219, 226} }
func deep() colour  { return colour{22, 55, 110} }

// shade is the colour of the n-th series.
func shade(n int) colour {
	all := []colour{{22, 55, 110}, {226, 140, 56}, {64, 150, 170}, {150, 40, 70}, {140, 160, 90}, {150, 150, 160}}
	return all[n%len(all)]
}

// paper is a report on its way: A4, core fonts in Windows-1252, which has every sign
// of French.
type paper struct {
	*fpdf.Fpdf
	latin func(string) string
}

func newPaper(title, footer string, made time.Time) *paper {
	p := &paper{Fpdf: fpdf.New("P", "mm", "A4", "")}
	signs := p.UnicodeTranslatorFromDescriptor("")
	unbroken := strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " !", "\u00a0!", " ?", "\u00a0?", " %", "\u00a0%", "« ", "«\u00a0", " »", "\u00a0»")
	p.latin = func(s string) string { return signs(unbroken.Replace(s)) }
	p.SetTitle(title, true)
	p.SetLang("fr-FR")
	p.SetCreator("Greffe", false)
	p.SetCreationDate(made)
	p.SetModificationDate(made)
	p.SetCatalogSort(true)
	p.SetMargins(marginMM, 16, marginMM)
	p.SetAutoPageBreak(true, 22)
	p.AliasNbPages(allPages)
	p.SetFooterFunc(func() {
		p.SetY(-15)
		p.font("", 8, quiet())
		p.CellFormat(widthMM-30, 5, p.fit(footer, widthMM-32), "", 0, "L", false, 0, "")
		p.CellFormat(30, 5, fmt.Sprintf("page %d / ", p.PageNo())+allPages, "", 0, "R", false, 0, "")
	})
	p.AddPage()
	return p
}

func (p *paper) font(style string, size float64, c colour) {
	p.SetFont("Helvetica", style, size)
	p.SetTextColor(c[0], c[1], c[2])
}

// fit translates a text, cut to a width in mm.
func (p *paper) fit(s string, width float64) string {
	t := p.latin(s)
	if p.GetStringWidth(t) <= width {
		return t
	}
	for len(t) > 0 && p.GetStringWidth(t+"\x85") > width { // ellipsis
		t = t[:len(t)-1]
	}
	return t + "\x85"
}

// room begins a new page unless so many mm are left.
func (p *paper) room(mm float64) {
	if p.GetY()+mm > bottomMM {
		p.AddPage()
	}
}

func (p *paper) heading(s string) {
	p.room(24)
	p.Ln(4)
	p.font("B", 13, deep())
	p.CellFormat(widthMM, 7, p.latin(s), "", 1, "L", false, 0, "")
	p.line(deep(), 0.4)
	p.Ln(2.5)
}

func (p *paper) line(c colour, width float64) {
	p.SetDrawColor(c[0], c[1], c[2])
	p.SetLineWidth(width)
	p.Line(marginMM, p.GetY(), marginMM+widthMM, p.GetY())
}

func (p *paper) text(s string) {
	p.font("", 10, ink())
	p.MultiCell(widthMM, 4.8, p.latin(s), "", "L", false)
	p.Ln(1.5)
}

func (p *paper) small(s string) {
	p.font("", 8.5, quiet())
	p.MultiCell(widthMM, 4.1, p.latin(s), "", "L", false)
	p.Ln(1)
}

// pair is a name and what it is.
func (p *paper) pair(name, value string) {
	const left = 42
	p.font("B", 9.5, quiet())
	y := p.GetY()
	p.CellFormat(left, 5.1, p.latin(name), "", 0, "L", false, 0, "")
	p.font("", 9.5, ink())
	p.SetXY(marginMM+left, y)
	p.MultiCell(widthMM-left, 5.1, p.latin(value), "", "L", false)
}

// code is a line to type.
func (p *paper) code(lines ...string) {
	p.room(float64(len(lines))*4.6 + 4)
	p.SetFillColor(244, 246, 249)
	p.SetFont("Courier", "", 8.5)
	p.SetTextColor(ink()[0], ink()[1], ink()[2])
	for _, l := range lines {
		p.CellFormat(widthMM, 4.8, "  "+p.latin(l), "", 1, "L", true, 0, "")
	}
	p.Ln(2)
}

// rows is a table of columns with widths in mm; those with a negative width are set
// to the right.
func (p *paper) rows(widths []float64, head []string, rows [][]string) {
	show := func(cells []string, style string, c colour, fill bool) {
		p.font(style, 9, c)
		for i, w := range widths {
			align := "L"
			if w < 0 {
				w, align = -w, "R"
			}
			p.CellFormat(w, 5.3, p.fit(cells[i], w-2), "B", 0, align, fill, 0, "")
		}
		p.Ln(-1)
	}
	p.SetDrawColor(rule()[0], rule()[1], rule()[2])
	p.SetLineWidth(0.2)
	p.SetFillColor(238, 241, 246)
	p.room(14)
	show(head, "B", deep(), true)
	for _, r := range rows {
		if p.GetY()+6 > bottomMM {
			p.AddPage()
			show(head, "B", deep(), true)
		}
		show(r, "", ink(), false)
	}
	p.Ln(2)
}

// end writes the document.
func (p *paper) end(w io.Writer) error {
	if err := p.Output(w); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// number writes 1 234 567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteString("\u00a0")
		}
		b.WriteRune(r)
	}
	return b.String()
}

// day writes 2 mars 2026.
func day(t time.Time) string {
	months := [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
	n := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		n = "1er"
	}
	return n + " " + months[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// instant is a day and its time, in UTC.
func instant(t time.Time) string {
	t = t.UTC()
	return day(t) + " à " + t.Format("15:04:05") + " UTC"
}

// span says a delay in the unit that suits it.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " jours"
}
