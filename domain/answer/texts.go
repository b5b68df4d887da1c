package answer

import (
	"strings"

	"greffe/domain/contact"
)

// cnil is where a complaint goes in France (art. 77).
const cnil = "CNIL, 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, www.cnil.fr"

// remedies are what art. 12(4) asks to be told with each refusal: the authority and
// the court.
func remedies(l Lang) string {
	return l.or("Si vous estimez que vos droits ne sont pas respectés, vous pouvez introduire une réclamation auprès de la "+cnil+
		" (art. 77 du RGPD), et former un recours devant le tribunal compétent (art. 79).",
		"If you consider that your rights are not respected, you may lodge a complaint with the "+cnil+
			" (GDPR art. 77), and bring the matter before the competent court (art. 79).")
}

func join(l []string) string { return strings.Join(l, ", ") }

func controllersSection(w *glossary, all []contact.ControllerLine) Section {
	rows := [][]string{}
	for _, c := range all {
		rows = append(rows, []string{c.Name, lines(c.Address, c.Email, c.Phone), c.DPO})
	}
	return Section{ID: "responsable", Title: w.lang.or("Responsable du traitement", "Controller"), Article: "art. 4(7), 13(1)", Blocks: []Block{
		table(rows, Column{w.lang.or("Nom", "Name"), 3}, Column{w.lang.or("Adresse", "Address"), 5},
			Column{w.lang.or("Délégué à la protection des données", "Data protection officer"), 4})}}
}

// lines puts what there is on lines of its own.
func lines(all ...string) string {
	var out []string
	for _, s := range all {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}
