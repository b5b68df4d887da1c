package contactability_test

import (
	"greffe/domain/consent"
	. "greffe/domain/contactability"
	"greffe/domain/event"
)

func softCases() []tcase {
	sold := func(f func(*Collection)) mod { return bought("2026-09-01 12:00", f) }
	similar := offer("similar")
	return []tcase{
		c(SoftOptIn, "a purchase, all conditions met, e-mail", ask(Email, noon, bought("2026-09-01"), similar)).holds("never"),
		c(SoftOptIn, "a service, SMS", ask(SMS, noon, sold(func(c *Collection) { c.Sale = Service }), similar)),
		c(SoftOptIn, "the address named", ask(Email, noon, bought("2026-09-01"), similar, address("anna@example.fr"))),
		c(SoftOptIn, "an unproven consent beside the sale", ask(Email, noon, unproven("2026-09-01", Email), bought("2026-09-01"), similar)),
		c(SoftOptIn, "one good sale among bad ones", ask(Email, noon, sold(func(c *Collection) { c.ObjectionOffered = false }), bought("2026-08-01"),
			sold(func(c *Collection) { c.Addresses = nil }), similar)),
		c(ElectronicNoConsent, "the sale is later", ask(Email, "2026-09-01 11:59", bought("2026-09-01 12:00"), similar)).holds("2026-09-01 12:00"),
		c(ElectronicNoConsent, "the sale was another company's", ask(Email, noon, sold(func(c *Collection) { c.Controller = "partner" }), similar)),
		c(ElectronicNoConsent, "no sale: a web form", ask(Email, noon, sold(func(c *Collection) { c.Sale = NoSale }), similar)),
		c(SoftNotSale, "a sale of an unknown kind", ask(Email, noon, sold(func(c *Collection) { c.Sale = "other" }), similar)),
		c(SoftFreeAccount, "a free account", ask(Email, noon, sold(func(c *Collection) { c.Sale = FreeAccount }), similar)),
		c(SoftOptInFreeAccount, "a free account, the policy follows C-654/23", ask(Email, noon, sold(func(c *Collection) { c.Sale = FreeAccount }), similar,
			r(func(r *Rules) { r.FreeAccountIsSale = true }))),
		c(SoftObjection, "a free account by C-654/23, no objection offered", ask(Email, noon, sold(func(c *Collection) { c.Sale, c.ObjectionOffered = FreeAccount, false }), similar,
			r(func(r *Rules) { r.FreeAccountIsSale = true }))),
		c(SoftAddress, "another address than in the sale", ask(Email, noon, bought("2026-09-01"), similar, address("anna@elsewhere.fr"))),
		c(SoftAddress, "no address in the sale", ask(Email, noon, sold(func(c *Collection) { c.Addresses = nil }), similar)),
		c(SoftAddress, "one of her addresses is not from the sale", ask(Email, noon, bought("2026-09-01"), similar, s(func(s *State) { s.Emails = append(s.Emails, "anna@elsewhere.fr") }))),
		c(SoftAddress, "the sale knew the e-mail, not the number", ask(SMS, noon, sold(func(c *Collection) { c.Addresses = []string{"anna@example.fr"} }), similar)),
		c(SoftAddress, "she has no address any more", ask(Email, noon, bought("2026-09-01"), similar, s(func(s *State) { s.Emails = nil }))),
		c(SoftObjection, "no objection offered at collection", ask(Email, noon, sold(func(c *Collection) { c.ObjectionOffered = false }), similar)),
		c(SoftOffer, "another offer", ask(Email, noon, bought("2026-09-01"), offer("other"))),
		c(SoftOffer, "the offer is not told", ask(SMS, noon, bought("2026-09-01"))),
		c(ElectronicConsent, "consent beside the sale, another offer", ask(Email, noon, bought("2026-09-01"), granted("2026-09-01", Email), offer("other"))),
	}
}

