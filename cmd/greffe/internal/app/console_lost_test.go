package app

import (
	"net/http"
	"strings"
	"testing"
)

// TestConsoleIsLostInTheVisitorsLanguage: a page that does not exist says so in the
// language of who asks, whoever asked first.
func TestConsoleIsLostInTheVisitorsLanguage(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	for _, c := range [][3]string{{"fr", "Cette page n’existe pas", "There is no such page"}, {"en", "There is no such page", "Cette page"}, {"fr", "L’adresse est incomplète", "The address is incomplete"}} {
		if p := s.get("/console/nowhere?language=" + c[0]); p.status != http.StatusNotFound || !strings.Contains(p.text, c[1]) || strings.Contains(p.text, c[2]) {
			t.Errorf("in %s: %d, %q wanted: %.1500s", c[0], p.status, c[1], p.text)
		}
	}
}
