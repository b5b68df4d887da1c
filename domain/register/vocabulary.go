package register

// Term is a code of this package and its French name, as the CNIL's model has it.
type Term struct{ Code, French string }

// Role is as what the company processes.
type Role string

// The roles, each a register of its own (art. 30(1) and (2)).
const (
	Controller Role = "controller"
	Processor  Role = "processor"
)

// Roles lists them.
func Roles() []Role { return []Role{Controller, Processor} }

// French is the title of a role's register.
func (r Role) French() string {
	if r == Processor {
		return "Sous-traitant"
	}
	return "Responsable de traitement"
}

// Categories are the categories of data of the CNIL's model.
func Categories() []Term {
	return []Term{
		{"identity", "État civil, identité, données d'identification, images"},
		{"private_life", "Vie personnelle (habitudes de vie, situation familiale)"},
		{"professional_life", "Vie professionnelle (CV, situation, formation)"},
		{"economic", "Informations d'ordre économique et financier"},
		{"connection", "Données de connexion (adresse IP, journaux)"},
		{"location", "Données de localisation"},
		{"internet", "Internet (cookies, traceurs, données de navigation)"},
		{"other", "Autres catégories de données"},
	}
}

// Sensitives are the data of art. 9, art. 10 and the NIR (décret 2019-341).
func Sensitives() []Term {
	return []Term{
		{"racial_origin", "Origine raciale ou ethnique"},
		{"political", "Opinions politiques"},
		{"religious", "Convictions religieuses ou philosophiques"},
		{"union", "Appartenance syndicale"},
		{"genetic", "Données génétiques"},
		{"biometric", "Données biométriques aux fins d'identifier une personne"},
		{"health", "Données concernant la santé"},
		{"sex_life", "Vie sexuelle ou orientation sexuelle"},
		{"offences", "Condamnations pénales et infractions"},
		{"nir", "Numéro d'identification national unique (NIR)"},
	}
}

// Measures are the kinds of security measures (art. 30(1)(g), 32).
func Measures() []Term {
	return []Term{
		{"access_control", "Contrôle d'accès des utilisateurs"},
		{"traceability", "Mesures de traçabilité"},
		{"software", "Mesures de protection des logiciels"},
		{"backup", "Sauvegarde des données"},
		{"encryption", "Chiffrement des données"},
		{"processors", "Contrôle des sous-traitants"},
		{"other", "Autres mesures"},
	}
}

// The kinds of recipients (art. 4(9)): within the company, other bodies, processors.
const (
	Internal   = "internal"
	External   = "external"
	Contracted = "processor"
)

// RecipientKinds lists them.
func RecipientKinds() []Term {
	return []Term{
		{Internal, "Destinataires internes"},
		{External, "Organismes externes"},
		{Contracted, "Sous-traitants"},
	}
}

// Guarantees are what a transfer outside the Union can stand on (art. 45, 46, 47, 49).
func Guarantees() []Term {
	return []Term{
		{"adequacy", "Décision d'adéquation (art. 45)"},
		{"scc", "Clauses contractuelles types (art. 46(2)(c))"},
		{"bcr", "Règles d'entreprise contraignantes (art. 47)"},
		{"code_of_conduct", "Code de conduite (art. 46(2)(e))"},
		{"certification", "Certification (art. 46(2)(f))"},
		{"derogation", "Dérogation (art. 49)"},
		{"none", "Aucune"},
	}
}

// Bases are the legal bases of art. 6(1). The CNIL's model has no column for them; its
// inspectors ask.
func Bases() []Term {
	return []Term{
		{"consent", "Consentement (art. 6(1)(a))"},
		{"contract", "Contrat (art. 6(1)(b))"},
		{"legal_obligation", "Obligation légale (art. 6(1)(c))"},
		{"vital_interests", "Sauvegarde des intérêts vitaux (art. 6(1)(d))"},
		{"public_task", "Mission d'intérêt public (art. 6(1)(e))"},
		{"legitimate_interest", "Intérêt légitime (art. 6(1)(f))"},
	}
}

// Kinds are the categories of persons that the kinds of contact are of.
func Kinds() []Term {
	return []Term{
		{"prospect", "Prospects"}, {"client", "Clients"}, {"former_client", "Anciens clients"},
		{"candidate", "Candidats à l'embauche"}, {"supplier_contact", "Contacts chez les fournisseurs"},
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

// french is a code's name, the code itself if it has none.
func french(terms []Term, code string) string {
	for _, t := range terms {
		if t.Code == code {
			return t.French
		}
	}
	return code
}
