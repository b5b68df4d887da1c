package main

import (
	"fmt"
	"time"
)

// life invents what three systems know of the i-th person.
func (h *history) life(seed uint64, i int) {
	p := personOf(seed, i)
	switch k := i % 10; {
	case k < 5:
		h.prospect(p)
	case k < 8:
		h.buyer(p, i)
	default:
		h.called(p, i)
	}
	h.rare(p, i)
}

// prospect lives in the CRM.
func (h *history) prospect(p person) {
	t := p.created
	kind := "prospect"
	switch {
	case h.in(12):
		kind = "candidate"
	case p.company != "" && h.in(20):
		kind = "supplier_contact"
	}
	c := h.contact(p, kind, "web_form")
	c["collection"].(data)["notice"] = data{"id": "web-form", "version": version(t)}
	if h.in(10) {
		delete(c["collection"].(data), "collected_at")
	}
	h.add(t, crm, "contact.created", p.id, h.user(), c)
	if h.in(60) {
		h.consent(t, crm, p.id, "web_form")
	}
	if h.in(45) {
		t = h.after(t, 200)
		set := data{"person.phones": []string{p.phone}}
		if h.in(50) {
			set = data{"notes": h.of(append(fineNotes(), badNotes()...))}
		}
		h.add(t, crm, "contact.changed", p.id, h.user(), data{"set": set, "reason": h.of(list("update|rectification|enrichment"))})
	}
	if kind == "candidate" {
		h.add(h.after(t, 60), crm, "recruitment.closed", p.id, h.user(), data{"outcome": h.of(list("hired|rejected|rejected|withdrawn"))})
	}
	for range h.IntN(3) {
		t = h.after(t, 120)
		h.add(t, crm, "access.recorded", "", h.user(), data{"reason": h.of(list("sales_follow_up|customer_call|support_ticket")), "ticket": fmt.Sprintf("T-%05d", h.IntN(100000)),
			"categories": []string{h.of(list("contact_details|identity|notes"))}, "action": h.of(list("read|read|export|search")), "subjects": []string{p.id}})
	}
	if h.in(30) {
		t = h.after(t, 90)
		h.add(t, crm, "interaction.recorded", p.id, "", data{"kind": h.of(list("sent|click|reply|open|bounce")), "direction": "out", "channel": "email", "campaign": "lettre-" + t.Format("2006-01")})
	}
}

// buyer lives in the web shop, and now and then in the CRM too.
func (h *history) buyer(p person, i int) {
	t, id := p.created, fmt.Sprintf("W-%d", 50000+i)
	c := h.contact(p, "client", "sale")
	c["collection"].(data)["legal_basis"] = "contract"
	c["collection"].(data)["sale"] = data{"kind": "purchase", "reference": fmt.Sprintf("CMD-%06d", i), "objection_offered": h.in(90)}
	h.add(t, shop, "contact.created", id, "", c)
	if h.in(40) {
		h.add(t, shop, "notice.served", id, "", data{"notice": notice(t, "sale")})
	}
	if h.in(35) {
		h.consent(t.Add(time.Minute), shop, id, "double_opt_in")
	}
	for range 1 + h.IntN(3) {
		order := fmt.Sprintf("CMD-%06d-%d", i, h.IntN(1000))
		cents := 1500 + h.IntN(200000)
		h.add(t.Add(time.Hour), shop, "interaction.recorded", id, "", data{"kind": "purchase", "direction": "in", "reference": order, "amount_cents": cents})
		h.add(t.Add(2*time.Hour), shop, "invoice.issued", id, "", data{"reference": "F-" + order, "amount_cents": cents, "issued_at": t.Format(time.RFC3339)})
		t = h.after(t, 240)
	}
	if h.in(25) {
		h.contract(t, id)
	}
	if h.in(15) { // the CRM learns of the customer under its own id
		d := h.contact(p, "client", "import")
		h.add(h.after(p.created, 20), crm, "contact.created", p.id, "user:sync", d)
		h.add(h.after(t, 30), shop, "contact.merged", id, "user:sync", data{"into": data{"source": crm, "subject": p.id}, "reason": "duplicate"})
	}
}

