package app

import (
	"testing"
	"time"
)

// TestCallsOverHTTP: C. conso. L223-1 ff., consent, contract, press, callbacks and
// banned sectors, each with its boundaries.
func TestCallsOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLawAt(t, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	d.policy(partnered...)
	informed := func(who string) string {
		return `notice.served|` + who + `|2026-01-06T09:00:00Z|{"notice":{"id":"n","version":"1","language":"fr"}}`
	}
	runs := func(who, more string) string {
		return `contract.started|` + who + `|2026-02-01T10:00:00Z|{"reference":"K1"` + more + `}`
	}
	d.decides([]lawCase{
		{"9 August 2026 is a Sunday; the 10th, before the law: informed", "phone.before_opt_in", "a1", "phone", "2026-08-10 19:59", "", []string{one("a1"), informed("a1")}},
		{"10 August, not informed", "phone.before_opt_in_uninformed", "a2", "phone", "2026-08-10 19:59", "", []string{one("a2")}},
		{"10 August 23:59 in Paris: the old law, and outside the hours", "slot.hours", "a1", "phone", "2026-08-10 23:59", "", nil},
		{"11 August 00:00 in Paris: the new law", "phone.no_consent", "a1", "phone", "2026-08-11 00:00", "", nil},
		{"11 August 10:00", "phone.no_consent", "a1", "phone", "2026-08-11 10:00", "", nil},
		{"10 August, a consent of fourteen months: the year is not law yet", "phone.consent", "a3", "phone", "2026-08-10 11:00", "", []string{one("a3"), grant("a3", "2025-06-02 10:00")}},
		{"11 August, the same consent", "phone.expired", "a3", "phone", "2026-08-11 11:00", "", nil},
		{"consent of before the law, within its year", "phone.consent", "a4", "phone", "", "", []string{one("a4"), grant("a4", "2026-03-01 10:00")}},
		{"a year: the minute before", "phone.consent", "a5", "phone", "2027-09-01 11:59", "", []string{one("a5"), grant("a5", "2026-09-01 12:00")}},
		{"a year: to the minute", "phone.expired", "a5", "phone", "2027-09-01 12:00", "", nil},
		{"a year: the day before", "phone.consent", "a5", "phone", "2027-08-31 12:00", "", nil},
		{"a year: the day after", "phone.expired", "a5", "phone", "2027-09-02 12:00", "", nil},
		{"a year: its e-mail goes on", "electronic.consent", "a5", "email", "2027-09-02 12:00", "", nil},
		{"a longer term is cut", "phone.expired", "a6", "phone", "2027-09-02 12:00", "", []string{one("a6"), grantOf("a6", "2026-09-01 12:00", `["phone"]`, `,"expires_at":"2030-01-01T00:00:00Z"`)}},
		{"a shorter term holds", "phone.expired", "a7", "phone", "2026-10-01 12:00", "", []string{one("a7"), grantOf("a7", "2026-09-01 12:00", `["phone"]`, `,"expires_at":"2026-10-01T10:00:00Z"`)}},
		{"no tacit renewal by a call", "phone.expired", "a8", "phone", "", "", []string{one("a8"), grant("a8", "2025-09-01 12:00"), call("a8", "2026-08-20 11:00", "call", "interested")}},
		{"given anew", "phone.consent", "a9", "phone", "", "", []string{one("a9"), grant("a9", "2025-09-01 12:00"), grant("a9", "2026-09-01 12:00")}},
		{"no channel named is no consent to calls", "phone.unproven", "a10", "phone", "", "", []string{one("a10"), grantOf("a10", "2026-09-01 12:00", "", "")}},
		{"consent to e-mail", "phone.no_consent", "a11", "phone", "", "", []string{one("a11"), grantOf("a11", "2026-09-01 12:00", `["email"]`, "")}},
		{"consent to a partner", "phone.no_consent", "a12", "phone", "", "", []string{one("a12"), grant("a12@partner", "2026-09-01 12:00")}},
		{"asked for the partner", "phone.consent", "a12", "phone", "", `,"controller":"partner"`, nil},
		{"withdrawn orally in a call", "consent.withdrawn", "a13", "phone", "", "", []string{one("a13"), grant("a13", "2026-09-01 12:00"),
			`consent.withdrawn|a13|2026-09-15T08:14:00Z|{"purpose":"prospecting","channels":["phone"],"method":"phone"}`}},
		{"the minute before it", "phone.consent", "a13", "phone", "2026-09-15 10:13", "", nil},
		{"a machine speaks: consent", "electronic.consent", "a4", "phone", "", `,"automated":true`, nil},
		{"a machine speaks: no consent, contract", "electronic.no_consent", "b1", "phone", "", `,"automated":true,"sector":"energy"`, []string{one("b1"), runs("b1", `,"sector":"energy"`)}},
		{"contract, same sector", "phone.contract", "b1", "phone", "", `,"sector":"energy"`, nil},
		{"contract, another sector", "phone.no_consent", "b1", "phone", "", `,"sector":"telecom"`, nil},
		{"contract, nothing said of the offer", "phone.no_consent", "b1", "phone", "", "", nil},
		{"contract: the minute before it begins", "phone.no_consent", "b2", "phone", "2026-09-14 10:59", `,"sector":"energy"`, []string{one("b2"),
			`contract.started|b2|` + local("2026-09-14 11:00") + `|{"reference":"K1","sector":"energy","ends_at":"` + local("2026-09-16 11:00") + `"}`}},
		{"contract: as it begins", "phone.contract", "b2", "phone", "2026-09-14 11:00", `,"sector":"energy"`, nil},
		{"contract: the minute before its end", "phone.contract", "b2", "phone", "2026-09-16 10:59", `,"sector":"energy"`, nil},
		{"contract: its end", "phone.no_consent", "b2", "phone", "2026-09-16 11:00", `,"sector":"energy"`, nil},
		{"contract ended early", "phone.no_consent", "b3", "phone", "", `,"sector":"energy"`, []string{one("b3"), runs("b3", `,"sector":"energy","ends_at":"2027-02-01T00:00:00Z"`),
			`contract.ended|b3|2026-09-15T08:00:00Z|{"reference":"K1"}`}},
		{"contract extended", "phone.contract", "b4", "phone", "", `,"sector":"energy"`, []string{one("b4"), runs("b4", `,"sector":"energy","ends_at":"2026-09-01T00:00:00Z"`),
			`contract.changed|b4|2026-08-20T08:00:00Z|{"reference":"K1","ends_at":"2027-09-01T00:00:00Z"}`}},
		{"contract with the partner", "phone.no_consent", "b5", "phone", "", `,"sector":"energy"`, []string{one("b5"), runs("b5@partner", `,"sector":"energy"`)}},
		{"press: informed", "phone.press", "b6", "phone", "", `,"sector":"press"`, []string{one("b6"), informed("b6")}},
		{"press: not informed", "phone.press_uninformed", "b7", "phone", "", `,"sector":"press"`, []string{one("b7")}},
		{"press: on a Saturday", "slot.weekend", "b6", "phone", "2026-09-19 11:00", `,"sector":"press"`, nil},
		{"press: objected", "opposition.person", "b8", "phone", "", `,"sector":"press"`, []string{one("b8"), informed("b8"), `opposition.registered|b8|2026-09-01T08:00:00Z|{"channels":["phone"]}`}},
		{"a sole trader is called as a consumer", "phone.no_consent", "b9", "phone", "", "", []string{
			`contact.created|b9|2026-03-02T09:00:00Z|{"professional":true,"company":{"name":"Anne Dupont","role":"owner","sole_trader":true},"person":{"phones":["+33612340001"]},
				"collection":{"channel":"web_form","notice":{"id":"n","version":"1"},"purposes":["prospecting"]}}`}},
		{"a professional, on a Saturday", "professional.legitimate_interest", "b10", "phone", "2026-09-19 11:00", "", []string{
			`contact.created|b10|2026-03-02T09:00:00Z|{"professional":true,"company":{"name":"Firm","role":"buyer"},"person":{"phones":["+33612340002"]},
				"collection":{"channel":"web_form","notice":{"id":"n","version":"1"},"purposes":["prospecting"]}}`}},
	})
}

