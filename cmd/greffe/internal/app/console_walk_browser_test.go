//go:build browser

package app

import (
	"net/url"
	"strings"
	"testing"
)

// sight is one way to see a page.
type sight struct {
	wide, high int64
	scheme     string
}

// TestConsoleWalkInABrowser follows every link of the console from each role's start page,
// once for each kind of page, in a house whose every text is markup: on each, axe-core
// finds nothing, nothing is wider than the window, no script of data runs, no dialog opens,
// nothing is said on the browser's console and nothing is asked of another host. What hear
// notes fails the test.
func TestConsoleWalkInABrowser(t *testing.T) {
	t.Parallel()
	var fields []string
	o := openOfficeOf(t, openHouse(t, marked(&fields)).consoleSite)
	sights := []sight{{1440, 900, "light"}, {390, 844, "dark"}, {390, 844, "light"}, {1440, 900, "dark"}}
	done := map[string]bool{}
	for i, role := range []string{"dpo", "admin", "security", "auditor", "agent"} {
		t.Run(role, func(t *testing.T) {
			s := o.sit(t, role, []string{"fr", "en"}[i%2])
			if r := o.reasonOf(role); r != "" {
				s.reason(strings.TrimSuffix(r, ":T-1"))
			}
			queue, seen, n := []string{"/console", "/console/nowhere"}, map[string]bool{}, 0
			for len(queue) > 0 {
				where := queue[0]
				queue = queue[1:]
				kind := patternOf(where)
				if seen[kind] || strings.Contains(kind, "/file") || strings.Contains(kind, "/bundlefiles/") {
					continue
				}
				seen[kind] = true
				if at := sights[n%len(sights)]; !done[kind] { // before the page is there: colours that change take a while
					s.as(at.wide, at.high, at.scheme)
				}
				s.visit(where)
				for _, href := range s.links("a[href]") {
					if u, err := url.Parse(href); err == nil && strings.HasPrefix(u.Path, "/console") && !u.Query().Has("language") && !strings.Contains(u.Path, "/export") && !strings.HasPrefix(u.Path, "/console/timeline/") {
						queue = append(queue, u.RequestURI())
					}
				}
				if done[kind] {
					continue
				}
				done[kind] = true
				s.look(where)
				s.fits(where)
				n++
			}
			t.Logf("%s: %d kinds of pages were looked at, %d reached", role, n, len(seen))
		})
	}
	if len(done) < 100 {
		t.Errorf("only %d kinds of pages", len(done))
	}
}

// fits reports what is wider than a telephone.
func (s *seat) fits(where string) {
	s.T.Helper()
	was := scripted[[]int64](s, `[innerWidth, innerHeight]`)
	if was[0] > 390 {
		s.resized(390, 844)
		defer s.resized(was[0], was[1])
		s.visit(where)
	}
	if wide := scripted[string](s, `document.scrollingElement.scrollWidth <= innerWidth ? "" : document.scrollingElement.scrollWidth + " wide: " +
		[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre, textarea")).slice(0, 3).map(e => e.outerHTML.slice(0, 160)).join(" | ")`); wide != "" {
		s.T.Errorf("%s scrolls to the side at 390: %s", where, wide)
	}
	if wide := scripted[string](s, `[...document.querySelectorAll("main .scroll")].filter(e => e.scrollWidth > e.clientWidth + 1 && !e.querySelector(".heat, .matrix, .calendar")).map(e => e.outerHTML.slice(0, 200)).join(" | ")`); wide != "" {
		s.T.Errorf("%s: columns are out of sight at 390: %s", where, wide)
	}
	if n := scripted[int](s, `document.querySelectorAll("img, iframe, object, embed, base, [zq], [onerror], [onload], [onclick], [onfocus], [onmouseover], script:not([src])").length`); n != 0 {
		s.T.Errorf("%s: %d elements came from data", where, n)
	}
}
