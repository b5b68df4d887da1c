package contactability_test

import (
	"slices"
	"time"

	. "greffe/domain/contactability"
)

// everywhere is where a consumer may be, with a number that is called there.
var everywhere = []struct{ zone, number, postal string }{
	{"Europe/Paris", "+33612345678", "69003"},
	{"America/Guadeloupe", "+590690123456", "97110"},
	{"America/Martinique", "+596696123456", "97200"},
	{"America/Cayenne", "+594694123456", "97300"},
	{"Indian/Reunion", "+262692123456", "97400"},
	{"Indian/Mayotte", "+262639123456", "97600"},
	{"America/Miquelon", "+508551234", "97500"},
	{"Pacific/Noumea", "+687751234", "98800"},
	{"Pacific/Wallis", "+681821234", "98600"},
}

func slotCases() (l []tcase) {
	for _, e := range everywhere {
		in := func(rule RuleID, at, until string) {
			l = append(l, c(rule, e.zone+", Tuesday "+at, ask(Phone, "2026-09-15 "+at+","+e.zone, agreed, number(e.number))).holds("2026-09-"+until+","+e.zone))
		}
		in(SlotHours, "09:59", "15 10:00")
		in(PhoneConsent, "10:00", "15 13:00")
		in(PhoneConsent, "12:59", "15 13:00")
		in(SlotHours, "13:00", "15 14:00")
		in(SlotHours, "13:59", "15 14:00")
		in(PhoneConsent, "14:00", "15 20:00")
		in(PhoneConsent, "19:59", "15 20:00")
		in(SlotHours, "20:00", "16 10:00")
	}
	return slices.Concat(l, dayCases(), otherHourCases())
}

func dayCases() (l []tcase) {
	days := []struct {
		rule      RuleID
		at, until string
	}{
		{PhoneConsent, "2026-09-14 10:00", "2026-09-14 13:00"}, // Monday
		{PhoneConsent, "2026-09-18 19:59:59", "2026-09-18 20:00"},
		{SlotHours, "2026-09-18 20:00", "2026-09-21 10:00"}, // Friday evening
		{SlotWeekend, "2026-09-19 11:00", "2026-09-21 10:00"},
		{SlotWeekend, "2026-09-20 11:00", "2026-09-21 10:00"},
		{SlotHours, "2026-09-21 09:59:59", "2026-09-21 10:00"},
		{SlotHoliday, "2027-01-01 11:00", "2027-01-04 10:00"},
		{SlotHoliday, "2027-03-29 11:00", "2027-03-30 10:00"}, // Easter Monday
		{SlotHoliday, "2027-05-06 11:00", "2027-05-07 10:00"}, // Ascension
		{SlotHoliday, "2027-05-17 11:00", "2027-05-18 10:00"}, // Whit Monday
		{SlotHoliday, "2027-07-14 11:00", "2027-07-15 10:00"},
		{SlotHoliday, "2026-11-11 11:00", "2026-11-12 10:00"},
		{SlotHoliday, "2026-12-25 11:00", "2026-12-28 10:00"},
		{PhoneConsent, "2027-03-26 11:00", "2027-03-26 13:00"}, // Good Friday
		// Sundays on which the clock changes, and the days around them
		{PhoneConsent, "2027-03-26 19:59", "2027-03-26 20:00"},
		{SlotWeekend, "2027-03-28 03:00", "2027-03-30 10:00"},
		{PhoneConsent, "2026-10-23 19:59", "2026-10-23 20:00"},
		{SlotWeekend, "2026-10-25 02:30", "2026-10-26 10:00"},
		{SlotHours, "2026-10-26 09:59", "2026-10-26 10:00"},
		{PhoneConsent, "2026-10-26 10:00", "2026-10-26 13:00"},
	}
	for _, d := range days {
		l = append(l, c(d.rule, "Paris, "+d.at, ask(Phone, d.at, granted("2026-09-01", Phone))).holds(d.until))
	}
	return append(l,
		c(SlotHoliday, "1 May 2028, a Monday", ask(Phone, "2028-05-01 11:00", granted("2028-02-29", Phone))),
		c(SlotHoliday, "8 May 2028, a Monday", ask(Phone, "2028-05-08 11:00", granted("2028-02-29", Phone))),
		c(SlotHoliday, "15 August 2028, a Tuesday", ask(Phone, "2028-08-15 11:00", granted("2028-02-29", Phone))),
		c(SlotHoliday, "1 November 2028, a Wednesday", ask(Phone, "2028-11-01 11:00", granted("2028-02-29", Phone))),
	)
}

