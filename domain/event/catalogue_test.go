package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greffe/domain"
	"greffe/domain/event"
)

// envelope wraps data as an upstream would.
func envelope(t event.Type, data string) string {
	return `{"specversion":"1.0","id":"e1","source":"crm/eu","type":"` + string(t) + `","subject":"C-1042",` +
		`"time":"2026-03-02T09:14:07Z","actor":"user:jdupont","controller":"acme","sequence":"42","datacontenttype":"application/json","data":` + data + `}`
}

func clock() event.Clock {
	return event.Clock{Now: instant("2026-03-02T09:14:08Z"), Skew: 5 * time.Minute}
}

func understand(t *testing.T, raw string) *event.Draft {
	t.Helper()
	in, r := event.Decode([]byte(raw))
	if r != nil {
		t.Fatalf("decode: %v", r)
	}
	d, r := event.Understand(in, stub{}, clock())
	if r != nil {
		t.Fatalf("understand: %v", r)
	}
	return d
}

// fields makes "path=value" lines of what is to be sealed.
func fields(d *event.Draft) (l []string) {
	for _, f := range d.Fields {
		l = append(l, f.Path+"="+string(f.Value))
	}
	return l
}

// the contract of design §4.1: what upstreams send, and what becomes of it.
var contract = []struct {
	typ    event.Type
	data   string
	codes  event.Codes
	fields []string
	rest   event.Draft // Unset, Lacks, Warnings, Link, Subjects, Addresses
}{
	{typ: event.ContactCreated, data: `{"kind":"prospect","professional":false,"company":{"name":"Dupont SARL","siren":"732829320","role":"acheteuse"},
		"person":{"given_name":"Jeanne","family_name":"Dupont","birth_date":"1988-04-12","emails":["j@example.fr"],"phones":["+33612345678"],
		"postal_address":{"lines":["3 rue des Lilas"],"postal_code":"69003","city":"Lyon","country":"FR"},"language":"fr","time_zone":"Europe/Paris"},
		"custom":{"segment":"or","score":1.50},"notes":"rappeler",
		"collection":{"channel":"sale","origin":"salon","collected_at":"2026-03-02T10:14:00+01:00","legal_basis":"consent","purposes":["prospecting","contract","contract"],
		"notice":{"id":"web-form","version":"3"},"sale":{"reference":"V-1","kind":"purchase","objection_offered":true}}}`,
		codes: event.Codes{{"collection.channel", "sale"}, {"collection.collected_at", "2026-03-02T09:14:00.000000Z"}, {"collection.legal_basis", "consent"},
			{"collection.purposes", []string{"contract", "prospecting"}}, {"collection.sale.kind", "purchase"}, {"collection.sale.objection_offered", true},
			{"kind", "prospect"}, {"professional", false}},
		fields: []string{`collection.notice.id="web-form"`, `collection.notice.version="3"`, `collection.origin="salon"`, `collection.sale.reference="V-1"`,
			`company.name="Dupont SARL"`, `company.role="acheteuse"`, `company.siren="732829320"`, `custom.score=1.5`, `custom.segment="or"`, `notes="rappeler"`,
			`person.birth_date="1988-04-12"`, `person.emails=["j@example.fr"]`, `person.family_name="Dupont"`, `person.given_name="Jeanne"`, `person.language="fr"`,
			`person.phones=["+33612345678"]`, `person.postal_address={"city":"Lyon","country":"FR","lines":["3 rue des Lilas"],"postal_code":"69003"}`,
			`person.time_zone="Europe/Paris"`}},
	{typ: event.ContactChanged, data: `{"set":{"person":{"emails":[ "a@example.fr" ],"birth_date":null},"kind":"client","custom":{"segment":null}},"unset":["notes"],"reason":"rectification"}`,
		codes: event.Codes{{"kind", "client"}, {"reason", "rectification"}}, fields: []string{`custom.segment=null`, `person.emails=["a@example.fr"]`},
		rest: event.Draft{Unset: []string{"notes", "person.birth_date"}}},
	{typ: event.ContactChanged, data: `{"set":{"person.emails":["a@example.fr"]},"unset":["custom.segment","person.name","notes","notes"],"reason":"whim"}`,
		codes: event.Codes{{"reason", "other"}}, fields: []string{`custom.segment=null`, `person.emails=["a@example.fr"]`},
		rest: event.Draft{Unset: []string{"notes"}, Warnings: []event.Warning{{"unknown", "unknown_field"}, {"reason", "unlisted_code"}}}},
	{typ: event.ContactMerged, data: `{"into":{"source":"crm/fr","subject":"C-7"},"reason":"duplicate"}`, codes: event.Codes{{"reason", "duplicate"}},
		rest: event.Draft{Link: &event.Ref{Source: "crm/fr", Subject: "C-7"}}},
	{typ: event.ContactMerged, data: `{"into":{"subject":"C-7"},"custom":{"not":"here"}}`,
		rest: event.Draft{Link: &event.Ref{Source: "crm/eu", Subject: "C-7"}, Warnings: []event.Warning{{"unknown", "unknown_field"}}}},
	{typ: event.ContactUnmerged, data: `{"into":{"source":"crm/fr","subject":"C-7"},"reason":"mistake"}`, codes: event.Codes{{"reason", "mistake"}},
		rest: event.Draft{Link: &event.Ref{Source: "crm/fr", Subject: "C-7"}}},
	{typ: event.ContactRekeyed, data: `{"to":{"source":"crm/eu","subject":"D-1"}}`, rest: event.Draft{Link: &event.Ref{Source: "crm/eu", Subject: "D-1"}}},
	{typ: event.ContactDeleted, data: `{"reason":"archived"}`, codes: event.Codes{{"reason", "archived"}}},
	{typ: event.ContactDeleted, data: `null`},
	{typ: event.InteractionRecorded, data: `{"kind":"call_attempt","direction":"out","channel":"phone","campaign":"mars","outcome":"no_answer","object":"prospecting","caller":"Eve"}`,
		codes:  event.Codes{{"channel", "phone"}, {"direction", "out"}, {"kind", "call_attempt"}, {"object", "prospecting"}, {"outcome", "no_answer"}},
		fields: []string{`interaction.caller="Eve"`, `interaction.campaign="mars"`}},
	{typ: event.InteractionRecorded, data: `{"kind":"dance"}`, codes: event.Codes{{"kind", "other"}}, rest: event.Draft{Warnings: []event.Warning{{"kind", "unlisted_code"}}}},
	{typ: event.ContractStarted, data: `{"reference":"K-1","object":"entretien","sector":"energy","amount_cents":12000,"ends_at":"2027-01-01"}`,
		codes:  event.Codes{{"ends_at", "2027-01-01T00:00:00.000000Z"}, {"sector", "energy"}},
		fields: []string{`contract.amount_cents=12000`, `contract.object="entretien"`, `contract.reference="K-1"`}},
	{typ: event.ContractChanged, data: `{"reference":"K-1"}`, fields: []string{`contract.reference="K-1"`}},
	{typ: event.ContractEnded, data: `{"reference":"K-1","ended_at":"2026-03-01T00:00:00Z"}`,
		codes: event.Codes{{"ended_at", "2026-03-01T00:00:00.000000Z"}}, fields: []string{`contract.reference="K-1"`}},
	{typ: event.InvoiceIssued, data: `{"reference":"F-1","amount_cents":990,"issued_at":"2026-03-01T00:00:00Z"}`,
		codes: event.Codes{{"issued_at", "2026-03-01T00:00:00.000000Z"}}, fields: []string{`invoice.amount_cents=990`, `invoice.reference="F-1"`}},
	{typ: event.RecruitmentClosed, data: `{"outcome":"rejected","note":"merci"}`, codes: event.Codes{{"outcome", "rejected"}}, fields: []string{`recruitment.note="merci"`}},
	{typ: event.NoticeServed, data: `{"notice":{"id":"n","version":"3","language":"fr"}}`,
		fields: []string{`notice.id="n"`, `notice.language="fr"`, `notice.version="3"`}},
	{typ: event.ConsentRequested, data: `{"purpose":"prospecting","method":"double_opt_in"}`, codes: event.Codes{{"method", "double_opt_in"}, {"purpose", "prospecting"}}},
	{typ: event.ConsentGranted, data: `{"purpose":"prospecting","channels":["phone","email"],"method":"web_form","act":"box ticked","prechecked":false,
		"notice":{"id":"n","version":"3","language":"fr","text":"J'accepte"},"partners":["Bêta"],"expires_at":"2027-03-02T00:00:00Z","object":"offres",
		"proof":{"ip":"192.0.2.1","user_agent":"x","reference":"r"},"guardian":{"name":"Paul"}}`,
		codes: event.Codes{{"channels", []string{"email", "phone"}}, {"evidence", "proven"}, {"expires_at", "2027-03-02T00:00:00.000000Z"}, {"method", "web_form"},
			{"prechecked", false}, {"purpose", "prospecting"}},
		fields: []string{`consent.act="box ticked"`, `consent.guardian={"name":"Paul"}`, `consent.notice.id="n"`, `consent.notice.language="fr"`,
			`consent.notice.text="J'accepte"`, `consent.notice.version="3"`, `consent.object="offres"`, `consent.partners=["Bêta"]`, `consent.proof.ip="192.0.2.1"`,
			`consent.proof.reference="r"`, `consent.proof.user_agent="x"`}},
	{typ: event.ConsentGranted, data: `{"purpose":"prospecting","prechecked":true,"act":17,"notice":{"text":""}}`,
		codes:  event.Codes{{"evidence", "unproven"}, {"prechecked", true}, {"purpose", "prospecting"}},
		fields: []string{`consent.act=17`, `consent.notice.text=""`},
		rest:   event.Draft{Lacks: []string{"act", "notice", "method", "unticked_box", "channels"}}},
	{typ: event.ConsentRefused, data: `{"purpose":"prospecting","channels":["phone"]}`, codes: event.Codes{{"channels", []string{"phone"}}, {"purpose", "prospecting"}}},
	{typ: event.ConsentWithdrawn, data: `{"purpose":"prospecting","channels":["email"],"method":"unsubscribe_link"}`,
		codes: event.Codes{{"channels", []string{"email"}}, {"method", "unsubscribe_link"}, {"purpose", "prospecting"}}},
	{typ: event.OppositionRegistered, data: `{"scope":"all"}`, codes: event.Codes{{"scope", "all"}}},
	{typ: event.OppositionRegistered, data: `{"channels":["phone"],"purpose":"prospecting"}`, codes: event.Codes{{"channels", []string{"phone"}}, {"purpose", "prospecting"}}},
	{typ: event.OppositionRegistered, data: `{"address":{"phone":"+33612345678"}}`, fields: []string{`opposition.address.phone="+33612345678"`},
		rest: event.Draft{Addresses: []event.Address{{"phone", "+33612345678"}}}},
	{typ: event.AccessRecorded, data: `{"reason":"customer_call","ticket":"T-1","categories":["contact_details","gossip"],"action":"read","subjects":["C-1","C-2"]}`,
		codes:  event.Codes{{"action", "read"}, {"categories", []string{"contact_details"}}, {"count", int64(2)}, {"reason", "customer_call"}, {"ticketed", true}},
		fields: []string{`access.ticket="T-1"`}, rest: event.Draft{Subjects: []event.Ref{{"crm/eu", "C-1"}, {"crm/eu", "C-2"}},
			Warnings: []event.Warning{{"categories", "unlisted_code"}}}},
	{typ: event.AccessRecorded, data: `{"reason":"curiosity","action":"export","count":40000,"query_digest":"ab"}`,
		codes:  event.Codes{{"action", "export"}, {"count", int64(40000)}, {"reason", "unlisted"}},
		fields: []string{`access.query_digest="ab"`}, rest: event.Draft{Warnings: []event.Warning{{"reason", "unlisted_code"}}}},
	{typ: event.RequestReceived, data: `{"right":"access","channel":"email","received_at":"2026-03-01T08:00:00Z","message":"mes données"}`,
		codes:  event.Codes{{"channel", "email"}, {"received_at", "2026-03-01T08:00:00.000000Z"}, {"right", "access"}},
		fields: []string{`request.message="mes données"`}},
	{typ: event.PersonDeceased, data: `{"died_on":"2026-02-01"}`, codes: event.Codes{{"died_on", "2026-02-01T00:00:00.000000Z"}}},
	{typ: event.RestrictionPlaced, data: `{"ground":"art18.1.a","message":"faux"}`, codes: event.Codes{{"ground", "art18.1.a"}}, fields: []string{`restriction.message="faux"`}},
}

