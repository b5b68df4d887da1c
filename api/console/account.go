package console

import (
	"context"
	"net/http"
	"net/url"
)

// deedsOp lists what an account did and read.
const deedsOp = "GET /v1/audit/accounts/{id}"

// account shows an account: to who manages accounts, what can be done with it; to who
// audits, what it did; to both, whose it is as far as they may see names.
func (c *Console) account(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	d, _ := find("accounts")
	p := &itemPage{Slug: d.slug, ID: id, Done: v.done()}
	title := v.words.t("account") + " " + short(id)
	switch {
	case v.allowed(d.item):
		if err := v.managed(ctx, d, p, &title); err != nil {
			return err
		}
	case !v.allowed(deedsOp):
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: c.spec[deedsOp].permission}
	case v.allowed(namesOp):
		answer, err := v.get(ctx, c.spec[namesOp].path+"?"+url.Values{"ids": {id}}.Encode())
		if err != nil {
			return err
		}
		if items := answer.at("items").list; len(items) == 1 {
			p.Values = v.words.pairs(items[0])
			if name := v.staffName(items[0]); name != "" {
				title = name
			}
		}
	}
	if v.allowed(deedsOp) {
		p.Sections = append(p.Sections, v.deeds(ctx, id))
	}
	v.show(http.StatusOK, "item", title, p)
	return nil
}

// managed adds what who manages accounts sees.
func (v *visit) managed(ctx context.Context, d desk, p *itemPage, title *string) error {
	answer, err := v.get(ctx, v.c.spec[d.item].filled([]string{p.ID}, nil))
	if err != nil {
		return err
	}
	if name := v.staffName(answer); name != "" {
		*title = name
	}
	p.Back, p.Values, p.Acts = Root+"/"+d.slug, v.words.pairs(answer), v.accountActs(d, answer)
	p.Sections = v.lists(ctx, d, []string{p.ID})
	return nil
}

// accountActs are those that make sense for the account as it stands.
func (v *visit) accountActs(d desk, answer value) []link {
	var fit []act
	state := answer.text("state")
	for _, a := range d.acts {
		if a.slug == "enable" && state != "disabled" && state != "locked" || a.slug == "disable" && state == "disabled" || a.slug == "invite" && state != "invited" {
			continue
		}
		fit = append(fit, a)
	}
	return v.links(d, fit, answer.text("id"))
}

// deeds are what an account did and read, the latest first, a page at a time.
func (v *visit) deeds(ctx context.Context, id string) *section {
	s := &section{Title: v.words.t("account_deeds")}
	q := url.Values{"limit": {"50"}, "sort": {sortNewest}}
	if cursor := v.r.URL.Query().Get("cursor"); cursor != "" {
		q.Set("cursor", cursor)
	}
	answer, err := v.get(ctx, v.c.spec[deedsOp].filled([]string{id}, nil)+"?"+q.Encode())
	if err != nil {
		s.Note = v.why(err)
		return s
	}
	s.Table = &table{Caption: s.Title}
	for _, name := range []string{"time", "type", "reason", "ticketed", "count", "subjects"} {
		s.Table.Head = append(s.Table.Head, v.words.label(name))
	}
	for _, it := range answer.at("items").list {
		s.Table.Body = append(s.Table.Body, v.deed(it))
	}
	if next := answer.text("next"); next != "" {
		s.Table.Next = Root + "/accounts/" + id + "?" + url.Values{"cursor": {next}}.Encode()
	}
	return s
}

// deed is one line: an event that the account wrote, or an access.
func (v *visit) deed(it value) row {
	w := it.at("event")
	done, whom := v.words.cell("type", w.at("type")), w.at("subject_id")
	if read := it.at("access"); !read.empty() {
		w, done, whom = read, v.did(read), read.at("subjects")
	}
	r := row{Cells: []cell{v.words.cell("time", w.at("time")), done, v.words.cell("reason", w.at("reason")),
		v.words.cell("ticketed", w.at("ticketed")), v.words.cell("count", w.at("count")), v.words.cell("subjects", whom)}}
	r.Href = v.eventHref(w.text("event_id"))
	return r
}
