package contactability_test

import (
	"time"

	"greffe/domain/consent"
	. "greffe/domain/contactability"
	"greffe/domain/event"
)

var agreed = granted("2026-09-01 12:00", Phone)

func phoneCases() []tcase {
	grant := func(at string, f ...func(*consent.Act)) mod {
		return act(event.ConsentGranted, at, []string{Phone}, f...)
	}
	object7 := func(c *Contract) { c.Object = "7" }
	return []tcase{
		c(PhoneConsent, "opt-in: proven consent", ask(Phone, noon, agreed)).holds("2026-09-15 13:00"),
		c(PhoneNoConsent, "opt-in: nothing", ask(Phone, noon)),
		c(PhoneNoConsent, "opt-in: informed is not consent", ask(Phone, noon, collected("2026-01-01"))),
		c(PhoneNoConsent, "opt-in: consent for e-mail", ask(Phone, noon, granted("2026-09-01", Email))),
		c(PhoneNoConsent, "opt-in: consent to another company of the network", ask(Phone, noon, grant("2026-09-01", func(a *consent.Act) { a.Controller = "partner" }))),
		c(PhoneNoConsent, "opt-in: a purchase is not consent", ask(Phone, noon, bought("2026-09-01"), offer("similar"))),
		c(PhoneUnproven, "opt-in: unproven", ask(Phone, noon, unproven("2026-09-01", Phone))),
		c(ConsentWithdrawn, "opt-in: withdrawn orally in a call", ask(Phone, noon, agreed, withdrew("2026-09-15 10:14", Phone))),
		c(ConsentRefused, "opt-in: refused", ask(Phone, noon, refused("2026-09-01", Phone))),
		c(PhoneConsent, "one year: the minute before", ask(Phone, "2027-09-01 11:59", agreed)).holds("2027-09-01 12:00"),
		c(PhoneExpired, "one year: the instant", ask(Phone, "2027-09-01 12:00", agreed)),
		c(PhoneConsent, "one year: the day before", ask(Phone, "2027-08-31 12:00", agreed)),
		c(PhoneExpired, "one year: the day after", ask(Phone, "2027-09-02 12:00", agreed)),
		c(PhoneExpired, "one year: a longer term is cut", ask(Phone, "2027-09-02 12:00", grant("2026-09-01", until("2029-09-01")))),
		c(PhoneExpired, "one year: a shorter term holds", ask(Phone, noon, grant("2026-09-01", until(noon)))),
		c(PhoneExpired, "one year: a purchase renews nothing", ask(Phone, "2027-09-02 12:00", agreed, bought("2027-08-01"))),
		c(PhoneConsent, "one year: given anew", ask(Phone, "2027-09-02 12:00", agreed, granted("2027-08-31", Phone))),
		c(PhoneConsent, "one year from 29 February: 27 February at 16:00", ask(Phone, "2029-02-27 16:00", granted("2028-02-29 15:00", Phone))),
		c(PhoneExpired, "one year from 29 February: 28 February at 15:00", ask(Phone, "2029-02-28 15:00", granted("2028-02-29 15:00", Phone))),
		c(PhoneConsent, "one year: consent of before the opt-in law", ask(Phone, noon, granted("2026-03-01", Phone))),
		c(PhoneConsent, "one year: 10 August 2026, an older consent", ask(Phone, "2026-08-10 19:59", granted("2025-06-01", Phone))).holds("2026-08-10 20:00"),
		c(PhoneExpired, "one year: 11 August 2026, an older consent", ask(Phone, "2026-08-11 00:00", granted("2025-06-01", Phone))),
		c(PhoneContract, "contract: running, same sector", ask(Phone, noon, sector("energy"), contract("2026-01-01", "", "energy"))).holds("2026-09-15 13:00"),
		c(PhoneContract, "contract: running, same object", ask(Phone, noon, object("7"), contract("2026-01-01", "", "", object7))),
		c(PhoneContract, "contract: the minute before its end", ask(Phone, noon, sector("energy"), contract("2026-01-01", "2026-09-15 10:16", "energy"))).holds("2026-09-15 10:16"),
		c(PhoneNoConsent, "contract: the instant of its end", ask(Phone, noon, sector("energy"), contract("2026-01-01", noon, "energy"))),
		c(PhoneNoConsent, "contract: ended before its term", ask(Phone, noon, sector("energy"), contract("2026-01-01", "2027-01-01", "energy", func(c *Contract) { c.Ended = instant("2026-09-14") }))),
		c(PhoneNoConsent, "contract: begins tomorrow", ask(Phone, noon, sector("energy"), contract("2026-09-16", "", "energy"))).holds("2026-09-16"),
		c(PhoneNoConsent, "contract: its start is not known", ask(Phone, noon, sector("energy"), contract("2026-01-01", "", "energy", func(c *Contract) { c.Started = time.Time{} }))),
		c(PhoneNoConsent, "contract: another sector", ask(Phone, noon, sector("telecom"), contract("2026-01-01", "", "energy"))),
		c(PhoneNoConsent, "contract: another object", ask(Phone, noon, object("8"), contract("2026-01-01", "", "", object7))),
		c(PhoneNoConsent, "contract: neither sector nor object told", ask(Phone, noon, contract("2026-01-01", "", "energy"))),
		c(PhoneNoConsent, "contract: sector other relates to nothing", ask(Phone, noon, sector("other"), contract("2026-01-01", "", "other"))),
		c(PhoneNoConsent, "contract: another company's", ask(Phone, noon, sector("energy"), contract("2026-01-01", "", "energy", func(c *Contract) { c.Controller = "partner" }))),
		c(ConsentWithdrawn, "contract: running, calls withdrawn", ask(Phone, noon, sector("energy"), contract("2026-01-01", "", "energy"), withdrew("2026-09-02", Phone))),
		c(PhonePress, "press: informed", ask(Phone, noon, sector("press"), collected("2026-01-01"))),
		c(PhonePressUninformed, "press: not informed", ask(Phone, noon, sector("press"))),
		c(SlotHours, "press: outside the slots", ask(Phone, "2026-09-15 20:00", sector("press"), collected("2026-01-01"))),
	}
}

