//go:build browser

package app

import (
	"strings"
	"testing"
	"time"

	"greffe/domain/event"
)

// press1 presses the button of the one form that goes to an action, and waits for the facts.
func (s *seat) press1(action, button string) {
	s.T.Helper()
	s.press(`main form[action="` + action + `"] button` + button)
	s.must(s.open.CaughtUp(s.T.Context()))
}

// at is where the tab is.
func (s *seat) at() string { return scripted[string](s, "location.pathname") }

// TestConsoleDesksInABrowser: people of real roles work at the desks of registers, access
// and operations in a real browser, in French and in English, with the facts each leaves.
func TestConsoleDesksInABrowser(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	reasons := map[string]string{"dpo": "rights_request", "admin": "maintenance:T-1", "auditor": "audit", "security": "audit", "agent": "customer_call"}
	sit := func(t *testing.T, role, language string) *seat {
		s := o.sit(t, role, language)
		s.reason(strings.TrimSuffix(reasons[role], ":T-1"))
		return s
	}
	breach := ""
	t.Run("a breach is opened, decided on and notified by what comes first", func(t *testing.T) {
		s := sit(t, "dpo", "fr")
		s.visit("/console/breaches/new/open")
		s.look("/console/breaches/new/open")
		wall := o.now.read().Add(-20 * time.Hour).In(paris(t)).Format("2006-01-02T15:04")
		s.leaves(event.BreachOpened, func() {
			s.said("/console/breaches/new/open", map[string]string{"role": "controller", "aware_at": wall, "form.nature.nature": "confidentiality", "form.nature.facts": "<i>Zqlost</i>"})
		})
		breach = s.at()
		s.holds("heures restantes")
		s.holds("Décidez du risque")
		s.holds("<i>Zqlost</i>")
		s.look(breach)
		for _, step := range []struct {
			fields map[string]string
			fact   event.Type
			says   string
		}{{map[string]string{"likelihood": "significant", "severity": "significant", "reasoning": "r"}, event.BreachAssessed, "Notifiez la CNIL"},
			{map[string]string{"kind": "initial"}, event.BreachNotified, "Notification complémentaire"}} {
			s.leaves(step.fact, func() {
				s.press("section.next a[role=button]")
				s.fill(step.fields)
				s.press("form.task button[type=submit]:not([formaction])")
			})
			s.holds(step.says)
		}
	})
	t.Run("a first thing to do is taken from the list and ended", func(t *testing.T) {
		s := sit(t, "dpo", "en")
		s.visit(breach)
		s.leaves(event.BreachActed, func() {
			s.press(".checks a[href*='item=flow_stopped']")
			s.fill(map[string]string{"due": "2030-01-01T10:00"})
			s.press("form.task button[type=submit]:not([formaction])")
		})
		s.leaves(event.BreachActed, func() {
			s.press("main table a[role=button]")
			s.press("form.task button[type=submit]:not([formaction])")
		})
		if !scripted[bool](s, `!!document.querySelector(".checks .is-done")`) {
			s.holds("a thing that is done")
		}
		s.look(breach)
		s.lookAt("/console/breaches", "/console/breaches?standing=closed")
	})
	t.Run("an auditor reads the breach and may change nothing", func(t *testing.T) {
		s := sit(t, "auditor", "en")
		s.visit(breach)
		s.holds("Complementary notification")
		if scripted[bool](s, `!!document.querySelector("section.next a, .checks a, main table a[role=button]")`) {
			t.Error("an auditor is offered an act")
		}
	})
	t.Run("a policy is published after its changes were read in words", func(t *testing.T) {
		s := sit(t, "admin", "fr")
		s.visit("/console/policy/new/compare")
		scripted[bool](s, `(() => { const raw = document.querySelector("#raw"); raw.value = raw.value.replace("acknowledges: false", "acknowledges: true") + "\napprovals: [{act: grant}]\n"; return true; })()`)
		s.press1("/console/policy/new/compare", "")
		s.holds("Outil d’e-mailing")
		s.holds("deux personnes")
		s.holds("vous pouvez publier seul")
		s.look("/console/policy/new/compare")
		s.leaves(event.PolicyPublished, func() { s.press1("/console/policy/new/publish", "") })
		s.visit("/console/policy")
		s.holds("en vigueur")
		s.look("/console/policy")
		s.visit("/console/policy/2")
		s.holds("Accord de deux personnes")
		s.look("/console/policy/2")
	})
	asked := ""
	admin := sit(t, "admin", "en")
	t.Run("an account takes a second person: it is asked for", func(t *testing.T) {
		s := admin
		s.T = t
		s.visit("/console/accounts/new/new")
		s.fill(map[string]string{"kind": "person", "label": "Paul Zqnew", "login": "paul", "roles": "support", "invite": "true"})
		s.press("form.task button[type=submit]:not([formaction])")
		s.leaves(event.ApprovalRequested, func() { s.press("form.task button[type=submit]:not([formaction])") })
		asked = s.at()
		s.holds("Another person has to decide")
		s.holds("Paul Zqnew")
		s.look(asked)
	})
	t.Run("a second person is told what is asked, and agrees", func(t *testing.T) {
		s := sit(t, "dpo", "fr")
		s.visit("/console/approvals")
		s.look("/console/approvals")
		s.press("main table th a")
		s.holds("Créer un compte")
		s.holds("Service client")
		s.holds("Votre décision")
		s.look(s.at())
		s.leaves(event.ApprovalDecided, func() { s.press("main button[value=grant]") })
		s.holds("accordé")
	})
	t.Run("and it is carried out, once, by who asked", func(t *testing.T) {
		s := admin
		s.T = t
		s.visit("/console/asked")
		s.press("main table th a")
		s.leaves(event.AccountCreated, func() { s.press1(asked, "") })
		s.holds("What follows is shown once")
		s.visit(asked)
		s.holds("carried out")
	})
	t.Run("the dpo refuses another", func(t *testing.T) {
		s := admin
		s.T = t
		s.visit("/console/tokens/new/new")
		s.fill(map[string]string{"label": "Zqweb", "roles": "service", "sources": "web/fr"})
		s.press("form.task button[type=submit]:not([formaction])")
		s.leaves(event.ApprovalRequested, func() { s.press("form.task button[type=submit]:not([formaction])") })
		d := sit(t, "dpo", "en")
		d.visit("/console/approvals")
		d.press("main table th a")
		d.leaves(event.ApprovalDecided, func() { d.press("main button[value=refuse]") })
		d.holds("refused")
	})
	t.Run("keys, backups and health say what to do", func(t *testing.T) {
		s := admin
		s.T = t
		s.visit("/console/health")
		s.holds("The service answers everything")
		s.lookAt("/console/health", "/console/backups", "/console/keys", "/console/recipients", "/console/tokens", "/console/accounts")
		s.visit("/console/keys")
		s.press1("/console/keys/new/rotate", "")
		s.holds("--backup-dir")
	})
	t.Run("an audit of minimisation leads to what to mend", func(t *testing.T) {
		s := sit(t, "dpo", "fr")
		s.visit("/console/minimisation")
		s.holds("Aucun audit n’a encore été fait")
		s.look("/console/minimisation")
		s.leaves(event.MinimisationAudited, func() {
			s.press1("/console/minimisation/new/run", "")
			for tries := 0; s.left(event.MinimisationAudited) == 0 && tries < 50; tries++ { // it runs beside the pages
				s.visit("/console/minimisation")
			}
		})
		s.visit("/console/minimisation")
		s.press("table.counts th a")
		if !scripted[bool](s, `!!document.querySelector("#findings")`) {
			s.holds("what was found")
		}
		s.look("/console/minimisation")
		s.lookAt("/console/contested")
	})
	t.Run("security and agents find no desk that is not theirs", func(t *testing.T) {
		for _, role := range []string{"security", "agent"} {
			s := sit(t, role, "en")
			s.visit("/console/breaches")
			s.holds("breaches.read")
			s.visit("/console/approvals")
			s.holds("approvals.read")
		}
	})
}

func paris(t *testing.T) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return z
}