// TestBannedSectorsOverHTTP: L223-8, even with consent, by every electronic
// channel; a running contract and a request to be called back are the exceptions.
func TestBannedSectorsOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLaw(t)
	for _, s := range []string{"energy_renovation", "home_adaptation"} {
		offer, who := `,"sector":"`+s+`"`, func(n string) string { return s[:4] + n }
		all := func(who string) string {
			return grantOf(who, "2026-09-01 12:00", `["email","sms","phone","social"]`, "")
		}
		d.decides([]lawCase{
			{s + " by phone", "sector.banned", who("1"), "phone", "", offer, []string{one(who("1")), all(who("1"))}},
			{s + " by e-mail", "sector.banned", who("1"), "email", "", offer, nil},
			{s + " by SMS", "sector.banned", who("1"), "sms", "", offer, nil},
			{s + " by social media", "sector.banned", who("1"), "social", "", offer, nil},
			{s + " by post, informed", "post.informed", who("2"), "postal", "", offer, []string{one(who("2")),
				`notice.served|` + who("2") + `|2026-01-06T09:00:00Z|{"notice":{"id":"n","version":"1","language":"fr"}}`}},
			{s + ", another sector is not banned", "phone.consent", who("1"), "phone", "", `,"sector":"insurance"`, nil},
			{s + " by phone under contract", "phone.contract", who("3"), "phone", "", offer, []string{one(who("3")),
				`contract.started|` + who("3") + `|2026-02-01T10:00:00Z|{"reference":"K","sector":"` + s + `"}`}},
			{s + " by e-mail under contract, with consent", "electronic.consent", who("4"), "email", "", offer, []string{one(who("4")), all(who("4")),
				`contract.started|` + who("4") + `|2026-02-01T10:00:00Z|{"reference":"K","sector":"` + s + `"}`}},
			{s + " by e-mail, the contract ended", "sector.banned", who("5"), "email", "", offer, []string{one(who("5")), all(who("5")),
				`contract.started|` + who("5") + `|2026-02-01T10:00:00Z|{"reference":"K","sector":"` + s + `"}`, `contract.ended|` + who("5") + `|2026-09-14T10:00:00Z|{"reference":"K"}`}},
			{s + ", asked to be called about it", "phone.callback", who("6"), "phone", "", offer, []string{one(who("6")), callback(who("6"), "2026-09-14 12:00", offer)}},
			{s + ", asked to be called about nothing said", "phone.no_consent", who("7"), "phone", "", offer, []string{one(who("7")), callback(who("7"), "2026-09-14 12:00", "")}},
		})
	}
}

