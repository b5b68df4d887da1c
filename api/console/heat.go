package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const hoursOp = "GET /v1/audit/accesses/hours"

// heatPage is when accounts read.
type heatPage struct {
	Quick  []link
	Intro  string
	Zone   string
	ByHour heatMap
	ByDay  heatMap
	Legend []heatCell
	More   string
	Others []link
}

// heatMap is rows by hours of the day.
type heatMap struct {
	Caption, First string
	Hours          []string
	Rows           []heatRow
}

// heatRow is one account, or one day of the week, by hours.
type heatRow struct {
	Name  cell
	Total string
	Cells []heatCell
}

// heatCell is one field of the map: its shade of five, 0 for none, and what it counts.
type heatCell struct {
	Shade             int
	Count, Text, Href string
}

// heat shows a map of reads: accounts and days of the week by hours of the day.
func (c *Console) heat(ctx context.Context, v *visit) error {
	if err := v.needs(hoursOp); err != nil {
		return err
	}
	q, err := v.readAudit("reads")
	if err != nil {
		return err
	}
	ask := url.Values{}
	for _, name := range []string{"from", "to", "account", "reason"} {
		if s := q.ask.Get(name); s != "" {
			ask.Set(name, s)
		}
	}
	answer, err := v.get(ctx, c.spec[hoursOp].path+"?"+ask.Encode())
	if err != nil {
		return err
	}
	p := &heatPage{Intro: v.words.t("desk_heat_intro"), Zone: answer.text("zone"), Others: v.auditOthers("heat")}
	for _, one := range periods() {
		p.Quick = append(p.Quick, link{Href: periodHref(q, Root+"/heat", one.code), Text: v.words.t("period_" + one.code), Here: one.code == q.period})
	}
	p.ByHour = heatMap{Caption: v.words.t("heat_by_account"), First: v.words.label("account")}
	p.ByDay = heatMap{Caption: v.words.t("heat_by_day"), First: v.words.t("heat_day")}
	for h := range 24 {
		p.ByHour.Hours = append(p.ByHour.Hours, strconv.Itoa(h))
	}
	p.ByDay.Hours = p.ByHour.Hours
	p.fill(v, q, answer)
	if more := answer.text("more"); more != "" && more != "0" {
		p.More = v.fill("heat_more", v.words.number(more))
	}
	v.show(http.StatusOK, "heat", v.words.t("desk_heat"), p)
	return nil
}

// fill makes both maps. Shades are by the highest count of the map.
func (p *heatPage) fill(v *visit, q *auditQuery, answer value) {
	var week [7][24]int64
	var accounts []value
	var rows [][24]int64
	for _, it := range answer.at("items").list {
		var hours [24]int64
		for d, day := range it.at("days").list {
			for h, n := range day.at("hours").list {
				if d < 7 && h < 24 {
					k, _ := strconv.ParseInt(n.scalar, 10, 64)
					hours[h] += k
					week[d][h] += k
				}
			}
		}
		accounts, rows = append(accounts, it), append(rows, hours)
	}
	slice := func(name, value string) string {
		one := *q
		one.in = url.Values{}
		for k, vs := range q.in {
			one.in[k] = vs
		}
		return one.with(Root+"/reads", name, value)
	}
	most := highest(rows)
	for i, it := range accounts {
		id := it.text("account")
		r := heatRow{Name: v.words.cell("account", it.at("account")), Total: v.words.number(it.text("accesses"))}
		r.Name.Href = slice("account", id)
		r.cells(v, rows[i], most, r.Name.Href)
		p.ByHour.Rows = append(p.ByHour.Rows, r)
	}
	most = highest(week[:])
	for d, hours := range week {
		total := int64(0)
		for _, n := range hours {
			total += n
		}
		r := heatRow{Name: cell{Kind: "text", Text: v.words.weekday(time.Weekday((d + 1) % 7))}, Total: v.words.number(strconv.FormatInt(total, 10))}
		r.cells(v, hours, most, "")
		p.ByDay.Rows = append(p.ByDay.Rows, r)
	}
	for s := range 6 {
		p.Legend = append(p.Legend, heatCell{Shade: s, Text: v.words.t("heat_shade_" + itoa(s))})
	}
}

func highest(rows [][24]int64) int64 {
	most := int64(0)
	for _, r := range rows {
		for _, n := range r {
			most = max(most, n)
		}
	}
	return most
}

func (r *heatRow) cells(v *visit, hours [24]int64, most int64, href string) {
	for h, n := range hours {
		c := heatCell{Count: v.words.number(strconv.FormatInt(n, 10)), Shade: shade(n, most)}
		c.Text = v.fill("heat_cell", itoa(h), itoa(h+1), c.Count)
		if n > 0 {
			c.Href = href
		}
		r.Cells = append(r.Cells, c)
	}
}

// shade is 0 for nothing, else 1 to 5: fifths of the highest count.
func shade(n, most int64) int {
	if n <= 0 || most <= 0 {
		return 0
	}
	return int((n*5 + most - 1) / most)
}

// weekday names a day of the week.
func (w *words) weekday(d time.Weekday) string {
	if w.lang == "en" {
		return d.String()
	}
	return [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}[d]
}
