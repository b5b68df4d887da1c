package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// startPage is what waits for the visitor, and how the ledger stands.
type startPage struct {
	Begin   []link // what the visitor may begin, most wanted first
	Waiting []tile
	State   []tile
	Plots   []plot
	Guide   *guidePage  // nil once it was put away
	checked string      // how many facts the last verification that found nothing covers
	signed  string      // how many the newest head commits to
	Search  *peoplePage // the search, of those for whom nothing waits
}

// tile is one figure and where it is worked on.
type tile struct {
	Title, Value, Note, Href string
	Kind                     string // good, warn, stop, or plain
	order                    int
}

// Long reports a value that is no figure, such as a date.
func (t tile) Long() bool { return utf8.RuneCountInString(t.Value) > 12 }

// plot is a series one reads at a glance, and the table one copies.
type plot struct {
	Title, Kind string // bars or lines
	Table       *table
	Data        string // a series in JSON, for the script
	Bars        []bar
	Most        float64
}

type bar struct {
	Name, Text string
	Value      float64
}

// question is one thing that the start page asks, if the visitor may.
type question struct {
	op, query string
	show      func(v *visit, answer value, p *startPage)
}

// start asks everything that concerns the visitor's roles, side by side.
func (c *Console) start(ctx context.Context, v *visit) error {
	if own := v.guestOf(); own != "" {
		v.leave(Root + "/inspections/" + own)
		return nil
	}
	p := &startPage{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, q := range questions(v.c.cfg.Now()) {
		if !v.allowed(q.op) || c.spec[q.op].personal && v.reason == "" {
			continue
		}
		wait.Go(func() {
			one := *v.caller
			one.w = &reply{header: http.Header{}} // cookies of side questions are not kept
			answer, err := one.get(ctx, c.spec[q.op].path+"?"+q.query)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				q.show(v, answer, p)
			}
		})
	}
	p.Guide = v.guided(ctx, false)
	wait.Wait()
	p.sinceChecked(v)
	p.settle()
	if p.Begin = v.beginnings(); len(p.Waiting)+len(p.State) == 0 && v.allowed("POST /v1/subjects/search") {
		p.Search, p.Begin = &peoplePage{By: "email", CSRF: v.csrf, Quiet: true}, p.Begin[1:]
	}
	v.show(http.StatusOK, "start", v.words.t("start"), p)
	return nil
}

// beginnings are what people come for.
func (v *visit) beginnings() []link {
	var out []link
	for _, one := range []struct{ op, href, text string }{
		{"POST /v1/subjects/search", "/people", "people"}, {checkOp, "/contactability", "desk_contactability"},
		{"POST /v1/requests", "/requests/new/new", "act_requests_new"}, {"POST /v1/inspections", "/inspections/new/open", "act_inspections_open"},
		{"POST /v1/accounts", "/accounts/new/new", "act_accounts_new"}, {"POST /v1/breaches", "/breaches/new/open", "act_breaches_open"}} {
		if v.allowed(one.op) {
			out = append(out, link{Href: Root + one.href, Text: v.words.t(one.text)})
		}
	}
	return out
}

// settle puts the tiles in their order, whoever answered first.
func (p *startPage) settle() {
	for _, tiles := range [][]tile{p.Waiting, p.State} {
		for i := range tiles {
			for j := i; j > 0 && tiles[j].order < tiles[j-1].order; j-- {
				tiles[j], tiles[j-1] = tiles[j-1], tiles[j]
			}
		}
	}
}

func questions(now time.Time) []question {
	from := url.Values{"from": {now.AddDate(-1, 0, 0).UTC().Format(time.RFC3339)}, "to": {now.UTC().Format(time.RFC3339)}}.Encode()
	return []question{
		{"GET /v1/requests/statistics", "", showRequests},
		{"GET /v1/approvals", "state=waiting&limit=100", waitingList(2, "approvals", "warn")},
		{"GET /v1/me/waiting", "", showWaiting},
		{"GET /v1/breaches", "standing=open&limit=100", waitingList(6, "breaches", "stop")},
		{"GET /v1/reviews", "overdue=true&limit=100", waitingList(7, "reviews", "warn")},
		{"GET /v1/verification", "", showVerification},
		{"GET /v1/checkpoint", "", showHead},
		{"GET /v1/keys", "", showKeys},
		{"GET /v1/backups", "", showBackups},
		{"GET /v1/producers", "limit=100", showProducers},
		{"GET /v1/retention", "", showRetention},
		{"GET /v1/audit/summary", from, showSummary},
	}
}