func professionalCases() []tcase {
	yes := granted("2026-09-01", Email)
	with := func(f func(*Professional)) mod { return s(func(s *State) { f(&s.Professional) }) }
	return []tcase{
		c(ProfessionalInterest, "informed, role known, e-mail", ask(Email, noon, professional, collected("2026-01-01"))).holds("never"),
		c(ProfessionalInterest, "informed, SMS", ask(SMS, noon, professional, collected("2026-01-01"))),
		c(ProfessionalInterest, "informed, phone, outside the consumer's slots", ask(Phone, "2026-09-13 21:00", professional, collected("2026-01-01"))),
		c(ProfessionalInterest, "informed, post", ask(Postal, noon, professional, collected("2026-01-01"))),
		c(ProfessionalInterest, "energy renovation of a firm's offices", ask(Email, noon, professional, collected("2026-01-01"), sector("energy_renovation"))),
		c(ProfessionalInterest, "five calls in thirty days", ask(Phone, noon, professional, collected("2026-01-01"), calls("2026-09-10", "2026-09-11", "2026-09-12", "2026-09-13", "2026-09-14"))),
		c(ProfessionalUninformed, "not informed", ask(Email, noon, professional)),
		c(ProfessionalUninformed, "informed by another company", ask(Email, noon, professional, collected("2026-01-01", func(c *Collection) { c.Controller = "partner" }))),
		c(ProfessionalUninformed, "informed of another purpose", ask(Email, noon, professional, collected("2026-01-01", func(c *Collection) { c.Purposes = []string{"billing"} }))),
		c(ProfessionalUninformed, "informed later", ask(Email, noon, professional, collected("2026-09-16"))).holds("2026-09-16"),
		c(ProfessionalConsent, "a professional's consent", ask(Email, noon, professional, yes)),
		c(ElectronicNoConsent, "in doubt a consumer: no role", ask(Email, noon, professional, collected("2026-01-01"), with(func(p *Professional) { p.Role = false }))),
		c(ElectronicNoConsent, "in doubt a consumer: no company", ask(Email, noon, professional, collected("2026-01-01"), with(func(p *Professional) { p.Company = false }))),
		c(ElectronicNoConsent, "a company and a role, but not flagged", ask(Email, noon, professional, collected("2026-01-01"), with(func(p *Professional) { p.Flag = false }))),
		c(ElectronicNoConsent, "a sole trader, e-mail", ask(Email, noon, professional, collected("2026-01-01"), with(func(p *Professional) { p.SoleTrader = true }))),
		c(PhoneNoConsent, "a sole trader, phone", ask(Phone, noon, professional, collected("2026-01-01"), with(func(p *Professional) { p.SoleTrader = true }))),
		c(GenericBox, "info@ of nobody known", ask(Email, noon, nobody, address("info@firm.example"))).holds("never"),
		c(GenericBox, "contact@ of a professional", ask(Email, noon, professional, address("contact@firm.example"))),
		c(ElectronicNoConsent, "contact@ of a consumer", ask(Email, noon, address("contact@dupont.example"))),
		c(ElectronicNoConsent, "contact@ at a webmail, of a professional without role", ask(Email, noon, professional, with(func(p *Professional) { p.Role = false }), address("contact@orange.fr"))),
		c(PersonUnknown, "a generic address, no prospecting", ask(Email, noon, nobody, address("info@firm.example"), purpose("contract"))),
		c(PersonUnknown, "jean@ of nobody known", ask(Email, noon, nobody, address("jean@firm.example"))),
	}
}

