package app

import (
	"fmt"
	"strings"
	"testing"
)

// TestMessagesOverHTTP: CPCE L34-5 for e-mail, SMS, social media; professionals;
// post.
func TestMessagesOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	d.policy(partnered...)
	sold := func(subject, kind, offered string) string {
		return fmt.Sprintf(`contact.created|%s|2026-03-02T09:00:00Z|{"kind":"client","person":{"emails":["%[1]s@example.fr"],"phones":["+336123460%02d"]},"collection":{"channel":"sale",
			"purposes":["prospecting"],"notice":{"id":"n","version":"1"},"sale":{"reference":"V","kind":%q,"objection_offered":%s}}}`, subject, d.n+len(subject)+int(subject[1]), kind, offered)
	}
	pro := func(subject, company, collection string) string {
		return `contact.created|` + subject + `|2026-03-02T09:00:00Z|{"kind":"prospect","professional":true,"company":{` + company + `},"person":{"emails":["` + subject + `@firm.example"]},
			"collection":{"channel":"web_form"` + collection + `}}`
	}
	const firm, informed = `"name":"Firm","siren":"552100554","role":"buyer"`, `,"notice":{"id":"n","version":"1"},"purposes":["prospecting"]`
	similar := `,"offer":"similar"`
	d.decides([]lawCase{
		{"e-mail: the minute before consent", "electronic.no_consent", "e1", "email", "2026-09-01 11:59", "", []string{one("e1"), grantOf("e1", "2026-09-01 12:00", `["email"]`, "")}},
		{"e-mail: consent", "electronic.consent", "e1", "email", "2026-09-01 12:00", "", nil},
		{"e-mail: no general expiry", "electronic.consent", "e1", "email", "2036-09-01 12:00", "", nil},
		{"SMS: consent to e-mail is none", "electronic.no_consent", "e1", "sms", "", "", nil},
		{"SMS: consent", "electronic.consent", "e2", "sms", "", "", []string{one("e2"), grantOf("e2", "2026-09-01 12:00", `["sms"]`, "")}},
		{"social media: consent", "electronic.consent", "e3", "social", "", "", []string{one("e3"), grantOf("e3", "2026-09-01 12:00", `["social"]`, "")}},
		{"a consent to the partner", "electronic.no_consent", "e4", "email", "", "", []string{one("e4"), grant("e4@partner", "2026-09-01 12:00")}},
		{"asked for the partner", "electronic.consent", "e4", "email", "", `,"controller":"partner"`, nil},
		{"a partner that the consent merely names", "electronic.no_consent", "e5", "email", "", `,"controller":"partner"`, []string{one("e5"), grantOf("e5", "2026-09-01 12:00", `["email"]`, `,"partners":["Partenaire SA"]`)}},
		{"asked, never answered", "electronic.no_consent", "e6", "email", "", "", []string{one("e6"), `consent.requested|e6|2026-09-01T10:00:00Z|{"purpose":"prospecting","channels":["email"]}`}},
		{"pre-ticked", "electronic.unproven", "e7", "email", "", "", []string{one("e7"), strings.Replace(grant("e7", "2026-09-01 12:00"), `"prechecked":false`, `"prechecked":true`, 1)}},
		{"no text of what was shown", "electronic.unproven", "e8", "email", "", "", []string{one("e8"),
			`consent.granted|e8|2026-09-01T10:00:00Z|{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"box ticked","prechecked":false}`}},
		{"conditions of sale are no act", "electronic.unproven", "e9", "email", "", "", []string{one("e9"),
			`consent.granted|e9|2026-09-01T10:00:00Z|{"purpose":"prospecting","channels":["email"],"method":"web_form","notice":{"id":"cgv","version":"1","language":"fr","text":"CGV"}}`}},
		{"no channel named", "electronic.unproven", "e10", "sms", "", "", []string{one("e10"), grantOf("e10", "2026-09-01 12:00", "", "")}},
		{"expired: the minute before", "electronic.consent", "e11", "email", "2026-09-10 11:59", "", []string{one("e11"), grantOf("e11", "2026-09-01 12:00", `["email"]`, `,"expires_at":"2026-09-10T10:00:00Z"`)}},
		{"expired", "electronic.expired", "e11", "email", "2026-09-10 12:00", "", nil},
		{"refused", "consent.refused", "e12", "email", "", "", []string{one("e12"), grant("e12", "2026-09-01 12:00"), `consent.refused|e12|2026-09-02T10:00:00Z|{"purpose":"prospecting","channels":["email"]}`}},
		{"refused and granted at the same instant", "consent.refused", "e13", "email", "", "", []string{one("e13"), `consent.refused|e13|2026-09-01T10:00:00Z|{"purpose":"prospecting"}`, grant("e13", "2026-09-01 12:00")}},
		{"withdrawn, then given again", "electronic.consent", "e14", "email", "", "", []string{one("e14"), grant("e14", "2026-09-01 12:00"), `consent.withdrawn|e14|2026-09-02T10:00:00Z|{"purpose":"prospecting"}`, grant("e14", "2026-09-03 12:00")}},
		{"between, it was withdrawn", "consent.withdrawn", "e14", "email", "2026-09-02 12:00", "", nil},
		{"withdrawn from SMS alone", "electronic.consent", "e15", "email", "", "", []string{one("e15"), grant("e15", "2026-09-01 12:00"), `consent.withdrawn|e15|2026-09-02T10:00:00Z|{"purpose":"prospecting","channels":["sms"]}`}},

		{"soft opt-in: all conditions, e-mail", "soft_opt_in.sale", "s1", "email", "", similar, []string{sold("s1", "purchase", "true")}},
		{"soft opt-in: SMS", "soft_opt_in.sale", "s1", "sms", "", similar, nil},
		{"soft opt-in: never a social network", "electronic.no_consent", "s1", "social", "", similar, nil},
		{"soft opt-in: never a machine's call", "electronic.no_consent", "s1", "phone", "", similar + `,"automated":true`, nil},
		{"soft opt-in: never a call", "phone.no_consent", "s1", "phone", "", similar, nil},
		{"soft opt-in: another company", "electronic.no_consent", "s1", "email", "", similar + `,"controller":"partner"`, nil},
		{"soft opt-in: another offer", "soft_opt_in.other_offer", "s1", "email", "", `,"offer":"other"`, nil},
		{"soft opt-in: nothing said of the offer", "soft_opt_in.other_offer", "s1", "email", "", "", nil},
		{"soft opt-in: before the sale", "electronic.no_consent", "s1", "email", "2026-03-02 09:59", similar, nil},
		{"soft opt-in: as it was made", "soft_opt_in.sale", "s1", "email", "2026-03-02 10:00", similar, nil},
		{"soft opt-in: a service", "soft_opt_in.sale", "s2", "email", "", similar, []string{sold("s2", "service", "true")}},
		{"soft opt-in: a free account", "soft_opt_in.free_account_is_no_sale", "s3", "email", "", similar, []string{sold("s3", "free_account", "true")}},
		{"soft opt-in: no objection offered", "soft_opt_in.no_objection_offered", "s4", "email", "", similar, []string{sold("s4", "purchase", "false")}},
		{"soft opt-in: another kind of sale", "soft_opt_in.not_a_sale", "s5", "email", "", similar, []string{sold("s5", "barter", "true")}},
		{"soft opt-in: an address of later", "soft_opt_in.other_address", "s6", "email", "", similar, []string{sold("s6", "purchase", "true"),
			`contact.changed|s6|2026-04-02T09:00:00Z|{"set":{"person.emails":["s6@example.fr","later@example.fr"]},"reason":"update"}`}},
		{"soft opt-in: the number of the sale stands", "soft_opt_in.sale", "s6", "sms", "", similar, nil},
		{"soft opt-in: a web form is none", "electronic.no_consent", "s7", "email", "", similar, []string{
			`contact.created|s7|2026-03-02T09:00:00Z|{"person":{"emails":["s7@example.fr"]},"collection":{"channel":"web_form","notice":{"id":"n","version":"1"},"sale":{"kind":"purchase","objection_offered":true}}}`}},
		{"soft opt-in: refused since", "consent.refused", "s8", "email", "", similar, []string{sold("s8", "purchase", "true"), `consent.refused|s8|2026-03-02T09:00:00Z|{"purpose":"prospecting"}`}},

		{"professional: informed", "professional.legitimate_interest", "b1", "email", "", "", []string{pro("b1", firm, informed)}},
		{"professional: SMS", "professional.legitimate_interest", "b1", "sms", "", "", nil},
		{"professional: not informed", "professional.uninformed", "b2", "email", "", "", []string{pro("b2", firm, "")}},
		{"professional: informed of another purpose", "professional.uninformed", "b3", "email", "", "", []string{pro("b3", firm, `,"notice":{"id":"n","version":"1"},"purposes":["billing"]`)}},
		{"professional: no role", "electronic.no_consent", "b4", "email", "", "", []string{pro("b4", `"name":"Firm"`, informed)}},
		{"professional: no company", "electronic.no_consent", "b5", "email", "", "", []string{pro("b5", `"role":"buyer"`, informed)}},
		{"professional: a sole trader", "electronic.no_consent", "b6", "email", "", "", []string{pro("b6", firm+`,"sole_trader":true`, informed)}},
		{"professional: objected", "opposition.person", "b7", "email", "", "", []string{pro("b7", firm, informed), `opposition.registered|b7|2026-03-03T09:00:00Z|{"channels":["email"]}`}},
		{"professional: withdrew", "consent.withdrawn", "b8", "email", "", "", []string{pro("b8", firm, informed), `consent.withdrawn|b8|2026-03-03T09:00:00Z|{"purpose":"prospecting"}`}},
		{"professional: consented", "professional.consent", "b9", "email", "", "", []string{pro("b9", firm, ""), grant("b9", "2026-03-03 09:00")}},

		{"post: informed", "post.informed", "o1", "postal", "", "", []string{one("o1"), `notice.served|o1|2026-09-10T09:00:00Z|{"notice":{"id":"n","version":"1","language":"fr"}}`}},
		{"post: the minute before", "post.uninformed", "o1", "postal", "2026-09-10 10:59", "", nil},
		{"post: as the notice was served", "post.informed", "o1", "postal", "2026-09-10 11:00", "", nil},
		{"post: not informed", "post.uninformed", "o2", "postal", "", "", []string{one("o2")}},
		{"post: objected", "opposition.person", "o3", "postal", "", "", []string{one("o3"), `notice.served|o3|2026-09-10T09:00:00Z|{"notice":{"id":"n","version":"1"}}`, `opposition.registered|o3|2026-09-11T09:00:00Z|{"channels":["postal"]}`}},
		{"post: objected to e-mail alone", "post.informed", "o4", "postal", "", "", []string{one("o4"), `notice.served|o4|2026-09-10T09:00:00Z|{"notice":{"id":"n","version":"1"}}`, `opposition.registered|o4|2026-09-11T09:00:00Z|{"channels":["email"]}`}},
	})
}
