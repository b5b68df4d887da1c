//go:build browser

package app

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"greffe/domain/event"
)

// stop is where the keyboard is to go, and what is typed there; a choice is reached by
// arrows.
type stop struct{ at, text string }

// focusSeen is what has the focus, and whether a person sees that it does.
const focusSeen = `(() => { const e = document.activeElement; if (!e || e === document.body) return "";
	const c = getComputedStyle(e), ring = c.outlineStyle !== "none" && parseFloat(c.outlineWidth) > 0 || c.boxShadow !== "none";
	return (ring ? "seen " : "unseen ") + e.tagName.toLowerCase() + (e.name ? "[name=" + e.name + "]" : "") + (e.getAttribute("href") ?? (e.type === "checkbox" ? e.value : "")) + (e.id ? "#" + e.id : ""); })()`

func (s *seat) key(what string) {
	s.T.Helper()
	s.do("a key", chromedp.KeyEvent(what))
}

// tabTo presses Tab until what a selector names has the focus. Each stop on the way is
// seen, and none holds the keyboard.
func (s *seat) tabTo(selector string) {
	s.T.Helper()
	same, last := 0, ""
	for range 200 {
		if scripted[bool](s, `!!document.activeElement?.matches("`+selector+`")`) {
			return
		}
		s.key(kb.Tab)
		at := scripted[string](s, focusSeen)
		if strings.HasPrefix(at, "unseen") {
			s.T.Errorf("%s: the focus is not seen", at)
		}
		if same++; at != last || at == "" {
			same, last = 0, at
		}
		if same > 12 {
			s.T.Fatalf("the keyboard does not leave %s", at)
		}
	}
	s.T.Fatalf("Tab does not reach %s from %s", selector, last)
}

// typed goes to a field and fills it in, by keys alone.
func (s *seat) typed(at stop) {
	s.T.Helper()
	s.tabTo(at.at)
	switch scripted[string](s, `document.activeElement.tagName + (document.activeElement.type || "")`) {
	case "SELECTselect-one":
		for range 60 {
			if scripted[string](s, `document.activeElement.value`) == at.text {
				return
			}
			s.key(kb.ArrowDown)
		}
		s.T.Errorf("arrows do not reach %s of %s", at.text, at.at)
	case "INPUTcheckbox", "INPUTradio":
		s.key(" ")
	default:
		s.key(at.text)
	}
}

// entered presses Enter where the focus is, and waits for the page that follows.
func (s *seat) entered() {
	s.T.Helper()
	ctx, cancel := s.soon()
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		s.T.Fatalf("Enter: %v at %s", err, scripted[string](s, focusSeen))
	}
}

