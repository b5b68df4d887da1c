package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// personPage is one person: as of when, what is known, and what happened.
type personPage struct {
	ID, Short, Name string
	Moment          moment
	Tabs            []link
	Badges          []badge
	Cards           []card
	Shown           disclosed
	History         *historyPart
	Accesses        *accessPart
	Consents        *consentPart
	Contact         *grid
	Acts            []rightsGroup
	Tab             string
	Done            string
	Sources         map[string]string // producers' names, by id
	Reveal          *reveal
	asked           *unmasking
}

type badge struct{ Kind, Text string }

// card is a part of what is known of a person.
type card struct {
	Title, Help string
	Values      []pair
	Table       *table
	Wide        bool
}

// The parts of a person's page.
const (
	tabHistory  = "history"
	tabConsents = "consents"
	tabContact  = "contact"
	tabAccesses = "accesses"
)

func (c *Console) personRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/people/{id}", c.page(c.person))
	mux.HandleFunc("POST "+Root+"/reveal/{id}", c.page(c.revealPerson))
	mux.HandleFunc("GET "+Root+"/reveal/{id}", c.page(func(_ context.Context, v *visit) error {
		v.leave(personHref(v.r.PathValue("id"), nil)) // nothing is shown in clear by an address
		return nil
	}))
}

func (c *Console) person(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	return v.showPerson(ctx, id, v.r.URL.Query(), nil, nil)
}

// showPerson shows a person as an address asks for it, with what was asked for in clear;
// a problem is why that is not shown.
func (v *visit) showPerson(ctx context.Context, id string, q url.Values, ask *unmasking, problem *refused) (err error) {
	p := &personPage{ID: id, Short: short(id), Tab: q.Get("tab"), Done: v.done(), asked: ask}
	if problem != nil {
		p.asked = nil
	}
	if p.Moment, err = v.moment(q); err != nil {
		return err
	}
	s, err := v.known(ctx, p)
	if err != nil {
		return err
	}
	if p.Tab == "" || p.Tab == tabHistory || p.Tab == tabConsents {
		p.Sources = v.sources(ctx)
	}
	v.describe(p, s)
	p.Acts = v.personActs(id, s)
	masked, withheld := s.at("masked").strings(), s.at("withheld").strings()
	switch p.Tab {
	case tabHistory:
		p.History, masked = v.history(ctx, p, q)
		withheld = nil // of this part each is said at its event
	case tabAccesses:
		p.Accesses = v.accesses(ctx, id, q.Get("since"))
	case tabConsents:
		p.Consents = v.consents(ctx, p)
	case tabContact:
		p.Contact = v.contactGrid(ctx, id, p.Moment)
	default:
		p.Tab = ""
	}
	if ask != nil && p.asked != nil && ask.err != nil {
		return ask.err
	}
	if p.asked = ask; p.Tab == "" || p.Tab == tabHistory {
		if p.Reveal, err = v.revealing(p, s, masked, problem); err != nil {
			return err
		}
		p.Shown = v.disclosed(masked, withheld)
		p.Shown.Reveal = p.Reveal
	}
	p.Tabs = v.tabs(p)
	title := p.Name
	if title == "" {
		title = v.words.t("person") + " " + p.Short
	}
	status := http.StatusOK
	if problem != nil {
		status = problem.Status
	}
	v.show(status, "person", title, p)
	return nil
}

// known is what is known of the person. Who may not see it, as an auditor, is shown the
// parts that they may: what happened, and who looked.
func (v *visit) known(ctx context.Context, p *personPage) (value, error) {
	if !v.allowed(personOp) {
		if p.Tab == "" {
			p.Tab = tabHistory
		}
		if !v.allowed(partOps()[p.Tab]) {
			return value{}, &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[personOp].permission}
		}
		return value{}, nil
	}
	done := v.clear(p, "")
	s, err := v.get(ctx, "/v1/subjects/"+p.ID+"?"+p.Moment.ask().Encode())
	done()
	if err != nil {
		return value{}, err
	}
	p.Name = name(s)
	return s, v.dates(ctx, p, s)
}

const personOp = "GET /v1/subjects/{id}"

// partOps are the operations behind the parts of the page.
func partOps() map[string]string {
	return map[string]string{"": personOp, tabHistory: "GET /v1/subjects/{id}/history", tabConsents: "GET /v1/subjects/{id}/consents/state", tabContact: checkOp,
		tabAccesses: "GET /v1/subjects/{id}/accesses"}
}

// dates are those of the slider: of what is known now, so that one can move on from a
// view of the past.
func (v *visit) dates(ctx context.Context, p *personPage, s value) error {
	if p.Moment.Past {
		now, err := v.get(ctx, "/v1/subjects/"+p.ID)
		var no *refused
		switch {
		case err == nil:
			s = now
		case !errors.As(err, &no) || no.Status != http.StatusGone:
			return err
		}
	}
	p.Moment.learn(v.words, s)
	return nil
}

// tabs are the parts of the page, each at the same moment.
func (v *visit) tabs(p *personPage) []link {
	var out []link
	for _, t := range []string{"", tabHistory, tabConsents, tabContact, tabAccesses} {
		if !v.allowed(partOps()[t]) {
			continue
		}
		q := p.Moment.query()
		key := "tab_view"
		if t != "" {
			q.Set("tab", t)
			key = "tab_" + t
		}
		where := Root + "/people/" + p.ID
		if len(q) > 0 {
			where += "?" + q.Encode()
		}
		out = append(out, link{Href: where, Text: v.words.t(key), Here: t == p.Tab})
	}
	return out
}

// all asks for a list's pages, up to some.
func (v *visit) all(ctx context.Context, where string, q url.Values, pages int) (items []value, more bool, err error) {
	q.Set("limit", "1000")
	for range pages {
		answer, err := v.get(ctx, where+"?"+q.Encode())
		if err != nil {
			return nil, false, err
		}
		items = append(items, answer.at("items").list...)
		next := answer.text("next")
		if next == "" {
			return items, false, nil
		}
		q.Set("cursor", next)
	}
	return items, true, nil
}
