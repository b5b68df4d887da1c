package policy

// The epochs of class keys (design §4).
const (
	EpochWhole = "whole"
	EpochYear  = "year"
	EpochMonth = "month"
)

// maxPath bounds a field path, in bytes.
const maxPath = 200

// ClassCodes are the retention classes of the format. The ledger itself seals
// into contract, evidence, requests, access, opposition and accounts, so a
// policy has them all and no others.
func ClassCodes() []string {
	return []string{"identity", "contact_details", "commercial", "contract", "billing", "notes",
		"recruitment", "evidence", "requests", "access", "opposition", "accounts"}
}

// ChannelCodes are the channels the contactability rules know.
func ChannelCodes() []string { return []string{"email", "sms", "phone", "postal", "social"} }

// ContactKinds are the kinds of contact of the catalogue.
func ContactKinds() []string {
	return []string{"prospect", "client", "former_client", "candidate", "supplier_contact"}
}

// Starts are the events that start a retention clock:
//
//	collection                 the data was collected
//	last_contact               last act that came from the person: reply, click, call, request (never an opened e-mail)
//	relationship_end           last contract ended, or last purchase or activity of the client
//	contract_end               the contract ended
//	delivery                   goods or service of an electronic contract delivered
//	invoice_year_end           31 December of the year of the invoice
//	consent_end                consent withdrawn, refused, expired or no longer relied on
//	request_closed             rights request closed
//	prospecting_end            the controller prospects no longer at all
//	recorded                   the event was recorded
//	account_closed             the account was closed
//	recruitment_last_contact   last contact with the candidate
func Starts() []string {
	return []string{"collection", "last_contact", "relationship_end", "contract_end", "delivery", "invoice_year_end",
		"consent_end", "request_closed", "prospecting_end", "recorded", "account_closed", "recruitment_last_contact"}
}

// ConditionElectronic120 marks a rule for contracts concluded electronically for
// 120 EUR or more (C. conso. L213-1, D213-1).
const ConditionElectronic120 = "electronic_contract_120"

// Permissions are all that a role can be given.
func Permissions() []string {
	return []string{
		"events.write", "events.read", "events.act_for", // act_for: X-Greffe-Actor
		"subjects.search", "subjects.read", "subjects.history", "subjects.accesses", "subjects.consents",
		"subjects.export", "subjects.archived", "subjects.erase", "subjects.restrict", "subjects.hold", "subjects.merge",
		"contactability.check", "screenings.run",
		"opposition.read", "opposition.write", "opposition.lift",
		"notices.read", "notices.write", "changes.read", "changes.ack",
		"audit.read", "proofs.read", "verify.run",
		"requests.read", "requests.write", "activities.read", "activities.write",
		"breaches.read", "breaches.write", "retention.read", "retention.run",
		"reviews.read", "reviews.write", "policy.read", "policy.publish",
		"quarantine.read", "quarantine.write", "duplicates.read", "duplicates.write",
		"producers.read", "producers.write", "tokens.manage", "accounts.read", "accounts.manage", "keys.rotate", "watch.read", "watch.close",
		"approvals.read", "approvals.decide",
		"inspections.read", "inspections.write", "inspections.invite", "inspections.bundle", "inspections.search", "inspections.samples", "inspections.key",
		"operations.read",
	}
}

// PermissionOwn is what everybody who is signed in may do: see to the own session
// and credentials. No role is given it, and no token has it.
const PermissionOwn = "session.own"

// RoleCodes are the roles a policy must define; it may add its own.
func RoleCodes() []string { return []string{"admin", "dpo", "auditor", "agent", "service"} }

// WordLists are the lists of phrases the guard reads free text with. Those of
// art. 9 and 10 all report special_category.
func WordLists() []string {
	return []string{"health", "religion", "politics", "union", "ethnic_origin", "sex_life", "genetic_biometric", "offences",
		"abusive", "income", "cvv", "card", "nir"}
}

func fieldKinds() []string {
	return []string{"text", "email", "phone", "name", "date", "amount", "code", "id", "object"}
}

func legalBases() []string {
	return []string{"consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interest"}
}

// ruleActions says which actions each rule can take; generalise needs bands, and
// a word cannot be masked out of a sentence without leaving its meaning.
func ruleActions() map[string][]string {
	number := []string{ActionDrop, ActionMask, ActionQuarantine}
	whole := []string{ActionDrop, ActionQuarantine}
	return map[string][]string{
		RuleUnknownField: whole, RuleNIR: number, RuleCard: number, RuleCVV: number, RuleIBAN: number,
		RuleIncome:          {ActionGeneralise, ActionDrop, ActionMask, ActionQuarantine},
		RuleSpecialCategory: whole, RuleAbusive: whole,
	}
}

// ruleNames keeps the order in which rules are documented.
func ruleNames() []string {
	return []string{RuleUnknownField, RuleNIR, RuleCard, RuleCVV, RuleIBAN, RuleIncome, RuleSpecialCategory, RuleAbusive}
}

// allowable are the rules a single field may be exempted from. Never the NIR
// (décret 2019-341 lists its uses, a CRM has none) nor the CVV (délib. 2018-303).
func allowable() []string {
	return []string{RuleIBAN, RuleCard, RuleIncome, RuleSpecialCategory, RuleAbusive}
}
