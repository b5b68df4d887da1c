package answer

import (
	"slices"
	"strings"
	"time"

	"greffe/domain/policy"
)

// Company is what the notices ask the policy in force, beside Rules.
type Company interface {
	Rules
	Bounds() policy.Bounds
	Reasons() []policy.Reason
}

// Information is the section "Vos droits et durées de conservation" of a privacy
// notice (art. 13(1) and (2), 14): who answers, why and on what basis, to whom, how
// long, which rights, where to complain. It says what the policy in force says.
func Information(p Company, lang Lang, made time.Time) *Document {
	g := Glossary{Rules: p}.in(lang)
	d := &Document{Lang: lang, Made: made, Title: lang.or("Vos droits et durées de conservation", "Your rights, and how long we keep your data"),
		Footer: lang.or("Articles 13 et 14 du RGPD", "Articles 13 and 14 GDPR")}
	d.Sections = []Section{
		{ID: "controller", Title: lang.or("Qui traite vos données", "Who processes your data"), Article: "art. 13(1)(a), (b)", Blocks: controllersOf(p, lang)},
		{ID: "purposes", Title: lang.or("Pourquoi, et sur quelle base", "Why, and on what basis"), Article: "art. 13(1)(c), (d)", Blocks: []Block{purposesOf(p, g)}},
		{ID: "durations", Title: lang.or("Combien de temps", "How long"), Article: "art. 13(2)(a)", Blocks: durationsOf(p, g)},
		{ID: "recipients", Title: lang.or("À qui", "To whom"), Article: "art. 13(1)(e)", Blocks: []Block{{List: recipientsOf(p, lang)}}},
		{ID: "rights", Title: lang.or("Vos droits", "Your rights"), Article: "art. 13(2)(b), (c), (d)", Blocks: rightsOf(lang)},
	}
	if calls(p) {
		d.Sections = append(d.Sections, Section{ID: "calls", Title: lang.or("Démarchage téléphonique", "Calls for marketing"), Article: "C. conso. L223-1, L223-2", Blocks: []Block{text(lang.or(
			"Nous ne vous appelons à des fins de prospection qu'avec votre consentement préalable, donné pour un objet et une durée d'un an au plus, et que vous pouvez retirer à tout moment, y compris pendant un appel. Vous pouvez demander copie de sa preuve, gratuitement.",
			"We call you for marketing only with your prior consent, given for an object and for one year at most. You can withdraw it at any time, also during a call, and ask for a copy of its proof, free of charge."))}})
	}
	return d
}

func controllersOf(p Company, lang Lang) (out []Block) {
	for _, c := range p.Controllers() {
		b := Block{}
		for _, x := range [][3]string{{"Responsable du traitement", "Controller", c.Name}, {"Adresse", "Address", c.Address}, {"Courriel", "E-mail", c.Email}, {"Téléphone", "Phone", c.Phone},
			{"Délégué à la protection des données", "Data protection officer", c.DPO}} {
			if x[2] != "" {
				b.Pairs = append(b.Pairs, Pair{lang.or(x[0], x[1]), x[2]})
			}
		}
		out = append(out, b)
	}
	return out
}

func purposesOf(p Company, g *glossary) Block {
	var rows [][]string
	for _, x := range p.Purposes() {
		var bases []string
		for _, b := range x.LegalBases {
			bases = append(bases, g.say(b))
		}
		rows = append(rows, []string{g.lang.or(x.FR, x.EN), strings.Join(bases, ", "), x.Reference})
	}
	return table(rows, Column{g.lang.or("Finalité", "Purpose"), 3}, Column{g.lang.or("Base légale", "Legal basis"), 3}, Column{g.lang.or("Fondement", "Founded in"), 4})
}

