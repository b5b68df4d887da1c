package console

import (
	"slices"
	"strings"
)

// waiting says which answers a request can have once something was done, and where that
// is done.
type waiting struct{ Says, Text, Href string }

// waits are the answers that a request cannot have yet, together where the same comes
// first.
func (v *visit) waits(r value) []waiting {
	var out []waiting
	var order []string
	by := map[string][]string{}
	for _, w := range r.at("now.waits").list {
		lacks := w.text("lacks")
		if by[lacks] == nil {
			order = append(order, lacks)
		}
		by[lacks] = append(by[lacks], v.words.say("quoted", "words", v.words.code("outcome", w.text("outcome"))))
	}
	steps := r.at("now.steps").strings()
	for _, lacks := range order {
		w := waiting{Says: v.words.say("wait_"+lacks, "outcomes", strings.Join(by[lacks], ", "))}
		if step := map[string]string{"identity": "verify", "subject_id": "verify"}[lacks]; step != "" && slices.Contains(steps, step) && v.allowed(stepOp(step)) {
			w.Text, w.Href = v.words.t("act_requests_"+step), Root+"/requests/"+r.text("id")+"/"+step
		}
		out = append(out, w)
	}
	return out
}

// waitsText says the same in one text.
func (v *visit) waitsText(r value) string {
	var out []string
	for _, w := range v.waits(r) {
		out = append(out, w.Says)
	}
	return strings.Join(out, " ")
}
