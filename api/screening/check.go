package screening

import (
	"slices"

	"greffe/domain/contactability"
	"greffe/domain/policy"
	"greffe/domain/screening"
	"greffe/domain/token"
)

// Check compares a question with what the policy and the rules know, as only their
// codes may enter the record. It names the first part that is none of them, or is "".
func Check(ask *screening.Ask, rules *policy.Policy) (part string) {
	channels := []string{contactability.Email, contactability.SMS, contactability.Phone, contactability.Postal, contactability.Social}
	switch {
	case !rules.Channel(ask.Channel) || !slices.Contains(channels, ask.Channel):
		return "channel"
	case !rules.Purpose(ask.Purpose):
		return "purpose"
	case !rules.Controller(ask.Controller):
		return "controller"
	case ask.List != screening.Full && ask.List != screening.Opposition:
		return "list"
	case !slices.Contains([]screening.Input{screening.Clear, screening.SHA256, screening.MD5}, ask.Input):
		return "input"
	case ask.Kind != token.KindEmail && ask.Kind != token.KindPhone:
		return "kind"
	case !slices.Contains([]string{"", "similar", "other"}, ask.Offer):
		return "offer"
	case ask.Sector != "" && !slices.Contains(contactability.Law(nil).WithPolicy(rules).Sectors, ask.Sector):
		return "sector"
	case ask.At.Year() < 1990 || ask.At.Year() > 9999:
		return "at"
	}
	return ""
}
