//go:build browser

package app

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
)

// TestConsoleTablesOnATelephoneInABrowser: where a person may be contacted and what was
// recorded stand whole on a telephone, each value behind its column's name, and are the
// tables that they were to a screen reader; on a wide screen they are tables.
func TestConsoleTablesOnATelephoneInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for role, at := range map[string]struct{ lang, page, column string }{
		"dpo":     {"fr", "/console/people/" + o.real["/v1/subjects/"] + "?tab=contact", "Réseaux sociaux"},
		"auditor": {"en", "/console/audit?period=all", "Recorded"},
	} {
		s := o.sit(t, role, at.lang)
		if r := o.reasonOf(role); r != "" {
			s.visit(at.page)
			s.reason(strings.TrimSuffix(r, ":T-1"))
		}
		for _, high := range []int64{390, 1440} {
			s.as(high, 844, "light")
			s.visit(at.page)
			shown := scripted[[]string](s, `[...document.querySelectorAll("table.stacked td[data-column='`+at.column+`']")].slice(0, 1).map(e => {
				const r = e.getBoundingClientRect(); return [r.width > 0 && r.left >= 0 && r.right <= innerWidth, getComputedStyle(e.parentElement).display, getComputedStyle(e, "::before").content.includes(e.dataset.column), e.closest("table").getAttribute("role"), e.getAttribute("role")].join(" ") })`)
			want := map[int64]string{390: "true block true table cell", 1440: "true table-row false table cell"}[high]
			if len(shown) != 1 || shown[0] != want {
				t.Errorf("%s at %d: %q, not %q", at.page, high, shown, want)
			}
			s.fits(at.page)
			s.look(at.page)
		}
	}
}

// TestTooManySignInsInABrowser: who typed too many wrong passwords is told how long to
// wait, in words, and not to read a header.
func TestTooManySignInsInABrowser(t *testing.T) {
	t.Parallel()
	a, base := browsed(t)
	if _, err := a.People.Create(t.Context(), domain.ID{8, 6: 0x40, 8: 0x80}, auth.NewAccount{Kind: account.Human, Label: "Jeanne", Login: "jmartin", Roles: []string{"dpo"}, Invite: true}); err != nil {
		t.Fatal(err)
	}
	p := tab(t, base)
	for tries, status := 0, 0; status != http.StatusTooManyRequests; tries++ {
		resp, err := http.Post(base+"/v1/session/password", "application/json", strings.NewReader(`{"name":"jmartin","password":"Quatre-Chevaux-Noirs-9"}`))
		if err != nil || tries > 100 {
			t.Fatalf("%d tries: %v", tries, err)
		}
		_ = resp.Body.Close()
		status = resp.StatusCode
	}
	p.do("one try more", chromedp.Navigate(base+"/signin?language=fr"), chromedp.WaitVisible("#password-form"), chromedp.SendKeys("#name", "jmartin"), chromedp.SendKeys("#password", "Quatre-Chevaux-Noirs-9"),
		chromedp.Click("#password-form button[type=submit]"), chromedp.WaitVisible("[role=alert]"))
	if got := p.text("[role=alert]"); !strings.Contains(got, "Réessayez dans ") || !strings.Contains(got, "seconde") && !strings.Contains(got, "minute") || strings.Contains(got, "Retry-After") {
		t.Errorf("told: %q", got)
	}
}
