//go:build browser

package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"greffe/api/auth"
	"greffe/domain/event"
)

// openPublicOffice is an office whose service has the public form of rights requests.
func openPublicOffice(t *testing.T) *office {
	t.Helper()
	return openOfficeOf(t, openConsoleOf(t, openMatrixOf(t, func(cfg *Config) { cfg.RightsForm = true })))
}

// optOutLink is a link of the person's for a purpose, as a mail holds it: its path.
func (o *office) optOutLink(purpose string) string {
	o.Helper()
	made := o.token("dpo", auth.Request{})
	body := `{"links":[{"subject_id":"` + o.real["/v1/subjects/"] + `","purpose":"` + purpose + `"}]}`
	req, err := http.NewRequestWithContext(o.Context(), http.MethodPost, o.front.URL+"/v1/links", strings.NewReader(body))
	o.ok(err)
	req.Header.Set("Authorization", "Bearer "+made.Text)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	o.ok(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	o.ok(err)
	var out struct {
		Items []struct{ URL string }
	}
	o.ok(json.Unmarshal(b, &out))
	if len(out.Items) != 1 || !strings.Contains(out.Items[0].URL, "/u/") {
		o.Fatalf("no link: %s", b)
	}
	return out.Items[0].URL[strings.Index(out.Items[0].URL, "/u/"):]
}

// since is how many facts of a type came after a count.
func (s *seat) since(of event.Type, before int) int {
	s.T.Helper()
	s.must(s.open.CaughtUp(s.T.Context()))
	return len(s.facts(of)) - before
}

// set fills in fields of any form of the page, by their ids.
func (s *seat) set(fields map[string]string) {
	s.T.Helper()
	for id, v := range fields {
		s.do(id, chromedp.SetValue("#"+id, v))
	}
}

// TestConsoleHelpInABrowser: somebody new finds out what to do and what words mean, in
// French and in English.
func TestConsoleHelpInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	dpo, agent := o.sit(t, "dpo", "fr"), o.sit(t, "agent", "en")
	step := func(name string, s *seat, do func(s *seat)) {
		t.Run(name, func(t *testing.T) {
			s.T = t
			do(s)
		})
	}
	step("a new officer sees the first steps, does one, puts them away and has them back", dpo, func(s *seat) {
		s.as(1440, 900, "light") // beside a menu that is not folded
		s.reason("rights_request")
		s.visit("/console")
		s.holds("Publiez les notices que vos formulaires montrent")
		s.press(".guide a[href='/console/guide']")
		todo := scripted[int](s, `document.querySelectorAll(".first-steps .badge.warn").length`)
		s.look("the first steps")
		before := len(o.facts(event.ReviewPlanned))
		s.press(".first-steps a[href='/console/reviews/new/plan']")
		s.fill(map[string]string{"kind": "access_rights_review", "planned_for": "2026-12-01T10:00", "scope": "Tous les comptes"})
		s.press("form.task button[type=submit]:not([formaction])")
		if n := s.since(event.ReviewPlanned, before); n != 1 {
			s.holds("what was done")
			s.T.Fatalf("%d reviews are planned", n)
		}
		s.visit("/console/guide")
		if n := scripted[int](s, `document.querySelectorAll(".first-steps .badge.warn").length`); n != todo-1 {
			s.T.Errorf("%d steps are to do, %d before", n, todo)
		}
		s.press("main button[name=away][value=true]")
		if scripted[bool](s, `location.pathname !== "/console" || location.search !== "" || !!document.querySelector("#guide")`) {
			s.T.Error("the first steps are still on the start page")
		}
		s.press("nav.menu a[href='/console/guide']")
		s.press("main button[name=away][value=false]")
		if !scripted[bool](s, `!!document.querySelector("#guide")`) {
			s.T.Error("the first steps do not come back")
		}
	})
	step("the words of a page by the keyboard", dpo, func(s *seat) {
		s.visit("/console/holds")
		s.key(kb.Tab)
		s.key(kb.Enter) // past the menu
		s.tabTo("details.terms summary")
		s.key(kb.Enter)
		s.holds("RGPD, art. 17(3)(e)")
		s.look("the words of a page")
		s.as(390, 844, "dark")
		s.visit("/console/holds")
		s.do("open", chromedp.Click("details.terms summary"))
		s.look("the words of a page on a telephone, dark")
		if wide := scripted[int](s, "document.documentElement.scrollWidth"); wide > 390 {
			s.T.Errorf("the page is %d wide on a telephone", wide)
		}
		s.as(1440, 900, "light")
	})
	step("the glossary narrows as one types, and its address tells nothing", agent, func(s *seat) {
		s.visit("/console/glossary")
		s.look("the glossary")
		s.do("type", chromedp.SendKeys("input[type=search]", "SUPPRESSION list"))
		if got := scripted[string](s, `[...document.querySelectorAll(".glossary > div")].filter(d => d.checkVisibility()).map(d => d.id).join()`); got != "opposition_list" {
			s.T.Errorf("it shows %s", got)
		}
		s.do("send", chromedp.SetValue("input[type=search]", "article 33"))
		s.press("form.find-term button")
		if got := scripted[string](s, `document.querySelector("#breach dd").innerText + location.search`); !strings.Contains(got, "72 hours") || strings.Contains(got, "?") {
			s.T.Errorf("article 33: %s", got)
		}
	})
	step("an empty desk leads to the act that fills it", dpo, func(s *seat) {
		s.visit("/console/dpia?state=open")
		if !scripted[bool](s, `!!document.querySelector(".empty-state a[href='/console/dpia']")`) {
			s.holds("the whole list is a press away")
			s.T.Error("no way out of the criteria")
		}
		s.press(".empty-state a")
		s.holds("Dites, activité par activité")
		s.look("an empty desk")
		s.press(".empty-state ul.acts a")
		if got := scripted[string](s, "location.pathname"); got != "/console/dpia/new/decide" {
			s.T.Errorf("it leads to %s", got)
		}
	})
	step("who may not is told what to do", agent, func(s *seat) {
		before := s.head()
		s.visit("/console/tokens")
		s.holds("What to do?")
		s.holds("an administrator can change your roles")
		s.look("a refusal")
		s.visit("/console/nowhere")
		s.holds("Begin at the start")
		if s.head() < before {
			s.T.Error("the log is shorter")
		}
	})
	step("a page on paper", dpo, func(s *seat) { s.printed("/console/people/" + o.real["/v1/subjects/"]) })
}