// TestCallbacksOverHTTP: R223-4, five working days (jours ouvrés).
func TestCallbacksOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLawAt(t, time.Date(2026, 12, 30, 9, 0, 0, 0, time.UTC))
	ask := func(who, at string) []string { return []string{one(who), callback(who, at, "")} }
	d.decides([]lawCase{
		{"the minute before it is asked", "phone.no_consent", "c1", "phone", "2026-09-15 17:59", "", ask("c1", "2026-09-15 18:00")},
		{"as it is asked", "phone.callback", "c1", "phone", "2026-09-15 18:00", "", nil},
		{"the fifth working day, last minute", "phone.callback", "c1", "phone", "2026-09-22 19:59", "", nil},
		{"the sixth", "phone.no_consent", "c1", "phone", "2026-09-23 10:00", "", nil},
		{"11 November is not worked: the fifth day", "phone.callback", "c2", "phone", "2026-11-16 10:00", "", ask("c2", "2026-11-06 18:00")},
		{"11 November: the sixth", "phone.no_consent", "c2", "phone", "2026-11-17 10:00", "", nil},
		{"over Christmas, asked on the 18th: the fifth is the 28th", "phone.callback", "c3", "phone", "2026-12-28 19:59", "", ask("c3", "2026-12-18 10:30")},
		{"over Christmas: the 29th", "phone.no_consent", "c3", "phone", "2026-12-29 10:00", "", nil},
		{"asked on a Saturday: the Friday after", "phone.callback", "c4", "phone", "2026-09-18 19:59", "", ask("c4", "2026-09-12 12:00")},
		{"asked on a Saturday: the Monday after", "phone.no_consent", "c4", "phone", "2026-09-21 10:00", "", nil},
		{"outside the hours", "slot.hours", "c1", "phone", "2026-09-16 20:00", "", nil},
		{"at an hour that was asked for", "phone.callback", "c5", "phone", "2026-09-16 20:30", "", []string{one("c5"), callback("c5", "2026-09-15 18:00", `,"slots":["3/20:00-21:00"]`)}},
		{"an hour later than asked for", "slot.hours", "c5", "phone", "2026-09-16 21:00", "", nil},
		{"made by the company itself is no request", "phone.no_consent", "c6", "phone", "2026-09-16 11:00", "", []string{one("c6"),
			`interaction.recorded|c6|2026-09-15T16:00:00Z|{"kind":"callback_request","direction":"out","object":"prospecting"}`}},
		{"about something else", "phone.no_consent", "c7", "phone", "2026-09-16 11:00", "", []string{one("c7"),
			`interaction.recorded|c7|2026-09-15T16:00:00Z|{"kind":"callback_request","direction":"in","object":"customer_service"}`}},
		{"refused when called back", "phone.no_consent", "c8", "phone", "2026-09-17 11:00", "", append(ask("c8", "2026-09-15 18:00"), call("c8", "2026-09-16 10:30", "call", "refused"))},
		{"an objection stands", "opposition.person", "c9", "phone", "2026-09-16 11:00", "", append(ask("c9", "2026-09-15 18:00"), `opposition.registered|c9|2026-09-01T08:00:00Z|{"scope":"all"}`)},
	})
}

