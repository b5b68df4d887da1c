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
}

type badContact struct {
	At, Person, Channel, Purpose, Event cell
	Rule, Sentence, Article             string
	Campaign, Caller                    string
	Evidence                            []cell
}

const maxContacts = 200

// badContacts lists those of a period, by default of the last seven days: each fact of the period is looked at.
func (c *Console) badContacts(ctx context.Context, v *visit) error {
	q := v.r.URL.Query()
	now := c.cfg.Now().In(zone())
	p := &contactsPage{From: cmp.Or(q.Get("from"), now.AddDate(0, 0, -7).Format(time.DateOnly)), To: cmp.Or(q.Get("to"), now.Format(time.DateOnly))}
	from, err1 := time.ParseInLocation(time.DateOnly, p.From, zone())
	to, err2 := time.ParseInLocation(time.DateOnly, p.To, zone())
	if err1 != nil || err2 != nil || to.Before(from) {
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	items, more, err := v.all(ctx, "/v1/audit/contacts", url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.AddDate(0, 0, 1).UTC().Format(time.RFC3339)}}, 15)
	if err != nil {
		return err
	}
	p.More, p.Found = more, v.words.number(itoa(len(items)))
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

func (v *visit) badContact(it value) badContact {
	w := v.words
	b := badContact{At: w.cell("at", it.at("at")), Person: w.cell("subject_id", it.at("subject_id")), Channel: w.cell("channel", it.at("channel")), Purpose: w.cell("purpose", it.at("purpose")),
		Event: w.cell("event_id", it.at("event_id")), Rule: it.text("rule"), Sentence: w.code("rule", it.text("rule")), Article: it.text("article"), Campaign: it.text("campaign"), Caller: it.text("caller")}
	for _, e := range it.at("evidence").list {
		b.Evidence = append(b.Evidence, w.cell("evidence", e))
	}
	return b
}
