package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	eventOp   = "GET /v1/events/{id}"
	proofOp   = "GET /v1/proofs/{id}"
	receiptOp = "GET /v1/consents/{id}/receipt"
)

// eventPage is one fact: what it says, who recorded it, when, and how it is proved.
type eventPage struct {
	ID, Code, Done   string
	About            string // its sentence
	Who, When, Codes []pair
	Fields           []pair
	Withheld         int
	Warnings         *table
	Late             string
	Proof            []pair
	Unproven         string
	Around           []link
	Files, Acts      []link
}

// event shows one fact in the order in which one asks: what, who, when, proof.
func (c *Console) event(ctx context.Context, v *visit) error {
	id := v.r.PathValue("id")
	e, err := v.get(ctx, c.spec[eventOp].filled([]string{id}, nil))
	if err != nil {
		return err
	}
	d, _ := find("events")
	p := &eventPage{ID: id, Code: e.text("type"), Done: v.done(), Codes: v.words.pairs(e.at("codes")), Acts: v.links(d, d.acts, id)}
	p.fields(v, e)
	names := map[string]string{}
	if e.text("source") != "" {
		names = v.sources(ctx)
	}
	for _, name := range []string{"subject_id", "subject", "source", "account", "actor", "controller"} {
		if w := e.at(name); !w.empty() {
			p.Who = append(p.Who, pair{Label: v.words.label(name), Name: name, Value: v.auditCell(accountField(name), w, names)})
		}
	}
	p.When = v.chosen(e, "time", "recorded", "position", "policy")
	happened, err1 := time.Parse(time.RFC3339Nano, e.text("time"))
	recorded, err2 := time.Parse(time.RFC3339Nano, e.text("recorded"))
	if late := recorded.Sub(happened); err1 == nil && err2 == nil && late > 24*time.Hour {
		p.Late = v.fill("event_late", v.words.number(itoa(int(late/(24*time.Hour)))))
	}
	if w := e.at("warnings"); len(w.list) > 0 {
		p.Warnings = v.words.rows(v.words.t("event_warnings"), w)
	}
	p.Codes = append(p.Codes, v.others(e)...)
	p.neighbours(v, e)
	p.prove(ctx, v, id)
	v.show(http.StatusOK, "event", v.words.code("type", p.Code), p)
	return nil
}

// accountField is the name by which an account is shown.
func accountField(name string) string {
	if name == "actor" {
		return "account"
	}
	return name
}

// others are the members that no section of the page shows by itself.
func (v *visit) others(e value) []pair {
	var rest []member
	for _, m := range e.members {
		switch m.name {
		case "id", "type", "codes", "fields", "warnings", "subject_id", "subject", "source", "account", "actor", "controller", "time", "recorded", "position", "policy":
		default:
			rest = append(rest, m)
		}
	}
	return v.words.pairs(value{kind: '{', members: rest})
}

// fields are what the fact says, its withheld and destroyed parts named.
func (p *eventPage) fields(v *visit, e value) {
	for _, f := range e.at("fields").list {
		path := f.text("path")
		c := v.words.cell(last(path), f.at("value"))
		if f.is("withheld") {
			c = cell{Kind: "none", Text: v.words.t("withheld")}
			p.Withheld++
		}
		label := v.words.label(last(path))
		if whole, ok := v.words.labels[path]; ok {
			label = whole
		}
		if f.is("masked") {
			label += " (" + v.words.t("event_masked") + ")"
		}
		p.Fields = append(p.Fields, pair{Label: label, Name: path, Value: c})
	}
}

// neighbours lead to what stands around the fact.
func (p *eventPage) neighbours(v *visit, e value) {
	subject := e.text("subject_id")
	if subject == "" {
		subject = e.text("subject")
	}
	if subject != "" {
		p.Around = append(p.Around, link{Href: Root + "/people/" + subject + "?tab=history", Text: v.words.t("event_person_history")})
		if v.allowed(eventsOp) {
			p.Around = append(p.Around, link{Href: Root + "/audit?" + url.Values{"subject_id": {subject}, "period": {"all"}}.Encode(), Text: v.words.t("event_person_events")})
		}
	}
	if subject != "" && v.allowed(accessesOp) {
		p.Around = append(p.Around, link{Href: Root + "/reads?" + url.Values{"subject_id": {subject}, "period": {"30d"}}.Encode(), Text: v.words.t("reads_of_person")})
	}
	if day, err := time.Parse(time.RFC3339Nano, e.text("time")); err == nil && v.allowed(eventsOp) {
		at := day.In(zone()).Format(time.DateOnly)
		p.Around = append(p.Around, link{Href: Root + "/audit?" + url.Values{"from": {at}, "to": {at}, "type": {e.text("type")}}.Encode(), Text: v.words.t("event_same_day")})
	}
}

// prove says how the fact is proved, and offers what proves it as files.
func (p *eventPage) prove(ctx context.Context, v *visit, id string) {
	if !v.allowed(proofOp) {
		p.Unproven = v.words.t("event_proof_forbidden")
		return
	}
	text, err := v.plain(ctx, v.c.spec[proofOp].filled([]string{id}, nil))
	if err != nil {
		p.Unproven = v.why(err)
		return
	}
	p.Proof = v.proofLines(text)
	p.Files = append(p.Files, link{Href: Root + "/events/" + id + "/proof/file", Text: v.words.t("act_events_proof")})
	if p.Code == "consent.granted" && v.allowed(receiptOp) {
		p.Files = append(p.Files, link{Href: Root + "/events/" + id + "/receipt/file", Text: v.words.t("act_events_receipt")})
	}
}

// proofLines say what a C2SP tlog-proof proves: the place of the fact in the log, and the
// signed head over it, its size and root.
func (v *visit) proofLines(text string) []pair {
	var out []pair
	say := func(key, s string) {
		out = append(out, pair{Label: v.words.t("proof_" + key), Name: key, Help: v.words.texts["proof_"+key+"_help"], Value: cell{Kind: "text", Text: s}})
	}
	above, head, ok := strings.Cut(text, "\n\n")
	for l := range strings.SplitSeq(above, "\n") {
		if n, found := strings.CutPrefix(l, "index "); found {
			say("index", v.words.number(n))
		}
	}
	if lines := strings.Split(head, "\n"); ok && len(lines) >= 3 {
		say("size", v.words.number(lines[1]))
		say("root", lines[2])
		say("origin", lines[0])
	}
	return out
}
