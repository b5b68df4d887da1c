package console

import (
	"context"
	"net/url"
	"slices"
	"time"
)

// accessPart is who read a person's record, when and why (art. 15(1)(c)), by day.
type accessPart struct {
	Note, Found, All, Month string
	Since                   bool
	Days                    []accessDay
	Plot                    *dayPlot
}

type accessDay struct {
	Title, Count string
	Looks        []look
}

// look is one access.
type look struct {
	Time, Account, Action, Reason, Event cell
	Ticketed, Also                       string
	Categories                           cell
	Folded                               string // how often, and between when, if it stands for several
	Each                                 []look // those, from the latest
	at                                   time.Time
}

// alike reports looks of one account for one reason at the same things.
func (l *look) alike(o *look) bool {
	return l.Account.Code == o.Account.Code && l.Action.flat() == o.Action.flat() && l.Reason.Code == o.Reason.Code && l.Ticketed == o.Ticketed && l.Also == o.Also &&
		l.Categories.flat() == o.Categories.flat()
}

const (
	maxLooks  = 300
	together  = 30 * time.Minute // looks alike that follow each other within it are told as one
	lastMonth = 30 * 24 * time.Hour
)

// accesses lists the looks; since "month" keeps those of the last thirty days.
func (v *visit) accesses(ctx context.Context, id, since string) *accessPart {
	const op = "GET /v1/subjects/{id}/accesses"
	where := Root + "/people/" + id + "?tab=" + tabAccesses
	a := &accessPart{All: where, Month: where + "&since=month", Since: since == "month"}
	if !v.allowed(op) {
		a.Note = v.words.t("not_for_you")
		return a
	}
	items, more, err := v.all(ctx, v.c.spec[op].filled([]string{id}, nil), url.Values{"sort": {sortNewest}}, 10)
	if err != nil {
		a.Note = v.why(err)
		return a
	}
	if more {
		a.Note = v.words.t("history_more")
	}
	now := v.c.cfg.Now()
	slices.SortStableFunc(items, func(x, y value) int { return -compareTimes(x.text("time"), y.text("time")) })
	var at []time.Time
	n := 0
	for _, it := range items {
		t, err := time.Parse(time.RFC3339Nano, it.text("time"))
		if err != nil || a.Since && now.Sub(t) > lastMonth {
			continue
		}
		at = append(at, t)
		if n++; n > maxLooks {
			continue
		}
		day := v.words.date(t.In(zone()))
		if len(a.Days) == 0 || a.Days[len(a.Days)-1].Title != day {
			a.Days = append(a.Days, accessDay{Title: day})
		}
		d := &a.Days[len(a.Days)-1]
		d.Looks = append(d.Looks, v.look(it, t))
		d.Count = itoa(len(d.Looks))
	}
	for i := range a.Days {
		a.Days[i].Looks = v.folded(a.Days[i].Looks)
	}
	if n > maxLooks {
		a.Note = v.words.t("accesses_cut")
	}
	a.Found, a.Plot = v.words.number(itoa(n)), v.plotDays(at, now)
	return a
}

func (v *visit) look(it value, t time.Time) look {
	l := look{at: t, Time: cell{Kind: "time", Text: t.In(zone()).Format("15:04"), Code: it.text("time")}, Account: v.words.cell("account", it.at("account")),
		Action: v.did(it), Reason: v.words.cell("reason", it.at("reason")), Event: v.words.cell("event_id", it.at("event_id")), Categories: v.words.cell("categories", it.at("categories"))}
	if it.is("ticketed") {
		l.Ticketed = v.words.t("accesses_ticketed")
	}
	if n := it.text("count"); n != "" && n != "1" && n != "0" {
		l.Also = v.words.t("accesses_among") + " " + v.words.number(n)
	}
	return l
}

// folded tells looks alike that follow each other within a short time as one, which
// lists them all: each is recorded, none is left out. The latest come first.
func (v *visit) folded(all []look) []look {
	var out []look
	for _, l := range all {
		i := len(out) - 1
		for i >= 0 && !out[i].alike(&l) {
			i--
		}
		if i < 0 || out[i].at.Sub(l.at) > together {
			out = append(out, l)
			continue
		}
		g := &out[i]
		if len(g.Each) == 0 {
			g.Each = []look{*g}
		}
		g.Each, g.at = append(g.Each, l), l.at
		g.Folded = v.words.say("accesses_folded", "n", itoa(len(g.Each)), "from", l.Time.Text, "to", g.Each[0].Time.Text)
		if l.Time.Text == g.Each[0].Time.Text {
			g.Folded = v.words.say("accesses_folded_at", "n", itoa(len(g.Each)), "at", l.Time.Text)
		}
	}
	return out
}

func compareTimes(a, b string) int {
	x, _ := time.Parse(time.RFC3339Nano, a)
	y, _ := time.Parse(time.RFC3339Nano, b)
	return x.Compare(y)
}

// dayPlot is a small picture of counts by day, the last thirty.
type dayPlot struct {
	Title         string
	Width, Height int
	Bars          []dayBar
	From, To      string
	Most          int
}

type dayBar struct {
	X, Y, W, H int
	Title      string
}

const (
	plotDaysN  = 30
	plotHeight = 48
	barWidth   = 10
)

// plotDays counts instants by day; nil if none is of the last thirty days.
func (v *visit) plotDays(at []time.Time, now time.Time) *dayPlot {
	counts, first := make([]int, plotDaysN), now.In(zone()).AddDate(0, 0, 1-plotDaysN)
	days := map[string]int{}
	for i := range plotDaysN {
		days[first.AddDate(0, 0, i).Format(time.DateOnly)] = i
	}
	p := &dayPlot{Title: v.words.t("accesses_plot"), Width: plotDaysN * barWidth, Height: plotHeight, From: v.words.date(first), To: v.words.date(now.In(zone()))}
	for _, t := range at {
		if i, ok := days[t.In(zone()).Format(time.DateOnly)]; ok {
			counts[i]++
			p.Most = max(p.Most, counts[i])
		}
	}
	if p.Most == 0 {
		return nil
	}
	for i, n := range counts {
		if n > 0 {
			h := max(3, n*plotHeight/p.Most)
			p.Bars = append(p.Bars, dayBar{X: i*barWidth + 1, Y: plotHeight - h, W: barWidth - 2, H: h, Title: v.words.date(first.AddDate(0, 0, i)) + " : " + itoa(n)})
		}
	}
	return p
}
