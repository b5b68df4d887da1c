package register

import (
	"slices"
	"time"

	"greffe/domain/policy"
)

// The entries that the ledger ships for itself.
const (
	TemplateLedger     = "ledger"
	TemplateJournal    = "access_log"
	TemplateOpposition = "opposition_list"
	purposeTemplate    = "purpose:" // and a purpose of the policy
)

// Shipped lists the templates that every user of the ledger needs an entry of.
func Shipped() []string { return []string{TemplateLedger, TemplateJournal, TemplateOpposition} }

// Template is an entry to begin with, filled in from the policy.
type Template struct {
	Name  string `json:"template"`
	Entry Entry  `json:"entry"`
}

// Templates are the shipped entries, and one for each other purpose of the policy.
// Durations, bases and recipients are those of the policy; what only the company knows
// is left out. They pass Check.
func Templates(p *policy.Policy) []Template {
	out := []Template{
		{TemplateLedger, ledgerEntry(p)},
		{TemplateJournal, journalEntry(p)},
		{TemplateOpposition, oppositionEntry(p)},
	}
	for _, u := range p.Purposes() {
		if u.Code != "compliance" && u.Code != "security" {
			out = append(out, Template{purposeTemplate + u.Code, purposeEntry(p, u)})
		}
	}
	return out
}

// TemplateNamed is one of them.
func TemplateNamed(p *policy.Policy, name string) (Template, bool) {
	all := Templates(p)
	i := slices.IndexFunc(all, func(t Template) bool { return t.Name == name })
	if i < 0 {
		return Template{}, false
	}
	return all[i], true
}

// own is an entry of the ledger itself.
func own(p *policy.Policy, purpose string, bases []string) Entry {
	e := Entry{Role: Controller, Software: []string{"Greffe"}, LegalBases: bases, Security: measures(),
		Recipients: []Recipient{{Kind: Internal, Name: "Délégué à la protection des données"}, {Kind: External, Name: "CNIL, en cas de contrôle", Type: "autorité de contrôle"}}}
	if p.Purpose(purpose) {
		e.Purposes = []string{purpose}
	}
	return e
}

func ledgerEntry(p *policy.Policy) Entry {
	e := own(p, "compliance", []string{"legal_obligation"})
	e.Reference, e.Name = "GREFFE-1", "Registre de conformité des contacts (Greffe)"
	e.Purpose = "Prouver le respect du RGPD : consentements, information, droits, durées"
	e.SubPurposes = []string{"Preuve du consentement et de l'information", "Exercice des droits des personnes", "Habilitations du registre"}
	e.Legal = "art. 5(2), 7(1), 12 à 22, 30 RGPD"
	e.Persons = append(kindsOf(p), "Utilisateurs du registre")
	e.Source = "Systèmes de l'entreprise (producteurs) ; la personne elle-même pour ses demandes"
	e.Data = []Data{
		data(p, e.Purposes, "other", "Preuves de consentement et d'information, demandes d'exercice de droits", "evidence", "requests"),
		data(p, e.Purposes, "connection", "Comptes des utilisateurs du registre", "accounts"),
	}
	return e
}

func journalEntry(p *policy.Policy) Entry {
	e := own(p, "security", []string{"legal_obligation", "legitimate_interest"})
	e.Reference, e.Name = "GREFFE-2", "Journal des accès aux données des contacts"
	e.Purpose = "Savoir qui a consulté quelles données et pourquoi, et détecter les usages anormaux"
	e.SubPurposes = []string{"Répondre à une personne qui demande qui a consulté ses données", "Mesurer l'étendue d'une violation de données"}
	e.Legal = "art. 5(1)(f), 15, 32 et 33 RGPD ; délib. CNIL 2021-122 ; ni suivi ni évaluation des salariés"
	e.Persons = append([]string{"Salariés et prestataires habilités"}, kindsOf(p)...)
	e.Source = "Le registre lui-même et les systèmes qui déclarent leurs consultations"
	e.Data = []Data{data(p, e.Purposes, "connection", "Compte, date et heure, nature de l'opération, motif, référence des personnes concernées ; aucun contenu", "access")}
	return e
}

func oppositionEntry(p *policy.Policy) Entry {
	e := own(p, "compliance", []string{"legal_obligation"})
	e.Reference, e.Name = "GREFFE-3", "Liste d'opposition (liste repoussoir)"
	e.Purpose = "Ne plus solliciter les personnes qui s'y sont opposées, et rien d'autre"
	e.Legal = "art. 21(2) et (3) RGPD ; CNIL, liste repoussoir"
	e.Persons = []string{"Personnes opposées à la prospection, contacts ou non"}
	e.Source = "La personne ; listes d'opposition importées"
	e.Data = []Data{data(p, e.Purposes, "identity", "Adresses électroniques et numéros de téléphone, uniquement sous forme d'empreintes à clé", "opposition")}
	return e
}

