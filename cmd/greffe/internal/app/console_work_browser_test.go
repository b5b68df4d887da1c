//go:build browser

package app

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"greffe/domain/event"
)

// fill types into the form of the page, by the names of its fields.
func (s *seat) fill(fields map[string]string) {
	s.T.Helper()
	if len(fields) == 0 {
		return
	}
	b, err := json.Marshal(fields)
	s.must(err)
	if lacks := scripted[string](s, `Object.entries(`+string(b)+`).map(([name, v]) => {
		const all = [...document.querySelectorAll("form.task [name='" + name + "']")];
		const box = all.find(e => e.type === "checkbox" && e.value === v);
		if (box) box.checked = true; else if (all[0] && all[0].type !== "checkbox") all[0].value = v; else return name;
		return ""; }).join("")`); lacks != "" {
		s.T.Fatalf("the form has no field %s", lacks)
	}
}

func (s *seat) holds(text string) {
	s.T.Helper()
	if got := scripted[string](s, `document.querySelector("main").innerText`); !strings.Contains(got, text) {
		s.T.Errorf("the page does not hold %q:\n%.1500s", text, got)
	}
}

// work is one form as one role fills it, and the fact that it is to leave.
type work struct {
	name, role, language, at string
	fields                   map[string]string
	says                     string // on the page that it leads to
	fact                     event.Type
}