func callbackCases() []tcase {
	return []tcase{
		c(PhoneCallback, "callback: asked yesterday", ask(Phone, noon, callback("2026-09-14 18:00"))),
		c(PhoneCallback, "callback: asked a minute ago", ask(Phone, noon, callback("2026-09-15 10:14"))),
		c(PhoneNoConsent, "callback: not yet asked", ask(Phone, noon, callback("2026-09-15 10:16"))).holds("2026-09-15 10:16"),
		c(PhoneCallback, "callback: fifth working day, last minute", ask(Phone, "2026-09-22 19:59", callback("2026-09-15 18:00"))).holds("2026-09-22 20:00"),
		c(PhoneNoConsent, "callback: sixth working day", ask(Phone, "2026-09-23 10:00", callback("2026-09-15 18:00"))),
		c(PhoneCallback, "callback: 11 November is no working day", ask(Phone, "2026-11-16 10:00", callback("2026-11-06 18:00"))),
		c(PhoneNoConsent, "callback: past 11 November and five days", ask(Phone, "2026-11-17 10:00", callback("2026-11-06 18:00"))),
		c(PhoneCallback, "callback: asked on a Saturday, Friday after", ask(Phone, "2026-09-18 19:59", callback("2026-09-12 12:00"))),
		c(PhoneNoConsent, "callback: asked on a Saturday, Monday after", ask(Phone, "2026-09-21 10:00", callback("2026-09-12 12:00"))),
		c(PhoneNoConsent, "callback: not proven", ask(Phone, noon, callback("2026-09-14 18:00", func(c *Callback) { c.Proven = false }))),
		c(PhoneNoConsent, "callback: about another object", ask(Phone, noon, callback("2026-09-14 18:00", func(c *Callback) { c.Purpose = "customer_service" }))),
		c(PhoneNoConsent, "callback: object not told", ask(Phone, noon, callback("2026-09-14 18:00", func(c *Callback) { c.Purpose = "" }))),
		c(PhoneNoConsent, "callback: about another sector", ask(Phone, noon, sector("telecom"), callback("2026-09-14 18:00", func(c *Callback) { c.Sector = "energy" }))),
		c(PhoneNoConsent, "callback: to another company", ask(Phone, noon, callback("2026-09-14 18:00", func(c *Callback) { c.Controller = "partner" }))),
		c(PhoneNoConsent, "callback: refused in the call that followed", ask(Phone, noon, callback("2026-09-14 18:00"), call("2026-09-14 18:30", no))),
		c(PhoneNoConsent, "callback: refused at the same instant", ask(Phone, noon, callback("2026-09-14 18:00"), call("2026-09-14 18:00", no))),
		c(PhoneCallback, "callback: asked after a refusal", ask(Phone, noon, call("2026-09-14 17:00", no), callback("2026-09-14 18:00"))),
		c(PhoneCallback, "callback: consent withdrawn before it", ask(Phone, noon, withdrew("2026-09-01", Phone), callback("2026-09-14 18:00"))),
		c(ConsentWithdrawn, "callback: consent withdrawn after it", ask(Phone, noon, callback("2026-09-14 18:00"), withdrew("2026-09-14 19:00", Phone))),
		c(OpposedPerson, "callback: an objection stands", ask(Phone, noon, objected("2026-09-01"), callback("2026-09-14 18:00"))),
		c(SlotHours, "callback: outside the slots", ask(Phone, "2026-09-15 20:30", callback("2026-09-14 18:00"))),
		c(PhoneCallback, "callback: at the hour that was asked for", ask(Phone, "2026-09-15 20:30", callback("2026-09-14 18:00", func(c *Callback) {
			c.Slots = []Slot{{Days: Days(time.Tuesday), From: 20 * 60, To: 21 * 60}}
		}))).holds("2026-09-15 21:00"),
		c(PhoneCallback, "callback: outside the slots, the policy follows R223-4 alone", ask(Phone, "2026-09-15 20:30", callback("2026-09-14 18:00"), r(func(r *Rules) { r.CallbackAnyTime = true }))),
		c(PhoneCallback, "callback: after four attempts", ask(Phone, noon, callback("2026-09-14 18:00"), calls("2026-09-14 18:10", "2026-09-14 18:20", "2026-09-14 18:30", "2026-09-14 18:40"))),
	}
}

