package decisions

import (
	"errors"
	"testing"
	"time"

	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/token"
)

// TestWhatCannotBeLookedUpIsAnError, whichever it is: never an answer.
func TestWhatCannotBeLookedUpIsAnError(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	at := w.created(t, anna, "person.birth_date", "person.emails")
	w.tokens[w.facts[at].ID] = []token.Entry{{Kind: token.KindEmail, Field: token.FieldEmails, Form: token.FormOppositionSHA256, Token: token.Token{1}}}
	w.tell(t, anna, event.ContactMerged, noon, codes("into", bob.String()))
	w.granted(t, anna, "email")
	checks := []Check{ask(anna, "email"), {Email: "a@example.fr", Query: ask(anna, "email").Query}, {External: token.Token{2}, Query: ask(anna, "email").Query}}
	known := Known{Below: domain.Position(len(w.facts)), Now: noon}
	if _, err := d.Check(t.Context(), checks, known); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"holders", "links", "tokens", "merges", "list", "opener", "rules"} {
		w.now = w.now.Add(time.Minute) // what was opened is held no more
		w.broken[what] = true
		if got, err := d.Check(t.Context(), checks, known); !errors.Is(err, errBroken) || got != nil {
			t.Errorf("%s broken: %v, %v", what, got, err)
		}
		delete(w.broken, what)
	}
	if _, err := d.Check(t.Context(), checks, Known{Below: 0, Now: noon}); err == nil {
		t.Error("decided before there was a policy")
	}
	if err := d.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Check(t.Context(), checks, known); err == nil {
		t.Errorf("decided on a closed store: %v", got)
	}
}

// TestOpenedOnlyWhenItDecides, all of a batch together, and held for seconds.
func TestOpenedOnlyWhenItDecides(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	plain, grown := w.created(t, anna, "person.emails", "person.phones"), w.created(t, bob, "person.birth_date", "person.emails")
	w.granted(t, anna, "email", "phone")
	w.granted(t, bob, "email")
	w.sealed[plain] = Opened{Fields: []event.Field{{Path: "person.phones", Value: []byte(`["+33612345678"]`)}}}
	w.sealed[grown] = Opened{Fields: []event.Field{{Path: "person.birth_date", Value: []byte(`"1980-02-03"`)}}}
	w.want(t, d, ask(anna, "email"), contactability.ElectronicConsent)
	w.want(t, d, ask(anna, "fax"), contactability.InputChannel)
	if len(w.openings) != 0 {
		t.Errorf("opened for nothing: %v", w.openings)
	}
	got := w.rules(t, d, ask(bob, "email"), ask(anna, "phone"), ask(bob, "email"), ask(bob, "sms"))
	if len(w.openings) != 1 || len(w.openings[0]) != 2 {
		t.Errorf("opened %v", w.openings)
	}
	if got[0] != contactability.ElectronicConsent || got[1] != contactability.PhoneConsent || got[3] != contactability.ElectronicNoConsent {
		t.Error(got)
	}
	w.want(t, d, ask(bob, "email"), contactability.ElectronicConsent)
	if len(w.openings) != 1 {
		t.Errorf("opened again at once: %v", w.openings)
	}
	w.now = w.now.Add(cachedFor)
	w.want(t, d, ask(bob, "email"), contactability.ElectronicConsent)
	if len(w.openings) != 2 {
		t.Errorf("held for longer: %v", w.openings)
	}
	w.granted(t, bob, "sms") // another fact, another state
	w.want(t, d, ask(bob, "sms"), contactability.ElectronicConsent)
	if len(w.openings) != 3 {
		t.Errorf("held over a fact: %v", w.openings)
	}
	w.tell(t, bob, event.OppositionRegistered, noon.Add(-time.Hour), nil)
	w.want(t, d, ask(bob, "sms"), contactability.OpposedPerson)
	if len(w.openings) != 3 {
		t.Errorf("opened of one who objected: %v", w.openings)
	}
}

