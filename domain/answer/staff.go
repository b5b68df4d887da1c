package answer

import (
	"time"

	"greffe/domain/policy"
)

// Staff is the model of the notice to staff about the journal of accesses (délib. CNIL
// 2021-122; art. 13; C. trav. L1222-4: nobody is watched by a means not told of
// before).
func Staff(p Company, lang Lang, made time.Time) *Document {
	var reasons []string
	for _, r := range p.Reasons() {
		reasons = append(reasons, lang.or(r.FR, r.EN))
	}
	d := &Document{Lang: lang, Made: made, Footer: "délib. CNIL 2021-122",
		Title: lang.or("Journal des accès: information du personnel", "The access journal: notice to staff"),
		Lead: lang.or("Modèle à compléter, à soumettre au comité social et économique, puis à remettre à chaque personne avant son premier accès.",
			"A model: complete it, put it before the works council, and give it to everybody before their first access.")}
	d.Sections = []Section{
		{ID: "what", Title: lang.or("Ce qui est enregistré", "What is recorded"), Blocks: []Block{
			text(lang.or("À chaque lecture, création, modification, suppression ou export de données de personnes: votre compte, la date et l'heure, la nature de l'opération, les catégories de données, le motif choisi, la référence du dossier et les identifiants internes des personnes concernées. Le contenu consulté n'est pas copié.",
				"At each reading, creation, change, deletion or export of people's data: your account, date and time, the nature of the operation, the categories of data, the reason chosen, the reference of the case and the internal ids of those concerned. What was read is not copied.")),
			text(lang.or("Motifs:", "Reasons:")), {List: reasons}}},
		{ID: "why", Title: lang.or("Pourquoi, et pour rien d'autre", "Why, and for nothing else"), Article: "art. 32, 6(1)(f)", Blocks: []Block{
			text(lang.or("Détecter et comprendre les accès illégitimes, répondre aux personnes qui demandent qui a vu leurs données, prouver la sécurité du traitement. Ce journal ne sert ni à mesurer votre activité, ni à contrôler vos horaires.",
				"To detect and understand unlawful access, to answer people who ask who saw their data, to prove that processing is secure. The journal serves neither to measure your work nor to check your hours."))}},
		{ID: "who", Title: lang.or("Qui le lit, combien de temps", "Who reads it, for how long"), Blocks: readersOf(p, lang)},
		{ID: "rights", Title: lang.or("Vos droits", "Your rights"), Article: "art. 15 à 21", Blocks: append(controllersOf(p, lang), text(lang.or(
			"Vous pouvez accéder à ce que le journal dit de vous, le faire rectifier, vous opposer pour des raisons tenant à votre situation, et saisir la CNIL.",
			"You can have access to what the journal says of you, have it rectified, object on grounds relating to your situation, and complain to the CNIL.")))},
	}
	return d
}

func readersOf(p Company, lang Lang) []Block {
	months := Glossary{Rules: p}.in(lang).period(policy.Period{Months: p.Bounds().AccessJournalMonths}.String())
	out := []Block{
		text(lang.or("Le délégué à la protection des données et les auditeurs habilités; la CNIL lors d'un contrôle. Chacune de leurs lectures est elle-même enregistrée. Une personne qui exerce son droit d'accès apprend les dates et motifs, non votre nom.",
			"The data protection officer and authorised auditors; the CNIL during an inspection. Each time they read, that is recorded too. Somebody who uses the right of access learns dates and reasons, not your name.")),
		{Pairs: []Pair{{lang.or("Durée", "Kept for"), months}}}}
	if j := p.Bounds().AccessJustification; j != "" {
		out = append(out, note(lang.or("Au-delà de 12 mois: ", "Beyond 12 months: ")+j))
	}
	return out
}
