package dpia

// Term is a code of this package, with its name in French and in English.
type Term struct {
	Code string `json:"code"`
	FR   string `json:"fr"`
	EN   string `json:"en"`
}

// The nine criteria of WP248 rev.01: who meets two needs an assessment as a rule.
const (
	Scoring    = "scoring"
	Automated  = "automated_decision"
	Monitoring = "systematic_monitoring"
	Sensitive  = "sensitive_data"
	LargeScale = "large_scale"
	Matching   = "matching"
	Vulnerable = "vulnerable_persons"
	Innovative = "innovative_use"
	Exclusion  = "exclusion"
)

// Criteria lists them.
func Criteria() []Term {
	return []Term{
		{Scoring, "Évaluation ou notation, y compris le profilage", "Evaluation or scoring, profiling included"},
		{Automated, "Décision automatisée avec effet juridique ou similaire significatif", "Automated decision with legal or similar effect"},
		{Monitoring, "Surveillance systématique", "Systematic monitoring"},
		{Sensitive, "Données sensibles ou à caractère hautement personnel (financières, localisation)", "Sensitive or highly personal data (financial, location)"},
		{LargeScale, "Traitement à grande échelle", "Large scale"},
		{Matching, "Croisement ou combinaison d'ensembles de données", "Matching or combining datasets"},
		{Vulnerable, "Personnes vulnérables (mineurs, salariés, patients)", "Vulnerable persons (minors, staff, patients)"},
		{Innovative, "Usage innovant ou nouvelles solutions technologiques ou organisationnelles", "Innovative use or new technology"},
		{Exclusion, "Exclusion du bénéfice d'un droit, d'un service ou d'un contrat", "Exclusion from a right, service or contract"},
	}
}

// Mandatory lists the 14 types for which an assessment is always needed (art. 35(4);
// délib. CNIL 2018-327).
func Mandatory() []Term {
	return []Term{
		{"m01", "Données de santé des établissements de santé ou médico-sociaux pour la prise en charge des personnes", "Health data of care institutions"},
		{"m02", "Données génétiques de personnes vulnérables", "Genetic data of vulnerable persons"},
		{"m03", "Profils de personnes physiques à des fins de gestion des ressources humaines", "Profiles for human resources"},
		{"m04", "Surveillance constante de l'activité des employés", "Constant monitoring of staff"},
		{"m05", "Gestion des alertes et signalements en matière sociale et sanitaire", "Alerts in social and health matters"},
		{"m06", "Gestion des alertes et signalements en matière professionnelle", "Whistleblowing at work"},
		{"m07", "Entrepôt de données ou registre de données de santé", "Health data warehouse or registry"},
		{"m08", "Profilage pouvant aboutir à l'exclusion du bénéfice d'un contrat, à sa suspension ou à sa rupture", "Profiling that may exclude from a contract, suspend or end it"},
		{"m09", "Traitements mutualisés de manquements contractuels pouvant aboutir à une exclusion ou une suspension", "Shared files of breaches of contract that may lead to exclusion"},
		{"m10", "Profilage faisant appel à des données provenant de sources externes", "Profiling with data from external sources"},
		{"m11", "Données biométriques pour reconnaître des personnes, dont des personnes vulnérables", "Biometric recognition, vulnerable persons among them"},
		{"m12", "Instruction des demandes et gestion des logements sociaux", "Social housing"},
		{"m13", "Accompagnement social ou médico-social des personnes", "Social or medico-social support"},
		{"m14", "Données de localisation à large échelle", "Location data at large scale"},
	}
}

// Exempt lists the 12 types for which none is needed (art. 35(5); délib. CNIL 2019-118).
// The management of suppliers is among them, that of clients and prospects is not.
func Exempt() []Term {
	return []Term{
		{"e01", "Ressources humaines d'un employeur de moins de 250 personnes, hors profilage", "Human resources below 250 staff, no profiling"},
		{"e02", "Gestion de la relation fournisseurs", "Suppliers"},
		{"e03", "Fichier électoral des communes", "Electoral roll of a municipality"},
		{"e04", "Activités des comités d'entreprise et d'établissement", "Works councils"},
		{"e05", "Membres et donateurs d'une association, sans données sensibles", "Members and donors of an association, no sensitive data"},
		{"e06", "Prise en charge d'un patient par un professionnel de santé exerçant à titre individuel", "Patients of a health professional working alone"},
		{"e07", "Avocats exerçant à titre individuel", "Lawyers working alone"},
		{"e08", "Greffiers des tribunaux de commerce", "Clerks of commercial courts"},
		{"e09", "Notaires, pour leur activité notariale", "Notaries, for their office"},
		{"e10", "Affaires scolaires, périscolaires et petite enfance des collectivités", "School and early childhood services of local authorities"},
		{"e11", "Contrôle d'accès physique et horaires de travail, sans biométrie", "Physical access and working hours, no biometrics"},
		{"e12", "Éthylotests dans les transports, encadrés par un texte", "Alcohol interlocks in transport, as a text requires"},
	}
}

func known(terms []Term, code string) bool {
	for _, t := range terms {
		if t.Code == code {
			return true
		}
	}
	return false
}
