package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (c *Console) breachRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/contacts", c.page(c.badContacts))
}

// contactsPage lists contacts that were made and were not allowed.
type contactsPage struct {
	From, To, Found string
	Rules           []ruleCount
	Most            float64
	Items           []badContact
	Cut, More       bool
	Part            bool // not the whole period was looked through
	Goes            []link
}

type badContact struct {
	At, Person, Channel, Purpose, Event cell
	Rule, Sentence, Article             string
	Campaign, Caller                    string
	Evidence                            []cell
}

const (
	maxContacts = 200
	// wholeParts bounds the parts of a period that are looked through when the whole is
	// asked for; the API looks through 2,000 contacts for one.
	wholeParts = 150
)

// badContacts lists those of a period, by default of the last seven days. Each contact of
// the period is judged anew, so a page is of one part of it, unless the whole is asked for.
func (c *Console) badContacts(ctx context.Context, v *visit) error {
	q := v.r.URL.Query()
	now := c.cfg.Now().In(zone())
	p := &contactsPage{From: cmp.Or(q.Get("from"), now.AddDate(0, 0, -7).Format(time.DateOnly)), To: cmp.Or(q.Get("to"), now.Format(time.DateOnly))}
	from, err1 := time.ParseInLocation(time.DateOnly, p.From, zone())
	to, err2 := time.ParseInLocation(time.DateOnly, p.To, zone())
	if err1 != nil || err2 != nil || to.Before(from) {
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	items, err := p.look(ctx, v, url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.AddDate(0, 0, 1).UTC().Format(time.RFC3339)}})
	if err != nil {
		return err
	}
	p.Found = v.words.number(itoa(len(items)))
	counts := map[string]float64{}
	for _, it := range slices.Backward(items) {
		counts[it.text("rule")]++
		if len(p.Items) == maxContacts {
			p.Cut = true
			continue
		}
		p.Items = append(p.Items, v.badContact(it))
	}
	for rule, n := range counts {
		p.Rules = append(p.Rules, ruleCount{Rule: rule, Sentence: v.words.code("rule", rule), Lawful: v.words.texts["lawful_"+rule], Text: v.words.number(itoa(int(n))), Value: n})
		p.Most = max(p.Most, n)
	}
	slices.SortFunc(p.Rules, func(a, b ruleCount) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Rule, b.Rule))
	})
	v.show(http.StatusOK, "contacts", v.words.t("desk_contacts"), p)
	return nil
}

// look finds the contacts of the page's part of the period.
func (p *contactsPage) look(ctx context.Context, v *visit, period url.Values) (items []value, err error) {
	in := v.r.URL.Query()
	if in.Get("whole") != "" {
		items, p.More, err = v.all(ctx, "/v1/audit/contacts", period, wholeParts)
		return items, err
	}
	period.Set("limit", itoa(maxContacts))
	here := in.Get("cursor")
	if here != "" {
		period.Set("cursor", here)
	}
	answer, err := v.get(ctx, "/v1/audit/contacts?"+period.Encode())
	if err != nil {
		return nil, err
	}
	next := answer.text("next")
	if p.Part = next != "" || here != ""; p.Part {
		of := url.Values{"from": {p.From}, "to": {p.To}}
		whole := link{Href: Root + "/contacts?" + of.Encode() + "&whole=1", Text: v.words.t("contacts_whole")}
		if next != "" {
			of.Set("cursor", next)
			p.Goes = append(p.Goes, link{Href: Root + "/contacts?" + of.Encode(), Text: v.words.t("contacts_next")})
		}
		p.Goes = append(p.Goes, whole)
	}
	return answer.at("items").list, nil
}

func (v *visit) badContact(it value) badContact {
	w := v.words
	b := badContact{At: w.cell("at", it.at("at")), Person: w.cell("subject_id", it.at("subject_id")), Channel: w.cell("channel", it.at("channel")), Purpose: w.cell("purpose", it.at("purpose")),
		Event: w.cell("event_id", it.at("event_id")), Rule: it.text("rule"), Sentence: w.code("rule", it.text("rule")), Article: it.text("article"), Campaign: it.text("campaign"), Caller: it.text("caller")}
	for _, e := range it.at("evidence").list {
		b.Evidence = append(b.Evidence, w.cell("evidence", e))
	}
	return b
}