// durationsOf tells of each class how long it is kept, from when, and on what that
// stands. The access journal's term is one of the bounds.
func durationsOf(p Company, g *glossary) []Block {
	var rows [][]string
	for _, c := range p.Classes() {
		for _, d := range p.Durations(c.Code) {
			rows = append(rows, durationOf(c, d, g))
		}
	}
	active := g.lang.or("base active", "active")
	if c, ok := p.Class("access"); ok {
		rows = append(rows, []string{g.lang.or(c.FR, c.EN), "", active, g.period(policy.Period{Months: p.Bounds().AccessJournalMonths}.String()) +
			g.lang.or(" à compter de l'accès", " from the access"), "délib. CNIL 2021-122"})
	}
	return []Block{
		text(g.lang.or("Au terme, les données sont effacées par destruction de leur clé et suppression du contenu chiffré. Une donnée dont une loi impose la conservation, ou qui sert à un litige, est gardée à part jusqu'au terme indiqué.",
			"At the end of its term, data is erased by destroying its key and removing the encrypted content. What a law obliges us to keep, or what a dispute needs, is kept apart until the term given here.")),
		table(rows, Column{g.lang.or("Données", "Data"), 3}, Column{g.lang.or("De qui", "Of whom"), 2}, Column{"Phase", 2},
			Column{g.lang.or("Durée", "Length"), 4}, Column{g.lang.or("Fondement", "Founded in"), 3}),
	}
}

func durationOf(c policy.Class, d policy.Duration, g *glossary) []string {
	phase := g.lang.or("base active", "active")
	if d.Phase == policy.PhaseArchive {
		phase = g.lang.or("archive intermédiaire", "archive")
	}
	length := g.lang.or("jusqu'à ", "until ")
	if d.Length != (policy.Period{}) {
		length = g.period(d.Length.String()) + g.lang.or(", à compter de: ", ", from: ")
	}
	var who []string
	for _, k := range d.Kinds {
		who = append(who, g.say(k))
	}
	return []string{g.lang.or(c.FR, c.EN), strings.Join(who, ", "), phase, length + g.say(d.Start), d.Reference}
}

func recipientsOf(p Company, lang Lang) (out []string) {
	for _, r := range p.Recipients() {
		out = append(out, lang.or(r.FR, r.EN))
	}
	if len(out) == 0 {
		out = []string{lang.or("Aucun destinataire hors de l'entreprise.", "Nobody outside the company.")}
	}
	return out
}

func rightsOf(lang Lang) []Block {
	list := []string{
		"accéder à vos données et en recevoir copie (art. 15)", "les faire rectifier ou compléter (art. 16)", "les faire effacer (art. 17)",
		"faire limiter leur usage (art. 18)", "les recevoir dans un format lisible par machine, ou les faire transmettre (art. 20)",
		"vous opposer à la prospection, à tout moment et sans motif; à un autre traitement, pour des raisons tenant à votre situation (art. 21)",
		"ne pas faire l'objet d'une décision entièrement automatisée (art. 22)", "retirer un consentement, aussi simplement que vous l'avez donné (art. 7(3))",
		"dire ce qu'il adviendra de vos données après votre mort (loi Informatique et Libertés, art. 85)",
	}
	if lang == EN {
		list = []string{
			"have access to your data, with a copy (art. 15)", "have it rectified or completed (art. 16)", "have it erased (art. 17)",
			"have its use restricted (art. 18)", "receive it in a machine-readable form, or have it sent on (art. 20)",
			"object to marketing, at any time and without a reason; to other processing, on grounds relating to your situation (art. 21)",
			"not be subject to a decision based solely on automated processing (art. 22)", "withdraw a consent as easily as you gave it (art. 7(3))",
			"say what becomes of your data after your death (French act of 6 January 1978, art. 85)",
		}
	}
	return []Block{text(lang.or("Vous pouvez:", "You can:")), {List: list},
		text(lang.or("Écrivez au délégué à la protection des données nommé plus haut. Nous répondons sous un mois; ce délai peut être prolongé de deux mois si la demande est complexe, ce dont nous vous informons avec ses raisons. C'est gratuit.",
			"Write to the data protection officer named above. We answer within one month; that can become three if the request is complex, of which we tell you with the reasons. It is free of charge.")),
		text(lang.or("Si notre réponse ne vous satisfait pas, vous pouvez saisir la CNIL (3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07; www.cnil.fr) ou le juge.",
			"If our answer does not satisfy you, you can complain to the CNIL (3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, France; www.cnil.fr) or go to court."))}
}

// calls reports a purpose that is prospecting by phone.
func calls(p Company) bool {
	service := []string{"customer_service", "contract", "billing", "recruitment", "compliance", "security"}
	return slices.ContainsFunc(p.Purposes(), func(x policy.Purpose) bool {
		prospecting := !slices.Contains(service, x.Code)
		if x.Prospecting != nil {
			prospecting = *x.Prospecting
		}
		return prospecting && slices.Contains(x.Channels, "phone")
	})
}