// TestFrequencyOverHTTP: D223-9, four attempts in thirty days, sixty days of
// silence after a refusal.
func TestFrequencyOverHTTP(t *testing.T) {
	t.Parallel()
	d := openLawAt(t, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	d.policy(partnered...)
	called := func(who string, at ...string) []string {
		l := []string{one(who), grant(who, "2026-09-01 12:00")}
		for _, t := range at {
			l = append(l, call(who, t, "call_attempt", "no_answer"))
		}
		return l
	}
	two := `contact.created|f6|2026-01-05T09:00:00Z|{"kind":"client","person":{"phones":["+33612349001","+33612349002"]}}`
	number := func(n, at string) string {
		return `interaction.recorded|f6|` + local(at) + `|{"kind":"call_attempt","direction":"out","channel":"phone","outcome":"busy","object":"prospecting","number":"` + n + `"}`
	}
	d.decides([]lawCase{
		{"three", "phone.consent", "f1", "phone", "", "", called("f1", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00")},
		{"four", "frequency.four_in_thirty_days", "f2", "phone", "", "", called("f2", "2026-09-07 11:00", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00")},
		{"thirty days after the first: the minute before", "frequency.four_in_thirty_days", "f2", "phone", "2026-10-07 10:59", "", nil},
		{"thirty days after the first", "phone.consent", "f2", "phone", "2026-10-07 11:00", "", nil},
		{"the day before", "frequency.four_in_thirty_days", "f2", "phone", "2026-10-06 11:00", "", nil},
		{"a call that was answered is one", "frequency.four_in_thirty_days", "f3", "phone", "", "", append(called("f3", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00"), call("f3", "2026-09-11 11:00", "call", "answered"))},
		{"a call from the person is none", "phone.consent", "f4", "phone", "", "", append(called("f4", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00"),
			`interaction.recorded|f4|2026-09-11T09:00:00Z|{"kind":"call","direction":"in","object":"prospecting"}`)},
		{"a service call is none", "phone.consent", "f5", "phone", "", "", append(called("f5", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00"),
			`interaction.recorded|f5|2026-09-11T09:00:00Z|{"kind":"call","direction":"out","object":"customer_service"}`)},
		{"over all numbers", "frequency.four_in_thirty_days", "f6", "phone", "", "", []string{two, grant("f6", "2026-09-01 12:00"), number("+33612349001", "2026-09-07 11:00"),
			number("+33612349001", "2026-09-08 11:00"), number("+33612349002", "2026-09-09 11:00"), number("+33612349002", "2026-09-10 11:00")}},
		{"calls of the partner", "phone.consent", "f7", "phone", "", "", append([]string{one("f7"), grant("f7", "2026-09-01 12:00")}, called("f7@partner", "2026-09-07 11:00", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00")[1:]...)},
		{"calls of the partner, asked for it", "frequency.four_in_thirty_days", "f7", "phone", "", `,"controller":"partner"`, nil},
		{"calls for nobody known count", "frequency.four_in_thirty_days", "f8", "phone", "", "", append(called("f8", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00"),
			`interaction.recorded|f8|2026-09-11T09:00:00Z|{"kind":"call_attempt","direction":"out"}`)},
		{"refused: the sixtieth day", "refusal.sixty_days", "f9", "phone", "2026-11-13 19:59", "", []string{one("f9"), grant("f9", "2026-09-01 12:00"), call("f9", "2026-09-14 11:00", "call", "refused")}},
		{"refused: the first worked day after sixty", "phone.consent", "f9", "phone", "2026-11-16 10:00", "", nil},
		{"refused, e-mail goes on", "electronic.consent", "f9", "email", "2026-09-15 10:15", "", nil},
		{"refused, then consented", "refusal.sixty_days", "f10", "phone", "", "", []string{one("f10"), call("f10", "2026-08-20 11:00", "call", "refused"), grant("f10", "2026-09-01 12:00")}},
		{"refused a contract's offer", "refusal.sixty_days", "f11", "phone", "", `,"sector":"energy"`, []string{one("f11"), `contract.started|f11|2026-02-01T10:00:00Z|{"sector":"energy"}`, call("f11", "2026-09-14 11:00", "call", "refused")}},
	})
	// Calls to a merged contact are calls to the same person.
	d.tell(append(called("g1", "2026-09-08 11:00", "2026-09-09 11:00"), append(called("g2", "2026-09-10 11:00", "2026-09-11 11:00"),
		`contact.merged|g2|2026-09-12T10:00:00Z|{"into":{"subject":"g1"},"reason":"duplicate"}`)...)...)
	d.decides([]lawCase{{"two and two to merged contacts", "frequency.four_in_thirty_days", "g1", "phone", "", "", nil}})
}
