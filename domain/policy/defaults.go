package policy

import "slices"

// standard is the duration a rule is measured against. CNIL référentiels bind
// nobody, but a departure must be justified (délib. 2021-131, § durations).
type standard struct {
	classes          []string
	purpose, phase   string
	kinds, condition string // one kind or "" for any
	start            string
	length           Period
	least            Period // a law's floor: shorter is refused, justified or not
}

func years(n int) Period { return Period{Years: n} }

// standards are the durations of CNIL délib. 2021-131 ("gestion des activités
// commerciales") and of the laws named; regulation §1 lists the sources.
func standards() []standard {
	person := []string{"identity", "contact_details", "commercial", "notes"}
	hiring := []string{"identity", "contact_details", "recruitment", "notes"}
	return []standard{
		{classes: person, purpose: "prospecting", phase: PhaseActive, kinds: "prospect", start: "last_contact", length: years(3)},
		{classes: person, purpose: "prospecting", phase: PhaseActive, kinds: "client", start: "relationship_end", length: years(3)},
		{classes: person, purpose: "prospecting", phase: PhaseActive, kinds: "former_client", start: "relationship_end", length: years(3)},
		{classes: []string{"contract"}, purpose: "contract", phase: PhaseArchive, start: "contract_end", length: years(5)},
		{classes: []string{"contract"}, purpose: "contract", phase: PhaseArchive, condition: ConditionElectronic120, start: "delivery",
			length: years(10), least: years(10)}, // C. conso. L213-1
		{classes: []string{"billing"}, purpose: "billing", phase: PhaseArchive, start: "invoice_year_end",
			length: years(10), least: years(10)}, // C. com. L123-22
		{classes: hiring, purpose: "recruitment", phase: PhaseActive, kinds: "candidate", start: "recruitment_last_contact", length: years(2)},
		{classes: []string{"evidence"}, purpose: "prospecting", phase: PhaseArchive, start: "consent_end",
			length: years(5), least: years(3)}, // C. conso. R223-1 ff.: telephone consent, at least 3 years
		{classes: []string{"requests"}, purpose: "compliance", phase: PhaseArchive, start: "request_closed", length: years(5)},
		{classes: []string{"opposition"}, purpose: "prospecting", phase: PhaseActive, start: "prospecting_end",
			length: years(3), least: years(3)}, // CNIL, liste repoussoir: at least 3 years
	}
}

// standardsFor finds what d departs from or stays within. A rule for several
// kinds is measured against each of them.
func standardsFor(d Duration) []standard {
	var out []standard
	for _, s := range standards() {
		if slices.Contains(s.classes, d.Class) && s.purpose == d.Purpose && s.phase == d.Phase && s.condition == d.Condition &&
			(s.kinds == "" || d.For(s.kinds)) {
			out = append(out, s)
		}
	}
	return out
}
