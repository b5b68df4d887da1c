package ledger_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore"
	"greffe/eventstore/ledger"
)

// samples has one event's data of each type an upstream may send, with words in
// it that must stand in no fact.
func samples() map[event.Type]string {
	const consent = `{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"ticked by Secretperson","notice":{"id":"n","version":"1","language":"fr","text":"Secretperson agrees"},"proof":{"ip":"192.0.2.77"}}`
	const contract = `{"reference":"SECRET-REF","object":"Secretperson's boiler","sector":"energy","amount_cents":12000,"ends_at":"2027-01-01T00:00:00Z"}`
	const link = `{"into":{"source":"crm/eu","subject":"C-Secretperson-2"},"reason":"duplicate"}`
	return map[event.Type]string{
		event.ContactCreated:       `{"kind":"prospect","person":{"given_name":"Secretperson","emails":["secretperson@example.org"],"phones":["+33639980012"]},"custom":{"nickname_secretperson":"x"},"notes":"Secretperson likes tea","collection":{"channel":"partner","purposes":["prospecting"]}}`,
		event.ContactChanged:       `{"set":{"person.emails":["secretperson@example.org"]},"unset":["notes"],"reason":"rectification"}`,
		event.ContactMerged:        link,
		event.ContactUnmerged:      link,
		event.ContactRekeyed:       `{"to":{"source":"crm/eu","subject":"C-Secretperson-9"}}`,
		event.ContactDeleted:       `{"reason":"deleted"}`,
		event.InteractionRecorded:  `{"kind":"call_attempt","direction":"out","channel":"phone","campaign":"Secretperson's","outcome":"no_answer","object":"prospecting","caller":"+33639980077"}`,
		event.ContractStarted:      contract,
		event.ContractChanged:      contract,
		event.ContractEnded:        contract,
		event.InvoiceIssued:        `{"reference":"SECRET-REF","amount_cents":100,"issued_at":"2026-01-01T00:00:00Z"}`,
		event.RecruitmentClosed:    `{"outcome":"rejected","note":"Secretperson was late"}`,
		event.NoticeServed:         `{"notice":{"id":"web","version":"3","language":"fr"}}`,
		event.ConsentRequested:     consent,
		event.ConsentGranted:       consent,
		event.ConsentRefused:       consent,
		event.ConsentWithdrawn:     consent,
		event.OppositionRegistered: `{"scope":"all"}`,
		event.AccessRecorded:       `{"reason":"Secretperson asked","ticket":"SECRET-REF","categories":["contact_details"],"action":"read","subjects":["C-Secretperson-3"],"query_digest":"secretperson"}`,
		event.RequestReceived:      `{"right":"access","channel":"email","received_at":"2026-01-01T00:00:00Z","message":"I am Secretperson"}`,
		event.PersonDeceased:       `{"died_on":"2026-01-01"}`,
		event.RestrictionPlaced:    `{"ground":"art18.1.a","message":"Secretperson disputes"}`,
	}
}

func sample(t event.Type, id, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"secret-%s","source":"secret/crm","type":%q,"subject":"C-Secretperson","time":"2026-03-02T09:14:07Z","actor":"secretperson.dupont","data":%s}`, id, t, data)
}

// TestEveryUpstreamType records each type of the catalogue on real files: its
// fact holds nothing of what was sent, its parts open again, before and after the
// ledger was closed.
func TestEveryUpstreamType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent := map[domain.ID]event.Type{}
	for typ, data := range samples() {
		res := w.record(sample(typ, string(typ), data))[0]
		if res.Status != ledger.Recorded || res.Subject.IsZero() {
			t.Fatalf("%s: %+v %v", typ, res, res.Refusal)
		}
		sent[res.Event] = typ
		if again := w.record(sample(typ, string(typ), data))[0]; again.Status != ledger.Duplicate || again.Position != res.Position {
			t.Errorf("%s again: %+v", typ, again)
		}
	}
	w.close()
	w.open()
	facts := w.facts()
	opened, err := w.Keyring().Open(t.Context(), facts, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, f := range facts {
		if typ, ok := sent[f.ID]; ok && typ == f.Type {
			found++
			checkUpstream(t, f, opened[i].Fields)
		}
		if len(opened[i].Gone) > 0 {
			t.Errorf("%s: parts are gone", f.Type)
		}
	}
	if found != len(samples()) {
		t.Errorf("%d facts found, %d sent", found, len(samples()))
	}
	noWords(t, w.log)
}

func checkUpstream(t *testing.T, f *event.Fact, fields []event.Field) {
	t.Helper()
	if got := fieldOf(fields, "upstream.id"); got != fmt.Sprintf("%q", "secret-"+string(f.Type)) {
		t.Errorf("%s: the upstream's id reads %s", f.Type, got)
	}
	if f.Type == event.ContactCreated && fieldOf(fields, "upstream.subject") != `"C-Secretperson"` {
		t.Errorf("the upstream's own name of the contact is not sealed")
	}
	if f.Type != event.AccessRecorded {
		if f.Subject.IsZero() || f.Actor.IsZero() || f.Source.IsZero() {
			t.Errorf("%s: no subject, actor or source: %+v", f.Type, f)
		}
		return
	}
	if !f.Subject.IsZero() || !f.Actor.IsZero() {
		t.Errorf("an access says in clear who read whom: %+v", f)
	}
	for _, p := range f.Parts {
		if p.Owner != part.LedgerOwner() || p.Class != "access" {
			t.Errorf("an access has a part of %s, class %s", p.Owner, p.Class)
		}
	}
	if n := bytes.Count([]byte(fieldOf(fields, "access.subjects")), []byte(`"`)); n != 4 {
		t.Errorf("an access to two reads %s", fieldOf(fields, "access.subjects"))
	}
	if f.Codes.String("reason") != "unlisted" {
		t.Errorf("a reason in words became the code %q", f.Codes.String("reason"))
	}
}

