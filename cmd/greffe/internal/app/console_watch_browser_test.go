//go:build browser

package app

import (
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	rules "greffe/domain/watch"
)

// TestConsoleAlertsInABrowser: the DPO and security, in both languages, see alerts of one
// series of reads together, go to what the account read, and conclude them with one form;
// what is concluded offers nothing more, and no link leads where the role may not go.
func TestConsoleAlertsInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	said := map[string][]string{
		"fr": {"2 alertes", "À conclure", "Voir ce que ce compte a consulté à ce moment", "pour une limite de", "Conclure de même", "Expliquée", "Cette alerte est déjà conclue"},
		"en": {"2 alerts", "To conclude", "See what this account read at that time", "against a limit of", "Conclude alike", "Explained", "This alert is concluded already"},
	}
	for n, of := range []struct{ role, language string }{{"dpo", "fr"}, {"security", "en"}, {"dpo", "en"}, {"security", "fr"}} {
		t.Run(of.role+" "+of.language, func(t *testing.T) {
			reader := domain.ID{byte(n + 1), 6: 0x40, 8: 0x80}
			first, second := o.alertAbout(reader, rules.BreadthHour, 0, 61), o.alertAbout(reader, rules.Surge, 0, 300)
			s, says := o.sit(t, of.role, of.language), said[of.language]
			s.reason("audit")
			s.visit("/console/watch")
			s.holds(says[0])
			s.holds(says[1])
			s.look("the alerts")
			s.press(`a[href^="/console/reads?account=` + reader.String() + `"]`)
			if at := s.at(); at != "/console/reads" {
				t.Errorf("what the account read is at %s", at)
			}
			if links := strings.Join(s.links(`main table a`), " "); of.role == "security" && (strings.Contains(links, "/console/events/") || strings.Contains(links, "/console/people/")) {
				t.Errorf("links where security may not go: %s", links)
			}
			s.visit("/console/watch/" + first.String())
			s.holds(says[3])
			s.look("an alert")
			s.press(`a[href$="/close"]`)
			s.holds(says[4])
			s.look("the form that concludes")
			before := len(o.facts(event.WatchClosed))
			s.fill(map[string]string{"outcome": "explained", "also": second.String()})
			s.press("form.task button[type=submit]")
			s.must(o.open.CaughtUp(t.Context()))
			if got := len(o.facts(event.WatchClosed)) - before; got != 2 {
				t.Errorf("%d alerts were concluded", got)
			}
			s.holds(says[5])
			if links := s.links(`main a[href$='/close']`); len(links) > 0 {
				t.Errorf("it is offered again: %v", links)
			}
			s.visit("/console/watch/" + second.String() + "/close")
			s.holds(says[6])
		})
	}
}
