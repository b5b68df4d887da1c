package statistics

// Text is a reason in words, in French or, for "en", in English.
func (r Reason) Text(language string) string {
	all := map[Reason][2]string{
		CellsOfK:      {"aucune case ne représente moins de k personnes et aucun total n'en révèle une", "no cell stands for fewer than k people and no total gives one away"},
		NoCells:       {"rien n'est publié", "nothing is released"},
		Noise:         {"la présence d'une personne change ce qui est publié d'un facteur e^ε au plus, budget compris", "one person more or less changes what is released by a factor of e^ε at most, within the budget"},
		FirstOfItsDim: {"aucun autre tableau exact n'a été publié sur ces personnes en 12 mois", "no other exact table of these people was released in 12 months"},
		Differencing:  {"un tableau exact antérieur peut être soustrait de celui-ci", "an earlier exact table can be subtracted from this one"},
		Diverse:       {"chaque case porte au moins l valeurs, dont aucune n'excède 90 %", "each cell has at least l values, none of more than 90 %"},
		Uniform:       {"une combinaison n'a qu'une valeur: qui connaît les autres la déduit", "a combination has one value only: who knows the others deduces it"},
		NothingToTell: {"le tableau ne porte aucun attribut hors de ce qui groupe", "the table has no attribute beside the one it groups by"},
	}
	if language == "en" {
		return all[r][1]
	}
	return all[r][0]
}

// Verdict is what a release may be called.
func Verdict(answers []Answer, language string) string {
	switch anonymous := Anonymous(answers); {
	case anonymous && language == "en":
		return "Anonymous within the meaning of recital 26: each of the three tests is passed on the day of the release. To be looked at again when techniques change."
	case anonymous:
		return "Données anonymes au sens du considérant 26: chacun des trois tests est satisfait au jour de la publication. À réexaminer quand les techniques évoluent."
	case language == "en":
		return "Not anonymous: at least one test is not passed. These counts stay personal data until a documented study of the risk of re-identification says otherwise."
	}
	return "Non anonyme: un test au moins n'est pas satisfait. Ces comptes restent des données personnelles jusqu'à une étude documentée du risque de réidentification."
}
