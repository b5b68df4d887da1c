package console

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// receiptsFor is how long a visitor can come back to what was recorded.
const receiptsFor = 30 * time.Minute

// recorded is what the API answered to a form whose result the visitor may not read.
type recorded struct {
	what   string // the act, as "requests_new"
	of     string // of whom, if the form said it: an id of the ledger
	back   string
	answer value
}

func newReceipts(now func() time.Time) *recent[string, recorded] {
	return newRecent[string](now, bounds[recorded]{lasts: receiptsFor, most: maxForms})
}

// recordedPage confirms what was recorded to who may not read it.
type recordedPage struct {
	Number  string // that names it for whoever asks
	What    []pair
	Next    string // what happens next
	Onwards []link
}

// told is where a form leads: to the page of its result or, if the visitor may not read
// that, to one that confirms what was recorded.
func (v *visit) told(to, n, what, of, back string, answer value) string {
	if v.reads(to) {
		return to
	}
	if len(n) < 32 {
		return to
	}
	n = n[len(n)-32:]
	v.c.receipts.put(v.session.text("id")+n, recorded{what: what, of: of, back: back, answer: answer})
	return Root + "/recorded/" + n
}

// reads reports a page of a desk of which the visitor may read what it shows.
func (v *visit) reads(to string) bool {
	path, _, _ := strings.Cut(strings.TrimPrefix(to, Root+"/"), "?")
	slug, id, one := strings.Cut(path, "/")
	d, ok := find(slug)
	switch {
	case !ok:
		return true
	case slug == "people":
		for _, op := range partOps() {
			if v.allowed(op) {
				return true
			}
		}
		return false
	case one && id != "" && d.item != "":
		return v.allowed(d.item)
	case d.list != "":
		return v.allowed(d.list)
	}
	return true
}

// receipt shows what was recorded, as long as it is remembered.
func (c *Console) receipt(_ context.Context, v *visit) error {
	r, ok := c.receipts.find(v.session.text("id") + v.r.PathValue("number"))
	if !ok {
		return &refused{Status: http.StatusNotFound, Code: "receipt"}
	}
	p := &recordedPage{Number: r.answer.text("id")}
	for _, at := range []string{"operation", "event_id", "run.id"} {
		if p.Number == "" {
			p.Number = r.answer.text(at)
		}
	}
	p.What = append(p.What, pair{Label: v.words.t("recorded_act"), Value: cell{Kind: "text", Text: v.words.t("act_" + r.what)}})
	p.What = append(p.What, v.chosen(r.answer, "status", "state", "due", "in_effect", "words_left_out", "position")...)
	if o := r.answer.at("objection"); o.kind == '{' {
		p.What = append(p.What, v.against(o))
	}
	for i := range p.What {
		if c := &p.What[i].Value; !v.allowed(eventOp) {
			c.Href = ""
			for j := range c.Items {
				c.Items[j].Href = ""
			}
		}
	}
	p.Next = v.words.t("recorded_next")
	if s, ok := v.words.texts["recorded_next_"+r.what]; ok {
		p.Next = s
	}
	if isID(r.of) && v.reads(Root+"/people/"+r.of) {
		p.Onwards = append(p.Onwards, link{Href: Root + "/people/" + r.of, Text: v.words.t("recorded_person")})
	}
	if r.back != "" && v.reads(r.back) {
		p.Onwards = append(p.Onwards, link{Href: r.back, Text: v.words.t("recorded_back")})
	}
	p.Onwards = append(p.Onwards, link{Href: Root, Text: v.words.t("to_start")})
	v.show(http.StatusOK, "recorded", v.words.t("recorded_title"), p)
	return nil
}
