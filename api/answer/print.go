package answer

import (
	"bytes"

	"greffe/domain/answer"
)

// printed draws a document on A4.
func printed(d *answer.Document) ([]byte, error) {
	p := newPaper(d)
	if d.Letter != nil {
		p.letterhead(d)
	} else {
		p.cover(d)
	}
	for i := range d.Sections {
		p.section(&d.Sections[i], d.Letter != nil)
	}
	if len(d.Closing) > 0 {
		p.Ln(3)
		p.font("", 10, ink())
		lines := []string{}
		for _, s := range d.Closing {
			lines = append(lines, p.wrap(s, width)...)
		}
		p.room(float64(len(lines)) * 10 * perPoint)
		p.put(margin, 10, lines)
	}
	if p.lacking {
		p.Ln(4)
		p.small(choose(d.Lang, "□ : un signe que cette version imprimable ne sait pas dessiner. Les versions HTML et JSON du même document le donnent.",
			"□: a sign that this printable form cannot draw. The HTML and JSON forms of the same document have it."))
	}
	var b bytes.Buffer
	if err := p.end(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (p *paper) cover(d *answer.Document) {
	p.SetFillColor(deep()[0], deep()[1], deep()[2])
	p.font("B", 19, colour{255, 255, 255})
	title := p.wrap(d.Title, width)
	h := 19*perPoint*float64(len(title)) + 14
	p.Rect(0, 0, 210, h, "F")
	p.SetXY(margin, 8)
	p.put(margin, 19, title)
	p.SetY(h + 6)
	if d.Lead != "" {
		p.font("", 11, ink())
		p.put(margin, 11, p.wrap(d.Lead, width))
		p.Ln(3)
	}
	p.pairs(d.Pairs)
}

func (p *paper) letterhead(d *answer.Document) {
	h := d.Letter
	for i, s := range h.From {
		if i == 0 {
			p.font("B", 11, ink())
		} else {
			p.font("", 9.5, quiet())
		}
		p.put(margin, 10, p.wrap(s, 85))
	}
	const column, window = 115.0, 45.0 // mm: where the window of a French envelope is
	p.SetY(max(p.GetY()+4, window))
	p.font("", 10.5, ink())
	for _, s := range h.To {
		p.put(column, 10.5, p.wrap(s, 210-margin-column))
	}
	p.SetY(max(p.GetY()+8, 82))
	p.font("", 10, ink())
	p.put(margin, 10, p.wrap(h.Date, width))
	p.font("", 9.5, quiet())
	p.put(margin, 10, p.wrap(h.Reference, width))
	p.Ln(2)
	p.font("B", 10.5, deep())
	p.put(margin, 10.5, p.wrap(h.Object, width))
	p.Ln(5)
}

func (p *paper) section(s *answer.Section, letter bool) {
	if s.Title != "" {
		p.room(26)
		p.Ln(4)
		p.font("B", 12.5, deep())
		title := p.wrap(s.Title, width-38)
		y := p.GetY()
		p.put(margin, 12.5, title)
		if s.Article != "" {
			after := p.GetY()
			p.font("", 7.5, quiet())
			p.SetXY(margin+width-38, y+1.6)
			p.CellFormat(38, 3.6, p.drawable(article(p.lang, s.Article)), "", 0, "R", false, 0, "")
			p.SetY(after)
		}
		p.line(p.GetY()+0.8, deep(), 0.35)
		p.Ln(3)
	}
	for _, b := range s.Blocks {
		p.block(&b, letter)
	}
}

func (p *paper) line(y float64, c colour, wide float64) {
	p.SetDrawColor(c[0], c[1], c[2])
	p.SetLineWidth(wide)
	p.Line(margin, y, margin+width, y)
}

func (p *paper) block(b *answer.Block, letter bool) {
	size := 9.5
	if letter {
		size = 10
	}
	if b.Text != "" {
		p.font("", size, ink())
		p.put(margin, size, p.wrap(b.Text, width))
		p.Ln(2)
		if letter {
			p.Ln(1)
		}
	}
	if b.Note != "" {
		p.small(b.Note)
	}
	p.pairs(b.Pairs)
	for _, s := range b.List {
		p.font("", size, ink())
		lines := p.wrap(s, width-7)
		p.room(min(float64(len(lines)), 3) * size * perPoint)
		p.SetX(margin + 2)
		p.CellFormat(4, size*perPoint, "•", "", 0, "L", false, 0, "")
		p.put(margin+6, size, lines)
		p.Ln(0.6)
	}
	if len(b.List) > 0 {
		p.Ln(1.6)
	}
	if b.Table != nil {
		p.table(b.Table)
	}
}

func (p *paper) small(s string) {
	p.font("", 8.5, quiet())
	lines := p.wrap(s, width)
	p.room(min(float64(len(lines)), 2)*8.5*perPoint + 8)
	p.put(margin, 8.5, lines)
	p.Ln(1.4)
}

// pairs are names and what they are, beside each other.
func (p *paper) pairs(all []answer.Pair) {
	const left, size = 46.0, 9.5
	for _, x := range all {
		p.font("", size, quiet())
		names := p.wrap(x.Name, left-3)
		p.font("", size, ink())
		values := p.wrap(x.Value, width-left)
		p.room(min(float64(max(len(names), len(values))), 4) * size * perPoint)
		y := p.GetY()
		p.font("", size, quiet())
		p.put(margin, size, names)
		after := p.GetY()
		p.font("", size, ink())
		if after >= y { // on the same page
			p.SetY(y)
		}
		p.put(margin+left, size, values)
		if after > p.GetY() && after >= y {
			p.SetY(after)
		}
	}
	if len(all) > 0 {
		p.Ln(2)
	}
}

// The cells of a table, in mm and points.
const (
	cellSize = 8.5
	cellLine = cellSize * perPoint
	cellPad  = 1.2
)

// table draws rows whose cells are as high as they need; one that is too long for the
// page goes on over it, under the heading again.
func (p *paper) table(t *answer.Table) {
	widths := shares(t.Columns)
	heads := make([][]string, len(t.Columns))
	p.font("B", cellSize, deep())
	for i, c := range t.Columns {
		heads[i] = p.wrap(c.Title, widths[i]-2*cellPad)
	}
	p.room(3*cellLine + 12)
	p.head(heads, widths)
	for _, r := range t.Rows {
		cells := make([][]string, len(r))
		for i, s := range r {
			p.cellFont(i)
			cells[i] = p.wrap(s, widths[i]-2*cellPad)
		}
		p.row(cells, widths, heads)
	}
	p.Ln(3)
}

func (p *paper) cellFont(column int) {
	if column == 0 {
		p.font("B", cellSize, ink())
		return
	}
	p.font("", cellSize, ink())
}

func shares(columns []answer.Column) []float64 {
	sum := 0
	for _, c := range columns {
		sum += max(c.Share, 1)
	}
	out := make([]float64, len(columns))
	for i, c := range columns {
		out[i] = width * float64(max(c.Share, 1)) / float64(sum)
	}
	return out
}

func (p *paper) head(heads [][]string, widths []float64) {
	h := float64(most(heads))*cellLine + 2*cellPad
	p.SetFillColor(238, 241, 246)
	p.Rect(margin, p.GetY(), width, h, "F")
	p.font("B", cellSize, deep())
	p.cells(heads, widths, 0, most(heads))
	p.SetY(p.GetY() + h)
}

// cells draws lines from to below to of each cell, from the present height on, which
// stays.
func (p *paper) cells(cells [][]string, widths []float64, from, to int) {
	x, y := margin, p.GetY()+cellPad
	for i, lines := range cells {
		for k := from; k < min(to, len(lines)); k++ {
			p.SetXY(x+cellPad, y+float64(k-from)*cellLine)
			p.CellFormat(widths[i]-2*cellPad, cellLine, lines[k], "", 0, "L", false, 0, "")
		}
		x += widths[i]
	}
	p.SetY(y - cellPad)
}

// row draws one row, over pages if it must.
func (p *paper) row(cells [][]string, widths []float64, heads [][]string) {
	n := most(cells)
	for from := 0; from < n; {
		left := int((bottom - p.GetY() - 2*cellPad) / cellLine)
		if left < n-from && left < 6 {
			p.AddPage()
			p.head(heads, widths)
			left = int((bottom - p.GetY() - 2*cellPad) / cellLine)
		}
		to := min(n, from+left)
		for i := range cells {
			p.cellFont(i)
			one := make([][]string, len(cells))
			one[i] = cells[i]
			p.cells(one, widths, from, to)
		}
		p.SetY(p.GetY() + float64(to-from)*cellLine + 2*cellPad)
		p.line(p.GetY(), rule(), 0.2)
		from = to
	}
}

func most(cells [][]string) (n int) {
	for _, c := range cells {
		n = max(n, len(c))
	}
	return n
}
