//go:build browser

package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeRun has axe-core look at the page by every rule of WCAG 2.2 A and AA and of good
// practice, and says what it found: the rule, where, and why.
const axeRun = `;axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(r => r.violations.flatMap(v => v.nodes.map(n =>
	v.id + " at " + n.target.join(" ") + ": " + n.failureSummary.replaceAll("\n", " ") + " " + n.html.slice(0, 200))))`

// look has axe-core look at the page that the tab shows.
func (s *seat) look(at string) {
	s.T.Helper()
	found, err := chromedp.Run(s.ctx, chromedp.Evaluate[[]string](s.axe+axeRun, chromedp.EvalAwaitPromise))
	s.must(err)
	for i, f := range found {
		if i == 4 {
			s.T.Errorf("%s: and %d more", at, len(found)-i)
			break
		}
		s.T.Errorf("%s: %.700s", at, f)
	}
}

func (s *seat) lookAt(paths ...string) {
	s.T.Helper()
	for _, p := range paths {
		s.visit(p)
		s.look(p)
	}
}

// as sets the size of the window, and the colours that the person prefers.
func (s *seat) as(width, height int64, scheme string) {
	s.T.Helper()
	_, err := chromedp.Call(s.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	s.must(err)
	s.resized(width, height)
}

// resized is the window of another size.
func (s *seat) resized(width, height int64) {
	s.T.Helper()
	s.do("resize", chromedp.EmulateViewport(width, height))
}

// links are the addresses that the page leads to from where a selector says.
func (s *seat) links(selector string) []string {
	s.T.Helper()
	all := scripted[[]string](s, `[...document.querySelectorAll("`+selector+`")].map(a => a.getAttribute("href"))`)
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// TestConsoleAccessInABrowser: axe-core finds nothing on any page that bars people who
// see badly, hear the page, or use the keyboard (RGAA 4.1, WCAG 2.2 AA), light or dark,
// wide or narrow; and no page asks another host, fails in a script or offends its policy.
func TestConsoleAccessInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	record(t, o.open, hostile)
	person := "/console/people/" + o.real["/v1/subjects/"]
	t.Run("nobody", func(t *testing.T) {
		s := o.sit(t, "", "fr")
		s.lookAt("/signin", "/invitation", "/docs")
	})
	done := map[string]bool{}
	for i, role := range []string{"dpo", "admin", "auditor", "agent", "security"} {
		t.Run(role, func(t *testing.T) {
			s := o.sit(t, role, []string{"fr", "en"}[i%2])
			s.as(1440, 900, "light")
			if r := o.reasonOf(role); r != "" {
				s.lookAt(person) // asks for the reason
				s.reason(strings.TrimSuffix(r, ":T-1"))
			}
			s.lookAt("/console", "/me", "/console/nowhere")
			desks := s.links("nav.menu a")
			if len(desks) < 4 {
				t.Errorf("%s has a menu of %d", role, len(desks))
			}
			for _, d := range desks {
				if done[d] {
					continue
				}
				done[d] = true
				s.lookAt(d)
				s.acts(done)
			}
		})
	}
	t.Run("person", func(t *testing.T) {
		s := o.sit(t, "dpo", "en")
		s.reason("rights_request")
		for _, tab := range []string{"", "?tab=history", "?tab=consents", "?tab=accesses"} {
			s.lookAt(person + tab)
		}
		for _, act := range s.links("ul.acts a:not([href*='/file'])") {
			s.lookAt(act)
		}
		s.lookAt("/console/events/" + o.real["/v1/events/"])
		for _, how := range []struct {
			wide, high int64
			scheme     string
		}{{1440, 900, "dark"}, {390, 844, "light"}, {390, 844, "dark"}} {
			s.as(how.wide, how.high, how.scheme)
			s.lookAt("/console", "/console/people", person, person+"?tab=history", person+"/erase", "/console/requests", "/console/audit", "/me", "/console/nowhere")
		}
	})
}

// acts looks at the forms that a page offers.
func (s *seat) acts(done map[string]bool) {
	s.T.Helper()
	for _, act := range s.links("ul.acts a[href*='/new/']") {
		if !done[act] {
			done[act] = true
			s.lookAt(act)
		}
	}
}

// hostile is a person of whom every field that may hold a text holds markup.
const hostile = `{"specversion":"1.0","id":"x1","source":"crm/eu","type":"contact.created","subject":"X-1","time":"` + past + `","data":{"kind":"client",
	"person":{"given_name":"<img src=x onerror=alert(1)>","family_name":"\"><script>alert(2)</script>","emails":["hostile@example.org"]},
	"notes":"</textarea><svg onload=alert(3)>{{.}}"}}`
