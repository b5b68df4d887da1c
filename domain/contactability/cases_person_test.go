package contactability_test

import (
	"time"

	"greffe/domain"
	"greffe/domain/consent"
	. "greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/opposition"
)

// noon is a Tuesday, 10:15 in Paris, in a slot.
const noon = "2026-09-15 10:15"

func scope(purpose string, channels ...string) func(*opposition.Entry) {
	return func(e *opposition.Entry) { e.Purpose, e.Channels = purpose, channels }
}

func byAddress(e *opposition.Entry) { e.Subject = nobodyID }

var nobodyID domain.ID

func opposedCases() []tcase {
	yes := granted("2026-09-01", Email)
	again := granted("2026-09-10", Email)
	return []tcase{
		c(InputTime, "no instant", ask(Email, noon, yes, q(func(q *Query) { q.At = time.Time{} }))),
		c(OpposedPerson, "objection to everything", ask(Email, noon, yes, objected("2026-09-02"))).holds("never"),
		c(OpposedPerson, "objection to the channel", ask(Email, noon, yes, objected("2026-09-02", scope("", Email)))),
		c(OpposedPerson, "objection to the purpose", ask(Email, noon, yes, objected("2026-09-02", scope("prospecting")))),
		c(OpposedPerson, "objection to the controller", ask(Email, noon, yes, objected("2026-09-02", func(e *opposition.Entry) { e.Controller = "acme" }))),
		c(ElectronicConsent, "objection to another channel", ask(Email, noon, yes, objected("2026-09-02", scope("", Phone)))),
		c(ElectronicConsent, "objection to another purpose", ask(Email, noon, yes, objected("2026-09-02", scope("billing")))),
		c(ElectronicConsent, "objection to another controller", ask(Email, noon, yes, objected("2026-09-02", func(e *opposition.Entry) { e.Controller = "partner" }))),
		c(ElectronicConsent, "the minute before the objection", ask(Email, "2026-09-02 11:59", yes, objected("2026-09-02 12:00"))).holds("2026-09-02 12:00"),
		c(OpposedPerson, "the instant of the objection", ask(Email, "2026-09-02 12:00", yes, objected("2026-09-02 12:00"))),
		c(OpposedPerson, "objection dated ahead, recorded before", ask(Email, "2026-09-02 11:58", yes,
			objected("2026-09-02 12:00", func(e *opposition.Entry) { e.Recorded = instant("2026-09-02 11:57") }))),
		c(OpposedPerson, "consent before the objection", ask(Email, noon, yes, objected("2026-09-02"))),
		c(OpposedPerson, "consent at the same time as the objection", ask(Email, noon, objected("2026-09-10"), again)),
		c(ElectronicConsent, "consent after the objection", ask(Email, noon, objected("2026-09-02"), again)),
		c(OpposedPerson, "consent after it, for another channel", ask(Email, noon, objected("2026-09-02"), granted("2026-09-10", SMS))),
		c(OpposedPerson, "consent after it, for another purpose", ask(Email, noon, objected("2026-09-02"),
			act(event.ConsentGranted, "2026-09-10", []string{Email}, func(a *consent.Act) { a.Purpose = "billing" }))),
		c(OpposedPerson, "consent after it, to another company", ask(Email, noon, objected("2026-09-02"),
			act(event.ConsentGranted, "2026-09-10", []string{Email}, func(a *consent.Act) { a.Controller = "partner" }))),
		c(OpposedPerson, "consent after it that names no channel", ask(Email, noon, objected("2026-09-02"), granted("2026-09-10"))),
		c(OpposedPerson, "unproven consent after it", ask(Email, noon, objected("2026-09-02"), unproven("2026-09-10", Email))),
		c(OpposedPerson, "a purchase after the objection", ask(Email, noon, objected("2026-09-02"), bought("2026-09-10"), offer("similar"))),
		c(OpposedPerson, "the consent that outlived it has expired", ask(Email, noon, objected("2026-09-02"),
			act(event.ConsentGranted, "2026-09-10", []string{Email}, until("2026-09-14")))),
		c(ElectronicConsent, "objection lifted with a reason", ask(Email, noon, yes, objected("2026-09-02"), lifted("2026-09-03", "registered_in_error"))),
		c(OpposedPerson, "objection lifted without a reason", ask(Email, noon, yes, objected("2026-09-02"), lifted("2026-09-03", ""))),
		c(OpposedPerson, "before the lift", ask(Email, noon, yes, objected("2026-09-02"), lifted("2026-09-16", "registered_in_error"))).holds("2026-09-16"),
		c(OpposedPerson, "another objection stands after the lift of one", ask(Email, noon, yes, objected("2026-09-02", scope("")), objected("2026-09-02"), lifted("2026-09-03", "registered_in_error"))),
		c(OpposedAddress, "the address is on the list", ask(Email, noon, yes, objected("2026-09-02", byAddress))),
		c(OpposedAddress, "the address of nobody known is on the list", ask(Email, noon, nobody, address("info@firm.example"), objected("2026-09-02"))),
		c(ElectronicConsent, "own consent after the address was listed", ask(Email, noon, objected("2026-09-02", byAddress), again)),
		c(OpposedPerson, "somebody else on the shared address objected", ask(Email, noon, objected("2026-09-02", func(e *opposition.Entry) { e.Subject = bob }), again)),
		c(OpposedPerson, "objection and unknown purpose", ask(Email, noon, purpose("riddles"), objected("2026-09-02"))),
	}
}

