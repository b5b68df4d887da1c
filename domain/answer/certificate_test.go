package answer_test

import (
	"strings"
	"testing"

	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/answer/answertest"
)

// TestDoYouHoldAnything: by what was destroyed since the certificate.
func TestDoYouHoldAnything(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		whole bool
		later []answer.LaterErasure
		held  answer.Outcome
		says  []string
	}{
		{"kept", true, nil, answer.Held, []string{"sauf celles que la loi permet de conserver : Facturation, Contrats", "31 décembre 2036", "tant que dure"}},
		{"one gone", true, []answer.LaterErasure{{Classes: []string{"contract"}}}, answer.Held, []string{"conserver : Facturation.", "détruit depuis"}},
		{"all gone", true, []answer.LaterErasure{{Classes: []string{"contract"}}, {Classes: []string{"billing", "evidence"}}}, answer.Gone, []string{"Nous ne détenons plus aucune donnée", "détruit depuis"}},
		{"a year gone", true, []answer.LaterErasure{{Classes: []string{"billing"}, Epochs: []string{"billing/2019"}}}, answer.Held,
			[]string{"conserver : Facturation, Contrats", "31 décembre 2036 (détruit en partie depuis)"}},
		{"a year of each gone", true, []answer.LaterErasure{{Classes: []string{"billing", "contract"}, Epochs: []string{"billing/2019", "contract/2019"}}}, answer.Held,
			[]string{"conserver : Facturation, Contrats", "justifie (détruit en partie depuis)"}},
		{"a year of one, all of another", true, []answer.LaterErasure{{Classes: []string{"billing", "contract"}, Epochs: []string{"billing/2019"}}}, answer.Held,
			[]string{"conserver : Facturation.", "détruit depuis", "31 décembre 2036 (détruit en partie depuis)"}},
		{"a year gone, then the rest", true, []answer.LaterErasure{{Classes: []string{"billing"}, Epochs: []string{"billing/2019"}}, {Classes: []string{"billing", "contract"}}}, answer.Gone,
			[]string{"Nous ne détenons plus aucune donnée", "détruit depuis", "!en partie"}},
		{"erased again", true, []answer.LaterErasure{{Whole: true, Kept: []string{"billing"}}}, answer.Held, []string{"conserver : Facturation."}},
		{"parts alone", false, nil, answer.Held, []string{"Une partie de vos données"}},
	} {
		x := answertest.Certificate()
		x.Whole = c.whole
		x.Now(answertest.At(25).Time, c.later)
		if x.Held != c.held {
			t.Errorf("%s: %s", c.name, x.Held)
		}
		wants(t, c.name, x.Document(answer.FR, glossary()).Plain(), append(c.says, x.Number.String(), "Effacement avec destruction de clé", "Coordonnées", "le consentement est retiré",
			"a confirmé", "CNIL", "18 mars 2026 à 09:05", "25 mars 2026")...)
	}
	const stays, parts = "Si vous vous étiez opposé, une empreinte de chaque adresse, qui ne permet pas de la relire", "!empreinte"
	wants(t, "whole", answertest.Certificate().Document(answer.FR, glossary()).Plain(), stays, "Le fait de l'effacement et le présent certificat restent inscrits, sans donnée vous concernant")
	some := answertest.Certificate()
	some.Whole = false
	wants(t, "parts", some.Document(answer.FR, glossary()).Plain(), parts)
	x := answertest.Certificate()
	x.Now(answertest.At(25).Time, nil)
	wants(t, "english", x.Document(answer.EN, glossary()).Plain(), "Certificate of erasure", "that the law lets us keep: Billing, Contracts.", "as long as what it is kept for goes on", "!conserv")
	x.Destroyed, x.Epochs = []string{"billing", "notes"}, []string{"billing/2020.1", "billing/2019", "billing/2019-a1"}
	wants(t, "years", x.Document(answer.FR, glossary()).Plain(), "Facturation (2019, 2020)", "!) (")
	wants(t, "json", machine(t, x), `"outcome":"held"`, `"until":"2036-12-31`, `"asked_at"`)
	if s := machine(t, answertest.Certificate()); strings.Contains(s, "outcome") || strings.Contains(s, domain.ID{}.String()) {
		t.Error(s)
	}
}
