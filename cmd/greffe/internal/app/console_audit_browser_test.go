//go:build browser

package app

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
)

// awaits waits until a script finds something true, within 20 s.
func (s *seat) awaits(what, script string) {
	s.T.Helper()
	ctx, cancel := s.soon()
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](script)); err != nil {
		body, _ := chromedp.Run(s.ctx, chromedp.Text("main"))
		s.T.Fatalf("%s: %v:\n%.1500s", what, err, body)
	}
}

// guestSeat is a tab of an inspector who is the guest of an inspection.
func (o *office) guestSeat(t *testing.T, inspection domain.ID, language string) *seat {
	t.Helper()
	s := o.sit(t, "", language)
	made, err := o.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Guest, Label: "Zqguest", Login: "zqguest" + language, Roles: []string{"inspector"},
		Inspection: inspection, Until: o.now.read().Add(72 * time.Hour)})
	s.must(err)
	s.who = made.Account
	_, err = chromedp.Call(s.ctx, network.SetCookie, network.SetCookieParams{Name: auth.CookieNameLocal, Value: o.enter(made.Account).Cookie, URL: o.front.URL})
	s.must(err)
	return s
}

// TestConsoleAuditInABrowser: what auditors, security and an inspector ask of the register
// in a real browser, in French and in English, and what the register knows of it.
func TestConsoleAuditInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	person := o.real["/v1/subjects/"]
	inspection := o.inspection()
	t.Run("an auditor narrows a search, in French", func(t *testing.T) {
		s := o.sit(t, "auditor", "fr")
		s.reason("audit")
		before := len(o.accessesBy(s.who))
		s.visit("/console/audit?period=all")
		s.do("choose a type", chromedp.SetValue("#f-type", "contact.created"), chromedp.SetValue("#f-subject_id", person))
		s.press("form[method=get].filterbar button[type=submit]")
		s.holds("Lignes 1 à 1 sur 1")
		s.holds("Fiche créée")
		s.look("the search")
		if n := len(o.accessesBy(s.who)) - before; n != 2 {
			t.Errorf("two pages are %d accesses", n)
		}
		s.press("table td a[href^='/console/events/']")
		s.holds("Ce qui s’est passé")
		s.holds("Preuve")
		s.look("one fact")
	})
	t.Run("who read about a person, in two presses, in English", func(t *testing.T) {
		s := o.sit(t, "dpo", "en")
		s.reason("rights_request")
		s.visit("/console/people/" + person)
		s.press("nav.tabs a[href$='tab=accesses']")
		s.must(o.open.CaughtUp(t.Context()))
		s.press("main a[href^='/console/reads?']")
		s.holds("Zqstaff")
		s.holds("Rows 1 to")
	})
	t.Run("security looks at the hours, in French", func(t *testing.T) {
		s := o.sit(t, "security", "fr")
		s.reason("audit")
		s.visit("/console/audit")
		s.visit("/console/heat?period=all")
		s.holds("Par jour de la semaine")
		if n := scripted[int](s, `document.querySelectorAll("table.heat td[class^=shade-]").length`); n < 24*8 {
			t.Errorf("%d fields", n)
		}
		s.look("the hours")
		s.press("table.heat td a")
		s.holds("Lignes 1 à")
		if at := scripted[string](s, "location.pathname+location.search"); !strings.HasPrefix(at, "/console/reads?") || !strings.Contains(at, "account=") {
			t.Errorf("a field leads to %s", at)
		}
		s.lookAt("/console/bulk?over=1", "/console/difference")
	})
	t.Run("an auditor follows live, pauses and goes on, in English", func(t *testing.T) {
		s := o.sit(t, "auditor", "en")
		s.reason("audit")
		s.visit("/console/tail")
		s.look("live")
		s.awaits("the stream", `performance.getEntriesByType("resource").some(e => e.name.includes("/console/live/tail"))||document.querySelector(".tail-still").hidden`)
		before := len(o.accessesBy(s.who))
		s.must(o.open.CaughtUp(t.Context()))
		made := ""
		for n := range 20 { // until the stream, which may still be opening, tells of one
			made = record(t, o.open, newContact("live-"+string(rune('a'+n))))[0].Subject.String()
			ctx, cancel := s.soon()
			_, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.querySelectorAll("table.tail tbody tr").length>0`, chromedp.WithPollingTimeout(3*time.Second)))
			cancel()
			if err == nil {
				break
			}
		}
		s.holds("Contact created")
		s.do("pause", chromedp.Click(".tail-pause"))
		shown := scripted[int](s, `document.querySelectorAll("table.tail tbody tr").length`)
		record(t, o.open, newContact("live-paused"))
		s.awaits("one waits", `document.querySelector(".tail-pause").textContent.includes("(")&&!document.querySelector(".tail-pause").textContent.includes("(0")`)
		if n := scripted[int](s, `document.querySelectorAll("table.tail tbody tr").length`); n != shown {
			t.Errorf("%d rows while it pauses, %d before", n, shown)
		}
		s.do("go on", chromedp.Click(".tail-pause"))
		s.awaits("the row that waited", `document.querySelectorAll("table.tail tbody tr").length>`+string(rune('0'+shown)))
		if n := len(o.accessesBy(s.who)) - before; n < 2 || made == "" {
			t.Errorf("two batches and more are %d accesses", n)
		}
	})
	t.Run("a DPO builds a bundle that is verified, in French", func(t *testing.T) {
		s := o.sit(t, "dpo", "fr")
		s.reason("inspection")
		s.visit("/console/inspections/" + inspection.String())
		s.holds("Établir et vérifier le dossier")
		s.look("an inspection")
		s.press("ol.steps a[href^='/console/bundles/']")
		s.look("before the bundle")
		s.press("form.task button[type=submit]:not([formaction])")
		s.do("the verdict", chromedp.WaitVisible(".verdict.good"))
		s.holds("Le dossier est intact")
		s.look("the bundle")
		if n := len(o.facts(event.ExportProduced)); n != 1 {
			t.Errorf("%d bundles are on record", n)
		}
		size, err := chromedp.Run(s.ctx, chromedp.Evaluate[int](`fetch(document.querySelector("a[download]").href).then(r=>r.blob()).then(b=>b.size)`, chromedp.EvalAwaitPromise))
		s.must(err)
		if size < 1000 {
			t.Errorf("the bundle has %d bytes", size)
		}
	})
	t.Run("administration invites an inspector, in English", func(t *testing.T) {
		s := o.sit(t, "admin", "en")
		before := len(o.facts(event.AccountCreated))
		s.visit("/console/guests/" + inspection.String())
		s.look("the invitation")
		s.fill(map[string]string{"label": "Zqinspector", "login": "zqinspector"})
		s.press("form.task button[type=submit]:not([formaction])")
		s.holds("/invitation#")
		s.look("the link")
		if n := len(o.facts(event.AccountCreated)) - before; n != 1 {
			t.Errorf("%d accounts were made", n)
		}
	})
	for _, language := range []string{"fr", "en"} {
		t.Run("an inspector, as a guest, in "+language, func(t *testing.T) {
			if language == "en" {
				inspection = o.inspection()
			}
			s := o.guestSeat(t, inspection, language)
			s.visit("/console")
			s.do("choose a reason", chromedp.WaitVisible("main form.inline select[name=reason]"))
			scripted[bool](s, `(document.querySelector("main > form.inline select").value = "inspection") !== ""`)
			s.press("main > form.inline button")
			s.holds(map[string]string{"fr": "Vous êtes invité à ce contrôle", "en": "You are a guest of this inspection"}[language])
			s.look("a guest's start")
			s.press(".guide a[href='/console/audit']")
			s.must(o.open.CaughtUp(t.Context()))
			if n := len(o.accessesBy(s.who)); n < 1 {
				t.Errorf("%d accesses of the guest", n)
			}
			if scripted[bool](s, `!!document.querySelector("nav.menu a[href='/console/inspections']")`) {
				t.Error("the menu leads to every inspection")
			}
		})
	}
	t.Run("a verification with its progress, in French", func(t *testing.T) {
		s := o.sit(t, "auditor", "fr")
		s.reason("audit")
		s.visit("/console/verification")
		s.press("ul.acts a")
		s.press("form.task button[type=submit]:not([formaction])")
		s.do("the verdict", chromedp.WaitVisible(".verdict.good"))
		s.holds("Le registre est intact")
		s.look("a verification")
	})
}
