package contactability_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greffe/deploy"
	"greffe/domain"
	. "greffe/domain/contactability"
	"greffe/domain/event"
	"greffe/domain/policy"
)

// facts are events as an upstream sends them, understood by the shipped policy;
// the place in the list is the position, the event's number one more.
func facts(t *testing.T, at string, events ...string) []Known {
	t.Helper()
	p, err := policy.Parse(deploy.Policy())
	if err != nil {
		t.Fatal(err)
	}
	recorded := instant(at)
	var l []Known
	for n, e := range events {
		in, refusal := event.Decode([]byte(`{"specversion":"1.0","id":"e","source":"crm","subject":"C-1","controller":"acme",` + e + `}`))
		if refusal != nil {
			t.Fatalf("event %d: %v", n, refusal)
		}
		d, refusal := event.Understand(in, p, event.Clock{Now: recorded, Skew: 5 * time.Minute})
		if refusal != nil {
			t.Fatalf("event %d: %v", n, refusal)
		}
		f := &event.Fact{ID: id(n + 1), Type: in.Type, Subject: anna, Controller: d.Controller, Time: d.Time, Recorded: domain.NewTime(recorded), Codes: d.Codes, Lacks: d.Lacks}
		for _, x := range d.Fields {
			f.Fields = append(f.Fields, x.Path)
		}
		l = append(l, Known{Position: domain.Position(n), Fact: f, Own: true, Addresses: []string{"anna@example.fr"}})
	}
	return l
}

const (
	saleEvent = `"type":"contact.created","time":"2026-03-02T09:00:00Z","data":{"kind":"client","person":{"emails":["anna@example.fr"]},
		"collection":{"channel":"sale","purposes":["prospecting"],"notice":{"id":"n","version":"1"},"sale":{"reference":"V","kind":"purchase","objection_offered":true}}}`
	grantEvent = `"type":"consent.granted","time":"2026-09-01T10:00:00Z","data":{"purpose":"prospecting","channels":["phone","sms"],"method":"web_form","act":"box ticked",
		"prechecked":false,"notice":{"id":"n","version":"1","language":"fr","text":"J'accepte"},"guardian":{"name":"x"}}`
	attemptEvent  = `"type":"interaction.recorded","time":"2026-09-10T09:00:00Z","data":{"kind":"call_attempt","direction":"out","channel":"phone","outcome":"no_answer","object":"prospecting"}`
	refusedEvent  = `"type":"interaction.recorded","time":"2026-09-10T09:00:00Z","data":{"kind":"call","direction":"out","outcome":"refused","object":"prospecting"}`
	callbackEvent = `"type":"interaction.recorded","time":"2026-09-14T16:00:00Z","data":{"kind":"callback_request","direction":"in","channel":"phone","object":"prospecting","sector":"energy"}`
	opposedEvent  = `"type":"opposition.registered","time":"2026-09-10T09:00:00Z","data":{"channels":["phone"],"purpose":"prospecting"}`
	riddleEvent   = `"type":"opposition.registered","time":"2026-09-10T09:00:00Z","data":{"channels":["pigeon"],"purpose":"riddles"}`
	requestEvent  = `"type":"request.received","time":"2026-09-10T09:00:00Z","data":{"right":"objection"}`
	withdrawEvent = `"type":"consent.withdrawn","time":"2026-09-10T09:00:00Z","data":{"purpose":"prospecting"}`
	deceasedEvent = `"type":"person.deceased","time":"2026-09-10T09:00:00Z","data":{"died_on":"2026-09-08"}`
	restrictEvent = `"type":"restriction.placed","time":"2026-09-10T09:00:00Z","data":{"ground":"art18.1.a"}`
	noticeEvent   = `"type":"notice.served","time":"2026-09-10T09:00:00Z","data":{"notice":{"id":"n","version":"1","language":"fr"}}`
	importEvent   = `"type":"contact.created","time":"2026-03-02T09:00:00Z","data":{"kind":"prospect","collection":{"channel":"import","collected_at":"2026-01-02T09:00:00Z"}}`
	updateEvent   = `"type":"contact.changed","time":"2026-03-02T09:00:00Z","data":{"set":{"person.emails":["anna@example.fr"]},"reason":"update"}`
)