func purposeEntry(p *policy.Policy, u policy.Purpose) Entry {
	e := Entry{Role: Controller, Reference: "POLITIQUE-" + u.Code, Name: u.FR, Purpose: u.FR, Purposes: []string{u.Code}, LegalBases: u.LegalBases, Legal: u.Reference,
		Security: measures()}
	for _, c := range categoriesOf(p, e.Purposes) {
		if c.category != "" {
			var words []string
			for _, code := range c.classes {
				class, _ := p.Class(code)
				words = append(words, class.FR)
			}
			e.Data = append(e.Data, data(p, e.Purposes, c.category, join(words), c.classes...))
		}
	}
	var kinds []string
	for _, d := range p.Durations("") {
		if d.Purpose == u.Code {
			for _, k := range d.Kinds {
				if name := french(Kinds(), k); !slices.Contains(kinds, name) {
					kinds = append(kinds, name)
				}
			}
		}
	}
	if e.Persons = kinds; len(kinds) == 0 {
		e.Persons = kindsOf(p)
	}
	for _, r := range p.Recipients() {
		kind := External
		switch r.Kind {
		case "processor":
			kind = Contracted
		case "source":
			kind = Internal
		}
		e.Recipients = append(e.Recipients, Recipient{Kind: kind, Name: r.FR, Code: r.Code})
	}
	return e
}

type category struct {
	category string
	classes  []string
}

// categoriesOf sorts the classes that the policy keeps for purposes by the categories
// of the CNIL's model.
func categoriesOf(p *policy.Policy, purposes []string) (out []category) {
	for _, t := range Categories() {
		c := category{category: t.Code}
		for _, class := range KeptFor(p, purposes) {
			if categoryOf(class) == t.Code {
				c.classes = append(c.classes, class)
			}
		}
		if len(c.classes) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// categoryOf is the category of the CNIL's model that a class of the policy is of.
func categoryOf(class string) string {
	switch class {
	case "identity", "contact_details", "opposition":
		return "identity"
	case "commercial", "notes":
		return "private_life"
	case "recruitment":
		return "professional_life"
	case "contract", "billing":
		return "economic"
	case "access", "accounts":
		return "connection"
	}
	return "other"
}

// KeptFor lists the classes that the policy keeps for any of the purposes, sorted.
func KeptFor(p *policy.Policy, purposes []string) (out []string) {
	for _, d := range p.Durations("") {
		if slices.Contains(purposes, d.Purpose) && !slices.Contains(out, d.Class) {
			out = append(out, d.Class)
		}
	}
	slices.Sort(out)
	return out
}

func data(p *policy.Policy, purposes []string, of, description string, classes ...string) Data {
	active, archive := Longest(p, purposes, classes)
	return Data{Category: of, Description: description, Active: active, Archive: archive, Classes: classes}
}

// Longest are the longest times that the policy keeps any of the classes for the
// purposes, by phase, as ISO 8601; "" where it has no rule. A class that it keeps for
// none of them counts with all its rules. The journal of accesses has its length under
// bounds (délib. 2021-122).
func Longest(p *policy.Policy, purposes, classes []string) (active, archive string) {
	best := map[string]policy.Period{}
	take := func(phase string, l policy.Period) {
		if old, ok := best[phase]; !ok || l.After(someDay()).After(old.After(someDay())) {
			best[phase] = l
		}
	}
	kept := KeptFor(p, purposes)
	for _, class := range classes {
		if class == "access" {
			take(policy.PhaseActive, policy.Period{Months: p.Bounds().AccessJournalMonths})
		}
		for _, d := range p.Durations(class) {
			if slices.Contains(purposes, d.Purpose) || !slices.Contains(kept, class) {
				take(d.Phase, d.Length)
			}
		}
	}
	if l, ok := best[policy.PhaseActive]; ok {
		active = l.String()
	}
	if l, ok := best[policy.PhaseArchive]; ok {
		archive = l.String()
	}
	return active, archive
}

// someDay is the day that lengths are compared from: periods of months and days have no
// other order.
func someDay() time.Time { return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) }

func kindsOf(p *policy.Policy) (out []string) {
	for _, t := range Kinds() {
		if slices.ContainsFunc(p.Durations(""), func(d policy.Duration) bool { return slices.Contains(d.Kinds, t.Code) }) {
			out = append(out, t.French)
		}
	}
	return out
}

// measures are what the ledger itself does (art. 32); the company adds its own.
func measures() []Measure {
	return []Measure{
		{"access_control", "Comptes nominatifs, rôles et classes visibles selon la politique ; jetons à durée limitée"},
		{"traceability", "Chaque consultation est enregistrée avant la réponse, avec son motif ; journal chaîné et signé"},
		{"backup", "Sauvegardes vérifiées ; les effacements y sont rejoués à la restauration"},
		{"encryption", "Données scellées sous une clé par personne et par classe ; effacement avec destruction de clé"},
	}
}