func (h *history) contract(t time.Time, id string) {
	ref := fmt.Sprintf("CT-%06d", h.IntN(1000000))
	h.add(t, shop, "contract.started", id, "", data{"reference": ref, "object": "entretien annuel", "sector": "retail", "amount_cents": 12000, "ends_at": t.AddDate(1, 0, 0).Format(time.RFC3339)})
	if h.in(40) {
		h.add(h.after(t, 300), shop, "contract.ended", id, "", data{"reference": ref, "ended_at": t.AddDate(0, 10, 0).Format(time.RFC3339)})
	}
}

// called lives in the call centre.
func (h *history) called(p person, i int) {
	t, id := p.created, fmt.Sprintf("A-%d", 80000+i)
	h.add(t, call, "contact.created", id, "agent:"+h.of(list("04|11|17|23")), data{"kind": "prospect",
		"person":     data{"given_name": p.given, "family_name": p.family, "phones": []string{p.phone}},
		"collection": data{"channel": "partner", "origin": "fichier loué", "collected_at": t.Format(time.RFC3339), "legal_basis": "consent"}})
	if h.in(40) {
		h.consent(t, call, id, "phone")
	}
	for range h.IntN(5) {
		t = h.after(t, 45)
		outcome := h.of(list("no_answer|no_answer|answered|busy|voicemail|refused|interested|wrong_number"))
		h.add(t, call, "interaction.recorded", id, "agent:"+h.of(list("04|11|17|23")), data{"kind": "call_attempt", "direction": "out", "channel": "phone",
			"campaign": "rentree-" + t.Format("2006"), "outcome": outcome, "object": "prospecting", "caller": "0199009900"})
		if outcome == "refused" && h.in(60) {
			h.add(t.Add(2*time.Minute), call, "opposition.registered", id, "", data{"channels": []string{"phone"}, "purpose": "prospecting"})
			return
		}
	}
	if h.in(10) {
		h.add(h.after(t, 10), call, "opposition.registered", "", "", data{"address": data{"phone": h.phone()}, "channels": []string{"phone"}})
	}
}

// consent is asked, then given with its proof, given without, or refused; and
// some of it is withdrawn.
func (h *history) consent(t time.Time, source, id, method string) {
	channels := [][]string{{"email"}, {"phone"}, {"email", "sms"}, {"email", "phone", "sms"}}[h.IntN(4)]
	d := data{"purpose": "prospecting", "channels": channels, "method": method}
	if h.in(15) {
		h.add(t, source, "consent.requested", id, "", data{"purpose": "prospecting", "channels": channels})
	}
	t = t.Add(time.Minute)
	if h.in(15) {
		h.add(t, source, "consent.refused", id, "", d)
		return
	}
	switch k := h.IntN(10); {
	case k < 7:
		d["act"], d["prechecked"] = "case cochée par la personne", false
		d["notice"] = notice(t, "web-form")
		d["proof"] = data{"ip": fmt.Sprintf("192.0.2.%d", 1+h.IntN(254)), "user_agent": "Mozilla/5.0 (exemple)", "reference": fmt.Sprintf("form-%06d", h.IntN(1000000))}
	case k < 8:
		d["act"], d["prechecked"], d["notice"] = "case précochée", true, notice(t, "web-form")
	}
	if method == "phone" { // one year at most (décret 2026-662)
		d["expires_at"] = t.AddDate(1, 0, 0).Format(time.RFC3339)
	}
	h.add(t, source, "consent.granted", id, "", d)
	if h.in(25) {
		h.add(h.after(t, 400), source, "consent.withdrawn", id, "", data{"purpose": "prospecting", "channels": channels[:1], "method": h.of(list("unsubscribe_link|preference_page|phone"))})
	}
}