func TestEventsDecide(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		channel, at string
		rule        RuleID
		events      []string
	}{
		{Phone, noon, PhoneConsent, []string{saleEvent, grantEvent}},
		{Phone, noon, PhoneConsent, []string{saleEvent, grantEvent, attemptEvent, attemptEvent, attemptEvent}},
		{Phone, noon, FourAttempts, []string{saleEvent, grantEvent, attemptEvent, attemptEvent, attemptEvent, attemptEvent}},
		{Phone, noon, Silence, []string{saleEvent, grantEvent, refusedEvent}},
		{Phone, noon, PhoneCallback, []string{saleEvent, callbackEvent}},
		{Phone, noon, PhoneCallback, []string{saleEvent, callbackEvent, refusedEvent}},
		{Phone, noon, OpposedPerson, []string{saleEvent, grantEvent, opposedEvent}},
		{Phone, noon, ConsentWithdrawn, []string{saleEvent, grantEvent, withdrawEvent}},
		{Email, noon, SoftOptIn, []string{saleEvent}},
		{Email, noon, SoftOptIn, []string{saleEvent, opposedEvent}},
		{Email, noon, OpposedPerson, []string{saleEvent, riddleEvent}},
		{Email, noon, OpposedPerson, []string{saleEvent, requestEvent}},
		{Email, noon, ConsentWithdrawn, []string{saleEvent, withdrawEvent}},
		{Email, noon, PersonDeceased, []string{saleEvent, deceasedEvent}},
		{Email, noon, PersonRestricted, []string{saleEvent, restrictEvent}},
		{Postal, noon, PostInformed, []string{importEvent, noticeEvent}},
		{Postal, noon, PostUninformed, []string{importEvent, updateEvent}},
		{Email, noon, ElectronicNoConsent, []string{importEvent, noticeEvent}},
	} {
		w := ask(c.channel, c.at, sector("energy"), offer("similar"))
		l := facts(t, "2026-09-15 10:00", c.events...)
		for _, k := range l {
			w.s.Add(k)
		}
		first := w.decide()
		if first.Rule != c.rule {
			t.Errorf("%d events by %s: %s, want %s", len(l), c.channel, first.Rule, c.rule)
		}
		slices.Reverse(l)
		w.s = State{Subject: anna, Emails: w.s.Emails, Phones: w.s.Phones}
		for _, k := range l {
			w.s.Add(k)
		}
		if d := cmp.Diff(first, w.decide()); d != "" {
			t.Errorf("%s in another order: %s", c.rule, d)
		}
	}
}

// TestOthersOnlyProtect: of a merged contact, or of somebody else on the address,
// nothing that permits is read.
func TestOthersOnlyProtect(t *testing.T) {
	t.Parallel()
	var s State
	for _, k := range facts(t, "2026-09-15 10:00", saleEvent, grantEvent, withdrawEvent, callbackEvent, noticeEvent, opposedEvent, deceasedEvent, restrictEvent, refusedEvent, requestEvent) {
		k.Own = false
		s.Add(k)
	}
	if len(s.Consents)+len(s.Proofs)+len(s.Renewals)+len(s.Collections)+len(s.Callbacks)+len(s.Contracts) != 0 {
		t.Errorf("what permits passed over: %+v", s)
	}
	if len(s.Oppositions) != 2 || len(s.Stops) != 2 || len(s.Calls) != 1 || !s.Calls[0].Refused {
		t.Errorf("what protects is missing: %+v", s)
	}
}

func TestWhatFactsSay(t *testing.T) {
	t.Parallel()
	var s State
	for _, k := range facts(t, "2026-09-10 10:59", saleEvent, grantEvent, importEvent, deceasedEvent) {
		s.Add(k)
	}
	if d := cmp.Diff(Collection{Event: id(1), Time: instant("2026-03-02 10:00"), Controller: "acme", Informed: true, Purposes: []string{"prospecting"},
		Sale: Purchase, ObjectionOffered: true, Addresses: []string{"anna@example.fr"}}, s.Collections[0]); d != "" {
		t.Error(d)
	}
	if c := s.Collections[1]; c.Sale != NoSale || c.Informed || c.Addresses != nil || !c.Time.Equal(instant("2026-01-02 10:00")) {
		t.Errorf("import: %+v", c)
	}
	if len(s.Proofs) != 1 || s.Proofs[0].Event != id(2) || !s.Proofs[0].Guardian || !s.Proofs[0].Recorded.Equal(instant("2026-09-10 10:59")) {
		t.Errorf("proof: %+v", s.Proofs)
	}
	if len(s.Renewals) != 1 || len(s.Consents) != 1 {
		t.Errorf("consents: %+v %+v", s.Consents, s.Renewals)
	}
	// dated a minute ahead of the ledger: it holds from when it was recorded
	if len(s.Stops) != 1 || !s.Stops[0].Since.Equal(instant("2026-09-10 10:59")) {
		t.Errorf("death: %+v", s.Stops)
	}
}