// noWords looks for what was sent in the bytes of the log.
func noWords(t *testing.T, log eventstore.Log) {
	t.Helper()
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = log.Read(t.Context(), 0, head, func(p domain.Position, b []byte) error {
		for _, word := range []string{"secret", "SECRET", "0639980", "39980012", "dupont", "192.0.2", "tea"} {
			if bytes.Contains(bytes.ToLower(b), bytes.ToLower([]byte(word))) && word != "tea" || word == "tea" && bytes.Contains(b, []byte(" tea")) {
				t.Errorf("position %d holds %q: %s", p, word, b)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMergeAndRekey: a merge links two contacts whatever comes first; a new key
// leads to the same contact, and to none other when another has it.
func TestMergeAndRekey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	merge := w.record(sample(event.ContactMerged, "m", `{"into":{"subject":"C-late"},"reason":"duplicate"}`))[0]
	late := w.record(`{"specversion":"1.0","id":"l","source":"secret/crm","type":"contact.created","subject":"C-late","time":"2026-03-02T09:14:07Z","data":{"kind":"client"}}`)[0]
	f := w.facts()[merge.Position]
	if f.Codes.ID("into") != late.Subject || late.Subject == merge.Subject || f.Codes.String("reason") != "duplicate" {
		t.Errorf("merged into %s, the contact is %s", f.Codes.ID("into"), late.Subject)
	}
	opened, err := w.Keyring().Open(t.Context(), []*event.Fact{w.facts()[late.Position]}, nil)
	if err != nil || fieldOf(opened[0].Fields, "upstream.subject") != `"C-late"` {
		t.Errorf("a contact first named by a merge lost its upstream's name: %v %v", opened, err)
	}
	rekey := w.record(sample(event.ContactRekeyed, "r", `{"to":{"source":"new/crm","subject":"N-1"}}`))[0]
	moved := w.record(`{"specversion":"1.0","id":"n","source":"new/crm","type":"contact.changed","subject":"N-1","time":"2026-03-02T09:15:07Z","data":{"set":{"notes":"x"}}}`)[0]
	if moved.Subject != rekey.Subject || rekey.Subject != merge.Subject {
		t.Errorf("the new key leads to %s, not to %s", moved.Subject, rekey.Subject)
	}
	taken := w.record(sample(event.ContactRekeyed, "t", `{"to":{"subject":"C-late"}}`))[0]
	if !slices.ContainsFunc(taken.Warnings, func(x event.Warning) bool { return x.Rule == "known_as_another_contact" }) {
		t.Errorf("a key that another contact has: %+v", taken)
	}
	again := w.record(`{"specversion":"1.0","id":"v","source":"secret/crm","type":"interaction.recorded","subject":"C-late","time":"2026-03-02T09:14:07Z","data":{"kind":"visit"}}`)[0]
	if again.Subject != late.Subject {
		t.Errorf("the other contact's key was taken over")
	}
}

// TestNoticeCode: facts name the notice that a consent, a collection or a serving
// was under, by an id of ours; half a reference names none.
func TestNoticeCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := w.Peppers().Notice("web-form", "3", "fr").String()
	ref := `"notice":{"id":"web-form","version":"3","language":"FR"}`
	w.record(upstream("1", "contact.created", "C-1", `{"kind":"prospect","collection":{"channel":"web_form",`+ref+`}}`),
		upstream("2", "notice.served", "C-1", `{`+ref+`}`),
		upstream("3", "consent.granted", "C-1", `{"purpose":"prospecting","channels":["email"],`+ref+`}`),
		upstream("4", "consent.granted", "C-1", `{"purpose":"prospecting","channels":["email"],"notice":{"id":"web-form"}}`))
	var got []string
	for _, f := range w.facts() {
		if f.Subject != (domain.ID{}) {
			got = append(got, f.Codes.String("notice"))
		}
	}
	if len(got) != 4 || got[0] != want || got[1] != want || got[2] != want || got[3] != "" {
		t.Errorf("%v, want %s thrice", got, want)
	}
}