// printed looks at a page as paper takes it: without menus and buttons, with its date.
func (s *seat) printed(path string) {
	s.T.Helper()
	s.visit(path)
	_, err := chromedp.Call(s.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	s.must(err)
	if got := scripted[string](s, `[".menu", ".bar", ".why", "ul.acts", "details.terms", "footer", ".tabs"].filter(q => [...document.querySelectorAll(q)].some(e => e.checkVisibility())).join()`); got != "" {
		s.T.Errorf("paper takes %s", got)
	}
	if got := scripted[string](s, `document.querySelector(".printed").innerText`); !strings.Contains(got, "Imprimé le") || !strings.Contains(got, path) {
		s.T.Errorf("the paper says %q", got)
	}
	_, err = chromedp.Call(s.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	s.must(err)
	pdf, err := chromedp.Call(s.ctx, cdppage.PrintToPDF, cdppage.PrintToPDFParams{})
	s.must(err)
	if !bytes.HasPrefix(pdf.Data, []byte("%PDF")) || len(pdf.Data) < 5000 {
		s.T.Errorf("%d bytes are printed", len(pdf.Data))
	}
}

// TestPublicPagesInABrowser: what anybody does without an account: asks for a right,
// objects, and is told in plain words what came of it; nothing is recorded by looking or
// by a form that is not complete.
func TestPublicPagesInABrowser(t *testing.T) {
	t.Parallel()
	o := openPublicOffice(t)
	fr, en := o.sit(t, "", "fr"), o.sit(t, "", "en")
	step := func(name string, s *seat, do func(s *seat)) {
		t.Run(name, func(t *testing.T) {
			s.T = t
			do(s)
		})
	}
	step("a form that is not complete says where, and records nothing", en, func(s *seat) {
		before := s.head()
		s.visit("/rights?lang=en")
		s.look("the form")
		s.press("form button[type=submit]")
		s.holds("Your request has not been sent yet")
		s.look("the form with what is wrong")
		s.do("go to the first", chromedp.Click("#problems a"))
		if s.head() != before {
			s.T.Error("something was recorded")
		}
	})
	step("an objection by the form is in effect at once", fr, func(s *seat) {
		asked, objected := len(o.facts(event.RequestReceived)), len(o.facts(event.OppositionRegistered))
		s.as(390, 844, "dark")
		s.visit("/rights?lang=fr")
		s.holds("Nous répondons sous un mois")
		s.do("choose", chromedp.Click("input[name=right][value=objection]"))
		s.set(map[string]string{"name": "Zqkanary", "email": "zqkanary@example.org"})
		s.press("form button[type=submit]")
		s.holds("Réponse au plus tard le")
		s.holds("CNIL")
		s.holds("Votre opposition vaut dès maintenant")
		s.look("what was recorded")
		if a, b := s.since(event.RequestReceived, asked), s.since(event.OppositionRegistered, objected); a != 1 || b != 1 {
			s.T.Errorf("%d requests, %d objections", a, b)
		}
		if wide := scripted[int](s, "document.documentElement.scrollWidth"); wide > 390 {
			s.T.Errorf("the page is %d wide on a telephone", wide)
		}
	})
	step("preferences: nothing chosen, then one means, by the keyboard", fr, func(s *seat) {
		objected := len(o.facts(event.OppositionRegistered))
		at := o.optOutLink("prospecting")
		s.visit(at + "?lang=fr")
		s.holds("Prospection commerciale")
		s.look("the preferences")
		s.press("button[name=save]")
		s.holds("Cochez au moins un moyen de contact")
		s.look("the preferences with what is wrong")
		if n := s.since(event.OppositionRegistered, objected); n != 0 {
			s.T.Errorf("looking and choosing nothing recorded %d objections", n)
		}
		s.tabTo("input[value=email]")
		s.key(" ")
		s.tabTo("button[name=save]")
		s.entered()
		s.holds("heure de Paris")
		s.holds("réclamation à la CNIL")
		s.look("what was recorded")
		if n := s.since(event.OppositionRegistered, objected); n != 1 {
			s.T.Errorf("%d objections", n)
		}
	})
	step("everything at once, in English", en, func(s *seat) {
		objected := len(o.facts(event.OppositionRegistered))
		s.visit(o.optOutLink("prospecting") + "?lang=en")
		s.press("button[name=all]")
		s.holds("every means of contact")
		if n := s.since(event.OppositionRegistered, objected); n != 1 {
			s.T.Errorf("%d objections", n)
		}
	})
	step("a link that opens nothing says what to do", fr, func(s *seat) {
		s.visit("/u/AAAA?lang=fr")
		s.holds("Ce lien n’ouvre rien")
		s.holds("répondez-y pour vous opposer")
		s.look("a link that opens nothing")
	})
}
