package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	holdsOp = "GET /v1/holds"
	liftOp  = "DELETE /v1/subjects/{id}/restriction/{placed}"
)

// holdsPage lists what must not be destroyed, or only stored.
type holdsPage struct {
	Intro   string
	Chips   []chip
	Filters []input
	Open    bool
	Rows    []holdRow
	Next    string
}

type holdRow struct {
	Href                      string
	Kind, Code, Placed, Ended cell
	Since                     string
	Person                    person
	By, Reviewer              who
	Clock                     *clock // until the review
	Acts                      []link
}

func (c *Console) holds(ctx context.Context, v *visit) error {
	if err := v.needs(holdsOp); err != nil {
		return err
	}
	op, asked := c.spec[holdsOp], v.r.URL.Query()
	q, err := query(op.params, asked)
	if err != nil {
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	answer, err := v.get(ctx, op.path+"?"+q.Encode())
	if err != nil {
		return err
	}
	p := &holdsPage{Intro: v.words.t("desk_holds_intro")}
	for _, x := range []struct {
		key, query string
		here       bool
	}{{"standing", "", q.Get("ended") != "true" && q.Get("due") != "true"}, {"review", "?due=true", q.Get("due") == "true"}, {"ended", "?ended=true", q.Get("ended") == "true"}} {
		p.Chips = append(p.Chips, chip{Href: Root + "/holds" + x.query, Text: v.words.t("chip_" + x.key), Here: x.here})
	}
	filters := slices.DeleteFunc(slices.Clone(op.params), func(f field) bool {
		return slices.Contains([]string{"cursor", "limit", "due", "ended"}, f.name)
	})
	for i := range filters {
		if filters[i].name == "kind" {
			filters[i].narrow([]string{"hold", "restriction"})
		}
	}
	p.Filters = v.inputs(filters, asked, "", "")
	p.Open = slices.ContainsFunc(filters, func(f field) bool { return q.Has(f.name) })
	for _, h := range answer.at("items").list {
		p.Rows = append(p.Rows, v.holdRow(h))
	}
	if next := answer.text("next"); next != "" {
		asked.Set("cursor", next)
		p.Next = v.r.URL.Path + "?" + asked.Encode()
	}
	v.show(http.StatusOK, "holds", v.words.t("desk_holds"), p)
	return nil
}

func (v *visit) holdRow(h value) holdRow {
	subject, id := h.text("subject_id"), h.text("id")
	r := holdRow{Href: Root + "/holds/" + id, Kind: v.words.cell("kind", h.at("kind")), Code: v.words.cell("code", h.at("code")), Placed: v.words.dated(h.at("placed")), Ended: v.words.dated(h.at("ended")),
		Person: person{ID: subject, Short: short(subject), Href: Root + "/people/" + subject}, By: v.account(h.text("account")), Reviewer: v.account(h.text("reviewer"))}
	if placed, err := time.Parse(time.RFC3339Nano, h.text("placed")); err == nil {
		r.Since = v.words.say("holds_since", "n", v.words.number(itoa(days(placed, v.c.cfg.Now()))))
	}
	if h.text("ended") != "" {
		return r
	}
	if at := h.at("review_at"); !at.empty() {
		from := h.at("placed")
		if w := h.at("reviewed"); !w.empty() {
			from = w
		}
		r.Clock = v.clock(value{kind: '{', members: []member{{"due", at}, {"received_at", from}}})
	}
	if v.allowed("POST /v1/holds/{id}/review") {
		r.Acts = append(r.Acts, link{Href: Root + "/holds/" + id + "/review", Text: v.words.t("holds_again")})
	}
	for _, x := range []struct{ kind, slug, op string }{{"hold", "release", "DELETE /v1/subjects/{id}/hold/{placed}"}, {"restriction", "lift", liftOp}} {
		if h.text("kind") == x.kind && v.allowed(x.op) {
			r.Acts = append(r.Acts, link{Href: Root + "/" + x.kind + "/" + subject + separator + id + "/" + x.slug, Text: v.words.t("holds_release"), Grave: true})
		}
	}
	return r
}

// fitHold says what a hold is that is to be ended, and that it has ended if it has.
func fitHold(ctx context.Context, v *visit, _ act, id string) *fits {
	subject, placed, ok := strings.Cut(id, separator)
	if !ok || !isID(subject) || !v.allowed(holdsOp) {
		return nil
	}
	f := &fits{revision: "0", known: url.Values{}}
	for _, ended := range []string{"", "&ended=true"} {
		list, err := v.get(ctx, v.c.spec[holdsOp].path+"?limit=100&subject_id="+subject+ended)
		if err != nil {
			return nil
		}
		for _, h := range list.at("items").list {
			if h.text("id") != placed {
				continue
			}
			f.about = v.words.code("kind", h.text("kind")) + " : " + v.words.code("code", h.text("code")) + ", " + v.words.day(h.text("placed"))
			if ended == "" {
				return f
			}
			f.barred = v.words.t("hold_ended")
			f.since = func(int) []entry {
				return []entry{{Title: v.words.t("hold_ended_entry"), When: v.words.cell("ended", h.at("ended"))}}
			}
		}
	}
	return f
}
