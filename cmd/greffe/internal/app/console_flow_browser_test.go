//go:build browser

package app

import (
	"slices"
	"strings"
	"testing"

	"greffe/domain/event"
)

// TestConsoleFlowInABrowser: what is recorded by who may not read it is confirmed; an
// objection is said as precisely as the person did; an erasure is confirmed, does what was
// foreseen, and is known to the request that asked for it. In French and in English.
func TestConsoleFlowInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	person := o.real["/v1/subjects/"]
	other := record(t, o.open, hostile)[0].Subject.String()
	t.Run("an agent takes in a request", func(t *testing.T) {
		s := o.sit(t, "agent", "fr")
		s.reason("rights_request")
		s.visit("/console/requests/new/new?right=access&subject_id=" + person)
		s.look("the form of a request")
		s.fill(map[string]string{"channel": "phone"})
		s.press("form.task button[type=submit]:not([formaction])")
		s.must(o.open.CaughtUp(t.Context()))
		s.holds("C’est enregistré. Ne le saisissez pas une seconde fois.")
		s.holds(o.facts(event.RequestReceived)[0].ID.String())
		s.look("the receipt")
	})
	t.Run("an agent takes in an objection to calls", func(t *testing.T) {
		s := o.sit(t, "agent", "en")
		s.reason("customer_call")
		s.visit("/console/people/" + person)
		s.press("main a[href='/console/objections/" + person + "']")
		s.look("the form of an objection")
		scripted[bool](s, `document.querySelector("[name=extent][value=some]").checked = document.querySelector("[name=channels][value=phone]").checked = true`)
		s.fill(map[string]string{"channel": "phone", "message": "Do not call me"})
		s.press("form.task button[type=submit]:not([formaction])")
		s.must(o.open.CaughtUp(t.Context()))
		s.holds("all prospecting, Phone")
		all := o.facts(event.RequestReceived)
		if f := all[len(all)-1]; !slices.Equal(f.Codes.Strings("channels"), []string{"phone"}) || f.Subject.String() != person {
			t.Errorf("recorded %v of %s", f.Codes, f.Subject)
		}
	})
	for language, says := range map[string][]string{"fr": {"J’ai lu ce qui sera détruit", "Ce qui a été détruit", "Effacement ordonné pour cette demande"},
		"en": {"I have read what will be destroyed", "What was destroyed", "Erasure ordered for this request"}} {
		t.Run("an erasure that was asked for, "+language, func(t *testing.T) {
			s, whom := o.sit(t, "dpo", language), map[string]string{"fr": person, "en": other}[language]
			s.reason("rights_request")
			s.visit("/console/requests/new/new?right=erasure&subject_id=" + whom)
			s.fill(map[string]string{"channel": "email"})
			s.press("form.task button[type=submit]:not([formaction])")
			s.must(o.open.CaughtUp(t.Context()))
			request := scripted[string](s, "location.pathname")
			if !strings.HasPrefix(request, "/console/requests/") {
				t.Fatalf("led to %s", request)
			}
			s.visit("/console/people/" + whom + "/erase")
			s.holds(says[0])
			s.look("the form of an erasure")
			before := len(o.facts(event.ErasureOrdered))
			s.fill(map[string]string{"ground": "art17.1.b"})
			scripted[bool](s, `document.querySelector("form.task").noValidate = true`)
			s.press("form.task button[type=submit]:not([formaction])")
			if s.must(o.open.CaughtUp(t.Context())); len(o.facts(event.ErasureOrdered)) != before {
				t.Fatal("ordered without a confirmation")
			}
			s.fill(map[string]string{"ground": "art17.1.b", "understood": "yes"})
			s.press("form.task button[type=submit]:not([formaction])")
			if s.must(o.open.CaughtUp(t.Context())); len(o.facts(event.ErasureOrdered)) != before+1 {
				t.Errorf("%d orders", len(o.facts(event.ErasureOrdered))-before)
			}
			s.holds(says[1])
			s.look("the result of an erasure")
			s.visit(request)
			s.holds(says[2])
			s.look("the request")
		})
	}
}