func phoneBeforeCases() []tcase {
	return []tcase{
		c(PhoneBefore, "10 August 2026: informed", ask(Phone, "2026-08-10 19:59", collected("2026-01-01"))).holds("2026-08-10 20:00"),
		c(SlotHours, "10 August 2026, 20:00", ask(Phone, "2026-08-10 20:00", collected("2026-01-01"))).holds("2026-08-11"),
		c(PhoneNoConsent, "11 August 2026: informed", ask(Phone, "2026-08-11 10:00", collected("2026-01-01"))),
		c(PhoneNoConsent, "11 August 2026, midnight", ask(Phone, "2026-08-11 00:00", collected("2026-01-01"))),
		c(PhoneConsent, "11 August 2026: consent", ask(Phone, "2026-08-11 10:00", granted("2026-08-10", Phone))),
		c(PhoneBefore, "10 August 2026 in Réunion", ask(Phone, "2026-08-10 19:59,Indian/Reunion", number("+262692123456"), collected("2026-01-01"))),
		c(PhoneNoConsent, "11 August 2026 in Réunion, the 10th in Paris", ask(Phone, "2026-08-10 22:30", number("+262692123456"), collected("2026-01-01"))),
		c(PhoneBefore, "10 August 2026 in Martinique", ask(Phone, "2026-08-10 19:59,America/Martinique", number("+596696123456"), collected("2026-01-01"))),
		c(PhoneBeforeUninformed, "June 2026: not informed", ask(Phone, "2026-06-16 10:15")),
		c(OpposedAddress, "June 2026: on the national list", ask(Phone, "2026-06-16 10:15", collected("2026-01-01"), objected("2026-05-01", byAddress, scope("prospecting", Phone)))),
		c(SlotWeekend, "June 2026: on a Saturday", ask(Phone, "2026-06-13 10:15", collected("2026-01-01"))),
		c(FourAttempts, "June 2026: four attempts", ask(Phone, "2026-06-16 10:15", collected("2026-01-01"), calls("2026-06-10", "2026-06-11", "2026-06-12", "2026-06-15"))),
	}
}

