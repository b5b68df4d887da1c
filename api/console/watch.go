package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	alertsOp     = "GET /v1/watch"
	alertOp      = "GET /v1/watch/{id}"
	closeAlertOp = "POST /v1/watch/{id}/close"
)

func (c *Console) watchRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/watch", c.page(c.watch))
	mux.HandleFunc("GET "+Root+"/watch/{id}", c.page(c.alert))
}

// watchPage lists alerts, those of one account and day together.
type watchPage struct {
	Intro, Done, Empty, Next string
	Chips                    []chip
	Groups                   []alertGroup
}

// alertGroup are the alerts about how one account read on one day.
type alertGroup struct {
	Title string // the day
	By    whose
	Rows  []alertRow
	Reads link
	Count string // how many of them
}

// whose is an account with its id beside its name.
type whose struct {
	who
	Short string
	Note  string // of one that is not ours
}

type alertRow struct {
	Href, ID, Rule, Means string
	Observed, Limit       string
	State                 badge
	Open                  bool
	At, Closer            cell
}

// alertPages is how many pages of alerts are read to find those that belong together.
const alertPages = 3

func (c *Console) watch(ctx context.Context, v *visit) error {
	if err := v.needs(alertsOp); err != nil {
		return err
	}
	asked := v.r.URL.Query()
	state := asked.Get("state")
	if !slices.Contains([]string{"", "open", "closed", "all"}, state) {
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	if state == "" {
		state = "open"
	}
	q := url.Values{"limit": {"200"}}
	if state != "all" {
		q.Set("state", state)
	}
	if at := asked.Get("cursor"); at != "" {
		q.Set("cursor", at)
	}
	answer, err := v.get(ctx, c.spec[alertsOp].path+"?"+q.Encode())
	if err != nil {
		return err
	}
	p := &watchPage{Intro: v.words.t("desk_watch_intro"), Done: v.done(), Empty: v.words.t("watch_none_" + state), Groups: v.alertGroups(answer.at("items").list)}
	for _, one := range []struct{ key, query string }{{"open", ""}, {"closed", "?state=closed"}, {"all", "?state=all"}} {
		p.Chips = append(p.Chips, chip{Href: Root + "/watch" + one.query, Text: v.words.t("watch_chip_" + one.key), Here: one.key == state})
	}
	if next := answer.text("next"); next != "" {
		p.Next = Root + "/watch?" + url.Values{"state": {state}, "cursor": {next}}.Encode()
	}
	v.show(http.StatusOK, "watch", v.words.t("desk_watch"), p)
	return nil
}

// dayOf is the day of Paris on which an alert was found.
func dayOf(alert value) string {
	t, err := time.Parse(time.RFC3339Nano, alert.text("at"))
	if err != nil {
		return ""
	}
	return t.In(zone()).Format(time.DateOnly)
}

// oneBurst reports alerts about the same account on the same day: one burst of reads
// passes several limits, and each at several levels.
func oneBurst(a, b value) bool {
	return a.text("account_id") == b.text("account_id") && dayOf(a) == dayOf(b)
}

// alertGroups keeps together what belongs together, in the order of the list.
func (v *visit) alertGroups(items []value) (out []alertGroup) {
	var firsts []value
	for _, it := range items {
		i := slices.IndexFunc(firsts, func(f value) bool { return oneBurst(f, it) })
		if i < 0 {
			i = len(firsts)
			firsts = append(firsts, it)
			out = append(out, alertGroup{Title: v.words.day(dayOf(it)), By: v.whose(it), Reads: v.readsOf(it)})
		}
		out[i].Rows = append(out[i].Rows, v.alertRow(it))
	}
	for i := range out {
		out[i].Count = v.words.counted("watch_count", len(out[i].Rows))
	}
	return out
}

func (v *visit) whose(alert value) whose {
	id := alert.text("account_id")
	w := whose{who: v.account(id), Short: short(id)}
	switch {
	case id == "":
		w.Note = v.words.t("watch_account_gone")
	case alert.is("upstream"):
		w.Note = v.words.t("watch_account_upstream")
	}
	return w
}

// readsOf leads to what the account read at the time of an alert. What another system
// streams in counts when it arrives and is listed by when it happened: all of it is shown.
func (v *visit) readsOf(alert value) link {
	id := alert.text("account_id")
	if id == "" || !v.allowed(accessesOp) {
		return link{}
	}
	q := url.Values{"account": {id}}
	since, err := time.Parse(time.RFC3339Nano, alert.text("since"))
	if alert.is("upstream") || err != nil {
		q.Set("period", "all")
	} else {
		q.Set("from", since.In(zone()).Format(time.DateOnly))
		q.Set("to", dayOf(alert))
	}
	return link{Href: Root + "/reads?" + q.Encode(), Text: v.words.t("watch_reads")}
}

func (v *visit) alertRow(it value) alertRow {
	w := v.words
	r := alertRow{ID: it.text("id"), Href: Root + "/watch/" + it.text("id"), Rule: w.typeset(it.text("title")), Means: w.t("watch_rule_" + it.text("rule")),
		Observed: w.number(it.text("observed")), Limit: w.number(it.text("limit")), At: w.cell("", it.at("at")), State: badge{"warn", w.t("watch_open")}, Open: it.text("state") == "open"}
	if !r.Open {
		r.State = badge{map[string]string{"misuse": "stop"}[it.text("outcome")], w.code("outcome", it.text("outcome"))}
		r.Closer = v.account(it.text("closed_by")).Cell
	}
	return r
}

// alertPage is one alert: what was seen, of whom, what that account read, and what was
// found.
type alertPage struct {
	ID, Done, Back string
	Row            alertRow
	By             whose
	Own            bool
	Level, Since   string
	Reads          link
	Acts           []link
	Closed         cell
	Note           string
	Others         []alertRow // of the same account and day
}

func (c *Console) alert(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	a, err := v.get(ctx, c.spec[alertOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	p := &alertPage{ID: id, Done: v.done(), Back: Root + "/watch", Row: v.alertRow(a), By: v.whose(a), Reads: v.readsOf(a), Since: v.words.cell("", a.at("since")).Text,
		Closed: v.words.cell("", a.at("closed_at")), Note: a.text("note")}
	p.Own = p.By.Self && p.Row.Open
	if n := a.text("level"); n != "" && n != "0" {
		p.Level = v.words.say("watch_level", "n", n)
	}
	for _, it := range v.besides(ctx, a, "") {
		p.Others = append(p.Others, v.alertRow(it))
	}
	if d, _ := find("watch"); p.Row.Open && !p.Own {
		p.Acts = v.links(d, d.acts, id)
	}
	v.show(http.StatusOK, "alert", v.words.t("one_watch")+v.words.t("colon")+p.Row.Rule, p)
	return nil
}

// besides are the other alerts that belong to one, as far as a few pages hold them.
func (v *visit) besides(ctx context.Context, a value, state string) (out []value) {
	q := url.Values{}
	if state != "" {
		q.Set("state", state)
	}
	items, _, err := v.all(ctx, v.c.spec[alertsOp].path, q, alertPages)
	if err != nil || a.text("account_id") == "" {
		return nil
	}
	for _, it := range items {
		if it.text("id") != a.text("id") && oneBurst(it, a) {
			out = append(out, it)
		}
	}
	return out
}

// maxAlso bounds the alerts that are closed with one, as the API does.
const maxAlso = 50

// fitAlert offers to close what belongs to an alert with it; what is closed takes nothing.
func fitAlert(ctx context.Context, v *visit, _ act, id string) *fits {
	a, err := v.get(ctx, v.c.spec[alertOp].filled([]string{id}, nil))
	if err != nil {
		return nil
	}
	f := &fits{about: v.words.typeset(a.text("title")) + ", " + v.words.day(dayOf(a)), names: map[string]string{}, choices: map[string][]string{}, known: url.Values{}}
	if a.text("state") == "closed" {
		f.barred = v.words.t("watch_barred")
		return f
	}
	if v.account(a.text("account_id")).Self {
		f.barred = v.words.t("watch_own")
		return f
	}
	others := v.besides(ctx, a, "open")
	if len(others) == 0 {
		f.hidden = []string{"also"}
		return f
	}
	for _, it := range others[:min(len(others), maxAlso)] {
		f.choices["also"] = append(f.choices["also"], it.text("id"))
		f.known.Add("also", it.text("id"))
		f.names[it.text("id")] = v.words.typeset(it.text("title")) + " (" + v.words.number(it.text("observed")) + ")"
	}
	return f
}
