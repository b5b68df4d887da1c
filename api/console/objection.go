package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

const takeRequest = "POST /v1/requests"

// objectionPage takes in what one person objects to, as precisely as it was said.
type objectionPage struct {
	ID, Name, Short, CSRF, Number string
	Some                          bool // against some alone, not all prospecting
	Purposes, Channels, Ways      []choice
	Said                          string
	Received                      string
	Problem                       *refused
}

func (c *Console) objectionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root+"/objections/{id}", c.page(c.objectionForm))
	mux.HandleFunc("POST "+Root+"/objections/{id}", c.page(c.objection))
}

func (c *Console) objectionForm(ctx context.Context, v *visit) error {
	return v.showObjection(ctx, http.StatusOK, nil)
}

// showObjection shows the form with what was typed, if it was.
func (v *visit) showObjection(ctx context.Context, status int, no *refused) error {
	id, in := v.r.PathValue("id"), v.r.PostForm
	switch {
	case !isID(id):
		return errNowhere
	case !v.allowed(takeRequest):
		return &refused{Status: http.StatusForbidden, Code: "permission_missing", Permission: v.c.spec[takeRequest].permission}
	}
	n, err := number(v.c.cfg.Rand)
	if err != nil {
		return err
	}
	p := &objectionPage{ID: id, Short: short(id), Name: v.nameOf(ctx, id), CSRF: v.csrf, Number: n, Problem: no, Some: in.Get("extent") == "some", Said: in.Get("message"),
		Received: in.Get("received_at"), Purposes: v.terms("purpose", in.Get("purpose"))}
	for _, t := range v.words.terms["channel"] {
		p.Channels = append(p.Channels, choice{t.Code, v.words.term(t), slices.Contains(in["channels"], t.Code)})
	}
	for _, way := range []string{"phone", "email", "postal", "sms", "social", "web_form", "store", "other"} {
		p.Ways = append(p.Ways, choice{way, v.words.code("channel", way), way == in.Get("channel")})
	}
	v.show(status, "objection", v.words.t("acts_objection"), p)
	return nil
}

// nameOf is how a person is called, "" if the visitor may not see it. It is a read, and
// recorded as one.
func (v *visit) nameOf(ctx context.Context, id string) string {
	if !v.allowed(personOp) {
		return ""
	}
	s, err := v.get(ctx, v.c.spec[personOp].filled([]string{id}, nil)+"?classes=identity")
	if err != nil {
		return ""
	}
	return name(s)
}

// objection records it with its file (art. 12(3)), once. It holds from then on, for what
// it names and for no more.
func (c *Console) objection(ctx context.Context, v *visit) error {
	in, id := v.r.PostForm, v.r.PathValue("id")
	ask, no := v.objecting(in.Get("extent"), strings.TrimSpace(in.Get("purpose")), in["channels"])
	if no != nil || !isID(id) || !v.allowed(takeRequest) {
		return v.showObjection(ctx, http.StatusBadRequest, no)
	}
	ask["subject_id"], ask["right"], ask["channel"] = id, "objection", in.Get("channel")
	if said := strings.TrimSpace(in.Get("message")); said != "" {
		ask["message"] = lines(said)
	}
	if at := in.Get("received_at"); at != "" {
		t, err := instant(at, "received_at")
		if err != nil {
			return v.showObjection(ctx, http.StatusBadRequest, &refused{Title: v.words.t("error_form"), Detail: v.words.t("error_form_do"), Field: "received_at"})
		}
		ask["received_at"] = t
	}
	n, again, err := c.begun(v)
	if again || err != nil {
		return err
	}
	to := ""
	defer func() { c.sent.end(n, to) }()
	got, err := v.post(ctx, "/v1/requests", ask)
	if errors.As(err, &no) && no.Status < http.StatusInternalServerError && no.Status != http.StatusUnauthorized {
		return v.showObjection(ctx, no.Status, no)
	}
	if err != nil {
		return err
	}
	to = v.told(Root+"/requests/"+got.text("id")+"?done=objected", n, "people_object", id, "", got)
	v.leave(to)
	return nil
}

// objecting is what an objection is against, or what is contradictory in the form.
func (v *visit) objecting(extent, purpose string, channels []string) (map[string]any, *refused) {
	some := purpose != "" || len(channels) > 0
	if extent == "all" && !some {
		return map[string]any{}, nil
	}
	if extent != "some" || !some {
		return nil, &refused{Title: v.words.t("error_form"), Detail: v.words.t("objection_which"), Field: "objection"}
	}
	against := map[string]any{}
	if purpose != "" {
		against["purpose"] = purpose
	}
	if len(channels) > 0 {
		against["channels"] = channels
	}
	return map[string]any{"objection": against}, nil
}

// against says in words what an objection is against.
func (v *visit) against(o value) pair {
	w := v.words
	purpose, channels := w.t("against_every_purpose"), w.t("against_every_channel")
	if p := o.text("purpose"); p != "" {
		purpose = w.code("purpose", p)
	}
	if c := o.at("channels"); len(c.list) > 0 {
		channels = w.cell("channel", c).flat()
	}
	return pair{Label: w.t("against"), Name: "objection", Value: cell{Kind: "text", Text: w.say("against_says", "purpose", purpose, "channels", channels)}}
}