func sectorCases() (l []tcase) {
	for _, banned := range []string{"energy_renovation", "home_adaptation"} {
		for _, ch := range []string{Phone, Email, SMS, Social} {
			l = append(l, c(SectorBanned, banned+" by "+ch+", even with consent", ask(ch, noon, sector(banned), granted("2026-09-01", ch))))
		}
		l = append(l,
			c(PhoneContract, banned+" by phone, running contract", ask(Phone, noon, sector(banned), contract("2026-01-01", "", banned))),
			c(ElectronicConsent, banned+" by e-mail, consent and running contract", ask(Email, noon, sector(banned), granted("2026-09-01", Email), contract("2026-01-01", "", banned))),
			c(SectorBanned, banned+" by e-mail, the contract has ended", ask(Email, noon, sector(banned), granted("2026-09-01", Email), contract("2026-01-01", "2026-09-01", banned))),
			c(SectorBanned, banned+" by e-mail, a contract in another sector", ask(Email, noon, sector(banned), granted("2026-09-01", Email), contract("2026-01-01", "", "energy"))),
			c(ElectronicNoConsent, banned+" by e-mail, running contract without consent", ask(Email, noon, sector(banned), contract("2026-01-01", "", banned))),
			c(SectorBanned, banned+" by e-mail after a sale", ask(Email, noon, sector(banned), offer("similar"), bought("2026-09-01"))),
			c(PhoneCallback, banned+", asked to be called about it", ask(Phone, noon, sector(banned), callback("2026-09-14 18:00", func(c *Callback) { c.Sector = banned }))),
			c(PhoneNoConsent, banned+", asked to be called, sector not told", ask(Phone, noon, sector(banned), callback("2026-09-14 18:00"))),
			c(SectorBanned, banned+", June 2026, informed", ask(Phone, "2026-06-16 10:15", sector(banned), collected("2026-01-01"))),
		)
	}
	return append(l, c(PhoneConsent, "a sector that is not banned", ask(Phone, noon, sector("insurance"), agreed)))
}

