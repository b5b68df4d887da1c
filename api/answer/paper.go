package answer

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/unicode/norm"

	"greffe/domain/answer"
)

// DejaVu Sans Condensed draws the Latin, Greek, Cyrillic, Armenian and Georgian
// scripts; see fonts/LICENSE.txt.
var (
	//go:embed fonts/DejaVuSansCondensed.ttf
	regular []byte
	//go:embed fonts/DejaVuSansCondensed-Bold.ttf
	bold []byte
)

// colour is red, green, blue.
type colour [3]int

func ink() colour   { return colour{26, 32, 44} }
func quiet() colour { return colour{84, 94, 110} }
func rule() colour  { return colour{214, 219, 226} }
func deep() colour  { return colour{22, 55, 110} }

// The page, in mm. A line is so high for a size in points.
const (
	margin   = 18.0
	width    = 210 - 2*margin
	bottom   = 297 - 20.0
	perPoint = 0.47
	family   = "dejavu"
	allPages = "¤" // stands for the number of pages: as wide as a digit
)

// paper is a PDF on its way.
type paper struct {
	*fpdf.Fpdf
	lang    answer.Lang
	lacking bool // something could not be drawn
}

func newPaper(d *answer.Document) *paper {
	p := &paper{Fpdf: fpdf.New("P", "mm", "A4", ""), lang: d.Lang}
	p.AddUTF8FontFromBytes(family, "", regular)
	p.AddUTF8FontFromBytes(family, "B", bold)
	p.SetTitle(d.Title, true)
	p.SetLang(choose(d.Lang, "fr-FR", "en-GB"))
	p.SetCreator("Greffe", false)
	p.SetCreationDate(d.Made)
	p.SetModificationDate(d.Made)
	p.SetCatalogSort(true)
	p.SetMargins(margin, 16, margin)
	p.SetAutoPageBreak(false, 0)
	p.SetCellMargin(0)
	p.AliasNbPages(allPages)
	footer := p.drawable(d.Footer)
	p.SetFooterFunc(func() {
		p.SetY(-13)
		p.font("", 7.5, quiet())
		p.CellFormat(width-30, 4, p.cut(footer, width-34), "", 0, "L", false, 0, "")
		p.CellFormat(30, 4, fmt.Sprintf("%d / ", p.PageNo())+allPages, "", 0, "R", false, 0, "")
	})
	p.AddPage()
	return p
}

func (p *paper) font(style string, size float64, c colour) {
	p.SetFont(family, style, size)
	p.SetTextColor(c[0], c[1], c[2])
}

// drawn tells the scripts whose letters the fonts have, and draw in the order of the
// text.
func drawn(r rune) bool {
	return unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Georgian)
}

// drawable is a text with what can be drawn: composed, □ for the rest.
func (p *paper) drawable(s string) string {
	p.lacking = p.lacking || !utf8.ValidString(s)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r >= ' ' && r < 0x7f:
			return r
		case r == '\t':
			return ' '
		case r == 0x2011: // a hyphen that does not break
			return '-'
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		case r <= 0xffff && r != '¤' && (drawn(r) || r < 0x250 && unicode.IsPrint(r) || plainSign(r)):
			return r
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		p.lacking = true
		return '□'
	}, norm.NFC.String(strings.ToValidUTF8(s, "□")))
}

// plainSign are signs between letters: punctuation, currencies, a few arrows.
func plainSign(r rune) bool {
	return r >= 0x2010 && r <= 0x2027 || r >= 0x2030 && r <= 0x205e || r >= 0x20a0 && r <= 0x20b5 || r == 0x20b9 || r == 0x20ba || r == 0x20bd ||
		r >= 0x2190 && r <= 0x21ff || r == 0x2122 || r == 0x2116 || r >= 0x2200 && r <= 0x22ff || r == '□' || r >= 0x300 && r <= 0x36f || r == 0xa0 || r == 0x202f
}

// unbroken keeps articles and French signs on the line of their word.
func unbroken(l answer.Lang, s string) string {
	s = strings.ReplaceAll(s, "art. ", "art.\u00a0")
	if l != answer.FR {
		return s
	}
	return strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " !", "\u00a0!", " ?", "\u00a0?", " %", "\u00a0%", "« ", "«\u00a0", " »", "\u00a0»").Replace(s)
}

// cut shortens a text to a width in mm.
func (p *paper) cut(s string, mm float64) string {
	if p.GetStringWidth(s) <= mm {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && p.GetStringWidth(string(r)+"…") > mm {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// wrap breaks a text into lines of the font that is set; words too long for a line
// are broken.
func (p *paper) wrap(s string, mm float64) (out []string) {
	for l := range strings.SplitSeq(unbroken(p.lang, p.drawable(s)), "\n") {
		out = append(out, p.wrapLine(l, mm)...)
	}
	return out
}

func (p *paper) wrapLine(s string, mm float64) (out []string) {
	line, wide := "", 0.0
	blank := p.GetStringWidth(" ")
	for word := range strings.SplitSeq(s, " ") {
		w := p.GetStringWidth(word)
		if line != "" && wide+blank+w <= mm {
			line, wide = line+" "+word, wide+blank+w
			continue
		}
		if line != "" {
			out = append(out, line)
		}
		for w > mm {
			n := p.fits(word, mm)
			out = append(out, word[:n])
			word = word[n:]
			w = p.GetStringWidth(word)
		}
		line, wide = word, w
	}
	return append(out, line)
}

// fits is how many bytes of a word go on a line, at least one letter.
func (p *paper) fits(word string, mm float64) int {
	at := 0
	for i := range word {
		if i > 0 && p.GetStringWidth(word[:i]) > mm {
			return max(at, 1)
		}
		if i > 0 {
			at = i
		}
	}
	if at == 0 {
		return len(word)
	}
	return at
}

// room begins a new page unless so many mm are left.
func (p *paper) room(mm float64) {
	if p.GetY()+mm > bottom {
		p.AddPage()
	}
}

// put writes lines from x on, over pages if need be.
func (p *paper) put(x, size float64, lines []string) {
	h := size * perPoint
	for _, l := range lines {
		p.room(h)
		p.SetX(x)
		p.CellFormat(0, h, l, "", 1, "L", false, 0, "")
	}
}

// end writes the document.
func (p *paper) end(w io.Writer) error {
	if err := p.Output(w); err != nil {
		return fmt.Errorf("print an answer: %w", err)
	}
	return nil
}