// TestWhatIsSealedAndGone: an altered part denies the one person, a destroyed
// birth date denies prospecting, a destroyed address permits nothing.
func TestWhatIsSealedAndGone(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	a, b := w.created(t, anna, "person.birth_date"), w.created(t, bob, "person.birth_date")
	w.granted(t, anna, "email")
	w.granted(t, bob, "email")
	w.sealed[a], w.sealed[b] = Opened{Unreadable: true}, Opened{}
	got := w.rules(t, d, ask(anna, "email"), ask(bob, "email"))
	if got[0] != contactability.PersonUnreadable || got[1] != contactability.AgeUnread {
		t.Error(got)
	}
	carl := id(9003)
	c := w.tell(t, carl, event.ContactCreated, noon.AddDate(0, -1, 0), codes("collection.channel", "sale", "collection.sale.kind", "purchase",
		"collection.sale.objection_offered", true), "person.emails")
	sale := ask(carl, "email")
	sale.Offer = "similar"
	w.sealed[c] = Opened{}
	w.want(t, d, sale, contactability.SoftAddress)
	w.now = w.now.Add(cachedFor)
	w.sealed[c] = Opened{Fields: []event.Field{{Path: "person.emails", Value: []byte(`["carl@example.fr"]`)}}}
	w.want(t, d, sale, contactability.SoftOptIn)
}

func TestAnAddressOfACrowdIsRefused(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	w.created(t, anna)
	w.granted(t, anna, "email")
	t1 := d.Peppers.Search(token.KindEmail, "all@example.fr")
	check := Check{Email: "ALL@example.fr", Query: ask(anna, "email").Query}
	w.holders[t1] = []domain.ID{anna}
	w.want(t, d, check, contactability.ElectronicConsent)
	w.holders[t1] = make([]domain.ID, maxHolders+1)
	w.want(t, d, check, contactability.PersonUnreadable)
}