func showRequests(v *visit, a value, p *startPage) {
	t := tile{Title: v.words.t("desk_requests"), Value: v.words.number(a.text("all.open")), Note: v.words.say("open_requests", "n", a.text("all.open")), Href: Root + "/requests?standing=open", Kind: "plain", order: 1}
	if n := a.text("all.overdue"); n != "0" && n != "" {
		t.Kind, t.Note = "stop", v.words.number(n)+" "+v.words.t("overdue")
	}
	p.Waiting = append(p.Waiting, t)
}

// waitingList counts the first page of a desk's list.
func waitingList(order int, slug, kind string) func(*visit, value, *startPage) {
	return func(v *visit, a value, p *startPage) {
		p.waits(v, order, slug, kind, itoa(len(a.at("items").list)), a.text("next") != "")
	}
}

// waits adds what waits at a desk; more says that it is at least n.
func (p *startPage) waits(v *visit, order int, slug, kind, n string, more bool) {
	t := tile{Title: v.words.t("desk_" + slug), Value: v.words.number(cmp.Or(n, "0")), Href: Root + "/" + slug, Kind: kind, order: order, Note: v.words.say("waiting_"+slug, "n", cmp.Or(n, "0"))}
	if more {
		t.Value = "> " + t.Value
	}
	if n == "0" || n == "" {
		t.Kind = "plain"
	}
	p.Waiting = append(p.Waiting, t)
}

// showWaiting counts what is not listed unasked: that would be an access to those on the list.
func showWaiting(v *visit, a value, p *startPage) {
	for _, desk := range []struct {
		order      int
		slug, kind string
	}{{3, "quarantine", "warn"}, {4, "watch", "stop"}, {5, "due", "plain"}} {
		if one := a.at(desk.slug); !one.empty() {
			p.waits(v, desk.order, desk.slug, desk.kind, one.text("count"), one.text("more") == "true")
		}
	}
}

func showVerification(v *visit, a value, p *startPage) {
	t := tile{Title: v.words.t("desk_verification"), Href: Root + "/verification", Kind: "warn", Value: v.words.t("never"), order: 1}
	if verdict := a.text("last.verdict"); verdict != "" {
		t.Value, t.Kind = v.words.code("verdict", verdict), "stop"
		if verdict == "clean" || verdict == "intact" {
			t.Kind, p.checked = "good", a.text("last.head")
		}
		t.Note = v.words.cell("ended", a.at("last.ended")).Text
	}
	p.State = append(p.State, t)
}

func showProducers(v *visit, a value, p *startPage) {
	silent, missing := 0, 0
	for _, it := range a.at("items").list {
		if it.text("silence.state") == "silent" {
			silent++
		}
		if m := it.text("missing"); m != "" && m != "0" {
			missing++
		}
	}
	t := tile{Title: v.words.t("desk_producers"), Value: v.words.number(itoa(len(a.at("items").list))), Href: Root + "/producers", Kind: "good", Note: v.words.counted("all_send", len(a.at("items").list)), order: 2}
	if silent+missing > 0 {
		var said []string
		for _, of := range []struct {
			n    int
			text string
		}{{silent, "silent"}, {missing, "with_gaps"}} {
			if of.n > 0 {
				said = append(said, itoa(of.n)+" "+v.words.counted(of.text, of.n))
			}
		}
		t.Kind, t.Note = "warn", strings.Join(said, ", ")
	}
	p.State = append(p.State, t)
}

func showRetention(v *visit, a value, p *startPage) {
	t := tile{Title: v.words.t("desk_retention"), Href: Root + "/retention", Kind: "plain", Value: v.words.t("never"), order: 3}
	if l := a.at("last"); !l.empty() {
		t.Value, t.Note = v.words.cell("date", l.at("date")).Text, v.words.number(cmp.Or(l.text("counts.erased"), "0"))+" "+v.words.say("erased", "n", cmp.Or(l.text("counts.erased"), "0"))
	}
	p.State = append(p.State, t)
}
