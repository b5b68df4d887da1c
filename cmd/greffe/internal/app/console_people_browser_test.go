//go:build browser

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"greffe/domain/event"
)

// counts fails unless the ledger holds so many facts of a type.
func (s *seat) counts(of event.Type, want int) {
	s.T.Helper()
	s.must(s.open.CaughtUp(s.T.Context()))
	if n := len(s.facts(of)); n != want {
		s.T.Errorf("%d facts %s, not %d", n, of, want)
	}
}

// chosen fills the form that goes somewhere, and sends it.
func (s *seat) chosen(form string, files string, fields map[string]string) {
	s.T.Helper()
	if files != "" {
		s.do("a file", chromedp.SetUploadFiles(form+" input[type=file]", []string{files}))
	}
	for name, v := range fields {
		s.do(name, chromedp.SetValue(form+" [name="+name+"]", v))
	}
	s.press(form + " button[type=submit]")
}

// TestConsolePeopleInABrowser: what officers, agents, support and marketing do about people,
// in French and English, by a real browser, with the facts that it leaves.
func TestConsolePeopleInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	one, other := camille(t, o.consoleSite)
	dpo, dpoEN := o.sit(t, "dpo", "fr"), o.sit(t, "dpo", "en")
	dpo.reason("rights_request")
	dpoEN.reason("rights_request")
	file := filepath.Join(t.TempDir(), "campaign.csv")
	if err := os.WriteFile(file, []byte("email\nzqcamille@example.org\nzqnobody@example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, who := range []struct{ role, language, menu, no string }{{"agent", "fr", "Puis-je contacter ?", "Non, ce contact n’est pas permis"}, {"support", "en", "May I contact?", "No, this contact is not allowed"}} {
		t.Run("a new "+who.role+" finds in three steps why a number may not be called", func(t *testing.T) {
			s := o.sit(t, who.role, who.language)
			s.as(1440, 900, "light") // the menu is unfolded
			s.reason("customer_call")
			s.visit("/console")
			s.press("nav.menu a[href='/console/contactability']")                                                               // one
			s.chosen("form.ask", "", map[string]string{"whom": "06 39 98 01 23", "channel": "phone", "purpose": "prospecting"}) // two: fill in, three: press
			s.holds(who.no)
			s.holds("opposition.")
			s.look("the answer")
		})
	}
	t.Run("the slider goes to the past and the way leads back", func(t *testing.T) {
		s := dpo
		s.T = t
		s.visit("/console/people/" + one)
		s.do("open", chromedp.Click("details.moment summary"))
		s.do("move the slider", chromedp.Focus("#slide-true"), chromedp.KeyEvent(kb.Home), chromedp.WaitVisible(".past"))
		s.holds("Vue du passé")
		s.look("a view of the past")
		s.press(".past a")
		if got := scripted[string](s, "location.search"); got != "" {
			t.Errorf("back leads to %s", got)
		}
	})
	t.Run("consents show the text, timeline and looks", func(t *testing.T) {
		s := dpoEN
		s.T = t
		s.visit("/console/people/" + one + "?tab=consents")
		s.do("open the text", chromedp.Click(".notice summary"))
		s.holds("Zqtexte montré alors.")
		s.look("consents")
		s.lookAt("/console/people/"+one+"?tab=history&group=consent", "/console/people/"+one+"?tab=accesses&since=month")
	})
	t.Run("a file is screened", func(t *testing.T) {
		s := o.sit(t, "marketing", "fr")
		s.visit("/console/contactability")
		s.chosen("form.file", file, map[string]string{"channel": "email", "purpose": "prospecting"})
		s.holds("person.unknown")
		s.holds("Télécharger le fichier filtré")
		s.look("a screened file")
		s.counts(event.ScreeningPerformed, 1)
	})
	t.Run("an objection by hand", func(t *testing.T) {
		s := dpo
		s.T = t
		s.visit("/console/opposition/new/object?subject_id=" + other)
		s.look("an objection")
		s.press("form.task button[type=submit]:not([formaction])")
		s.holds("Opposition inscrite")
		s.counts(event.OppositionRegistered, 2)
	})
	t.Run("a list is tried, then imported", func(t *testing.T) {
		s := dpoEN
		s.T = t
		s.visit("/console/opposition/new/import")
		s.chosen("form.task", file, map[string]string{"list": "Router 2026"})
		s.holds("Nothing was recorded.")
		s.look("a trial")
		s.counts(event.OppositionListed, 0)
		s.press("form.confirm button[type=submit]")
		s.counts(event.OppositionListed, 1)
		s.look("the list")
	})
	t.Run("two files are merged", func(t *testing.T) {
		s := dpo
		s.T = t
		s.visit("/console/duplicates")
		s.look("duplicates")
		s.press("ul.groups a[href^='/console/merge/']")
		s.holds("différent")
		s.look("side by side")
		s.press("form.task button[type=submit]:not([formaction])")
		s.holds("Les deux fiches sont désormais")
		s.counts(event.ContactMerged, 1)
	})
	t.Run("what was set aside is tried and repaired", func(t *testing.T) {
		const bad = `{"specversion":"1.0","id":"q1","source":"crm/eu","type":"contact.exploded","subject":"Q-1","time":"` + past + `","data":{"kind":"client"}}`
		record(t, o.open, bad)
		before := len(o.facts(event.ContactCreated))
		s := dpoEN
		s.T = t
		s.visit("/console/quarantine")
		s.look("quarantine")
		s.press("main td a[href^='/console/quarantine/']")
		s.do("mend", chromedp.SetValue("#raw", strings.Replace(bad, "exploded", "created", 1)))
		s.press("button[value=try]")
		s.holds("would be taken in")
		s.look("a trial")
		s.counts(event.ContactCreated, before)
		s.press("button[value=repair]")
		s.counts(event.ContactCreated, before+1)
	})
	t.Run("texts, sources and contacts have pages without barriers", func(t *testing.T) {
		s := dpo
		s.T = t
		s.as(390, 844, "dark")
		s.lookAt("/console/notices", "/console/unproven", "/console/mappings", "/console/contacts", "/console/opposition", "/console/contactability", "/console/people/"+one)
		s.visit("/console/producers")
		s.lookAt(s.links("main a[href^='/console/producers/']")[0])
	})
}
