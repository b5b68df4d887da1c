//go:build browser

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"greffe/api/auth"
	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/event"
)

// keyed goes to a page, fills the form's stops by keys, sends it by its button, and waits
// for the page that follows.
func (s *seat) keyed(at string, stops ...stop) {
	s.T.Helper()
	if at != "" {
		s.visit(at)
	}
	s.ordered(stops)
	for _, x := range stops {
		s.typed(x)
	}
	s.tabTo("form.task button[type=submit]:not([formaction])")
	s.now.pass(time.Second)
	s.entered()
	s.must(s.open.CaughtUp(s.T.Context()))
}

// pressed goes to a button by Tab and presses it by Enter.
func (s *seat) pressed(selector string) {
	s.T.Helper()
	s.followed(selector)
	s.must(s.open.CaughtUp(s.T.Context()))
}

// followed goes to a link by Tab and follows it by Enter.
func (s *seat) followed(selector string) {
	s.T.Helper()
	s.now.pass(time.Second)
	s.tabTo(selector)
	s.entered()
}

// leaves fails unless work left one fact of a type.
func (s *seat) leaves(of event.Type, work func()) {
	s.T.Helper()
	before := s.left(of)
	work()
	s.must(s.open.CaughtUp(s.T.Context()))
	if n := s.left(of) - before; n != 1 {
		s.T.Errorf("%d facts %s", n, of)
		s.holds("what was done")
	}
}

// taken follows a link to a file by keys; the browser asks for it and gets it.
func (s *seat) taken(selector string) {
	s.T.Helper()
	s.tabTo(selector)
	where := scripted[string](s, `document.activeElement.pathname`)
	s.key(kb.Enter)
	ctx, cancel := s.soon()
	defer cancel()
	for ctx.Err() == nil && s.out.of(where) < 200 {
		s.do("wait", chromedp.WaitReady("body"))
	}
	if got := s.out.of(where); got < 200 {
		s.T.Errorf("%s: the browser got %d bytes", where, got)
	}
}

// TestConsoleKeysMoreInABrowser: by the keyboard alone a person signs in with password and
// code, erases after looking at what it would do, has a guest invited and a bundle built,
// verified and taken, repairs what was set aside, has a second person agree, records a
// breach, takes the proof of a consent, imports a list of objections after a trial, and
// sees who read about a person in the last month; a slider keeps the focus when the page
// it leads to is there, and Escape closes what was opened.
func TestConsoleKeysMoreInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	one, other := camille(t, o.consoleSite)
	_, _, err := o.open.Ledger.PublishPolicy(t.Context(), domain.ID{1}, []byte(string(deploy.Policy())+"\napprovals: [{act: hold_release}]\n"))
	o.ok(err)
	dpo, second, admin := o.sit(t, "dpo", "fr"), o.sit(t, "dpo", "en"), o.sit(t, "admin", "en")
	dpo.reason("rights_request")
	second.reason("rights_request")
	step := func(s *seat, name string, do func(s *seat)) {
		t.Run(name, func(t *testing.T) {
			s.T = t
			do(s)
		})
	}
	step(o.sit(t, "", "fr"), "signs in", o.signsIn)
	step(dpo, "reads of last month", func(s *seat) {
		s.visit("/console/people/" + one)
		s.followed("nav.tabs a[href$='tab=accesses']")
		s.followed("main a[href$='since=month']")
		s.holds("Zqstaff")
	})
	step(dpo, "the slider keeps the focus, Escape closes what is open", func(s *seat) {
		s.visit("/console/people/" + one)
		s.tabTo("details.moment summary")
		s.key(kb.Enter)
		s.tabTo("#slide-true")
		s.key(kb.Home)
		s.do("the past", chromedp.WaitVisible(".past"))
		if at := scripted[string](s, focusSeen); !strings.HasSuffix(at, "#slide-true") || strings.HasPrefix(at, "unseen") {
			s.T.Errorf("after the slider the focus is %q", at)
		}
		s.key(kb.Escape)
		if at := scripted[string](s, `document.activeElement.tagName + document.querySelector("details.moment").open`); at != "SUMMARYfalse" {
			s.T.Errorf("after Escape: %s", at)
		}
	})
	step(dpo, "the proof of a consent", func(s *seat) {
		s.visit("/console/events/" + o.facts(event.ConsentGranted)[0].ID.String())
		s.taken("main a[href$='/receipt/file']")
	})
	step(dpo, "a breach", func(s *seat) {
		s.leaves(event.BreachOpened, func() { s.keyed("/console/breaches/new/open", stop{"form.task [name=role]", "controller"}) })
	})
	step(dpo, "an objection's list", func(s *seat) {
		file := filepath.Join(t.TempDir(), "list.csv")
		s.must(os.WriteFile(file, []byte("email\nzqkeys@example.org\n"), 0o600))
		s.visit("/console/opposition/new/import")
		s.tabTo("form.task input[type=file]")
		s.do("the file dialog's choice", chromedp.SetUploadFiles("form.task input[type=file]", []string{file}))
		s.keyed("", stop{"form.task [name=list]", "Liste 7"})
		s.counts(event.OppositionListed, 0)
		s.tabTo("form.confirm button[type=submit]")
		s.entered()
		s.counts(event.OppositionListed, 1)
	})
	step(dpo, "what was set aside is repaired", func(s *seat) {
		const bad = `{"specversion":"1.0","id":"q1","source":"crm/eu","type":"contact.exploded","subject":"Q-1","time":"` + past + `","data":{"kind":"client"}}`
		record(t, o.open, bad)
		s.leaves(event.ContactCreated, func() {
			s.visit("/console/quarantine")
			s.followed("main td a[href^='/console/quarantine/']")
			s.tabTo("#raw")
			s.do("all of it", chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
			s.key(strings.Replace(bad, "exploded", "created", 1))
			s.tabTo("button[value=repair]")
			s.entered()
		})
	})
	step(dpo, "a second person agrees", func(s *seat) { s.agreed(second, one) })
	inspection := ""
	step(dpo, "an inspection", func(s *seat) {
		s.leaves(event.InspectionOpened, func() {
			s.keyed("/console/inspections/new/open", stop{"form.task [name=modes][value=on_site]", ""}, stop{"form.task [name=from]", "01012020" + kb.Tab + "0900AM"}, stop{"form.task [name=requester]", "CNIL"}, stop{"form.task [name=reference]", "2026-8"})
		})
		inspection = strings.TrimPrefix(scripted[string](s, "location.pathname"), "/console/inspections/")
	})
	step(admin, "a guest", func(s *seat) {
		s.leaves(event.AccountCreated, func() {
			s.keyed("/console/guests/"+inspection, stop{"form.task [name=label]", "Zqguest"}, stop{"form.task [name=login]", "zqguest"})
		})
		s.holds("/invitation#")
	})
	step(dpo, "a bundle", func(s *seat) {
		s.leaves(event.ExportProduced, func() {
			s.keyed("/console/bundles/" + inspection)
			s.do("the verdict", chromedp.WaitVisible(".verdict.good"))
		})
		s.taken("main a[download]")
	})
	step(dpo, "an erasure", func(s *seat) {
		s.leaves(event.ErasureOrdered, func() {
			s.visit("/console/people/" + other + "/erase")
			s.holds("Ce que l’effacement ferait maintenant")
			s.keyed("", stop{"form.task [name=ground]", "art17.1.b"}, stop{"form.task [name=understood]", " "})
		})
	})
}