func postCases() []tcase {
	return []tcase{
		c(PostInformed, "post: informed, no objection", ask(Postal, noon, collected("2026-01-01"))).holds("never"),
		c(PostInformed, "post: informed of this purpose", ask(Postal, noon, collected("2026-01-01", func(c *Collection) { c.Purposes = []string{"billing", "prospecting"} }))),
		c(PostInformed, "post: objection offered in a sale", ask(Postal, noon, bought("2026-01-01", func(c *Collection) { c.Informed = false }))),
		c(PostInformed, "post: a notice served later", ask(Postal, noon, collected("2026-01-01", func(c *Collection) { c.Informed = false }), collected("2026-02-01"))),
		c(PostInformed, "post: on a Sunday, in a banned sector", ask(Postal, "2026-09-13 22:00", collected("2026-01-01"), sector("energy_renovation"))),
		c(PostInformed, "post: consent for post has expired", ask(Postal, noon, collected("2026-01-01"), act(event.ConsentGranted, "2026-01-01", []string{Postal}, until("2026-02-01")))),
		c(PostConsent, "post: consent", ask(Postal, noon, granted("2026-01-01", Postal))),
		c(PostUninformed, "post: nothing known of a notice", ask(Postal, noon)),
		c(PostUninformed, "post: collected without a notice", ask(Postal, noon, collected("2026-01-01", func(c *Collection) { c.Informed = false }))),
		c(PostUninformed, "post: informed of another purpose", ask(Postal, noon, collected("2026-01-01", func(c *Collection) { c.Purposes = []string{"recruitment"} }))),
		c(PostUninformed, "post: informed by another company", ask(Postal, noon, collected("2026-01-01", func(c *Collection) { c.Controller = "partner" }))),
		c(PostUninformed, "post: informed tomorrow", ask(Postal, noon, collected("2026-09-16"))).holds("2026-09-16"),
	}
}

func serviceCases() []tcase {
	service := func(p string) mod { return purpose(p) }
	newsletter := r(func(r *Rules) { r.Purposes["survey"] = Purpose{Bases: []string{"consent"}} })
	survey := act(event.ConsentGranted, "2026-09-01", []string{Email}, func(a *consent.Act) { a.Purpose = "survey" })
	return []tcase{
		c(ServiceContract, "a running contract, e-mail", ask(Email, noon, service("contract"), contract("2026-01-01", "2026-12-31", "retail"))).holds("2026-12-31"),
		c(ServiceContract, "a service call on a Sunday night", ask(Phone, "2026-09-13 21:00", service("customer_service"), contract("2026-01-01", "", "retail"))),
		c(ServiceNoBasis, "the contract has ended", ask(Email, noon, service("contract"), contract("2026-01-01", "2026-09-15", "retail"))),
		c(ServiceNoBasis, "another company's contract", ask(Email, noon, service("contract"), contract("2026-01-01", "", "retail", func(c *Contract) { c.Controller = "partner" }))),
		c(ServiceNoBasis, "customer service, no contract, not informed", ask(Email, noon, service("customer_service"))),
		c(ServiceNoBasis, "a survey by consent, without it", ask(Email, noon, newsletter, service("survey"))),
		c(ServiceInterest, "customer service after the contract, informed", ask(Email, noon, service("customer_service"), contract("2026-01-01", "2026-02-01", "retail"), collected("2026-01-01"))),
		c(ServiceObligation, "billing", ask(Postal, noon, service("billing"))),
		c(ServiceConsent, "a survey by consent, given", ask(Email, noon, newsletter, service("survey"), survey)),
		c(ServiceContract, "objection to everything, a contract that stands", ask(Email, noon, service("contract"), contract("2026-01-01", "", "retail"), objected("2026-09-02"))),
		c(ServiceObligation, "objection to everything, a duty by law", ask(Postal, noon, service("billing"), objected("2026-09-02"))),
		c(OpposedPerson, "objection to everything, customer service after the contract", ask(Email, noon, service("customer_service"), contract("2026-01-01", "2026-02-01", "retail"), collected("2026-01-01"), objected("2026-09-02"))),
		c(OpposedPerson, "objection to everything by a channel, a contract that stands", ask(Email, noon, service("contract"), contract("2026-01-01", "", "retail"), objected("2026-09-02", scope("", Email)))),
		c(OpposedPerson, "objection to a purpose that a contract founds", ask(Email, noon, service("contract"), contract("2026-01-01", "", "retail"), objected("2026-09-02", scope("contract")))),
		c(ServiceContract, "objection to prospecting, a service message", ask(Email, noon, service("contract"), contract("2026-01-01", "", "retail"), objected("2026-09-02", scope("prospecting")))),
	}
}