// otherHourCases: hours outside the law's, consented to.
func otherHourCases() []tcase {
	evening := []Slot{{Days: Days(time.Tuesday, time.Saturday), From: 20 * 60, To: 21 * 60}}
	slots := proof(func(p *Proof) { p.Slots = evening })
	return []tcase{
		c(PhoneConsent, "other hours, expressly consented to", ask(Phone, "2026-09-15 20:59", agreed, slots)).holds("2026-09-15 21:00"),
		c(PhoneConsent, "other hours join the legal ones", ask(Phone, "2026-09-15 19:00", agreed, slots)).holds("2026-09-15 21:00"),
		c(SlotHours, "other hours, after they end", ask(Phone, "2026-09-15 21:00", agreed, slots)),
		c(SlotHours, "other hours, of another day", ask(Phone, "2026-09-16 20:30", agreed, slots)),
		c(PhoneConsent, "other hours, a Saturday", ask(Phone, "2026-09-19 20:30", agreed, slots)),
		c(SlotHoliday, "other hours, a holiday not consented to", ask(Phone, "2027-07-14 11:00", agreed, proof(func(p *Proof) {
			p.Slots = []Slot{{Days: Days(time.Wednesday), From: 600, To: 700}}
		}))),
		c(PhoneConsent, "a holiday consented to", ask(Phone, "2027-07-14 11:00", agreed, proof(func(p *Proof) {
			p.Slots = []Slot{{Days: Days(time.Wednesday), From: 600, To: 700, Holidays: true}}
		}))),
		c(ConsentWithdrawn, "other hours, consent withdrawn", ask(Phone, "2026-09-15 20:30", agreed, slots, withdrew("2026-09-02", Phone))),
		c(SlotHours, "other hours, under contract without consent", ask(Phone, "2026-09-15 20:30", sector("energy"), contract("2026-01-01", "", "energy"))),
	}
}

