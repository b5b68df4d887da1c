package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// requestsPage is the list of rights requests, the first due first.
type requestsPage struct {
	Intro   string
	Makes   []link
	Chips   []chip
	Filters []input
	Open    bool // a filter besides the chips is set
	Rows    []requestRow
	Next    string
	Empty   string
	Asked   *link // what the visitor asked another to agree to
}

// mostNamed bounds the requests of a page and the persons whose names are opened for it.
const mostNamed = 25

// askedOthers leads to what the visitor asked a second person to agree to, while some of
// it waits for an answer or for the visitor; nil if nothing does.
func (v *visit) askedOthers(ctx context.Context) *link {
	answer, err := v.get(ctx, v.c.spec[ownAskedOp].path)
	if err != nil {
		return nil
	}
	n := 0
	for _, it := range answer.at("items").list {
		if state := it.text("state"); state == "waiting" || state == "granted" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &link{Href: Root + "/asked", Text: v.words.say("asked_others", "n", itoa(n))}
}

// chip is a choice that many make, with how many it would show.
type chip struct {
	Href, Text, Count string
	Here              bool
}

type requestRow struct {
	Href, Right string
	Marks       []badge
	Clock       *clock
	Answered    string // in how many days, once it was
	Status      badge
	Assignee    who
	Received    cell
	Person      person
	Tasks       string
}

// requests lists rights requests; those that are open, if nothing else is asked for.
func (c *Console) requests(ctx context.Context, v *visit) error {
	if !v.allowed(requestsList) {
		if v.allowed("POST /v1/requests") {
			d, _ := find("requests")
			v.show(http.StatusOK, "requests", v.words.t("desk_requests"), &requestsPage{Intro: v.words.t("desk_requests_intro"), Makes: v.links(d, d.makes, "new")})
			return nil
		}
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: c.spec[requestsList].permission}
	}
	d, _ := find("requests")
	op, asked := c.spec[requestsList], v.r.URL.Query()
	q, err := query(op.params, asked)
	if err != nil {
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	chosen := slices.ContainsFunc([]string{"standing", "overdue", "assignee", "status", "right", "mark", "subject_id", "due_by", "from", "to"}, q.Has)
	if !chosen && !asked.Has("all") {
		q.Set("standing", "open")
	}
	q.Set("sort", "due")
	if q.Get("limit") == "" {
		q.Set("limit", strconv.Itoa(mostNamed))
	}
	answer, err := v.get(ctx, op.path+"?"+q.Encode())
	if err != nil {
		return err
	}
	p := &requestsPage{Intro: v.words.t("desk_requests_intro"), Makes: v.links(d, d.makes, "new"), Chips: v.requestChips(ctx, q, asked), Empty: v.words.t("requests_none")}
	filters := slices.DeleteFunc(slices.Clone(op.params), func(f field) bool {
		return slices.Contains([]string{"cursor", "limit", "sort", "standing", "overdue", "assignee"}, f.name)
	})
	for i := range filters {
		if codes := map[string][]string{"right": requestRights(), "status": {"received", "verified", "answered", "refused", "sent", "withdrawn", "closed"},
			"mark": {"extended", "extending", "late", "partly", "refused", "nothing_held", "identity_asked", "effective", "unclear"}}[filters[i].name]; codes != nil {
			filters[i].narrow(codes)
		}
	}
	p.Filters = v.inputs(filters, asked, "", "")
	p.Open = slices.ContainsFunc(filters, func(f field) bool { return q.Has(f.name) })
	var ids []string
	for _, r := range answer.at("items").list {
		p.Rows = append(p.Rows, v.requestRow(r))
		if id := r.text("subject_id"); id != "" {
			ids = append(ids, id)
		}
	}
	called := v.calledOf(ctx, ids, mostNamed)
	for i := range p.Rows {
		p.Rows[i].Person.Name = called[p.Rows[i].Person.ID]
	}
	if q.Get("assignee") == v.session.text("account_id") {
		p.Asked = v.askedOthers(ctx)
	}
	if next := answer.text("next"); next != "" {
		asked.Set("cursor", next)
		p.Next = v.r.URL.Path + "?" + asked.Encode()
	}
	v.show(http.StatusOK, "requests", v.words.t("desk_requests"), p)
	return nil
}

func (v *visit) requestRow(r value) requestRow {
	row := requestRow{Href: Root + "/requests/" + r.text("id"), Right: v.words.code("right", r.text("right")), Clock: v.clock(r),
		Status: badge{statusKind(r.text("status")), v.words.code("status", r.text("status"))}, Assignee: v.account(r.text("assignee")),
		Received: v.words.dated(r.at("received_at"))}
	for _, m := range r.at("marks").strings() {
		row.Marks = append(row.Marks, badge{markKind(m), v.words.code("mark", m)})
	}
	if id := r.text("subject_id"); id != "" {
		row.Person = person{ID: id, Short: short(id), Href: Root + "/people/" + id}
	}
	if n := r.text("open_tasks"); n != "" && n != "0" {
		row.Tasks = n
	}
	if n := r.text("answered_in_days"); n != "" {
		row.Answered = v.words.say("answered_in", "n", n)
	}
	return row
}

// requestChips are the lists that people look at every day. How many each holds is
// counted over the whole desk.
func (v *visit) requestChips(ctx context.Context, q, asked url.Values) []chip {
	counts := value{}
	if v.allowed("GET /v1/requests/statistics") {
		counts, _ = v.get(ctx, "/v1/requests/statistics")
	}
	self := v.session.text("account_id")
	here := map[string]bool{"open": q.Get("standing") == "open" && !q.Has("assignee") && !q.Has("overdue"), "overdue": q.Get("overdue") == "true",
		"mine": q.Get("assignee") == self && self != "", "recent": q.Get("from") != "" && q.Get("from") == v.recentFrom(), "closed": q.Get("standing") == "closed", "all": asked.Has("all") && !q.Has("standing")}
	var out []chip
	for _, c := range []struct{ key, query, count string }{{"open", "standing=open", counts.text("all.open")}, {"overdue", "overdue=true", counts.text("all.overdue")},
		{"recent", "from=" + url.QueryEscape(v.recentFrom()), ""}, {"mine", "standing=open&assignee=" + url.QueryEscape(self), ""}, {"closed", "standing=closed", ""}, {"all", "all=true", ""}} {
		out = append(out, chip{Href: Root + "/requests?" + c.query, Text: v.words.t("chip_" + c.key), Count: v.words.number(c.count), Here: here[c.key]})
	}
	return out
}

// recentFrom is the day of Paris from which a request counts as newly come in.
func (v *visit) recentFrom() string {
	y, m, d := v.c.cfg.Now().In(zone()).AddDate(0, 0, -recentDays).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone()).UTC().Format(time.RFC3339)
}

// recentDays is for how many days a request counts as newly come in.
const recentDays = 2

// requestRights are the rights in the order of the law.
func requestRights() []string {
	return []string{"access", "rectification", "erasure", "restriction", "recipients", "portability", "objection", "objection_processing", "automated_decision",
		"consent_withdrawal", "post_mortem", "directives", "other"}
}
