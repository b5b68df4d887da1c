//go:build browser

package app

import (
	"strings"
	"testing"

	"greffe/domain/event"
)

// said sets fields of the one form that goes to an address, and sends it by its button.
func (s *seat) said(action string, fields map[string]string) {
	s.T.Helper()
	form := `main form[action="` + action + `"]`
	if !scripted[bool](s, `!!document.querySelector('`+form+`')`) {
		s.T.Fatalf("no form goes to %s", action)
	}
	s.fill(fields)
	s.press(form + " button[type=submit]:not([formaction])")
	s.must(s.open.CaughtUp(s.T.Context()))
}

// left is how many facts of a type there are.
func (s *seat) left(of event.Type) int { return len(s.facts(of)) }

// asked takes in a request by its form, and gives its page's path.
func (s *seat) asked(right, subject string) string {
	s.T.Helper()
	s.visit("/console/requests/new/new")
	s.said("/console/requests/new/new", map[string]string{"right": right, "channel": "postal", "subject_id": subject, "message": "<i>Zqplease</i>"})
	return scripted[string](s, "location.pathname")
}

// TestConsoleRightsInABrowser: people of real roles work on rights, erasure and retention
// in a real browser, in French and in English, with the facts that each leaves.
func TestConsoleRightsInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	subject := o.real["/v1/subjects/"]
	other := record(t, o.open, hostile)[0].Subject.String()
	sit := func(t *testing.T, role, language, reason string) *seat {
		s := o.sit(t, role, language)
		s.reason(reason)
		return s
	}
	t.Run("a request is worked to its end by what comes first", func(t *testing.T) {
		s := sit(t, "dpo", "fr", "rights_request")
		at := s.asked("access", subject)
		s.holds("À faire : vérifier qui demande")
		s.holds("jours restants")
		s.holds("<i>Zqplease</i>")
		s.look(at)
		for _, w := range []struct {
			says   string
			fields map[string]string
			fact   event.Type
		}{
			{"À faire : décider de la réponse", map[string]string{"means": "callback"}, event.RequestVerified},
			{"À faire : envoyer le courrier", map[string]string{"outcome": "granted"}, event.RequestAnswered},
			{"À faire : clore le dossier", map[string]string{"by": "hand"}, event.RequestDispatched},
		} {
			before := s.left(w.fact)
			s.press("section.next a[role=button]")
			s.fill(w.fields)
			s.press("form.task button[type=submit]:not([formaction])")
			s.must(o.open.CaughtUp(t.Context()))
			s.holds(w.says)
			if n := s.left(w.fact) - before; n != 1 {
				t.Errorf("%d facts %s", n, w.fact)
			}
		}
		before := s.left(event.RequestClosed)
		s.press("section.next button")
		s.must(o.open.CaughtUp(t.Context()))
		s.holds("Dossier clos.")
		if s.left(event.RequestClosed) != before+1 {
			t.Error("the file is not closed")
		}
		s.look(at)
	})
	t.Run("one press takes a request over and has every system searched", func(t *testing.T) {
		s := sit(t, "dpo", "en", "rights_request")
		at := s.asked("portability", subject)
		s.said(at+"/assign", nil)
		if f := s.facts(event.RequestAssigned); f[len(f)-1].Codes.ID("assignee") != s.who {
			t.Error("it is somebody else's")
		}
		s.said(at+"/tasks", nil)
		s.holds("To do: end the searches")
		before := s.left(event.RequestSearched)
		s.press("section.next a[role=button]")
		s.fill(map[string]string{"finding": "nothing_held"})
		s.press("form.task button[type=submit]:not([formaction])")
		s.must(o.open.CaughtUp(t.Context()))
		if s.left(event.RequestSearched) != before+1 || !strings.HasSuffix(scripted[string](s, "location.pathname"), at) {
			t.Error("the search did not end, or led elsewhere")
		}
		s.visit("/console/requests?standing=open&assignee=" + s.who.String())
		if n := scripted[int](s, `document.querySelectorAll("table.requests tbody tr").length`); n != 1 {
			t.Errorf("mine are %d", n)
		}
		s.look("my requests")
	})
	for _, lang := range []string{"fr", "en"} {
		t.Run("two work on one file, in "+lang, func(t *testing.T) {
			slow, quick := sit(t, "dpo", lang, "rights_request"), sit(t, "dpo", "en", "rights_request")
			at := slow.asked("rectification", subject)
			slow.visit(at + "/verify?revision=0")
			slow.fill(map[string]string{"means": "in_person"})
			quick.visit(at + "/notes")
			quick.said(at+"/notes", map[string]string{"words": "Zqmeanwhile"})
			before := slow.left(event.RequestVerified)
			slow.press("form.task button[type=submit]:not([formaction])")
			slow.holds("Zqmeanwhile")
			slow.holds(map[string]string{"fr": "Quelqu’un d’autre a travaillé", "en": "Somebody else worked"}[lang])
			slow.look("what happened meanwhile")
			if got := scripted[string](slow, `document.querySelector("[name=means]").value`); got != "in_person" || slow.left(event.RequestVerified) != before {
				t.Errorf("typed %q, and %d facts", got, slow.left(event.RequestVerified)-before)
			}
			slow.press("form.task button[type=submit]:not([formaction])")
			if slow.must(o.open.CaughtUp(t.Context())); slow.left(event.RequestVerified) != before+1 {
				t.Error("sent again, nothing was recorded")
			}
		})
	}
	t.Run("what an erasure would do is seen, then done", func(t *testing.T) {
		s := sit(t, "dpo", "fr", "rights_request")
		at := "/console/people/" + other + "/erase"
		s.visit(at)
		s.holds("Ce que l’effacement ferait maintenant")
		s.holds("La personne serait effacée")
		s.look(at)
		s.visit(at + "?classes=notes")
		s.holds("Effacement partiel")
		s.visit(at)
		s.fill(map[string]string{"ground": "art17.1.b", "understood": "yes"})
		s.press("form.task button[type=submit]:not([formaction])")
		s.must(o.open.CaughtUp(t.Context()))
		if f := s.facts(event.ErasureOrdered); len(f) != 1 || f[0].Subject.String() != other || !f[0].Codes.Bool("whole") {
			t.Errorf("%d orders", len(f))
		}
		s.holds("Certificat à remettre")
		s.look("the certificate")
	})
	t.Run("retention is foreseen and run", func(t *testing.T) {
		s := sit(t, "dpo", "en", "rights_request")
		s.visit("/console/retention")
		s.holds("Terms of the months ahead")
		s.look("/console/retention")
		before := s.left(event.RetentionRun)
		s.said("/console/retention/new/run", nil)
		s.holds("Run of")
		if s.left(event.RetentionRun) == before {
			t.Error("nothing ran")
		}
		s.look("a run")
		s.lookAt("/console/due?by=2036-01-01")
	})
	t.Run("narrow, dark, and for the auditor", func(t *testing.T) {
		s := sit(t, "auditor", "fr", "audit")
		for _, how := range []struct {
			wide, high int64
			scheme     string
		}{{390, 844, "dark"}, {390, 844, "light"}, {1440, 900, "dark"}} {
			s.as(how.wide, how.high, how.scheme)
			s.lookAt("/console/requests", "/console/retention")
			if wide := scripted[bool](s, "document.documentElement.scrollWidth > innerWidth + 1"); wide {
				t.Errorf("%d wide: the page is wider", how.wide)
			}
		}
		if scripted[bool](s, `!!document.querySelector('main form[method=post]:not(.inline)')`) {
			t.Error("the auditor is offered an act")
		}
	})
}
