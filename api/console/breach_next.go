package console

import (
	"net/url"
	"slices"
	"strings"
)

// breachNext is the step that a file needs first, "" of one that is closed. Once the
// authority knows, persons at high risk are told before the notification is completed
// (art. 34(1): without undue delay); what the complement says is stated in the form first.
func breachNext(b value) string {
	lacking := b.at("file.lacking").strings()
	notified := len(b.at("file.notifications").list) > 0
	switch {
	case b.text("status") == "closed":
		return ""
	case len(lacking) == 0:
		return "close"
	case notified && lacking[0] == "notification" && slices.Contains(lacking, "communication"):
		return "communications"
	case notified && lacking[0] == "notification" && len(b.at("file.missing").list) > 0:
		return "form"
	}
	return map[string]string{"assessment": "assessment", "notification": "notifications", "communication": "communications", "root_cause": "form", "actions": "actions"}[lacking[0]]
}

// breachTodo is the step that comes first, why, and where it is done.
func (v *visit) breachTodo(p *breachPage, b value, next string) *todo {
	w, q := v.words, url.Values{"revision": {b.text("revision")}}
	title, why := "breach_next_"+next, ""
	lacks := b.at("file.lacking").strings()
	complement := len(b.at("file.notifications").list) > 0 && slices.Contains(lacks, "notification")
	switch {
	case complement && (next == "form" || next == "notifications"):
		title, why = "breach_next_complement", v.complementWhy(b)
		if next == "notifications" {
			q.Set("kind", "complementary")
		}
	case next == "notifications" && p.Clock != nil && p.Clock.Kind == "stop":
		why = w.t("breach_next_late_why")
	case next == "communications":
		why = w.t("breach_next_communications_why") + " "
		if missing := v.trails(b.at("file.letter_missing")); len(missing) > 0 {
			why += w.say("breach_letter_lacks", "fields", strings.Join(missing, ", "))
		} else {
			why += w.t("breach_letter_here")
		}
	}
	if next == "actions" {
		for _, x := range b.at("file.pending").list {
			if x.text("what") == "action" && q.Get("action") == "" {
				q.Set("action", x.text("action"))
			}
		}
	}
	if why == "" {
		why = w.t(title + "_why")
	}
	return &todo{Title: w.t(title), Why: why, Text: w.t("act_breaches_" + next), Href: Root + "/breaches/" + p.ID + "/" + next + "?" + q.Encode()}
}

// mostTrails is how many missing fields are named in a sentence; the page lists them all.
const mostTrails = 6

// complementWhy says until when a notification is completed, and what it still lacks.
func (v *visit) complementWhy(b value) string {
	due := ""
	for _, x := range b.at("file.pending").list {
		if x.text("what") == "complement" {
			due = v.words.cell("due", x.at("due")).Text
		}
	}
	says := v.words.say("breach_next_complement_why", "time", due) + " "
	if missing := v.trails(b.at("file.missing")); len(missing) > 0 {
		if more := len(missing) - mostTrails; more > 0 {
			missing = append(missing[:mostTrails], v.words.say("breach_complement_more", "n", itoa(more)))
		}
		return says + v.words.say("breach_complement_lacks", "fields", strings.Join(missing, ", "))
	}
	return says + v.words.t("breach_complement_whole")
}

// trails names fields of a form by their labels.
func (v *visit) trails(fields value) []string {
	var out []string
	for _, m := range fields.strings() {
		out = append(out, v.words.trail(m))
	}
	return out
}

func (v *visit) breachActs(p *breachPage, b value) {
	next := breachNext(b)
	if next != "" && v.allowed(breachStep(next)) {
		p.Next = v.breachTodo(p, b, next)
	}
	if b.text("status") == "closed" {
		return
	}
	if len(p.Lacking) > 0 && v.allowed(breachStep("close")) {
		p.Unclosed = v.words.say("breach_unclosed", "what", strings.Join(p.Lacking, map[string]string{"fr": " ; ", "en": "; "}[v.lang]))
	}
	for _, g := range []struct {
		title string
		steps []string
	}{{"breach_acts_know", []string{"form", "scope", "notes"}}, {"breach_acts_decide", []string{"assessment"}}, {"breach_acts_tell", []string{"notifications", "communications"}}, {"breach_acts_mend", []string{"actions"}}} {
		a := actGroup{Title: v.words.t(g.title)}
		for _, step := range g.steps {
			if (step != next || step == "actions") && v.allowed(breachStep(step)) {
				text := "act_breaches_" + step
				if step == "actions" {
					text = "breach_action_new"
				}
				a.Links = append(a.Links, link{Href: Root + "/breaches/" + p.ID + "/" + step + "?revision=" + url.QueryEscape(b.text("revision")), Text: v.words.t(text)})
			}
		}
		if len(a.Links) > 0 {
			p.Acts = append(p.Acts, a)
		}
	}
}