func frequencyCases() []tcase {
	four := calls("2026-09-07 11:00", "2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00")
	three := calls("2026-09-08 11:00", "2026-09-09 11:00", "2026-09-10 11:00")
	first := func(f func(*Call)) mod { return call("2026-09-07 11:00", f) }
	return []tcase{
		c(PhoneConsent, "three attempts", ask(Phone, noon, agreed, three)),
		c(FourAttempts, "four attempts", ask(Phone, noon, agreed, four)).holds("2026-10-07 11:00"),
		c(FourAttempts, "the fourth was a minute ago", ask(Phone, noon, agreed, three, call("2026-09-15 10:14"))),
		c(FourAttempts, "thirty days after the first, the minute before", ask(Phone, "2026-10-07 10:59", agreed, four)),
		c(PhoneConsent, "thirty days after the first, the instant", ask(Phone, "2026-10-07 11:00", agreed, four)),
		c(FourAttempts, "the day before thirty days", ask(Phone, "2026-10-06 11:00", agreed, four)),
		c(PhoneConsent, "the day after thirty days", ask(Phone, "2026-10-08 11:00", agreed, four)),
		c(FourAttempts, "five attempts, the first has left the window", ask(Phone, "2026-10-07 11:00", agreed, call("2026-09-06 11:00"), four, call("2026-09-11 11:00"))),
		c(PhoneConsent, "attempts of another company", ask(Phone, noon, agreed, three, first(func(c *Call) { c.Controller = "partner" }))),
		c(FourAttempts, "an attempt that names no company is counted", ask(Phone, noon, agreed, three, first(func(c *Call) { c.Controller = "" }))),
		c(FourAttempts, "an attempt for nobody known is counted", ask(Phone, noon, agreed, three, first(func(c *Call) { c.Controller = "*" }))),
		c(PhoneConsent, "a service call is no attempt", ask(Phone, noon, agreed, three, first(func(c *Call) { c.Purpose = "customer_service" }))),
		c(FourAttempts, "a call of unknown purpose is counted", ask(Phone, noon, agreed, three, first(func(c *Call) { c.Purpose = "" }))),
		c(PhoneConsent, "a call from the person is no attempt", ask(Phone, noon, agreed, three, first(func(c *Call) { c.Inbound = true }))),
		c(FourAttempts, "over all her numbers", ask(Phone, noon, agreed, four, address("+33612345679"))),
		c(FourAttempts, "a contract does not help", ask(Phone, noon, sector("energy"), contract("2026-01-01", "", "energy"), four)),
		c(FourAttempts, "an automated call is counted alike", ask(Phone, noon, automated, agreed, four)),
		c(PhoneConsent, "a later call is not yet known to matter", ask(Phone, noon, agreed, three, call("2026-09-15 11:00"))).holds("2026-09-15 11:00"),
		c(FourAttempts, "a stricter policy: two", ask(Phone, noon, agreed, three, r(func(r *Rules) { r.MaxAttempts = 2 }))),
		c(DialerSilent, "the dialer is silent", ask(Phone, noon, agreed, s(func(s *State) { s.DialerSilentSince = instant("2026-09-15 09:00") }))),
		c(DialerSilent, "the dialer is silent, callback", ask(Phone, noon, callback("2026-09-14"), s(func(s *State) { s.DialerSilentSince = instant("2026-09-15 09:00") }))),
		c(PhoneConsent, "before the dialer went silent", ask(Phone, noon, agreed, s(func(s *State) { s.DialerSilentSince = instant("2026-09-15 11:00") }))).holds("2026-09-15 11:00"),
		c(ElectronicConsent, "the dialer is silent, e-mail", ask(Email, noon, granted("2026-09-01", Email), s(func(s *State) { s.DialerSilentSince = instant("2026-09-15 09:00") }))),
		c(Silence, "refused yesterday", ask(Phone, noon, agreed, call("2026-09-14 11:00", no))).holds("2026-11-14"),
		c(Silence, "refused, the sixtieth day", ask(Phone, "2026-11-13 19:59", agreed, call("2026-09-14 11:00", no))),
		c(PhoneConsent, "refused, the first working day after sixty", ask(Phone, "2026-11-16 10:00", agreed, call("2026-09-14 11:00", no))),
		c(Silence, "refused, sixty days of 24 hours but not sixty full days", ask(Phone, "2026-11-09 19:00", agreed, call("2026-09-10 11:00", no))),
		c(PhoneConsent, "refused, the sixty-first day", ask(Phone, "2026-11-10 10:00", agreed, call("2026-09-10 19:59", no))),
		c(Silence, "sixty days must have passed in each zone", ask(Phone, "2026-09-15 12:15", agreed, call("2026-09-10 12:15", no), lives("", "", "97400"))).holds("2026-11-10"),
		c(Silence, "refused twice: the later counts", ask(Phone, "2026-11-10 10:00", agreed, call("2026-09-11 11:00", no), call("2026-09-10 19:59", no))),
		c(Silence, "refused in a call from the person", ask(Phone, noon, agreed, call("2026-09-14 11:00", no, func(c *Call) { c.Inbound = true }))),
		c(Silence, "refused, then consented", ask(Phone, noon, call("2026-09-01 11:00", no), granted("2026-09-02", Phone))),
		c(PhoneConsent, "refused to another company", ask(Phone, noon, agreed, call("2026-09-14 11:00", no, func(c *Call) { c.Controller = "partner" }))),
		c(ElectronicConsent, "refused in a call, e-mail with consent", ask(Email, noon, granted("2026-09-01", Email), call("2026-09-14 11:00", no))),
	}
}
