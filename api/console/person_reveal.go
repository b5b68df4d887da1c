package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// unmasking is what a visitor asks to see in clear of one person, and why.
type unmasking struct {
	Groups []string
	Reason string // CODE[:ticket]
	err    error  // of the part of the page that was asked for
}

// reveal is the form that asks for masked fields in clear, and what it showed.
type reveal struct {
	Action, Number, Tab, AsOf, KnownAt string
	Groups                             []choice
	Reasons                            []revealReason
	Ticket                             string
	Problem                            *refused
	Shown                              []string // of the groups that are clear on this page
	Why                                string
	Back, Log                          string
}

type revealReason struct {
	choice
	Ticket bool
}

// revealPerson shows a person once with what the form asks for in clear. Sent again, as
// by a page that is loaded anew, it leads to the page that masks.
func (c *Console) revealPerson(ctx context.Context, v *visit) error {
	id, in := v.r.PathValue("id"), v.r.PostForm
	if !isID(id) {
		return errNowhere
	}
	q := revealQuery(in)
	v.from = personHref(id, q)
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	ask := &unmasking{Groups: in["group"], Reason: in.Get("reason")}
	if ticket := strings.TrimSpace(in.Get("ticket")); ticket != "" {
		ask.Reason += ":" + ticket
	}
	err = errAskNothing(v, ask)
	if err == nil {
		err = v.showPerson(ctx, id, q, ask, nil)
	}
	var no *refused
	switch {
	case err == nil:
		to = v.from
	case errors.As(err, &no) && slices.Contains([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusTooManyRequests}, no.Status):
		return v.showPerson(ctx, id, q, ask, no)
	}
	return err
}

// errAskNothing is of a form that lacks what to show or why.
func errAskNothing(v *visit, ask *unmasking) error {
	code, ticket, _ := strings.Cut(ask.Reason, ":")
	i, lacks := slices.IndexFunc(v.reasons, func(r reason) bool { return r.Code == code }), ""
	switch {
	case len(ask.Groups) == 0:
		lacks = "reveal_nothing"
	case i < 0:
		lacks = "reveal_no_reason"
	case v.reasons[i].Ticket && ticket == "":
		lacks = "reveal_no_ticket"
	default:
		return nil
	}
	return &refused{Status: http.StatusBadRequest, Title: v.words.t("error_form"), Detail: v.words.t(lacks)}
}

// revealQuery is the part and the moment of the page that the form stood on.
func revealQuery(in url.Values) url.Values {
	q := url.Values{}
	for _, name := range []string{"tab", "as_of", "known_at"} {
		if s := in.Get(name); s != "" && (name != "tab" || s == tabHistory) {
			q.Set(name, s)
		}
	}
	return q
}

func personHref(id string, q url.Values) string {
	if len(q) == 0 {
		return Root + "/people/" + id
	}
	return Root + "/people/" + id + "?" + q.Encode()
}

// clear asks with what the visitor wants in clear, if this part of the page is the one;
// call what it gives when the part was asked for.
func (v *visit) clear(p *personPage, tab string) (done func()) {
	if p.asked == nil || p.Tab != tab {
		return func() {}
	}
	was := v.reason
	v.reveal, v.reason = strings.Join(p.asked.Groups, ","), p.asked.Reason
	return func() { v.reveal, v.reason = "", was }
}

// revealing is the form of a page on which something is masked that may be asked for, and
// what was asked for; nil if there is neither. masked are the paths that are masks here.
func (v *visit) revealing(p *personPage, s value, masked []string, problem *refused) (*reveal, error) {
	r := &reveal{Action: Root + "/reveal/" + p.ID, Tab: p.Tab, AsOf: p.Moment.AsOf, KnownAt: p.Moment.KnownAt, Problem: problem}
	var asked []string
	code, ticket, _ := strings.Cut(v.reason, ":")
	if p.asked != nil {
		code, ticket, _ = strings.Cut(p.asked.Reason, ":")
		asked = p.asked.Groups
	}
	for _, g := range s.at("revealable").list {
		if masks(g.at("fields").strings(), masked) {
			r.Groups = append(r.Groups, choice{g.text("group"), v.words.code("group", g.text("group")), slices.Contains(asked, g.text("group"))})
		}
	}
	if len(r.Groups) == 1 {
		r.Groups[0].Chosen = true
	}
	if p.asked != nil && problem == nil {
		given := s.at("revealed") // of the file; of its history, those that may be
		if p.Tab == tabHistory {
			given = s.at("revealable")
		}
		for _, g := range given.list {
			if slices.Contains(asked, g.text("group")) {
				r.Shown = append(r.Shown, v.words.code("group", g.text("group")))
			}
		}
		r.Why, r.Back, r.Log = v.words.code("reason", code), v.from, Root+"/people/"+p.ID+"?tab="+tabAccesses
		for _, x := range v.reasons {
			if x.Code == code {
				r.Why = x.Label
			}
		}
		if !v.allowed(partOps()[tabAccesses]) {
			r.Log = ""
		}
	}
	if len(r.Groups) == 0 && len(r.Shown) == 0 && problem == nil {
		return nil, nil
	}
	r.Ticket = ticket
	for _, x := range v.reasons {
		r.Reasons = append(r.Reasons, revealReason{choice{x.Code, x.Label, x.Code == code}, x.Ticket})
	}
	var err error
	r.Number, err = number(v.c.cfg.Rand)
	return r, err
}

// masks reports whether one of the paths that are masked is of a declared field.
func masks(fields, masked []string) bool {
	return slices.ContainsFunc(fields, func(f string) bool {
		return slices.ContainsFunc(masked, func(m string) bool { return covers(f, m) })
	})
}

// covers reports whether a declared field, perhaps a pattern such as custom.*, has a path.
func covers(field, path string) bool {
	prefix, pattern := strings.CutSuffix(field, "*")
	return path == field || pattern && strings.HasPrefix(path, prefix) || strings.HasPrefix(path, field+".")
}

// maskedIn are the paths of which events hold masks.
func maskedIn(events []value) []string {
	var out []string
	for _, e := range events {
		for _, f := range e.at("fields").list {
			if f.is("masked") && !slices.Contains(out, f.text("path")) {
				out = append(out, f.text("path"))
			}
		}
	}
	return out
}

// did is what an access was: of one that showed masked fields in clear, which.
func (v *visit) did(it value) cell {
	c := v.words.cell("action", it.at("action"))
	var groups []string
	for _, g := range it.at("revealed").strings() {
		groups = append(groups, v.words.code("group", g))
	}
	if len(groups) > 0 {
		c.Text += v.words.t("colon") + strings.Join(groups, ", ")
	}
	return c
}