// TestConsoleKeysInABrowser: the daily work by the keyboard alone: a reason is chosen, a
// person searched for, the timeline read, a number checked, a request taken in and noted, an
// inspection opened, an account invited; the focus is seen at every stop, the first leads
// past the menu, and each act leaves its fact.
func TestConsoleKeysInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	person := o.real["/v1/subjects/"]
	s := o.sit(t, "dpo", "fr")
	step := func(name string, do func()) {
		t.Run(name, func(t *testing.T) {
			s.T = t
			do()
		})
	}
	step("the first stop leads past the menu", func() {
		s.visit("/console")
		s.key(kb.Tab)
		if at := scripted[string](s, `document.activeElement.getAttribute("href") + getComputedStyle(document.activeElement).visibility`); at != "#mainvisible" {
			s.T.Errorf("the first stop is %s", at)
		}
		s.key(kb.Enter)
		s.key(kb.Tab)
		if !scripted[bool](s, `document.querySelector("main").contains(document.activeElement)`) {
			s.T.Errorf("after it comes %s", scripted[string](s, focusSeen))
		}
	})
	step("a reason is chosen", func() {
		s.visit("/console")
		s.tabTo("aside.why summary")
		s.key(kb.Enter)
		s.typed(stop{"aside.why select[name=reason]", "rights_request"})
		s.tabTo("aside.why button")
		s.entered()
	})
	step("a person is searched for", func() {
		s.visit("/console/people")
		s.typed(stop{"[name=text]", "zqkanary@example.org"})
		s.entered()
		if got := scripted[string](s, "location.pathname"); got != "/console/people/"+person {
			s.T.Errorf("Enter leads to %s", got)
		}
	})
	step("the timeline is read", func() {
		s.tabTo("main a[href$='tab=history']")
		s.entered()
		s.holds("zqkanary@example.org")
	})
	step("a number is checked", func() {
		s.visit("/console/contactability")
		s.typed(stop{"[name=whom]", "0639980077"})
		s.typed(stop{"[name=channel]", "phone"})
		s.typed(stop{"[name=purpose]", "prospecting"})
		s.tabTo("[action='/console/contactability'] button")
		s.entered()
		if !scripted[bool](s, `!!document.querySelector(".verdict")`) {
			s.holds("the answer")
		}
	})
	for _, w := range []struct {
		name, at string
		stops    []stop
		fact     event.Type
	}{
		{"a request is taken in", "/console/requests/new/new?subject_id=" + person, []stop{{"form.task [name=right]", "access"}, {"form.task [name=channel]", "postal"}}, event.RequestReceived},
		{"and noted", "{here}/notes", []stop{{"form.task [name=words]", "appel"}}, event.RequestNoted},
		{"a hold is placed", "/console/people/" + person + "/hold", []stop{{"form.task [name=code]", "litigation"}}, event.HoldPlaced},
		{"an inspection is opened", "/console/inspections/new/open", []stop{{"form.task [name=modes][value=on_site]", ""}, {"form.task [name=from]", "01012026" + kb.Tab + "0900AM"}, {"form.task [name=requester]", "CNIL"}, {"form.task [name=reference]", "2026-7"}}, event.InspectionOpened},
		{"a review is planned", "/console/reviews/new/plan", []stop{{"form.task [name=kind]", "training"}, {"form.task [name=planned_for]", "06012026" + kb.Tab + "0900AM"}, {"form.task [name=scope]", "Agents"}}, event.ReviewPlanned},
	} {
		step(w.name, func() {
			before := len(o.facts(w.fact))
			s.visit(strings.Replace(w.at, "{here}", scripted[string](s, "location.pathname"), 1))
			s.ordered(w.stops)
			for _, at := range w.stops {
				s.typed(at)
			}
			s.tabTo("form.task button[type=submit]:not([formaction])")
			s.entered()
			s.must(o.open.CaughtUp(t.Context()))
			if n := len(o.facts(w.fact)) - before; n != 1 {
				s.T.Errorf("%d facts %s", n, w.fact)
				s.holds("what was done")
			}
		})
	}
	s = o.sit(t, "admin", "en")
	step("an account is invited", func() {
		before := len(o.facts(event.AccountCreated))
		s.visit("/console/accounts/new/new")
		stops := []stop{{"form.task [name=kind]", "person"}, {"form.task [name=label]", "Paul"}, {"form.task [name=login]", "paul"}, {"form.task [name=roles]", "agent"}}
		s.ordered(stops)
		for _, at := range stops {
			s.typed(at)
		}
		s.tabTo("form.task button[type=submit]:not([formaction])")
		s.entered()
		s.must(o.open.CaughtUp(t.Context()))
		if n := len(o.facts(event.AccountCreated)) - before; n != 1 {
			s.T.Errorf("%d accounts", n)
			s.holds("what was done")
		}
	})
}

// ordered puts the stops in the order in which the page has them.
func (s *seat) ordered(stops []stop) {
	s.T.Helper()
	place := map[string]int{}
	for _, at := range stops {
		place[at.at] = scripted[int](s, `[...document.querySelectorAll("*")].indexOf(document.querySelector("`+at.at+`"))`)
		if place[at.at] < 0 {
			s.T.Fatalf("the page has no %s", at.at)
		}
	}
	for i := range stops {
		for j := i; j > 0 && place[stops[j].at] < place[stops[j-1].at]; j-- {
			stops[j], stops[j-1] = stops[j-1], stops[j]
		}
	}
}
