package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

func (c *Console) producerRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/producers/{id}", c.page(c.producer))
	mux.HandleFunc("GET "+Root+"/producers/{id}/statement/file", c.page(c.statement))
	mux.HandleFunc("GET "+Root+"/mappings", c.page(c.mappings))
}

// statement gives the signed statement of the last thirty days, by recording.
func (c *Console) statement(ctx context.Context, v *visit) error {
	if !isID(v.r.PathValue("id")) {
		return errNowhere
	}
	to := c.cfg.Now().UTC().Add(-2 * time.Minute).Truncate(time.Second) // what is being recorded still belongs to now
	q := url.Values{"from": {to.AddDate(0, 0, -30).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
	return v.pass(ctx, "/v1/producers/"+v.r.PathValue("id")+"/statement?"+q.Encode(), "producers-statement")
}

// float is a number of the API, 0 for none.
func float(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return f
}

// producerPage is what one source sent, day by day.
type producerPage struct {
	Weekdays []string
	Months   []calendarMonth
	About    []pair
	Gaps     *table
	Files    []link
}

type calendarMonth struct {
	Title string
	Weeks [][]calendarDay // of seven days, from Monday
}

// calendarDay is one day of a calendar; the zero day is of another month.
type calendarDay struct {
	Day, Events, Aside, Kind string // kind: none, some, gap
	Missing                  string // numbers that turned out missing on that day and did not come on it
	Recovered                string // numbers missing since an earlier day that came
}

const calendarDays = 120

func (c *Console) producer(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	now := c.cfg.Now().UTC()
	q := url.Values{"from": {now.AddDate(0, 0, 1-calendarDays).Format(time.DateOnly)}}
	days, err := v.get(ctx, "/v1/producers/"+id+"/days?"+q.Encode())
	if err != nil {
		return err
	}
	d, _ := find("producers")
	p := &producerPage{Files: v.files(d, id, 0)}
	for i := range 7 {
		p.Weekdays = append(p.Weekdays, v.words.t("weekday_"+itoa(i+1)))
	}
	title := short(id)
	items, _, err := v.all(ctx, "/v1/producers", url.Values{}, 5)
	if err != nil {
		return err
	}
	for _, it := range items {
		if it.text("id") != id {
			continue
		}
		if n := it.text("name"); n != "" {
			title = n
		}
		p.About = v.named(it, "events", "last_recorded", "set_aside", "missing", "late", "repeats", "restarts", "silence.state", "silence.since", "silence.expected_by")
		if gaps := it.at("gaps"); len(gaps.list) > 0 {
			p.Gaps = v.words.rows(v.words.t("producer_gaps"), gaps)
		}
	}
	p.Months = v.calendar(days.at("items").list)
	v.show(http.StatusOK, "producer", v.words.t("producer_title")+" "+title, p)
	return nil
}

// calendar lays days out in months, the latest first.
func (v *visit) calendar(days []value) []calendarMonth {
	var out []calendarMonth
	for _, d := range days {
		t, err := time.Parse(time.DateOnly, d.text("date"))
		if err != nil {
			continue
		}
		title := v.words.t("month_"+itoa(int(t.Month()))) + " " + itoa(t.Year())
		weekday := (int(t.Weekday()) + 6) % 7
		if len(out) == 0 || out[len(out)-1].Title != title {
			out = append(out, calendarMonth{Title: title})
		}
		m := &out[len(out)-1]
		if len(m.Weeks) == 0 || weekday == 0 {
			m.Weeks = append(m.Weeks, make([]calendarDay, 7))
		}
		day := calendarDay{Day: itoa(t.Day()), Events: v.words.number(d.text("events")), Kind: "some"}
		if d.text("events") == "0" {
			day.Kind = "none"
		}
		if n := d.text("set_aside"); n != "0" {
			day.Aside = n
		}
		switch n := int(float(d.text("recovered")) - float(d.text("missing"))); {
		case n < 0:
			day.Kind, day.Missing = "gap", v.words.number(itoa(-n))
		case n > 0:
			day.Recovered = v.words.number(itoa(n))
		}
		m.Weeks[len(m.Weeks)-1][weekday] = day
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// mappingsPage says how other systems' shapes are read.
type mappingsPage struct{ Items []mapping }

type mapping struct {
	Name, About, Source, Input, Columns, IDRule string
	Shipped                                     bool
}

func (c *Console) mappings(ctx context.Context, v *visit) error {
	answer, err := v.get(ctx, "/v1/ingest")
	if err != nil {
		return err
	}
	p := &mappingsPage{}
	for _, it := range answer.at("items").list {
		p.Items = append(p.Items, mapping{Name: it.text("name"), About: it.text("about"), Source: it.text("source"), Input: it.text("input"),
			Columns: v.words.cell("name", it.at("columns")).flat(), IDRule: it.text("id_rule"), Shipped: it.is("shipped")})
	}
	v.show(http.StatusOK, "mappings", v.words.t("desk_mappings"), p)
	return nil
}