func ageUnread(w *world) { w.s.AgeUnread = w.next() }

func personCases() []tcase {
	yes := granted("2026-09-01", Email)
	return []tcase{
		c(InputChannel, "fax", ask("fax", noon, yes)),
		c(InputChannel, "no channel", ask("", noon, yes)),
		c(InputPurpose, "unknown purpose", ask(Email, noon, yes, purpose("riddles"))),
		c(InputPurpose, "no purpose", ask(Email, noon, yes, purpose(""))),
		c(InputUse, "billing by SMS", ask(SMS, noon, purpose("billing"))),
		c(InputController, "unknown controller", ask(Email, noon, yes, controller("stranger"))),
		c(InputController, "no controller", ask(Email, noon, yes, controller(""))),
		c(InputOffer, "unknown kind of offer", ask(Email, noon, yes, offer("same"))),
		c(InputSector, "unknown sector", ask(Email, noon, yes, sector("astrology"))),

		c(PersonErased, "erased", ask(Email, noon, yes, stop(Erased, "2026-09-10"))),
		c(PersonDeceased, "deceased", ask(Email, noon, yes, stop(Deceased, "2026-09-10"))),
		c(PersonDeceased, "deceased and restricted", ask(Email, noon, yes, stop(Restricted, "2026-09-10"), stop(Deceased, "2026-09-10"))),
		c(PersonRestricted, "restricted", ask(Email, noon, yes, stop(Restricted, "2026-09-10"))).holds("never"),
		c(PersonRestricted, "restricted, by post", ask(Postal, noon, collected("2026-01-01"), stop(Restricted, "2026-09-10"))),
		c(PersonRestricted, "restricted, under contract", ask(Email, noon, purpose("contract"), contract("2026-01-01", "", "retail"), stop(Restricted, "2026-09-10"))),
		c(PersonRestricted, "a standing that is not known", ask(Email, noon, yes, stop(99, "2026-09-10"))),
		c(ElectronicConsent, "before the restriction", ask(Email, noon, yes, stop(Restricted, "2026-09-16"))).holds("2026-09-16"),
		c(ElectronicConsent, "restriction lifted", ask(Email, noon, yes, stop(Restricted, "2026-09-10"), s(func(s *State) { s.Stops[0].Until = instant("2026-09-15") }))),
		c(PersonRestricted, "restriction about to be lifted", ask(Email, noon, yes, stop(Restricted, "2026-09-10"), s(func(s *State) { s.Stops[0].Until = instant("2026-09-16") }))).holds("2026-09-16"),
		c(PersonDeleted, "the source holds the contact no longer", ask(Email, noon, yes, stop(DeletedUpstream, "2026-09-10"))),
		c(PersonDeleted, "deleted upstream and unreadable", ask(Email, noon, yes, stop(Unreadable, "2026-09-10"), stop(DeletedUpstream, "2026-09-10"))),
		c(PersonUnreadable, "something recorded cannot be read", ask(Email, noon, yes, stop(Unreadable, "2026-09-10"))).holds("never"),
		c(AgeUnread, "a birth date that cannot be read, own consent", ask(Email, noon, yes, ageUnread)),
		c(AgeUnread, "a birth date that cannot be read, asked for a callback", ask(Phone, noon, callback("2026-09-14"), ageUnread)),
		c(ElectronicConsent, "a birth date that cannot be read, joint consent", ask(Email, noon, yes, proof(func(p *Proof) { p.Guardian = true }), ageUnread)),
		c(ServiceContract, "a birth date that cannot be read, a service message", ask(Email, noon, purpose("contract"), contract("2026-01-01", "", "retail"), ageUnread)),
		c(PersonUnknown, "nobody known, by e-mail", ask(Email, noon, nobody, address("x@example.fr"))).holds("never"),
		c(PersonUnknown, "nobody known, by phone", ask(Phone, noon, nobody, address("+33612345678"))),
		c(PersonUnknown, "nobody known, generic local part at a webmail", ask(Email, noon, nobody, address("contact@gmail.com"))),

		c(PersonMinor, "fourteen, own consent", ask(Email, noon, yes, born(2012, 1, 1))).holds("2027-01-01"),
		c(PersonMinor, "the day before the fifteenth birthday", ask(Email, "2026-09-15 23:59", yes, born(2011, 9, 16))).holds("2026-09-16"),
		c(ElectronicConsent, "the fifteenth birthday, consent given that day", ask(Email, "2026-09-16 12:00", granted("2026-09-16", Email), born(2011, 9, 16))),
		c(PersonMinor, "born on 29 February, 28 February", ask(Email, "2027-02-28 12:00", yes, born(2012, 2, 29))).holds("2027-03-01"),
		c(ElectronicConsent, "born on 29 February, 1 March", ask(Email, "2027-03-01 12:00", granted("2027-03-01", Email), born(2012, 2, 29))),
		c(PersonMinor, "the birthday has not begun in Martinique", ask(Email, "2026-09-16 05:59", granted("2026-09-16", Email), born(2011, 9, 16), lives("America/Martinique", "", ""))),
		c(PersonMinor, "the birthday has begun in Réunion, not yet in Martinique", ask(Email, "2026-09-16 05:59", granted("2026-09-16", Email), born(2011, 9, 16), lives("America/Martinique", "FR", "97400"))).holds("2026-09-16 06:00"),
		c(PersonMinor, "fourteen, by post", ask(Postal, noon, collected("2026-01-01"), born(2012, 1, 1))),
		c(PersonMinor, "fourteen, asked for a callback", ask(Phone, noon, callback("2026-09-14 12:00"), born(2012, 1, 1))),
		c(PersonMinor, "fourteen, after a sale", ask(Email, noon, bought("2026-09-01"), offer("similar"), born(2012, 1, 1))),
		c(ElectronicConsent, "fourteen, joint consent", ask(Email, noon, yes, proof(func(p *Proof) { p.Guardian = true }), born(2012, 1, 1))),
		c(MinorConsent, "sixteen, consent given at fourteen", ask(Email, "2028-09-15 12:00", yes, born(2012, 1, 1))),
		c(ElectronicConsent, "sixteen, joint consent given at fourteen", ask(Email, "2028-09-15 12:00", yes, proof(func(p *Proof) { p.Guardian = true }), born(2012, 1, 1))),
	}
}