// agreed places a hold and asks for its release; another person says yes; and it is released.
func (s *seat) agreed(second *seat, person string) {
	s.T.Helper()
	second.T = s.T
	s.keyed("/console/people/"+person+"/hold", stop{"form.task [name=code]", "litigation"})
	s.followed("main a[href^='/console/hold/'][href$='/release']")
	s.keyed("") // is told that it takes another
	s.leaves(event.ApprovalRequested, func() { s.keyed("") })
	asked := scripted[string](s, "location.pathname")
	id := strings.TrimPrefix(asked, "/console/asked/")
	second.leaves(event.ApprovalDecided, func() {
		second.visit("/console/approvals")
		second.followed("main a[href='/console/approvals/" + id + "']")
		second.pressed("main button[value=grant]")
	})
	s.leaves(event.HoldReleased, func() {
		s.visit(asked)
		s.pressed("main .next form button[type=submit]")
	})
}

// signsIn takes an invitation, sets up an app of codes, signs out and comes back by
// password and code.
func (o *office) signsIn(s *seat) {
	s.T.Helper()
	made, err := o.open.People.Create(s.T.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "Zqkeys", Login: "zqkeys", Roles: []string{"dpo"}, Invite: true})
	s.must(err)
	const password = "Quatre-Chevaux-Blancs-9"
	p := &page{T: s.T, ctx: s.ctx, base: o.front.URL}
	enter := func(selector, text, seen string) {
		s.T.Helper()
		s.tabTo(selector)
		s.key(text)
		s.key(kb.Enter)
		s.do(seen, chromedp.WaitVisible(seen))
	}
	s.do("the invitation", chromedp.Navigate(o.front.URL+"/invitation#"+made.Secret), chromedp.WaitVisible("#accept-form"))
	enter("#password", password, "#totp-begin")
	enter("#totp-begin", "", "#totp-secret")
	seed := strings.ReplaceAll(p.text("#totp-secret"), " ", "")
	s.tabTo("#totp")
	s.key(p.code(seed, o.now.read()))
	s.key(kb.Enter)
	s.do("it is there", chromedp.WaitNotVisible("#totp-form"))
	_, err = chromedp.Run(s.ctx, chromedp.Poll[bool](`document.querySelector("#status").textContent !== ""`)) // and its lists are read again
	s.must(err)
	enter("#sign-out", "", "body:not(:has(#account)) #password-form")
	o.now.pass(time.Minute) // a code serves once
	s.tabTo("#name")
	s.key("zqkeys")
	enter("#password", password, "#totp")
	if at := scripted[string](s, focusSeen); !strings.HasSuffix(at, "#totp") {
		s.T.Errorf("after the password the focus is %q", at)
	}
	enter("#totp", p.code(seed, o.now.read()), "#account")
	s.visit("/console")
	s.holds("Accueil")
	s.visit("/console/again?to=/console/glossary")
	s.holds("Cette page ne se montre qu’après une identification récente")
	s.look("/console/again")
	o.now.pass(time.Minute)
	s.tabTo("#again-password")
	s.key(password)
	s.tabTo("#again-code")
	s.key(p.code(seed, o.now.read()))
	s.key(kb.Enter)
	s.do("the page that was asked for", chromedp.WaitVisible("main .glossary"))
}