// TestConsoleWorkInABrowser: what the roles do by forms in a real browser, in French and
// in English, and the facts that each leaves: exactly one, of the type it should be.
func TestConsoleWorkInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	other := "/console/people/" + record(t, o.open, hostile)[0].Subject.String()
	id := o.real["/v1/subjects/"]
	person := "/console/people/" + id
	seats, reasons := map[string]*seat{}, map[string]string{"dpo": "rights_request"}
	at := func(t *testing.T, role, language string) *seat {
		if seats[role+language] == nil {
			seats[role+language] = o.sit(o.consoleSite.T, role, language)
			seats[role+language].reason(reasonFor(reasons[role], o.reasonOf(role)))
		}
		s := seats[role+language]
		s.T = t
		return s
	}
	request := ""
	for _, w := range []work{
		{"a request is taken in", "dpo", "fr", "/console/requests/new/new", map[string]string{"right": "access", "channel": "postal", "subject_id": id}, "Accès (art. 15)", event.RequestReceived},
		{"and assigned", "dpo", "fr", "{request}/assign", map[string]string{"account": "{self}"}, "", event.RequestAssigned},
		{"verified", "dpo", "en", "{request}/verify", map[string]string{"means": "known_address", "subject_id": id}, "", event.RequestVerified},
		{"noted", "dpo", "en", "{request}/notes", map[string]string{"words": "<b>called back</b>"}, "<b>called back</b>", event.RequestNoted},
		{"answered", "dpo", "fr", "{request}/answer", map[string]string{"outcome": "granted", "words": "Voici"}, "", event.RequestAnswered},
		{"dispatched", "dpo", "fr", "{request}/dispatch", map[string]string{"of": "answer", "by": "post", "proof": "RK 1"}, "", event.RequestDispatched},
		{"and closed", "dpo", "fr", "{request}/close", nil, "", event.RequestClosed},
		{"a hold", "dpo", "en", person + "/hold", map[string]string{"code": "litigation", "detail": "RG 26/1"}, "Release the hold", event.HoldPlaced},
		{"a restriction", "dpo", "fr", person + "/restrict", map[string]string{"code": "art18.1.a"}, "", event.RestrictionPlaced},
		{"an audit of minimisation", "dpo", "en", "/console/minimisation/new/run", nil, "", event.MinimisationAudited},
		{"contactability", "dpo", "en", "/console/contactability", map[string]string{"whom": "zqkanary@example.org", "channel": "email", "purpose": "prospecting"}, "No, this contact is not allowed", ""},
		{"an inspection", "dpo", "fr", "/console/inspections/new/open", map[string]string{"modes": "on_site", "from": "2026-01-01T00:00", "requester": "CNIL", "reference": "2026-042C"}, "2026-042C", event.InspectionOpened},
		{"an account", "admin", "fr", "/console/accounts/new/new", map[string]string{"kind": "person", "label": "Paul", "login": "paul", "roles": "agent", "invite": "true"}, "Ce qui suit n’est montré qu’une fois", event.AccountCreated},
		{"an erasure", "dpo", "en", other + "/erase", map[string]string{"ground": "art17.1.b", "reason": "by letter", "understood": "yes"}, "", event.ErasureOrdered},
	} {
		t.Run(w.name, func(t *testing.T) {
			s := at(t, w.role, w.language)
			before := 0
			if w.fact != "" {
				before = len(o.facts(w.fact))
			}
			s.visit(strings.Replace(w.at, "{request}", request, 1))
			for name, v := range w.fields {
				w.fields[name] = strings.Replace(v, "{self}", s.who.String(), 1)
			}
			s.fill(w.fields)
			s.press("form.task button[type=submit]:not([formaction])")
			s.do("what goes on has ended", chromedp.WaitNotPresent("section.live")) // its page loads itself anew then
			s.must(o.open.CaughtUp(t.Context()))
			if w.fact == event.RequestReceived {
				request = strings.SplitN(scripted[string](s, "location.pathname"), "?", 2)[0]
			}
			if w.says != "" {
				s.holds(w.says)
			}
			if w.fact != "" {
				if n := len(o.facts(w.fact)) - before; n != 1 {
					s.T.Errorf("%d facts %s", n, w.fact)
					s.holds("what was done")
				}
			}
		})
	}
	t.Run("the keyboard alone finds a person", func(t *testing.T) {
		s := at(t, "dpo", "fr")
		s.visit("/console/people")
		ctx, cancel := s.soon()
		defer cancel()
		_, err := chromedp.RunResponse(ctx, chromedp.KeyEvent("ZQKANARY@example.org"), chromedp.KeyEvent(kb.Enter))
		s.must(err)
		if got := scripted[string](s, "location.pathname"); got != person {
			t.Errorf("Enter leads to %s", got)
		}
		s.holds("zqkanary@example.org")
		s.press("nav.tabs a[href$='tab=accesses']")
		if !scripted[bool](s, `!!document.querySelector("main td a[href='/console/accounts/`+s.who.String()+`']")`) {
			s.holds("the look in the journal of who looked")
		}
	})
	t.Run("the language is switched", func(t *testing.T) {
		s := at(t, "auditor", "fr")
		s.visit("/console/reads")
		s.press("header a[hreflang=en]")
		if got := scripted[string](s, "document.documentElement.lang + location.pathname"); got != "en/console/reads" {
			t.Errorf("switched to %s", got)
		}
	})
	t.Run("an agent may not", func(t *testing.T) {
		s := at(t, "agent", "en")
		s.visit("/console/accounts")
		s.holds("accounts.manage")
	})
}

func reasonFor(chosen, offered string) string {
	if chosen != "" {
		return chosen
	}
	return strings.TrimSuffix(offered, ":T-1")
}

// TestConsoleHostileInABrowser: markup in what is known of a person is shown as text.
func TestConsoleHostileInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	person := "/console/people/" + record(t, o.open, hostile)[0].Subject.String()
	s := o.sit(t, "dpo", "fr")
	s.reason("audit")
	for _, path := range []string{person, person + "?tab=history"} {
		s.visit(path)
		for _, text := range []string{"<img src=x onerror=alert(1)>", `"><script>alert(2)</script>`, "</textarea><svg onload=alert(3)>{{.}}"} {
			s.holds(text)
		}
		if n := scripted[int](s, `document.querySelectorAll("main img, main script:not([src^='/console/assets/']), main svg, main [onload], main [onerror]").length`); n != 0 {
			t.Errorf("%s: %d elements came from data", path, n)
		}
	}
}
