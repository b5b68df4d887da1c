package console

import (
	"context"
	"net/http"
	"net/url"
)

// holdPage is one hold or restriction as who answers for it needs it: of whom, why, since
// when, until which review, and what ends it.
type holdPage struct {
	Done, Means string
	State       badge
	Row         holdRow
	About       []pair
	Event       string // href of what placed it, "" for who may not read it
}

// hold shows one, standing or ended.
func (c *Console) hold(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	if !isID(id) {
		return errNowhere
	}
	if err := v.needs(holdsOp); err != nil {
		return err
	}
	h, err := v.heldAs(ctx, id)
	if err != nil {
		return err
	}
	kind := h.text("kind")
	p := &holdPage{Done: v.done(), Means: v.words.t("hold_means_" + kind), Row: v.holdRow(h), State: badge{"", v.words.t("chip_standing")}}
	switch {
	case h.text("ended") != "":
		p.State = badge{"good", v.words.t("hold_ended_entry")}
	case h.is("due"):
		p.State = badge{"warn", v.words.t("chip_review")}
	}
	for _, name := range []string{"reviewed", "ended", "position"} {
		if w := h.at(name); !w.empty() {
			p.About = append(p.About, pair{Label: v.words.label(name), Name: name, Value: v.words.cell(name, w)})
		}
	}
	if v.allowed(eventOp) {
		p.Event = Root + "/events/" + id
	}
	v.show(http.StatusOK, "hold", v.words.say("hold_title", "kind", v.words.code("kind", kind), "code", v.words.code("code", h.text("code")), "day", v.words.day(h.text("placed"))), p)
	return nil
}

// heldAs finds one among those that stand, then among those that ended.
func (v *visit) heldAs(ctx context.Context, id string) (value, error) {
	for _, ended := range []string{"false", "true"} {
		for cursor := ""; ; {
			list, err := v.get(ctx, v.c.spec[holdsOp].path+"?"+url.Values{"limit": {"1000"}, "ended": {ended}, "cursor": {cursor}}.Encode())
			if err != nil {
				return value{}, err
			}
			for _, h := range list.at("items").list {
				if h.text("id") == id {
					return h, nil
				}
			}
			if cursor = list.text("next"); cursor == "" {
				break
			}
		}
	}
	return value{}, errNowhere
}
