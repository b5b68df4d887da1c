package projtest

import (
	"time"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/token"
)

// describe gives an upstream fact its data.
func (w *World) describe(f *event.Fact) {
	set := func(name string, v any) { f.Codes = f.Codes.With(name, v) }
	own := part.SubjectOwner(f.Subject)
	switch f.Type {
	case event.ContactCreated, event.ContactChanged:
		w.contact(f)
	case event.ContactMerged, event.ContactUnmerged:
		into := w.person(false)
		if f.Type == event.ContactUnmerged && len(w.merged) > 0 && w.chance(80) {
			edge := pick(w, w.merged...)
			f.Subject, into = edge[0], edge[1]
		}
		w.merged = append(w.merged, [2]domain.ID{f.Subject, into})
		set("into", into.String())
		set("reason", "duplicate")
	case event.ContactRekeyed:
		set("to", f.Subject.String())
	case event.ContactDeleted:
		set("reason", "deleted")
	case event.InteractionRecorded:
		set("kind", pick(w, "purchase", "call", "reply", "click", "visit", "login", "sent", "call_attempt", "bounce", "other"))
		set("direction", pick(w, "in", "out"))
		set("channel", pick(w, "email", "phone"))
		set("object", "prospecting")
		f.Fields = []string{"interaction.campaign"}
		w.parts(f, own, "commercial")
	case event.ContractStarted, event.ContractChanged, event.ContractEnded, event.InvoiceIssued:
		f.Fields = []string{"contract.reference"}
		w.parts(f, own, "contract")
	case event.RecruitmentClosed:
		set("outcome", "rejected")
	case event.NoticeServed:
		f.Fields = []string{"notice.id", "notice.version"}
		w.parts(f, own, "evidence")
	case event.ConsentRequested, event.ConsentGranted, event.ConsentRefused, event.ConsentWithdrawn:
		set("purpose", pick(w, "prospecting", "customer_service"))
		set("channels", []string{"email", "phone"}[:1+w.rng.IntN(2)])
		if f.Type == event.ConsentGranted {
			set("evidence", "proven")
			if w.chance(25) {
				set("evidence", "unproven")
				f.Lacks = []string{"notice"}
			}
		}
		w.parts(f, own, "evidence")
	case event.OppositionRegistered:
		w.opposition(f)
	case event.AccessRecorded:
		w.access(f)
	case event.RequestReceived:
		set("right", pick(w, "access", "erasure"))
		w.opened(f)
	case event.RestrictionPlaced:
		set("ground", "art18.1.a")
		w.marks = append(w.marks, f)
	case event.PersonDeceased:
		set("died_on", domain.FormatTime(f.Time.Truncate(24*time.Hour)))
	}
}

func (w *World) contact(f *event.Fact) {
	set := func(name string, v any) { f.Codes = f.Codes.With(name, v) }
	created := f.Type == event.ContactCreated
	if created || w.chance(20) {
		set("kind", pick(w, "prospect", "client", "former_client", "candidate"))
	}
	if created {
		set("professional", w.chance(20))
		set("collection.channel", pick(w, "web_form", "sale"))
		set("collection.purposes", []string{"customer_service", "prospecting"}[w.rng.IntN(2):])
	} else {
		set("reason", "update")
	}
	if w.chance(10) {
		set("last_activity_at", domain.FormatTime(f.Time.AddDate(0, -w.rng.IntN(30), 0)))
	}
	var entries []token.Entry
	var classes []string
	for _, p := range []struct {
		path, class string
		kind        token.Kind
		field       token.Field
	}{
		{"custom.segment", "commercial", "", 0}, {"notes", "notes", "", 0},
		{"person.emails", "contact_details", token.KindEmail, token.FieldEmails},
		{"person.family_name", "identity", token.KindName, token.FieldName},
		{"person.given_name", "identity", "", 0},
		{"person.phones", "contact_details", token.KindPhone, token.FieldPhones},
		{"person.postal_address", "contact_details", "", 0},
	} {
		switch {
		case w.chance(25) && !created:
			f.Unset = append(f.Unset, p.path)
		case created && w.chance(80), w.chance(25):
			f.Fields = append(f.Fields, p.path)
			classes = append(classes, p.class)
			if p.kind != "" {
				entries = append(entries, w.address(p.kind, p.field))
				opp := w.address(p.kind, p.field)
				opp.Form = token.FormOppositionSHA256
				entries = append(entries, opp)
			}
		}
	}
	seen := map[string]bool{}
	for _, c := range []string{"commercial", "contact_details", "identity", "notes"} {
		for _, have := range classes {
			if c == have && !seen[c] {
				seen[c] = true
				w.parts(f, part.SubjectOwner(f.Subject), c)
			}
		}
	}
	w.index(f, entries...)
}

func (w *World) opposition(f *event.Fact) {
	if w.chance(30) {
		f.Subject = domain.ID{}
		f.Fields = []string{"opposition.address.email"}
		w.parts(f, part.LedgerOwner(), "opposition")
		e := w.address(token.KindEmail, token.FieldAddress)
		e.Form = token.FormOppositionSHA256
		w.index(f, e)
		return
	}
	f.Codes = f.Codes.With("scope", "all")
}

func (w *World) access(f *event.Fact) {
	f.Subject, f.Actor = domain.ID{}, domain.ID{}
	f.Source = domain.ID{}
	f.Controller = ""
	f.Sequence = nil
	n := 1 + w.rng.IntN(3)
	f.Codes = f.Codes.With("action", pick(w, "read", "search", "export")).
		With("reason", pick(w, "customer_call", "support_ticket", "audit")).
		With("categories", []string{"contact_details", "identity"}).With("count", int64(n))
	if f.ID[0]&1 == 1 {
		f.Codes = f.Codes.With(event.Ticketed, true)
	}
	w.parts(f, part.LedgerOwner(), "access")
	a := access{account: pick(w, w.accounts...)}
	for range n {
		a.subjects = append(a.subjects, w.person(false))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accesses[f.ID] = a
}