func TestContractOfUpstreams(t *testing.T) {
	t.Parallel()
	seen := map[event.Type]bool{}
	for _, c := range contract {
		seen[c.typ] = true
		d := understand(t, envelope(c.typ, c.data))
		want := c.rest
		want.Codes, want.Controller, want.Time = c.codes, "acme", domain.NewTime(instant("2026-03-02T09:14:07Z"))
		got := *d
		got.Fields = nil
		if x := cmp.Diff(want, got, cmpopts.EquateEmpty()); x != "" {
			t.Errorf("%s %s (-want +got)\n%s", c.typ, c.data, x)
		}
		if x := cmp.Diff(c.fields, fields(d), cmpopts.EquateEmpty()); x != "" {
			t.Errorf("%s %s sealed (-want +got)\n%s", c.typ, c.data, x)
		}
	}
	for _, x := range types[:upstreamTypes] {
		if !seen[x] {
			t.Errorf("no example of %s", x)
		}
	}
}

func TestEnvelopeIsRead(t *testing.T) {
	t.Parallel()
	in, r := event.Decode([]byte(envelope(event.ContactCreated, `{"kind":"client"}`)))
	if r != nil {
		t.Fatal(r)
	}
	if in.ID != "e1" || in.Source != "crm/eu" || in.Subject != "C-1042" || in.Actor != "user:jdupont" || in.Controller != "acme" ||
		in.Sequence == nil || *in.Sequence != 42 || !in.Time.Equal(instant("2026-03-02T09:14:07Z")) || in.Extensions != 0 || string(in.Data) != `{"kind":"client"}` {
		t.Errorf("%+v", in)
	}
	raw := strings.Replace(envelope(event.ContactCreated, `{}`), `"sequence":"42"`, `"sequence":"A-42","traceparent":"00","x":[1]`, 1)
	raw = strings.Replace(raw, `"controller":"acme",`, ``, 1)
	raw = strings.Replace(raw, `"application/json"`, `"Application/JSON; charset=utf-8"`, 1)
	in, r = event.Decode([]byte(raw))
	if r != nil || in.Sequence != nil || in.Extensions != 2 {
		t.Fatalf("%+v, %v", in, r)
	}
	d := understand(t, raw)
	if d.Controller != "acme" || len(d.Warnings) != 1 || d.Warnings[0] != (event.Warning{Field: "extensions", Rule: "unknown_field"}) {
		t.Errorf("%+v", d)
	}
}

// TestDecodedDataIsItsOwn: the sender's buffer may be used again.
func TestDecodedDataIsItsOwn(t *testing.T) {
	t.Parallel()
	raw := []byte(envelope(event.ContactCreated, `{"notes":"rappeler"}`))
	in, r := event.Decode(raw)
	if r != nil {
		t.Fatal(r)
	}
	clear(raw)
	d, r := event.Understand(in, stub{}, clock())
	if r != nil || len(d.Fields) != 1 || string(d.Fields[0].Value) != `"rappeler"` || in.Source != "crm/eu" {
		t.Errorf("%+v, %v", d, r)
	}
}