func until(at string) func(*consent.Act) {
	return func(a *consent.Act) { a.ExpiresAt = instant(at) }
}

func unproven(at string, channels ...string) mod {
	return act(event.ConsentGranted, at, channels, func(a *consent.Act) { a.Evidence, a.Lacks = "unproven", []string{"act"} })
}

func consentCases() []tcase {
	yes := granted("2026-09-01 12:00", Email, SMS)
	return []tcase{
		c(ElectronicConsent, "proven consent, e-mail", ask(Email, noon, yes)).holds("never"),
		c(ElectronicConsent, "proven consent, SMS", ask(SMS, noon, yes)),
		c(ElectronicConsent, "proven consent, social media", ask(Social, noon, granted("2026-09-01", Social))),
		c(ElectronicConsent, "proven consent, automated call", ask(Phone, noon, automated, granted("2026-09-01", Phone))),
		c(ElectronicConsent, "no general expiry: consent of ten years ago", ask(Email, noon, granted("2016-09-01", Email))),
		c(ElectronicConsent, "the instant of consent", ask(Email, "2026-09-01 12:00", yes)),
		c(ElectronicNoConsent, "the minute before consent", ask(Email, "2026-09-01 11:59", yes)).holds("2026-09-01 12:00"),
		c(ElectronicNoConsent, "nothing", ask(Email, noon)).holds("never"),
		c(ElectronicNoConsent, "informed is not consent", ask(SMS, noon, collected("2026-01-01"))),
		c(ElectronicNoConsent, "silence: asked, no answer", ask(Email, noon, act(event.ConsentRequested, "2026-09-01", []string{Email}))),
		c(ElectronicNoConsent, "consent for another channel", ask(SMS, noon, granted("2026-09-01", Email))),
		c(ElectronicNoConsent, "consent for another purpose", ask(Email, noon, act(event.ConsentGranted, "2026-09-01", []string{Email}, func(a *consent.Act) { a.Purpose = "billing" }))),
		c(ElectronicNoConsent, "consent to another company", ask(Email, noon, controller("partner"), yes)),
		c(ElectronicNoConsent, "a partner without consent of its own", ask(SMS, noon, controller("partner"), granted("2026-09-01", SMS))),
		c(ElectronicNoConsent, "automated call before August 2026, informed", ask(Phone, "2026-06-16 10:15", automated, collected("2026-01-01"))),
		c(ElectronicNoConsent, "automated call under contract", ask(Phone, noon, automated, sector("energy"), contract("2026-01-01", "", "energy"))),
		c(ElectronicNoConsent, "automated call after a request to be called", ask(Phone, noon, automated, callback("2026-09-14 12:00"))),
		c(ElectronicNoConsent, "soft opt-in does not hold for social media", ask(Social, noon, bought("2026-09-01"), offer("similar"))),
		c(ElectronicUnproven, "pre-ticked box or no proof", ask(Email, noon, unproven("2026-09-01", Email))),
		c(ElectronicUnproven, "unproven, SMS", ask(SMS, noon, unproven("2026-09-01", SMS))),
		c(ElectronicExpired, "the instant it expires", ask(Email, noon, act(event.ConsentGranted, "2026-09-01", []string{Email}, until(noon)))),
		c(ElectronicConsent, "the minute before it expires", ask(Email, "2026-09-15 10:14", act(event.ConsentGranted, "2026-09-01", []string{Email}, until(noon)))).holds(noon),
		c(ElectronicConsent, "consent renewed", ask(Email, noon, act(event.ConsentGranted, "2026-09-01", []string{Email}, until("2026-09-05")), granted("2026-09-06", Email))),
		c(ElectronicExpired, "automated call, consent a year old", ask(Phone, "2027-09-01 10:15", automated, granted("2026-09-01 10:15", Phone))),
		c(ConsentRefused, "refused", ask(Email, noon, refused("2026-09-01", Email))),
		c(ConsentRefused, "refused after consent", ask(Email, noon, yes, refused("2026-09-02", Email))),
		c(ConsentRefused, "refused at the same time", ask(Email, noon, granted("2026-09-02", Email), refused("2026-09-02", Email))),
		c(ConsentRefused, "refused, then a purchase", ask(Email, noon, refused("2026-09-01", Email), bought("2026-09-02"), offer("similar"))),
		c(ConsentWithdrawn, "withdrawn", ask(Email, noon, yes, withdrew("2026-09-02", Email))),
		c(ConsentWithdrawn, "withdrawn from everything", ask(SMS, noon, yes, withdrew("2026-09-02"))),
		c(ConsentWithdrawn, "withdrawn from every controller and purpose", ask(Email, noon, yes,
			act(event.ConsentWithdrawn, "2026-09-02", nil, func(a *consent.Act) { a.Controller, a.Purpose = "*", "" }))),
		c(ConsentWithdrawn, "withdrawn, by post", ask(Postal, noon, collected("2026-01-01"), withdrew("2026-09-02"))),
		c(ConsentWithdrawn, "withdrawn, a professional", ask(Email, noon, professional, collected("2026-01-01"), withdrew("2026-09-02"))),
		c(ConsentWithdrawn, "withdrawn, generic address of a professional", ask(Email, noon, professional, address("info@firm.example"), withdrew("2026-09-02"))),
		c(ConsentWithdrawn, "withdrawn, a service message", ask(Email, noon, purpose("contract"), contract("2026-01-01", "", "retail"),
			act(event.ConsentWithdrawn, "2026-09-02", nil, func(a *consent.Act) { a.Purpose = "" }))),
		c(ConsentWithdrawn, "withdrawal dated ahead, recorded before", ask(Email, "2026-09-02 11:58", granted("2026-09-01", Email), withdrew("2026-09-02 12:00", Email),
			proof(func(p *Proof) { p.Recorded = instant("2026-09-02 11:57") }))),
		c(ElectronicConsent, "withdrawn from another channel", ask(Email, noon, yes, withdrew("2026-09-02", SMS))),
		c(ElectronicConsent, "not retroactive: before the withdrawal", ask(Email, "2026-09-01 23:59", yes, withdrew("2026-09-02", Email))).holds("2026-09-02"),
		c(ElectronicConsent, "consent after the withdrawal", ask(Email, noon, withdrew("2026-09-02"), granted("2026-09-03", Email))),
	}
}