func placeCases() (l []tcase) {
	for _, e := range everywhere[1:] {
		l = append(l,
			c(PhoneConsent, e.postal+" and a number there, 14:00", ask(Phone, "2026-09-15 14:00,"+e.zone, agreed, number(e.number), lives("", "FR", e.postal))),
			c(SlotHours, e.postal+" and a number there, 13:59", ask(Phone, "2026-09-15 13:59,"+e.zone, agreed, number(e.number), lives("", "FR", e.postal))))
	}
	alsace := r(func(r *Rules) { r.AlsaceMoselle = true })
	overseas := r(func(r *Rules) { r.Overseas = true })
	in := func(zone string, numbers ...string) mod {
		return s(func(s *State) { s.Place.TimeZone, s.Phones = zone, numbers })
	}
	return append(l,
		c(SlotHours, "a number in France, an address in Réunion, 11:59 in Paris", ask(Phone, "2026-09-15 11:59", agreed, lives("", "", "97400"))).holds("2026-09-15 12:00"),
		c(PhoneConsent, "a number in France, an address in Réunion, 12:15 in Paris", ask(Phone, "2026-09-15 12:15", agreed, lives("", "", "97400"))).holds("2026-09-15 13:00"),
		c(SlotHours, "a number in France, lives in Martinique, 10:15 in Paris", ask(Phone, noon, agreed, lives("America/Martinique", "", ""))).holds("2026-09-15 16:00"),
		c(PhoneConsent, "a number in France, lives in Martinique, 16:00 in Paris", ask(Phone, "2026-09-15 16:00", agreed, lives("America/Martinique", "", ""))).holds("2026-09-15 19:00"),
		c(SlotHours, "all her numbers, one in Martinique", ask(Phone, noon, agreed, in("", "+33612345678", "+596696123456"))),
		c(PhoneConsent, "the number called is the French one", ask(Phone, noon, agreed, in("", "+33612345678", "+596696123456"), address("+33612345678"))),
		c(SlotHours, "the summer hours of Paris and Nouméa meet from 10 to 11", ask(Phone, "2026-09-15 11:00", agreed, lives("", "FR", "98800"))).holds("2026-09-16 10:00"),
		c(PhoneConsent, "Paris and Nouméa in summer, 10:15", ask(Phone, noon, agreed, lives("", "FR", "98800"))).holds("2026-09-15 11:00"),
		c(SlotZone, "no number and no place", ask(Phone, noon, agreed, in(""))),
		c(SlotZone, "an unknown zone", ask(Phone, noon, agreed, in("Europe/Atlantis", "+33612345678"))),
		c(SlotZone, "a postal code that cannot be read", ask(Phone, noon, agreed, lives("", "FR", "6900"))),
		c(SlotZone, "a postal code of the armies", ask(Phone, noon, agreed, lives("", "FR", "00100"))),
		c(SlotZone, "a postal code of no department", ask(Phone, noon, agreed, lives("", "FR", "96000"))),
		c(SlotZone, "a postal code with a letter", ask(Phone, noon, agreed, lives("", "FR", "2A004"))),
		c(SlotZone, "a country of many zones", ask(Phone, noon, agreed, lives("", "US", "10001"))),
		c(SlotZone, "an American number alone", ask(Phone, noon, agreed, in("", "+12125551234"))),
		c(SlotZone, "an overseas number without a place", ask(Phone, noon, agreed, in("", "+33976123456"))),
		c(SlotZone, "no zones to be had", ask(Phone, noon, agreed, r(func(r *Rules) { r.Zones = nil }))),
		c(PhoneConsent, "an American number, the zone is known", ask(Phone, noon, agreed, in("Europe/Paris", "+12125551234"))),
		c(PhoneConsent, "a postal code with a space", ask(Phone, noon, agreed, lives("", "FR", "69 003"))),
		c(SlotHours, "a British number, 09:59 in London", ask(Phone, "2026-09-15 10:59", agreed, in("", "+447911123456"))).holds("2026-09-15 11:00"),
		c(SlotHours, "Polynésie: all three zones must allow", ask(Phone, "2026-09-15 12:15,Pacific/Tahiti", agreed, in("", "+68987123456"))),
		c(PhoneConsent, "Polynésie: ten and eleven o'clock in all", ask(Phone, "2026-09-15 10:15,Pacific/Tahiti", agreed, in("", "+68987123456"))).holds("2026-09-15 12:00,Pacific/Tahiti"),
		c(SlotHours, "a number of +262 that may be in Réunion or in Mayotte", ask(Phone, "2026-09-15 10:15,Indian/Reunion", agreed, in("", "+262976123456"))),
		c(SlotHoliday, "Strasbourg, Good Friday, by policy", ask(Phone, "2027-03-26 11:00", agreed, alsace, lives("", "FR", "67000"))),
		c(SlotHoliday, "Metz, 26 December 2028, by policy", ask(Phone, "2028-12-26 11:00", granted("2028-09-01", Phone), alsace, lives("", "FR", "57000"))),
		c(PhoneConsent, "Strasbourg, Good Friday, without the policy", ask(Phone, "2027-03-26 11:00", agreed, lives("", "FR", "67000"))),
		c(PhoneConsent, "Lyon, Good Friday, by policy", ask(Phone, "2027-03-26 11:00", agreed, alsace, lives("", "FR", "69003"))),
		c(SlotHoliday, "a French number without address, Good Friday, by policy", ask(Phone, "2027-03-26 11:00", agreed, alsace)),
		c(SlotHoliday, "Réunion, 20 December 2028, by policy", ask(Phone, "2028-12-20 11:00,Indian/Reunion", granted("2028-09-01", Phone), overseas, number("+262692123456"))),
		c(PhoneConsent, "Réunion, 20 December 2028, without the policy", ask(Phone, "2028-12-20 11:00,Indian/Reunion", granted("2028-09-01", Phone), number("+262692123456"))),
		c(SlotHoliday, "Martinique, 22 May 2028, by policy", ask(Phone, "2028-05-22 11:00,America/Martinique", granted("2027-09-01", Phone), overseas, in("America/Martinique", "+596696123456"))),
		c(SlotHoliday, "Saint-Martin, 28 May 2027, by policy", ask(Phone, "2027-05-28 11:00,America/Guadeloupe", agreed, overseas, number("+590690123456"), lives("", "FR", "97800"))),
	)
}
