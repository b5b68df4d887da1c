package breach

import "slices"

// The codes of a breach's form and file, in the words and order of the CNIL's
// notification form (formulaire de notification de violations).

// Roles: who keeps the file (art. 4(7), 4(8)).
const (
	Controller = "controller" // responsable de traitement
	Processor  = "processor"  // sous-traitant: alerts the controllers, art. 33(2)
)

// Roles lists them.
func Roles() []string { return []string{Controller, Processor} }

// States: avérée, suspectée.
func States() []string { return []string{"established", "suspected"} }

// Natures: what was lost (art. 4(12); G29 WP250).
func Natures() []string { return []string{"confidentiality", "integrity", "availability"} }

// Origins of a breach.
func Origins() []string {
	return []string{"device_lost_or_stolen", "paper_lost_or_stolen", "mail_lost_or_opened", "hacking", "malware", "phishing", "disposal",
		"unintended_publication", "wrong_person_shown", "wrong_recipient", "oral_disclosure", "access_misuse", "other"}
}

// Agents: who caused it. Intents: on purpose or not.
func Agents() []string  { return []string{"internal", "external", "unknown"} }
func Intents() []string { return []string{"malicious", "accidental", "unknown"} }

// PersonCategories of the form.
func PersonCategories() []string {
	return []string{"employees", "users", "members", "students", "military", "clients", "prospects", "patients", "minors", "vulnerable", "other"}
}

// DataCategories of the form.
func DataCategories() []string {
	return []string{"identity", "contact_details", "credentials", "bank", "payment_card", "nir", "official_documents", "location", "offences",
		"professional", "commercial", "recordings", "health", "origin_or_opinions", "biometric_or_genetic", "sexual_life", "unknown", "other"}
}

// Special are the categories of art. 9 and 10 and the NIR (LIL art. 30).
func Special() []string {
	return []string{"nir", "offences", "health", "origin_or_opinions", "biometric_or_genetic", "sexual_life"}
}

// Media on which the data were.
func Media() []string {
	return []string{"computer", "mobile", "paper", "server", "cloud", "storage", "network", "mail", "other"}
}

// Prior are security measures in place before.
func Prior() []string {
	return []string{"encryption", "pseudonymisation", "backup", "access_control", "logging", "mfa", "none", "other"}
}

// ConsequencesConfidentiality and its like: what a loss of each may come to.
func ConsequencesConfidentiality() []string {
	return []string{"spread_beyond_need", "correlated", "other_purposes", "other"}
}
func ConsequencesIntegrity() []string {
	return []string{"used_though_wrong", "used_for_other_ends", "other"}
}
func ConsequencesAvailability() []string {
	return []string{"service_impossible", "service_degraded", "other"}
}

// Harms to the persons (recital 85).
func Harms() []string {
	return []string{"loss_of_control", "limitation_of_rights", "discrimination", "identity_theft", "fraud", "reversal_of_pseudonymisation", "financial_loss",
		"reputation", "loss_of_secrecy", "phishing", "other"}
}

// Levels of severity (gravité) and of likelihood (vraisemblance): négligeable,
// limitée, importante, maximale (CNIL, guides AIPD).
func Levels() []string { return []string{"negligible", "limited", "significant", "maximal"} }

// upper reports one of the two upper levels.
func upper(level string) bool { return slices.Index(Levels(), level) >= 2 }

// The risk that was decided.
const (
	Unlikely = "unlikely" // art. 33(1): register only
	Risky    = "risk"     // the authority is notified
	High     = "high"     // and the persons are told, art. 34(1)
)

// Risks lists them, the least first.
func Risks() []string { return []string{Unlikely, Risky, High} }

// Notifications: what is sent to the authority (art. 33(4): in phases), or by a
// processor to its controllers.
const (
	Initial       = "initial"
	Complementary = "complementary"
	Complete      = "complete"
)

// Notifications lists them.
func Notifications() []string { return []string{Initial, Complementary, Complete} }

// Disproportionate is the exemption of art. 34(3)(c): a public communication takes
// the place of letters.
const Disproportionate = "disproportionate"

// Exemptions of art. 34(3): (a) data unintelligible, (b) the high risk is no longer
// likely, (c) disproportionate effort.
func Exemptions() []string { return []string{"unintelligible", "risk_removed", Disproportionate} }

// Channels to the persons.
func Channels() []string { return []string{"email", "sms", "phone", "postal", "public", "other"} }

// Informing: whether the persons are told.
func Informing() []string { return []string{"done", "planned", "not_yet_decided", "no"} }

// ActionKinds: containment (mesures d'urgence), corrective action, evidence kept.
func ActionKinds() []string { return []string{"containment", "corrective", "evidence"} }

// Proposed is the risk that a likelihood and a severity come to: this ledger's own
// reading of the CNIL's four levels each, where doubt counts as risk. Whoever decides
// otherwise says why; both stand in the file.
func Proposed(likelihood, severity string) string {
	l, s := slices.Index(Levels(), likelihood), slices.Index(Levels(), severity)
	switch {
	case l < 0 || s < 0:
		return ""
	case l >= 2 && s >= 2, l >= 1 && s == 3:
		return High
	case l+s <= 1:
		return Unlikely
	}
	return Risky
}

// Check is one line of the containment checklist.
type Check struct {
	Item   string `json:"item"`
	French string `json:"fr"`
	Text   string `json:"en"`
}

// Checklist is what to do first. Each line can be done, or said not to apply, as an
// action of the file.
func Checklist() []Check {
	return []Check{
		{"accounts_suspended", "Suspendre les comptes et jetons concernés", "Suspend the accounts and tokens concerned"},
		{"secrets_rotated", "Renouveler mots de passe, clés et secrets exposés", "Change passwords, keys and secrets that were exposed"},
		{"flow_stopped", "Couper le flux, l'accès ou la publication en cause", "Stop the flow, access or publication"},
		{"systems_isolated", "Isoler les machines compromises sans les éteindre", "Isolate compromised machines without turning them off"},
		{"evidence_kept", "Conserver journaux et images disque, avec leur empreinte", "Keep logs and disk images, with their digests"},
		{"recipient_asked", "Demander au destinataire de détruire, et d'en attester", "Ask the recipient to destroy, and to attest it"},
		{"published_removed", "Faire retirer des pages, caches et moteurs ce qui fut publié", "Have pages, caches and search engines drop what was published"},
		{"backups_checked", "Vérifier que les sauvegardes sont saines", "Check that backups are sound"},
		{"scope_measured", "Mesurer qui est concerné d'après les consultations journalisées", "Measure who is concerned by the accesses recorded"},
		{"processors_alerted", "Alerter sous-traitants et responsables conjoints", "Alert processors and joint controllers"},
		{"dpo_informed", "Informer le délégué et la direction", "Inform the DPO and the management"},
		{"complaint_filed", "Déposer plainte (C. pén. 323-1 et suiv.)", "File a complaint with the police"},
		{"insurer_told", "Déclarer à l'assureur (C. assur. L12-10-1: plainte sous 72 h)", "Declare to the insurer (C. assur. L12-10-1: complaint within 72 h)"},
	}
}

// Items lists the codes of the checklist.
func Items() (out []string) {
	for _, c := range Checklist() {
		out = append(out, c.Item)
	}
	return out
}