// rare is what few people live through.
func (h *history) rare(p person, i int) {
	source, id := crm, p.id
	if i%10 >= 5 {
		source, id = shop, fmt.Sprintf("W-%d", 50000+i)
	}
	if i%10 >= 8 {
		source, id = call, fmt.Sprintf("A-%d", 80000+i)
	}
	t := h.after(p.created, 500)
	switch i % 61 {
	case 3:
		if i%4 == 0 {
			h.request(t, source, id, i/61/4)
		}
	case 7, 23:
		h.add(t, source, "opposition.registered", id, "", data{"scope": "all"})
	case 11:
		h.add(t, source, "contact.deleted", id, "", data{"reason": h.of(list("deleted|archived"))})
	case 29:
		h.add(t, source, "opposition.registered", "", "", data{"address": data{"email": p.email}})
	case 31:
		h.add(t, source, "person.deceased", id, "", data{"died_on": t.AddDate(0, 0, -5).Format("2006-01-02")})
	case 37:
		h.add(t, source, "restriction.placed", id, "", data{"ground": "art18.1.a", "message": "conteste l'exactitude de son adresse"})
	case 41:
		h.add(t, source, "contact.rekeyed", id, "user:migration", data{"to": data{"source": source, "subject": id + "-N"}})
	case 43:
		h.add(t, source, "contact.merged", id, "user:doublons", data{"into": data{"source": source, "subject": id + "-D"}, "reason": "duplicate"})
		h.add(h.after(t, 20), source, "contact.unmerged", id, "user:doublons", data{"into": data{"source": source, "subject": id + "-D"}, "reason": "mistake"})
	}
}

// request is of one life in 244: the file has about a dozen, as many as a small house
// has open. The rights that are asked for take turns.
func (h *history) request(t time.Time, source, id string, turn int) {
	asked := [...][2]string{{"access", "Bonjour, merci de m'envoyer une copie des données que vous avez sur moi."},
		{"erasure", "Bonjour, je vous demande d'effacer mes données. Merci."},
		{"rectification", "Bonjour, mon adresse a changé, merci de la corriger."},
		{"objection", "Bonjour, je ne veux plus recevoir vos offres."},
		{"portability", "Bonjour, je voudrais mes données dans un format réutilisable."}}[turn%5]
	h.add(t, source, "request.received", id, "", data{"right": asked[0], "channel": "email", "received_at": t.Format(time.RFC3339), "message": asked[1]})
}

func (h *history) user() string { return "user:" + h.of(list("jdupont|mroy|akone|sfaure")) }

func (h *history) contact(p person, kind, channel string) data {
	person := data{"given_name": p.given, "family_name": p.family, "emails": []string{p.email}, "language": "fr", "time_zone": "Europe/Paris",
		"postal_address": data{"lines": []string{p.street}, "postal_code": p.postal, "city": p.city, "country": "FR"}}
	if h.in(60) {
		person["phones"] = []string{p.phone}
	}
	c := data{"kind": kind, "professional": p.company != "", "person": person,
		"collection": data{"channel": channel, "collected_at": p.created.Format(time.RFC3339), "legal_basis": "consent", "purposes": []string{"prospecting"}}}
	if p.company != "" {
		c["company"] = data{"name": p.company, "siren": p.siren, "role": p.role}
		c["collection"].(data)["legal_basis"] = "legitimate_interest"
	}
	switch k := h.IntN(100); {
	case k < 6:
		c["notes"] = h.of(badNotes())
	case k < 8:
		c["notes"] = "n° sécu " + h.nir(p.woman)
	case k < 9:
		c["notes"] = "carte " + h.of(testCards())
	case k < 25:
		c["notes"] = h.of(fineNotes())
	case k < 30:
		c["custom"] = data{"segment": h.of(list("gold|silver|bronze"))}
	}
	return c
}

func version(t time.Time) string { return fmt.Sprint(1 + (t.Year()-2023)*2 + int(t.Month())/7) }

func notice(t time.Time, id string) data {
	return data{"id": id, "version": version(t), "language": "fr",
		"text": "Oui, j'accepte de recevoir par les moyens choisis les offres d'Exemple SAS. Je peux retirer mon accord à tout moment (version " + version(t) + ")."}
}
