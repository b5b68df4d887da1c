package contactability

import (
	"slices"
	"strings"
)

// RuleID is the stable name of a rule; it stands in answers and in receipts.
type RuleID string

// The rules, in the order in which they are tried. Rulebook explains them.
const (
	InputTime       RuleID = "input.time"
	OpposedPerson   RuleID = "opposition.person"
	OpposedAddress  RuleID = "opposition.address"
	InputChannel    RuleID = "input.channel"
	InputPurpose    RuleID = "input.purpose"
	InputUse        RuleID = "input.purpose_channel"
	InputController RuleID = "input.controller"
	InputOffer      RuleID = "input.offer"
	InputSector     RuleID = "input.sector"

	PersonErased     RuleID = "person.erased"
	PersonDeceased   RuleID = "person.deceased"
	PersonRestricted RuleID = "person.restricted"
	PersonDeleted    RuleID = "person.deleted_upstream"
	PersonUnreadable RuleID = "person.unreadable"
	PersonUnknown    RuleID = "person.unknown"
	AgeUnread        RuleID = "person.age_unread"
	PersonMinor      RuleID = "person.minor"
	MinorConsent     RuleID = "person.minor_consent"

	ConsentRefused   RuleID = "consent.refused"
	ConsentWithdrawn RuleID = "consent.withdrawn"

	ElectronicConsent   RuleID = "electronic.consent"
	ElectronicNoConsent RuleID = "electronic.no_consent"
	ElectronicUnproven  RuleID = "electronic.unproven"
	ElectronicExpired   RuleID = "electronic.expired"

	SoftOptIn            RuleID = "soft_opt_in.sale"
	SoftOptInFreeAccount RuleID = "soft_opt_in.free_account"
	SoftNotSale          RuleID = "soft_opt_in.not_a_sale"
	SoftFreeAccount      RuleID = "soft_opt_in.free_account_is_no_sale"
	SoftAddress          RuleID = "soft_opt_in.other_address"
	SoftObjection        RuleID = "soft_opt_in.no_objection_offered"
	SoftOffer            RuleID = "soft_opt_in.other_offer"

	ProfessionalConsent    RuleID = "professional.consent"
	ProfessionalInterest   RuleID = "professional.legitimate_interest"
	ProfessionalUninformed RuleID = "professional.uninformed"
	GenericBox             RuleID = "professional.generic_box"

	PostConsent    RuleID = "post.consent"
	PostInformed   RuleID = "post.informed"
	PostUninformed RuleID = "post.uninformed"

	PhoneConsent          RuleID = "phone.consent"
	PhoneContract         RuleID = "phone.contract"
	PhoneCallback         RuleID = "phone.callback"
	PhonePress            RuleID = "phone.press"
	PhonePressUninformed  RuleID = "phone.press_uninformed"
	PhoneBefore           RuleID = "phone.before_opt_in"
	PhoneBeforeUninformed RuleID = "phone.before_opt_in_uninformed"
	PhoneNoConsent        RuleID = "phone.no_consent"
	PhoneUnproven         RuleID = "phone.unproven"
	PhoneExpired          RuleID = "phone.expired"

	ServiceContract   RuleID = "service.contract"
	ServiceObligation RuleID = "service.legal_obligation"
	ServiceInterest   RuleID = "service.legitimate_interest"
	ServiceConsent    RuleID = "service.consent"
	ServiceNoBasis    RuleID = "service.no_basis"

	SectorBanned RuleID = "sector.banned"

	SlotZone    RuleID = "slot.zone_unknown"
	SlotHoliday RuleID = "slot.holiday"
	SlotWeekend RuleID = "slot.weekend"
	SlotHours   RuleID = "slot.hours"

	DialerSilent RuleID = "frequency.dialer_silent"
	FourAttempts RuleID = "frequency.four_in_thirty_days"
	Silence      RuleID = "refusal.sixty_days"
)

// Rule explains one rule.
type Rule struct {
	ID      RuleID
	Allows  bool
	Article string
	FR, EN  string
}

var inFrench = strings.NewReplacer("GDPR", "RGPD", "CJEU", "CJUE", "; ", "\u00a0; ")

// Source is the article as it is cited in "fr", or in English.
func (r *Rule) Source(language string) string {
	if language == "fr" {
		return inFrench.Replace(r.Article)
	}
	return r.Article
}

var rulebook = slices.Concat(standing(), messages(), interests(), calls())

var rank = ranks()

func ranks() map[RuleID]int {
	m := map[RuleID]int{}
	for i := range rulebook {
		m[rulebook[i].ID] = i
	}
	return m
}

// Rulebook lists every rule in the order in which they are tried; what it
// returns is the caller's.
func Rulebook() []Rule { return slices.Clone(rulebook) }

// Find finds a rule.
func Find(id RuleID) (Rule, bool) {
	i, ok := rank[id]
	if !ok {
		return Rule{}, false
	}
	return rulebook[i], true
}
