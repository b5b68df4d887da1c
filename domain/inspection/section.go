package inspection

// Mode is how an inspection is carried out (loi 78-17 art. 19).
type Mode string

// The modes.
const (
	OnSite    Mode = "on_site"   // contrôle sur place
	Online    Mode = "online"    // contrôle en ligne
	Documents Mode = "documents" // contrôle sur pièces
	Hearing   Mode = "hearing"   // audition
)

// Modes lists them.
func Modes() []Mode { return []Mode{OnSite, Online, Documents, Hearing} }

// French is the mode's name in law.
func (m Mode) French() string {
	return map[Mode]string{OnSite: "sur place", Online: "en ligne", Documents: "sur pièces", Hearing: "audition"}[m]
}

// Section is something that an inspection may ask for. Events and their proofs are
// always in a bundle: the rest is checked against them.
type Section string

// The sections.
const (
	Accesses     Section = "accesses"
	Consents     Section = "consents"
	Opposition   Section = "opposition"
	Screenings   Section = "screenings"
	Decisions    Section = "decisions"
	Requests     Section = "requests"
	Retention    Section = "retention"
	Erasures     Section = "erasures"
	Register     Section = "register"
	Breaches     Section = "breaches"
	Counts       Section = "counts"
	Policies     Section = "policies"
	Habilitation Section = "habilitations"
	Producers    Section = "producers"
)

// Sections lists them in the order of a report.
func Sections() []Section {
	return []Section{Accesses, Consents, Opposition, Screenings, Decisions, Requests, Retention, Erasures, Register, Breaches,
		Counts, Policies, Habilitation, Producers}
}

// French is the section's heading.
func (s Section) French() string {
	return map[Section]string{
		Accesses: "Consultations", Consents: "Consentements et mentions d'information", Opposition: "Liste d'opposition",
		Screenings: "Nettoyages de fichiers", Decisions: "Vérifications des contacts passés", Requests: "Demandes d'exercice de droits",
		Retention: "Purges et archivages", Erasures: "Effacements", Register: "Registre des activités de traitement",
		Breaches: "Violations de données", Counts: "Clients et prospects par année de dernière activité",
		Policies: "Politique en vigueur à chaque date", Habilitation: "Matrice des habilitations", Producers: "Systèmes émetteurs",
	}[s]
}
