package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	eventsOp   = "GET /v1/audit/events"
	accessesOp = "GET /v1/audit/accesses"
	summaryOp  = "GET /v1/audit/summary"
	accessType = "access.recorded"
	auditPageN = 50 // rows of a page

	sortNewest = "newest"
	sortOldest = "oldest"
)

// auditRoutes are the pages on what was recorded and who read it.
func (c *Console) auditRoutes(mux *http.ServeMux) {
	for _, slug := range []string{"audit", "reads"} {
		mux.HandleFunc("GET "+Root+"/"+slug, c.page(c.auditPage(slug)))
		mux.HandleFunc("GET "+Root+"/"+slug+"/export", c.page(c.exportAudit(slug)))
	}
	mux.HandleFunc("POST "+Root+"/find/{slug}", c.page(c.findForAudit))
	c.searchRoutes(mux)
	mux.HandleFunc("GET "+Root+"/events/{id}", c.page(c.event))
	mux.HandleFunc("GET "+Root+"/timeline/{id}", c.page(c.exportHistory))
	mux.HandleFunc("GET "+Root+"/difference", c.page(c.difference))
	mux.HandleFunc("GET "+Root+"/bulk", c.page(c.bulk))
	mux.HandleFunc("GET "+Root+"/heat", c.page(c.heat))
	mux.HandleFunc("GET "+Root+"/tail", c.page(c.tail))
	mux.HandleFunc("GET "+Root+"/live/tail", c.live(openTail))
}

// auditQuery is what an auditor asks for, as the address of the page says it.
type auditQuery struct {
	slug   string
	period string // today, 7d, 30d, 365d, all, or between
	oldest bool   // in the order of the ledger; else the newest first
	in     url.Values
	ask    url.Values // of the API
}

// periods are the quick choices, in days; 0 is no bound.
func periods() []struct {
	code string
	days int
} {
	return []struct {
		code string
		days int
	}{{"today", 1}, {"7d", 7}, {"30d", 30}, {"365d", 365}, {"all", 0}}
}

// auditFields are the filters beside the period, in the order of the page.
func auditFields(slug string) []string {
	if slug == "reads" {
		return []string{"reason", "action", "account", "subject_id", "min_count", "without_case"}
	}
	return []string{"type", "purpose", "source", "account", "subject_id"}
}

// readAudit reads the address of a page.
func (v *visit) readAudit(slug string) (*auditQuery, error) {
	q := &auditQuery{slug: slug, in: v.r.URL.Query(), ask: url.Values{}}
	bad := &refused{Status: http.StatusBadRequest, Code: "form"}
	q.period = q.in.Get("period")
	from, to := q.in.Get("from"), q.in.Get("to")
	if q.period == "" {
		q.period = "30d"
		if from != "" || to != "" {
			q.period = "between"
		}
	}
	if err := q.span(v.c.cfg.Now(), from, to); err != nil {
		return nil, bad
	}
	switch q.oldest = q.in.Get("sort") == sortOldest; {
	case q.oldest || q.in.Get("sort") == "" || q.in.Get("sort") == sortNewest:
		q.ask.Set("sort", cmp.Or(q.in.Get("sort"), sortNewest))
	default:
		return nil, bad
	}
	for _, name := range auditFields(slug) {
		if s := strings.TrimSpace(q.in.Get(name)); s != "" {
			q.ask.Set(name, s)
		}
	}
	if q.folds() {
		q.ask.Set("without", accessType)
	}
	if known := q.in.Get("known_at"); known != "" {
		at, err := instant(known, "known_at")
		if err != nil {
			return nil, bad
		}
		q.ask.Set("known_at", at.(string))
	}
	return q, nil
}

// folds reports a question of the history that leaves out who read whom, which has a list
// of its own and would fill the pages; asked for by type or by reads, it is shown.
func (q *auditQuery) folds() bool {
	return q.slug == "audit" && q.in.Get("reads") == "" && q.in.Get("type") == ""
}

// span sets the bounds of time: whole days of Paris.
func (q *auditQuery) span(now time.Time, from, to string) error {
	if q.period == "between" {
		for name, text := range map[string]string{"from": from, "to": to} {
			if text == "" {
				continue
			}
			day, err := time.ParseInLocation(time.DateOnly, text, zone())
			if err != nil {
				return err
			}
			if name == "to" {
				day = day.AddDate(0, 0, 1)
			}
			q.ask.Set(name, day.UTC().Format(time.RFC3339))
		}
		return nil
	}
	for _, p := range periods() {
		if p.code == q.period && p.days > 0 {
			y, m, d := now.In(zone()).Date()
			q.ask.Set("from", time.Date(y, m, d-p.days+1, 0, 0, 0, 0, zone()).UTC().Format(time.RFC3339))
		}
	}
	if !slices.ContainsFunc(periods(), func(p struct {
		code string
		days int
	}) bool {
		return p.code == q.period
	}) {
		return badField("period")
	}
	return nil
}

// without is the address of the same question, but for one thing.
func (q *auditQuery) without(path, name string) string {
	one := *q
	one.in = url.Values{}
	for k, vs := range q.in {
		if k != name {
			one.in[k] = vs
		}
	}
	return one.with(path, "", "")
}