// TestWhatIsListed: an objection by an address alone holds for whoever has or had
// it, one of somebody else for that address; a lift of one address ends no other.
func TestWhatIsListed(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	first, then := w.created(t, anna, "person.phones"), w.tell(t, anna, event.ContactChanged, noon.AddDate(0, -1, 0), codes("reason", "update"), "person.phones")
	w.granted(t, anna, "sms")
	w.tell(t, anna, event.ConsentGranted, noon.AddDate(0, -3, 0), codes("purpose", "prospecting", "channels", []string{"email"}, "evidence", "proven", "method", "web_form"))
	old, now := token.Token{1}, token.Token{2}
	for p, x := range map[domain.Position]token.Token{first: old, then: now} {
		w.tokens[w.facts[p].ID] = []token.Entry{{Kind: token.KindPhone, Field: token.FieldPhones, Form: token.FormOppositionSHA256, Token: x},
			{Kind: token.KindPhone, Field: token.FieldPhones, Form: token.FormOppositionMD5, Token: token.Token{x[0], 9}}}
	}
	entry := opposition.Entry{Event: id(7000), Position: 1, Time: noon.AddDate(0, 0, -1), Scope: opposition.Scope{Controller: "*"}}
	lift := opposition.Lift{Entry: entry.Event, Event: id(7001), Time: noon.Add(-time.Hour), Reason: "wrong_person"}
	theirs := entry
	theirs.Subject = bob
	for name, c := range map[string]struct {
		listed     map[token.Token]Listed
		sms, email contactability.RuleID
	}{
		"nothing":                     {nil, contactability.ElectronicConsent, contactability.ElectronicConsent},
		"the number of now":           {map[token.Token]Listed{now: {Entries: []opposition.Entry{entry}}}, contactability.OpposedAddress, contactability.OpposedAddress},
		"a number of before":          {map[token.Token]Listed{old: {Entries: []opposition.Entry{entry}}}, contactability.OpposedAddress, contactability.OpposedAddress},
		"somebody else on the number": {map[token.Token]Listed{now: {Entries: []opposition.Entry{theirs}}}, contactability.OpposedPerson, contactability.ElectronicConsent},
		"lifted":                      {map[token.Token]Listed{now: {Entries: []opposition.Entry{entry}, Lifts: []opposition.Lift{lift}}}, contactability.ElectronicConsent, contactability.ElectronicConsent},
		"lifted for one of two numbers": {map[token.Token]Listed{now: {Entries: []opposition.Entry{entry}, Lifts: []opposition.Lift{lift}},
			old: {Entries: []opposition.Entry{entry}}}, contactability.OpposedAddress, contactability.OpposedAddress},
	} {
		w.listed = c.listed
		if got := w.rules(t, d, ask(anna, "sms"), ask(anna, "email")); got[0] != c.sms || got[1] != c.email {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestMergedOnesProtectOnly: the birth date, the objection and the restriction of
// a merged contact hold, its consent does not, and its lifts and those of the
// person end what they name.
func TestMergedOnesProtectOnly(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	w.created(t, anna)
	b := w.created(t, bob, "person.birth_date")
	w.granted(t, bob, "email", "sms")
	w.tell(t, bob, event.ContactMerged, noon.AddDate(0, -1, 0), codes("into", anna.String()))
	w.merged[anna], w.merged[bob] = []domain.ID{bob}, []domain.ID{anna}
	w.sealed[b] = Opened{Fields: []event.Field{{Path: "person.birth_date", Value: []byte(`"1990-01-01"`)}}}
	w.want(t, d, ask(anna, "email"), contactability.ElectronicNoConsent)
	w.want(t, d, ask(bob, "email"), contactability.ElectronicConsent)
	w.granted(t, anna, "email")
	w.want(t, d, ask(anna, "email"), contactability.ElectronicConsent)
	w.now = w.now.Add(cachedFor)
	w.sealed[b] = Opened{Fields: []event.Field{{Path: "person.birth_date", Value: []byte(`"2013-01-01"`)}}}
	w.want(t, d, ask(anna, "email"), contactability.PersonMinor)
	w.now = w.now.Add(cachedFor)
	w.sealed[b] = Opened{Fields: []event.Field{{Path: "person.birth_date", Value: []byte(`"1990-01-01"`)}}}

	placed := w.tell(t, bob, event.RestrictionPlaced, noon.AddDate(0, 0, -3), codes("ground", "art18.1.a"))
	w.want(t, d, ask(anna, "email"), contactability.PersonRestricted)
	w.tell(t, bob, event.RestrictionLifted, noon.AddDate(0, 0, -2), codes("restriction", id(1).String()))
	w.want(t, d, ask(anna, "email"), contactability.PersonRestricted)
	w.tell(t, bob, event.RestrictionLifted, noon.AddDate(0, 0, -1), codes("restriction", w.facts[placed].ID.String()))
	w.want(t, d, ask(anna, "email"), contactability.ElectronicConsent)

	objected := w.tell(t, bob, event.OppositionRegistered, noon.AddDate(0, 0, -3), codes("channels", []string{"email"}))
	w.want(t, d, ask(anna, "email"), contactability.OpposedPerson)
	entry := w.facts[objected].ID.String()
	w.tell(t, bob, event.OppositionLifted, noon.AddDate(0, 0, -2), codes("entry", entry, "reason", "wrong_person", "of", "address"))
	w.want(t, d, ask(anna, "email"), contactability.OpposedPerson)
	w.tell(t, bob, event.OppositionLifted, noon.AddDate(0, 0, -2), codes("entry", entry, "reason", "recorded_by_mistake"))
	w.want(t, d, ask(anna, "email"), contactability.ElectronicConsent)
}

// TestANoticeCompletesAGrant from its publication on.
func TestANoticeCompletesAGrant(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t)
	w.created(t, anna)
	notice := id(6000)
	for i, lacks := range []string{"notice", "act"} {
		who := []domain.ID{anna, bob}[i]
		f := &event.Fact{ID: id(500 + i), Type: event.ConsentGranted, Subject: who, Source: id(8001), Controller: "acme", Time: domain.NewTime(noon.AddDate(0, 0, -1)),
			Recorded: domain.NewTime(noon), Lacks: []string{lacks},
			Codes: codes("purpose", "prospecting", "channels", []string{"email"}, "evidence", "unproven", "method", "web_form", "notice", notice.String())}
		w.add(t, f)
	}
	w.want(t, d, ask(anna, "email"), contactability.ElectronicUnproven)
	at := w.tell(t, domain.ID{}, event.NoticePublished, noon, codes("notice", notice.String()))
	w.want(t, d, ask(anna, "email"), contactability.ElectronicConsent)
	w.want(t, d, ask(bob, "email"), contactability.ElectronicUnproven)
	got, err := d.Check(t.Context(), []Check{ask(anna, "email")}, Known{Below: at, Now: noon})
	if err != nil || got[0].Rule != contactability.ElectronicUnproven {
		t.Errorf("as known before: %v %v", got, err)
	}
}