func TestContractsFold(t *testing.T) {
	t.Parallel()
	started := `"type":"contract.started","time":"2026-01-01T00:00:00Z","data":{"reference":"K","sector":"energy","ends_at":"2026-12-31T00:00:00Z"}`
	changed := `"type":"contract.changed","time":"2026-02-01T00:00:00Z","data":{"reference":"K","ends_at":"2027-12-31T00:00:00Z"}`
	ended := `"type":"contract.ended","time":"2026-03-01T00:00:00Z","data":{"reference":"K","ended_at":"2026-02-28T00:00:00Z"}`
	again := `"type":"contract.started","time":"2026-04-01T00:00:00Z","data":{"reference":"K"}`
	utc := func(s string) time.Time { return instant(s + ",UTC") }
	for name, c := range map[string]struct {
		events []string
		want   Contract
	}{
		"started":  {[]string{started}, Contract{Event: id(1), Started: utc("2026-01-01"), EndsAt: utc("2026-12-31"), Sector: "energy"}},
		"changed":  {[]string{started, changed}, Contract{Event: id(2), Position: 1, Started: utc("2026-01-01"), EndsAt: utc("2027-12-31"), Sector: "energy"}},
		"ended":    {[]string{started, changed, ended}, Contract{Event: id(3), Position: 2, Started: utc("2026-01-01"), EndsAt: utc("2027-12-31"), Ended: utc("2026-02-28"), Sector: "energy"}},
		"again":    {[]string{started, ended, again}, Contract{Event: id(3), Position: 2, Started: utc("2026-04-01"), EndsAt: utc("2026-12-31"), Sector: "energy"}},
		"no start": {[]string{changed}, Contract{Event: id(1), EndsAt: utc("2027-12-31")}},
		"nothing":  {nil, Contract{}},
	} {
		if len(c.events) > 0 {
			c.want.Controller = "acme"
		}
		l := facts(t, "2026-09-15 10:00", c.events...)
		forth := FoldContract(l)
		slices.Reverse(l)
		for _, got := range []Contract{forth, FoldContract(l)} {
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

// TestHoursConsentedTo are read from the consent, Sunday included; what cannot be
// read opens none.
func TestHoursConsentedTo(t *testing.T) {
	t.Parallel()
	grant := strings.Replace(grantEvent, `"method"`, `"slots":["1-5/20:00-21:00","7/10:00-12:00","7/25:00-26:00"],"method"`, 1)
	var s State
	for _, k := range facts(t, "2026-09-10 11:00", grant) {
		s.Add(k)
	}
	want := []Slot{{Days: Days(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday), From: 20 * 60, To: 21 * 60},
		{Days: Days(time.Sunday), From: 10 * 60, To: 12 * 60}}
	if len(s.Proofs) != 1 {
		t.Fatalf("%d proofs", len(s.Proofs))
	}
	if d := cmp.Diff(want, s.Proofs[0].Slots); d != "" {
		t.Error(d)
	}
}

// TestThePolicysChoices reach the rules.
func TestThePolicysChoices(t *testing.T) {
	t.Parallel()
	text := string(deploy.Policy())
	for from, to := range map[string]string{
		"free_account_is_sale: false": "free_account_is_sale: true", "callback_any_time: false": "callback_any_time: true\n  justification: decided by the DPO",
		"alsace_moselle: false": "alsace_moselle: true", "overseas: false": "overseas: true", "# dialer_silent_after: P2D": "dialer_silent_after: P2D",
		"    channels: [email, sms, phone, postal]\n  - code: contract": "    channels: [email, sms, phone, postal]\n    prospecting: true\n  - code: contract",
	} {
		if !strings.Contains(text, from) {
			t.Fatalf("the shipped policy has no %q", from)
		}
		text = strings.Replace(text, from, to, 1)
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r := Law(loaded).WithPolicy(p)
	if !r.FreeAccountIsSale || !r.CallbackAnyTime || !r.AlsaceMoselle || !r.Overseas || r.DialerSilentAfter != (policy.Period{Days: 2}) ||
		!r.Purposes["customer_service"].Prospecting || !r.Purposes["prospecting"].Prospecting || r.Purposes["contract"].Prospecting {
		t.Errorf("%+v", r)
	}
	if p, err = policy.Parse(deploy.Policy()); err != nil {
		t.Fatal(err)
	}
	r = Law(loaded).WithPolicy(p)
	if r.FreeAccountIsSale || r.CallbackAnyTime || r.AlsaceMoselle || r.Overseas || r.Purposes["customer_service"].Prospecting {
		t.Errorf("shipped: %+v", r)
	}
}
