package inspection

import "math"

// series is one row of values for the labels of a chart.
type series struct {
	name   string
	values []int64
}

// columns draws bars over labels; several series are stacked.
func (p *paper) columns(title string, labels []string, all []series, height float64) {
	p.room(height + 16)
	p.title(title)
	if len(labels) == 0 || total(all) == 0 {
		p.small("Rien sur la période.")
		return
	}
	top := p.GetY()
	const left, foot = 16, 6
	plot := height - foot
	most := int64(0)
	for i := range labels {
		sum := int64(0)
		for _, s := range all {
			sum += s.values[i]
		}
		most = max(most, sum)
	}
	step := nice(most)
	high := step * int64(math.Ceil(float64(most)/float64(step)))
	p.grid(top, left, plot, step, high)
	slot := (widthMM - left) / float64(len(labels))
	bar := math.Min(slot*0.72, 14)
	every := max(1, int(math.Ceil(13/slot)))
	for i, label := range labels {
		x, y := marginMM+left+float64(i)*slot+(slot-bar)/2, top+plot
		for n, s := range all {
			h := plot * float64(s.values[i]) / float64(high)
			y -= h
			p.fill(shade(n))
			p.Rect(x, y, bar, h, "F")
		}
		if i%every == 0 {
			p.font("", 7, quiet())
			p.SetXY(x+bar/2-10, top+plot+1)
			p.CellFormat(20, 4, p.latin(label), "", 0, "C", false, 0, "")
		}
	}
	p.SetXY(marginMM, top+height+1)
	p.legend(all)
}

// grid draws lines and their values up to high.
func (p *paper) grid(top, left, plot float64, step, high int64) {
	p.SetDrawColor(rule()[0], rule()[1], rule()[2])
	p.SetLineWidth(0.15)
	for v := int64(0); v <= high; v += step {
		y := top + plot - plot*float64(v)/float64(high)
		p.Line(marginMM+left, y, marginMM+widthMM, y)
		p.font("", 7, quiet())
		p.SetXY(marginMM, y-2)
		p.CellFormat(left-2, 4, p.latin(grouped(v)), "", 0, "R", false, 0, "")
	}
}

// bars draws one bar for each label, sideways, with its value.
func (p *paper) bars(title string, labels []string, values []int64) {
	p.room(float64(len(labels))*6 + 14)
	p.title(title)
	most := int64(0)
	for _, v := range values {
		most = max(most, v)
	}
	if most == 0 {
		p.small("Rien sur la période.")
		return
	}
	const left, right = 52, 24
	for i, label := range labels {
		y := p.GetY()
		p.font("", 8.5, ink())
		p.CellFormat(left-2, 5, p.fit(label, left-3), "", 0, "L", false, 0, "")
		w := (widthMM - left - right) * float64(values[i]) / float64(most)
		p.fill(shade(0))
		p.Rect(marginMM+left, y+0.8, math.Max(w, 0.4), 3.6, "F")
		p.SetXY(marginMM+left+math.Max(w, 0.4)+1, y)
		p.CellFormat(right, 5, p.latin(grouped(values[i])), "", 1, "L", false, 0, "")
		p.SetX(marginMM)
	}
	p.Ln(2)
}

func (p *paper) title(s string) {
	p.font("B", 10, ink())
	p.CellFormat(widthMM, 6, p.latin(s), "", 1, "L", false, 0, "")
	p.Ln(1)
}

func (p *paper) fill(c colour) { p.SetFillColor(c[0], c[1], c[2]) }

// legend names the series where there are several.
func (p *paper) legend(all []series) {
	if len(all) > 1 {
		for n, s := range all {
			p.fill(shade(n))
			p.Rect(p.GetX(), p.GetY()+1.2, 3, 3, "F")
			p.font("", 8, ink())
			p.SetX(p.GetX() + 4)
			p.CellFormat(p.GetStringWidth(p.latin(s.name))+7, 5, p.latin(s.name), "", 0, "L", false, 0, "")
		}
		p.Ln(5)
	}
	p.SetX(marginMM)
	p.Ln(2)
}

func total(all []series) (n int64) {
	for _, s := range all {
		for _, v := range s.values {
			n += v
		}
	}
	return n
}

// nice is the step of about four lines up to most: 1, 2 or 5 times a power of ten.
func nice(most int64) int64 {
	raw := float64(most) / 4
	power := math.Pow(10, math.Floor(math.Log10(math.Max(raw, 1))))
	for _, m := range []float64{1, 2, 5, 10} {
		if raw <= m*power {
			return max(1, int64(m*power))
		}
	}
	return max(1, int64(10*power))
}
