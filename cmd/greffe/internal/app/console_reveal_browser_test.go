//go:build browser

package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestConsoleRevealInABrowser: support asks for a birth date in French and for an amount in
// English, by the link beside the mask and by the button, on a screen and a telephone;
// what was shown is recorded with its reason and groups, and gone when the page is opened
// anew; a form without a box says what to do.
func TestConsoleRevealInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	page := "/console/people/" + record(t, o.open, veiled...)[0].Subject.String()
	seats := map[string]*seat{}
	at := func(t *testing.T, language string) *seat {
		if seats[language] == nil {
			seats[language] = o.sit(o.consoleSite.T, "support", language)
			seats[language].reason("customer_call")
		}
		seats[language].T = t
		return seats[language]
	}
	for _, c := range []struct {
		name, language, says, clear, once, recorded, open string
		group, reason, ticket                             string
		width                                             int64
	}{
		{"a birth date in French", "fr", "Ce que votre rôle ne montre pas en clair", "21 mai 1983", "Affiché en clair, une fois", "customer_call birth", "a.unmask", "birth", "customer_call", "", 1440},
		{"an amount in English", "en", "What your role does not show in clear", "76,543.29", "Shown in clear, once", "support_ticket amounts", "details.reveal > summary", "amounts", "support_ticket", "T-77", 1440},
		{"on a telephone in French", "fr", "Masqué", "76\u202f543,29", "Affiché en clair, une fois", "rights_request amounts", "details.reveal > summary", "amounts", "rights_request", "", 390},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := at(t, c.language)
			s.as(c.width, 844, "light")
			s.visit(page)
			s.holds(c.says)
			s.do("open the form", chromedp.Click(c.open))
			s.awaits("the form", `document.querySelector("details.reveal").open`)
			s.look(c.name)
			fill := map[string]string{"group": c.group, "reason": c.reason}
			if c.ticket != "" {
				fill["ticket"] = c.ticket
			}
			s.fill(fill)
			s.press("details.reveal button[type=submit]")
			s.holds(c.once)
			s.holds(c.clear)
			s.look(c.name + ", shown")
			if got := o.reveals(); !slices.Contains(got, c.recorded) {
				t.Errorf("recorded %q", got)
			}
			n := len(o.reveals())
			s.visit(scripted[string](s, "location.pathname"))
			if got := scripted[string](s, "location.pathname"); got != page {
				t.Errorf("the address leads to %s", got)
			}
			if text := scripted[string](s, `document.querySelector("main").innerText`); strings.Contains(text, c.clear) || strings.Contains(text, c.once) {
				t.Errorf("shown again: %.900s", text)
			}
			if got := o.reveals(); len(got) != n {
				t.Errorf("recorded %q", got)
			}
		})
	}
	t.Run("nothing ticked", func(t *testing.T) {
		s := at(t, "fr")
		s.visit(page)
		s.do("open the form", chromedp.Click("details.reveal > summary"))
		s.press("details.reveal button[type=submit]")
		s.holds("Cochez au moins un groupe")
		s.look("nothing ticked")
	})
}