// with is the address of the same question, with one thing changed.
func (q *auditQuery) with(path, name, value string) string {
	u := url.Values{}
	for k, vs := range q.in {
		if k != "cursor" && k != "language" && k != "done" && len(vs) > 0 && vs[0] != "" {
			u[k] = vs[:1]
		}
	}
	u.Del("seen")
	if name != "" {
		u.Set(name, value)
	}
	if len(u) == 0 {
		return path
	}
	return path + "?" + u.Encode()
}

// auditPage is the page of a question and its answer.
type auditPage struct {
	Slug, Path, Intro string
	Period            string
	Quick             []link
	From, To, KnownAt string
	Filters           []input
	Table             *table
	Shown, Next, Read string
	Oldest            bool
	Turn              link   // the same rows in the other order
	Folded            string // what is left out
	Unfold, Fold      string
	Files, Others     []link
	Finder            *finder
	Searches          *searches
	Done              string
}

func (c *Console) auditPage(slug string) func(context.Context, *visit) error {
	op := map[string]string{"audit": eventsOp, "reads": accessesOp}[slug]
	return func(ctx context.Context, v *visit) error {
		if err := v.needs(op); err != nil {
			return err
		}
		q, err := v.readAudit(slug)
		if err != nil {
			return err
		}
		ask := q.ask
		ask.Set("limit", strconv.Itoa(auditPageN))
		if at := q.in.Get("cursor"); at != "" {
			ask.Set("cursor", at)
		}
		answer, err := v.get(ctx, c.spec[op].path+"?"+ask.Encode())
		if err != nil {
			return err
		}
		path := Root + "/" + slug
		p := &auditPage{Slug: slug, Path: path, Intro: v.words.t("desk_" + slug + "_intro"), Period: q.period, From: q.in.Get("from"), To: q.in.Get("to"), KnownAt: q.in.Get("known_at"), Oldest: q.oldest}
		for _, one := range periods() {
			p.Quick = append(p.Quick, link{Href: periodHref(q, path, one.code), Text: v.words.t("period_" + one.code), Here: one.code == q.period})
		}
		names := v.sources(ctx)
		p.Finder = v.finder(slug, q.in, names)
		p.Searches, p.Done = v.savedSearches(ctx, q, names), v.done()
		p.Filters = v.auditFilters(ctx, slug, q.in, names)
		p.Table = v.auditTable(slug, answer.at("items").list, names)
		p.page(v, q, path, answer.text("next"))
		switch {
		case q.folds():
			p.Folded, p.Unfold = v.words.t("audit_folded"), q.with(path, "reads", "shown")
		case slug == "audit" && q.in.Get("reads") != "":
			p.Fold = q.without(path, "reads")
		}
		p.Others = v.auditOthers(slug)
		v.show(http.StatusOK, "audit", v.words.t("desk_"+slug), p)
		return nil
	}
}

// periodHref is the same question over another period.
func periodHref(q *auditQuery, path, code string) string {
	one := *q
	one.in = url.Values{}
	for k, vs := range q.in {
		if k != "from" && k != "to" {
			one.in[k] = vs
		}
	}
	return one.with(path, "period", code)
}

// page says which rows are shown, and leads to the next and to files of all.
func (p *auditPage) page(v *visit, q *auditQuery, path, next string) {
	seen, _ := strconv.Atoi(q.in.Get("seen"))
	seen = max(0, seen)
	n := len(p.Table.Body)
	order, other := "audit_newest", sortOldest
	if q.oldest {
		order, other = "audit_oldest", sortNewest
	}
	p.Turn = link{Href: q.with(path, "sort", other), Text: v.words.t("audit_turn_" + other)}
	order = v.words.t(order)
	switch {
	case n == 0:
	case next == "":
		p.Shown = v.fill("audit_shown_all", v.words.number(itoa(seen+1)), v.words.number(itoa(seen+n)), v.words.number(itoa(seen+n)), order)
	default:
		p.Shown = v.fill("audit_shown_more", v.words.number(itoa(seen+1)), v.words.number(itoa(seen+n)), order)
	}
	if next != "" {
		u := url.Values{}
		for k, vs := range q.in {
			u[k] = vs
		}
		u.Set("cursor", next)
		u.Set("seen", itoa(seen+n))
		p.Next = path + "?" + u.Encode()
	}
	if n > 0 {
		p.Read = q.with(path+"/export", "format", "read")
		for _, format := range []string{"csv", "xlsx", "ndjson"} {
			p.Files = append(p.Files, link{Href: q.with(path+"/export", "format", format), Text: strings.ToUpper(format)})
		}
	}
}

// fill puts texts into a sentence, for {1}, {2} and so on.
func (v *visit) fill(key string, with ...string) string {
	values := map[string]string{}
	for i, w := range with {
		values[itoa(i+1)] = w
	}
	return v.words.put(v.words.t(key), values)
}

// auditOthers are the other questions to what was recorded that the visitor may ask.
func (v *visit) auditOthers(slug string) []link {
	var out []link
	for _, o := range []struct{ slug, op string }{{"audit", eventsOp}, {"reads", accessesOp}, {"tail", eventsOp}, {"heat", hoursOp}, {"bulk", bulkOp}, {"difference", differenceOp}} {
		if v.allowed(o.op) {
			out = append(out, link{Href: Root + "/" + o.slug, Text: v.words.t("desk_" + o.slug), Here: o.slug == slug})
		}
	}
	return out
}
